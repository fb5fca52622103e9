"""Augmentation runs one epoch ahead in a thread, and gives what it gave without one."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
import pytest
from loop_callbacks import PressCtrlC

from mlgenn_delays.callbacks import Callback
from mlgenn_delays.datasets import AugmentEvents
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.events.flatten import flatten_spikes
from mlgenn_delays.training.augmented_epochs import AUGMENTATION_STREAM, AugmentedEpochs
from mlgenn_delays.training.data import TrialData, prepare, with_labels

JITTER = AugmentEvents(40.0, jitter=2.0, drop=0.2)


def augmentation_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("augmentation")]


@pytest.fixture(autouse=True)
def _no_thread_left():
    yield
    assert augmentation_threads() == []


@dataclass
class Spy:
    """An augmentation that says when and where it is called."""

    calls: list[str] = field(default_factory=list)
    raises_in: int | None = None

    def __call__(self, events, rng):
        self.calls.append(threading.current_thread().name)
        if len(self.calls) - 1 == self.raises_in:
            raise ValueError(f"no such events (call {self.raises_in})")
        return JITTER(events, rng)


class CollectEvents(Callback):
    """Input events of each epoch, as the engine saw them."""

    def __init__(self):
        self.epochs = []

    def set_params(self, compiled_network, **kwargs):
        self._engine = compiled_network.engine

    def on_epoch_end(self, epoch, metrics):
        (events,) = self._engine.batch.inputs.values()
        self.epochs.append(events)


def same(one, two):
    return all(np.array_equal(getattr(one, n), getattr(two, n)) for n in ("offsets", "times"))


def expected(events, seed, epoch):
    return JITTER(events, np.random.default_rng([seed, AUGMENTATION_STREAM, epoch]))


# -- training


@pytest.mark.parametrize("start", [0, 3])
def test_what_is_trained_depends_on_seed_and_epoch_alone(compile_linear, data, linear, start):
    network, collected = compile_linear(rng_seed=5), CollectEvents()
    network.train(
        *data, num_epochs=3, start_epoch=start, callbacks=[collected], augmentation=JITTER
    )
    events = flatten_spikes(data[0][linear.x], 6, 40.0)
    assert len(collected.epochs) == 3
    for i, found in enumerate(collected.epochs):
        assert same(found, expected(events, 5, start + i))
    assert not same(collected.epochs[0], collected.epochs[1])


def test_next_epoch_is_made_while_one_is_trained(compile_linear, data):
    made = threading.Event()
    waited = []

    def augmentation(events, rng):
        if waited_for := len(calls):
            made.set()
        calls.append(waited_for)
        return JITTER(events, rng)

    class Wait(Callback):
        def on_batch_begin(self, batch):
            # would time out if the data of the second epoch were not made before its begin
            waited.append(made.wait(timeout=20.0))

    calls: list[int] = []
    compile_linear().train(*data, num_epochs=2, callbacks=[Wait()], augmentation=augmentation)
    assert waited == [True] * 6
    assert len(calls) == 2


def test_no_more_epochs_are_made_than_trained(compile_linear, data):
    spy = Spy()
    compile_linear().train(*data, num_epochs=3, callbacks=[], augmentation=spy)
    assert len(spy.calls) == 3
    assert all(name.startswith("augmentation") for name in spy.calls)
    compile_linear().train(*data, num_epochs=0, callbacks=[], augmentation=spy)
    assert len(spy.calls) == 3


class StopAfter(Callback):
    def __init__(self, epoch):
        self._epoch = epoch

    def set_params(self, compiled_network, **kwargs):
        self._network = compiled_network

    def on_epoch_end(self, epoch, metrics):
        self._network.stop_training = epoch == self._epoch


def test_early_end_of_training_leaves_no_thread(compile_linear, data):
    spy, network = Spy(), compile_linear()
    network.train(*data, num_epochs=9, callbacks=[StopAfter(1)], augmentation=spy)
    assert len(network.engine.batches) == 2 * 3
    assert len(spy.calls) <= 3


def test_ctrl_c_leaves_no_thread(compile_linear, data):
    with pytest.raises(KeyboardInterrupt, match="the running batch was finished"):
        compile_linear().train(
            *data, num_epochs=9, callbacks=[PressCtrlC(1, 1)], augmentation=JITTER
        )


def test_errors_of_callbacks_leave_no_thread(compile_linear, data):
    class Broken(Callback):
        def on_batch_end(self, batch, metrics):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        compile_linear().train(*data, num_epochs=9, callbacks=[Broken()], augmentation=JITTER)


@pytest.mark.parametrize("call", [0, 1, 2])
def test_error_comes_when_its_epoch_begins(compile_linear, data, call):
    network = compile_linear()
    with pytest.raises(ValueError, match=rf"no such events \(call {call}\)"):
        network.train(*data, num_epochs=4, callbacks=[], augmentation=Spy(raises_in=call))
    assert len(network.engine.batches) == call * 3


def test_error_of_an_epoch_that_is_not_reached_is_none(compile_linear, data):
    network = compile_linear()
    network.train(*data, num_epochs=9, callbacks=[StopAfter(0)], augmentation=Spy(raises_in=1))
    assert len(network.engine.batches) == 3


def test_bad_events_are_named(compile_linear, data):
    def late(events, rng):
        return EventDataset(events.offsets, events.times + 99.0, events.neurons, 6)

    with pytest.raises(ValueError, match=r"augmented x\['x'\] has spike times from"):
        compile_linear().train(*data, num_epochs=2, callbacks=[], augmentation=late)


# -- labels


@dataclass
class Blend:
    """Keeps the labels it is given."""

    needs_labels = True
    seen: list[tuple[int, list[int]]] = field(default_factory=list)

    def __call__(self, events, rng, *, labels):
        self.seen.append((len(events), labels.tolist()))
        return events


def test_labels_are_given_to_those_who_need_them(compile_linear, data, linear):
    blend, network = Blend(), compile_linear()
    network.train(*data, num_epochs=2, callbacks=[], augmentation=blend)
    assert blend.seen == 2 * [(10, data[1][linear.y])]


def test_examples_kept_for_validation_are_not_mixed_into_others(compile_linear, data, linear):
    blend, network = Blend(), compile_linear(rng_seed=2)
    plain = compile_linear(rng_seed=2)
    arguments = {"num_epochs": 2, "validation_split": 0.3, "callbacks": []}
    result = network.train(*data, **arguments, augmentation=blend)
    assert blend.seen == 2 * [(7, data[1][linear.y][:7])]
    expected = plain.train(*data, **arguments)
    for mine, theirs in zip(result[:2], expected[:2], strict=True):
        assert mine[linear.y].result == theirs[linear.y].result
    assert network.engine.batches == plain.engine.batches
    assert network.epoch_loss == plain.epoch_loss


def test_targets_that_are_no_labels(compile_linear, data):
    network = compile_linear()
    augmentation = Blend()
    built = network._built
    trials = prepare(built, *data)
    traces = TrialData(trials.inputs, {1: np.zeros((10, 40, 2))}, trials.keys, trials.rows)
    with pytest.raises(ValueError, match=r"needs labels.*'y': \(10, 40, 2\)"):
        with_labels(traces, augmentation, network.program)


# -- the thread


def make(compile_linear, data, augmentation):
    network = compile_linear()
    return AugmentedEpochs(prepare(network._built, *data), augmentation, 0, network.program)


def test_epochs_out_of_order(compile_linear, data):
    ahead = make(compile_linear, data, JITTER)
    (straight,) = ahead.get(4, None).inputs.values()
    ahead.get(0, 1)
    (jumped,) = ahead.get(4, 5).inputs.values()
    ahead.close()
    assert same(straight, jumped)


def test_steps_are_made_in_the_thread(compile_linear, data):
    ahead = make(compile_linear, data, JITTER)
    (events,) = ahead.get(0, None).inputs.values()
    ahead.close()
    assert ("steps", 1.0) in events._derived
