"""Published networks for spoken words."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from mlgenn_delays.models import ClassifierSettings, shd, ssc
from mlgenn_delays.models.shd import shd_settings
from mlgenn_delays.models.ssc import ssc_settings

#: Mészáros et al. 2025, the same for both data sets.
PUBLISHED = {
    "dt": 1.0,
    "tau_mem": 20.0,
    "tau_mem_output": 20.0,
    "tau_syn": 5.0,
    "tau_syn_output": 5.0,
    "readout": "avg_var_exp_weight",
    "input_weight": (0.03, 0.01),
    "hidden_weight": (0.02, 0.03),
    "recurrent_weight": (0.0, 0.02),
    "output_weight": (0.0, 0.03),
    "recurrent_delay": (0.0, 0.0),
    "max_delay": 1000.0,
    "batch_size": 256,
    "lr": 1e-3,
    "lr_growth": 1.05,
    "delay_lr": 0.1,
    "reg_nu": 14.0,
    "wake_silent": 0.002,
    "patience": 15,
    "channel_shift": 40,
}


@pytest.mark.parametrize("make", [shd_settings, ssc_settings])
@pytest.mark.parametrize("recurrent", [True, False])
def test_settings_are_the_published_ones(
    make: Callable[..., ClassifierSettings], recurrent: bool
) -> None:
    settings = make(recurrent)
    flat = settings.flat()
    assert {name: flat[name] for name in PUBLISHED} == PUBLISHED
    assert settings.network.recurrent == recurrent
    assert settings.learning.lr * settings.learning.lr_ease_in == pytest.approx(1e-5)


@pytest.mark.parametrize(
    ("settings", "longest"),
    [
        (shd_settings(True), 150.0),
        (shd_settings(False), 100.0),
        (ssc_settings(True), 150.0),
        (ssc_settings(False), 50.0),
    ],
)
def test_delays_at_first(settings: ClassifierSettings, longest: float) -> None:
    network = settings.network
    assert network.input_delay == network.hidden_delay == (0.0, longest)


def test_what_differs_between_the_data_sets() -> None:
    shd_, ssc_ = shd_settings(), ssc_settings()
    assert (shd_.learning.reg_lambda, ssc_.learning.reg_lambda) == (5e-11, 5e-12)
    assert (shd_.augmentation.blend, ssc_.augmentation.blend) == (0.5, 0.0)


def test_defaults_are_the_networks_of_the_paper() -> None:
    network = shd.build_network()
    assert [p.size for p in network.network.populations] == [700, 512, 20]
    assert [c.name for c in network.delay_learn_conns] == ["input_hidden", "hidden_hidden"]
    network = ssc.build_network()
    assert [p.size for p in network.network.populations] == [700, 512, 512, 35]
    assert [c.name for c in network.delay_learn_conns] == ["input_hidden1", "hidden1_hidden2"]


@pytest.mark.parametrize(("module", "make"), [(shd, shd_settings), (ssc, ssc_settings)])
@pytest.mark.parametrize("hidden", [(64,), (1024, 1024)])
def test_sizes(
    module: ModuleType, make: Callable[..., ClassifierSettings], hidden: tuple[int, ...]
) -> None:
    network = module.build_network(make().change(hidden=hidden, delays="none"), 3)
    assert [p.size for p in network.hidden] == list(hidden)
    assert network.output.size == 3
    assert network.delay_learn_conns == []


@pytest.mark.parametrize("make", [shd_settings, ssc_settings])
def test_small_generated_sets_are_learned_in_more_and_larger_steps(
    make: Callable[..., ClassifierSettings],
) -> None:
    published, small = make().learning, make(synthetic=True).learning
    assert small.batch_size < published.batch_size
    assert small.lr > published.lr
    assert small.epochs < published.epochs
