"""How the Rails half is to be: what its documents leave open is decided here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["ALL", "DIALECTS", "STREAMS", "Dialect", "RailsOptions"]

ALL = "ALL"
"""The ``market`` of a connection that is about every market (Rails protocol, section 1.2)."""

STREAMS = ("orders", "trades", "publicTrades", "publicOrderBook")
"""Every stream by its newest name, in the order of the documented replies (Rails protocol, section 3.1)."""

_MARKET = re.compile(r"[A-Z0-9]{1,20}-[A-Z0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What sets one generation of the documents apart (Rails protocol, sections 0.1 and 4).

    Args:
        market: whether frames name their market: ``"always"``, ``"all"``: to connections of all markets only, or
            ``"never"``.
        ts: whether frames of the book have a time.
        names: newest name to name, of streams, requests and messages that are called otherwise.
        streams: those that exist, by their newest names.
    """

    market: str
    ts: bool
    names: Mapping[str, str]
    streams: tuple[str, ...] = STREAMS

    def word(self, newest: str) -> str:
        """What something is called here."""
        return self.names.get(newest, newest)

    def stream(self, word: str) -> str | None:
        """The newest name of the stream that is called so; None: there is none."""
        return next((stream for stream in self.streams if self.word(stream) == word), None)


_G3_NAMES = {
    "orders": "orderCreation",
    "publicTrades": "tradeStream",
    "publicOrderBook": "orderBookStream",
    "publicOrderBookDelta": "orderBookDelta",
    "publicCompletedOrdersDelta": "completedOrdersDelta",
    "publicCompletedOrders": "completedOrders",
    "emitPublicOrderBook": "emitOrderBook",
    "emitPublicCompletedOrders": "emitCompletedOrders",
    # The snapshot of the book has the newest name of its stream, so it is told apart by a name of ours.
    "publicOrderBook snapshot": "orderBook",
}
_SNAPSHOT = {"publicOrderBook snapshot": "publicOrderBook"}

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "g6": Dialect("always", True, _SNAPSHOT),
        "g5": Dialect("all", True, _SNAPSHOT),
        "g4": Dialect("never", False, _SNAPSHOT),
        "g3": Dialect("never", False, _G3_NAMES, ("orders", "publicTrades", "publicOrderBook")),
    }
)


@dataclass(frozen=True, slots=True)
class RailsOptions:
    """The ``rails_…`` arguments of `LocalExchange`, which describes them.

    Raises:
        ValueError: one makes no sense.
    """

    markets: tuple[str, ...] = ("BTC-USD", "ETH-USD")
    dialect: str = "g6"
    echo: str = "exact"
    token_life: int = 1800
    token_limit: int = 20
    read_only: bool = False
    replies: str = "all"
    order_scope: str = "account"
    trade_rows: str = "match"
    echo_ids: bool = True
    modify: str = "four"
    quota: str = "one"
    order_limit: int | None = 250
    connection_limit: int | None = 5
    connect_limit: int | None = 20

    def __post_init__(self) -> None:
        _check_word("rails_dialect", self.dialect, tuple(DIALECTS))
        _check_word("rails_echo", self.echo, ("exact", "none", "other"))
        _check_word("rails_replies", self.replies, ("all", "asker"))
        _check_word("rails_order_scope", self.order_scope, ("account", "market"))
        _check_word("rails_trade_rows", self.trade_rows, ("match", "side"))
        _check_word("rails_modify", self.modify, ("four", "three"))
        _check_word("rails_quota", self.quota, ("one", "minute"))
        for name in ("token_life", "token_limit", "order_limit", "connection_limit", "connect_limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"rails_{name} must be at least 1: {value}")
        for market in self.markets:
            if _MARKET.fullmatch(market) is None:
                raise ValueError(f"rails_markets must be names like BTC-USD: {market!r}")

    @property
    def spoken(self) -> Dialect:
        """The dialect itself."""
        return DIALECTS[self.dialect]


def _check_word(name: str, value: str, words: tuple[str, ...]) -> None:
    if value not in words:
        raise ValueError(f"{name} must be one of {', '.join(words)}: {value!r}")
