"""What the tests of the contract client share."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from client_rig import BACKOFF, CALM, KEYS, PATIENCE

from bigone_sync import ContractClient, OrderBook
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

BTCUSD, BTCUSDT, ETHUSDT = "BTCUSD", "BTCUSDT", "ETHUSDT"


def contract(exchange: LocalExchange, *, url: str = "", private: bool = False, **options: Any) -> ContractClient:
    """A client with short times."""
    options = {"timeouts": CALM, "backoff": BACKOFF, **options}
    return ContractClient(KEYS if private else None, url=url or exchange.contract_url, **options)


def follows(book: OrderBook, exchange: LocalExchange) -> bool:
    """Whether the kept book is live and equals the exchange's, level by level."""
    seen, there = book.snapshot(), exchange.contract_book(book.market)
    return (
        book.is_live
        and seen.change_id == there.change_id
        and _sizes(seen.bids) == dict(there.bids)
        and _sizes(seen.asks) == dict(there.asks)
    )


def _sizes(levels: Any) -> dict[Decimal, Decimal]:
    return {level.price: level.amount for level in levels}


def until_follows(book: OrderBook, exchange: LocalExchange) -> None:
    """Wait until it does."""
    wait_until(lambda: follows(book, exchange), PATIENCE, message=f"{book} does not follow the exchange's")


def until_open(exchange: LocalExchange, *paths: str) -> None:
    """Wait until exactly these sockets are open on the exchange's side."""
    wanted = sorted(paths)
    wait_until(
        lambda: sorted(exchange.contract_connections()) == wanted,
        PATIENCE,
        message=f"open: {exchange.contract_connections()}, wanted: {wanted}",
    )
