"""Ctrl-C: a request first, then what it always does."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from mlgenn_delays.training.loop import InterruptGuard


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_first_is_a_request():
    before = signal.getsignal(signal.SIGINT)
    with InterruptGuard() as guard:
        guard.check()
        press_ctrl_c()
        assert guard.requested
        with pytest.raises(KeyboardInterrupt, match="running batch was finished"):
            guard.check()
    assert signal.getsignal(signal.SIGINT) is before


def test_second_interrupts_at_once():
    with InterruptGuard():
        press_ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            press_ctrl_c()


def test_handler_is_restored_after_errors():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError), InterruptGuard():
        assert signal.getsignal(signal.SIGINT) is not before
        raise RuntimeError
    assert signal.getsignal(signal.SIGINT) is before


def test_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with InterruptGuard() as guard:
            press_ctrl_c()
            assert not guard.requested
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_install_nothing():
    errors = []

    def work():
        try:
            with InterruptGuard() as guard:
                guard.check()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not errors
