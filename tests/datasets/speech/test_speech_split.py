"""Which recordings train, validate and test."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from speech_folders import write_commands, write_digits

from mlgenn_delays.datasets.speech.find import Recordings, find_recordings
from mlgenn_delays.datasets.speech.split import split_recordings
from mlgenn_delays.datasets.splits import Split


def split(found: Recordings, **arguments: str) -> tuple[Split, list[set[str]]]:
    """The split, and the names in its parts."""
    return split_and_rule(found, **arguments)[:2]


def split_and_rule(found: Recordings, **arguments: str) -> tuple[Split, list[set[str]], str]:
    """The same, and what made it."""
    names = sorted({r.class_name for r in found.recordings})
    labels = np.array([names.index(r.class_name) for r in found.recordings])
    result, rule = split_recordings(found, labels, **arguments)  # type: ignore[arg-type]
    parts = [{found.recordings[i].name for i in part} for part in result]
    assert sum(map(len, parts)) == len(found.recordings) == len(set().union(*parts))
    for part in result:
        # classes alternate: of the first half each class has a fair share
        half = np.bincount(labels[part[: len(part) // 2]], minlength=len(names))
        assert half.max() - half.min() <= 2
    return result, parts, rule


@pytest.fixture
def digits(tmp_path: Path) -> Recordings:
    write_digits(tmp_path, repetitions=25)
    return find_recordings(tmp_path)


def index(name: str) -> int:
    return int(name.split("_")[2].removesuffix(".wav"))


def test_fsdd(digits: Recordings) -> None:
    _, (train, validation, test) = split(digits)
    assert {index(name) for name in test} == {0, 1, 2, 3, 4}
    assert len(test) == 20
    assert len(validation) == 8
    assert len(train) == 72
    assert sum(name.startswith("0") for name in validation) == 4


def test_equal_seeds_split_alike(digits: Recordings) -> None:
    first, second = split(digits)[0], split(digits)[0]
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_leave_out_speaker(digits: Recordings) -> None:
    _, (train, validation, test) = split(digits, leave_out_speaker="bob")
    assert all("_bob_" in name for name in test)
    assert all("_ann_" in name for name in train | validation)
    assert len(test) == len(train | validation) == 50
    assert len(validation) in (4, 6)


def test_own_test_pattern(digits: Recordings) -> None:
    _, parts = split(digits, test_pattern=r"_1\d\.wav$")
    assert {index(name) for name in parts[2]} == set(range(10, 20))


def test_lists(tmp_path: Path) -> None:
    write_commands(tmp_path)
    _, (train, validation, test) = split(find_recordings(tmp_path))
    assert {name.split("/")[1][:4] for name in train} == {"00aa", "11bb"}
    assert {name.split("/")[1][:4] for name in validation} == {"22cc"}
    assert {name.split("/")[1][:4] for name in test} == {"33dd"}


def test_list_of_the_test_alone(tmp_path: Path) -> None:
    write_commands(tmp_path, ("a", "b"))
    (tmp_path / "validation_list.txt").unlink()
    _, (train, validation, test) = split(find_recordings(tmp_path))
    assert len(test) == 6
    assert len(validation) == 2
    assert len(train) == 16


def test_list_of_the_validation_alone(tmp_path: Path) -> None:
    write_commands(tmp_path, ("a", "b"))
    (tmp_path / "testing_list.txt").unlink()
    _, (train, validation, test) = split(find_recordings(tmp_path))
    assert {name.split("/")[1][:4] for name in validation} == {"22cc"}
    assert len(validation) == 6
    assert len(test) == 4
    assert len(train) == 14


def test_what_made_the_split(tmp_path: Path, digits: Recordings) -> None:
    chance = "10% at random"
    assert split_and_rule(digits)[2] == (
        rf"test: files whose name has '_[0-4]\\.wav'; validation: {chance}"
    )
    assert split_and_rule(digits, leave_out_speaker="bob")[2] == (
        f"test: speaker 'bob'; validation: {chance}"
    )
    write_commands(tmp_path / "words")
    rules = [split_and_rule(find_recordings(tmp_path / "words"))[2]]
    for name in ("testing_list.txt", "validation_list.txt"):
        (tmp_path / "words" / name).unlink()
        rules.append(split_and_rule(find_recordings(tmp_path / "words"))[2])
    assert rules == [
        "test: testing_list.txt; validation: validation_list.txt",
        "test: 20% at random; validation: validation_list.txt",
        f"test: 20% at random; validation: {chance}",
    ]


def test_lists_that_leave_nothing(tmp_path: Path) -> None:
    write_commands(tmp_path)
    names = [r.name for r in find_recordings(tmp_path).recordings if r.part != "validation"]
    (tmp_path / "testing_list.txt").write_text("\n".join(names))
    with pytest.raises(ValueError, match="no recordings are left to train with by testing_list"):
        split(find_recordings(tmp_path))


def test_options_go_before_lists(tmp_path: Path) -> None:
    write_commands(tmp_path)
    _, parts = split(find_recordings(tmp_path), leave_out_speaker="00aa")
    assert {name.split("/")[1][:4] for name in parts[2]} == {"00aa"}


def test_random_where_nothing_is_said(tmp_path: Path) -> None:
    write_commands(tmp_path)
    for name in ("validation_list.txt", "testing_list.txt"):
        (tmp_path / name).unlink()
    _, parts = split(find_recordings(tmp_path))
    assert [len(part) for part in parts] == [18, 2, 4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"leave_out_speaker": "eve"}, "leave_out_speaker: 'eve', allowed are .*: ann, bob"),
        (
            {"test_pattern": "x", "leave_out_speaker": "ann"},
            "leave_out_speaker: 'ann', not allowed with test_p",
        ),
        ({"test_pattern": "("}, r"test_pattern: '\(' is no regular expression"),
        ({"test_pattern": "zzz"}, "test_pattern: 'zzz' is found in none of the 100 names"),
        ({"test_pattern": "wav"}, "test_pattern: 'wav' is found in all of the 100 names"),
    ],
)
def test_bad_arguments(digits: Recordings, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split(digits, **arguments)


def test_unknown_and_lonely_speakers(tmp_path: Path) -> None:
    write_digits(tmp_path / "one", speakers=("ann",))
    with pytest.raises(ValueError, match="'ann' is the only speaker"):
        split(find_recordings(tmp_path / "one"), leave_out_speaker="ann")
    found = find_recordings(tmp_path / "one", r"(?P<class>\d)_.*")
    with pytest.raises(ValueError, match="allowed are the speakers: none known"):
        split(found, leave_out_speaker="ann")


def test_too_few_recordings(tmp_path: Path) -> None:
    write_digits(tmp_path, speakers=("ann",), repetitions=6)
    message = f"{tmp_path}: the class '0' has 1 recordings to split at random, too few"
    with pytest.raises(ValueError, match=re.escape(message)):
        split(find_recordings(tmp_path))
