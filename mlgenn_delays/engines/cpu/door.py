"""The door between Python's memory and generated code, which reads and writes without looking.

Every pointer of every structure of ``templates/abi.h`` is set by :func:`bind`, and only there. The
header says which type and shape the array behind a pointer has, and whether generated code writes
to it; whatever is different is refused.
"""

from __future__ import annotations

import ctypes as ct
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycparser import c_ast

from . import abi

_SHAPE = re.compile(r"//.*?((?:\[[^\]]+\])+)(?:.*?((?:\[[^\]]+\])+))?")
_INTEGER = re.compile(r"\b(u?int\d+)_t\b")
_DTYPES = {"float": "float32", "double": "float64"}


@dataclass(frozen=True)
class Pointer:
    """A pointer of the header.

    Attributes:
        dtypes:   types that the elements may have; of arrays of pointers, of what they point to
        shape:    sizes by name, such as ("B", "N") or ("examples + 1",)
        entry:    shape of what each pointer of an array of pointers points to; None: no such array
        written:  whether generated code writes to the elements
        of:       structure, where it is an array of those
    """

    dtypes: tuple[np.dtype, ...]
    shape: tuple[str, ...]
    entry: tuple[str, ...] | None
    written: bool
    of: str | None


def _pointer(field: Any, comment: str) -> Pointer:
    """A pointer and the comment behind it."""
    found = _SHAPE.search(comment)
    if found is None:
        raise ValueError(f"abi.h: {field.name} has no shape")
    shape, entry = (
        tuple(re.findall(r"\[([^\]]+)\]", text)) if text else () for text in found.groups()
    )
    is_table = isinstance(field.type.type, c_ast.PtrDecl)
    target = field.type.type.type if is_table else field.type.type
    if isinstance(target.type, c_ast.Struct):
        return Pointer((), shape, None, "const" not in target.quals, target.type.name)
    name = target.type.names[0]
    names = _INTEGER.findall(comment) if name == "void" else [_DTYPES.get(name, name[:-2])]
    dtypes = tuple(np.dtype(n) for n in names)
    return Pointer(dtypes, shape, entry if is_table else None, "const" not in target.quals, None)


def _pointers() -> dict[tuple[str, str], Pointer]:
    lines = abi.HEADER.splitlines()
    found = {}
    for structure in abi.STRUCTURES:
        declaration: Any = abi.DECLARATIONS[structure]
        for field in declaration.decls:
            if isinstance(field.type, c_ast.PtrDecl):
                found[structure, field.name] = _pointer(field, lines[field.coord.line - 1])
    return found


#: (structure, field) -> what it points to.
POINTERS = _pointers()


def bind(buffers: ct.Structure, field: str, value: Any, **sizes: int) -> None:
    """Point a field of a structure to an array, which has to live as long as it is used.

    Args:
        value: array; of arrays of structures, their ctypes array; None: a null pointer
        sizes: by their names in the header

    Raises:
        ValueError, TypeError: not what the header says
    """
    name = f"{type(buffers).__name__}.{field}"
    pointer = POINTERS[type(buffers).__name__, field]
    address = None
    if pointer.of is not None:
        address = _of_structures(value, pointer, sizes, name)
    elif value is not None:
        address = _address(value, pointer, pointer.shape, sizes, name)
    setattr(buffers, field, address)


def bind_table(
    buffers: ct.Structure, field: str, arrays: Sequence[np.ndarray | None], **sizes: int
) -> ct.Array[Any]:
    """Point a field to an array of pointers to ``arrays``; None: a null pointer.

    Returns:
        the array of pointers, which has to live as long as it is used

    Raises:
        ValueError, TypeError: not what the header says
    """
    name = f"{type(buffers).__name__}.{field}"
    pointer = POINTERS[type(buffers).__name__, field]
    _require_size(len(arrays), pointer.shape, sizes, name)
    table = (abi.POINTER * len(arrays))()
    for k, array in enumerate(arrays):
        if array is not None:
            table[k] = _address(array, pointer, pointer.entry or (), sizes, f"{name}[{k}]")
    setattr(buffers, field, ct.addressof(table))
    return table


def _address(
    array: Any, pointer: Pointer, names: tuple[str, ...], sizes: Mapping[str, int], name: str
) -> int:
    """Address of an array's first element."""
    if type(array) is not np.ndarray or array.dtype not in pointer.dtypes:
        given = getattr(array, "dtype", type(array).__name__)
        allowed = " or ".join(map(str, pointer.dtypes))
        raise TypeError(f"{name} is of type {given}, generated code takes arrays of {allowed}")
    shape = tuple(_size(n, sizes) for n in names)
    if array.shape not in (shape, (math.prod(shape),)):
        raise ValueError(
            f"{name} has shape {array.shape}, it should be [{']['.join(names)}] = {shape}"
        )
    flags = array.flags
    if not (flags.c_contiguous and flags.aligned and (flags.writeable or not pointer.written)):
        raise ValueError(
            f"{name} should be contiguous and aligned"
            f"{' and not read-only' if pointer.written else ''}"
        )
    return array.ctypes.data


def _of_structures(value: Any, pointer: Pointer, sizes: Mapping[str, int], name: str) -> int:
    kind = getattr(value, "_type_", None)
    if not isinstance(value, ct.Array) or getattr(kind, "__name__", "") != pointer.of:
        raise TypeError(f"{name} should be an array of {pointer.of}, not {type(value).__name__}")
    _require_size(len(value), pointer.shape, sizes, name)
    return ct.addressof(value)


def _require_size(length: int, names: tuple[str, ...], sizes: Mapping[str, int], name: str) -> None:
    expected = math.prod(_size(n, sizes) for n in names)
    if length != expected:
        raise ValueError(f"{name} has {length} entries, it should have {expected}")


def _size(name: str, sizes: Mapping[str, int]) -> int:
    """A size of the header, such as "B" or "examples + 1"."""
    word, _, more = name.partition(" + ")
    return sizes[word] + int(more or 0)
