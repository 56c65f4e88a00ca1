"""Making streams whole by REST after a reconnect, while what comes live of them is held back.

It waits for HTTP, so it runs neither on a reader, which has other streams and pings to serve, nor on the keeper.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from .delivery import Delivery
from .subscription import Stream

__all__ = ["Recovery", "Repair", "Repairable"]

_log = logging.getLogger("bigone_sync.repair")

Fresh = Mapping[Stream, Sequence[Any]]
"""What is news to which stream."""


class Repairable(Protocol):
    """A session, as a repair sees it."""

    name: str
    events: int
    caught_up: threading.Event
    """Cleared while a repair hands on what was held back; the reader brings nothing more until it is set."""

    @property
    def guard(self) -> threading.RLock:
        """Its lock."""

    def new_delivery(self) -> Delivery:
        """For events that come from elsewhere than the socket."""

    def repaired(self, stream: Stream, out: Delivery) -> None:
        """A stream is whole, or as whole as it gets. Under the lock."""


class Repair:
    """One piece of work: fetch what is missing of some streams, deliver it, then release what was held back.

    What was fetched comes first, but for items that came live meanwhile as well, in an older state; they follow.

    Args:
        session: whose streams these are.
        streams: held back from :meth:`begin` on.
        fetch: brings what REST tells. Waits, not under a lock; does not raise BigOneErrors.
        settle: what of that is news; adds gaps to the delivery, and is given None where nothing could be fetched. Under
            the session's lock.
        order: what events are sorted by, where that is known; None: as described above. Sorted events wait for the last
            of several repairs of their stream, for each may bring what comes before them.
    """

    def __init__(
        self,
        session: Repairable,
        streams: Sequence[Stream],
        fetch: Callable[[], Any],
        settle: Callable[[Any, Delivery], Fresh],
        order: Callable[[Any], Any] | None = None,
    ) -> None:
        self._session, self._streams, self._fetch, self._settle = session, streams, fetch, settle
        self._order = order
        self.is_private = any(stream.key.channel.is_private for stream in streams)

    def begin(self) -> None:
        """Hold the streams back from now on. Under the session's lock."""
        for stream in self._streams:
            stream.holds += 1
            if stream.held is None:
                stream.held = []

    def run(self) -> None:
        """Do it. Waits; not under a lock."""
        try:
            fetched = self._fetch()
        except Exception:  # noqa: BLE001 - logged; what is held back must be released
            _log.exception("%s: asking REST failed", self._session.name)
            fetched = None
        self.finish(fetched)

    def finish(self, fetched: Any) -> None:
        """Deliver what was fetched, None if nothing could be, and release what was held back."""
        # A reader that went on reading into memory would never be held up by a full queue, and this would never end.
        self._session.caught_up.clear()
        try:
            self._deliver(fetched)
            # Until nothing more has come meanwhile: what is handed on under no lock must not overtake.
            while not self._through():
                pass
        finally:
            self._session.caught_up.set()

    def _deliver(self, fetched: Any) -> None:
        session = self._session
        out = session.new_delivery()
        with session.guard:
            fresh = self._settled(fetched, out)
            for stream in self._streams:
                live = stream.held or []
                events = self._merged(fresh.get(stream, ()), live)
                stream.received += len(events) - len(live)
                session.events += len(events) - len(live)
                if self._order is not None and stream.holds > 1:
                    stream.held = events
                    continue
                stream.held = []
                if events:
                    out.data(stream, events)
        out.run()

    def _settled(self, fetched: Any, out: Delivery) -> Fresh:
        try:
            return self._settle(fetched, out)
        except Exception:  # noqa: BLE001 - logged, and told as a gap; what is held back must be released
            _log.exception("%s: what REST told could not be used", self._session.name)
        return self._settled(None, out) if fetched is not None else {}

    def _merged(self, fresh: Sequence[Any], live: Sequence[Any]) -> list[Any]:
        if self._order is not None:
            return sorted([*fresh, *live], key=self._order)
        ids = {event.id for event in live} if fresh else set()
        return [
            *(event for event in fresh if event.id not in ids),
            *live,
            *(event for event in fresh if event.id in ids),
        ]

    def _through(self) -> bool:
        session = self._session
        out = session.new_delivery()
        with session.guard:
            waiting = [stream for stream in self._streams if stream.held and stream.holds == 1]
            for stream in waiting:
                out.data(stream, stream.held or [])
                stream.held = []
            if not waiting:
                for stream in self._streams:
                    self._let_go(stream, out)
        out.run()
        return not waiting

    def _let_go(self, stream: Stream, out: Delivery) -> None:
        stream.holds -= 1
        if not stream.holds:  # else another repair, of a later connection, goes on holding it
            stream.held = None
            self._session.repaired(stream, out)


class Recovery:
    """The thread of a client on which repairs run, one after the other; it is there only while there are some.

    Those of private streams come first: own orders shall not wait for the trades of many markets.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._waiting: deque[Repair] = deque()
        self._thread: threading.Thread | None = None

    def submit(self, repair: Repair) -> None:
        """Run a repair that has begun, soon. Does not wait."""
        with self._lock:
            self._waiting.insert(self._place(repair), repair)
            if self._thread is not None:
                return
            self._thread = thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # No more threads to be had. What lives on is better than what waits.
                self._thread = None
                self._waiting.remove(repair)
                _log.exception("%s: could not be started", self._name)
            else:
                return
        # Not under the lock: it may wait for room in a queue.
        repair.finish(None)

    def _place(self, repair: Repair) -> int:
        """Where it waits; those of one stream stay in their order."""
        if repair.is_private:
            for place, other in enumerate(self._waiting):
                if not other.is_private:
                    return place
        return len(self._waiting)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                repair = self._waiting.popleft()
            try:
                repair.run()
            except Exception:  # noqa: BLE001 - logged; the repairs after it, and the next ones, need this thread
                _log.exception("%s: a repair failed", self._name)

    def join(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for the thread; True if there is none any more."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(max(0.0, timeout))
        return not thread.is_alive()
