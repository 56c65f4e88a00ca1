"""The dispatcher's bound: waiting for room, offering, discarding, lifting, and the accounts of a lane."""

from __future__ import annotations

import threading

from dispatch_rig import Desk, background

from bigone_sync.testing.leaks import wait_until


def test_put_waits_for_room_and_loses_nothing() -> None:
    desk, seen = Desk(limit=4), []
    lane, sink = desk.dispatcher.lane("lane"), desk.sink(seen.append)
    with background(lambda: desk.dispatcher.put(lane, sink, range(50))) as putter:
        wait_until(lambda: lane.waiting == 1)
        assert lane.size == 4
        assert putter.is_alive()
        with desk.worker():
            putter.join(10)
            wait_until(lambda: len(seen) == 50)
    assert seen == list(range(50))
    assert lane.high_water == 4
    assert lane.blocked_seconds > 0


def test_overflow_is_told_once_per_episode() -> None:
    desk, seen = Desk(limit=8), []
    lane, sink = desk.dispatcher.lane("lane"), desk.sink(seen.append)
    step = threading.Semaphore(0)

    def handler(event: object) -> None:
        assert step.acquire(timeout=10)
        seen.append(event)

    slow = desk.sink(handler)
    with desk.worker():
        for episode in (1, 2):
            done = len(seen)
            with background(lambda: [desk.dispatcher.put(lane, slow, (number,)) for number in range(12)]):
                for number in range(3):  # full again each time, and never half empty
                    wait_until(lambda: lane.waiting == 1 and lane.size == 8)
                    assert desk.overflows == [lane] * episode
                    step.release()
                    wait_until(lambda wanted=done + number: len(seen) > wanted)  # type: ignore[misc]
                for _ in range(9):
                    step.release()
            wait_until(lambda wanted=done + 12: len(seen) == wanted and lane.size == 0)  # type: ignore[misc]
            assert desk.dispatcher.offer(lane, sink, ("between",))
            wait_until(lambda: seen[-1] == "between")
    assert desk.overflows == [lane] * 2


def test_offer_takes_all_or_nothing() -> None:
    desk = Desk(limit=4)
    lane, sink = desk.dispatcher.lane("lane"), desk.sink(print)
    assert desk.dispatcher.offer(lane, sink, (1, 2, 3))
    assert not desk.dispatcher.offer(lane, sink, (4, 5))
    assert desk.dispatcher.offer(lane, sink, (4,))
    assert lane.size == 4
    assert lane.blocked_seconds == 0
    desk.dispatcher.close(discard=True)
    assert not desk.dispatcher.offer(lane, sink, (5,))


def test_put_without_waiting_ignores_the_bound() -> None:
    desk = Desk(limit=2)
    lane = desk.dispatcher.lane("lane")
    for number in range(5):
        assert desk.dispatcher.put(lane, desk.sink(print), (number,), wait=False)
    assert (lane.size, lane.high_water) == (5, 5)
    assert not desk.overflows


def test_discard_drops_one_sinks_events_and_makes_room() -> None:
    desk, seen = Desk(limit=4), []
    lane, one, two = desk.dispatcher.lane("lane"), desk.sink(seen.append), desk.sink(seen.append)
    desk.dispatcher.put(lane, one, (1, 2))
    desk.dispatcher.put(lane, two, ("a",))
    desk.dispatcher.put(lane, one, (3,))
    with background(lambda: desk.dispatcher.put(lane, two, ("b",))):
        wait_until(lambda: lane.waiting == 1)
        assert desk.dispatcher.discard(lane, one) == 3
    desk.dispatcher.poll(0)
    assert seen == ["a", "b"]
    assert (lane.dropped, lane.delivered, lane.size) == (3, 2, 0)


def test_the_bound_is_lifted_while_a_callback_waits() -> None:
    desk = Desk(limit=3)
    lane = desk.dispatcher.lane("lane")
    arrived = threading.Event()
    sizes: list[int] = []

    def handler(event: int) -> None:
        if event == 0:
            with desk.dispatcher.lifted():
                assert arrived.wait(10)
            sizes.append(lane.size)

    sink = desk.sink(handler)

    def reader() -> None:
        desk.dispatcher.put(lane, sink, range(20))
        arrived.set()  # what the callback waits for comes behind what fills the queue

    with desk.worker(), background(reader):
        pass
    assert sizes == [20]
    assert (lane.delivered, lane.size) == (20, 0)


def test_lifting_outside_of_a_callback_changes_nothing() -> None:
    desk = Desk(limit=1)
    lane, sink = desk.dispatcher.lane("lane"), desk.sink(print)
    desk.dispatcher.put(lane, sink, (1,))
    with desk.dispatcher.lifted():
        assert not desk.dispatcher.offer(lane, sink, (2,))


def test_close_wakes_who_waits_for_room() -> None:
    desk = Desk(limit=2)
    lane, results = desk.dispatcher.lane("lane"), []
    with background(lambda: results.append(desk.dispatcher.put(lane, desk.sink(print), range(5)))):
        wait_until(lambda: lane.waiting == 1)
        desk.dispatcher.close(discard=True)
    assert results == [False]
    assert (lane.size, lane.dropped) == (0, 5)


def test_unblocked_putters_put_the_rest() -> None:
    desk, seen = Desk(limit=2), []
    lane = desk.dispatcher.lane("lane")
    with background(lambda: desk.dispatcher.put(lane, desk.sink(seen.append), range(5))):
        wait_until(lambda: lane.waiting == 1)
        desk.dispatcher.unblock()
    while desk.dispatcher.poll(0):
        pass
    assert seen == list(range(5))


def test_a_slow_handler_frees_room_event_by_event() -> None:
    """A reader that waits goes on when the lane has room, not when a whole batch is through."""
    desk = Desk(limit=8)
    lane = desk.dispatcher.lane("lane")
    step = threading.Semaphore(0)

    def handler(event: int) -> None:
        assert step.acquire(timeout=10)

    sink = desk.sink(handler)
    for number in range(8):
        desk.dispatcher.put(lane, sink, (number,))
    with desk.worker(), background(lambda: desk.dispatcher.put(lane, sink, (8,))) as putter:
        wait_until(lambda: lane.waiting == 1)
        step.release()
        step.release()
        putter.join(10)
        assert not putter.is_alive()
        for _ in range(7):
            step.release()
    assert (lane.delivered, lane.size) == (9, 0)
