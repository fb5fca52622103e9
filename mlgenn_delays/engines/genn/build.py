"""Building GeNN models, with a cache of what GeNN's code generator and the compiler made.

The cache lies beside that of the CPU engine (``$MLGENN_DELAYS_CACHE`` or the user's cache
directory). A model is found again by the hash of its snippets, sizes and settings.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pygenn

from ...version import __version__
from .. import code_cache
from ..code_cache import CompilerError
from ..waiting import waiting
from .availability import gpu_kinds
from .program_compiler import GeNNNetwork

_ANNOUNCEMENT = "Compiling the network with GeNN; it is kept for the next time"


def load(network: GeNNNetwork, num_recording_timesteps: int | None = None) -> None:
    """Load a GeNN model, after generating and compiling its code unless that is cached.

    Args:
        num_recording_timesteps: length of a trial, where GeNN's own recording is used

    Raises:
        CompilerError: the C++ compiler failed, the cache directory cannot be written, or
            what it holds is damaged
    """
    root = code_cache.cache_dir() / "genn"
    with _explained(root):
        if not network.model._built:
            _build(network, root)
        _load_copy(network.model, root, num_recording_timesteps)


def _build(network: GeNNNetwork, root: Path) -> None:
    if network.model.backend_name == "cuda":
        _check_nvcc()
    finished = root / f"{network.model.name}-{_key(network)}"
    library = _library(network.model, finished)
    if code_cache.is_usable(library, finished.name):
        # GeNN reads nothing but the library then
        network.model.build(f"{finished}{os.sep}", never_rebuild=True)
        return
    with code_cache.aside(root) as folder:
        made = folder / finished.name
        made.mkdir()
        with _quiet_make(), waiting(_ANNOUNCEMENT):
            network.model.build(f"{made}{os.sep}")
        code_cache.seal(_library(network.model, made), finished.name)
        if not code_cache.is_intact(library, finished.name):
            _move(made, finished, folder / "damaged")
        network.model._path_to_model = f"{finished}{os.sep}"


def _check_nvcc() -> None:
    """GeNN calls the compiler from threads of its own: where it is missing, the process ends."""
    root = os.environ.get("CUDA_PATH")
    if not root:
        raise CompilerError(
            "GeNN looks for CUDA in the folder that the environment variable CUDA_PATH names, "
            "which is not set; set it (or take the backend 'genn:cpu')"
        )
    if not (Path(root) / "bin" / "nvcc").is_file():
        raise CompilerError(
            "GeNN compiles for CUDA with bin/nvcc in the folder that the environment variable "
            f"CUDA_PATH names, and it is not in {root}; set CUDA_PATH to that of CUDA"
        )


def _library(model: Any, folder: Path) -> Path:
    """What is loaded of a model; on all systems that are supported it has this name."""
    return folder / f"{model.name}_CODE" / "librunner.so"


def _load_copy(model: Any, root: Path, num_recording_timesteps: int | None) -> None:
    """Load a copy of the library: it holds memory of the model in global variables, and a
    process has each file but once, so that networks of equal code would share them."""
    finished = Path(model._path_to_model)
    unneeded = shutil.ignore_patterns("*.cc", "*.o", "*.d", "*.h")
    # what is loaded can be deleted; where it cannot, the copy stays for a day
    with code_cache.aside(root) as folder:
        library = _library(model, folder)
        shutil.copytree(_library(model, finished).parent, library.parent, ignore=unneeded)
        if not code_cache.is_intact(library, finished.name):
            raise CompilerError(f"{finished} was damaged; compile the network again")
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
            model._path_to_model = f"{finished}{os.sep}"


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


def _move(made: Path, finished: Path, damaged: Path) -> None:
    """Move what was made into place, and what is there aside."""
    with suppress(FileNotFoundError):
        os.rename(finished, damaged)
    try:
        os.rename(made, finished)
    except OSError:
        if not finished.exists():  # else another process was faster
            raise
    code_cache.sync_folder(finished.parent)


def _key(network: GeNNNetwork) -> str:
    made_by = (network.fingerprint, str(pygenn.__version__), __version__, code_cache.processor())
    # machines that share a cache may differ in their GPUs alone, and code runs on one kind
    gpus = () if network.model.backend_name == "single_threaded_cpu" else gpu_kinds()
    return hashlib.sha256("\0".join((*made_by, *gpus)).encode()).hexdigest()[:20]


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
