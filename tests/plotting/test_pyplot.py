"""Figures and pyplot, in processes of their own: what is drawn in this one should not meet it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

#: A backend of pyplot that says what it shows.
BACKEND = """
from matplotlib._pylab_helpers import Gcf
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

class FigureManager(FigureManagerBase):
    @classmethod
    def pyplot_show(cls, *, block=None):
        print("shown:", [tuple(m.canvas.figure.get_size_inches().round(2).tolist())
                         for m in Gcf.get_all_fig_managers()])

class FigureCanvas(FigureCanvasAgg):
    manager_class = FigureManager
"""

START = """
import sys, threading
import numpy as np
from mlgenn_delays import plotting
def draw(**more):
    return plotting.plot_raster({"hidden": ([1.0, 2.0], [0, 1], 2)}, **more)
"""


def script(text: str, folder: Path, backend: str = "module://telling_backend") -> str:
    (folder / "telling_backend.py").write_text(BACKEND)
    (folder / "script.py").write_text(START + text)
    result = subprocess.run(
        [sys.executable, "-W", "error", folder / "script.py"],
        cwd=folder,
        env={**os.environ, "MPLBACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_show_of_pyplot_shows_figures(tmp_path: Path) -> None:
    text = """
import matplotlib.pyplot as plt
plotting.plot_confusion([[1, 0], [0, 1]], ["A", "B"])
draw()
plotting.plot_learning_curve([0, 1], {"Training": [2, 1]}, {"Training": [0, 1]})
plotting.plot_delays({"a": [1.0, 2.0]})
plotting.plot_voltages(np.ones((4, 2)))
plt.show()
"""
    shown = script(text, tmp_path)
    assert shown.startswith("shown: [") and shown.count("(") == 5
    assert "(3.35, 1.57)" in shown  # as large as they were made


def test_pyplot_is_not_imported(tmp_path: Path) -> None:
    text = """
plotting.save_figure(draw(), "x.png")
draw()._repr_png_()
print([m for m in sys.modules if "pyplot" in m or "IPython" in m])
"""
    assert script(text, tmp_path) == "[]\n"


def test_files_are_not_shown(tmp_path: Path) -> None:
    """Neither those of studies nor those of other threads, which windows do not belong to."""
    text = """
import matplotlib.pyplot as plt
with plotting.unseen():
    draw()
thread = threading.Thread(target=draw)
thread.start(); thread.join()
plt.show()
draw()
plt.show()
"""
    assert script(text, tmp_path) == "shown: []\nshown: [(3.35, 1.57)]\n"


def test_axes_of_the_user(tmp_path: Path) -> None:
    """Their figure is shown, once, in the user's style."""
    text = """
import matplotlib.pyplot as plt
plt.rcParams.update({"font.size": 21.0, "legend.fontsize": 19.0})
figure, axes = plt.subplots(1, 3)
found = [
    draw(ax=axes[0]),
    plotting.plot_delays({"a": [1.0, 2.0]}, ax=axes[1]),
    plotting.plot_voltages(np.ones((4, 2)), ax=axes[2]),
]
assert found == [figure] * 3
assert axes[0].xaxis.label.get_fontsize() == 21.0
assert axes[2].get_legend().get_texts()[0].get_fontsize() == 19.0
parts = plt.figure().subfigures(1, 2)
assert draw(ax=parts[1].subplots()) is not parts[1]
plt.show()
"""
    assert script(text, tmp_path) == "shown: [(6.4, 4.8), (6.4, 4.8)]\n"


def test_style_stays_with_other_settings(tmp_path: Path) -> None:
    """What is looked up while a figure is drawn, such as fonts, is not the user's."""
    text = """
import matplotlib.pyplot as plt
def pixels():
    canvas = plotting.plot_voltages(-np.ones((4, 2))).canvas
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).copy()
before = pixels()
changed = {"font.size": 21.0, "xtick.labelsize": 25.0, "axes.unicode_minus": False,
           "font.sans-serif": ["DejaVu Sans Mono"]}
plt.rcParams.update(changed)
print(np.array_equal(pixels(), before), all(plt.rcParams[k] == v for k, v in changed.items()))
"""
    assert script(text, tmp_path) == "True True\n"


def test_backend_without_display(tmp_path: Path) -> None:
    """Of somebody who wanted no window anyway."""
    text = """
import matplotlib.pyplot as plt
plotting.save_figure(draw(), "x.png")
print(plt.get_fignums())
"""
    (tmp_path / "no_display.py").write_text("raise ImportError('no display')")
    assert script(text, tmp_path, "module://no_display") == "[]\n"
    assert (tmp_path / "x.png").exists()
