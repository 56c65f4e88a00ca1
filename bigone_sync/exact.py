"""Exact numbers: what users pass as such, and arithmetic that no decimal context of a thread can bend. Pure."""

from __future__ import annotations

import decimal
import re
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

from .errors import ConfigurationError

__all__ = ["LONGEST", "ROUNDINGS", "exact", "is_multiple", "round_to", "step_of"]

LONGEST = 100
"""Digits. No price and no amount is longer; what is, has an exponent by mistake."""

ROUNDINGS = frozenset(
    {
        *(decimal.ROUND_CEILING, decimal.ROUND_FLOOR, decimal.ROUND_UP, decimal.ROUND_DOWN, decimal.ROUND_05UP),
        *(decimal.ROUND_HALF_UP, decimal.ROUND_HALF_DOWN, decimal.ROUND_HALF_EVEN),
    }
)
"""Those of :mod:`decimal`."""

# Decimal() alone would take "1_000", blanks and other scripts' digits.
_NUMBER = re.compile(r"-?\d{1,100}(?:\.\d{0,100})?(?:[eE][+-]?\d{1,3})?\Z", re.ASCII)
# The thread's own context rounds to 28 digits, or to what the user set. Wide enough for two numbers of LONGEST digits
# on either side of the point.
_EXACT = Context(prec=1000, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
_QUARTER, _HALF, _THREE_QUARTERS = Decimal("0.25"), Decimal("0.5"), Decimal("0.75")


def exact(value: object, argument: str) -> Decimal | None:
    """A number as given; None where it is none, or not finite.

    Raises:
        ConfigurationError: it is a float, or of more than 100 digits.
    """
    if isinstance(value, float):
        raise ConfigurationError(
            f"{argument} must be a Decimal, an int or text, not the float {value!r}, which is not exact",
            argument=argument,
        )
    is_number = isinstance(value, (Decimal, int)) and not isinstance(value, bool)
    is_text = isinstance(value, str) and _NUMBER.match(value)
    number = Decimal(value) if is_number or is_text else None  # type: ignore[arg-type]
    if number is None or not number.is_finite():
        return None
    if max(len(number.as_tuple().digits), abs(number.adjusted())) > LONGEST:
        raise ConfigurationError(f"{argument} must have no more than {LONGEST} digits", argument=argument)
    return number


def step_of(scale: int) -> Decimal:
    """The last of ``scale`` digits behind the point: 0.01 for 2."""
    return Decimal((0, (1,), -scale))


def is_multiple(number: Decimal, step: Decimal) -> bool:
    """Whether ``number`` lies on the grid of ``step``, which is greater than 0."""
    return not _EXACT.remainder(number, step)


def round_to(number: Decimal, step: Decimal, rounding: str) -> Decimal:
    """The multiple of ``step``, which is greater than 0, that ``rounding`` chooses; without exponent.

    ``rounding`` is one of :mod:`decimal`, and means what it means there, in units of ``step``.
    """
    whole, rest = _EXACT.divmod(number, step)
    if rest:
        # Rounding asks of the rest only on which side of the middle it is; the quotient itself may never end.
        side = _EXACT.compare(_EXACT.add(rest.copy_abs(), rest.copy_abs()), step)
        part = (_HALF if not side else _THREE_QUARTERS if side > 0 else _QUARTER).copy_sign(number)
        whole = _EXACT.add(whole, part).to_integral_value(rounding=rounding, context=_EXACT)
    result = _EXACT.multiply(whole, step)
    if int(result.as_tuple().exponent) > 0:
        result = result.quantize(Decimal(1), context=_EXACT)
    return result if result else result.copy_abs()
