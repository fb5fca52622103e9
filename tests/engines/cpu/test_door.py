"""The door to generated code: every pointer of the header has a check, and the check holds."""

from __future__ import annotations

import ast
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from programs import ProgramBuilder

from mlgenn_delays.engines.cpu import CpuEngine, abi, door
from mlgenn_delays.engines.cpu.door import POINTERS, bind, bind_table
from mlgenn_delays.losses import SparseCategoricalCrossentropy
from mlgenn_delays.program.exchange import RecordRequest

SIZES = {"B": 2, "T": 3, "N": 4, "R": 2, "examples": 5, "events": 6, "threads": 2, "elements": 8}
SIZES |= {"numbers": 2, "pre": 3, "synapses": 7, "delays": 5, "variables": 2, "populations": 3}

ARRAYS = [key for key, pointer in POINTERS.items() if pointer.of is None and not pointer.entry]
TABLES = [key for key, pointer in POINTERS.items() if pointer.entry]
STRUCTURES = [key for key, pointer in POINTERS.items() if pointer.of is not None]


def shape(names):
    return tuple(door._size(name, SIZES) for name in names)


def good(key):
    pointer = POINTERS[key]
    return np.zeros(shape(pointer.entry or pointer.shape), pointer.dtypes[-1])


def put(key, array):
    buffers = abi.STRUCTURES[key[0]]()
    if key in TABLES:
        return bind_table(buffers, key[1], [None, array], **SIZES)
    return bind(buffers, key[1], array, **SIZES)


def test_every_pointer_of_the_header_has_a_check():
    pointers = {
        (name, field)
        for name, structure in abi.STRUCTURES.items()
        for field, kind in structure._fields_
        if kind is abi.POINTER
    }
    assert set(POINTERS) == pointers and len(pointers) == 40
    for pointer in POINTERS.values():
        assert pointer.shape and (pointer.dtypes or pointer.of)


def test_a_pointer_without_a_shape_is_noticed(monkeypatch):
    header = abi.HEADER.replace("[B][N] step of the maximum", "step of the maximum")
    assert header != abi.HEADER
    monkeypatch.setattr(abi, "HEADER", header)
    with pytest.raises(ValueError, match=r"abi\.h: readout_step has no shape"):
        door._pointers()


def test_nothing_else_takes_addresses_of_arrays():
    folder = Path(door.__file__).parent
    for path in folder.glob("*.py"):
        names = {
            n.attr for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)
        }
        # the engine gives structures by reference, arrays go through the door; the alignment of
        # memory is found out in abi.py
        allowed = {"door.py": {"addressof", "ctypes"}, "abi.py": {"ctypes"}}.get(path.name, set())
        assert names & {"addressof", "ctypes", "data_as"} <= allowed, path


@pytest.mark.parametrize("key", [*ARRAYS, *TABLES], ids=".".join)
def test_only_what_the_header_says(key):
    array = good(key)
    put(key, array)
    put(key, None)
    dtype = array.dtype
    byte_order = array.astype(dtype.newbyteorder())
    wrong_types = [array.tolist(), array.astype(np.float64), array.view(np.ma.MaskedArray)]
    if dtype.itemsize > 1:
        wrong_types.append(byte_order)
    for bad in [*wrong_types, array.astype(object)]:
        with pytest.raises(
            TypeError, match=f"{'.'.join(key)}.* is of type .*, generated code takes"
        ):
            put(key, bad)
    longer = np.zeros((array.shape[0] + 1, *array.shape[1:]), dtype)
    for bad in (longer, array[:-1], np.zeros((), dtype), array[np.newaxis]):
        with pytest.raises(ValueError, match=r"has shape .*, it should be \["):
            put(key, bad)
    spread = np.zeros((*array.shape, 2), dtype)[..., 0]
    raw = np.zeros(array.nbytes + 1, np.uint8)
    crooked = raw[1:].view(dtype).reshape(array.shape) if dtype.itemsize > 1 else spread
    for bad in (spread, array[::-1], crooked):
        with pytest.raises(ValueError, match="should be contiguous and aligned"):
            put(key, bad)


@pytest.mark.parametrize("key", [*ARRAYS, *TABLES], ids=".".join)
def test_only_what_is_not_written_may_be_read_only(key):
    array = good(key)
    array.flags.writeable = False
    if POINTERS[key].written:
        with pytest.raises(ValueError, match="and not read-only"):
            put(key, array)
    else:
        put(key, array)


@pytest.mark.parametrize("key", TABLES, ids=".".join)
def test_tables_have_an_entry_for_each_variable(key):
    with pytest.raises(ValueError, match="has 1 entries, it should have 2"):
        bind_table(abi.STRUCTURES[key[0]](), key[1], [None], **SIZES)


@pytest.mark.parametrize("key", STRUCTURES, ids=".".join)
def test_arrays_of_structures(key):
    kind = abi.STRUCTURES[POINTERS[key].of]
    put(key, (kind * 3)())
    for bad in ((abi.Adam * 3)(), None, kind(), [kind()] * 3):
        with pytest.raises(TypeError, match=f"should be an array of {kind.__name__}"):
            put(key, bad)
    with pytest.raises(ValueError, match="has 2 entries, it should have 3"):
        put(key, (kind * 2)())


def test_the_engine_comes_through_the_door(monkeypatch):
    """What the engine binds while it trains."""
    bound = set()

    def noting(function):
        def call(buffers, field, value, **sizes):
            bound.add((type(buffers).__name__, field))
            return function(buffers, field, value, **sizes)

        return call

    for module in ("buffers", "call", "constants"):
        monkeypatch.setattr(f"mlgenn_delays.engines.cpu.{module}.bind", noting(bind))
    monkeypatch.setattr("mlgenn_delays.engines.cpu.call.bind_table", noting(bind_table))
    builder = ProgramBuilder(timesteps=10, batch=1)
    first = builder.input(2, spikes=3)
    last = builder.output(2, SparseCategoricalCrossentropy())
    builder.connect(first, last, 1.0, delay=(0.0, 5.0))
    case = builder.build()
    voltage = RecordRequest(np.ones(1, bool), variables=frozenset({(1, "V")}))
    with closing(case.engine(CpuEngine, 1)) as engine:
        result = engine.forward(case.batch, voltage)
        engine.backward(case.evaluate(result)[1], voltage)
    of_other_programs = {
        "trace", "grad_trace", "grad_silent", "spike_counts", "regulariser",
        "value", "gradient",  # of constants of single neurons
        "fractions", "fixed_delay", "factor_s", "factor_k", "factor_z", "sums",  # sub-step timing
    }  # fmt: skip
    assert {field for _, field in POINTERS.keys() - bound} == of_other_programs
