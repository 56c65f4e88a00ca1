"""What one batch brought is handed on in order, and let go of."""

from __future__ import annotations

import gc
import sys
from typing import Any

import pytest

from bigone_sync import BigOneError, Channel, Gap, Overflow, SubscriptionKey
from bigone_sync.clients._hub import ClientHub
from bigone_sync.config import Limits
from bigone_sync.delivery import Delivery
from bigone_sync.subscription import EventBuffer, Stream, Subscription


def unexpected(*arguments: Any) -> None:
    raise AssertionError(arguments)


class Rig:
    """A hub, one lane and one stream with a handler, without a connection."""

    def __init__(self, *, queue: int = 100, overflow: Overflow = Overflow.BLOCK) -> None:
        self.hub = ClientHub(Limits(queue=queue), unexpected)
        self.lane = self.hub.dispatcher.lane("x")
        self.stream = Stream(SubscriptionKey(Channel.TRADES, "A-B"), self.lane, self.hub.dispatcher, overflow)
        self.seen: list[Any] = []
        self.overflowed: list[int] = []
        self.subscribe(self.seen.append)

    def subscribe(self, handler: Any = None, buffer: EventBuffer | None = None) -> None:
        subscription = Subscription((self.stream,), handler=handler, is_book=False, buffer=buffer, close=lambda _: None)
        self.stream.subscriptions.append(subscription)
        self.stream.refresh(self.hub.handler_failed)

    def delivery(self) -> Delivery:
        return Delivery(
            self.hub.dispatcher, self.lane, self.hub, lambda stream, dropped: self.overflowed.append(dropped)
        )

    def poll(self) -> None:
        while self.hub.dispatcher.poll(0):
            pass


def test_data_errors_and_gaps_keep_their_order() -> None:
    rig = Rig()
    rig.hub.listen("error", rig.seen.append)
    rig.hub.listen("gap", rig.seen.append)
    gap, error = Gap(Channel.TRADES, "A-B"), BigOneError("x")
    out = rig.delivery()
    out.data(rig.stream, ["one", "two"])
    out.gap(gap)
    out.error(error)
    out.data(rig.stream, ["three"])
    out.run()
    rig.poll()
    assert rig.seen == ["one", "two", gap, error, "three"]


def test_nothing_keeps_a_batch_alive_but_who_uses_it() -> None:
    # A cycle would keep every event until the cyclic collector comes by: memory and a third of the speed.
    rig = Rig()
    events = ["one", "two"]
    before = sys.getrefcount(events)
    gc.disable()
    try:
        out = rig.delivery()
        out.data(rig.stream, events)
        out.gap(Gap(Channel.TRADES, "A-B"))
        out.run()
        rig.poll()
        del out
        assert sys.getrefcount(events) == before
    finally:
        gc.enable()


def test_a_stream_that_may_be_discarded_is_when_there_is_no_room() -> None:
    rig = Rig(queue=3, overflow=Overflow.RESYNC)
    buffer = EventBuffer(10)
    rig.subscribe(buffer=buffer)
    for batch in (["one", "two"], ["three", "four"]):
        out = rig.delivery()
        out.data(rig.stream, batch)
        out.run()
    rig.poll()
    assert rig.seen == []
    # Two that waited for the handler, the same two in the buffer, and two that came.
    assert rig.overflowed == [6]
    assert rig.lane.dropped == 6
    assert len(buffer) == 0


@pytest.mark.parametrize("overflow", [Overflow.BLOCK, Overflow.RESYNC])
def test_handlers_and_iterators_get_the_same(overflow: Overflow) -> None:
    rig = Rig(overflow=overflow)
    buffer = EventBuffer(10)
    rig.subscribe(buffer=buffer)
    out = rig.delivery()
    out.data(rig.stream, ["one", "two"])
    out.run()
    rig.poll()
    assert rig.seen == ["one", "two"]
    assert [buffer.get(0), buffer.get(0)] == ["one", "two"]
    assert rig.overflowed == []
