import numpy as np
import pytest


@pytest.fixture
def check_gradient():
    """Compare a gradient with central differences, relative to its largest element."""

    def check(function, x, gradient, step=1e-5):
        numeric = np.empty_like(x)
        for index in np.ndindex(x.shape):
            shift = np.zeros_like(x)
            shift[index] = step
            numeric[index] = np.sum(function(x + shift) - function(x - shift)) / (2 * step)
        scale = np.max(np.abs(numeric))
        assert scale > 1e-3  # otherwise there is nothing to compare
        np.testing.assert_allclose(gradient, numeric, rtol=0, atol=1e-6 * scale)

    return check
