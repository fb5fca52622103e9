"""Files for chips, and what becomes of a network in them."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nir

from ...checks import check_mapping, check_path
from ...compilers.inference_compiler import InferenceCompiler
from ...files import atomic_write
from ...network import Network
from ...training.built_network import BuiltNetwork
from ...training.compiled_network import CompiledNetwork
from .quantise import ConnectionChange, Precision, quantise_weights, round_delays_to
from .read import from_nir
from .report import RoundTripReport
from .snapshot import current_state
from .stages import StageRunner
from .write import check_area, what_others_miss, write_program


def export_nir(
    network: Network | CompiledNetwork,
    path: str | os.PathLike[str],
    delay_steps: int | None = 62,
    delay_bits: int | None = 8,
    weight_bits: int | None = 8,
    x: Mapping[Any, Any] | None = None,
    y: Mapping[Any, Any] | None = None,
    *,
    compiler: InferenceCompiler | None = None,
    metrics: Any = "sparse_categorical_accuracy",
    spike_area: float = 1.0,
) -> RoundTripReport:
    """Write a network as a NIR file for chips that keep delays and weights in few bits, such as
    Loihi 2, and report what it loses.

    Delays become whole multiples of a number of timesteps (1, unless ``delay_bits`` are too few
    for all delays up to ``delay_steps``), the nearest, of two the later; longer ones are clipped.
    Weights become whole numbers from -(2^(bits-1) - 1) to 2^(bits-1) - 1 times one scale per
    connection, that of its largest weight; 0 stays 0. The scale is in the metadata of the Linear.

    With data, the report has metrics and spikes of the network as it is, with delays rounded, with
    weights quantised, too, and of what is read back from the file: the last two should be the same.
    The same NIR graphs have given accuracies of 48.6 to 95 % on different platforms (Pedersen et
    al. 2024, 10.1038/s41467-024-52259-9): compare what a chip says with the last line.

    Args:
        network:     compiled network (trained or not), or description
        path:        of the file (HDF5); one that exists is replaced once the new one is complete
        delay_steps: largest delay [timesteps]; None: any that ``delay_bits`` can count to
        delay_bits:  bits of a delay; None: any number, and with ``delay_steps`` None, too, delays
            are left as they are
        weight_bits: bits of a weight with its sign, 2 to 24; None: weights are left as they are
        x:           input population or layer -> sequence of ``PreprocessedSpikes``; None: nothing
            is run
        y:           output population or layer -> labels or targets; None: no metrics
        compiler:    for a description: how it is run, and its ``dt`` and ``rng_seed``; None: dt is
            1 ms, and nothing can be run
        metrics:     metric or its name, as in ``evaluate``
        spike_area:  see :func:`.to_nir`

    Raises:
        TypeError: neither a network nor a compiled network
        ValueError: bad arguments, or what NIR cannot say, before anything is written
        OSError: the file cannot be written
    """
    precision = Precision(delay_steps, delay_bits, weight_bits)
    area = check_area(spike_area)
    target = Path(check_path(path, "path"))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"path is {os.fspath(path)!r}, whose folder does not exist")
    compiler = _compiler(network, compiler, x)
    built = current_state(network, compiler.settings)
    rounded, delay_changes = round_delays_to(built.program, precision)
    quantised, weight_changes = quantise_weights(rounded, precision)
    scales = {n: c["weight_scale"] for n, c in weight_changes.items() if c["weight_scale"]}
    graph = write_program(quantised, area, scales)
    runner = _run_before(compiler, built, x, y, metrics)
    if runner is not None:
        runner.run_program("delays rounded", built, rounded)
        runner.run_program("weights quantised", built, quantised)
    _write(graph, target)
    read = from_nir(target)
    if runner is not None:
        runner.run_network("read back", read)
    return RoundTripReport(
        path=str(target),
        precision=precision,
        stages=() if runner is None else tuple(runner.stages),
        connections=tuple(
            ConnectionChange(c.name, **delay_changes[c.name], **weight_changes[c.name])
            for c in quantised.connections
        ),
        notes=tuple(what_others_miss(quantised)),
    )


def _compiler(
    network: Network | CompiledNetwork, compiler: InferenceCompiler | None, x: Any
) -> InferenceCompiler:
    if isinstance(network, CompiledNetwork):
        if compiler is not None:
            raise ValueError(
                "compiler was given with a compiled network, which has its own; omit it"
            )
        program = network.program
        return InferenceCompiler(
            program.timesteps,
            program.dt,
            program.batch_size,
            num_threads=network.engine.num_threads,
            timing=program.timing,
        )
    if compiler is None and x is not None:
        raise ValueError(
            "compiler is missing, it says how a network is run on x; pass "
            "compiler=InferenceCompiler(evaluate_timesteps, dt=...), or a compiled network"
        )
    return InferenceCompiler(1) if compiler is None else compiler


def _run_before(
    compiler: InferenceCompiler, built: BuiltNetwork, x: Any, y: Any, metrics: Any
) -> StageRunner | None:
    """The first stage, and what runs the others; None without data."""
    if x is None:
        if y is not None:
            raise ValueError("y was given without x; pass both, or x alone to compare spikes")
        return None
    check_mapping(x, "x", "populations")
    runner = StageRunner(compiler, x, y, metrics)
    runner.run_program("as it is", built, built.program)
    return runner


def _write(graph: nir.NIRGraph, path: Path) -> None:
    buffer = io.BytesIO()  # HDF5 reads what it writes, and a file half written must not be seen
    nir.write(buffer, graph)
    with atomic_write(path) as file:
        file.write(buffer.getbuffer())
