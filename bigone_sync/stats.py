"""Numbers about a client, as frozen snapshots. All counters only grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .enums import ConnectionState

__all__ = ["ChannelStats", "ClientStats"]


@dataclass(frozen=True, kw_only=True)
class _Counters:
    frames: int = 0
    """Data frames read."""
    bytes: int = 0
    """Bytes read, handshakes included."""
    events: int = 0
    """Events that the frames held and that somebody subscribed to."""
    delivered: int = 0
    """Events of streams handed to handlers or iterators, calls with a book among them; two handlers of one stream
    count once."""
    dropped: int = 0
    """Events discarded: by ``Overflow.RESYNC``, or by ``close(drain=False)``."""
    reconnects: int = 0
    """Times that a connection was ready again after a loss."""
    gaps: int = 0
    """Holes that were announced, depth chains that broke included."""
    touch_mismatches: int = 0
    """Books that were given up because the exchange's own best prices differed twice in a row; contract only."""
    decode_errors: int = 0
    """Frames, or items of frames, that could not be decoded."""
    callback_errors: int = 0
    """Exceptions raised by handlers."""
    queue_depth: int = 0
    """What waits to be delivered or iterated now."""
    queue_high_water: int = 0
    """Most events that ever waited."""
    blocked_seconds: float = 0.0
    """Time that readers waited for a full queue."""


@dataclass(frozen=True, kw_only=True)
class ChannelStats(_Counters):
    """Numbers of one connection."""

    state: ConnectionState
    last_frame_age: float | None = None
    """Seconds since the last complete frame; None while not connected."""
    ping_rtt: float | None = None
    """Seconds of the last answered ping."""


@dataclass(frozen=True, kw_only=True)
class ClientStats(_Counters):
    """Numbers of a client: the sums over its channels, and each of them."""

    failovers: int = 0
    """Times that another of several redundant connections took over from the leading one; Rails only."""
    channels: Mapping[str, ChannelStats] = field(default_factory=dict)
    """By name: ``depth``, ``trades``, … or ``shared``."""
