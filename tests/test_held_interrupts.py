"""Ctrl-C held back: it waits for the end of the block, and is never lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from skneural.arrays import interrupts
from skneural.arrays.interrupts import held_interrupts

DEFAULT = signal.default_int_handler


@pytest.fixture(autouse=True)
def default_handler():
    """Python's own, which is not there in a process that was started in the background."""
    before = signal.signal(signal.SIGINT, DEFAULT)
    yield
    assert signal.getsignal(signal.SIGINT) is DEFAULT
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("n_signals", [1, 3])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_an_interrupt_waits_for_the_end_of_the_outermost_block(n_signals, depth):
    steps = []

    def nested(level):
        with held_interrupts():
            if level > 1:
                nested(level - 1)
            else:
                for _ in range(n_signals):
                    signal.raise_signal(signal.SIGINT)
            steps.append(level)

    with pytest.raises(KeyboardInterrupt):
        nested(depth)
    assert steps == list(range(1, depth + 1))
    assert signal.getsignal(signal.SIGINT) is DEFAULT


def test_without_a_signal_nothing_happens():
    with held_interrupts():
        assert signal.getsignal(signal.SIGINT) is not DEFAULT
    assert signal.getsignal(signal.SIGINT) is DEFAULT


def test_an_error_without_a_signal_comes_out():
    with pytest.raises(RuntimeError, match="on the way"), held_interrupts():
        raise RuntimeError("on the way")


def test_an_error_is_the_context_of_an_interrupt():
    error = RuntimeError("on the way")

    def fail():
        signal.raise_signal(signal.SIGINT)
        raise error

    with pytest.raises(KeyboardInterrupt) as interrupt, held_interrupts():
        fail()
    assert interrupt.value.__context__ is error


def test_other_handlers_stay():
    caught = []

    def handler(number, frame):
        caught.append(number)

    for other in (handler, signal.SIG_IGN):
        signal.signal(signal.SIGINT, other)
        with held_interrupts():
            assert signal.getsignal(signal.SIGINT) is other
            signal.raise_signal(signal.SIGINT)
            assert caught == [signal.SIGINT]  # at once, or never
        assert signal.getsignal(signal.SIGINT) is other
    signal.signal(signal.SIGINT, DEFAULT)


def test_a_handler_that_is_installed_inside_stays_and_gets_the_signal():
    caught = []

    def handler(number, frame):
        caught.append(number)

    with held_interrupts():
        signal.raise_signal(signal.SIGINT)
        signal.signal(signal.SIGINT, handler)
        assert caught == []
    assert caught == [signal.SIGINT]
    assert signal.signal(signal.SIGINT, DEFAULT) is handler


def test_in_other_threads_nothing_happens():
    found = []

    def work():
        with held_interrupts():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [DEFAULT]


def test_a_block_that_is_never_left_does_not_keep_the_signal():
    block = held_interrupts()
    block.__enter__()
    assert signal.getsignal(signal.SIGINT) is not DEFAULT
    del block
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is DEFAULT


#: Sends a signal at any moment of `work`, again and again, and counts the interrupts. The module
#: alone: with its package, importing scikit-learn would take longer than all of it.
STORM = """
import os, random, runpy, signal, sys, threading, time
from contextlib import nullcontext

held_interrupts = runpy.run_path(FILE)["held_interrupts"]
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.setswitchinterval(1e-5)
counts, n_caught, n_torn, n_wanted = [0, 0], 0, 0, 0

def send():
    for n_sent in range(N_SIGNALS):
        while n_wanted == n_sent:
            time.sleep(1e-6)
        time.sleep(random.random() * 1e-4)
        os.kill(os.getpid(), signal.SIGINT)

def add_one(to):
    counts[to] += 1

def work():
    global n_wanted
    n_wanted = n_caught + 1
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with CONTEXT():
            add_one(0)
            add_one(1)
    raise RuntimeError("a signal was lost")

sender = threading.Thread(target=send, daemon=True)
sender.start()
while n_caught < N_SIGNALS:
    try:
        work()
    except KeyboardInterrupt:
        n_caught += 1
        n_torn += counts[0] != counts[1]
        counts[1] = counts[0]
sender.join()
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
print(n_torn)
"""


@pytest.mark.parametrize(
    ("context", "is_whole"),
    # Without the context, such signals do part what belongs together.
    [("held_interrupts", True), ("nullcontext", False)],
)
def test_real_signals(context, is_whole):
    script = STORM.replace("N_SIGNALS", "1000").replace("CONTEXT", context)
    script = script.replace("FILE", repr(interrupts.__file__))
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.stderr == ""
    assert (int(run.stdout) == 0) is is_whole
