import subprocess
import sys

import pytest

import mlgenn_delays


def test_exports():
    for name in mlgenn_delays.__all__:
        if name not in ("check_gradients", "compilers", "datasets"):
            assert hasattr(mlgenn_delays, name)


def test_description_needs_no_engine():
    code = (
        "import sys, mlgenn_delays\n"
        "heavy = [m for m in sys.modules if m.startswith("
        "('mlgenn_delays.engine', 'mlgenn_delays.compilers', 'matplotlib', 'tqdm'))]\n"
        "print(','.join(heavy))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("\n", "")


def test_lazy_modules():
    assert mlgenn_delays.engine.__name__ == "mlgenn_delays.engine"


def test_unknown_attribute():
    with pytest.raises(AttributeError, match="'mlgenn_delays' has no attribute 'nonsense'"):
        mlgenn_delays.nonsense  # noqa: B018
