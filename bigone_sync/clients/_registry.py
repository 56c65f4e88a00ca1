"""Registration shared by the clients: handlers checked, streams created once and shared, decorators."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from ..book import OrderBook
from ..enums import Overflow
from ..errors import ConfigurationError
from ..events import SubscriptionKey
from ..session_base import BaseSession
from ..subscription import EventBuffer, Handler, Stream, Subscription
from ._arguments import check_handler
from ._hub import ClientHub

__all__ = ["Registry"]

_H = TypeVar("_H", bound=Handler)


def _session_of(subscription: Subscription) -> BaseSession:
    """The session that its streams are of, which the client may have let go since: none is made for it."""
    session: BaseSession = subscription.streams[0].session
    return session


class Registry:
    """What the user wants of one client.

    Args:
        hub: of the client.
        session_for: the session that a key belongs to; made on demand.
        left: told of a session some of whose streams were closed; under the registry's lock.
        queue: bound of a buffer that is iterated.
    """

    def __init__(
        self,
        hub: ClientHub,
        session_for: Callable[[SubscriptionKey], BaseSession],
        left: Callable[[BaseSession], None],
        queue: int,
    ) -> None:
        self._hub, self._session_for, self._left, self._queue = hub, session_for, left, queue
        self._lock = threading.RLock()
        self._streams: dict[SubscriptionKey, Stream] = {}
        self._subscriptions: list[Subscription] = []
        self._books: dict[str, Subscription] = {}

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """The open ones, in order of registration."""
        with self._lock:
            return tuple(self._subscriptions)

    def subscribe(
        self,
        keys: Sequence[SubscriptionKey],
        handler: Handler | None,
        *,
        overflow: Overflow,
        limit: int | None = None,
        book: bool = False,
        iterate: bool = False,
    ) -> Subscription:
        """A subscription to one stream, or to several of one channel."""
        with self._lock:
            made = self._subscribe(keys, handler, overflow, limit=limit, book=book, iterate=iterate)
        # Sending may wait, so not under the lock. All keys of a subscription are of one channel, and so of one session.
        _session_of(made).flush()
        return made

    def _subscribe(
        self,
        keys: Sequence[SubscriptionKey],
        handler: Handler | None,
        overflow: Overflow,
        *,
        limit: int | None = None,
        book: bool = False,
        iterate: bool = False,
    ) -> Subscription:
        self._session_for(keys[0]).admit(keys)
        streams = tuple(self._stream(key, overflow, limit) for key in keys)
        subscription = Subscription(
            streams,
            handler=handler,
            is_book=book,
            buffer=EventBuffer(self._queue) if iterate else None,
            close=self.close,
        )
        for stream in streams:
            if book and stream.book is None:
                self._give_book(stream)
            stream.subscriptions.append(subscription)
            stream.refresh(self._hub.handler_failed)
        self._subscriptions.append(subscription)
        self._session_for(keys[0]).add(*(stream for stream in streams if stream.route is None))
        if book and handler is not None:
            self._show(streams[0])
        return subscription

    def _show(self, stream: Stream) -> None:
        """A first call with a book that runs already; one that does not is shown when its snapshot comes."""
        if stream.book is not None and stream.book.is_live and not stream.book_pending:
            stream.book_pending = True
            self._hub.dispatcher.put(stream.lane, stream.book_sink, (stream.book,), wait=False)

    def _stream(self, key: SubscriptionKey, overflow: Overflow, limit: int | None) -> Stream:
        stream = self._streams.get(key)
        if stream is not None and stream.is_over:
            del self._streams[key]
            stream = None
        if stream is None:
            session = self._session_for(key)
            stream = self._streams[key] = Stream(key, session.lane_of(key), self._hub.dispatcher, overflow)
            stream.limit = limit
        elif stream.overflow != overflow:
            raise ConfigurationError(
                f"{key} is already subscribed to with overflow={stream.overflow}; all its handlers share one policy",
                argument="overflow",
            )
        return stream

    def _give_book(self, stream: Stream) -> None:
        """Keep a book of a depth stream; one that is running is asked for a new snapshot."""
        book = OrderBook(stream.key.market or "")
        book.waiting = self._hub.dispatcher.lifted
        stream.book = book
        if stream.route is not None:
            self._session_for(stream.key).refresh(stream)

    def book(self, key: SubscriptionKey) -> OrderBook:
        """The kept book of a market, subscribing if need be."""
        market = key.market or ""
        with self._lock:
            held = self._books.get(market)
            if held is None or held not in self._subscriptions or held.streams[0].is_over:
                held = self._subscribe([key], None, self._policy(key), book=True)
                self._books[market] = held
            book = held.streams[0].book
        _session_of(held).flush()
        if book is None:
            raise RuntimeError(f"{key}: a book subscription without a book")
        return book

    def _policy(self, key: SubscriptionKey) -> Overflow:
        stream = self._streams.get(key)
        return stream.overflow if stream is not None else Overflow.BLOCK

    def close(self, subscription: Subscription) -> None:
        """End one subscription; the last of a stream ends the stream."""
        with self._lock:
            if subscription not in self._subscriptions:
                return
            self._subscriptions.remove(subscription)
            left: list[Stream] = []
            for stream in subscription.streams:
                stream.subscriptions.remove(subscription)
                stream.refresh(self._hub.handler_failed)
                if stream.book is not None and not any(other.is_book for other in stream.subscriptions):
                    # Nobody keeps it any more: whoever still holds it must not take it for live.
                    stream.book.close()
                    stream.book = None
                if not stream.subscriptions:
                    if self._streams.get(stream.key) is stream:
                        del self._streams[stream.key]
                    left.append(stream)
            session = _session_of(subscription)
            session.remove(*left)
            if subscription.buffer is not None:
                subscription.buffer.close()
            self._left(session)
        session.flush()

    def register(self, handler: _H | None, make: Callable[[_H], Subscription]) -> Subscription | Callable[[_H], _H]:
        """The two forms of every ``on_*``: with a handler it subscribes, without one it decorates."""
        if handler is not None:
            check_handler(handler)
            return make(handler)

        def decorate(function: _H) -> _H:
            check_handler(function)
            make(function)
            return function

        return decorate
