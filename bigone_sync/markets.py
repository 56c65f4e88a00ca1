"""A market of the exchange, as it lists them."""

from __future__ import annotations

from decimal import Decimal

import msgspec

__all__ = ["Market"]


class Market(msgspec.Struct, frozen=True, gc=False):
    """A spot market (spot schema, section 3): from the official schema; not described in the documents."""

    name: str
    """``BTC-USDT``."""
    base_asset: str
    """What the exchange sends: symbol or UUID is not documented."""
    quote_asset: str
    base_scale: int
    """Digits behind the point of an amount."""
    quote_scale: int
    """Digits behind the point of a price."""
    min_quote_value: Decimal | None = None
    """Least value of an order, in the quote asset; None where the exchange sends none."""
