"""What the local exchange refuses, and the decimals that it can count with."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

__all__ = ["MOST", "Refused", "Unpayable", "check_multiple", "number", "rounded", "total"]

MOST = Decimal(10**15)
"""No given amount, price or balance is larger: with a fraction of 12 digits it is still exact."""

_FINEST = Decimal("1e-18")
# Wide enough for each product and quotient of numbers up to `MOST`, whatever the caller's own context is.
_WIDE = Context(prec=100, Emin=MIN_EMIN, Emax=MAX_EMAX)


class Refused(ValueError):
    """The exchange does not do what was asked for, and nothing has changed; the text says why."""


class Unpayable(Refused):
    """There is not enough of what an order has to be paid with."""


def number(name: str, value: Decimal | str) -> Decimal:
    """A number as users of the exchange give it.

    Raises:
        Refused: it is no finite decimal.
    """
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise Refused(f"{name} must be a decimal: {value!r}") from None
    if not found.is_finite():
        raise Refused(f"{name} must be finite: {value!r}")
    return found or Decimal(0)  # not one with a million digits after the point


def total(asset: str, value: Decimal | str) -> Decimal:
    """A balance as users of the exchange give it.

    Raises:
        Refused: it is no number, negative, too large or too fine.
    """
    found = number(asset, value)
    check_multiple(asset, found, _FINEST, zero=True)
    return found


def check_multiple(name: str, value: Decimal, step: Decimal, *, zero: bool = False) -> None:
    """Check that a number is positive, or at least not negative, not too large and not too fine.

    Args:
        zero: whether it may be 0.

    Raises:
        Refused: it is not a multiple of ``step`` up to `MOST`.
    """
    # In this order: what is not finite cannot be compared, what is too large not divided.
    if not value.is_finite() or value < 0 or (not value and not zero) or value > MOST or _WIDE.remainder(value, step):
        kind = "a multiple" if zero else "a positive multiple"
        raise Refused(f"{name} must be {kind} of {step:f}, at most {MOST}: {value:.40g}")


def rounded(value: Decimal, step: Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """The nearest decimal with as many digits after the point as ``step``, for whatever comes of checked numbers."""
    return value.quantize(step, rounding, _WIDE)
