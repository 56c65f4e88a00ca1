"""What the client itself tells: its connections, missing data, raw frames."""

from __future__ import annotations

from datetime import datetime

from ..enums import Channel, ConnectionState
from ._base import Event

__all__ = ["Gap", "RawFrame", "StateChange"]


class StateChange(Event, frozen=True):
    """A connection changed its state."""

    old: ConnectionState
    new: ConnectionState
    cause: BaseException | None = None
    """Why, where something went wrong."""
    attempt: int = 0
    """Number of this attempt since the connection was last stable, from 1."""
    retry_in: float | None = None
    """Seconds until the next attempt, with WAITING."""


class Gap(Event, frozen=True, gc=False):
    """Data that is or may be missing."""

    channel: Channel
    market: str | None
    since: datetime | None = None
    """The exchange's time of the last item before the hole, where it sends times."""
    until: datetime | None = None
    """The exchange's time of the first item after the hole, where it sends times."""
    reason: str = ""


class RawFrame(Event, frozen=True, gc=False):
    """A frame as it went over the wire, credentials redacted."""

    direction: str
    """``in`` or ``out``."""
    data: bytes
