"""Encoding in parallel, the cache, and interruptions."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tapping import Tapped, Taps, read_numbers

from mlgenn_delays.audio import Cochlea, Encoder, MelEvents
from mlgenn_delays.datasets.speech import encode as encode_module
from mlgenn_delays.datasets.speech.encode import EncodedSounds, encode_sounds
from mlgenn_delays.datasets.speech.simulate import synthetic_words

Encode = Callable[..., EncodedSounds]

# read before a fixture makes them smaller
SIZES = encode_module._TASK, encode_module._SHARD


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode_module, "_TASK", 3)
    monkeypatch.setattr(encode_module, "_SHARD", 7)


@pytest.fixture
def encode(tmp_path: Path) -> Encode:
    """One process, a cache, no progress bar; equal results have equal arrays."""

    def call(
        words: Sequence[Any],
        encoder: Encoder | None = None,
        duration: float = 200.0,
        num_workers: int = 1,
        cached: bool = True,
    ) -> EncodedSounds:
        folder = tmp_path / "kept" if cached else None
        return encode_sounds(
            words, Taps() if encoder is None else encoder, duration, folder, num_workers, False
        )

    return call


def assert_equal(one: EncodedSounds, other: EncodedSounds) -> None:
    assert one.skipped == other.skipped
    np.testing.assert_array_equal(one.kept, other.kept)
    for name in ("offsets", "times", "neurons"):
        np.testing.assert_array_equal(getattr(one.events, name), getattr(other.events, name))


def test_events(encode: Encode, log: Path) -> None:
    encoded = encode([Tapped(i, log) for i in range(20)])
    assert len(encoded.events) == 20
    assert encoded.skipped == ()
    np.testing.assert_array_equal(encoded.kept, np.arange(20))
    encoded.events.check_structure("x")
    times, channels = encoded.events.example(13)
    np.testing.assert_allclose(times, np.arange(0.0, 150.0, 10.0))
    assert set(channels) == {13}


def test_events_after_the_trial_are_left_out(encode: Encode, log: Path) -> None:
    times, _ = encode([Tapped(1, log), Tapped(2, log)], duration=100.0).events.example(1)
    np.testing.assert_allclose(times, np.arange(0.0, 101.0, 10.0))


def test_long_sounds_are_cropped(encode: Encode, log: Path) -> None:
    long = Tapped(1, log, seconds=5.0)
    times, _ = encode([long, long], duration=100.0).events.example(0)
    assert times.max() == 100.0


@pytest.mark.parametrize("num_workers", [2, 3])
def test_number_of_processes_changes_nothing(encode: Encode, log: Path, num_workers: int) -> None:
    words = [Tapped(i, log, "damaged" if i in (0, 8, 9) else "") for i in range(20)]
    alone = encode(words, cached=False)
    assert_equal(encode(words, num_workers=num_workers), alone)
    assert_equal(encode(words, num_workers=num_workers), alone)  # from the cache
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("encoder", [MelEvents(num_bands=20), Cochlea(num_cells=20)])
def test_real_encoders_do_not_depend_on_pieces(
    encode: Encode, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = synthetic_words(1)
    pieces = encode(words, encoder, 500.0, num_workers=2, cached=False)
    monkeypatch.setattr(encode_module, "_TASK", 100)
    monkeypatch.setattr(encode_module, "_SHARD", 100)
    whole = encode(words, encoder, 500.0, cached=False)
    assert np.diff(whole.events.offsets).min() > 20
    assert_equal(pieces, whole)


def test_unusable_recordings_are_named(encode: Encode, log: Path) -> None:
    fates = {2: "damaged", 11: "gone"}
    encoded = encode([Tapped(i, log, fates.get(i, "")) for i in range(12)])
    assert [tuple(s) for s in encoded.skipped] == [
        ("word2", "it is damaged"),
        ("word11", "No such file or directory"),
    ]
    np.testing.assert_array_equal(encoded.kept, [0, 1, 3, 4, 5, 6, 7, 8, 9, 10])
    assert set(encoded.events.example(2)[1]) == {3}


def test_what_could_not_be_read_is_read_again(encode: Encode, log: Path, tmp_path: Path) -> None:
    """A network drive may be back the next time; a damaged file stays damaged."""
    fates = {2: "damaged", 9: "gone"}
    words = [Tapped(i, log, fates.get(i, "")) for i in range(12)]
    assert len(encode(words).skipped) == 2
    log.unlink()
    back = [replace(word, fate="") if word.number == 9 else word for word in words]
    encoded = encode(back)
    assert [s.name for s in encoded.skipped] == ["word2"]
    # the seven words of the first shard are kept
    assert read_numbers(log) == list(range(7, 12))
    encode(back)
    assert read_numbers(log) == list(range(7, 12))
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_silent_recordings_are_named(encode: Encode, log: Path) -> None:
    encoded = encode([Tapped(i, log, "silent" if i == 3 else "") for i in range(5)])
    assert [tuple(s) for s in encoded.skipped] == [("word3", "it is silent: all samples are equal")]
    np.testing.assert_array_equal(encoded.kept, [0, 1, 2, 4])


def test_nothing_usable_at_all(encode: Encode, log: Path) -> None:
    for _ in range(2):
        encoded = encode([Tapped(i, log, "damaged") for i in range(4)])
        assert len(encoded.events) == len(encoded.kept) == 0
        assert len(encoded.skipped) == 4


def test_what_is_cached_is_not_read_again(encode: Encode, log: Path) -> None:
    words = [Tapped(i, log, "damaged" if i == 1 else "") for i in range(9)]
    first = encode(words)
    assert read_numbers(log) == list(range(9))
    assert_equal(encode(words), first)
    assert read_numbers(log) == list(range(9))


def test_cache_follows_all_that_matters(encode: Encode, log: Path) -> None:
    words = [Tapped(i, log) for i in range(4)]
    encode(words)
    changed = [replace(words[0], version=1), *words[1:]]
    for count, arguments in enumerate(
        [(changed,), (words, Taps(5.0)), (words, Taps(), 60.0), (words[:3],), (words[::-1],)], 1
    ):
        log.unlink()
        encode(*arguments)
        assert len(read_numbers(log)) == len(arguments[0]), count
    log.unlink()
    encode(words)
    assert read_numbers(log) == []


def test_version_of_the_encoders(
    encode: Encode, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [Tapped(i, log) for i in range(4)]
    encode(words)
    monkeypatch.setattr(encode_module, "VERSION", -1)
    encode(words)
    assert len(read_numbers(log)) == 8


def test_damaged_cache_is_made_anew(encode: Encode, log: Path, tmp_path: Path) -> None:
    words = [Tapped(i, log) for i in range(9)]
    encode(words)  # its result is mapped from the files and must not be held
    damaged = [path for path in (tmp_path / "kept").rglob("*") if path.suffix == ".npy"]
    assert damaged
    for path in damaged:
        path.write_bytes(path.read_bytes()[:20])
    encoded = encode(words)
    assert len(read_numbers(log)) == 18
    assert_equal(encoded, encode(words, cached=False))


def test_folder_that_cannot_be_written(
    log: Path, tmp_path: Path, encode: Encode, caplog: pytest.LogCaptureFixture
) -> None:
    words = [Tapped(i, log) for i in range(4)]
    (tmp_path / "file").touch()
    encoded = encode_sounds(words, Taps(), 200.0, tmp_path / "file" / "cache", 1, False)
    assert "cache cannot be written" in caplog.text
    assert "nothing is cached" in caplog.text
    assert_equal(encoded, encode(words))


def test_interrupted_work_goes_on_where_it_was(encode: Encode, log: Path, tmp_path: Path) -> None:
    words = [Tapped(i, log, "ctrl-c" if i == 16 else "") for i in range(20)]
    with pytest.raises(KeyboardInterrupt):
        encode(words)
    log.with_suffix(".again").touch()
    log.unlink()
    encoded = encode(words)
    # two shards of seven words were complete
    assert read_numbers(log) == list(range(14, 20))
    assert_equal(encoded, encode([replace(word, fate="") for word in words], cached=False))
    assert list((tmp_path / "kept").glob("*.shards")) == []


def test_an_interrupt_loses_few_recordings(
    encode: Encode, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode_module, "_TASK", SIZES[0])
    monkeypatch.setattr(encode_module, "_SHARD", SIZES[1])
    words = [Tapped(i, log, "ctrl-c" if i == 300 else "") for i in range(301)]
    with pytest.raises(KeyboardInterrupt):
        encode(words)
    log.with_suffix(".again").touch()
    log.unlink()
    encode(words)
    assert 0 < len(read_numbers(log)) < 100


def test_damaged_shard_is_made_anew(encode: Encode, log: Path, tmp_path: Path) -> None:
    words = [Tapped(i, log, "ctrl-c" if i == 16 else "") for i in range(20)]
    with pytest.raises(KeyboardInterrupt):
        encode(words)
    log.with_suffix(".again").touch()
    log.unlink()
    shards = sorted((tmp_path / "kept").glob("*.shards/*"))
    assert len(shards) == 2
    shards[0].write_bytes(b"PK")
    encode(words)
    assert read_numbers(log) == [*range(7), *range(14, 20)]


def test_interrupt_leaves_no_processes(
    encode: Encode, log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    words = [Tapped(i, log, "ctrl-c" if i == 16 else "") for i in range(20)]
    with pytest.raises(KeyboardInterrupt):
        encode(words, num_workers=2)
    assert "stopping: recordings that are being encoded are finished" in caplog.text
    assert multiprocessing.active_children() == []


def test_process_that_dies(encode: Encode, log: Path) -> None:
    words = [Tapped(i, log, "crash" if i == 4 else "") for i in range(20)]
    with pytest.raises(OSError, match=r"a process .* at once.*--threads 1 .*num_workers=1"):
        encode(words, num_workers=2)
    assert multiprocessing.active_children() == []


def test_progress_bar(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [Tapped(i, log) for i in range(9)]
    encode_sounds(words, Taps(), 200.0, None, 1, True)
    assert "9/9" in capsys.readouterr().err
    encode_sounds(words, Taps(), 200.0, None, 1, False)
    assert capsys.readouterr().err == ""
