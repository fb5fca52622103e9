import errno
import io
import os
import stat
import tracemalloc
import zipfile

import numpy as np
import pytest

from mlgenn_delays.files import (
    MalformedFile,
    atomic_write,
    clear_temporary,
    is_temporary,
    load_checkpoint,
    most_unpacked,
    reading,
    save_checkpoint,
)


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


class TestReading:
    @pytest.mark.parametrize(
        "error", [KeyError("x"), EOFError(), RecursionError("deep"), OSError("no errno")]
    )
    def test_what_libraries_raise_names_the_file(self, error):
        with pytest.raises(MalformedFile, match=r"^a\.npz: damaged: "), reading("a.npz"):
            raise error

    def test_errors_of_the_system_stay_what_they_are(self):
        with pytest.raises(PermissionError) as caught, reading("a.npz"):
            raise PermissionError(errno.EACCES, "not allowed")
        assert caught.value.filename == "a.npz"

    def test_lack_of_memory_is_no_damage(self):
        with (
            pytest.raises(OSError, match="not enough memory to read it"),
            reading("a.npz"),
        ):
            raise MemoryError

    def test_own_errors_and_ctrl_c_pass(self):
        for error in (MalformedFile("b: wrong"), KeyboardInterrupt()):
            with pytest.raises(type(error)) as caught, reading("a.npz"):
                raise error
            assert caught.value is error


def array_file(shape, content=b""):
    file = io.BytesIO()
    about = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, about)
    return file.getvalue() + content


def archive(members, packing=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as out:
        for name, content in members:
            out.writestr(name, content)
    return file.getvalue()


ZEROS = array_file((10**6,), bytes(8 * 10**6))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (archive([("meta.npy", ZEROS)]), "claims to hold 8000128 bytes"),
        (archive([("meta.npy", array_file((10**12,)))]), "entry 'meta': it claims"),
        (archive([("meta.npy", array_file((2**40, 2**40)))]), "entry 'meta': it claims"),
        (archive([("a", array_file((0,))), ("a.npy", array_file((0,)))]), "two entries 'a'"),
        (archive([("meta.npy", b"text")]), "entry 'meta'"),
        (archive([("meta.npy", b"\x93NUMPY\2\0\xff\xff\xff\x7f")]), "its header has 2147483647"),
        (archive([("meta.npy", array_file((0,)))], zipfile.ZIP_LZMA), "packed in a way"),
    ],
)
def test_checkpoint_that_claims_a_lot(tmp_path, content, problem):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(ValueError, match=rf"a\.npz' is damaged: .*{problem}"):
        load_checkpoint(path)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_packed_checkpoint_of_usual_size_is_read(tmp_path):
    state = {"meta": np.array("{}"), "g": np.zeros(most_unpacked(0) // 16)}
    np.savez_compressed(tmp_path / "a.npz", **state)
    assert np.array_equal(load_checkpoint(tmp_path / "a.npz")["g"], state["g"])


def test_one_wrong_bit_of_a_weight_is_noticed(tmp_path):
    save_checkpoint(tmp_path / "a.npz", {"meta": np.array("{}"), "g": np.arange(9.0)})
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[content.index(np.arange(9.0).tobytes()) + 20] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npz' is damaged"):
        load_checkpoint(tmp_path / "a.npz")
