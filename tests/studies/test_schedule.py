from __future__ import annotations

from typing import Any

import pytest

from mlgenn_delays.callbacks import LearningRateSchedule
from mlgenn_delays.models import ClassifierSettings, LearningSettings, build_classifier
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.studies import RunConfig, RunProgress
from mlgenn_delays.studies.compiling import weight_rate
from mlgenn_delays.studies.metrics_table import MetricsTable
from mlgenn_delays.studies.training import Keeping, Training, rate_factor


def test_rates_are_constant_by_default() -> None:
    assert [rate_factor(LearningSettings())(step, 10) for step in (0, 5, 9)] == [1.0, 1.0, 1.0]


def test_rates_are_eased_in_as_published() -> None:
    settings = LearningSettings(lr=1e-3, lr_ease_in=0.01, lr_growth=1.05)
    rates = [settings.lr * rate_factor(settings)(step, 10_000) for step in range(200)]
    assert rates[0] == pytest.approx(1e-5)
    assert rates[1] == pytest.approx(1.05e-5)
    assert rates[50] == pytest.approx(1e-5 * 1.05**50)
    # 1.05^95 > 100
    assert rates[95:] == [1e-3] * 105
    assert rate_factor(settings)(10**7, 10**8) == 1.0


def test_rates_fall_along_half_a_cosine() -> None:
    settings = LearningSettings(lr_final=0.2)
    assert rate_factor(settings)(0, 100) == 1.0
    assert rate_factor(settings)(50, 100) == pytest.approx(0.6)
    assert rate_factor(settings)(100, 100) == pytest.approx(0.2)
    assert rate_factor(settings)(150, 100) == pytest.approx(0.2)


def test_rates_by_connection() -> None:
    settings = ClassifierSettings().change(lr=0.5, recurrent_lr=0.1, output_lr=4.0, hidden=(4, 4))
    network = build_classifier(settings, 3, 2)
    rates = {n: weight_rate(c, network, settings.learning) for n, c in network.connections.items()}
    assert rates == {
        "input_hidden1": 0.5,
        "hidden1_hidden2": 0.5,
        "hidden1_hidden1": 0.05,
        "hidden2_hidden2": 0.05,
        "hidden2_output": 2.0,
    }


class Compiled:
    """Two optimisers, as a compiled network has them."""

    def __init__(self) -> None:
        self.delay_optimiser = Adam(2.0)
        self.optimisers = [(Adam(0.5), []), (self.delay_optimiser, [])]


@pytest.mark.parametrize("delay_ease_in", [True, False])
def test_all_rates_follow_the_number_of_the_batch(
    monkeypatch: pytest.MonkeyPatch, delay_ease_in: bool
) -> None:
    learning = LearningSettings(
        epochs=4, lr_ease_in=0.1, lr_growth=1.5, lr_final=0.0, delay_ease_in=delay_ease_in
    )
    network = build_classifier(ClassifierSettings(learning=learning), 3, 2)
    config = RunConfig(task="order", learning=learning)
    compiled: Any = Compiled()
    keeping = Keeping(None, MetricsTable(None), {}, 0.0)
    training = Training(network, compiled, config, keeping, (), RunProgress())
    (schedule,) = [c for c in training._callbacks if isinstance(c, LearningRateSchedule)]
    schedule.set_params(num_batches=5)
    for epoch, batch in ((0, 0), (0, 4), (2, 1), (3, 4)):
        schedule.on_epoch_begin(epoch)
        schedule.on_batch_begin(batch)
        step = 5 * epoch + batch
        weights = rate_factor(learning)(step, 20)
        delays = rate_factor(learning, delay_ease_in)(step, 20)
        assert [o.alpha for o, _ in compiled.optimisers] == [0.5 * weights, 2.0 * delays]
    assert (rate_factor(learning, delay_ease_in)(0, 20) == 1.0) != delay_ease_in
