"""What users might hand over: numbers, arrays and texts of every kind, most of them wrong."""

import decimal
import fractions
import inspect
import re
import traceback
import warnings
from functools import partial

import hypothesis
import numpy as np
from hypothesis import strategies as st
from tally import undocumented


class Hostile:
    """Neither number, array nor text, and its text cannot be had."""

    def __repr__(self):
        raise RuntimeError("no text")


class Unreadable:
    """What arrays on other devices do."""

    shape = (3,)

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("not on this device")


SPECIAL = [
    None, True, False, 0, 1, -1, 2, 3, 0.5, -0.5, 0.0, -0.0, 1e-3, 1e39, -1e39, 1e99, 5e-324, 1e-50,
    float("inf"), float("-inf"), float("nan"), 2**31, 2**40, 2**63, 2**64, -(2**63), 10**400,
    -(10**400), 10**5000, 1j, complex("nan"), fractions.Fraction(1, 3), fractions.Fraction(10**400),
    decimal.Decimal("0.5"), decimal.Decimal("NaN"), np.float32(0.5), np.float16(2), np.int8(-1),
    np.uint64(2**64 - 1), np.longdouble("1e4000"), np.bool_(True), np.complex64(1), np.array(1.5),
    np.array(3), np.array(None), np.ma.masked, np.timedelta64(5, "s"), np.datetime64("2000-01-01"),
    "", "x", "1", "nan", "\0", "\udc80", "a\nb", "/", "..", "n" * 70_000, "脳🧠", b"x", b"",
    [], [1], [0.5, -1], [[1], [1, 2]], [[1, 2], [3, 4]], (), (1, 2), {}, {"a": 1}, {1, 2}, range(3),
    np.zeros(0), np.zeros((2, 3)), np.array([1, 2, 3], ">i4"), np.array([1.0, np.nan]),
    np.array([0, 2, 1], np.uint8), np.array(["a"]), np.array([1, "a"], object), np.arange(6)[::-2],
    np.ma.masked_array([1, 2], [True, False]), np.zeros(3, [("t", "f4")]),
    object(), object, int, len, lambda *a, **k: None, iter([1]), Ellipsis, NotImplemented, slice(3),
    Hostile(), Unreadable(),
]  # fmt: skip

_DTYPES = [
    "i1",
    "u1",
    "u2",
    "i8",
    "u8",
    ">i4",
    ">u2",
    "f2",
    "f4",
    ">f8",
    "f8",
    "c8",
    "?",
    "O",
    "U2",
]


@st.composite
def arrays(draw):
    """Arrays of any type and shape, contiguous or not, read-only or not, masked or not."""
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=3)))
    kind = draw(st.sampled_from(["small", "large", "strange"]))
    seed = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = seed.integers(0, 4, shape).astype(float)
    if kind == "large":
        values = seed.normal(0, 1, shape) * 10.0 ** seed.integers(0, 40, shape)
    if kind == "strange":
        values = seed.choice([np.nan, np.inf, -np.inf, -1.0, 0.5, 1e300, 0.0], shape)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = np.asarray(values).astype(draw(st.sampled_from(_DTYPES)))
    if array.ndim and draw(st.booleans()):
        array = array[:: draw(st.sampled_from([-1, 2, 1]))]
    if draw(st.booleans()):
        array.flags.writeable = False
    if draw(st.integers(0, 9)) == 0:
        array = np.ma.masked_array(array, seed.random(array.shape) < 0.3)
    return array


#: Anything.
anything = st.one_of(
    st.sampled_from(SPECIAL),
    st.floats(),
    st.integers(),
    st.text(max_size=8),
    arrays(),
    st.lists(st.one_of(st.floats(), st.integers(-3, 3)), max_size=4),
)


@st.composite
def arguments(draw, function, good, most=2):
    """Keyword arguments of a function: good ones, and up to ``most`` that may be anything.

    Args:
        good: name -> value, or strategy, of those that a call needs or that go deeper
    """
    names = [
        name
        for name, p in inspect.signature(function).parameters.items()
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and name != "self"
    ]
    given = {
        name: draw(value) if isinstance(value, st.SearchStrategy) else value
        for name, value in good.items()
    }
    bad = draw(st.lists(st.sampled_from(names), max_size=most)) if names else []
    return {**given, **{name: draw(anything) for name in bad}}


#: Words of Python and NumPy where they meet what the package should have refused by name.
_THEIRS = re.compile(
    r"not supported between|unsupported operand|object is not|has no attribute|must be real number|"
    r"expected str, bytes|cannot be interpreted as|invalid literal|could not convert|unhashable|"
    r"not subscriptable|arguments? but|truth value|ufunc|embedded null|must be an integer|"
    r"can't encode|not all arguments converted|cannot convert|not enough values|too many values|"
    r"object of type '|argument should be|argument must be|setting an array element|not iterable|"
    r"unsupported format|too large to convert|invalid __array"
)


def judge(error):
    """As :func:`tally.undocumented`; the text must be the package's own, too."""
    problem = undocumented(error)
    found = _THEIRS.search(str(error))
    if problem is None and found is not None and not isinstance(error, OSError):
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {str(error)[:200]} ({last.filename}:{last.lineno})"
    return problem


def one_by_one(function, good, call, tally, step):
    """Hand every special value to every argument of a function, the others being good.

    Args:
        good: as in :func:`arguments`, of plain values
        call: of keyword arguments
        step: 1: all values; 8: every eighth
    """
    names = [n for n in inspect.signature(function).parameters if n not in ("self", "genn_kwargs")]
    for k, name in enumerate(names):
        for value in SPECIAL[k % step :: step]:
            count(f"{name} = {show(value)}", partial(call, {**good, name: value}), tally)


def count(text, call, tally):
    """Try a call, and count what came of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call()
        except Exception as error:
            tally.count(text, judge(error))
        else:
            tally.count(text)


def show(value):
    """A value in a line."""
    try:
        return repr(value)[:150]
    except Exception:
        return object.__repr__(value)


def attack(strategy, call, tally, number, seed):
    """Hand ``number`` examples of a strategy to ``call``; all that is lost is counted.

    Args:
        call: of one argument
        seed: of the examples
    """

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def run(value):
        count(show(value), partial(call, value), tally)

    run()
