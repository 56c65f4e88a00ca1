"""Orders over the spot socket (spot schema, section 4).

The schema has no reply for them, and no document says how the exchange answers. So this exchange can do either of
what is likely: ``success``, or the state of the orders concerned, always under the id of the request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from bigone_sync.testing._book import LOT
from bigone_sync.testing._checks import MOST, Refused
from bigone_sync.testing._connection import Connection
from bigone_sync.testing._spot_answers import Answers, Handler
from bigone_sync.testing._spot_faults import Faults
from bigone_sync.testing._spot_hub import Hub
from bigone_sync.testing._spot_requests import Request
from bigone_sync.testing._spot_venue import Listing, Venue
from bigone_sync.testing._spot_wire import SpotWire, decimal_text
from bigone_sync.testing.market import TICK

__all__ = ["MIN_QUOTE_VALUE", "ORDER_REPLIES", "OrderDesk", "scale"]

ORDER_REPLIES = ("success", "order")
"""How a request that was carried out is answered."""

MIN_QUOTE_VALUE = Decimal("0.01")
"""What an order with a price must be worth."""
_MARKET_PRICE = "MARKET"
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?")


class _Done(NamedTuple):
    """What a request has changed, not yet published, and the answer that tells it."""

    listings: list[Listing]
    member: str
    body: str


class OrderDesk:
    """Takes and cancels orders of the account; used on the exchange's loop only.

    Args:
        replies: one of `ORDER_REPLIES`.

    Raises:
        ValueError: it is none of them.
    """

    def __init__(
        self, venue: Venue, hub: Hub, wire: SpotWire, faults: Faults, answers: Answers, *, replies: str
    ) -> None:
        if replies not in ORDER_REPLIES:
            raise ValueError(f"order_replies must be one of {', '.join(ORDER_REPLIES)}: {replies!r}")
        self.handlers: Mapping[str, Handler] = {
            "createOrderRequest": self._answering(self._create),
            "cancelOrderRequest": self._answering(self._cancel),
            "cancelAllOrdersRequest": self._answering(self._cancel_all),
            "listMarketsRequest": self._list_markets,
        }
        self._venue = venue
        self._hub = hub
        self._wire = wire
        self._faults = faults
        self._answers = answers
        self._replies = replies

    def _answering(self, work: Callable[[Mapping[str, Any]], _Done]) -> Handler:
        """A handler that does the work, answers, and only then lets the streams tell of it."""

        def handle(connection: Connection, request: Request) -> None:
            lost = self._faults.lost_replies
            answer = not lost.take()
            if not answer and lost.drop:
                # Before the work, so that not even its updates can get through.
                connection.drop()
                self._hub.remove(connection)
            if not answer and not lost.carry_out:
                return
            try:
                done = work(request.params)
            except Refused as error:
                if answer:
                    self._answers.refuse(connection, request, str(error))
                return
            if answer:
                self._reply(connection, request, done)
            for listing in done.listings:
                self._venue.commit(listing)

        return handle

    def _reply(self, connection: Connection, request: Request, done: _Done) -> None:
        if self._replies == "success":
            self._answers.succeed(connection, request)
        else:
            self._hub.answer(connection, request.id, done.member, done.body)

    def _create(self, params: Mapping[str, Any]) -> _Done:
        """Place a limit or market order, with or without a stop price; what ``hidden`` does is not described."""
        market_order, waits = params["price"] == _MARKET_PRICE, bool(params["stopPrice"])
        amount = _decimal("amount", params["amount"])
        price = None if market_order else _decimal("price", params["price"])
        if price is not None and 0 < price * amount < MIN_QUOTE_VALUE:
            raise Refused(f"price times amount must be at least {MIN_QUOTE_VALUE}")
        listing = self._venue.at(params["market"])
        order_id = listing.engine.place(
            params["side"],
            amount,
            price=price,
            type=("STOP_" if waits else "") + ("MARKET" if market_order else "LIMIT"),
            ioc=params["immediateOrCancel"],
            own=True,
            stop_price=_decimal("stopPrice", params["stopPrice"]) if waits else None,
            must_be_payable=True,
        )
        return self._one(listing, order_id)

    def _cancel(self, params: Mapping[str, Any]) -> _Done:
        listing = self._venue.listing_of_order(params["orderId"])
        order_id = int(params["orderId"])
        if not listing.engine.cancel(order_id):
            raise Refused(f"order {order_id} is {listing.engine.own_order(order_id).state}")
        return self._one(listing, order_id)

    def _cancel_all(self, params: Mapping[str, Any]) -> _Done:
        """Cancel every open order in some markets or, with an empty list, in all; margin orders too."""
        names = [name for name in params["markets"] or self._venue.listings if name in self._venue.listings]
        listings = [self._venue.at(name) for name in dict.fromkeys(names)]
        cancelled = [
            listing.engine.own_order(int(order.id))
            for listing in listings
            for order in listing.engine.own_orders()
            if listing.engine.cancel(int(order.id))
        ]
        return _Done(listings, "ordersSnapshot", self._wire.orders(cancelled))

    def _one(self, listing: Listing, order_id: int) -> _Done:
        return _Done([listing], "orderUpdate", self._wire.order(listing.engine.own_order(order_id)))

    def _list_markets(self, connection: Connection, request: Request) -> None:
        markets = [
            {
                "name": name,
                "baseAsset": name.partition("-")[0],
                "quoteAsset": name.partition("-")[2],
                "baseScale": scale(LOT),
                "quoteScale": scale(TICK),
                "minQuoteValue": decimal_text(MIN_QUOTE_VALUE),
            }
            for name in self._venue.markets()
        ]
        self._hub.answer(connection, request.id, "listMarketsResponse", self._wire.render({"markets": markets}))


def _decimal(name: str, text: str) -> Decimal:
    """A decimal of the schema that can be counted with; what else Python takes for a number is refused."""
    if _DECIMAL.fullmatch(text) is None:
        raise Refused(f"{name} must be a decimal: {text!r}")
    value = Decimal(text)
    if value > MOST:
        raise Refused(f"{name} must be at most {MOST}")
    return value


def scale(step: Decimal) -> int:
    """How many digits after the point a multiple of ``step`` has."""
    exponent = step.as_tuple().exponent
    assert isinstance(exponent, int)
    return -exponent
