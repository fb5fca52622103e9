"""Building GeNN models, with a cache of what GeNN's code generator and the compiler made.

The cache lies beside that of the CPU engine (``$MLGENN_DELAYS_CACHE`` or the user's cache
directory). A model is found again by the hash of its snippets, sizes and settings.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pygenn

from ...version import __version__
from ..code_cache import CompilerError, cache_dir, processor
from .program_compiler import GeNNNetwork


def load(network: GeNNNetwork, num_recording_timesteps: int | None = None) -> None:
    """Load a GeNN model, after generating and compiling its code unless that is cached.

    Args:
        num_recording_timesteps: length of a trial, where GeNN's own recording is used

    Raises:
        CompilerError: the C++ compiler failed, the cache directory cannot be written, or
            what it holds is damaged
    """
    root = cache_dir() / "genn"
    with _explained(root):
        if not network.model._built:
            _build(network, root)
        _load_copy(network.model, root, num_recording_timesteps)


def _build(network: GeNNNetwork, root: Path) -> None:
    finished = root / f"{network.model.name}-{_key(network)}"
    root.mkdir(parents=True, exist_ok=True)
    if finished.exists():
        network.model.build(f"{finished}{os.sep}", never_rebuild=True)
        return
    # Built aside and moved into place, so that processes that start together do not
    # meet each other's half-written files.
    aside = Path(tempfile.mkdtemp(dir=root))
    try:
        with _quiet_make():
            network.model.build(f"{aside}{os.sep}")
        network.model._path_to_model = f"{_move(aside, finished)}{os.sep}"
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _load_copy(model: Any, root: Path, num_recording_timesteps: int | None) -> None:
    """Load a copy of the library: it holds memory of the model in global variables, and a
    process has each file but once, so that networks of equal code would share them."""
    finished = model._path_to_model
    code = f"{model.name}_CODE"
    unneeded = shutil.ignore_patterns("*.cc", "*.o", "*.d", "*.h")
    # what is loaded can be deleted; where it cannot, the copy stays
    with tempfile.TemporaryDirectory(dir=root, ignore_cleanup_errors=True) as folder:
        shutil.copytree(Path(finished, code), Path(folder, code), ignore=unneeded)
        model._path_to_model = f"{folder}{os.sep}"
        try:
            model.load(num_recording_timesteps)
        except RuntimeError as error:
            if "load library" not in str(error):
                raise
            raise CompilerError(
                f"the library that was compiled for the network cannot be loaded ({error}); "
                f"delete {finished}"
            ) from error
        finally:
            model._path_to_model = finished


@contextmanager
def _explained(root: Path) -> Iterator[None]:
    """What to do about errors of the system and of the compiler."""
    try:
        yield
    except OSError as error:
        if error.filename == "make":
            raise CompilerError(
                "GeNN builds its code with the program 'make', which was not found; install it"
            ) from error
        raise CompilerError(
            f"the cache directory {root} cannot be written ({error}); "
            "set the environment variable MLGENN_DELAYS_CACHE to another one"
        ) from error
    except subprocess.CalledProcessError as error:
        raise CompilerError(
            f"the code that GeNN generated could not be compiled ({error}); "
            "the compiler's messages are above"
        ) from error


def _move(made: Path, finished: Path) -> Path:
    try:
        os.rename(made, finished)
    except OSError:
        if not finished.exists():  # else another process was faster
            raise
    return finished


def _key(network: GeNNNetwork) -> str:
    made_by = "\0".join((network.fingerprint, str(pygenn.__version__), __version__, processor()))
    return hashlib.sha256(made_by.encode()).hexdigest()[:20]


@contextmanager
def _quiet_make() -> Iterator[None]:
    """GeNN calls make, which would announce the folders it enters."""
    before = os.environ.get("MAKEFLAGS")
    os.environ["MAKEFLAGS"] = f"{before or ''} --no-print-directory -s".strip()
    try:
        yield
    finally:
        if before is None:
            del os.environ["MAKEFLAGS"]
        else:
            os.environ["MAKEFLAGS"] = before
