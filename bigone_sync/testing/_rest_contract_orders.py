"""Orders, fills and accounts by contract REST (REST protocol, section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

from bigone_sync.testing._book import ASK, BID
from bigone_sync.testing._contract_engine import TYPES
from bigone_sync.testing._contract_private_wire import PrivateWire
from bigone_sync.testing._contract_venue import ContractVenue
from bigone_sync.testing._contract_views import ContractOrderView, FillView
from bigone_sync.testing._contract_wire import Frame
from bigone_sync.testing._rest_call import Call, Handler
from bigone_sync.testing._rest_contract_errors import INVALID_PARAMS, PRICE_OUT_OF_RANGE, ContractRefusal
from bigone_sync.testing._rest_contract_public import PRICE_MAX, terms_of
from bigone_sync.testing._rest_params import Unfit, choice, integer, json_body, names, positive, required, truth

__all__ = ["ContractAccounts"]

_SIDES = {"BUY": BID, "SELL": ASK}
_STATUSES = (
    "NEW", "PARTIALLY_FILLED", "PARTIALLY_CANCELED", "CANCELED", "REJECTED", "FILLED", "UNTRIGGERED", "PENDING_CANCEL",
)  # fmt: skip
_TRADE_SIDES = ("BUY", "SELL", "FUNDING", "ADL_BUY", "ADL_SELL", "TRADING")
_OPTIONS = ("TRIGGERED", "LIQUIDATE", "PROFIT")
_FIELDS = ("symbol", "side", "type", "size", "price", "reduceOnly")
_LIMIT, _MOST_LIMIT = 100, 1_000
_MOST_SIZE = Decimal(10**9)
_MOST_NUMBER = Decimal(10**12)
_MILLISECOND = 1_000_000


class ContractAccounts:
    """What belongs to the one account; used on the exchange's loop only."""

    def __init__(self, venue: ContractVenue, wire: PrivateWire) -> None:
        self.table: list[tuple[str, str, Handler]] = [
            ("GET", "/accounts", self._accounts),
            ("POST", "/orders", self._place),
            ("GET", "/orders", lambda call: self._page(call, self._orders(call))),
            ("GET", "/orders/opening", lambda call: self._page(call, self._opening(call))),
            ("GET", "/orders/count", lambda call: _count(self._orders(call))),
            ("GET", "/orders/opening/count", lambda call: _count(self._opening(call))),
            ("GET", "/orders/{id}", lambda call: self._order_row(self._order(call.parts["id"]))),
            ("DELETE", "/orders/{id}", self._cancel),
            ("GET", "/trades", lambda call: self._page(call, self._fills(call))),
            ("GET", "/trades/count", lambda call: _count(self._fills(call))),
        ]
        self._venue = venue
        self._wire = wire

    def _accounts(self, call: Call) -> list[Frame]:
        """The cash of each currency, and the positions that are settled in it."""
        positions = self._venue.positions().values()
        return [
            {
                "cash": {**self._wire.cash(cash), "readableId": number},
                "positions": [self._wire.position(one) for one in positions if one.currency == currency],
            }
            for number, (currency, cash) in enumerate(self._venue.cash().items(), 1)
        ]

    # -- orders -------------------------------------------------------------------------------------------------

    def _place(self, call: Call) -> Frame:
        body = json_body(call)
        if not isinstance(body, dict) or set(body) - set(_FIELDS):
            raise Unfit("an order is expected")
        terms = terms_of(self._venue, required(body, "symbol"))
        side, type = required(body, "side"), required(body, "type")
        choice(body, "side", _SIDES)
        choice(body, "type", TYPES)
        size, price = positive(body, "size", _MOST_SIZE), positive(body, "price", _MOST_NUMBER)
        if size is None:
            raise Unfit("size is expected")
        if price is not None and not terms.tick <= price <= PRICE_MAX:
            raise ContractRefusal(400, PRICE_OUT_OF_RANGE)
        reduce_only = truth(body, "reduceOnly") or False
        try:
            order_id = self._venue.place(terms.symbol, _SIDES[side], size, price, type, reduce_only=reduce_only)
        except ValueError:
            raise ContractRefusal(400, INVALID_PARAMS) from None
        return self._order_row(self._order(order_id))

    def _cancel(self, call: Call) -> None:
        """Cancel an order; the body of the reply is not described, so it is empty."""
        order = self._order(call.parts["id"])
        if not self._venue.cancel(order.id):
            raise ContractRefusal(400, INVALID_PARAMS)

    def _orders(self, call: Call) -> Iterator[ContractOrderView]:
        """The orders that a query means, newest first."""
        query = call.query
        self._check_symbol(query)
        types, sides = _words(query, "type", TYPES), _words(query, "side", _SIDES)
        statuses, options = _words(query, "status", _STATUSES), _words(query, "opt", _OPTIONS)
        start = integer(query, "start-time", 0, least=0) * _MILLISECOND
        end = integer(query, "end-time", 10**13, least=0) * _MILLISECOND
        owned = _older(query.get("id"), self._venue.owned())
        # No order here was ever triggered or made by the exchange, which is what the options ask for.
        orders = (self._venue.order_view(order_id) for order_id in ([] if options else owned))
        return (
            order
            for order in orders
            if query.get("symbol") in (None, order.market)
            and order.type in types
            and order.side in sides
            and order.status in statuses
            and start <= order.time_ns // _MILLISECOND * _MILLISECOND <= end
        )

    def _opening(self, call: Call) -> Iterator[ContractOrderView]:
        return (order for order in self._orders(call) if not order.is_final)

    def _order(self, order_id: str) -> ContractOrderView:
        try:
            return self._venue.order_view(order_id)
        except ValueError:
            raise ContractRefusal(404) from None

    def _order_row(self, order: ContractOrderView) -> Frame:
        return {
            **self._wire.order(order),
            "reduceOnly": order.reduce_only,
            "isLiquidate": False,
            "conditional": None,
            "ts": order.time_ns // _MILLISECOND,
            "seqNo": None,
            "meta": None,
        }

    # -- fills --------------------------------------------------------------------------------------------------

    def _fills(self, call: Call) -> Iterator[FillView]:
        """The fills that a query means, newest first."""
        query = call.query
        self._check_symbol(query)
        side, order_id = choice(query, "side", _TRADE_SIDES), query.get("order-id")
        sides = ("BUY", "SELL") if side in (None, "TRADING") else (side,)
        newest_first = {fill.id: fill for fill in reversed(self._venue.fills())}
        fills = (newest_first[fill_id] for fill_id in _older(query.get("id"), list(newest_first)))
        return (
            fill
            for fill in fills
            if query.get("symbol") in (None, fill.market) and fill.side in sides and order_id in (None, fill.order_id)
        )

    def _fill_row(self, fill: FillView) -> Frame:
        order = self._venue.order_view(fill.order_id)
        return {
            **self._wire.fill(fill),
            "ts": fill.time_ns // _MILLISECOND,
            "currency": order.currency,
            "order": {"id": order.id, "type": order.type, "size": order.size, "price": order.price},
        }

    # -- pages --------------------------------------------------------------------------------------------------

    def _page(self, call: Call, rows: Iterable[ContractOrderView | FillView]) -> list[Frame]:
        limit = integer(call.query, "limit", _LIMIT, most=_MOST_LIMIT)
        return [
            self._fill_row(row) if isinstance(row, FillView) else self._order_row(row) for row in islice(rows, limit)
        ]

    def _check_symbol(self, query: Mapping[str, str]) -> None:
        if "symbol" in query:
            terms_of(self._venue, query["symbol"])


def _count(rows: Iterable[Any]) -> Frame:
    """How many there are, whatever a page of them may hold."""
    return {"count": sum(1 for _ in rows)}


def _words(query: Mapping[str, str], name: str, among: Iterable[str]) -> list[str]:
    """The words of a list with commas; all (of the options: none) if it is not there."""
    known = list(among)
    found = names(query, name)
    if set(found) - set(known):
        raise Unfit(f"{name} must be of {', '.join(known)}")
    return found if found or name == "opt" else known


def _older(last: str | None, newest_first: list[str]) -> list[str]:
    """What follows the last seen id."""
    if last is None:
        return newest_first
    if last not in newest_first:
        raise Unfit("id is none of this list's")
    return newest_first[newest_first.index(last) + 1 :]
