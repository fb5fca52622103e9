"""``backend=`` of the compilers: refused at once where the engine cannot run."""

from __future__ import annotations

import sys

import pytest

from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.engines import create
from mlgenn_delays.engines.create import create_engine

COMPILERS = {
    "training": lambda backend: EventPropCompiler(
        10, "sparse_categorical_crossentropy", backend=backend
    ),
    "inference": lambda backend: InferenceCompiler(10, backend=backend),
    "engine": lambda backend: create_engine(None, backend),
}


@pytest.mark.parametrize("make", COMPILERS.values(), ids=COMPILERS)
@pytest.mark.parametrize("backend", ["genn", "genn:cpu", "genn:cuda"])
@pytest.mark.parametrize("package", ["pygenn", "ml_genn"])
def test_genn_that_is_not_installed(monkeypatch, make, backend, package):
    """Before anything is compiled, in one line that says where to get it."""
    for name in [n for n in sys.modules if n.split(".")[0] in ("pygenn", "ml_genn")]:
        monkeypatch.delitem(sys.modules, name)
    if package == "ml_genn":
        pytest.importorskip("pygenn")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError) as error:
        make(backend)
    (line,) = str(error.value).splitlines()
    assert f"{package} is not installed" in line or f"{package} cannot be imported" in line
    assert "https://genn-team.github.io/genn" in line
    assert "https://github.com/genn-team/ml_genn" in line


@pytest.mark.parametrize("make", COMPILERS.values(), ids=COMPILERS)
def test_backend_that_does_not_exist(make):
    with pytest.raises(ValueError, match=r"backend is 'gen', allowed are 'auto', 'cpu', .*'genn:c"):
        make("gen")


@pytest.mark.parametrize("make", COMPILERS.values(), ids=COMPILERS)
def test_backend_that_cannot_run_here(monkeypatch, make):
    def refuse(name):
        raise ValueError(f"{name} cannot run here")

    monkeypatch.setattr(create, "choose_backend", refuse)
    with pytest.raises(ValueError, match="genn:cuda cannot run here"):
        make("genn:cuda")
