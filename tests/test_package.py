import pkgutil
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
        "('mlgenn_delays.engines', 'mlgenn_delays.training', 'mlgenn_delays.compilers', "
        "'matplotlib', 'tqdm'))]\n"
        "print(','.join(heavy))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("\n", "")


def test_lazy_modules():
    assert mlgenn_delays.engines.__name__ == "mlgenn_delays.engines"
    packages = {m.name for m in pkgutil.iter_modules(mlgenn_delays.__path__) if m.ispkg}
    assert packages <= {*mlgenn_delays._LAZY_MODULES, *mlgenn_delays.__all__}


def test_datasets_and_models_need_no_optional_library():
    code = (
        "import sys, mlgenn_delays.datasets, mlgenn_delays.models\n"
        "heavy = ('h5py', 'matplotlib', 'pooch', 'requests', 'scipy')\n"
        "print(','.join(m for m in heavy if m in sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("\n", "")


def test_unknown_attribute():
    with pytest.raises(AttributeError, match="'mlgenn_delays' has no attribute 'nonsense'"):
        mlgenn_delays.nonsense  # noqa: B018


def test_modules_of_utils_are_there_without_an_import():
    code = (
        "import mlgenn_delays, pkgutil\n"
        "for m in pkgutil.iter_modules(mlgenn_delays.utils.__path__):\n"
        "    assert getattr(mlgenn_delays.utils, m.name).__name__.endswith(m.name)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
