"""Whether a neuron model can be rendered by every back end, before any compiler runs.

That its snippets are of the language is found by parsing them (:mod:`.snippet`); here it is
about what they may use and change, and about names, numbers and parts of the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from ..checks import check_number, check_whole_number
from .equations import TIME_CONSTANT
from .evaluate import EVALUATED
from .model import AdjointModel, NeuronModel
from .snippet import Snippet, parse_expression

#: Functions of C's mathematics library that all back ends know, in single precision.
FUNCTIONS = frozenset(
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 "
    "fabs fdim floor fma fmax fmin fmod lgamma log log10 log1p log2 nearbyint nextafter pow "
    "remainder rint round sin sinh sqrt tan tanh tgamma trunc".split()
)

#: Names that back ends give to things of their own.
_RESERVED = frozenset(
    "Adam Adjoint ArrivalLambdaV BackSpike Batch Capacity ConnectionBuffers Drive EOF "
    "FlushDenormals Held I INFINITY Injected InputCursor InputEvents Isyn Lambda Lane "
    "Multiplicity NAN NULL Network Parameter Phase Pool PopulationBuffers Readout ReadoutStep "
    "ReadoutWeights Regulariser Release Rest RevISyn Silent Slot SpikeCount SpikeGradient "
    "SpikesLeft State Tape Tapes Trace TraceGradient".split()
)
_RESERVED_PATTERN = re.compile(
    r"(LambdaI|Arrivals|InSyn|ExpDecay|Kappa|KappaBack|KappaGap)\d*|TauSyn\d+|Tape[A-Z]\w*|M_\w+|[A-Z]+_(MAX|MIN)"
)
_NAME = re.compile(r"[A-Z][A-Za-z0-9_]*")

_FLOAT32_MAX = float(np.finfo(np.float32).max)


def check_model(model: NeuronModel, owner: str, is_spiking: bool) -> None:
    """Check a neuron model.

    Args:
        model:      what ``get_model`` returned
        owner:      whose it is, for messages
        is_spiking: of the neuron

    Raises:
        TypeError: not a :class:`.NeuronModel`
        ValueError: text that is not of the language; names that are unknown where they are
            used, taken or not allowed; numbers that are not finite; parts that are missing.
            The message names the part.
    """
    if not isinstance(model, NeuronModel) or not isinstance(model.adjoint, AdjointModel):
        raise TypeError(
            f"{owner}: get_model should return a NeuronModel with an AdjointModel, not {model!r}"
        )
    try:
        snippets = model.snippets()
        _check_values(model)
        _check_parts(model, snippets, is_spiking)
        _check_gradients(model)
        _check_uses(model, snippets)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{owner}: {error}") from None


def _check_values(model: NeuronModel) -> None:
    """Names and numbers."""
    groups: dict[str, Mapping[str, float]] = {
        "vars": model.vars,
        "params": model.params,
        "adjoint.vars": model.adjoint.vars,
        "adjoint.tape": dict.fromkeys(model.adjoint.tape, 0.0),
    }
    seen: dict[str, str] = {}
    for group, name, value in (
        (g, n, v) for g, values in groups.items() for n, v in values.items()
    ):
        has = f"{group} has the name {name!r}"
        _require(
            _NAME.fullmatch(name),
            f"{has}, allowed are letters, digits and _ after a capital letter (names in lower "
            "case belong to the engines)",
        )
        _require(not _is_reserved(name), f"{has}, which the engines use themselves")
        _require(name not in seen, f"{has}, which is also in {seen.get(name)}")
        _require(
            name.startswith("Lambda") == (group == "adjoint.vars"),
            f"{has}: names of adjoint variables, and no others, start with Lambda",
        )
        seen[name] = group
        check_number(value, f"{group}[{name!r}]", minimum=-_FLOAT32_MAX, maximum=_FLOAT32_MAX)
    check_whole_number(model.refractory_steps, "refractory_steps")


def _check_parts(model: NeuronModel, snippets: Mapping[str, Snippet], is_spiking: bool) -> None:
    adjoint, params, held = model.adjoint, model.params, model.refractory_steps
    _require(
        model.output_var_name == "V" and "V" in model.vars,
        f"output_var_name is {model.output_var_name!r} and vars are {_list(model.vars)}: the "
        "variable that synapses drive and readouts read should be called 'V'",
    )
    _require(
        "LambdaV" in adjoint.vars,
        f"adjoint.vars are {_list(adjoint.vars)}, 'LambdaV', the adjoint of V, is missing",
    )
    _require(
        "TauM" in params,
        f"params are {_list(params)}, 'TauM', the time constant of V [ms], is missing",
    )
    check_number(params["TauM"], "params['TauM']", **TIME_CONSTANT)
    _require(
        "Isyn" in snippets["sim_code"].names,
        "sim_code does not use 'Isyn', so that nothing would reach the neuron",
    )
    if not is_spiking:
        spiking = {
            "threshold_condition_code": model.threshold_condition_code.strip(),
            "reset_code": model.reset_code.strip(),
            "refractory_steps": held,
            "adjoint.jump_code": adjoint.jump_code.strip(),
            "adjoint.tape": adjoint.tape,
            **{
                f"adjoint.gradients[{name!r}].{part}": getattr(gradient, part).strip()
                for name, gradient in adjoint.gradients.items()
                for part in ("spike", "reset")
            },
        }
        for part, value in spiking.items():
            _require(not value, f"{part} is given, but is_spiking of the class is False")
        return
    jump_uses = snippets["adjoint.jump_code"].names
    _require(
        "threshold_condition_code" in snippets,
        "is_spiking of the class is True, but threshold_condition_code is missing",
    )
    _require(
        "RevISyn" in jump_uses,
        "adjoint.jump_code does not use 'RevISyn', so that gradients would end at the neuron's "
        "spikes",
    )
    _require(
        not held or "Vreset" in params,
        f"refractory_steps is {held}, but params are {_list(params)}: 'Vreset', at which V is "
        "held, is missing",
    )
    _require(
        not held or "Release" in jump_uses,
        f"refractory_steps is {held}, but adjoint.jump_code does not use 'Release', what comes "
        "back from the end of the refractory period",
    )


def _check_gradients(model: NeuronModel) -> None:
    """What is said of parameters that may be those of single neurons."""
    for group, names in (
        ("derived", model.derived),
        ("adjoint.gradients", model.adjoint.gradients),
    ):
        for name in names:
            _require(
                name in model.params,
                f"{group} has {name!r}, which is none of params, {_list(model.params)}",
            )
    for name, text in model.derived.items():
        others = parse_expression(text).functions - EVALUATED
        _require(
            not others,
            f"derived[{name!r}] calls {_list(others)}, allowed are {_list(EVALUATED)}",
        )


def _check_uses(model: NeuronModel, snippets: Mapping[str, Snippet]) -> None:
    """What snippets use and change."""
    release = ["Release"] if model.refractory_steps else []
    special = {
        "sim_code": ["Isyn"],
        "adjoint.jump_code": [*model.adjoint.tape, "RevISyn", *release],
        **{f"adjoint.tape[{name!r}]": ["I"] for name in model.adjoint.tape},
    }
    for part, snippet in snippets.items():
        is_adjoint = part in ("adjoint.sim_code", "adjoint.jump_code")
        variables = model.adjoint.vars if is_adjoint else model.vars
        known = {*variables, *model.params, "dt", *special.get(part, ())}
        if part.startswith("adjoint.gradients["):
            others = model.vars if part.endswith("step") else model.adjoint.tape
            known = {*model.adjoint.vars, *others, *model.params, "dt"}
        elif part.startswith("derived["):
            known = {*model.params, "dt"}
        for name in snippet.declared:
            _require(
                _NAME.fullmatch(name) and name not in known and not _is_reserved(name),
                f"{part} declares {name!r}, allowed are names that start with a capital letter "
                "and mean nothing else",
            )
        for name in sorted((snippet.names - known) | (snippet.functions - FUNCTIONS)):
            _require(name not in FUNCTIONS, f"{part} uses the function {name!r} without calling it")
            raise ValueError(
                f"{part} uses {name!r}, which is not known there; known are {_list(known)} and "
                "functions such as exp, sqrt, fmax, fmin"
            )
        for name in sorted(snippet.assigned - {*variables}):
            raise ValueError(f"{part} changes {name!r}, it may change {_list(variables)}")


def _require(condition: object, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _is_reserved(name: str) -> bool:
    return name in _RESERVED or _RESERVED_PATTERN.fullmatch(name) is not None


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
