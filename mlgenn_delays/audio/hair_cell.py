"""The inner hair cell and its synapse: transmitter in three pools.

Meddis 1986 (10.1121/1.393460), with the parameters of Meddis, Hewitt & Shackleton 1990 (J. Acoust.
Soc. Am. 87, 1813) for a fibre of medium spontaneous rate. The motion s(t) of the membrane opens the
cell for transmitter (k); what is free (q) is released into the cleft (c), from where part is lost
and part taken back into a store (w); a factory makes up for what is lost:

    k = g (s + A) / (s + A + B)   where s + A > 0, else 0
    dq/dt = y (M - q) + x w - k q
    dc/dt = k q - (l + r) c
    dw/dt = r c - x w

Loss and return clear the cleft within 0.1 ms, so that release follows each cycle of a low tone and
no longer those of tones above some kHz (phase locking); the free pool runs down within some ms
and further within 50 to 200 ms, so that the onset of a sound releases most (adaptation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HairCell:
    """Parameters; rates are per second, amounts and motion in the units of Meddis."""

    A: float = 10.0  #: opens the cell at rest
    B: float = 3000.0  #: motion at which it is half open
    g: float = 1000.0  #: greatest permeability
    y: float = 5.05  #: replenishment from the factory
    l: float = 2500.0  #: loss from the cleft  # noqa: E741
    r: float = 6580.0  #: return from the cleft
    x: float = 66.31  #: return from the store to the free pool
    M: float = 1.0  #: free transmitter that the factory aims at

    def rest(self) -> tuple[float, float, float]:
        """Free transmitter q, transmitter in the cleft c and in the store w in silence."""
        k = self.g * self.A / (self.A + self.B)
        q = self.y * self.M / (self.y + k * self.l / (self.l + self.r))
        c = k * q / (self.l + self.r)
        return q, c, self.r * c / self.x


class Synapses:
    """Transmitter of many hair cells, which begin in silence.

    Args:
        cell: parameters.
        number: of cells.
        rate: samples per second [Hz]; motion is constant over a sample.
    """

    def __init__(self, cell: HairCell, number: int, rate: int) -> None:
        self._cell = cell
        self._step = 1.0 / rate
        self._rest = cell.rest()
        self._free, self._cleft, self._store = (
            np.full(number, amount, np.float32) for amount in self._rest
        )

    def advance(self, motion: np.ndarray) -> np.ndarray:
        """Transmitter in the cleft relative to that in silence, in place of the motion.

        Args:
            motion: next samples of the membrane's motion, (samples, cells) float32.
        """
        cell, step = self._cell, self._step
        clearance = cell.l + cell.r
        keep_cleft = np.float32(np.exp(-clearance * step))
        # what is left of a steady release at the end of a step
        left = np.float32((1.0 - keep_cleft) / (clearance * step))
        keep_free, made = np.float32(1.0 - cell.y * step), np.float32(cell.y * cell.M * step)
        freed, returned = np.float32(cell.x * step), np.float32(cell.r / clearance)
        scale = np.float32(1.0 / self._rest[1])
        free, cleft, store = self._free, self._cleft, self._store
        flow = np.empty_like(free)
        # every line works in place: this loop is most of what encoding costs
        for now in self._released_share(motion):
            now *= free  # released in this step
            free *= keep_free
            free += made
            free -= now
            np.multiply(store, freed, out=flow)
            free += flow
            store -= flow
            np.add(cleft, now, out=flow)
            cleft *= keep_cleft
            now *= left
            cleft += now
            flow -= cleft  # lost or returned in this step
            flow *= returned
            store += flow
            np.multiply(cleft, scale, out=now)
        return motion

    def _released_share(self, motion: np.ndarray) -> np.ndarray:
        """Share of the free transmitter that is released in each step, in place."""
        cell = self._cell
        motion += np.float32(cell.A)
        np.maximum(motion, 0.0, out=motion)
        motion /= motion + np.float32(cell.B)
        motion *= np.float32(cell.g * self._step)
        return motion
