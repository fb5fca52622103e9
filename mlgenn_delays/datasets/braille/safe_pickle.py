"""Pickled tables without running what a pickle may ask for.

A pickle is a program: it can name any function of any module and have it called. The reader here
admits a short list of names, those that occur in pickles of plain containers, of NumPy arrays and
of pandas data frames, and answers each with a stand-in that only remembers what the pickle says
about the object, and checks it. pandas need not be installed, and no code of NumPy or pandas that
was made for pickles runs. Any other name is refused before anything of that name is imported.

Functions that pickles call are stand-ins, too. None of them takes more memory than a small multiple
of what it is given.

Forms of data frames: pandas 1.0 to 1.2 give a ``BlockManager`` its content as state, 1.3 as
arguments with blocks from a ``partial`` of ``new_block``, later ones from ``_unpickle_block``;
pandas 3 keeps texts in a ``StringArray``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ...files import MalformedFile, reading
from .pickle_reader import RefusedPickle, StandIn, check_keys, describe_shortly, read_pickle

#: Floats, integers, booleans and strings of these sizes in bytes (strings: characters).
_PLAIN_TYPE = re.compile(r"[fiu][1248]|b1|U[1-9]\d{0,2}")
#: Rows that an array may have where each is empty.
_MOST_EMPTY = 1000


class DType(StandIn):
    """``numpy.dtype`` of a plain type or of objects."""

    __slots__ = ("code",)

    def __init__(self, code: str, align: Any = False, copy: Any = False) -> None:
        if code in ("O8", "O4", "O"):
            self.code = "O"
        elif isinstance(code, str) and _PLAIN_TYPE.fullmatch(code):
            self.code = code
        else:
            raise RefusedPickle(f"arrays of type {describe_shortly(code)} are not expected")

    def __setstate__(self, state: Any) -> None:
        byte_order, subtype, names, fields = state[1:5]
        if (subtype, names, fields) != (None, None, None):
            raise RefusedPickle("arrays of structures are not expected")
        if self.code != "O" and byte_order in ("<", ">"):
            self.code = byte_order + self.code.lstrip("<>")


class NDArrayType(StandIn):
    """``numpy.ndarray``, which is only ever named as an argument."""


class Array(StandIn):
    """An array whose elements came as bytes or, for objects, as a list."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values = np.empty(0, dtype=object)

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        order = "F" if fortran else "C"
        self.values = _elements(data, dtype, shape, order)

    def __len__(self) -> int:
        return len(self.values)

    def tolist(self) -> list[Any]:
        return self.values.tolist()


def _elements(data: Any, dtype: DType, shape: Any, order: str) -> np.ndarray:
    """An array from what a pickle has of it; sizes must agree."""
    if type(shape) is not tuple or not all(type(n) is int and n >= 0 for n in shape):
        raise RefusedPickle("an array without a shape is not expected")
    size = prod(shape)
    if size == 0 and prod(n for n in shape if n) > _MOST_EMPTY:
        raise RefusedPickle("an array of so many empty rows is not expected")
    if dtype.code == "O":
        if type(data) is not list or len(data) != size:
            raise RefusedPickle(f"an array of shape {shape} does not have its {size} objects")
        values = np.empty(size, dtype=object)
        # one by one: NumPy would look into elements that are lists
        for i, value in enumerate(data):
            values[i] = value
        # objects come in logical order whatever the order in memory was
        return values.reshape(shape)
    plain = np.dtype(dtype.code)
    if type(data) is not bytes or len(data) != size * plain.itemsize:
        raise RefusedPickle(f"an array of shape {shape} does not have its {size} elements")
    return np.frombuffer(data, plain).reshape(shape, order=order)  # type: ignore[call-overload]


class Reconstruct(StandIn):
    """``numpy.core.multiarray._reconstruct``: an array whose content follows as state."""

    def __new__(cls, kind: Any, shape: Any, code: Any) -> Any:
        return Array()


class FromBuffer(StandIn):
    """``numpy.core.numeric._frombuffer``: arrays in pickles of protocol 5."""

    def __new__(cls, data: Any, dtype: Any, shape: Any, order: Any) -> Any:
        array = Array()
        array.__setstate__((1, shape, dtype, order == "F", data))
        return array


class Scalar(StandIn):
    """``numpy.core.multiarray.scalar``: becomes a Python number or string."""

    def __new__(cls, dtype: Any, data: Any) -> Any:
        if dtype.code == "O":
            raise RefusedPickle("a NumPy scalar that is an object is not expected")
        return _elements(data, dtype, (), "C").item()


class Encode(StandIn):
    """``_codecs.encode``: how pickles of protocols below 3 write bytes."""

    def __new__(cls, text: str, encoding: str) -> Any:
        if encoding not in ("latin1", "latin-1"):
            raise RefusedPickle(f"the encoding {describe_shortly(encoding)} is not expected")
        return text.encode("latin1")


class EmptyBytes(StandIn):
    """``bytes``, which protocols below 3 call without arguments for empty ones."""

    def __new__(cls) -> Any:
        return b""


class Index(StandIn):
    """``Index`` with given entries."""


class RangeIndex(StandIn):
    """``RangeIndex``."""


class NewIndex(StandIn):
    """``pandas.core.indexes.base._new_Index``: becomes an array or a range of the entries."""

    def __new__(cls, kind: Any, arguments: Any) -> Any:
        if kind is RangeIndex:
            return range(arguments["start"], arguments["stop"], arguments["step"])
        return arguments["data"]


class StringType(StandIn):
    """``StringDtype`` of pandas 3."""

    def __init__(self, *arguments: Any) -> None:
        pass


class StringArray(StandIn):
    """``StringArray`` of pandas 3, kept in NumPy."""

    __slots__ = ("values",)

    def __setstate__(self, state: Any) -> None:
        (array,) = (part for part in state if isinstance(part, Array))
        self.values = array.values

    def __len__(self) -> int:
        return len(self.values)

    def tolist(self) -> list[Any]:
        return self.values.tolist()


class NewStringArray(StandIn):
    """``pandas._libs.arrays.__pyx_unpickle_NDArrayBacked``."""

    def __new__(cls, kind: Any, checksum: Any, state: Any) -> Any:
        array = StringArray()
        if state is not None:
            array.__setstate__(state)
        return array


class Block(StandIn):
    """Some columns of a data frame: ``values[i]`` is the one at ``placement[i]``."""

    __slots__ = ("placement", "values")

    def __init__(self, values: Any, placement: Any, ndim: Any = 2) -> None:
        self.values = values
        self.placement = placement

    def size(self) -> int:
        """Number of cells."""
        return int(self.values.values.size)

    def columns(self, names: list[Any]) -> dict[str, list[Any]]:
        values = self.values.values
        if isinstance(self.values, StringArray):
            values = values.reshape(1, -1)
        place = self.placement
        where = range(*place.indices(len(names))) if isinstance(place, slice) else place
        if len(where) != len(values):
            raise RefusedPickle(f"{len(values)} columns for {len(where)} names")
        chosen = [names[i] for i in (where if isinstance(where, range) else where.tolist())]
        return dict(zip(chosen, values.tolist(), strict=True))


class Partial(StandIn):
    """``functools.partial(new_block, ndim=2)``, as pandas 1.3 writes it, and nothing else."""

    __slots__ = ()

    def __init__(self, function: Any) -> None:
        if function is not Block:
            raise RefusedPickle("functools.partial of anything but new_block is not expected")

    def __setstate__(self, state: Any) -> None:
        function, arguments, keywords, _ = state
        if function is not Block or arguments or list(keywords) != ["ndim"]:
            raise RefusedPickle("functools.partial with further arguments is not expected")

    def __call__(self, values: Any, placement: Any) -> Block:
        return Block(values, placement)


class BlockManager(StandIn):
    """The content of a data frame: axes are the names of the columns and of the rows."""

    __slots__ = ("axes", "blocks")

    def __init__(self, blocks: Any = (), axes: Any = ()) -> None:
        self.blocks = blocks
        self.axes = axes

    def __setstate__(self, state: Any) -> None:
        """pandas 1.0 to 1.2; later versions pass arguments."""
        content = state[3]["0.14.1"]
        self.axes = content["axes"]
        self.blocks = [Block(b["values"], b["mgr_locs"]) for b in content["blocks"]]


class DataFrame(StandIn):
    """``pandas.DataFrame``."""

    __slots__ = ("manager",)

    def __setstate__(self, state: Any) -> None:
        self.manager = state["_mgr"] if "_mgr" in state else state["_data"]

    def columns(self, most: int) -> dict[str, list[Any]]:
        """Values by the names of the columns.

        Args:
            most: cells that there may be
        """
        axis = self.manager.axes[0]
        cells = len(axis) + sum(block.size() for block in self.manager.blocks)
        if cells > most:
            raise RefusedPickle(f"{cells} cells are not expected in {most} bytes")
        names = list(axis) if isinstance(axis, range) else axis.tolist()
        check_keys(names)
        table: dict[str, list[Any]] = {}
        for block in self.manager.blocks:
            table.update(block.columns(names))
        return table


def _admitted() -> dict[tuple[str, str], Callable[..., Any]]:
    names: dict[tuple[str, str], Callable[..., Any]] = {
        ("_codecs", "encode"): Encode,
        ("__builtin__", "bytes"): EmptyBytes,
        ("__builtin__", "slice"): slice,
        ("builtins", "slice"): slice,
        ("functools", "partial"): Partial,
        ("numpy", "dtype"): DType,
        ("numpy", "ndarray"): NDArrayType,
        ("pandas", "DataFrame"): DataFrame,
        ("pandas", "Index"): Index,
        ("pandas", "RangeIndex"): RangeIndex,
        ("pandas", "StringDtype"): StringType,
        ("pandas.arrays", "StringArray"): StringArray,
        ("pandas.core.frame", "DataFrame"): DataFrame,
        ("pandas.core.indexes.base", "Index"): Index,
        ("pandas.core.indexes.base", "_new_Index"): NewIndex,
        ("pandas.core.indexes.numeric", "Int64Index"): Index,
        ("pandas.core.indexes.range", "RangeIndex"): RangeIndex,
        ("pandas.core.internals.blocks", "new_block"): Block,
        ("pandas.core.internals.managers", "BlockManager"): BlockManager,
        ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"): NewStringArray,
        ("pandas._libs.internals", "_unpickle_block"): Block,
    }
    for core in ("numpy.core", "numpy._core"):
        names[f"{core}.multiarray", "_reconstruct"] = Reconstruct
        names[f"{core}.multiarray", "scalar"] = Scalar
        names[f"{core}.numeric", "_frombuffer"] = FromBuffer
    return names


_ADMITTED = _admitted()


def load_table(data: bytes, name: str) -> list[Any] | dict[str, list[Any]]:
    """Read a pickled list or data frame.

    Args:
        data: the pickle.
        name: of the file, for messages.

    Returns:
        A list as it is, or a data frame as ``{column: list of its values}``. NumPy arrays in
        either are objects with a method ``tolist``.

    Raises:
        MalformedFile: a damaged pickle, one that names anything that such a table does not need, or
            one of another kind; the message has ``name``.
    """
    with reading(name, f"{name}: damaged, or not a pickle"):
        try:
            content = read_pickle(data, _ADMITTED)
            if isinstance(content, DataFrame):
                return content.columns(len(data))
        except RefusedPickle as error:
            raise MalformedFile(f"{name}: {error}") from None
    if not isinstance(content, list):
        raise MalformedFile(
            f"{name}: a pickled {type(content).__name__}, allowed are a list and a pandas DataFrame"
        )
    return content
