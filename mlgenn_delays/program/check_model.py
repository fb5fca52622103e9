"""Whether a neuron model's text can be rendered by every back end, before any compiler runs.

The language of snippets is the subset of C that GeNN's transpiler takes, see
docs/models.md. Only what can be found by looking at words is found here; grammar is left
to the compilers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np

from ..checks import check_number, check_whole_number
from .model import AdjointModel, NeuronModel

#: Functions of C's mathematics library that all back ends know, in single precision.
FUNCTIONS = frozenset(
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 "
    "fabs fdim floor fma fmax fmin fmod lgamma log log10 log1p log2 nearbyint nextafter pow "
    "remainder rint round sin sinh sqrt tan tanh tgamma trunc".split()
)

_TYPES = frozenset("bool int scalar unsigned".split())
_KEYWORDS = _TYPES | frozenset(
    "break case const continue default do else false for if switch true while".split()
)

#: Names that back ends give to things of their own.
_RESERVED = frozenset(
    "Adam Adjoint ArrivalLambdaV BackSpike Batch Capacity ConnectionBuffers Drive EOF "
    "FlushDenormals Held I INFINITY Injected InputCursor InputEvents Isyn Lambda Lane "
    "Multiplicity NAN NULL Network Phase Pool PopulationBuffers Readout ReadoutStep "
    "ReadoutWeights Regulariser Release Rest RevISyn Silent Slot SpikeCount SpikeGradient "
    "SpikesLeft State Tape Tapes Trace TraceGradient".split()
)
_RESERVED_PATTERN = re.compile(
    r"(LambdaI|Arrivals|InSyn|ExpDecay|Kappa|KappaBack)\d*|Tape[A-Z]\w*|M_\w+|[A-Z]+_(MAX|MIN)"
)

_NAME = re.compile(r"[A-Z][A-Za-z0-9_]*")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?(?![\w.])")
_WORD = re.compile(r"[A-Za-z_]\w*")
_DECLARATION = re.compile(rf"\b(?:{'|'.join(sorted(_TYPES))})\s+([^;]*)")
_ASSIGNMENT = re.compile(
    r"([A-Za-z_]\w*)\s*(?:(?:<<|>>|[-+*/%&|^])?=(?!=)|\+\+|--)|(?:\+\+|--)\s*([A-Za-z_]\w*)"
)
_FORBIDDEN = re.compile(
    rf"[^\w\s.+\-*/%<>=!&|^~?:;,(){{}}]|::|->|\b(?:{'|'.join(sorted(_TYPES))})\s*[&*]"
)

_FLOAT32_MAX = float(np.finfo(np.float32).max)


def check_model(model: NeuronModel, owner: str, is_spiking: bool) -> None:
    """Check a neuron model.

    Args:
        model:      what ``get_model`` returned
        owner:      whose it is, for messages
        is_spiking: of the neuron

    Raises:
        TypeError: not a :class:`.NeuronModel`
        ValueError: names that are unknown where they are used, taken or not allowed; numbers
            that are not finite; parts that are missing. The message names the part.
    """
    if not isinstance(model, NeuronModel) or not isinstance(model.adjoint, AdjointModel):
        raise TypeError(
            f"{owner}: get_model should return a NeuronModel with an AdjointModel, not {model!r}"
        )
    try:
        for part, code in _snippets(model).items():
            if not isinstance(code, str):
                raise TypeError(f"{part} should be text, not {code!r}")
        _check_names(model)
        _check_numbers(model)
        _check_parts(model, is_spiking)
        _check_text(model)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{owner}: {error}") from None


def used_functions(model: NeuronModel) -> frozenset[str]:
    """Names of mathematical functions that a model's snippets use."""
    words = {word for code in _snippets(model).values() for word in _WORD.findall(code)}
    return FUNCTIONS.intersection(words)


def _snippets(model: NeuronModel) -> dict[str, str]:
    """All code of a model by its part."""
    adjoint = model.adjoint
    return {
        "sim_code": model.sim_code,
        "threshold_condition_code": model.threshold_condition_code,
        "reset_code": model.reset_code,
        "adjoint.sim_code": adjoint.sim_code,
        "adjoint.jump_code": adjoint.jump_code,
        **{f"adjoint.tape[{name!r}]": code for name, code in adjoint.tape.items()},
    }


def _check_names(model: NeuronModel) -> None:
    groups = {
        "vars": model.vars,
        "params": model.params,
        "adjoint.vars": model.adjoint.vars,
        "adjoint.tape": model.adjoint.tape,
    }
    seen: dict[str, str] = {}
    for group, names in groups.items():
        for name in names:
            if not _NAME.fullmatch(name):
                raise ValueError(
                    f"{group} has the name {name!r}, allowed are letters, digits and _ after a "
                    "capital letter (names in lower case belong to the engines)"
                )
            if _is_reserved(name):
                raise ValueError(f"{group} has the name {name!r}, which the engines use themselves")
            if name in seen:
                raise ValueError(f"{group} has the name {name!r}, which is also in {seen[name]}")
            if name.startswith("Lambda") != (group == "adjoint.vars"):
                raise ValueError(
                    f"{group} has the name {name!r}: names of adjoint variables, and no others, "
                    "start with Lambda"
                )
            seen[name] = group


def _check_numbers(model: NeuronModel) -> None:
    groups: dict[str, Mapping[str, float]] = {
        "vars": model.vars,
        "params": model.params,
        "adjoint.vars": model.adjoint.vars,
    }
    for group, values in groups.items():
        for name, value in values.items():
            check_number(value, f"{group}[{name!r}]", minimum=-_FLOAT32_MAX, maximum=_FLOAT32_MAX)
    check_whole_number(model.refractory_steps, "refractory_steps")


def _check_parts(model: NeuronModel, is_spiking: bool) -> None:
    adjoint = model.adjoint
    if model.output_var_name != "V" or "V" not in model.vars:
        raise ValueError(
            f"output_var_name is {model.output_var_name!r} and vars are {_list(model.vars)}: the "
            "variable that synapses drive and readouts read should be called 'V'"
        )
    if "LambdaV" not in adjoint.vars:
        raise ValueError(
            f"adjoint.vars are {_list(adjoint.vars)}, 'LambdaV', the adjoint of V, is missing"
        )
    if "TauM" not in model.params:
        raise ValueError(
            f"params are {_list(model.params)}, 'TauM', the time constant of V [ms], is missing"
        )
    check_number(model.params["TauM"], "params['TauM']", above=0.0)
    if not _uses(model.sim_code, "Isyn"):
        raise ValueError("sim_code does not use 'Isyn', so that nothing would reach the neuron")
    if is_spiking:
        _check_spiking_parts(model)
        return
    spiking = {
        "threshold_condition_code": model.threshold_condition_code.strip(),
        "reset_code": model.reset_code.strip(),
        "refractory_steps": model.refractory_steps,
        "adjoint.jump_code": adjoint.jump_code.strip(),
        "adjoint.tape": adjoint.tape,
    }
    for part, value in spiking.items():
        if value:
            raise ValueError(f"{part} is given, but is_spiking of the class is False")


def _check_spiking_parts(model: NeuronModel) -> None:
    if not model.threshold_condition_code.strip():
        raise ValueError("is_spiking of the class is True, but threshold_condition_code is missing")
    if not _uses(model.adjoint.jump_code, "RevISyn"):
        raise ValueError(
            "adjoint.jump_code does not use 'RevISyn', so that gradients would end at the "
            "neuron's spikes"
        )
    if model.refractory_steps and "Vreset" not in model.params:
        raise ValueError(
            f"refractory_steps is {model.refractory_steps}, but params are "
            f"{_list(model.params)}: 'Vreset', at which V is held, is missing"
        )
    if model.refractory_steps and not _uses(model.adjoint.jump_code, "Release"):
        raise ValueError(
            f"refractory_steps is {model.refractory_steps}, but adjoint.jump_code does not use "
            "'Release', what comes back from the end of the refractory period"
        )


def _check_text(model: NeuronModel) -> None:
    adjoint = model.adjoint
    constants = {*model.params, "dt"}
    release = {"Release"} if model.refractory_steps else set()
    lambdas = set(adjoint.vars)
    _check_statements("sim_code", model.sim_code, model.vars, constants | {"Isyn"})
    _check_statements("reset_code", model.reset_code, model.vars, constants)
    _check_statements("adjoint.sim_code", adjoint.sim_code, lambdas, constants)
    _check_statements(
        "adjoint.jump_code",
        adjoint.jump_code,
        lambdas,
        {*constants, *adjoint.tape, "RevISyn", *release},
    )
    if model.threshold_condition_code.strip():
        _check_expression(
            "threshold_condition_code", model.threshold_condition_code, {*model.vars, *constants}
        )
    for name, code in adjoint.tape.items():
        _check_expression(f"adjoint.tape[{name!r}]", code, {*model.vars, *constants, "I"})


def _check_statements(
    part: str, code: str, variables: Collection[str], constants: Collection[str]
) -> None:
    text = _plain(part, code)
    if text.strip() and text.strip()[-1] not in ";}":
        raise ValueError(f"{part} should end with ';': {code!r}")
    local = list(_declared(text))
    for name in local:
        known = name in variables or name in constants
        if known or _is_reserved(name) or not _NAME.fullmatch(name):
            raise ValueError(
                f"{part} declares {name!r}, allowed are names that start with a capital letter "
                "and mean nothing else"
            )
    _check_words(part, text, {*variables, *constants, *local})
    for match in _ASSIGNMENT.finditer(text):
        name = match[1] or match[2]
        if name not in variables and name not in local:
            raise ValueError(f"{part} changes {name!r}, it may change {_list(variables)}")


def _check_expression(part: str, code: str, names: Collection[str]) -> None:
    text = _plain(part, code)
    if not text.strip():
        raise ValueError(f"{part} is empty")
    if ";" in text or "{" in text or _ASSIGNMENT.search(text):
        raise ValueError(f"{part} should be an expression, not statements: {code!r}")
    _check_words(part, text, names)


def _plain(part: str, code: str) -> str:
    """``code`` without comments and numbers, or an error where it is not of the subset."""
    text = _NUMBER.sub(" 0 ", _COMMENT.sub(" ", code))
    found = _FORBIDDEN.search(text)
    if found:
        raise ValueError(
            f"{part} has {found[0]!r}, which is outside of the subset of C that all engines take "
            "(see docs/models.md)"
        )
    for left, right in ("()", "{}"):
        if text.count(left) != text.count(right):
            raise ValueError(
                f"{part} has {text.count(left)} {left!r} and {text.count(right)} {right!r}"
            )
    return text


def _check_words(part: str, text: str, names: Collection[str]) -> None:
    for match in _WORD.finditer(text):
        word = match[0]
        if word in FUNCTIONS:
            if not text[match.end() :].lstrip().startswith("("):
                raise ValueError(f"{part} uses the function {word!r} without calling it")
        elif word not in names and word not in _KEYWORDS:
            raise ValueError(
                f"{part} uses {word!r}, which is not known there; known are {_list(names)} and "
                "functions such as exp, sqrt, fmax, fmin"
            )


def _declared(text: str) -> Iterator[str]:
    """Names of the local variables that ``text`` declares."""
    for match in _DECLARATION.finditer(text):
        depth, start = 0, True
        for token in re.findall(r"[A-Za-z_]\w*|[(),]", match[1]):
            if start and token not in _TYPES:
                yield token
                start = False
            depth += (token == "(") - (token == ")")
            start = start or (token == "," and depth == 0)


def _is_reserved(name: str) -> bool:
    return name in _RESERVED or _RESERVED_PATTERN.fullmatch(name) is not None


def _uses(code: str, name: str) -> bool:
    return name in _WORD.findall(_COMMENT.sub(" ", code))


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
