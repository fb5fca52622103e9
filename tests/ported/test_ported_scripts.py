"""Scripts written for ml_genn run, and learn, after nothing but their import root is changed.

The scripts beside this file have the shape of mlGeNN's published EventProp examples: the same
calls with the same arguments in the same order. Here ``ml_genn`` is replaced in their text.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mpi_processes import mpiexec

import mlgenn_delays

HERE = Path(__file__).parent

#: Seconds; an idle machine needs 2 to 4.
TIME_LIMIT = 120


@pytest.fixture
def run(tmp_path):
    """Function (name of a script, whether with MPI) -> what it prints, after replacing the import
    root."""

    def run_script(name: str, in_processes: bool = False) -> str:
        text = (HERE / f"{name}.py").read_text(encoding="utf-8")
        assert "mlgenn_delays" not in text, "the script should be written for ml_genn"
        ported, replaced = re.subn(r"\bml_genn\b", "mlgenn_delays", text)
        assert replaced > 5
        script = tmp_path / "script.py"
        script.write_text(ported, encoding="utf-8")
        root = Path(mlgenn_delays.__file__).parents[1]
        path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
        command, environment = ("-W", "error::UserWarning", str(script)), {**os.environ}
        environment["PYTHONPATH"] = path
        if in_processes:
            result = mpiexec(*command, folder=tmp_path, environment=environment)
        else:
            result = subprocess.run(
                [sys.executable, *command],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=TIME_LIMIT,
                check=False,
            )
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run_script


def number(output: str, name: str) -> float:
    """The last number printed as ``name = number`` or ``name: number``."""
    return float(re.findall(rf"\b{name}(?: =|:) (\S+?)%?$", output, re.MULTILINE)[-1])


def test_latency_coded_pictures_with_checkpoints_and_inference(run, tmp_path):
    output = run("latency_patterns")
    assert number(output, "Training accuracy") > 90.0
    assert number(output, "Accuracy") > 90.0  # four classes; of weights loaded from files
    assert number(output, "Neuron update time") > 0.0
    files = {p.name for p in (tmp_path / "latency_checkpoints").iterdir()}
    assert {f.split("-")[0] for f in files} == {str(epoch) for epoch in range(10)}


@pytest.mark.mpi
def test_pictures_in_two_processes(run, tmp_path):
    output = run("latency_patterns_mpi", in_processes=True)
    found = re.findall(r"^Accuracy of 320 = (\S+)%$", output, re.MULTILINE)  # of both ranks
    assert len(found) == 2 and found[0] == found[1] and float(found[0]) > 80.0
    assert "rank 0 / 2" in output and "rank 1 / 2" in output
    assert len(list((tmp_path / "latency_mpi_checkpoints").iterdir())) == 2 * 8


def test_first_spikes_with_a_schedule(run):
    assert number(run("yin_yang_first_spike"), "Accuracy") > 70.0  # three classes


def test_sequences_that_only_delays_can_tell_apart(run):
    output = run("sequence_detection")
    before, after = (float(a) for a in re.findall(r"^Accuracy.* = (\S+)%$", output, re.MULTILINE))
    assert abs(before - 50.0) < 5.0
    assert after > 99.0


def test_regression_with_recorders_and_a_schedule(run):
    output = run("wave_regression")
    errors = [float(e) for e in re.findall(r"Total MSE: (\S+)", output)]
    assert len(errors) == 5
    # the waves themselves have a mean square of 0.5
    assert errors[-1] < 0.02
    assert "hidden spikes: 0 " not in output


def test_learned_delays_with_callbacks_and_woken_neurons(run):
    output = run("learned_delays")
    assert number(output, "Accuracy") > 80.0  # four classes
    assert len(re.findall(r"^Epoch \d+: silent neurons \d+", output, re.MULTILINE)) == 30
    assert abs(number(output, "Mean delay") - 30.0) > 0.02  # it began at 30


def test_convolution_of_latency_coded_pictures(run):
    """The shape of mlGeNN's latency_mnist_conv."""
    output = run("latency_convolution")
    assert number(output, "Training accuracy") > 80.0
    assert number(output, "Accuracy") > 80.0  # three classes; of weights loaded from files
    assert number(output, "Kernel") == 4 * 4 * 8
