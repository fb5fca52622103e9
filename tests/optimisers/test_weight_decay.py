"""Both kinds of weight decay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlgenn_delays.optimisers import Adam, AdamW, Optimiser, default_optimisers
from mlgenn_delays.program.exchange import AdamStep

#: Numbers of a step, beside weight decay.
NUMBERS = {"alpha": 0.01, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4}


def walk(optimiser: Optimiser, steps: int = 6, dtype: Any = np.float64) -> Any:
    """Gradients of some steps, and the values after each."""
    rng = np.random.default_rng(1)
    gradients = rng.normal(size=(steps, 5, 3)).astype(dtype)
    x, state, values = rng.normal(size=(5, 3)).astype(dtype), {}, []
    first = x
    for step, gradient in enumerate(gradients):
        before = x.copy(), gradient.copy()
        new = optimiser.update(x, gradient, state, step)
        np.testing.assert_array_equal(x, before[0])
        np.testing.assert_array_equal(gradient, before[1])
        assert new.dtype == dtype and state["m"].dtype == dtype
        x = new
        values.append(x)
    return first, gradients, values


def test_coupled_decay_goes_through_the_moments():
    """Kingma & Ba's algorithm with the gradient of weight_decay / 2 x^2 added."""
    x, gradients, values = walk(Adam(**NUMBERS, weight_decay=0.3))
    m = v = np.zeros_like(x)
    for t, g in enumerate(gradients, 1):
        g = g + 0.3 * x
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        x = x - 0.01 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-4)
        np.testing.assert_allclose(values[t - 1], x, rtol=1e-12)


def test_decoupled_decay_is_beside_the_step():
    """Loshchilov & Hutter, algorithm 2, with alpha as what multiplies both."""
    x, gradients, values = walk(AdamW(**NUMBERS, weight_decay=0.3))
    m = v = np.zeros_like(x)
    for t, g in enumerate(gradients, 1):
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        x = x - 0.01 * ((m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-4) + 0.3 * x)
        np.testing.assert_allclose(values[t - 1], x, rtol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(np.float64, 1e-12), (np.float32, 5e-6)],  # 40 steps of half a digit each
    ids=["double", "single"],
)
@pytest.mark.parametrize("weight_decay", [0.0, 1e-3, 0.2])
@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_same_as_torch(kind, weight_decay, dtype, tolerance):
    torch = pytest.importorskip("torch")
    alpha, beta1, beta2, epsilon = NUMBERS.values()
    first, gradients, values = walk(kind(**NUMBERS, weight_decay=weight_decay), 40, dtype)
    x = torch.tensor(first, requires_grad=True)
    theirs = getattr(torch.optim, kind.__name__)(
        [x], lr=alpha, betas=(beta1, beta2), eps=epsilon, weight_decay=weight_decay
    )
    for gradient, value in zip(gradients, values, strict=True):
        x.grad = torch.tensor(gradient)
        theirs.step()
        np.testing.assert_allclose(value, x.detach().numpy(), rtol=0.0, atol=tolerance)


def test_without_weight_decay_both_are_adam():
    values = [walk(kind(**NUMBERS, weight_decay=0.0))[2] for kind in (Adam, AdamW)]
    np.testing.assert_array_equal(*values)
    for kind in (Adam, AdamW):
        step = kind(**NUMBERS, weight_decay=0).adam_step(1)
        assert step == AdamStep(0.01, 0.8, 0.95, 1e-4, 1 / (1 - 0.8**2), 1 / (1 - 0.95**2))


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_engines_take_no_step_with_weight_decay(kind):
    assert kind(weight_decay=1e-9).adam_step(0) is None


def test_defaults_and_names():
    assert isinstance(default_optimisers["adam_w"](), AdamW)
    optimiser = AdamW()
    assert {**vars(Adam()), "weight_decay": 0.01} == vars(optimiser)
    assert repr(AdamW(1, 0.5, 0.6, 2, 3)).startswith("AdamW(alpha=1, beta1=0.5, beta2=0.6,")
    assert repr(optimiser).endswith("weight_decay=0.01)")


def test_rates_of_zero_do_not_decay():
    assert AdamW(0.0, weight_decay=1.0).update(np.ones(1), np.ones(1), {}, 0) == 1.0


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("alpha", -1, "AdamW: alpha is -1"),
        ("beta2", 1.0, "AdamW: beta2 is 1.0"),
        ("epsilon", 0, "AdamW: epsilon is 0"),
        ("weight_decay", -0.1, "AdamW: weight_decay is -0.1, allowed are finite numbers from 0"),
        ("weight_decay", np.inf, "AdamW: weight_decay is inf"),
    ],
)
def test_bad_settings(name, value, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        AdamW(**{name: value})
    optimiser = AdamW()
    setattr(optimiser, name, value)
    with pytest.raises(ValueError, match=f"^{message}"):
        optimiser.check()


def test_moments_are_checked():
    moments = {"m": np.zeros(3), "v": np.ones(3)}
    AdamW().check_moments(moments, (3,), "w")
    with pytest.raises(ValueError, match=r"^w has 'm', it should have 'm' and 'v'"):
        AdamW().check_moments({"m": moments["m"]}, (3,), "w")
    with pytest.raises(ValueError, match=r"^w: moment 'v', a mean of squares, has negative"):
        AdamW().check_moments({**moments, "v": -moments["v"]}, (3,), "w")
