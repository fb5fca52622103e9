"""Reading pickles of lists and data frames without running them."""

from __future__ import annotations

import base64
import builtins
import copyreg
import functools
import json
import os
import pickle
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlgenn_delays.datasets.braille import safe_pickle
from mlgenn_delays.datasets.braille.safe_pickle import load_table

#: Data frames of three trials, pickled by several versions of pandas; see `trials`.
PANDAS_PICKLES = {
    name: base64.b64decode(text)
    for name, text in json.loads(
        Path(__file__).with_name("pandas_pickles.json").read_text(encoding="utf-8")
    ).items()
}


def trials() -> dict[str, list[Any]]:
    """The content of every one of `PANDAS_PICKLES`."""

    def events(times: dict[tuple[int, int], list[float]]) -> list[list[list[float]]]:
        return [[times.get((taxel, polarity), []) for polarity in (0, 1)] for taxel in range(12)]

    first = {(0, 0): [0.1, 0.25], (0, 1): [0.5], (11, 1): [1.3]}
    return {
        "letter": ["B", "Space", "A"],
        "events": [events(first), events({}), events({(3, 0): [0.0]})],
    }


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def test_list_of_plain_values() -> None:
    content = [{"letter": "A", "events": [[[0.5], []]]}, {"letter": "Space"}]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert load_table(pickle.dumps(content, protocol), "file") == content


@pytest.mark.parametrize("name", PANDAS_PICKLES)
def test_data_frames_of_many_versions_of_pandas(name: str) -> None:
    table = load_table(PANDAS_PICKLES[name], name)
    assert isinstance(table, dict)
    assert {k: table[k] for k in ("letter", "events")} == trials()
    if "more columns" in name:
        assert table["trial"] == [7, 8, 9]
        assert table["speed"] == [1.5, 2.5, 3.5]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_data_frame_of_the_installed_pandas(protocol: int) -> None:
    pandas = pytest.importorskip("pandas")
    # names of columns that pyarrow keeps, which pandas 3 has where it is installed, are refused
    with pandas.option_context("mode.string_storage", "python"):
        check_installed_pandas(pandas, protocol)


def check_installed_pandas(pandas: Any, protocol: int) -> None:
    frame = pandas.DataFrame(trials())
    frame["letter"] = frame["letter"].astype(object)
    frame["trial"] = np.array([3, 2, 1])
    chosen = frame[frame.trial < 3].sort_values("trial")
    table = load_table(pickle.dumps(chosen, protocol), "file")
    assert isinstance(table, dict)
    assert table["letter"] == ["A", "Space"]
    assert table["trial"] == [1, 2]
    assert table["events"] == trials()["events"][:0:-1]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "array",
    [
        np.array([0.25, 1.5]),
        np.array([[1, 2, 3], [4, 5, 6]], dtype=">i2"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.asfortranarray(np.array([[1, "a", None], [2.5, "b", [3]]], dtype=object)),
        np.array([True, False]),
        np.array(["A", "Space"]),
        np.zeros((0, 3)),
    ],
    ids=["float", "big-endian", "fortran", "fortran-objects", "bool", "str", "empty"],
)
def test_arrays(array: np.ndarray, protocol: int) -> None:
    (read,) = load_table(pickle.dumps([array], protocol), "file")
    assert isinstance(read, safe_pickle.Array)
    assert read.tolist() == array.tolist()


def test_numpy_scalars_become_numbers() -> None:
    content = [np.float64(0.5), np.int32(-3), np.str_("Space"), np.bool_(True)]
    assert load_table(pickle.dumps(content), "file") == [0.5, -3, "Space", True]


@pytest.mark.parametrize(
    ("function", "arguments", "refused"),
    [
        (os.system, ("touch {marker}",), f"{os.name if os.name == 'nt' else 'posix'}.system"),
        (builtins.eval, ("open('{marker}', 'w')",), "builtins.eval"),
        (builtins.exec, ("open('{marker}', 'w')",), "builtins.exec"),
        (builtins.getattr, ("{marker}", "format"), "builtins.getattr"),
        (builtins.open, ("{marker}", "w"), ".open"),
        (subprocess.Popen, (["touch", "{marker}"],), r"\.Popen"),
        (copyreg._reconstructor, (dict, dict, {}), "copyreg._reconstructor"),  # type: ignore[attr-defined]
        (np.load, ("{marker}",), "numpy.load"),
    ],
)
def test_other_names_are_refused_and_not_run(
    function: Any, arguments: tuple, refused: str, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    filled = [
        [part.format(marker=marker) for part in a] if isinstance(a, list)
        else a.format(marker=marker) if isinstance(a, str) else a
        for a in arguments
    ]  # fmt: skip
    for protocol in (0, 2, 4):
        data = pickle.dumps([{"letter": Calls(function, *filled)}], protocol)
        expected = refused.replace("builtins.", "(__builtin__|builtins).")
        expected = expected.replace("copyreg.", "(copy_reg|copyreg).")
        with pytest.raises(ValueError, match=rf"bad\.pkl: the pickle names .*{expected}"):
            load_table(data, "bad.pkl")
    assert not marker.exists()


def test_name_within_an_admitted_object_is_refused() -> None:
    """Protocol 4 reaches attributes by dotted names."""
    data = b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93."
    with pytest.raises(ValueError, match=r"names numpy\.ndarray\.tofile"):
        load_table(data, "bad.pkl")


def test_extension_codes_are_refused() -> None:
    copyreg.add_extension("os", "system", 240)
    try:
        with pytest.raises(ValueError, match="opcode 0x82 at byte 2 is not one that tables need"):
            load_table(b"\x80\x02\x82\xf0.", "bad.pkl")
    finally:
        copyreg.remove_extension("os", "system", 240)


def test_partial_of_another_function_is_refused() -> None:
    with pytest.raises(ValueError, match=r"bad.pkl: functools.partial of anything but new_block"):
        load_table(pickle.dumps([functools.partial(slice, 1)]), "bad.pkl")


def test_attributes_of_stand_ins_cannot_be_set() -> None:
    before = {name: dict(vars(kind)) for name, kind in vars(safe_pickle).items()
              if isinstance(kind, type)}  # fmt: skip
    state = b"}\x8c\x07__new__K\x01s"  # {'__new__': 1}
    for module, name in safe_pickle._ADMITTED:
        glob = b"c" + module.encode() + b"\n" + name.encode() + b"\n"
        for change in (state, b"N" + state + b"\x86"):  # as __dict__, and as slots
            with pytest.raises(ValueError, match=r"bad.pkl"):
                load_table(b"\x80\x04" + glob + change + b"b.", "bad.pkl")
    assert before == {name: dict(vars(kind)) for name, kind in vars(safe_pickle).items()
                      if isinstance(kind, type)}  # fmt: skip


def test_state_where_none_belongs_is_refused() -> None:
    data = b"\x80\x04cpandas\nIndex\n)\x81}\x8c\x01aK\x01sb."  # Index(), then its state {'a': 1}
    with pytest.raises(ValueError, match=r"bad\.pkl: state for Index is not expected"):
        load_table(data, "bad.pkl")


def test_persistent_ids_are_refused() -> None:
    with pytest.raises(ValueError, match=r"bad.pkl: damaged"):
        load_table(b"\x80\x04\x8c\x01aQ.", "bad.pkl")


def array_pickle(shape: Any, code: str, data: Any) -> bytes:
    """An array as NumPy pickles it, with any content."""

    class Hostile:
        def __reduce__(self) -> Any:
            reconstruct = np.zeros(1).__reduce__()[0]
            state = (1, shape, np.dtype(code), False, data)
            return reconstruct, (np.ndarray, (0,), b"b"), state

    return pickle.dumps([Hostile()])


@pytest.mark.parametrize(
    ("shape", "code", "data", "message"),
    [
        ((10**9,), "f8", b"\0" * 8, "does not have its 1000000000 elements"),
        ((2,), "f8", b"\0" * 24, "does not have its 2 elements"),
        ((3,), "O", [1, 2], "does not have its 3 objects"),
        ((1,), "O", b"\0" * 8, "does not have its 1 objects"),
        ((-1,), "f8", b"", "an array without a shape"),
        ((10**9, 0), "f8", b"", "so many empty rows"),
        (((1,), 10**9), "f8", b"", "an array without a shape"),
        ((1,), "V8", b"\0" * 8, "arrays of type 'V8' are not expected"),
        ((1,), "M8[ns]", b"\0" * 8, "arrays of type 'M8' are not expected"),
        ((1,), [("a", "f8")], b"\0" * 8, "are not expected"),
    ],
)
def test_hostile_arrays(shape: Any, code: Any, data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"bad.pkl: .*({message})"):
        load_table(array_pickle(shape, code, data), "bad.pkl")


#: What is said of a pickle, and the pickle.
HOSTILE = {
    "an entry of the memo far away": (b"]r\xff\xff\xff\x7f.", "entry 2147483647 of the memo"),
    "its number as text": (b"]p99999999999\n.", "entry 99999999999 of the memo"),
    "a text that is not there": (b"]X\xff\xff\xff\x7f.", "2147483647 bytes are announced, 1 are"),
    "bytes that are not there": (b"]B\xff\xff\xff\x7f.", "2147483647 bytes are announced"),
    "a bytearray": (b"]\x96" + b"\xff" * 7 + b"\x7f.", "bytes are announced"),
    "keys that are nested": (b"}N" + b"\x85" * 50_000 + b"Ns.", "the key a tuple is not expected"),
    "a number of a million digits": (b"]I" + b"9" * 10**6 + b"\n.", "of 1000000 characters"),
    "sets": (b"\x8f" * 10**6 + b".", "opcode 0x8f at byte 2 is not"),
    "lists within lists": (b"]" * 90_000 + b"a" * 89_999 + b".", None),
    "a million lists": (b"(" + b"]" * 10**6 + b"l.", "so many objects are not expected"),
    "the same text encoded over and over": (
        b"(c_codecs\nencode\nq\x00X\x40\x42\x0f\x00" + b"a" * 10**6 + b"q\x01X\x06\0\0\0latin1q\x02"
        + b"h\x00h\x01h\x02\x86R" * 10**4 + b"l.",
        "objects that use the same content over and over",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_opcodes(name: str) -> None:
    data, message = HOSTILE[name]
    if message is None:
        load_table(b"\x80\x02" + data, "bad.pkl")
        return
    with pytest.raises(ValueError, match=f"bad.pkl: .*{message}"):
        load_table(b"\x80\x02" + data, "bad.pkl")


def test_opcodes_of_all_protocols() -> None:
    """What Python's own reader makes of it."""
    values = [None, True, False, 0, 255, 256, 65536, -1, 2**40, -(2**70), 0.5, "ä€😀\n", "x" * 300]
    tuples = [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]
    lists = [[], [0.5], [0.25] * 1000, [[0.5], [], [1.5, 2.5]], [1, 0.5], [[0.5], 1, [[]]]]
    content = [values, tuples, lists, {"a": 1, "b": {2: lists}}, lists, b"", b"x" * 300]
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps([content, bytearray(b"abc")] if protocol == 5 else content, protocol)
        assert load_table(data, "file") == pickle.loads(data)
    for protocol in (0, 1):
        data = pickle.dumps(content[:5], protocol)
        assert load_table(data, "file") == pickle.loads(data)


def test_what_python_2_wrote() -> None:
    """Its memo counts from 1, its texts are bytes."""
    data = b"(lp1\n(dp2\nS'letter'\np3\nS'A'\np4\nsa."
    assert load_table(data, "file") == [{"letter": "A"}]
    assert load_table(b"]q\x01(U\x01AT\x01\0\0\0Be.", "file") == ["A", "B"]


@pytest.mark.parametrize("name", PANDAS_PICKLES)
def test_truncated_anywhere(name: str) -> None:
    whole = PANDAS_PICKLES[name]
    for length in range(len(whole)):
        with pytest.raises(ValueError, match=r"cut.pkl: damaged"):
            load_table(whole[:length], "cut.pkl")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not a pickle", b"<html></html>", b"\0" * 99])
def test_not_a_pickle(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"x.pkl: damaged, or not a pickle"):
        load_table(data, "x.pkl")


@pytest.mark.parametrize("content", [{"letter": []}, 3, None, np.zeros(3)])
def test_other_content(content: Any) -> None:
    with pytest.raises(ValueError, match=r"x.pkl: a pickled .*allowed are a list and"):
        load_table(pickle.dumps(content), "x.pkl")
