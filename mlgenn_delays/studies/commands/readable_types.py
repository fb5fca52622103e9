"""What the command line says of a value that it cannot read: the value, and what is allowed.

By itself, tyro says the types as Python writes them, with all that annotates them.
"""

from __future__ import annotations

from dataclasses import replace
from types import UnionType
from typing import Any, Union, get_args

from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    UnsupportedTypeAnnotationError,
)

#: Marks types whose outermost one is dealt with.
_SEEN: Any = "seen"

#: To be active while a command line is read.
READABLE = ConstructorRegistry()


@READABLE.primitive_rule
def _say_what_is_allowed(
    info: PrimitiveTypeInfo,
) -> PrimitiveConstructorSpec[Any] | UnsupportedTypeAnnotationError | None:
    """What tyro has for several types in one, with an error for people."""
    if info.type_origin not in (Union, UnionType, tuple) or _SEEN in info.markers:
        return None
    if Ellipsis in get_args(info.type):
        return None  # their errors name no types
    spec = ConstructorRegistry.get_primitive_spec(replace(info, markers={*info.markers, _SEEN}))
    if isinstance(spec, UnsupportedTypeAnnotationError):
        return spec
    read, allowed = spec.instance_from_str, _allowed(info, spec.metavar)

    def instance_from_str(words: list[str]) -> Any:
        try:
            return read(words)
        except ValueError:
            given = repr(" ".join(words)) if words else "no value"
            raise ValueError(f"{given}, allowed is {allowed}") from None

    return replace(spec, instance_from_str=instance_from_str)


def _allowed(info: PrimitiveTypeInfo, metavar: str) -> str:
    """What a value looks like, e.g. ``"FLOAT FLOAT or None"``."""
    if info.type_origin is tuple:
        return metavar
    types = sorted(get_args(info.type), key=lambda t: t is type(None))
    specs = [
        ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(t, info.markers))
        for t in types
    ]
    shown = [s.metavar for s in specs if isinstance(s, PrimitiveConstructorSpec)]
    return " or ".join("None" if s == "{None}" else s for s in shown)
