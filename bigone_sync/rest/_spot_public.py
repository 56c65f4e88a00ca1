"""Spot market data by REST (REST protocol, section 2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from ..arguments import check_count, check_instant, check_period, check_word
from ..config import check_market
from ..enums import CandlePeriod
from ..errors import ConfigurationError
from ..events import Candle, DepthSnapshot, Ticker, Trade
from ..markets import Market, find_market
from ..times import parse_time
from ._reply import Reply, item_of, items_of
from ._spot_rows import CONNECTION, candle_row, depth_row, market_row, server_time_of, ticker_row, trade_row
from ._venue import Venue, names_of

__all__ = ["SpotPublic"]

_LARGEST_DEPTH = 200
_LARGEST_CANDLES = 500
# Not in the specification; the exchange gives about 150 at most.
_LARGEST_TRADES = 200


def _instant_text(time: object) -> str:
    """A moment in RFC 3339."""
    if isinstance(time, str):
        try:
            parsed = parse_time(time)
        except ValueError:
            parsed = None
        if parsed is None:
            raise ConfigurationError(f"time must be an aware datetime or RFC 3339 text, not {time!r}", argument="time")
        return time
    moment = check_instant(time, "time").astimezone(timezone.utc)
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}{fraction}Z"


class SpotPublic(Venue):
    """Methods that need no credentials. Not for direct use."""

    _connection = CONNECTION

    def server_time(self) -> datetime:
        """The exchange's time: aware UTC, to the nanosecond (:class:`~bigone_sync.times.NanoDatetime`).

        It is as old as the answer was on its way; :meth:`clock_offset` says how much that may be.

        Raises:
            DecodeError: the answer cannot be read; so with all methods of this class.
            RestError: the exchange refused the request, or failed, or no answer could be had: then ``status_code`` is
                None, and ``reason`` says what happened instead (``"timeout"``); so with all methods of this class.
            ConnectionClosed: ``close()`` or ``abort()`` was called; so with all methods of this class.
        """
        return self._get("/ping", lambda reply, at: item_of(reply.data, server_time_of))

    def asset_pairs(self) -> tuple[Market, ...]:
        """All markets, with their rules for prices and amounts.

        They are kept, and new orders are checked by them until this is called again.
        """
        markets = self._get("/asset_pairs", lambda reply, at: items_of(reply.data, market_row))
        self._rules = {market.name: market for market in markets}
        return markets

    def _rules_of(self, market: str) -> Market:
        """The rules of a market, asked for once."""
        found: Market = find_market(market, self._markets(self.asset_pairs))
        return found

    def ticker(self, market: str) -> Ticker:
        """Rolling 24 hours of a market; ``daily_change_percent`` is None.

        Args:
            market: ``"BTC-USDT"``.

        Raises:
            ConfigurationError: it is not of that form.
        """
        name = check_market(market)
        return self._get(
            f"/asset_pairs/{name}/ticker",
            lambda reply, at: item_of(reply.data, lambda row: ticker_row(row, at, name)),
        )

    def tickers(self, markets: str | Iterable[str] | None = None) -> tuple[Ticker, ...]:
        """Rolling 24 hours of several markets, as the exchange orders them.

        Args:
            markets: ``"BTC-USDT"``, or several; None: all.

        Raises:
            ConfigurationError: one is not of that form, or none is named.
        """
        query = [] if markets is None else [("pair_names", ",".join(names_of(markets, "markets", check_market)))]
        return self._get(
            "/asset_pairs/tickers",
            lambda reply, at: items_of(reply.data, lambda row: ticker_row(row, at)),
            query,
        )

    def depth(self, market: str, *, limit: int = 50) -> DepthSnapshot:
        """A market's book, the best levels first.

        ``change_id`` is None: REST sends none, so it cannot be continued by updates of the stream.

        Args:
            market: ``"BTC-USDT"``.
            limit: levels of a side, 1 to 200.

        Raises:
            ConfigurationError: an argument is not allowed.
        """
        name = check_market(market)
        query = [("limit", str(check_count(limit, "limit", _LARGEST_DEPTH)))]
        return self._get(
            f"/asset_pairs/{name}/depth",
            lambda reply, at: item_of(reply.data, lambda row: depth_row(row, at, name)),
            query,
        )

    def trades(self, market: str, *, limit: int | None = None) -> tuple[Trade, ...]:
        """A market's last trades, oldest first like those of a stream.

        Args:
            market: ``"BTC-USDT"``.
            limit: how many, 1 to 200; the exchange gives about 150 at most. None: as it likes. In no official
                specification, but understood.

        Raises:
            ConfigurationError: an argument is not allowed.
        """
        name = check_market(market)
        query = [] if limit is None else [("limit", str(check_count(limit, "limit", _LARGEST_TRADES)))]
        found = self._get(
            f"/asset_pairs/{name}/trades",
            lambda reply, at: items_of(reply.data, lambda row: trade_row(row, at, name)),
            query,
        )
        return tuple(sorted(found, key=lambda trade: int(trade.id)))

    def candles(
        self,
        market: str,
        period: CandlePeriod | str,
        *,
        limit: int = 100,
        time: datetime | str | None = None,
        direction: str | None = None,
    ) -> tuple[Candle, ...]:
        """A market's candles, in the order of the exchange: newest first unless ``direction`` says otherwise.

        Args:
            market: ``"BTC-USDT"``.
            period: a :class:`~bigone_sync.CandlePeriod` or its name.
            limit: how many, 1 to 500.
            time: of the latest candle, as an aware datetime or RFC 3339 text; None: now.
            direction: ``"ASC"`` or ``"DESC"``; None: the exchange's default, DESC.

        Raises:
            ConfigurationError: an argument is not allowed.
        """
        name, length = check_market(market), check_period(period)
        query = [("period", length.name.lower()), ("limit", str(check_count(limit, "limit", _LARGEST_CANDLES)))]
        if time is not None:
            query.append(("time", _instant_text(time)))
        if direction is not None:
            query.append(("direction", check_word(direction, "direction", ("ASC", "DESC"))))

        def make(reply: Reply, at: float) -> tuple[Candle, ...]:
            return items_of(reply.data, lambda row: candle_row(row, at, name, length))

        return self._get(f"/asset_pairs/{name}/candles", make, query)
