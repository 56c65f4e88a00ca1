"""The spot client's streams that stand in the official schema only; the documents do not describe them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from ..enums import Channel, Overflow
from ..events import CostPrice, ExchangeRate, FlashOrder, MarginAccount, SubscriptionKey
from ..subscription import Subscription
from ._arguments import check_limit, cost_keys, rate_keys
from ._stream_methods import StreamMethods

__all__ = ["SchemaStreams"]

_M = TypeVar("_M", bound=Callable[[MarginAccount], object])
_R = TypeVar("_R", bound=Callable[[ExchangeRate], object])
_F = TypeVar("_F", bound=Callable[[FlashOrder], object])
_P = TypeVar("_P", bound=Callable[[CostPrice], object])


class SchemaStreams(StreamMethods):
    """Methods of streams whose behaviour no document promises. Not for direct use."""

    @overload
    def on_margin_account(self, handler: _M, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_margin_account(self, handler: None = None, *, overflow: Overflow = ...) -> Callable[[_M], _M]: ...
    def on_margin_account(self, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Own margin accounts: all markets first, then each that changes, absolute values (spot schema, section 6).

        From the official schema; not described in the documents.  Otherwise like :meth:`on_account`.
        """
        return self._on(handler, overflow, [SubscriptionKey(Channel.MARGIN_ACCOUNTS)])

    @overload
    def on_exchange_rate(
        self, quote: str, bases: str | Iterable[str], handler: _R, *, overflow: Overflow = ...
    ) -> Subscription: ...
    @overload
    def on_exchange_rate(
        self, quote: str, bases: str | Iterable[str], handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_R], _R]: ...
    def on_exchange_rate(
        self, quote: str, bases: str | Iterable[str], handler: Any = None, *, overflow: Overflow = Overflow.BLOCK
    ) -> Any:
        """What one asset or several, ``bases``, are worth in ``quote`` (spot schema, section 6). Public.

        From the official schema; not described in the documents.  By the schema a connection carries one list, so a
        client watches the rates in one quote asset: whenever bases are added or left, the whole list is asked for
        anew, and its snapshot comes for all of them.  If the exchange refuses the list, the bases that are new in it
        are refused, the others go on.

        Otherwise like :meth:`on_depth`.

        Raises:
            ConfigurationError: an asset or the handler is not allowed, no base is named, or this client watches rates
                in another quote asset; use a second client for that.
        """
        return self._on(handler, overflow, rate_keys(quote, bases))

    @overload
    def on_flash_order(self, handler: _F, *, limit: int = ..., overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_flash_order(
        self, handler: None = None, *, limit: int = ..., overflow: Overflow = ...
    ) -> Callable[[_F], _F]: ...
    def on_flash_order(self, handler: Any = None, *, limit: int = 20, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Own flash exchange orders: the latest ``limit`` first, oldest first, then each that changes.

        From the official schema; not described in the documents (spot schema, section 6).  If the snapshot after a
        reconnect does not reach back to the last order seen, ``on_gap`` says so.  ``limit`` holds for the stream: it
        counts where the stream is asked for first.  Otherwise like :meth:`on_account`.
        """
        return self._on(handler, overflow, [SubscriptionKey(Channel.FLASH_ORDERS)], limit=check_limit(limit))

    @overload
    def on_cost_price(self, assets: str | Iterable[str], handler: _P, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_cost_price(
        self, assets: str | Iterable[str], handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_P], _P]: ...
    def on_cost_price(
        self, assets: str | Iterable[str], handler: Any = None, *, overflow: Overflow = Overflow.BLOCK
    ) -> Any:
        """What one own asset or several cost on average; ``assets`` are UUIDs (spot schema, section 6). Private.

        From the official schema; not described in the documents.  Otherwise like :meth:`on_depth`.

        Raises:
            ConfigurationError: an asset is not a UUID, none is named, the handler is not allowed, or the client has
                no credentials.
        """
        return self._on(handler, overflow, cost_keys(assets))
