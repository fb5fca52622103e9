"""The tasks of the package, by name."""

from __future__ import annotations

import difflib
from importlib import import_module

from ..task import Task

#: Names of the tasks, from the smallest to the largest.
TASKS = (
    "sequence_detection",
    "yin_yang",
    "braille",
    "speech",
    "nmnist",
    "psmnist",
    "shd",
    "ssc",
)

#: Published networks with their training by surrogate gradients, see :mod:`.recipes`.
RECIPES = ("dcls_shd", "dcls_ssc", "delrec_shd", "delrec_ssc", "delrec_psmnist")

#: Tasks that a script has added.
_added: dict[str, Task] = {}


def add_task(task: Task) -> None:
    """Make a task known by its name, in this process.

    Raises:
        ValueError: the package has one of this name.
    """
    if task.name in (*TASKS, *RECIPES):
        raise ValueError(f"task {task.name!r}: the package has one of this name, choose another")
    _added[task.name] = task


def get_task(name: str) -> Task:
    """A task by its name.

    Raises:
        ValueError: there is none; says which there are.
    """
    if name in _added:
        return _added[name]
    if name in RECIPES:
        recipe: Task = import_module(".recipes", __name__).recipe_task(name)
        return recipe
    if name not in TASKS:
        close = difflib.get_close_matches(str(name), [*TASKS, *RECIPES, *_added], 1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise ValueError(
            f"task is {name!r}, allowed are {', '.join([*TASKS, *RECIPES, *_added])}{hint}"
        )
    # the package imports no data set that is not asked for
    task = import_module(f".{name}", __name__).TASK
    assert isinstance(task, Task)
    return task
