"""What the REST side has been told to do wrong, and how often still. Pure state; used on the exchange's loop."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bigone_sync.testing._rest_call import Answer
from bigone_sync.testing._spot_faults import Limited

__all__ = ["KINDS", "METHODS", "RestFault", "RestFaults"]

KINDS = ("500", "503", "429", "hang", "slow", "cut_json", "cut_body", "html", "empty", "drop")
METHODS = ("GET", "POST", "PUT", "DELETE")
_WITH_RETRY_AFTER = ("429", "503")
# What they spoil is the true answer, so there must be one.
_SPOILING = ("slow", "cut_json", "cut_body")

_HTML = (
    b"<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n"
    b"<body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n"
)
_ERRORS = {
    "500": b'{"code":10005,"message":"Internal error"}',
    "429": b'{"code":10429,"message":"Too many requests"}',
}


@dataclass(slots=True)
class RestFault(Limited):
    """One kind of fault for the next calls that it is meant for.

    Raises:
        ValueError: a value makes no sense.
    """

    kind: str
    path: str
    method: str | None
    carry_out: bool
    retry_after: int | str | None
    status: int | None
    pause: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault {self.kind!r}: one of {', '.join(KINDS)}")
        if self.method is not None and self.method not in METHODS:
            raise ValueError(f"no method {self.method!r}: one of {', '.join(METHODS)}, or None for all")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be at least 1, or None for ever: {self.times}")
        if self.retry_after is not None and self.kind not in _WITH_RETRY_AFTER:
            raise ValueError(f"only {' and '.join(_WITH_RETRY_AFTER)} have retry_after, not {self.kind!r}")
        if self.status is not None and (self.kind not in ("html", "empty") or not 200 <= self.status < 600):
            raise ValueError(f"only html and empty have a status, from 200 to 599: {self.kind!r}, {self.status}")
        if not 0 <= self.pause < math.inf:
            raise ValueError(f"pause must be finite and not negative: {self.pause}")

    @property
    def spoils(self) -> bool:
        """Whether it changes the true answer, and so needs it."""
        return self.kind in _SPOILING

    def in_place(self) -> Answer:
        """What is answered instead of the truth."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.kind == "html":
            return Answer(self.status or 503, _HTML, "text/html")
        if self.kind == "empty":
            return Answer(self.status or 200)
        if self.kind in _ERRORS:
            return Answer(int(self.kind), _ERRORS[self.kind], headers=headers)
        return Answer(503, b"Service Unavailable", "text/plain", headers)


class RestFaults:
    """All that are in force, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._faults: list[RestFault] = []

    def add(self, fault: RestFault) -> None:
        """Put one in force."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Forget all."""
        self._faults.clear()

    def take(self, method: str, path: str) -> RestFault | None:
        """The fault for a call, if any; it is used up once."""
        self._faults = [fault for fault in self._faults if fault.times is None or fault.times > 0]
        for fault in self._faults:
            if fault.method in (None, method) and fault.path in path and fault.take():
                return fault
        return None
