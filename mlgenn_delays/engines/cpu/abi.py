"""The C structures of ``templates/runtime.hpp``, field by field, for ctypes."""

from __future__ import annotations

import ctypes as ct

import numpy as np

POINTER = ct.c_void_p


class InputEvents(ct.Structure):
    """Spikes of one input population."""

    _fields_ = [("offsets", POINTER), ("steps", POINTER), ("neurons", POINTER)]


class PopulationBuffers(ct.Structure):
    """Buffers of one population for one batch; null where not wanted."""

    _fields_ = [
        (name, POINTER)
        for name in (
            "readout", "trace", "readout_step", "spike_counts", "record_vars",
            "readout_weights", "grad_readout", "grad_trace", "grad_silent",
            "regulariser", "record_adjoints",
        )
    ]  # fmt: skip


class Parameter(ct.Structure):
    """One parameter: values, gradients per thread, moments of Adam, norm of the gradient."""

    _fields_ = [
        *((name, POINTER) for name in ("value", "gradient", "m", "v")),
        ("norm", ct.c_double),
    ]


class ConnectionBuffers(ct.Structure):
    """One connection: arrays of its weights and delays, and what belongs to no parameter."""

    _fields_ = [
        (name, POINTER)
        for name in (
            "weight", "delay", "delay_steps", "row_start", "post", "weight_gradient",
            "delay_gradient", "touched",
        )
    ]  # fmt: skip


class Batch(ct.Structure):
    """One call of the forward or the backward pass."""

    _fields_ = [
        ("size", ct.c_int32),
        ("examples", POINTER),
        ("record_row", POINTER),
        ("inputs", POINTER),
        ("populations", POINTER),
    ]


class Adam(ct.Structure):
    """Settings of one Adam step."""

    _fields_ = [
        (name, ct.c_float)
        for name in ("alpha", "beta1", "beta2", "epsilon", "moment_scale1", "moment_scale2")
    ]


def declare(library: ct.CDLL, training: bool) -> None:
    """Set argument and result types of a generated library's functions."""
    library.mgd_create.argtypes = [ct.c_int]
    library.mgd_create.restype = POINTER
    library.mgd_destroy.argtypes = [POINTER]
    library.mgd_destroy.restype = None
    library.mgd_connections.argtypes = [POINTER]
    library.mgd_connections.restype = ct.POINTER(ConnectionBuffers)
    library.mgd_parameters.argtypes = [POINTER]
    library.mgd_parameters.restype = ct.POINTER(Parameter)
    library.mgd_round_delays.argtypes = [POINTER]
    library.mgd_round_delays.restype = None
    library.mgd_forward.argtypes = [POINTER, ct.POINTER(Batch)]
    library.mgd_spikes.argtypes = [
        POINTER, ct.c_int, ct.c_int, ct.POINTER(POINTER), ct.POINTER(POINTER),
    ]  # fmt: skip
    library.mgd_spikes.restype = ct.c_int64
    if training:
        library.mgd_backward.argtypes = [POINTER, ct.POINTER(Batch)]
        library.mgd_adam.argtypes = [POINTER, POINTER]


def aligned_zeros(size: int, dtype: type) -> np.ndarray:
    """Zeros that start on a cache line; pages never written to cost no memory."""
    itemsize = np.dtype(dtype).itemsize
    raw = np.zeros(size * itemsize + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size * itemsize].view(dtype)


def address(array: np.ndarray | None) -> int | None:
    """Address of a contiguous array's first element; None stays None."""
    if array is None:
        return None
    if not array.flags.c_contiguous:
        raise ValueError("only contiguous arrays can be passed to generated code")
    return array.ctypes.data
