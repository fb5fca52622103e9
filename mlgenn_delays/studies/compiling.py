"""Compiling a network for training by the method that is asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlgenn_delays import Connection
from mlgenn_delays.compilers import CompiledTrainingNetwork, EventPropCompiler, SurrogateCompiler
from mlgenn_delays.models import ClassifierNetwork, LearningSettings
from mlgenn_delays.optimisers import Adam

from .config import RunConfig
from .methods import is_surrogate
from .task import Task, TaskData

#: Timesteps of a trial, at least: fewer leave nothing of the times of spikes.
FEWEST_TIMESTEPS = 10

#: Arguments of losses of first spike times, which surrogates do not have.
_OF_SPIKE_TIMES = ("softmax_temperature", "ttfs_alpha")


def count_timesteps(duration: float, dt: float) -> int:
    """Timesteps of a trial.

    Args:
        duration: of a trial [ms]
        dt: timestep [ms]

    Raises:
        ValueError: there are too few.
    """
    # the tolerance keeps e.g. 130 ms at dt = 0.1 ms at 1300 steps
    timesteps = math.ceil(duration / dt - 1e-6)
    if timesteps < FEWEST_TIMESTEPS:
        raise ValueError(
            f"dt is {dt:g}, allowed are at most {duration / FEWEST_TIMESTEPS:g}: trials of "
            f"{duration:g} ms have at least {FEWEST_TIMESTEPS} timesteps"
        )
    return timesteps


def weight_rate(
    connection: Connection, network: ClassifierNetwork, learning: LearningSettings
) -> float:
    """Learning rate of the weights of a connection."""
    if connection.target() is network.output:
        return learning.lr * learning.output_lr
    if connection.target() is connection.source():
        return learning.lr * learning.recurrent_lr
    return learning.lr


def compile_network(
    task: Task, network: ClassifierNetwork, config: RunConfig, data: TaskData
) -> CompiledTrainingNetwork:
    """Compile a network for training by the method that is asked for.

    Raises:
        ValueError: settings that the compiler refuses.
        CompilerError: there is no C++ compiler.
        ImportError: there is no PyTorch.
    """
    learning = config.learning
    arguments = {
        **_arguments(network, config, count_timesteps(data.duration, config.network.dt)),
        "losses": task.loss(config),
        **task.compiler_arguments(config),
    }
    if is_surrogate(config):
        arguments = {n: v for n, v in arguments.items() if n not in _OF_SPIKE_TIMES}
        arguments.update(surrogate_arguments(network, config))
        arguments.update(task.surrogate_arguments(network, config))
        return SurrogateCompiler(**arguments).compile(network.network)
    compiler = EventPropCompiler(
        **arguments,
        i_minus_thresh_min=learning.i_minus_thresh_min,
        timing=config.network.timing,
        **(learned_constants(network, config) if config.neuron.learn_time_constants else {}),
    )
    return compiler.compile(network.network)


def learned_constants(network: ClassifierNetwork, config: RunConfig) -> dict[str, Any]:
    """Arguments of ``EventPropCompiler``: time constants of hidden neurons and their synapses."""
    onto_hidden = [c for c in network.connections.values() if c.target() in network.hidden]
    return dict(
        neuron_learn_params={layer: ["tau_mem"] for layer in network.hidden},
        synapse_learn_params={connection: ["tau"] for connection in onto_hidden},
        constant_optimiser=Adam(config.learning.constant_lr),
    )


def optimisers_of_weights(
    rates: Mapping[Connection, float], learning: LearningSettings, kind: type[Adam] = Adam
) -> dict[str, Any]:
    """Arguments of compilers: an optimiser, and those of connections with another rate.

    Args:
        rates: of the weights of each connection
        kind: of the optimisers
    """
    own = {c: rate for c, rate in rates.items() if rate != learning.lr}
    decay = learning.weight_decay
    return dict(
        optimiser=kind(learning.lr, weight_decay=decay),
        weight_optimisers={c: kind(rate, weight_decay=decay) for c, rate in own.items()},
    )


def _arguments(network: ClassifierNetwork, config: RunConfig, timesteps: int) -> dict[str, Any]:
    """Arguments that compilers have in common."""
    learning, dt = config.learning, config.network.dt
    rates = {c: weight_rate(c, network, learning) for c in network.connections.values()}
    return dict(
        example_timesteps=timesteps,
        **optimisers_of_weights(rates, learning),
        reg_lambda_upper=learning.reg_lambda,
        reg_lambda_lower=learning.reg_lambda,
        reg_nu_upper=learning.reg_nu,
        dt=dt,
        batch_size=learning.batch_size,
        rng_seed=config.seed,
        delay_optimiser=Adam(learning.delay_lr / dt) if network.delay_learn_conns else None,
        delay_learn_conns=network.delay_learn_conns,
        backend=config.backend,
        num_threads=config.threads,
    )


def surrogate_arguments(network: ClassifierNetwork, config: RunConfig) -> dict[str, Any]:
    """Arguments that ``SurrogateCompiler`` has besides: DCLS spreads delays by a Gaussian, DelRec
    by a triangle."""
    wanted, is_delrec = config.surrogate, config.method == "delrec"
    learned, hidden = network.delay_learn_conns, network.hidden
    kind = "triangle" if is_delrec else "gaussian"
    return dict(
        surrogate=wanted.surrogate,
        surrogate_slope=wanted.surrogate_slope,
        differentiate_reset=wanted.differentiate_reset,
        spread={c: kind for c in learned},
        spread_width=wanted.spread_width,
        spread_decay=spread_decay(config),
        spread_min_width=wanted.spread_min_width,
        learned_width_conns=learned if is_delrec and wanted.learned_widths else [],
        fractional_delays=wanted.fractional_delays,
        batch_norm=hidden if wanted.batch_norm else [],
        bias=[*hidden, network.output] if wanted.bias else [],
        dropout={layer: wanted.dropout for layer in hidden},
        current_dropout={layer: wanted.current_dropout for layer in hidden},
        recurrent_dropout={layer: wanted.recurrent_dropout for layer in hidden},
    )


def spread_decay(config: RunConfig) -> float:
    """Factor by which the width shrinks in each epoch. As published where none is given: DCLS
    reaches its last width in a quarter of the epochs, DelRec takes 0.95 for a run of 100."""
    wanted, epochs = config.surrogate, config.learning.epochs
    if wanted.spread_decay is not None:
        return wanted.spread_decay
    if config.method == "delrec":
        return float(0.95 ** (100.0 / epochs))
    first = spread_width(config)
    return float(min(wanted.spread_min_width / first, 1.0) ** (4.0 / epochs))


def spread_width(config: RunConfig) -> float:
    """Width of the first epoch [timesteps]."""
    if config.surrogate.spread_width is not None:
        return config.surrogate.spread_width
    longest = config.network.max_delay / config.network.dt
    return 10.0 if config.method == "delrec" else max(0.5 * longest, 1e-6)
