"""The trades of the spot account, as `GET /viewer/trades` tells them (REST protocol, section 3)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from bigone_sync.testing._book import Batch, Fill, Trade
from bigone_sync.testing._spot_venue import Listing, Venue

__all__ = ["OwnTrade", "OwnTrades"]

_KEPT = 100_000
_UNIT = "SPOT"


@dataclass(frozen=True, slots=True)
class OwnTrade:
    """A trade in which the account was the maker, the taker or both."""

    trade: Trade
    maker: Fill | None
    taker: Fill | None

    @property
    def side(self) -> str:
        """BID, ASK or SELF_TRADING."""
        fill = self.maker or self.taker
        assert fill is not None
        return "SELF_TRADING" if self.maker and self.taker else fill.side


class OwnTrades:
    """Collects them per market (the last 100,000); those of margin orders belong to other accounts."""

    def __init__(self, venue: Venue) -> None:
        self._trades: dict[str, deque[OwnTrade]] = {name: deque(maxlen=_KEPT) for name in venue.listings}
        venue.followers.append(self._follow)

    def newest_first(self, market: str) -> Iterator[OwnTrade]:
        """Those of a market."""
        return reversed(self._trades[market])

    def _follow(self, listing: Listing, batch: Batch) -> None:
        fills = {(fill.trade_id, fill.order_id): fill for fill in batch.fills if fill.business_unit == _UNIT}
        if not fills:
            return
        for trade in batch.trades:
            maker = fills.get((trade.id, str(trade.maker_order_id)))
            taker = fills.get((trade.id, str(trade.taker_order_id)))
            if maker or taker:
                self._trades[batch.market].append(OwnTrade(trade, maker, taker))
