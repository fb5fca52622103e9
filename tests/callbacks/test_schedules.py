from __future__ import annotations

import math
from typing import Any

import pytest

from mlgenn_delays.callbacks import Cosine, LearningRateSchedule, OneCycle, WarmUpCosine
from mlgenn_delays.optimisers import Adam


class TwoOptimisers:
    def __init__(self) -> None:
        self.delay_optimiser = Adam(2.0)
        self.optimisers = [(Adam(0.5), []), (self.delay_optimiser, [])]

    @property
    def rates(self) -> list[float]:
        return [optimiser.alpha for optimiser, _ in self.optimisers]


def test_factor_grows_to_one_and_falls_along_half_a_cosine():
    factor = WarmUpCosine(start=0.25, growth=2.0, final=0.5)
    plain = WarmUpCosine(final=0.5)
    assert [factor(step, 10**9) for step in range(4)] == pytest.approx([0.25, 0.5, 1.0, 1.0])
    assert [plain(step, 100) for step in (0, 50, 100, 150)] == pytest.approx([1.0, 0.75, 0.5, 0.5])
    assert factor(50, 100) == pytest.approx(0.75)
    assert WarmUpCosine(0.5, 1.1, 1.0)(10**9, 10**9) == 1.0  # no overflow


def test_one_cycle_by_hand():
    """Ten steps: the peak in step 2, half-way up before it; seven steps down."""
    factors = [OneCycle()(step, 10) for step in range(12)]
    assert factors[:3] == pytest.approx([1 / 25, 0.52, 1.0], rel=1e-12)
    last = 1 / 25e4
    down = [last + (1 - last) * math.cos(math.pi * n / 14) ** 2 for n in range(8)]
    assert factors[2:10] == pytest.approx(down, rel=1e-9)
    assert factors[9:] == pytest.approx([last] * 3, rel=1e-9)
    assert OneCycle(0.5, 4.0, 8.0)(3, 12) == pytest.approx(
        0.25 + 0.75 * math.sin(0.3 * math.pi) ** 2
    )


@pytest.mark.parametrize(
    ("pct_start", "steps", "expected"),
    [
        (0.3, 1, [1 / 32]),  # no step is left but the last
        (0.25, 4, [1.0, 0.75 * 31 / 32 + 1 / 32, 0.25 * 31 / 32 + 1 / 32, 1 / 32]),
        (1.0, 3, [0.25, 0.625, 1.0, 1.0]),
    ],
)
def test_one_cycle_of_short_runs(pct_start, steps, expected):
    factor = OneCycle(pct_start, 4.0, 8.0)
    assert [factor(n, steps) for n in range(len(expected))] == pytest.approx(expected, rel=1e-12)


def test_cosine_by_hand():
    assert [Cosine()(step, 4) for step in (0, 1, 2, 4, 5)] == pytest.approx(
        [1.0, 0.5 + math.sqrt(0.125), 0.5, 0.0, 0.0], abs=1e-15
    )
    assert Cosine(0.2)(50, 100) == pytest.approx(0.6)


def rates_of_torch(name: str, steps: int, **arguments: Any) -> list[float]:
    torch = pytest.importorskip("torch")
    optimiser = torch.optim.Adam([torch.zeros(1)], lr=2.0)
    schedule = getattr(torch.optim.lr_scheduler, name)(optimiser, **arguments)
    rates = []
    for _ in range(steps - 1):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return [*rates, optimiser.param_groups[0]["lr"]]


@pytest.mark.parametrize("steps", [2, 3, 30, 150])
@pytest.mark.parametrize("shape", [(0.3, 25.0, 1e4), (0.62, 4.0, 10.0)])
def test_one_cycle_of_torch(steps, shape):
    names = ("pct_start", "div_factor", "final_div_factor")
    arguments = dict(zip(names, shape, strict=True))
    expected = rates_of_torch("OneCycleLR", steps, max_lr=2.0, total_steps=steps, **arguments)
    factor = OneCycle(**arguments)
    rates = [2.0 * factor(step, steps) for step in range(steps)]
    assert rates == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("steps", "final"), [(1, 0.0), (150, 0.0), (40, 0.25)])
def test_cosine_of_torch(steps, final):
    expected = rates_of_torch("CosineAnnealingLR", steps, T_max=steps, eta_min=2.0 * final)
    rates = [2.0 * Cosine(final)(step, steps) for step in range(steps)]
    assert rates == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("kind", "argument", "value"),
    [
        (WarmUpCosine, "start", 0.0),
        (WarmUpCosine, "growth", 0.9),
        (WarmUpCosine, "final", -0.1),
        (Cosine, "final", -0.1),
        (OneCycle, "pct_start", 1.5),
        (OneCycle, "pct_start", -0.5),
        (OneCycle, "div_factor", 0.5),
        (OneCycle, "final_div_factor", math.inf),
    ],
)
def test_factors_that_are_refused(kind, argument, value):
    message = f"^{kind.__name__}: {argument} is {value:g}, allowed are"
    with pytest.raises(ValueError, match=message):
        kind(**{argument: value})


@pytest.mark.parametrize("kind", [Cosine, OneCycle])
def test_per_epoch_is_yes_or_no(kind):
    with pytest.raises(TypeError, match="per_epoch should be True or False, not 'yes'"):
        kind(per_epoch="yes")


def test_rates_follow_the_number_of_the_batch_in_the_whole_run():
    network = TwoOptimisers()
    callback = LearningRateSchedule(network, lambda step, steps: step / steps, num_epochs=4)
    callback.set_params(num_batches=5)
    for epoch, batch in ((0, 1), (2, 0), (3, 4)):
        callback.on_epoch_begin(epoch)
        callback.on_batch_begin(batch)
        share = (5 * epoch + batch) / 20
        assert network.rates == [0.5 * share, 2.0 * share]


def test_delays_can_have_a_factor_of_their_own():
    network = TwoOptimisers()
    factors = (lambda step, steps: 0.1, lambda step, steps: 3.0)
    callback = LearningRateSchedule(network, factors[0], 1, delay_factor=factors[1])
    callback.set_params(num_batches=1)
    callback.on_batch_begin(0)
    assert network.rates == [pytest.approx(0.05), 6.0]


def test_rates_can_move_from_epoch_to_epoch():
    """Weights per epoch, delays per batch."""
    network = TwoOptimisers()
    callback = LearningRateSchedule(network, OneCycle(per_epoch=True), 10, delay_factor=Cosine())
    callback.set_params(num_batches=4)
    for epoch in (0, 1, 9):
        callback.on_epoch_begin(epoch)
        for batch in range(4):
            callback.on_batch_begin(batch)
            rates = [0.5 * OneCycle()(epoch, 10), 2.0 * Cosine()(4 * epoch + batch, 40)]
            assert network.rates == rates


def test_schedules_that_are_refused():
    with pytest.raises(ValueError, match="num_epochs is 0"):
        LearningRateSchedule(TwoOptimisers(), WarmUpCosine(), 0)
    network = TwoOptimisers()
    del network.delay_optimiser.alpha
    with pytest.raises(ValueError, match="Adam has no learning rate 'alpha'"):
        LearningRateSchedule(network, WarmUpCosine(), 1)
