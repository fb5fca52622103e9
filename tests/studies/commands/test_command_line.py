"""The command line of a task: all its options, their help, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mlgenn_delays.studies import TASKS, RunError, get_task, make_config
from mlgenn_delays.studies.commands import task_command
from mlgenn_delays.studies.commands.options import parse

BRAILLE = get_task("braille")

#: Options that all tasks have, and what they set.
COMMON: list[tuple[str, dict[str, Any]]] = [
    ("--delays fixed", {"delays": "fixed"}),
    ("--max-delay 7.5", {"max_delay": 7.5}),
    ("--dt 0.5", {"dt": 0.5}),
    ("--epochs 3", {"epochs": 3}),
    ("--batch-size 7", {"batch_size": 7}),
    ("--delay-lr 0.25", {"delay_lr": 0.25}),
    ("--patience 4", {"patience": 4}),
    ("--seed 3", {"seed": 3}),
    ("--threads 2", {"threads": 2}),
    ("--backend reference", {"backend": "reference"}),
    ("--limit 9", {"limit": 9}),
    ("--validate-on-test", {"validate_on_test": True}),
    ("--quick", {"quick": True}),
    # with an equals sign, twice, and with what may be mistaken for an option
    ("--lr-final=0.5 --lr-final=0.25", {"lr_final": 0.25}),
    ("--wake-silent -0.5", {"wake_silent": -0.5}),
]
HIDDEN: list[tuple[str, dict[str, Any]]] = [
    ("--hidden 16", {"hidden": (16,)}),
    ("--hidden 16 32", {"hidden": (16, 32)}),
    ("--recurrent", {"recurrent": True}),
    ("--no-recurrent", {"recurrent": False}),
    ("--recurrent-delays", {"recurrent_delays": True}),
    ("--no-recurrent-delays", {"recurrent_delays": False}),
    ("--lr 0.5", {"lr": 0.5}),
]
RECORDED: list[tuple[str, dict[str, Any]]] = [
    ("--data real", {"kind": "real"}),
    ("--data synthetic", {"kind": "synthetic"}),
    ("--data-dir a", {"data_dir": Path("a")}),
]
AUGMENTED: list[tuple[str, dict[str, Any]]] = [
    ("--blend 0.25", {"blend": 0.25}),
    ("--jitter 3", {"jitter": 3.0}),
    ("--drop 0.1", {"drop": 0.1}),
    ("--jitter-rate 0.5", {"jitter_rate": 0.5}),
    ("--drop-rate 0.5", {"drop_rate": 0.5}),
]
HEIDELBERG: list[tuple[str, dict[str, Any]]] = [
    *AUGMENTED,
    ("--channel-shift 5", {"channel_shift": 5}),
    ("--channel-time-shift 9", {"channel_time_shift": 9.0}),
    ("--channel-shift-rate 0.5", {"channel_shift_rate": 0.5}),
]
OPTIONS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "sequence_detection": COMMON,
    "yin_yang": [*COMMON, *HIDDEN],
    "braille": [*COMMON, *HIDDEN, *RECORDED, ("--threshold 5", {"threshold": 5})],
    "nmnist": [
        *(*COMMON, *HIDDEN, *RECORDED),
        ("--saccades 1", {"saccades": 1}),
        ("--pool 1", {"pool": 1}),
    ],
    "psmnist": [
        *(*COMMON, *HIDDEN, *RECORDED),
        ("--encoding crossings", {"encoding": "crossings"}),
        ("--thresholds 50 200", {"thresholds": (50, 200)}),
    ],
    "shd": [
        *(*COMMON, *HIDDEN, *RECORDED, *HEIDELBERG),
        ("--hold-out random", {"hold_out": "random"}),
    ],
    "ssc": [*COMMON, *HIDDEN, *RECORDED, *HEIDELBERG],
    "speech": [
        *(*COMMON, *HIDDEN, *RECORDED, *AUGMENTED),
        ("--encoder cochlea", {"encoder": "cochlea"}),
        ("--wav-dir a", {"wav_dir": Path("a")}),
        ("--pattern gsc", {"pattern": "gsc"}),
        (r"--pattern (?P<class>\w)\.wav", {"pattern": r"(?P<class>\w)\.wav"}),
        ("--test-pattern x", {"test_pattern": "x"}),
        ("--leave-out-speaker bob", {"leave_out_speaker": "bob"}),
        ("--duration 500", {"duration": 500.0}),
        ("--shift 5", {"shift": 5.0}),
        ("--stretch 0.1", {"stretch": 0.1}),
    ],
}  # fmt: skip


def explained(name: str, *argv: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What ``--help`` says, in one line."""
    with pytest.raises(SystemExit) as stop:
        parse(get_task(name), [*argv, "--help"])
    assert stop.value.code == 0
    return " ".join(re.sub(r"[│─╭╮╰╯]", " ", capsys.readouterr().out).split())


@pytest.mark.parametrize(
    ("name", "line", "settings"),
    [(name, *option) for name in TASKS for option in OPTIONS[name]],
    ids=[f"{name} {line}" for name in TASKS for line, _ in OPTIONS[name]],
)
def test_options_of_version_0_1(name: str, line: str, settings: dict[str, Any]) -> None:
    task = get_task(name)
    given, _ = parse(task, line.split())
    assert given == settings
    flat = task.config(given).flat()
    assert {setting: flat[setting] for setting in settings} == settings


def test_options_that_say_where(tmp_path: Path) -> None:
    given, where = parse(BRAILLE, ["--out", "a", "--resume", "--seeds", "3", "1"])
    assert given == {}
    assert (where.out, where.resume, where.seeds) == (Path("a"), True, (3, 1))
    assert parse(BRAILLE, ["--evaluate", "b"])[1].evaluate == Path("b")


def test_empty_command_line_is_the_published_run() -> None:
    given, where = parse(BRAILLE, [])
    assert given == {}
    assert (where.out, where.resume, where.seeds, where.evaluate) == (None, False, (), None)


@pytest.mark.parametrize("name", TASKS)
def test_help_explains_every_option(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = explained(name, capsys=capsys)
    for line, _ in OPTIONS[name]:
        assert line.split("=")[0].split()[0] in text
    for option in ("--out", "--resume", "--seeds", "--evaluate", "MLGENN_DELAYS_DEBUG=1"):
        assert option in text
    assert "--method {eventprop,dcls,delrec}" in text
    for clutter in ("{None}", "(default: )", "default: None) (default"):
        assert clutter not in text
    # comments, not remarks for those who program
    for remark in ("#:", ":func:", ":class:", "``", "config.", "ValueError", "derive"):
        assert remark not in text, remark


@pytest.mark.parametrize(
    ("line", "explanations"),
    [
        (
            "braille",
            [
                "neurons of each hidden layer (default: 128)",
                "to itself (default: True)",
                "longest delay [ms] (default: 500.0)",
                "passes over the samples (default: 40)",
                "learning rate of weights (Adam) (default: 0.02)",
                "learning rate of delays (Adam) [ms] (default: 2.0)",
                "otherwise synthetic (default: auto)",
                "fewest events (default: 10)",
                "without better validation accuracy; 0: never (default: 0)",
            ],
        ),
        (
            "braille --method delrec",
            [
                "by weight (L2 penalty) (default: 1e-05)",
                "learning rate of delays (Adam) [ms] (default: 0.5)",
                "timestep [ms] (default: 10.0)",
                "None: as --delay-sharing (default: axonal)",
            ],
        ),
        (
            "braille --quick",
            ["each hidden layer (default: 32)", "over the samples (default: 2)", "(default: 128)"],
        ),
        ("speech", ["of hidden neurons [ms] (default: 50.0)", "(default: mel)"]),
        ("speech --encoder cochlea", ["of hidden neurons [ms] (default: 20.0)", "cochlea)"]),
        ("shd --data synthetic", ["over the samples (default: 30)"]),
    ],
)
def test_help_has_the_defaults_of_what_is_asked_for(
    line: str, explanations: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    name, *argv = line.split()
    text = explained(name, *argv, capsys=capsys)
    for explanation in explanations:
        assert explanation in text


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("sequence_detection", "--hidden 4", "inputs are connected to outputs"),
        ("sequence_detection", "--no-recurrent", "there is no hidden layer"),
        ("sequence_detection", "--recurrent-delays", "there is no hidden layer"),
        ("sequence_detection", "--lr 1", "weights are frozen"),
        ("sequence_detection", "--data synthetic", "its data are generated"),
        ("yin_yang", "--data real", "its data are generated"),
        ("yin_yang", "--data-dir a", "its data are generated"),
        ("speech", "--channel-shift=3", "channels of the mel encoder must not be moved"),
    ],
)
def test_options_that_make_no_sense(name: str, line: str, reason: str) -> None:
    option = line.split("=")[0].split()[0].replace("--no-", "--")
    with pytest.raises(RunError, match=f"argument {option}: not for {name}: {reason}"):
        parse(get_task(name), line.split())


def test_settings_that_make_no_sense_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    text = explained("sequence_detection", capsys=capsys)
    assert "Not for this task: --hidden (inputs are connected to outputs), --recurrent" in text
    with pytest.raises(ValueError, match="kind: not for yin_yang: its data are generated"):
        make_config("yin_yang", kind="real")


def test_fast_settings(capsys: pytest.CaptureFixture[str]) -> None:
    text = explained("braille", capsys=capsys)
    assert "--fast stands for --timing substep --dt 10.0: faster, and measured" in text
    assert "--fast" not in explained("shd", capsys=capsys)
    with pytest.raises(RunError, match="argument --fast: for shd, no faster settings are known"):
        parse(get_task("shd"), ["--fast"])
    with pytest.raises(RunError, match="argument --fast: not allowed with argument --timing"):
        parse(get_task("braille"), ["--fast", "--timing", "grid"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--dt 0", "dt is 0, allowed are finite numbers above 0"),
        ("--dt nan", "dt is nan, allowed are finite numbers above 0"),
        ("--lr -1", "lr is -1, allowed are finite numbers of at least 0"),
        ("--max-delay inf", "max_delay is inf, allowed are finite numbers of at least 0"),
        ("--epochs 0", "epochs is 0, allowed are whole numbers of at least 1"),
        ("--hidden 8 x", r"--hidden: .*\['8', 'x'\]"),
        (
            "--tau-mem-range 40",
            "--tau-mem-range: '40', allowed is FLOAT FLOAT or None [- ]*Argument",
        ),
        (
            "--tau-mem-range",
            "--tau-mem-range: no value, allowed is FLOAT FLOAT or None [- ]*Argument",
        ),
        (
            "--tau-mem-range a 4",
            "--tau-mem-range: 'a 4', allowed is FLOAT FLOAT or None [- ]*Argument",
        ),
        ("--input-delay 3", "--input-delay: '3', allowed is FLOAT FLOAT or None [- ]*Argument"),
        ("--input-weight 1 b", "--input-weight: '1 b', allowed is FLOAT FLOAT [- ]*Argument"),
        ("--spread-decay x", "--spread-decay: 'x', allowed is FLOAT or None [- ]*Argument"),
        ("--split-seed 1.5", "--split-seed: '1.5', allowed is INT or None [- ]*Argument"),
        ("--hidden 8 0", "hidden is 0, allowed are whole numbers of at least 1"),
        ("--seed -1", "seed is -1, allowed are whole numbers of at least 0"),
        ("--limit 1.5", "--limit: .*'1.5'"),
        ("--threads 0", "threads is 0, allowed are whole numbers of at least 1"),
        ("--data nonsense", "invalid choice 'nonsense' for argument '--data'.*'synthetic'"),
        ("--threshold 3", "invalid choice '3' for argument '--threshold'.*'1', '2', '5', '10'"),
        ("--backend gpu", "invalid choice 'gpu' for argument '--backend'.*'genn:cuda'"),
        ("--method dcsl", "invalid choice 'dcsl' for argument '--method'.*'dcls'"),
        (
            "--method dcls --recurrent --quick",
            "argument method is 'dcls', which learns no delays .* take --method delrec, or "
            "--no-recurrent-delays",
        ),
        ("--method dcls --backend cpu", "backend is 'cpu', allowed with method 'dcls' are"),
        ("--method dcls --spread-width 0", "spread_width is 0, allowed are finite numbers above 0"),
        ("--method dcls --surrogate step", "invalid choice 'step' for argument '--surrogate'"),
        ("--patience -1", "patience is -1, allowed are whole numbers of at least 0"),
        ("--jitter -1", "jitter is -1, allowed are finite numbers of at least 0"),
        ("--blend 2", "blend is 2, allowed are finite numbers from 0 to 1"),
        ("--seeds 0 x", r"--seeds: .*\['0', 'x'\]"),
        ("--seeds 0 -1", "seeds is -1, allowed are whole numbers of at least 0"),
        ("--lerning-rate 1", "Unrecognized options: --lerning-rate"),
        # names are not abbreviated, the whole one is shown
        ("--epoch 3", "Unrecognized options: --epoch.*--epochs"),
        ("--resume", "argument --resume: needs --out"),
        ("--resume --out x --evaluate y", "argument --evaluate: not allowed with .* --resume"),
        ("--seeds", "argument --seeds: needs at least one seed"),
        ("--seeds 0 1 2 1", "argument --seeds: 1 is there twice"),
        ("--seeds 1 2 --seed 0", "argument --seeds: not allowed with argument --seed"),
        ("--seeds 0 --evaluate y", "argument --evaluate: not allowed with argument --seeds"),
        ("--seeds 0 --resume", "argument --resume: needs --out"),
        ("--hidden --quick --data synthetic", "hidden is empty"),
        (
            "--readout nonsense --quick --data synthetic",
            "invalid choice 'nonsense' for argument '--readout'.*'avg_var'",
        ),
    ],
)
def test_bad_command_lines(
    line: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code: Any = task_command.main(BRAILLE, line.split())
    except SystemExit as stop:
        code = stop.code
    said = " ".join(re.sub(r"[│─╭╮╰╯]", " ", capsys.readouterr().err).split())
    assert (code, bool(re.search(message, said))) == (2, True), said
    assert list(tmp_path.iterdir()) == []
