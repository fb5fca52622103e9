"""What a study will take."""

from __future__ import annotations

import pytest

from mlgenn_delays.studies import RunConfig, Study, Task, estimate, get_task, plan


def test_costs_of_methods_are_measured_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(task: Task, config: RunConfig) -> tuple[float, int]:
        slow = {"eventprop": 1, "dcls": 100, "delrec": 1000}[config.method]
        return slow * config.network.hidden[0], slow

    monkeypatch.setattr(estimate, "_measure", measure)
    study = Study(
        get_task("braille"),
        ((4,), (6,), (8,)),
        ("feedforward-learned",),
        (0,),
        {"kind": "synthetic", "quick": True, "epochs": 2},
        {"method": ("delrec", "eventprop", "dcls")},
    )
    runs = plan(study)
    cost = estimate.estimate_cost(study.task, runs)
    assert cost.memory == 1000
    for run, seconds in zip(runs, cost.seconds, strict=True):
        expected = 2 * measure(study.task, run.config)[0]
        assert seconds == pytest.approx(expected), run.name
