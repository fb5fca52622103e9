"""Runs of this version and of earlier ones, read from their folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlgenn_delays.models import SurrogateSettings
from mlgenn_delays.studies.reports.comparing import compare
from mlgenn_delays.studies.reports.gathering import gather
from mlgenn_delays.studies.rows import settings_of, variant_of

CONFIG = {
    "task": "braille",
    "seed": 3,
    "backend": "auto",
    "threads": None,
    "method": "eventprop",
    "network": {
        "hidden": [64, 32],
        "recurrent": True,
        "delays": "learned",
        "recurrent_delays": False,
        "input_weight": [0.1, 0.2],
    },
    "learning": {"lr": 0.02, "epochs": 5},
    "data": {"kind": "auto", "data_dir": None, "quick": False, "validate_on_test": False},
}

SUMMARY = {
    "status": "finished",
    "message": None,
    "test_accuracy": 0.75,
    "n_parameters": 5000,
    "epochs": 5,
    "dataset": "real",
    "backend": "cpu",
    "threads": 1,
    "peak_memory_bytes": 2_000_000,
    "data": {"fingerprint": "f0", "kind": "real"},
    "spikes_per_neuron": {"hidden1": 3.5, "hidden2": 0.0},
    "silent_neurons": {"hidden1": 0, "hidden2": 32},
    "delay_statistics": {"input_hidden1": {"mean_ms": 20.0, "at_cap": 0.5, "learned": True}},
}


def write(folder: Path, config: dict[str, Any], summary: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def test_runs_of_this_version(tmp_path: Path) -> None:
    write(tmp_path / "a", {"config": CONFIG, "versions": {"mlgenn_delays": "1.0"}}, SUMMARY)
    ((run,), skipped) = gather([tmp_path])
    assert not skipped
    assert (run.task, run.seed) == ("braille", 3)
    assert run.delays == SUMMARY["delay_statistics"]
    row = {k: v for k, v in run.row.items() if v is not None}
    expected = {
        "task": "braille",
        "variant": "recurrent-input",
        "method": "eventprop",
        "hidden": "64,32",
        "n_hidden": 96,
        "seed": 3,
        "status": "finished",
        "test_accuracy": 0.75,
        "n_parameters": 5000,
        "epochs": 5,
        "spikes_per_neuron_hidden1": 3.5,
        "spikes_per_neuron_hidden2": 0.0,
        "silent_neurons_hidden1": 0,
        "silent_neurons_hidden2": 32,
        "delay_mean_ms_input_hidden1": 20.0,
        "delays_at_cap_input_hidden1": 0.5,
        "peak_memory_mb": 2.0,
        "data_kind": "real",
        "data_fingerprint": "f0",
        "validated_on_test": False,
        "quick": False,
        "version": "1.0",
        "backend": "cpu",
        "threads": 1,
        "folder": str(tmp_path / "a"),
    }
    assert row == expected


def test_sizes_and_warnings_in_rows(tmp_path: Path) -> None:
    found = {
        **SUMMARY,
        "warnings": ["layer 'a' is silent: none spiked; raise weights", "the loss does not move"],
    }
    for name, hidden in (("none", []), ("two", [8, 8])):
        network = {**CONFIG["network"], "hidden": hidden}
        write(tmp_path / name, {"config": {**CONFIG, "network": network}}, found)
    runs, _ = gather([tmp_path])
    assert [run.row["hidden"] for run in runs] == ["none", "8x2"]
    assert runs[0].row["warnings"] == ("layer 'a' is silent: none spiked; the loss does not move")


@pytest.mark.parametrize(("split_seed", "groups"), [(None, [[3, 4]]), (0, [[3], [4]])])
def test_splits_that_follow_the_seed_make_no_groups(
    tmp_path: Path, split_seed: int | None, groups: list[list[int]]
) -> None:
    for seed in (3, 4):
        data = {**CONFIG["data"], "split_seed": split_seed}
        summary = {**SUMMARY, "data": {"fingerprint": f"f{seed}"}}
        write(tmp_path / str(seed), {"config": {**CONFIG, "seed": seed, "data": data}}, summary)
    runs, _ = gather([tmp_path])
    assert [run.row["data_fingerprint"] for run in runs] == ["f3", "f4"]
    (found,) = compare(runs)
    assert [g.seeds for g in found.groups] == groups


def test_earlier_runs_are_compared_with_those_of_this_version(tmp_path: Path) -> None:
    write(tmp_path / "new", {"config": CONFIG}, SUMMARY)
    options = {
        "seed": 4,
        "hidden": [64, 32],
        "recurrent": True,
        "delays": "learned",
        "recurrent_delays": False,
        "epochs": None,
        "quick": False,
        "data": "real",
        "validate_on_test": False,
        "out": "x",
        "lr": 0.02,
    }
    config = {
        "experiment": "braille",
        "options": options,
        "settings": {"lr": 0.02, "epochs": 5, "input_weight": [0.1, 0.2]},
        "dataset": "real",
        "backend": "cpu",
        "data": {"fingerprint": "f0"},
    }
    write(
        tmp_path / "old",
        config,
        {"status": "finished", "test_accuracy": 0.5, "test_spikes_per_neuron": 1.5},
    )
    runs, _ = gather([tmp_path])
    assert runs[1].row["spikes_per_neuron"] == 1.5
    (found,) = compare(runs)
    assert found.columns == ()
    assert [g.seeds for g in found.groups] == [[3, 4]]


def test_settings_that_came_later_make_no_groups(tmp_path: Path) -> None:
    now = {**CONFIG, "seed": 4, "surrogate": SurrogateSettings().flat()}
    now["learning"] = {**CONFIG["learning"], "schedule": "warm_up_cosine", "weight_decay": 0.0}
    for name, config in {"before": CONFIG, "now": now}.items():
        write(tmp_path / name, {"config": config, "versions": {"mlgenn_delays": "1.0"}}, SUMMARY)
    before, later = gather([tmp_path])[0]
    assert before.described == later.described
    assert before.described["surrogate"] == "arctangent"


def test_other_statuses_are_gathered_if_wanted(tmp_path: Path) -> None:
    failed = {**SUMMARY, "status": "failed", "test_accuracy": None, "message": "no memory"}
    write(tmp_path / "a", {"config": CONFIG}, failed)
    assert gather([tmp_path])[0] == []
    ((run,), _) = gather([tmp_path], ("finished", "failed"))
    assert (run.row["status"], run.row["message"]) == ("failed", "no memory")


def test_damaged_groups_are_named(tmp_path: Path) -> None:
    for i, config in enumerate(({"config": 1}, {"config": {}}, {"config": {**CONFIG, "seed": []}})):
        write(tmp_path / str(i), config, SUMMARY)
    runs, skipped = gather([tmp_path])
    assert runs == []
    assert all(s.reason.startswith("damaged: ") for s in skipped) and len(skipped) == 3


def test_groups_are_flattened() -> None:
    settings = settings_of({"config": CONFIG})
    assert settings["lr"] == 0.02 and settings["hidden"] == [64, 32] and settings["kind"] == "auto"


@pytest.mark.parametrize(
    ("settings", "variant"),
    [
        ({"recurrent": False, "delays": "none"}, "feedforward-none"),
        (
            {"recurrent": False, "delays": "learned", "recurrent_delays": False},
            "feedforward-learned",
        ),
        ({"recurrent": True, "delays": "fixed", "recurrent_delays": True}, "recurrent-fixed"),
        ({"recurrent": True, "delays": "none", "recurrent_delays": False}, "recurrent-none"),
        ({"recurrent": True, "delays": "learned", "recurrent_delays": True}, "recurrent-learned"),
        ({"recurrent": True, "delays": "learned", "recurrent_delays": False}, "recurrent-input"),
        ({}, "feedforward-none"),
    ],
)
def test_variants(settings: dict[str, Any], variant: str) -> None:
    assert variant_of(settings) == variant
