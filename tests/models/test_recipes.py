"""Published networks of DCLS-Delays and DelRec."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mlgenn_delays.compilers import InferenceCompiler
from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.models.dcls import dcls_shd, dcls_ssc
from mlgenn_delays.models.delrec import delrec_psmnist, delrec_shd, delrec_ssc
from mlgenn_delays.models.recipe import Recipe

RECIPES: list[Callable[[], Recipe]] = [dcls_shd, dcls_ssc, delrec_shd, delrec_ssc, delrec_psmnist]

#: Channels of the data, and classes.
CHANNELS = {"shd": (700, 20), "ssc": (700, 35), "psmnist": (16, 10)}


def draw(recipe: Recipe) -> dict[str, dict[str, np.ndarray]]:
    """Initial values: connection -> weights and delays."""
    channels, classes = CHANNELS[recipe.task]
    network = recipe.build(channels // recipe.grouped_channels, classes)
    compiler = InferenceCompiler(10, dt=recipe.settings.network.dt)
    program = build_program(network.network, compiler.settings).program
    values: dict[str, dict[str, np.ndarray]] = {}
    for connection in program.connections:
        found = {"g": program.parameters[connection.weight].initial}
        if connection.delay is not None:
            found["d"] = program.parameters[connection.delay].initial
        values[connection.name] = found
    return values


@pytest.mark.parametrize(
    ("recipe", "kept"),
    [
        (dcls_shd(), 1.0 - 1.0 / 1.005),
        (dcls_ssc(), 1.0 / 3.0),
        (delrec_shd(), 1.0 - 1.0 / 1.05),
        (delrec_ssc(), 0.5),
        (delrec_psmnist(), 0.5),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_membranes_keep_what_is_published(recipe: Recipe, kept: float) -> None:
    dt, neuron = recipe.settings.network.dt, recipe.settings.neuron
    assert math.exp(-dt / neuron.tau_mem) == pytest.approx(kept, rel=1e-9)
    # outputs of SSC and PS-MNIST are sums of currents
    of_output = 0.0 if neuron.readout == "sum_var" else kept
    assert math.exp(-dt / neuron.tau_mem_output) == pytest.approx(of_output, rel=1e-9, abs=1e-20)


def test_weights_of_dcls_are_those_of_kaiming() -> None:
    values = draw(dcls_shd())
    for name, inputs in (("input_hidden1", 140), ("hidden1_hidden2", 256), ("hidden2_output", 256)):
        weights, bound = values[name]["g"], math.sqrt(6.0 / inputs)
        assert 0.99 * bound < np.abs(weights).max() <= bound * (1.0 + 1e-6)
        assert abs(weights.mean()) < 5.0 * bound / math.sqrt(3.0 * weights.size)


@pytest.mark.parametrize(("recipe", "longest"), [(dcls_shd(), 24), (dcls_ssc(2), 30)])
def test_all_connections_of_dcls_have_uniform_delays(recipe: Recipe, longest: int) -> None:
    values = draw(recipe)
    assert list(values) == ["input_hidden1", "hidden1_hidden2", "hidden2_output"]
    for of_connection in values.values():
        delays = of_connection["d"]
        assert delays.min() < 0.01 * longest and 0.99 * longest < delays.max() <= longest
        assert delays.mean() == pytest.approx(0.5 * longest, rel=0.03)


@pytest.mark.parametrize("recipe", [delrec_shd(), delrec_ssc(), delrec_psmnist()])
def test_recurrent_weights_are_orthogonal(recipe: Recipe) -> None:
    values = draw(recipe)
    recurrent = {n: v for n, v in values.items() if n.split("_")[0] == n.split("_")[1]}
    assert list(recurrent) == [f"hidden{i}_hidden{i}" for i in recipe.recurrent_layers]
    for of_connection in recurrent.values():
        weights = of_connection["g"].astype(np.float64)
        np.testing.assert_allclose(weights @ weights.T, np.eye(len(weights)), atol=1e-5)


def test_recurrent_delays_are_drawn_as_published() -> None:
    uniform = draw(delrec_shd())["hidden2_hidden2"]["d"]
    assert uniform.ndim == 1  # one per axon
    assert 10.0 <= uniform.min() < 10.5 and 29.5 < uniform.max() <= 30.0
    half_normal = draw(delrec_ssc())["hidden3_hidden3"]["d"]
    assert half_normal.min() >= 0.0
    assert math.sqrt(np.mean(half_normal.astype(float) ** 2)) == pytest.approx(12.0, rel=0.02)


def test_delays_between_layers_of_delrec() -> None:
    both, recurrent = draw(delrec_shd()), draw(delrec_shd(feed_forward_delays=False))
    assert [n for n, v in both.items() if "d" in v] == ["hidden1_hidden2", "hidden2_hidden2"]
    assert [n for n, v in recurrent.items() if "d" in v] == ["hidden2_hidden2"]


def test_brightness_1_is_as_strong_as_published() -> None:
    recipe = delrec_psmnist()
    weights = draw(recipe)["input_hidden1"]["g"]
    assert weights.shape == (1, 64)
    # PyTorch's Linear of one input has weights within 1; a white pixel has 16 events
    strongest = CHANNELS["psmnist"][0] * np.abs(weights).max()
    assert 0.8 < strongest <= 1.0 + 1e-6


@pytest.mark.parametrize("make", RECIPES)
def test_without_delays(make: Callable[[], Recipe]) -> None:
    recipe = make()
    settings = recipe.settings
    for mode in ("fixed", "none"):
        changed = replace(recipe, settings=settings.change(delays=mode))
        assert changed.build(5, 3).delay_learn_conns == []
        has_delays = any("d" in values for values in draw(changed).values())
        assert has_delays == (mode == "fixed")


@pytest.mark.parametrize("hidden", [(), (8,)])
def test_too_few_layers(hidden: tuple[int, ...]) -> None:
    recipe = delrec_shd()
    with pytest.raises(ValueError, match="delrec_shd needs at least 2 layers"):
        replace(recipe, settings=recipe.settings.change(hidden=hidden)).build(5, 3)


def test_no_layer() -> None:
    recipe = dcls_shd()
    with pytest.raises(ValueError, match="dcls_shd needs at least 1 layers"):
        replace(recipe, settings=recipe.settings.change(hidden=())).build(5, 3)


def test_published_numbers_of_layers() -> None:
    with pytest.raises(ValueError, match=r"num_layers is 4, allowed are \[2, 3\]"):
        dcls_ssc(4)
