"""What REST tells a Rails client of its orders."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..enums import Channel
from ..errors import BigOneError, RestError
from ..events import Fill, RailsOrder
from ..ports import RailsFound
from ..rails.commands import CANCEL, Known

if TYPE_CHECKING:
    from ..rest.rails import RailsRest

__all__ = ["RestRailsHistory", "resolve"]

_NOT_FOUND = 404
# Seconds before an order that is not known is asked for again.
_PAUSES = (0.5, 1.5)
# Orders that are asked for one by one, each of which counts against the exchange's limit (section 10).
_MOST_LOOKUPS = 50
# Seconds before the outage from which on own trades are asked for: what was sent then may never have been read.
_MARGIN = 5.0


def resolve(
    rest: RailsRest,
    client_request_id: str,
    market: str,
    known: Known | None,
    seconds: float,
    count: Callable[[], None],
    pause: Callable[[float], None],
) -> RailsOrder | None:
    """The order that a request was about; None where the exchange knows none (Rails protocol, section 1.6).

    Args:
        rest: asks.
        client_request_id: of the request.
        market: of the order.
        known: what the request was, as far as that is known.
        seconds: for everything.
        count: counts an order operation; raises RateLimited where there is no room for it.
        pause: waits so many seconds; raises ConnectionClosed if the client closes meanwhile.

    Raises:
        RestError: the exchange could not be asked.
        RateLimited, ConnectionClosed: see above.
    """
    end = time.monotonic() + seconds
    before = known.order_id if known is not None else None
    with rest.within(seconds):
        # A cancellation places nothing, so there is nothing to wait for.
        pauses = () if known is not None and known.name == CANCEL else (*_PAUSES, None)
        for interval in pauses:
            count()
            order = _found(lambda: rest.order(client_request_id=client_request_id, market=market))
            if order is not None:
                return order
            if interval is None or time.monotonic() + interval >= end:
                break
            pause(interval)
        if before is None:
            return None
        count()
        return _found(lambda: rest.order(order_id=before, market=market))


def _found(ask: Callable[[], RailsOrder]) -> RailsOrder | None:
    try:
        return ask()
    except RestError as error:
        if error.status_code != _NOT_FOUND:
            raise
        return None


class RestRailsHistory:
    """Asks REST what was missed while no connection was up.

    Args:
        rest: gives the REST object.
        deadline: seconds for everything.
        count: counts an order operation; False: there is no room for it.
    """

    def __init__(self, rest: Callable[[], RailsRest], *, deadline: float, count: Callable[[], bool]) -> None:
        self._rest, self._deadline, self._count = rest, deadline, count

    def fetch(self, channels: Collection[Channel], known: Sequence[RailsOrder], since: float | None) -> RailsFound:
        """Own orders that are open or were known to be, and own trades since the outage began."""
        orders: list[RailsOrder] = []
        fills: list[Fill] = []
        missing: dict[Channel, str] = {}
        try:
            rest = self._rest()
            with rest.within(self._deadline):
                if Channel.FILLS in channels:
                    self._fills(rest, since, fills, missing)
                if Channel.ORDERS in channels:
                    self._orders(rest, known, orders, missing)
        except BigOneError as error:
            missing = dict.fromkeys(channels, str(error))
        return RailsFound(tuple(orders), tuple(fills), missing)

    def _fills(self, rest: RailsRest, since: float | None, fills: list[Fill], missing: dict[Channel, str]) -> None:
        began = datetime.fromtimestamp((since or time.time()) - _MARGIN, timezone.utc)
        try:
            fills.extend(rest.completed_orders(since=began))
        except BigOneError as error:
            missing[Channel.FILLS] = str(error)
        fills.sort(key=lambda fill: fill.time or began)

    def _orders(
        self, rest: RailsRest, known: Sequence[RailsOrder], orders: list[RailsOrder], missing: dict[Channel, str]
    ) -> None:
        try:
            orders.extend(rest.open_orders())
        except BigOneError as error:
            missing[Channel.ORDERS] = str(error)
            return
        listed = {order.order_id for order in orders}
        gone = [order for order in known if order.order_id not in listed]
        skipped = 0
        for index, order in enumerate(gone):
            if index >= _MOST_LOOKUPS or not self._count():
                skipped = len(gone) - index
                break
            try:
                orders.append(rest.order(order_id=order.order_id, market=order.market))
            except BigOneError as error:
                if not (isinstance(error, RestError) and error.status_code == _NOT_FOUND):
                    missing[Channel.ORDERS] = str(error)
                    return
                skipped += 1  # it ended over an hour ago (section 1.6)
        if skipped:
            missing[Channel.ORDERS] = f"what became of {skipped} of {len(gone)} orders could not be asked for"
