"""What users pass in, checked before any I/O."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from ..arguments import check_period
from ..config import check_asset, check_market, check_uuid
from ..enums import BusinessUnit, Channel, Overflow
from ..errors import ConfigurationError
from ..events import SubscriptionKey

__all__ = [
    "check_handler",
    "check_limit",
    "check_overflow",
    "check_period",
    "cost_keys",
    "order_key",
    "rate_keys",
    "stream_keys",
    "ticker_keys",
]

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


# Which arguments of `subscribe` go with which channel.
_OPTIONS = {
    "period": Channel.CANDLES,
    "business_unit": Channel.ORDERS,
    "quote": Channel.EXCHANGE_RATES,
    "bases": Channel.EXCHANGE_RATES,
    "assets": Channel.COST_PRICES,
}
_WITHOUT_MARKET = (
    Channel.ACCOUNTS,
    Channel.MARGIN_ACCOUNTS,
    Channel.EXCHANGE_RATES,
    Channel.FLASH_ORDERS,
    Channel.COST_PRICES,
)


def stream_keys(channel: Channel, market: Any, **options: Any) -> list[SubscriptionKey]:
    """The keys of a channel by its arguments; ``options`` that were not given are None.

    Raises:
        ConfigurationError: they do not go with the channel.
    """
    for name, value in options.items():
        owner = _OPTIONS[name]
        if value is not None and channel != owner:
            raise ConfigurationError(f"{name} goes with {owner.value}, not with {channel.value}", argument=name)
    if channel in _WITHOUT_MARKET and market is not None:
        raise ConfigurationError(f"market must be None for {channel.value}", argument="market")
    if channel == Channel.TICKER:
        return ticker_keys(market or ())
    if channel == Channel.ORDERS:
        return [order_key(market, options["business_unit"])]
    if channel == Channel.EXCHANGE_RATES:
        return rate_keys(options["quote"], options["bases"])
    if channel == Channel.COST_PRICES:
        return cost_keys(options["assets"])
    if channel in _WITHOUT_MARKET:
        return [SubscriptionKey(channel)]
    if channel == Channel.CANDLES:
        if options["period"] is None:
            raise ConfigurationError("candles need a period", argument="period")
        return [SubscriptionKey(channel, check_market(market), check_period(options["period"]))]
    return [SubscriptionKey(channel, check_market(market))]


def _names(values: object, argument: str, what: str) -> list[Any]:
    """One name or several, as a list."""
    if not isinstance(values, Iterable):
        raise ConfigurationError(f"{argument} must be {what} or a list of them, not {values!r}", argument=argument)
    return [values] if isinstance(values, str) else list(values)


def ticker_keys(markets: str | Iterable[str]) -> list[SubscriptionKey]:
    """A key for each market; one for all of them where none is named (spot protocol, section 6.2)."""
    names = _names(markets, "markets", "a BASE-QUOTE name, like 'BTC-USDT',")
    unique = dict.fromkeys(check_market(name, argument="markets") for name in names)
    return [SubscriptionKey(Channel.TICKER, name) for name in unique] or [SubscriptionKey(Channel.TICKER)]


def order_key(market: object, business_unit: object) -> SubscriptionKey:
    """The key of own orders; SPOT, the exchange's default, is not named, so that both are one stream.

    Raises:
        ConfigurationError: there is no such market or unit.
    """
    wanted = None if market is None else check_market(market)
    unit = business_unit if isinstance(business_unit, BusinessUnit) else None
    if isinstance(business_unit, str):
        unit = BusinessUnit(business_unit)
    if business_unit is not None and (unit is None or not unit.is_known):
        names = " or ".join(repr(item.value) for item in BusinessUnit if item.is_known)
        raise ConfigurationError(f"business_unit must be {names}, not {business_unit!r}", argument="business_unit")
    return SubscriptionKey(Channel.ORDERS, wanted, unit=None if unit == BusinessUnit.SPOT else unit)


def rate_keys(quote: object, bases: object) -> list[SubscriptionKey]:
    """A key for each base asset (spot schema, section 6).

    Raises:
        ConfigurationError: no asset is named, or one cannot be.
    """
    checked = check_asset(quote, argument="quote")
    names = _names(bases, "bases", "an asset's symbol, like 'BTC',")
    unique = dict.fromkeys(check_asset(name, argument="bases") for name in names)
    if not unique:
        raise ConfigurationError("bases must name at least one asset, like 'BTC'", argument="bases")
    return [SubscriptionKey(Channel.EXCHANGE_RATES, f"{base}-{checked}") for base in unique]


def cost_keys(assets: object) -> list[SubscriptionKey]:
    """A key for each asset (spot schema, section 6).

    Raises:
        ConfigurationError: no asset is named, or one is not a UUID.
    """
    names = _names(assets, "assets", "an asset's UUID")
    unique = dict.fromkeys(check_uuid(name, argument="assets") for name in names)
    if not unique:
        raise ConfigurationError("assets must name at least one asset, by its UUID", argument="assets")
    return [SubscriptionKey(Channel.COST_PRICES, asset=asset) for asset in unique]


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
