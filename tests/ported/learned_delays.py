"""Which finger is touched how much later than the other: learned delays tell."""

from time import perf_counter

import numpy as np
from ml_genn import Connection, Network, Population
from ml_genn.callbacks import Callback, Checkpoint, SpikeRecorder
from ml_genn.compilers import EventPropCompiler, InferenceCompiler
from ml_genn.compilers.event_prop_compiler import default_params
from ml_genn.connectivity import Dense
from ml_genn.initializers import Normal, Uniform
from ml_genn.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from ml_genn.optimisers import Adam
from ml_genn.serialisers import Numpy
from ml_genn.synapses import Exponential
from ml_genn.utils.data import (
    calc_latest_spike_time,
    calc_max_spikes,
    preprocess_tonic_spikes,
)

SENSOR_SIZE = (6, 1, 2)
ORDERING = ("t", "x", "p")
LAGS = (-40, -15, 15, 40)
NUM_HIDDEN = 32
BATCH_SIZE = 16
NUM_EPOCHS = 30
MAX_DELAY = 60
DT = 1.0
FINAL_ALPHAS = (0.02, 0.2)  # of weights and delays


class EaseIn(Callback):
    """Lets the learning rate of every optimiser grow from batch to batch."""

    def set_params(self, compiled_network, **kwargs):
        self._optimisers = [o for o, _ in compiled_network.optimisers]

    def on_batch_begin(self, batch):
        for optimiser, final in zip(self._optimisers, FINAL_ALPHAS):
            optimiser.alpha = min(1.05 * optimiser.alpha, final)


def record(num_trials, rng):
    """Events in microseconds: sensors 0 to 2 at one time, 3 to 5 a lag later."""
    events, labels = [], []
    for _ in range(num_trials):
        label = rng.integers(len(LAGS))
        first = rng.uniform(45.0, 55.0)
        onset = np.where(np.arange(12) % 6 < 3, first, first + LAGS[label])
        trial = np.empty(12, dtype=[("t", np.int64), ("x", np.int16), ("p", np.int8)])
        trial["t"] = 1000.0 * (onset + rng.normal(0.0, 1.0, 12))
        trial["x"], trial["p"] = np.arange(12) % 6, np.arange(12) // 6
        events.append(np.sort(trial, order="t"))
        labels.append(int(label))
    return events, labels


def to_spikes(trials):
    return [preprocess_tonic_spikes(trial, ORDERING, SENSOR_SIZE) for trial in trials]


rng = np.random.default_rng(5)
raw_train, labels_train = record(384, rng)
raw_valid, labels_valid = record(128, rng)
raw_test, labels_test = record(128, rng)
spikes_train, spikes_valid, spikes_test = map(to_spikes, (raw_train, raw_valid, raw_test))
num_input = int(np.prod(SENSOR_SIZE))
all_spikes = spikes_train + spikes_valid + spikes_test
max_spikes, latest = calc_max_spikes(all_spikes), calc_latest_spike_time(all_spikes)
print(f"Max spikes {max_spikes}, latest spike time {latest}")

serialiser = Numpy("delay_checkpoints")
network = Network(default_params)
with network:
    input = Population(SpikeInput(max_spikes=BATCH_SIZE * max_spikes), num_input)
    hidden = Population(
        LeakyIntegrateFire(v_thresh=1.0, tau_mem=10.0, tau_refrac=None),
        NUM_HIDDEN,
        record_spikes=True,
    )
    output = Population(LeakyIntegrate(tau_mem=20.0, readout="avg_var_exp_weight"), len(LAGS))
    conn_in = Connection(
        input,
        hidden,
        Dense(Normal(mean=1.0, sd=0.5), Uniform(0, MAX_DELAY)),
        Exponential(5.0),
        max_delay_steps=MAX_DELAY,
    )
    conn_rec = Connection(
        hidden,
        hidden,
        Dense(Normal(mean=0.0, sd=0.05), Uniform(0, MAX_DELAY)),
        Exponential(5.0),
        max_delay_steps=MAX_DELAY,
    )
    Connection(hidden, output, Dense(Normal(mean=0.0, sd=1.0)), Exponential(5.0))

timesteps = int(np.ceil((latest + 2 * MAX_DELAY) / DT))
compiler = EventPropCompiler(
    example_timesteps=timesteps,
    losses="sparse_categorical_crossentropy",
    reg_lambda_upper=1e-8,
    reg_lambda_lower=1e-8,
    reg_nu_upper=4,
    max_spikes=1500,
    delay_learn_conns=[conn_in, conn_rec],
    delay_optimiser=Adam(0.05 * FINAL_ALPHAS[1]),
    optimiser=Adam(0.05 * FINAL_ALPHAS[0]),
    batch_size=BATCH_SIZE,
)
compiled_net = compiler.compile(network)
best_acc, best_e = -1.0, 0
with compiled_net:
    start_time = perf_counter()
    callbacks = [
        Checkpoint(serialiser),
        SpikeRecorder(hidden, key="hidden_spikes", record_counts=True),
        EaseIn(),
    ]
    for e in range(NUM_EPOCHS):
        train_metrics, valid_metrics, train_cb, valid_cb = compiled_net.train(
            {input: spikes_train},
            {output: labels_train},
            start_epoch=e,
            num_epochs=1,
            shuffle=True,
            callbacks=callbacks,
            validation_callbacks=[],
            validation_x={input: spikes_valid},
            validation_y={output: labels_valid},
        )
        hidden_spikes = np.zeros(NUM_HIDDEN)
        for counts in train_cb["hidden_spikes"]:
            hidden_spikes += counts
        silent = hidden_spikes == 0
        print(
            f"Epoch {e}: silent neurons {np.count_nonzero(silent)}, "
            f"training accuracy {100 * train_metrics[output].result}, "
            f"validation accuracy {100 * valid_metrics[output].result}"
        )
        weights = compiled_net.connection_populations[conn_in].vars["g"]
        weights.pull_from_device()
        view = weights.view.reshape((num_input, NUM_HIDDEN))
        view[:, silent] += 0.05
        weights.push_to_device()
        if valid_metrics[output].result > best_acc:
            best_acc, best_e = valid_metrics[output].result, e
    delays = compiled_net.connection_populations[conn_in].vars["d"]
    delays.pull_from_device()
    print(f"Mean delay = {np.mean(delays.view)}")
    print(f"Time = {perf_counter() - start_time}s")

network.load((best_e,), serialiser)
compiler = InferenceCompiler(
    evaluate_timesteps=timesteps,
    reset_in_syn_between_batches=True,
    batch_size=BATCH_SIZE,
)
compiled_net = compiler.compile(network)
with compiled_net:
    test_metrics, _ = compiled_net.evaluate({input: spikes_test}, {output: labels_test})
    print(f"Accuracy = {100 * test_metrics[output].result}%")
