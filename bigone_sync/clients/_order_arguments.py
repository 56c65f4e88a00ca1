"""What users pass to commands, as the wire wants it; checked before any I/O."""

from __future__ import annotations

import re
import threading
from decimal import Decimal

from ..enums import Side
from ..errors import ConfigurationError

__all__ = ["check_flag", "check_number", "check_order_id", "check_side", "check_timeout"]

# Decimal() alone would take "1_000", blanks and other scripts' digits.
_NUMBER = re.compile(r"\d{1,100}(?:\.\d{0,100})?(?:[eE][+-]?\d{1,3})?\Z", re.ASCII)
# No price and no amount is longer; what is, has an exponent by mistake.
_LONGEST = 100
_ORDER_ID = re.compile(r"[0-9A-Za-z_-]{1,64}\Z")
_SIDES = {"BUY": "BID", "BID": "BID", "SELL": "ASK", "ASK": "ASK"}


def check_number(value: object, argument: str) -> str:
    """A price or an amount as exact text without exponent.

    Raises:
        ConfigurationError: it is a float, no number, not finite, not greater than 0 or too long.
    """
    if isinstance(value, float):
        raise ConfigurationError(
            f"{argument} must be a Decimal, an int or text, not the float {value!r}, which is not exact",
            argument=argument,
        )
    exact = isinstance(value, (Decimal, int)) and not isinstance(value, bool)
    text = isinstance(value, str) and _NUMBER.match(value)
    number = Decimal(value) if exact or text else None  # type: ignore[arg-type]
    if number is None or not number.is_finite() or number <= 0:
        raise ConfigurationError(
            f"{argument} must be a number greater than 0, a Decimal, an int or text like '0.15', not {value!r}",
            argument=argument,
        )
    if max(len(number.as_tuple().digits), abs(number.adjusted())) > _LONGEST:
        raise ConfigurationError(f"{argument} must have no more than {_LONGEST} digits", argument=argument)
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
