"""The exchange's clock, read from its ping, and when to read it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import msgspec

from ..arguments import check_count
from ..clock import ClockOffset, ServerClock
from ..errors import BigOneError, ConnectionClosed, DecodeError, RestError
from ..redact import redact

__all__ = ["PAUSE", "ClockKeeper", "measure", "read_ping"]

_log = logging.getLogger("bigone_sync.rest")

_NS = 1_000_000_000
# The machine's clock and the monotonic one go alike but for slewing; more than this, and somebody has set the former.
_SET = _NS // 2
_MOST = 100
_EXCERPT = 200
PAUSE = 10.0
"""Seconds between two readings that nobody asked for."""


def read_ping(data: bytes) -> int:
    """Unix nanoseconds in an answer to ping: ``{"Timestamp": …}``, bare or in ``data`` (REST protocol, section 2).

    Raises:
        DecodeError: there are none.
    """
    try:
        found = msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and isinstance(found.get("data"), dict):
        found = found["data"]
    value = None
    if isinstance(found, dict):
        value = found.get("Timestamp", found.get("timestamp"))
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    # From 2001 to 2286: anything else is in another unit, and would move the clock by decades.
    if isinstance(value, bool) or not isinstance(value, int) or not 10**18 <= value < 10**19:
        excerpt = redact(data[:_EXCERPT].decode(errors="replace"))
        raise DecodeError("the answer to ping has no Unix time in nanoseconds", connection="rest", excerpt=excerpt)
    return value


def measure(
    ping: Callable[[float], bytes],
    machine: Callable[[], int],
    *,
    samples: int,
    seconds: float,
    monotonic: Callable[[], int] = time.monotonic_ns,
) -> ClockOffset:
    """How far the exchange's clock is ahead.

    The sample with the shortest round trip wins, for the server's reading lies within it: it is at most half of it
    away from the middle.  Samples during which the machine's clock was set are discarded.

    Args:
        ping: Body of one answer; is given the seconds left.
        machine: Unix nanoseconds.
        samples: From 1 to 100.
        seconds: For all of them; when they are over, or a later sample fails, those at hand are used.
        monotonic: Nanoseconds.

    Raises:
        RestError, DecodeError, ConnectionClosed: there is no usable sample.
        ConfigurationError: ``samples`` is not as above.
    """
    check_count(samples, "samples", _MOST)
    end = time.monotonic() + seconds
    best: tuple[int, int] | None = None
    for _ in range(samples):
        left = end - time.monotonic()
        if left <= 0:
            break
        wall, start = machine(), monotonic()
        try:
            data = ping(left)
            trip, passed = monotonic() - start, machine() - wall
            server = read_ping(data)
        except ConnectionClosed:
            raise
        except (RestError, DecodeError):
            if best is None:
                raise
            break
        if abs(passed - trip) <= _SET and (best is None or trip < best[0]):
            best = trip, server - wall - trip // 2
    if best is None:
        raise RestError("the exchange's clock could not be read: this machine's clock was set meanwhile")
    return ClockOffset(best[1] / _NS, round_trip=best[0] / _NS)


class ClockKeeper:
    """Sees to it that the clock is known when tokens are about to be signed, or were refused. Thread-safe.

    Args:
        clock: What measurements correct.
        measure: Measures and corrects; is given the seconds that it may take.
        monotonic: Seconds.
    """

    def __init__(
        self,
        clock: ServerClock,
        measure: Callable[[float], ClockOffset],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._measure, self._monotonic = clock, measure, monotonic
        self._lock = threading.Lock()
        self._tried: float | None = None
        self._doubted: float | None = None

    def prepare(self, left: float) -> None:
        """Measure, if that was never done; within half of ``left`` (seconds), for the call wants to be made, too.

        A failure is logged and forgotten for ten seconds.

        Raises:
            ConnectionClosed: aborted.
        """
        if self._clock.offset is not None or not self._lock.acquire(timeout=left / 2):
            return
        try:
            if self._clock.offset is None and self._is_due(self._tried):
                self._tried = self._monotonic()
                self._read(left / 2)
        finally:
            self._lock.release()

    def doubt(self, left: float) -> float:
        """Measure again, since a token was refused; at most every ten seconds.

        Returns:
            Seconds by which the offset has changed.

        Raises:
            ConnectionClosed: aborted.
        """
        if left <= 0 or not self._lock.acquire(timeout=left / 2):
            return 0.0
        try:
            if not self._is_due(self._doubted):
                return 0.0
            self._doubted = self._monotonic()
            before = self._clock.offset or 0.0
            self._read(left / 2)
            return abs((self._clock.offset or 0.0) - before)
        finally:
            self._lock.release()

    def _is_due(self, last: float | None) -> bool:
        return last is None or self._monotonic() - last >= PAUSE

    def _read(self, seconds: float) -> None:
        try:
            self._measure(seconds)
        except ConnectionClosed:
            raise
        except BigOneError as error:
            _log.warning("the exchange's clock could not be read, so tokens are not corrected anew: %s", error)
