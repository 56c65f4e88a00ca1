"""What the user wants: streams, the subscriptions that share them, and the registry of both."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any

from .book import OrderBook
from .buffer import EventBuffer
from .config import Backoff
from .dispatch import Dispatcher, Lane, Sink
from .enums import BookState, Overflow, SubscriptionState
from .errors import BigOneError
from .events import DepthSnapshot, DepthUpdate, Event, SubscriptionKey

__all__ = ["EventBuffer", "Handler", "Stream", "Subscription", "SubscriptionKey"]

_log = logging.getLogger("bigone_sync.session")

Handler = Callable[[Any], object]
"""A user's callback: takes exactly one argument, the event."""

# So many frames in a row that name other best prices are no coincidence.
_STRANGE = 2
# Resyncs closer together than this, in seconds, are a burst and back off.
_BURST = 10.0

_RANK = {
    state: rank
    for rank, state in enumerate(
        (
            SubscriptionState.REJECTED,
            SubscriptionState.ENDED,
            SubscriptionState.WANTED,
            SubscriptionState.REQUESTED,
            SubscriptionState.STALE,
            SubscriptionState.LIVE,
        )
    )
}


class Stream:
    """One wire subscription and everything that hangs on it. Its session guards it by its lock."""

    def __init__(self, key: SubscriptionKey, lane: Lane, dispatcher: Dispatcher, overflow: Overflow) -> None:
        self.key = key
        self.lane = lane
        self.overflow = overflow
        self.limit: int | None = None
        self.state = SubscriptionState.WANTED
        self.route: Any = None
        """The protocol's side of it."""
        self.session: Any = None
        """Whoever keeps it going; opaque here."""
        self.book: OrderBook | None = None
        self.subscriptions: list[Subscription] = []
        self.sink = Sink(str(key), self._count_delivered)
        self.book_sink = Sink(f"{key} (book)", self._count_book_calls)
        self.book_pending = False
        """True while a call with the book is queued: a slow handler sees fewer books, never older ones."""
        self.buffers: tuple[EventBuffer, ...] = ()
        self.held: list[Any] | None = None
        """Events that came while the stream is repaired, which go on after it; None: it is not."""
        self.holds = 0
        """Repairs that hold it back."""
        self.lost_at: float | None = None
        """Unix time when the connection that it ran on was heard of last; None: nothing was missed."""
        self.received = 0
        self.rejection: BigOneError | None = None
        self.was_live = False
        self.last_data = 0.0
        """Monotonic time of the last data."""
        self.misses = 0
        """Subscribe requests in a row without an answer."""
        self.stale_hits = 0
        self.strange_touches = 0
        """Frames in a row that named other best prices than the book has."""
        self.resyncs = 0
        self.last_resync = float("-inf")
        self.resync_due: float | None = None
        self._dispatcher = dispatcher

    def await_event(self, buffer: EventBuffer, timeout: float | None) -> Any:
        """The next event, which has not come yet; inside a callback it must not have to stop for a full queue."""
        with self._dispatcher.lifted():
            return buffer.get(timeout)

    def count_iterated(self) -> None:
        """An iterator took an event."""
        self._dispatcher.count_iterated(self.lane)

    @property
    def waiting(self) -> int:
        """Events that wait to be iterated."""
        return sum(len(buffer) for buffer in self.buffers)

    @property
    def is_over(self) -> bool:
        """Whether nothing will come any more."""
        return self.state in (SubscriptionState.ENDED, SubscriptionState.REJECTED)

    # -- its life; under the session's lock

    def asked(self) -> None:
        """A subscribe request is on its way."""
        self.resync_due = None
        if self.state == SubscriptionState.WANTED:
            self.state = SubscriptionState.REQUESTED

    def went_live(self, now: float) -> bool:
        """The request was answered; True if it had been live before."""
        again, self.was_live = self.was_live, True
        self.state = SubscriptionState.LIVE
        self.misses = 0
        self.last_data = now
        return again

    def went_stale(self, now: float, backoff: Backoff) -> bool:
        """It has a hole; True if it is to be asked for at once, else when ``resync_due`` says."""
        self.state = SubscriptionState.STALE
        self._mark_book_stale()
        self.route.sequence.reset()
        self.resyncs = self.resyncs + 1 if now - self.last_resync < _BURST else 0
        self.last_resync = now
        self.resync_due = now + backoff.bound(self.resyncs) / 2 if self.resyncs else None
        return self.resync_due is None

    def went_down(self, heard_at: float) -> None:
        """Its connection or its login was lost; its connection was heard of last at ``heard_at``, Unix time."""
        if self.state == SubscriptionState.LIVE and self.lost_at is None:
            self.lost_at = heard_at
        self.state = SubscriptionState.STALE if self.was_live else SubscriptionState.WANTED
        self.resync_due = None
        self.misses = self.stale_hits = self.strange_touches = 0  # the next connection gets a fair trial
        self._mark_book_stale()

    def _mark_book_stale(self) -> None:
        book = self.book  # whoever closes the last book subscription may take it away meanwhile
        if book is not None:
            book.mark_stale()

    def keep(self, events: Sequence[Any]) -> bool:
        """Update the book, on the reader thread; False if it has to be rebuilt."""
        book, sound = self.book, True
        if book is None:
            return True
        try:
            for event in events:
                if type(event) is DepthUpdate:
                    sound = book.apply(event) and sound
                elif type(event) is DepthSnapshot:
                    sound = book.load(event)
        except ValueError:
            # The codec has checked the numbers, so this is ours to repair; a book that is behind must not look alive.
            _log.exception("%s: the book refused an event", self.key)
            return False
        return sound

    def agrees(self, bid: Decimal | None, ask: Decimal | None) -> bool:
        """Whether the book has the best prices that the exchange names; False when it had not twice in a row.

        None: it names none.
        """
        view = self.book.snapshot(1) if self.book is not None else None
        if view is None or view.state != BookState.LIVE:
            self.strange_touches = 0
            return True
        strange = any(
            named is not None and (level is None or level.price != named)
            for named, level in ((bid, view.best_bid), (ask, view.best_ask))
        )
        self.strange_touches = self.strange_touches + 1 if strange else 0
        if self.strange_touches < _STRANGE:
            return True
        self.strange_touches = 0
        return False

    def end(self, state: SubscriptionState, failure: BigOneError | None) -> None:
        """Nothing more comes: whoever waits for it wakes."""
        if not self.is_over:
            self.state = state
        book = self.book
        if book is not None:
            book.close()
        for buffer in self.buffers:
            buffer.close(failure)

    def _count_delivered(self, count: int) -> None:
        for subscription in self.subscriptions:
            if subscription.handler is not None and not subscription.is_book:
                subscription.delivered += count

    def _count_book_calls(self, count: int) -> None:
        for subscription in self.subscriptions:
            if subscription.is_book:
                subscription.delivered += count

    def refresh(self, guard: Callable[[Handler, Any, Exception], None]) -> None:
        """Take over the handlers and buffers of the present subscriptions."""
        events = [sub.handler for sub in self.subscriptions if sub.handler is not None and not sub.is_book]
        books = [sub.handler for sub in self.subscriptions if sub.handler is not None and sub.is_book]
        self.buffers = tuple(sub.buffer for sub in self.subscriptions if sub.buffer is not None)
        self.sink.set_handlers(events, guard)
        self.book_sink.set_handlers(books, guard)
        inner = self.book_sink.call
        if inner is not None:
            self.book_sink.call = self._clearing(inner)
        else:
            self.book_pending = False  # a call that is queued will not be made

    def _clearing(self, inner: Callable[[Any], object]) -> Callable[[Any], object]:
        def call(book: Any) -> None:
            # Cleared first: what changes from here on deserves a call of its own.
            self.book_pending = False
            inner(self.book or book)

        return call


class Subscription:
    """A handle on what was subscribed to. Context manager: closes at the end of the block."""

    def __init__(
        self,
        streams: tuple[Stream, ...],
        *,
        handler: Handler | None,
        is_book: bool,
        buffer: EventBuffer | None,
        close: Callable[[Subscription], None],
    ) -> None:
        self.streams = streams
        self.handler = handler
        self.is_book = is_book
        self.buffer = buffer
        self.delivered = 0
        """Events handed to the handler or iterator."""
        self._close = close
        self._received_before = [stream.received for stream in streams]

    @property
    def key(self) -> SubscriptionKey:
        """What was subscribed to; of a subscription to several tickers the first."""
        return self.streams[0].key

    @property
    def keys(self) -> tuple[SubscriptionKey, ...]:
        """All keys; more than one for several tickers only."""
        return tuple(stream.key for stream in self.streams)

    @property
    def state(self) -> SubscriptionState:
        """Where it stands; of several streams the one that is furthest from LIVE."""
        if not any(self in stream.subscriptions for stream in self.streams):
            return SubscriptionState.ENDED
        return min((stream.state for stream in self.streams), key=lambda state: _RANK[state])

    @property
    def received(self) -> int:
        """Events that came for it, delivered or not."""
        pairs = zip(self.streams, self._received_before, strict=True)
        return sum(stream.received - before for stream, before in pairs)

    def events(self, timeout: float | None = None) -> Iterator[Event]:
        """Iterate over the events, on the calling thread.

        For a subscription made without a handler.  Ends when the subscription or the client is closed, or when
        nothing came for ``timeout`` seconds.

        Raises:
            BigOneError: the client ended for good; after all that was queued.
            TypeError: the subscription has a handler, which gets the events.
        """
        if self.buffer is None:
            raise TypeError("this subscription has a handler; subscribe() without one to iterate")
        return self._iterate(self.buffer, timeout)

    def _iterate(self, buffer: EventBuffer, timeout: float | None) -> Iterator[Event]:
        while True:
            try:
                event = buffer.get(timeout) if buffer else self.streams[0].await_event(buffer, timeout)
            except StopIteration:
                return
            self.delivered += 1
            self.streams[0].count_iterated()
            yield event

    def __call__(self, event: Any) -> object:
        """Call the handler, so that a function decorated with a bare ``@client.on_order`` can still be called."""
        if self.handler is None:
            raise TypeError("this subscription has no handler")
        return self.handler(event)

    def close(self) -> None:
        """Stop receiving; the last one to leave a stream unsubscribes it. Any thread, any number of times."""
        self._close(self)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        names = ", ".join(str(key) for key in self.keys)
        return f"<Subscription {names} {self.state}>"
