"""Pickled tables without running what a pickle may ask for.

A pickle is a program: it can name any function of any module and have it called. The reader here
admits a short list of names, those that occur in pickles of plain containers, of NumPy arrays and
of pandas data frames, and answers each with a stand-in (:mod:`.stand_ins`) that only remembers
what the pickle says about it. pandas need not be installed. Any other name is refused before
anything of that name is imported.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

from .stand_ins import (
    Block,
    BlockManager,
    DataFrame,
    DType,
    EmptyBytes,
    Encode,
    FromBuffer,
    Index,
    NDArrayType,
    NewIndex,
    NewStringArray,
    Partial,
    RangeIndex,
    Reconstruct,
    RefusedPickle,
    Scalar,
    StringArray,
    StringType,
)


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


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise RefusedPickle(
                f"the pickle names {module}.{name}, which tables of numbers and strings do not "
                "need; nothing of it was run"
            ) from None


def load_table(data: bytes, name: str) -> list[Any] | dict[str, list[Any]]:
    """Read a pickled list or data frame.

    Args:
        data: the pickle.
        name: of the file, for messages.

    Returns:
        A list as it is, or a data frame as ``{column: list of its values}``. NumPy arrays in
        either are objects with a method ``tolist``.

    Raises:
        ValueError: a damaged pickle, one that names anything that such a table does not need, or
            one of another kind; the message has ``name``.
    """
    try:
        content = _Unpickler(io.BytesIO(data)).load()
        if isinstance(content, DataFrame):
            return content.columns()
    except RefusedPickle as error:
        raise RefusedPickle(f"{name}: {error}") from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ValueError(
            f"{name}: damaged, or not a pickle ({type(error).__name__}: {error})"
        ) from error
    if not isinstance(content, list):
        raise ValueError(
            f"{name}: a pickled {type(content).__name__}, allowed are a list and a pandas DataFrame"
        )
    return content
