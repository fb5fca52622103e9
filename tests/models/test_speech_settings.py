from __future__ import annotations

import pytest

from mlgenn_delays.models.speech import speech_settings


def test_settings_follow_the_encoder() -> None:
    mel, cochlea = speech_settings("mel"), speech_settings("cochlea")
    assert speech_settings() == mel
    # more events, smaller weights
    assert cochlea.network.input_weight[1] < mel.network.input_weight[1]
    assert (cochlea.learning, cochlea.augmentation) == (mel.learning, mel.augmentation)


def test_unknown_encoder() -> None:
    with pytest.raises(ValueError, match=r"encoder is 'ear', allowed are \['cochlea', 'mel'\]"):
        speech_settings("ear")
