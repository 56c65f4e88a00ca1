"""From the readers to user code: bounded lanes, in order, one callback at a time.

A lane per channel keeps its order; private lanes are drained first, so an order update never waits behind a burst of
depth.  One thread delivers: the client's worker, or whoever is in ``run_forever()`` or ``poll()``.  No user code runs
under a lock.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .lanes import Guard, Lane, Sink

__all__ = ["Dispatcher", "Lane", "Sink"]

_log = logging.getLogger("bigone_sync.dispatch")


class Dispatcher:
    """Carries events to user code.

    Args:
        limit: events that may wait on one lane.
        failed: told of a handler, the event and the exception that it raised; on the delivering thread.
        exit: told of SystemExit, KeyboardInterrupt and the like raised by a handler.
        overflowing: told once per episode of a lane whose bound is reached; on the reader's thread.
    """

    def __init__(
        self,
        limit: int,
        *,
        failed: Guard,
        exit: Callable[[BaseException], None],
        overflowing: Callable[[Lane], None],
    ) -> None:
        self._limit = limit
        self._failed, self._exit, self._overflowing = failed, exit, overflowing
        # Re-entrant, like every lock on the way of close(): a signal handler may interrupt its holder and close.
        self._lock = threading.RLock()
        self._more = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._delivering = threading.Lock()
        self._owner: int | None = None
        self._lanes: list[Lane] = []
        self._urgent = False
        self._lifted = 0
        self._closed = False
        self._retired = False
        """True asks whoever delivers to return; what is left is the next one's."""
        self._discarding = False
        self._wakes = 0
        self._next = 0
        self.unmanned = False
        """True: whoever waits outside of a callback may be the one who would deliver."""
        self.current: Any = None
        """The event that a handler is called with now; the keeper looks whether it stays the same."""
        self.current_sink: Sink | None = None
        self.visits = 0
        """Times that a sink was served: the same book may be the event of many calls."""

    # -- lanes

    def lane(self, name: str, *, private: bool = False) -> Lane:
        """A new lane."""
        lane = Lane(name, self._limit, private=private)
        with self._lock:
            self._lanes.append(lane)
        return lane

    def leave(self, lane: Lane) -> None:
        """Hardly anything comes on a lane any more: it is forgotten once what waits there is delivered."""
        with self._lock:
            lane.leaving = True
            self._forget(lane)

    def _forget(self, lane: Lane) -> None:
        # By size: of a batch that is being delivered the lane holds no entries, and may get some back.
        if lane.leaving and not lane.size and lane in self._lanes:
            self._lanes.remove(lane)

    # -- putting; reader and keeper threads

    def put(self, lane: Lane, sink: Sink, events: Sequence[Any], *, wait: bool = True) -> bool:
        """Queue ``events`` for ``sink``, in order.

        ``wait`` waits for room and is how a slow consumer slows the reader, and so the sender, down.  Without it the
        bound does not apply.  False if the dispatcher is closed: the events are counted as dropped.
        """
        start, total = 0, len(events)
        while start < total:
            with self._lock:
                if self._closed:
                    lane.dropped += total - start
                    return False
                room = total if not wait or self._lifted else lane.limit - lane.size
                if room > 0:
                    chunk = events if start == 0 and room >= total else events[start : start + room]
                    self._append(lane, sink, chunk)
                    start += len(chunk)
                    continue
                report = not lane.episode
                lane.episode = True
            if report:
                self._overflowing(lane)
            self._await_room(lane)
        return True

    def offer(self, lane: Lane, sink: Sink, events: Sequence[Any]) -> bool:
        """Queue ``events`` if the lane has room for all of them; False if not."""
        with self._lock:
            if self._closed or (not self._lifted and lane.size + len(events) > lane.limit):
                return False
            self._append(lane, sink, events)
            return True

    def _append(self, lane: Lane, sink: Sink, events: Sequence[Any]) -> None:
        if lane.leaving and lane not in self._lanes:
            self._lanes.append(lane)  # a last word, the state of its connection for instance
        lane.entries.append((sink, events))
        lane.size += len(events)
        if lane.size > lane.high_water:
            lane.high_water = lane.size
        if lane.private:
            self._urgent = True
        self._more.notify()

    def _await_room(self, lane: Lane) -> None:
        began = time.monotonic()
        with self._lock:
            lane.waiting += 1
            while lane.size >= lane.limit and not self._lifted and not self._closed:
                self._room.wait()
            lane.waiting -= 1
            lane.blocked_seconds += time.monotonic() - began

    def discard(self, lane: Lane, sink: Sink) -> int:
        """Drop what waits for ``sink``; returns how many events."""
        with self._lock:
            kept = [entry for entry in lane.entries if entry[0] is not sink]
            dropped = sum(len(events) for owner, events in lane.entries if owner is sink)
            lane.entries = deque(kept)
            lane.size -= dropped
            lane.dropped += dropped
            self._forget(lane)
            self._room.notify_all()
            return dropped

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """No bound while a callback waits for something that a reader must bring.

        Without it a full queue would stop the reader, and the callback would wait for ever.
        """
        if not (self.unmanned or self.is_delivering_here()):
            yield
            return
        with self._lock:
            self._lifted += 1
            self._room.notify_all()
        try:
            yield
        finally:
            with self._lock:
                self._lifted -= 1

    # -- delivering

    def is_delivering_here(self) -> bool:
        """Whether the calling thread is inside a callback."""
        return self._owner == threading.get_ident()

    def run(self) -> None:
        """Deliver on this thread until :meth:`retire` or :meth:`close`."""
        with self._delivering:
            self._owner = threading.get_ident()
            try:
                while True:
                    with self._lock:
                        while not self._has_entries() and not self._retired:
                            if self._closed:
                                return
                            self._more.wait()
                        if self._retired:
                            return
                    self._deliver_batch(None)
            finally:
                self._owner = None

    def poll(self, timeout: float) -> int:
        """Deliver what is queued, waiting up to ``timeout`` seconds for the first; returns the number of events.

        Inside a callback it delivers nothing.
        """
        if self.is_delivering_here():
            return 0
        end = time.monotonic() + timeout
        with self._delivering:
            self._owner = threading.get_ident()
            try:
                with self._lock:
                    wakes = self._wakes
                    while not self._has_entries() and not self._closed and not self._retired and wakes == self._wakes:
                        left = end - time.monotonic()
                        if left <= 0 or not self._more.wait(left):
                            break
                    waiting = sum(lane.size for lane in self._lanes)
                done = 0
                while done < waiting and (count := self._deliver_batch(waiting - done)):
                    done += count
                return done
            finally:
                self._owner = None

    def _has_entries(self) -> bool:
        return any(lane.entries for lane in self._lanes)

    def _take(self) -> tuple[Lane, deque[tuple[Sink, Sequence[Any]]]] | None:
        """A batch of the next lane: a private one if any has entries, else the public ones in turn.

        A batch is small beside the bound, so that what overflow discards is nearly all that waits.
        """
        with self._lock:
            self._urgent = self._discarding
            for lane in self._lanes:
                if lane.private and lane.entries:
                    break
            else:
                count = len(self._lanes)
                for step in range(count):
                    lane = self._lanes[(self._next + step) % count]
                    if lane.entries:
                        self._next = (self._next + step + 1) % count
                        break
                else:
                    return None
            entries: deque[tuple[Sink, Sequence[Any]]] = deque()
            room = lane.batch
            while lane.entries and room > 0:
                entry = lane.entries.popleft()
                room -= len(entry[1])
                entries.append(entry)
            return lane, entries

    def _deliver_batch(self, most: int | None) -> int:
        """Deliver one lane's entries, or up to about ``most`` events of them; returns how many."""
        taken = self._take()
        if taken is None:
            return 0
        lane, entries = taken
        total = unsettled = data = 0
        try:
            while entries:
                sink, events = entries.popleft()
                count, rest = self._deliver(sink, events, interruptible=not lane.private)
                total += count
                unsettled += count
                if sink.on_delivered is not None:
                    data += count
                if rest:
                    entries.appendleft((sink, rest))
                if self._urgent and (self._discarding or not lane.private):
                    break
                if lane.waiting:
                    self._settle(lane, unsettled, data)
                    unsettled = data = 0
                if most is not None and total >= most:
                    break
        finally:
            self._settle(lane, unsettled, data, entries)
            self.current = self.current_sink = None
        return total

    def count_iterated(self, lane: Lane) -> None:
        """An iterator took one event of a stream of this lane."""
        with self._lock:
            lane.delivered += 1

    def _settle(self, lane: Lane, count: int, data: int, rest: deque[tuple[Sink, Sequence[Any]]] | None = None) -> None:
        """Account for ``count`` entries, ``data`` of them events of streams; ``rest`` goes back to its lane's front."""
        with self._lock:
            lane.delivered += data
            lane.size -= count
            if rest:
                if self._discarding:
                    left = sum(len(events) for _, events in rest)
                    lane.size -= left
                    lane.dropped += left
                else:
                    rest.extend(lane.entries)
                    lane.entries = rest
            if lane.size <= lane.limit // 2:
                lane.episode = False
            if lane.waiting:
                self._room.notify_all()
            if lane.leaving:
                self._forget(lane)

    def _deliver(self, sink: Sink, events: Sequence[Any], *, interruptible: bool) -> tuple[int, list[Any]]:
        """Call the sink with each event; returns how many were handled, and those left if it was interrupted."""
        call = sink.call
        if call is None:
            return len(events), []
        self.current_sink = sink
        self.visits += 1
        count = 0
        remaining = iter(events)
        while True:
            try:
                for event in remaining:
                    self.current = event
                    count += 1
                    call(event)
                    if self._urgent and (interruptible or self._discarding):
                        break
                break
            except Exception as error:  # noqa: BLE001 - user code; handed on
                self._failed(sink.handlers[0] if sink.handlers else call, self.current, error)
                if self._urgent and (interruptible or self._discarding):
                    break
            except BaseException as error:  # noqa: BLE001 - user code wants out; the client decides
                self._exit(error)
                break
        if sink.on_delivered is not None:
            sink.on_delivered(count)
        return count, list(remaining)

    # -- ending

    def retire(self) -> None:
        """Ask whoever delivers to return after the present batch."""
        with self._lock:
            self._retired = True
            self._more.notify_all()

    def resume(self) -> None:
        """Take back :meth:`retire`."""
        with self._lock:
            self._retired = False

    def wake(self) -> None:
        """Let a waiting ``poll`` look around."""
        with self._lock:
            self._wakes += 1
            self._more.notify_all()

    def unblock(self) -> None:
        """No reader waits for room any more; what they bring is still taken."""
        with self._lock:
            self._lifted += 1
            self._room.notify_all()

    def close(self, *, discard: bool) -> None:
        """Take nothing more; ``discard`` drops what is queued."""
        with self._lock:
            self._closed = True
            if discard:
                self._discarding = self._urgent = True  # a batch under way ends, too
                for lane in self._lanes:
                    lane.dropped += sum(len(events) for _, events in lane.entries)
                    lane.size -= sum(len(events) for _, events in lane.entries)
                    lane.entries.clear()
            self._more.notify_all()
            self._room.notify_all()
