from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mlgenn_delays.experiments.braille import EXPERIMENT
from mlgenn_delays.experiments.common import Options
from mlgenn_delays.experiments.common.arguments import parse, to_options
from mlgenn_delays.models import BrailleSettings, ClassifierSettings
from mlgenn_delays.models.braille import build_network

OPTIONS = (
    "data data-dir threshold hidden recurrent no-recurrent delays max-delay dt epochs batch-size "
    "lr delay-lr seed threads backend limit out resume evaluate quick seeds patience "
    "recurrent-delays no-recurrent-delays validate-on-test"
)


def options_of(*argv: str, earlier: dict | None = None) -> tuple[Options, ClassifierSettings]:
    return to_options(EXPERIMENT, parse(EXPERIMENT, argv, earlier))


def test_help_explains_every_option_and_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(EXPERIMENT, ["--help"])
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for name in OPTIONS.split():
        assert f"--{name}" in text
    settings = BrailleSettings()
    for explained in (
        rf"longest delay in ms \(default: {settings.max_delay:g}\)",
        rf"passes over the samples \(default: {settings.epochs}\)",
        rf"learning rate of weights \(Adam\) \(default: {settings.lr:g}\)",
        r"several numbers make several layers \(default: 128\)",
        r"to itself \(default: yes\)",
        r"otherwise synthetic \(default: auto\)",
        r"fewest events \(default: 10\)",
        r"without better validation accuracy, 0: never \(default: 0\)",
    ):
        assert re.search(explained, text), explained


def test_empty_command_line_is_the_published_run() -> None:
    options, settings = options_of()
    assert settings == BrailleSettings()
    assert (options.hidden, options.recurrent, options.delays) == ((128,), True, "learned")
    assert (options.data, options.backend, options.seed) == ("auto", "auto", 0)
    assert options.epochs == settings.epochs
    assert options.out.parts[0] == "results"
    assert re.fullmatch(r"braille-\d{8}-\d{6}", options.out.name)


def test_options_change_the_settings() -> None:
    options, settings = options_of(
        *"--lr 0.5 --delay-lr 0.25 --epochs 3 --batch-size 7 --dt 0.5 --max-delay 40".split(),
        *"--hidden 16 32 --no-recurrent --threshold 5".split(),
    )
    assert (settings.lr, settings.delay_lr, settings.epochs) == (0.5, 0.25, 3)
    assert (settings.batch_size, settings.dt, settings.max_delay) == (7, 0.5, 40.0)
    assert (options.hidden, options.recurrent, options.own) == ((16, 32), False, {"threshold": 5})
    assert settings.input_weight != BrailleSettings().input_weight


def test_patience_of_zero_is_none() -> None:
    options, settings = options_of("--patience", "3")
    assert (options.patience, settings.patience) == (3, 3)
    for argv in ((), ("--patience", "0")):
        options, settings = options_of(*argv)
        assert (options.patience, settings.patience) == (0, None)
    # as a resumed run says it
    assert options_of(earlier={"patience": 0})[1] == settings


def test_delays_between_layers_alone() -> None:
    assert options_of()[1].recurrent_delay is not None
    options, settings = options_of("--no-recurrent-delays")
    assert (options.recurrent, options.recurrent_delays) == (True, False)
    assert settings.recurrent_delay is None
    network = build_network(settings, (4,))
    recurrent = network.connections["hidden_hidden"]
    assert recurrent.max_delay_steps is None
    assert recurrent not in network.delay_learn_conns
    assert len(network.delay_learn_conns) == 1


def test_options_that_an_experiment_does_not_have(capsys: pytest.CaptureFixture[str]) -> None:
    own = replace(EXPERIMENT, without={"recurrent_delays": "no delays", "patience": "one epoch"})
    for argv, name, reason in (
        ("--recurrent-delays", "recurrent-delays", "no delays"),
        ("--patience 0", "patience", "one epoch"),
    ):
        with pytest.raises(SystemExit):
            parse(own, argv.split())
        message = f"argument --{name}: not for this experiment: {reason}"
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit):
        parse(own, ["--help"])
    said = capsys.readouterr().out
    assert "--seeds" in said
    assert "--patience" not in said
    assert "recurrent-delays" not in said
    options, _ = to_options(own, parse(own, []))
    assert (options.recurrent_delays, options.patience) == (True, 0)


def test_quick_gives_way_to_what_is_asked_for() -> None:
    options, settings = options_of("--quick", "--epochs", "7")
    assert (settings.epochs, options.limit, options.hidden) == (7, 128, (32,))


def test_options_of_an_earlier_run_hold_where_the_command_line_is_silent() -> None:
    earlier = {"hidden": [5], "lr": 0.125, "seed": 3, "gone": 1}
    options, settings = options_of("--seed", "4", earlier=earlier)
    assert (options.hidden, settings.lr, options.seed) == ((5,), 0.125, 4)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("--dt 0", r"argument --dt: '0', allowed are finite numbers above 0"),
        ("--dt nan", r"argument --dt: 'nan', allowed are finite numbers above 0"),
        ("--lr -1", r"argument --lr: '-1', allowed are finite numbers of at least 0"),
        ("--max-delay inf", r"argument --max-delay: 'inf', allowed are finite numbers of at least"),
        ("--epochs 0", r"argument --epochs: '0', allowed are whole numbers of at least 1"),
        ("--hidden 8 x", r"argument --hidden: 'x', allowed are whole numbers of at least 1"),
        ("--seed -1", r"argument --seed: '-1', allowed are whole numbers of at least 0"),
        ("--limit 1.5", r"argument --limit: '1.5', allowed are whole numbers of at least 1"),
        ("--threads 0", r"argument --threads: '0', allowed are whole numbers of at least 1"),
        ("--data nonsense", r"argument --data: invalid choice: 'nonsense'"),
        ("--threshold 3", r"argument --threshold: invalid choice: 3"),
        ("--backend gpu", r"argument --backend: invalid choice: 'gpu'"),
        ("--resume", r"argument --resume: needs --out"),
        ("--resume --out x --evaluate y", r"argument --evaluate: not allowed with .* --resume"),
        ("--patience -1", r"argument --patience: '-1', allowed are whole numbers of at least 0"),
        ("--seeds", r"argument --seeds: expected at least one argument"),
        ("--seeds 0 x", r"argument --seeds: 'x', allowed are whole numbers of at least 0"),
        ("--seeds 0 1 2 1", r"argument --seeds: 1 is there twice"),
        ("--seeds 1 2 --seed 0", r"argument --seeds: not allowed with argument --seed"),
        ("--seeds 0 --evaluate y", r"argument --evaluate: not allowed with argument --seeds"),
        ("--seeds 0 --resume", r"argument --resume: needs --out"),
    ],
)
def test_bad_command_lines(argv: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(EXPERIMENT, argv.split())
    assert stop.value.code == 2
    assert re.search(message, capsys.readouterr().err)
