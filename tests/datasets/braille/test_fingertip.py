"""The Braille alphabet, the contact of the fingertip, and its response to dots."""

from __future__ import annotations

import numpy as np

from mlgenn_delays.datasets.braille.fingertip import (
    BRAILLE_CLASSES,
    BRAILLE_DOTS,
    DOT_SPACING,
    NUM_TAXELS,
    TAXEL_POSITIONS,
    Fingertip,
    dot_patterns,
)

#: Braille patterns of Unicode from A to Z; bit k of the code is dot k + 1.
UNICODE_BRAILLE = "⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵"


def test_alphabet_is_that_of_unicode() -> None:
    assert (*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "Space") == BRAILLE_CLASSES
    codes = [ord(c) - 0x2800 for c in UNICODE_BRAILLE] + [0]
    expected = [[bool(code >> dot & 1) for dot in range(6)] for code in codes]
    np.testing.assert_array_equal(dot_patterns(np.arange(27)), expected)


def test_pad_is_loaded_most_and_sides_and_tip_hardly() -> None:
    along, across, load = Fingertip().contact()
    assert np.all((load >= 0) & (load <= 1))
    assert load.max() == 1.0
    # the row of the two middle taxels and that of their neighbours on the side it is rolled to
    assert set(np.argsort(load)[-4:]) == {1, 2, 5, 6}
    assert load[[0, 3, 4, 7, 8, 10, 11]].max() < 0.1
    np.testing.assert_allclose([along @ load, across @ load], 0.0, atol=1e-12)


def test_pose_is_a_rigid_motion() -> None:
    finger = Fingertip(compliance=1000.0)  # compliant enough for loads to tell all heights
    along, across, load = finger.contact()
    turned = np.stack([along, across, 1000.0 * load], axis=1)

    def distances(points: np.ndarray) -> np.ndarray:
        return np.linalg.norm(points[:, np.newaxis] - points, axis=2)

    np.testing.assert_allclose(distances(turned), distances(TAXEL_POSITIONS), atol=1e-9)


def test_roll_the_other_way_loads_the_other_side() -> None:
    left, right = Fingertip(roll=-17.0), Fingertip(roll=17.0)
    mirror = [2, 1, 0, 4, 3, 7, 6, 5, 10, 9, 8, 11]
    np.testing.assert_allclose(left.contact()[2], right.contact()[2][mirror], atol=1e-12)
    np.testing.assert_allclose(left.contact()[0], -right.contact()[0][mirror], atol=1e-12)


def test_response_to_one_dot() -> None:
    finger = Fingertip()
    along, across, load = finger.contact()
    patterns = dot_patterns(np.array([BRAILLE_CLASSES.index("A")]))  # dot 1 only
    # bring taxel 6 right above the dot, one surround width past it, and far away
    above = -0.5 * DOT_SPACING - along[6]
    position = above + np.array([[0.0, 2.0 * finger.centre_width, 1000.0]])
    offset = np.array([-DOT_SPACING - across[6]])
    signal = finger.response(patterns, position, offset)
    assert signal.shape == (1, 3, NUM_TAXELS)
    ratio = 2.0 * finger.centre_width / finger.surround_width
    expected = [
        1.0 - finger.relief,
        np.exp(-2.0) - finger.relief * np.exp(-0.5 * ratio**2),
        0.0,
    ]
    np.testing.assert_allclose(
        signal[0, :, 6], finger.gain * load[6] * np.array(expected), atol=1e-9
    )
    assert signal[0, 1, 6] < -5.0, "a dot beside a taxel relieves it"


def test_response_is_the_sum_over_dots() -> None:
    finger = Fingertip()
    position, offset = np.linspace(-8, 8, 20)[np.newaxis], np.array([0.3])

    def respond(pattern: list[int]) -> np.ndarray:
        return finger.response(np.array([pattern], dtype=bool), position, offset)

    parts = [respond([int(dot == k) for k in range(6)]) for dot in range(6)]
    q = BRAILLE_DOTS["Q"]
    whole = respond([int(str(k + 1) in q) for k in range(6)])
    np.testing.assert_allclose(whole, sum(parts[int(k) - 1] for k in q))
    assert np.abs(whole).max() > 20


def test_second_column_comes_one_dot_spacing_later() -> None:
    finger = Fingertip()
    position, offset = np.linspace(-8, 8, 20)[np.newaxis], np.zeros(1)
    for first, second in ((0, 3), (1, 4), (2, 5)):
        patterns = np.zeros((2, 1, 6), dtype=bool)
        patterns[0, 0, first] = patterns[1, 0, second] = True
        np.testing.assert_allclose(
            finger.response(patterns[0], position, offset),
            finger.response(patterns[1], position + DOT_SPACING, offset),
            atol=1e-9,
        )


def test_no_dots_no_response() -> None:
    space = dot_patterns(np.array([26]))
    assert not np.any(Fingertip().response(space, np.zeros((1, 3)), np.zeros(1)))


def test_rows_are_told_apart_by_taxels_along_the_finger() -> None:
    """Row 1 lies under taxel 6; the lower rows of L press on taxel 1, which A relieves."""
    finger = Fingertip()
    patterns = dot_patterns(np.array([BRAILLE_CLASSES.index(c) for c in "AL"]))
    position = np.broadcast_to(np.linspace(-8, 8, 100), (2, 100))
    dot_1, dots_123 = finger.response(patterns, position, np.zeros(2))
    assert dot_1[:, 6].max() > 10
    assert dot_1[:, 1].max() < 5
    assert dot_1[:, 1].min() < -5
    assert dots_123[:, 6].max() > 10
    assert dots_123[:, 1].max() > 10
