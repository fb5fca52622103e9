"""Folders of WAV files become parts of events."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from speech_folders import wav_bytes, word, write, write_commands, write_digits

from mlgenn_delays.audio import Cochlea, MelEvents
from mlgenn_delays.datasets import fetching
from mlgenn_delays.datasets.labelled_events import LabelledEvents
from mlgenn_delays.datasets.speech.load import (
    SUBFOLDERS,
    SpeechData,
    SpeechNotFoundError,
    load_speech,
    print_speech_notice,
    speech_notice,
)

# read before a fixture hides it
REAL_DATA = os.environ.get(fetching.DATA_VARIABLE)
#: Quick, and with few channels.
MEL = MelEvents(num_bands=20)


def load(*arguments: Any, **options: Any) -> SpeechData:
    return load_speech(*arguments, **{"encoder": MEL, "num_workers": 1, "duration": 200.0,
                                      "progressbar": False, **options})  # fmt: skip


def parts(data: SpeechData) -> tuple[LabelledEvents, ...]:
    return data.train, data.validation, data.test


def test_folder_of_digits(tmp_path: Path) -> None:
    write_digits(tmp_path, repetitions=15)
    data = load("real", wav_dir=tmp_path)
    assert [len(part) for part in parts(data)] == [36, 4, 20]
    assert data.speakers == ("ann", "bob")
    assert data.skipped == ()
    for part in parts(data):
        part.events.check_structure("x")
        assert part.class_names == ("0", "1")
        assert (part.num_channels, part.duration, part.kind) == (40, 200.0, "real")
        assert part.groups is not None
        assert set(part.groups.tolist()) == {0, 1}
        assert set(part.labels.tolist()) == {0, 1}
    # the pitch of a word is its class
    pitches: list[list[float]] = [[], []]
    for part in parts(data):
        for example, label in enumerate(part.labels):
            pitches[label].append(np.mean(part.events.example(example)[1] % 20))
    assert max(pitches[0]) < min(pitches[1])
    json.dumps(data.train.source)
    assert data.train.source["folder"] == str(tmp_path)
    assert data.train.source["encoder"]["num_bands"] == 20
    assert data.train.source["encoder"]["highest"] == 3800.0


def test_labels_and_speakers_stay_with_their_events(tmp_path: Path) -> None:
    """Also where recordings are left out, and whatever the split is."""
    write_digits(tmp_path, digits=3, repetitions=12)
    for name in ("0_ann_0.wav", "1_bob_7.wav", "2_bob_11.wav", "0_ann_9.wav"):
        write(tmp_path, name, b"damaged")
    whole = load(wav_dir=tmp_path)
    assert sorted(s.name for s in whole.skipped) == [
        "0_ann_0.wav", "0_ann_9.wav", "1_bob_7.wav", "2_bob_11.wav"]  # fmt: skip
    assert [len(part) for part in parts(whole)][2] == 29
    left_out = load(wav_dir=tmp_path, leave_out_speaker="bob")
    assert set(left_out.test.groups.tolist()) == {1}  # type: ignore[union-attr]
    assert set(left_out.train.groups.tolist()) == {0}  # type: ignore[union-attr]
    assert len(left_out.test) == 34

    def by_events(data: SpeechData) -> dict[bytes, tuple[int, int]]:
        found = {}
        for part in parts(data):
            assert part.groups is not None
            for i in range(len(part)):
                times, channels = part.events.example(i)
                key = times.tobytes() + channels.tobytes()
                found[key] = (int(part.labels[i]), int(part.groups[i]))
        return found

    first, second = by_events(whole), by_events(left_out)
    assert {key: value[0] for key, value in first.items()} == {
        key: value[0] for key, value in second.items()
    }


def test_splits_share_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_digits(tmp_path, repetitions=15)
    load(wav_dir=tmp_path)
    monkeypatch.setattr(MelEvents, "encode", lambda self, sounds: pytest.fail("encoded again"))
    load(wav_dir=tmp_path, leave_out_speaker="ann")
    load(wav_dir=tmp_path, seed=1)


def test_equal_names_sizes_and_times_of_other_words(tmp_path: Path) -> None:
    for folder, frequency in (("one", 500.0), ("other", 2000.0)):
        for i in range(30):
            write(tmp_path / folder, f"{i % 2}_ann_{i}.wav", word(frequency + 10.0 * (i % 2)))
        for path in (tmp_path / folder).iterdir():
            os.utime(path, ns=(1, 1))
    one, other = load(wav_dir=tmp_path / "one"), load(wav_dir=tmp_path / "other")
    assert np.mean(one.train.events.neurons % 20) < np.mean(other.train.events.neurons % 20) - 2


def test_what_made_the_parts_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_digits(tmp_path, repetitions=15)
    data = load(wav_dir=tmp_path, leave_out_speaker="bob")
    assert (
        data.train.source["split"]
        == data.split
        == ("test: speaker 'bob'; validation: 10% at random")
    )
    said = f"Split of the recordings: {data.split}"
    assert speech_notice(data) == said
    print_speech_notice(data)
    assert capsys.readouterr() == ("", f"{said}\n")


def test_google_speech_commands(tmp_path: Path) -> None:
    write_commands(tmp_path)
    data = load(wav_dir=tmp_path)
    assert [len(part) for part in parts(data)] == [12, 6, 6]
    assert data.train.class_names == ("no", "yes")
    assert data.train.source["encoder"]["highest"] == 7600.0
    assert data.speakers == ("00aa", "11bb", "22cc", "33dd")


def test_speakers_that_are_not_known(tmp_path: Path) -> None:
    for i in range(10):
        write(tmp_path, f"a/{i}.wav", word(300.0))
        write(tmp_path, f"b/{i}.wav", word(600.0))
    data = load(wav_dir=tmp_path)
    assert data.speakers == ()
    assert set(data.train.groups.tolist()) == {-1}  # type: ignore[union-attr]


def test_every_kind_of_file_that_cannot_be_used(tmp_path: Path) -> None:
    write_digits(tmp_path, repetitions=15)
    good = word(400.0)
    bad = {
        "0_ann_5.wav": b"",
        "0_ann_6.wav": good[:300],
        "0_ann_7.wav": wav_bytes(np.zeros(0)),
        "0_ann_8.wav": good[:24] + b"\0\0\0\0" + good[28:],
        "0_ann_9.wav": good[:40] + b"\xf0\xff\xff\xff" + good[44:],
    }
    for name, content in bad.items():
        write(tmp_path, name, content)
    (tmp_path / "note.wav").write_bytes(good)
    data = load(wav_dir=tmp_path)
    assert {s.name for s in data.skipped} == set(bad)
    assert sum(map(len, parts(data))) == 55
    assert data.train.source["skipped"] == 5
    assert data.train.source["recordings"] == 55
    said = speech_notice(data)
    assert "5 recordings cannot be used and are left out:" in said
    for name, reason in (
        ("0_ann_5.wav", "the file is empty"),
        ("0_ann_6.wav", "cut off: 1920 bytes of samples are announced, 256 are there"),
        ("0_ann_7.wav", "it has no samples"),
        ("0_ann_8.wav", "its sample rate is 0 Hz"),
        ("0_ann_9.wav", "cut off: 4294967280 bytes of samples are announced, 1920 are there"),
    ):
        assert f"  {name}: {reason}" in said
    assert "1 WAV files do not fit the pattern" in said
    assert "SYNTHETIC" not in said


def test_many_unusable_files_are_not_all_named(tmp_path: Path) -> None:
    write_digits(tmp_path, repetitions=30)
    for i in range(5, 30):
        write(tmp_path, f"0_ann_{i}.wav", b"")
    said = speech_notice(load(wav_dir=tmp_path))
    assert said.count("the file is empty") == 20
    assert "and 5 more" in said


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_pipes_and_silence_are_left_out(tmp_path: Path) -> None:
    """Nothing waits for somebody to write into a pipe."""
    write_digits(tmp_path, repetitions=15)
    (tmp_path / "0_ann_7.wav").unlink()
    os.mkfifo(tmp_path / "0_ann_7.wav")
    write(tmp_path, "0_bob_8.wav", wav_bytes(np.zeros(800)))
    write(tmp_path, "1_bob_8.wav", wav_bytes(np.full(800, 0.5)))
    data = load(wav_dir=tmp_path)
    assert sum(map(len, parts(data))) == 57
    for part in parts(data):
        assert np.diff(part.events.offsets).min() > 0
    said = speech_notice(data)
    assert "0_ann_7.wav: it is no regular file" in said
    assert "0_bob_8.wav: it is silent" in said
    assert "1_bob_8.wav: it is silent" in said


def test_nothing_usable(tmp_path: Path) -> None:
    write_digits(tmp_path, repetitions=15)
    for path in tmp_path.glob("*.wav"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"none of the recordings can be used, e.g. \d_.*empty"):
        load(wav_dir=tmp_path)


def test_class_that_cannot_be_trained(tmp_path: Path) -> None:
    write_digits(tmp_path, digits=3, repetitions=15)
    for path in tmp_path.glob("2_*.wav"):
        if int(path.stem.split("_")[2]) > 4:
            path.write_bytes(b"")
    with pytest.raises(ValueError, match="no recordings to train with of the classes: 2"):
        load(wav_dir=tmp_path)


def test_class_that_cannot_be_trained_with_a_limit(tmp_path: Path) -> None:
    write_digits(tmp_path, digits=3, repetitions=15)
    for path in tmp_path.glob("2_*.wav"):
        if int(path.stem.split("_")[2]) > 4:
            path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"of the classes: 2; \d+ were left out, e.g. 2_.*empty"):
        load(wav_dir=tmp_path, most_trained=30)


def test_class_that_only_tests(tmp_path: Path) -> None:
    write_digits(tmp_path, digits=3, repetitions=15)
    with pytest.raises(ValueError, match="no recordings to train with of the classes: 2"):
        load(wav_dir=tmp_path, test_pattern="(^2_)|(_[0-4].wav)")


def test_part_that_cannot_be_used(tmp_path: Path) -> None:
    write_digits(tmp_path, repetitions=15)
    for path in tmp_path.glob("*_[0-4].wav"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="there are no recordings that can be used for test"):
        load(wav_dir=tmp_path)


def test_fewer_words(tmp_path: Path) -> None:
    write_digits(tmp_path, repetitions=15)
    data = load(wav_dir=tmp_path, most_trained=6, most_tested=4)
    assert [len(part) for part in parts(data)] == [6, 4, 4]
    whole = load(wav_dir=tmp_path)
    for few, all_of_them in zip(parts(data), parts(whole), strict=True):
        np.testing.assert_array_equal(few.labels, all_of_them.labels[: len(few)])
        for i in range(len(few)):
            np.testing.assert_array_equal(
                few.events.example(i)[0], all_of_them.events.example(i)[0]
            )


def test_other_rates_and_channels_in_one_folder(tmp_path: Path) -> None:
    write_digits(tmp_path, repetitions=15)
    for i, rate in ((5, 16000), (6, 44100), (7, 22050)):
        write(tmp_path, f"0_ann_{i}.wav", word(400.0, rate=rate))
    data = load(wav_dir=tmp_path)
    assert data.skipped == ()
    assert data.train.source["encoder"]["highest"] == 3800.0


def test_cochlea(tmp_path: Path) -> None:
    write_digits(tmp_path, repetitions=15)
    data = load(wav_dir=tmp_path, encoder=Cochlea(num_cells=50))
    assert data.train.num_channels == 50
    assert np.diff(data.train.events.offsets).min() > 20


def test_encoders_by_name(tmp_path: Path) -> None:
    write_digits(tmp_path, repetitions=15)
    for name, channels in (("mel", 280), ("cochlea", 700)):
        data = load(wav_dir=tmp_path, encoder=name, most_trained=4, most_tested=2)
        assert data.train.num_channels == channels


@pytest.mark.parametrize("name", SUBFOLDERS)
def test_folders_that_are_searched(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_digits(tmp_path / "data" / name, repetitions=15)
    assert load("auto", tmp_path / "data").train.kind == "real"
    monkeypatch.setenv(fetching.DATA_VARIABLE, str(tmp_path / "data"))
    assert load("real").train.kind == "real"


def test_made_up_words(tmp_path: Path) -> None:
    data = load("synthetic", num_per_class=20)
    assert data.train.kind == "synthetic"
    assert [len(part) for part in parts(data)] == [140, 20, 40]
    assert data.speakers == ("voice0", "voice1", "voice2", "voice3")
    assert data.fallback_reason is None
    assert data.train.source["dataset"] == "synthetic"
    said = speech_notice(data)
    assert "SYNTHETIC DATA" in said
    assert "made-up words" in said
    assert "Why" not in said


def test_auto_makes_words_up_and_says_why(tmp_path: Path) -> None:
    data = load("auto", tmp_path, num_per_class=20)
    assert data.train.kind == "synthetic"
    assert data.fallback_reason is not None
    for part in (str(tmp_path), "fsdd", "free-spoken-digit-dataset", "MLGENN_DELAYS_DATA"):
        assert part in data.fallback_reason
    assert "Why: No folder" in speech_notice(data)


def test_made_up_words_in_the_cache_are_not_taken_for_recordings(tmp_path: Path) -> None:
    first, second = (load("auto", tmp_path, num_per_class=20) for _ in range(2))
    assert first.fallback_reason == second.fallback_reason
    np.testing.assert_array_equal(first.train.events.times, second.train.events.times)


def test_real_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SpeechNotFoundError, match=r"No folder fsdd .*Name a folder of WAV files"):
        load("real", tmp_path)


def test_leave_out_a_made_up_speaker() -> None:
    data = load("synthetic", num_per_class=20, leave_out_speaker="voice2")
    assert set(data.test.groups.tolist()) == {2}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "some"}, r"data: 'some', allowed are \('auto', 'real', 'synthetic'\)"),
        ({"data": "synthetic", "wav_dir": "x"}, "'synthetic', but a folder of recordings"),
        ({"encoder": "ear"}, r"encoder: 'ear', allowed are \('mel', 'cochlea'\)"),
        ({"duration": 0.0}, "duration is 0"),
        ({"duration": float("nan")}, "duration is nan"),
        ({"duration": 60_001.0}, "duration is 60001, .* from 50 to 60000"),
        ({"data": "synthetic", "pattern": "x"}, "'synthetic', but a pattern of names .*: x"),
        ({"pattern": "((("}, r"pattern: '\(\(\(' is no regular expression"),
        ({"wav_dir": "nowhere"}, "nowhere: there is no such folder"),
        ({"data": "synthetic", "num_per_class": 0}, "num_per_class: 0"),
        ({"data": "synthetic", "test_pattern": "zzz"}, "found in none of the 1200 names"),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(**{"data": "auto", **options})


def test_published_recordings() -> None:
    """A few of the real files, with both encoders."""
    if not REAL_DATA or not (real_digits := Path(REAL_DATA) / "fsdd").is_dir():
        pytest.skip(f"{fetching.DATA_VARIABLE} does not name a folder with fsdd")
    for name in ("mel", "cochlea"):
        data = load("real", wav_dir=real_digits, encoder=name, most_trained=30, most_tested=10)
        assert data.train.class_names == tuple("0123456789")
        assert data.skipped == ()
        counts = np.diff(data.train.events.offsets)
        assert 300 < counts.mean() < 8000
        assert counts.min() > 100
