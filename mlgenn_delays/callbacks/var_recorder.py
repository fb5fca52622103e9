"""Recording of state variables."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..layer import PopulationType
from .filter import ExampleFilterType, NeuronFilterType
from .recorder import Recorder

if TYPE_CHECKING:
    from ..engines.base import RecordRequest
    from ..neurons import Neuron


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
            that of the current (row n: at the start of step n)

    Raises:
        ValueError: no variable or an unknown one, an input population
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
        if self._pop.neuron.is_input:
            raise ValueError(f"VarRecorder: input population '{self._pop}' has no variables")
        self._var = _engine_variable(var, genn_var, self._pop.neuron)

    def _request(self, examples: np.ndarray) -> RecordRequest | None:
        from ..engines.base import RecordRequest

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


def _engine_variable(var: str | None, genn_var: str | None, neuron: Neuron) -> str:
    # what variables there are does not depend on the timestep
    model = neuron.get_model(1.0, 1e-2)
    if var is not None:
        attributes = {name.lower(): name for name in model.vars}
        if var not in attributes:
            raise ValueError(
                f"VarRecorder: var is '{var}', allowed are {', '.join(map(repr, attributes))}"
            )
        return attributes[var]
    allowed = [*model.vars, *model.adjoint.vars, "LambdaI"]
    if genn_var not in allowed:
        raise ValueError(
            f"VarRecorder: var or genn_var should name a variable, genn_var is {genn_var!r}, "
            f"allowed are {', '.join(map(repr, allowed))}"
        )
    return genn_var
