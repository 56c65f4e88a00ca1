"""How far this machine's clock is from the exchange's, for tokens, which are valid near their time only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["ClockOffset", "ServerClock"]

_NS = 1_000_000_000


class ClockOffset(float):
    """Seconds by which the exchange's clock is ahead of this machine's; negative: behind. A float that knows more."""

    __slots__ = ("error_bound", "round_trip")

    error_bound: float
    """Seconds by which it may be wrong at most: half of the round trip."""
    round_trip: float
    """Seconds that the best of the samples took, there and back."""

    def __new__(cls, seconds: float, *, round_trip: float) -> ClockOffset:
        """Of a sample that took ``round_trip`` seconds."""
        self = super().__new__(cls, seconds)
        self.round_trip = round_trip
        self.error_bound = round_trip / 2
        return self

    def __repr__(self) -> str:
        return f"ClockOffset({float(self)!r}, round_trip={self.round_trip!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (float(self), self.round_trip)


def _rebuilt(seconds: float, round_trip: float) -> ClockOffset:
    return ClockOffset(seconds, round_trip=round_trip)


class ServerClock:
    """The exchange's time as far as it is known: this machine's, corrected by what was measured last. Thread-safe.

    Calling it gives Unix nanoseconds, so that it serves as ``clock=`` of :func:`~bigone_sync.bigone_token`.
    """

    def __init__(self, machine: Callable[[], int] | None = None) -> None:
        self._machine = machine
        self._lock = threading.Lock()
        self._offset: ClockOffset | None = None
        self._nanoseconds = 0

    def __call__(self) -> int:
        """Unix nanoseconds, as the exchange would say."""
        # By its module at each call: a clock that is replaced, by a test for instance, is followed.
        return (self._machine or time.time_ns)() + self._nanoseconds

    @property
    def machine(self) -> Callable[[], int]:
        """This machine's clock, uncorrected, in Unix nanoseconds."""
        return self._machine or time.time_ns

    @property
    def offset(self) -> ClockOffset | None:
        """What was measured last; None: nothing yet, and the machine's clock is used as it is."""
        return self._offset

    def correct(self, offset: ClockOffset) -> None:
        """Follow a measurement from now on."""
        with self._lock:
            self._offset, self._nanoseconds = offset, round(offset * _NS)

    @property
    def skew(self) -> str:
        """What is known of this machine's clock, for messages."""
        offset = self._offset
        if offset is None:
            return "this machine's clock has not been compared with the exchange's"
        way = "behind" if offset > 0 else "ahead of"
        return (
            f"this machine's clock is {abs(offset):.3f} s {way} the exchange's (measured, ±{offset.error_bound:.3f} s),"
            " and tokens are corrected for it"
        )
