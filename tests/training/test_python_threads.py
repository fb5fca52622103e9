"""Several Python threads on one network: calls come one after the other, nothing crashes."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from genn_backend import GENN
from trained_networks import XH_D, XH_G, compile_recurrent

from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import InferenceCompiler
from mlgenn_delays.engines.base import Engine
from mlgenn_delays.engines.cpu import CpuEngine
from mlgenn_delays.engines.reference import ReferenceEngine
from mlgenn_delays.engines.turns import Turn
from mlgenn_delays.program.exchange import Batch
from mlgenn_delays.training.compiled_training_network import CompiledTrainingNetwork
from mlgenn_delays.training.data import prepare
from mlgenn_delays.training.variables import Variable


@pytest.fixture(params=["cpu", "reference", GENN])
def backend(request):
    if request.param.startswith("genn"):
        pytest.importorskip("pygenn")
    return request.param


@pytest.fixture
def network(recurrent, backend):
    return compile_recurrent(recurrent, backend, num_threads=2)


class Other:
    """A call in another thread."""

    def __init__(self, call: Callable[[], Any]):
        self.found: Any = None
        self._call = call
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.found = self._call()
        except BaseException as error:
            self.found = error

    @property
    def waits(self) -> bool:
        self._thread.join(0.05)
        return self._thread.is_alive()

    def result(self) -> Any:
        self._thread.join(60.0)
        assert not self._thread.is_alive(), "it waits for ever"
        if isinstance(self.found, BaseException):
            raise self.found
        return self.found


def calls(network: Any, net: SimpleNamespace, batch: Any) -> dict[str, Callable[[], Any]]:
    """Public calls of networks, of variables and of the engine."""
    x, y = batch
    state, variable = network.training_state(), network.connection_populations[net.xh].vars["g"]
    engine, parameters = network.engine, network.engine.get_parameters()
    return {
        "train": lambda: network.train(x, y, 1, callbacks=[]),
        "evaluate": lambda: network.evaluate(x, y, callbacks=[]),
        "predict": lambda: network.predict(x, net.y, callbacks=[]),
        "gradients": lambda: network.gradients(x, y),
        "gradient norms": network.gradient_norms,
        "state": network.training_state,
        "load": lambda: network.load_training_state(state),
        "pull": variable.pull_from_device,
        "push": variable.push_to_device,
        "parameters": engine.get_parameters,
        "set parameters": lambda: engine.set_parameters(parameters),
        "close": lambda: network.__exit__(None, None, None),
        "open": network.__enter__,
        "close the engine": engine.close,
    }


def test_everything_waits_and_nothing_for_ever(network, recurrent, batch):
    with network.turn.lock:
        others = {name: Other(call) for name, call in calls(network, recurrent, batch).items()}
        assert [name for name, other in others.items() if not other.waits] == []
        network.predict(batch[0], recurrent.y, callbacks=[])  # this thread may
    for name, other in others.items():
        try:
            other.result()
        except ValueError as error:  # whose turn came after that of "close"
            assert "parameters" in name and "engine is closed" in str(error)


def test_what_does_not_run_does_not_wait(network, recurrent):
    with network.turn.lock:
        assert Other(lambda: network.population_index(recurrent.h)).result() == 1
        for name in ("epoch_loss", "validation_loss", "batch_size"):
            other = Other(lambda name=name: getattr(network, name))
            assert not other.waits, name


@pytest.mark.parametrize(
    "cls", [Engine, CpuEngine, ReferenceEngine, CompiledTrainingNetwork, Variable]
)
def test_no_public_method_is_left_out(cls):
    """Of the class itself and all that it is derived from."""
    methods = {
        name: method
        for base in cls.__mro__
        if base.__module__.startswith("mlgenn_delays") and base.__name__ != "InTurn"
        for name, method in vars(base).items()
        if isinstance(method, FunctionType) and not name.startswith("_")
    }
    assert len(methods) > 1
    left = {name for name, method in methods.items() if not hasattr(method, "__wrapped__")}
    assert left <= {"population_index", "connection_index", "evaluate_losses", "update_metrics"}


def test_two_threads_find_what_one_finds(network, recurrent, batch, spikes):
    """The same batches in turns, of different sizes: without a lock this crashed."""
    x, y = spikes(7, 8)
    parts = [({recurrent.x: x[:n]}, {recurrent.y: y[:n]}) for n in (1, 2, 3, 4)]

    def work(part: Any) -> tuple[Any, ...]:
        predicted = network.predict(part[0], recurrent.y, callbacks=[])[0][recurrent.y]
        loss, gradients = network.gradients(*part)
        return predicted, loss, *gradients[recurrent.xh].values()

    expected = [work(part) for part in parts] * 10
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(work, parts * 10))
    for a, b in zip(found, expected, strict=True):
        assert all(map(np.array_equal, a, b))


def test_closing_in_one_thread_and_running_in_others(network, recurrent, batch):
    parameters = network.engine.get_parameters()
    stop = threading.Event()

    def close() -> int:
        closed = 0
        while not stop.is_set():
            with network:
                closed += 1
        return closed

    other = Other(close)
    first = network.gradients(*batch)
    for _ in range(5):
        loss, gradients = network.gradients(*batch)
        assert loss == first[0]
        for name, value in gradients[recurrent.xh].items():
            assert np.array_equal(value, first[1][recurrent.xh][name])
    stop.set()
    assert other.result() > 0
    for a, b in zip(network.engine.get_parameters(), parameters, strict=True):
        assert np.array_equal(a, b)


def test_callbacks_use_their_network(network, recurrent, batch):
    losses = []

    class Look(Callback):
        def on_batch_end(self, batch_index, metrics):
            losses.append(network.gradients(*batch)[0])
            network.connection_populations[recurrent.xh].vars["g"].pull_from_device()

    network.train(*batch, 2, callbacks=[Look()])
    assert len(losses) == 2 and losses[0] != losses[1]


def test_a_closed_engine_says_so(network, recurrent, batch):
    engine = network.engine
    with network:
        pass
    for call in (engine.get_parameters, engine.gradients, engine.gradient_norms):
        with pytest.raises(ValueError, match="this engine is closed"):
            call()
    with pytest.raises(ValueError, match="this engine is closed"):
        engine.set_parameter(XH_D, np.ones((8, 10)))
    engine.close()
    assert network.engine is not engine


def test_spikes_of_examples_that_there_are(recurrent, batch):
    network = compile_recurrent(recurrent, "cpu")
    with pytest.raises(ValueError, match="example is 0, the last batch has 0 examples"):
        network.engine.spikes(0, 1)
    network.predict(batch[0], recurrent.y, callbacks=[])
    assert len(network.engine.spikes(3, 1)) == 2
    for example in (-1, 4, 1 << 40):
        with pytest.raises(ValueError, match=f"example is {example}, the last batch has 4"):
            network.engine.spikes(example, 1)


# -- several networks


def test_different_networks_train_at_the_same_time(recurrent, batch):
    """Each waits within a callback until the other has come there, too."""
    together = threading.Barrier(2, timeout=60.0)

    class Meet(Callback):
        def on_batch_begin(self, batch_index):
            together.wait()

    networks = [compile_recurrent(recurrent, "cpu", num_threads=1) for _ in range(2)]
    others = [Other(lambda n=n: n.train(*batch, 3, callbacks=[Meet()])) for n in networks]
    for other in others:
        other.result()
    first, second = (n.engine.get_parameters() for n in networks)
    assert all(map(np.array_equal, first, second))


def test_generated_code_of_two_networks_runs_at_the_same_time(recurrent, batch):
    """Python goes on while a network is within its library, in one long call."""
    size = 100_000
    slow = compile_recurrent(recurrent, "cpu", num_threads=1, batch_size=size)
    quick = compile_recurrent(recurrent, "cpu", num_threads=1)
    data = prepare(slow._built, *batch)
    within = threading.Event()

    def run() -> float:
        within.set()
        slow.engine.forward(Batch(data.inputs, np.zeros(size, np.int64)))
        return time.monotonic()

    for attempt in range(3):  # the machine may be busy
        within.clear()
        other = Other(run)
        assert within.wait(60.0)
        time.sleep(0.02 * attempt)
        quick.predict(batch[0], recurrent.y, callbacks=[])
        if time.monotonic() < other.result():
            return
    pytest.fail("Python waited for generated code")


def test_two_networks_of_one_program_share_nothing(recurrent, spikes):
    """They have the same library."""
    networks = [compile_recurrent(recurrent, "cpu", num_threads=1) for _ in range(2)]
    sets = [({recurrent.x: x}, {recurrent.y: y}) for x, y in (spikes(4, 8, s) for s in (1, 2))]
    expected = []
    for part in sets:
        alone = compile_recurrent(recurrent, "cpu", num_threads=1)
        alone.train(*part, 20, callbacks=[])
        expected.append(alone.engine.get_parameters())
    pairs = zip(networks, sets, strict=True)
    others = [Other(lambda n=n, p=p: n.train(*p, 20, callbacks=[])) for n, p in pairs]
    for network, other, values in zip(networks, others, expected, strict=True):
        other.result()
        assert all(map(np.array_equal, network.engine.get_parameters(), values))
    assert not np.array_equal(expected[0][XH_G], expected[1][XH_G])


# -- what might wait for ever


def test_an_augmentation_that_uses_the_network_is_refused(network, recurrent, batch):
    before = network.engine.get_parameters()

    class Asks:
        def __call__(self, events, rng):
            network.predict(batch[0], recurrent.y, callbacks=[])
            return events

    with pytest.raises(ValueError, match="augmentation calls the network that is being trained"):
        network.train(*batch, 2, callbacks=[], augmentation=Asks())
    assert all(map(np.array_equal, network.engine.get_parameters(), before))
    network.predict(batch[0], recurrent.y, callbacks=[])


def test_ctrl_c_ends_waiting(network, recurrent, batch):
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with network.turn.lock:
            held.set()
            release.wait(60.0)

    other = Other(hold)
    assert held.wait(60.0)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        network.train(*batch, 1, callbacks=[])
    timer.join()
    assert other.waits
    release.set()
    other.result()
    network.predict(batch[0], recurrent.y, callbacks=[])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_a_process_that_is_forked_meanwhile_does_not_wait(recurrent, batch, name):
    network = compile_recurrent(recurrent, name)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with network.turn.lock:
            held.set()
            release.wait(60.0)

    other = Other(hold)
    assert held.wait(60.0)
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        code = 1
        try:
            network.predict(batch[0], recurrent.y, callbacks=[])
            code = 0
        except RuntimeError as error:
            code = 2 if "compile it in each process" in str(error) else 3
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    release.set()
    other.result()
    assert status == {"cpu": 2, "reference": 0}[name]


# -- copies


def test_copies_have_turns_of_their_own(recurrent):
    turn = Turn()
    for other in (copy.deepcopy(turn), pickle.loads(pickle.dumps(turn))):
        assert other.lock is not turn.lock
    network = compile_recurrent(recurrent, "reference")
    apart, same = copy.deepcopy(network), copy.copy(network)
    assert apart.turn is apart._handle.turn is apart.engine.turn is not network.turn
    assert same.turn is network.turn
    with network.turn.lock:
        assert len(Other(lambda: apart.engine.get_parameters()).result()) == 4
    inference = InferenceCompiler(40, backend="reference").compile(recurrent.network)
    assert inference.turn is inference.engine.turn
