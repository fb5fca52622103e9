"""What is said where nir is missing or too old; these run without it."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys, types
from importlib import metadata
{before}
try:
    import mlgenn_delays.interop.nir
except ImportError as error:
    print(error)
"""


def said(before: str) -> str:
    code = CODE.format(before=before)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_missing():
    assert said("sys.modules['nir'] = None") == (
        "NIR graphs need the package nir, but it is not installed: pip install 'mlgenn_delays[nir]'"
    )


def test_too_old():
    before = "sys.modules['nir'] = types.ModuleType('nir'); metadata.version = lambda name: '1.0.4'"
    assert said(before) == (
        "nir is version 1.0.4, needed is 1.0.7 or newer: pip install 'mlgenn_delays[nir]'"
    )


def test_package_is_not_imported_unasked():
    code = "import sys, mlgenn_delays.compilers; print({'nir', 'h5py'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
