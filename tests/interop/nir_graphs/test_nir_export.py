"""Files for chips: rounded delays, quantised weights, and the report of what that costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

nir = pytest.importorskip("nir", reason="nir not installed")

from nir_networks import OUTPUTS, compiler, dense_delays, trials  # noqa: E402

from mlgenn_delays.cautions import Caution  # noqa: E402
from mlgenn_delays.compilers.build import build_program  # noqa: E402
from mlgenn_delays.connection import Connection  # noqa: E402
from mlgenn_delays.connectivity import Dense, Sparse  # noqa: E402
from mlgenn_delays.interop.nir import Precision, export_nir, from_nir  # noqa: E402
from mlgenn_delays.interop.nir.quantise import quantise_weights, round_delays_to  # noqa: E402
from mlgenn_delays.network import Network  # noqa: E402
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput  # noqa: E402
from mlgenn_delays.population import Population  # noqa: E402

pytestmark = pytest.mark.nir


def one_connection(weights, delays, **arguments):
    network = Network()
    with network:
        source = Population(SpikeInput(), len(weights), name="in")
        target = Population(LeakyIntegrate(readout="var"), len(weights[0]), name="out")
        Connection(source, target, Dense(np.array(weights), delays), name="all", **arguments)
    return network


def program_of(network):
    return build_program(network, compiler().settings).program


def values(program):
    return {p.name: p.initial for p in program.parameters}


def test_report_says_what_each_step_costs(tmp_path):
    network = dense_delays()
    inputs, hidden, output = network.populations
    path = tmp_path / "chip.nir"
    x, y = {inputs: trials()}, {output: np.arange(12) % OUTPUTS}
    with compiler().compile(network) as compiled:
        report = export_nir(compiled, path, 6, 2, 4, x, y)
        accuracy = compiled.evaluate(x, y, callbacks=[])[0][output].result
        counts = []
        for start in (0, 8):
            compiled.predict({inputs: trials()[start : start + 8]}, output, callbacks=[])
            counts.append(compiled.spike_counts[hidden].sum())
    names = [stage.name for stage in report.stages]
    assert names == ["as it is", "delays rounded", "weights quantised", "read back"]
    before, rounded, quantised, back = report.stages
    assert [stage.examples for stage in report.stages] == [12] * 4
    assert before.metrics == {"out": accuracy}
    assert "accuracy of out" in str(report)
    assert before.spikes == {"hidden": sum(counts) / 12}
    assert before.changed is None and rounded.changed > 0 and quantised.changed > 0
    assert back == replace(quantised, name="read back", changed=0)
    assert report.is_exact
    text = str(report)
    assert "delays up to 6 timesteps, multiples of 2 timesteps, weights of 4 bits" in text
    assert f" {rounded.changed / 12:.3g}\n" in text
    assert "Conn_in_hidden" in text and "spikes of hidden" in text


def test_silent_layer_is_said_once(tmp_path):
    network = dense_delays()
    network.connections[0].connectivity.weight = 0.0
    inputs, _, output = network.populations
    x, y = {inputs: trials()}, {output: np.arange(12) % OUTPUTS}
    with pytest.warns(Caution, match="'hidden' is silent") as said:
        export_nir(network, tmp_path / "chip.nir", x=x, y=y, compiler=compiler())
    assert len(said) == 1


def test_file_has_what_was_rounded(tmp_path):
    network = dense_delays()
    path = tmp_path / "chip.nir"
    report = export_nir(network, path, 6, 2, 4, compiler=compiler())
    assert report.stages == ()
    with pytest.raises(ValueError, match="no data to tell from"):
        _ = report.is_exact
    expected, _ = round_delays_to(program_of(network), report.precision)
    expected, _ = quantise_weights(expected, report.precision)
    found = program_of(from_nir(path))
    for connection in expected.connections:
        weights, delays = (p.initial for p in _parameters(expected, connection))
        weights_found, delays_found = (p.initial for p in _parameters(found, connection))
        np.testing.assert_array_equal(weights_found, weights)
        exists = weights != 0.0  # those that were rounded to 0 have no delay
        np.testing.assert_array_equal(delays_found * exists, delays * exists)
    scale = report.connections[0].weight_scale
    graph = nir.read(path)
    node = graph.nodes["Conn_in_hidden.weights"]
    assert node.metadata["mlgenn_delays"]["weight_scale"] == scale
    levels = node.weight / scale
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-5)
    assert np.abs(np.rint(levels)).max() == 7


def _parameters(program, connection):
    weights = program.parameters[connection.weight]
    return weights, weights if connection.delay is None else program.parameters[connection.delay]


@pytest.mark.parametrize(
    "steps, bits, resolution, expected",
    [
        (62, 8, 1, [0, 1, 3, 62, 62]),  # 0.4, 0.5, 2.5, 61.6, 70
        (62, 4, 4, [0, 0, 4, 60, 60]),
        (7, None, 1, [0, 1, 3, 7, 7]),
        (None, 3, 1, [0, 1, 3, 7, 7]),
        (None, None, 1, [0.4, 0.5, 2.5, 61.6, 70]),
        (0, 8, 1, [0, 0, 0, 0, 0]),
    ],
)
def test_delays_are_rounded_and_clipped(steps, bits, resolution, expected):
    precision = Precision(steps, bits)
    assert precision.delay_resolution == resolution
    program = program_of(one_connection([[1.0] * 5], [[0.4, 0.5, 2.5, 61.6, 70.0]]))
    rounded, changes = round_delays_to(program, precision)
    np.testing.assert_array_equal(values(rounded)["d"], np.float32([expected]))
    assert changes["all"]["delays_clipped"] == np.sum(
        np.float64(precision.largest_delay) < [0.4, 0.5, 2.5, 61.6, 70.0]
    )
    assert rounded.connections[0].max_delay_steps >= max(expected)
    np.testing.assert_array_equal(values(rounded)["g"], values(program)["g"])


def test_delay_of_all_synapses_is_clipped():
    rounded, changes = round_delays_to(program_of(one_connection([[1.0]], 80)), Precision())
    assert rounded.connections[0].constant_delay == 62
    assert changes["all"] == {"delays_clipped": 1, "delay_error": 0.0}


def test_weights_are_whole_multiples_of_one_scale():
    program = program_of(one_connection([[-12.7, 0.0, 0.06, 3.14]], 0))
    quantised, changes = quantise_weights(program, Precision(weight_bits=8))
    np.testing.assert_allclose(values(quantised)["g"], [[-12.7, 0.0, 0.1, 3.1]], rtol=1e-6)
    assert changes["all"]["weight_scale"] == pytest.approx(0.1)
    error = np.sqrt((0.04**2 + 0.04**2) / (12.7**2 + 0.06**2 + 3.14**2))
    assert changes["all"]["weight_error"] == pytest.approx(error, rel=1e-4)
    assert quantise_weights(program, Precision(weight_bits=None))[0] == program


def test_weights_of_no_size_are_left():
    network = one_connection([[0.0, 0.0]], 0)
    with network:
        Connection(*network.populations, Sparse([], [], np.zeros(0)), name="none")
    program = program_of(network)
    assert quantise_weights(program, Precision())[0] == program


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(delay_steps=-1), "delay_steps is -1, allowed are whole numbers from 0"),
        (dict(delay_bits=0), "delay_bits is 0, allowed are whole numbers from 1 to 16"),
        (dict(weight_bits=1), "weight_bits is 1, allowed are whole numbers from 2 to 24"),
        (dict(spike_area=0.0), "spike_area is 0, allowed are finite numbers from 1e-09"),
        (dict(y={}), "y was given without x"),
        (dict(x={}), "compiler is missing"),
    ],
)
def test_bad_arguments_leave_no_file(arguments, message, tmp_path):
    path = tmp_path / "chip.nir"
    with pytest.raises(ValueError, match=message):
        export_nir(dense_delays(), path, **arguments)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError, match="whose folder does not exist"):
        export_nir(dense_delays(), tmp_path / "none" / "chip.nir")


def test_file_that_exists_is_replaced_or_kept(tmp_path, monkeypatch):
    path = tmp_path / "chip.nir"
    path.write_text("before")

    def broken(*arguments):
        raise OSError("disk full")

    for where in ("mlgenn_delays.interop.nir.export.nir.write", "mlgenn_delays.files.os.replace"):
        with monkeypatch.context() as patch:
            patch.setattr(where, broken)
            with pytest.raises(OSError, match="disk full"):
                export_nir(dense_delays(), path)
    assert path.read_text() == "before"
    export_nir(dense_delays(), path)
    assert isinstance(nir.read(path), nir.NIRGraph)
    assert [p.name for p in tmp_path.iterdir()] == ["chip.nir"]
