"""Recipes as tasks, such as ``dcls_shd``: published networks, trained as they were on data of the
other tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any

from mlgenn_delays.events.grouping import group_channels
from mlgenn_delays.models import ClassifierNetwork, ClassifierSettings
from mlgenn_delays.models.dcls import dcls_shd, dcls_ssc
from mlgenn_delays.models.delrec import delrec_psmnist, delrec_shd, delrec_ssc
from mlgenn_delays.models.recipe import Recipe
from mlgenn_delays.optimisers import Adam, AdamW

from ..compiling import optimisers_of_weights, spread_width, weight_rate
from ..config import RunConfig
from ..task import Part, Task, TaskData

_RECIPES: Mapping[str, Callable[[], Recipe]] = {
    "dcls_shd": dcls_shd,
    "dcls_ssc": dcls_ssc,
    "delrec_shd": delrec_shd,
    "delrec_ssc": delrec_ssc,
    "delrec_psmnist": delrec_psmnist,
}

_OF_RECIPE = "the recipe says what it is"
#: Settings that are fixed, or that a recipe replaces by values of its own.
_WITHOUT = dict.fromkeys(
    (
        "method",
        "recurrent",
        "recurrent_delays",
        "max_delay",
        "dt",
        "timing",
        "input_weight",
        "hidden_weight",
        "recurrent_weight",
        "output_weight",
        "input_delay",
        "hidden_delay",
        "recurrent_delay",
        "output_delay",
        "tau_syn",
        "tau_syn_output",
        "synapse",
        "encoding",
        "thresholds",
    ),
    _OF_RECIPE,
)


@cache
def recipe_task(name: str) -> Task:
    """The task of a recipe: the data of another task, channels added up, and its own network.

    Args:
        name: one of ``RECIPES``
    """
    return make_task(_RECIPES[name]())


def make_task(recipe: Recipe) -> Task:
    """A task of a recipe, such as one of the package's in another size."""
    base: Task = import_module(f".{recipe.task}", __package__).TASK
    return replace(
        base,
        name=recipe.name,
        description=_describe(recipe),
        settings=lambda config: recipe.settings,
        load=lambda wanted: _prepared(recipe, base.load(wanted)),
        build=lambda settings, data: _build(recipe, settings, data),
        defaults={"method": recipe.method},
        quick={"hidden": tuple(min(size, 24) for size in recipe.settings.network.hidden)},
        fast={},
        methods={},
        without={**base.without, **_WITHOUT},
        same_source=(*base.same_source, "grouped_channels", "duration_ms"),
        surrogate_arguments=lambda network, config: _arguments(recipe, network, config),
    )


def _describe(recipe: Recipe) -> str:
    published, accuracy = recipe.published, ""
    if published.accuracy is not None:
        spread = "" if published.deviation is None else f" +- {published.deviation:g}"
        accuracy = f"{published.accuracy:g}{spread} % with "
    differences = "\n".join(f"- {text}" for text in published.differences)
    return (
        f"The published network of {recipe.name}, and its training: {published.source}.\n\n"
        f"Published: {accuracy}{published.parameters / 1e6:g} million parameters. What is not the "
        f"same here:\n\n{differences}"
    )


def _prepared(recipe: Recipe, data: TaskData) -> TaskData:
    """Data with channels added up and time for delayed spikes at the end of trials."""
    size = recipe.grouped_channels
    network = recipe.settings.network

    def grouped(part: Part) -> Part:
        return Part(group_channels(part.events, size), part.labels)

    duration = data.duration if recipe.duration is None else recipe.duration
    return replace(
        data,
        train=grouped(data.train),
        validation=grouped(data.validation),
        test=grouped(data.test),
        num_channels=data.num_channels // size,
        duration=duration + recipe.tail_steps * network.dt,
        source={**data.source, "grouped_channels": size},
    )


def _build(recipe: Recipe, settings: ClassifierSettings, data: TaskData) -> ClassifierNetwork:
    return replace(recipe, settings=settings).build(data.num_channels, len(data.class_names))


def _arguments(recipe: Recipe, network: ClassifierNetwork, config: RunConfig) -> dict[str, Any]:
    """Arguments of ``SurrogateCompiler`` in which a recipe differs from its method."""
    learning = config.learning
    rates = {c: weight_rate(c, network, learning) for c in network.connections.values()}
    for connection in rates:
        if connection.source() is network.input:
            rates[connection] *= recipe.event_size  # steps of weights are in units of events
    kind = AdamW if recipe.optimiser == "adamw" else Adam
    arguments = optimisers_of_weights(rates, learning, kind)
    if recipe.method == "delrec":
        # between layers, delays are interpolated between two timesteps, and no wider
        arguments["spread_width"] = {
            c: spread_width(config) if c.source() is c.target() else 0.0
            for c in network.delay_learn_conns
        }
    return arguments
