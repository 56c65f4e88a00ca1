"""The exchange's clock as far as it is known."""

from __future__ import annotations

import pickle
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigone_sync.clock import ClockOffset, ServerClock

NS = 1_000_000_000


@given(st.floats(-1e6, 1e6), st.floats(0, 60))
def test_an_offset_is_a_float_that_knows_how_wrong_it_may_be(seconds: float, trip: float) -> None:
    offset = ClockOffset(seconds, round_trip=trip)
    assert offset == seconds
    assert isinstance(offset, float)
    assert (offset.round_trip, offset.error_bound) == (trip, trip / 2)
    assert eval(repr(offset), {"ClockOffset": ClockOffset}) == offset
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(offset, protocol))
        assert type(again) is ClockOffset
        assert (float(again), again.round_trip, again.error_bound) == (seconds, trip, trip / 2)


def test_an_offset_takes_no_attributes_of_others() -> None:
    with pytest.raises(AttributeError):
        ClockOffset(1.0, round_trip=0.1).whatever = 1  # type: ignore[attr-defined]


@given(st.floats(-1e5, 1e5), st.integers(10**18, 2 * 10**18))
def test_a_clock_follows_its_last_correction(seconds: float, now: int) -> None:
    clock = ServerClock(lambda: now)
    assert (clock(), clock.offset) == (now, None)
    clock.correct(ClockOffset(1e9, round_trip=0.0))
    offset = ClockOffset(seconds, round_trip=0.1)
    clock.correct(offset)
    assert clock.offset is offset
    assert clock() == now + round(seconds * NS)
    assert clock.machine() == now


def test_a_clock_follows_a_machine_whose_clock_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ServerClock()
    clock.correct(ClockOffset(2.0, round_trip=0.0))
    monkeypatch.setattr(time, "time_ns", lambda: 5 * NS)
    assert clock() == 7 * NS
    assert clock.machine() == 5 * NS


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (300.0, "300.000 s behind the exchange's (measured, ±0.050 s)"),
        (-300.0, "300.000 s ahead of the exchange's (measured, ±0.050 s)"),
    ],
)
def test_the_skew_in_words(seconds: float, words: str) -> None:
    clock = ServerClock()
    assert "has not been compared" in clock.skew
    clock.correct(ClockOffset(seconds, round_trip=0.1))
    assert words in clock.skew


def test_what_is_read_belongs_to_one_correction() -> None:
    clock = ServerClock(lambda: 0)
    stop = threading.Event()

    def correct(sign: int) -> None:
        while not stop.is_set():
            clock.correct(ClockOffset(sign * 7.0, round_trip=0.0))

    clock.correct(ClockOffset(7.0, round_trip=0.0))
    threads = [threading.Thread(target=correct, args=(sign,), daemon=True) for sign in (1, -1)]
    for thread in threads:
        thread.start()
    seen = {clock() for _ in range(20_000)}
    stop.set()
    for thread in threads:
        thread.join(10)
    assert seen <= {7 * NS, -7 * NS}
