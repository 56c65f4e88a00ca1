"""What the transport of one client is told."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from .._version import __version__
from ..config import Backoff, Limits, Timeouts
from .failure import is_fatal

__all__ = ["TransportSettings"]


@dataclass(frozen=True, kw_only=True)
class TransportSettings:
    """Shared by all connections of a client."""

    timeouts: Timeouts = field(default_factory=Timeouts)
    backoff: Backoff = field(default_factory=Backoff)
    limits: Limits = field(default_factory=Limits)
    proxy: str | None = field(default=None, repr=False)
    """URL of an HTTP proxy; empty: none; None: as the environment says."""
    ssl_context: ssl.SSLContext | None = None
    """None: the system's authorities, verification on."""
    is_fatal: Callable[[BaseException], bool] = is_fatal
    """Decides whether the end of an attempt is final; pure."""
    user_agent: str = f"bigone_sync/{__version__}"
