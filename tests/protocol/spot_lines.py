"""One side of a conversation with the exchange, spoken to a protocol without any socket."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from bigone_sync.enums import CandlePeriod, Channel
from bigone_sync.errors import BigOneError
from bigone_sync.events import Event, PriceLevel, SubscriptionKey
from bigone_sync.protocol.base import Control, Item, Missing, Problem, Reply, Request, Route
from bigone_sync.protocol.spot import SpotProtocol
from bigone_sync.protocol.spot_json import JsonCodec

MARKET = "BTC-USDT"
AT = 1700000000.25


def utc(*parts: int) -> datetime:
    """An aware UTC time."""
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc,arg-type]


def level(price: str, amount: str, count: int = 0) -> PriceLevel:
    return PriceLevel(Decimal(price), Decimal(amount), count)


class Line:
    """A protocol, its routes and short ways to talk to it."""

    def __init__(self, connection: str = "spot/depth") -> None:
        self.protocol = SpotProtocol(JsonCodec(), connection=connection)

    def add(
        self,
        channel: Channel,
        market: str | None = None,
        period: CandlePeriod | None = None,
        *,
        limit: int | None = None,
    ) -> Route:
        return self.protocol.add(SubscriptionKey(channel, market, period), limit=limit)

    def subscribed(
        self,
        channel: Channel,
        market: str | None = None,
        period: CandlePeriod | None = None,
        *,
        limit: int | None = None,
    ) -> Route:
        """A route whose request was sent and not answered yet."""
        route = self.add(channel, market, period, limit=limit)
        self.protocol.subscribe([route])
        return route

    def send(self, *messages: Any, at: float = AT) -> list[Item]:
        """What the protocol makes of ``messages``: dicts, or frames as they are, in one read."""
        return self.protocol.receive([frame(message) for message in messages], at)

    def events(self, *messages: Any) -> list[tuple[Route, Event]]:
        """The events of ``messages``, and nothing but events."""
        found: list[tuple[Route, Event]] = []
        for route, what in self.send(*messages):
            assert route is not None, what
            assert isinstance(what, Sequence)
            found.extend((route, event) for event in what)
        return found

    def one(self, message: Any) -> Event:
        """The only event of ``message``."""
        ((_, event),) = self.events(message)
        return event

    def control(self, message: Any) -> Control:
        """The only, and controlling, item of ``message``."""
        ((route, what),) = self.send(message)
        assert route is None
        assert not isinstance(what, Sequence)
        return what

    def problem(self, message: Any) -> BigOneError:
        """The error of the only Problem in ``message``."""
        control = self.control(message)
        assert isinstance(control, Problem), control
        return control.error


def frame(message: Any) -> bytes:
    return message if isinstance(message, bytes) else json.dumps(message).encode()


def replies(items: Sequence[Item]) -> list[Request]:
    """The requests that ``items`` answer with yes."""
    return [what.request for _, what in items if isinstance(what, Reply) and what.error is None]


def delivered(items: Sequence[Item]) -> list[Event]:
    """All events in ``items``."""
    return [event for route, what in items if route is not None and isinstance(what, Sequence) for event in what]


def holes(items: Sequence[Item]) -> list[Missing]:
    return [what for _, what in items if isinstance(what, Missing)]


def depth_snapshot(change_id: Any = "1", *, market: str = MARKET, request_id: str | None = "1", **sides: Any) -> Any:
    body = {"depth": {"market": market, **sides}, "changeId": change_id}
    return {"requestId": request_id, "depthSnapshot": body}


def depth_update(
    change_id: Any, prev_id: Any, *, market: str = MARKET, request_id: str | None = "1", **sides: Any
) -> Any:
    body = {"depth": {"market": market, **sides}, "changeId": change_id, "prevId": prev_id}
    return {"requestId": request_id, "depthUpdate": body}


def depth_line(change_id: Any = "1") -> tuple[Line, Route]:
    """A line whose depth of MARKET is live at ``change_id``."""
    line = Line()
    route = line.subscribed(Channel.DEPTH, MARKET)
    line.send(depth_snapshot(change_id))
    return line, route


def trade(number: Any, **other: Any) -> Any:
    return {
        "id": number,
        "price": "9.0",
        "amount": "10000.0",
        "market": MARKET,
        "createdAt": "2018-09-12T09:52:37Z",
        "takerSide": "BID",
        **other,
    }


def trades_snapshot(*trades: Any, request_id: str = "1") -> Any:
    return {"requestId": request_id, "tradesSnapshot": {"trades": list(trades)}}


def trade_update(item: Any, request_id: str = "1") -> Any:
    return {"requestId": request_id, "tradeUpdate": {"trade": item}}


def candle(time: str, **other: Any) -> Any:
    return {
        "market": MARKET,
        "time": time,
        "open": "1",
        "high": "3",
        "low": "0.5",
        "close": "2",
        "volume": "7",
        **other,
    }


def order(number: Any = "100234", **other: Any) -> Any:
    return {"id": number, "price": "1000", "amount": "1", "market": MARKET, "side": "BID", "state": "PENDING", **other}


def order_update(item: Any) -> Any:
    return {"requestId": "1", "orderUpdate": {"order": item}}
