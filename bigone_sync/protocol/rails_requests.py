"""What a Rails connection asks for: both dialects, the handshake's URL, frames (Rails protocol, sections 1 to 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from ..enums import Channel
from ..errors import ConfigurationError
from .base import Frame

__all__ = ["ALL", "CHANNELS", "MODIFY_NAMES", "Dialect", "Names", "RailsRequests", "handshake_url"]

ALL = "ALL"
"""The ``market`` of a connection for all of them (section 1.2)."""

MODIFY_NAMES: Mapping[str, str] = MappingProxyType({"order_id": "orderId", "price": "price", "quantity": "quantity"})
"""Members of ``modifyOrder``'s content. Provisional: no page found names them (section 12, 7)."""

# Snapshot requests whose answer may still name them.
_REMEMBERED = 1000


class Names(NamedTuple):
    """The words of a dialect, by what they are for."""

    subscriptions: Mapping[Channel, str]
    requests: Mapping[Channel, str]
    """Those for a snapshot."""
    snapshots: Mapping[Channel, str]
    deltas: Mapping[Channel, str]


class Dialect(Enum):
    """Which generation of names a connection uses in what it asks for; both are understood (sections 0.1 and 4)."""

    CURRENT = "current"
    LEGACY = "legacy"
    """Generation G3. It has no own trades."""

    @property
    def names(self) -> Names:
        """Its words."""
        return _NAMES[self]

    def subscription(self, channel: Channel) -> str:
        """The name that ``channel`` is subscribed to by.

        Raises:
            ConfigurationError: there is none.
        """
        found = self.names.subscriptions.get(channel)
        if found is None:
            known = ", ".join(str(each) for each in self.names.subscriptions)
            raise ConfigurationError(
                f"Rails has no stream for {channel} with {self.value} names; it has {known}", argument="channel"
            )
        return found


_NAMES = {
    Dialect.CURRENT: Names(
        subscriptions={
            Channel.ORDERS: "orders",
            Channel.FILLS: "trades",
            Channel.TRADES: "publicTrades",
            Channel.DEPTH: "publicOrderBook",
        },
        requests={Channel.TRADES: "emitPublicCompletedOrders", Channel.DEPTH: "emitPublicOrderBook"},
        snapshots={Channel.TRADES: "publicCompletedOrders", Channel.DEPTH: "publicOrderBook"},
        deltas={
            Channel.FILLS: "completedOrdersDelta",
            Channel.TRADES: "publicCompletedOrdersDelta",
            Channel.DEPTH: "publicOrderBookDelta",
        },
    ),
    Dialect.LEGACY: Names(
        subscriptions={
            Channel.ORDERS: "orderCreation",
            Channel.TRADES: "tradeStream",
            Channel.DEPTH: "orderBookStream",
        },
        requests={Channel.TRADES: "emitCompletedOrders", Channel.DEPTH: "emitOrderBook"},
        snapshots={Channel.TRADES: "completedOrders", Channel.DEPTH: "orderBook"},
        deltas={Channel.TRADES: "completedOrdersDelta", Channel.DEPTH: "orderBookDelta"},
    ),
}

CHANNELS: Mapping[str, Channel] = MappingProxyType(
    {word: channel for names in _NAMES.values() for channel, word in names.subscriptions.items()}
)
"""Names of subscriptions of both dialects, none of which means two things."""


def _subscriptions(channels: Iterable[Channel], dialect: Dialect) -> list[str]:
    """The names of ``channels``, each once, always in the same order: connections that want the same say the same."""
    wanted = {dialect.subscription(channel) for channel in channels}
    return [word for word in dialect.names.subscriptions.values() if word in wanted]


def handshake_url(base: str, market: str, channels: Iterable[Channel], dialect: Dialect = Dialect.CURRENT) -> str:
    """The URL to open a connection with (sections 1.1 and 1.2).

    Args:
        base: may have a path and a query of its own, which stay.
        market: one name, or ``ALL``.
        channels: none at all: the exchange chooses, which gives orders alone.
        dialect: whose names to use.

    Raises:
        ConfigurationError: the dialect has no name for a channel.
    """
    parts = urlsplit(base)
    query = [parts.query] if parts.query else []
    query.append(f"market={quote(market, safe='')}")
    if words := _subscriptions(channels, dialect):
        # Whether percent-encoded commas are understood is not documented (section 12, 19).
        query.append(f"subscriptions={','.join(words)}")
    return urlunsplit(parts._replace(path=parts.path or "/", query="&".join(query), fragment=""))


class RailsRequests:
    """Makes the frames of one connection; each comes after its ``clientRequestId`` (section 3).

    Args:
        market: the connection's, or ``ALL``. Only then a request names its market (section 2).
        dialect: whose names to use.
        make_id: returns a new UUID as text.
        modify_names: the members of ``modifyOrder``'s content, where they are not :data:`MODIFY_NAMES`.

    Raises:
        ConfigurationError: ``modify_names`` names something else than these, or twice the same.
    """

    def __init__(
        self,
        *,
        market: str,
        dialect: Dialect,
        make_id: Callable[[], str],
        modify_names: Mapping[str, str] | None = None,
    ) -> None:
        self._market, self._dialect, self._make_id = market, dialect, make_id
        self._modify_names = _checked_names({} if modify_names is None else modify_names)
        self._asked: dict[str, tuple[Channel, str]] = {}
        """Snapshot requests of this socket by their ids, also those answered: an answer may be of several frames."""
        self._waiting: dict[tuple[Channel, str], str] = {}
        """Those not answered yet, the last one of each kind and market."""

    def opened(self) -> None:
        """A new socket: nothing that comes answers what was asked before."""
        self._asked.clear()
        self._waiting.clear()

    # -- streams

    def subscribe(self, channels: Iterable[Channel]) -> tuple[str, Frame]:
        """Ask for streams (section 3.1). Raises ConfigurationError where the dialect has no name for one."""
        return self._frame("subscribe", {"subscriptions": _subscriptions(channels, self._dialect)})

    def unsubscribe(self, channels: Iterable[Channel]) -> tuple[str, Frame]:
        """Ask for the end of streams (section 3.2). Otherwise like :meth:`subscribe`."""
        return self._frame("unsubscribe", {"subscriptions": _subscriptions(channels, self._dialect)})

    def ping(self) -> tuple[str, Frame]:
        """Ask for a sign of life on the way that data takes (section 3.4)."""
        return self._frame("ping", {})

    def snapshot(self, channel: Channel, market: str | None = None) -> tuple[str, Frame]:
        """Ask for the whole book, or for the latest public trades (sections 3.5 and 3.6).

        Raises:
            ConfigurationError: there are no snapshots of ``channel``, or ``market`` is not one of this connection.
        """
        request = self._dialect.names.requests.get(channel)
        if request is None:
            raise ConfigurationError(f"Rails has no snapshot of {channel}, only of the book and trades")
        request_id, frame = self._frame(request, self._placed(market))
        asked = channel, market or self._market
        self._asked[request_id] = asked
        self._waiting[asked] = request_id
        if len(self._asked) > _REMEMBERED:
            del self._asked[next(iter(self._asked))]
        return request_id, frame

    def word_of(self, channel: Channel) -> str:
        """The name of the request for a snapshot of ``channel``."""
        return self._dialect.names.requests[channel]

    def give_up(self, request_id: str) -> None:
        """Nobody waits for this snapshot any more; one that names the request is still understood."""
        asked = self._asked.get(request_id)
        if asked is not None and self._waiting.get(asked) == request_id:
            del self._waiting[asked]

    def market_of(self, channel: Channel, request_id: str | None) -> str | None:
        """The market that a snapshot, which names none, was asked for.

        By the request's id, else that of the only request of this kind that waits; None if neither tells.
        """
        asked = self._asked.get(request_id) if request_id is not None else None
        if asked is not None:
            return asked[1] if asked[0] is channel else None
        markets = [market for kind, market in self._waiting if kind is channel]
        return markets[0] if len(markets) == 1 else None

    def answered(self, channel: Channel, market: str, request_id: str | None) -> None:
        """A snapshot came."""
        if request_id is None or self._waiting.get((channel, market)) == request_id:
            self._waiting.pop((channel, market), None)

    # -- commands

    def create_order(
        self,
        *,
        side: str,
        type: str,
        price: Decimal | str,
        quantity: Decimal | str,
        market: str | None = None,
        post_only: bool | None = None,
        max_slippage: Decimal | str | None = None,
        leverage: Decimal | str | None = None,
    ) -> tuple[str, Frame]:
        """Place an order (section 3.7). What is None is not sent.

        Args:
            side: ``buy`` or ``sell``.
            type: ``limit`` or ``market``.
            price: of a market order the price expected.
            quantity: how much.
            market: on a connection for ALL.
            post_only: limit orders only.
            max_slippage: market orders only, 0 to 1.
            leverage: of the oldest generation of the documents (G1); later ones have ``updateLeverage``.

        Raises:
            ConfigurationError: ``market`` is not one of this connection.
        """
        content: dict[str, Any] = self._placed(market)
        content |= {"price": _plain(price), "quantity": _plain(quantity), "orderType": side, "tradeType": type}
        if post_only is not None:
            content["postOnly"] = post_only
        if max_slippage is not None:
            content["maxSlippage"] = _plain(max_slippage)
        if leverage is not None:
            content["leverage"] = _plain(leverage)
        return self._frame("createOrder", content)

    def modify_order(
        self,
        order_id: str,
        *,
        price: Decimal | str | None = None,
        quantity: Decimal | str | None = None,
        market: str | None = None,
    ) -> tuple[str, Frame]:
        """Replace an order by one with a new id (section 3.9); the names of the content are provisional.

        Raises:
            ConfigurationError: ``market`` is not one of this connection.
        """
        names, content = self._modify_names, self._placed(market)
        content[names["order_id"]] = order_id
        if price is not None:
            content[names["price"]] = _plain(price)
        if quantity is not None:
            content[names["quantity"]] = _plain(quantity)
        return self._frame("modifyOrder", content)

    def cancel_order(self, order_id: str, *, market: str | None = None) -> tuple[str, Frame]:
        """Cancel an order by its id (section 3.8). Raises ConfigurationError: ``market`` is not of this connection."""
        return self._frame("cancelOrder", {**self._placed(market), "orderId": order_id, "cancelBy": "orderId"})

    def update_leverage(self, leverage: Decimal | str, *, market: str | None = None) -> tuple[str, Frame]:
        """Set the account's leverage (section 3.10), which is that of all markets.

        ``market`` is sent on a connection for ALL where it is given: whether it is wanted there is not documented.

        Raises:
            ConfigurationError: ``market`` is not one of this connection.
        """
        content = {} if market is None else self._placed(market)
        return self._frame("updateLeverage", {**content, "leverage": _plain(leverage)})

    def _placed(self, market: str | None) -> dict[str, Any]:
        """What names the market: nothing where the connection does."""
        if self._market != ALL:
            if market not in (None, self._market):
                raise ConfigurationError(
                    f"this connection is for {self._market}, not for {market}; make another client for it, or one"
                    " with market='ALL'",
                    argument="market",
                )
            return {}
        if market is None or market == ALL:
            raise ConfigurationError("market must name one, like 'BTC-USD', on a connection for ALL", argument="market")
        return {"market": market}

    def _frame(self, message: str, content: Mapping[str, Any]) -> tuple[str, Frame]:
        request_id = self._make_id()
        data = msgspec.json.encode({"message": message, "content": {"clientRequestId": request_id, **content}})
        return request_id, Frame(data, shown=data)


def _plain(number: Decimal | str) -> str:
    """Without exponent, all digits as given."""
    return number if isinstance(number, str) else f"{number:f}"


def _checked_names(given: Mapping[str, str]) -> dict[str, str]:
    is_text = isinstance(given, Mapping) and all(isinstance(one, str) and one for pair in given.items() for one in pair)
    if not is_text:
        raise ConfigurationError(
            f"modify_names must be a mapping of text to text, like {{'price': 'newPrice'}}, not {given!r}",
            argument="modify_names",
        )
    strays = sorted(set(given) - set(MODIFY_NAMES))
    if strays:
        raise ConfigurationError(
            f"modify_names may name {', '.join(MODIFY_NAMES)}, not {', '.join(strays)}", argument="modify_names"
        )
    names = {**MODIFY_NAMES, **given}
    if len({*names.values(), "clientRequestId", "market"}) < len(names) + 2:
        raise ConfigurationError(
            f"modify_names must be of different names, none of them clientRequestId or market, not {given!r}",
            argument="modify_names",
        )
    return names
