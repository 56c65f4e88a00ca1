"""Flash exchange of the spot exchange (spot schema, section 6): one asset for another at once, at the last price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_UP, Decimal
from functools import partial
from typing import Any

from bigone_sync.testing._book import LOT, utc
from bigone_sync.testing._checks import Refused, check_multiple, rounded
from bigone_sync.testing._connection import Connection
from bigone_sync.testing._ledger import ZERO
from bigone_sync.testing._spot_answers import Answers, Handler
from bigone_sync.testing._spot_hub import Hub, Key
from bigone_sync.testing._spot_requests import Request
from bigone_sync.testing._spot_venue import Venue
from bigone_sync.testing._spot_wire import SpotWire, decimal_text, time_text, zero_text
from bigone_sync.testing.market import FIRST_ID

__all__ = ["FlashDesk", "FlashOrder"]

_KEY = Key("flash_orders")
_PRICE_STEP = Decimal("0.000000000001")
# As large as other ids, so that a client that reads them as floats shows.
_CUSTOMER_ID = FIRST_ID - 1_000
_DEALER_ID = FIRST_ID - 2_000


@dataclass(frozen=True, slots=True)
class FlashOrder:
    """One state of a flash exchange. ``price`` is what one unit of the exchanged asset costs in the other."""

    id: int
    pay_asset: str
    exchange_asset: str
    exchange_amount: Decimal
    estimated_pay_amount: Decimal
    pay_amount: Decimal
    price: Decimal
    status: str
    customer_id: int
    dealer_id: int
    created_ns: int
    updated_ns: int

    @property
    def created_at(self) -> datetime:
        """Aware UTC time of the order."""
        return utc(self.created_ns)

    @property
    def updated_at(self) -> datetime:
        """Aware UTC time of this state."""
        return utc(self.updated_ns)


class FlashDesk:
    """Exchanges the account's assets and tells of it; used on the exchange's loop only."""

    def __init__(self, venue: Venue, hub: Hub, wire: SpotWire, answers: Answers) -> None:
        self.handlers: Mapping[str, Handler] = {
            "subscribeFlashExchangeOrdersRequest": self._subscribe,
            "unsubscribeFlashExchangeOrdersRequest": answers.unsubscribe_from(_KEY.channel),
        }
        self.orders: list[FlashOrder] = []
        self._venue = venue
        self._hub = hub
        self._wire = wire
        self._answers = answers

    def exchange(self, pay_asset: str, exchange_asset: str, amount: Decimal) -> int:
        """Buy ``amount`` of an asset for another, in two states: UNSPECIFIED, and COMPLETED once it is paid.

        Raises:
            Refused: there is no price for the two, the amount is not positive, or the account cannot pay.
        """
        check_multiple("amount", amount, LOT)
        price = self._price(pay_asset, exchange_asset)
        cost = rounded(amount * price, LOT, ROUND_UP)
        ledger = self._venue.ledger
        if cost > ledger.balance(pay_asset).available:
            raise Refused(f"not enough {pay_asset}: {cost} needed, {ledger.balance(pay_asset).available} available")
        now_ns = self._venue.now_ns()
        order = FlashOrder(
            id=next(self._venue.ids),
            pay_asset=pay_asset,
            exchange_asset=exchange_asset,
            exchange_amount=amount,
            estimated_pay_amount=cost,
            pay_amount=ZERO,
            price=price,
            status="UNSPECIFIED",
            customer_id=_CUSTOMER_ID,
            dealer_id=_DEALER_ID,
            created_ns=now_ns,
            updated_ns=now_ns,
        )
        self._publish(order)
        ledger.add(pay_asset, -cost)
        ledger.add(exchange_asset, amount)
        completed = replace(order, pay_amount=cost, status="COMPLETED", updated_ns=max(now_ns, self._venue.now_ns()))
        self.orders.append(completed)
        self._publish(completed)
        self._venue.publish_balances()
        return order.id

    def _price(self, pay_asset: str, exchange_asset: str) -> Decimal:
        for name, upside_down in ((f"{exchange_asset}-{pay_asset}", False), (f"{pay_asset}-{exchange_asset}", True)):
            listing = self._venue.listings.get(name)
            if listing is not None and listing.engine.last_price is not None:
                last = listing.engine.last_price
                return rounded(1 / last, _PRICE_STEP) if upside_down else last
        raise Refused(f"no price of {exchange_asset} in {pay_asset}")

    def _subscribe(self, connection: Connection, request: Request) -> None:
        """Answer with the latest ``limit`` orders, only those from ``startOrderId`` on if it is given."""
        start, limit = request.params["startOrderId"], request.params["limit"]
        self._answers.subscribe(
            connection,
            request,
            [_KEY],
            "flashExchangeOrdersSnapshot",
            lambda: self._snapshot([order for order in self.orders if order.id >= start][-limit:]),
        )

    def _publish(self, order: FlashOrder) -> None:
        self._hub.publish(_KEY, "flashExchangeOrderUpdate", partial(self._update, order))

    def _snapshot(self, orders: list[FlashOrder]) -> str:
        return self._wire.render({"flashExchangeOrders": [self._order(order) for order in orders]})

    def _update(self, order: FlashOrder) -> str:
        return self._wire.render({"flashExchangeOrder": self._order(order)})

    def _order(self, order: FlashOrder) -> dict[str, Any]:
        return {
            "id": self._wire.integer(order.id),
            "exchangeAssetSymbol": order.exchange_asset,
            "payAssetSymbol": order.pay_asset,
            "customerId": self._wire.integer(order.customer_id),
            "dealerCid": self._wire.integer(order.dealer_id),
            "exchangeAmount": decimal_text(order.exchange_amount),
            "estimatedPayAmount": decimal_text(order.estimated_pay_amount),
            "payAmount": zero_text(order.pay_amount),
            "status": order.status,
            "createdAt": time_text(order.created_ns),
            "updatedAt": time_text(order.updated_ns),
            "price": decimal_text(order.price),
        }
