"""
3. Your own data: arrays, sounds, event cameras
===============================================

Data come as lists of spike times, as sounds, or from event cameras. Here we make a small data set
of each kind (so that this page needs none of yours), bring it into the form that networks take, and
train a small network on it. Replace any of them by your own.

Sounds need SciPy, ``pip install 'mlgenn_delays[speech]'``. Data sets of `tonic
<https://tonic.readthedocs.io>`_ need tonic, ``pip install 'mlgenn_delays[tonic]'``, only where its
readers and transforms are used; without it, this page leaves out its transforms, and says so.
"""

import tempfile
import wave
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.datasets import load_speech, stratified_split
from mlgenn_delays.datasets.nmnist import CLASS_NAMES, DURATION, SENSOR_SIZE, generate_nmnist
from mlgenn_delays.events.grouping import pool_pixels
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.interop.tonic import from_tonic
from mlgenn_delays.losses import SparseCategoricalCrossentropy
from mlgenn_delays.models import build_classifier, nmnist_settings
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.plotting import plot_raster
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes

rng = np.random.default_rng(0)

# %%
# Arrays of spike times
# ---------------------
#
# Say that 24 neurons were recorded while an animal met one of four stimuli. All neurons fire as
# much to all stimuli, about two spikes each. What differs is the order: activity runs up the
# array, down, from its middle outwards, or inwards. No rate code can tell these apart.
#
# ``preprocess_spikes`` takes the times of a trial in **milliseconds**, in any order, and the
# neuron of each spike. A data set is a list of these, and an array of labels.

NUM_UNITS = 24
place = np.arange(NUM_UNITS) / (NUM_UNITS - 1)  # 0 to 1 along the array
latencies = {
    "up": place,
    "down": 1.0 - place,
    "outwards": np.abs(2.0 * place - 1.0),
    "inwards": 1.0 - np.abs(2.0 * place - 1.0),
}


def record_trial(stimulus):
    """A made-up recording: spikes around the latency of each neuron, and some at any time."""
    ids = np.repeat(np.arange(NUM_UNITS), rng.poisson(2.0, NUM_UNITS))
    times = 50.0 + 250.0 * latencies[stimulus][ids] + rng.normal(0.0, 15.0, len(ids))
    others = rng.poisson(15)
    ids = np.concatenate((ids, rng.integers(NUM_UNITS, size=others)))
    times = np.concatenate((times, rng.uniform(0.0, 400.0, others)))
    return preprocess_spikes(np.clip(times, 0.0, 400.0), ids, NUM_UNITS)


stimuli = list(latencies)
array_labels = np.repeat(np.arange(4), 80)
array_spikes = [record_trial(stimuli[label]) for label in array_labels]

# %%
# A network for arrays and sounds
# -------------------------------
#
# 32 hidden neurons that listen to the inputs with delays between 0 and 150 ms, which are learned.
# Only the size of the input and the length of a trial come from the data, and the weights that
# inputs begin with: the more events there are, the smaller they must be for hidden neurons to fire
# some spikes, and not all the time. A layer that stays silent learns nothing; training warns of it.

DT = 5.0  # ms
LONGEST_DELAY = 200.0  # ms


def learn(spikes, labels, class_names, duration, weight, num_epochs=20):
    """Train a network and test it on a fifth of the data.

    Returns the compiled network, its input, spikes and labels of the test, and the accuracy.
    """
    train, _, test = stratified_split(labels, (0.8, 0.0, 0.2))
    pick = spikes.select if hasattr(spikes, "select") else lambda i: [spikes[k] for k in i]
    num_inputs = spikes.num_neurons if hasattr(spikes, "select") else len(spikes[0].end_spikes)

    network = Network()
    with network:
        x = Population(SpikeInput(), num_inputs, name="input")
        hidden = Population(LeakyIntegrateFire(tau_mem=20.0), 32, name="hidden")
        y = Population(LeakyIntegrate(tau_mem=50.0, readout="avg_var"), len(class_names))
        delayed = Connection(
            x,
            hidden,
            Dense(Normal(weight, 2.0 * weight), Uniform(0.0, 150.0 / DT)),
            Exponential(10.0),
            max_delay_steps=int(LONGEST_DELAY / DT),
        )
        Connection(hidden, y, Dense(Normal(0.0, 0.3)), Exponential(10.0))
    compiler = EventPropCompiler(
        int(np.ceil((duration + LONGEST_DELAY) / DT)),
        SparseCategoricalCrossentropy(temperature=0.1),
        Adam(0.01),
        reg_lambda_upper=1e-4,
        reg_nu_upper=5.0,
        delay_optimiser=Adam(1.0 / DT),
        delay_learn_conns=[delayed],
        batch_size=16,
        dt=DT,
        timing="substep",
        num_threads=1,
    )
    compiled = compiler.compile(network)
    compiled.train({x: pick(train)}, {y: labels[train]}, num_epochs, callbacks=[])
    metrics, _ = compiled.evaluate({x: pick(test)}, {y: labels[test]}, callbacks=[])
    counts = compiled.history[-1].spikes_per_neuron["hidden"]
    accuracy = metrics[y].result
    print(f"test accuracy {accuracy:.1%}, {counts:.1f} spikes per hidden neuron and trial")
    return compiled, x, pick(test), labels[test], accuracy


arrays = learn(array_spikes, array_labels, stimuli, 400.0, weight=0.2)

# %%
# Sounds
# ------
#
# ``load_speech`` reads a folder of WAV files, of any sample rate and width. Sub-folders are the
# classes, as in the Google Speech Commands; for other layouts give it a ``pattern`` of file names.
# Our words are sweeps: a tone that rises, one that falls, one that rises and falls, and one that
# falls and rises.

sweeps = {
    "rise": [300.0, 2500.0],
    "fall": [2500.0, 300.0],
    "rise-fall": [300.0, 2500.0, 300.0],
    "fall-rise": [2500.0, 300.0, 2500.0],
}


def write_sweep(path, frequencies, rate=8000):
    """A tone along a line of frequencies [Hz], 0.3 s long, more or less, with noise."""
    length = int(rate * rng.uniform(0.25, 0.35))
    corners = np.linspace(0.0, 1.0, len(frequencies))
    course = rng.uniform(0.85, 1.15) * np.interp(
        np.linspace(0.0, 1.0, length), corners, frequencies
    )
    samples = np.sin(2.0 * np.pi * np.cumsum(course) / rate) * np.hanning(length) ** 0.3
    samples += rng.normal(0.0, 0.02, length)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)  # bytes
        file.setframerate(rate)
        file.writeframes((0.5 * 32767 * samples).astype("<i2").tobytes())


# %%
# An encoder turns sounds into events: ``"mel"`` sends one whenever the level of a mel band has
# changed by 7 dB, up or down, so that its channels are bands going up and bands going down;
# ``"cochlea"`` is a model of the inner ear with 700 channels. Both take settings of your own
# (``MelEvents(num_bands=32)``).

sounds = None
if find_spec("scipy"):
    from mlgenn_delays.audio import MelEvents

    with tempfile.TemporaryDirectory() as folder:
        for name, frequencies in sweeps.items():
            Path(folder, name).mkdir()
            for i in range(60):
                write_sweep(Path(folder, name, f"{i}.wav"), frequencies)
        speech = load_speech(
            wav_dir=folder,
            encoder=MelEvents(num_bands=32),
            duration=400.0,
            num_workers=1,
            cache=False,
            progressbar=False,
        )
    words = speech.train
    print(f"{len(words)} sounds, {words.num_channels} channels, classes {words.class_names}")
    sounds = learn(words.events, words.labels, words.class_names, words.duration, weight=0.1)
else:
    print("SciPy is not installed, sounds are left out: pip install 'mlgenn_delays[speech]'")

# %%
# ``load_speech`` has made a split already; here we took its training part for the data and split
# that. Where the files say who speaks, ``leave_out_speaker`` tests on a voice that training has
# never heard, which is the harder and usually the more honest question.
#
# Event cameras, and tonic: N-MNIST
# ---------------------------------
#
# Event cameras send where, when, and whether a pixel got brighter or darker. tonic, the library of
# most event data sets, has them as structured arrays with the fields ``x``, ``y``, ``t``
# (in **microseconds**) and ``p``, and a data set as an object with a length that gives a pair of
# events and label by index. Any class like the one below will do, and so will all of
# ``tonic.datasets``.
#
# Ours has the form of ``tonic.datasets.NMNIST``: handwritten digits before a camera of 34 x 34
# pixels that makes three short movements, or saccades, of 105 ms each (Orchard et al. 2015). The
# recordings are 1.2 GB, so here digits are drawn and the camera is simulated.


class SimulatedNMNIST:
    """Simulated recordings in the place of ``tonic.datasets.NMNIST``."""

    sensor_size = SENSOR_SIZE  # width, height, polarities
    classes = CLASS_NAMES
    fields = np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "<i2")])

    def __init__(self, train=True, transform=None):
        self.recordings = simulated["train" if train else "test"]
        self.transform = transform

    def __len__(self):
        return len(self.recordings)

    def __getitem__(self, index):
        recorded = self.recordings.events
        own = slice(recorded.offsets[index], recorded.offsets[index + 1])
        times, channels = recorded.times[own], recorded.neurons[own]
        width, _, polarities = self.sensor_size
        events = np.empty(len(times), self.fields)
        events["x"] = channels // polarities % width
        events["y"] = channels // (polarities * width)
        events["t"] = 1000.0 * times  # ms to microseconds
        events["p"] = channels % polarities
        label = int(self.recordings.labels[index])
        return (self.transform(events) if self.transform else events), label


simulated = generate_nmnist(num_per_class=50)

# %%
# Transforms of tonic go where they always go. Those that change events in time or space are fine;
# those that make frames of them are not needed, since the network takes the events themselves.
# ``Denoise`` leaves out events that have no other one beside them within 10 ms before.

transform = None
if find_spec("tonic"):
    from tonic.transforms import Denoise

    transform = Denoise(filter_time=10_000)
else:
    print("tonic is not installed, its transform is left out: pip install 'mlgenn_delays[tonic]'")

# %%
# ``from_tonic`` reads a data set once, and keeps its events in memory, or on disk with ``cache=``.
# (``compiled.train({x: dataset}, {y: dataset}, ...)`` takes a data set of this kind as it is,
# too.) Events beyond the sensor or the trial are refused, and the message says which example has
# them, and what to do. ``pool_pixels`` then makes one channel of 2 x 2 pixels of a polarity: a
# quarter of the weights, and no event is lost.

digits = {}
for part in ("train", "test"):
    read = from_tonic(
        SimulatedNMNIST(train=part == "train", transform=transform),
        duration=DURATION,
        progressbar=False,
    )
    digits[part] = replace(read, events=pool_pixels(read.events, SENSOR_SIZE, 2))
    print(
        f"{part}: {len(read)} recordings, {read.num_channels} channels joined to "
        f"{digits[part].num_channels}, {len(read.events.times) / len(read):.0f} events each"
    )

# %%
# This is a harder task, of ten classes and many more events, and the network is that of the
# package's experiment ``nmnist`` with 32 hidden neurons instead of 128: ``nmnist_settings`` has the
# weights, time constants and delays that were chosen for it. Edges pass a pixel in each saccade, so
# delays of up to 200 ms, which are learned from there, let a hidden neuron see those of several
# saccades at once. It may spike as often as it likes.

settings = nmnist_settings()
settings = replace(settings, network=replace(settings.network, hidden=(32,)))
parts = build_classifier(settings, digits["train"].num_channels, len(CLASS_NAMES))
learning = settings.learning
compiler = EventPropCompiler(
    int(np.ceil(DURATION / settings.network.dt)),
    SparseCategoricalCrossentropy(temperature=learning.temperature),
    Adam(learning.lr),
    delay_optimiser=Adam(learning.delay_lr / settings.network.dt),
    delay_learn_conns=parts.delay_learn_conns,
    i_minus_thresh_min=learning.i_minus_thresh_min,
    batch_size=16,
    dt=settings.network.dt,
    timing="substep",
    num_threads=1,
)
compiled = compiler.compile(parts.network)
compiled.train(
    {parts.input: digits["train"].events}, {parts.output: digits["train"].labels}, 15, callbacks=[]
)
metrics, _ = compiled.evaluate(
    {parts.input: digits["test"].events}, {parts.output: digits["test"].labels}, callbacks=[]
)
accuracy = metrics[parts.output].result
counts = compiled.history[-1].spikes_per_neuron["hidden"]
print(f"test accuracy {accuracy:.1%}, {counts:.1f} spikes per hidden neuron and trial")
camera = compiled, parts.input, digits["test"].events, digits["test"].labels, accuracy

# %%
# All three side by side
# ----------------------
#
# Small networks have learned three kinds of data, without a bin, a frame or a rate. In each trial
# something moves across the channels: a wave of activity; a tone, whose bands say when it comes
# (the lower 32 channels) and when it goes (the upper 32); the edges of a digit, in three saccades,
# row by row of the sensor. Delays let a hidden neuron wait for what comes last.

trained = {
    "Recorded neurons": (arrays, stimuli),
    "Sounds": (sounds, sorted(sweeps)),  # as load_speech has them
    "Simulated N-MNIST": (camera, CLASS_NAMES),
}
trained = {title: of for title, of in trained.items() if of[0]}
fig, axes = plt.subplots(
    2, len(trained), figsize=(3.2 * len(trained), 4.6), sharex="col", layout="constrained"
)
for (above, below), (title, (of, class_names)) in zip(axes.T, trained.items()):
    compiled, x, spikes, labels, accuracy = of
    hidden = next(p for p in compiled.neuron_populations if p.name == "hidden")
    name = class_names[labels[0]]
    plot_raster(compiled, {x: spikes}, populations=[x], ax=above)
    plot_raster(compiled, {x: spikes}, populations=[hidden], ax=below)
    above.set_title(f"{title}: {name}")
    below.set_title(f"test accuracy {accuracy:.0%}")
plt.show()

# %%
# What to look at when data of your own do not learn: are times in milliseconds (in seconds, all
# spikes fall into the first timestep)? Do hidden neurons spike (``compiled.history[-1]`` says how
# often)? Are trials long enough for the longest delay? Training warns of what it can see.
#
# The recordings of N-MNIST take the place of simulated ones where tonic is installed, which fetches
# them once; ``cache`` keeps the events, so that later runs need not read 60,000 files again:
#
# .. code-block:: python
#
#    import tonic
#
#    recordings = tonic.datasets.NMNIST("data", train=True, transform=transform)
#    read = from_tonic(recordings, duration=DURATION, late="drop", cache="data/events")
#
# The whole experiment is a command, on the recordings or, with ``--data synthetic``, on simulated
# ones; so are those on the Spiking Heidelberg Digits and Speech Commands, which read the files
# themselves, or with tonic:
#
# .. code-block:: shell
#
#    mlgenn-delays nmnist --data real
#    mlgenn-delays shd --data tonic
