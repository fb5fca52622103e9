"""A study is a value: which runs it has, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlgenn_delays.studies import VARIANTS, Study, add_variant, get_task, plan
from mlgenn_delays.studies.matching import count_described
from mlgenn_delays.studies.task import load_data
from mlgenn_delays.studies.variants import choose_variants, variant_settings

YIN_YANG = get_task("yin_yang")
BRAILLE = get_task("braille")


def study(**changes) -> Study:
    values = {"task": YIN_YANG, "sizes": ((4,), (6,)), "variants": ("feedforward-none",)}
    return Study(**{**values, "seeds": (0, 1), **changes})


def test_runs_of_all_combinations() -> None:
    runs = plan(
        study(variants=("feedforward-none", "recurrent-learned"), over={"tau_mem": (10, 20)})
    )
    assert len(runs) == len({run.name for run in runs}) == 2 * 2 * 2 * 2
    assert len({run.config.config_hash() for run in runs}) == len(runs)
    last = runs[-1]
    assert last.name == "recurrent-learned-6-tau_mem=20.0-seed1"
    assert last.labels() == {"variant": "recurrent-learned", "size": "6", "tau_mem": 20.0}
    config = last.config
    assert (config.network.hidden, config.network.recurrent, config.network.delays) == (
        (6,),
        True,
        "learned",
    )
    assert (config.neuron.tau_mem, config.seed) == (20.0, 1)


def test_published_settings_follow_the_size() -> None:
    small, large = (run.config.network for run in plan(study(seeds=(0,))))
    assert small.output_weight != large.output_weight  # those of Yin-Yang depend on it


def test_settings_hold_for_all_runs() -> None:
    assert {r.config.learning.epochs for r in plan(study(settings={"epochs": 3}))} == {3}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": ()}, "sizes is empty"),
        ({"seeds": (1, 1)}, "seeds has a value twice"),
        ({"settings": {"hidden": 3}}, "hidden: in a study, sizes say it"),
        ({"settings": {"delays": "none"}}, "delays: in a study, variants say it"),
        ({"over": {"seed": (1, 2)}}, "seed: in a study, seeds say it"),
        ({"over": {"lr": ()}}, "over: no values of lr"),
        ({"over": {"lr": (0.1,)}, "settings": {"lr": 0.2}}, "lr is a setting of all runs and"),
    ],
)
def test_what_a_study_cannot_be(changes, message) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        study(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"over": {"tau_mm": (1.0,)}}, "there is no setting 'tau_mm'; close to it are tau_mem"),
        ({"over": {"tau_mem": (20.0, -1.0)}}, "tau_mem is -1, allowed are"),
        ({"sizes": ((0,),)}, "hidden is 0"),
        ({"variants": ("recurrent-lerned",)}, "variant is 'recurrent-lerned', allowed are"),
    ],
)
def test_bad_values_are_named_before_anything_runs(changes, message) -> None:
    with pytest.raises(ValueError, match=message):
        plan(study(**changes))


def test_all_variants() -> None:
    assert choose_variants(YIN_YANG, ("all",)) == tuple(VARIANTS)
    # it has no hidden layer
    assert choose_variants(get_task("sequence_detection"), ("all",)) == (
        "feedforward-none",
        "feedforward-fixed",
        "feedforward-learned",
    )
    with pytest.raises(ValueError, match="'recurrent-none': not for sequence_detection"):
        choose_variants(get_task("sequence_detection"), ("recurrent-none",))


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_are_what_they_are_called(name: str) -> None:
    config = YIN_YANG.config(variant_settings(YIN_YANG, name))
    network = YIN_YANG.build(config, None)  # type: ignore[arg-type]
    kind, delays = name.split("-")
    assert ("hidden_hidden" in network.connections) == (kind == "recurrent")
    learned = {connection.name for connection in network.delay_learn_conns}
    expected = {
        "none": set(),
        "fixed": set(),
        "input": {"input_hidden", "hidden_output"},
        "learned": {"input_hidden", "hidden_output"}
        | ({"hidden_hidden"} if kind == "recurrent" else set()),
    }
    assert learned == expected[delays]
    has_delays = network.connections["input_hidden"].max_delay_steps is not None
    assert has_delays == (delays != "none")


def test_variants_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlgenn_delays.studies.variants.VARIANTS", dict(VARIANTS))
    add_variant("slow", {"tau_mem": 100.0})
    assert variant_settings(YIN_YANG, "slow") == {"tau_mem": 100.0}
    with pytest.raises(ValueError, match="variant 'slow' is there already"):
        add_variant("slow", {})


@pytest.mark.parametrize("size", [(8,), (12, 12)])
def test_matched_parameters(size: tuple[int, ...]) -> None:
    variants = ("recurrent-learned", "recurrent-none", "feedforward-none")
    settings = {"kind": "synthetic", "quick": True}
    matched = Study(BRAILLE, (size,), variants, (0,), settings, match_parameters=True)
    data = load_data(BRAILLE, BRAILLE.config(settings))

    def count(config) -> int:
        return count_described(BRAILLE, config, data)

    runs = plan(matched)
    wanted = count(runs[0].config)
    assert runs[0].config.network.hidden == size
    for run in runs[1:]:
        hidden = run.config.network.hidden
        assert (run.size, len(hidden)) == (runs[0].size, len(size))
        difference = abs(count(run.config) - wanted)
        for step in (-1, 1):  # no other size comes closer
            other = run.config.change(hidden=tuple(n + step for n in hidden))
            assert abs(count(other) - wanted) >= difference


def test_what_workers_elsewhere_need(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLGENN_DELAYS_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    small = {"quick": True, "data_dir": tmp_path.__class__("data")}
    (tmp_path / "data").mkdir()
    (run,) = plan(Study(BRAILLE, ((4,),), ("feedforward-none",), (0,), small))
    data = run.config.data
    assert data.flat()["data_dir"] == tmp_path / "data"  # a whole path
    assert data.flat()["kind"] == "synthetic"  # what "auto" found
    assert run.config.threads == 1


@pytest.mark.parametrize(
    "over", [{"lr": (0.01, 0.010)}, {"input_delay": ((0.0, 5.0), (0, 5))}, {"dt": (0.05, "0.05")}]
)
def test_runs_that_would_be_the_same(over) -> None:
    with pytest.raises((ValueError, TypeError), match=r"two runs would be the same|should be"):
        plan(study(over=over))


def test_names_of_values_that_are_no_names_of_files() -> None:
    speech = get_task("speech")
    settings = {"kind": "synthetic", "quick": True}
    over = {"leave_out_speaker": ("a b", "a/b", "x" * 300)}
    runs = plan(Study(speech, ((4,),), ("feedforward-none",), (0,), settings, over))
    names = {run.name for run in runs}
    assert len(names) == 3
    assert all("/" not in name and len(name) < 120 for name in names)


def test_settings_of_a_variant_are_no_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlgenn_delays.studies.variants.VARIANTS", dict(VARIANTS))
    add_variant("slow", {"tau_mem": 100.0})
    for changes in ({"settings": {"tau_mem": 3.0}}, {"over": {"tau_mem": (3.0,)}}):
        with pytest.raises(ValueError, match="tau_mem: the variant 'slow' says it"):
            study(variants=("slow",), **changes)


@pytest.mark.parametrize("name", ["all", "a/b", "", "x" * 99])
def test_names_of_variants(name: str) -> None:
    with pytest.raises(ValueError, match="variant"):
        add_variant(name, {})


def test_description_is_json() -> None:
    described = study(settings={"hidden_delay": (0.0, 3.0)}, over={"lr": (0.1,)}).describe()
    assert json.loads(json.dumps(described)) == described
