"""What users pass in, checked before any I/O."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from ..config import check_market
from ..enums import CandlePeriod, Channel, Overflow
from ..errors import ConfigurationError
from ..events import SubscriptionKey

__all__ = ["check_handler", "check_limit", "check_overflow", "check_period", "stream_keys", "ticker_keys"]

_LARGEST_LIMIT = 1000


def check_handler(handler: object) -> None:
    """Nothing, if ``handler`` can be called with one argument.

    Raises:
        ConfigurationError: it cannot.
    """
    name = getattr(handler, "__qualname__", repr(handler))
    if not callable(handler):
        raise ConfigurationError(f"handler must be callable with one argument, not {handler!r}", argument="handler")
    if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None)):  # noqa: B004
        raise ConfigurationError(f"handler {name} must be a plain function, not a coroutine", argument="handler")
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):
        return  # some builtins have no signature to look at
    try:
        signature.bind(object())
    except TypeError:
        raise ConfigurationError(
            f"handler {name}{signature} must take exactly one argument, the event", argument="handler"
        ) from None


def check_overflow(overflow: object, *, private: bool) -> Overflow:
    """``overflow`` if it is allowed.

    Raises:
        ConfigurationError: not an :class:`Overflow`, or RESYNC for private data, which is never discarded.
    """
    if overflow not in (Overflow.BLOCK, Overflow.RESYNC):
        raise ConfigurationError(
            f"overflow must be Overflow.BLOCK or Overflow.RESYNC, not {overflow!r}", argument="overflow"
        )
    if private and overflow == Overflow.RESYNC:
        raise ConfigurationError(
            "overflow=Overflow.RESYNC is for public streams; private events are never discarded", argument="overflow"
        )
    return overflow  # type: ignore[return-value]


def stream_keys(channel: Channel, market: Any, period: Any) -> list[SubscriptionKey]:
    """The keys of a channel by its arguments.

    Raises:
        ConfigurationError: they do not go with the channel.
    """
    if (period is not None) != (channel == Channel.CANDLES):
        raise ConfigurationError("period goes with candles, and candles need one", argument="period")
    if channel == Channel.TICKER:
        return ticker_keys(market or ())
    if channel == Channel.ACCOUNTS:
        if market is not None:
            raise ConfigurationError("market must be None for accounts", argument="market")
        return [SubscriptionKey(channel)]
    if channel == Channel.ORDERS and market is None:
        return [SubscriptionKey(channel)]
    known = check_period(period) if channel == Channel.CANDLES else None
    return [SubscriptionKey(channel, check_market(market), known)]


def ticker_keys(markets: str | Iterable[str]) -> list[SubscriptionKey]:
    """A key for each market; one for all of them where none is named (spot protocol, section 6.2)."""
    if not isinstance(markets, Iterable):
        raise ConfigurationError(
            f"markets must be BASE-QUOTE names, like 'BTC-USDT' or a list of them, not {markets!r}", argument="markets"
        )
    names = [markets] if isinstance(markets, str) else list(markets)
    unique = dict.fromkeys(check_market(name, argument="markets") for name in names)
    return [SubscriptionKey(Channel.TICKER, name) for name in unique] or [SubscriptionKey(Channel.TICKER)]


def check_period(period: object) -> CandlePeriod:
    """The period, given as such or by its name.

    Raises:
        ConfigurationError: there is no such period.
    """
    known = period if isinstance(period, CandlePeriod) else CandlePeriod(period) if isinstance(period, str) else None
    if known is None or not known.is_known:
        names = ", ".join(item.value for item in CandlePeriod if item.is_known)
        raise ConfigurationError(f"period must be one of {names}, not {period!r}", argument="period")
    return known


def check_limit(limit: object) -> int:
    """``limit`` if a snapshot can have so many items.

    Raises:
        ConfigurationError: it cannot.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= _LARGEST_LIMIT:
        raise ConfigurationError(
            f"limit must be a whole number from 1 to {_LARGEST_LIMIT}, not {limit!r}", argument="limit"
        )
    return limit
