"""Values and derivatives of expressions of models."""

import numpy as np
import pytest

from mlgenn_delays.program.evaluate import derivative, evaluate, small_step
from mlgenn_delays.program.snippet import parse_expression

X = np.array([0.3, 1.0, 2.5])


@pytest.mark.parametrize(
    "text, value, slope",
    [
        ("exp(-dt / X)", np.exp(-0.5 / X), np.exp(-0.5 / X) * 0.5 / X**2),
        ("expm1(X) / X", np.expm1(X) / X, np.exp(X) / X - np.expm1(X) / X**2),
        ("-fabs(-X) + 2.0f", 2.0 - X, -np.ones(3)),
        ("(X < 1.0) ? X * X : pow(X, 3.0)", [0.09, 1.0, 15.625], [0.6, 3.0, 18.75]),
        ("fmax(X, 1.0) * fmin(X, 2.0)", np.maximum(X, 1) * np.minimum(X, 2), [1.0, 2.0, 2.0]),
        ("1 / 2 + 0 * X", np.full(3, 0.5), np.zeros(3)),
    ],
)  # fmt: skip
def test_values_and_derivatives(text, value, slope):
    parse_expression(text)  # all are of the language
    np.testing.assert_allclose(evaluate(text, {"X": X, "dt": 0.5}), value, rtol=1e-15)
    moved = evaluate(text, {"X": small_step(X), "dt": 0.5})
    np.testing.assert_allclose(moved.real, value, rtol=1e-15)
    np.testing.assert_allclose(derivative(moved), slope, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("text, what", [("tgamma(X)", "tgamma"), ("X % 2", "%"), ("!X", "!")])
def test_what_has_no_value_is_refused(text, what):
    with pytest.raises(ValueError, match=f"'{what}' is not allowed"):
        evaluate(text, {"X": X})
