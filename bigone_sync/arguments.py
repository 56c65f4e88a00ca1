"""What users pass to commands and REST calls, as the wire wants it; checked before any I/O."""

from __future__ import annotations

import re
import threading
from datetime import datetime
from enum import Enum

from .enums import CandlePeriod, Side
from .errors import ConfigurationError
from .exact import exact

__all__ = [
    "check_client_order_id",
    "check_count",
    "check_flag",
    "check_instant",
    "check_number",
    "check_order_id",
    "check_period",
    "check_side",
    "check_timeout",
    "check_word",
]

_ORDER_ID = re.compile(r"[0-9A-Za-z_-]{1,64}\Z")
# Spot protocol, section 7.2.
_CLIENT_ORDER_ID = re.compile(r"[0-9A-Za-z_-]{1,36}\Z")
_SIDES = {"BUY": "BID", "BID": "BID", "SELL": "ASK", "ASK": "ASK"}


def check_number(value: object, argument: str) -> str:
    """A price or an amount as exact text without exponent.

    Raises:
        ConfigurationError: it is a float, no number, not finite, not greater than 0 or too long.
    """
    number = exact(value, argument)
    if number is None or number <= 0:
        raise ConfigurationError(
            f"{argument} must be a number greater than 0, a Decimal, an int or text like '0.15', not {value!r}",
            argument=argument,
        )
    return f"{number:f}"


def check_side(side: object) -> str:
    """BID or ASK.

    Raises:
        ConfigurationError: it is neither.
    """
    word = side.value if isinstance(side, Side) else side
    found = _SIDES.get(word.upper()) if isinstance(word, str) else None
    if found is None:
        raise ConfigurationError(f"side must be Side.BUY, Side.SELL, 'buy' or 'sell', not {side!r}", argument="side")
    return found


def check_flag(value: object, argument: str) -> bool:
    """True or False.

    Raises:
        ConfigurationError: it is something else, which may have been meant for another argument.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{argument} must be True or False, not {value!r}", argument=argument)
    return value


def check_order_id(order_id: object) -> str:
    """An order's id as text.

    Raises:
        ConfigurationError: it cannot be one.
    """
    if isinstance(order_id, int) and not isinstance(order_id, bool) and order_id > 0:
        return str(order_id)
    if isinstance(order_id, str) and _ORDER_ID.match(order_id):
        return order_id
    raise ConfigurationError(
        f"order_id must be the id of an order, like Order.id, not {order_id!r}", argument="order_id"
    )


def check_timeout(timeout: object) -> float:
    """Seconds.

    Raises:
        ConfigurationError: not a number greater than 0, or more than can be waited.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout <= threading.TIMEOUT_MAX:
        raise ConfigurationError(
            f"timeout must be a number of seconds greater than 0, not {timeout!r}", argument="timeout"
        )
    return timeout


def check_client_order_id(client_order_id: object) -> str:
    """A spot order's id of one's own choice (spot protocol, section 7.2).

    Raises:
        ConfigurationError: it is not allowed.
    """
    if not isinstance(client_order_id, str) or not _CLIENT_ORDER_ID.match(client_order_id):
        raise ConfigurationError(
            "client_order_id must be 1 to 36 letters (a-z, A-Z), digits, '-' and '_',"
            f" ^[a-zA-Z0-9-_]{{1,36}}$, not {client_order_id!r}",
            argument="client_order_id",
        )
    return client_order_id


def check_period(period: object) -> CandlePeriod:
    """The period, given as such or by its name.

    Raises:
        ConfigurationError: there is no such period.
    """
    known = period if isinstance(period, CandlePeriod) else CandlePeriod(period) if isinstance(period, str) else None
    if known is None or not known.is_known:
        names = ", ".join(item.value for item in CandlePeriod if item.is_known)
        raise ConfigurationError(f"period must be one of {names}, not {period!r}", argument="period")
    return known


def check_count(value: object, argument: str, largest: int, *, least: int = 1) -> int:
    """A whole number.

    Raises:
        ConfigurationError: it is not, or below ``least`` or above ``largest``.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= largest:
        raise ConfigurationError(
            f"{argument} must be a whole number from {least} to {largest}, not {value!r}", argument=argument
        )
    return value


def check_instant(value: object, argument: str) -> datetime:
    """A moment.

    Raises:
        ConfigurationError: it is no datetime, or one without time zone, which could be any of many moments.
    """
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ConfigurationError(
            f"{argument} must be an aware datetime, like datetime.now(timezone.utc), not {value!r}", argument=argument
        )
    return value


def check_word(value: object, argument: str, allowed: tuple[str, ...]) -> str:
    """One of ``allowed``, which are upper case; given as text in any case, or as a member of an enumeration.

    Raises:
        ConfigurationError: it is none of them.
    """
    word = value.value if isinstance(value, Enum) else value
    found = word.upper() if isinstance(word, str) else None
    if found not in allowed:
        raise ConfigurationError(f"{argument} must be one of {', '.join(allowed)}, not {value!r}", argument=argument)
    return str(found)
