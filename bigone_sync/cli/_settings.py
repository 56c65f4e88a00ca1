"""Settings of the demo, in one place. Times are seconds."""

from __future__ import annotations

from decimal import Decimal

from ..config import Backoff, Limits, Timeouts

__all__ = [
    "AMOUNT_PLACES",
    "BACKOFF",
    "BALANCES",
    "COIN_PLACES",
    "CONNECT_LIMIT",
    "CONTRACT_RATE",
    "LIMITS",
    "MONEY_PLACES",
    "PATIENCE",
    "PRICE_PLACES",
    "RATE",
    "RECOVERY_LIMIT",
    "REDUNDANCY",
    "SETTLE_LIMIT",
    "TICK",
    "TIMEOUTS",
    "TRADES_ASKED",
]

RATE = 40.0
"""Things that happen in the market, per second."""
CONTRACT_RATE = 20.0
"""The same in a contract, of whose trades a new socket tells fewer than a spot snapshot."""
BALANCES = (Decimal(10), Decimal(500_000))
"""What the account owns: base asset, quote asset."""
TRADES_ASKED = 200
"""Trades in a snapshot: more than happen while the connections are down."""
REDUNDANCY = 2
"""Connections alike of a Rails client."""
PATIENCE = 5.0
"""Longest wait for one of them that lags: on a busy machine both do, in turn."""

# A reconnect that a spectator can follow; pings so often that each channel has a round trip to show.
BACKOFF = Backoff(initial=0.2, cap=1.0)
TIMEOUTS = Timeouts(ping=0.5, pong=5.0)
LIMITS = Limits(dial_interval=0.05)

CONNECT_LIMIT = 15.0
"""Longest wait for the first connection."""
RECOVERY_LIMIT = 15.0
"""Longest wait, after the show, for a recovery that is still under way."""
SETTLE_LIMIT = 5.0
"""Longest wait for the last events before client and exchange are compared."""
TICK = 0.1
"""Between two pictures."""

PRICE_PLACES = 2
AMOUNT_PLACES = 5
MONEY_PLACES = 2
"""Of USDT."""
COIN_PLACES = 8
"""Of coins that a contract is settled in."""
