"""Neurons that users write: accepted, trained, recorded, saved, or refused with a reason."""

from __future__ import annotations

import numpy as np
import pytest
from alif_problem import example_class

from mlgenn_delays import Connection, Network, Population, check_gradients
from mlgenn_delays.callbacks import VarRecorder
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, Neuron, SpikeInput
from mlgenn_delays.program.model import AdjointModel, NeuronModel
from mlgenn_delays.serialisers import Numpy
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes


class Wordy(Neuron):
    """LeakyIntegrateFire(tau_mem=10), written with all that the language has."""

    is_spiking = True
    params: dict = {}  # noqa: RUF012

    def check(self):
        pass

    def get_model(self, dt, i_minus_thresh_min):
        return NeuronModel(
            vars={"V": 0.0},
            params={"TauM": 10.0, "Bound": i_minus_thresh_min, **self.params},
            output_var_name="V",
            sim_code="""
                const scalar Decay = exp(-dt / TauM);  // 0.9 or so
                V = (0.5 * Decay * V) + Isyn + (5.0e-1 * Decay * V);
            """,
            threshold_condition_code="V >= 1.0",
            reset_code="for (int K = 0; K < 2; K++) { V *= 0.0; }",
            adjoint=AdjointModel(
                vars={"LambdaV": 0.0},
                sim_code="LambdaV *= exp(-dt / TauM);",
                tape={"Slope": "fmax(I - 1.0, Bound)"},
                jump_code="if (true) { LambdaV += (LambdaV + RevISyn) / Slope; }",
            ),
        )


class Output(Neuron):
    """A leaky integrator without the attributes that the built-in one has."""

    def __init__(self, time_constant=15.0):
        super().__init__("avg_var")
        self.time_constant = time_constant

    def check(self):
        pass

    def get_model(self, dt, i_minus_thresh_min):
        return LeakyIntegrate(tau_mem=self.time_constant).get_model(dt, i_minus_thresh_min)


class Silent(Neuron):
    """Forgets to write a model."""

    is_spiking = True

    def check(self):
        pass


class NewDefaults(LeakyIntegrateFire):
    """Another default, the same model."""

    def __init__(self):
        super().__init__(tau_mem=10.0)


class NewModel(LeakyIntegrateFire):
    """Derived from a built-in class, with a model of its own."""

    def get_model(self, dt, i_minus_thresh_min):
        return Wordy().get_model(dt, i_minus_thresh_min)


class Own:
    """Input (3) -> neuron (4) -> output (2), one example."""

    def __init__(self, neuron, output=None):
        self.network = Network()
        with self.network:
            self.x = Population(SpikeInput(), 3, name="x")
            self.h = Population(neuron, 4, name="h")
            self.y = Population(output or Output(), 2, name="y")
            weights = np.linspace(1.0, 4.0, 12).reshape(3, 4)
            self.c = Connection(self.x, self.h, Dense(weights), Exponential(5.0), name="c")
            weights = np.linspace(-1.0, 1.0, 8).reshape(4, 2)
            Connection(self.h, self.y, Dense(weights), Exponential(5.0), name="d")
        ids = np.array([0, 1, 2, 0, 1, 2])
        self.inputs = {self.x: [preprocess_spikes(np.array([1.0, 3, 4, 9, 12, 20]), ids, 3)]}
        self.targets = {self.y: [1]}

    def compile(self, **arguments):
        compiler = EventPropCompiler(
            40, "sparse_categorical_crossentropy", **{"num_threads": 1, **arguments}
        )
        return compiler.compile(self.network)

    def gradients(self, **arguments):
        compiled = self.compile(**arguments)
        _, gradients = compiled.gradients(self.inputs, self.targets)
        assert compiled.spike_counts[self.h].min() >= 2
        return gradients[self.c]["g"]


@pytest.mark.parametrize("neuron", [Wordy(), NewModel(), NewDefaults()], ids=lambda n: type(n))
@pytest.mark.parametrize(
    "arguments", [{}, {"reg_lambda_upper": 0.01, "reg_nu_upper": 1.0}], ids=["", "regularised"]
)
def test_the_same_neuron_in_other_words(neuron, arguments):
    expected = Own(
        LeakyIntegrateFire(tau_mem=10.0), LeakyIntegrate(tau_mem=15.0, readout="avg_var")
    )
    expected = expected.gradients(**arguments)
    found = Own(neuron).gradients(**arguments)
    assert np.all(expected != 0.0)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_generated_code_computes_in_single_precision():
    source = Own(Wordy()).compile().engine.source
    for text in ("0.5f * Decay", "5.0e-1f * Decay", "V >= 1.0f", "using std::exp;"):
        assert text in source
    assert "using std::sqrt" not in source


def test_inference_and_checkpoints(tmp_path):
    own = Own(Wordy())
    first, second = own.compile(), own.compile()
    second.train(own.inputs, own.targets, num_epochs=2, callbacks=[])
    trained = second.predict(own.inputs, own.y, callbacks=[])[0][own.y]
    assert np.any(trained != first.predict(own.inputs, own.y, callbacks=[])[0][own.y])
    first.load_training_state(second.training_state())
    np.testing.assert_array_equal(first.predict(own.inputs, own.y, callbacks=[])[0][own.y], trained)
    second.save((), Numpy(str(tmp_path)))
    own.network.load((), Numpy(str(tmp_path)))
    inference = InferenceCompiler(40, num_threads=1).compile(own.network)
    np.testing.assert_array_equal(
        inference.predict(own.inputs, own.y, callbacks=[])[0][own.y], trained
    )


def test_recording_of_other_variables():
    own = Own(example_class()(tau_mem=10.0, beta=0.5))
    recorders = [
        VarRecorder(own.h, "a", key="a"),
        VarRecorder(own.h, genn_var="LambdaA", key="lambda"),
        VarRecorder(own.h, genn_var="LambdaI", key="i"),
    ]
    compiled = own.compile()
    _, data = compiled.train(own.inputs, own.targets, num_epochs=1, callbacks=recorders)
    (a,), (lambda_a,) = data["a"], data["lambda"]
    assert a.shape == lambda_a.shape == (40, 4)
    counts = compiled.spike_counts[own.h][0]
    assert np.all(a[0] == 0.0) and np.all(a.max(axis=0) > 0.4) and np.all(counts > 1)
    # nothing after a neuron's last spike depends on its threshold
    last = 39 - np.argmax(np.diff(a, axis=0)[::-1] > 0.0, axis=0)
    for j in range(4):
        assert np.all(lambda_a[last[j] + 1 :, j] == 0.0)
        assert np.all(lambda_a[: last[j], j] != 0.0)
        decay = lambda_a[1, j] * np.exp(-1.0 / 100.0)
        assert lambda_a[0, j] == pytest.approx(decay, rel=1e-5)


@pytest.mark.parametrize(
    ("var", "genn_var", "message"),
    [
        ("a", None, "var is 'a', allowed for population 'h' are 'v'$"),
        (None, "A", "genn_var is 'A', allowed for .* are 'V', 'LambdaI', 'LambdaV'$"),
    ],
)
def test_unknown_variables_are_named(var, genn_var, message):
    own = Own(Wordy())
    recorder = VarRecorder(own.h, var, genn_var=genn_var)
    with pytest.raises(ValueError, match=message):
        own.compile().train(own.inputs, own.targets, num_epochs=1, callbacks=[recorder])


def test_a_class_without_model():
    with pytest.raises(ValueError, match=r"'h': neurons of type Silent .* has no get_model"):
        Own(Silent()).compile()


def test_an_input_of_a_users_own():
    own = Own(Wordy())
    own.x.neuron = type("OwnInput", (Wordy,), {"is_input": True})()
    with pytest.raises(ValueError, match=r"'x': neurons of type OwnInput .* is_input is True"):
        own.compile()


def test_a_wrong_model_is_refused_before_anything_is_compiled():
    wrong = type("Wrong", (Wordy,), {"params": {"dt": 1.0}})()
    with pytest.raises(
        ValueError, match=r"^population 'h': model of Wrong: params has the name 'dt'"
    ):
        Own(wrong).compile()
    with pytest.raises(ValueError, match=r"^population 'h': model of Wrong: "):
        InferenceCompiler(40).compile(Own(wrong).network)


@pytest.mark.parametrize("neuron", [Wordy(), NewModel()], ids=lambda n: type(n).__name__)
def test_the_reference_refuses_what_it_cannot_simulate(neuron):
    message = f"population 'h': neuron model is {type(neuron).__name__}, the reference engine"
    output = LeakyIntegrate(readout="avg_var")
    own = Own(neuron, output)
    with pytest.raises(TypeError, match=message):
        own.compile(backend="reference")
    with pytest.raises(TypeError, match=message):
        check_gradients(
            own.network,
            own.inputs,
            own.targets,
            example_timesteps=40,
            losses="sparse_categorical_crossentropy",
        )


def test_the_reference_takes_other_defaults():
    Own(NewDefaults(), LeakyIntegrate(readout="avg_var")).compile(backend="reference")
