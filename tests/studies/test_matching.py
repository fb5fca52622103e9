"""Numbers of parameters from a description, and sizes that have as many as others."""

from __future__ import annotations

from typing import Any

import pytest
from order_task import TASK

from mlgenn_delays.studies import Study, Task, get_task, plan
from mlgenn_delays.studies.commands.study_bar import network_lines
from mlgenn_delays.studies.compiling import compile_network
from mlgenn_delays.studies.matching import closest_sizes, count_described
from mlgenn_delays.studies.record import count_parameters
from mlgenn_delays.studies.task import load_data

METHODS = ("eventprop", "dcls", "delrec")

EVERYTHING = {
    "bias": True,
    "batch_norm": True,
    "learned_widths": True,
    "output_delay": (0.0, 2.0),
}


#: Networks of surrogate gradients are compiled for PyTorch.
TORCH = pytest.mark.torch


def compiled_counts(task: Task, changes: dict[str, Any]) -> tuple[int, tuple[int, int, int]]:
    """From the description, and what a compiled network says of weights, delays and others."""
    config = task.config(changes)
    data = load_data(task, config)
    network = task.build(config, data)
    with compile_network(task, network, config, data) as compiled:
        return count_described(task, config, data), count_parameters(compiled.program, network)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        # 2 inputs, 4 hidden neurons, 2 outputs
        ({"method": "eventprop"}, (8 + 16 + 8, 8 + 16, 0)),
        ({"method": "eventprop", "delays": "fixed", **EVERYTHING}, (32, 0, 0)),
        ({"delay_sharing": "axonal"}, (8 + 16 + 8, 2 + 4, 0)),
        ({"delay_sharing": "dendritic"}, (8 + 16 + 8, 4 + 4, 0)),
        ({"delay_sharing": "axonal+dendritic"}, (8 + 16 + 8, 2 + 4 + 4 + 4, 0)),
        ({"recurrent_delay_sharing": "axonal"}, (8 + 16 + 8, 8 + 4, 0)),
        ({"tau_mem_range": (10.0, 40.0), "tau_syn_range": (3.0, 9.0)}, (32, 8 + 16, 0)),
        ({"learn_time_constants": True}, (32, 8 + 16, 4 + 4 + 4)),
        *(
            pytest.param({"method": method, **changes}, parts, marks=TORCH)
            for method, changes, parts in (
                ("dcls", {}, (8 + 8, 8, 0)),
                ("dcls", {"recurrent_delay_sharing": "axonal", **EVERYTHING}, (16, 8 + 8, 6 + 8)),
                ("delrec", {}, (32, 8 + 4, 0)),
                ("delrec", {"recurrent_delay_sharing": None}, (32, 8 + 16, 0)),
                ("delrec", EVERYTHING, (32, 8 + 4 + 8, 8 + 4 + 8 + 6 + 8)),
                ("delrec", {"hidden": (3, 4), **EVERYTHING}, (51, 33, 33 + 9 + 14)),
                ("delrec", {"delays": "none", "bias": True}, (32, 0, 6)),
            )
        ),
    ],
)
def test_counts_from_the_description_are_those_of_compiled_networks(
    changes: dict[str, Any], parts: tuple[int, int, int]
) -> None:
    described, counted = compiled_counts(TASK, changes)
    assert counted == parts
    assert described == sum(parts)


@pytest.mark.parametrize(
    "method", ["eventprop", *(pytest.param(m, marks=TORCH) for m in ("dcls", "delrec"))]
)
def test_frozen_weights_are_not_counted(method: str) -> None:
    changes = {"method": method, "quick": True}
    assert compiled_counts(get_task("sequence_detection"), changes) == (4, (0, 4, 0))


@pytest.mark.parametrize(
    ("sizes", "wanted", "closest"),
    [
        ((8,), 100, (10,)),
        ((8,), 109, (10,)),
        ((8,), 111, (11,)),
        ((128, 64), 9 * 9 + 5 * 5, (9, 5)),  # half, as far as whole numbers can
        ((16, 16, 16), 3 * 49, (7, 7, 7)),
        ((1000, 1), 10_000, (100, 1)),
        ((5,), 0, (1,)),
    ],
)
def test_layers_keep_their_proportions(
    sizes: tuple[int, ...], wanted: int, closest: tuple[int, ...]
) -> None:
    assert closest_sizes(sizes, lambda chosen: sum(n * n for n in chosen), wanted) == closest


def matched(**changes: Any) -> Study:
    values = {
        "task": TASK,
        "sizes": ((16,), (12, 6)),
        "variants": ("recurrent-learned",),
        "seeds": (0, 1),
        "over": {"method": METHODS},
        "match_parameters": True,
    }
    return Study(**{**values, **changes})


def test_methods_have_as_many_parameters_as_the_first_one() -> None:
    runs = plan(matched())
    data = load_data(TASK, TASK.config())
    for size in ("16", "12,6"):
        some = [run for run in runs if run.size == size]
        assert [(run.config.method, run.config.seed) for run in some] == [
            (method, seed) for method in METHODS for seed in (0, 1)
        ]
        assert some[0].config.network.hidden == tuple(map(int, size.split(",")))
        wanted = count_described(TASK, some[0].config, data)
        for run in some:
            assert run.match is not None
            assert run.match.wanted == wanted
            assert run.match.parameters == count_described(TASK, run.config, data)
            assert abs(run.match.deviation) < 0.1
            for step in (-1, 1):  # no other size comes closer
                first, *others = run.config.network.hidden
                nearby = (first + step, *(max(1, round((first + step) / 2)) for _ in others))
                other = count_described(TASK, run.config.change(hidden=nearby), data)
                assert abs(other - wanted) >= abs(run.match.parameters - wanted)
    # axonal delays are few, so that DelRec's networks are larger
    assert runs[4].config.network.hidden > runs[0].config.network.hidden


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("delay_sharing", ("synaptic", "axonal", "dendritic", "axonal+dendritic")),
        ("delay_sharing", ("axonal", "synaptic")),
        ("recurrent_delay_sharing", (None, "axonal")),
        ("learn_time_constants", (False, True)),
    ],
)
def test_ways_to_learn_have_as_many_parameters_as_the_first_one(
    name: str, values: tuple[Any, ...]
) -> None:
    variants = ("recurrent-learned", "recurrent-none")
    study = matched(over={name: values}, variants=variants, sizes=((16,),), seeds=(0,))
    runs = plan(study)
    data = load_data(TASK, TASK.config())
    wanted = count_described(TASK, runs[0].config, data)
    assert runs[0].config.network.hidden == (16,)
    for run in runs:
        assert run.match is not None
        assert run.match.wanted == wanted
        assert run.match.parameters == count_described(TASK, run.config, data)
        assert abs(run.match.deviation) < 0.07
    assert study.describe()[f"match_{name}"] == values[0]


def test_other_axes_are_matched_each_for_itself() -> None:
    runs = plan(matched(over={"method": METHODS, "bias": (False, True)}, sizes=((16,),)))
    wanted = {(run.axes["method"], run.axes["bias"]): run.match.wanted for run in runs if run.match}
    assert len(wanted) == 6
    assert set(wanted.values()) == {2 * 16 + 16 * 16 + 2 * 16 + 2 * 16 + 16 * 16}


def test_dcls_has_the_variant_that_fits() -> None:
    runs = {(r.axes["method"], r.config.seed): r for r in plan(matched(sizes=((16,),)))}
    run = runs["dcls", 0]
    assert (run.variant, run.in_place_of) == ("feedforward-learned", "recurrent-learned")
    assert not run.config.network.recurrent
    assert run.name.startswith("feedforward-learned-16-method=dcls-")
    assert run.labels()["variant"] == "feedforward-learned"
    assert (runs["delrec", 0].variant, runs["delrec", 0].in_place_of) == ("recurrent-learned", "")


def test_a_variant_that_is_there_already_is_not_trained_twice() -> None:
    runs = plan(
        matched(
            variants=("recurrent-learned", "recurrent-input", "feedforward-learned"),
            sizes=((16,),),
            seeds=(0,),
        )
    )
    of_dcls = [run for run in runs if run.config.method == "dcls"]
    assert [run.variant for run in of_dcls] == ["recurrent-input", "feedforward-learned"]
    assert all(run.in_place_of == "" for run in of_dcls)
    assert len(runs) == 8


def test_the_plan_says_sizes_parameters_and_what_stands_for_what() -> None:
    lines = network_lines(plan(matched(sizes=((16,),))))
    assert lines[:2] == [
        "Networks:",
        "         recurrent-learned at 16, method eventprop: 16 hidden neurons, 608 parameters, "
        "+0.0%",
    ]
    assert lines[2].startswith("         feedforward-learned at 16, method dcls: 101 hidden")
    assert lines[2].endswith(
        "606 parameters, -0.3% (in place of recurrent-learned, which this method cannot have)"
    )
    assert len(lines) == 4
    _, line = network_lines(plan(matched(match_parameters=False)))
    assert line == (
        "         feedforward-learned, method dcls "
        "(in place of recurrent-learned, which this method cannot have)"
    )
    assert network_lines(plan(matched(over={}, match_parameters=False))) == []


def test_a_study_of_dcls_alone_names_what_it_cannot_have() -> None:
    with pytest.raises(
        ValueError, match="'recurrent-learned': method 'dcls' learns no delays from"
    ):
        matched(over={}, settings={"method": "dcls"})
    matched(over={}, settings={"method": "dcls"}, variants=("recurrent-input",))


def test_what_a_study_is_says_to_what_it_is_matched() -> None:
    assert matched().describe()["match_method"] == "eventprop"
    assert matched().describe()["match_parameters"] == "recurrent-learned"
    first = matched(over={"method": ("dcls", "delrec")}).describe()
    assert (first["match_method"], first["match_parameters"]) == ("dcls", "feedforward-learned")
    assert "match_method" not in matched(over={}).describe()  # as before there were methods
