"""The exchange's times: RFC 3339 text to aware UTC datetimes that keep their nanoseconds."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

__all__ = ["NanoDatetime", "parse_time"]

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,30}))?(?:([Zz])|([+-])(\d\d):?(\d\d))\Z", re.ASCII
)


class NanoDatetime(datetime):
    """An aware UTC datetime with the part of a microsecond that ``datetime`` cannot hold."""

    nanosecond: int = 0
    """0 to 999, below the microsecond."""

    @classmethod
    def build(cls, base: datetime, nanosecond: int) -> NanoDatetime:
        """``base`` plus ``nanosecond`` (0 to 999)."""
        self = cls(
            base.year,
            base.month,
            base.day,
            base.hour,
            base.minute,
            base.second,
            base.microsecond,
            tzinfo=base.tzinfo,
        )
        self.nanosecond = nanosecond
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, datetime):
            return NotImplemented
        return super().__eq__(other) and self.nanosecond == getattr(other, "nanosecond", 0)

    def __ne__(self, other: object) -> bool:
        # datetime brings all six comparisons, so none of them is derived from __eq__.
        return not self == other if isinstance(other, datetime) else NotImplemented

    def _below(self, other: datetime) -> bool:
        if super().__eq__(other):
            return self.nanosecond < int(getattr(other, "nanosecond", 0))
        return super().__lt__(other)

    def __lt__(self, other: Any) -> bool:
        return self._below(other) if isinstance(other, datetime) else NotImplemented

    def __le__(self, other: Any) -> bool:
        return self._below(other) or self == other if isinstance(other, datetime) else NotImplemented

    def __gt__(self, other: Any) -> bool:
        return not self <= other if isinstance(other, datetime) else NotImplemented

    def __ge__(self, other: Any) -> bool:
        return not self < other if isinstance(other, datetime) else NotImplemented

    def __hash__(self) -> int:
        # Arithmetic gives times of this class without nanoseconds; they equal plain ones.
        return hash((super().__hash__(), self.nanosecond)) if self.nanosecond else super().__hash__()

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, nanosecond={self.nanosecond})"

    def __reduce_ex__(self, protocol: Any) -> Any:
        plain = datetime(
            self.year, self.month, self.day, self.hour, self.minute, self.second, self.microsecond, tzinfo=self.tzinfo
        )
        return NanoDatetime.build, (plain, self.nanosecond)


def parse_time(text: str | None) -> datetime | None:
    """An RFC 3339 time with any number of fraction digits, as an aware UTC datetime (spot protocol, section 5).

    Returns None for None and the empty text.  Digits below the nanosecond are cut off; a nanosecond part that does
    not fit into microseconds makes the result a :class:`NanoDatetime`.

    Raises:
        ValueError: the text is not a time.
    """
    if not text:
        return None
    found = _RFC3339.match(text)
    if found is None:
        raise ValueError(f"not an RFC 3339 time: {text[:40]!r}")
    year, month, day, hour, minute, second, fraction, utc, sign, off_hours, off_minutes = found.groups()
    nanos = int(fraction[:9].ljust(9, "0")) if fraction else 0
    micros, rest = divmod(nanos, 1000)
    # A leap second has no datetime; its predecessor is the nearest that exists.
    seconds = 59 if second == "60" else int(second)
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), seconds, micros, tzinfo=timezone.utc)
        if not utc:
            offset = timedelta(hours=int(off_hours), minutes=int(off_minutes))
            moment = moment - offset if sign == "+" else moment + offset
    except OverflowError as error:
        raise ValueError(f"not a time that can be represented: {text[:40]!r}") from error
    return NanoDatetime.build(moment, rest) if rest else moment
