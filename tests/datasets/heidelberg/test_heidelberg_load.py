"""Loading SHD and SSC: recordings where they are, generated patterns where they are not."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from heidelberg_files import CLASSES, EXAMPLES, LABELS, SPEAKERS, write_file

from mlgenn_delays.datasets import fetching
from mlgenn_delays.datasets.fetching import DATA_VARIABLE, DownloadError
from mlgenn_delays.datasets.heidelberg import (
    HeidelbergNotFoundError,
    heidelberg_notice,
    load,
    load_shd,
    load_ssc,
    parse,
    print_heidelberg_notice,
)

PARTS = {"shd": ("train", "test"), "ssc": ("train", "valid", "test")}


def write_set(folder: Path, dataset: str = "shd", suffix: str = "") -> dict[str, Path]:
    """All files of a data set, plain or packed."""
    return {p: pack(write_file(folder / f"{dataset}_{p}.h5"), suffix) for p in PARTS[dataset]}


def pack(path: Path, suffix: str) -> Path:
    if suffix == "":
        return path
    packed = path.with_name(path.name + suffix)
    if suffix == ".gz":
        packed.write_bytes(gzip.compress(path.read_bytes()))
    else:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, path.name)
    path.unlink()
    return packed


@pytest.fixture()
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(dataset: str, part: str, progressbar: bool) -> Path:
        raise DownloadError("the test has no network")

    monkeypatch.setattr(load, "download", fail)


def test_recordings(tmp_path: Path) -> None:
    paths = write_set(tmp_path)
    data = load_shd("real", tmp_path, progressbar=False)
    assert data.kind == "real"
    assert data.fallback_reason is None
    assert data.validation is None
    for name, part in (("train", data.train), ("test", data.test)):
        assert part.class_names == CLASSES
        assert part.labels.tolist() == list(LABELS)
        assert part.groups is not None
        assert part.groups.tolist() == list(SPEAKERS)
        assert (part.num_channels, part.duration, part.kind) == (700, 1000.0, "real")
        assert part.events.times.tolist() == [125.0, 250.0, 500.0, 750.0, 0.0]
        assert part.source["file"]["path"] == str(paths[name])
        part.events.check_structure(name)
    assert (data.num_events, data.num_late) == (10, 4)
    source = json.loads(json.dumps(data.source))
    assert source["files"]["test"]["num_late_events"] == 2
    assert len(source["files"]["train"]["sha256"]) == 64


def test_speech_commands_have_a_validation_part(tmp_path: Path) -> None:
    write_set(tmp_path, "ssc")
    write_file(tmp_path / "ssc_valid.h5", examples=EXAMPLES[:1], labels=[1], speakers=[9])
    data = load_ssc("real", tmp_path, progressbar=False)
    assert data.validation is not None
    assert [len(p) for p in (data.train, data.validation, data.test)] == [4, 1, 4]
    assert set(data.source["files"]) == {"train", "validation", "test"}


def test_speech_commands_need_not_say_who_speaks(tmp_path: Path) -> None:
    for part in PARTS["ssc"]:
        write_file(tmp_path / f"ssc_{part}.h5", lambda file: file.pop("extra/speaker"))
    assert load_ssc("real", tmp_path, progressbar=False).train.groups is None


def test_digits_must_say_who_speaks(tmp_path: Path) -> None:
    write_set(tmp_path)
    write_file(tmp_path / "shd_test.h5", lambda file: file.pop("extra/speaker"))
    with pytest.raises(ValueError, match=r"shd_test\.h5: extra/speaker: missing"):
        load_shd("real", tmp_path, progressbar=False)


@pytest.mark.parametrize("suffix", ["", ".zip", ".gz"])
@pytest.mark.parametrize("subfolder", ["", "SHD", "shd", "SHD/SHD", "hsd"])
def test_published_and_tonic_folders(subfolder: str, suffix: str, tmp_path: Path) -> None:
    write_set(tmp_path / subfolder, suffix=suffix)
    assert len(load_shd("real", tmp_path, progressbar=False).train) == 4


def test_folder_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    assert load_shd(progressbar=False).kind == "real"


def test_parts_may_lie_in_different_folders(tmp_path: Path, cache: Path) -> None:
    write_file(tmp_path / "shd_train.h5")
    write_file(cache / "SHD" / "shd_test.h5")
    assert load_shd("auto", tmp_path, fetch=False, progressbar=False).kind == "real"


class TestFetching:
    def test_only_what_is_missing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_file(tmp_path / "shd_train.h5")
        asked: list[tuple[Any, ...]] = []

        def fetch(*arguments: Any) -> Path:
            asked.append(arguments)
            return write_file(tmp_path / "fetched" / "shd_test.h5")

        monkeypatch.setattr(load, "download", fetch)
        assert load_shd("auto", tmp_path, progressbar=False).kind == "real"
        assert asked == [("shd", "test", False)]

    @pytest.mark.usefixtures("offline")
    def test_auto_falls_back_and_says_why(self, tmp_path: Path) -> None:
        train = write_file(tmp_path / "shd_train.h5")
        data = load_shd("auto", tmp_path, num_per_class=3)
        assert data.kind == "synthetic"
        assert data.fallback_reason is not None
        for text in ("shd_test.h5 not found", str(tmp_path), "the test has no network",
                     f"{train} is there", "zenkelab", DATA_VARIABLE):  # fmt: skip
            assert text in data.fallback_reason
        said = heidelberg_notice(data, advice="Do this.")
        assert "SYNTHETIC DATA" in said
        assert "no network" in said
        assert "Do this." in said

    @pytest.mark.usefixtures("offline")
    def test_real_is_an_error_that_says_what_to_do(self, tmp_path: Path, cache: Path) -> None:
        with pytest.raises(HeidelbergNotFoundError) as caught:
            load_ssc("real", tmp_path)
        for text in ("ssc_train.h5 and ssc_valid.h5 and ssc_test.h5", str(tmp_path), str(cache),
                     "the test has no network", "https://zenkelab.org/datasets/ssc_valid.h5.zip",
                     "data_dir", DATA_VARIABLE):  # fmt: skip
            assert text in str(caught.value)

    def test_can_be_switched_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(load, "download")
        with pytest.raises(HeidelbergNotFoundError, match="fetching was switched off"):
            load_shd("real", fetch=False)

    def test_nothing_is_fetched_that_could_not_be_read(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr(load, "download")
        monkeypatch.setitem(__import__("sys").modules, "h5py", None)
        with pytest.raises(HeidelbergNotFoundError, match=r"pip install 'mlgenn_delays\[shd\]'"):
            load_shd("real")


def test_recordings_without_h5py_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_set(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ImportError, match=r"pip install 'mlgenn_delays\[shd\]'"):
        load_shd("auto", tmp_path)


def test_synthetic_does_not_look_for_recordings(tmp_path: Path) -> None:
    write_set(tmp_path)
    data = load_shd("synthetic", tmp_path, num_per_class=1, seed=3)
    assert data.kind == "synthetic"
    assert data.source["seed"] == 3
    said = heidelberg_notice(data, advice="Do this.")
    assert "SYNTHETIC DATA" in said
    assert "Do this." not in said, "synthetic data were asked for"


def test_events_that_are_left_out_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_set(tmp_path)
    data = load_shd("real", tmp_path, progressbar=False)
    said = "4 of 14 events come after 1000 ms and are left out."
    assert heidelberg_notice(data) == said
    print_heidelberg_notice(data)
    assert capsys.readouterr() == ("", f"{said}\n")


class TestWrongFiles:
    @pytest.mark.parametrize("data", ["auto", "real"])
    def test_malformed_file_is_no_reason_to_generate(self, data: str, tmp_path: Path) -> None:
        write_set(tmp_path)
        write_file(tmp_path / "shd_test.h5", lambda file: file.pop("spikes/units"))
        with pytest.raises(ValueError, match=rf"{tmp_path}/shd_test\.h5: spikes/units: missing"):
            load_shd(data, tmp_path, progressbar=False)

    def test_classes_that_differ_between_parts(self, tmp_path: Path) -> None:
        write_set(tmp_path)
        write_file(tmp_path / "shd_test.h5", classes=("null", "zwei", "eins"))
        with pytest.raises(
            ValueError,
            match=r"shd_test\.h5: extra/keys: the classes \['null', 'zwei', 'eins'\] differ from "
            r"those of .*shd_train\.h5, \['null', 'eins', 'zwei'\]",
        ):
            load_shd("real", tmp_path, progressbar=False)

    @pytest.mark.parametrize("suffix", [".zip", ".gz"])
    def test_truncated_archive(self, suffix: str, tmp_path: Path) -> None:
        path = write_set(tmp_path, suffix=suffix)["train"]
        path.write_bytes(path.read_bytes()[:-60])
        with pytest.raises(ValueError, match=rf"{tmp_path}/shd_train\.h5\{suffix}: damaged arch"):
            load_shd("real", tmp_path, progressbar=False)

    def test_messages_name_the_archive(self, tmp_path: Path) -> None:
        write_set(tmp_path, suffix=".zip")
        bad = write_file(tmp_path / "shd_test.h5", lambda file: file.pop("labels"))
        pack(bad, ".zip")
        with pytest.raises(ValueError, match=rf"^{tmp_path}/shd_test\.h5\.zip: labels: missing"):
            load_shd("real", tmp_path, progressbar=False)

    def test_nothing_of_a_wrong_file_is_cached(self, tmp_path: Path, cache: Path) -> None:
        write_set(tmp_path)
        write_file(tmp_path / "shd_train.h5", lambda file: file.pop("spikes/times"))
        with pytest.raises(ValueError, match="missing"):
            load_shd("real", tmp_path, progressbar=False)
        assert not [p for p in cache.rglob("*") if p.is_file()]

    def test_unknown_choice(self) -> None:
        with pytest.raises(ValueError, match=r"data: 'Real', allowed are \('auto', 'real'"):
            load_shd("Real")


class TestCache:
    @pytest.fixture()
    def reads(self, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
        """Files that were read, not taken from the cache."""
        seen: list[Path] = []

        def read(path: Path, *arguments: Any, **keywords: Any) -> Any:
            seen.append(path)
            return parse.read_file(path, *arguments, **keywords)

        monkeypatch.setattr(load, "read_file", read)
        return seen

    @pytest.mark.parametrize("suffix", ["", ".zip"])
    def test_files_are_read_once(self, suffix: str, tmp_path: Path, reads: list[Path]) -> None:
        write_set(tmp_path, suffix=suffix)
        first = load_shd("real", tmp_path, progressbar=False)
        assert len(reads) == 2
        second = load_shd("real", tmp_path, progressbar=False)
        assert len(reads) == 2
        for one, two in ((first.train, second.train), (first.test, second.test)):
            np.testing.assert_array_equal(one.events.offsets, two.events.offsets)
            np.testing.assert_array_equal(one.events.times, two.events.times)
            np.testing.assert_array_equal(one.events.neurons, two.events.neurons)
            np.testing.assert_array_equal(one.labels, two.labels)
            assert one.source == two.source
            assert one.class_names == two.class_names
        assert second.num_late == 4

    def test_events_are_mapped_into_memory(self, tmp_path: Path) -> None:
        write_set(tmp_path)
        load_shd("real", tmp_path, progressbar=False)
        events = load_shd("real", tmp_path, progressbar=False).train.events
        assert isinstance(events.times.base, np.memmap)
        assert isinstance(events.neurons.base, np.memmap)
        assert not events.times.flags.writeable

    def test_changed_file_is_read_again(
        self, tmp_path: Path, cache: Path, reads: list[Path]
    ) -> None:
        write_set(tmp_path)
        load_shd("real", tmp_path, progressbar=False)
        write_file(tmp_path / "shd_train.h5", examples=EXAMPLES[:2], labels=[0, 1], speakers=[1, 1])
        assert len(load_shd("real", tmp_path, progressbar=False).train) == 2
        assert len(reads) == 3
        assert len(list((cache / "events").glob("shd_train-*"))) == 1, "the old one is removed"

    def test_moved_file_is_not_read_again(self, tmp_path: Path, reads: list[Path]) -> None:
        write_set(tmp_path / "one")
        load_shd("real", tmp_path / "one", progressbar=False)
        (tmp_path / "one").rename(tmp_path / "two")
        data = load_shd("real", tmp_path / "two", progressbar=False)
        assert len(reads) == 2
        assert data.source["files"]["train"]["path"] == str(tmp_path / "two" / "shd_train.h5")

    def test_cache_that_cannot_be_written(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        write_set(tmp_path, suffix=".zip")
        (tmp_path / "file").touch()
        monkeypatch.setattr(fetching, "cache_folder", lambda: tmp_path / "file" / "cache")
        data = load_shd("real", tmp_path, progressbar=False)
        assert data.train.events.times.tolist() == [125.0, 250.0, 500.0, 750.0, 0.0]
        assert "nothing is cached" in caplog.text


def test_progress_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_set(tmp_path)
    load_shd("real", tmp_path, progressbar=True)
    said = capsys.readouterr().err
    assert "reading shd_train.h5" in said
    assert "reading shd_test.h5" in said


@pytest.mark.parametrize("load_set", [load_shd, load_ssc])
def test_generated_sets_have_the_same_form(load_set: Callable[..., Any]) -> None:
    data = load_set("synthetic", num_per_class=1)
    classes = 20 if load_set is load_shd else 35
    assert len(data.train) == len(data.test) == classes
    assert (data.validation is None) == (load_set is load_shd)
    assert data.train.num_channels == 700
    json.dumps(data.source)
