"""Figures and progress bars as a notebook shows them, in a real kernel."""

from __future__ import annotations

import pytest

nbclient = pytest.importorskip("nbclient", reason="nbclient not installed")
nbformat = pytest.importorskip("nbformat", reason="nbformat not installed")
pytest.importorskip("ipykernel", reason="ipykernel not installed")

pytestmark = pytest.mark.slow

START = """
import sys, warnings
warnings.simplefilter("error")
from mlgenn_delays.plotting import plot_raster
def draw(**more):
    return plot_raster({"hidden": ([1.0, 2.0], [0, 1], 2)}, **more)
"""

#: Cells, and how many pictures each shows.
PICTURES = [
    (f"{START}draw()", 1),
    ("assert 'matplotlib.pyplot' not in sys.modules", 0),
    ("kept = draw()", 0),
    ("kept", 1),
    ("import matplotlib.pyplot as plt\ndraw()", 1),
    ("kept = draw()", 1),
    ("kept", 1),
    ("draw()\ndraw()", 2),
    ("fig, axes = plt.subplots(1, 2)\ndraw(ax=axes[0])\ndraw(ax=axes[1])", 1),
    ("assert plt.get_fignums() == []", 0),
    ("%matplotlib inline\ndraw()", 1),
    ("display(draw())\n1", 1),
    ("from mlgenn_delays.plotting import unseen\nwith unseen():\n    draw()", 0),
]

TRAINING = """
import numpy as np
from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput
from mlgenn_delays.utils.data import preprocess_spikes
with Network() as network:
    x, y = Population(SpikeInput(), 2), Population(LeakyIntegrate(readout="avg_var"), 2)
    Connection(x, y, Dense(0.1))
spikes = [preprocess_spikes([1.0], [i % 2], 2) for i in range(8)]
compiler = EventPropCompiler(10, "sparse_categorical_crossentropy", backend="reference")
labels = np.arange(8) % 2
with compiler.compile(network) as compiled:
    compiled.train({x: spikes}, {y: labels}, num_epochs=30, validation_split=0.5);
"""


def run(cells: list[str]):
    cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


def test_figures_appear_once() -> None:
    outputs = run([cell for cell, _ in PICTURES])
    shown = [sum("image/png" in o.get("data", {}) for o in of) for of in outputs]
    assert [(cell, number) for (cell, _), number in zip(PICTURES, shown)] == PICTURES
    assert not [o for of in outputs for o in of if o.output_type in ("stream", "error")]
    (first,) = outputs[0]
    # a column of 85 mm at 150 dots per inch
    assert first.metadata["image/png"]["width"] == 502


def test_training_has_one_bar() -> None:
    (outputs,) = run([TRAINING])
    bars = [o for o in outputs if "application/vnd.jupyter.widget-view+json" in o.get("data", {})]
    if bars:  # with ipywidgets
        assert len(outputs) == len(bars) == 1
        return
    assert {(o.output_type, o.name) for o in outputs} == {("stream", "stderr")}
    # one line, written anew again and again
    text = "".join(o.text for o in outputs).strip()
    assert "\n" not in text
    last = text.split("\r")[-1]
    assert last.startswith("Epoch 29/29 100%") and "validation" in last
