"""Configurations that were written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .config import RunConfig, stored_settings
from .errors import RunError
from .task import Task
from .tasks import get_task


def read_config(values: Mapping[str, Any], task: Task | None = None) -> RunConfig:
    """A configuration from what :meth:`.RunConfig.to_json` gave, or from a whole ``config.json`` or
    ``summary.json``.

    Args:
        values: as the file has them
        task: of your own; None: the one that they name

    Raises:
        RunError: they are damaged, or not allowed any more; says why.
    """
    groups = values.get("config", values)
    try:
        chosen = get_task(groups["task"]) if task is None else task
        return chosen.config(stored_settings({"config": groups}))
    except KeyError as error:
        raise RunError(f"this is no configuration, it lacks {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise RunError(f"this is no configuration: {error}") from error
