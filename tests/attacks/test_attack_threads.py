"""Several Python threads at one network, and at several: no crash, no wrong result.

Each scenario runs in a process of its own, see ``thread_scenarios``.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from thread_scenarios import SCENARIOS


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_threads(scenario, backend, rng, attempts, tally):
    script = Path(__file__).with_name("thread_scenarios.py")
    for _ in range(attempts(2, 1)):
        seed, seconds = int(rng.integers(1 << 30)), attempts(3.0, 0.7)
        command = [sys.executable, str(script), scenario, backend, str(seed), str(seconds)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        what = f"seed {seed}"
        try:
            run = subprocess.run(
                command,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        except subprocess.TimeoutExpired:
            tally.count(what, "waits for ever")
            continue
        if run.returncode != 0:
            ended = signal.Signals(-run.returncode).name if run.returncode < 0 else "an error"
            tally.count(what, f"ended with {ended}: {run.stderr[-500:]}")
            continue
        found = json.loads(run.stdout)
        for index in range(found["tried"]):
            lost = found["lost"]
            tally.count(f"{what}, call {index}", lost[index] if index < len(lost) else None)
