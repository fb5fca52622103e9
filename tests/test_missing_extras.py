"""What is said where an optional package is missing: one line, with what to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

#: Distributions' modules that are no dependency of the package.
OPTIONAL = (
    *(
        "dask",
        "distributed",
        "h5py",
        "ml_genn",
        "mpi4py",
        "nir",
        "pandas",
        "pyarrow",
        "pygenn",
        "scipy",
    ),
    *("sphinx", "submitit", "tonic", "torch", "ziglang"),
)

#: Makes them look as if they were not installed; ziglang is not imported, but looked for.
_BLOCK = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OPTIONAL!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
sys.modules["ziglang"] = None
"""

SMALL = "--quick --hidden 4 --limit 12 --epochs 1"

#: Experiments' options, exit code, and what the last line on the screen says.
COMMANDS = [
    ("braille --method dcls --quick", 2, "mlgenn_delays[torch]"),
    ("braille --backend genn --quick", 2, "GeNN needs PyGeNN"),
    ("recipe dcls_shd --quick", 2, "mlgenn_delays["),
    ("scaling yin_yang --quick --executor dask --seeds 0 --sizes 4", 1, "mlgenn_delays[dask]"),
    ("scaling yin_yang --quick --executor slurm --seeds 0 --sizes 4", 1, "mlgenn_delays[slurm]"),
]


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a Python that has none of the optional packages."""
    command = [sys.executable, "-c", _BLOCK + code]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


def run(words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run ``mlgenn-delays`` there."""
    code = f"sys.argv = ['mlgenn-delays', *{words.split()!r}]\n"
    code += "from mlgenn_delays.__main__ import main\nsys.exit(main())"
    return python(code, folder)


@pytest.mark.parametrize(("words", "code", "expected"), COMMANDS)
def test_commands(words: str, code: int, expected: str, tmp_path: Path) -> None:
    ended = run(words, tmp_path)
    last = ended.stderr.rstrip("\n").rpartition("\n")[2]
    assert expected in last and ": error: " in last, ended.stderr
    assert (ended.returncode, "Traceback" in ended.stderr) == (code, False)


def test_what_needs_none_of_them(tmp_path: Path) -> None:
    """All modules that a script without options uses; an experiment with its pictures."""
    ended = run(f"yin_yang {SMALL} --out out", tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "out" / "summary.json").is_file()


#: Functions of the package, and what their error says.
CALLS = [
    (
        "from mlgenn_delays.datasets.heidelberg.parse import require_h5py; require_h5py()",
        "mlgenn_delays[shd]",
    ),
    ("from mlgenn_delays.audio.requirements import scipy_module; scipy_module('fft')", "[speech]"),
    (
        "from mlgenn_delays.engines.torch.availability import choose_device as f; f('torch')",
        "[torch]",
    ),
    ("import mlgenn_delays.genn", "GeNN needs PyGeNN"),
    ("from mlgenn_delays.communicators import MPI; MPI()", "mlgenn_delays[mpi]"),
    (
        "import os\nos.environ.update(PATH='', CXX='')\n"
        "from mlgenn_delays.engines.cpu.toolchain import find_compiler; find_compiler()",
        "mlgenn_delays[compiler]",
    ),
]


@pytest.mark.parametrize(("code", "expected"), CALLS)
def test_functions(code: str, expected: str, tmp_path: Path) -> None:
    ended = python(code, tmp_path)
    last = ended.stderr.rstrip("\n").rpartition("\n")[2]
    assert "Error: " in last and expected in last, ended.stderr
