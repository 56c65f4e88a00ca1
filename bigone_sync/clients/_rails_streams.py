"""The Rails client's streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from ..book import OrderBook
from ..enums import Channel, Overflow
from ..events import DepthSnapshot, DepthUpdate, Fill, RailsOrder, Trade
from ..subscription import Subscription
from ._rails_arguments import rails_key
from ._stream_methods import StreamMethods

__all__ = ["RailsStreams"]

_D = TypeVar("_D", bound=Callable[[DepthSnapshot], object] | Callable[[DepthUpdate], object])
_B = TypeVar("_B", bound=Callable[[OrderBook], object])
_T = TypeVar("_T", bound=Callable[[Trade], object])
_O = TypeVar("_O", bound=Callable[[RailsOrder], object])
_F = TypeVar("_F", bound=Callable[[Fill], object])


class RailsStreams(StreamMethods):
    """The ``on_*`` methods. Not for direct use.

    ``market`` is the client's own; only a client for ``"ALL"`` is told one.  A handler may stand in its place.
    """

    _market: str

    @overload
    def on_depth(self, market: str | None, handler: _D, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_depth(self, market: _D, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_depth(
        self, market: str | None = None, handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_D], _D]: ...
    def on_depth(self, market: Any = None, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """The book as a :class:`~bigone_sync.DepthSnapshot`, then :class:`~bigone_sync.DepthUpdate` events.

        A snapshot is asked for whenever a connection opens that no other one continues, and whenever there is a doubt;
        updates before it are dropped (Rails protocol, section 7).  There are no change ids.  Handlers run on the
        delivering thread, one at a time.  Works as a decorator, too, bare or not: ``@client.on_depth()``; the decorated
        name of the bare form is the subscription, which can be called like the function.

        Args:
            market: only where the client is for ALL.
            handler: called with each event.
            overflow: what happens when the queue is full.

        Raises:
            ConfigurationError: an argument is not allowed.
        """
        return self._on_rails(Channel.DEPTH, market, handler, overflow)

    @overload
    def on_book(self, market: str | None, handler: _B, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_book(self, market: _B, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_book(
        self, market: str | None = None, handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_B], _B]: ...
    def on_book(self, market: Any = None, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """The kept book after it changed: at most one call is pending, and it sees the newest state.

        Check ``book.is_live``: it may have gone stale between the change and the call.  Otherwise like
        :meth:`on_depth`.
        """
        return self._on_rails(Channel.DEPTH, market, handler, overflow, book=True)

    @overload
    def on_trade(self, market: str | None, handler: _T, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_trade(self, market: _T, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_trade(
        self, market: str | None = None, handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_T], _T]: ...
    def on_trade(self, market: Any = None, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Public trades, one call each, oldest first, none twice (Rails protocol, sections 3.6 and 4.2).

        At first, and where some may be missing, the recent trades are asked for; if they do not reach back to the last
        one before, ``on_gap`` says from when to when.  A match that is told once for each side is one trade; whether it
        is, is not documented (section 12).  Otherwise like :meth:`on_depth`.
        """
        return self._on_rails(Channel.TRADES, market, handler, overflow)

    @overload
    def on_order(self, market: str | None, handler: _O, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_order(self, market: _O, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_order(
        self, market: str | None = None, handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_O], _O]: ...
    def on_order(self, market: Any = None, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Own orders after every message about them, answers to commands included, whoever gave them.

        Each message comes once, however many connections bring it, and none that is older than what was said before
        (Rails protocol, section 8).  Otherwise like :meth:`on_depth`.
        """
        return self._on_rails(Channel.ORDERS, market, handler, overflow)

    @overload
    def on_fill(self, market: str | None, handler: _F, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_fill(self, market: _F, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_fill(
        self, market: str | None = None, handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_F], _F]: ...
    def on_fill(self, market: Any = None, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Own trades of the account, none twice: of every market, whatever the client's is (Rails protocol, section 4).

        A client for ALL can be told a market, and then hears of that one only.  Otherwise like :meth:`on_depth`.
        """
        return self._on_rails(Channel.FILLS, market, handler, overflow)

    def _on_rails(self, channel: Channel, market: Any, handler: Any, overflow: Overflow, *, book: bool = False) -> Any:
        if handler is None and callable(market):
            market, handler = None, market
        return self._on(handler, overflow, [rails_key(channel, market, self._market)], book=book)
