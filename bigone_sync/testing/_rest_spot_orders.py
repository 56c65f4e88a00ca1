"""Orders by spot REST (REST protocol, section 3): placing, cancelling and looking them up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bigone_sync.testing._book import ASK, SIDES, OrderView
from bigone_sync.testing._checks import Refused, Unpayable
from bigone_sync.testing._ledger import ZERO
from bigone_sync.testing._rest_call import Call, Handler
from bigone_sync.testing._rest_paging import Page, page_of
from bigone_sync.testing._rest_params import Unfit, choice, json_body, required
from bigone_sync.testing._rest_spot_draft import Draft, draft_of
from bigone_sync.testing._rest_spot_errors import SpotRefusal, bad_parameter, not_found
from bigone_sync.testing._rest_spot_public import listing_of
from bigone_sync.testing._rest_spot_wire import Row, order_row
from bigone_sync.testing._spot_venue import Listing, Venue

__all__ = ["SpotOrders"]

_UNIT = "SPOT"
_UNIQUE_NS = 24 * 3_600 * 1_000_000_000
_STATES = ("PENDING", "OPENING", "CLOSED", "NONE_FILLED", "ALL")


class SpotOrders:
    """The orders of the account, those of its margin accounts excepted; used on the exchange's loop only."""

    def __init__(self, venue: Venue) -> None:
        self.table: list[tuple[str, str, Handler]] = [
            ("POST", "/viewer/orders", self._create),
            ("POST", "/viewer/orders/multi", self._create_many),
            ("POST", "/viewer/orders/cancel", self._cancel_all),
            ("POST", "/viewer/orders/{id}/cancel", self._cancel_by_path),
            ("POST", "/viewer/order/cancel", self._cancel_by_body),
            ("GET", "/viewer/orders", self._list),
            ("GET", "/viewer/orders/{id}", self._by_path),
            ("GET", "/viewer/order", self._by_query),
        ]
        self._venue = venue

    # -- placing ------------------------------------------------------------------------------------------------

    def _create(self, call: Call) -> Row:
        draft = draft_of(json_body(call))
        listing_of(self._venue, draft.market)
        self._check_name(draft.client_order_id)
        return self._place(draft, must_be_payable=True)

    def _create_many(self, call: Call) -> list[Row]:
        """Place all or, if one of them is wrong or they cannot be paid for together, none."""
        bodies = json_body(call)
        if not isinstance(bodies, list) or not bodies:
            raise Unfit("an array of orders is expected")
        drafts = [draft_of(body) for body in bodies]
        named = [draft.client_order_id for draft in drafts if draft.client_order_id]
        for draft in drafts:
            _check_terms(listing_of(self._venue, draft.market), draft)
            self._check_name(draft.client_order_id)
        if len(set(named)) < len(named):
            raise _duplicate()
        self._check_funds(drafts)
        # What one of them trades may still take from the next, which then is REJECTED: the others stand already.
        return [self._place(draft, must_be_payable=False) for draft in drafts]

    def _place(self, draft: Draft, *, must_be_payable: bool) -> Row:
        listing = self._venue.at(draft.market)
        try:
            order_id = listing.engine.place(
                draft.side,
                draft.amount,
                price=draft.price,
                type=draft.type,
                ioc=draft.ioc,
                post_only=draft.post_only,
                own=True,
                client_order_id=draft.client_order_id,
                stop_price=draft.stop_price,
                operator=draft.operator,
                must_be_payable=must_be_payable,
            )
        except Unpayable as error:
            raise _insufficient(str(error)) from None
        except Refused as error:
            raise bad_parameter(str(error)) from None
        self._venue.commit(listing)
        return order_row(listing.engine.own_order(order_id))

    def _check_name(self, client_order_id: str) -> None:
        if not client_order_id:
            return
        known = self._venue.order_named(client_order_id)
        if known is not None and self._venue.now_ns() - known.created_ns < _UNIQUE_NS:
            raise _duplicate()

    def _check_funds(self, drafts: list[Draft]) -> None:
        needed = dict.fromkeys((asset for draft in drafts for asset in draft.market.split("-")), ZERO)
        for draft in drafts:
            base, quote = draft.market.split("-")
            if draft.side == ASK:
                needed[base] += draft.amount
            else:
                needed[quote] += draft.amount * (draft.price or ZERO)
        for asset, amount in needed.items():
            if amount > (available := self._venue.ledger.balance(asset).available):
                raise _insufficient(f"not enough {asset}: {amount:f} needed, {available:f} available")

    # -- cancelling ---------------------------------------------------------------------------------------------

    def _cancel_by_path(self, call: Call) -> Row:
        return self._cancel(*self._numbered(call.parts["id"]))

    def _cancel_by_body(self, call: Call) -> Row:
        body = json_body(call)
        if not isinstance(body, dict):
            raise Unfit("an object is expected")
        return self._cancel(*self._meant(body))

    def _cancel(self, listing: Listing, order: OrderView) -> Row:
        self._venue.at(order.market)
        if not listing.engine.cancel(int(order.id)):
            raise SpotRefusal(400, 54043, f"Unknown opening order: {order.id} is {order.state}")
        self._venue.commit(listing)
        return order_row(listing.engine.own_order(int(order.id)))

    def _cancel_all(self, call: Call) -> Row:
        """Cancel what is open in a market, which the body or, as an old client does, the query names."""
        named: Any = json_body(call) if call.body else call.query
        if not isinstance(named, Mapping):
            raise Unfit("an object is expected")
        listing = listing_of(self._venue, required(named, "asset_pair_name"))
        engine = self._venue.at(listing.engine.name).engine
        orders = [int(order.id) for order in engine.own_orders() if order.business_unit == _UNIT]
        cancelled = [number for number in orders if engine.cancel(number)]
        self._venue.commit(listing)
        return {"cancelled": cancelled, "failed": []}

    # -- looking up ---------------------------------------------------------------------------------------------

    def _list(self, call: Call) -> Page[Row]:
        listing = listing_of(self._venue, required(call.query, "asset_pair_name"))
        state = choice(call.query, "state", _STATES, "PENDING")
        side = choice(call.query, "side", SIDES)
        found = (
            order
            for order in reversed(listing.engine.own_orders())
            if order.business_unit == _UNIT and side in (None, order.side) and _is_meant(listing, order, state)
        )
        page = page_of(call.query, found, lambda order: int(order.id))
        return Page([order_row(order) for order in page.rows], page.token)

    def _by_path(self, call: Call) -> Row:
        return order_row(self._numbered(call.parts["id"])[1])

    def _by_query(self, call: Call) -> Row:
        return order_row(self._meant(call.query)[1])

    def _meant(self, values: Mapping[str, Any]) -> tuple[Listing, OrderView]:
        """The order that either of its two ids names."""
        order_id, name = values.get("order_id"), values.get("client_order_id")
        if (order_id is None) == (name is None):
            raise Unfit("either order_id or client_order_id is expected")
        if name is None:
            if isinstance(order_id, bool) or not isinstance(order_id, (int, str)):
                raise Unfit(f"order_id must be a whole number: {order_id!r}")
            return self._numbered(str(order_id))
        known = self._venue.order_named(name) if isinstance(name, str) and name else None
        if known is None:
            raise not_found(f"no order with client_order_id {name!r}")
        return self._numbered(known.id)

    def _numbered(self, text: str) -> tuple[Listing, OrderView]:
        found = self._venue.find_order(int(text)) if text.isascii() and text.isdigit() and len(text) < 20 else None
        if found is None or found[1].business_unit != _UNIT:
            raise not_found(f"no order {text!r}")
        return found


def _is_meant(listing: Listing, order: OrderView, state: str | None) -> bool:
    """Whether a filter takes an order. What sets PENDING apart from OPENING is not documented: both mean open ones.
    NONE_FILLED takes those of which nothing has been filled, open or not.
    """
    if state == "ALL":
        return True
    if state == "NONE_FILLED":
        return not order.filled_amount
    return listing.engine.is_open(int(order.id)) != (state == "CLOSED")


def _check_terms(listing: Listing, draft: Draft) -> None:
    try:
        listing.engine.validate(draft.side, draft.amount, draft.price, draft.type, draft.stop_price, draft.operator)
    except Refused as error:
        raise bad_parameter(str(error)) from None


def _duplicate() -> SpotRefusal:
    return SpotRefusal(400, 54041, "Duplicate order: client_order_id was used within 24 hours")


def _insufficient(message: str) -> SpotRefusal:
    return SpotRefusal(400, 10014, f"Insufficient funds: {message}")
