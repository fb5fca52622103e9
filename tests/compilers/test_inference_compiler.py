"""Arguments of the compiler for predictions, and that it predicts what training predicts."""

from __future__ import annotations

import numpy as np
import pytest
from trained_networks import TIMESTEPS

from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"reset_time_between_batches": False}, NotImplementedError, "reset_time_between_batches"),
        ({"reset_vars_between_batches": False}, NotImplementedError, "reset_vars_between_batches"),
        ({"communicator": object()}, TypeError, "communicator should be None or"),
        ({"backend": "gpu"}, ValueError, "backend is 'gpu'"),
        ({"evaluate_timesteps": 0}, ValueError, "evaluate_timesteps is 0"),
        ({"dt": 0.0}, ValueError, "dt is 0"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        InferenceCompiler(**{"evaluate_timesteps": 10, **arguments})


@pytest.mark.parametrize("reset", [True, False])
def test_synaptic_currents_are_always_reset(recurrent, spikes, reset):
    compiler = InferenceCompiler(
        TIMESTEPS, batch_size=1, reset_in_syn_between_batches=reset, backend="cpu"
    )
    network = compiler.compile(recurrent.network)
    x, _ = spikes(1, 8)
    result = network.predict({recurrent.x: x * 3}, recurrent.y, callbacks=[])[0][recurrent.y]
    assert np.any(result) and np.array_equal(result[0], result[1])


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_training_and_inference_networks_agree(recurrent, spikes, backend):
    x, y = spikes(5, 8)
    training = EventPropCompiler(
        TIMESTEPS,
        "sparse_categorical_crossentropy",
        batch_size=5,
        rng_seed=2,
        backend=backend,
    ).compile(recurrent.network)
    inference = InferenceCompiler(TIMESTEPS, batch_size=2, rng_seed=2, backend=backend).compile(
        recurrent.network
    )
    results = [n.predict({recurrent.x: x}, recurrent.y, [])[0] for n in (training, inference)]
    assert np.any(results[0][recurrent.y])
    assert np.array_equal(results[0][recurrent.y], results[1][recurrent.y])
    metrics, _ = training.evaluate({recurrent.x: x}, {recurrent.y: y}, callbacks=[])
    loss, _ = training.gradients({recurrent.x: x}, {recurrent.y: y})
    assert training.validation_loss == pytest.approx(loss, rel=1e-12)
    assert metrics[recurrent.y].total == 5
