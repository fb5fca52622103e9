import numpy as np
import pytest

from mlgenn_delays.checks import check_number, check_whole_number


def test_check_number():
    assert check_number(np.float32(2), "x") == 2.0
    with pytest.raises(ValueError, match="x is 3, allowed are finite numbers of at most 2"):
        check_number(3, "x", maximum=2)
    with pytest.raises(TypeError, match="x should be a number, not '3'"):
        check_number("3", "x")


def test_check_whole_number():
    assert check_whole_number(np.int32(3), "x") == 3
    for value in (-1, 0.5):
        with pytest.raises(
            ValueError, match=f"x is {value}, allowed are whole numbers of at least 0"
        ):
            check_whole_number(value, "x")
