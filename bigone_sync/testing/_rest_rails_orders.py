"""Rails calls about the account's orders and trades (Rails protocol, section 1.6).

How the last page looks is not documented. Here a full page has a ``last``, though nothing may follow it, and a shorter
one has an empty one: a client has to stop at both.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from bigone_sync.testing._rails_account import OwnOrder
from bigone_sync.testing._rails_limits import MinuteLimit
from bigone_sync.testing._rails_venue import RailsVenue
from bigone_sync.testing._rails_views import RailsFill
from bigone_sync.testing._rails_wire import fill_row, order_row
from bigone_sync.testing._rest_call import Call, Handler
from bigone_sync.testing._rest_params import Unfit, required
from bigone_sync.testing._rest_rails_public import RailsRefusal, known_market

__all__ = ["RailsOrders"]

Row = dict[str, Any]

_PAGE = 100
_HOUR_NS = 3_600 * 1_000_000_000
_OPEN = ("pending", "active", "cancelling", "modifying")
_ENDED = ("cancelled", "filled", "modified")


class RailsOrders:
    """The calls; used on the exchange's loop only.

    Args:
        limit: of order operations, of which looking for one order is one (Rails protocol, section 10).
    """

    def __init__(self, venue: RailsVenue, limit: MinuteLimit) -> None:
        self.table: list[tuple[str, str, Handler]] = [
            ("GET", "/open-orders", self._open),
            ("GET", "/order", self._order),
            ("GET", "/completed-orders", self._completed),
        ]
        self._venue = venue
        self._limit = limit

    def _open(self, call: Call) -> Row:
        """Open orders, oldest first; the cursor is the id of the last one told."""
        market, start = call.query.get("market"), call.query.get("start")
        if market is not None:
            known_market(self._venue, market)
        after = -1
        if start:
            known = self._venue.account.order(start)
            if known is None:
                raise Unfit("start is no cursor of this list")
            after = known.number
        found = [
            order
            for order in self._venue.account.orders()
            if order.status in _OPEN and order.draft.market in (market or order.draft.market,) and order.number > after
        ]
        page = found[:_PAGE]
        rows = [order_row(order.view(), order.status) for order in page]
        return {"openOrders": rows, "last": page[-1].order_id if len(page) == _PAGE else ""}

    def _order(self, call: Call) -> Row:
        """One order, by its id or the request that created it; an hour after its end it is gone."""
        if not self._limit.take():
            raise RailsRefusal(429, "rate limit exceeded")
        market = known_market(self._venue, required(call.query, "market"))
        order_id, name = call.query.get("order-id"), call.query.get("client-request-id")
        if (order_id is None) == (name is None):
            raise Unfit("either order-id or client-request-id is required")
        account = self._venue.account
        order = account.order(order_id) if order_id is not None else account.named(name or "")
        if order is None or order.draft.market != market or not self._is_told(order):
            raise RailsRefusal(404, "no such order")
        return {"order": order_row(order.view(), order.status)}

    def _is_told(self, order: OwnOrder) -> bool:
        if order.status in _ENDED:
            return self._venue.now_ns() - order.updated_ns < _HOUR_NS
        return order.status in _OPEN

    def _completed(self, call: Call) -> Row:
        """Trades of the account, newest first; the cursor says after which trade the page begins.

        Their order, and the form of ``startDate`` and ``endDate``, are not documented; provisional.
        """
        since, until = _time(call, "startDate"), _time(call, "endDate")
        numbered = list(enumerate(self._venue.account.fills))
        before = _cursor(call.query.get("start", ""), len(numbered))
        found = [
            (number, fill)
            for number, fill in reversed(numbered[:before])
            if (since is None or fill.time >= since) and (until is None or fill.time <= until)
        ]
        page = found[:_PAGE]
        rows = [_completed_row(fill) for _, fill in page]
        return {"completedOrders": rows, "last": str(page[-1][0]) if len(page) == _PAGE else ""}


def _completed_row(fill: RailsFill) -> Row:
    """A trade, its time as ``filledAt``; that the rest is as on the socket is provisional."""
    row = fill_row(fill)
    return {("filledAt" if name == "orderFilledAt" else name): value for name, value in row.items()}


def _cursor(text: str, default: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        raise Unfit("start is no cursor of this list")
    return int(text)


def _time(call: Call, name: str) -> int | None:
    """Milliseconds since the epoch, given as such or as a date or time of ISO 8601, which without an offset is UTC."""
    text = call.query.get(name)
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 19:
        return int(text)
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Unfit(f"{name} must be a time: {text!r}") from None
    aware = found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)
    return int(aware.timestamp() * 1000)
