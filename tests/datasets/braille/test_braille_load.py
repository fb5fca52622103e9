"""Loading Braille data: recordings where they are, simulated trials where they are not."""

from __future__ import annotations

import base64
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlgenn_delays.datasets import (
    BRAILLE_CLASSES,
    BrailleNotFoundError,
    braille_notice,
    load_braille,
    print_braille_notice,
)
from mlgenn_delays.datasets.braille import load
from mlgenn_delays.datasets.braille.load import ARCHIVE, file_name
from mlgenn_delays.datasets.fetching import DATA_VARIABLE, DownloadError

FRAMES = json.loads(Path(__file__).with_name("pandas_pickles.json").read_text(encoding="utf-8"))


def recordings() -> list[dict[str, Any]]:
    """Two trials."""
    silent: list[list[list[float]]] = [[[], []] for _ in range(12)]
    events = [[list(p) for p in taxel] for taxel in silent]
    events[0][0] = [0.25, 0.1]
    events[11][1] = [1.3]
    events[3][0] = [0.5]
    return [{"letter": "Space", "events": silent}, {"letter": "B", "events": events}]


@pytest.fixture()
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(threshold: int, progressbar: bool) -> Path:
        raise DownloadError("the test has no network")

    monkeypatch.setattr(load, "download", fail)


def test_recordings(tmp_path: Path) -> None:
    path = tmp_path / file_name(10)
    path.write_bytes(pickle.dumps(recordings()))
    data = load_braille("real", tmp_path)
    assert data.is_real
    assert data.kind == "real"
    assert data.fallback_reason is None
    assert data.class_names == ("B", "Space")
    assert data.labels.tolist() == [1, 0]
    assert data.duration == 1304.0
    silent, spikes = data.spikes
    assert silent.end_spikes.tolist() == [0] * 24
    assert len(silent.spike_times) == 0
    # channels taxel + 12 * polarity, sorted by time within a channel
    assert spikes.end_spikes.tolist() == [2, 2, 2] + [3] * 20 + [4]
    np.testing.assert_allclose(spikes.spike_times, [100.0, 250.0, 500.0, 1300.0])
    assert spikes.spike_times.dtype == np.float32
    assert data.source["dataset"] == "real"
    assert data.source["file"] == str(path)
    json.dumps(data.source)


def test_select(tmp_path: Path) -> None:
    (tmp_path / file_name(10)).write_bytes(pickle.dumps(recordings()))
    data = load_braille("real", tmp_path)
    spikes, labels = data.select(np.array([1, 0, 1]))
    assert labels.tolist() == [0, 1, 0]
    assert [len(s.spike_times) for s in spikes] == [4, 0, 4]


@pytest.mark.parametrize("name", [n for n in FRAMES if "pandas 3" in n or "pandas 1.1" in n])
def test_data_frame_in_an_archive(name: str, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(f"reading_braille_data/{file_name(2)}", base64.b64decode(FRAMES[name]))
    (tmp_path / "braille").mkdir()
    (tmp_path / "braille" / ARCHIVE).write_bytes(buffer.getvalue())
    data = load_braille("real", tmp_path, threshold=2)
    assert [data.class_names[i] for i in data.labels] == ["B", "Space", "A"]
    assert [len(s.spike_times) for s in data.spikes] == [4, 0, 1]


def test_what_was_read_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / file_name(10)
    path.write_bytes(pickle.dumps(recordings()))
    first = load_braille("real", tmp_path)
    changed = [*recordings(), *recordings()]
    with monkeypatch.context() as patched:
        patched.delattr(load, "load_table")
        again = load_braille("real", tmp_path)
    assert again.source == first.source
    assert (again.class_names, again.duration) == (first.class_names, first.duration)
    np.testing.assert_array_equal(again.labels, first.labels)
    for a, b in zip(again.spikes, first.spikes, strict=True):
        np.testing.assert_array_equal(a.end_spikes, b.end_spikes)
        np.testing.assert_array_equal(a.spike_times, b.spike_times)
    path.write_bytes(pickle.dumps(changed))
    assert len(load_braille("real", tmp_path)) == 4


def test_thresholds_of_one_archive_are_kept_apart(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / ARCHIVE, "w") as file:
        file.writestr(file_name(1), pickle.dumps(recordings()))
        file.writestr(file_name(2), pickle.dumps(recordings()[:1]))
    for _ in range(2):
        assert [len(load_braille("real", tmp_path, threshold=t)) for t in (1, 2)] == [2, 1]


def test_folder_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / file_name(10)).write_bytes(pickle.dumps(recordings()))
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    assert load_braille("auto").is_real


def test_cache_is_searched_after_the_given_folder(tmp_path: Path, cache: Path) -> None:
    cache.mkdir()
    (cache / file_name(10)).write_bytes(pickle.dumps(recordings()))
    (tmp_path / "elsewhere").mkdir()
    data = load_braille("auto", tmp_path / "elsewhere", fetch=False)
    assert data.source["file"].startswith(str(cache))


def test_fetched_recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "fetched.pkl"
    path.write_bytes(pickle.dumps(recordings()))
    asked: list[tuple[int, bool]] = []

    def fetch(threshold: int, progressbar: bool) -> Path:
        asked.append((threshold, progressbar))
        return path

    monkeypatch.setattr(load, "download", fetch)
    assert load_braille("auto", threshold=5, progressbar=False).is_real
    assert asked == [(5, False)]


@pytest.mark.usefixtures("offline")
def test_auto_falls_back_and_says_why(tmp_path: Path) -> None:
    data = load_braille("auto", tmp_path, num_per_class=2)
    assert not data.is_real
    assert len(data) == 54
    assert data.fallback_reason is not None
    for part in (str(tmp_path), file_name(10), "the test has no network", "zenodo", DATA_VARIABLE):
        assert part in data.fallback_reason
    notice = braille_notice(data)
    lines = notice.splitlines()
    assert len(lines) > 10
    assert {len(line) for line in lines} == {80}, "a box"
    assert all(line.startswith("##") for line in lines)
    assert "SYNTHETIC DATA" in notice
    said = " ".join(notice.replace("#", " ").split())
    assert "the test has no network" in said, "lines are broken anywhere"


@pytest.mark.usefixtures("offline")
def test_real_is_an_error_that_says_what_to_do(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(BrailleNotFoundError) as caught:
        load_braille("real", tmp_path, threshold=1)
    for part in (str(tmp_path), str(cache), file_name(1), "the test has no network",
                 "https://zenodo.org/records/7050094", "data_dir", DATA_VARIABLE):  # fmt: skip
        assert part in str(caught.value)


def test_fetching_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(load, "download")
    with pytest.raises(BrailleNotFoundError, match="fetching was switched off"):
        load_braille("real", fetch=False)


def test_synthetic_does_not_look_for_recordings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / file_name(10)).write_bytes(pickle.dumps(recordings()))
    data = load_braille("synthetic", tmp_path, num_per_class=1, seed=3)
    assert not data.is_real
    assert data.class_names == BRAILLE_CLASSES
    assert data.source["seed"] == 3
    assert data.fallback_reason is None
    assert "SYNTHETIC DATA" in braille_notice(data)
    print_braille_notice(data)
    assert capsys.readouterr() == ("", f"{braille_notice(data)}\n")


def test_no_notice_for_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / file_name(10)).write_bytes(pickle.dumps(recordings()))
    data = load_braille("auto", tmp_path)
    assert braille_notice(data) == ""
    print_braille_notice(data)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("data", ["auto", "real"])
def test_damaged_file_is_an_error_and_no_reason_to_simulate(data: str, tmp_path: Path) -> None:
    path = tmp_path / file_name(10)
    path.write_bytes(pickle.dumps(recordings())[:-20])
    with pytest.raises(ValueError, match=f"{file_name(10)}: damaged"):
        load_braille(data, tmp_path)
    path.write_bytes(pickle.dumps([{"letter": "A", "events": [[[-1.0], []]] * 12}]))
    with pytest.raises(ValueError, match=f"{file_name(10)}: trial 0 has an event at -1.0 s"):
        load_braille(data, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": "Real"}, r"data: 'Real', allowed are \('auto', 'real', 'synthetic'\)"),
        ({"threshold": 7}, r"threshold: 7, allowed are \(1, 2, 5, 10\)"),
        ({"data": "synthetic", "num_per_class": -1}, "num_per_class: -1"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_braille(**arguments)


def test_published_recordings(real_folder: Path) -> None:
    data = load_braille("real", real_folder)
    assert data.class_names == BRAILLE_CLASSES
    counts = np.bincount(data.labels)
    assert counts.min() == counts.max() >= 100
    per_trial = np.array([len(s.spike_times) for s in data.spikes])
    assert 38 < per_trial.mean() < 44
    times = np.concatenate([s.spike_times for s in data.spikes])
    assert times.min() >= 0
    assert times.max() <= 1300


def test_published_recordings_are_encoded_as_by_our_encoder(real_folder: Path) -> None:
    """Between two readings 25 ms apart events are 10 units of a line between whole numbers."""
    data = load_braille("real", real_folder)
    spacings = []
    for spikes in data.spikes[::20]:
        for times in np.split(spikes.spike_times.astype(np.float64), spikes.end_spikes[:-1]):
            interval = np.ceil(times / 25.0 - 1e-4)
            spacings.append(np.diff(times)[np.diff(interval) == 0])
    change = 25.0 * 10.0 / np.concatenate(spacings)
    assert len(change) > 500
    assert np.abs(change - np.rint(change)).max() < 0.05
