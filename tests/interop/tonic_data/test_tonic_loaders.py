"""SHD, SSC and N-MNIST as tonic fetches, keeps and reads them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tonic_files import write_nmnist, write_words

from mlgenn_delays import datasets
from mlgenn_delays.datasets import fetching
from mlgenn_delays.datasets.fetching import DataNotFoundError
from mlgenn_delays.datasets.heidelberg import heidelberg_notice
from mlgenn_delays.interop.tonic import load_nmnist, load_shd, load_ssc

tonic = pytest.importorskip("tonic", reason="tonic is not installed")
pytestmark = pytest.mark.tonic

PARTS = {"shd": {"train": 24, "test": 8}, "ssc": {"train": 12, "valid": 8, "test": 4}}


@pytest.fixture
def words(tmp_path: Path) -> Path:
    for name, parts in PARTS.items():
        write_words(tmp_path / "data", name.upper(), parts)
    return tmp_path / "data"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No server answers; the addresses that were asked for."""
    asked: list[str] = []

    def probe(address: str) -> str:
        asked.append(address)
        return "cannot be reached (no network)"

    def download(self: object) -> None:
        pytest.fail("tonic fetches")

    monkeypatch.setattr(fetching, "probe", probe)
    monkeypatch.setattr(tonic.Dataset, "download", download)
    return asked


@pytest.mark.parametrize("name", PARTS)
def test_recordings_are_those_of_the_own_reader(name: str, words: Path) -> None:
    """Up to a microsecond, to which tonic rounds times."""
    load, own = {"shd": (load_shd, datasets.load_shd), "ssc": (load_ssc, datasets.load_ssc)}[name]
    data = load(words, progressbar=False)
    expected = own("real", words, progressbar=False)
    assert (data.kind, data.num_events, data.num_late) == (
        expected.kind,
        expected.num_events,
        expected.num_late,
    )
    assert (data.validation is None) == (expected.validation is None)
    for part, other in ((data.train, expected.train), (data.test, expected.test)):
        np.testing.assert_array_equal(part.events.offsets, other.events.offsets)
        np.testing.assert_allclose(part.events.times, other.events.times, atol=2e-3)
        np.testing.assert_array_equal(np.sort(part.events.neurons), np.sort(other.events.neurons))
        np.testing.assert_array_equal(part.labels, other.labels)
        np.testing.assert_array_equal(part.groups, other.groups)
        assert part.class_names == other.class_names
        assert part.duration == other.duration
    assert heidelberg_notice(data) == heidelberg_notice(expected) != ""
    assert data.source["description"].endswith("read by tonic")
    assert set(data.source["files"]) == set(expected.source["files"])


def test_parts_are_those_of_their_files(words: Path) -> None:
    data = load_ssc(words, progressbar=False)
    assert data.validation is not None
    sizes = [len(part) for part in (data.train, data.validation, data.test)]
    assert sizes == [12, 8, 4]


def test_folder_of_the_environment(words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(fetching.DATA_VARIABLE, str(words))
    assert len(load_shd(progressbar=False).train) == 24
    with pytest.raises(FileNotFoundError, match="data_dir: there is no folder"):
        load_shd(words / "nowhere")


def test_read_once(words: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_shd(words, progressbar=False)
    assert len(list((cache / "events").iterdir())) == 2

    def read(self: object, index: int) -> None:
        pytest.fail("read again")

    monkeypatch.setattr(tonic.datasets.SHD, "__getitem__", read)
    again = load_shd(words, progressbar=False)
    np.testing.assert_array_equal(again.train.events.times, before.train.events.times)


def test_classes_of_the_parts_differ(words: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(words / "SHD" / "shd_test.h5", "r+") as file:
        del file["extra/keys"]
        file["extra/keys"] = np.array([b"a", b"b", b"c", b"d"])
    with pytest.raises(ValueError, match=r"shd_test.h5: the classes \['a', .*shd_train.h5"):
        load_shd(words, progressbar=False)


class TestMissingFiles:
    def test_nothing_is_fetched_without_being_wanted(
        self, tmp_path: Path, no_network: list[str]
    ) -> None:
        with pytest.raises(
            DataNotFoundError,
            match=r"Spiking Heidelberg Digits: tonic did not find shd_train.h5.zip .*SHD, and "
            "https.*: fetching was switched off. Name a folder in which tonic has made SHD",
        ):
            load_shd(tmp_path, fetch=False)
        assert no_network == []

    def test_no_network(self, tmp_path: Path, no_network: list[str]) -> None:
        with pytest.raises(DataNotFoundError, match=r"cannot be reached \(no network\)"):
            load_ssc(tmp_path)
        assert no_network == ["https://zenkelab.org/datasets/ssc_train.h5.zip"]

    def test_failing_download(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def download(self: object) -> None:
            raise RuntimeError("File not found or corrupted.")

        monkeypatch.setattr(fetching, "probe", lambda address: None)
        monkeypatch.setattr(tonic.Dataset, "download", download)
        with pytest.raises(
            DataNotFoundError, match=r"could not be fetched \(File not found or corr"
        ):
            load_shd(tmp_path)

    def test_tonic_downloads(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the server answers it is tonic that fetches, into its own folders."""

        def download(self: Any) -> None:
            assert self.location_on_system == str(tmp_path / "SHD")
            write_words(tmp_path, "SHD", PARTS["shd"])

        monkeypatch.setattr(fetching, "probe", lambda address: None)
        monkeypatch.setattr(tonic.Dataset, "download", download)
        assert len(load_shd(tmp_path, progressbar=False).train) == 24

    def test_part_of_the_files(self, words: Path, no_network: list[str]) -> None:
        (words / "SHD" / "shd_test.h5").unlink()
        with pytest.raises(DataNotFoundError, match=r"SHD is not complete .*shd_test\.h5.* delete"):
            load_shd(words)

    def test_damaged_file(self, words: Path) -> None:
        (words / "SHD" / "shd_train.h5").write_bytes(b"no HDF5")
        with pytest.raises(ValueError, match=r"SHD: damaged .*; delete it"):
            load_shd(words)


def test_no_tonic(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "tonic", None)
    with pytest.raises(ImportError, match=r"need tonic: pip install 'mlgenn_delays\[tonic\]'"):
        load_shd(tmp_path)
    with pytest.raises(DataNotFoundError, match=r"pip install 'mlgenn_delays\[tonic\]'"):
        load_nmnist("real", tmp_path)


@pytest.mark.usefixtures("few_recordings")
class TestNMNIST:
    @pytest.fixture
    def recordings(self, tmp_path: Path) -> Path:
        write_nmnist(tmp_path, 30, 10)
        return tmp_path

    @pytest.mark.parametrize("wanted", ["auto", "real"])
    def test_recordings(self, recordings: Path, wanted: str) -> None:
        data = load_nmnist(wanted, recordings, progressbar=False)
        assert (data.kind, data.fallback_reason) == ("real", None)
        assert (len(data.train), len(data.test)) == (30, 10)
        assert data.train.class_names == tuple("0123456789")
        assert data.train.duration == 340.0
        assert data.source["description"].startswith("N-MNIST, Orchard et al. 2015")

    def test_synthetic(self, recordings: Path) -> None:
        data = load_nmnist("synthetic", recordings, num_per_class=2)
        assert (data.kind, data.fallback_reason) == ("synthetic", None)
        assert (len(data.train), len(data.test)) == (20, 10)

    def test_nothing_is_there(self, tmp_path: Path, no_network: list[str]) -> None:
        data = load_nmnist("auto", tmp_path, num_per_class=1)
        assert data.kind == "synthetic"
        assert data.fallback_reason is not None and "no network" in data.fallback_reason
        with pytest.raises(DataNotFoundError, match=r"N-MNIST: tonic did not find train\.zip"):
            load_nmnist("real", tmp_path, fetch=False)
        assert len(no_network) == 1

    def test_damaged_recording(self, recordings: Path) -> None:
        """An event beyond the sensor, as what was cut short or overwritten has."""
        next((recordings / "NMNIST" / "Train" / "0").iterdir()).write_bytes(
            bytes([250, 3, 0, 0, 9])
        )
        with pytest.raises(ValueError, match=r"dataset: example \d: x has 250"):
            load_nmnist("real", recordings, progressbar=False)
