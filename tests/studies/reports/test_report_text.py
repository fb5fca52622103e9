"""The report of a study."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_rows import VARIANTS, make_histograms, make_row, make_rows

from mlgenn_delays.studies.reports.grouping import (
    choose_pairs,
    compare_variants,
    describe_pair,
    group_rows,
)
from mlgenn_delays.studies.reports.report_text import StudyText, comparison_sentences
from mlgenn_delays.studies.reports.study_report import write_study_report


def table_of(text: str) -> list[list[str]]:
    """Cells of the first table, without its rule."""
    lines = text[text.index("| variant") :].split("\n\n")[0].splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines]
    return [cells[0], *cells[2:]]


def make_pair(differences: list[float], size: int = 64) -> list[dict]:
    """Runs with and without delays, with these differences of accuracy."""
    return [
        make_row(variant, size, seed, test_accuracy=0.5 + gain * (variant != "recurrent-none"))
        for seed, gain in enumerate(differences)
        for variant in ("recurrent-none", "recurrent-learned")
    ]


def test_table() -> None:
    header, *rows = table_of(StudyText(make_rows((8, 64), num_seeds=5)).markdown())
    assert header == [
        "variant",
        "size",
        "test accuracy (%)",
        "seeds",
        "parameters",
        "spikes per neuron, hidden",
        "s per epoch",
    ]
    assert [r[:2] for r in rows] == [[v, s] for v in VARIANTS for s in ("8", "64")]
    assert {r[3] for r in rows} == {"5"}
    found = group_rows(make_rows((64,), ("recurrent-learned",), 5))[0].estimate("test_accuracy")
    assert found is not None
    assert rows[-1][2] == found.text(100.0)
    assert rows[-1][4] == "12,992"


def test_sentences() -> None:
    (lines,) = comparison_sentences(
        compare_variants(group_rows(make_pair([0.04, 0.05, 0.03, 0.045, 0.036])))
    )
    found = compare_variants(group_rows(make_pair([0.04, 0.05, 0.03, 0.045, 0.036])))[0]
    text = found.by_size["64"].text(100.0, sign=True)
    assert text == "+4.0 [2.9, 5.1]"
    assert lines == f"- 64 neurons: recurrent, learned delays {text} points over none, 5 seeds"


def test_sentences_say_what_is_not_known() -> None:
    (unclear,) = comparison_sentences(
        compare_variants(group_rows(make_pair([0.02, -0.02, 0.01, -0.01, 0.001])))
    )
    assert unclear.endswith("5 seeds; the interval includes 0")
    (single,) = comparison_sentences(compare_variants(group_rows(make_pair([-0.02]))))
    assert single.endswith("−2.0 points over none, 1 seed: there is no interval")


def test_change_with_size() -> None:
    small = [0.10, 0.11, 0.09, 0.10, 0.12]
    rows = [*make_pair(small, 8), *make_pair([g - 0.08 for g in small], 256)]
    (lines,) = comparison_sentences(compare_variants(group_rows(rows)))
    assert lines.splitlines()[-1] == (
        "- from 8 to 256 neurons, this difference changes by −8.0 [−8.0, −8.0] points, 5 seeds"
    )


def test_variants_have_an_order() -> None:
    rows = make_rows((8,), ("recurrent-learned", "feedforward-none", "recurrent-input"), 1)
    own = [row | {"variant": "a-mine"} for row in rows[:1]]
    assert [g.variant for g in group_rows([*own, *rows])] == [
        "feedforward-none",
        "recurrent-input",
        "recurrent-learned",
        "a-mine",
    ]


def test_pairs() -> None:
    assert choose_pairs(VARIANTS) == [
        ("feedforward-learned", "feedforward-none"),
        ("recurrent-learned", "recurrent-none"),
        ("recurrent-input", "recurrent-none"),
        ("recurrent-learned", "recurrent-input"),
    ]
    assert choose_pairs(["mine", "yours", "theirs"]) == [("yours", "mine"), ("theirs", "mine")]
    groups = group_rows(make_rows((8,), num_seeds=2))
    (found,) = compare_variants(groups, pairs=[("recurrent-none", "feedforward-none")])
    assert (found.variant, found.reference) == ("recurrent-none", "feedforward-none")


def test_variants_of_ones_own() -> None:
    rows = make_rows((8,), ("recurrent-learned", "recurrent-none"), 2)
    own = [{**row, "variant": "mine-learned"} for row in rows[:2]]
    text = StudyText([*rows, *own]).markdown()
    assert "8 neurons: recurrent, learned delays" in text
    assert "8 neurons: mine-learned" in text and "points over recurrent, no delays" in text
    assert describe_pair("mine-learned", "mine-none") == ("mine-learned", "mine-none")


def test_values_of_other_axes_are_compared_with_their_like() -> None:
    rows = [
        row | {"tau_mem": tau, "test_accuracy": row["test_accuracy"] - tau / 1000}
        for tau in (20.0, 100.0)
        for row in make_pair([0.04, 0.05, 0.03])
    ]
    text = StudyText(rows, ["tau_mem"]).markdown()
    header, *table = table_of(text)
    assert header[:3] == ["variant", "tau_mem", "size"]
    assert [r[1] for r in table] == ["20", "100"] * 2
    assert "64 neurons, tau_mem 20: recurrent, learned delays +4.0" in text
    assert "64 neurons, tau_mem 100: recurrent, learned delays +4.0" in text


def test_matched_parameters() -> None:
    rows = [
        make_row("recurrent-learned", 64, 0) | {"size": "64", "n_parameters": 1000},
        make_row("recurrent-none", 90, 0) | {"size": "64", "n_parameters": 1020},
        make_row("feedforward-none", 200, 0) | {"size": "64", "n_parameters": 990},
    ]
    text = StudyText(rows, matched_to="recurrent-learned").markdown()
    header, *table = table_of(text)
    assert header[1:3] == ["size", "hidden"]
    assert [r[1:3] for r in table] == [["64", "200"], ["64", "90"], ["64", "64"]]
    assert [r[header.index("of wanted")] for r in table] == ["-1.0%", "+2.0%", "+0.0%"]
    assert "the largest deviation is +2.0% (recurrent-none at 64)" in text
    assert "64 neurons (others: as many parameters): recurrent, learned delays" in text


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("data_kind", "synthetic", "**SYNTHETIC DATA"),
        ("validated_on_test", True, "**VALIDATION ON THE TEST PART"),
        ("quick", True, "**QUICK RUNS"),
    ],
)
def test_what_must_not_be_overlooked(column: str, value: object, said: str) -> None:
    rows = make_rows((8, 16), num_seeds=1)
    assert "**" not in StudyText(rows).markdown()
    rows[3][column] = value
    assert said in StudyText(rows).markdown()


def test_splits() -> None:
    rows = make_rows((8,), num_seeds=2)
    assert "have 2 different splits" in StudyText(rows).markdown()
    same = [row | {"data_fingerprint": "f"} for row in rows]
    assert "say nothing of other splits" in StudyText(same).markdown()


def test_runs_without_a_result_are_named() -> None:
    rows = make_rows((8,), num_seeds=2)
    rows[0] |= {"status": "failed", "message": "no memory\nTraceback", "test_accuracy": None}
    rows[1] |= {"status": "diverged", "message": None, "test_accuracy": 0.1}
    text = StudyText(rows).markdown()
    assert "10 runs: 8 finished, 1 failed, 1 diverged." in text
    assert f"- `{rows[0]['folder']}`: failed: no memory\n" in text
    assert f"- `{rows[1]['folder']}`: diverged\n" in text
    assert "Traceback" not in text
    assert len(table_of(text)) == 1 + 4
    assert "No run has a result yet" in StudyText(rows[:2]).markdown()


def test_networks_without_a_hidden_layer(tmp_path: Path) -> None:
    rows = [
        make_row(variant, 8, seed, hidden="none", n_hidden=0)
        for variant in ("feedforward-none", "feedforward-learned")
        for seed in range(2)
    ]
    write_study_report(tmp_path, rows, formats=("png",))
    assert "- no hidden neurons: feed-forward, learned" in (tmp_path / "report.md").read_text()


def test_layers() -> None:
    rows = [
        make_row(variant, n, 0, hidden=hidden, n_hidden=n)
        for variant in ("recurrent-none", "recurrent-learned")
        for hidden, n in (("128,64", 192), ("64x2", 128))
    ]
    text = StudyText(rows).markdown()
    assert [r[1] for r in table_of(text)[1:]] == ["64x2", "128,64"] * 2
    assert "from 64x2 to 128,64 neurons" in text


def test_runs_with_warnings_are_counted() -> None:
    rows = make_rows((8,), ("recurrent-none", "recurrent-learned"), 3)
    rows[0]["warnings"] = (
        "layer 'b' is silent: none of its 8 neurons; the loss has not fallen in 5 epochs: 1 in"
    )
    rows[1]["warnings"] = "layer 'b' is silent: none of its 9 neurons"
    assert "## Runs with warnings" not in StudyText(rows[2:]).markdown()
    expected = (
        "recurrent, no delays, 8: 2 of 3 runs: layer 'b' is silent (2); the loss has not fallen (1)"
    )
    assert f"## Runs with warnings\n\n- {expected}\n" in StudyText(rows).markdown()
    assert "Runs with warnings, see report.md: 2." in StudyText(rows).screen()


def make_pooled() -> list[dict]:
    """Two seeds, each with two speakers left out."""
    return [
        make_row(variant, 64, seed, leave_out_speaker=speaker, folder=f"{variant}{seed}{speaker}")
        | {"test_accuracy": 0.5 + seed / 10 + place / 5 + gain * (1 + place)}
        for variant, gain in (("recurrent-none", 0.0), ("recurrent-learned", 0.02))
        for seed in (0, 1)
        for place, speaker in enumerate(("ann", "bob"))
    ]


def test_pooled_axes(tmp_path: Path) -> None:
    axes = ["leave_out_speaker"]
    write_study_report(tmp_path, make_pooled(), axes=axes, pool=axes, formats=())
    text = (tmp_path / "report.md").read_text()
    header, none, learned = table_of(text)
    assert header[:2] == ["variant", "size"]
    assert [none[3], learned[3]] == ["2", "2"]
    assert none[2] == "65.0 [1.5, 100.0]"  # of two seeds, not of four runs
    assert learned[2].startswith("68.0 [")
    assert "64 neurons: recurrent, learned delays +3.0 [3.0, 3.0] points over none, 2 seeds" in text
    assert "its mean over 2 values of leave_out_speaker (ann, bob): means and" in text
    # one pair is missing: what is there is paired, nothing else
    text = StudyText(make_pooled()[:-1], axes, pool=axes).markdown()
    assert "learned delays +2.5" in text
    assert "over 1 to 2 values of leave_out_speaker (ann, bob); not all runs with these 2" in text
    header = table_of(StudyText(make_pooled(), axes).markdown())[0]
    assert header[1] == "leave_out_speaker"
    with pytest.raises(ValueError, match="pool has 'speaker', allowed are axes: leave_out_speaker"):
        write_study_report(tmp_path, make_pooled(), axes=axes, pool=["speaker"])


def test_settings_are_folded_away() -> None:
    rows = [row | {"lr": 0.02, "delays": row["variant"]} for row in make_rows((8,), num_seeds=1)]
    text = StudyText(rows, commands=["python scaling.py braille --sizes 8"]).markdown()
    head, settings = text.split("<details>")
    assert "| lr | 0.02 |" in settings
    assert "| delays |" not in settings and "| folder |" not in settings
    assert "```\npython scaling.py braille --sizes 8\n```" in head
    assert 'runs = pandas.read_csv("runs.csv")' in head
    assert "| batch_size | 32 |" in StudyText(rows, settings={"batch_size": 32}).markdown()


def test_all_files(tmp_path: Path) -> None:
    rows = make_rows((8, 64), num_seeds=2)
    written = write_study_report(tmp_path, rows, make_histograms(rows), formats=("png",))
    names = ["accuracy_hidden", "accuracy_parameters", "differences", "spikes", "delays", "time"]
    expected = ["runs.csv", *(f"{n}.png" for n in names), "report.md"]
    assert [p.name for p in written if p.suffix != ".parquet"] == expected
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in written}
    text = (tmp_path / "report.md").read_text()
    assert all(f"({n}.png)" in text for n in names)


def test_no_runs_yet(tmp_path: Path) -> None:
    written = write_study_report(tmp_path, [], title="braille")
    assert "No run has a result yet" in written[-1].read_text()
    assert not list(tmp_path.glob("*.png"))
