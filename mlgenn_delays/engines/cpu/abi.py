"""What Python and generated code share, made from ``templates/abi.h``.

The header is the only place in which structures and functions are written down. Generated code
includes it; here pycparser reads it, and ctypes gets its structures, field by field, and the types
of all functions. A compiled network knows the header's checksum, which is compared when it is
loaded. :mod:`.door` sees that the arrays are those that the header says.
"""

from __future__ import annotations

import ctypes as ct
import hashlib
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from pycparser import c_ast, c_parser

from ..code_cache import CompilerError

POINTER = ct.c_void_p

#: Text of the header.
HEADER = (files(__package__) / "templates" / "abi.h").read_text(encoding="utf-8")

#: Checksum of the header, of which compiled networks have a copy.
VERSION = hashlib.sha256(HEADER.encode()).hexdigest()[:12]

#: Functions that only networks for training have.
_BACKWARD = ("mgd_backward", "mgd_adam")

_NUMBERS: dict[str, type[Any]] = {
    "int": ct.c_int,
    "int32_t": ct.c_int32,
    "int64_t": ct.c_int64,
    "float": ct.c_float,
    "double": ct.c_double,
}

_COMMENT = re.compile(r"//[^\n]*")

#: Types of <stdint.h> that the header uses.
_INTEGERS = sorted(set(re.findall(r"\bu?int\d+_t\b", HEADER)))


def _parse() -> dict[str, c_ast.Node]:
    """Structures and functions of the header by name; lines are those of the header."""
    # what these types are does not matter to the parser, their names are looked up below
    names = " ".join(f"typedef int {name};" for name in _INTEGERS)
    tree = c_parser.CParser().parse(names + _COMMENT.sub("", HEADER), "abi.h")
    found: dict[str, c_ast.Node] = {}
    for node in tree.ext:
        if isinstance(node, c_ast.Decl):
            found[node.name or node.type.name] = node.type
    return found


#: Structures and functions of the header by name.
DECLARATIONS = _parse()


def _number(node: Any) -> type[Any]:
    """ctypes' type of a number that stands in a structure or is an argument."""
    return _NUMBERS[node.type.names[0]]


def _fields(structure: str) -> list[tuple[str, type[Any]]]:
    """Fields of a structure of the header; all pointers are addresses."""
    declarations: Any = DECLARATIONS[structure]
    return [
        (field.name, POINTER if isinstance(field.type, c_ast.PtrDecl) else _number(field.type))
        for field in declarations.decls
    ]


class InputEvents(ct.Structure):
    """Spikes of one input population."""

    _fields_ = _fields("InputEvents")


class PopulationBuffers(ct.Structure):
    """Buffers of one population for one batch; null where not wanted."""

    _fields_ = _fields("PopulationBuffers")


class Parameter(ct.Structure):
    """One parameter: values, gradients per thread, moments of Adam, norm of the gradient."""

    _fields_ = _fields("Parameter")


class Constant(ct.Structure):
    """A constant of single neurons: values, and gradients per thread."""

    _fields_ = _fields("Constant")


class ConnectionBuffers(ct.Structure):
    """One connection: arrays of its weights and delays, and what belongs to no parameter."""

    _fields_ = _fields("ConnectionBuffers")


class Batch(ct.Structure):
    """One call of the forward or the backward pass."""

    _fields_ = _fields("Batch")


class Adam(ct.Structure):
    """Numbers of one Adam step."""

    _fields_ = _fields("Adam")


#: Structures of the header by name; Network is none, its fields are unknown here.
STRUCTURES: dict[str, type[ct.Structure]] = {
    s.__name__: s
    for s in (InputEvents, PopulationBuffers, Parameter, Constant, ConnectionBuffers, Batch, Adam)
}


def _type(node: Any) -> Any:
    """ctypes' type of an argument or a result; None: void."""
    if not isinstance(node, c_ast.PtrDecl):
        return None if node.type.names == ["void"] else _number(node)
    target = node.type
    if isinstance(target, c_ast.PtrDecl):
        return ct.POINTER(POINTER)
    if isinstance(target.type, c_ast.Struct):
        structure = STRUCTURES.get(target.type.name)
        return POINTER if structure is None else ct.POINTER(structure)
    return ct.c_char_p if target.type.names == ["char"] else POINTER


#: Functions of the header by name: types of their arguments, type of their result.
FUNCTIONS: dict[str, tuple[list[Any], Any]] = {
    name: ([t for t in map(_type, (a.type for a in node.args.params)) if t], _type(node.type))
    for name, node in DECLARATIONS.items()
    if isinstance(node, c_ast.FuncDecl)
}


def declare(library: ct.CDLL, path: Path, training: bool) -> None:
    """Set argument and result types of a compiled network's functions.

    Args:
        library:  the network
        path:     its file
        training: whether it can run backwards

    Raises:
        CompilerError: it was made for another header
    """
    for name, (arguments, result) in FUNCTIONS.items():
        if name in _BACKWARD and not training:
            continue
        function = getattr(library, name, None)
        if function is None:
            raise CompilerError(_other_version(path, f"has no function {name}"))
        function.argtypes, function.restype = arguments, result
        if name == "mgd_abi_version":
            version = function().decode()
            if version != VERSION:
                raise CompilerError(
                    _other_version(path, f"has the interface {version}, not {VERSION}")
                )


def _other_version(path: Path, what: str) -> str:
    return (
        f"the compiled network {path} {what}: another version of mlgenn_delays has made it; delete "
        "it to have it built again"
    )


def aligned_zeros(size: int, dtype: type) -> np.ndarray:
    """Zeros that start on a cache line; pages never written to cost no memory."""
    itemsize = np.dtype(dtype).itemsize
    raw = np.zeros(size * itemsize + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size * itemsize].view(dtype)
