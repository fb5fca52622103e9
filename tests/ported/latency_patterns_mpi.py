"""Small grey pictures in several processes, each of which has every n-th of them."""

import numpy as np
from ml_genn import InputLayer, Layer, SequentialNetwork
from ml_genn.callbacks import Checkpoint
from ml_genn.communicators import MPI
from ml_genn.compilers import EventPropCompiler
from ml_genn.compilers.event_prop_compiler import default_params
from ml_genn.connectivity import Dense
from ml_genn.initializers import Normal
from ml_genn.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from ml_genn.optimisers import Adam
from ml_genn.serialisers import Numpy
from ml_genn.synapses import Exponential
from ml_genn.utils.data import linear_latency_encode_data

WIDTH = 6
NUM_PIXELS = WIDTH * WIDTH
BATCH_SIZE = 32
NUM_EPOCHS = 8
TRIAL_TIME = 20.0
DT = 1.0

rng = np.random.default_rng(1)
labels = rng.integers(0, 2, 321)
rows, columns = np.indices((WIDTH, WIDTH))
places = rng.integers(1, WIDTH - 1, len(labels))[:, np.newaxis, np.newaxis]
bars = np.where(labels[:, np.newaxis, np.newaxis], rows == places, columns == places)
noise = rng.normal(0.0, 25.0, (len(labels), WIDTH, WIDTH))
pictures = np.clip(200.0 * bars + noise, 0, 255).astype(np.uint8).reshape(-1, NUM_PIXELS)

communicator = MPI()
print(f"Training on rank {communicator.rank} / {communicator.num_ranks}")
train_dataset_slice = slice(communicator.rank, -1, communicator.num_ranks)
labels = labels[train_dataset_slice]
spikes = linear_latency_encode_data(
    pictures[train_dataset_slice], TRIAL_TIME - 2.0 * DT, 2.0 * DT, 80
)

serialiser = Numpy("latency_mpi_checkpoints")
network = SequentialNetwork(default_params)
with network:
    input = InputLayer(SpikeInput(max_spikes=BATCH_SIZE * NUM_PIXELS), NUM_PIXELS)
    hidden = Layer(
        Dense(Normal(mean=1.2, sd=1.0)),
        LeakyIntegrateFire(v_thresh=1.0, tau_mem=20.0, tau_refrac=None),
        16,
        Exponential(5.0),
    )
    output = Layer(
        Dense(Normal(mean=0.2, sd=0.37)),
        LeakyIntegrate(tau_mem=20.0, readout="avg_var"),
        2,
        Exponential(5.0),
    )

compiler = EventPropCompiler(
    example_timesteps=int(np.ceil(TRIAL_TIME / DT)),
    losses="sparse_categorical_crossentropy",
    optimiser=Adam(1e-2),
    batch_size=BATCH_SIZE,
    kernel_profiling=True,
    communicator=communicator,
)
compiled_net = compiler.compile(network)
with compiled_net:
    callbacks = ["batch_progress_bar", Checkpoint(serialiser)] if communicator.rank == 0 else []
    metrics, cb_data = compiled_net.train(
        {input: spikes}, {output: labels}, num_epochs=NUM_EPOCHS, shuffle=True, callbacks=callbacks
    )
    if communicator.rank == 0:
        compiled_net.save_connectivity((NUM_EPOCHS - 1,), serialiser)
    print(f"Accuracy of {metrics[output].total} = {100 * metrics[output].result}%")
