"""Transmitter in the cleft: rest, adaptation, phase locking, and conservation."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from mlgenn_delays.audio import HairCell
from mlgenn_delays.audio.hair_cell import Synapses

RATE = 16000


def cleft(motion: np.ndarray, rate: int = RATE) -> np.ndarray:
    """Transmitter relative to that in silence, (samples,)."""
    column = np.ascontiguousarray(motion, np.float32)[:, np.newaxis]
    return Synapses(HairCell(), 1, rate).advance(column.copy())[:, 0]


def tone(strength: float, frequency: float, seconds: float = 0.4, rate: int = RATE) -> np.ndarray:
    times = np.arange(round(seconds * rate)) / rate
    return strength * np.sin(2.0 * np.pi * frequency * times)


def reference(motion: np.ndarray, rate: int, finer: int = 40) -> np.ndarray:
    """The equations of Meddis in double precision with small Euler steps."""
    cell = HairCell()
    free, inside, store = cell.rest()
    rest, step = inside, 1.0 / (rate * finer)
    result = np.empty(len(motion))
    for n, s in enumerate(motion):
        k = cell.g * (s + cell.A) / (s + cell.A + cell.B) if s + cell.A > 0 else 0.0
        for _ in range(finer):
            made, back = cell.y * (cell.M - free), cell.x * store
            gone = k * free
            free, inside, store = (
                free + step * (made + back - gone),
                inside + step * (gone - (cell.l + cell.r) * inside),
                store + step * (cell.r * inside - back),
            )
        result[n] = inside / rest
    return result


def test_published_parameters() -> None:
    """Table II of Meddis, Hewitt & Shackleton 1990, medium spontaneous rate."""
    assert asdict(HairCell()) == {
        "A": 10.0,
        "B": 3000.0,
        "g": 1000.0,
        "y": 5.05,
        "l": 2500.0,
        "r": 6580.0,
        "x": 66.31,
        "M": 1.0,
    }


def test_rest_is_a_fixed_point() -> None:
    cell = HairCell()
    free, inside, store = cell.rest()
    k = cell.g * cell.A / (cell.A + cell.B)
    assert cell.y * (cell.M - free) + cell.x * store == pytest.approx(k * free)
    assert k * free == pytest.approx((cell.l + cell.r) * inside)
    assert cell.r * inside == pytest.approx(cell.x * store)
    np.testing.assert_allclose(cleft(np.zeros(8000)), 1.0, rtol=1e-4)


@pytest.mark.parametrize("strength", [30.0, 1000.0])
@pytest.mark.parametrize("frequency", [150.0, 1500.0])
def test_equations(strength: float, frequency: float) -> None:
    motion = tone(strength, frequency, 0.06)
    expected = reference(motion, RATE)
    np.testing.assert_allclose(cleft(motion), expected, rtol=0.03, atol=0.02 * expected.max())


def test_pieces_are_as_good_as_the_whole() -> None:
    motion = tone(200.0, 300.0, 0.1)
    synapses = Synapses(HairCell(), 1, RATE)
    pieces = [
        synapses.advance(np.ascontiguousarray(piece, np.float32)[:, np.newaxis].copy())[:, 0]
        for piece in np.array_split(motion, 7)
    ]
    np.testing.assert_array_equal(np.concatenate(pieces), cleft(motion))


def test_adaptation_and_recovery() -> None:
    """Onset, a steady part far below it, less than at rest after the end, recovery."""
    motion = np.concatenate((tone(500.0, 1000.0), np.zeros(round(0.6 * RATE))))
    course = cleft(motion)
    in_ms = course[: len(course) // 16 * 16].reshape(-1, 16).mean(axis=1)
    onset, steady = in_ms[:5].max(), in_ms[300:400].mean()
    assert onset > 2.5 * steady
    assert steady > 4.0
    assert np.abs(np.diff(in_ms[300:400])).max() < 0.05 * steady
    assert in_ms[405:420].max() < 0.6
    assert in_ms[-1] == pytest.approx(1.0, abs=0.15)


def test_second_onset_is_weaker_the_sooner_it_comes() -> None:
    burst, peaks = tone(500.0, 1000.0, 0.1), []
    for pause in (0.02, 0.1, 0.5):
        course = cleft(np.concatenate((burst, np.zeros(round(pause * RATE)), burst)))
        peaks.append(course[-len(burst) : -len(burst) + 80].mean())
    first = cleft(burst)[:80].mean()
    assert peaks[0] < peaks[1] < peaks[2] < first
    assert peaks[0] < 0.7 * first < 0.95 * first < peaks[2]


def test_phase_locking_is_lost_at_high_frequencies() -> None:
    """Share of the transmitter that follows the cycle (vector strength)."""
    strengths = []
    for frequency in (200.0, 1000.0, 2000.0, 4000.0, 6000.0):
        course = cleft(tone(100.0, frequency))[-3200:]
        times = np.arange(len(course)) / RATE
        strengths.append(np.abs(np.sum(course * np.exp(2j * np.pi * frequency * times))))
        strengths[-1] /= course.sum()
    assert np.all(np.diff(strengths) < 0.0)
    assert strengths[0] > 0.7
    assert strengths[-1] < 0.25


def test_louder_tones_release_more_until_the_cell_is_open() -> None:
    steady = [cleft(tone(s, 1000.0))[-1600:].mean() for s in (3.0, 30.0, 100.0, 300.0, 3e4)]
    assert np.all(np.diff(steady) > 0.0)
    assert steady[0] < 1.3
    assert steady[-1] < 1.5 * steady[-2]


def test_nothing_is_lost_but_what_is_said_to_be() -> None:
    """Without a factory and without loss the amount of transmitter stays the same."""
    cell = HairCell(y=0.0, l=0.0)
    synapses = Synapses(HairCell(), 3, RATE)
    synapses._cell = cell
    amount = synapses._free + synapses._cleft + synapses._store
    synapses.advance(np.tile(tone(300.0, 700.0, 0.2)[:, np.newaxis], 3).astype(np.float32))
    after = synapses._free + synapses._cleft + synapses._store
    np.testing.assert_allclose(after, amount, rtol=1e-3)
