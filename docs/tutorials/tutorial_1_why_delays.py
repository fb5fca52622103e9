"""
1. Why delays: coincidence and sequence detection
=================================================

A spike that leaves a neuron does not arrive at once. Axons of the cortex take fractions of a
millisecond to tens of milliseconds, and these delays decide which spikes meet at a neuron. Here we
let a neuron detect coincidences, train two delays to tell in which order two inputs spiked, look
at the landscape that training walks down, and compare with what weights can do.

You need nothing but this package. All of it takes a few seconds.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import Callback, VarRecorder
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.datasets import generate_spike_orders
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes

# %%
# A delay line
# ------------
#
# A leaky neuron adds up what arrives and forgets it again, so that two spikes that arrive together
# drive it further than two that arrive one after the other. Let input 0 spike at 10 ms and input 1
# at 22 ms, and let 31 neurons listen to both. Their synapses are all the same, except that the
# spike of input 0 takes 0 ms to reach the first neuron, 1 ms to reach the second, and so on up to
# 30 ms. This is the delay line that Jeffress (1948) imagined for the localisation of sound.
#
# A network is described within ``with network:``. ``Dense`` connects all neurons with all others;
# weights and delays are numbers, arrays of the shape (inputs, outputs), or random. Delays are given
# in timesteps, which here have 1 ms.

delays = np.zeros((2, 31))
delays[0] = np.arange(31)

line = Network()
with line:
    inputs = Population(SpikeInput(), 2, name="input")
    listeners = Population(LeakyIntegrate(tau_mem=10.0, readout="max_var"), 31, name="listeners")
    Connection(inputs, listeners, Dense(weight=1.0, delay=delays), Exponential(tau=5.0))

# %%
# ``preprocess_spikes`` takes times and the inputs that they belong to. ``predict`` runs the network
# and returns what it reads out, here the highest voltage of each neuron (``"max_var"``); a recorder
# keeps the voltages themselves.

trial = preprocess_spikes(times=[10.0, 22.0], ids=[0, 1], num_neurons=2)
with InferenceCompiler(evaluate_timesteps=80).compile(line) as compiled:
    readout, recorded = compiled.predict(
        {inputs: [trial]}, listeners, callbacks=[VarRecorder(listeners, "v", key="voltage")]
    )
highest, voltage = readout[listeners][0], recorded["voltage"][0]  # (31,), (timesteps, 31)
print(f"best delay: {np.argmax(highest)} ms")

# %%
# The best delay is the interval of 12 ms: the two spikes then arrive together. A neuron whose delay
# is off by 5 ms hardly notices, one that is off by 20 ms gets two separate responses. How sharp
# this tuning is depends on the time constants of membrane (10 ms) and synapse (5 ms).

fig, (left, right) = plt.subplots(1, 2, figsize=(8.0, 2.8), layout="constrained")
for delay, colour in ((0, "tab:grey"), (5, "tab:orange"), (12, "tab:blue")):
    left.plot(np.arange(80) + 1.0, voltage[:, delay], color=colour, label=f"{delay} ms")
left.set(xlabel="Time (ms)", ylabel="Voltage", title="Three of the neurons")
left.legend(title="Delay of input 0", frameon=False)
right.plot(np.arange(31), highest, "o-", markersize=3)
right.axvline(12.0, color="tab:grey", linestyle=":")
right.text(12.4, highest.min(), "interval of the spikes", color="tab:grey")
right.set(xlabel="Delay of input 0 (ms)", ylabel="Highest voltage", title="All of them")
plt.show()

# %%
# Learning the delays
# -------------------
#
# Now the order of the spikes is the class: label 0 where input 0 spiked first, label 1 where
# input 1 did. The second spike follows the first one after 10 to 20 ms. This is the task of
# Mészáros, Knight & Nowotny (2025). Two outputs listen to the two inputs, all weights are 1 and
# stay so (``weight_learn_conns=[]``), all delays are 0 at first and are learned.

train, test = generate_spike_orders(256, seed=1), generate_spike_orders(1000, seed=2)

network = Network()
with network:
    x = Population(SpikeInput(), 2, name="input")
    y = Population(LeakyIntegrate(tau_mem=10.0, readout="max_var"), 2, name="output")
    synapses = Connection(
        x, y, Dense(weight=1.0, delay=0.0), Exponential(tau=5.0), max_delay_steps=30
    )

# %%
# The compiler turns this description into running code and knows what is learned, and how. With
# ``timing="substep"`` spikes and delays lie anywhere within timesteps, not only at their ends.
# The network is so small that a second thread would only wait for the first.

compiler = EventPropCompiler(
    example_timesteps=100,
    losses="sparse_categorical_crossentropy",
    optimiser=Adam(0.1),
    delay_learn_conns=[synapses],
    weight_learn_conns=[],
    batch_size=64,
    timing="substep",
    num_threads=1,
)

# %%
# A callback can look at everything while a network learns. Ours keeps the delays: ``vars["d"]`` of
# a connection has its delays, ``vars["g"]`` its weights.


class DelayCourse(Callback):
    """Keeps the delays after every step of the optimiser."""

    def __init__(self):
        self.delays = [np.zeros((2, 2))]

    def set_params(self, compiled_network, **kwargs):
        self.variable = compiled_network.connection_populations[synapses].vars["d"]

    def on_batch_end(self, batch, metrics):
        self.variable.pull_from_device()
        self.delays.append(np.array(self.variable.values))


course = DelayCourse()
compiled = compiler.compile(network)
before, _ = compiled.evaluate({x: test.events}, {y: test.labels}, callbacks=[])
compiled.train({x: train.events}, {y: train.labels}, num_epochs=60, callbacks=[course])
after, _ = compiled.evaluate({x: test.events}, {y: test.labels}, callbacks=[])
print(f"test accuracy: {before[y].result:.1%} before training, {after[y].result:.1%} after it")

# %%
# Without delays, both outputs do the same, and half of the answers are right by chance. With the
# learned ones all are. What has been learned? Each output delays the input that should come first,
# by about the mean interval of 15 ms, and the other one not at all: the network has measured how
# far apart the spikes are.

learned = course.delays[-1]
for output in (0, 1):
    print(
        f"output {output}: input 0 takes {learned[0, output]:4.1f} ms, "
        f"input 1 takes {learned[1, output]:4.1f} ms"
    )

# %%
# The landscape
# -------------
#
# EventProp computes the exact gradient of the loss with respect to every weight and delay. Since
# two of the four delays stay at 0, we can look at the loss as a function of the other two.
# ``compiled.gradients`` returns loss and gradients of a batch; we set the delays, ask, and draw
# the loss as height, the direction downhill as arrows, and the path that training took.

places = np.linspace(0.0, 30.0, 31)
variable = compiled.connection_populations[synapses].vars["d"]
events = train.events.select(np.arange(64))
loss = np.empty((len(places), len(places)))
downhill = np.empty((len(places), len(places), 2))
for i, first in enumerate(places):
    for j, second in enumerate(places):
        variable.view[:] = [first, 0.0, 0.0, second]
        variable.push_to_device()
        loss[i, j], gradients = compiled.gradients({x: events}, {y: train.labels[:64]})
        slope = gradients[synapses]["d"]
        downhill[i, j] = -slope[0, 0], -slope[1, 1]
variable.view[:] = np.ravel(learned)  # as it was
variable.push_to_device()

path = np.array(course.delays)
fig, axis = plt.subplots(figsize=(5.2, 4.2), layout="constrained")
height = axis.contourf(places, places, loss.T, levels=20, cmap="viridis")
some = slice(1, None, 3)
axis.quiver(places[some], places[some], *downhill[some, some].T, color="white", width=0.004)
axis.plot(path[:, 0, 0], path[:, 1, 1], color="tab:red", linewidth=2.0)
axis.plot(*path[-1].diagonal(), "o", color="tab:red")
axis.set(xlabel="Delay from input 0 to output 0 (ms)", ylabel="Delay from input 1 to output 1 (ms)")
fig.colorbar(height, label="Loss")
plt.show()

# %%
# The landscape is smooth, because delays are real numbers here, and all of it leads to the same
# place. It is so simple because one pair of spikes is all that there is. In a network with many
# spikes a delay that changes makes its spike meet others, one after the other, so that there are
# many valleys, and training finds one near the place where it begins. Initial delays are therefore
# drawn from a wide range.
#
# And weights?
# ------------
#
# Could a network without delays learn this task with its weights? For short intervals, yes. If the
# weight of the input that should come last is the larger one, its response rides on what is left
# of the other one. But this works only as long as something *is* left: the memory of such a
# network is the decay of its neurons. A delay keeps the spike itself.
#
# To see this, we let the interval grow from 10 to 60 ms. There is now also background, one spike
# per trial on average, on either input and at any time. It looks like all other spikes, so that
# not even the best listener is always right. Three networks of each kind are trained, each with
# trials of its own; the rate at which weights are learned is the best of three that we tried.


def noisy_pairs(interval, size, seed):
    """Two spikes, about ``interval`` ms apart, and background: spikes and labels of trials."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=size)
    trials = []
    for first in labels:
        start, noise = rng.uniform(5.0, 15.0), rng.poisson(1.0)
        times = [start, start + interval + rng.uniform(-3.0, 3.0), *rng.uniform(0.0, 90.0, noise)]
        ids = [first, 1 - first, *rng.integers(2, size=noise)]
        trials.append(preprocess_spikes(times, ids, 2))
    return trials, labels


def accuracy_of(kind, interval, seed):
    """Train one network that learns ``kind``, ``"delays"`` or ``"weights"``, and test it."""
    learns_delays = kind == "delays"
    network = Network()
    with network:
        x = Population(SpikeInput(), 2, name="input")
        y = Population(LeakyIntegrate(tau_mem=10.0, readout="max_var"), 2, name="output")
        synapses = Connection(
            x, y, Dense(1.0, 0), Exponential(5.0), max_delay_steps=80 if learns_delays else None
        )
    compiler = EventPropCompiler(
        150,
        "sparse_categorical_crossentropy",
        Adam(0.5 if learns_delays else 0.3),
        delay_learn_conns=[synapses] if learns_delays else [],
        weight_learn_conns=[] if learns_delays else [synapses],
        batch_size=32,
        timing="substep",
        num_threads=1,
    )
    spikes, labels = noisy_pairs(interval, 512, seed)
    test_spikes, test_labels = noisy_pairs(interval, 1000, seed + 100)
    with compiler.compile(network) as compiled, warnings.catch_warnings():
        # training warns where the loss does not fall: with weights, this is what we are to find
        warnings.simplefilter("ignore", UserWarning)
        compiled.train({x: spikes}, {y: labels}, num_epochs=40, callbacks=[])
        metrics, _ = compiled.evaluate({x: test_spikes}, {y: test_labels}, callbacks=[])
    return metrics[y].result


intervals = [10, 20, 30, 40, 50, 60]
accuracies = {
    kind: np.array([[accuracy_of(kind, i, seed) for i in intervals] for seed in range(3)])
    for kind in ("delays", "weights")
}
for kind, found in accuracies.items():
    print(f"{kind}: ", ", ".join(f"{a:.0%}" for a in found.mean(axis=0)))

# %%
# Weights tell the order up to about three time constants of the membrane, and not as well as
# delays: one spike of the background at the wrong moment misleads them. Beyond, so little is left
# of the first spike that training finds nothing to build on; where the loss has not fallen at all,
# a warning says so. Delays do not care how long the interval is, as long as it is one that they can
# have. They even get better with it: when the two spikes are close, whatever listens to one order
# responds to the other one, too.

fig, axis = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
for kind, style in (("delays", "o-"), ("weights", "s--")):
    (line,) = axis.plot(intervals, 100 * accuracies[kind].mean(axis=0), style)
    line.set_label(f"{kind} learned")
    for each in accuracies[kind]:
        axis.plot(intervals, 100 * each, ".", color=line.get_color(), alpha=0.5)
axis.axhline(50.0, color="tab:grey", linestyle=":")
axis.text(10.0, 50.6, "chance", color="tab:grey")
axis.set(xlabel="Interval of the two spikes (ms)", ylabel="Test accuracy (%)", ylim=(45, 101))
axis.legend(frameon=False, loc="center right", bbox_to_anchor=(1.0, 0.72))
plt.show()

# %%
# This is the smallest task that needs delays, and networks of real tasks mix both kinds of memory.
# How much delays help there, and for which sizes of networks, is what scaling studies show
# (tutorial 5).
#
# *L. A. Jeffress, A place theory of sound localization, J. Comp. Physiol. Psychol. 41, 1948.
# B. Mészáros, J. C. Knight & T. Nowotny, Nature Communications 2025,
# doi 10.1038/s41467-025-65394-8.*
