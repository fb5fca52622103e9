"""Compiler for predictions."""

from __future__ import annotations

from typing import Any

from ..checks import check_flag
from ..communicators import Communicator, check_communicator
from ..engines.create import check_backend, check_timing
from ..network import Network
from ..program.program import Timing
from ..training.compiled_inference_network import CompiledInferenceNetwork
from ..training.ranks import Ranks
from .event_prop_compiler import warn_ignored
from .on_ranks import build_on_ranks
from .settings import BuildSettings, compiler_text


class InferenceCompiler:
    """Compiles networks for inference. Every batch starts from the initial state, and
    delays are rounded as in training: outputs are those of the trained network.

    Args:
        evaluate_timesteps:           length of a trial [timesteps]
        dt:                           timestep [ms]
        batch_size:                   largest number of examples simulated at once
        rng_seed:                     seed of initial values that are drawn
        kernel_profiling:             accepted for compatibility; times are always measured
        prefer_in_memory_connect:     accepted for compatibility, without effect
        reset_time_between_batches:   must be True
        reset_vars_between_batches:   must be True
        reset_in_syn_between_batches: accepted for compatibility; synaptic currents are
                                      always reset
        communicator:                 :class:`.Communicator` of processes that evaluate
                                      together, each examples of its own: metrics are those of
                                      all, ``batch_size`` is divided; None: there is one process
        backend:                      engine (see :func:`.create_engine`): "auto", "cpu",
                                      "reference", "genn", "genn:cpu", "genn:cuda", "torch",
                                      "torch:cpu" or "torch:cuda"
        num_threads:                  threads of the CPU engine; None: one per available
                                      processor
        timing:                       "grid" or "substep", as the network was trained with, see
                                      :class:`.EventPropCompiler`
        genn_kwargs:                  accepted for compatibility, without effect (with a warning)

    Raises:
        NotImplementedError: a reset that is switched off
        ValueError, TypeError: other arguments
    """

    def __init__(
        self,
        evaluate_timesteps: int,
        dt: float = 1.0,
        batch_size: int = 1,
        rng_seed: int = 0,
        kernel_profiling: bool = False,
        prefer_in_memory_connect: bool = True,
        reset_time_between_batches: bool = True,
        reset_vars_between_batches: bool = True,
        reset_in_syn_between_batches: bool = False,
        communicator: Communicator | None = None,
        *,
        backend: str = "auto",
        num_threads: int | None = None,
        timing: Timing = "grid",
        **genn_kwargs: Any,
    ) -> None:
        for name, value in (
            ("reset_time_between_batches", reset_time_between_batches),
            ("reset_vars_between_batches", reset_vars_between_batches),
        ):
            if not check_flag(value, name):
                raise NotImplementedError(
                    f"{name} is False, which is not supported: every batch starts afresh"
                )
        check_backend(backend)
        warn_ignored(genn_kwargs)
        self.backend = backend
        self.settings = BuildSettings(
            timesteps=evaluate_timesteps,
            timesteps_name="evaluate_timesteps",
            dt=dt,
            batch_size=batch_size,
            rng_seed=rng_seed,
            num_threads=num_threads,
            timing=timing,
        ).checked()
        check_timing(timing, backend)
        self.communicator = check_communicator(communicator, self.settings.batch_size)

    def __repr__(self) -> str:
        return compiler_text(self, {})

    def compile(self, network: Network, name: str | None = None) -> CompiledInferenceNetwork:
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
            threads = self.settings.num_threads
            with ranks.first_rank_first():
                return CompiledInferenceNetwork(built, self.backend, threads, ranks)
