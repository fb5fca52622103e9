"""Optimiser steps on GeNN: the same as the CPU engine's, with state that goes out and in."""

from __future__ import annotations

import numpy as np
import pytest
from genn_backend import BACKEND
from genn_cases import RANGE, assert_close, cpu_engine, frozen, recurrent

from mlgenn_delays.optimisers import Adam, AdamW, Optimiser

pytest.importorskip("pygenn")
pytest.importorskip("ml_genn")

from mlgenn_delays.engines.genn.engine import GennEngine

pytestmark = pytest.mark.genn


class Momentum(Optimiser):
    """An optimiser that the engines do not know."""

    def __init__(self, rate: float):
        self.rate = rate

    def check(self) -> None:
        pass

    def update(self, value, gradient, state, step):
        state["velocity"] = 0.9 * state.get("velocity", np.zeros_like(value)) + gradient
        return (value - self.rate * state["velocity"]).astype(value.dtype)


class Signed(Adam):
    """A class derived from Adam: another rule with the same names of moments."""

    def update(self, value, gradient, state, step):
        return super().update(value, np.sign(gradient), state, step)


#: What the three connections learn with.
OPTIMISERS = {
    "Adam": lambda: [{"g": Adam(0.01), "d": Adam(1.0, beta1=0.8)} for _ in range(3)],
    "momentum": lambda: [{"g": Momentum(0.02), "d": Momentum(1.0)} for _ in range(3)],
    "derived from Adam": lambda: [{"g": Signed(0.01), "d": Signed(0.5)} for _ in range(3)],
    "weight decay": lambda: [
        {"g": AdamW(0.01, weight_decay=0.1), "d": Adam(0.5, weight_decay=1e-3)} for _ in range(3)
    ],
    "one of each": lambda: [
        {"g": Adam(0.01), "d": Momentum(1.0)},
        {"g": Momentum(0.02), "d": Adam(0.5)},
        {"g": Signed(0.01), "d": Signed(0.5)},
    ],
}


@pytest.fixture(scope="module")
def case():
    return recurrent(delays=(RANGE, RANGE, None), batch=2)


def genn_engine(case):
    return case.engine(GennEngine, BACKEND)


def train(case, engine, optimisers, steps) -> None:
    for step in steps:
        case.gradients(engine)
        case.apply(engine, optimisers, step)


def assert_same_parameters(case, engine, other, compare=assert_close):
    for spec, a, b in zip(
        case.program.parameters, engine.get_parameters(), other.get_parameters(), strict=True
    ):
        compare(a, b, spec.label)


def identical(found, expected, what):
    np.testing.assert_array_equal(found, expected, err_msg=what)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_same_steps_as_on_the_cpu(case, name):
    engine, cpu = genn_engine(case), cpu_engine(case)
    before = case.parameters_of(cpu)
    for e in (engine, cpu):
        optimisers = OPTIMISERS[name]()
        train(case, e, optimisers, range(3))
        for values in optimisers:  # schedules change them on the way
            vars(values["g"]).update(alpha=0.003, rate=0.003)
        train(case, e, optimisers, range(3, 6))
    assert_same_parameters(case, engine, cpu, assert_close_loosely)
    for values, first in zip(case.parameters_of(cpu), before):
        assert all(np.any(values[n] != first[n]) for n in values)


def assert_close_loosely(found, expected, what):
    """Adam divides by the gradient's size: differences of small gradients grow."""
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-4 * scale, err_msg=what)


def test_delays_stay_in_their_range(case):
    engine = genn_engine(case)
    for step in range(4):
        case.gradients(engine)
        case.apply(engine, [{"g": Adam(0.0), "d": Adam(30.0)}] * 3, step)
    delays = np.concatenate([engine.get_parameter(case.index(i, "d")).ravel() for i in (0, 1)])
    assert delays.min() == 0.0 and delays.max() == 20.0
    optimiser = Momentum(1e6)
    case.gradients(engine)
    case.apply(engine, [{"g": Adam(0.0), "d": optimiser}] * 3, 0)
    delays = np.concatenate([engine.get_parameter(case.index(i, "d")).ravel() for i in (0, 1)])
    assert delays.min() == 0.0 and delays.max() == 20.0


def test_frozen_parameters_do_not_move():
    case = frozen()
    engine = genn_engine(case)
    before = case.parameters_of(engine)
    train(case, engine, [{"g": Adam(0.1), "d": Adam(0.1)}] * 3, range(2))
    after = case.parameters_of(engine)
    moved = [{n: bool(np.any(a[n] != b[n])) for n in a} for a, b in zip(after, before)]
    assert moved == [{"g": False, "d": True}, {"g": True, "d": False}, {"g": False, "d": False}]


def test_parameters_come_back_as_they_were_set(case):
    engine = genn_engine(case)
    rng = np.random.default_rng(0)
    shapes = [spec.shape for spec in case.program.parameters]
    values = [rng.uniform(0.0, 20.0, shape).astype(np.float32) for shape in shapes]
    engine.set_parameters(values)
    for found, expected in zip(engine.get_parameters(), values, strict=True):
        np.testing.assert_array_equal(found, expected)


ENGINES = {"cpu": cpu_engine, "genn": genn_engine}


@pytest.mark.parametrize(
    ("name", "writer", "reader"),
    [
        (name, *engines)
        for name in OPTIMISERS
        for engines in (("genn", "genn"), ("genn", "cpu"), ("cpu", "genn"))
    ],
)
def test_optimiser_state_goes_from_engine_to_engine(case, name, writer, reader):
    """Going on in another engine is going on in the same one."""
    first, optimisers = ENGINES[writer](case), OPTIMISERS[name]()
    train(case, first, optimisers, range(3))
    other = ENGINES[reader](case)
    other.set_parameters(first.get_parameters())
    other.set_optimiser_state(first.optimiser_state())
    for key, value in first.optimiser_state().items():
        np.testing.assert_array_equal(other.optimiser_state()[key], value, err_msg=key)
    for engine in (first, other):
        train(case, engine, optimisers, range(3, 5))
    compare = identical if writer == reader else assert_close_loosely
    for key, value in first.optimiser_state().items():
        compare(other.optimiser_state()[key], value, key)
    assert_same_parameters(case, other, first, compare)


def test_state_that_is_not_restored_makes_a_difference(case):
    """The comparison above is worth something."""
    for name in ("Adam", "momentum"):
        first, optimisers = genn_engine(case), OPTIMISERS[name]()
        train(case, first, optimisers, range(3))
        other = genn_engine(case)
        other.set_parameters(first.get_parameters())
        for engine in (first, other):
            train(case, engine, optimisers, range(3, 5))
        with pytest.raises(AssertionError):
            assert_same_parameters(case, other, first, assert_close_loosely)


def test_gradient_norms_and_memory(case):
    engine, cpu = genn_engine(case), cpu_engine(case)
    gradients = case.gradients(engine)
    for norms, arrays in zip(case.by_connection(engine.gradient_norms()), gradients):
        assert norms == {n: pytest.approx(np.linalg.norm(a), rel=1e-5) for n, a in arrays.items()}
    memory = engine.memory_estimate()
    assert memory.keys() == cpu.memory_estimate().keys()
    assert memory["parameters"] == 4 * (3 * 6 * 2 + 6 * 6 * 2 + 6 * 3)
    assert all(v > 0 for k, v in memory.items() if k != "output traces")
