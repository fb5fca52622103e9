"""Options that an earlier run stored, as defaults of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .experiment import ExperimentError


def set_earlier(parser: argparse.ArgumentParser, earlier: Mapping[str, Any]) -> None:
    """Make the options of an earlier run hold where the command line is silent.

    Args:
        parser: of the command line; options that it does not have are left out.
        earlier: values by name.

    Raises:
        ExperimentError: a value that the command line could not have given: a file was edited or
            is damaged.
    """
    actions = {action.dest: action for action in parser._actions}
    known = {name: value for name, value in earlier.items() if name in actions}
    for name, value in known.items():
        if not _is_allowed(actions[name], value):
            raise ExperimentError(
                "the options of the earlier run, in its config.json or checkpoint, are damaged: "
                f"{name} is {value!r}"
            )
    parser.set_defaults(**known)


def _is_allowed(action: argparse.Action, value: Any) -> bool:
    if action.nargs == 0:  # a flag
        return isinstance(value, bool)
    if action.nargs == "+":
        return isinstance(value, list) and all(_is_allowed_value(action, v) for v in value)
    return value is None or _is_allowed_value(action, value)


def _is_allowed_value(action: argparse.Action, value: Any) -> bool:
    if action.choices is not None and value not in action.choices:
        return False
    if not callable(action.type) or action.type is Path:
        return isinstance(value, str) or action.choices is not None
    try:
        action.type(str(value))
    except (argparse.ArgumentTypeError, TypeError, ValueError):
        return False
    return True
