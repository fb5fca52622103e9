"""Small grey pictures through a convolution, one spike per bright pixel: train, load, test."""

from time import perf_counter

import numpy as np
from ml_genn import InputLayer, Layer, SequentialNetwork
from ml_genn.callbacks import Checkpoint
from ml_genn.compilers import EventPropCompiler, InferenceCompiler
from ml_genn.compilers.event_prop_compiler import default_params
from ml_genn.connectivity import Conv2D, Dense
from ml_genn.initializers import Normal
from ml_genn.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from ml_genn.optimisers import Adam
from ml_genn.serialisers import Numpy
from ml_genn.synapses import Exponential
from ml_genn.utils.data import calc_latest_spike_time, calc_max_spikes, linear_latency_encode_data

WIDTH = 12
NUM_CLASSES = 3
BATCH_SIZE = 32
NUM_EPOCHS = 10
TRIAL_TIME = 20.0
DT = 1.0


def draw(num_pictures, rng):
    """Short bars anywhere: horizontal, vertical, diagonal; with noise."""
    labels = rng.integers(0, NUM_CLASSES, num_pictures)
    pictures = np.zeros((num_pictures, WIDTH, WIDTH))
    for picture, label in zip(pictures, labels):
        row, column = rng.integers(0, WIDTH - 5, 2)
        along = np.arange(6)
        picture[row + along * (label != 0), column + along * (label != 1)] = 200.0
    noise = rng.normal(0.0, 25.0, pictures.shape)
    return np.clip(pictures + noise, 0, 255).astype(np.uint8), labels


train_pictures, train_labels = draw(640, np.random.default_rng(1))
test_pictures, test_labels = draw(320, np.random.default_rng(2))
encoding = TRIAL_TIME - 2.0 * DT, 2.0 * DT, 80
train_spikes = linear_latency_encode_data(train_pictures, *encoding)
test_spikes = linear_latency_encode_data(test_pictures, *encoding)
assert calc_latest_spike_time(train_spikes) <= TRIAL_TIME

serialiser = Numpy("convolution_checkpoints")
network = SequentialNetwork(default_params)
with network:
    input = InputLayer(
        SpikeInput(max_spikes=BATCH_SIZE * calc_max_spikes(train_spikes)),
        (WIDTH, WIDTH, 1),
        name="input",
    )
    initial_weight = Normal(mean=1.0, sd=2.0)
    hidden = Layer(
        Conv2D(initial_weight, 8, 4, True),
        LeakyIntegrateFire(v_thresh=1.0, tau_mem=20.0, tau_refrac=None),
        synapse=Exponential(5.0),
        name="hidden",
    )
    output = Layer(
        Dense(Normal(mean=0.0, sd=0.1)),
        LeakyIntegrate(tau_mem=20.0, readout="avg_var_exp_weight"),
        NUM_CLASSES,
        Exponential(5.0),
        name="output",
    )

timesteps = int(np.ceil(TRIAL_TIME / DT))
compiler = EventPropCompiler(
    example_timesteps=timesteps,
    losses="sparse_categorical_crossentropy",
    optimiser=Adam(1e-2),
    batch_size=BATCH_SIZE,
    kernel_profiling=True,
)
compiled_net = compiler.compile(network)
with compiled_net:
    start_time = perf_counter()
    callbacks = ["batch_progress_bar", Checkpoint(serialiser)]
    metrics, cb_data = compiled_net.train(
        {input: train_spikes},
        {output: train_labels},
        num_epochs=NUM_EPOCHS,
        shuffle=True,
        callbacks=callbacks,
    )
    print(f"Training accuracy = {100 * metrics[output].result}%")
    print(f"Time = {perf_counter() - start_time}s")
    print(f"Neuron update time = {compiled_net.genn_model.neuron_update_time}")
    print(f"Presynaptic update time = {compiled_net.genn_model.presynaptic_update_time}")
    for name in ("GradientBatchReduce", "GradientLearn", "Reset", "BatchSoftmax3"):
        print(f"{name} time = {compiled_net.genn_model.get_custom_update_time(name)}")

network.load((NUM_EPOCHS - 1,), serialiser)
kernel = network.connections[0].connectivity.weight
print(f"Kernel: {kernel.size}")
compiler = InferenceCompiler(
    evaluate_timesteps=timesteps, reset_in_syn_between_batches=True, batch_size=BATCH_SIZE
)
compiled_net = compiler.compile(network)
with compiled_net:
    metrics, _ = compiled_net.evaluate({input: test_spikes}, {output: test_labels})
    print(f"Accuracy = {100 * metrics[output].result}%")
