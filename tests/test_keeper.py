"""The housekeeping thread, and its eye on slow handlers."""

from __future__ import annotations

import logging
import threading
import time

import pytest
from dispatch_rig import Desk

from bigone_sync.config import Limits, Timeouts
from bigone_sync.keeper import Keeper, SlowHandlerWatch, tick
from bigone_sync.testing.leaks import leak_check, wait_until


def test_the_pace_is_fine_enough_for_the_shortest_time() -> None:
    assert tick(Timeouts(), Limits()) == 0.2
    assert tick(Timeouts(), Limits(slow_callback=60)) == 0.5
    assert tick(Timeouts(ping=0.3, pong=0.5), Limits()) == pytest.approx(0.06)
    assert tick(Timeouts(stale=0.1), Limits()) == pytest.approx(0.02)
    assert tick(Timeouts(reply=0.001), Limits()) == 0.01


def test_checks_are_called_again_and_again_until_it_is_stopped() -> None:
    times: list[float] = []
    with leak_check():
        keeper = Keeper("test/keeper", 0.005, lambda: [times.append])
        assert keeper.join(0)
        keeper.start()
        wait_until(lambda: len(times) >= 3)
        assert not keeper.join(0)
        keeper.stop()
        assert keeper.join(10)
    assert times == sorted(times)
    assert all(abs(now - time.monotonic()) < 60 for now in times)


def test_a_check_that_fails_is_logged_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[float] = []

    def bad(now: float) -> None:
        raise ZeroDivisionError

    keeper = Keeper("test/keeper", 0.005, lambda: [bad, calls.append])
    keeper.start()
    wait_until(lambda: len(calls) >= 3)
    keeper.stop()
    assert keeper.join(10)
    assert "ZeroDivisionError" in caplog.text


def test_a_keeper_may_stop_and_join_itself() -> None:
    joined: list[bool] = []

    def check(now: float) -> None:
        keeper.stop()
        joined.append(keeper.join(10))

    keeper = Keeper("test/keeper", 0.005, lambda: [check])
    keeper.start()
    wait_until(lambda: joined)
    assert keeper.join(10)
    assert joined == [True]


def test_a_clock_that_was_set_is_told_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = 0

    def check(now: float) -> None:
        nonlocal rounds
        rounds += 1

    keeper = Keeper("test/keeper", 0.005, lambda: [check])
    real, offset = time.time, 0.0
    monkeypatch.setattr("bigone_sync.keeper.time.time", lambda: real() + offset)
    with caplog.at_level(logging.WARNING):
        keeper.start()
        wait_until(lambda: rounds >= 2)
        offset = 3600.0
        wait_until(lambda: "wall clock moved by 3600" in caplog.text)
        seen = rounds
        wait_until(lambda: rounds >= seen + 3)
        keeper.stop()
        assert keeper.join(10)
    assert caplog.text.count("wall clock") == 1


class Slow:
    """A watch over a desk, with a handler that returns when it is told to."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.entered, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self.reports: list[tuple[str, float]] = []
        self.watch = SlowHandlerWatch(self.desk.dispatcher, 1.0, lambda name, age: self.reports.append((name, age)))
        self.lane = self.desk.dispatcher.lane("lane")

    def handler(self, event: object) -> None:
        self.entered.release()
        assert self.go.acquire(timeout=10)

    def put(self, *events: object) -> None:
        sink = self.desk.sink(self.handler)
        for event in events:
            self.desk.dispatcher.put(self.lane, sink, (event,))


def test_a_handler_that_does_not_return_is_named_once() -> None:
    slow = Slow()
    slow.watch.check(0.0)
    slow.put("event")
    with slow.desk.worker():
        assert slow.entered.acquire(timeout=10)
        for now in (10.0, 10.9, 11.0, 12.0, 13.0):
            slow.watch.check(now)
        slow.go.release()
    assert slow.reports == [("Slow.handler", 1.0)]


def test_the_same_handler_is_named_for_its_first_slow_call_only() -> None:
    slow = Slow()
    slow.put("one", "two")
    with slow.desk.worker():
        for begin in (10.0, 20.0):
            assert slow.entered.acquire(timeout=10)
            slow.watch.check(begin)
            slow.watch.check(begin + 5)
            slow.go.release()
    assert len(slow.reports) == 1


@pytest.mark.parametrize("event", ["the same", object()])
def test_quick_calls_one_after_the_other_are_not_taken_for_a_slow_one(event: object) -> None:
    """Also where all of them are about one object, as with a book."""
    slow = Slow()
    slow.put(event, event, event)
    with slow.desk.worker():
        for begin in (10.0, 10.6, 11.2):
            assert slow.entered.acquire(timeout=10)
            slow.watch.check(begin)
            slow.watch.check(begin + 0.5)
            slow.go.release()
    slow.watch.check(99.0)
    assert slow.reports == []
