"""Training states that were damaged or made up: they load, or an error says why they do not, and
nothing has changed."""

from __future__ import annotations

import json
import os
import signal
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import (
    BestCheckpoint,
    Callback,
    EarlyStopping,
    OptimiserParamSchedule,
    WakeSilentNeurons,
)
from mlgenn_delays.compilers import (
    EventPropCompiler,
    default_params,
    load_checkpoint,
    load_network,
    save_checkpoint,
)
from mlgenn_delays.connectivity import Dense, FixedProbability
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.program.description import digest
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes

BACKENDS = ("cpu", "reference")
EPOCHS = 2


# -- a network, its data and good states


def describe():
    """Sparse and dense, with delays of every kind."""
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 6, name="x")
        h = Population(LeakyIntegrateFire(), 5, name="h")
        y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
        xh = Connection(
            x, h, Dense(Normal(1.0, 0.4), Uniform(1, 4)), Exponential(5.0), "xh", max_delay_steps=8
        )
        hh = Connection(h, h, FixedProbability(0.5, Normal(0.0, 0.2)), Exponential(5.0), "hh")
        Connection(h, y, Dense(Normal(0.0, 0.5), 2), Exponential(4.0), "hy")
    return SimpleNamespace(network=network, x=x, h=h, y=y, xh=xh, hh=hh)


def make_data():
    rng = np.random.default_rng(3)
    times = [np.sort(rng.uniform(0.0, 15.0, 12)).astype(np.float32) for _ in range(16)]
    spikes = [preprocess_spikes(t, rng.integers(0, 6, len(t)), 6) for t in times]
    return spikes, [i % 2 for i in range(16)]


class PressCtrlC(Callback):
    def __init__(self, batch):
        self._left = batch

    def on_batch_begin(self, batch):
        self._left -= 1
        if self._left == -1:
            os.kill(os.getpid(), signal.SIGINT)


class Victim:
    """A compiled network that has learned something, and good states of it."""

    def __init__(self, backend, folder):
        self.net, self.folder = describe(), folder
        compiler = EventPropCompiler(
            20, "sparse_categorical_crossentropy", Adam(0.01), batch_size=3, rng_seed=5,
            backend=backend, num_threads=1, reg_lambda_upper=1e-5, reg_nu_upper=2,
            delay_optimiser=Adam(0.1), delay_learn_conns=[self.net.xh],
        )  # fmt: skip
        self.compiled = compiler.compile(self.net.network)
        self.data = make_data()
        self.good = [self.compiled.training_state()]
        for batch in (1, 5):  # in the middle of an epoch
            with pytest.raises(KeyboardInterrupt):
                self.train((0, 0), batch)
            self.good.append(self.compiled.training_state())
        self.train((0, 0))
        self.good.append(self.compiled.training_state())

    def load(self, state):
        self.start = self.compiled.load_training_state(state)

    def train(self, start, stop=None):
        x, y = {self.net.x: self.data[0]}, {self.net.y: self.data[1]}
        callbacks = [
            OptimiserParamSchedule("alpha", lambda epoch, alpha: 0.7 * alpha),
            WakeSilentNeurons(self.net.h, [self.net.xh], 0.01),
            *([] if stop is None else [PressCtrlC(stop)]),
        ]
        best = BestCheckpoint(self.folder / "best.npz", window=2)
        self.compiled.train(
            x, y, EPOCHS - start[0], start[0], start_batch=start[1], callbacks=callbacks,
            validation_callbacks=[EarlyStopping(9), best], validation_split=0.4,
        )  # fmt: skip

    def is_tame(self):
        """Whether training ends: neurons without a timestep spike as often as currents say."""
        largest = max(np.abs(value).max() for value in self.compiled.engine.get_parameters())
        return self.compiled.engine.name != "reference" or largest < 20.0

    def problem(self):
        """What is wrong with parameters and moments; None: nothing."""
        engine = self.compiled.engine
        specs = {spec.key: spec for spec in engine.program.parameters}
        for spec, value in zip(engine.program.parameters, engine.get_parameters()):
            low, high = spec.bounds
            if not np.all(np.isfinite(value) & (value >= low) & (value <= high)):
                return f"bad values of {spec.key}"
        moments = engine.optimiser_state()
        for name, value in moments.items():
            key, _, moment = name.rpartition("/")
            if value.shape != specs[key].shape or not np.all(np.isfinite(value)):
                return f"bad moment {name}"
            if moment == "v" and np.any(value < 0.0):
                return f"negative moment {name}"
        parts = {name.rpartition("/")[2] for name in moments}
        whole = len(moments) == 2 * len(engine.learned) and parts == {"m", "v"}
        return None if whole or not moments else f"moments are {sorted(moments)}"

    def snapshot(self):
        """Everything that an error must leave as it was."""
        compiled = self.compiled
        state = compiled.training_state()
        state.pop("statistics/0/seconds", None)
        optimisers = [dict(vars(optimiser)) for optimiser, _ in compiled.optimisers]
        rest = repr((optimisers, compiled.history, compiled.epoch_loss, compiled.stop_training))
        return {**{n: (v.dtype, v.shape, v.tobytes()) for n, v in state.items()}, "": rest}


@pytest.fixture(scope="module", params=BACKENDS)
def victim(request, tmp_path_factory):
    return Victim(request.param, tmp_path_factory.mktemp(request.param))


# -- mutations


#: Texts that are put in the place of a JSON value.
JUNK = (
    "null", "true", "-1", "0", "1", "2", "0.5", "1e999", "-Infinity", "NaN", "1" + "0" * 400,
    "1" + "0" * 60, "9" * 5000, '"text"', '""', '"\\ud800"', '"\\u0000"', "[]", "{}", "[[]]",
    "[1, 2]", '["a"]', '{"a": 1}', "[" * 30 + "]" * 30, "[" * 100000 + "]" * 100000,
    '{"a":' * 3000 + "1" + "}" * 3000,
)  # fmt: skip


def find_paths(value, path=()):
    """Paths to all values below a JSON value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts if isinstance(value, (dict, list)) else ():
        yield (*path, key)
        yield from find_paths(part, (*path, key))


def damage_meta(rng, state):
    meta = json.loads(str(state["meta"]))
    paths = list(find_paths(meta))
    path = paths[rng.integers(len(paths))]
    holder = meta
    for key in path[:-1]:
        holder = holder[key]
    kind = rng.choice(["junk", "junk", "junk", "delete", "add", "rename"])
    junk = JUNK[rng.integers(len(JUNK))]
    if kind == "junk":
        holder[path[-1]] = "JUNK"
    elif kind == "delete":
        del holder[path[-1]]
    elif isinstance(holder, list):
        holder.append("JUNK")
    elif kind == "add":
        holder["extra"] = "JUNK"
    else:
        holder["other"] = holder.pop(path[-1])
    if rng.random() < 0.7 and isinstance(meta.get("network"), dict):
        meta["network_hash"] = digest(meta["network"])  # by somebody who knows how
    text = json.dumps(meta).replace('"JUNK"', junk)
    what = f"meta {path}: {kind} {junk[:20]}"
    return what, {**state, "meta": np.array(text)}


def damage_text(rng, state):
    """Bytes of the text that are lost, doubled or changed."""
    text = str(state["meta"])
    where, length = int(rng.integers(len(text))), int(rng.integers(1, 40))
    middle = rng.choice(["", text[where : where + length] * 2, '"', "{", "]", ",", "9", "\ud800"])
    changed = text[:where] + middle + text[where + length :]
    return f"meta text at {where}", {**state, "meta": np.array(changed)}


def change_array(rng, value):
    """(what, another array)"""
    bad = [np.nan, np.inf, -np.inf, -1.0, 1e39, 1e300, 70000.0, 0.5]
    kind = rng.choice(["value", "shape", "type", "none", "empty", "all"])
    if kind in ("value", "all") and value.dtype.kind in "fiu" and value.size:
        number = bad[rng.integers(len(bad))]
        changed = np.array(value, np.float64)
        changed[... if kind == "all" else tuple(0 for _ in value.shape)] = number
        with np.errstate(all="ignore"):
            again = changed.astype(value.dtype) if rng.random() < 0.5 else changed
        return f"{kind} {number}", again
    if kind == "shape":
        shapes = [value.ravel(), value[..., np.newaxis], value.T, np.resize(value, 3)]
        return "shape", shapes[rng.integers(len(shapes))]
    if kind == "none":
        return "no array", [None, b"bytes", [1.0], "text", 3.0][rng.integers(5)]
    if kind == "empty":
        return "empty", np.zeros(0, value.dtype)
    types = ["U5", "S3", "c8", "?", "i8", "u1", "f2", "g", "M8[s]", "m8[s]", "O", "V4"]
    name = types[rng.integers(len(types))]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return name, value.astype(name)
        except (TypeError, ValueError):
            return name, np.zeros(value.shape, name)


def damage_arrays(rng, state):
    names = sorted(state)
    name = names[rng.integers(len(names))]
    state = dict(state)
    kind = rng.choice(["change", "change", "change", "drop", "rename", "add", "swap"])
    if kind == "change":
        what, state[name] = change_array(rng, state[name])
        return f"{name}: {what}", state
    if kind == "drop":
        del state[name]
    elif kind == "swap":
        other = names[rng.integers(len(names))]
        state[name], state[other] = state[other], state[name]
        return f"{name} and {other} swapped", state
    else:
        value = state.pop(name) if kind == "rename" else state[name]
        other = ["parameters", "optimiser", "metrics/9/x", "callbacks/0/x", "connectivity", 7, "/"]
        part = other[rng.integers(len(other))]
        state[part if isinstance(part, int) else f"{part}/{name}"[: rng.integers(5, 60)]] = value
    return f"{name}: {kind}", state


DAMAGES = (damage_meta, damage_meta, damage_text, damage_arrays, damage_arrays)


def damaged(rng, victim):
    state = victim.good[rng.integers(len(victim.good))]
    what = []
    for _ in range(1 + (rng.random() < 0.2)):
        damage = DAMAGES[rng.integers(len(DAMAGES))]
        try:
            text, state = damage(rng, state)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            continue  # the second damage of what the first has left
        what.append(text)
    return "; ".join(what), state


# -- attacks


def judge(tally, what, before, after):
    """Count whether a call that failed left everything as it was."""
    changed = [name or "network" for name in before if after.get(name) != before[name]]
    problem = f"it failed and changed {changed}" if changed or len(before) != len(after) else None
    tally.count(f"{what}, unchanged", problem)


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_load_training_state(victim, rng, attempts, tally):
    """Where it loads, training goes on, or an error comes before it begins."""
    for number in range(attempts(1500, 200)):
        what, state = damaged(rng, victim)
        what, before = f"{number}: {what}", victim.snapshot()
        if not tally.attempt(what, lambda s=state: victim.load(s)):
            judge(tally, what, before, victim.snapshot())
            continue
        tally.count(f"{what}, loaded", victim.problem())
        before = victim.snapshot()
        if victim.start[0] < EPOCHS and number % 3 == 0 and victim.is_tame():
            what = f"{what}, train"
            if not tally.attempt(what, lambda: victim.train(victim.start)):
                judge(tally, what, before, victim.snapshot())
        victim.load(victim.good[-1])


def test_load_network(rng, attempts, tally, tmp_path):
    victim = Victim("reference", tmp_path)
    for number in range(attempts(1500, 150)):
        what, state = damaged(rng, victim)
        net = describe()
        before = [vars(c.connectivity).copy() for c in net.network.connections]
        if tally.attempt(f"{number}: {what}", lambda n=net, s=state: load_network(n.network, s)):
            continue
        after = [vars(c.connectivity) for c in net.network.connections]
        same = all(a[n] is b[n] for a, b in zip(before, after) for n in (*a, *b))
        tally.count(f"{number}: {what}, unchanged", None if same else "changed")


def test_damaged_files(victim, rng, attempts, tally, tmp_path):
    """Flipped bits, zeroed blocks and lost ends, from the file into the network."""
    path = tmp_path / "state.npz"
    for number in range(attempts(800, 80)):
        save_checkpoint(path, victim.good[number % len(victim.good)])
        content = bytearray(path.read_bytes())
        where = int(rng.integers(len(content)))
        kind = rng.choice(["flip", "flip", "flip", "end", "zero"])
        if kind == "flip":
            content[where] ^= 1 << int(rng.integers(8))
        elif kind == "end":
            del content[where:]
        else:
            content[where : where + 64] = bytes(len(content[where : where + 64]))
        path.write_bytes(bytes(content))
        what, before = f"{number}: {kind} at {where}", victim.snapshot()
        if not tally.attempt(what, lambda: victim.load(load_checkpoint(path))):
            judge(tally, what, before, victim.snapshot())
        net = describe()
        tally.attempt(f"{what}, description", lambda n=net: load_network(n.network, path))
