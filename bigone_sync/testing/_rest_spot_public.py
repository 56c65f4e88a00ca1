"""Public spot calls (REST protocol, section 2)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from itertools import islice

from bigone_sync.testing._book import ASK, BID, LOT
from bigone_sync.testing._checks import MOST
from bigone_sync.testing._rest_call import Call, Handler
from bigone_sync.testing._rest_params import choice, integer, names, required, time_ns
from bigone_sync.testing._rest_spot_errors import not_found
from bigone_sync.testing._rest_spot_wire import Row, candle_row, level_row, text, ticker_row, trade_row
from bigone_sync.testing._spot_orders import MIN_QUOTE_VALUE, scale
from bigone_sync.testing._spot_venue import Listing, Venue
from bigone_sync.testing._tape import PERIODS
from bigone_sync.testing.market import TICK

__all__ = ["SpotPublic", "listing_of"]

_PAIRS = uuid.uuid5(uuid.NAMESPACE_OID, "asset pair")
_ASSET_NAMES = {"BTC": "Bitcoin", "ETH": "Ethereum", "USDT": "TetherUS"}
_LEVELS, _MOST_LEVELS = 50, 200
_TRADES, _MOST_TRADES = 50, 150
_CANDLES, _MOST_CANDLES = 100, 500
_KEPT_CANDLES = 1_000


def listing_of(venue: Venue, market: str) -> Listing:
    """The market of that name.

    Raises:
        SpotRefusal: there is none.
    """
    if market not in venue.listings:
        raise not_found(f"no asset pair {market!r}")
    return venue.listings[market]


class SpotPublic:
    """What anybody may ask for; used on the exchange's loop only.

    Args:
        uuid_of: the UUID of an asset, the same that cost prices have.
    """

    def __init__(self, venue: Venue, uuid_of: Callable[[str], str]) -> None:
        self.table: list[tuple[str, str, Handler]] = [
            ("GET", "/ping", self._ping),
            ("GET", "/asset_pairs", self._pairs),
            ("GET", "/asset_pairs/tickers", self._tickers),
            ("GET", "/asset_pairs/{name}/ticker", self._ticker),
            ("GET", "/asset_pairs/{name}/depth", self._depth),
            ("GET", "/asset_pairs/{name}/trades", self._trades),
            ("GET", "/asset_pairs/{name}/candles", self._candles),
        ]
        self._venue = venue
        self._uuid_of = uuid_of

    def _ping(self, call: Call) -> Row:
        return {"Timestamp": self._venue.now_ns()}

    def _pairs(self, call: Call) -> list[Row]:
        return [self._pair(name) for name in self._venue.listings]

    def _pair(self, name: str) -> Row:
        base, quote = name.split("-")
        return {
            "id": str(uuid.uuid5(_PAIRS, name)),
            "name": name,
            "base_scale": scale(LOT),
            "quote_scale": scale(TICK),
            "base_asset": self._asset(base),
            "quote_asset": self._asset(quote),
            "min_quote_value": text(MIN_QUOTE_VALUE),
            "max_quote_value": text(MOST),
        }

    def _asset(self, symbol: str) -> Row:
        return {"id": self._uuid_of(symbol), "symbol": symbol, "name": _ASSET_NAMES.get(symbol, symbol)}

    def _ticker(self, call: Call) -> Row:
        listing = self._listing(call)
        return ticker_row(*self._venue.ticker(listing.engine.name))

    def _tickers(self, call: Call) -> list[Row]:
        wanted = names(call.query, "pair_names") or list(self._venue.listings)
        return [ticker_row(*self._venue.ticker(listing_of(self._venue, name).engine.name)) for name in wanted]

    def _depth(self, call: Call) -> Row:
        engine = self._listing(call).engine
        limit = integer(call.query, "limit", _LEVELS, most=_MOST_LEVELS)
        bids, asks = (engine.sides[side].snapshot()[:limit] for side in (BID, ASK))
        return {
            "asset_pair_name": engine.name,
            "bids": [level_row(level) for level in bids],
            "asks": [level_row(level) for level in asks],
        }

    def _trades(self, call: Call) -> list[Row]:
        """The latest trades, newest first; more than 150 are not given, whatever is asked for."""
        tape = self._listing(call).tape
        limit = min(integer(call.query, "limit", _TRADES), _MOST_TRADES)
        return [trade_row(trade) for trade in tape.latest(limit)]

    def _candles(self, call: Call) -> list[Row]:
        """Candles up to a time: the latest ones, in the order asked for."""
        tape, query = self._listing(call).tape, call.query
        required(query, "period")
        period = choice(query, "period", [name.lower() for name in PERIODS])
        limit = integer(query, "limit", _CANDLES, most=_MOST_CANDLES)
        direction = choice(query, "direction", ("ASC", "DESC"), "DESC")
        until = time_ns(query, "time")
        assert period is not None
        newest_first = tape.candles(period.upper(), _KEPT_CANDLES)
        found = list(islice((c for c in newest_first if until is None or c.time_ns <= until), limit))
        return [candle_row(candle) for candle in (found if direction == "DESC" else reversed(found))]

    def _listing(self, call: Call) -> Listing:
        return listing_of(self._venue, call.parts["name"])
