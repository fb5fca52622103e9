"""
2. Braille: from a touch to a confusion matrix
==============================================

A fingertip slides over a letter in Braille, twelve taxels under its skin feel the dots pass, and a
small recurrent network reads the letter from their events. This is a whole experiment on one page:
look at the data, describe a network, train it, see what it does, and ask where it fails.

The recordings are those of Müller-Cleve et al. (2022), 5,400 of them. So that this page can be made
on any machine within seconds, it simulates the sensor instead; ``load_braille("real")`` finds or
fetches the recordings, and everything after it stays as it is.
"""

# sphinx_gallery_thumbnail_number = 5

import matplotlib.pyplot as plt
import numpy as np

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.datasets import (
    AugmentEvents,
    load_braille,
    sigma_delta,
    simulate_taxels,
    stratified_split,
)
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.losses import SparseCategoricalCrossentropy
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.plotting import plot_confusion, plot_delays, plot_learning_curve, plot_raster
from mlgenn_delays.synapses import Exponential

# %%
# From pressure to events
# -----------------------
#
# Each taxel is read 40 times per second. An event says that its reading has changed by a threshold,
# here 10 units: on one channel where it has risen (ON), on another where it has fallen (OFF). While
# nothing changes, nothing is sent. ``sigma_delta`` does this for signals of any kind.

letter = "R"
readings = simulate_taxels(np.array([ord(letter) - ord("A")]), np.random.default_rng(3))
events = sigma_delta(readings, threshold=10, interval=25.0)

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 4.2), sharex=True, layout="constrained")
top.plot(25.0 * np.arange(readings.shape[1]), readings[0], linewidth=1.0)
top.set(ylabel="Reading", title=f"A finger slides over the letter {letter}")
for first, colour, name in ((0, "tab:red", "ON"), (12, "tab:blue", "OFF")):
    chosen = (events.channels >= first) & (events.channels < first + 12)
    taxels = events.channels[chosen] - first
    bottom.scatter(events.times[chosen], taxels, s=12, color=colour, label=name)
bottom.set(xlabel="Time (ms)", ylabel="Taxel", yticks=range(0, 12, 3), ylim=(-0.7, 11.7))
bottom.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
plt.show()

# %%
# The data set
# ------------
#
# 100 trials of each of 27 classes (the letters, and a blank), 24 channels, 1.3 s each. All three
# parts of the split hold the classes in proportion. The validation part is for choices, such as
# when to stop; the test part is looked at once, at the end.

braille = load_braille("synthetic", num_per_class=100, seed=1)
train, validation, test = (
    (braille.events.select(part), braille.labels[part])
    for part in stratified_split(braille.labels, (0.7, 0.1, 0.2))
)
print(f"{len(train[1])} trials for training, {len(validation[1])} for validation, ", end="")
print(f"{len(test[1])} for the test; {len(braille.events.times) / len(braille):.0f} events each")

# %%
# The network
# -----------
#
# 24 inputs, 64 recurrent leaky integrate-and-fire neurons, 27 outputs that only integrate. Delays
# from the inputs and between hidden neurons are drawn between 0 and 200 ms and may grow to 500 ms:
# as long as it takes the finger to pass from one column of dots to the next and beyond. Timesteps
# have 10 ms, but spikes and delays fall anywhere within them (``timing="substep"``, below), so
# delays in units of timesteps need not be whole numbers.

DT = 10.0  # ms
NUM_HIDDEN = 64
LONGEST = int(500.0 / DT)


def describe_network(with_delays=True):
    """The network, its populations, and its connections that have delays."""
    delay = Uniform(0.0, 200.0 / DT) if with_delays else 0
    longest = LONGEST if with_delays else None
    network = Network()
    with network:
        taxels = Population(SpikeInput(), braille.events.num_neurons, name="input")
        hidden = Population(LeakyIntegrateFire(tau_mem=100.0), NUM_HIDDEN, name="hidden")
        output = Population(
            LeakyIntegrate(tau_mem=1000.0, readout="avg_var_exp_weight"), 27, name="output"
        )
        to_hidden = Connection(
            taxels,
            hidden,
            Dense(Normal(0.2, 0.7), delay),
            Exponential(50.0),
            name="input_hidden",
            max_delay_steps=longest,
        )
        recurrent = Connection(
            hidden,
            hidden,
            Dense(Normal(0.0, 0.2), delay),
            Exponential(50.0),
            name="hidden_hidden",
            max_delay_steps=longest,
        )
        Connection(hidden, output, Dense(Normal(0.0, 0.1)), Exponential(20.0))
    return network, (taxels, hidden, output), (to_hidden, recurrent)


network, (taxels, hidden, output), (to_hidden, recurrent) = describe_network()

# %%
# Training
# --------
#
# Weights and delays have learning rates of their own; that of delays is in timesteps. Recurrent
# weights learn more slowly, since they act again and again. The temperature brings the mean
# voltages of the outputs, which differ little, to the scale of a softmax. ``i_minus_thresh_min``
# bounds the gradients of spikes that barely came about, which would be very large.
#
# In each epoch, every trial is changed a little (its speed, its beginning, each event), so that the
# network learns the letter and not the trial.


def compile_network(network, connections, output, learn_delays=True):
    """The network as running code that learns."""
    compiler = EventPropCompiler(
        example_timesteps=int(np.ceil(braille.duration / DT)),
        losses=SparseCategoricalCrossentropy(temperature=1.0 / 65.0),
        optimiser=Adam(0.02),
        delay_optimiser=Adam(2.0 / DT) if learn_delays else None,
        delay_learn_conns=connections if learn_delays else [],
        weight_optimisers={connections[1]: Adam(0.004)},
        batch_size=32,
        dt=DT,
        timing="substep",
        i_minus_thresh_min=0.3,
    )
    return compiler.compile(network)


NUM_EPOCHS = 20
augmentation = AugmentEvents(braille.duration, stretch=0.08, shift=40.0, jitter=20.0)

compiled = compile_network(network, [to_hidden, recurrent], output)
compiled.train(
    {taxels: train[0]},
    {output: train[1]},
    NUM_EPOCHS,
    validation_x={taxels: validation[0]},
    validation_y={output: validation[1]},
    augmentation=augmentation,
    callbacks=[],
    validation_callbacks=[],
)
history = compiled.history
print(f"{len(history)} epochs took {sum(epoch.seconds for epoch in history):.0f} s")

# %%
# ``history`` has an entry per epoch: loss and accuracy of training and validation, spikes per
# neuron, and neurons that were silent. A line draws it. After some ten epochs only training gets
# better: the network begins to know its trials by heart. The callbacks ``BestCheckpoint`` and
# ``EarlyStopping`` are made for this.

plot_learning_curve(compiled)
plt.show()

# %%
# One trial
# ---------
#
# What does the network do while the finger moves? The outputs sum up evidence; the one of the
# right letter pulls ahead as the dots pass.

example = int(np.flatnonzero(test[1] == ord(letter) - ord("A"))[0])
plot_raster(
    compiled,
    {taxels: test[0]},
    example=example,
    class_names=braille.class_names,
    label=int(test[1][example]),
)
plt.show()

# %%
# The delays
# ----------
#
# Delays were drawn evenly from 0 to 200 ms. Training has spread them: some are now longer than
# that, and many have gone to 0, where they cannot go on.

plot_delays(compiled)
plt.show()

# %%
# Do they help? The same network without delays says it, trained in the same way. With one seed and
# few trials this is an example, not a result; for results take several seeds (tutorial 5).


def test_accuracy(compiled, taxels, output):
    """Share of the test trials that are read right."""
    metrics, _ = compiled.evaluate({taxels: test[0]}, {output: test[1]}, callbacks=[])
    return metrics[output].result


plain, (plain_taxels, _, plain_output), plain_connections = describe_network(with_delays=False)
with compile_network(plain, plain_connections, plain_output, learn_delays=False) as without:
    without.train(
        {plain_taxels: train[0]},
        {plain_output: train[1]},
        NUM_EPOCHS,
        augmentation=augmentation,
        callbacks=[],
    )
    accuracy_without = test_accuracy(without, plain_taxels, plain_output)
print(
    f"test accuracy: {test_accuracy(compiled, taxels, output):.1%} with learned delays, "
    f"{accuracy_without:.1%} without delays"
)

# %%
# Where it fails
# --------------
#
# ``predict`` gives what the outputs read out, (trials, classes). The confusion matrix shows that
# mistakes are not spread evenly: letters that share most of their dots are taken for each other.

readout, _ = compiled.predict({taxels: test[0]}, output, callbacks=[])
predicted = np.argmax(readout[output], axis=1)
confusion = np.zeros((27, 27), dtype=int)
np.add.at(confusion, (test[1], predicted), 1)

mistakes = confusion - np.diag(np.diag(confusion))
for true, wrong in zip(*np.unravel_index(np.argsort(-mistakes, axis=None)[:3], mistakes.shape)):
    names = braille.class_names[true], braille.class_names[wrong]
    print(f"{names[0]} taken for {names[1]}: {mistakes[true, wrong]} of {confusion[true].sum()}")

plot_confusion(confusion, braille.class_names)
plt.show()

# %%
# The same experiment as one command, on the recordings, with checkpoints, tables and pictures in a
# folder of results:
#
# .. code-block:: shell
#
#    mlgenn-delays braille --data real
#
# *S. F. Müller-Cleve et al., Braille letter reading: a benchmark for spatio-temporal pattern
# recognition on neuromorphic hardware, Frontiers in Neuroscience 2022,
# doi 10.3389/fnins.2022.951164.*
