"""A recurrent network learns to draw waves when its inputs are active one after another."""

from time import perf_counter

import numpy as np
from ml_genn import Connection, Network, Population
from ml_genn.callbacks import OptimiserParamSchedule, SpikeRecorder, VarRecorder
from ml_genn.compilers import EventPropCompiler
from ml_genn.compilers.event_prop_compiler import default_params
from ml_genn.connectivity import Dense
from ml_genn.initializers import Normal
from ml_genn.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from ml_genn.optimisers import Adam
from ml_genn.synapses import Exponential
from ml_genn.utils.data import preprocess_spikes

NUM_INPUT = 20
NUM_HIDDEN = 64
NUM_OUTPUT = 2
NUM_TRIALS = 40
NUM_EPOCHS = 5
TRIAL_STEPS = 400
TAU_MEM = 20.0
TAU_SYN = 5.0

steps = np.arange(TRIAL_STEPS)
waves = np.stack([np.sin(2.0 * np.pi * f * steps / TRIAL_STEPS) for f in (1.0, 2.0)], axis=1)

# Each input spikes every 5 ms in its own part of the trial
part = TRIAL_STEPS // NUM_INPUT
times = np.arange(0, TRIAL_STEPS - 1, 5, dtype=np.float32)
in_spikes = preprocess_spikes(times, (times // part).astype(int), NUM_INPUT)

x = [in_spikes] * NUM_TRIALS
y_star = [waves] * NUM_TRIALS

network = Network(default_params)
with network:
    input = Population(SpikeInput(max_spikes=len(times)), NUM_INPUT, record_spikes=True)
    hidden = Population(
        LeakyIntegrateFire(v_thresh=0.61, tau_mem=TAU_MEM, tau_refrac=None),
        NUM_HIDDEN,
        record_spikes=True,
    )
    output = Population(LeakyIntegrate(tau_mem=TAU_MEM, readout="var"), NUM_OUTPUT)

    Connection(input, hidden, Dense(Normal(mean=1.0, sd=1.0)), Exponential(TAU_SYN))
    Connection(hidden, hidden, Dense(Normal(sd=1.0 / np.sqrt(NUM_HIDDEN))), Exponential(TAU_SYN))
    Connection(hidden, output, Dense(Normal(sd=2.0 / np.sqrt(NUM_HIDDEN))), Exponential(TAU_SYN))

compiler = EventPropCompiler(
    example_timesteps=TRIAL_STEPS,
    losses="mean_square_error",
    optimiser=Adam(0.02),
    reg_lambda_upper=1e-8,
    reg_lambda_lower=1e-8,
    reg_nu_upper=10,
    max_spikes=1500,
)
compiled_net = compiler.compile(network)
with compiled_net:

    def alpha_schedule(epoch, alpha):
        if (epoch % 2) == 0 and epoch != 0:
            return alpha * 0.7
        return alpha

    start_time = perf_counter()
    callbacks = [
        "batch_progress_bar",
        VarRecorder(output, "v", key="output_v"),
        SpikeRecorder(input, key="input_spikes"),
        SpikeRecorder(hidden, key="hidden_spikes"),
        OptimiserParamSchedule("alpha", alpha_schedule),
    ]
    metrics, cb_data = compiled_net.train(
        {input: x}, {output: y_star}, num_epochs=NUM_EPOCHS, callbacks=callbacks
    )
    print(f"Time = {perf_counter() - start_time}s")

    for epoch in range(NUM_EPOCHS):
        trial = (epoch + 1) * NUM_TRIALS - 1
        error = cb_data["output_v"][trial] - waves
        spikes = len(cb_data["hidden_spikes"][0][trial])
        print(f"{epoch}: hidden spikes: {spikes} Total MSE: {np.mean(error * error)}")
    assert len(cb_data["output_v"]) == NUM_EPOCHS * NUM_TRIALS
    assert np.array_equal(np.unique(cb_data["input_spikes"][1][0]), np.arange(NUM_INPUT))
