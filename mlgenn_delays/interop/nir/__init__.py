"""Networks with delays to and from the Neuromorphic Intermediate Representation (NIR).

:func:`to_nir` and :func:`from_nir` translate graphs of the package nir, :func:`export_nir` writes a
file for a chip, with rounded delays and quantised weights, and reports what that costs. Needs nir:
``pip install 'mlgenn_delays[nir]'``. ::

    from mlgenn_delays.interop.nir import export_nir, from_nir

    report = export_nir(compiled, "network.nir", delay_steps=62, weight_bits=8, x=x, y=y)
    print(report)                    # accuracy and spikes: as it is, rounded, quantised, read back
    network = from_nir("network.nir")  # a Network to compile, and to train further

====================================  =======================================================
here                                  in NIR
====================================  =======================================================
``SpikeInput``                        Input
``LeakyIntegrateFire``                CubaLIF with one ``Exponential`` synapse, else LIF and
                                      an LI for the current of each time constant
``LeakyIntegrate``                    CubaLI, or LI, likewise
``Delta``                             no node: a spike moves the voltage of a LIF or LI
``Dense``, ``Sparse`` and the like    Linear, 0 where there is no synapse
delays of synapses                    branches of Delay and Linear, see :mod:`.branches`
constants of single neurons           arrays of the nodes
readouts, names, shapes               metadata, which other programs do not know of
refractory periods, relative          metadata, with a warning: they change spikes
resets, initial voltages
``AdaptiveLeakyIntegrateFire``, own   refused by name
models, biases, batch normalisation
====================================  =======================================================

Times are seconds there, milliseconds and timesteps here. Two conventions differ without effect on
the round trip: NIR's neurons spike above the threshold, those here from it on; and here, as in
mlGeNN, an input spike at t acts one timestep after the timestep that t is rounded up to, and a
spike of one layer in the timestep after the one in which it is seen, where other programs may pass
it on within the timestep.
"""

from .availability import require_nir

require_nir()

from .export import export_nir  # noqa: E402 (after the check)
from .quantise import ConnectionChange, Precision  # noqa: E402
from .read import from_nir  # noqa: E402
from .report import RoundTripReport  # noqa: E402
from .stages import Stage  # noqa: E402
from .write import to_nir  # noqa: E402

__all__ = [
    "ConnectionChange",
    "Precision",
    "RoundTripReport",
    "Stage",
    "export_nir",
    "from_nir",
    "to_nir",
]
