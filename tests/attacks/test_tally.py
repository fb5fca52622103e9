"""The judge of attacks: what counts as survived."""

import numpy as np
import pytest
from tally import Tally, undocumented

from mlgenn_delays.checks import check_number, single


def error_of(call):
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


def test_errors_of_the_package_are_documented():
    assert undocumented(error_of(lambda: check_number("a", "x"))) is None
    assert undocumented(error_of(lambda: check_number(-1, "x", minimum=0))) is None


def test_errors_that_libraries_raise_are_not():
    assert "ValueError" in undocumented(error_of(lambda: np.zeros(3).reshape(2)))
    assert "KeyError" in undocumented(error_of(lambda: {}["x"]))


def test_errors_of_functions_in_c_are_not_though_they_have_our_frame():
    assert "could not convert" in undocumented(error_of(lambda: single("x")))


def test_file_errors_name_the_file(tmp_path):
    assert undocumented(error_of(lambda: (tmp_path / "missing").read_text())) is None
    assert "OSError" in undocumented(error_of(lambda: (_ for _ in ()).throw(OSError("full"))))


def test_a_tally_fails_without_attacks_and_with_losses():
    counts = Tally()
    with pytest.raises(AssertionError, match="no attack"):
        counts.check()
    assert counts.attempt("good", lambda: None)
    counts.check()
    assert not counts.attempt("refused", lambda: check_number("a", "x"))
    counts.check()
    assert not counts.attempt("bad", lambda: {}["x"])
    with pytest.raises(AssertionError, match="1 of 3 attacks not survived"):
        counts.check()
