"""Runs networks on the CPU engine with all that can be asked of it.

    python exercise.py SEED NUMBER THREADS STEP

runs the covering networks and a number of drawn ones, on so many threads at least; of all of them
one in STEP.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from covering_programs import EXAMPLES, CoveringProgram, covering_programs

from mlgenn_delays.engines.cpu import CpuEngine, abi, codegen
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.program.exchange import Batch, OutputGradient, RecordRequest
from mlgenn_delays.training.learning_network import evaluate_losses

#: Examples of the batches that a network runs, one after the other; those of a long trial.
BATCHES = (range(EXAMPLES), (2, 0, 4), (1,))
FEW = ((2, 0, 4),)


def compile_all(programs: list[CoveringProgram]) -> None:
    """Fill the cache, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        for engine in pool.map(lambda p: CpuEngine(p.built.program, 1), programs):
            engine.close()


def exercise(program: CoveringProgram, threads: int = 1) -> None:
    """Batches forwards and backwards, steps of Adam, recordings, parameters at their bounds and
    beyond all of them."""
    engine = CpuEngine(program.built.program, max(program.threads, threads))
    batches = BATCHES if engine.program.timesteps < 1000 else FEW
    try:
        for number, rows in enumerate(batches):
            _run(engine, program, np.array(rows, np.int64), number)
            time.sleep(0.005)  # threads that wait for work go to sleep
        for i, spec in enumerate(program.built.program.parameters):
            if spec.is_bounded:
                # some have no upper bound, and large weights make too many spikes
                largest = {"g": 2.0, "d": np.inf}.get(spec.name, 50.0)
                engine.set_parameter(i, spec.clip(np.full(spec.shape, largest, np.float32)))
        _run(engine, program, np.array(batches[0], np.int64), len(batches))
        for population in program.built.program.populations:
            engine.spikes(0, population.index)
        if engine.program.training:
            _diverge(engine, program)
    finally:
        engine.close()


def _run(engine: CpuEngine, program: CoveringProgram, rows: np.ndarray, number: int) -> None:
    """One batch; every second one is recorded."""
    batch = Batch(program.data.inputs, rows)
    request = _everything(engine) if number % 2 == 0 else None
    result = engine.forward(batch, request)
    if not engine.program.training:
        return
    _, gradients = evaluate_losses(program.built, result, program.data, batch)
    engine.backward(gradients, request)
    engine.apply_gradients(_rules(engine), number)
    assert all(np.isfinite(value).all() for value in engine.get_parameters())
    # an engine takes gradients of readouts alone, too, and records single variables
    one = _everything(engine, 1)
    engine.forward(batch, one)
    ones = {i: OutputGradient(readout=np.ones_like(y)) for i, y in result.readouts.items()}
    engine.backward(ones, one)


def _rules(engine: CpuEngine) -> dict[int, Adam]:
    specs = engine.program.parameters
    return {i: Adam(0.01 if specs[i].name == "g" else 2.0) for i in engine.learned}


def _diverge(engine: CpuEngine, program: CoveringProgram) -> None:
    """A step with gradients that are no numbers, and a batch with the parameters that it leaves."""
    batch = Batch(program.data.inputs, np.array(FEW[0], np.int64))
    result = engine.forward(batch)
    nothing = {
        i: OutputGradient(readout=np.full_like(y, np.nan)) for i, y in result.readouts.items()
    }
    engine.backward(nothing)
    engine.apply_gradients(_rules(engine), 0)
    engine.forward(batch)


def _everything(engine: CpuEngine, most: int | None = None) -> RecordRequest:
    """Spikes and all variables of every second example, or ``most`` variables of each kind."""
    populations = engine.program.populations
    return RecordRequest(
        np.arange(engine.program.batch_size) % 2 == 0,
        frozenset(p.index for p in populations if p.is_spiking),
        frozenset(
            (p.index, name)
            for p in populations
            for name in (*p.state_variables[:most], *p.adjoint_variables[:most])
        ),
    )


def prepare_process() -> None:
    """Sanitizers watch this process, not the compilers that it starts. Where AddressSanitizer does,
    it gets to know that arrays end where they end: engines take a little more, to begin on a
    cache line."""
    os.environ.pop("LD_PRELOAD", None)
    poison = getattr(ctypes.CDLL(None), "__asan_poison_memory_region", None)
    if poison is None:
        return
    poison.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    aligned_zeros, kept = abi.aligned_zeros, []

    def guarded(size: int, dtype: type) -> np.ndarray:
        array = aligned_zeros(size, dtype)
        raw = array.base if array.base.dtype == np.uint8 else array.base.base
        before = array.ctypes.data - raw.ctypes.data
        poison(raw.ctypes.data, before)
        poison(array.ctypes.data + array.nbytes, raw.nbytes - before - array.nbytes)
        kept.append(array)  # NumPy would give freed memory to others
        return array

    abi.aligned_zeros = guarded


def run_wrong(right: str, wrong: str) -> None:
    """The first network that learns and whose code has something, with something wrong in its
    place."""
    generate = codegen.generate
    chosen = next(
        p
        for p in covering_programs(0, 0)
        if p.threads > 1
        and p.built.program.parameters[0].learned
        and right in generate(p.built.program)
    )
    codegen.generate = lambda program: generate(program).replace(right, wrong)
    prepare_process()
    exercise(chosen)


def main(seed: int, number: int, threads: int, step: int) -> None:
    """Each network is named before it runs."""
    prepare_process()
    programs = covering_programs(seed, number)[::step]
    compile_all(programs)
    for program in programs:
        print(program.label, flush=True)
        exercise(program, threads)
    print("done")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
