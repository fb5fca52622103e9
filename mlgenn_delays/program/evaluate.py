"""Values of expressions of models: of numbers and arrays, real or complex.

Complex numbers are for derivatives. With a step so small that its square is nothing,
Im f(x + ih) / h is f'(x) to rounding, since no difference is taken (Squire & Trapp 1998,
10.1137/S003614459631241X).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from pycparser import c_ast

from .syntax import parse_tree

#: A step whose square is lost beside any number.
_STEP = 1e-30


def _abs(x: Any) -> Any:
    return np.where(np.real(x) < 0.0, -x, x)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "cos": np.cos,
    "exp": np.exp,
    "expm1": np.expm1,
    "fabs": _abs,
    "fmax": lambda a, b: np.where(np.real(a) >= np.real(b), a, b),
    "fmin": lambda a, b: np.where(np.real(a) <= np.real(b), a, b),
    "log": np.log,
    "log1p": np.log1p,
    "pow": lambda a, b: a**b,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
}

#: Functions that expressions of derived parameters may call.
EVALUATED = frozenset(_FUNCTIONS)

_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "<": lambda a, b: np.real(a) < np.real(b),
    "<=": lambda a, b: np.real(a) <= np.real(b),
    ">": lambda a, b: np.real(a) > np.real(b),
    ">=": lambda a, b: np.real(a) >= np.real(b),
    "==": lambda a, b: np.real(a) == np.real(b),
    "!=": lambda a, b: np.real(a) != np.real(b),
}


def evaluate(text: str, values: Mapping[str, Any]) -> Any:
    """Value of an expression.

    Args:
        text:   in the language of snippets, but for what only integers have
        values: name -> number or array; arrays have one shape

    Raises:
        ValueError: an operator or function that has no value here
    """
    # both sides of a condition are evaluated
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return _value(_tree(text), values)


@lru_cache(maxsize=256)
def _tree(text: str) -> Any:
    (node,) = parse_tree(f"{text};")
    return node


def _value(node: Any, values: Mapping[str, Any]) -> Any:
    match node:
        case c_ast.ID():
            return values[node.name]
        case c_ast.Constant():
            return float(node.value.rstrip("fF"))
        case c_ast.FuncCall() if node.name.name in _FUNCTIONS:
            arguments = node.args.exprs if node.args is not None else []
            return _FUNCTIONS[node.name.name](*(_value(a, values) for a in arguments))
        case c_ast.UnaryOp(op="-"):
            return -_value(node.expr, values)
        case c_ast.UnaryOp(op="+"):
            return _value(node.expr, values)
        case c_ast.BinaryOp() if node.op in _BINARY:
            return _BINARY[node.op](_value(node.left, values), _value(node.right, values))
        case c_ast.TernaryOp():
            parts = (node.cond, node.iftrue, node.iffalse)
            return np.where(*(_value(part, values) for part in parts))
    what = node.name.name if isinstance(node, c_ast.FuncCall) else getattr(node, "op", "this")
    raise ValueError(
        f"{what!r} is not allowed in an expression that a parameter follows from, allowed are "
        f"+ - * / comparisons ? : and {', '.join(sorted(EVALUATED))}"
    )


def small_step(values: np.ndarray) -> np.ndarray:
    """Values moved by a step that :func:`derivative` knows."""
    return values + 1j * _STEP


def derivative(moved: Any) -> Any:
    """Derivative of what was computed from :func:`small_step` of a value."""
    return np.imag(moved) / _STEP
