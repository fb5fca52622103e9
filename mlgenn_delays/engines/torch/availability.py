"""Whether PyTorch is installed, and which of its devices there are. Imports it when asked."""

from __future__ import annotations

from importlib import import_module

#: Names of the engine that ``backend=`` takes.
TORCH_BACKENDS = ("torch", "torch:cpu", "torch:cuda")


def choose_device(name: str) -> str:
    """PyTorch's name of the device that ``backend=name`` asks for.

    Args:
        name: "torch:cpu", "torch:cuda", or "torch": a GPU where PyTorch finds one, else the CPU

    Raises:
        ImportError: PyTorch is not installed, or cannot be imported
        ValueError: there is no such device
    """
    try:
        torch = import_module("torch")
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "torch"
        lines = str(error).splitlines() or [type(error).__name__]
        reason = "it is not installed" if missing else f"it cannot be imported ({lines[0]})"
        raise ImportError(
            f"surrogate gradients need PyTorch, but {reason}: pip install 'mlgenn_delays[torch]'"
        ) from None
    found = bool(torch.cuda.is_available())
    if name == "torch:cuda" and not found:
        raise ValueError("backend is 'torch:cuda', but PyTorch finds no GPU; take 'torch:cpu'")
    return "cuda" if found and name != "torch:cpu" else "cpu"
