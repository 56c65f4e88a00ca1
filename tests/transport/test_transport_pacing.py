"""When dials may be: apart within a client, and so many a minute within the process."""

from __future__ import annotations

import threading

import pytest

import bigone_sync.transport.pacing
from bigone_sync.transport.pacing import DialWindow, Pacer


class Clock:
    """Stands still unless it is told to go on."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(bigone_sync.transport.pacing.time, "monotonic", clock)
    return clock


def test_dials_of_one_client_are_apart(clock: Clock) -> None:
    pacer = Pacer(0.5)
    assert [pacer.delay() for _ in range(3)] == [0.0, 0.5, 1.0]
    clock.now += 1.25
    assert pacer.delay() == 0.25
    clock.now += 10
    assert pacer.delay() == 0.0


def test_no_minute_has_more_than_so_many() -> None:
    clock = Clock()
    window = DialWindow(clock)
    slots = [window.reserve(3, clock.now) for _ in range(7)]
    assert slots == [1000.0] * 3 + [1060.0] * 3 + [1120.0]
    clock.now = 1061.0
    # Those of 1060 are the latest within the limit's reach, beside the one that is to come.
    assert window.reserve(3, clock.now) == 1120.0


def test_a_minute_that_is_over_counts_no_more() -> None:
    clock = Clock()
    window = DialWindow(clock)
    assert [window.reserve(2, clock.now) for _ in range(2)] == [1000.0, 1000.0]
    clock.now = 1059.5
    assert window.reserve(2, clock.now) == 1060.0
    clock.now = 1061.0
    assert window.reserve(2, clock.now) == 1061.0
    assert window.reserve(2, clock.now) == 1120.0


def test_slots_are_taken_in_order_and_not_before_they_are_wanted() -> None:
    clock = Clock()
    window = DialWindow(clock)
    assert window.reserve(5, 1003.0) == 1003.0
    assert window.reserve(5, 1001.0) == 1003.0
    assert window.reserve(5, 1004.0) == 1004.0


def test_clients_with_different_limits_share_what_is_counted() -> None:
    window = DialWindow(Clock())
    assert [window.reserve(4, 1000.0) for _ in range(3)] == [1000.0] * 3
    assert window.reserve(2, 1000.0) == 1060.0  # two of the three are all that this one may have


def test_pacers_of_one_window_keep_to_it_together(clock: Clock) -> None:
    window = DialWindow(clock)
    first, second = Pacer(0.1, window, 3), Pacer(0.1, window, 3)
    assert [first.delay(), first.delay(), second.delay()] == pytest.approx([0.0, 0.1, 0.1])
    assert [first.delay(), second.delay()] == pytest.approx([60.0, 60.1])


def test_the_window_of_a_name_is_one_for_the_process() -> None:
    name = f"{__name__} an account"
    assert DialWindow.of(name) is DialWindow.of(name)
    assert DialWindow.of(name) is not DialWindow.of(f"{name} and another")


def test_threads_never_share_a_slot_too_many() -> None:
    window, slots = DialWindow(Clock()), list[float]()

    def take() -> None:
        for _ in range(50):
            slots.append(window.reserve(20, 1000.0))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = [slots.count(1000.0 + 60 * minute) for minute in range(10)]
    assert counts == [20] * 10
