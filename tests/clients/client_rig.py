"""What the tests of the spot client share: short times, recording handlers, views of the exchange."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Generic, TypeVar

import pytest

from bigone_sync import (
    Backoff,
    BigOneError,
    ConnectionState,
    Credentials,
    OrderBook,
    SpotClient,
    StateChange,
    Timeouts,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

BTC, ETH = "BTC-USDT", "ETH-USDT"
KEYS = Credentials("key", "secret")
CALM = Timeouts(connect=2, ping=5, pong=5, reply=2, close=2)
QUICK = Timeouts(connect=2, ping=0.3, pong=0.3, reply=1, close=2)
BACKOFF = Backoff(initial=0.05, cap=0.2)
PATIENCE = 30.0
PROTOCOL = "json"
"""What the clients speak; set for each test."""

T = TypeVar("T")


class Log(Generic[T]):
    """A handler that keeps what it was called with."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self.threads: set[str] = set()

    def __call__(self, item: T) -> None:
        self.threads.add(threading.current_thread().name)
        self.items.append(item)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self.items))

    def __getitem__(self, index: int) -> T:
        return self.items[index]

    def of(self, kind: type[Any]) -> list[Any]:
        """The items of a type, subclasses included."""
        return [item for item in list(self.items) if isinstance(item, kind)]

    def wait(self, count: int = 1, kind: type[Any] = object, timeout: float = PATIENCE) -> list[Any]:
        """Wait until there are ``count`` items of a type; returns them."""
        wait_until(lambda: len(self.of(kind)) >= count, timeout, message=f"{count} x {kind.__name__} did not come")
        return self.of(kind)


class Watched:
    """A client with everything that it reports."""

    def __init__(self, client: SpotClient) -> None:
        self.client = client
        self.errors: Log[BigOneError] = Log()
        self.states: Log[StateChange] = Log()
        self.gaps: Log[Any] = Log()
        client.on_error(self.errors)
        client.on_state(self.states)
        client.on_gap(self.gaps)

    def assert_quiet(self) -> None:
        """Nothing went wrong so far."""
        assert not self.errors.items
        assert not self.gaps.items


def spot(url: str, *, private: bool = False, credentials: Credentials | None = None, **options: Any) -> SpotClient:
    """A client with short times; ``private``: with the credentials that the exchange knows."""
    options = {"timeouts": CALM, "backoff": BACKOFF, "protocol": PROTOCOL, **options}
    return SpotClient(KEYS if private else credentials, url=url, **options)


@contextmanager
def running(client: SpotClient) -> Iterator[SpotClient]:
    """The client, started and ready; closed at the end."""
    with client:
        client.wait_ready(PATIENCE)
        yield client


def members(exchange: LocalExchange, connection: int | None = None) -> list[str]:
    """Names of the requests that arrived, oldest first; of one connection or of all."""
    return [
        next(name for name in request if name != "requestId")
        for number, request in exchange.requests
        if connection in (None, number)
    ]


def asked(exchange: LocalExchange, member: str) -> list[Any]:
    """Parameters of the requests of one kind."""
    return [request[member] for _, request in exchange.requests if member in request]


def matches(book: OrderBook, exchange: LocalExchange, market: str = BTC) -> bool:
    """Whether the kept book is live and equals the exchange's, level by level."""
    seen, there = book.snapshot(), exchange.book(market)
    return (
        book.is_live
        and seen.change_id == there.change_id
        and _amounts(seen.bids) == dict(there.bids)
        and _amounts(seen.asks) == dict(there.asks)
    )


def trade_at(exchange: LocalExchange, taker: str, market: str = BTC) -> Decimal:
    """Let the last price be the best one of a side; return it."""
    book = exchange.book(market)
    price = next(iter(book.asks if taker == "BID" else book.bids))
    exchange.place_order(market, taker, None, "0.00001", type="MARKET", business_unit="MARGIN")
    return price


def _amounts(levels: Any) -> dict[Decimal, Decimal]:
    return {level.price: level.amount for level in levels}


def until_ready(client: SpotClient, reconnects: int) -> None:
    """Wait until the client is ready after so many reconnects."""
    wait_until(lambda: client.stats().reconnects >= reconnects, PATIENCE, message=f"{reconnects} reconnects")
    client.wait_ready(PATIENCE)


class Gate:
    """A handler that waits until it is opened, from the first call on."""

    def __init__(self, then: Callable[[Any], object] | None = None) -> None:
        self.entered = threading.Event()
        self.go = threading.Event()
        self._then = then

    def __call__(self, event: Any) -> None:
        self.entered.set()
        assert self.go.wait(PATIENCE)
        if self._then is not None:
            self._then(event)


def is_state(client: SpotClient, state: ConnectionState) -> bool:
    return client.state == state


def in_thread(work: Callable[[], object]) -> threading.Thread:
    """A daemon thread that does ``work``."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


class Doing:
    """Something under way on a thread of its own."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.result: object = None
        self.error: BaseException | None = None
        self._work = work
        self._thread = in_thread(self._run)

    def _run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error

    def end(self) -> Any:
        """Its exception, or its result."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        return self.error or self.result

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()


needs_signals = pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to one thread here")
