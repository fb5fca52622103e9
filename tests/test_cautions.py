"""Warnings of what is probably not meant."""

import threading
import warnings

import pytest

from mlgenn_delays import cautions
from mlgenn_delays.cautions import Caution, caution, without_cautions


def test_the_line_of_the_user_is_named(monkeypatch):
    with pytest.warns(Caution, match="it rains") as warned:
        caution("it rains")
    assert warned[0].filename == __file__
    # with this file as a part of the package, the line is further up
    monkeypatch.setattr(cautions, "_PACKAGE", __file__)
    with pytest.warns(Caution) as warned:
        caution("it rains")
    assert warned[0].filename != __file__


def test_silence_ends():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with without_cautions():
            caution("nobody hears this")
        with pytest.raises(ValueError, match="out"), without_cautions():
            raise ValueError("out")
        with pytest.raises(Caution, match="loud"):
            caution("loud")


def test_other_threads_are_not_silenced():
    heard = []

    def speak():
        try:
            caution("from a thread")
        except Caution as said:
            heard.append(str(said))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with without_cautions():
            thread = threading.Thread(target=speak)
            thread.start()
            thread.join()
    assert heard == ["from a thread"]
