"""What the tests of the Rails client share."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from client_rig import BACKOFF, CALM, KEYS, PATIENCE

from bigone_sync import AuthenticationError, OrderBook, RailsClient, Trade
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

BTC, ETH, ALL = "BTC-USD", "ETH-USD", "ALL"
NO_LIMITS: dict[str, Any] = {
    "rails_connect_limit": None,
    "rails_order_limit": None,
    "rails_token_limit": 10_000,
    "rails_connection_limit": None,
}
"""For an exchange whose limits are not what a test is about."""
_numbers = itertools.count(1)
ALL_STREAMS = ("orders", "trades", "publicTrades", "publicOrderBook")


def venue(**options: Any) -> LocalExchange:
    """An exchange in which something happens only on command, and whose limits are in nobody's way."""
    return LocalExchange(**{"seed": 3, "rate": 0, **NO_LIMITS, **options})


def rails(exchange: LocalExchange, token: Any = None, *, url: str = "", market: str = BTC, **options: Any) -> Any:
    """A client with short times; with the credentials that the exchange knows, unless there is a token.

    Its connections wait long for each other: on a machine that is busy one may well be late by a second.
    """
    if token is None:
        options.setdefault("credentials", KEYS)
    options = {"timeouts": CALM, "backoff": BACKOFF, "dial_limit": 10_000, "patience": PATIENCE, **options}
    return RailsClient(token, market=market, url=url or exchange.rails_url, **options)


def fresh_keys() -> tuple[str, str]:
    """Of an API key that nothing in this process has used: tokens and limits are shared by key."""
    return f"key-{next(_numbers)}-of-the-rails-tests", "a-secret-of-the-rails-tests"


def until_refused(client: RailsClient, kind: type[Exception] = AuthenticationError) -> Any:
    """Wait until the client has given up; why."""
    with pytest.raises(kind) as caught:
        client.wait_ready(PATIENCE)
    return caught.value


def follows(book: OrderBook, exchange: LocalExchange) -> bool:
    """Whether the kept book is live and equals the exchange's, level by level."""
    seen, there = book.snapshot(), exchange.rails_book(book.market)
    return book.is_live and _sizes(seen.bids) == dict(there.bids) and _sizes(seen.asks) == dict(there.asks)


def _sizes(levels: Any) -> dict[Decimal, Decimal]:
    return {level.price: level.amount for level in levels}


def until_follows(book: OrderBook, exchange: LocalExchange) -> None:
    """Wait until it does."""
    wait_until(lambda: follows(book, exchange), PATIENCE, message=f"{book} does not follow the exchange's")


def until_open(exchange: LocalExchange, count: int, besides: Iterable[int] = ()) -> tuple[int, ...]:
    """Wait until so many connections are open on the exchange's side, none of ``besides``; their ids."""
    gone = set(besides)
    wait_until(
        lambda: len(exchange.rails_connections) == count and not gone & set(exchange.rails_connections),
        PATIENCE,
        message=f"open: {exchange.rails_connections}, wanted: {count} besides {sorted(gone)}",
    )
    return exchange.rails_connections


def until_streams(exchange: LocalExchange, connection: int, *streams: str) -> None:
    """Wait until a connection brings exactly these streams, by their newest names."""
    wait_until(
        lambda: set(exchange.rails_subscriptions(connection)) == set(streams),
        PATIENCE,
        message=f"active: {exchange.rails_subscriptions(connection)}, wanted: {streams}",
    )


def asked(exchange: LocalExchange, message: str) -> list[dict[str, Any]]:
    """Contents of the requests of one kind, of all connections, oldest first."""
    return [request.get("content", {}) for _, request in exchange.rails_requests if request["message"] == message]


def trade_facts(trades: Iterable[Trade]) -> list[tuple[str, Decimal, Decimal]]:
    """What makes a public trade what it is: id, price and size."""
    return [(trade.id, trade.price, trade.amount) for trade in trades]


def told_trades(exchange: LocalExchange, market: str = BTC) -> list[tuple[str, Decimal, Decimal]]:
    """The same of those of the exchange."""
    return [(row.match_id, Decimal(row.price), Decimal(row.quantity)) for row in exchange.rails_trades(market)]
