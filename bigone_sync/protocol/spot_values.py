"""Values of the wire: numbers, times and words, with the schema's defaults (spot protocol, section 5)."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..enums import WordEnum
from ..times import parse_time
from .base import CodecError
from .messages import Integer, Word

__all__ = ["decimal", "integer", "number_or_word", "optional", "or_zero", "time_of", "word"]

_DECIMAL = re.compile(r"[+-]?\d{1,400}(?:\.\d{0,400})?\Z", re.ASCII)
_SCIENTIFIC = re.compile(r"[+-]?\d{1,400}(?:\.\d{0,400})?[eE][+-]?\d{1,3}\Z", re.ASCII)
_LARGEST_EXPONENT = 300
# "NaN" and "Infinity" are words, too, but they pretend to be numbers.
_WORD = re.compile(r"(?!(?i:nan|inf|infinity)\Z)[A-Za-z_]+\Z", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,40}\Z", re.ASCII)
_SMALLEST_INTEGER, _LARGEST_INTEGER = -(2**63), 2**64 - 1

_words: dict[tuple[type[WordEnum], object], Any] = {}


def word(kind: type[WordEnum], value: Word, default: WordEnum) -> Any:
    """The member for a name or number; a missing one is the schema's first value."""
    if value is None or value == "":
        return default
    known = _words.get((kind, value))
    if known is None:
        known = kind.parse(value)
        if known.is_known:  # words of the peer's invention are not collected
            _words[kind, value] = known
    return known


def decimal(text: str | None, field: str) -> Decimal:
    """An exact number.

    Raises:
        CodecError: it is missing, a word, not finite, or of an exponent that no price or amount has.
    """
    if text:
        if _DECIMAL.match(text):
            return Decimal(text)
        if _SCIENTIFIC.match(text):
            number = Decimal(text)
            if abs(number.adjusted()) <= _LARGEST_EXPONENT or not number:
                return number
    raise CodecError(f"{field} is not a number: {(text or '')[:40]!r}")


def optional(text: str | None, field: str) -> Decimal | None:
    """An exact number; None where it is missing. Otherwise like :func:`decimal`."""
    return decimal(text, field) if text else None


def or_zero(text: str | None, field: str) -> Decimal:
    """An exact number; 0 where it is missing. Otherwise like :func:`decimal`."""
    return decimal(text, field) if text else Decimal(0)


def number_or_word(text: str | None, field: str) -> Decimal | None:
    """Like :func:`optional`, and None for a word: ``price`` may be MARKET (spot protocol, section 5)."""
    return None if not text or _WORD.match(text) else decimal(text, field)


def integer(value: Integer, field: str) -> int:
    """A 64-bit integer; missing is 0.

    Raises:
        CodecError: it is something else.
    """
    if not value:
        return 0
    if isinstance(value, str):
        if not _INTEGER.match(value):
            raise CodecError(f"{field} is not an integer: {value[:40]!r}")
        value = int(value)
    if not _SMALLEST_INTEGER <= value <= _LARGEST_INTEGER:
        raise CodecError(f"{field} does not fit into 64 bits")
    return value


def time_of(value: Any, field: str) -> datetime | None:
    """A time, as text or as the codec has made it; None where it is missing.

    Raises:
        CodecError: it is something else.
    """
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise CodecError(f"{field} is not a time but of type {type(value).__name__}")
    try:
        return parse_time(value)
    except ValueError as error:
        raise CodecError(f"{field}: {error}") from error
