import decimal
import fractions

import numpy as np
import pytest

from mlgenn_delays.checks import (
    REAL,
    ArgumentKeyError,
    as_array,
    check_array,
    check_name,
    check_number,
    check_sequence,
    check_whole_number,
    describe,
    single,
    whole_numbers,
)


class Unspeakable:
    """Neither a number nor a text."""

    def __repr__(self):
        raise RuntimeError("no text")


def test_check_number():
    assert check_number(np.float32(2), "x") == 2.0
    with pytest.raises(ValueError, match="x is 3, allowed are finite numbers of at most 2"):
        check_number(3, "x", maximum=2)
    with pytest.raises(TypeError, match="x should be a number, not '3'"):
        check_number("3", "x")


@pytest.mark.parametrize(
    "value",
    [2, 2.0, np.int8(2), np.float16(2), np.longdouble(2), np.array(2), fractions.Fraction(2)],
)
def test_numbers_of_all_kinds(value):
    number = check_number(value, "x")
    assert type(number) is float and number == 2.0
    whole = check_whole_number(value, "x")
    assert type(whole) is int and whole == 2


@pytest.mark.parametrize(
    "value",
    [
        True, np.bool_(True), np.array(True), "2", b"2", None, 2j, np.complex64(2), [2],
        decimal.Decimal(2), np.timedelta64(2, "s"), np.datetime64("2000"), np.ma.masked,
        np.array([2]), np.array(None), np.str_("2"), Unspeakable(), object,
    ],
)  # fmt: skip
def test_what_is_no_number(value):
    for check in (check_number, check_whole_number):
        with pytest.raises(TypeError, match="x should be a number, not "):
            check(value, "x")


@pytest.mark.parametrize(
    "value",
    [10**400, -(10**400), 10**5000, fractions.Fraction(10**400), np.longdouble("1e400"), np.inf],
    ids=lambda value: type(value).__name__,
)
def test_numbers_too_large_for_any_float(value):
    for check in (check_number, lambda v, n: check_whole_number(v, n, maximum=5)):
        with pytest.raises(ValueError, match=r"^x is .{1,120}, allowed are"):
            check(value, "x")


def test_check_whole_number():
    assert check_whole_number(np.int32(3), "x") == 3
    assert check_whole_number(2**63 + 1, "x") == 2**63 + 1  # which no float can tell from 2^63
    for value in (-1, 0.5):
        with pytest.raises(
            ValueError, match=f"x is {value}, allowed are whole numbers of at least 0"
        ):
            check_whole_number(value, "x")
    with pytest.raises(ValueError, match="x is 1234567, allowed are whole numbers from 1 to 10"):
        check_whole_number(1234567, "x", 1, 10)


def test_bounds_are_named():
    with pytest.raises(ValueError, match=r"x is 1e\+39, .* numbers from -1e\+30 to 1e\+30"):
        check_number(1e39, "x", **REAL)


def test_single_precision_as_engines_see_it():
    assert single(1.0 - 1e-12) == 1.0
    assert single(1e-40) == single(-1e-50) == 0.0
    assert single(1.2e-38) == float(np.float32(1.2e-38))


def test_masked_values_are_no_numbers():
    masked = np.ma.masked_array([1.0, 2.0], [False, True])
    with pytest.raises(ValueError, match="x has 1 masked values, which would be taken for numbers"):
        as_array(masked, "x")
    assert np.array_equal(as_array(np.ma.masked_array([1.0, 2.0]), "x"), [1.0, 2.0])


def test_arrays_have_the_byte_order_of_the_machine():
    for check in (check_array, whole_numbers):
        array = check(np.array([1, 2], ">i2"), "x")
        assert array.dtype == np.int16 and array.tolist() == [1, 2]


@pytest.mark.parametrize("value", [[0.5], [np.nan], [1e30], [-np.inf]])
def test_whole_numbers_of_floats(value):
    assert whole_numbers([1.0, 2.0], "x").dtype == np.int64
    assert whole_numbers([], "x").dtype == np.int64
    with pytest.raises(ValueError, match=r"x has .*, allowed are whole numbers"):
        whole_numbers(value, "x")


@pytest.mark.parametrize(
    "name", ["hidden", "versteckte Schicht", "脳", "a-b.c d", "🧠" * 25, "..."]
)
def test_names(name):
    assert check_name(name, "x", 100) == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "0 bytes long in UTF-8, allowed are 1 to 100"),
        ("n" * 70_000, "70000 bytes long"),
        ("🧠" * 26, "104 bytes long"),
        ("a\0", r"with '\\x00', allowed are names that can be part of the name of a file"),
        ("a\nb", r"with '\\n'"),
        ("a\x85b", r"with '\\x85'"),
        ("\udc80", r"with '\\udc80'"),
        ("../a", "with '/'"),
        ("a\\b", "with"),
    ],
)
def test_names_that_are_refused(name, message):
    with pytest.raises(ValueError, match=f"^x is .*{message}"):
        check_name(name, "x", 100)


@pytest.mark.parametrize("name", [5, b"a", ["a"], Unspeakable()])
def test_names_that_are_no_text(name):
    with pytest.raises(TypeError, match="x should be text, not "):
        check_name(name, "x", 100)


def test_messages_survive_any_value():
    assert describe(Unspeakable()) == "a Unspeakable that cannot be shown"
    assert describe(10**5000) == "a int that cannot be shown"
    with pytest.raises(
        TypeError, match=r"x should be a sequence of numbers, e\.g\. \[n{100}\], not"
    ):
        check_sequence("n" * 70_000, "x", "numbers")


def test_keys_are_shown_as_text():
    error = ArgumentKeyError("key 'a' is wrong")
    assert str(error) == "key 'a' is wrong" and isinstance(error, (KeyError, ValueError))


def test_messages_survive_values_without_a_text():
    with pytest.raises(TypeError, match=r"e\.g\. \[a Unspeakable that cannot be shown\]"):
        check_sequence(Unspeakable(), "x", "numbers")


def test_arrays_of_no_dimension_are_no_sequences():
    with pytest.raises(TypeError, match="x should be a sequence of names"):
        check_sequence(np.array(3), "x", "names")
    assert list(check_sequence(np.array([3]), "x", "names")) == [3]
