"""Settings are frozen, checked, and changed by name."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from mlgenn_delays.models import ClassifierSettings, NetworkSettings

PLAIN = ClassifierSettings()


def test_changes_go_to_the_group_that_has_the_name() -> None:
    changed = PLAIN.change({"lr": 0.5}, hidden=64, jitter=3, tau_mem=7)
    assert changed.network == NetworkSettings(hidden=(64,))
    assert (changed.learning.lr, changed.augmentation.jitter, changed.neuron.tau_mem) == (0.5, 3, 7)
    assert changed.change(hidden=PLAIN.network.hidden, lr=1e-3, jitter=0, tau_mem=20) == PLAIN
    assert PLAIN.change() == PLAIN


def test_flat_has_every_setting_once() -> None:
    flat = PLAIN.flat()
    groups = (PLAIN.network, PLAIN.neuron, PLAIN.learning, PLAIN.augmentation, PLAIN.surrogate)
    assert len(flat) == sum(len(group.flat()) for group in groups) == 71
    assert PLAIN.change(flat) == PLAIN


def test_frozen_and_hashable() -> None:
    with pytest.raises(FrozenInstanceError):
        PLAIN.network.dt = 2.0
    assert hash(PLAIN.change(hidden=[8, 8])) == hash(PLAIN.change(hidden=(8, 8)))


def test_numbers_become_those_of_python() -> None:
    settings = PLAIN.change(hidden=np.array([8, 16])[:1].tolist(), epochs=np.int64(3), lr=1)
    assert type(settings.learning.epochs) is int
    assert type(settings.learning.lr) is float


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"delays": "some"}, "delays is 'some', allowed are 'learned', 'fixed', 'none'"),
        ({"max_delay": -1.0}, "max_delay is -1, allowed are finite numbers of at least 0"),
        ({"max_delay": float("inf")}, "max_delay is inf"),
        ({"tau_mem": 0.0}, "tau_mem is 0, allowed are finite numbers above 0"),
        ({"hidden": (8, 0)}, "hidden is 0, allowed are whole numbers of at least 1"),
        ({"epochs": 0}, "epochs is 0"),
        ({"tau_mem_range": (40.0, 10.0)}, r"tau_mem_range is \(40, 10\), allowed are the shortest"),
        ({"tau_syn_range": (0.0, 10.0)}, "tau_syn_range is 0, allowed are finite numbers above 0"),
        ({"drop": 1.5}, "drop is 1.5, allowed are finite numbers from 0 to 1"),
        ({"input_weight": (1.0, -1.0)}, "input_weight is -1"),
        ({"input_delay": 5.0}, r"input_delay is \(5.0,\), it should have 2 values"),
        ({"tau_men": 3.0}, "there is no setting 'tau_men'; close to it are tau_mem"),
        ({"zzz": 3.0}, "^there is no setting 'zzz'$"),
    ],
)
def test_bad_values(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PLAIN.change(changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recurrent": 1}, "recurrent is 1"),
        ({"recurrent": "no"}, "recurrent is 'no'"),
        ({"epochs": 1.5}, "epochs"),
        ({"lr": "fast"}, "lr"),
        ({"input_delay": ("a", "b")}, "input_delay"),
    ],
)
def test_bad_types(changes: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        PLAIN.change(changes)
