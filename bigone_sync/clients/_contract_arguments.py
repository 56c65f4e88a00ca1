"""What users of the contract client pass in, checked before any I/O."""

from __future__ import annotations

from ..config import check_symbol
from ..enums import CandlePeriod, Channel
from ..errors import ConfigurationError
from ..events import SubscriptionKey
from ..protocol.contract_wire import PERIODS

__all__ = ["CHANNELS", "candle_key", "check_contract_period", "contract_key"]

CHANNELS = (
    Channel.DEPTH,
    Channel.TRADES,
    Channel.CANDLES,
    Channel.INSTRUMENTS,
    Channel.CASH,
    Channel.POSITIONS,
    Channel.ORDERS,
    Channel.FILLS,
)
"""All that there are."""
_ONE_CONTRACT = (Channel.DEPTH, Channel.TRADES, Channel.CANDLES)


def check_contract_period(period: object) -> CandlePeriod:
    """The period, given as such, by its name (``"MIN1"``) or in the contract spelling (``"1MIN"``).

    Raises:
        ConfigurationError: there is no such period for contracts.
    """
    known = period if isinstance(period, CandlePeriod) else CandlePeriod(period) if isinstance(period, str) else None
    if known is None or known not in PERIODS:
        names = ", ".join(PERIODS.values())
        raise ConfigurationError(f"period must be one of {names}, not {period!r}", argument="period")
    return known


def candle_key(market: object, period: object) -> SubscriptionKey:
    """The key of candles.

    Raises:
        ConfigurationError: there is no such symbol or period.
    """
    return SubscriptionKey(Channel.CANDLES, check_symbol(market), check_contract_period(period))


def contract_key(channel: Channel, market: object, period: object = None) -> SubscriptionKey:
    """The key of a channel by its arguments.

    Raises:
        ConfigurationError: they do not go with the channel.
    """
    if channel == Channel.CANDLES:
        if period is None:
            raise ConfigurationError("candles need a period", argument="period")
        return candle_key(market, period)
    if period is not None:
        raise ConfigurationError(f"period goes with candles, not with {channel.value}", argument="period")
    if channel == Channel.CASH and market is not None:
        raise ConfigurationError("market must be None for cash", argument="market")
    if market is None and channel not in _ONE_CONTRACT:
        return SubscriptionKey(channel)
    return SubscriptionKey(channel, check_symbol(market))
