"""Every tutorial runs as a script, ends in a picture, and is of the form for sphinx-gallery."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"
TUTORIALS = sorted(FOLDER.glob("tutorial_*.py"))

#: Runs a script and writes what its last ``plt.show()`` would have shown.
RUN = """
import runpy, sys
import matplotlib.pyplot as plt

def show():
    plt.savefig(sys.argv[2])
    plt.close("all")

if __name__ == "__main__":  # tutorials may start processes, which import this
    plt.show = show
    runpy.run_path(sys.argv[1], run_name="__main__")
"""


def test_there_are_seven() -> None:
    numbers = [path.name.split("_")[1] for path in TUTORIALS]
    assert numbers == ["1", "2", "3", "4", "5", "6", "7"]


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_form(path: Path) -> None:
    """A title above a line, the number of the file, text in blocks, a picture after the last code
    but one, and lines that a page can show."""
    text = path.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring is not None
    title, line = docstring.splitlines()[:2]
    assert title.startswith(path.name.split("_")[1] + ". ")
    assert line == "=" * len(title)
    *_, last_but_one, last = text.split("\n# %%\n")
    assert last_but_one.rstrip().endswith("plt.show()")
    assert all(row.startswith("#") for row in last.splitlines()), "text ends a tutorial"


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_runs(path: Path, tmp_path: Path) -> None:
    script, picture = tmp_path / "run.py", tmp_path / "last.png"
    script.write_text(RUN, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", script, path, picture],
        env={**os.environ, "MPLBACKEND": "agg"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert picture.stat().st_size > 5_000, "the last picture is empty"
