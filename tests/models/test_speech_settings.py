from __future__ import annotations

import pytest

from mlgenn_delays.models.speech import CochleaSettings, SpeechSettings, speech_settings


def test_settings_follow_the_encoder() -> None:
    assert speech_settings() == speech_settings("mel") == SpeechSettings()
    assert speech_settings("cochlea") == CochleaSettings()
    # more events, smaller weights
    assert CochleaSettings().input_weight[1] < SpeechSettings().input_weight[1]


def test_unknown_encoder() -> None:
    with pytest.raises(ValueError, match=r"encoder is 'ear', allowed are \['cochlea', 'mel'\]"):
        speech_settings("ear")
