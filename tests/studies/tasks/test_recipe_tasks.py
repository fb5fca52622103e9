"""Recipes as tasks: sizes, data, what is fixed, and runs on made data."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlgenn_delays.models.dcls import dcls_ssc
from mlgenn_delays.models.delrec import delrec_shd
from mlgenn_delays.models.recipe import Recipe
from mlgenn_delays.optimisers import AdamW
from mlgenn_delays.program.program import Program
from mlgenn_delays.studies import RECIPES, Task, get_task, make_config
from mlgenn_delays.studies.commands.recipe_command import main
from mlgenn_delays.studies.compiling import compile_network
from mlgenn_delays.studies.task import load_data
from mlgenn_delays.studies.tasks.recipes import make_task

needs_torch = pytest.importorskip  # called in tests: the others run without PyTorch

#: Learned parameters, counted in the published code; the papers round them.
PARAMETERS = {
    "dcls_shd": (214_016, "0.2"),
    "dcls_ssc": (1_230_848, "1.2"),
    "delrec_shd": (239_380, "0.24"),
    "delrec_ssc": (374_819, "0.37"),
    "delrec_psmnist": (156_154, "0.16"),
}


def count_parameters(task: Task) -> int:
    """Learned parameters of the published network."""
    config = task.config(kind="synthetic", quick=True, hidden=task.config().network.hidden)
    data = load_data(task, config)
    with compile_network(task, task.build(config, data), config, data) as compiled:
        return sum(p.initial.size for p in compiled.program.parameters if p.learned)


@pytest.mark.parametrize("name", RECIPES)
def test_parameters_are_as_many_as_published(name: str) -> None:
    needs_torch("torch")
    exact, published = PARAMETERS[name]
    assert count_parameters(get_task(name)) == exact
    check_rounded(exact, published)


@pytest.mark.parametrize(
    ("recipe", "exact", "published"),
    [(dcls_ssc(2), 705_536, "0.7"), (delrec_shd(False), 173_844, "0.17")],
)
def test_other_published_sizes(recipe: Recipe, exact: int, published: str) -> None:
    needs_torch("torch")
    assert count_parameters(make_task(recipe)) == exact
    assert recipe.published.parameters == 1e6 * float(published)
    check_rounded(exact, published)


def check_rounded(exact: int, published: str) -> None:
    digits = len(published.split(".")[1])
    assert f"{exact / 1e6:.{digits}f}" == published


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_say_what_is_published(name: str) -> None:
    _, published = PARAMETERS[name]
    task = get_task(name)
    assert task.name == name
    assert f"with {published} million parameters" in task.description


@pytest.mark.parametrize(
    ("name", "channels", "steps"),
    [
        # trials of the data, half a kernel for each published layer of delays, a step for each
        # connection, one until events between timesteps are there
        ("dcls_shd", 140, 100 + 3 * 12 + 3 + 1),
        ("dcls_ssc", 140, 100 + 4 * 15 + 4 + 1),
        ("delrec_shd", 140, 100 + 12 + 3 + 1),
        ("delrec_ssc", 140, 250 + 4 + 1),
        ("delrec_psmnist", 1, 784 + 4),
    ],
)
def test_bins(name: str, channels: int, steps: int) -> None:
    task = get_task(name)
    config = task.config(kind="synthetic", quick=True)
    data = load_data(task, config)
    assert data.num_channels == channels
    assert math.ceil(data.duration / config.network.dt - 1e-6) == steps
    for part in (data.train, data.validation, data.test):
        part.events.check_structure("events")
        assert part.events.num_neurons == channels
        assert part.events.times.max() < 1000.0


def test_neighbouring_channels_are_added_up() -> None:
    settings = {"kind": "synthetic", "quick": True}
    plain, recipe = get_task("shd"), get_task("dcls_shd")
    before = load_data(plain, plain.config(settings)).train.events
    after = load_data(recipe, recipe.config(settings)).train.events
    np.testing.assert_array_equal(before.neurons // 5, after.neurons)
    np.testing.assert_array_equal(before.times, after.times)


@pytest.mark.parametrize("name", RECIPES)
def test_what_a_recipe_fixes_is_refused(name: str) -> None:
    task = get_task(name)
    for setting, value in (("method", "eventprop"), ("dt", 3.0), ("input_weight", (1.0, 1.0))):
        with pytest.raises(ValueError, match=f"{setting}: not for {name}: the recipe"):
            task.config({setting: value})
    # what was written down is read back
    config = task.config(seed=3)
    assert task.config(config.flat()) == config


def test_settings_can_be_changed() -> None:
    config = make_config("delrec_ssc", hidden=(8, 8, 8), dropout=0.0, epochs=7)
    assert (config.network.hidden, config.surrogate.dropout, config.learning.epochs) == (
        (8, 8, 8),
        0.0,
        7,
    )
    assert config.method == "delrec"


SMALL = ("--quick", "--data", "synthetic", "--limit", "24", "--epochs", "1", "--batch-size", "12")


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("dcls_shd", (6, 6)),
        ("delrec_shd", (6, 6)),
        pytest.param("dcls_ssc", (6, 6, 6), marks=pytest.mark.slow),
        pytest.param("delrec_ssc", (6, 6, 6), marks=pytest.mark.slow),
        pytest.param("delrec_psmnist", (6, 6, 6), marks=pytest.mark.slow),
    ],
)
def test_run(name: str, sizes: tuple[int, ...], tmp_path: Path, blank_pictures: None) -> None:
    needs_torch("torch")
    hidden = ("--hidden", *map(str, sizes))
    code = main([name.replace("_", "-"), *SMALL, *hidden, "--out", str(tmp_path / "out")])
    assert code == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert summary["config"]["task"] == name
    assert summary["config"]["method"] == name.split("_")[0]


@pytest.mark.parametrize("arguments", [[], ["shd"], ["--quick", "dcls_shd"]])
def test_name_comes_first(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "allowed are dcls_shd, " in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "delrec_psmnist" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["delrec_ssc", "--help"])
    shown = capsys.readouterr().out
    assert "arXiv 2509.24852" in shown and "--dropout" in shown
    assert shown.startswith("usage: recipe.py delrec_ssc ")


def compile_small(name: str, **changes: Any) -> Program:
    """The program of a recipe with small layers."""
    task = get_task(name)
    config = task.config({"kind": "synthetic", "quick": True, **changes})
    data = load_data(task, config)
    with compile_network(task, task.build(config, data), config, data) as compiled:
        return compiled.program


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("dcls_shd", {"dropout": 0.4}),
        ("dcls_ssc", {"dropout": 0.25}),
        ("delrec_shd", {"dropout": 0.4, "recurrent_dropout": 0.2}),
        ("delrec_ssc", {"current_dropout": 0.1, "recurrent_dropout": 0.3}),
        ("delrec_psmnist", {"current_dropout": 0.1, "recurrent_dropout": 0.2}),
    ],
)
def test_dropout_of_spikes_and_of_currents(name: str, published: dict[str, float]) -> None:
    needs_torch("torch")
    program = compile_small(name)
    assert program.surrogate is not None
    for population, layer in zip(program.populations, program.surrogate.layers, strict=True):
        is_hidden = population.name.startswith("hidden")
        for kind in ("dropout", "current_dropout", "recurrent_dropout"):
            assert getattr(layer, kind) == (published.get(kind, 0.0) if is_hidden else 0.0)


def test_widths_of_delrec() -> None:
    needs_torch("torch")
    program = compile_small("delrec_shd")
    assert program.surrogate is not None
    widths = {
        connection.name: (spread.kind, program.parameters[spread.sigma].initial.item())
        for connection, spread in zip(program.connections, program.surrogate.spreads, strict=True)
        if spread is not None
    }
    assert widths == {"hidden1_hidden2": ("triangle", 0.0), "hidden2_hidden2": ("triangle", 10.0)}


def test_steps_of_input_weights_are_in_events() -> None:
    task = get_task("delrec_psmnist")
    config = task.config(kind="synthetic", quick=True)
    network = task.build(config, load_data(task, config))
    arguments = task.surrogate_arguments(network, config)
    (connection,) = arguments["weight_optimisers"]
    assert connection.name == "input_hidden1"
    of_input = arguments["weight_optimisers"][connection]
    assert of_input.alpha == pytest.approx(arguments["optimiser"].alpha / 16)
    assert isinstance(of_input, AdamW) and of_input.weight_decay == 1e-2
    changed = task.surrogate_arguments(network, config.change(output_lr=0.5))
    of_output = changed["weight_optimisers"][network.connections["hidden3_output"]]
    assert of_output.alpha == pytest.approx(0.5 * arguments["optimiser"].alpha)
