"""Building GeNN models: the cache, engines side by side, and what is said when it goes wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from genn_backend import BACKEND, ON_CPU
from genn_cases import RANGE, SCE, SETTINGS, assert_same_results, cpu_engine, recurrent
from programs import Case, ProgramBuilder

from mlgenn_delays.engines.code_cache import CompilerError
from mlgenn_delays.neurons import LeakyIntegrateFire

pytest.importorskip("pygenn")
pytest.importorskip("ml_genn")

from mlgenn_delays.engines.genn import build
from mlgenn_delays.engines.genn.engine import GennEngine
from mlgenn_delays.engines.genn.models import weight_update_model
from mlgenn_delays.engines.genn.program_compiler import ProgramCompiler

pytestmark = pytest.mark.genn


def small(seed: int = 4) -> Case:
    return recurrent(batch=2, delays=(RANGE, 2, None), seed=seed)


def genn_engine(case: Case) -> GennEngine:
    return case.engine(GennEngine, BACKEND)


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "genn"


@pytest.fixture
def calls(monkeypatch):
    """Calls of make."""
    calls = []
    real = subprocess.check_call

    def check_call(command, **kwargs):
        calls.append(command)
        return real(command, **kwargs)

    monkeypatch.setattr("pygenn.genn_model.check_call", check_call)
    return calls


# --- the cache


def test_same_program_is_built_once(empty_cache, calls, capfd):
    for seed in (4, 5):  # the same program with other parameters
        genn_engine(small(seed)).close()
    assert len(calls) == 1
    (folder,) = empty_cache.iterdir()
    assert "make" not in capfd.readouterr().out
    assert folder.name.startswith("mlgenn_delays")


def test_nothing_is_written_to_the_current_folder(empty_cache, tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    genn_engine(small()).close()
    assert list(folder.iterdir()) == []


def test_another_process_was_faster(empty_cache, monkeypatch):
    """What it made is used, and ours is thrown away."""
    case = small()
    expected = case.gradients(genn_engine(case))
    (finished,) = empty_cache.iterdir()
    hidden = finished.rename(empty_cache.parent / "hidden")
    real = os.rename

    def too_late(source, target):
        if target == finished:
            real(hidden, target)
        real(source, target)

    monkeypatch.setattr(build.os, "rename", too_late)
    gradients = case.gradients(genn_engine(case))
    assert list(empty_cache.iterdir()) == [finished]
    for found, values in zip(gradients, expected, strict=True):
        for name in values:
            np.testing.assert_array_equal(found[name], values[name])


def wired(crossed: bool, receptors: tuple[float, float] = (5.0, 8.0)) -> Case:
    """Two inputs to two hidden populations, straight or crossed; names say nothing of it."""
    builder = ProgramBuilder(seed=3, timesteps=30, batch=2)
    inputs = [builder.input(3, name=name) for name in "ab"]
    hidden = [builder.hidden(4, name=name) for name in "cd"]
    last = builder.output(2, SCE)
    for i in range(2):
        builder.connect(inputs[i], hidden[i ^ crossed], 3.0 + i, 0.5)
    for population, tau in zip(hidden, receptors):
        builder.connect(population, last, 0.5, 0.5, tau_syn=tau)
    case = builder.build()
    named = tuple(replace(c, name=f"c{i}") for i, c in enumerate(case.connections))
    return replace(case, connections=named)


def with_receptors(order: tuple[int, int]) -> Case:
    """Connections onto the output that take its two receptors in this order."""
    case = wired(False, (5.0, 5.0))
    for index, receptor in zip((2, 3), order):
        case = case.with_connection(index, receptor=receptor)
    return case.with_population(4, taus_syn=(5.0, 5.0))


def with_voltage(**neuron) -> Case:
    hidden = LeakyIntegrateFire(tau_mem=10.0, **{"v_reset": -0.5, **neuron})
    return small().with_population(1, neuron=hidden)


#: Pairs of programs that differ in one thing that neither names nor sizes tell.
PAIRS = {
    "initial voltage": (lambda: with_voltage(v=0.1), lambda: with_voltage(v=0.6)),
    "reset voltage": (lambda: with_voltage(v_reset=-0.1), lambda: with_voltage(v_reset=-0.6)),
    "ends of connections": (lambda: wired(False), lambda: wired(True)),
    "order of receptors": (lambda: wired(False), lambda: wired(False, (8.0, 5.0))),
    "constant delay": (
        lambda: recurrent(batch=2, delays=(3, None, None)),
        lambda: recurrent(batch=2, delays=(4, None, None)),
    ),
    "timestep": (lambda: small(), lambda: small().with_settings(dt=0.5)),
    "bound on I - theta": (lambda: small(), lambda: small().with_settings(i_minus_thresh_min=0.5)),
    "readout": (
        lambda: recurrent(batch=2),
        lambda: recurrent(batch=2, readout="max_var"),
    ),
}


def fingerprint(case: Case, **settings) -> str:
    """What tells whether code can be used again."""
    compiler = ProgramCompiler(case.program, 1, "single_threaded_cpu", **settings)
    return compiler.compile_program("name").fingerprint


@pytest.mark.parametrize("name", PAIRS)
def test_programs_that_differ_have_other_code(name):
    first, second = (make() for make in PAIRS[name])
    assert fingerprint(first) == fingerprint(first) != fingerprint(second)


@pytest.mark.parametrize("name", ["initial voltage", "ends of connections"])
def test_programs_do_not_get_each_others_code(name):
    for make in PAIRS[name]:
        case = make()
        engine = genn_engine(case)
        assert_same_results(case, engine, cpu_engine(case), np.arange(2))
        engine.close()


def test_which_receptor_a_connection_ends_at_is_part_of_the_code():
    orders = ((0, 0), (0, 1), (1, 0), (1, 1))
    assert len({fingerprint(with_receptors(order)) for order in orders}) == 4


@pytest.mark.parametrize("setting", [{"kernel_profiling": True}, {"optimize_code": False}])
def test_settings_of_genn_are_part_of_the_key(setting):
    assert fingerprint(small()) != fingerprint(small(), **setting)


def renamed(case: Case, prefix: str) -> Case:
    """The case with other names for all its parts."""
    populations = tuple(replace(p, name=f"{prefix}_{p.name}") for p in case.populations)
    connections = tuple(replace(c, name=None) for c in case.connections)
    return replace(case, populations=populations, connections=connections)


def test_names_are_no_part_of_the_code(empty_cache, calls):
    """Networks that a process describes one after the other number what has no name."""
    cases = [renamed(small(seed), prefix) for seed, prefix in ((4, "z"), (5, "a"))]
    engines = [genn_engine(case) for case in cases]
    assert len(calls) == 1
    for case, engine in zip(cases, engines):
        assert_same_results(case, engine, cpu_engine(case), np.arange(2))
        engine.close()


@pytest.mark.parametrize(("backend", "same"), [("cuda", False), ("single_threaded_cpu", True)])
def test_code_for_a_gpu_is_that_of_its_kind(monkeypatch, backend, same):
    network = SimpleNamespace(fingerprint="f", model=SimpleNamespace(backend_name=backend))
    keys = set()
    for kind in ("NVIDIA A100 8.0", "NVIDIA H200 9.0"):
        monkeypatch.setattr(build, "gpu_kinds", lambda kind=kind: (kind,))
        keys.add(build._key(network))
    assert (len(keys) == 1) is same


def test_a_range_of_zero_needs_no_ring():
    """GeNN's CUDA code has none of one slot."""
    case = SETTINGS["learned delays with a range of zero"]()
    for connection in case.program.connections:
        text = weight_update_model(case.program, connection).model
        assert "addToPost(" in text["pre_spike_syn_code"]
        assert "addToPostDelay" not in text["pre_spike_syn_code"]


# --- engines side by side


def test_engines_of_one_program_do_not_share_memory():
    """Their code is the same file, which the system loads but once."""
    first, second = small(4), small(5)
    assert fingerprint(first) == fingerprint(second)
    engines = genn_engine(first), genn_engine(second)
    for _ in range(2):
        for case, engine in zip((first, second), engines):
            assert_same_results(case, engine, cpu_engine(case), np.arange(2))
    engines[1].close()
    assert_same_results(first, engines[0], cpu_engine(first), np.arange(2))
    engines[0].close()
    engines[0].close()  # does no harm


# --- errors


@pytest.mark.skipif(not ON_CPU, reason="GeNN ends a process whose CUDA compiler fails")
def test_code_that_does_not_compile(empty_cache, monkeypatch):
    monkeypatch.setenv("CXX", "false")
    with pytest.raises(CompilerError, match="code that GeNN generated could not be compiled"):
        genn_engine(small())
    assert list(empty_cache.iterdir()) == []


def test_model_that_genn_refuses(empty_cache, monkeypatch):
    """A mistake in a snippet is no matter of the compiler: GeNN's own message is shown."""
    case = with_voltage()

    class Broken(LeakyIntegrateFire):
        def get_model(self, dt, i_minus_thresh_min):
            model = super().get_model(dt, i_minus_thresh_min)
            return replace(model, sim_code="V = Alpha * Unknown;")

    with pytest.raises(RuntimeError):
        genn_engine(case.with_population(1, neuron=Broken(tau_mem=10.0)))
    assert list(empty_cache.iterdir()) == []


@pytest.mark.skipif(not ON_CPU, reason="GeNN ends a process whose CUDA compiler fails")
def test_no_make(empty_cache, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompilerError, match=r"program 'make', which was not found; install it"):
        genn_engine(small())


@pytest.mark.parametrize(
    ("path", "message"),
    [(None, "CUDA_PATH names, which is not set"), ("cuda", r"nvcc .*, and it is not in .*cuda;")],
)
def test_no_compiler_for_cuda(monkeypatch, tmp_path, path, message):
    """GeNN itself would end the process."""
    if path is None:
        monkeypatch.delenv("CUDA_PATH", raising=False)
    else:
        monkeypatch.setenv("CUDA_PATH", str(tmp_path / path))
    model = SimpleNamespace(backend_name="cuda", _built=False)
    with pytest.raises(CompilerError, match=message):
        build.load(SimpleNamespace(model=model))


def test_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(blocked / "cache"))
    with pytest.raises(CompilerError, match=r"cannot be written.*MLGENN_DELAYS_CACHE"):
        genn_engine(small())


def test_a_disk_that_is_full(empty_cache, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build.code_cache.tempfile, "TemporaryDirectory", full)
    with pytest.raises(CompilerError, match=r"cache.*No space left.*MLGENN_DELAYS_CACHE"):
        genn_engine(small())


def test_a_library_that_is_damaged(empty_cache, calls, caplog):
    """Loading it would end the process."""
    case = small()
    genn_engine(case).close()
    library = next(empty_cache.glob("**/librunner.so"))
    library.write_bytes(library.read_bytes()[:-4096])
    engine = genn_engine(case)
    assert_same_results(case, engine, cpu_engine(case), np.arange(2))
    assert len(calls) == 2 and len(list(empty_cache.iterdir())) == 1
    assert [r.message for r in caplog.records] == [
        f"{library} in the cache was damaged and is made again"
    ]


def test_a_library_of_another_network(empty_cache):
    """With its own seal."""
    genn_engine(with_voltage(v=0.1)).close()
    (other,) = empty_cache.iterdir()
    case = with_voltage(v=0.6)
    genn_engine(case).close()
    (folder,) = set(empty_cache.iterdir()) - {other}
    shutil.rmtree(folder)
    shutil.copytree(other, folder)
    assert_same_results(case, genn_engine(case), cpu_engine(case), np.arange(2))


def test_a_library_that_cannot_be_loaded(empty_cache):
    genn_engine(small()).close()
    library = next(empty_cache.glob("**/librunner.so"))
    library.write_bytes(b"no library")
    name = library.parent.parent.name
    build.code_cache.seal(library, name)
    with pytest.raises(CompilerError, match=rf"cannot be loaded.*delete .*{name}"):
        genn_engine(small())
