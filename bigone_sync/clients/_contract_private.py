"""The contract client's private streams: cash, positions, own orders and fills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from ..enums import Channel, Overflow
from ..events import Cash, ContractOrder, Fill, Position
from ..subscription import Subscription
from ._contract_arguments import contract_key
from ._stream_methods import StreamMethods

__all__ = ["ContractPrivateStreams"]

_A = TypeVar("_A", bound=Callable[[Cash], object])
_P = TypeVar("_P", bound=Callable[[Position], object])
_O = TypeVar("_O", bound=Callable[[ContractOrder], object])
_F = TypeVar("_F", bound=Callable[[Fill], object])


class ContractPrivateStreams(StreamMethods):
    """Methods that need credentials. They share one connection. Not for direct use."""

    @overload
    def on_cash(self, handler: _A, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_cash(self, handler: None = None, *, overflow: Overflow = ...) -> Callable[[_A], _A]: ...
    def on_cash(self, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Cash of one currency whenever it changes, absolute values (contract protocol, section 7).

        A handler that is registered while the connection is up hears of changes from then on; :meth:`cash` tells what
        is known already.  Works as a bare decorator, too; the decorated name is then the subscription, which can be
        called like the function.  Otherwise like :meth:`on_depth`.

        Raises:
            ConfigurationError: the client has no credentials, or there are too many connections.
        """
        return self._on(handler, overflow, [contract_key(Channel.CASH, None)])

    @overload
    def on_position(self, market: str | None, handler: _P, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_position(self, market: _P, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_position(
        self, market: str | None = None, handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_P], _P]: ...
    def on_position(self, market: Any = None, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Own positions of a contract, or of all (None), absolute values; ``size`` is negative for short ones.

        After a reconnect whose first frame tells no positions REST is asked for them; ``on_gap`` tells if it does not
        answer.  Otherwise like :meth:`on_cash`.
        """
        return self._on_some(Channel.POSITIONS, market, handler, overflow)

    @overload
    def on_order(self, market: str | None, handler: _O, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_order(self, market: _O, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_order(
        self, market: str | None = None, handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_O], _O]: ...
    def on_order(self, market: Any = None, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Own orders of a contract, or of all (None), as they change.

        Nothing comes after an order's final state.  What changed while the connection was away is asked for by REST and
        comes before what is live goes on; ``on_gap`` tells if it could not be had.  Otherwise like :meth:`on_cash`.
        """
        return self._on_some(Channel.ORDERS, market, handler, overflow)

    @overload
    def on_fill(self, market: str | None, handler: _F, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_fill(self, market: _F, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_fill(
        self, market: str | None = None, handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_F], _F]: ...
    def on_fill(self, market: Any = None, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Own trades of a contract, or of all (None), none twice.

        What was filled while the connection was away is asked for by REST and comes before what is live goes on;
        ``on_gap`` tells if it could not be had.  Otherwise like :meth:`on_cash`.
        """
        return self._on_some(Channel.FILLS, market, handler, overflow)

    def _on_some(self, channel: Channel, market: Any, handler: Any, overflow: Overflow) -> Any:
        if handler is None and callable(market):
            market, handler = None, market
        return self._on(handler, overflow, [contract_key(channel, market)])
