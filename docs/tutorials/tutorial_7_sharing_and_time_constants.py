"""
7. Sharing delays, and learning time constants
==============================================

A delay may belong to a synapse, to an axon, to a dendrite, or to any group of synapses. Neurons of
one population may have time constants of their own, and learn them. Both are questions of what is
a parameter of its own and what is shared. Here one small task, to tell how long an interval was,
shows which kind of sharing can solve it, and what time constants can do where there are no delays.
"""

import tempfile

import matplotlib.pyplot as plt
import numpy as np

from mlgenn_delays import Connection, Network, Population, check_gradients
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.connectivity import Axonal, Dendritic, Dense, Groups, Shared
from mlgenn_delays.initializers import LogUniform, Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.serialisers import Numpy
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes

# %%
# The task
# --------
#
# Input 0 spikes at some time, input 1 follows after 1 to 80 ms. The class is the interval: below
# 20 ms, below 40, below 60, or longer. Chance is 25 %.

HIDDEN, TIMESTEPS = 40, 200


def make_data(count, seed):
    """Trials and their labels."""
    rng = np.random.default_rng(seed)
    intervals = rng.uniform(1.0, 80.0, count)
    first = rng.uniform(1.0, 20.0, count)
    trials = [preprocess_spikes([t, t + i], [0, 1], 2) for t, i in zip(first, intervals)]
    return trials, (intervals // 20.0).astype(int)


train, test = make_data(512, seed=1), make_data(512, seed=2)


def build(delay, neuron, synapse, steps=None):
    """Two inputs, a hidden layer, four outputs."""
    network = Network()
    with network:
        x = Population(SpikeInput(), 2, name="input")
        hidden = Population(neuron, HIDDEN, name="hidden")
        y = Population(LeakyIntegrate(readout="avg_var"), 4, name="output")
        first = Connection(
            x, hidden, Dense(Normal(2.6, 0.3), delay), synapse, max_delay_steps=steps, name="first"
        )
        Connection(hidden, y, Dense(Normal(0.0, 1.0)), Exponential(5.0), name="second")
    return network, x, hidden, y, first


def fit(description, epochs=20, **learned):
    """Train, and return the accuracy on the test data [%] and the compiled network."""
    network, x, _, y, _ = description
    compiler = EventPropCompiler(
        TIMESTEPS,
        "sparse_categorical_crossentropy",
        Adam(0.02),
        batch_size=32,
        num_threads=1,
        rng_seed=1,
        **learned,
    )
    compiled = compiler.compile(network)
    with compiled:
        compiled.train({x: train[0]}, {y: train[1]}, num_epochs=epochs)
        metrics, _ = compiled.evaluate({x: test[0]}, {y: test[1]})
    return 100.0 * metrics[y].result, compiled


# %%
# Whose delay is it?
# ------------------
#
# A hidden neuron answers when two spikes arrive together, and each on its own leaves it silent. So
# it can tell an interval if the spike of input 0 takes longer to it than that of input 1, by that
# interval. ``Axonal`` delays are one number per input, ``Dendritic`` ones one per hidden neuron;
# they can be added up; ``Shared`` is one number for the connection. ``Groups`` takes any map, an
# array of the shape (inputs, hidden) that says which entry a synapse has: here hidden neurons come
# in eight groups, with delays that all neurons of a group share.

groups = np.arange(2)[:, np.newaxis] * 8 + np.arange(HIDDEN)[np.newaxis] % 8
start = np.array([40.0, 0.0])
sharing = {
    "synaptic": (Uniform(0, 80), 2 * HIDDEN),
    "groups": (Groups(groups, Uniform(0, 80)), 16),
    "axonal + dendritic": (Axonal(start) + Dendritic(Uniform(0, 10)), 2 + HIDDEN),
    "dendritic": (Dendritic(Uniform(0, 80)), HIDDEN),
    "axonal": (Axonal(start), 2),
    "shared": (Shared(40.0), 1),
}
accuracy = {}
for name, (delay, count) in sharing.items():
    description = build(delay, LeakyIntegrateFire(tau_mem=10.0), Exponential(5.0), 90)
    accuracy[name], _ = fit(
        description, delay_learn_conns=[description[-1]], delay_optimiser=Adam(0.5)
    )
    print(f"{name:>20}: {count:3d} delays, {accuracy[name]:.0f} %")

# %%
# What spikes need is that the *difference* of the delays of a neuron's two synapses is another one
# for other neurons. Dendritic and shared delays put both spikes off alike, so that only spikes that
# were close to each other meet. Axonal delays fit one interval, the same for all hidden neurons,
# and adding dendritic ones gives no other. Eight groups know eight intervals. Which sharing is best
# is a question about the task: where many inputs meet in one neuron, axonal delays do more.

fig, axis = plt.subplots(figsize=(6.4, 3.0), layout="constrained")
labels = [f"{name} ({count})" for name, (_, count) in sharing.items()]
axis.barh(labels[::-1], list(accuracy.values())[::-1])
axis.axvline(25.0, color="black", linewidth=0.8, linestyle=":")
axis.set(xlabel="Accuracy (%), chance dotted", title="Whose delay it is (number of delays)")
plt.show()

# %%
# Time constants in place of delays
# ---------------------------------
#
# Without delays, something else must remember the first spike until the second one comes: membrane
# and synapse. A number that many arguments of neurons and synapses take may be an initializer, or
# an array of one number per neuron: ``tau_mem=LogUniform(5, 200)`` draws time constants evenly over
# orders of magnitude, for a population that forgets at many speeds.
#
# ``neuron_learn_params`` names what is learned of which population, ``synapse_learn_params`` of
# which connection. Bounds can be given, ``(low, high)`` in ms, and no value ever leaves them.
# Optimisers move time constants by factors: a learning rate of 0.02 is some 2 % in a step.

ONE_SPEED = LeakyIntegrateFire(tau_mem=10.0)
MANY_SPEEDS = LeakyIntegrateFire(tau_mem=LogUniform(5.0, 200.0))


def fit_constants(description):
    """The same as ``fit``, with learned time constants of hidden neurons and their synapses."""
    _, _, hidden, _, first = description
    return fit(
        description,
        neuron_learn_params={hidden: {"tau_mem": (2.0, 500.0)}},
        synapse_learn_params={first: {"tau": (2.0, 200.0)}},
        constant_optimiser=Adam(0.02),
    )


result = {}
result["equal"], _ = fit(build(0, ONE_SPEED, Exponential(5.0)))
result["equal,\nlearned"], _ = fit_constants(build(0, ONE_SPEED, Exponential(5.0)))
fixed = build(0, MANY_SPEEDS, Exponential(5.0))
learning = build(0, MANY_SPEEDS, Exponential(5.0))
result["drawn"], untrained = fit(fixed)
result["drawn,\nlearned"], trained = fit_constants(learning)
network, x, hidden, y, first = learning
for name, percent in result.items():
    print(f"{' '.join(name.split()):>15}: {percent:.0f} %")

# %%
# What was learned
# ----------------
#
# Parameters of neurons are found by their names, as weights and delays are. The seed of the
# compiler decides what is drawn, so that the network with fixed time constants still has those that
# the other one began with.

with untrained:
    before = np.array(untrained.neuron_populations[fixed[2]].vars["tau_mem"].view)
with trained:
    after = np.array(trained.neuron_populations[hidden].vars["tau_mem"].view)
    tau_syn = np.array(trained.connection_populations[first].vars["tau"].view)

fig, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.2), layout="constrained")
left.bar(list(result), list(result.values()))
left.axhline(25.0, color="black", linewidth=0.8, linestyle=":")
left.set(ylabel="Accuracy (%)", title="Time constants of the hidden layer")
right.loglog(before, after, "o", label="membranes")
right.loglog(np.full(HIDDEN, 5.0), tau_syn, "x", label="synapses")
right.axline((10.0, 10.0), (100.0, 100.0), color="tab:grey", linewidth=0.8)
right.set(xlabel="Before (ms)", ylabel="After (ms)", title="What was learned")
right.legend(frameon=False)
plt.show()

# %%
# Membranes that lie on the line were not moved at all: slow ones sum up too little of two brief
# currents to spike, and a neuron that never spikes has no gradient. Learning from equal time
# constants began where all neurons spike, and here it gets as far as drawing them does.
#
# Is the gradient right?
# ----------------------
#
# ``check_gradients`` compares gradients of the engine with those of the event-driven reference, and
# those with finite differences, one parameter at a time. It knows delays that are shared and time
# constants. Take a small network: the reference is slow. On the grid, gradients of the two engines
# differ by an error in proportion to the timestep, as long as no spike appears or vanishes; a spike
# that barely happens makes it large. The reference must agree with finite differences always.

small = Network()
with small:
    source = Population(SpikeInput(), 2, name="input")
    cells = Population(LeakyIntegrateFire(tau_mem=LogUniform(8.0, 30.0)), 3, name="cells")
    target = Population(LeakyIntegrate(readout="avg_var"), 2, name="output")
    into = Connection(
        source,
        cells,
        Dense(Normal(3.5, 0.5), Axonal(Uniform(0, 80))),
        Exponential(6.0),
        max_delay_steps=100,
        name="into",
    )
    Connection(cells, target, Dense(Normal(0.0, 1.0)), Exponential(5.0), name="out of")
check = check_gradients(
    small,
    {source: [preprocess_spikes([5.0, 9.0, 14.0, 21.0, 30.0, 33.0], [0, 1, 0, 1, 1, 0], 2)]},
    {target: [1]},
    example_timesteps=1200,
    losses="sparse_categorical_crossentropy",
    dt=0.05,
    delay_learn_conns=[into],
    neuron_learn_params={cells: ["tau_mem", "v_thresh"]},
    synapse_learn_params={into: ["tau"]},
    num_parameters=12,
    num_threads=1,
    rng_seed=3,
)

# %%
# Saving and loading
# ------------------
#
# Learned constants are saved with weights and delays. A network that was loaded has them as arrays
# of its neurons and synapses, to be predicted with or to be trained further.

with tempfile.TemporaryDirectory() as folder:
    with trained:
        trained.save((19,), Numpy(folder))
    network.load((19,), Numpy(folder))
with InferenceCompiler(TIMESTEPS, batch_size=32, num_threads=1).compile(network) as loaded:
    metrics, _ = loaded.evaluate({x: test[0]}, {y: test[1]})
print(f"loaded: {100.0 * metrics[y].result:.0f} %, tau_mem of neuron 0: {after[0]:.1f} ms")

longest = np.argsort(after)
fig, axis = plt.subplots(figsize=(5.6, 3.0), layout="constrained")
axis.semilogy(np.sort(before), label="as drawn, in order")
axis.semilogy(hidden.neuron.tau_mem[longest], label="learned and loaded, in order")
axis.set(xlabel="Hidden neuron", ylabel="Time constant (ms)")
axis.legend(frameon=False)
plt.show()

# %%
# Accuracies are those of one seed: to say which sharing is better for a task, take several, as the
# tutorial on studies does. For the experiments, ``--over delay_sharing synaptic axonal dendritic``
# of ``experiments/scaling.py`` makes such a study, at equal numbers of parameters with
# ``--match-parameters``. How the gradient by a time constant comes about is told on a page of the
# background.
