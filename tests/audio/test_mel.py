"""Mel spectrogram to events: what pure tones, chirps, clicks and silence should give."""

from __future__ import annotations

import numpy as np
import pytest
from tones import chirp, click, join, noise, silence, tone

from mlgenn_delays.audio import MelEvents, Sound, SpikeTrain

ENCODER = MelEvents()
BANDS = ENCODER.num_bands


def mel(frequency: float) -> float:
    return 2595.0 * np.log10(1.0 + frequency / 700.0)


def band_of(frequency: float) -> float:
    """Band whose centre is at a frequency."""
    spacing = (mel(7600.0) - mel(60.0)) / (BANDS + 1)
    return (mel(frequency) - mel(60.0)) / spacing - 1.0


def encode(sound: Sound, encoder: MelEvents = ENCODER) -> SpikeTrain:
    return encoder.encode([sound])[0]


def on_and_off(train: SpikeTrain) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of ON and OFF events of each band."""
    counts = np.bincount(train.channels, minlength=2 * BANDS)
    return counts[:BANDS], counts[BANDS:]


@pytest.mark.parametrize("frequency", [150.0, 440.0, 1000.0, 3000.0, 6500.0])
def test_tone_is_loudest_in_its_band(frequency: float) -> None:
    levels = ENCODER.spectrogram(tone(frequency))
    assert levels.shape == (31, BANDS)
    assert levels.max() == 0.0
    assert levels.min() == -ENCODER.floor
    # bands are wider than their distance, and the lowest wider still as frames are short
    assert abs(np.argmax(levels[15]) - band_of(frequency)) <= 1.0
    on, off = on_and_off(encode(tone(frequency)))
    centre = np.sum(np.arange(BANDS) * on) / on.sum()
    assert abs(centre - band_of(frequency)) <= 2.0
    np.testing.assert_array_equal(on, off)


def test_bands_are_triangles_of_the_width_that_is_said() -> None:
    """A tone in the middle of a band is weaker in its neighbours, by their distance."""
    band = 100
    centre = mel(60.0) + (band + 1) * (mel(7600.0) - mel(60.0)) / (BANDS + 1)
    frequency = 700.0 * (10.0 ** (centre / 2595.0) - 1.0)
    for overlap in (5.0, 8.0):
        levels = MelEvents(overlap=overlap).spectrogram(tone(frequency))[15]
        distances = np.arange(0.0, overlap)
        expected = 10.0 * np.log10(1.0 - distances / overlap)
        for direction in (-1, 1):
            measured = levels[band + direction * distances.astype(int)]
            np.testing.assert_allclose(measured, expected, atol=0.5)
    assert ENCODER.overlap == 5.0


def test_onset_and_offset_of_a_tone() -> None:
    train = encode(join(silence(0.2), tone(1000.0, 0.3), silence(0.2)))
    band = round(band_of(1000.0))
    on, off = (train.times[train.channels == channel] for channel in (band, BANDS + band))
    # 45 dB in steps of 7 dB; time 0 is one hop before the sound, frames reach 12.5 ms further
    assert len(on) == len(off) == 6
    assert 195.0 < on[0] < on[-1] < 230.0
    assert 490.0 < off[1] < off[-1] < 525.0


def test_events_add_up_to_the_level() -> None:
    """ON minus OFF events are the level, to within a threshold, at each moment."""
    sound = join(tone(300.0, 0.2), noise(0.2), tone(2000.0, 0.2))
    train, levels = encode(sound), ENCODER.spectrogram(sound)
    sign = np.where(train.channels < BANDS, 1.0, -1.0)
    for frame in range(0, len(levels), 7):
        before = train.times <= ENCODER.hop * (frame + 1) + 1e-3
        followed = np.bincount(train.channels[before] % BANDS, sign[before], BANDS)
        error = levels[frame] + ENCODER.floor - ENCODER.threshold * followed
        assert np.abs(error).max() < ENCODER.threshold + 1e-3
    on, off = on_and_off(train)
    np.testing.assert_array_equal(on, off)


def test_chirp_passes_the_bands_in_turn() -> None:
    rising, falling = (encode(chirp(*ends)) for ends in ((200.0, 6000.0), (6000.0, 200.0)))
    bands = np.arange(int(band_of(300.0)), int(band_of(4500.0)), 5)
    for train, direction in ((rising, 1.0), (falling, -1.0)):
        first = [np.median(train.times[train.channels == band]) for band in bands]
        assert np.all(np.diff(first) * direction > 0.0)


def test_events_come_between_frames() -> None:
    """The onset of a tone can be told to within less than a hop."""
    shifts = np.arange(0.0, 10.0, 2.0)
    means = []
    for shift in shifts:
        train = encode(join(silence(0.1 + 1e-3 * shift), tone(1000.0, 0.2)))
        means.append(train.times[train.channels == round(band_of(1000.0))].mean())
    slope = np.polyfit(shifts, means, 1)[0]
    assert 0.7 < slope < 1.3
    assert np.all(np.diff(means) > 0.0)


def test_click_is_heard_by_all_bands_at_once() -> None:
    train = encode(click(0.1))
    on, off = on_and_off(train)
    assert on.min() > 0
    np.testing.assert_array_equal(on, off)
    # 10 ms for the hop before the sound; a frame lasts 25 ms
    assert np.all(np.abs(train.times - 110.0) < 23.0)


@pytest.mark.parametrize("sound", [silence(), silence(0.0), Sound(np.full(99, 0.5, "f4"), 8000)])
def test_silence_has_no_events(sound: Sound) -> None:
    train = encode(sound)
    assert len(train.times) == len(train.channels) == 0


def test_level_does_not_matter() -> None:
    sound = noise()
    loud = Sound(sound.samples * np.float32(64.0), sound.rate)
    np.testing.assert_array_equal(encode(sound).times, encode(loud).times)


def test_higher_threshold_gives_fewer_events() -> None:
    counts = [len(encode(noise(), MelEvents(threshold=t)).times) for t in (3.0, 7.5, 15.0)]
    assert counts[0] > 1.8 * counts[1] > 2.5 * counts[2] > 0


def test_form() -> None:
    train = encode(noise())
    assert (train.times.dtype, train.channels.dtype) == (np.float32, np.uint16)
    assert np.all(np.diff(train.times) >= 0.0)
    assert train.channels.max() < ENCODER.num_channels == 280


def test_sounds_do_not_touch_each_other() -> None:
    sounds = [tone(500.0), silence(), chirp(200.0, 3000.0), noise(0.11, 8000)]
    for sound, train in zip(sounds, ENCODER.encode(sounds), strict=True):
        alone = encode(sound)
        np.testing.assert_array_equal(train.times, alone.times)
        np.testing.assert_array_equal(train.channels, alone.channels)
    assert ENCODER.encode([]) == []


def test_highest_frequency_follows_the_recordings() -> None:
    assert ENCODER.for_rate(8000).highest == 3800.0
    assert ENCODER.for_rate(44100).highest == 7600.0
    assert MelEvents(highest=2000.0).for_rate(8000).highest == 2000.0
    # half of the bands would be empty otherwise
    levels = ENCODER.for_rate(8000).spectrogram(tone(3500.0, rate=8000))
    assert np.argmax(levels[15]) > 130


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_bands": 0}, "mel: num_bands is 0"),
        ({"hop": 0.0}, "mel: hop is 0"),
        ({"window": 1e9}, "mel: window is 1e"),
        ({"threshold": 0.0}, "mel: threshold is 0"),
        ({"floor": -1.0}, "mel: floor is -1"),
        ({"lowest": 500.0, "highest": 400.0}, "mel: highest is 400,"),
        ({"highest": 9000.0}, "mel: highest is 9000"),
        ({"overlap": 0.5}, "mel: overlap is 0.5"),
        ({"rate": 10}, "mel: rate is 10"),
        ({"lowest": 8000.0}, "mel: lowest is 8000"),
    ],
)
def test_bad_settings(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MelEvents(**settings)  # type: ignore[arg-type]
