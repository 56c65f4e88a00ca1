"""What a spot client missed while a connection was away, asked for by REST."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ..errors import BigOneError, RestError
from ..events import Order
from ..ports import Found

if TYPE_CHECKING:
    from ..rest.spot import SpotRest

__all__ = ["RestSpotHistory", "until_older"]

_MARGIN = 5.0
"""Seconds that are asked for beyond the last sign of life: times of the exchange's services differ."""
_FEW_MARKETS = 20
"""So many are all asked for; of more those in which there may be orders."""
_TRADES = 150
"""More trades the exchange does not give (REST protocol, section 2)."""
_LEAST = 150
"""So many orders are looked at whatever their age: the first page has them anyway."""
_NOT_FOUND = 404
_INSTANT = 0.001


def until_older(items: Iterable[Order], start: float, least: int = 0) -> Iterator[Order]:
    """Items, newest first, up to where they are older than ``start``, Unix time of the exchange.

    The first ``least`` are given whatever their age. That the newest come first is not documented: one old item ends
    nothing, only a second one that is no younger.
    """
    oldest = float("inf")
    for count, item in enumerate(items):
        made = _seconds(item.created_at)
        if made < start and count >= least:
            if made <= oldest < start:
                return
            oldest = made
        yield item


def _seconds(time: datetime | None) -> float:
    return time.timestamp() if time is not None else float("inf")


class RestSpotHistory:
    """Asks through one REST object. Waits; raises no BigOneError.

    Args:
        rest: gives it.
        deadline: seconds for all that one question needs.
        markets: in which orders are asked for, beside those in which some were seen; None: in all, if they are few.
    """

    def __init__(self, rest: Callable[[], SpotRest], *, deadline: float, markets: Sequence[str] | None) -> None:
        self._rest, self._deadline, self._markets = rest, deadline, markets
        self._listed: tuple[str, ...] | None = None

    # -- orders

    def orders(
        self,
        market: str | None,
        known: Sequence[Order],
        markets: Collection[str],
        since: float | None,
        newest: float | None = None,
        waited: float = 0.0,
    ) -> Found:
        """Own orders that are open, or may have changed since ``since``, Unix time of this machine's clock.

        ``newest``: time of the newest update that is known, by the exchange: what was read late, of a long queue, was
        sent long before, and what came behind it is lost.  ``waited``: seconds of the deadline that are over: many
        streams may have waited for their turn.
        """
        found: dict[str, Order] = {}
        reasons: list[str] = []
        try:
            rest = self._rest()
            start = None
            if since is not None:
                heard = since + (rest.clock.offset or 0.0)
                start = (heard if newest is None else min(heard, newest)) - _MARGIN
            with rest.within(max(_INSTANT, self._deadline - waited)):
                for name in [market] if market is not None else self._names(rest, markets, reasons):
                    self._of_market(rest, name, [order for order in known if order.market == name], start, found)
                self._by_id(rest, [order for order in known if order.id not in found], found, reasons)
        except BigOneError as error:
            reasons.append(f"orders were asked for, and not all were had: {error}")
        return Found(tuple(found.values()), "; ".join(reasons))

    def _names(self, rest: SpotRest, seen: Collection[str], reasons: list[str]) -> list[str]:
        """The markets to ask for: the exchange lists orders by market only."""
        if self._markets is not None:
            return sorted({*seen, *self._markets})
        if self._listed is None:
            self._listed = tuple(row.name for row in rest.asset_pairs())
        if len(self._listed) <= _FEW_MARKETS:
            return sorted({*seen, *self._listed})
        rest_of_them = len(set(self._listed) - set(seen))
        reasons.append(
            f"orders in {rest_of_them} markets in which none has been seen were not asked for: name the markets you"
            " trade in, with reconcile=[...]"
        )
        return sorted(seen)

    @staticmethod
    def _of_market(
        rest: SpotRest, market: str, known: Sequence[Order], start: float | None, found: dict[str, Order]
    ) -> None:
        for order in rest.orders(market, state="PENDING"):
            found[order.id] = order
        newest = rest.orders(market, state="ALL")
        # What was asked for later is newer. An old order that nobody was told of may have ended meanwhile, too.
        for order in itertools.islice(newest, _LEAST) if start is None else until_older(newest, start, _LEAST):
            if order.id in found or start is None or _is_news(order, known, start):
                found[order.id] = order

    @staticmethod
    def _by_id(rest: SpotRest, known: Sequence[Order], found: dict[str, Order], reasons: list[str]) -> None:
        for order in known:
            try:
                found[order.id] = rest.order(order.id)
            except RestError as error:
                if error.status_code != _NOT_FOUND:
                    raise
                reasons.append(f"the exchange does not know order {order.id} any more")

    # -- trades

    def trades(self, market: str, last: int, waited: float = 0.0) -> Found:
        """The public trades after the one with the id ``last``; ``waited`` as with :meth:`orders`."""
        try:
            rest = self._rest()
            with rest.within(max(_INSTANT, self._deadline - waited)):
                trades = rest.trades(market, limit=_TRADES)
        except BigOneError as error:
            return Found(missing=f"trades were asked for in vain: {error}")
        newer = tuple(trade for trade in trades if int(trade.id) > last)
        reaches = len(newer) < len(trades)
        return Found(newer, "" if reaches else "REST does not reach back to the last trade seen, either")


def _is_news(order: Order, known: Sequence[Order], start: float) -> bool:
    """Whether it may have changed since; what ended long ago and was never heard of is no news."""
    return any(order.id == one.id for one in known) or _seconds(order.updated_at or order.created_at) >= start
