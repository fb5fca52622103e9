"""Parameters as users may look at them and change them."""

from __future__ import annotations

import numpy as np
import pytest
from trained_networks import TIMESTEPS, XH_D, XH_G, compile_recurrent

from mlgenn_delays.compilers import InferenceCompiler
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.serialisers import Numpy


def test_view_can_be_written_through_reshape(recurrent):
    network = compile_recurrent(recurrent, "cpu")
    weights = network.connection_populations[recurrent.xh].vars["g"]
    weights.pull_from_device()
    assert weights.view.shape == (80,) and weights.view.flags.c_contiguous
    view = weights.view.reshape((8, 10))
    view[:, 3] += 0.5
    before = network.engine.get_parameter(XH_G)
    weights.push_to_device()
    change = network.engine.get_parameter(XH_G) - before
    np.testing.assert_allclose(change[:, 3], 0.5, atol=1e-6)
    assert not np.any(np.delete(change, 3, axis=1))
    assert weights.values.shape == (8, 10)
    weights.values[:] = 0.0  # a copy
    assert np.any(weights.view)


def test_view_follows_training_when_pulled(recurrent, batch):
    network = compile_recurrent(recurrent, "cpu", optimiser=Adam(0.1))
    weights = network.connection_populations[recurrent.xh].vars["g"]
    before = weights.values
    network.train(*batch, num_epochs=1, callbacks=[])
    assert np.array_equal(weights.view, before.reshape(-1))
    weights.pull_from_device()
    assert np.array_equal(weights.values, network.engine.get_parameter(XH_G))
    assert not np.array_equal(weights.values, before)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("g", np.nan, "'g' has values that are not finite"),
        ("d", -0.5, "'d' has values from -0.5 to .* timesteps, allowed are 0 to 8"),
        ("d", 8.5, "'d' has values from .* to 8.5 timesteps, allowed are 0 to 8"),
    ],
)
def test_bad_values_are_not_pushed(recurrent, name, value, message):
    parameter = {"g": XH_G, "d": XH_D}[name]
    network = compile_recurrent(recurrent, "cpu")
    before = network.engine.get_parameter(parameter)
    variable = network.connection_populations[recurrent.xh].vars[name]
    variable.view[7] = value
    with pytest.raises(ValueError, match=message):
        variable.push_to_device()
    assert np.array_equal(network.engine.get_parameter(parameter), before)


def test_variables_and_indices_of_connections(recurrent):
    network = compile_recurrent(recurrent, "cpu")
    groups = network.connection_populations
    assert set(groups[recurrent.xh].vars) == {"g", "d"} and set(groups[recurrent.hy].vars) == {"g"}
    sparse = groups[recurrent.hh]
    program = network.program.connections[1]
    assert np.array_equal(sparse.get_sparse_pre_inds(), program.pre_ind)
    assert np.array_equal(sparse.get_sparse_post_inds(), program.post_ind)
    with pytest.raises(ValueError, match="connection 'Conn_x_h' is dense"):
        groups[recurrent.xh].get_sparse_pre_inds()


def test_save_and_load(recurrent, batch, tmp_path):
    network = compile_recurrent(recurrent, "cpu", optimiser=Adam(0.1))
    network.train(*batch, num_epochs=1, callbacks=[])
    expected = network.predict(batch[0], recurrent.y, [])[0][recurrent.y]
    network.save((7,), Numpy(tmp_path))
    recurrent.network.load((7,), Numpy(tmp_path))
    inference = InferenceCompiler(TIMESTEPS, batch_size=4, rng_seed=99, backend="cpu")
    loaded = inference.compile(recurrent.network)
    result = loaded.predict(batch[0], recurrent.y, [])[0][recurrent.y]
    assert np.array_equal(result, expected)


def test_names_in_files_are_those_at_compilation(recurrent, tmp_path):
    network = compile_recurrent(recurrent)
    recurrent.xh._name = "renamed"
    network.save((), Numpy(tmp_path))
    assert network.connection_populations[recurrent.xh].name == "Conn_x_h"
    assert sorted(p.name for p in tmp_path.iterdir() if "Conn" in p.name and "x_h" in p.name)
    assert not [p for p in tmp_path.iterdir() if "renamed" in p.name]
