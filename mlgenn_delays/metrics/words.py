"""Metrics in words, the same on screens, in tables and in figures."""

from __future__ import annotations

import re


def metric_words(kind: str) -> str:
    """What a class of metrics, given by its name, is called: ``"accuracy"``,
    ``"mean square error"``."""
    if is_share(kind):
        return "accuracy"
    return re.sub("(?<=[a-z])(?=[A-Z])", " ", kind).lower()


def is_share(kind: str) -> bool:
    """Whether its values are shares of the trials, from 0 to 1, which are said in per cent."""
    return kind == "SparseCategoricalAccuracy"
