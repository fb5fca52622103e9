"""Networks of the small tasks: sequence detection, Yin-Yang, N-MNIST, permuted sequential MNIST."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.compilers import EventPropCompiler
from mlgenn_delays.initializers import Uniform
from mlgenn_delays.models import nmnist, psmnist, sequence_detection, yin_yang
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire


class TestSequenceDetection:
    def test_network_is_the_published_one(self) -> None:
        network = sequence_detection.build_network()
        assert [p.size for p in network.network.populations] == [2, 2]
        assert network.hidden == []
        (connection,) = network.delay_learn_conns
        assert connection is network.connections["input_output"]
        assert connection.max_delay_steps == 30
        assert isinstance(network.output.neuron, LeakyIntegrate)
        compiler = EventPropCompiler(
            100, "sparse_categorical_crossentropy", backend="reference", delay_learn_conns=[]
        )
        with compiler.compile(network.network) as compiled:
            variables = compiled.connection_populations[connection].vars
            for name, value in (("g", 1.0), ("d", 0.0)):
                variables[name].pull_from_device()
                np.testing.assert_array_equal(variables[name].values, np.full((2, 2), value))

    def test_delays_that_are_not_learned(self) -> None:
        settings = sequence_detection.sequence_settings()
        for mode in ("fixed", "none"):
            network = sequence_detection.build_network(settings.change(delays=mode))
            assert network.delay_learn_conns == []
        assert network.connections["input_output"].connectivity.delay == 0

    def test_delays_in_ms_become_timesteps(self) -> None:
        settings = sequence_detection.sequence_settings().change(
            dt=0.5, input_delay=(1.0, 2.0), max_delay=10.0
        )
        connection = sequence_detection.build_network(settings).connections["input_output"]
        assert connection.max_delay_steps == 20
        delay = connection.connectivity.delay
        assert isinstance(delay, Uniform)
        assert (delay.min, delay.max) == (2.0, 4.0)


class TestYinYang:
    def test_outputs_spike_and_all_connections_have_delays(self) -> None:
        network = yin_yang.build_network(yin_yang.yin_yang_settings((7,)))
        assert [p.size for p in network.network.populations] == [5, 7, 3]
        assert isinstance(network.output.neuron, LeakyIntegrateFire)
        assert [c.name for c in network.delay_learn_conns] == ["input_hidden", "hidden_output"]
        assert [c.max_delay_steps for c in network.delay_learn_conns] == [30, 30]

    def test_weights_suit_the_number_of_hidden_neurons(self) -> None:
        small, large = (yin_yang.yin_yang_settings((n,)).network for n in (5, 20))
        assert small.output_weight[0] == pytest.approx(4.0 * large.output_weight[0])
        assert small.output_weight[1] == pytest.approx(2.0 * large.output_weight[1])
        assert small.input_weight == large.input_weight
        two = yin_yang.yin_yang_settings((5, 20)).network
        assert two.hidden_weight == small.output_weight
        assert two.output_weight == large.output_weight

    @pytest.mark.parametrize("num_hidden", [(), (5, 0)])
    def test_no_neurons(self, num_hidden: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="at least one neuron is needed"):
            yin_yang.yin_yang_settings(num_hidden)


class TestNMNIST:
    def test_delays_reach_from_one_saccade_to_the_next(self) -> None:
        network = nmnist.build_network()
        assert [p.size for p in network.network.populations] == [17 * 17 * 2, 128, 10]
        (connection,) = network.delay_learn_conns
        assert connection is network.connections["input_hidden"]
        delay = connection.connectivity.delay
        assert isinstance(delay, Uniform)
        assert (delay.max, connection.max_delay_steps) == (200.0, 300)

    def test_other_pixels(self) -> None:
        settings = nmnist.nmnist_settings().change(hidden=(16, 8), recurrent=True)
        network = nmnist.build_network(settings, 34 * 34 * 2)
        assert [p.size for p in network.network.populations] == [2312, 16, 8, 10]


class TestPSMNIST:
    def test_input_and_recurrent_connections_have_delays(self) -> None:
        network = psmnist.build_network()
        sizes = [len(psmnist.THRESHOLDS), 128, 10]
        assert [p.size for p in network.network.populations] == sizes
        names = [c.name for c in network.delay_learn_conns]
        assert names == ["input_hidden", "hidden_hidden"]

    def test_without_recurrent_delays(self) -> None:
        settings = psmnist.psmnist_settings().change(recurrent_delays=False, hidden=16)
        network = psmnist.build_network(settings, 8)
        assert [c.name for c in network.delay_learn_conns] == ["input_hidden"]
        assert network.connections["hidden_hidden"].connectivity.delay == 0
        assert network.input.size == 8
