"""Requests of the spot socket: names, parameters, ids, and which of them wait (spot protocol, section 2)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ..enums import Channel
from ..events import LevelText, SubscriptionKey
from .base import Command, Frame, Item, Reply, Request, Route
from .messages import Message

__all__ = ["Codec", "Requests"]

# Stands for the token in what may be shown.
_REDACTED = "***"

_STREAMS: Mapping[Channel, str] = {
    Channel.DEPTH: "MarketDepth",
    Channel.TRADES: "MarketTrades",
    Channel.TICKER: "MarketsTicker",
    Channel.CANDLES: "MarketCandles",
    Channel.ACCOUNTS: "ViewerAccounts",
    Channel.ORDERS: "ViewerOrders",
    Channel.MARGIN_ACCOUNTS: "ViewerMarginAccounts",
    Channel.EXCHANGE_RATES: "ExchangeRatesList",
    Channel.FLASH_ORDERS: "FlashExchangeOrders",
    Channel.COST_PRICES: "SpotCostPrice",
}


class Codec(Protocol):
    """Bytes to neutral messages and back."""

    subprotocol: str
    binary: bool
    enveloped: bool
    """Whether the update stands in the member ``depth_update`` of what :attr:`hot` returns, which is then nothing that
    the levels could be made of: they are made of the frame, else of what ``hot`` returns."""
    not_hot: tuple[type[Exception], ...]
    hot: Callable[[bytes], Any]
    """Looks for a depth update in its usual form.

    Returns it with ``depth.market``, ``change_id`` and ``prev_id``, its levels checked but not made; an envelope may
    hold None instead.  Raises one of ``not_hot`` where :meth:`decode` must look.
    """

    def asks_of(self, frame: Any) -> tuple[LevelText, ...]:
        """The asks of an update that ``hot`` has checked."""

    def bids_of(self, frame: Any) -> tuple[LevelText, ...]:
        """The bids of an update that ``hot`` has checked."""

    def encode(self, request_id: str, name: str, parameters: Mapping[str, Any]) -> bytes:
        """A request."""

    def decode(self, data: bytes) -> Message:
        """Any response; raises CodecError."""


class Requests:
    """Makes requests and knows which of them wait for an answer."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._ids = itertools.count(1)
        self._waiting: dict[str, Request] = {}

    def clear(self) -> None:
        """A new connection: nothing waits any more. Ids go on, so that a late answer meets no new request."""
        self._waiting.clear()

    def make(
        self, command: Command, name: str, parameters: Mapping[str, Any], routes: Sequence[Route] = ()
    ) -> tuple[Request, Frame]:
        """A request and its frame."""
        request = Request(str(next(self._ids)), command, name, tuple(routes))
        # Registered before anybody can send the frame: an answer never meets an unknown id.
        self._waiting[request.id] = request
        data = self._codec.encode(request.id, name, parameters)
        shown = data
        if "token" in parameters:
            shown = self._codec.encode(request.id, name, {**parameters, "token": _REDACTED})
        return request, Frame(data, self._codec.binary, shown)

    def subscribe(self, routes: Sequence[Route]) -> tuple[Request, Frame]:
        """Ask for streams of one channel."""
        name = _name("subscribe", routes[0].key)
        request, frame = self.make(Command.SUBSCRIBE, name, _parameters(routes, begin=True), routes)
        for route in routes:
            route.request_id = request.id
        return request, frame

    def unsubscribe(self, routes: Sequence[Route]) -> tuple[Request, Frame]:
        """Ask for the end of streams of one channel."""
        for route in routes:
            route.request_id = None
        name = _name("unsubscribe", routes[0].key)
        return self.make(Command.UNSUBSCRIBE, name, _parameters(routes, begin=False), routes)

    def take(self, request_id: str, command: Command | None = None) -> Request | None:
        """The request of this id, which waits no more; only one of this ``command``, where there is one."""
        request = self._waiting.get(request_id)
        if request is None or command not in (None, request.command):
            return None
        return self._waiting.pop(request_id)

    def routes_of(self, message: Message) -> tuple[Route, ...]:
        """The streams that a snapshot's request asked for; none if it does not wait for an answer."""
        request = self._waiting.get(message.request_id)
        return request.routes if request is not None and request.command is Command.SUBSCRIBE else ()

    def answered(self, message: Message, route: Route, items: list[Item]) -> None:
        """Resolve the request that a snapshot answers: by its id, else by the route that waits for it."""
        request = self._waiting.get(message.request_id)
        if request is None or request.command is not Command.SUBSCRIBE or route not in request.routes:
            request = self._waiting.get(route.request_id) if route.request_id else None
        if request is not None:
            del self._waiting[request.id]
            for waiting in request.routes:
                waiting.granted = True
                if waiting.request_id == request.id:
                    waiting.request_id = None
            items.append((None, Reply(request)))


def _name(verb: str, key: SubscriptionKey) -> str:
    everything = "All" if key.channel == Channel.ORDERS and key.market is None else ""
    return f"{verb}{everything}{_STREAMS[key.channel]}Request"


def _markets(keys: Sequence[SubscriptionKey], begin: bool) -> dict[str, Any]:
    """An empty list means all markets (spot protocol, section 6.2)."""
    return {"markets": [key.market for key in keys if key.market is not None]}


def _rates(keys: Sequence[SubscriptionKey], begin: bool) -> dict[str, Any]:
    """A connection has one list, so the end of it names nothing (spot schema, section 6)."""
    pairs = [(key.market or "").split("-") for key in keys]
    return {"quote": pairs[0][1], "bases": [base for base, _ in pairs]} if begin else {}


def _assets(keys: Sequence[SubscriptionKey], begin: bool) -> dict[str, Any]:
    """Spot schema, section 6."""
    return {"assetUuids": [key.asset for key in keys]}


_LISTS: Mapping[Channel, Callable[[Sequence[SubscriptionKey], bool], dict[str, Any]]] = {
    Channel.TICKER: _markets,
    Channel.EXCHANGE_RATES: _rates,
    Channel.COST_PRICES: _assets,
}


def _parameters(routes: Sequence[Route], *, begin: bool) -> dict[str, Any]:
    key = routes[0].key
    if key.channel in _LISTS:
        return _LISTS[key.channel]([route.key for route in routes], begin)
    parameters: dict[str, Any] = {}
    if key.market is not None:
        parameters["market"] = key.market
    if key.period is not None:
        parameters["period"] = key.period.value
    if key.unit is not None:
        parameters["businessUnit"] = key.unit.value
    if begin and routes[0].limit is not None:
        parameters["limit"] = routes[0].limit
    return parameters
