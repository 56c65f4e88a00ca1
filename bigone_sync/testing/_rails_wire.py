"""Frames of the Rails socket (Rails protocol, sections 2 to 6).

They are written here and nowhere else: a mistake in the client's reading must not be repeated.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from bigone_sync.testing._rails_options import RailsOptions
from bigone_sync.testing._rails_views import RailsDelta, RailsFill, RailsOrderView, RailsTrade

__all__ = ["Data", "Message", "RailsIds", "RailsWire", "fill_row", "level_rows", "order_row"]

Data = dict[str, Any]

_OK = 200
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's alphabet, as in ULIDs


class Message:
    """One frame before it is known whether its reader is told the market; each form is rendered once.

    Args:
        kind: the ``resultType``.
        data: the ``data``.
        market: the top-level market, for those who are told.
        status: the ``data.statusCode``, or what it would be.
    """

    def __init__(self, kind: str, data: Data | list[Data], market: str | None = None, *, status: int = _OK) -> None:
        self.kind = kind
        self.market = market
        self.status = status
        self._data = data
        self._rendered: dict[bool, bytes] = {}

    def payload(self, with_market: bool) -> bytes:
        """The text of the frame, compact."""
        told = with_market and self.market is not None
        if told not in self._rendered:
            head: Data = {"resultType": self.kind}
            if told:
                head["market"] = self.market
            text = json.dumps({**head, "data": self._data}, separators=(",", ":"), ensure_ascii=False)
            self._rendered[told] = text.encode()
        return self._rendered[told]


class RailsIds:
    """Ids that look like the documented ones and are decided by seed and number."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def order_id(self, number: int) -> str:
        """26 characters that look like a ULID (Rails protocol, section 6)."""
        value = int.from_bytes(self._digest("order", number), "big")
        return "01" + "".join(_BASE32[value >> 5 * place & 31] for place in range(24))

    def match_id(self, number: int) -> str:
        """A UUID (Rails protocol, section 4.2)."""
        return str(uuid.UUID(bytes=self._digest("match", number)[:16], version=4))

    def _digest(self, kind: str, number: int) -> bytes:
        return hashlib.sha256(f"{kind}:{self._seed}:{number}".encode()).digest()


class RailsWire:
    """Puts messages together in the dialect that the options name."""

    def __init__(self, options: RailsOptions) -> None:
        self._options = options
        self._dialect = options.spoken

    # -- streams ------------------------------------------------------------------------------------------------

    def book_delta(self, delta: RailsDelta) -> Message:
        """Changed levels (Rails protocol, section 4.1)."""
        kind = self._dialect.word("publicOrderBookDelta")
        return Message(kind, self._book(level_rows(delta.levels), delta.ts), delta.market)

    def trades_delta(self, trades: Sequence[RailsTrade]) -> Message:
        """New public trades of one market, oldest first (Rails protocol, section 4.2)."""
        kind = self._dialect.word("publicCompletedOrdersDelta")
        return Message(kind, self._trades(trades), trades[0].market)

    def fills(self, fills: Iterable[RailsFill]) -> Message:
        """Trades of the account; no market beside the rows, no status (Rails protocol, section 4.3)."""
        return Message("completedOrdersDelta", [fill_row(fill) for fill in fills])

    def book(
        self, market: str, levels: Iterable[tuple[str, str, str]], ts: int, client_request_id: str | None
    ) -> Message:
        """A whole book, for whoever asked (Rails protocol, section 3.5)."""
        kind = self._dialect.word("publicOrderBook snapshot")
        return Message(kind, self._echo(self._book(level_rows(levels), ts), client_request_id), market)

    def trades(self, market: str, trades: Sequence[RailsTrade], client_request_id: str | None) -> Message:
        """The latest public trades, for whoever asked (Rails protocol, section 3.6)."""
        kind = self._dialect.word("publicCompletedOrders")
        return Message(kind, self._echo(self._trades(trades), client_request_id), market)

    # -- answers ------------------------------------------------------------------------------------------------

    def pong(self, client_request_id: str | None) -> Message:
        """Answer to a ping (Rails protocol, section 3.4)."""
        return Message("pong", {**_id(client_request_id), "statusCode": _OK})

    def active(
        self, kind: str, streams: Iterable[str], requested: Sequence[str], client_request_id: str | None
    ) -> Message:
        """Which streams are active (Rails protocol, sections 3.1 and 3.2).

        Args:
            kind: ``subscribed`` or ``unsubscribed``.
            requested: as they were named in the request.
        """
        data: Data = {"activeSubscriptions": [self._dialect.word(stream) for stream in streams]}
        data |= _id(client_request_id)
        data["requestedUnsubscriptions" if kind == "unsubscribed" else "requestedSubscriptions"] = list(requested)
        return Message(kind, data)

    def refusal(
        self, kind: str, status: int, body: str, client_request_id: str | None, market: str | None = None
    ) -> Message:
        """A request is not done. Its shape is provisional: no document shows one (Rails protocol, section 9)."""
        return Message(kind, {"statusCode": status, "body": body, **_id(client_request_id)}, market, status=status)

    # -- orders -------------------------------------------------------------------------------------------------

    def order(
        self,
        kind: str,
        status: int,
        body: str,
        order: RailsOrderView,
        client_request_id: str | None,
        *,
        quota: int | None = None,
        order_status: str | None = None,
    ) -> Message:
        """A reply or notification about an order (Rails protocol, sections 3.7 to 3.9 and 5.2).

        Args:
            client_request_id: of the request that it is about.
            quota: ``apiQuotaUsed``, in first replies only.
            order_status: in place of the order's own.
        """
        data: Data = {"statusCode": status, "body": body, "order": order_row(order, order_status or order.status)}
        data |= _id(client_request_id)
        if quota is not None:
            data["apiQuotaUsed"] = quota
        return Message(kind, data, order.market, status=status)

    def fill(self, order: RailsOrderView) -> Message:
        """An order was filled. That of a partial fill has a provisional name: none is documented (section 5.1)."""
        kind = "completeFillOrder" if order.status == "filled" else "partialFillOrder"
        return Message(kind, {"statusCode": _OK, "order": order_row(order, None)}, order.market)

    def leverage(self, status: int, body: str, client_request_id: str | None) -> Message:
        """A reply about the leverage of the account: no order, no market, no quota (Rails protocol, section 3.10)."""
        return Message("updateLeverage", {"statusCode": status, "body": body, **_id(client_request_id)}, status=status)

    # -- inside -------------------------------------------------------------------------------------------------

    def _book(self, rows: list[Data], ts: int) -> Data:
        data: Data = {"orders": rows, "statusCode": _OK}
        if self._dialect.ts:
            data["ts"] = ts
        return data

    def _trades(self, trades: Iterable[RailsTrade]) -> Data:
        return {"orders": [row for trade in trades for row in self._trade_rows(trade)], "statusCode": _OK}

    def _trade_rows(self, trade: RailsTrade) -> list[Data]:
        """One row for each side, or one of either side (Rails protocol, section 4.2; which is not documented)."""
        other = "sell" if trade.taker_side == "buy" else "buy"
        taker, maker = _trade_row(trade, "taker", trade.taker_side), _trade_row(trade, "maker", other)
        if self._options.trade_rows == "side":
            return [maker, taker]
        return [maker if int(trade.match_id[0], 16) % 2 else taker]

    def _echo(self, data: Data, client_request_id: str | None) -> Data:
        return {**data, **_id(client_request_id)} if self._options.echo_ids else data


def level_rows(levels: Iterable[tuple[str, str, str]]) -> list[Data]:
    """Levels of a book (Rails protocol, section 4.1)."""
    return [{"orderType": side, "price": price, "quantity": quantity} for side, price, quantity in levels]


def order_row(order: RailsOrderView, status: str | None) -> Data:
    """The order object (Rails protocol, section 6).

    Args:
        status: the ``orderStatus``; None: there is none.
    """
    row: Data = {
        "market": order.market,
        "orderId": order.order_id,
        "orderType": order.side,
        "tradeType": order.type,
        "price": order.price,
        "quantity": order.quantity,
        "filledQuantity": order.filled_quantity,
        "leverage": order.leverage,
        "createdAt": order.created,
        "updatedAt": order.updated,
    }
    if status is not None:
        row["orderStatus"] = status
    row |= _id(order.client_request_id)
    row["postOnly"] = order.post_only
    if order.avg_fill_price is not None:
        row["avgFillPrice"] = order.avg_fill_price
    return row


def fill_row(fill: RailsFill) -> Data:
    """A trade of the account (Rails protocol, section 4.3)."""
    return {
        "market": fill.market,
        "orderId": fill.order_id,
        "matchId": fill.match_id,
        "orderType": fill.side,
        "tradeType": fill.type,
        "executionType": fill.role,
        "fillType": "complete" if fill.is_complete else "partial",
        "price": fill.price,
        "quantity": fill.quantity,
        "leverage": fill.leverage,
        "fees": fill.fees,
        "orderCreatedAt": fill.order_created,
        "orderFilledAt": fill.time,
        "triggerType": "none",
        "triggerPrice": "0",
        "triggerCreatedAt": 0,
    }


def _trade_row(trade: RailsTrade, role: str, side: str) -> Data:
    return {
        "executionType": role,
        "matchId": trade.match_id,
        "orderType": side,
        "price": trade.price,
        "quantity": trade.quantity,
        "updatedAt": trade.time,
    }


def _id(client_request_id: str | None) -> Data:
    return {} if client_request_id is None else {"clientRequestId": client_request_id}
