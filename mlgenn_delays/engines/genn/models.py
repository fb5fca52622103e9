"""Neuron, synapse and weight-update models of a program, as GeNN takes them.

The equations are the text of :mod:`mlgenn_delays.program.equations` (or of a user's own
model), the same that the CPU engine renders; the templates beside this module say how GeNN's
steps run them forwards and backwards.

One neuron model holds a population's receptors, membrane and adjoint. Synapses only hand
over what arrives (``DeltaCurr``), through GeNN's dendritic delay buffer. An event of a
backward step is a spike of the forward pass, seen backwards: the weight-update model then
reads the postsynaptic adjoint as it was ``delay`` backward steps ago, which is the adjoint
at the arrival of the spike.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jinja2
import numpy as np
from ml_genn.utils.model import NeuronModel, SynapseModel, WeightUpdateModel
from pygenn import VarAccess, VarAccessMode

from ...program.constants import Constants
from ...program.program import ConnectionProgram, PopulationProgram, Program
from ...program.snippet import parse_expression, parse_statements
from ..rendering import template_environment

#: Values of the dynamic parameter Phase of all neurons.
IDLE, FORWARD, BACKWARD = 0, 1, 2

#: Value of ReadoutStep where there is no step yet.
NO_STEP = -1

#: Lowest float32, where a maximum starts.
_LOWEST = float(np.finfo(np.float32).min)

#: (name, GeNN type, value at the start of a pass)
Variables = list[tuple[str, str, float]]


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    return template_environment("mlgenn_delays.engines.genn")


def _render(name: str, **values: Any) -> str:
    return _templates().get_template(name).render(**values)


def arrivals(receptor: int) -> str:
    """Additional input variable that receives what arrives at a receptor."""
    return f"Arrivals{receptor}"


def readout_kind(population: PopulationProgram) -> str | None:
    """How a population is read out, as templates name it; None: not at all."""
    return None if population.readout is None else population.readout.kind.value


def is_sampled(program: Program, population: PopulationProgram) -> bool:
    """Whether the loss depends on the voltage of a population at the end of every step."""
    kept = population.trace or readout_kind(population) == "weighted"
    return program.training and kept


class PopulationModel:
    """GeNN neuron model of a population with dynamics.

    Attributes:
        model: for mlGeNN's compiler
        forward_vars: variables to be reset before a forward pass
        backward_vars: variables to be reset before a backward pass
        history_vars: adjoints that synapses read as they were some steps ago, likewise
        tape: names of the extra global parameters that hold the spike tape
    """

    def __init__(self, program: Program, population: PopulationProgram, lanes: int):
        self._program = program
        self._population = population
        source = population.dynamics
        self._source = source
        self.tau_mem = source.params["TauM"]
        self._refractory = min(source.refractory_steps, program.timesteps)
        kind = readout_kind(population)
        training, spiking = program.training, population.is_spiking
        has_trace = population.trace and training
        self._own = list(Constants(program, population).names)
        self._params: dict[str, tuple[str, float]] = {
            name: ("scalar", value)
            for name, value in source.params.items()
            if name not in self._own
        }
        self._params["Phase"] = ("int", IDLE)
        self.forward_vars: Variables = [(n, "scalar", v) for n, v in source.vars.items()]
        self.backward_vars: Variables = []
        self.history_vars: Variables = []
        self.pushed_vars: Variables = []
        self.tape: list[tuple[str, str]] = []
        self._arrays: list[tuple[str, str]] = []
        receptors = [self._receptor(r) for r in range(len(population.receptors))]
        if spiking:
            self._add_tape(training)
        if kind is not None:
            self._add_readout(kind, training)
        if has_trace:
            self._params["Slot"] = ("int", 0)
            self._arrays += [("Trace", "scalar*"), ("TraceGradient", "scalar*")]
        if training:
            for name, value in source.adjoint.vars.items():
                of_synapses = self.history_vars if name == "LambdaV" else self.backward_vars
                of_synapses.append((name, "scalar", value))
        if is_sampled(program, population):
            self.history_vars.append(("ArrivalLambdaV", "scalar", 0.0))
        regularised = population.regulariser is not None and training
        if regularised:
            self.pushed_vars.append(("Regulariser", "scalar", 0.0))
        spelled = {
            "spiking": spiking,
            "training": training,
            "trace": has_trace,
            "sampled": is_sampled(program, population),
            "readout": kind,
            "window": None if population.readout is None else population.readout.window,
            "regulariser": regularised,
            "refractory_steps": self._refractory,
            "receptors": receptors,
            "current": " + ".join(r["in_syn"] for r in receptors) or "0.0",
            "sim_code": parse_statements(source.sim_code).render({"Isyn": "Injected"}),
            "reset_code": parse_statements(source.reset_code).render(),
            "output_var": source.output_var_name,
            "tape": [
                (name, parse_expression(code).render())
                for name, code in source.adjoint.tape.items()
            ],
            "jump_code": parse_statements(source.adjoint.jump_code).render(
                {"RevISyn": "SpikeGradient"}
            ),
            "adjoint_sim_code": parse_statements(source.adjoint.sim_code).render(),
        }
        self.model = self._assemble(spelled, lanes)

    def has_param(self, name: str) -> bool:
        """Whether the model has a parameter of this name."""
        return name in self._params

    def _receptor(self, index: int) -> dict[str, str]:
        """Text of one receptor; its variables and parameters get the receptor's number."""
        synapse = self._population.receptors[index].model
        lambda_i = self._population.current_adjoints[index]
        names = {name: f"{name}{index}" for name in synapse.params}
        for name, value in synapse.params.items():
            if names[name] not in self._own:
                self._params[names[name]] = ("scalar", value)
        in_syn = f"InSyn{index}"
        self.forward_vars.append((in_syn, "scalar", 0.0))
        if self._program.training:
            self.history_vars.append((lambda_i, "scalar", 0.0))
        return {
            "in_syn": in_syn,
            "arrivals": arrivals(index),
            "sim_code": parse_statements(synapse.sim_code).render(
                {**names, "inSyn": in_syn}, calls={"injectCurrent": "Injected += "}
            ),
            "adjoint_sim_code": parse_statements(synapse.adjoint_sim_code).render(
                {**names, "LambdaI": lambda_i}
            ),
        }

    def _add_tape(self, training: bool) -> None:
        self._params["Slot"] = ("int", 0)
        self._params["Capacity"] = ("int", 0)
        self.forward_vars.append(("SpikeCount", "int", 0))
        self.tape.append(("TapeStep", "int*"))
        if self._refractory:
            self.forward_vars.append(("Held", "int", 0))
        if not training:
            return
        self.backward_vars.append(("BackSpike", "int", 0))
        self.pushed_vars.append(("SpikesLeft", "int", 0))
        self.tape += [(f"Tape{name}", "scalar*") for name in self._source.adjoint.tape]
        if self._refractory:
            self.backward_vars.append(("Release", "scalar", 0.0))
            self.tape.append(("TapeRelease", "scalar*"))

    def _add_readout(self, kind: str, training: bool) -> None:
        if kind == "weighted":
            self._arrays.append(("ReadoutWeights", "scalar*"))
        if kind != "first_spike":
            start = _LOWEST if kind == "max" else 0.0
            self.forward_vars.append(("Readout", "scalar", start))
        if kind in ("max", "first_spike"):
            # kept and pushed by the host, since a batch may run in several passes
            self.forward_vars.append(("ReadoutStep", "int", NO_STEP))
        if training:
            self.pushed_vars.append(("Drive", "scalar", 0.0))
        if training and kind == "first_spike":
            self.pushed_vars.append(("Silent", "scalar", 0.0))

    def _assemble(self, spelled: dict[str, Any], lanes: int) -> NeuronModel:
        values: dict[str, Any] = {
            "p": spelled,
            "lanes": lanes,
            "timesteps": self._program.timesteps,
        }
        inputs = [(r["arrivals"], "scalar", 0.0) for r in spelled["receptors"]]
        if spelled["spiking"] and spelled["training"]:
            inputs.append(("RevISyn", "scalar", 0.0))
        text: dict[str, Any] = {"sim_code": _render("population/population.c.j2", **values)}
        if spelled["spiking"]:
            condition = parse_expression(self._source.threshold_condition_code).render()
            text["threshold_condition_code"] = f"Phase == {FORWARD} && ({condition})"
            text["reset_code"] = _render("population/spike.c.j2", **values)
        text["additional_input_vars"] = inputs
        variables = self.forward_vars + self.backward_vars + self.history_vars + self.pushed_vars
        variables += [(name, "scalar", 0.0) for name in self._own]
        return _neuron_model(
            text,
            self._params,
            variables,
            self.tape + self._arrays,
            shared=("Regulariser", *self._own),
        )


def _neuron_model(
    text: dict[str, Any],
    params: dict[str, tuple[str, float]],
    variables: Variables,
    arrays: list[tuple[str, str]],
    shared: Sequence[str] = (),
    read_only: Sequence[str] = (),
) -> NeuronModel:
    """mlGeNN's container; ``shared`` variables are the same for all examples of a batch."""
    access = {name: VarAccess.READ_ONLY for name in shared}
    access |= {name: VarAccess.READ_ONLY_DUPLICATE for name in read_only}
    text["params"] = [(name, kind) for name, (kind, _) in params.items()]
    text["vars"] = [
        (name, kind, access.get(name, VarAccess.READ_WRITE)) for name, kind, _ in variables
    ]
    text["extra_global_params"] = list(arrays)
    model = NeuronModel(
        text,
        None,
        {name: value for name, (_, value) in params.items()},
        {name: value for name, _, value in variables},
        {},
    )
    for name in ("Phase", "Slot", "Capacity"):
        if name in params:
            model.set_param_dynamic(name)
    return model


def input_model(program: Program) -> NeuronModel:
    """GeNN neuron model of an input population; see the template for what it does."""
    variables: Variables = [
        ("InputNext", "int", 0),
        ("Multiplicity", "scalar", 1.0),
        ("InputBegin", "int", 0),
        ("InputEnd", "int", 0),
    ]
    if program.training:
        variables.append(("BackSpike", "int", 0))
    text = {
        "sim_code": _render(
            "input/input.c.j2", training=program.training, timesteps=program.timesteps
        ),
        "threshold_condition_code": "emits",
        "reset_code": "",
    }
    arrays = [("InputSteps", "int*"), ("InputCounts", "scalar*")]
    return _neuron_model(
        text, {"Phase": ("int", IDLE)}, variables, arrays, read_only=("InputBegin", "InputEnd")
    )


def synapse_model() -> SynapseModel:
    """What arrives is handed over to the neuron, whose model holds the receptors."""
    return SynapseModel({"sim_code": "injectCurrent(inSyn); inSyn = 0.0;"}, {}, {}, {}, {})


def weight_update_model(program: Program, connection: ConnectionProgram) -> WeightUpdateModel:
    """Delivery of spikes, gradients at their arrivals and feedback to the source."""
    source = program.populations[connection.source]
    feedback = program.training and not source.is_input
    target = program.populations[connection.target]
    learn_weights = program.learns(connection.weight)
    learn_delays = program.learns(connection.delay)
    lambda_i = target.current_adjoints[connection.receptor]
    both = (connection.weight, connection.delay)
    names = {i: program.parameters[i].name for i in both if i is not None}
    own_tau = target.receptors[connection.receptor].own_tau
    # delays that can only be zero are none: GeNN's CUDA code of a ring of one slot does not compile
    synapse_delays = connection.has_synapse_delays and connection.max_delay_steps > 0
    ago = ""
    if synapse_delays or connection.constant_delay > 0:
        ago = "[delay]" if synapse_delays else f"[{connection.constant_delay}]"
    spelled = {
        "weight": names[connection.weight],
        "delay": None if connection.delay is None else names[connection.delay],
        "synapse_delays": synapse_delays,
        "constant_delay": connection.constant_delay,
        "times": "Multiplicity_pre * " if source.is_input else "",
        "tau_syn": "TauSyn_post" if own_tau else "TauSyn",
        "lambda_i": f"LambdaI_post{ago}",
        "lambda_v": f"LambdaV_post{ago}",
        "learn_weights": learn_weights,
        "learn_delays": learn_delays,
        "feedback": feedback,
    }
    text: dict[str, Any] = {
        "params": [("TauSyn", "scalar"), ("MaxDelay", "int")],
        "vars": [(name, "scalar", VarAccess.READ_ONLY) for name in names.values()],
        "pre_spike_syn_code": _render("connection/forward.c.j2", c=spelled),
    }
    pre = {"Multiplicity_pre": "Multiplicity"} if source.is_input else {}
    post: dict[str, str] = {}
    if learn_weights or learn_delays or feedback:
        text["pre_event_threshold_condition_code"] = "BackSpike_pre"
        text["pre_event_syn_code"] = _render("connection/backward.c.j2", c=spelled)
        pre["BackSpike_pre"] = "BackSpike"
        post["LambdaI_post"] = lambda_i
    if learn_delays or feedback:
        post["LambdaV_post"] = "ArrivalLambdaV" if is_sampled(program, target) else "LambdaV"
    if learn_weights:
        text["vars"].append(("Gradient", "scalar"))
        if own_tau:
            post["TauSyn_post"] = f"TauSyn{connection.receptor}"
    if learn_delays:
        text["vars"].append(("DelayGradient", "scalar"))
    kinds = {"BackSpike_pre": "int"}
    text["pre_neuron_var_refs"] = [(name, kinds.get(name, "scalar")) for name in pre]
    access = VarAccessMode  # what is the same for all examples of a batch can only be read
    text["post_neuron_var_refs"] = [
        (name, "scalar", access.READ_ONLY if name == "TauSyn_post" else access.READ_WRITE)
        for name in post
    ]
    return WeightUpdateModel(
        text,
        {"TauSyn": connection.tau_syn, "MaxDelay": connection.max_delay_steps},
        {entry[0]: 0.0 for entry in text["vars"]},
        {},
        {},
        {},
        pre,
        post,
    )
