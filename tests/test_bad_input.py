"""Bad input as users meet it: the public interface, the real engine, the whole way.

Each error names the argument before anything long starts. What single modules refuse is
tested beside them; here stands one case of each kind.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import Callback, Checkpoint
from mlgenn_delays.compilers import (
    EventPropCompiler,
    TrainingDiverged,
    default_params,
    load_checkpoint,
    save_checkpoint,
)
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.serialisers import Numpy
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes

TIMESTEPS = 20
LOSS = "sparse_categorical_crossentropy"


def describe(
    weight: Any = None,
    delay: Any = 0,
    max_delay_steps: int | None = None,
    readout: str = "avg_var",
    hidden: int = 4,
) -> SimpleNamespace:
    """Input (3) -> hidden -> output (2)."""
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 3, name="in")
        h = Population(LeakyIntegrateFire(tau_refrac=None), hidden, name="hidden")
        y = Population(LeakyIntegrate(readout=readout), 2, name="out")
        first = Connection(
            x,
            h,
            Dense(Normal(3.0, 0.5) if weight is None else weight, delay),
            Exponential(5.0),
            name="first",
            max_delay_steps=max_delay_steps,
        )
        Connection(h, y, Dense(Normal(0.0, 0.5)), Exponential(5.0), name="last")
    return SimpleNamespace(network=network, x=x, h=h, y=y, first=first)


def compiler(**arguments: Any) -> EventPropCompiler:
    settings = {"example_timesteps": TIMESTEPS, "losses": LOSS, "num_threads": 1, "batch_size": 2}
    return EventPropCompiler(**{**settings, **arguments})


def spikes(times: Any = (1.0, 5.0, 6.0), ids: Any = (0, 1, 2)) -> Any:
    return preprocess_spikes(np.array(times), np.array(ids), 3)


GOOD_X, GOOD_Y = [spikes(), spikes((2.0, 3.0, 4.0))] * 2, [0, 1, 0, 1]


class Started(Callback):
    """Fails as soon as training begins."""

    def on_train_begin(self) -> None:
        raise AssertionError("training began")


@pytest.fixture(scope="module")
def trained() -> SimpleNamespace:
    """A network that has been compiled once."""
    parts = describe()
    parts.compiled = compiler().compile(parts.network)
    return parts


def flat(offsets: Any, times: Any, neurons: Any) -> EventDataset:
    return EventDataset(np.array(offsets), np.array(times), np.array(neurons), 3)


DATA = {
    "negative time": ([spikes((-1.0,), (0,))], [0], r"x\['in'\]: spike time -1.0 ms in example 0"),
    "time beyond the trial": ([spikes((20.5,), (0,))], [0], r"20.5 ms .* times from 0 to 20.0 ms"),
    "channel out of range": (
        flat([0, 1], [1.0], [3]), [0], r"x\['in'\] has a spike of channel 3, allowed are 0 to 2",
    ),
    "another number of channels": (
        [preprocess_spikes([1.0], [4], 5)], [0], "has 5 channels, the input population 3",
    ),
    "label out of range": ([spikes()], [2], "'out': labels: example 0 has 2, .* from 0 to 1"),
    "negative label": ([spikes()], [-1], "example 0 has -1"),
    "lengths that differ": ([spikes()] * 3, [0, 1], r"y\['out'\] has 2 examples, x has 3"),
    "no examples": ([], [], r"x\['in'\]: the data set is empty"),
}  # fmt: skip


@pytest.mark.parametrize("validation", [False, True], ids=["training", "validation"])
@pytest.mark.parametrize("name", DATA)
def test_data_are_refused_before_training_begins(trained, name, validation):
    x, y, message = DATA[name]
    arguments: dict[str, Any] = {"callbacks": [Started()], "num_epochs": 1}
    if validation:
        arguments.update(validation_x={trained.x: x}, validation_y={trained.y: y})
        x, y = GOOD_X, GOOD_Y
        message = message.replace("y\\[", "validation_y\\[").replace(", x", ", validation_x")
    with pytest.raises(ValueError, match=message):
        trained.compiled.train({trained.x: x}, {trained.y: y}, **arguments)


@pytest.mark.parametrize("time", [np.nan, np.inf])
def test_times_that_are_not_finite(trained, time):
    with pytest.raises(ValueError, match=f"times has {time}, allowed are finite numbers"):
        spikes((time,), (0,))
    with pytest.raises(ValueError, match=rf"x\['in'\] has spike times from {time} to {time} ms"):
        trained.compiled.predict({trained.x: flat([0, 1], [time], [0])}, trained.y)


@pytest.mark.parametrize("neuron", [-1, 3])
def test_channels_out_of_range_while_spikes_are_made(neuron):
    with pytest.raises(ValueError, match=f"ids has the neuron {neuron}, allowed are 0 to 2"):
        spikes((1.0,), (neuron,))


def test_augmentation_that_makes_bad_events(trained):
    with pytest.raises(ValueError, match=r"augmented x\['in'\] has a spike of channel 7"):
        trained.compiled.train(
            {trained.x: GOOD_X[:1]},
            {trained.y: GOOD_Y[:1]},
            num_epochs=1,
            callbacks=[],
            augmentation=lambda events, rng: flat([0, 1], [1.0], [7]),
        )


def unconnected() -> Network:
    network = describe().network
    with network:
        Population(LeakyIntegrateFire(), 3, name="lonely")
    return network


def twice() -> Network:
    network = describe().network
    network.populations[1].name = "in"
    return network


NETWORKS: dict[str, tuple[Callable[[], Any], str]] = {
    "no output": (Network, "the network has no output"),
    "unconnected population": (unconnected, "population 'lonely' has no incoming connection"),
    "two populations of one name": (twice, "population name 'in' occurs more than once"),
    "unknown readout": (lambda: describe(readout="mean"), "Readout 'mean' is unknown, allowed are"),
    "readout that does not fit": (
        lambda: describe(readout="var").network, "'out': readout is 'var', allowed with loss",
    ),
    "smaller max_delay_steps": (
        lambda: describe(delay=6, max_delay_steps=5).network,
        "connection 'first': delay is 6 timesteps, allowed are 0 to max_delay_steps = 5",
    ),
    "smaller max_delay_steps than samples": (
        lambda: describe(delay=Uniform(7, 9), max_delay_steps=5).network,
        "connection 'first': delay is .* timesteps, allowed are 0 to max_delay_steps = 5",
    ),
    "negative delay": (lambda: describe(delay=-1), "Dense: delay is -1, allowed are finite"),
    "delay that is not finite": (lambda: describe(delay=np.nan), "Dense: delay is nan"),
    "delays that are not finite": (
        lambda: describe(delay=np.full((3, 4), np.inf)), r"Dense: delay is inf at \[0, 0\]",
    ),
    "weight that is not finite": (lambda: describe(weight=np.inf), "Dense: weight is inf"),
    "weights that are not finite": (
        lambda: describe(weight=np.full((3, 4), np.nan)), r"Dense: weight is nan at \[0, 0\]",
    ),
    "weights beyond single precision": (
        lambda: describe(weight=1e39).network,
        "connection 'first': weights: values should be finite in single precision",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_refused_before_anything_is_compiled(name, monkeypatch):
    make, message = NETWORKS[name]
    monkeypatch.setenv("CXX", "no-such-compiler")  # whoever gets there fails
    with pytest.raises(ValueError, match=message):
        compiler().compile(make())


def test_learned_delays_without_max_delay_steps():
    parts = describe()
    with pytest.raises(ValueError, match="connection 'first': max_delay_steps is missing"):
        compiler(delay_learn_conns=[parts.first]).compile(parts.network)


def test_unknown_loss():
    with pytest.raises(ValueError, match="the loss of output 'out', 'hinge' is unknown, allowed"):
        compiler(losses="hinge").compile(describe().network)


def test_no_compiler(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", os.devnull)  # and nothing compiled before
    with pytest.raises(RuntimeError, match="CXX is 'no-such-compiler', but there is no such"):
        compiler().compile(describe().network).engine  # noqa: B018


# -- training that diverges


def test_training_that_diverges_keeps_the_last_good_checkpoint(tmp_path):
    parts = describe()

    class Explode(Callback):
        def set_params(self, compiled_network: Any, **kwargs: Any) -> None:
            self._optimiser = compiled_network.optimisers[0][0]
            self._epoch = 0

        def on_epoch_begin(self, epoch: int) -> None:
            self._optimiser.alpha = 1e-3 if epoch < 2 else 3e38

    network = compiler(optimiser=Adam(1e-3)).compile(parts.network)
    callbacks = [Explode(), Checkpoint(Numpy(tmp_path))]
    with pytest.raises(TrainingDiverged, match=r"diverged in epoch 2, batch \d") as info:
        network.train({parts.x: GOOD_X}, {parts.y: GOOD_Y}, num_epochs=4, callbacks=callbacks)
    assert "the last good state is saved: checkpoint of epoch 1" in str(info.value)
    assert {p.name.split("-")[0] for p in tmp_path.iterdir()} == {"0", "1"}
    parts.network.load((1,), Numpy(tmp_path))
    assert all(np.all(np.isfinite(c.connectivity.weight)) for c in parts.network.connections)


# -- files


def save_some_checkpoint(folder: Path) -> SimpleNamespace:
    parts = describe()
    parts.compiled = compiler().compile(parts.network)
    parts.compiled.save((0,), Numpy(folder))
    return parts


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_checkpoint_of_another_network(tmp_path):
    save_some_checkpoint(tmp_path)
    other = describe(hidden=5).network
    weight = other.connections[1].connectivity.weight
    with pytest.raises(ValueError, match=r"checkpoint \(0,\), connection 'first'.*\(3, 4\)"):
        other.load((0,), Numpy(tmp_path))
    assert other.connections[1].connectivity.weight is weight


def test_training_state_of_another_network(tmp_path):
    parts = save_some_checkpoint(tmp_path)
    save_checkpoint(tmp_path / "state.npz", parts.compiled.training_state())
    other = compiler().compile(describe(hidden=5).network)
    with pytest.raises(ValueError, match=r"another network: shape of population 'hidden' is \[4\]"):
        other.load_training_state(load_checkpoint(tmp_path / "state.npz"))


@pytest.mark.parametrize("damage", ["truncated", "nonsense", "empty"])
def test_damaged_checkpoints(tmp_path, damage):
    parts = save_some_checkpoint(tmp_path)
    save_checkpoint(tmp_path / "state.npz", parts.compiled.training_state())
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        path.write_bytes({"truncated": data[:-20], "nonsense": b"x" * 50, "empty": b""}[damage])
    with pytest.raises(ValueError, match=r"0-first-g\.npy' is damaged"):
        parts.network.load((0,), Numpy(tmp_path))
    with pytest.raises(ValueError, match=r"state\.npz' is damaged"):
        load_checkpoint(tmp_path / "state.npz")


def test_checkpoints_that_cannot_be_written_are_found_before_training(trained, tmp_path):
    serialiser = Numpy(tmp_path / "results")
    (tmp_path / "results").rmdir()
    (tmp_path / "results").write_text("a file in the way")
    with pytest.raises(OSError, match="Numpy: path cannot be written"):
        trained.compiled.train(
            {trained.x: GOOD_X},
            {trained.y: GOOD_Y},
            num_epochs=1,
            callbacks=[Started(), Checkpoint(serialiser)],
        )


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_disk_that_fills_up_in_training(tmp_path, monkeypatch, failing):
    """Whatever was there is whole or untouched, and no temporary file stays."""
    parts = save_some_checkpoint(tmp_path)
    good, calls = contents(tmp_path), []
    original = getattr(os, failing)

    def full(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(*arguments)

    parts.compiled.engine  # noqa: B018  compiled before the disk is full
    monkeypatch.setattr(os, failing, full)
    with pytest.raises(OSError, match="No space left on device"):
        parts.compiled.train(
            {parts.x: GOOD_X},
            {parts.y: GOOD_Y},
            num_epochs=2,
            callbacks=[Checkpoint(Numpy(tmp_path))],
        )
    monkeypatch.undo()
    after = contents(tmp_path)
    assert after.keys() == good.keys()
    assert [name for name in good if after[name] != good[name]] == ["0-first-g.npy"]
    parts.network.load((0,), Numpy(tmp_path))


@pytest.mark.parametrize("failing", ["fsync", "replace", "chmod"])
def test_full_disk_keeps_the_last_training_state(tmp_path, monkeypatch, failing):
    parts = save_some_checkpoint(tmp_path)
    save_checkpoint(tmp_path / "last.npz", parts.compiled.training_state())
    good = contents(tmp_path)

    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, failing, full)
    with pytest.raises(OSError, match=r"could not write the checkpoint .*last\.npz") as info:
        save_checkpoint(tmp_path / "last.npz", {"meta": np.zeros(3)})
    monkeypatch.undo()
    assert info.value.errno == errno.ENOSPC
    assert contents(tmp_path) == good


def test_full_disk_in_the_middle_of_an_array(tmp_path, monkeypatch):
    """The error comes from writing itself, not from what follows it."""
    parts = save_some_checkpoint(tmp_path)
    good, state = contents(tmp_path), parts.compiled.training_state()
    write = np.lib.format.write_array

    def half(file: Any, array: np.ndarray, **arguments: Any) -> None:
        write(file, array[: len(array) // 2] if array.ndim else array, **arguments)
        if array.ndim:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np.lib.format, "write_array", half)
    with pytest.raises(OSError, match="No space left on device"):
        save_checkpoint(tmp_path / "last.npz", state)
    assert contents(tmp_path) == good
