r"""
4. Your own neuron, and whether its gradient is right
=====================================================

Neurons adapt: many fire fast at first and then more slowly, as each spike opens potassium channels
that pull the voltage down for a while. In this tutorial we write such a neuron, derive its adjoint
(the equations that carry the gradient back through time) and check it against finite differences
of a solution that shares no code with it. A wrong gradient rarely says so: networks still learn,
only worse. Never skip the check.

The neuron, with the voltage :math:`V`, the synaptic current :math:`I` and a current :math:`A` of
adaptation:

.. math::

   \tau_m \dot V = -V + I - A, \qquad \tau_a \dot A = -A, \qquad
   \text{spike when } V \text{ reaches } \vartheta: \quad V \to 0, \quad A \to A + b
"""

import math

import matplotlib.pyplot as plt
import numpy as np

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import SpikeRecorder, VarRecorder
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.neurons import LeakyIntegrate, Neuron, SpikeInput
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes
from mlgenn_delays.utils.model import AdjointModel, NeuronModel
from mlgenn_delays.utils.value import check_number

# %%
# Forwards
# --------
#
# A neuron model is a class whose ``get_model`` returns short pieces of C-like code. In each step
# the engine works out what synapses do to ``V`` within it (``Isyn``, which is exact), runs
# ``sim_code``, tests the threshold, and at a spike runs ``reset_code``. Between spikes the
# equations are linear, so that a step can be exact as well: ``V`` decays by a factor ``Alpha``,
# ``A`` by ``Rho``, and ``A`` takes from ``V``
#
# .. math::
#
#    K A, \qquad K = \frac{\tau_a}{\tau_a - \tau_m} (e^{-dt/\tau_a} - e^{-dt/\tau_m}).
#
# Backwards
# ---------
#
# The engine goes back through time with :math:`\lambda_V = -\frac{1}{\tau_m} \partial L/\partial V`
# and, by our choice, :math:`\lambda_A = -\frac{1}{\tau_a} \partial L/\partial A`: how much the
# loss would change if voltage or current were a little different *now*.
#
# *Between spikes* the step forwards is a matrix, and the step backwards its transpose. A change of
# ``A`` acts on itself a step later, by ``Rho``, and on ``V``, by ``-K``.
#
# *At a spike* three questions give the jump, whatever the neuron.
#
# 1. *What does the loss gain if the spike comes later?* ``V`` starts from 0 later, and so lags
#    behind by :math:`\dot V^+ = (I - A^+)/\tau_m`, with :math:`A^+ = A + b`. The added :math:`b`
#    has decayed for a shorter time, so that ``A`` is higher by :math:`b/\tau_a`. All arrivals
#    elsewhere come later, which the engine knows: ``RevISyn``. Together:
#    :math:`\partial L/\partial t = (I - A - b) \lambda_V^+ - b \lambda_A^+ + \mathrm{RevISyn}`.
# 2. *How does the state before it move the spike?* ``V`` rises to the threshold with
#    :math:`S/\tau_m`, :math:`S = I - A - \vartheta`. If it is higher, the spike comes earlier by
#    :math:`\tau_m/S` as much. ``A`` does not move it at once.
# 3. *What survives the spike?* ``V`` is forgotten, ``A`` is not.
#
# .. math::
#
#    \lambda_V^- = \frac{(I - A - b) \lambda_V^+ - b \lambda_A^+ + \mathrm{RevISyn}}{S},
#    \qquad \lambda_A^- = \lambda_A^+
#
# ``tape`` names what of the forward pass is kept for every spike. ``i_minus_thresh_min`` bounds
# :math:`S` from below, since a neuron that barely reaches its threshold would have a gradient
# without bounds.


class AdaptingNeuron(Neuron):
    """Leaky integrate-and-fire neuron with a current that each spike strengthens by ``b``."""

    is_spiking = True
    jump_code = """
        const scalar Slope = fmax(ISpike - ASpike - Vthresh, SlopeMin);
        LambdaV = (((ISpike - ASpike - B) * LambdaV) - (B * LambdaA) + RevISyn) / Slope;
    """

    def __init__(self, b=0.3, v_thresh=1.0, tau_mem=20.0, tau_adapt=80.0, readout=None):
        super().__init__(readout)
        self.b, self.v_thresh = b, v_thresh
        self.tau_mem, self.tau_adapt = tau_mem, tau_adapt
        self.check()

    def check(self):  # called again when a network is compiled
        for name in ("v_thresh", "tau_mem", "tau_adapt"):
            check_number(getattr(self, name), f"AdaptingNeuron: {name}", above=0.0)
        if self.tau_mem == self.tau_adapt:
            raise ValueError("AdaptingNeuron: tau_mem and tau_adapt must differ")

    def get_model(self, dt, i_minus_thresh_min):
        alpha, rho = math.exp(-dt / self.tau_mem), math.exp(-dt / self.tau_adapt)
        kick = self.tau_adapt / (self.tau_adapt - self.tau_mem) * (rho - alpha)
        return NeuronModel(
            vars={"V": 0.0, "A": 0.0},
            params={
                "TauM": self.tau_mem,
                "Alpha": alpha,
                "Rho": rho,
                "Kick": kick,
                "KickBack": kick * self.tau_mem / self.tau_adapt,
                "Vthresh": self.v_thresh,
                "B": self.b,
                "SlopeMin": i_minus_thresh_min,
            },
            output_var_name="V",
            sim_code="V = (Alpha * V) + Isyn - (Kick * A); A *= Rho;",
            threshold_condition_code="V >= Vthresh",
            reset_code="V = 0.0; A += B;",
            adjoint=AdjointModel(
                vars={"LambdaV": 0.0, "LambdaA": 0.0},
                sim_code="LambdaA = (Rho * LambdaA) - (KickBack * LambdaV); LambdaV *= Alpha;",
                tape={"ISpike": "I", "ASpike": "A"},
                jump_code=self.jump_code,
            ),
        )


# %%
# Does it adapt?
# --------------
#
# A steady train of input spikes, one every 2 ms, and the same neuron without adaptation beside it.


def run_neuron(b):
    """Voltage, adaptation and spike times of a neuron under steady input."""
    network = Network()
    with network:
        x = Population(SpikeInput(), 1)
        neuron = Population(AdaptingNeuron(b, readout="var"), 1, record_spikes=True)
        Connection(x, neuron, Dense(0.8), Exponential(5.0))
    steady = preprocess_spikes(np.arange(20.0, 400.0, 2.0), np.zeros(190, dtype=int), 1)
    recorders = [
        VarRecorder(neuron, "v", key="V"),
        VarRecorder(neuron, "a", key="A"),
        SpikeRecorder(neuron, key="spikes"),
    ]
    with InferenceCompiler(1600, dt=0.25).compile(network) as compiled:
        _, data = compiled.predict({x: [steady]}, neuron, callbacks=recorders)
    return data["V"][0][:, 0], data["A"][0][:, 0], data["spikes"][0][0]


fig, axes = plt.subplots(2, 1, figsize=(6.4, 3.8), sharex=True, layout="constrained")
time = 0.25 * (1.0 + np.arange(1600))
for axis, b, name in zip(axes, (0.0, 0.3), ("without adaptation", "with adaptation")):
    v, a, spikes = run_neuron(b)
    axis.plot(time, v, linewidth=0.8, label="V")
    axis.plot(time, a, label="A")
    axis.plot(spikes, np.full(len(spikes), 1.25), "|", color="black", markersize=9)
    axis.set(ylabel="Voltage, current", title=f"{len(spikes)} spikes {name}", ylim=(-0.3, 1.6))
axes[0].legend(frameon=False, loc="upper left")
axes[1].set_xlabel("Time (ms)")
plt.show()

# %%
# An independent solution
# -----------------------
#
# ``check_gradients`` compares engines for networks of built-in neurons. It cannot know the exact
# solution of yours, so we write that down ourselves. By linearity, the voltage is a sum of the
# responses to all arrivals and of the traces of the neuron's own spikes: the Spike Response Model
# of Gerstner & Kistler (2002). With :math:`\epsilon_\tau(s)` for the response to a current that
# decays with :math:`\tau`,
#
# .. math::
#
#    V(t) = \sum_i w_i \epsilon_{\tau_s}(t - t_i - d_i)
#           - \sum_k \left( \vartheta e^{-(t - t_k)/\tau_m} + b \epsilon_{\tau_a}(t - t_k) \right).
#
# Spike times are found by looking for the first crossing and halving the interval around it 60
# times. No timestep is left in the result.

TAU_M, TAU_A, TAU_S, B = 20.0, 80.0, 5.0, 0.3
TAU_OUT, DURATION = 30.0, 120.0


def response(s, tau, tau_m):
    """What a current that jumps to 1 and decays with ``tau`` does to a leaky voltage, after s."""
    s = np.maximum(s, 0.0)
    return tau / (tau - tau_m) * (np.exp(-s / tau) - np.exp(-s / tau_m))


def voltage(t, arrivals, weights, own):
    """V at the times ``t``, (times,), given the spikes that there were."""
    lag = t[:, np.newaxis] - own
    reset = np.where(lag > 0.0, np.exp(-np.maximum(lag, 0.0) / TAU_M), 0.0)
    v = response(t[:, np.newaxis] - arrivals, TAU_S, TAU_M) @ weights
    return v - np.sum(reset + B * response(lag, TAU_A, TAU_M), axis=1)


def spike_times(arrivals, weights):
    """Spikes of the neuron, exact to rounding."""
    own, start = np.empty(0), 0.0
    while True:
        t = np.arange(start + 1e-9, DURATION, 0.05)
        above = np.flatnonzero(voltage(t, arrivals, weights, own) >= 1.0)
        if len(above) == 0:
            return own
        low, high = t[above[0]] - 0.05, t[above[0]]
        for _ in range(60):
            middle = 0.5 * (low + high)
            reached = voltage(np.array([middle]), arrivals, weights, own)[0] >= 1.0
            low, high = (low, middle) if reached else (middle, high)
        own, start = np.append(own, high), high


# %%
# Our network has three inputs, one adapting neuron, and two outputs that it drives up and down.
# The loss is the cross-entropy of their mean voltages, which are sums of integrals of such
# responses. The weights and delays of the inputs are what we differentiate by.

rng = np.random.default_rng(0)
trials = [(np.sort(rng.uniform(2.0, 70.0, 45)), rng.integers(3, size=45)) for _ in range(12)]
weights, delays = np.array([1.1, 0.8, 0.9]), np.array([3.0, 9.0, 6.0])  # delays in ms
W_OUT = np.array([3.0, -3.0])


def exact_loss(trial, weights, delays):
    """The cross-entropy of the mean voltages of the outputs, where output 1 is right."""
    times, ids = trial
    left = DURATION - spike_times(times + delays[ids], weights[ids])
    areas = TAU_S * (1.0 - np.exp(-left / TAU_S)) - TAU_OUT * (1.0 - np.exp(-left / TAU_OUT))
    outputs = W_OUT * np.sum(areas) * TAU_S / (TAU_S - TAU_OUT) / DURATION
    return np.log(np.sum(np.exp(outputs))) - outputs[1]


def finite_differences(trial, epsilon=1e-5):
    """dL/dweights and dL/ddelays [1/ms], by central differences, (2, 3)."""
    found = []
    for step in epsilon * np.eye(6):
        more, less = (
            exact_loss(trial, weights + s * step[:3], delays + s * step[3:]) for s in (1.0, -1.0)
        )
        found.append((more - less) / (2.0 * epsilon))
    return np.reshape(found, (2, 3))


expected = np.array([finite_differences(trial) for trial in trials])
print("dL/dw", np.round(expected[0, 0], 5), " dL/dd", np.round(expected[0, 1], 5))

# %%
# The engine, for any timestep
# ----------------------------
#
# Engines know spikes at the ends of timesteps only. Their gradient is that of the continuous
# equations up to an error that shrinks with the timestep, **if** the adjoint is right. So let dt
# shrink, and see whether the error does. For comparison we break the jump by a slip that is easily
# made: one term is forgotten.


class Forgetful(AdaptingNeuron):
    """Its spike forgets that the adaptation that it adds begins later, too."""

    jump_code = AdaptingNeuron.jump_code.replace("- (B * LambdaA)", "")


def engine_gradients(kind, dt):
    """The same as ``finite_differences``, by EventProp on the grid."""
    network = Network()
    with network:
        x = Population(SpikeInput(), 3, name="input")
        neuron = Population(kind(B, tau_mem=TAU_M, tau_adapt=TAU_A), 1, name="neuron")
        y = Population(LeakyIntegrate(tau_mem=TAU_OUT, readout="avg_var"), 2, name="output")
        synapses = Connection(
            x,
            neuron,
            Dense(weights[:, np.newaxis], delays[:, np.newaxis] / dt),
            Exponential(TAU_S),
            max_delay_steps=round(20.0 / dt),
        )
        Connection(neuron, y, Dense(W_OUT[np.newaxis]), Exponential(TAU_S))
    compiler = EventPropCompiler(
        round(DURATION / dt),
        "sparse_categorical_crossentropy",
        dt=dt,
        delay_learn_conns=[synapses],
        num_threads=1,
    )
    found = []
    with compiler.compile(network) as compiled:
        for times, ids in trials:
            spikes = preprocess_spikes(times, ids, 3)
            of_trial = compiled.gradients({x: [spikes]}, {y: [1]})[1][synapses]
            found.append((of_trial["g"][:, 0], of_trial["d"][:, 0] / dt))
    return np.array(found)


def error(kind, dt):
    """Largest error of a gradient relative to the largest of its kind; the median over trials."""
    errors = np.abs(engine_gradients(kind, dt) - expected).max(axis=2)
    return np.median(errors / np.abs(expected).max(axis=2))


timesteps = [1.0, 0.3, 0.1, 0.03, 0.01]
errors = {kind: [error(kind, dt) for dt in timesteps] for kind in (AdaptingNeuron, Forgetful)}
for kind, found in errors.items():
    print(f"{kind.__name__:>15}:", "  ".join(f"{e:.1e}" for e in found))

# %%
# The error of the right adjoint shrinks with the timestep. That of the wrong one settles at a
# value: it is the gradient of something else. At 1 ms, the usual timestep, nobody could have told
# them apart: there the grid, which moves each spike to the end of its step, is the larger error of
# the two. (For built-in neurons, ``timing="substep"`` does away with it.) We looked at the median
# because here and there a trial has no derivative at all: where a spike falls together with an
# arrival, the loss has a kink.

fig, axis = plt.subplots(figsize=(5.2, 3.6), layout="constrained")
for (kind, found), style in zip(errors.items(), ("o-", "s--", "^:")):
    axis.loglog(timesteps, found, style, label=kind.__name__)
axis.set(xlabel="Timestep (ms)", ylabel="Error of the gradient (relative)")
axis.legend(frameon=False)
plt.show()

# %%
# Now the neuron can be trained like any other. The page on neuron models has the whole language of
# the snippets and another example, whose threshold adapts.
#
# *W. Gerstner & W. M. Kistler, Spiking Neuron Models, Cambridge 2002. T. C. Wunderlich & C. Pehle,
# Event-based backpropagation can compute exact gradients for spiking neural networks, Scientific
# Reports 2021, doi 10.1038/s41598-021-91786-z.*
