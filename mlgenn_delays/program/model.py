"""Models written once, as GeNN code, each with its adjoint beside it.

A model is plain text in the code-snippet language of GeNN 5 plus parameter values.
The CPU engine renders it into C++; other back ends hand the same text to their own
code generator. Names that the snippets may use, besides variables, parameters and ``dt``:

==================  =========================================================
``Isyn``            input injected by all synapses in this step (neuron ``sim_code``)
``inSyn``           the synaptic current of one receptor (synapse code)
``injectCurrent``   adds to ``Isyn`` (synapse ``sim_code``)
``I``               sum of all ``inSyn`` at the end of the step (tape expressions)
``RevISyn``         what arrives backwards at a spike:
                    sum of w (LambdaV - LambdaI) of its arrivals, plus dl_p/dt
                    of a loss on spike times (``jump_code``)
``Release``         what comes back from the end of the refractory period:
                    (I - Vreset) LambdaV there (``jump_code``)
``LambdaV``         the adjoint of the output variable (adjoint code of synapses)
==================  =========================================================

The output variable is ``V``, its adjoint ``LambdaV`` = -(1/``TauM``) dL/dV, and ``TauM``
[ms] a parameter. docs/models.md shows how to write a model; :mod:`.check_model` checks it.
Equations, jumps and sign conventions stand in :mod:`mlgenn_delays.program.equations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .frozen import Frozen
from .snippet import Snippet, parse_expression, parse_statements

#: When something adds to a gradient, see :class:`Gradient`.
GRADIENT_PARTS = ("step", "spike", "reset")


@dataclass(frozen=True)
class Gradient:
    """What dL/dc of a constant c of a model is the sum of: expressions, "" where there is nothing.

    Attributes:
        step:  of every timestep; may use the state as it was before the step (``inSyn`` after what
               arrived in it) and the adjoint variables after it
        spike: of every spike; adjoint variables before the spike, and the tape's names
        reset: of every spike; adjoint variables just after the reset, at the end of the refractory
               period where there is one, and the tape's names
    """

    step: str = ""
    spike: str = ""
    reset: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class AdjointModel(Frozen):
    """Backward dynamics of a neuron model.

    Attributes:
        vars:       adjoint variables and their values at the end of the trial
        sim_code:   one step backwards, run after the synapses have read the variables
        jump_code:  what a spike does to the variables; may use the tape's names
        tape:       name -> expression, evaluated at each spike before the reset and
                    kept until the backward pass
        gradients:  name of a parameter of the model -> what its gradient is the sum of, for those
                    that can be learned, or that others follow from which can
    """

    vars: Mapping[str, float]
    sim_code: str
    jump_code: str = ""
    tape: Mapping[str, str] = field(default_factory=dict)
    gradients: Mapping[str, Gradient] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, repr=False)
class NeuronModel(Frozen):
    """A neuron model and its adjoint.

    Attributes:
        vars:                       state variables and their initial values
        params:                     parameter values
        output_var_name:            variable that readouts read
        sim_code:                   one timestep forwards
        threshold_condition_code:   expression that says whether the neuron spikes, or ""
        reset_code:                 what a spike does to the state
        refractory_steps:           steps for which the output variable is held at the parameter
                                    ``Vreset`` after a spike; other variables go on
        tau_refrac:                 the same in ms, for engines without timesteps; None:
                                    ``refractory_steps`` times dt
        adjoint:                    the backward dynamics
        derived:                    name of a parameter -> expression of those before it and of
                                    ``dt`` that it follows from, for where they are those of
                                    single neurons (:mod:`.constants`)
    """

    vars: Mapping[str, float]
    params: Mapping[str, float]
    output_var_name: str
    sim_code: str
    adjoint: AdjointModel
    threshold_condition_code: str = ""
    reset_code: str = ""
    refractory_steps: int = 0
    tau_refrac: float | None = None
    derived: Mapping[str, str] = field(default_factory=dict)

    def snippets(self) -> dict[str, Snippet]:
        """All code by its part, parsed; threshold and parts of gradients only where there are any.

        Raises:
            TypeError: a part is not text
            ValueError: a part is not of the language; the message names it
        """
        statements = {
            "sim_code": self.sim_code,
            "reset_code": self.reset_code,
            "adjoint.sim_code": self.adjoint.sim_code,
            "adjoint.jump_code": self.adjoint.jump_code,
        }
        tape = {f"adjoint.tape[{name!r}]": code for name, code in self.adjoint.tape.items()}
        derived = {f"derived[{name!r}]": code for name, code in self.derived.items()}
        optional = {"threshold_condition_code": self.threshold_condition_code}
        for name, gradient in self.adjoint.gradients.items():
            of = f"adjoint.gradients[{name!r}]"
            optional |= {f"{of}.{part}": getattr(gradient, part) for part in GRADIENT_PARTS}
        snippets = {}
        for part, code in {**statements, **optional, **tape, **derived}.items():
            if not isinstance(code, str):
                raise TypeError(f"{part} should be text, not {code!r}")
            if part in optional and not code.strip():
                continue
            parse = parse_statements if part in statements else parse_expression
            try:
                snippets[part] = parse(code)
            except ValueError as error:
                raise ValueError(f"{part}: {error}") from None
        return snippets


@dataclass(frozen=True, eq=False, repr=False)
class SynapseModel(Frozen):
    """A postsynaptic model (one receptor of a neuron) and its adjoint.

    Attributes:
        params:             parameter values
        sim_code:           one timestep forwards: ``inSyn`` decays and injects current
        adjoint_sim_code:   one step backwards: ``LambdaI`` from itself and ``LambdaV``
        derived:            as that of :class:`NeuronModel`, from ``TauSyn`` and ``TauM``
        gradients:          as that of :class:`AdjointModel`, of timesteps alone
    """

    params: Mapping[str, float]
    sim_code: str
    adjoint_sim_code: str
    derived: Mapping[str, str] = field(default_factory=dict)
    gradients: Mapping[str, Gradient] = field(default_factory=dict)
