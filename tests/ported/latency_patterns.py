"""Small grey pictures, one spike per bright pixel: train, save, load, test."""

from time import perf_counter

import numpy as np
from ml_genn import InputLayer, Layer, SequentialNetwork
from ml_genn.callbacks import Checkpoint
from ml_genn.compilers import EventPropCompiler, InferenceCompiler
from ml_genn.compilers.event_prop_compiler import default_params
from ml_genn.connectivity import Dense, FixedProbability
from ml_genn.initializers import Normal
from ml_genn.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from ml_genn.optimisers import Adam
from ml_genn.serialisers import Numpy
from ml_genn.synapses import Exponential
from ml_genn.utils.data import linear_latency_encode_data

WIDTH = 8
NUM_PIXELS = WIDTH * WIDTH
NUM_CLASSES = 4
NUM_HIDDEN = 32
BATCH_SIZE = 32
NUM_EPOCHS = 10
TRIAL_TIME = 20.0
DT = 1.0


def draw(num_pictures, rng):
    """Bars: horizontal, vertical and the two diagonals, somewhere, with noise."""
    rows, columns = np.indices((WIDTH, WIDTH))
    distances = (
        lambda shift: rows - shift,
        lambda shift: columns - shift,
        lambda shift: rows - columns + shift - WIDTH // 2,
        lambda shift: rows + columns - WIDTH - shift + WIDTH // 2,
    )
    labels = rng.integers(0, NUM_CLASSES, num_pictures)
    pictures = [np.abs(distances[k](rng.integers(2, WIDTH - 2))) < 1 for k in labels]
    noise = rng.normal(0.0, 25.0, (num_pictures, WIDTH, WIDTH))
    grey = np.clip(200.0 * np.array(pictures) + noise, 0, 255).astype(np.uint8)
    return grey.reshape(num_pictures, NUM_PIXELS), labels


train_pictures, train_labels = draw(640, np.random.default_rng(1))
test_pictures, test_labels = draw(320, np.random.default_rng(2))
train_spikes = linear_latency_encode_data(train_pictures, TRIAL_TIME - 2.0 * DT, 2.0 * DT, 80)
test_spikes = linear_latency_encode_data(test_pictures, TRIAL_TIME - 2.0 * DT, 2.0 * DT, 80)

serialiser = Numpy("latency_checkpoints")
network = SequentialNetwork(default_params)
with network:
    input = InputLayer(SpikeInput(max_spikes=BATCH_SIZE * NUM_PIXELS), NUM_PIXELS)
    hidden = Layer(
        FixedProbability(0.8, Normal(mean=1.2, sd=1.0)),
        LeakyIntegrateFire(v_thresh=1.0, tau_mem=20.0, tau_refrac=None),
        NUM_HIDDEN,
        Exponential(5.0),
    )
    output = Layer(
        Dense(Normal(mean=0.2, sd=0.37)),
        LeakyIntegrate(tau_mem=20.0, readout="avg_var"),
        NUM_CLASSES,
        Exponential(5.0),
    )

timesteps = int(np.ceil(TRIAL_TIME / DT))
compiler = EventPropCompiler(
    example_timesteps=timesteps,
    losses="sparse_categorical_crossentropy",
    optimiser=Adam(1e-2),
    batch_size=BATCH_SIZE,
    dt=DT,
    kernel_profiling=True,
)
compiled_net = compiler.compile(network)
with compiled_net:
    start_time = perf_counter()
    metrics, cb_data = compiled_net.train(
        {input: train_spikes},
        {output: train_labels},
        num_epochs=NUM_EPOCHS,
        shuffle=True,
        callbacks=["batch_progress_bar", Checkpoint(serialiser)],
    )
    compiled_net.save_connectivity((NUM_EPOCHS - 1,), serialiser)
    print(f"Training accuracy = {100 * metrics[output].result}%")
    print(f"Time = {perf_counter() - start_time}s")
    print(f"Neuron update time = {compiled_net.genn_model.neuron_update_time}")
    print(f"Presynaptic update time = {compiled_net.genn_model.presynaptic_update_time}")
    for name in ("GradientBatchReduce", "GradientLearn", "Reset", "BatchSoftmax1"):
        print(f"{name} time = {compiled_net.genn_model.get_custom_update_time(name)}")

network.load((NUM_EPOCHS - 1,), serialiser)
compiler = InferenceCompiler(
    evaluate_timesteps=timesteps,
    reset_in_syn_between_batches=True,
    batch_size=BATCH_SIZE,
    dt=DT,
)
compiled_net = compiler.compile(network)
with compiled_net:
    metrics, _ = compiled_net.evaluate({input: test_spikes}, {output: test_labels})
    print(f"Accuracy = {100 * metrics[output].result}%")
