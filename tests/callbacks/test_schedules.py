from __future__ import annotations

import pytest

from mlgenn_delays.callbacks import LearningRateSchedule, WarmUpCosine
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": 0.0}, "start is 0"),
        ({"growth": 0.9}, "growth is 0.9"),
        ({"final": -0.1}, "final is -0.1"),
    ],
)
def test_factors_that_are_refused(arguments, message):
    with pytest.raises(ValueError, match=f"WarmUpCosine: {message}, allowed are"):
        WarmUpCosine(**arguments)


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


def test_schedules_that_are_refused():
    with pytest.raises(ValueError, match="num_epochs is 0"):
        LearningRateSchedule(TwoOptimisers(), WarmUpCosine(), 0)
    network = TwoOptimisers()
    del network.delay_optimiser.alpha
    with pytest.raises(ValueError, match="Adam has no learning rate 'alpha'"):
        LearningRateSchedule(network, WarmUpCosine(), 1)
