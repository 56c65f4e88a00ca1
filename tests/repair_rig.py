"""A session as a repair sees it: real streams, deliveries and locks, but no connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from session_rig import RecordingHub

from bigone_sync import Channel, Gap, Overflow, SubscriptionKey
from bigone_sync.buffer import EventBuffer
from bigone_sync.delivery import Delivery
from bigone_sync.dispatch import Dispatcher
from bigone_sync.repair import Recovery, Repair
from bigone_sync.subscription import Stream, Subscription


class Word(NamedTuple):
    """An event: of what, and which word on it."""

    id: str
    number: int = 0


class FakeSession:
    """Hands on what :meth:`read` is given, as a reader does, and what repairs bring."""

    def __init__(self, room: int = 100_000) -> None:
        self.name = "spot/fake"
        self.events = 0
        self.caught_up = threading.Event()
        self.caught_up.set()
        self.hub = RecordingHub()
        self.whole: list[Stream] = []
        self._room = room
        self._lock = threading.RLock()
        failed: list[Any] = []
        self._dispatcher = Dispatcher(
            room, failed=lambda *all_: failed.append(all_), exit=failed.append, overflowing=failed.append
        )
        self._lane = self._dispatcher.lane(self.name)

    def stream(self, market: str = "BTC-USDT", channel: Channel = Channel.ORDERS) -> Stream:
        """One that is iterated."""
        stream = Stream(SubscriptionKey(channel, market), self._lane, self._dispatcher, Overflow.BLOCK)
        buffer = EventBuffer(self._room)
        stream.subscriptions.append(
            Subscription((stream,), handler=None, is_book=False, buffer=buffer, close=lambda _: None)
        )
        stream.refresh(lambda *_: None)
        return stream

    # -- what a repair needs

    @property
    def guard(self) -> threading.RLock:
        return self._lock

    def new_delivery(self) -> Delivery:
        return Delivery(self._dispatcher, self._lane, self.hub, lambda *_: None)

    def repaired(self, stream: Stream, out: Delivery) -> None:
        self.whole.append(stream)

    # -- what a reader does

    def read(self, stream: Stream, *events: Any) -> None:
        """Events came live."""
        out = self.new_delivery()
        with self._lock:
            self.take(stream, events, out)
        out.run()
        self.caught_up.wait()

    def take(self, stream: Stream, events: Sequence[Any], out: Delivery) -> None:
        """The part of it that is under the lock."""
        self.events += len(events)
        stream.received += len(events)
        if stream.held is None:
            out.data(stream, events)
        else:
            stream.held.extend(events)

    def repair(
        self,
        recovery: Recovery | None,
        streams: Sequence[Stream],
        fetch: Callable[[], Any],
        settle: Callable[[Any, Delivery], Mapping[Stream, Sequence[Any]]],
        order: Callable[[Any], Any] | None = None,
    ) -> Repair:
        """Begin one, and submit it if there is a recovery."""
        repair = Repair(self, streams, fetch, settle, order)
        with self._lock:
            repair.begin()
        if recovery is not None:
            recovery.submit(repair)
        return repair


def gap(reason: str) -> Gap:
    """A gap of any stream."""
    return Gap(Channel.ORDERS, None, reason=reason, connection="spot/fake", received_at=0.0)


def delivered(stream: Stream) -> list[Any]:
    """What came out so far; it is taken out."""
    taken: list[Any] = []
    buffer = stream.buffers[0]
    while buffer:
        taken.append(buffer.get(0))
    return taken
