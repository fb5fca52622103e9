"""Compiler for training with EventProp."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from ..communicators import Communicator, check_communicator
from ..engines.create import EVENT_PROP_BACKENDS, check_backend, check_timing
from ..network import Network
from ..neurons import AdaptiveLeakyIntegrateFire, LeakyIntegrate, LeakyIntegrateFire
from ..program.program import Timing
from ..synapses import Exponential
from ..training.compiled_training_network import CompiledTrainingNetwork
from ..training.ranks import Ranks
from .build import resolve_connections, resolve_learned_weights
from .build_constants import resolve_learned_params
from .on_ranks import build_on_ranks
from .optimiser_groups import OptimiserGroups
from .settings import BuildSettings, PerPopulation
from .training_compiler import (
    TrainingCompiler,
    warn_constants_not_learned,
    warn_delays_not_learned,
)
from .weight_bounds import resolve_clamps

_SPIKING = {"relative_reset": False, "integrate_during_refrac": False, "scale_i": True}
#: Defaults for ``Network(default_params)``: what EventProp needs.
default_params: dict[type, dict[str, Any]] = {
    LeakyIntegrate: {"scale_i": True},
    LeakyIntegrateFire: _SPIKING,
    AdaptiveLeakyIntegrateFire: _SPIKING,
    Exponential: {"scale_i": True},
}


class EventPropCompiler(TrainingCompiler):
    """Compiles networks for training with EventProp: exact gradients from spikes alone.

    Sources: Wunderlich & Pehle 2021 (10.1038/s41598-021-91786-z), losses: Nowotny, Turner &
    Knight 2024 (arXiv 2212.01232), delays: Meszaros, Knight & Nowotny 2025
    (10.1038/s41467-025-65394-8).

    Args:
        example_timesteps:      length of a trial [timesteps]
        losses:                 loss or its name, for all outputs, or output -> loss
        optimiser:              optimiser of the weights, or its name
        reg_lambda_upper:       strength with which spike counts above ``reg_nu_upper`` are
                                regularised: for all hidden populations, or population ->
                                strength
        reg_lambda_lower:       the same for counts below it
        reg_nu_upper:           wanted mean number of spikes per neuron and trial
        max_spikes:             accepted for compatibility; no spike is ever dropped
        strict_buffer_checking: accepted for compatibility; there is no buffer to overflow
        per_timestep_loss:      take the loss at every timestep instead of once per trial
        dt:                     timestep [ms]
        ttfs_alpha:             strength with which the true output is pushed towards early
                                spikes (losses of spike times)
        softmax_temperature:    temperature [ms] of the softmax over first spike times
        batch_size:             examples per optimiser step, of all ranks of ``communicator``
                                together
        rng_seed:               seed of initial values and of the order of examples
        kernel_profiling:       accepted for compatibility; times are always measured
        communicator:           :class:`.Communicator` of the processes that train together, each
                                with examples of its own, see docs/how-to/clusters.md; None: one
                                process trains alone
        delay_optimiser:        optimiser of the delays, or its name; None: a copy of
                                ``optimiser``
        delay_learn_conns:      connections or layers whose delays are learned
        deep_r_conns:           must be empty: rewiring is not supported
        deep_r_l1_strength:     without effect, see ``deep_r_conns``
        deep_r_record_rewirings: without effect, see ``deep_r_conns``
        weight_learn_conns:     connections or layers whose weights are learned; None: all
        weight_optimisers:      connection or layer -> optimiser of its weights, where that is
                                to be another one than ``optimiser`` (recurrent weights often
                                want a smaller learning rate)
        clamp_weight_conns:     connection or layer -> (smallest, largest) of its learned weights:
                                numbers, or arrays that fit them as (pre, post), infinite where
                                there is no bound. Training begins within
        keep_sign_conns:        connections or layers whose weights keep the sign that training
                                begins with (Dale's law): what is not 0 goes no nearer to 0
                                than 1.2e-38, and 0 stays 0
        backend:                engine (see :func:`.create_engine`): "auto", "cpu",
                                "reference", "genn", "genn:cpu" or "genn:cuda"
        num_threads:            threads of the CPU engine; None: one per available processor
        neuron_learn_params:    population or layer -> names of parameters of its neurons that are
                                learned, such as ``["tau_mem"]``, or name -> bounds ``(low, high)``
                                within which they are kept (None, or infinite: the default); each
                                neuron has its own. The reference and the CPU engine learn them.
                                By default time constants are kept from ``dt`` to 1e9 ms,
                                ``v_thresh`` above a tenth, ``v_reset`` below a twentieth of the way
                                from rest (the highest of ``v`` and ``v_reset``) to the lowest
                                threshold, all as training begins, and ``beta`` from 0
        synapse_learn_params:   connection or layer -> the same of its synapses, ``["tau"]``: each
                                neuron that the connection ends at has its own
        constant_optimiser:     optimiser of these, or its name, without weight decay; None: a copy
                                of ``optimiser`` without it.
                                Steps of time constants are taken in their logarithm, so that the
                                learning rate is that of relative changes
        i_minus_thresh_min:     lower bound on I - threshold at a spike, which keeps gradients
                                finite where a neuron barely reaches its threshold
        timing:                 where spikes and arrivals fall: "grid", at the ends of timesteps;
                                "substep", anywhere within them, with the exact gradient of that
                                (CPU engine; the reference has no timesteps), see docs/substep.md
        genn_kwargs:            accepted for compatibility, without effect (with a warning)

    :meth:`compile` warns where ``delay_optimiser`` or the ``max_delay_steps`` of a connection have
    no effect since no connection learns delays, and where ``constant_optimiser`` has none since no
    constants are learned.

    Raises:
        NotImplementedError: ``deep_r_conns``
        ValueError, TypeError: other arguments; most are checked by :meth:`compile`
    """

    def __init__(
        self,
        example_timesteps: int,
        losses: Any,
        optimiser: Any = "adam",
        reg_lambda_upper: PerPopulation = 0.0,
        reg_lambda_lower: PerPopulation = 0.0,
        reg_nu_upper: PerPopulation = 0.0,
        max_spikes: int = 500,
        strict_buffer_checking: bool = False,
        per_timestep_loss: bool = False,
        dt: float = 1.0,
        ttfs_alpha: float = 0.01,
        softmax_temperature: float = 1.0,
        batch_size: int = 1,
        rng_seed: int = 0,
        kernel_profiling: bool = False,
        communicator: Communicator | None = None,
        delay_optimiser: Any = None,
        delay_learn_conns: Iterable[Any] = (),
        deep_r_conns: Iterable[Any] = (),
        deep_r_l1_strength: float = 0.01,
        deep_r_record_rewirings: Mapping[Any, Any] | None = None,
        *,
        weight_learn_conns: Iterable[Any] | None = None,
        weight_optimisers: Mapping[Any, Any] | None = None,
        neuron_learn_params: Mapping[Any, Any] | None = None,
        synapse_learn_params: Mapping[Any, Any] | None = None,
        constant_optimiser: Any = None,
        clamp_weight_conns: Mapping[Any, Any] | None = None,
        keep_sign_conns: Iterable[Any] = (),
        backend: str = "auto",
        num_threads: int | None = None,
        i_minus_thresh_min: float = 1e-2,
        timing: Timing = "grid",
        **genn_kwargs: Any,
    ) -> None:
        if not isinstance(deep_r_conns, Iterable) or list(deep_r_conns):
            raise NotImplementedError("deep_r_conns: rewiring (Deep R) is not supported")
        check_backend(backend, EVENT_PROP_BACKENDS)
        warn_ignored(genn_kwargs)
        self._groups = OptimiserGroups(
            optimiser, delay_optimiser, weight_optimisers, constant_optimiser
        )
        self.backend = backend
        self.settings = BuildSettings(
            timesteps=example_timesteps,
            timesteps_name="example_timesteps",
            dt=dt,
            batch_size=batch_size,
            rng_seed=rng_seed,
            num_threads=num_threads,
            training=True,
            losses=losses,
            per_timestep_loss=per_timestep_loss,
            reg_lambda_upper=reg_lambda_upper,
            reg_lambda_lower=reg_lambda_lower,
            reg_nu_upper=reg_nu_upper,
            weight_learn_conns=resolve_learned_weights(weight_learn_conns),
            delay_learn_conns=resolve_connections(delay_learn_conns, "delay_learn_conns"),
            neuron_learn_params=resolve_learned_params(neuron_learn_params, "neuron_learn_params"),
            synapse_learn_params=resolve_learned_params(
                synapse_learn_params, "synapse_learn_params"
            ),
            clamp_weight_conns=resolve_clamps(clamp_weight_conns),
            keep_sign_conns=resolve_connections(keep_sign_conns, "keep_sign_conns"),
            i_minus_thresh_min=i_minus_thresh_min,
            ttfs_alpha=ttfs_alpha,
            softmax_temperature=softmax_temperature,
            timing=timing,
        ).checked()
        check_timing(timing, backend)
        self.communicator = check_communicator(communicator, self.settings.batch_size)

    def compile(self, network: Network, name: str | None = None) -> CompiledTrainingNetwork:
        """Check a network and turn it into running code.

        Args:
            network: the description; it is not changed
            name:    accepted for compatibility, without effect

        Raises:
            ValueError, TypeError: what is wrong with the network, see ``build_program``.
            CompilerError: no C++ compiler, or it failed.
            RankError: with a communicator, another rank has failed
        """
        ranks = Ranks(self.communicator)
        with ranks.together("compile"):
            built = build_on_ranks(ranks, network, self.settings)
            if ranks.rank == 0:
                self._warn_without_effect(network)
            with ranks.first_rank_first():
                return CompiledTrainingNetwork(
                    built,
                    self.backend,
                    self.settings.num_threads,
                    *self._groups.assign(built),
                    self.settings.rng_seed,
                    ranks,
                )

    def _warn_without_effect(self, network: Network) -> None:
        settings, groups = self.settings, self._groups
        if not settings.delay_learn_conns:
            warn_delays_not_learned(network, groups.has_own_of_delays)
        learns_constants = settings.neuron_learn_params or settings.synapse_learn_params
        if groups.has_own_of_constants and not learns_constants:
            warn_constants_not_learned()


def warn_ignored(arguments: Mapping[str, Any]) -> None:
    """Warn of arguments for GeNN, which have no meaning here."""
    if arguments:
        warnings.warn(
            f"arguments without effect are ignored: {', '.join(sorted(arguments))}", stacklevel=3
        )
