"""The spot client's private streams that the documents describe: balances and own orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from ..enums import BusinessUnit, Channel, Overflow
from ..events import Account, Order, SubscriptionKey
from ..subscription import Subscription
from ._arguments import order_key
from ._stream_methods import StreamMethods

__all__ = ["PrivateStreams"]

_A = TypeVar("_A", bound=Callable[[Account], object])
_O = TypeVar("_O", bound=Callable[[Order], object])


class PrivateStreams(StreamMethods):
    """Methods that need credentials. Not for direct use."""

    @overload
    def on_account(self, handler: _A, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_account(self, handler: None = None, *, overflow: Overflow = ...) -> Callable[[_A], _A]: ...
    def on_account(self, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Balances: all assets first, then each that changes, absolute values (spot protocol, section 7.1).

        Works as a bare decorator, too; the decorated name is then the subscription, which can be called like the
        function.  Otherwise like :meth:`on_depth`.

        Raises:
            ConfigurationError: the client has no credentials.
        """
        return self._on(handler, overflow, [SubscriptionKey(Channel.ACCOUNTS)])

    @overload
    def on_order(
        self,
        market: str | None,
        handler: _O,
        *,
        business_unit: BusinessUnit | str | None = ...,
        overflow: Overflow = ...,
    ) -> Subscription: ...
    @overload
    def on_order(
        self, market: _O, *, business_unit: BusinessUnit | str | None = ..., overflow: Overflow = ...
    ) -> Subscription: ...
    @overload
    def on_order(
        self,
        market: str | None = None,
        handler: None = None,
        *,
        business_unit: BusinessUnit | str | None = ...,
        overflow: Overflow = ...,
    ) -> Callable[[_O], _O]: ...
    def on_order(
        self,
        market: Any = None,
        handler: Any = None,
        *,
        business_unit: BusinessUnit | str | None = None,
        overflow: Overflow = Overflow.BLOCK,
    ) -> Any:
        """Own orders of a market, or of all (None), as they change (spot protocol, section 7.2).

        A market's stream begins with a snapshot of its orders; the stream of all markets has none.  After a
        reconnect REST is asked for orders that are open or may have changed, and what differs comes with
        ``is_snapshot``, before what is live goes on; ``on_gap`` tells what could not be asked for.  An update that is
        older than what was delivered, or of which less is filled, is dropped.  ``client.on_order(handler)`` and a bare
        ``@client.on_order`` watch all markets.
        Otherwise like :meth:`on_account`.

        ``business_unit`` is ``"SPOT"``, which None means, too, or ``"MARGIN"``: from the official schema; not described
        in the documents.  Orders of a unit that no handler asked for go to those of the other.
        """
        if handler is None and callable(market):
            market, handler = None, market
        return self._on(handler, overflow, [order_key(market, business_unit)])
