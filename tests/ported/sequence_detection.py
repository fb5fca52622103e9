"""Which of two inputs spiked first: delays that make their spikes meet tell.

At first, all weights onto the hidden layer are the same and all delays next to nothing, so
that hidden neurons cannot tell. As with GeNN's single-threaded CPU backend, batches have one trial.
"""

from time import perf_counter

import numpy as np
from ml_genn import Connection, Network, Population
from ml_genn.callbacks import Checkpoint
from ml_genn.compilers import EventPropCompiler, InferenceCompiler
from ml_genn.compilers.event_prop_compiler import default_params
from ml_genn.connectivity import Dense
from ml_genn.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from ml_genn.optimisers import Adam
from ml_genn.serialisers import Numpy
from ml_genn.synapses import Exponential
from ml_genn.utils.data import preprocess_spikes

NUM_INPUT = 2
NUM_HIDDEN = 8
NUM_OUTPUT = 2
NUM_TRAIN = 300
NUM_TEST = 200
NUM_EPOCHS = 10
MAX_DELAY = 30
TIMESTEPS = 100
READOUT = "avg_var_exp_weight"


def draw(num_trials, rng):
    """One spike of each input, 10 to 20 ms apart; the label is the input that is first."""
    spikes, labels = [], rng.integers(0, NUM_INPUT, num_trials)
    for label in labels:
        first = rng.uniform(5.0, 15.0)
        times = np.array([first, first + rng.uniform(10.0, 20.0)], dtype=np.float32)
        spikes.append(preprocess_spikes(times, np.array([label, 1 - label]), NUM_INPUT))
    return spikes, labels


rng = np.random.default_rng(3)
train_spikes, train_labels = draw(NUM_TRAIN, rng)
test_spikes, test_labels = draw(NUM_TEST, rng)

serialiser = Numpy("sequence_checkpoints")
network = Network(default_params)
with network:
    input = Population(SpikeInput(max_spikes=NUM_INPUT), NUM_INPUT)
    hidden = Population(LeakyIntegrateFire(v_thresh=1.0, tau_mem=10.0), NUM_HIDDEN)
    output = Population(LeakyIntegrate(tau_mem=20.0, readout=READOUT), NUM_OUTPUT)
    in_hid = Connection(
        input,
        hidden,
        Dense(
            np.full((NUM_INPUT, NUM_HIDDEN), 5.0), rng.uniform(0.0, 2.0, (NUM_INPUT, NUM_HIDDEN))
        ),
        Exponential(5.0),
        max_delay_steps=MAX_DELAY,
    )
    out_weights = rng.normal(0.0, 1.0, (NUM_HIDDEN, NUM_OUTPUT))
    Connection(hidden, output, Dense(out_weights), Exponential(5.0))


def evaluate():
    compiler = InferenceCompiler(evaluate_timesteps=TIMESTEPS, reset_in_syn_between_batches=True)
    compiled_net = compiler.compile(network)
    with compiled_net:
        metrics, _ = compiled_net.evaluate(
            {input: test_spikes}, {output: test_labels}, callbacks=[]
        )
    return 100.0 * metrics[output].result


print(f"Accuracy before = {evaluate()}%")
compiler = EventPropCompiler(
    example_timesteps=TIMESTEPS,
    losses="sparse_categorical_crossentropy",
    optimiser=Adam(0.01),
    delay_optimiser=Adam(0.2),
    delay_learn_conns=[in_hid],
    max_spikes=30,
)
compiled_net = compiler.compile(network)
with compiled_net:
    start_time = perf_counter()
    metrics, _ = compiled_net.train(
        {input: train_spikes},
        {output: train_labels},
        num_epochs=NUM_EPOCHS,
        callbacks=[Checkpoint(serialiser)],
    )
    delays = compiled_net.connection_populations[in_hid].vars["d"]
    delays.pull_from_device()
    print(f"Time = {perf_counter() - start_time}s")
    print(f"Training accuracy = {100 * metrics[output].result}%")
    print(f"Largest delay = {np.max(delays.view)}")

network.load((NUM_EPOCHS - 1,), serialiser)
print(f"Accuracy = {evaluate()}%")
