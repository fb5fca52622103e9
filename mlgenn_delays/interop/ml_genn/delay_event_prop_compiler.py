"""mlGeNN's compiler extended with EventProp for learned delays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from ml_genn import losses as ml_losses
from ml_genn.compilers import Compiler
from ml_genn.optimisers import Optimiser, default_optimisers
from ml_genn.utils.module import get_object
from ml_genn.utils.network import get_underlying_conn, get_underlying_pop
from pygenn import SynapseMatrixType

from ... import losses
from ...checks import check_sequence
from ...compilers.build import build_program
from ...compilers.settings import BuildSettings
from ...compilers.training_compiler import refuse_communicator, warn_delays_not_learned
from ...engines.genn.availability import choose_backend
from ...engines.genn.engine import count_lanes
from ...engines.genn.program_compiler import ProgramCompiler
from .compiled_delay_network import CompiledDelayNetwork
from .conversion import Conversion, from_ml_genn

#: Losses that both packages have: mlGeNN's class -> ours.
_LOSSES = {
    ml_losses.SparseCategoricalCrossentropy: losses.SparseCategoricalCrossentropy,
    ml_losses.MeanSquareError: losses.MeanSquareError,
    ml_losses.RelativeMeanSquareError: losses.RelativeMeanSquareError,
}


class DelayEventPropCompiler(Compiler):
    """Compiles an ``ml_genn.Network`` for training of weights and delays with EventProp.

    Takes the place of mlGeNN's ``EventPropCompiler``, whose arguments it has. Different
    from it:

    - a batch runs forwards, then backwards, and its gradients are applied at its end, not at
      the end of the next batch;
    - any ``batch_size`` works on GeNN's CPU backend: examples run one after the other and
      their gradients add up, so that training is that of a GPU;
    - spikes are never dropped: the spike tape grows, whatever ``max_spikes`` is;
    - synapses with different time constants may end at one population;
    - delays are rounded, with a slot for the largest;
    - V is propagated exactly; mlGeNN averages the current over a timestep, a difference of
      order dt.

    Sources: Wunderlich & Pehle 2021 (10.1038/s41598-021-91786-z), Nowotny, Turner & Knight
    2024 (arXiv 2212.01232), Meszaros, Knight & Nowotny 2025 (10.1038/s41467-025-65394-8).

    Args:
        example_timesteps:      length of a trial [timesteps]
        losses:                 ml_genn loss or its name, for all outputs, or output -> loss
        optimiser:              ml_genn optimiser of the weights, or its name
        reg_lambda_upper:       strength with which spike counts above ``reg_nu_upper`` are
                                regularised: for all hidden populations, or population ->
                                strength
        reg_lambda_lower:       the same for counts below it
        reg_nu_upper:           wanted mean number of spikes per neuron and trial
        max_spikes:             accepted for compatibility; no spike is ever dropped
        strict_buffer_checking: accepted for compatibility; the buffer cannot overflow
        per_timestep_loss:      take the loss at every timestep instead of once per trial
        dt:                     timestep [ms]
        ttfs_alpha:             strength with which the true output is pushed towards early
                                spikes (losses of spike times)
        softmax_temperature:    temperature [ms] of the softmax over first spike times
        batch_size:             examples per optimiser step
        rng_seed:               seed of initial weights and delays
        kernel_profiling:       have GeNN measure the time of its kernels
        communicator:           must be None
        delay_optimiser:        ml_genn optimiser of the delays; None: ``optimiser``
        delay_learn_conns:      connections or layers whose delays are learned
        weight_learn_conns:     connections or layers whose weights are learned; None: all
        i_minus_thresh_min:     lower bound on I - threshold at a spike
        backend:                "genn" (CUDA where there is a GPU, else the CPU), "genn:cpu"
                                or "genn:cuda"
        genn_kwargs:            settings of ``pygenn.GeNNModel``; ``optimize_code`` is True
                                unless given

    :meth:`compile` warns where ``delay_optimiser`` or the ``max_delay_steps`` of a connection have
    no effect since no connection learns delays.

    Raises:
        NotImplementedError: ``communicator``
        ValueError: ``backend`` cannot run here; other arguments are checked by ``compile``
    """

    def __init__(
        self,
        example_timesteps: int,
        losses: Any,
        optimiser: Any = "adam",
        reg_lambda_upper: Any = 0.0,
        reg_lambda_lower: Any = 0.0,
        reg_nu_upper: float = 0.0,
        max_spikes: int = 500,
        strict_buffer_checking: bool = False,
        per_timestep_loss: bool = False,
        dt: float = 1.0,
        ttfs_alpha: float = 0.01,
        softmax_temperature: float = 1.0,
        batch_size: int = 1,
        rng_seed: int = 0,
        kernel_profiling: bool = False,
        communicator: Any = None,
        delay_optimiser: Any = None,
        delay_learn_conns: Iterable[Any] = (),
        *,
        weight_learn_conns: Iterable[Any] | None = None,
        i_minus_thresh_min: float = 1e-2,
        backend: str = "genn",
        **genn_kwargs: Any,
    ):
        refuse_communicator(communicator, "DelayEventPropCompiler")
        self._genn_backend = choose_backend(backend)
        super().__init__(
            [SynapseMatrixType.DENSE, SynapseMatrixType.SPARSE],
            dt,
            batch_size,
            rng_seed,
            kernel_profiling,
            None,
            **genn_kwargs,
        )
        self.example_timesteps = example_timesteps
        self.losses = losses
        self._regularisers = {
            "reg_lambda_upper": reg_lambda_upper,
            "reg_lambda_lower": reg_lambda_lower,
            "reg_nu_upper": reg_nu_upper,
        }
        self._learn_conns = (weight_learn_conns, delay_learn_conns)
        self._optimiser = get_object(optimiser, Optimiser, "Optimiser", default_optimisers)
        self._given_delay_optimiser = delay_optimiser is not None
        # a copy where it is None, as in mlGeNN: schedules change it once, not twice
        self._delay_optimiser = get_object(
            self._optimiser if delay_optimiser is None else delay_optimiser,
            Optimiser,
            "Optimiser",
            default_optimisers,
        )
        self._settings: dict[str, Any] = {
            "per_timestep_loss": per_timestep_loss,
            "ttfs_alpha": ttfs_alpha,
            "softmax_temperature": softmax_temperature,
            "i_minus_thresh_min": i_minus_thresh_min,
        }

    def compile(self, network: Any, name: str | None = None, **kwargs: Any) -> CompiledDelayNetwork:
        """Check a network and build its GeNN model.

        Args:
            network: ``ml_genn.Network``; it is not changed
            name:    of the GeNN model

        Raises:
            ValueError, TypeError: what is wrong with the network, by population or connection
        """
        conversion = from_ml_genn(network)
        settings = self._build_settings(conversion)
        built = build_program(conversion.network, settings)
        if not settings.delay_learn_conns:
            warn_delays_not_learned(conversion.network, self._given_delay_optimiser)
        program = built.program
        # copies: what is done to the compiler's afterwards is without effect
        optimiser, delay_optimiser = deepcopy(self._optimiser), deepcopy(self._delay_optimiser)
        delays = {c.delay for c in program.connections}
        by_parameter = {
            i: delay_optimiser if i in delays else optimiser
            for i in range(len(program.parameters))
            if program.learns(i)
        }
        compiler = ProgramCompiler(
            program,
            count_lanes(program, self._genn_backend),
            self._genn_backend,
            by_parameter.__getitem__,
            frozenset(p.index for p in program.populations if p.record_spikes),
            self.rng_seed,
            self.kernel_profiling,
            **self.genn_kwargs,
        )
        genn = compiler.compile_program(name or "delay_event_prop")
        groups = [
            (o, [i for i, of in by_parameter.items() if of is o])
            for o in (optimiser, delay_optimiser)
        ]
        return CompiledDelayNetwork(
            built, conversion, genn, [(o, parameters) for o, parameters in groups if parameters]
        )

    def _build_settings(self, conversion: Conversion) -> BuildSettings:
        weights, delays = self._learn_conns
        return BuildSettings(
            timesteps=self.example_timesteps,
            timesteps_name="example_timesteps",
            dt=self.dt,
            batch_size=self.batch_size,
            rng_seed=self.rng_seed,
            training=True,
            losses=self._losses(conversion),
            weight_learn_conns=(
                None if weights is None else _connections(conversion, weights, "weight_learn_conns")
            ),
            delay_learn_conns=_connections(conversion, delays, "delay_learn_conns"),
            **{n: _per_population(conversion, v) for n, v in self._regularisers.items()},
            **self._settings,
        )

    def _losses(self, conversion: Conversion) -> Any:
        if isinstance(self.losses, Mapping):
            return {
                conversion[get_underlying_pop(p)]: _loss(loss) for p, loss in self.losses.items()
            }
        return _loss(self.losses)


def _loss(loss: Any) -> Any:
    """Our counterpart of a loss of mlGeNN; names are the same in both."""
    if isinstance(loss, str):
        return loss
    if type(loss) not in _LOSSES:
        raise ValueError(
            f"losses: {type(loss).__name__} is not supported, allowed are "
            f"{', '.join(known.__name__ for known in _LOSSES)}"
        )
    return _LOSSES[type(loss)](**vars(loss))


def _connections(conversion: Conversion, connections: Any, name: str) -> frozenset[Any]:
    given = check_sequence(connections, name, "connections")
    return frozenset(conversion[get_underlying_conn(c)] for c in given)


def _per_population(conversion: Conversion, value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {conversion[get_underlying_pop(p)]: v for p, v in value.items()}
