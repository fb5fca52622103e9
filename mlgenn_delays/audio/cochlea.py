"""An artificial cochlea: sound to spikes of 700 cells along the basilar membrane.

In the manner of Cramer et al. 2022 (10.1109/TNNLS.2020.3044364), whose data sets were made in three
stages: basilar membrane, hair cells, bushy cells. An implementation of our own from published
equations, which is not meant to give the same spikes:

1. Sounds are resampled, their loudest stretch is brought to ``level``, and the basilar membrane
   is a bank of gammatone filters behind a high pass for the middle ear (:mod:`.filter_bank`;
   Cramer et al. solve a hydrodynamic model).
2. Hair cells have transmitter pools (:mod:`.hair_cell`): adaptation and phase locking.
3. The many fibres from one place end at one bushy cell, a leaky integrate-and-fire neuron whose
   membrane is fast. It sees the mean of these fibres, so no random numbers are needed: with c the
   transmitter in the cleft relative to that in silence,

       tau dV/dt = -V + weight (c - 1)      V >= 1: spike, V -> reset

   A negative reset makes the cell refractory, relative to its drive. In silence it never fires.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..checks import check_number, check_whole_number, describe
from .encoder import SpikeTrain, usable_frequency
from .filter_bank import FilterBank, centre_frequencies
from .hair_cell import HairCell, Synapses
from .sound import Sound, normalise, resample

#: Samples x cells that are held at a time: 100 MB in single precision.
_LARGEST_BLOCK = 25_000_000
#: Cells that are computed together: enough for NumPy, few enough for the processor's cache.
_MOST_CELLS = 6000
#: Samples that are computed at a time.
_PIECE = 32


@dataclass(frozen=True)
class Cochlea:
    """Settings of the artificial cochlea. Frequencies in Hz, times in ms.

    Raises:
        ValueError, TypeError: settings out of range.
    """

    num_cells: int = 700  #: channels
    lowest: float = 100.0  #: centre frequency of the first channel
    highest: float | None = None  #: of the last one; None: what recordings hold, at most 7.6 kHz
    rate: int = 16_000  #: sample rate of the computation
    level: float = 80.0  #: of the loudest stretch of a sound [dB], 0 dB is Meddis' unit of motion
    #: Corner of the high pass for the middle ear. Higher than that of an ear: it takes away what
    #: voices and microphones differ in most.
    middle_ear: float = 2500.0
    hair_cell: HairCell = field(default_factory=HairCell)
    weight: float = 0.3  #: steady V for a cleft with twice the transmitter of silence
    tau: float = 4.0  #: time constant of the bushy cell
    reset: float = -60.0  #: V after a spike

    def __post_init__(self) -> None:
        if not isinstance(self.hair_cell, HairCell):
            raise TypeError(
                f"cochlea: hair_cell should be a HairCell, not {describe(self.hair_cell)}"
            )
        check_whole_number(self.num_cells, "cochlea: num_cells", 1, 65_536)
        check_number(self.lowest, "cochlea: lowest", minimum=20.0, maximum=1000.0)
        check_whole_number(self.rate, "cochlea: rate", 8000, 768_000)
        if self.highest is not None:
            # rectification doubles frequencies
            limit = 0.5 * self.rate
            check_number(self.highest, "cochlea: highest", above=self.lowest, maximum=limit)
        check_number(self.level, "cochlea: level", minimum=-100.0, maximum=200.0)
        check_number(self.middle_ear, "cochlea: middle_ear", minimum=0.0)
        check_number(self.weight, "cochlea: weight", above=0.0)
        check_number(self.tau, "cochlea: tau", above=0.0)
        check_number(self.reset, "cochlea: reset", maximum=0.0)

    @property
    def num_channels(self) -> int:
        """One channel per bushy cell."""
        return self.num_cells

    def for_rate(self, rate: int) -> Cochlea:
        """With a highest frequency that recordings made at ``rate`` [Hz] hold."""
        if self.highest is not None:
            return self
        return replace(self, highest=usable_frequency(rate, 0.475 * self.rate))

    def encode(self, sounds: Sequence[Sound]) -> list[SpikeTrain]:
        """Spikes of each sound, those during 80 ms after its end included."""
        bank = FilterBank(self._centres(), self.rate, self.middle_ear)
        trains: list[SpikeTrain] = [_NO_SPIKES] * len(sounds)
        # sounds of one length are computed together; silence of others would cost as much as sound
        order = sorted(range(len(sounds)), key=lambda i: sounds[i].duration)
        group: list[int] = []
        motions: list[np.ndarray] = []
        for i in order:
            motion = self._motion(sounds[i], bank)
            cells = (len(group) + 1) * self.num_cells
            if group and (cells > _MOST_CELLS or cells * motion.shape[1] > _LARGEST_BLOCK):
                self._finish(trains, group, motions)
                group, motions = [], []
            group.append(i)
            motions.append(motion)
        self._finish(trains, group, motions)
        return trains

    def _centres(self) -> np.ndarray:
        highest = 0.475 * self.rate if self.highest is None else self.highest
        return centre_frequencies(self.num_cells, self.lowest, highest)

    def _motion(self, sound: Sound, bank: FilterBank) -> np.ndarray:
        """Motion of the membrane in Meddis' unit, (cells, samples)."""
        samples = resample(normalise(sound), self.rate).samples
        return bank.filter(samples * np.float32(10.0 ** (self.level / 20.0)))

    def _finish(
        self, trains: list[SpikeTrain], group: list[int], motions: list[np.ndarray]
    ) -> None:
        """Spikes from the motions of some sounds."""
        if not group:
            return
        longest = max(motion.shape[1] for motion in motions)
        cells = len(group) * self.num_cells
        synapses = Synapses(self.hair_cell, cells, self.rate)
        bushy = _BushyCells(self, cells)
        # in short pieces, which stay in the processor's cache from stage to stage
        for first in range(0, longest, _PIECE):
            piece = np.zeros((min(_PIECE, longest - first), len(group), self.num_cells), np.float32)
            for k, motion in enumerate(motions):
                part = motion[:, first : first + _PIECE]
                piece[: part.shape[1], k] = part.T
            bushy.advance(synapses.advance(piece.reshape(len(piece), cells)))
        steps, cell = bushy.spikes()
        for k, (i, motion) in enumerate(zip(group, motions, strict=True)):
            own = (cell // self.num_cells == k) & (steps < motion.shape[1])
            times = (steps[own] + 1) * (1e3 / self.rate)
            trains[i] = SpikeTrain(
                times.astype(np.float32), (cell[own] % self.num_cells).astype(np.uint16)
            )


class _BushyCells:
    """Leaky integrate-and-fire neurons, one for each hair cell."""

    def __init__(self, settings: Cochlea, number: int) -> None:
        decay = np.exp(-1e3 / (settings.rate * settings.tau))
        self._keep = np.float32(decay)
        self._gain = np.float32(settings.weight * (1.0 - decay))
        self._reset = np.float32(settings.reset)
        self._voltage = np.zeros(number, np.float32)
        self._firing: list[np.ndarray] = []

    def advance(self, cleft: np.ndarray) -> None:
        """Go through the next samples of transmitter, (samples, cells); overwrites them."""
        voltage, fires = self._voltage, np.empty(len(self._voltage), bool)
        cleft -= np.float32(1.0)
        cleft *= self._gain
        for now in cleft:
            voltage *= self._keep
            voltage += now
            np.greater_equal(voltage, 1.0, out=fires)
            firing = fires.nonzero()[0]
            voltage[firing] = self._reset
            self._firing.append(firing)

    def spikes(self) -> tuple[np.ndarray, np.ndarray]:
        """Sample and cell of each spike so far, in the order of time."""
        steps = np.repeat(np.arange(len(self._firing)), [len(cells) for cells in self._firing])
        return steps, np.concatenate([np.zeros(0, np.int64), *self._firing])


_NO_SPIKES = SpikeTrain(np.zeros(0, np.float32), np.zeros(0, np.uint16))
