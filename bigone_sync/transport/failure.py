"""What the end of an attempt means: final or worth another try, and how soon."""

from __future__ import annotations

from ..config import Backoff
from ..errors import AuthenticationError, ConfigurationError, ConnectError, RestError

__all__ = ["is_fatal", "pause"]

# 101 is an answer that accepts and breaks the handshake's rules; the others will not change by asking again.
_FATAL_STATUS = frozenset({101, 204, 400, 401, 403, 404})
_TOO_MANY = 429
_TOO_MANY_PAUSE = 60.0
_PROXY_AUTHENTICATION = 407


def is_fatal(error: BaseException) -> bool:
    """Whether trying again cannot help. Pure."""
    if isinstance(error, (AuthenticationError, ConfigurationError)):
        return True
    if isinstance(error, ConnectError):
        if error.kind == "certificate":
            return True
        if error.kind == "proxy":
            return error.status_code == _PROXY_AUTHENTICATION
        return error.status_code in _FATAL_STATUS
    return False


def pause(backoff: Backoff, failures: int, error: BaseException, random: float) -> float:
    """Seconds until the next attempt after ``failures`` in a row; ``random`` is from 0 to 1. Pure.

    Status 429, of the handshake or of what it needs, waits at least a minute, or as long as Retry-After says.
    """
    seconds = backoff.bound(failures) * random
    if isinstance(error, (ConnectError, RestError)) and error.status_code == _TOO_MANY:
        asked = error.headers.get("retry-after", "") if isinstance(error, ConnectError) else ""
        floor = float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0.0
        seconds += max(_TOO_MANY_PAUSE, floor)
    return seconds
