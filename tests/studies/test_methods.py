"""Methods: their settings, what they refuse, and what their compilers are told."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from order_task import TASK, task

from mlgenn_delays.connectivity import Axonal
from mlgenn_delays.initializers import LogUniform
from mlgenn_delays.models import braille_settings
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.studies import TASKS, RunError, Task, compiling, get_task, make_config, run
from mlgenn_delays.studies.compiling import compile_network, spread_decay
from mlgenn_delays.studies.methods import is_surrogate
from mlgenn_delays.studies.task import load_data
from mlgenn_delays.studies.without_effect import notes_without_effect

SURROGATES = ("dcls", "delrec")
RECURRENT = {"recurrent": True, "recurrent_delays": True}


@pytest.mark.parametrize("method", SURROGATES)
def test_a_method_has_settings_of_its_own_where_nothing_is_said(method: str) -> None:
    exact = make_config("braille")
    config = make_config("braille", method=method)
    assert (config.learning.lr, config.learning.schedule) == (0.02, "one_cycle")  # tuned
    assert config.learning.delay_lr == {"dcls": 0.1, "delrec": 0.05}[method] * 10.0  # timesteps
    assert config.network.recurrent == (method == "delrec")
    assert config.network.dt == 10.0
    # the network is the one of EventProp, but for what delays of DelRec belong to
    sharing = {"dcls": None, "delrec": "axonal"}[method]
    assert config.network.recurrent_delay_sharing == sharing
    assert config.neuron == exact.neuron
    same = config.network.change(dt=1.0, recurrent=True, recurrent_delay_sharing=None)
    assert same == exact.network
    assert config.augmentation == exact.augmentation
    asked = {"lr": 0.5, "delay_lr": 3.0, "dt": 5.0, "schedule": "cosine", "weight_decay": 0.25}
    given = make_config("braille", method=method, **asked).flat()
    assert {name: given[name] for name in asked} == asked
    assert (
        make_config("braille", method=method, dt=5.0).learning.delay_lr < config.learning.delay_lr
    )
    assert braille_settings(10, method).flat().items() <= config.flat().items()  # type: ignore[arg-type]


def test_quick_runs_are_quick_with_all_methods() -> None:
    for method in SURROGATES:
        config = make_config("braille", method=method, quick=True)
        assert (config.network.hidden, config.learning.epochs) == ((32,), 2)


@pytest.mark.parametrize("name", [name for name in TASKS if name != "yin_yang"])
@pytest.mark.parametrize("method", SURROGATES)
def test_every_task_has_settings_for_every_method(name: str, method: str) -> None:
    chosen = get_task(name)
    config = chosen.config(method=method)
    assert is_surrogate(config)
    assert notes_without_effect(chosen, config) == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"method": "dcls", **RECURRENT},
            "method is 'dcls', which learns no delays from a hidden layer to itself: take --method "
            "delrec, or --no-recurrent-delays",
        ),
        ({"method": "dcls", "backend": "cpu"}, "backend is 'cpu', allowed with method 'dcls' are"),
        ({"method": "delrec", "backend": "genn"}, "backend is 'genn', allowed with method"),
        ({"method": "delrec", "readout": "first_spike_time"}, "readout is 'first_spike_time'"),
        ({"method": "dcls", "recurrent": False, "tau_mem_range": (9.0, 10.0)}, "tau_mem_range is"),
        ({"method": "delrec", "learn_time_constants": True}, "learn_time_constants is True, which"),
        ({"timing": "substep", "tau_syn_range": (9.0, 10.0)}, "tau_syn_range is .*'substep'"),
        ({"backend": "torch"}, "backend is 'torch', allowed with method 'eventprop' are 'auto'"),
        ({"synapse": "delta"}, "synapse is 'delta', which EventProp cannot train"),
        ({"soft_reset": True}, "soft_reset is True, which EventProp cannot train"),
        ({"method": "snn"}, "method is 'snn', allowed are 'eventprop', 'dcls', 'delrec'"),
        ({"method": "dcls", "surrogate": "boxcar"}, "surrogate is 'boxcar', allowed are 'arctan"),
        ({"method": "dcls", "spread_width": 0.0}, "spread_width is 0, allowed are"),
        ({"method": "dcls", "spread_decay": 1.5}, "spread_decay is 1.5, allowed are"),
        ({"method": "dcls", "dropout": 1.0}, "dropout is 1, allowed are numbers below 1"),
    ],
)
def test_what_a_method_cannot_do_is_refused_when_settings_are_made(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_config("braille", changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"recurrent": True, "recurrent_delays": False},
        {"recurrent": True, "recurrent_delay": None},
        {"recurrent": True, "delays": "fixed"},
        {"recurrent": True, "delays": "none"},
    ],
)
def test_dcls_trains_recurrent_networks_whose_recurrent_delays_are_not_learned(
    changes: dict[str, Any],
) -> None:
    assert make_config("braille", method="dcls", **changes).network.recurrent


def test_a_configuration_that_was_changed_is_checked_before_the_run() -> None:
    config = TASK.config(method="delrec").change(method="dcls")
    with pytest.raises(RunError, match="method is 'dcls', which learns no delays"):
        run(config, task=TASK)


def test_missing_pytorch_is_told_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(RunError, match=r"need PyTorch.*: pip install 'mlgenn_delays\[torch\]'"):
        run(TASK.config(method="dcls"), task=TASK)


@pytest.mark.parametrize(
    ("changes", "notes"),
    [
        (
            {"dropout": 0.5, "bias": True},
            ("Note: bias, dropout have no effect: the method is eventprop.",),
        ),
        (
            {"method": "dcls", "learned_widths": True, "i_minus_thresh_min": 2.0},
            ("Note: i_minus_thresh_min, learned_widths have no effect: the method is dcls.",),
        ),
        (
            {"method": "delrec", "timing": "substep", "lr_growth": 2.0},
            (
                "Note: lr_growth has no effect: the schedule is one_cycle.",
                "Note: timing has no effect: the method is delrec.",
            ),
        ),
        (
            {"method": "delrec", "delays": "fixed", "spread_width": 3.0},
            ("Note: spread_width has no effect: no delays are learned.",),
        ),
        (
            {"tau_mem_range": (9.0, 10.0), "tau_mem": 5.0, "constant_lr": 0.5},
            (
                "Note: constant_lr has no effect: no time constants are learned.",
                "Note: tau_mem has no effect: tau_mem_range says it.",
            ),
        ),
        (
            {"recurrent_delays": False, "recurrent_delay_sharing": "dendritic"},
            ("Note: recurrent_delay_sharing has no effect: there are no recurrent delays.",),
        ),
        (
            {"method": "delrec", "synapse": "delta", "tau_syn": 1.0},
            ("Note: tau_syn has no effect: synapses are delta.",),
        ),
        ({"method": "delrec", "dropout": 0.5, "spread_width": 3.0, "lr": 0.5}, ()),
    ],
)
def test_settings_of_another_method_are_told(
    changes: dict[str, Any], notes: tuple[str, ...]
) -> None:
    braille = get_task("braille")
    assert notes_without_effect(braille, braille.config(changes)) == notes


class _Compiler:
    """Keeps what a compiler is told."""

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments

    def compile(self, network: Any) -> dict[str, Any]:
        return self.arguments


def _told(
    monkeypatch: pytest.MonkeyPatch, chosen: Task, **changes: Any
) -> tuple[Any, dict[str, Any]]:
    monkeypatch.setattr(compiling, "SurrogateCompiler", _Compiler)
    config = chosen.config(changes)
    data = load_data(chosen, config)
    network = chosen.build(config, data)
    return network, compile_network(chosen, network, config, data)  # type: ignore[return-value]


def test_dcls_spreads_delays_by_a_gaussian(monkeypatch: pytest.MonkeyPatch) -> None:
    network, told = _told(
        monkeypatch, TASK, method="dcls", output_delay=(0.0, 2.0), batch_norm=True
    )
    names = network.connections
    assert told["spread"] == {
        names["input_hidden"]: "gaussian",
        names["hidden_output"]: "gaussian",
    }
    assert told["batch_norm"] == network.hidden
    assert (told["bias"], told["backend"], told["example_timesteps"]) == ([], "auto", 20)
    assert told["optimiser"].alpha == 5e-3 / 1.0
    assert told["delay_optimiser"].alpha == 0.1


def test_delrec_spreads_delays_by_a_triangle(monkeypatch: pytest.MonkeyPatch) -> None:
    network, told = _told(
        monkeypatch,
        TASK,
        method="delrec",
        hidden=(4, 3),
        bias=True,
        dropout=0.25,
        current_dropout=0.125,
        recurrent_dropout=0.5,
        learned_widths=True,
        surrogate="triangular",
        surrogate_slope=2.0,
        spread_width=3.0,
        spread_decay=0.5,
        fractional_delays=True,
    )
    names, hidden = network.connections, network.hidden
    assert set(told["spread"].values()) == {"triangle"}
    assert set(told["spread"]) == set(network.delay_learn_conns)
    shared = {n for n, c in names.items() if isinstance(c.connectivity.delay, Axonal)}
    assert shared == {"hidden1_hidden1", "hidden2_hidden2"}
    assert told["learned_width_conns"] == network.delay_learn_conns
    assert told["bias"] == [*hidden, network.output]
    assert told["dropout"] == dict.fromkeys(hidden, 0.25)
    assert told["current_dropout"] == dict.fromkeys(hidden, 0.125)
    assert told["recurrent_dropout"] == dict.fromkeys(hidden, 0.5)
    wanted = {
        "surrogate": "triangular",
        "surrogate_slope": 2.0,
        "spread_width": 3.0,
        "spread_decay": 0.5,
        "spread_min_width": 0.05,
        "fractional_delays": True,
    }
    assert {name: told[name] for name in wanted} == wanted


def test_arguments_of_spike_times_are_eventprops_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _, told = _told(monkeypatch, get_task("yin_yang"), method="dcls", readout="max_var", quick=True)
    assert not {"softmax_temperature", "ttfs_alpha", "timing", "i_minus_thresh_min"} & set(told)
    _, told = _told(monkeypatch, get_task("sequence_detection"), method="dcls", quick=True)
    assert told["weight_learn_conns"] == []


def test_widths_shrink_as_published() -> None:
    long = {"max_delay": 240.0, "dt": 10.0, "epochs": 150}
    dcls = task(**long).config(method="dcls")
    assert 12.0 * spread_decay(dcls) ** (150 / 4) == pytest.approx(0.5)
    delrec = task(**long).config(method="delrec")
    assert 10.0 * spread_decay(delrec) ** 150 == pytest.approx(10.0 * 0.95**100)
    assert spread_decay(delrec.change(spread_decay=0.5)) == 0.5
    # a width that is small already stays
    assert spread_decay(dcls.change(spread_width=0.1)) == 1.0


def test_exact_gradients_are_compiled_as_before() -> None:
    config = TASK.config(lr=0.5, weight_decay=0.0)
    data = load_data(TASK, config)
    with compile_network(TASK, TASK.build(config, data), config, data) as compiled:
        optimiser = compiled.optimisers[0][0]
        assert isinstance(optimiser, Adam)
        assert optimiser.alpha == 0.5


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "rounded"),
        ({"timing": "substep"}, "fractional"),
        ({"backend": "reference"}, "fractional"),
    ],
)
def test_eventprop_says_which_delays_it_has(changes: dict[str, Any], name: str) -> None:
    record = run(TASK.config({**changes, "epochs": 1, "limit": 4}), task=TASK)
    known = {
        n: getattr(record, f"test_accuracy_{n}")
        for n in ("rounded", "fractional")
        if getattr(record, f"test_accuracy_{n}") is not None
    }
    assert known == {name: record.test_accuracy}


def test_learned_time_constants_are_those_of_hidden_neurons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compiling, "EventPropCompiler", _Compiler)
    braille = get_task("braille")
    limits: dict[str, Any] = {"tau_mem_range": (40.0, 200.0), "constant_lr": 0.5}
    for learns in (False, True):
        config = braille.config(quick=True, learn_time_constants=learns, **limits)
        data = load_data(braille, config)
        network = braille.build(config, data)
        told: Any = compile_network(braille, network, config, data)
        assert isinstance(network.hidden[0].neuron.tau_mem, LogUniform)
        assert network.output.neuron.tau_mem == config.neuron.tau_mem_output
        assert ("neuron_learn_params" in told) is learns
    assert told["neuron_learn_params"] == {network.hidden[0]: ["tau_mem"]}
    names = {connection.name for connection in told["synapse_learn_params"]}
    assert names == {"input_hidden", "hidden_hidden"} and told["constant_optimiser"].alpha == 0.5
