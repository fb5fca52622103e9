"""Settings that change nothing are told."""

from __future__ import annotations

from typing import Any

import pytest
from order_task import TASK

from mlgenn_delays.studies import TASKS, VARIANTS, RunProgress, RunStart, get_task, run
from mlgenn_delays.studies.variants import choose_variants, variant_settings
from mlgenn_delays.studies.without_effect import notes_without_effect


@pytest.mark.parametrize(
    ("changes", "notes"),
    [
        ({"delay_lr": 3.0}, ()),
        (
            {"delays": "fixed", "delay_lr": 3.0},
            ("Note: delay_lr has no effect: no delays are learned.",),
        ),
        ({"delays": "fixed", "max_delay": 30.0}, ()),
        (
            {"delays": "none", "delay_lr": 3.0, "max_delay": 30.0, "input_delay": (0.0, 3.0)},
            (
                "Note: delay_lr has no effect: no delays are learned.",
                "Note: max_delay, input_delay have no effect: there are no delays.",
            ),
        ),
        (
            {"recurrent": False, "recurrent_lr": 0.5},
            ("Note: recurrent_lr has no effect: there are no recurrent connections.",),
        ),
    ],
)
def test_notes(changes: dict[str, Any], notes: tuple[str, ...]) -> None:
    braille = get_task("braille")
    assert notes_without_effect(braille, braille.config(changes)) == notes


@pytest.mark.parametrize("name", TASKS)
def test_published_settings_need_no_notes(name: str) -> None:
    task = get_task(name)
    assert set(choose_variants(task, ("all",))) <= set(VARIANTS)
    for variant in choose_variants(task, ("all",)):
        for quick in (False, True):
            config = task.config({**variant_settings(task, variant), "quick": quick})
            assert notes_without_effect(task, config) == ()


def test_a_run_says_so_when_it_starts() -> None:
    said: list[str] = []

    class Listener(RunProgress):
        def on_start(self, start: RunStart) -> None:
            said.append(start.notice)

    run(TASK.config(delays="none", delay_lr=3.0, epochs=1), progress=Listener(), task=TASK)
    assert said == ["Note: delay_lr has no effect: no delays are learned."]
