"""Model of a tactile fingertip with 12 capacitive taxels on a plate with Braille dots.

Geometry. In the finger's frame x runs along the finger (its tip at negative x), y points out of
the pad and z runs across the finger. The finger is rolled about x and pitched about z, and pressed
on a flat plate: a taxel is loaded the less the higher it lies above the lowest point of the skin.
Seen on the plate a taxel then has a position *along* the scan (across the finger, the finger is
moved sideways) and one *across* it. The Braille cell has 2 columns along the scan and 3 rows
across it; the first column is met first, and row 1 lies towards the finger's tip.

Response. A dot at distance r of a taxel changes its pressure by

    exp(-r^2 / (2 a^2)) - kappa exp(-r^2 / (2 b^2)),   a < b

times the taxel's load: the dot presses on the skin above it, and lifts the skin around it off the
plate, so that taxels at some distance are relieved. In the recordings of Müller-Cleve et al. 2022
both are seen: the mean signal of a taxel goes up or down by letter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NUM_TAXELS = 12

#: Taxel centres (x, y, z) in the finger's frame [mm], (12, 3): the coordinates given in the
#: documentation of the fingertip board ftx2 of the iCub (icub-tech-iit/electronics-boards-public).
TAXEL_POSITIONS = np.array(
    [
        (-10.3, 2.2, -3.8),
        (-10.3, 4.4, 0.0),
        (-10.3, 2.2, 3.8),
        (-12.5, -1.4, 4.4),
        (-12.5, -1.4, -4.4),
        (-14.1, 2.2, 3.8),
        (-14.1, 4.4, 0.0),
        (-14.1, 2.2, -3.8),
        (-18.7, 1.6, -2.5),
        (-18.7, 3.15, 0.0),
        (-18.7, 1.6, 2.5),
        (-20.9, 0.0, 0.0),
    ]
)

#: Distance of neighbouring dots in standard Braille [mm].
DOT_SPACING = 2.5

#: Raised dots by class: dots 1, 2, 3 are the rows of the first column, 4, 5, 6 of the second.
BRAILLE_DOTS = {
    "A": "1",
    "B": "12",
    "C": "14",
    "D": "145",
    "E": "15",
    "F": "124",
    "G": "1245",
    "H": "125",
    "I": "24",
    "J": "245",
    "K": "13",
    "L": "123",
    "M": "134",
    "N": "1345",
    "O": "135",
    "P": "1234",
    "Q": "12345",
    "R": "1235",
    "S": "234",
    "T": "2345",
    "U": "136",
    "V": "1236",
    "W": "2456",
    "X": "1346",
    "Y": "13456",
    "Z": "1356",
    "Space": "",
}

#: All classes, in the order of their labels.
BRAILLE_CLASSES = tuple(BRAILLE_DOTS)


@dataclass(frozen=True)
class Fingertip:
    """Pose and mechanics of the finger; lengths in mm, angles in degrees, signals in units of
    the sensor's 8-bit reading."""

    roll: float = 17.0  #: turns the side with positive z towards the plate
    pitch: float = 5.0  #: lifts the tip
    compliance: float = 2.0  #: height above the lowest point of the skin where the load is 0
    gain: float = 100.0  #: signal of a fully loaded taxel above a dot, without the relief
    centre_width: float = 1.1  #: a: width of the dot (radius about 0.75) and of the taxel together
    surround_width: float = 2.7  #: b: range over which a dot lifts the skin
    relief: float = 0.4  #: kappa

    def contact(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the taxels lie on the plate and how they are loaded.

        Returns:
            Positions along and across the scan [mm], (12,) each, relative to the taxels' mean
            position weighted with the loads; loads between 0 and 1, (12,).
        """
        roll, pitch = np.deg2rad(self.roll), np.deg2rad(self.pitch)
        x, y, z = TAXEL_POSITIONS.T
        along = z * np.cos(roll) - y * np.sin(roll)
        outward = y * np.cos(roll) + z * np.sin(roll)
        across = x * np.cos(pitch) - outward * np.sin(pitch)
        outward = outward * np.cos(pitch) + x * np.sin(pitch)
        load = np.clip(1.0 - (outward.max() - outward) / self.compliance, 0.0, 1.0)
        weights = load / load.sum()
        return along - along @ weights, across - across @ weights, load

    def response(
        self, patterns: np.ndarray, position: np.ndarray, offset: np.ndarray
    ) -> np.ndarray:
        """Change of the taxels' signals by the dots under the finger.

        Args:
            patterns: which of the dots 1..6 are raised, (trials, 6) bool.
            position: of the finger along the scan, 0 where it is on the middle of the cell [mm],
                (trials, samples).
            offset: of the finger across the scan [mm], (trials,).

        Returns:
            (trials, samples, 12) float64.
        """
        along, across, load = self.contact()
        signals = np.zeros((*position.shape, NUM_TAXELS))
        for dot in range(6):
            column, row = divmod(dot, 3)
            trials = np.flatnonzero(patterns[:, dot])
            for taxel in np.flatnonzero(load):
                dx = position[trials] + along[taxel] - (column - 0.5) * DOT_SPACING
                dy = offset[trials, np.newaxis] + across[taxel] - (row - 1) * DOT_SPACING
                signals[trials, :, taxel] += load[taxel] * self._profile(dx * dx + dy * dy)
        return signals * self.gain

    def _profile(self, squared_distance: np.ndarray) -> np.ndarray:
        centre = np.exp(-squared_distance / (2.0 * self.centre_width**2))
        surround = np.exp(-squared_distance / (2.0 * self.surround_width**2))
        return centre - self.relief * surround


def dot_patterns(letters: np.ndarray) -> np.ndarray:
    """Raised dots of classes given by their index in :data:`BRAILLE_CLASSES`, (n, 6) bool."""
    table = np.array([[d in dots for d in "123456"] for dots in BRAILLE_DOTS.values()])
    return table[letters]
