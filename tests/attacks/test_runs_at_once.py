"""Several runs that write to one folder at the same time, and screens that go away."""

from __future__ import annotations

import os
import time

import pytest
from small_runs import RUN, difference, results

from mlgenn_delays.studies.reports.table import read_table

SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def expected(server, tmp_path_factory):
    """Results of each seed alone."""
    folder = tmp_path_factory.mktemp("alone")
    assert server.run("order", *RUN, "--seeds", *SEEDS, "--out", folder).code == 0
    return [results(folder / f"seed-{seed}") for seed in SEEDS]


def test_one_folder(server, expected, tmp_path, rng, attempts, tally):
    for attack in range(attempts(6, 1)):
        folder = tmp_path / f"out{attack}"
        running = []
        for seed in SEEDS:
            time.sleep(rng.exponential(0.05))
            running.append(server.start("order", *RUN, "--seed", seed, "--out", folder))
        ended = [run.wait() for run in running]
        problem = next((e.problem for e in ended if e.problem), None)
        winners = [seed for seed, e in zip(SEEDS, ended) if e.code == 0]
        refused = [e for e in ended if "in use by process" in e.err or "is not empty" in e.err]
        if problem is None and (len(winners), len(refused)) != (1, len(SEEDS) - 1):
            problem = f"finished: {winners}, {[e.err for e in ended]}"
        problem = problem or difference(folder, expected[winners[0]])
        tally.count(f"at once {attack}", problem)


def test_one_folder_resumed(server, expected, tmp_path, rng, attempts, tally):
    for attack in range(attempts(4, 1)):
        folder = tmp_path / f"out{attack}"
        short = server.run("order", *RUN, "--epochs", 2, "--seed", 0, "--out", folder)
        assert short.code == 0
        running = []
        for _ in range(3):
            time.sleep(rng.exponential(0.05))
            running.append(server.start("order", "--resume", *RUN, "--out", folder))
        ended = [run.wait() for run in running]
        problem = next((e.problem for e in ended if e.problem), None)
        if not any(e.code == 0 for e in ended):
            problem = f"none finished: {[e.err for e in ended]}"
        tally.count(f"at once {attack}", problem or difference(folder, expected[0]))


def test_seeds(server, expected, tmp_path, rng, attempts, tally):
    """Runs of overlapping seeds; afterwards, the same command again does what is left."""
    for attack in range(attempts(3, 1)):
        folder = tmp_path / f"out{attack}"
        running = []
        for seeds in (SEEDS, (2, 1), (0,)):
            time.sleep(rng.exponential(0.1))
            running.append(server.start("order", *RUN, "--seeds", *seeds, "--out", folder))
        ended = [run.wait() for run in running]
        ended.append(server.run("order", *RUN, "--seeds", *SEEDS, "--out", folder))
        problem = next((e.problem for e in ended if e.problem), None)
        if problem is None and ended[-1].code != 0:
            problem = ended[-1].err
        for seed in SEEDS:
            problem = problem or difference(folder / f"seed-{seed}", expected[seed])
        written = [row["seed"] for row in read_table(folder / "runs.csv")]
        if problem is None and written != [*SEEDS]:
            problem = f"runs.csv has the seeds {written}"
        tally.count(f"at once {attack}", problem)


def test_screens_that_go_away(server, expected, tmp_path, rng, attempts, tally):
    """A reader of output and errors that stops at some character, long before the end."""
    for attack in range(attempts(10, 2)):
        folder, screen = tmp_path / f"out{attack}", tmp_path / f"screen{attack}"
        os.mkfifo(screen)
        running = server.start(
            *("order", *RUN, "--seed", 0, "--out", folder), screen=str(screen), takedown=1
        )
        with open(screen, "rb", buffering=0) as reader:
            reader.read(int(rng.integers(1, 800)))
        ended = running.wait()
        problem = None if ended.code == 0 else f"code {ended.code}"
        tally.count(f"screen {attack}", problem or difference(folder, expected[0]))
