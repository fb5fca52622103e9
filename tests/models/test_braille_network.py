from __future__ import annotations

import pytest

from mlgenn_delays.models.braille import braille_settings, build_network


def test_network_is_the_published_one() -> None:
    network = build_network()
    assert [p.size for p in network.network.populations] == [24, 128, 27]
    assert len(network.delay_learn_conns) == 2


def test_sparser_events_get_larger_weights() -> None:
    assert braille_settings() == braille_settings(10)
    means = [braille_settings(t).network.input_weight[0] for t in (1, 2, 5, 10)]
    assert means == sorted(means)
    assert len(set(means)) == 4


def test_unknown_threshold() -> None:
    with pytest.raises(ValueError, match=r"threshold is 3, allowed are \[1, 2, 5, 10\]"):
        braille_settings(3)
