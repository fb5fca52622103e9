"""Checkpoint files: complete or not at all."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from mlgenn_delays.compilers import load_checkpoint, save_checkpoint

STATE = {
    "meta": np.array('{"a": 1}'),
    "file": np.arange(5.0),
    "parameters/Conn_a_b/g": np.ones((2, 3), dtype=np.float32),
    "count": np.array(3),
}


def test_round_trip(tmp_path):
    path = tmp_path / "checkpoint.npz"
    save_checkpoint(path, STATE)
    loaded = load_checkpoint(path)
    assert set(loaded) == set(STATE)
    for name, value in STATE.items():
        assert loaded[name].dtype == value.dtype
        assert np.array_equal(loaded[name], value)


def test_numpy_can_read_it(tmp_path):
    path = tmp_path / "checkpoint.npz"
    save_checkpoint(path, STATE)
    with np.load(path, allow_pickle=False) as archive:
        assert np.array_equal(archive["file"], STATE["file"])


def test_name_is_used_as_given(tmp_path):
    save_checkpoint(tmp_path / "last", STATE)
    assert os.listdir(tmp_path) == ["last"]


def test_full_disk_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.npz"
    save_checkpoint(path, STATE)
    before = path.read_bytes()

    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"could not write the checkpoint .*checkpoint\.npz") as info:
        save_checkpoint(path, {**STATE, "more": np.zeros(100)})
    assert info.value.errno == errno.ENOSPC
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["checkpoint.npz"]


def test_object_arrays_are_refused_and_leave_nothing(tmp_path):
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        save_checkpoint(tmp_path / "a.npz", {"meta": np.array([{}], dtype=object)})
    assert os.listdir(tmp_path) == []


def test_missing_folder(tmp_path):
    with pytest.raises(OSError, match="could not write the checkpoint"):
        save_checkpoint(tmp_path / "nowhere" / "a.npz", STATE)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "a.npz")


def test_truncated_files(tmp_path):
    path = tmp_path / "a.npz"
    save_checkpoint(path, STATE)
    content = path.read_bytes()
    for length in range(0, len(content), 97):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"a\.npz"):
            load_checkpoint(path)


def test_flipped_byte_in_the_data(tmp_path):
    path = tmp_path / "a.npz"
    save_checkpoint(path, STATE)
    content = bytearray(path.read_bytes())
    position = content.find(STATE["file"].tobytes())
    content[position + 9] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"a\.npz' is damaged"):
        load_checkpoint(path)


def test_pickles_are_not_loaded(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, meta=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"a\.npz' is damaged"):
        load_checkpoint(path)


@pytest.mark.parametrize("content", ["array", "archive"])
def test_numpy_file_that_is_no_checkpoint(tmp_path, content):
    path = tmp_path / "a.npz"
    with open(path, "wb") as file:
        if content == "array":
            np.save(file, np.ones(3))
        else:
            np.savez(file, weights=np.ones(3))
    with pytest.raises(ValueError, match=r"a\.npz' is not a checkpoint"):
        load_checkpoint(path)
