"""When a client's clock is measured, and what is said of it."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from bigone_sync.clock import ClockOffset, ServerClock
from bigone_sync.errors import BigOneError, ConnectionClosed, DecodeError, RestError
from bigone_sync.timekeeper import Timekeeper


class Measure:
    """REST, which gives the next of some offsets, or raises."""

    def __init__(self, clock: ServerClock, *answers: float | Exception) -> None:
        self.clock, self.answers, self.calls = clock, list(answers), 0

    def __call__(self) -> None:
        self.calls += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        self.clock.correct(ClockOffset(answer, round_trip=0.02))


def made(*answers: float | Exception) -> tuple[Timekeeper, Measure]:
    clock = ServerClock(lambda: 0)
    measure = Measure(clock, *answers)
    return Timekeeper("spot", clock, measure), measure


def test_the_clock_is_measured_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    keeper, measure = made(300.0)
    for _ in range(3):
        keeper.first()
    assert measure.calls == 1
    assert "spot: this machine's clock is 300.000 s behind" in caplog.text
    assert keeper.skew == measure.clock.skew


def test_a_clock_that_somebody_else_measured_is_known() -> None:
    keeper, measure = made()
    measure.clock.correct(ClockOffset(1.0, round_trip=0.0))
    keeper.first()
    assert measure.calls == 0


def test_doubt_measures_anew_each_time() -> None:
    keeper, measure = made(1.0, -300.0, 2.0)
    keeper.first()
    keeper.again()
    assert measure.clock.offset == -300.0
    keeper.again()
    assert measure.clock.offset == 2.0


@pytest.mark.parametrize("error", [RestError("404"), DecodeError("no time", connection="rest", excerpt="")])
def test_a_failure_is_told_and_not_tried_again_at_once(
    error: BigOneError, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, measure = made(error, 300.0)
    keeper.first()
    keeper.first()
    assert measure.calls == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "could not be measured" in caplog.text
    assert "has not been compared" in keeper.skew
    assert f"measuring it failed: {error}" in keeper.skew
    later = time.monotonic() + 11
    monkeypatch.setattr(time, "monotonic", lambda: later)
    keeper.first()
    assert measure.calls == 2
    assert measure.clock.offset == 300.0
    assert "failed" not in keeper.skew


def test_after_a_failure_doubt_measures_nevertheless() -> None:
    keeper, measure = made(RestError("404"), 300.0)
    keeper.first()
    keeper.again()
    assert measure.calls == 2
    assert "failed" not in keeper.skew


def test_a_failure_leaves_the_last_correction_in_force() -> None:
    keeper, measure = made(300.0, RestError("hang"))
    keeper.first()
    keeper.again()
    assert measure.clock.offset == 300.0
    assert "300.000 s behind" in keeper.skew
    assert "measuring it failed: hang" in keeper.skew


def test_a_close_meanwhile_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    keeper, _ = made(ConnectionClosed("the client is closed"))
    keeper.again()
    assert caplog.records == []
    assert "failed" not in keeper.skew


def test_what_is_no_error_of_ours_comes_out() -> None:
    keeper, measure = made(ZeroDivisionError(), 1.0)
    with pytest.raises(ZeroDivisionError):
        keeper.first()
    keeper.first()  # and the lock is free
    assert measure.calls == 2


def test_connections_that_open_together_measure_once_and_wait_for_it() -> None:
    clock, calls, go = ServerClock(lambda: 0), [], threading.Event()

    def measure() -> None:
        calls.append(None)
        assert go.wait(10)
        clock.correct(ClockOffset(300.0, round_trip=0.0))

    keeper = Timekeeper("spot", clock, measure)
    seen: list[float | None] = []

    def opening() -> None:
        keeper.first()
        seen.append(clock.offset)

    threads = [threading.Thread(target=opening, daemon=True) for _ in range(5)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(10)
    assert seen == [300.0] * 5
    assert len(calls) == 1
