"""``--evaluate``: whether data are like those that the checkpoint was trained with."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from .configuration import damaged_config
from .experiment import Experiment, ExperimentError
from .options import Options


def check_data(
    experiment: Experiment, trained: Mapping[str, Any], tested: Mapping[str, Any]
) -> None:
    """See that data have the classes of the training, and were made into spikes in the same way.

    Args:
        experiment: says which entries must be the same.
        trained: what the checkpoint says about itself; entries that it lacks are not compared.
        tested: the same about the test.

    Raises:
        ExperimentError: names what differs.
    """
    with damaged_config():
        before, now = _entries(trained), _entries(tested)
        names = before.get("class_names", now["class_names"])
        if names != now["class_names"]:
            raise ExperimentError(
                "argument --evaluate: the checkpoint was trained on the classes "
                f"{', '.join(names)}, the data have {', '.join(now['class_names'])}"
            )
        compared = [name for name in experiment.same_source if name in before]
        changes = [c for name in compared for c in _changes(name, before[name], now.get(name))]
    if changes:
        raise ExperimentError(
            "argument --evaluate: the checkpoint was trained with data made in another way: "
            f"{', '.join(changes)}"
        )


def _entries(description: Mapping[str, Any]) -> dict[str, Any]:
    data = description.get("data", {})
    return {**data, **data.get("source", {})}


def _changes(name: str, before: Any, now: Any) -> Iterator[str]:
    """What differs; of tables each entry."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            yield from _changes(f"{name} {key}", before.get(key), now.get(key))
    elif before != now:
        yield f"{name} was {before!r} and is {now!r}"


def note_own_options(options: Options, description: Mapping[str, Any]) -> None:
    """Say which of the experiment's own options are others than in training: they may say which
    samples are tested, and samples that were trained with make the accuracy too good."""
    stored = description.get("options", {})
    now = options.to_json()
    changes = [
        f"{name} was {stored[name]!r} and is {now[name]!r}"
        for name in options.own
        if name in stored and stored[name] != now[name]
    ]
    if changes:
        print(
            f"Note: in training, options were others: {', '.join(changes)}. If they choose the "
            "samples of the test, it may have some that the network was trained with.",
            file=sys.stderr,
        )
