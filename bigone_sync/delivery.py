"""What one batch of frames brought, collected under the session's lock and handed on after it is released."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .dispatch import Dispatcher, Lane
from .enums import Overflow
from .errors import BigOneError
from .events import Gap
from .ports import Hub
from .subscription import Stream

__all__ = ["Delivery"]


class Delivery:
    """Data, errors and gaps of one connection, in order.

    Args:
        dispatcher: where events go.
        lane: the connection's lane there.
        hub: the client.
        overflowed: told of a stream of ``Overflow.RESYNC`` and of how many of its events were discarded.
    """

    __slots__ = ("_actions", "_behind", "_dispatcher", "_hub", "_lane", "_overflowed", "_wait")

    def __init__(self, dispatcher: Dispatcher, lane: Lane, hub: Hub, overflowed: Callable[[Stream, int], None]) -> None:
        self._dispatcher, self._lane, self._hub, self._overflowed = dispatcher, lane, hub, overflowed
        # Plain functions: bound methods in here would be a cycle, and keep every event until the collector comes by.
        self._actions: list[tuple[Callable[[Delivery, Any, Any], None], Any, Any]] = []
        self._wait = True
        self._behind: list[Stream] = []
        """Streams that overflowed: what else these frames brought of them stands behind the hole."""

    def data(self, stream: Stream, events: Sequence[Any]) -> None:
        """Events of a stream, for its handlers and iterators."""
        if stream.sink.call is not None or stream.buffers:
            self._actions.append((Delivery._data, stream, events))
        if stream.book_sink.call is not None and not stream.book_pending:
            stream.book_pending = True
            self._actions.append((Delivery._book, stream, None))

    def error(self, error: BigOneError) -> None:
        """Something for ``on_error``."""
        self._actions.append((Delivery._error, error, None))

    def gap(self, gap: Gap) -> None:
        """Something for ``on_gap``."""
        self._actions.append((Delivery._gap, gap, None))

    def then(self, work: Callable[[], None]) -> None:
        """Something to begin once what came before has been handed on. It must not wait."""
        self._actions.append((Delivery._work, work, None))

    def run(self, *, wait: bool = True) -> None:
        """Hand everything on, not under a lock.

        With ``wait`` data, errors and gaps wait while a queue is full: a flood of garbage is held back like a flood of
        data.  The keeper, which brings hardly any data, does not wait.
        """
        self._wait = wait
        for action, subject, detail in self._actions:
            action(self, subject, detail)

    def _data(self, stream: Stream, events: Sequence[Any]) -> None:
        if stream.overflow == Overflow.RESYNC:
            self._data_or_resync(stream, events)
            return
        if stream.sink.call is not None:
            self._dispatcher.put(stream.lane, stream.sink, events, wait=self._wait)
        for buffer in stream.buffers:
            stream.lane.blocked_seconds += buffer.put(events, wait=self._wait)

    def _data_or_resync(self, stream: Stream, events: Sequence[Any]) -> None:
        if stream in self._behind:
            stream.lane.dropped += len(events)
            return
        room = all(buffer.has_room(len(events)) for buffer in stream.buffers)
        if room and (stream.sink.call is None or self._dispatcher.offer(stream.lane, stream.sink, events)):
            for buffer in stream.buffers:
                buffer.put(events)
            return
        self._behind.append(stream)
        waiting = sum(buffer.clear() for buffer in stream.buffers)
        stream.lane.dropped += len(events) + waiting
        discarded = self._dispatcher.discard(stream.lane, stream.sink)
        self._overflowed(stream, len(events) + waiting + discarded)

    def _book(self, stream: Stream, _: None) -> None:
        # At most one call a market is pending, so the bound need not apply.
        self._dispatcher.put(stream.lane, stream.book_sink, (stream.book,), wait=False)

    def _work(self, work: Callable[[], None], _: None) -> None:
        work()

    def _error(self, error: BigOneError, _: None) -> None:
        self._hub.error(self._lane, error, wait=self._wait)

    def _gap(self, gap: Gap, _: None) -> None:
        self._hub.gap(self._lane, gap, wait=self._wait)
