"""
6. From an ml_genn script
=========================

You have a script that trains with EventProp in `mlGeNN <https://ml-genn.readthedocs.io>`_. It runs
here after one word has been replaced, on any machine with a C++ compiler, with no GeNN and no GPU.
Then we give it delays, which takes three lines, check its gradients, which takes one call, and look
at what it learned.

The script
----------

This is how such a script begins, for digits whose pixels have become spike times, the earlier the
brighter they are:

.. code-block:: python

   from ml_genn import InputLayer, Layer, SequentialNetwork
   from ml_genn.callbacks import Checkpoint
   from ml_genn.compilers import EventPropCompiler, InferenceCompiler
   from ml_genn.compilers.event_prop_compiler import default_params
   from ml_genn.connectivity import Dense
   from ml_genn.initializers import Normal
   from ml_genn.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
   from ml_genn.optimisers import Adam
   from ml_genn.serialisers import Numpy
   from ml_genn.synapses import Exponential
   from ml_genn.utils.data import linear_latency_encode_data

And this is how it begins here, with what we need later.
"""

import tempfile

import matplotlib.pyplot as plt
import numpy as np

from mlgenn_delays import InputLayer, Layer, SequentialNetwork, check_gradients
from mlgenn_delays.callbacks import Checkpoint
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.compilers.event_prop_compiler import default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.datasets import generate_digits
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.serialisers import Numpy
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import linear_latency_encode_data

# %%
# Digits come from MNIST in such scripts. Drawn ones take their place here, in 14 x 14 pixels, so
# that nothing has to be fetched. (``load_mnist`` of ``mlgenn_delays.datasets`` has the real ones.)


def small_digits(num_per_class, seed):
    """Images of 14 x 14 pixels, as spike times of up to 20 ms, and their labels."""
    images, labels = generate_digits(num_per_class, seed)
    pooled = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    return linear_latency_encode_data(pooled, max_time=20.0, thresh=50), labels


train_spikes, train_labels = small_digits(100, seed=1)
test_spikes, test_labels = small_digits(30, seed=2)

NUM_HIDDEN, EXAMPLE_TIME, BATCH_SIZE, NUM_EPOCHS = 50, 40, 32, 15

# %%
# From here to the test, this is mlGeNN's way of saying it, word for word.

network = SequentialNetwork(default_params)
with network:
    input = InputLayer(SpikeInput(max_spikes=BATCH_SIZE * 196), 196)
    hidden = Layer(
        Dense(Normal(mean=0.25, sd=0.15)),
        LeakyIntegrateFire(v_thresh=0.61, tau_mem=20.0, tau_refrac=None),
        NUM_HIDDEN,
        Exponential(5.0),
        record_spikes=True,
    )
    output = Layer(
        Dense(Normal(mean=0.2, sd=0.37)),
        LeakyIntegrate(tau_mem=20.0, readout="avg_var"),
        10,
        Exponential(5.0),
    )

compiler = EventPropCompiler(
    example_timesteps=EXAMPLE_TIME,
    losses="sparse_categorical_crossentropy",
    optimiser=Adam(1e-2),
    batch_size=BATCH_SIZE,
)
serialiser = Numpy(tempfile.mkdtemp())
compiled_net = compiler.compile(network)
with compiled_net:
    metrics, _ = compiled_net.train(
        {input: train_spikes},
        {output: train_labels},
        num_epochs=NUM_EPOCHS,
        shuffle=True,
        callbacks=[Checkpoint(serialiser)],
    )
print(f"training: {metrics[output].result:.1%} right in the last epoch")

# %%
# Testing is as in mlGeNN, too: load the checkpoint of an epoch into the network, compile it for
# inference. Checkpoints have mlGeNN's form: both packages read weights and delays of synapses.

network.load((NUM_EPOCHS - 1,), serialiser)
with InferenceCompiler(evaluate_timesteps=EXAMPLE_TIME, batch_size=128).compile(network) as tested:
    metrics, _ = tested.evaluate({input: test_spikes}, {output: test_labels}, callbacks=[])
without_delays = metrics[output].result
print(f"test: {without_delays:.1%} right")

# %%
# With delays
# -----------
#
# Three things are new: ``Dense`` has delays, here drawn from 0 to 10 timesteps, the layer says how
# long they may become, and the compiler learns them. (So are the names, which messages use.)

delayed = SequentialNetwork(default_params)
with delayed:
    d_input = InputLayer(SpikeInput(), 196, name="pixels")
    d_hidden = Layer(
        Dense(Normal(mean=0.25, sd=0.15), delay=Uniform(0.0, 10.0)),
        LeakyIntegrateFire(v_thresh=0.61, tau_mem=20.0, tau_refrac=None),
        NUM_HIDDEN,
        Exponential(5.0),
        max_delay_steps=20,
        name="hidden",
    )
    d_output = Layer(
        Dense(Normal(mean=0.2, sd=0.37)),
        LeakyIntegrate(tau_mem=20.0, readout="avg_var"),
        10,
        Exponential(5.0),
        name="digits",
    )

# %%
# Are the gradients right?
# ------------------------
#
# ``check_gradients`` compares weights and delays of *your* network, one by one, with finite
# differences of an event-driven solution in double precision (``reference``), which has no
# timestep. ``cpu`` is the engine that trains, here with ``timing="substep"``, which is close to
# that; on the grid of mlGeNN, which is also the default here, it is off by what the grid is off.

check = check_gradients(
    delayed,
    {d_input: test_spikes[:2]},
    {d_output: test_labels[:2]},
    example_timesteps=EXAMPLE_TIME,
    losses="sparse_categorical_crossentropy",
    delay_learn_conns=[d_hidden],
    num_parameters=9,
    timing="substep",
)

# %%
# All nine agree. The last lines compare all gradients of a connection at once. Those of weights and
# delays into the hidden neurons have much the same direction, but are longer: spikes that barely
# reach the threshold have very large gradients, and there a timestep of 1 ms matters most. With
# timesteps of 0.1 ms cosines are 0.99 or more, and norms agree to 3 %.

# %%
# Training
# --------

compiler = EventPropCompiler(
    example_timesteps=EXAMPLE_TIME,
    losses="sparse_categorical_crossentropy",
    optimiser=Adam(1e-2),
    delay_optimiser=Adam(0.1),
    delay_learn_conns=[d_hidden],
    batch_size=BATCH_SIZE,
)
compiled = compiler.compile(delayed)
compiled.train({d_input: train_spikes}, {d_output: train_labels}, NUM_EPOCHS, callbacks=[])
metrics, _ = compiled.evaluate({d_input: test_spikes}, {d_output: test_labels}, callbacks=[])
print(f"test: {metrics[d_output].result:.1%} with delays, {without_delays:.1%} without")

# %%
# They gain nothing here, and should not: all pixels of a digit come within 20 ms, which is as long
# as the neurons remember, so that there is nothing to wait for. Where time itself tells the classes
# apart, they do (tutorials 1 and 2). Try it before you take more parameters.
#
# What it learned
# ---------------
#
# Each hidden neuron sees all pixels, each through a weight and a delay. We draw both for the four
# neurons whose weights differ most from pixel to pixel. The weights have become strokes that a
# neuron looks for. The delays of pixels that are often bright have gone towards 0, as nothing is
# won by waiting; at the edges, where no pixel ever spikes, they are as they were drawn at first.

group = compiled.connection_populations[d_hidden.connection()]
fields = {}
for name in ("g", "d"):
    group.vars[name].pull_from_device()
    fields[name] = np.array(group.vars[name].values).reshape(14, 14, NUM_HIDDEN)
chosen = np.argsort(-fields["g"].std(axis=(0, 1)))[:4]

fig, axes = plt.subplots(2, 4, figsize=(7.0, 3.6), layout="constrained")
for column, neuron in enumerate(chosen):
    for row, (name, label, colours) in enumerate(
        (("g", "Weight", "RdBu_r"), ("d", "Delay (ms)", "viridis"))
    ):
        values = fields[name]
        largest = np.abs(values[..., chosen]).max()
        image = axes[row, column].imshow(
            values[..., neuron], colours, vmin=-largest if name == "g" else 0.0, vmax=largest
        )
        axes[row, column].set(xticks=[], yticks=[])
        if column == 3:
            fig.colorbar(image, ax=axes[row], label=label)
    axes[0, column].set_title(f"Neuron {neuron}")
plt.show()

# %%
# Where to go from here
# ---------------------
#
# - ``EventPropCompiler(..., backend="genn")`` runs the same on GeNN, with a GPU where there is one.
# - ``mlgenn_delays.genn.DelayEventPropCompiler`` trains an ``ml_genn.Network`` as it is, on GeNN;
#   ``from_ml_genn`` and ``to_ml_genn`` convert networks.
# - What differs from mlGeNN is on the page on compatibility: among others, trials of a batch always
#   begin from rest, and no spike is ever dropped, so that ``max_spikes`` has no effect.
