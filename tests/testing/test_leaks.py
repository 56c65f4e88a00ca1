"""The census must see what is left, name it, and wait for what is just ending."""

from __future__ import annotations

import _thread
import os
import socket
import threading

import pytest

from bigone_sync.testing import leaks
from bigone_sync.testing.leaks import (
    Census,
    LiveThread,
    OpenDescriptor,
    assert_no_leaks,
    census,
    leak_check,
    wait_until,
)

needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="the system does not list descriptors")


class Tally:
    """A predicate that turns true at the n-th question."""

    def __init__(self, true_at: int) -> None:
        self.asked, self._true_at = 0, true_at

    def __call__(self) -> str:
        self.asked += 1
        return "ready" if self.asked >= self._true_at else ""


def test_wait_until_returns_the_truthy_value_after_polling() -> None:
    tally = Tally(true_at=3)
    assert wait_until(tally) == "ready"
    assert tally.asked == 3


def test_wait_until_asks_once_even_without_time() -> None:
    assert wait_until(Tally(true_at=1), timeout=0.0) == "ready"


def test_wait_until_raises_with_the_message_and_the_last_value() -> None:
    with pytest.raises(AssertionError, match=r"no snapshot came .*last value 0"):
        wait_until(lambda: 0, timeout=0.01, message="no snapshot came")


def test_wait_until_names_the_predicate_when_no_message_is_given() -> None:
    def never_true() -> bool:
        return False

    with pytest.raises(AssertionError, match="never_true"):
        wait_until(never_true, timeout=0.0)


def test_wait_until_lets_the_exception_of_the_predicate_out() -> None:
    def broken() -> bool:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        wait_until(broken)


def test_an_unchanged_process_has_no_leaks() -> None:
    before = census()
    assert census().beyond(before) == []
    assert_no_leaks(before, timeout=0.0)


def test_a_thread_left_behind_is_named() -> None:
    release = threading.Event()
    before = census()
    thread = threading.Thread(target=release.wait, name="forgotten-reader")
    thread.start()
    try:
        with pytest.raises(AssertionError, match="forgotten-reader"):
            assert_no_leaks(before, timeout=0.01)
    finally:
        release.set()
        thread.join()
    assert_no_leaks(before)


def test_a_renamed_thread_is_still_the_same_thread() -> None:
    release = threading.Event()
    thread = threading.Thread(target=release.wait, name="old")
    thread.start()
    try:
        before = census()
        thread.name = "new"
        assert census().beyond(before) == []
    finally:
        release.set()
        thread.join()


def test_a_thread_started_below_the_threading_module_is_seen() -> None:
    release, ended = _thread.allocate_lock(), _thread.allocate_lock()
    release.acquire()
    ended.acquire()

    def run() -> None:
        release.acquire()
        ended.release()

    before = census()
    _thread.start_new_thread(run, ())
    try:
        left = wait_until(lambda: census().beyond(before))
        assert [entry.name for entry in left if isinstance(entry, LiveThread)] == ["<unnamed>"]
    finally:
        release.release()
        ended.acquire()
    assert_no_leaks(before)


@needs_proc
def test_a_socket_left_behind_is_named_with_its_addresses() -> None:
    before = census()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), pytest.raises(AssertionError) as caught:
            assert_no_leaks(before, timeout=0.01)
    assert f"127.0.0.1:{port} (no peer)" in str(caught.value)
    assert f"-> 127.0.0.1:{port}" in str(caught.value)
    assert_no_leaks(before)


@needs_proc
def test_a_new_socket_under_an_old_number_is_a_leak() -> None:
    old = socket.socket()
    before = census()
    number = old.fileno()
    old.close()
    with socket.socket() as new:  # the system gives out the lowest free number
        assert new.fileno() == number
        assert [entry.fd for entry in census().beyond(before) if isinstance(entry, OpenDescriptor)] == [number]


@needs_proc
def test_a_file_open_at_another_number_is_no_leak() -> None:
    with open(__file__, "rb") as first:
        before = census()
        moved = os.dup(first.fileno())
        try:
            assert len(census().beyond(before)) == 1
        finally:
            os.close(moved)
    with open(__file__, "rb"):
        assert census().beyond(before) == []


def test_assert_no_leaks_waits_for_a_thread_that_is_ending() -> None:
    before = census()
    polled = threading.Event()
    thread = threading.Thread(target=polled.wait)
    thread.start()
    timer = threading.Timer(0.02, polled.set)
    timer.start()
    assert_no_leaks(before)
    assert not thread.is_alive()
    assert not timer.is_alive()


def test_leak_check_fails_at_the_end_of_the_block() -> None:
    release = threading.Event()
    thread = threading.Thread(target=release.wait, name="forgotten")
    with pytest.raises(AssertionError, match="forgotten"), leak_check(timeout=0.01):
        thread.start()
    release.set()
    thread.join()


def test_leak_check_does_not_hide_the_failure_of_the_block() -> None:
    def block() -> None:
        with leak_check(timeout=0.0):
            thread.start()
            raise KeyError("first")

    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    with pytest.raises(KeyError, match="first"):
        block()
    release.set()
    thread.join()


def test_without_a_descriptor_listing_only_threads_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "_FD_DIRECTORY", "/nowhere/fd")
    before = census()
    assert before.descriptors is None
    with socket.socket():
        assert census().beyond(before) == []


def test_a_census_is_frozen() -> None:
    stock = Census(frozenset(), None)
    with pytest.raises(AttributeError):
        stock.threads = frozenset()  # type: ignore[misc]
