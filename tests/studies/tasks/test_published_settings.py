"""What a task trains where nothing is said: numbers that results were published with.

They are those of version 0.1. A setting that changes here changes what papers and tables say.
"""

from __future__ import annotations

from typing import Any

import pytest

from mlgenn_delays.studies import TASKS, get_task
from mlgenn_delays.studies.commands.options import parse

#: Of all tasks but for what follows.
COMMON: dict[str, Any] = {
    "hidden": (128,), "recurrent": True, "delays": "learned", "recurrent_delays": True,
    "max_delay": 1000.0, "dt": 1.0, "timing": "grid",
    "input_weight": (0.03, 0.01), "hidden_weight": (0.02, 0.03),
    "recurrent_weight": (0.0, 0.02), "output_weight": (0.0, 0.03),
    "input_delay": (0.0, 100.0), "hidden_delay": (0.0, 100.0),
    "recurrent_delay": (0.0, 0.0), "output_delay": None,
    "delay_sharing": "synaptic", "recurrent_delay_sharing": None,
    "tau_mem_range": None, "tau_syn_range": None, "learn_time_constants": False,
    "constant_lr": 0.001,
    "tau_mem": 20.0, "tau_mem_output": 20.0, "tau_syn": 5.0, "tau_syn_output": 5.0,
    "v_thresh": 1.0, "readout": "avg_var_exp_weight",
    "epochs": 100, "batch_size": 32, "lr": 0.001, "recurrent_lr": 1.0, "output_lr": 1.0,
    "delay_lr": 0.1, "lr_ease_in": 1.0, "lr_growth": 1.05, "delay_ease_in": True, "lr_final": 1.0,
    "temperature": 1.0, "i_minus_thresh_min": 0.01, "reg_lambda": 0.0, "reg_nu": 14.0,
    "wake_silent": 0.0, "patience": 0,
    "drop": 0.0, "drop_rate": 1.0, "jitter": 0.0, "jitter_rate": 1.0, "shift": 0.0,
    "stretch": 0.0, "channel_shift": 0, "channel_shift_rate": 1.0, "blend": 0.0,
    "channel_time_shift": 0.0, "channel_time_shift_rate": 1.0,
    "schedule": "warm_up_cosine", "weight_decay": 0.0,
    "surrogate": "arctangent", "surrogate_slope": None, "spread_width": None, "spread_decay": None,
    "spread_min_width": 0.5, "learned_widths": False, "fractional_delays": False,
    "synapse": "exponential", "soft_reset": False, "differentiate_reset": False,
    "batch_norm": False, "bias": False,
    "dropout": 0.0, "current_dropout": 0.0, "recurrent_dropout": 0.0,
    "limit": None, "validate_on_test": False, "quick": False,
    "method": "eventprop", "seed": 0, "backend": "auto", "threads": None,
}  # fmt: skip

#: Of tasks whose data are recorded.
RECORDED = {"kind": "auto", "data_dir": None}

_HEIDELBERG = {
    **RECORDED, "epochs": 500, "batch_size": 256, "patience": 15, "channel_shift": 40,
    "lr_ease_in": 0.01, "delay_ease_in": False, "wake_silent": 0.002,
}  # fmt: skip

PUBLISHED: dict[str, dict[str, Any]] = {
    "sequence_detection": {
        "hidden": (), "recurrent": False, "max_delay": 30.0, "epochs": 30, "lr": 0.0,
        "tau_mem_output": 10.0, "readout": "max_var", "temperature": 0.1,
        "input_weight": (1.0, 0.0), "input_delay": (0.0, 0.0),
    },
    "yin_yang": {
        "hidden": (30,), "recurrent": False, "max_delay": 30.0, "timing": "substep", "epochs": 60,
        "batch_size": 50, "lr": 0.02, "readout": "first_spike_time", "input_weight": (5.0, 5.0),
        "hidden_weight": (0.2, 0.3651483716701107), "recurrent_weight": (0.0, 0.2),
        "output_weight": (0.2, 0.3651483716701107), "input_delay": (0.0, 5.0),
        "hidden_delay": (0.0, 5.0), "recurrent_delay": (0.0, 5.0), "output_delay": (0.0, 5.0),
        "lr_final": 0.05, "i_minus_thresh_min": 0.3,
        "spike_time_temperature": 0.5, "spike_time_push": 0.2,
    },
    "braille": {
        **RECORDED, "threshold": 10, "split_seed": 0,
        "max_delay": 500.0, "epochs": 40, "lr": 0.02, "delay_lr": 2.0, "tau_mem": 100.0,
        "tau_mem_output": 1000.0, "tau_syn": 50.0, "tau_syn_output": 20.0,
        "temperature": 0.015384615384615385, "input_weight": (0.2, 0.7),
        "hidden_weight": (0.05, 0.2), "recurrent_weight": (0.0, 0.2), "output_weight": (0.0, 0.1),
        "input_delay": (0.0, 200.0), "hidden_delay": (0.0, 200.0), "recurrent_delay": (0.0, 200.0),
        "recurrent_lr": 0.2, "lr_ease_in": 0.001, "lr_final": 0.05, "i_minus_thresh_min": 0.3,
        "jitter": 20.0, "shift": 40.0, "stretch": 0.08,
    },
    "speech": {
        **RECORDED, "encoder": "mel", "wav_dir": None, "pattern": None, "test_pattern": None,
        "leave_out_speaker": None, "duration": 1000.0,
        "max_delay": 300.0, "epochs": 30, "lr": 0.01, "delay_lr": 5.0, "shift": 20.0,
        "stretch": 0.2, "jitter": 8.0, "tau_mem": 50.0, "tau_mem_output": 500.0, "tau_syn": 10.0,
        "tau_syn_output": 10.0, "readout": "avg_var", "temperature": 0.03333333333333333,
        "input_weight": (0.03, 0.1), "recurrent_weight": (0.0, 0.1), "output_weight": (0.0, 0.1),
        "input_delay": (0.0, 50.0), "recurrent_delay": (0.0, 50.0), "recurrent_lr": 0.2,
        "lr_ease_in": 0.001, "lr_final": 0.05, "i_minus_thresh_min": 0.3,
    },
    "nmnist": {
        **RECORDED, "saccades": 3, "pool": 2, "recurrent": False,
        "max_delay": 300.0, "epochs": 20, "batch_size": 64, "lr": 0.003, "delay_lr": 1.0,
        "tau_mem_output": 100.0, "readout": "avg_var", "temperature": 0.05,
        "input_weight": (0.02, 0.06), "recurrent_weight": (0.0, 0.05),
        "output_weight": (0.0, 0.05), "input_delay": (0.0, 200.0),
        "recurrent_delay": (0.0, 200.0), "lr_ease_in": 0.01, "lr_final": 0.05,
        "i_minus_thresh_min": 0.3,
    },
    "psmnist": {
        **RECORDED, "encoding": "levels", "thresholds": tuple(range(8, 249, 16)),
        "max_delay": 784.0, "epochs": 25, "batch_size": 50, "lr": 0.01, "delay_lr": 1.0,
        "tau_mem_output": 500.0, "tau_syn": 10.0, "tau_syn_output": 10.0, "temperature": 0.05,
        "input_weight": (0.0, 0.45), "hidden_weight": (0.0, 0.3), "recurrent_weight": (0.0, 0.3),
        "input_delay": (0.0, 780.0), "hidden_delay": (0.0, 300.0), "recurrent_delay": (0.0, 300.0),
        "recurrent_lr": 0.3, "lr_ease_in": 0.02, "lr_final": 0.03, "i_minus_thresh_min": 0.3,
    },
    "shd": {
        **_HEIDELBERG, "hold_out": "speaker", "hidden": (256,), "blend": 0.5,
        "reg_lambda": 5e-11, "input_delay": (0.0, 150.0), "hidden_delay": (0.0, 150.0),
    },
    "ssc": {
        **_HEIDELBERG, "hidden": (256, 256), "recurrent": False,
        "reg_lambda": 5e-12, "input_delay": (0.0, 50.0), "hidden_delay": (0.0, 50.0),
    },
}  # fmt: skip

_QUICK = {"quick": True, "hidden": (32,), "epochs": 2, "batch_size": 32, "limit": 128}
_SMALL = {"kind": "synthetic", "batch_size": 32, "lr": 0.01, "epochs": 30}
_SLOW = {"input_delay": (0.0, 150.0), "hidden_delay": (0.0, 150.0)}
_FAST = {"input_delay": (0.0, 100.0), "hidden_delay": (0.0, 100.0)}

#: What follows from what is asked for.
CHOSEN: list[tuple[str, dict[str, Any]]] = [
    ("sequence_detection --quick", {**_QUICK, "hidden": (), "epochs": 4, "batch_size": 8}),
    (
        "yin_yang --quick",
        {**_QUICK, "hidden": (5,), "hidden_weight": (1.2, 0.8944271909999159),
         "output_weight": (1.2, 0.8944271909999159)},
    ),
    (
        "yin_yang --hidden 5 20",
        {"hidden": (5, 20), "hidden_weight": (1.2, 0.8944271909999159),
         "output_weight": (0.3, 0.4472135954999579)},
    ),
    ("yin_yang --timing grid", {"timing": "grid", "dt": 0.05}),
    ("braille --quick", _QUICK),
    ("braille --quick --epochs 7", {**_QUICK, "epochs": 7}),
    ("braille --threshold 1", {"threshold": 1, "input_weight": (0.02, 0.07)}),
    ("braille --threshold 2", {"threshold": 2, "input_weight": (0.04, 0.14)}),
    ("braille --threshold 5", {"threshold": 5, "input_weight": (0.1, 0.35)}),
    ("braille --no-recurrent", {"recurrent": False}),
    ("braille --data synthetic", {"kind": "synthetic"}),
    ("braille --fast", {"timing": "substep", "dt": 10.0}),
    ("braille --dt 5 --fast", {"timing": "substep", "dt": 5.0}),
    ("speech --quick", _QUICK),
    (
        "speech --encoder cochlea",
        {"encoder": "cochlea", "tau_mem": 20.0, "tau_syn": 5.0, "input_weight": (0.015, 0.05)},
    ),
    ("nmnist --quick", _QUICK),
    ("nmnist --saccades 1 --pool 1", {"saccades": 1, "pool": 1}),
    ("psmnist --quick", _QUICK),
    ("psmnist --data synthetic", {"kind": "synthetic"}),
    ("shd --quick", _QUICK),
    ("shd --no-recurrent", {"recurrent": False, **_FAST}),
    ("shd --data synthetic", _SMALL),
    ("shd --data synthetic --quick", {**_SMALL, **_QUICK}),
    ("shd --data synthetic --no-recurrent", {**_SMALL, "recurrent": False, **_FAST}),
    ("shd --data tonic", {"kind": "tonic"}),
    ("ssc --quick", {**_QUICK, "hidden": (32, 32)}),
    ("ssc --recurrent", {"recurrent": True, **_SLOW}),
    ("ssc --data synthetic", _SMALL),
    ("ssc --data synthetic --recurrent", {**_SMALL, "recurrent": True, **_SLOW}),
]  # fmt: skip


@pytest.mark.parametrize("name", TASKS)
def test_published_settings(name: str) -> None:
    config = get_task(name).config()
    assert config.flat() == {"task": name, **COMMON, **PUBLISHED[name]}


@pytest.mark.parametrize(("line", "changes"), CHOSEN, ids=[line for line, _ in CHOSEN])
def test_settings_follow_what_is_asked_for(line: str, changes: dict[str, Any]) -> None:
    name, *argv = line.split()
    given, _ = parse(get_task(name), argv)
    expected = {"task": name, **COMMON, **PUBLISHED[name], **changes}
    assert get_task(name).config(given).flat() == expected
