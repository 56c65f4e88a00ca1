"""The spot client's public streams: books, trades, tickers and candles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from ..book import OrderBook
from ..config import check_market
from ..enums import CandlePeriod, Channel, Overflow
from ..events import Candle, DepthSnapshot, DepthUpdate, SubscriptionKey, Ticker, Trade
from ..subscription import Subscription
from ._arguments import check_limit, check_period, ticker_keys
from ._stream_methods import StreamMethods

__all__ = ["PublicStreams"]

_D = TypeVar("_D", bound=Callable[[DepthSnapshot | DepthUpdate], object])
_B = TypeVar("_B", bound=Callable[[OrderBook], object])
_T = TypeVar("_T", bound=Callable[[Trade], object])
_K = TypeVar("_K", bound=Callable[[Ticker], object])
_C = TypeVar("_C", bound=Callable[[Candle], object])


class PublicStreams(StreamMethods):
    """Methods that need no credentials. Not for direct use."""

    @overload
    def on_depth(self, market: str, handler: _D, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_depth(self, market: str, handler: None = None, *, overflow: Overflow = ...) -> Callable[[_D], _D]: ...
    def on_depth(self, market: str, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Snapshots and updates of a market's book; the chain of updates is checked (spot protocol, section 6.1).

        With ``handler`` it returns a :class:`~bigone_sync.Subscription`; without one it is a decorator.

        Raises:
            ConfigurationError: the market or the handler is not allowed.
        """
        return self._on(handler, overflow, [SubscriptionKey(Channel.DEPTH, check_market(market))])

    @overload
    def on_book(self, market: str, handler: _B, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_book(self, market: str, handler: None = None, *, overflow: Overflow = ...) -> Callable[[_B], _B]: ...
    def on_book(self, market: str, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """The kept book after it changed: at most one call is pending, and it sees the newest state.

        Check ``book.is_live``: it may have gone stale between the change and the call.  Otherwise like
        :meth:`on_depth`.
        """
        return self._on(handler, overflow, [SubscriptionKey(Channel.DEPTH, check_market(market))], book=True)

    @overload
    def on_trade(self, market: str, handler: _T, *, limit: int = ..., overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_trade(
        self, market: str, handler: None = None, *, limit: int = ..., overflow: Overflow = ...
    ) -> Callable[[_T], _T]: ...
    def on_trade(
        self, market: str, handler: Any = None, *, limit: int = 20, overflow: Overflow = Overflow.BLOCK
    ) -> Any:
        """Public trades, one call each, oldest first, none twice (spot protocol, section 6.3).

        After a reconnect the trades that were missed come from the new snapshot of ``limit`` trades and, if that does
        not reach back, from REST, which has the latest 150; where that is not enough, ``on_gap`` says from when to
        when.  ``limit`` holds for the stream: it counts where the stream is asked for first.  Otherwise like
        :meth:`on_depth`.
        """
        key = SubscriptionKey(Channel.TRADES, check_market(market))
        return self._on(handler, overflow, [key], limit=check_limit(limit))

    @overload
    def on_ticker(self, markets: str | Iterable[str], handler: _K, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_ticker(
        self, markets: str | Iterable[str], handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_K], _K]: ...
    def on_ticker(
        self, markets: str | Iterable[str], handler: Any = None, *, overflow: Overflow = Overflow.BLOCK
    ) -> Any:
        """Rolling 24 hours of one market or several; an empty list means all (spot protocol, section 6.2).

        Otherwise like :meth:`on_depth`.
        """
        return self._on(handler, overflow, ticker_keys(markets))

    @overload
    def on_candle(
        self, market: str, period: CandlePeriod | str, handler: _C, *, limit: int = ..., overflow: Overflow = ...
    ) -> Subscription: ...
    @overload
    def on_candle(
        self,
        market: str,
        period: CandlePeriod | str,
        handler: None = None,
        *,
        limit: int = ...,
        overflow: Overflow = ...,
    ) -> Callable[[_C], _C]: ...
    def on_candle(
        self,
        market: str,
        period: CandlePeriod | str,
        handler: Any = None,
        *,
        limit: int = 20,
        overflow: Overflow = Overflow.BLOCK,
    ) -> Any:
        """Candles of a market: first the latest ``limit``, oldest first, then the running one as it changes.

        The same ``time`` again replaces a candle; a newer one closes it (spot protocol, section 6.4).  Otherwise like
        :meth:`on_depth`.
        """
        key = SubscriptionKey(Channel.CANDLES, check_market(market), check_period(period))
        return self._on(handler, overflow, [key], limit=check_limit(limit))
