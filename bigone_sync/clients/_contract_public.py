"""The contract client's public streams: books, trades, candles and instruments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from ..book import OrderBook
from ..enums import CandlePeriod, Channel, Overflow
from ..events import Candle, DepthSnapshot, DepthUpdate, Instrument, Trade
from ..subscription import Subscription
from ._contract_arguments import candle_key, contract_key
from ._stream_methods import StreamMethods

__all__ = ["ContractPublicStreams"]

_D = TypeVar("_D", bound=Callable[[DepthSnapshot | DepthUpdate], object])
_B = TypeVar("_B", bound=Callable[[OrderBook], object])
_T = TypeVar("_T", bound=Callable[[Trade], object])
_C = TypeVar("_C", bound=Callable[[Candle], object])
_I = TypeVar("_I", bound=Callable[[Instrument], object])


class ContractPublicStreams(StreamMethods):
    """Methods that need no credentials. Not for direct use."""

    @overload
    def on_depth(self, market: str, handler: _D, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_depth(self, market: str, handler: None = None, *, overflow: Overflow = ...) -> Callable[[_D], _D]: ...
    def on_depth(self, market: str, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Snapshots and updates of a contract's book; their chain is checked (contract protocol, section 3).

        Amounts are in contracts; ``change_id`` is the wire's ``to``, ``prev_id`` its ``from``.  It takes a connection
        of its own, which is dialled anew where the chain breaks.  Handlers run on the delivering thread.  With
        ``handler`` it returns a :class:`~bigone_sync.Subscription`; without one it is a decorator.

        Raises:
            ConfigurationError: the symbol or the handler is not allowed, or there are too many connections.
        """
        return self._on(handler, overflow, [contract_key(Channel.DEPTH, market)])

    @overload
    def on_book(self, market: str, handler: _B, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_book(self, market: str, handler: None = None, *, overflow: Overflow = ...) -> Callable[[_B], _B]: ...
    def on_book(self, market: str, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """The kept book after it changed: at most one call is pending, and it sees the newest state.

        Besides the chain, the best prices that frames name are compared with the book's.  Check ``book.is_live``: it
        may have gone stale between the change and the call.  Otherwise like :meth:`on_depth`, whose connection it
        shares.
        """
        return self._on(handler, overflow, [contract_key(Channel.DEPTH, market)], book=True)

    @overload
    def on_trade(self, market: str, handler: _T, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_trade(self, market: str, handler: None = None, *, overflow: Overflow = ...) -> Callable[[_T], _T]: ...
    def on_trade(self, market: str, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Public trades, one call each, oldest first, none twice (contract protocol, section 4).

        After a reconnect the trades that were missed come from the new socket's first frame; if that does not reach
        back, ``on_gap`` says so.  Otherwise like :meth:`on_depth`, on a connection of its own.
        """
        return self._on(handler, overflow, [contract_key(Channel.TRADES, market)])

    @overload
    def on_candle(
        self, market: str, period: CandlePeriod | str, handler: _C, *, overflow: Overflow = ...
    ) -> Subscription: ...
    @overload
    def on_candle(
        self, market: str, period: CandlePeriod | str, handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_C], _C]: ...
    def on_candle(
        self,
        market: str,
        period: CandlePeriod | str,
        handler: Any = None,
        *,
        overflow: Overflow = Overflow.BLOCK,
    ) -> Any:
        """Candles of a contract as they change (contract protocol, section 5).

        The same ``time`` again replaces a candle, and only a larger ``version`` does.  Volume is in contracts, turnover
        in the settlement currency.  Otherwise like :meth:`on_depth`, on a connection of its own for each period.

        Args:
            market: the symbol.
            period: a :class:`~bigone_sync.CandlePeriod`, its name, or the contract spelling: ``1MIN 5MIN 15MIN 30MIN 1H
                4H 6H 12H 1D``.
            handler: called with each candle.
            overflow: what happens when the queue is full.
        """
        return self._on(handler, overflow, [candle_key(market, period)])

    @overload
    def on_instrument(self, market: str | None, handler: _I, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_instrument(self, market: _I, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_instrument(
        self, market: str | None = None, handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_I], _I]: ...
    def on_instrument(self, market: Any = None, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Index and mark prices, funding and the last 24 hours of a contract, or of all (contract protocol, section 6).

        First every row, then one whenever it is told, unchanged ones among them.  All contracts together take one
        connection, a single one another.  ``client.on_instrument(handler)`` and a bare ``@client.on_instrument`` watch
        all; a name decorated so is then the subscription, which can be called like the function.  Otherwise like
        :meth:`on_depth`.
        """
        if handler is None and callable(market):
            market, handler = None, market
        return self._on(handler, overflow, [contract_key(Channel.INSTRUMENTS, market)])
