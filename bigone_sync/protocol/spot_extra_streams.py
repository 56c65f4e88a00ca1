"""Margin accounts, exchange rates, flash exchange orders and cost prices on the spot socket (spot schema, section 6).

From the official schema; not described in the documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ..enums import Channel
from ..errors import ConfigurationError
from ..events import CostPrice, ExchangeRate, FlashOrder, SubscriptionKey
from . import spot_extra_events as convert
from .base import Item, Parting, Request, Route
from .memory import FlashMemory
from .messages import Message, WireExchangeRates
from .spot_context import Handler, StreamKind
from .spot_streams import DEFAULT_LIMIT, ListedStreams, SingleStream

__all__ = ["CostPriceStreams", "ExchangeRateStreams", "FlashOrderStreams", "MarginAccountStreams"]


class MarginAccountStreams(SingleStream):
    """All margin accounts, then one market at a time."""

    make = staticmethod(convert.margin_event)

    def handlers(self) -> dict[str, Handler]:
        """Snapshot and update."""
        return {"marginAccountsSnapshot": self.snapshot, "marginAccountUpdate": self.update}


class ExchangeRateStreams(ListedStreams):
    """Routed by base and quote asset.

    A connection carries one list, of one quote: the end of it names nothing, so it cannot tell two lists apart (spot
    schema, section 6).  What is asked for is therefore always the whole list.
    """

    channel = Channel.EXCHANGE_RATES

    def handlers(self) -> dict[str, Handler]:
        """Snapshot and update."""
        return {"exchangeRatesListSnapshot": self.snapshot, "exchangeRatesListUpdate": self.update}

    def admit(self, keys: Sequence[SubscriptionKey]) -> None:
        """All of one quote."""
        quotes = dict.fromkeys(_quote(key) for key in [*(route.key for route in self.routes.values()), *keys])
        if len(quotes) > 1:
            there, wanted = [*quotes][:2]
            raise ConfigurationError(
                f"exchange rates in {wanted} do not go together with those in {there}: a connection carries one list,"
                f" of one quote; use a second client for {wanted}",
                argument="quote",
            )

    def groups(self, routes: Sequence[Route]) -> list[list[Route]]:
        """The whole list."""
        return [list(self.routes.values())] if routes else []

    def parting(self, routes: Sequence[Route]) -> Parting:
        """The list without ``routes``; the end of it if nothing is left."""
        rest = tuple(route for route in self.routes.values() if route not in routes)
        return Parting((), rest) if rest else Parting((tuple(routes),))

    def apart(self, request: Request) -> tuple[tuple[Route, ...], ...]:
        """What the exchange gave before; if it gave all or none, the list itself is refused."""
        refused = self.refused(request)
        before = tuple(route for route in refused if route.granted)
        return (before,) if 0 < len(before) < len(refused) else ()

    def read(self, message: Message, at: float, items: list[Item], *, snapshot: bool) -> list[ExchangeRate]:
        """The rates of the list."""
        rates: WireExchangeRates = message.body
        make = partial(convert.rate_event, rates)
        return self.context.each(message.kind, rates.base_assets, make, at, items, snapshot=snapshot)

    def places(self, event: ExchangeRate) -> tuple[str, ...]:
        """Its pair's."""
        return (f"{event.base_asset}-{event.quote_asset}",)

    def waiting(self, events: Sequence[Any]) -> list[Route]:
        """Whoever waits, waits for the one list."""
        return [route for route in self.routes.values() if route.request_id]


class FlashOrderStreams(StreamKind):
    """One stream."""

    def memory(self, limit: int | None) -> FlashMemory:
        """The newest order."""
        return FlashMemory()

    def handlers(self) -> dict[str, Handler]:
        """Snapshot and update."""
        return {"flashExchangeOrdersSnapshot": self.snapshot, "flashExchangeOrderUpdate": self.update}

    def snapshot(self, message: Message, at: float, items: list[Item]) -> None:
        """The latest, oldest first."""
        context = self.context
        orders: list[FlashOrder] = context.events(message, convert.flash_event, at, items, snapshot=True)
        route = self.routes.get(None)
        if route is None:
            context.unrouted += 1
            return
        context.requests.answered(message, route, items)
        ordered, hole = route.memory.snapshot(orders, route.limit or DEFAULT_LIMIT)
        context.missing(route, hole, "the new snapshot does not reach back to the last order seen", at, items)
        if ordered:
            items.append((route, ordered))

    def update(self, message: Message, at: float, items: list[Item]) -> None:
        """One order's new state."""
        route = self.routes.get(None)
        for order in self.context.events(message, convert.flash_event, at, items, snapshot=False):
            if route is None:
                self.context.unrouted += 1
            else:
                route.memory.update(order)
                items.append((route, [order]))


class CostPriceStreams(ListedStreams):
    """Routed by the asset's UUID, in lower case, as it is asked for."""

    channel = Channel.COST_PRICES

    def place(self, route: Route) -> str | None:
        """The asset."""
        return route.key.asset

    def handlers(self) -> dict[str, Handler]:
        """Snapshot and update."""
        return {"spotCostPriceSnapshot": self.snapshot, "spotCostPriceUpdate": self.update}

    def read(self, message: Message, at: float, items: list[Item], *, snapshot: bool) -> list[CostPrice]:
        """The cost prices."""
        return self.context.events(message, convert.cost_event, at, items, snapshot=snapshot)

    def places(self, event: CostPrice) -> tuple[str, ...]:
        """Its asset's."""
        return (event.asset.lower(),)


def _quote(key: SubscriptionKey) -> str:
    return (key.market or "").partition("-")[2]
