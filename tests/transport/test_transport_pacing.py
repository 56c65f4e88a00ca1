"""When connections may be dialled: apart from each other, and no more in a minute than the exchange takes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bigone_sync.transport.pacing import MINUTE, DialWindow, Pacer


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_as_many_as_there_may_be_come_at_once_and_the_next_a_minute_later() -> None:
    clock = Clock()
    window = DialWindow(clock)
    assert [window.reserve(3, clock.now) for _ in range(4)] == [1000.0, 1000.0, 1000.0, 1000.0 + MINUTE]


@pytest.mark.parametrize("most", [1, 2, 20])
def test_no_minute_has_more_than_there_may_be(most: int) -> None:
    clock = Clock()
    window = DialWindow(clock)
    slots = []
    for step in range(200):
        clock.now += (step % 7) * 0.9
        slots.append(window.reserve(most, clock.now))
    assert slots == sorted(slots)
    assert all(later - earlier > MINUTE - 1e-6 for earlier, later in zip(slots, slots[most:], strict=False))


def test_what_is_over_is_forgotten() -> None:
    clock = Clock()
    window = DialWindow(clock)
    window.reserve(1, clock.now)
    clock.now += MINUTE
    assert window.reserve(1, clock.now) == clock.now


def test_a_name_has_one_window_in_the_process() -> None:
    assert DialWindow.of("pacing: one") is DialWindow.of("pacing: one")
    assert DialWindow.of("pacing: one") is not DialWindow.of("pacing: another")


def test_a_pacer_keeps_its_interval_and_the_windows_limit() -> None:
    window = DialWindow()
    first, second = Pacer(0.5, window, 3), Pacer(0.5, window, 3)
    delays = [first.delay(), first.delay(), second.delay(), second.delay()]
    assert delays[0] == pytest.approx(0.0, abs=0.2)
    assert all(later - earlier > 0.3 for earlier, later in pairwise(delays[:2]))
    assert delays[3] > MINUTE - 1
