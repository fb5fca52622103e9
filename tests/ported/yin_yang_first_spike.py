"""Points of the Yin-Yang figure, told apart by which output spikes first."""

from time import perf_counter

import numpy as np
from ml_genn import InputLayer, Layer, SequentialNetwork
from ml_genn.callbacks import Checkpoint, OptimiserParamSchedule
from ml_genn.compilers import EventPropCompiler
from ml_genn.compilers.event_prop_compiler import default_params
from ml_genn.connectivity import Dense
from ml_genn.initializers import Normal
from ml_genn.losses import RelativeMeanSquareError
from ml_genn.neurons import LeakyIntegrateFire, SpikeInput
from ml_genn.optimisers import Adam
from ml_genn.serialisers import Numpy
from ml_genn.synapses import Exponential
from ml_genn.utils.data import generate_yin_yang_dataset

NUM_INPUT = 4
NUM_HIDDEN = 60
NUM_OUTPUT = 3
BATCH_SIZE = 32
NUM_EPOCHS = 40
NUM_TRAIN = BATCH_SIZE * 40
TRIAL_TIME = 30.0
DT = 0.05

np.random.seed(1234)
spikes, labels = generate_yin_yang_dataset(NUM_TRAIN, TRIAL_TIME - 4 * DT, 2 * DT, bias=False)

network = SequentialNetwork(default_params)
with network:
    input = InputLayer(SpikeInput(max_spikes=BATCH_SIZE * NUM_INPUT), NUM_INPUT, record_spikes=True)
    hidden = Layer(
        Dense(Normal(mean=1.5, sd=0.78)),
        LeakyIntegrateFire(v_thresh=1.0, tau_mem=20.0, tau_refrac=None),
        NUM_HIDDEN,
        Exponential(5.0),
        record_spikes=True,
    )
    output = Layer(
        Dense(Normal(mean=0.93 * 100 / NUM_HIDDEN, sd=0.1)),
        LeakyIntegrateFire(v_thresh=1.0, tau_mem=20.0, tau_refrac=None, readout="first_spike_time"),
        NUM_OUTPUT,
        Exponential(5.0),
        record_spikes=True,
    )

compiler = EventPropCompiler(
    example_timesteps=int(np.ceil(TRIAL_TIME / DT)),
    losses=RelativeMeanSquareError(5.0 * 0.2),
    optimiser=Adam(0.003, 0.9, 0.99),
    batch_size=BATCH_SIZE,
    softmax_temperature=0.5,
    ttfs_alpha=0.1,
    dt=DT,
    kernel_profiling=True,
)
compiled_net = compiler.compile(network)
with compiled_net:

    def alpha_schedule(epoch, alpha):
        return 0.003 * (0.97**epoch)

    start_time = perf_counter()
    callbacks = [
        "batch_progress_bar",
        Checkpoint(Numpy("yin_yang_checkpoints"), 10),
        OptimiserParamSchedule("alpha", alpha_schedule),
    ]
    metrics, cb_data = compiled_net.train(
        {input: spikes},
        {output: labels},
        num_epochs=NUM_EPOCHS,
        shuffle=False,
        callbacks=callbacks,
    )
    print(f"Accuracy = {100 * metrics[output].result}%")
    print(f"Time = {perf_counter() - start_time}s")
    print(f"TTFS reduce time = {compiled_net.genn_model.get_custom_update_time('TTFSReduce')}")
