import errno
import io
import os
import tracemalloc

import numpy as np
import pytest

from mlgenn_delays.serialisers import Numpy


def test_names_are_those_of_mlgenn(tmp_path):
    serialiser = Numpy(tmp_path / "new" / "folder")
    serialiser.serialise((3, "Conn_a_b", "g"), np.arange(4.0))
    assert os.listdir(tmp_path / "new" / "folder") == ["3-Conn_a_b-g.npy"]
    np.testing.assert_array_equal(serialiser.deserialise((3, "Conn_a_b", "g")), np.arange(4.0))


def test_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Numpy().serialise(("a",), np.ones(2))
    assert os.listdir(tmp_path) == ["a.npy"]
    assert Numpy().deserialise_all(()) == {}


def test_deserialise_all_with_dashes_in_names(tmp_path):
    serialiser = Numpy(tmp_path)
    for i, connection in enumerate(["a", "a-b", "a-b-g", "ab", "[a]*"]):
        serialiser.serialise((0, connection, "g"), np.full(2, i))
        serialiser.serialise((0, connection, "d"), np.full(2, 10 + i))
    for i, connection in enumerate(["a", "a-b", "a-b-g", "ab", "[a]*"]):
        data = serialiser.deserialise_all((0, connection))
        assert {k: v.tolist() for k, v in data.items()} == {"g": [i, i], "d": [10 + i] * 2}
    assert serialiser.deserialise_all((1, "a")) == {}


def test_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        Numpy(tmp_path).deserialise(("a",))


@pytest.mark.parametrize("content", [b"", b"no array", b"PK\x03\x04"])
def test_damaged(tmp_path, content):
    (tmp_path / "0-a-g.npy").write_bytes(content)
    for read in (
        lambda: Numpy(tmp_path).deserialise((0, "a", "g")),
        lambda: Numpy(tmp_path).deserialise_all((0, "a")),
    ):
        with pytest.raises(ValueError, match=r"0-a-g\.npy' is damaged"):
            read()


def test_truncated(tmp_path):
    serialiser = Numpy(tmp_path)
    serialiser.serialise(("a",), np.arange(100.0))
    path = tmp_path / "a.npy"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"a\.npy' is damaged"):
        serialiser.deserialise(("a",))


def test_pickles_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"a\.npy' is damaged or not"):
        Numpy(tmp_path).deserialise(("a",))


def test_full_disk_keeps_the_old_file(tmp_path, monkeypatch):
    serialiser = Numpy(tmp_path)
    serialiser.serialise(("a",), np.ones(3))

    def fail(file, data, **kwargs):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(OSError, match="No space left"):
        serialiser.serialise(("a",), np.zeros(3))
    assert os.listdir(tmp_path) == ["a.npy"]
    np.testing.assert_array_equal(serialiser.deserialise(("a",)), np.ones(3))


def test_path_that_cannot_be_created(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"path cannot be created.*file") as error:
        Numpy(tmp_path / "file" / "folder")
    assert isinstance(error.value, NotADirectoryError)


@pytest.mark.parametrize("key", ["a/b", "..\\a", "a\0"])
def test_keys_that_leave_the_folder(tmp_path, key):
    with pytest.raises(ValueError, match="cannot be part of a file name"):
        Numpy(tmp_path).serialise((key,), np.ones(1))


def test_whether_it_can_be_written(tmp_path):
    serialiser = Numpy(tmp_path / "folder")
    serialiser.check_writable((0, "a", "g"))
    assert os.listdir(tmp_path / "folder") == []
    with pytest.raises(ValueError, match="'0-a/b-g' cannot be part of a file name"):
        serialiser.check_writable((0, "a/b", "g"))
    (tmp_path / "folder").rmdir()
    with pytest.raises(FileNotFoundError, match=r"Numpy: path cannot be written.*folder"):
        serialiser.check_writable((0, "a", "g"))


def test_header_that_claims_a_lot(tmp_path):
    file = io.BytesIO()
    about = {"descr": "<f8", "fortran_order": False, "shape": (10**10,)}
    np.lib.format.write_array_header_1_0(file, about)
    for content in (file.getvalue(), b"\x93NUMPY\2\0\xff\xff\xff\x7f{"):
        (tmp_path / "a.npy").write_bytes(content)
        tracemalloc.start()
        with pytest.raises(ValueError, match=r"a\.npy' is damaged or not"):
            Numpy(tmp_path).deserialise(["a"])
        assert tracemalloc.get_traced_memory()[1] < 1e6
        tracemalloc.stop()
