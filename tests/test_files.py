import errno
import os
import stat

import pytest

from mlgenn_delays.files import atomic_write, clear_temporary, is_temporary


def test_text_and_bytes(tmp_path):
    with atomic_write(tmp_path / "a", "w") as file:
        file.write("ü")
    assert (tmp_path / "a").read_bytes() == "ü".encode()
    with atomic_write(str(tmp_path / "a")) as file:
        file.write(b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_old_file_is_there_until_the_end(tmp_path):
    (tmp_path / "a").write_text("old")
    with atomic_write(tmp_path / "a", "w") as file:
        file.write("new")
        file.flush()
        assert (tmp_path / "a").read_text() == "old"


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_nothing_is_left_after_an_error(tmp_path, error):
    (tmp_path / "a").write_text("old")
    with pytest.raises(error), atomic_write(tmp_path / "a", "w") as file:
        file.write("new")
        raise error
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_error_when_data_reach_the_disk(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError("disk full")

    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"), atomic_write(tmp_path / "a", "w") as file:
        file.write("new")
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "old"


@pytest.mark.skipif(os.name == "nt", reason="permissions are those of POSIX")
def test_usual_permissions(tmp_path):
    (tmp_path / "usual").write_text("")
    with atomic_write(tmp_path / "a"):
        pass
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "a")]
    assert modes[0] == modes[1]


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, atomic_write(tmp_path / "none" / "a"):
        pass
    assert caught.value.filename == str(tmp_path / "none" / "a")


def test_errors_name_the_file(tmp_path, monkeypatch):
    with pytest.raises(OSError) as caught, atomic_write(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(caught.value) == f"[Errno 28] No space left on device: '{tmp_path / 'a'}'"
    # as Pillow
    with pytest.raises(OSError, match=r"encoder error -2: '.*a'"), atomic_write(tmp_path / "a"):
        raise OSError("encoder error -2")
    monkeypatch.setattr(os, "replace", lambda a, b: os.rename(a, b / "below"))
    with pytest.raises(OSError) as caught, atomic_write(tmp_path / "a") as file:
        file.write(b"x")
    assert caught.value.filename == str(tmp_path / "a")
    assert caught.value.filename2 is None
    assert os.listdir(tmp_path) == []


def test_errors_of_other_files_keep_their_names(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, atomic_write(tmp_path / "a"):
        open(tmp_path / "other").close()
    assert caught.value.filename == str(tmp_path / "other")


def test_temporary_files_of_killed_processes_are_cleared_after_a_day(tmp_path):
    names = (".a.csv.abc_1230.tmp", ".a.csv.zzzzzzzz.tmp", ".mine.tmp", "b.12345678.tmp")
    for name in names:
        (tmp_path / name).write_text("")
    os.utime(tmp_path / names[0], (0.0, 0.0))
    os.utime(tmp_path / names[2], (0.0, 0.0))
    os.utime(tmp_path / names[3], (0.0, 0.0))
    clear_temporary(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names[1:])
    # the pattern is that of the files themselves
    with atomic_write(tmp_path / "c"):
        (written,) = {p.name for p in tmp_path.iterdir()} - set(names)
        assert is_temporary(written)
