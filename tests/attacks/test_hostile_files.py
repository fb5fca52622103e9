"""Every file that is read may be damaged or made to do harm: it is read, or an error says what
is wrong with it, within a memory that its size bounds; and nothing in it is run."""

import base64
import builtins
import copyreg
import functools
import gzip
import importlib
import io
import json
import operator
import os
import pickle
import shutil
import struct
import subprocess
import types
import wave
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hostile_files import FLOOR, claim_of, damaged, read_all

from mlgenn_delays.compilers import save_checkpoint
from mlgenn_delays.datasets.speech.encode import Encoded, save_batch
from mlgenn_delays.files import most_unpacked

#: What archives with Braille letters must hold.
BRAILLE = "data_braille_letters_th_10.pkl"
TESTS = Path(__file__).parents[1]
#: Most memory that a file may take: so many times its size,
MULTIPLE = 40
#: ... and so much more [bytes].
SMALL = 2**23


def trials(count=3):
    events = [[[0.1, 0.25], [0.5]], [[], [1.3]]] + [[[], [0.5 * i / 12]] for i in range(10)]
    return [{"letter": "AB"[i % 2], "events": events} for i in range(count)]


def npz(arrays, packing=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def zipped(name, content, packing=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def sound(width, channels):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((channels, width, 8000, 0, "NONE", ""))
        out.writeframes(bytes(range(1, 241)) * channels)
    return file.getvalue()


def idx(count=4):
    return bytes((0, 0, 8, 3)) + struct.pack(">3I", count, 28, 28) + bytes(784 * count)


def heidelberg(**options):
    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w") as out:
        times = out.create_dataset("spikes/times", (5,), h5py.vlen_dtype(np.float16), **options)
        units = out.create_dataset("spikes/units", (5,), h5py.vlen_dtype(np.uint16), **options)
        for i in range(5):
            times[i] = np.sort(np.linspace(0, 1, 3 * i)).astype(np.float16)
            units[i] = (np.arange(3 * i) * 7).astype(np.uint16)
        out.create_dataset("labels", data=np.arange(5) % 2, **options)
        out.create_dataset("extra/speaker", data=np.arange(5) % 3, **options)
        out["extra/keys"] = np.array(["zero", "eins"], "S10")
    return file.getvalue()


def checkpoint(tmp_path):
    state = {"meta": np.array('{"epoch": 3}'), "0/g": np.arange(12.0), "0/d": np.ones((3, 4))}
    save_checkpoint(tmp_path / "good.npz", state)
    return (tmp_path / "good.npz").read_bytes()


def shard(tmp_path):
    batch = Encoded(
        np.array([2, 0, -1]), np.ones(2, np.float32), np.ones(2, np.uint16), ["x"], True
    )
    save_batch(tmp_path / "shards" / "0.npz", batch)
    return (tmp_path / "shards" / "0.npz").read_bytes()


def frame(number):
    frames = json.loads(
        (TESTS / "datasets/braille/pandas_pickles.json").read_text(encoding="utf-8")
    )
    return base64.b64decode(list(frames.values())[number % len(frames)])


#: kind -> names of good files -> their content.
GOOD = {
    "checkpoint": {
        "a.npz": checkpoint,
        "packed.npz": lambda _: npz(
            {"meta": npy("{}"), "g": npy(np.ones(99))}, zipfile.ZIP_DEFLATED
        ),
    },
    "array": {"a.npy": lambda _: npy(np.arange(20.0))},
    "shard": {"a.npz": shard},
    "braille": {
        "lists0.pkl": lambda _: pickle.dumps(trials(), 0),
        "lists2.pkl": lambda _: pickle.dumps(trials(), 2),
        "lists5.pkl": lambda _: pickle.dumps(trials(), 5),
        "arrays.pkl": lambda _: pickle.dumps(
            [t | {"events": np.zeros((12, 2, 3))} for t in trials()]
        ),
        "frame0.pkl": lambda _: frame(0),
        "frame3.pkl": lambda _: frame(3),
        "frame6.pkl": lambda _: frame(6),
        "archive.zip": lambda _: zipped(BRAILLE, pickle.dumps(trials())),
    },
    "wav": {
        "eight.wav": lambda _: sound(1, 1),
        "stereo.wav": lambda _: sound(2, 2),
        "three.wav": lambda _: sound(3, 1),
    },
    "idx": {"a.idx": lambda _: idx(), "a.gz": lambda _: gzip.compress(idx())},
    "heidelberg": {
        "plain.h5": lambda _: heidelberg(),
        "chunks.h5": lambda _: heidelberg(chunks=(2,), compression="gzip", shuffle=True),
        "packed.h5.gz": lambda _: gzip.compress(heidelberg()),
        "packed.h5.zip": lambda _: zipped("packed.h5", heidelberg()),
    },
    "list": {"validation_list.txt": lambda _: "bird/a_nohash_0.wav\nbäume/ß.wav\n".encode()},
}


@pytest.mark.parametrize("kind", GOOD)
def test_damaged_files(kind, rng, attempts, tally, tmp_path):
    """Each is read, or refused in words, in a process that may take 64 MB."""
    good = {name: make(tmp_path) for name, make in GOOD[kind].items()}
    folder = tmp_path / "files"
    (folder / "good").mkdir(parents=True)
    for name, content in good.items():
        (folder / "good" / name).write_bytes(content)
    outcomes = read_all(kind, {folder / "good" / name: FLOOR for name in good})
    assert all(o["read"] and o["problem"] is None for o in outcomes.values()), outcomes

    paths = []
    for i in range(attempts(400, 50)):
        name = list(good)[i % len(good)]
        if "packed.h5" in name:  # its name says what is in it
            paths.append(folder / str(i) / name)
            paths[-1].parent.mkdir()
        else:
            paths.append(folder / f"{i}-{name}")
        paths[-1].write_bytes(damaged(good[name], rng))
    for path, outcome in read_all(kind, dict.fromkeys(paths, FLOOR)).items():
        tally.count(f"{kind}: {path.relative_to(folder)}", outcome["problem"])


# -- small files that claim a lot


def overlapping(count):
    """An archive whose members are all the same megabyte."""
    content = npy(np.zeros(2**17))
    whole = npz({"meta": content}, zipfile.ZIP_STORED)
    start = whole.index(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    entry, entries = whole[start:end], b""
    for i in range(count):
        name = f"{i:04}.npy".encode()
        assert len(name) == len(b"meta.npy")
        entries += entry.replace(b"meta.npy", name)
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(entries), start, 0)
    return whole[:start] + entries + tail


def shared_heap():
    """Examples that are all the same object of a megabyte."""
    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    count = 2000
    with h5py.File(file, "w") as out:
        places = []
        for name, kind in (("times", np.float16), ("units", np.uint16)):
            data = out.create_dataset(f"spikes/{name}", (count,), h5py.vlen_dtype(kind))
            data[0] = np.zeros(2**19, kind)
            data[1:] = np.zeros(1, kind)
            out.flush()
            places.append(data.id.get_offset())
        out["labels"] = np.arange(count) % 2
        out["extra/speaker"] = np.zeros(count, int)
        out["extra/keys"] = np.array(["zero", "eins"], "S10")
    content = bytearray(file.getvalue())
    for place in places:
        content[place : place + 16 * count] = content[place : place + 16] * count
    return bytes(content)


def claims_of_hdf5(**changes):
    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w") as out:
        count = changes.get("count", 5)
        for name, kind in (("times", np.float16), ("units", np.uint16)):
            out.create_dataset(f"spikes/{name}", (count,), h5py.vlen_dtype(kind))
        out.create_dataset("labels", (count,), np.int64, **changes.get("labels", {}))
        out.create_dataset("extra/speaker", (count,), np.int64)
        out.create_dataset("extra/keys", (2,), changes.get("keys", "S10"))
        if "chunk" in changes:
            out["labels"].id.write_direct_chunk((0,), changes["chunk"])
    return file.getvalue()


def encoded_over_and_over():
    text = b"X" + struct.pack("<I", 10**5) + b"a" * 10**5 + b"q\1"
    call = b"h\0h\1h\2\x86R"
    return b"\x80\2(c_codecs\nencode\nq\0" + text + b"X\6\0\0\0latin1q\2" + call * 10**4 + b"l."


def array_over_and_over():
    """The same list of a hundred thousand entries in ten thousand arrays of objects."""
    state = b"(K\1J" + struct.pack("<i", 10**5) + b"\x85h\1\x89h\2tb"
    return (
        b"\x80\2(cnumpy.core.multiarray\n_reconstruct\nq\0cnumpy\ndtype\n(X\2\0\0\0O8tRq\1]q\2("
        + b"N" * 10**5 + b"e" + (b"h\0(NNNtR" + state) * 10**4 + b"l."
    )  # fmt: skip


def frame_of_rows(count):
    """A data frame with so many names of columns and no content."""
    manager = b"cpandas.core.internals.managers\nBlockManager\n"
    index = b"cpandas.core.indexes.base\n_new_Index\ncpandas.core.indexes.range\nRangeIndex\n"
    state = b"}(X\5\0\0\0startK\0X\4\0\0\0stopJ" + struct.pack("<i", count)
    state += b"X\4\0\0\0stepK\1u"
    axis = index + state + b"\x86R"
    return (
        b"\x80\2cpandas.core.frame\nDataFrame\n)\x81}X\4\0\0\0_mgr"
        + manager + b"]](" + axis + axis + b"e\x86Rsb."
    )  # fmt: skip


def shared_trials(count):
    """The same trial with ten thousand events over and over."""
    trial = {"letter": "A", "events": [[[0.5] * 10_000, []]] + [[[], []]] * 11}
    return pickle.dumps([trial] * count)


BOMBS = {
    "braille": {
        "nine bytes.pkl": lambda: b"\x80\2]r\xff\xff\xff\x0f.",
        "memo.pkl": lambda: b"\x80\2]r\xff\xff\xff\x7f.",
        "memo as text.pkl": lambda: b"]p2000000000\n.",
        "bytes.pkl": lambda: b"\x80\3B\xff\xff\xff\x7f.",
        "long bytes.pkl": lambda: b"\x80\4\x8e\xff\xff\xff\xff\xff\0\0\0.",
        "bytearray.pkl": lambda: b"\x80\5\x96\xff\xff\xff\xff\xff\0\0\0.",
        "long number.pkl": lambda: b"\x80\2\x8b\xff\xff\xff\x7f.",
        "text frame.pkl": lambda: b"\x80\4\x95\xff\xff\xff\xff\xff\0\0\0].",
        "nulls.pkl": lambda: b"\x80\2(" + b"N" * 3 * 10**5 + b"l.",
        "short lists.pkl": lambda: b"\x80\2(" + b"](Ne" * 10**5 + b"l.",
        "numbers.pkl": lambda: b"\x80\2(" + b"M\0\1" * 10**5 + b"l.",
        "letters.pkl": lambda: b"\x80\2(" + b"\x8c\3\xe2\x82\xac" * 10**5 + b"l.",
        "dictionaries in lists.pkl": lambda: (
            b"\x80\2(" + (b"}K\0Ns" + b"N" * 11) * 3 * 10**4 + b"l."
        ),
        "lists.pkl": lambda: b"\x80\2(" + b"]" * 10**5 + b"l.",
        "memoized lists.pkl": lambda: b"\x80\4(" + b"]\x94" * 10**5 + b"l.",
        "dictionaries.pkl": lambda: b"\x80\2(" + b"}" * 10**5 + b"l.",
        "dictionaries with entries.pkl": lambda: b"\x80\2(" + b"}K\0Ns" * 10**5 + b"l.",
        "sets.pkl": lambda: b"\x80\4(" + b"\x8f" * 10**5 + b"l.",
        "marks.pkl": lambda: b"\x80\2" + b"(" * 10**5 + b".",
        "memo of one.pkl": lambda: b"\x80\4N" + b"\x94" * 10**5 + b".",
        "tuples.pkl": lambda: b"\x80\2(" + b"N\x85" * 10**5 + b"l.",
        "deep lists.pkl": lambda: b"\x80\2" + b"]" * 10**5 + b"a" * (10**5 - 1) + b".",
        "deep tuples.pkl": lambda: b"\x80\2]N" + b"\x85" * 10**5 + b"a.",
        "deep keys.pkl": lambda: b"\x80\2}N" + b"\x85" * 10**5 + b"Ns.",
        "deep names.pkl": lambda: b"\x80\2N" + b"\x85" * 10**5 + b"N\x93.",
        "calls.pkl": lambda: b"\x80\2(cpandas\nIndex\nq\0" + b"h\0)R" * 10**5 + b"l.",
        "encoded.pkl": encoded_over_and_over,
        "arrays.pkl": array_over_and_over,
        "frame.pkl": lambda: frame_of_rows(10**9),
        "shared trials.pkl": lambda: shared_trials(3 * 10**4),
        "empty trials.pkl": lambda: pickle.dumps(
            [{"letter": "A", "events": [[[], []]] * 12}] * 3 * 10**4
        ),
        "zeros.zip": lambda: zipped(BRAILLE, bytes(3 * 10**7)),
        "lists.zip": lambda: zipped(BRAILLE, b"(" + b"]" * 10**6),
        "bzip2.zip": lambda: zipped(BRAILLE, bytes(10**7), zipfile.ZIP_BZIP2),
        "lzma.zip": lambda: zipped(BRAILLE, bytes(10**7), zipfile.ZIP_LZMA),
    },
    "checkpoint": {
        "zeros.npz": lambda: npz({"meta": npy(np.zeros(10**7))}),
        "claim.npz": lambda: npz({"meta": claim_of(np.zeros(1), (10**12,))}, zipfile.ZIP_STORED),
        "nothing.npz": lambda: npz(
            {"meta": claim_of(np.zeros(1, "V0"), (10**18,))}, zipfile.ZIP_STORED
        ),
        "overlapping.npz": lambda: overlapping(1500),
        "lzma.npz": lambda: npz({"meta": npy(np.zeros(10**6))}, zipfile.ZIP_LZMA),
    },
    "array": {
        "claim.npy": lambda: claim_of(np.zeros(1), (10**10,)),
        "product.npy": lambda: claim_of(np.zeros(1), (2**32, 2**32)),
        "header.npy": lambda: b"\x93NUMPY\2\0\xff\xff\xff\x7f{",
        "nested.npy": lambda: b"\x93NUMPY\1\0\0\x20" + b"(" * 0x2000,
        "signs.npy": lambda: b"\x93NUMPY\1\0\0\x20" + b"-" * 0x1FFF + b"1",
    },
    "shard": {"zeros.npz": lambda: npz({"counts": npy(np.zeros(10**7))})},
    "idx": {
        "zeros.gz": lambda: gzip.compress(bytes(3 * 10**7), 9),
        "claim.idx": lambda: bytes((0, 0, 8, 3)) + b"\xff" * 12,
        "all.gz": lambda: gzip.compress(idx(20_000)),
    },
    "wav": {
        "claim.wav": lambda: sound(1, 1).replace(b"data\xf0\0\0\0", b"data\xff\xff\xff\x7f"),
        "parts.wav": lambda: sound(1, 1)[:12] + b"LIST\0\0\0\0" * 10**5,
        "long.wav": lambda: sound(1, 1)[:40] + struct.pack("<I", 10**6) + bytes(range(250)) * 4000,
    },
    "heidelberg": {
        "examples.h5": lambda: claims_of_hdf5(count=10**7),
        "names.h5": lambda: claims_of_hdf5(keys="S2000000000"),
        "chunks.h5": lambda: claims_of_hdf5(
            count=1000, labels={"chunks": (1000,), "compression": "gzip"},
            chunk=zlib.compress(bytes(3 * 10**7), 9),
        ),
        "large chunks.h5": lambda: claims_of_hdf5(
            labels={"chunks": (10**8,), "maxshape": (None,), "compression": "gzip"}
        ),
        "shared.h5": shared_heap,
        "zeros.h5.gz": lambda: gzip.compress(bytes(3 * 10**7), 9),
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", BOMBS)
def test_files_that_claim_a_lot(kind, attempts, tally, tmp_path):
    """No file takes more than forty times its size, or what it may hold unpacked, and a floor."""
    most = {}
    for name, make in BOMBS[kind].items():
        path = tmp_path / name
        path.write_bytes(make())
        size = path.stat().st_size
        if path.suffix in (".zip", ".gz", ".npz"):
            size = most_unpacked(size)
        most[path] = MULTIPLE * size + SMALL
    is_measured = attempts(True, False)
    limits = {path: FLOOR + size for path, size in most.items()}
    for path, outcome in read_all(kind, limits, is_measured).items():
        problem, peak, size = outcome["problem"], outcome["peak"], path.stat().st_size
        if problem is None and peak > most[path]:
            problem = f"{size} bytes took {peak} bytes of memory"
        if is_measured:
            print(f"{path.name}: {size} bytes, {peak / size:.1f} times its size")
        tally.count(f"{kind}: {path.name}", problem)


# -- pickles that try to run something


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments, state=None):
        self.call = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.call


def calls(marker):
    """Ways to have something run, each of which would leave the file ``marker`` or worse."""
    touch, python = f"touch {marker}", f"open({str(marker)!r}, 'w')"
    yield from (
        Calls(os.system, touch),
        Calls(os.popen, touch),
        Calls(os.execvp, "touch", ["touch", str(marker)]),
        Calls(os.mkdir, str(marker)),
        Calls(os._exit, 7),
        Calls(os.abort),
        Calls(os.kill, 0, 9),
        Calls(shutil.copy, __file__, str(marker)),
        Calls(subprocess.Popen, ["touch", str(marker)]),
        Calls(subprocess.run, ["touch", str(marker)]),
        Calls(subprocess.check_output, ["touch", str(marker)]),
        Calls(builtins.eval, python),
        Calls(builtins.exec, python),
        Calls(builtins.compile, python, "x", "exec"),
        Calls(builtins.open, str(marker), "w"),
        Calls(builtins.__import__, "os"),
        Calls(builtins.getattr, "x", "__class__"),
        Calls(builtins.setattr, "a", "x", 1),
        Calls(builtins.map, os.mkdir, [str(marker)]),
        Calls(builtins.filter, os.mkdir, [str(marker)]),
        Calls(builtins.breakpoint),
        Calls(builtins.bytearray, 10**10),
        Calls(builtins.bytes, 10**10),
        Calls(builtins.type, "X", (), {}),
        Calls(builtins.globals),
        Calls(io.open, str(marker), "w"),
        Calls(io.FileIO, str(marker), "w"),
        Calls(importlib.import_module, "antigravity"),
        Calls(importlib.reload, "os"),
        Calls(operator.attrgetter, "system"),
        Calls(operator.methodcaller, "touch"),
        Calls(functools.partial, os.system, touch),
        Calls(functools.partial, os.mkdir, str(marker)),
        Calls(functools.reduce, os.open, [str(marker), 65]),
        Calls(copyreg._reconstructor, dict, dict, {}),
        Calls(types.SimpleNamespace),
        Calls(Path, str(marker)),
        Calls(zipfile.ZipFile, str(marker), "w"),
        Calls(pickle.loads, pickle.dumps(Calls(os.system, touch))),
        Calls(pickle.load, "x"),
        Calls(np.load, str(marker)),
        Calls(np.save, str(marker), 1),
        Calls(np.memmap, str(marker), "u1", "w+", 0, (9,)),
        Calls(np.fromfile, str(marker)),
        Calls(np.loadtxt, str(marker)),
        Calls(np.frombuffer, b"abc"),
        Calls(np.dtype, "V1000000000"),
        Calls(np.ndarray, (10**10,)),
        Calls(np.zeros, 10**10),
    )


def opcodes(marker):
    """The same by hand: what Python's pickler does not write."""
    text = str(marker).encode()
    yield from (
        b"cos\nsystem\n(Vtouch " + text + b"\ntR.",
        b"ctypes\nFunctionType\n(tR.",
        b"ctypes\nCodeType\n(I0\ntR.",
        b"(S'touch " + text + b"'\nios\nsystem\n.",
        b"(cos\nsystem\nVtouch " + text + b"\no.",
        b"\x80\4\x8c\2os\x8c\6system\x93\x8c\1x\x85R.",
        b"\x80\4\x8c\5numpy\x8c\x0endarray.tofile\x93)R.",
        b"\x80\4\x8c\5numpy\x8c\x10ndarray.__class__\x93)R.",
        b"\x80\2\x82\x01.",
        b"\x80\2\x83\x01\0.",
        b"\x80\2\x84\x01\0\0\0.",
        b"\x80\4\x8c\1xQ.",
        b"Px\n.",
        b"cpandas\nIndex\n}Vx\nVy\nsb.",
        b"cpandas\nIndex\nN}V__setstate__\nNs\x86b.",
        b"cpandas\nDataFrame\n)\x81}V_mgr\ncpandas\nIndex\nsb.",
        b"cbuiltins\nslice\n}Vstart\nI1\nsb.",
        b"cbuiltins\nslice\n(I1\ntRVx\n(tR.",
        b"cfunctools\npartial\n(cbuiltins\nslice\ntR.",
        b"\x80\4cfunctools\npartial\n)}\x92.",
        b"cfunctools\npartial\n(cpandas.core.internals.blocks\nnew_block\ntR(cos\nsystem\n(t}tb.",
        b"\x80\5\x97.",
        b"\x80\5]\x98.",
        b"\x80\xff].",
        b"]\x30].",
        b"]21.",
    )


def test_pickles_that_try_to_run_something(tally, tmp_path):
    marker, witness = tmp_path / "marker", b"\x80\2]."
    pickles = [
        pickle.dumps([{"letter": call, "events": call}], protocol)
        for call in calls(marker)
        for protocol in (0, 2, 4)
    ]
    paths = []
    for i, content in enumerate((*pickles, *opcodes(marker), witness)):
        paths.append(tmp_path / f"{i}.pkl")
        paths[-1].write_bytes(content)
    outcomes = read_all("braille", dict.fromkeys(paths, FLOOR))
    assert list(outcomes) == paths
    for path, outcome in outcomes.items():
        problem = "it was read" if outcome["read"] else outcome["problem"]
        tally.count(f"{path.name}: {path.read_bytes()[:200]!r}", problem)
    assert not marker.exists()
