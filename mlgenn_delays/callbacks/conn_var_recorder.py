"""Recording of weights, delays and their gradients over training."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from ..checks import ArgumentError, describe
from ..layer import ConnectionType, get_underlying_conn
from ..program.parameters import OwnerKind, ParameterSpec
from ..program.program import ConnectionProgram
from .callback import Callback
from .filter import ExampleFilter, ExampleFilterType, NeuronFilterType, get_neuron_filter_mask

#: Gradients by their names in mlGeNN, and the parameters that they belong to.
_GRADIENTS = {"Gradient": "g", "DelayGradient": "d"}

#: Arguments that choose neurons of source and target.
_FILTERS = ("src_neuron_filter", "trg_neuron_filter")


class ConnVarRecorder(Callback):
    """Records a variable of a connection in every batch.

    Nothing changes within a trial, so the recording is a list with one array for each batch that
    has an example to record: weights and delays as the batch found them, gradients as it left
    them, of the mean loss over its examples. Arrays have the shape (pre, post) of dense
    connections, (synapses,) of sparse ones, (neurons,) where a parameter belongs to neurons of the
    target, of the neurons that are chosen, and (entries,) where synapses share a parameter. They
    are float32, on the reference float64.

    Args:
        conn: connection or layer
        genn_var: ``"g"``, weights; ``"d"``, delays [timesteps], where synapses have their own;
            ``"tau"``, time constants [ms], where neurons of the target have their own; in training
            and where they are learned ``"Gradient"``, that of weights, and ``"DelayGradient"``
            [per timestep]
        key: of the recording in what training or evaluation returns
        example_filter: see :class:`.ExampleFilter`; with 0, the recording has one array per epoch
        src_neuron_filter: of the source, see :func:`.get_neuron_filter_mask`
        trg_neuron_filter: of the target, likewise

    Raises:
        TypeError: ``conn`` is no connection, ``genn_var`` no text, ``key`` cannot be one
        ValueError: filters that do not fit; when a run begins, a connection of another network, a
            variable that it does not have, filters where synapses share the parameter, one of the
            source where it belongs to neurons of the target; when evaluation begins, a gradient
    """

    copy_for_list = True

    def __init__(
        self,
        conn: ConnectionType,
        genn_var: str,
        key: Hashable = None,
        example_filter: ExampleFilterType = None,
        src_neuron_filter: NeuronFilterType = None,
        trg_neuron_filter: NeuronFilterType = None,
    ):
        self._conn = get_underlying_conn(conn)
        if not isinstance(genn_var, str):
            raise TypeError(
                "ConnVarRecorder: genn_var should be the name of a variable, not "
                f"{describe(genn_var)}"
            )
        if not isinstance(key, Hashable):
            raise TypeError(
                "ConnVarRecorder: key should be a text or another value that can be a key, not "
                f"{describe(key)}"
            )
        self._var, self.key = genn_var, key
        self._example_filter = ExampleFilter(example_filter)
        self._filters = (src_neuron_filter, trg_neuron_filter)
        ends = self._conn.source(), self._conn.target()
        for chosen, population, name in zip(self._filters, ends, _FILTERS, strict=True):
            if chosen is not None and population is not None:
                # a bad one is refused at once
                get_neuron_filter_mask(chosen, population.shape, name)
        self._data: list[np.ndarray] = []

    def set_params(self, data: dict, compiled_network: Any, **kwargs: Any) -> None:
        self._compiled_network = compiled_network
        program, known = compiled_network.program, list(compiled_network.connection_populations)
        if self._conn not in known:
            raise ArgumentError(
                f"ConnVarRecorder: connection '{self._conn}' is not in the compiled network"
            )
        connection = program.connections[known.index(self._conn)]
        parameters = program.parameters_of(OwnerKind.CONNECTION, connection.index)
        gradients = {
            name: parameters[of]
            for name, of in _GRADIENTS.items()
            if of in parameters and program.learns(parameters[of])
        }
        allowed = {**parameters, **gradients}
        if self._var not in allowed:
            raise ArgumentError(
                f"ConnVarRecorder: genn_var is {self._var!r}, connection '{self._conn}' has "
                f"{', '.join(map(repr, allowed))}"
            )
        self._is_gradient = self._var in gradients
        self._parameter = allowed[self._var]
        shapes = [program.populations[i].shape for i in (connection.source, connection.target)]
        spec = program.parameters[self._parameter]
        of_synapses = self._parameter in (connection.weight, connection.delay)
        self._shape = spec.shape
        if of_synapses and spec.map is None:  # Synaptic delays are stored flat
            self._shape = connection.synapse_shape
        if self._filters == (None, None):
            self._chosen: Any = ...
        elif of_synapses:
            self._chosen = self._choose_synapses(spec, connection, shapes)
        else:
            self._chosen = self._choose_targets(spec, shapes)
        self._data = data[self.key] = []

    def _choose_synapses(
        self, spec: ParameterSpec, connection: ConnectionProgram, shapes: list[tuple[int, ...]]
    ) -> Any:
        """Index of the synapses between neurons that are chosen."""
        if spec.map is not None:
            raise ArgumentError(
                f"ConnVarRecorder: synapses of connection '{self._conn}' share {spec.name!r}, "
                "which neuron filters do not apply to"
            )
        pre, post = map(get_neuron_filter_mask, self._filters, shapes, _FILTERS)
        if connection.is_sparse:
            return pre[connection.pre_ind] & post[connection.post_ind]
        return np.ix_(pre, post)

    def _choose_targets(self, spec: ParameterSpec, shapes: list[tuple[int, ...]]) -> np.ndarray:
        """Mask of neurons of the target."""
        of_source, of_target = self._filters
        if of_source is not None:
            raise ArgumentError(
                f"ConnVarRecorder: {spec.name!r} of connection '{self._conn}' belongs to neurons "
                f"of the target, src_neuron_filter is {describe(of_source)}, allowed is None"
            )
        return get_neuron_filter_mask(of_target, shapes[1], _FILTERS[1])

    def on_test_begin(self) -> None:
        if self._is_gradient:
            raise ValueError(
                f"ConnVarRecorder: {self._var!r} can be recorded in training only, there are no "
                "gradients in validation and evaluation"
            )

    def on_batch_begin(self, batch: int) -> None:
        size = self._compiled_network.batch_size
        self._wanted = bool(np.any(self._example_filter.get_batch_mask(batch, size)))
        if self._wanted and not self._is_gradient:
            self._take(self._compiled_network.engine.get_parameter(self._parameter))

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        if self._wanted and self._is_gradient:
            # summed over processes, where there are several
            self._take(self._compiled_network.last_gradients()[self._parameter])

    def _take(self, values: np.ndarray) -> None:
        self._data.append(np.array(values.reshape(self._shape)[self._chosen]))

    def get_data(self) -> tuple[Hashable, list[np.ndarray]]:
        """Key and recording."""
        return self.key, self._data
