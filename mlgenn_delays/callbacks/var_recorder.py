"""Recording of state variables."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from ..checks import ArgumentError
from ..layer import PopulationType
from ..program.exchange import RecordRequest
from ..program.program import PopulationProgram
from .filter import ExampleFilterType, NeuronFilterType
from .recorder import Recorder


class VarRecorder(Recorder):
    """Records a variable of a population at every timestep.

    The recording is a list with one array (timesteps, neurons) per example.

    Args:
        pop: population or layer
        var: name of a state variable of the neuron's model in lower case: ``"v"``, the
            voltage, or what else the neuron has (``"a"`` of AdaptiveLeakyIntegrateFire)
        key: of the recording in what training or evaluation returns
        example_filter: see :class:`.ExampleFilter`
        neuron_filter: see :func:`.get_neuron_filter_mask`
        genn_var: name of the variable in the model, instead of ``var``: ``"V"`` or, in
            training, ``"LambdaV"``, other adjoint variables of the model, and ``"LambdaI"``,
            that of the synaptic current (row n: at the start of step n). Where synapses with
            several time constants end at the population, each has a current of its own, and
            the names are ``"LambdaI0"``, ``"LambdaI1"``, ... in the order of the connections

    Raises:
        ValueError: no variable, or when a run begins, an unknown one or an input population
    """

    def __init__(
        self,
        pop: PopulationType,
        var: str | None = None,
        key: Hashable = None,
        example_filter: ExampleFilterType = None,
        neuron_filter: NeuronFilterType = None,
        genn_var: str | None = None,
    ):
        super().__init__(pop, key, example_filter, neuron_filter)
        if var is None and genn_var is None:
            raise ArgumentError("VarRecorder: var or genn_var should name a variable")
        self._names = (var, genn_var)

    def set_params(self, data: dict, compiled_network: Any, **kwargs: Any) -> None:
        super().set_params(data, compiled_network, **kwargs)
        self._var = _engine_variable(
            *self._names, compiled_network.program.populations[self._index]
        )

    def _request(self, examples: np.ndarray) -> RecordRequest | None:
        return RecordRequest(examples, variables=frozenset(((self._index, self._var),)))

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        if not np.any(self._examples):
            return
        variables = self._compiled_network.recording.variables
        if (self._index, self._var) not in variables:
            raise ValueError(
                f"VarRecorder: variable '{self._var}' of population '{self._pop}' is not "
                "available here (adjoints exist in training only)"
            )
        values = variables[self._index, self._var]
        # A copy: the recording as a whole may be much larger than what is wanted of it
        self._data.extend(values[row][:, self._neuron_mask] for row in self._rows())


def _engine_variable(var: str | None, genn_var: str | None, population: PopulationProgram) -> str:
    """Name of a variable in the model.

    Raises:
        ValueError: the population does not have it; the message says which it has
    """
    if population.is_input:
        raise ValueError(f"VarRecorder: input population '{population.name}' has no variables")
    if var is not None:
        known = {name.lower(): name for name in population.state_variables}
    else:
        names = (*population.state_variables, *population.adjoint_variables)
        known = {name: name for name in names}
    given = genn_var if var is None else var
    if given not in known:
        argument = "genn_var" if var is None else "var"
        raise ArgumentError(
            f"VarRecorder: {argument} is '{given}', allowed for population '{population.name}' are "
            f"{', '.join(map(repr, known))}"
        )
    return known[given]
