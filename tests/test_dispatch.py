"""The dispatcher: order, one at a time, private first, user code that fails, endings."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from dispatch_rig import Desk, background

from bigone_sync.testing.leaks import wait_until


def test_one_lane_keeps_its_order_over_sinks() -> None:
    desk, seen = Desk(limit=1000), []
    one, two = desk.sink(lambda e: seen.append(("one", e))), desk.sink(lambda e: seen.append(("two", e)))
    lane = desk.dispatcher.lane("depth")
    with desk.worker():
        for number in range(300):
            assert desk.dispatcher.put(lane, (one, two)[number % 2], (number,))
    assert seen == [(("one", "two")[number % 2], number) for number in range(300)]
    assert (lane.delivered, lane.size, lane.dropped) == (300, 0, 0)


def test_never_two_callbacks_at_a_time_with_several_putters_and_pollers() -> None:
    desk = Desk()
    inside, worst, total = 0, 0, 0

    def handler(_: object) -> None:
        nonlocal inside, worst, total
        inside += 1
        worst = max(worst, inside)
        total += 1
        inside -= 1

    sink = desk.sink(handler)
    lanes = [desk.dispatcher.lane(f"lane{number}") for number in range(3)]

    def put_many(lane: Any) -> None:
        for number in range(400):
            desk.dispatcher.put(lane, sink, (number,))

    putters = [threading.Thread(target=put_many, args=(lane,)) for lane in lanes]
    for thread in putters:
        thread.start()

    def poll_all() -> None:
        while total < 1200:
            desk.dispatcher.poll(0.01)

    with background(poll_all), background(poll_all), background(poll_all):
        pass
    for thread in putters:
        thread.join()
    assert (worst, total) == (1, 1200)


def test_private_events_overtake_queued_public_ones() -> None:
    desk, seen = Desk(), []
    public, private = desk.dispatcher.lane("depth"), desk.dispatcher.lane("private", private=True)
    sink = desk.sink(seen.append)
    desk.dispatcher.put(public, sink, [f"depth{n}" for n in range(5)])
    desk.dispatcher.put(private, sink, ["order1", "order2"])
    assert desk.dispatcher.poll(0) == 7
    assert seen == ["order1", "order2", "depth0", "depth1", "depth2", "depth3", "depth4"]


def test_a_private_event_interrupts_a_batch_that_has_begun() -> None:
    desk, seen = Desk(), []
    public, private = desk.dispatcher.lane("depth"), desk.dispatcher.lane("private", private=True)
    quiet = desk.sink(seen.append)

    def handler(event: str) -> None:
        seen.append(event)
        if event == "depth1":
            desk.dispatcher.put(private, quiet, ["order"], wait=False)

    sink = desk.sink(handler)
    desk.dispatcher.put(public, sink, [f"depth{n}" for n in range(4)])
    desk.dispatcher.put(public, sink, ["depth4"])
    while desk.dispatcher.poll(0):
        pass
    assert seen == ["depth0", "depth1", "order", "depth2", "depth3", "depth4"]
    assert (public.size, public.delivered) == (0, 5)


def test_public_lanes_take_turns() -> None:
    desk, seen = Desk(limit=8), []  # batches of two
    lanes = [desk.dispatcher.lane(name) for name in "ab"]
    for lane in lanes:
        for number in range(4):
            desk.dispatcher.put(lane, desk.sink(lambda _, name=lane.name: seen.append(name)), (number,))  # type: ignore[misc]
    desk.dispatcher.poll(0)
    assert "".join(seen) == "aabbaabb"


def test_a_handler_that_raises_is_reported_and_the_next_event_comes() -> None:
    desk, seen = Desk(), []

    def handler(event: int) -> None:
        seen.append(event)
        if event % 2:
            raise ValueError(event)

    lane = desk.dispatcher.lane("lane")
    desk.dispatcher.put(lane, desk.sink(handler), range(5))
    assert desk.dispatcher.poll(0) == 5
    assert seen == [0, 1, 2, 3, 4]
    assert [(failed, event, type(error)) for failed, event, error in desk.failures] == [
        (handler, 1, ValueError),
        (handler, 3, ValueError),
    ]


def test_of_several_handlers_one_that_raises_does_not_keep_the_event_from_the_next() -> None:
    desk, seen = Desk(), []

    def bad(event: int) -> None:
        raise ValueError(event)

    desk.dispatcher.put(desk.dispatcher.lane("lane"), desk.sink(seen.append, bad, seen.append), (7,))
    desk.dispatcher.poll(0)
    assert seen == [7, 7]
    assert [failed for failed, _, _ in desk.failures] == [bad]


@pytest.mark.parametrize("way_out", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_what_is_no_exception_goes_to_the_exit_and_delivery_goes_on(way_out: BaseException) -> None:
    desk, seen = Desk(), []

    def handler(event: int) -> None:
        seen.append(event)
        if event == 1:
            raise way_out

    desk.dispatcher.put(desk.dispatcher.lane("lane"), desk.sink(handler), range(3))
    while desk.dispatcher.poll(0):
        pass
    assert seen == [0, 1, 2]
    assert desk.exits == [way_out]


def test_events_for_a_sink_without_handlers_are_settled() -> None:
    desk = Desk()
    lane, sink = desk.dispatcher.lane("lane"), desk.sink(print)
    desk.dispatcher.put(lane, sink, (1, 2))
    sink.set_handlers((), lambda *_: None)
    desk.dispatcher.poll(0)
    assert lane.size == 0


def test_on_delivered_tells_how_many() -> None:
    desk, counted = Desk(), []
    sink = desk.sink(lambda _: None)
    sink.on_delivered = counted.append
    desk.dispatcher.put(desk.dispatcher.lane("lane"), sink, range(4))
    desk.dispatcher.poll(0)
    assert sum(counted) == 4


# -- poll ----------------------------------------------------------------------------------------------------------


def test_poll_inside_a_callback_delivers_nothing() -> None:
    desk, inner = Desk(), []
    lane = desk.dispatcher.lane("lane")
    desk.dispatcher.put(lane, desk.sink(lambda _: inner.append(desk.dispatcher.poll(5))), (1, 2))
    assert desk.dispatcher.poll(0) == 2
    assert inner == [0, 0]


def test_poll_waits_for_the_first_event() -> None:
    desk, seen, counts = Desk(), [], []
    lane = desk.dispatcher.lane("lane")
    with background(lambda: counts.append(desk.dispatcher.poll(10))) as thread:
        desk.dispatcher.put(lane, desk.sink(seen.append), ("x",))
        thread.join(10)
    assert (counts, seen) == ([1], ["x"])


def test_poll_delivers_what_was_queued_and_not_what_comes_meanwhile() -> None:
    desk, seen = Desk(), []
    lane = desk.dispatcher.lane("lane")

    def handler(event: int) -> None:
        seen.append(event)
        desk.dispatcher.put(lane, sink, (event + 1,), wait=False)

    sink = desk.sink(handler)
    desk.dispatcher.put(lane, sink, (0,))
    assert desk.dispatcher.poll(0) == 1
    assert seen == [0]


@pytest.mark.parametrize("how", ["wake", "retire", "close"])
def test_a_waiting_poll_is_woken(how: str) -> None:
    desk, counts = Desk(), []
    with background(lambda: counts.append(desk.dispatcher.poll(3600))):
        wait_until(desk.dispatcher._delivering.locked)
        {
            "wake": desk.dispatcher.wake,
            "retire": desk.dispatcher.retire,
            "close": lambda: desk.dispatcher.close(discard=False),
        }[how]()
    assert counts == [0]


# -- endings -------------------------------------------------------------------------------------------------------


def test_closing_without_discarding_delivers_what_is_queued_and_takes_nothing_more() -> None:
    desk, seen = Desk(), []
    lane, sink = desk.dispatcher.lane("lane"), desk.sink(seen.append)
    desk.dispatcher.put(lane, sink, range(10))
    desk.dispatcher.close(discard=False)
    assert not desk.dispatcher.put(lane, sink, (99, 100))
    desk.dispatcher.run()
    assert seen == list(range(10))
    assert lane.dropped == 2


@pytest.mark.parametrize("private", [False, True])
def test_closing_with_discarding_ends_a_batch_after_the_present_event(private: bool) -> None:
    desk, seen = Desk(limit=1000), []
    entered, go = threading.Event(), threading.Event()

    def handler(event: int) -> None:
        seen.append(event)
        entered.set()
        assert go.wait(10)

    lane = desk.dispatcher.lane("lane", private=private)
    sink = desk.sink(handler)
    desk.dispatcher.put(lane, sink, range(50))
    desk.dispatcher.put(lane, sink, range(50, 60))
    with desk.worker():
        assert entered.wait(10)
        desk.dispatcher.put(lane, sink, range(60, 70))
        desk.dispatcher.close(discard=True)
        go.set()
    assert seen == [0]
    assert (lane.delivered, lane.dropped, lane.size) == (1, 69, 0)


def test_a_retired_deliverer_returns_although_there_is_more() -> None:
    desk, seen = Desk(limit=8), []
    lane = desk.dispatcher.lane("lane")

    def handler(event: int) -> None:
        seen.append(event)
        desk.dispatcher.put(lane, sink, (event + 1,), wait=False)
        if event == 20:
            desk.dispatcher.retire()

    sink = desk.sink(handler)
    desk.dispatcher.put(lane, sink, (0,))
    with background(desk.dispatcher.run) as thread:
        thread.join(10)
        desk.dispatcher.close(discard=True)
    assert 20 in seen
    assert len(seen) < 30


# -- lanes that are left -------------------------------------------------------------------------------------------


def lanes(desk: Desk) -> list[str]:
    return [lane.name for lane in desk.dispatcher._lanes]


def test_an_empty_lane_that_is_left_is_forgotten_at_once() -> None:
    desk = Desk()
    left = desk.dispatcher.lane("left")
    desk.dispatcher.lane("stays")
    desk.dispatcher.leave(left)
    desk.dispatcher.leave(left)
    assert lanes(desk) == ["stays"]


@pytest.mark.parametrize("private", [False, True])
def test_a_filled_lane_that_is_left_is_forgotten_once_it_is_delivered(private: bool) -> None:
    desk, seen = Desk(), []
    left = desk.dispatcher.lane("left", private=private)
    other = desk.dispatcher.lane("other")
    desk.dispatcher.put(left, desk.sink(seen.append), (1, 2, 3))
    desk.dispatcher.leave(left)
    assert lanes(desk) == ["left", "other"]
    assert desk.dispatcher.poll(0) == 3
    assert seen == [1, 2, 3]
    assert lanes(desk) == ["other"]
    assert (left.delivered, left.size) == (3, 0)
    desk.dispatcher.put(other, desk.sink(seen.append), (4,))
    assert desk.dispatcher.poll(0) == 1


def test_a_lane_left_by_its_own_handler_delivers_the_rest_of_an_interrupted_batch() -> None:
    desk, seen = Desk(), []
    left, private = desk.dispatcher.lane("left"), desk.dispatcher.lane("private", private=True)
    quiet = desk.sink(seen.append)

    def handler(event: int) -> None:
        seen.append(event)
        if event == 1:
            desk.dispatcher.leave(left)
            desk.dispatcher.put(private, quiet, ("order",))

    desk.dispatcher.put(left, desk.sink(handler), (1, 2, 3))
    while desk.dispatcher.poll(0):
        pass
    assert seen == [1, "order", 2, 3]
    assert lanes(desk) == ["private"]


def test_what_comes_after_all_on_a_lane_that_was_left_is_delivered() -> None:
    desk, seen = Desk(), []
    left = desk.dispatcher.lane("left")
    desk.dispatcher.leave(left)
    with desk.worker():
        desk.dispatcher.put(left, desk.sink(seen.append), ("closed",))
        wait_until(lambda: seen == ["closed"])
        wait_until(lambda: not lanes(desk))
        desk.dispatcher.put(left, desk.sink(seen.append), ("again",))
    assert seen == ["closed", "again"]


def test_a_lane_that_is_left_and_discarded_is_forgotten() -> None:
    desk = Desk()
    left, sink = desk.dispatcher.lane("left"), desk.sink(print)
    desk.dispatcher.put(left, sink, (1, 2))
    desk.dispatcher.leave(left)
    assert desk.dispatcher.discard(left, sink) == 2
    assert lanes(desk) == []


def test_lanes_that_come_and_go_do_not_keep_the_others_from_their_turn() -> None:
    desk, seen = Desk(), []
    for number in range(20):
        lane = desk.dispatcher.lane(f"lane{number}")
        desk.dispatcher.put(lane, desk.sink(seen.append), (number,))
        desk.dispatcher.leave(lane)
        if number % 3 == 0:
            desk.dispatcher.poll(0)
    while desk.dispatcher.poll(0):
        pass
    assert sorted(seen) == list(range(20))
    assert lanes(desk) == []
