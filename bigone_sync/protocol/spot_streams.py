"""Trades, tickers, candles, accounts and orders on the spot socket (spot protocol, sections 6.2 to 7.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..enums import BusinessUnit, Channel
from ..events import Candle, Order, Ticker, Trade
from . import spot_events as convert
from .base import Item, Parting, Route
from .memory import CandleMemory, OrderMemory, TradeMemory
from .messages import Message
from .spot_context import Handler, StreamKind

__all__ = [
    "DEFAULT_LIMIT",
    "AccountStreams",
    "CandleStreams",
    "ListedStreams",
    "OrderStreams",
    "SingleStream",
    "TickerStreams",
    "TradeStreams",
]

DEFAULT_LIMIT = 20
"""What the exchange sends where the request names no limit (spot protocol, sections 6.3 and 6.4)."""
_TRADES_REMEMBERED = 4096


class TradeStreams(StreamKind):
    """Routed by market; each id is let through once."""

    def memory(self, limit: int | None) -> TradeMemory:
        """Ids seen."""
        return TradeMemory(max(_TRADES_REMEMBERED, 4 * (limit or DEFAULT_LIMIT)))

    def handlers(self) -> dict[str, Handler]:
        """Snapshot and update."""
        return {"tradesSnapshot": self.snapshot, "tradeUpdate": self.update}

    def snapshot(self, message: Message, at: float, items: list[Item]) -> None:
        """The new ones among the latest, oldest first."""
        context = self.context
        trades: list[Trade] = context.events(message, convert.trade_event, at, items, snapshot=True)
        route = self.answering(message, (trade.market for trade in trades))
        if route is None:
            context.unrouted += 1
            return
        context.requests.answered(message, route, items)
        ours = [trade for trade in trades if trade.market == route.key.market]
        fresh, hole = route.memory.snapshot(ours, route.limit or DEFAULT_LIMIT)
        context.missing(route, hole, "the new snapshot does not reach back to the last trade seen", at, items)
        if fresh:
            items.append((route, fresh))

    def update(self, message: Message, at: float, items: list[Item]) -> None:
        """One trade."""
        for trade in self.context.events(message, convert.trade_event, at, items, snapshot=False):
            route = self.routes.get(trade.market)
            if route is None:
                self.context.unrouted += 1
            elif route.memory.update(trade):
                items.append((route, [trade]))
            else:
                self.context.duplicates += 1


class ListedStreams(StreamKind):
    """Several streams share a request and its snapshot. Routed by what their events name."""

    is_listed = True
    channel: Channel

    def read(self, message: Message, at: float, items: list[Item], *, snapshot: bool) -> list[Any]:
        """The events of a message."""
        raise NotImplementedError

    def places(self, event: Any) -> tuple[Any, ...]:
        """Where the routes are that get ``event``."""
        raise NotImplementedError

    def waiting(self, events: Sequence[Any]) -> list[Route]:
        """The routes that a snapshot of ``events`` may answer; what it holds tells, where its id does not."""
        places = [place for event in events for place in self.places(event)]
        return [route for place in places if (route := self.routes.get(place)) is not None and route.request_id]

    def snapshot(self, message: Message, at: float, items: list[Item]) -> None:
        """What was asked for; one request may have asked for several streams."""
        events = self.read(message, at, items, snapshot=True)
        requests = self.context.requests
        asked = [route for route in requests.routes_of(message) if route.key.channel == self.channel]
        answered = asked or self.waiting(events)
        if answered:
            requests.answered(message, answered[0], items)
        self._deliver(events, items)

    def update(self, message: Message, at: float, items: list[Item]) -> None:
        """New numbers."""
        self._deliver(self.read(message, at, items, snapshot=False), items)

    def _deliver(self, events: Sequence[Any], items: list[Item]) -> None:
        for event in events:
            routes = [route for place in self.places(event) if (route := self.routes.get(place)) is not None]
            for route in routes:
                items.append((route, [event]))
            self.context.unrouted += not routes


class TickerStreams(ListedStreams):
    """Routed by market, and to whoever wants all markets."""

    channel = Channel.TICKER

    def handlers(self) -> dict[str, Handler]:
        """Snapshot and update."""
        return {"tickersSnapshot": self.snapshot, "tickerUpdate": self.update}

    def groups(self, routes: Sequence[Route]) -> list[list[Route]]:
        """Those by name together; the list of all is an empty one (spot protocol, section 6.2)."""
        named = [route for route in routes if route.key.market is not None]
        return [group for group in (named, [route for route in routes if route.key.market is None]) if group]

    def parting(self, routes: Sequence[Route]) -> Parting:
        """All tickers and those of one market share their subscriptions (spot protocol, section 6.2)."""
        others = [route for route in self.routes.values() if route not in routes]
        if any(other.key.market is None for other in others):
            return Parting(())  # they go on as some of all; what nobody wants is not routed
        everything = any(route.key.market is None for route in routes)
        return Parting(super().parting(routes).unsubscribe, tuple(others) if everything else ())

    def read(self, message: Message, at: float, items: list[Item], *, snapshot: bool) -> list[Ticker]:
        """The tickers."""
        return self.context.events(message, convert.ticker_event, at, items, snapshot=snapshot)

    def places(self, event: Ticker) -> tuple[str | None, ...]:
        """Its market's, and that of all."""
        return event.market, None

    def waiting(self, events: Sequence[Ticker]) -> list[Route]:
        """Those by name first; all may have no market at all."""
        everything = self.routes.get(None)
        found = [route for route in super().waiting(events) if route is not everything]
        return [*found, everything] if everything is not None and everything.request_id else found


class CandleStreams(StreamKind):
    """Routed by market and period."""

    def place(self, route: Route) -> Any:
        """Several periods of one market share the update's envelope."""
        return route.key.market, route.key.period

    def memory(self, limit: int | None) -> CandleMemory:
        """The newest candle."""
        return CandleMemory()

    def handlers(self) -> dict[str, Handler]:
        """Snapshot and update."""
        return {"candlesSnapshot": self.snapshot, "candleUpdate": self.update}

    def snapshot(self, message: Message, at: float, items: list[Item]) -> None:
        """The latest, oldest first."""
        context = self.context
        candles: list[Candle] = context.events(message, convert.candle_event, at, items, snapshot=True)
        route = self.answering(message, ((candle.market, candle.period) for candle in candles))
        if route is None:
            context.unrouted += 1
            return
        context.requests.answered(message, route, items)
        key = route.key
        ours = [candle for candle in candles if candle.market == key.market and candle.period == key.period]
        ordered, hole = route.memory.snapshot(ours)
        context.missing(route, hole, "the new snapshot does not reach back to the last candle seen", at, items)
        if ordered:
            items.append((route, ordered))

    def update(self, message: Message, at: float, items: list[Item]) -> None:
        """The running candle."""
        for candle in self.context.events(message, convert.candle_event, at, items, snapshot=False):
            route = self.routes.get((candle.market, candle.period))
            if route is None:
                self.context.unrouted += 1
            else:
                route.memory.update(candle)
                items.append((route, [candle]))


class SingleStream(StreamKind):
    """One stream: a snapshot of everything, then what changes."""

    make: Callable[..., Any]

    def snapshot(self, message: Message, at: float, items: list[Item]) -> None:
        """Everything."""
        events = self.context.events(message, self.make, at, items, snapshot=True)
        route = self.routes.get(None)
        if route is None:
            self.context.unrouted += 1
            return
        self.context.requests.answered(message, route, items)
        if events:
            items.append((route, events))

    def update(self, message: Message, at: float, items: list[Item]) -> None:
        """One item."""
        route = self.routes.get(None)
        for event in self.context.events(message, self.make, at, items, snapshot=False):
            if route is None:
                self.context.unrouted += 1
            else:
                items.append((route, [event]))


class AccountStreams(SingleStream):
    """All balances, then one asset at a time."""

    make = staticmethod(convert.account_event)

    def handlers(self) -> dict[str, Handler]:
        """Snapshot and update."""
        return {"accountsSnapshot": self.snapshot, "accountUpdate": self.update}


class OrderStreams(StreamKind):
    """Routed by market and business unit, and to whoever wants all markets."""

    def place(self, route: Route) -> Any:
        """Market, or None for all, and unit."""
        return route.key.market, route.key.unit or BusinessUnit.SPOT

    def memory(self, limit: int | None) -> OrderMemory:
        """The newest word on each order."""
        return OrderMemory()

    def handlers(self) -> dict[str, Handler]:
        """Snapshot and update."""
        return {"ordersSnapshot": self.snapshot, "orderUpdate": self.update}

    def snapshot(self, message: Message, at: float, items: list[Item]) -> None:
        """A market's orders."""
        context = self.context
        orders: list[Order] = context.events(message, convert.order_event, at, items, snapshot=True)
        route = self.answering(message, ((order.market, order.business_unit) for order in orders))
        if route is None:
            context.unrouted += 1
            return
        context.requests.answered(message, route, items)
        fresh = [order for order in orders if route.memory.accept(order)]
        context.duplicates += len(orders) - len(fresh)
        if fresh:
            items.append((route, fresh))

    def update(self, message: Message, at: float, items: list[Item]) -> None:
        """One order's new state."""
        for order in self.context.events(message, convert.order_event, at, items, snapshot=False):
            self.route(order, items)

    def route(self, order: Order, items: list[Item]) -> None:
        """To whom an order is news."""
        routes = self._routes(order)
        for route in routes:
            if route.memory.accept(order):
                items.append((route, [order]))
            else:
                self.context.duplicates += 1
        self.context.unrouted += not routes

    def _routes(self, order: Order) -> list[Route]:
        places = ((order.market, order.business_unit), (None, order.business_unit))
        found = [self.routes[place] for place in places if place in self.routes]
        # Of a unit that nobody asked for, or of one with a new name: an own order is rather told to the next best
        # listener, who sees its unit, than lost.
        return found or [route for (market, _), route in self.routes.items() if market in (order.market, None)]
