"""What all events are, and the identity of a stream."""

from __future__ import annotations

from typing import Any

import msgspec

from ..enums import BusinessUnit, CandlePeriod, Channel

__all__ = ["Event", "SubscriptionKey"]


class SubscriptionKey(msgspec.Struct, frozen=True, gc=False):
    """Identity of a stream: two requests for the same key share one subscription on the wire."""

    channel: Channel
    market: str | None = None
    """None: all markets, or none at all where the channel has none; of an exchange rate ``BASE-QUOTE``."""
    period: CandlePeriod | None = None
    """Candles only."""
    unit: BusinessUnit | None = None
    """Orders only; None: the exchange's default, SPOT."""
    asset: str | None = None
    """Cost prices only: the asset's UUID."""

    def __str__(self) -> str:
        options = [str(option) for option in (self.period, self.unit, self.asset) if option is not None]
        parts = [str(self.channel.value), self.market, *options]
        return "/".join(part for part in parts if part)


class Event(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Base of all events."""

    connection: str = ""
    """Name of the channel it came on, for instance ``spot/depth``."""
    received_at: float = 0.0
    """Unix seconds of this machine's clock when the frame was read."""

    def _value(self) -> tuple[Any, ...]:
        return tuple(
            getattr(self, name) for name in self.__struct_fields__ if name not in ("connection", "received_at")
        )

    def __eq__(self, other: object) -> bool:
        if self.__class__ is not other.__class__:
            return NotImplemented
        return self._value() == other._value()

    def __ne__(self, other: object) -> bool:
        # msgspec's own would compare by identity.
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._value()))
