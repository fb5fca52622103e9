"""Finding recordings by folders and by patterns."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from speech_folders import word, write, write_commands, write_digits

from mlgenn_delays.datasets.speech.find import Recordings, find_recordings


def table(found: Recordings) -> dict[str, tuple[str, str]]:
    return {r.name: (r.class_name, r.speaker) for r in found.recordings}


def test_files_of_fsdd(tmp_path: Path) -> None:
    write_digits(tmp_path, repetitions=1)
    found = find_recordings(tmp_path)
    assert found.layout == "fsdd"
    assert table(found) == {
        "0_ann_0.wav": ("0", "ann"),
        "0_bob_0.wav": ("0", "bob"),
        "1_ann_0.wav": ("1", "ann"),
        "1_bob_0.wav": ("1", "bob"),
    }


def test_fsdd_as_it_is_fetched(tmp_path: Path) -> None:
    write_digits(tmp_path / "recordings", repetitions=1)
    write(tmp_path, "README.md", b"")
    found = find_recordings(tmp_path)
    assert found.layout == "fsdd"
    assert found.recordings[0].name == "recordings/0_ann_0.wav"
    assert {r.class_name for r in found.recordings} == {"0", "1"}


def test_google_speech_commands(tmp_path: Path) -> None:
    write_commands(tmp_path)
    found = find_recordings(tmp_path)
    assert found.layout == "folders"
    assert len(found.recordings) == 24
    assert {r.class_name for r in found.recordings} == {"yes", "no"}
    assert {r.speaker for r in found.recordings} == {"00aa", "11bb", "22cc", "33dd"}
    parts = {r.name: r.part for r in found.recordings}
    assert parts["yes/00aa_nohash_1.wav"] is None
    assert parts["yes/22cc_nohash_1.wav"] == "validation"
    assert parts["no/33dd_nohash_0.wav"] == "test"


def test_folders_with_any_names(tmp_path: Path) -> None:
    write(tmp_path, "cat/x.wav", word(100.0))
    write(tmp_path, "cat/deep/er/y.WAV", word(100.0))
    write(tmp_path, "dog/x y.Wav", word(100.0))
    write(tmp_path, "dog/._x.wav", b"")
    write(tmp_path, ".hidden/z.wav", word(100.0))
    write(tmp_path, "_background_noise_/z.wav", word(100.0))
    write(tmp_path, "dog/notes.txt", b"")
    assert table(find_recordings(tmp_path)) == {
        "cat/deep/er/y.WAV": ("cat", ""),
        "cat/x.wav": ("cat", ""),
        "dog/x y.Wav": ("dog", ""),
    }


def test_own_pattern(tmp_path: Path) -> None:
    for name in ("ann-yes-1.wav", "bob-no-12.wav", "readme.wav", "ann-yes-x.wav"):
        write(tmp_path, name, word(100.0))
    found = find_recordings(tmp_path, r"(?P<speaker>\w+)-(?P<class>\w+)-(?P<index>\d+)\.wav")
    assert found.layout == "pattern"
    assert table(found) == {"ann-yes-1.wav": ("yes", "ann"), "bob-no-12.wav": ("no", "bob")}
    assert list(found.unmatched) == ["ann-yes-x.wav", "readme.wav"]


def test_pattern_without_a_class_leaves_it_to_folders(tmp_path: Path) -> None:
    for name in ("a/ann1.wav", "b/bob2.wav", "b/other.wav"):
        write(tmp_path, name, word(100.0))
    found = find_recordings(tmp_path, r"(?P<speaker>[a-z]+)\d\.wav")
    assert table(found) == {"a/ann1.wav": ("a", "ann"), "b/bob2.wav": ("b", "bob")}
    assert list(found.unmatched) == ["b/other.wav"]


def test_order_does_not_depend_on_the_disk(tmp_path: Path) -> None:
    for name in ("b/2.wav", "a/9.wav", "b/1.wav", "a/10.wav"):
        write(tmp_path, name, word(100.0))
    names = [r.name for r in find_recordings(tmp_path).recordings]
    assert names == ["a/10.wav", "a/9.wav", "b/1.wav", "b/2.wav"]


def test_identity_follows_the_file(tmp_path: Path) -> None:
    write_digits(tmp_path, repetitions=1)
    recording = find_recordings(tmp_path).recordings[0]
    first = recording.identity()
    assert recording.identity() == first
    os.utime(tmp_path / "0_ann_0.wav", ns=(1, 1))
    second = recording.identity()
    (tmp_path / "0_ann_0.wav").write_bytes(word(400.0, 0.3))
    os.utime(tmp_path / "0_ann_0.wav", ns=(1, 1))
    assert len({tuple(x) for x in (first, second, recording.identity())}) == 3
    (tmp_path / "0_ann_0.wav").unlink()
    assert recording.identity() == [str(tmp_path / "0_ann_0.wav"), None, None]


def test_identity_follows_the_folder(tmp_path: Path) -> None:
    """Names, sizes and times of two folders may be the same, and what is in them not."""
    for folder in ("one", "other"):
        write_digits(tmp_path / folder, repetitions=1)
        for path in (tmp_path / folder).iterdir():
            os.utime(path, ns=(1, 1))
    (tmp_path / "link").symlink_to(tmp_path / "one")
    one, other, link = (
        find_recordings(tmp_path / name).recordings[0].identity()
        for name in ("one", "other", "link")
    )
    assert one[1:] == other[1:]
    assert one[0] != other[0]
    assert link == one


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere: there is no such folder"):
        find_recordings(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="there is no such folder"):
        find_recordings(tmp_path / "file")


def test_nothing_in_the_folder(tmp_path: Path) -> None:
    write(tmp_path, "_noise_/x.wav", word(100.0))
    with pytest.raises(ValueError, match="there are no WAV files in this folder"):
        find_recordings(tmp_path)


def test_nothing_fits(tmp_path: Path) -> None:
    write(tmp_path, "hello.wav", word(100.0))
    with pytest.raises(ValueError, match=r"none of 1 WAV files \(e.g. hello.wav\) fits the pattern "
                       r".*; name a pattern, or put each class into a folder"):  # fmt: skip
        find_recordings(tmp_path)
    with pytest.raises(ValueError, match=re.escape("fits the pattern 'x(?P<class>.)'")):
        find_recordings(tmp_path, "x(?P<class>.)")


def test_wrong_expression(tmp_path: Path) -> None:
    write(tmp_path, "hello.wav", word(100.0))
    with pytest.raises(ValueError, match=r"pattern: '\(' is no regular expression: "):
        find_recordings(tmp_path, "(")


def test_one_class_only(tmp_path: Path) -> None:
    write(tmp_path, "yes/1.wav", word(100.0))
    write(tmp_path, "yes/2.wav", word(100.0))
    with pytest.raises(ValueError, match="all 2 recordings are of one class, 'yes'"):
        find_recordings(tmp_path)


def test_lists_that_disagree(tmp_path: Path) -> None:
    write_commands(tmp_path)
    (tmp_path / "testing_list.txt").write_text("yes/22cc_nohash_0.wav\n")
    with pytest.raises(ValueError, match=r"yes/22cc_nohash_0.wav is both in validation_list.txt"):
        find_recordings(tmp_path)


def test_lists_that_are_no_text(tmp_path: Path) -> None:
    write_commands(tmp_path)
    (tmp_path / "testing_list.txt").write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match=r"testing_list.txt: it is no text in UTF-8"):
        find_recordings(tmp_path)


def test_list_that_cannot_be_read(tmp_path: Path) -> None:
    write_commands(tmp_path)
    (tmp_path / "testing_list.txt").unlink()
    (tmp_path / "testing_list.txt").mkdir()
    with pytest.raises(OSError, match=r"testing_list.txt"):
        find_recordings(tmp_path)


def test_lists_in_other_spellings(tmp_path: Path) -> None:
    write_commands(tmp_path)
    expected = {r.name: r.part for r in find_recordings(tmp_path).recordings}
    entries = (tmp_path / "testing_list.txt").read_text().split()
    changed = [f"./{entries[0]}", entries[1].replace("/", "\\"), "", *entries[2:]]
    (tmp_path / "testing_list.txt").write_text("\r\n".join(changed), encoding="utf-8-sig")
    assert {r.name: r.part for r in find_recordings(tmp_path).recordings} == expected
    (tmp_path / "testing_list.txt").write_text("\n".join(entries), encoding="utf-8-sig")
    assert {r.name: r.part for r in find_recordings(tmp_path).recordings} == expected


def test_lists_of_other_files(tmp_path: Path) -> None:
    write_commands(tmp_path)
    names = [f"old/yes/{i}.wav" for i in range(6)]
    (tmp_path / "testing_list.txt").write_text("\n".join([*names, "yes/33dd_nohash_0.wav"]))
    with pytest.raises(
        ValueError,
        match=r"testing_list.txt: 6 of 7 entries name no WAV file in .*: old/yes/0.wav, "
        r".*/4.wav, ...; put them right, or remove the list",
    ):
        find_recordings(tmp_path)


def test_folders_that_are_links(tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/1.wav", word(100.0))
    write(tmp_path, "words/no/1.wav", word(100.0))
    write(tmp_path, "words/no/deep/2.wav", word(100.0))
    (tmp_path / "words" / "yes").symlink_to(tmp_path / "elsewhere")
    # none of these is searched again
    (tmp_path / "words" / "again").symlink_to(tmp_path / "words" / "no")
    (tmp_path / "words" / "no" / "deep" / "loop").symlink_to(tmp_path / "words")
    assert table(find_recordings(tmp_path / "words")) == {
        "no/1.wav": ("no", ""),
        "no/deep/2.wav": ("no", ""),
        "yes/1.wav": ("yes", ""),
    }


def test_file_beside_folders_of_classes(tmp_path: Path) -> None:
    write_commands(tmp_path)
    write(tmp_path, "noise.wav", word(100.0))
    found = find_recordings(tmp_path)
    assert found.layout == "folders"
    assert len(found.recordings) == 24
    assert list(found.unmatched) == ["noise.wav"]
    # but a folder of digits may have a sub-folder
    write_digits(tmp_path / "digits", repetitions=2)
    write(tmp_path / "digits", "raw/0_ann_9.wav", word(100.0))
    assert find_recordings(tmp_path / "digits").layout == "fsdd"
