"""Threads share out examples: no result depends on their number, but for the order of sums."""

import numpy as np
import pytest
from emitted_programs import BATCH, PROGRAMS, TRAINED, compiled, data

from mlgenn_delays.program.exchange import RecordRequest
from mlgenn_delays.training.data import prepare


def run(name: str, threads: int) -> dict[str, np.ndarray]:
    """Spikes and readouts of a batch, its gradients, and parameters after two epochs."""
    built = PROGRAMS[name]()
    program = built.program
    x, y = data(built, BATCH)
    found = {}
    with compiled(built, threads) as network:
        loss, gradients = network.gradients(x, y)
        found["loss"] = np.array(loss)
        for c, part in gradients.items():
            found |= {f"gradient, {c.name}, {n}": value for n, value in part.items()}
        spiking = frozenset(p.index for p in program.neurons if p.is_spiking)
        batch = prepare(built, x, y).batches(BATCH)[0]
        request = RecordRequest(np.ones(BATCH, bool), spiking)
        result = network.engine.forward(batch, request)
        for index, examples in result.recording.spikes.items():
            for b, (times, neurons) in enumerate(examples):
                found |= {f"times {index} {b}": times, f"neurons {index} {b}": neurons}
        found |= {f"readout {i}": value for i, value in result.readouts.items()}
        network.train(x, y, 2, callbacks=[])
        for spec, value in zip(program.parameters, network.engine.get_parameters()):
            found[f"trained, {spec.key}"] = value
        norms = network.engine.gradient_norms()
        found |= {f"norm {i}": np.array(value) for i, value in norms.items()}
    return found


@pytest.mark.parametrize("name", TRAINED)
def test_numbers_of_threads(name):
    results = {threads: run(name, threads) for threads in (1, 2, 3)}
    alone = results[1]
    assert sum(a.size for key, a in alone.items() if key.startswith("times")) > 20
    for threads, found in results.items():
        assert found.keys() == alone.keys()
        for key, value in found.items():
            if key.startswith("gradient"):
                scale = np.abs(alone[key]).max()
                assert scale > 0.0, key
                np.testing.assert_allclose(value / scale, alone[key] / scale, rtol=0, atol=2e-6)
            elif key.startswith(("times", "neurons", "readout", "loss")):
                np.testing.assert_array_equal(value, alone[key], err_msg=f"{threads}: {key}")


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("threads", [2, 3])
def test_the_same_number_gives_the_same_bits(name, threads):
    first, second = run(name, threads), run(name, threads)
    for key, value in first.items():
        np.testing.assert_array_equal(value, second[key], err_msg=key)


def test_more_threads_than_examples():
    found, alone = run("recurrent", BATCH + 3), run("recurrent", 1)
    for key in (k for k in alone if k.startswith(("times", "neurons"))):
        np.testing.assert_array_equal(found[key], alone[key])
