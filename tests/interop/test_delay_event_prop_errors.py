"""What DelayEventPropCompiler and its networks refuse, and what they say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Waiting  # in Python 3.10 it is one of its own

import pytest

pytest.importorskip("pygenn")
pytest.importorskip("ml_genn")

import delay_networks
import ml_genn
from delay_networks import SCE, TIMESTEPS, compile_delays, make_network, make_spikes
from ml_genn.compilers import CompiledNetwork

from mlgenn_delays.compilers import TrainingDiverged
from mlgenn_delays.engines.code_cache import CompilerError
from mlgenn_delays.engines.genn import availability
from mlgenn_delays.interop.ml_genn import DelayEventPropCompiler

pytestmark = pytest.mark.genn


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def net():
    return make_network("feed-forward")


# --- the compiler


class OtherLoss(ml_genn.losses.Loss):
    def add_to_neuron(self, *args): ...
    def set_target(self, *args): ...


@pytest.mark.parametrize("by_population", [True, False])
def test_unknown_loss(net, by_population):
    loss = {net.y: OtherLoss()} if by_population else OtherLoss()
    with pytest.raises(ValueError, match=r"losses: OtherLoss is not supported, allowed are Sparse"):
        compile_delays(net, loss)


def test_unknown_name_of_a_loss(net):
    with pytest.raises(ValueError, match="no_such_loss"):
        compile_delays(net, "no_such_loss")


@pytest.mark.parametrize(
    ("neuron", "message"),
    [
        ({"relative_reset": True}, "population 'h': relative_reset is True"),
        ({"tau_refrac": 3.0, "integrate_during_refrac": True}, "population 'h': .*tau_refrac"),
        ({"scale_i": False}, "population 'h': scale_i"),
    ],
)
def test_neurons_that_event_prop_does_not_have(neuron, message):
    net = make_network("feed-forward")
    for name, value in neuron.items():
        setattr(net.h.neuron, name, value)
    with pytest.raises(ValueError, match=message):
        compile_delays(net)


def test_delays_to_be_learned_without_a_largest_one():
    net = make_network("feed-forward")
    net.learned[0].max_delay_steps = None
    net.learned[0].connectivity.delay = ml_genn.initializers.Normal(3.0)
    with pytest.raises(ValueError, match=r"connection 'xh'.*max_delay_steps"):
        compile_delays(net)


def test_delays_that_nothing_learns_warn():
    net = make_network("feed-forward")
    net.learned[0].connectivity.delay = 3
    message = "without effect: delay_optimiser and max_delay_steps of connection 'xh', as no conn"
    with pytest.warns(UserWarning, match=message) as warned:
        compile_delays(net, delay_learn_conns=[])
    assert warned[0].filename == delay_networks.__file__


def test_connection_of_another_network(net):
    with pytest.raises(KeyError, match="xh is no population, connection or layer of the network"):
        compile_delays(net, delay_learn_conns=make_network("feed-forward").learned)


def test_communicator():
    with pytest.raises(NotImplementedError, match="communicator"):
        DelayEventPropCompiler(TIMESTEPS, SCE, communicator=object(), backend="genn:cpu")


def test_backend_that_cannot_run_here(monkeypatch):
    monkeypatch.setattr(availability, "genn_backends", lambda: ("single_threaded_cpu",))
    with pytest.raises(ValueError, match="'genn:cuda', but PyGeNN was built without 'cuda'"):
        DelayEventPropCompiler(TIMESTEPS, SCE, backend="genn:cuda")
    with pytest.raises(ValueError, match="backend is 'cpu', allowed are"):
        DelayEventPropCompiler(TIMESTEPS, SCE, backend="cpu")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"dt": -1.0}, "dt"),
        ({"reg_lambda_upper": -1.0}, "reg_lambda_upper"),
    ],
)
def test_settings(net, setting, message):
    with pytest.raises(ValueError, match=message):
        compile_delays(net, **setting)


def test_code_that_does_not_compile(net, tmp_path, monkeypatch):
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", "false")
    compiled = compile_delays(net)
    with pytest.raises(CompilerError, match="could not be compiled"), compiled:
        pass
    assert CompiledNetwork._context is None  # or no other network could be used
    monkeypatch.delenv("CXX")
    with compile_delays(net):
        pass


# --- the compiled network


def test_training_needs_a_with_block(net):
    spikes, labels = make_spikes(2)
    compiled = compile_delays(net)
    for run in (lambda: compiled.train({net.x: spikes}, {net.y: labels}, 1),
                lambda: compiled.evaluate({net.x: spikes}, {net.y: labels})):  # fmt: skip
        with pytest.raises(RuntimeError, match="put this inside 'with compiled_network:'"):
            run()
    with compiled:
        run()
    with pytest.raises(RuntimeError, match="put this inside 'with compiled_network:'"):
        run()


def test_with_blocks_cannot_be_nested(net):
    first, second = compile_delays(net), compile_delays(net)
    with first, pytest.raises(RuntimeError, match="another compiled network is in use"), second:
        pass
    with second:
        pass


def test_an_error_inside_a_with_block_ends_it(net):
    with pytest.raises(ZeroDivisionError), compile_delays(net):
        1 / 0  # noqa: B018
    with compile_delays(net):
        pass


def test_the_batch_whose_step_diverged_is_named(net):
    """Not the one after it, which would say that the parameters are good."""

    class Spoil(ml_genn.callbacks.Callback):
        def set_params(self, compiled_network, **kwargs):
            self._optimiser = compiled_network.optimisers[0][0]

        def on_batch_begin(self, batch):
            self._optimiser.alpha = float("nan") if batch == 2 else 1e-3

    spikes, labels = make_spikes(64)
    with compile_delays(net) as compiled:
        with pytest.raises(TrainingDiverged, match="'g' has values that are not finite") as info:
            compiled.train({net.x: spikes}, {net.y: labels}, 1, callbacks=[Spoil()])
        assert (info.value.batch, info.value.step_applied) == (2, True)
        assert not info.value.parameters_finite


def test_calls_from_two_threads_wait_for_one_another(net):
    spikes, labels = make_spikes(4)
    with compile_delays(net) as compiled, ThreadPoolExecutor(1) as other:
        with compiled.turn.lock:
            call = other.submit(compiled.evaluate, {net.x: spikes}, {net.y: labels}, callbacks=[])
            with pytest.raises(Waiting):
                call.result(0.1)
            compiled.train({net.x: spikes}, {net.y: labels}, 1, callbacks=[])
        assert call.result(60.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda net, x, y: ({net.x: x[:3]}, {net.y: y}), "examples"),
        (lambda net, x, y: ({net.x: x}, {net.y: [0, 1, 2, 0]}), "y"),
        (lambda net, x, y: ({}, {net.y: y}), "x"),
        (lambda net, x, y: ({net.x: x}, {}), "y"),
        (lambda net, x, y: ({net.h: x}, {net.y: y}), "h"),
    ],
)
def test_data_that_do_not_fit(net, change, message):
    x, y = change(net, *make_spikes(4))
    with compile_delays(net) as compiled, pytest.raises((ValueError, TypeError), match=message):
        compiled.train(x, y, 1, callbacks=[])


def test_population_of_another_network(net):
    stranger = make_network("feed-forward")
    x, y = make_spikes(4)
    with compile_delays(net) as compiled, pytest.raises(KeyError, match="x is no popul"):
        compiled.train({stranger.x: x}, {net.y: y}, 1, callbacks=[])


def test_validation_arguments(net):
    x, y = make_spikes(4)
    with compile_delays(net) as compiled:
        with pytest.raises(ValueError, match="validation_y is missing: give both"):
            compiled.train({net.x: x}, {net.y: y}, 1, validation_x={net.x: x})
        both = {"validation_x": {net.x: x}, "validation_y": {net.y: y}}
        with pytest.raises(ValueError, match="give either validation_split or validation_x"):
            compiled.train({net.x: x}, {net.y: y}, 1, validation_split=0.5, **both)
