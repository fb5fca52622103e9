"""What is said where PyGeNN or ml_genn is missing or too old, and which backend is chosen.

Runs without either: stand-ins take their place.
"""

from __future__ import annotations

import ctypes
import importlib
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

from mlgenn_delays.engines.genn import availability
from mlgenn_delays.engines.genn.availability import (
    choose_backend,
    genn_backends,
    gpu_kinds,
    gpu_present,
    require_ml_genn,
)

URLS = (
    "https://genn-team.github.io/genn/documentation/5/installation.html",
    "https://github.com/genn-team/ml_genn#installation",
)

#: Of ml_genn 2.4; those before it have the first one alone.
LOSSES = ("MeanSquareError", "RelativeMeanSquareError")


@pytest.fixture
def install(monkeypatch):
    """Function that puts stand-ins in the place of both packages; None: not installed."""

    def install_packages(pygenn="5.4.0", losses=LOSSES, backends=()):
        for name in [n for n in sys.modules if n.split(".")[0] in ("pygenn", "ml_genn")]:
            monkeypatch.delitem(sys.modules, name)
        package = None
        if pygenn is not None:
            package = ModuleType("pygenn")
            package.__version__ = pygenn
            model = ModuleType("pygenn.genn_model")
            model.backend_modules = dict.fromkeys(backends)
            monkeypatch.setitem(sys.modules, "pygenn.genn_model", model)
        monkeypatch.setitem(sys.modules, "pygenn", package)
        if losses is None:
            monkeypatch.setitem(sys.modules, "ml_genn", None)
            return
        module = ModuleType("ml_genn.losses")
        vars(module).update(dict.fromkeys(losses))
        monkeypatch.setitem(sys.modules, "ml_genn", ModuleType("ml_genn"))
        monkeypatch.setitem(sys.modules, "ml_genn.losses", module)

    return install_packages


@pytest.mark.parametrize("version", ["5.3.0", "5.4.0", "5.10", "6.0.0rc1"])
def test_nothing_is_missing(install, version):
    install(pygenn=version)
    require_ml_genn()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"pygenn": None}, "pygenn is not installed"),
        ({"pygenn": "5.2.9"}, "pygenn is 5.2.9"),
        ({"pygenn": "4.9.0"}, "pygenn is 4.9.0"),
        ({"pygenn": "of unknown version"}, "pygenn is of unknown version"),
        ({"losses": None}, "ml_genn is not installed"),
        (
            {"losses": LOSSES[:1]},
            "ml_genn is too old, it has no RelativeMeanSquareError, which is what is checked, "
            "since 2.4 calls itself 2.3.1",
        ),
    ],
)
class TestMissing:
    def check(self, error, problem):
        message = str(error.value)
        assert message.startswith("GeNN needs PyGeNN >= 5.3 and ml_genn >= 2.4: " + problem + ";")
        assert "\n" not in message
        assert all(url in message for url in URLS)

    def test_check(self, install, arguments, problem):
        install(**arguments)
        with pytest.raises(ImportError) as error:
            require_ml_genn()
        self.check(error, problem)

    def test_import(self, install, monkeypatch, arguments, problem):
        """The part of the package that needs them says the same, and nothing else."""
        install(**arguments)
        for name in [n for n in sys.modules if n.split(".")[:2] == ["mlgenn_delays", "genn"]]:
            monkeypatch.delitem(sys.modules, name)
        with pytest.raises(ImportError) as error:
            importlib.import_module("mlgenn_delays.genn")
        self.check(error, problem)
        assert error.value.__cause__ is None

    def test_backends(self, install, arguments, problem):
        install(**arguments)
        with pytest.raises(ImportError) as error:
            choose_backend("genn")
        self.check(error, problem)


def test_broken_installation(install, monkeypatch, tmp_path):
    install()
    monkeypatch.delitem(sys.modules, "pygenn")
    (tmp_path / "pygenn.py").write_text("raise ImportError('libcuda.so: no such file\\nat all')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"pygenn cannot be imported \(libcuda\.so: no such file"):
        require_ml_genn()


def test_dependency_of_pygenn_is_missing(install, monkeypatch, tmp_path):
    install()
    monkeypatch.delitem(sys.modules, "pygenn")
    (tmp_path / "pygenn.py").write_text("import psutil_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"pygenn cannot be imported \(No module named 'psutil_t"):
        require_ml_genn()


def test_import_needs_nothing():
    """Neither the package nor the check itself imports them."""
    code = (
        "import sys, mlgenn_delays.engines.genn.availability, mlgenn_delays.compilers\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('pygenn', 'ml_genn')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("[]\n", "")


# --- backends ---------------------------------------------------------------------------------

CPU, CUDA, HIP = "single_threaded_cpu", "cuda", "hip"


def test_backends_that_are_built_in(install):
    install(backends=(CUDA, CPU))
    assert genn_backends() == (CUDA, CPU)


@pytest.mark.parametrize(
    ("name", "built", "gpu", "expected"),
    [
        ("genn", (CUDA, CPU), True, CUDA),
        ("genn", (CUDA, CPU), False, CPU),
        ("genn", (CUDA,), True, CUDA),
        ("genn", (CPU,), True, CPU),
        ("genn", (HIP, CPU), True, CPU),
        ("genn:cpu", (CUDA, CPU), True, CPU),
        ("genn:cuda", (CUDA, CPU), True, CUDA),
    ],
)
def test_choice(install, monkeypatch, name, built, gpu, expected):
    install(backends=built)
    monkeypatch.setattr(availability, "gpu_present", lambda: gpu)
    assert choose_backend(name) == expected


@pytest.mark.parametrize(
    ("name", "built", "gpu", "message"),
    [
        (
            "genn:cuda",
            (CPU,),
            True,
            "backend is 'genn:cuda', but PyGeNN was built without 'cuda', it has 'single_thr",
        ),
        ("genn:cuda", (CUDA, CPU), False, "'genn:cuda', but no GPU was found by the CUDA driver"),
        ("genn:cpu", (CUDA,), True, "without 'single_threaded_cpu', it has 'cuda'"),
        ("genn", (CUDA,), False, "backend is 'genn', but PyGeNN was built without 'single_thr"),
        ("genn", (), True, "without 'single_threaded_cpu', it has no backend"),
        ("genn:gpu", (CPU,), True, "'genn:gpu', allowed are 'genn', 'genn:cpu', 'genn:cuda'"),
    ],
)
def test_no_choice(install, monkeypatch, name, built, gpu, message):
    install(backends=built)
    monkeypatch.setattr(availability, "gpu_present", lambda: gpu)
    with pytest.raises(ValueError, match=message) as error:
        choose_backend(name)
    assert "\n" not in str(error.value)


# --- GPU --------------------------------------------------------------------------------------


def driver(init=0, status=0, count=1):
    def get_count(pointer):
        pointer._obj.value = count
        return status

    return SimpleNamespace(cuInit=lambda flags: init, cuDeviceGetCount=get_count)


@pytest.mark.parametrize(
    ("library", "expected"),
    [
        (driver(), True),
        (driver(count=8), True),
        (driver(count=0), False),
        (driver(init=100), False),
        (driver(status=3), False),
        (SimpleNamespace(), False),
    ],
)
@pytest.mark.parametrize(("platform", "name"), [("linux", "libcuda.so.1"), ("win32", "nvcuda.dll")])
def test_gpu(monkeypatch, library, expected, platform, name):
    loaded = []
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda path: loaded.append(path) or library)
    assert gpu_present() is expected
    assert loaded == [name]


def test_no_driver(monkeypatch):
    def fail(path):
        raise OSError(f"{path}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", fail)
    assert gpu_present() is False


def driver_of(*gpus):
    """Driver of GPUs, each (name, major, minor)."""

    def get(pointer, number):
        pointer._obj.value = number
        return 0

    def get_name(buffer, size, device):
        buffer.value = gpus[device.value][0][: size - 1]
        return 0

    def get_attribute(pointer, attribute, device):
        pointer._obj.value = gpus[device.value][{75: 1, 76: 2}[attribute]]
        return 0

    return SimpleNamespace(
        **vars(driver(count=len(gpus))),
        cuDeviceGet=get,
        cuDeviceGetName=get_name,
        cuDeviceGetAttribute=get_attribute,
    )


@pytest.mark.parametrize(
    ("library", "expected"),
    [
        (driver_of((b"NVIDIA H200", 9, 0)), ("NVIDIA H200 9.0",)),
        (driver_of((b"A", 8, 6), (b"B", 12, 0)), ("A 8.6", "B 12.0")),
        (driver_of(), ()),
        (driver(init=100), ()),
        (driver(), ()),
        (SimpleNamespace(), ()),
    ],
)
def test_kinds_of_gpus(monkeypatch, library, expected):
    monkeypatch.setattr(ctypes, "CDLL", lambda path: library)
    assert gpu_kinds() == expected


@pytest.mark.genn
def test_installed_packages():
    pytest.importorskip("pygenn")
    pytest.importorskip("ml_genn")
    require_ml_genn()
    assert set(genn_backends()) <= {CPU, CUDA, HIP}
    if CPU in genn_backends():
        assert choose_backend("genn:cpu") == CPU
