"""Reading the parameters of REST calls strictly, so that a client's mistake shows."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from bigone_sync.testing._rest_call import JSON, Call

__all__ = ["Unfit", "choice", "integer", "json_body", "names", "positive", "required", "time_ns", "truth"]

_MAX_DIGITS = 19
_FINEST = -18
_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?")


class Unfit(Exception):
    """A parameter is missing, unknown, or not of its kind; the text says which."""


def required(values: Mapping[str, Any], name: str) -> str:
    """A text that must be there."""
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise Unfit(f"{name} is required, as a string")
    return value


def integer(query: Mapping[str, str], name: str, default: int, *, least: int = 1, most: int | None = None) -> int:
    """A whole number within its bounds."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS:
        raise Unfit(f"{name} must be a whole number: {text!r}")
    value = int(text)
    if value < least or (most is not None and value > most):
        raise Unfit(f"{name} must be at least {least}{'' if most is None else f' and at most {most}'}: {value}")
    return value


def choice(values: Mapping[str, Any], name: str, among: Collection[str], default: str | None = None) -> str | None:
    """One of some words."""
    value = values.get(name)
    if value is None:
        return default
    if not isinstance(value, str) or value not in among:
        raise Unfit(f"{name} must be one of {', '.join(among)}: {value!r}")
    return value


def names(query: Mapping[str, str], name: str) -> list[str]:
    """A list with commas; empty if it is not there."""
    text = query.get(name, "")
    return list(dict.fromkeys(text.split(","))) if text else []


def truth(body: Mapping[str, Any], name: str) -> bool | None:
    """A truth value of a body; None if it is not there."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise Unfit(f"{name} must be true or false: {value!r}")
    return value


def positive(body: Mapping[str, Any], name: str, most: Decimal) -> Decimal | None:
    """A JSON number of a body; None if it is not there."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise Unfit(f"{name} must be a number: {value!r}")
    found = Decimal(value)
    exponent = found.as_tuple().exponent
    # Bounded before anybody divides by it or quantizes it.
    if not isinstance(exponent, int) or exponent < _FINEST or not 0 < found <= most:
        raise Unfit(f"{name} must be positive, at most {most}, with at most {-_FINEST} decimals")
    return found


def time_ns(query: Mapping[str, str], name: str) -> int | None:
    """A time of RFC 3339, nanoseconds since the epoch; without an offset it is UTC."""
    text = query.get(name)
    if text is None:
        return None
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        whole, fraction, offset = found.groups()
        seconds = (datetime.fromisoformat(whole + (offset or "Z").replace("Z", "+00:00")) - _EPOCH).total_seconds()
    except (ValueError, OverflowError):
        raise Unfit(f"{name} must be a time like 2025-12-29T14:50:54Z: {text!r}") from None
    return int(seconds) * _SECOND + int((fraction or "").ljust(9, "0"))


def json_body(call: Call) -> Any:
    """What stands in the body; numbers with a fraction are exact."""
    if call.content_type.lower() != JSON:
        raise Unfit(f"Content-Type must be {JSON}")
    try:
        return json.loads(call.body, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Unfit("the body is not JSON") from None


def _refuse(word: str) -> None:
    """NaN and Infinity are words of the standard library's, not of JSON's."""
    raise ValueError(word)
