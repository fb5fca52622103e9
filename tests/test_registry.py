import pytest

from mlgenn_delays.metrics import (
    MeanSquareError,
    Metric,
    SparseCategoricalAccuracy,
    default_metrics,
)
from mlgenn_delays.registry import get_object, get_object_mapping, snake_case


def test_snake_case():
    assert snake_case("AvgVarExpWeight") == "avg_var_exp_weight"


def test_default_metrics():
    assert default_metrics == {
        "mean_square_error": MeanSquareError,
        "sparse_categorical_accuracy": SparseCategoricalAccuracy,
    }


def mapping(obj, keys=("a", "b")):
    return get_object_mapping(obj, keys, Metric, "Metric", default_metrics)


def test_mapping():
    objects = mapping("mean_square_error")
    assert list(objects) == ["a", "b"]
    assert objects["a"] is not objects["b"]
    mixed = mapping({"b": "mean_square_error", "a": SparseCategoricalAccuracy()})
    assert isinstance(mixed["a"], SparseCategoricalAccuracy)
    assert isinstance(mixed["b"], MeanSquareError)


def test_bad_mapping():
    with pytest.raises(ValueError, match=r"Metric dictionary has the keys a, .* each output: a, b"):
        mapping({"a": "mean_square_error"})
    with pytest.raises(TypeError, match="Metric of 'a' is missing"):
        mapping(None)


def test_object():
    assert get_object(None, Metric, "Metric", default_metrics) is None
    metric = MeanSquareError()
    assert get_object(metric, Metric, "Metric", default_metrics) is not metric
    with pytest.raises(
        ValueError, match="Metric 'x' is unknown, allowed are mean_square_error, sp"
    ):
        get_object("x", Metric, "Metric", default_metrics)
    with pytest.raises(TypeError, match="Metric should be given as a string or a Metric object"):
        get_object(3, Metric, "Metric", default_metrics)
