"""The contract channels' JSON, down to single values (contract protocol, sections 3 to 8).

Every number is read from the text that it was written with, never by way of a float, and may also come as a string.
Absent, null and the empty text mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from ..enums import WordEnum
from .base import CodecError
from .json_text import NOT_JSON, literal
from .spot_values import integer, optional, word

__all__ = [
    "Members",
    "count",
    "each_of",
    "flag",
    "identity",
    "members_of",
    "moment",
    "name",
    "named",
    "number",
    "numbers",
    "pong_of",
    "rows_of",
    "text_of",
    "time_of",
    "word_of",
]

_E = TypeVar("_E", bound=WordEnum)
_T = TypeVar("_T")

Members = dict[str, Raw]
"""An object by its members, each still as text."""

_LONGEST_PONG = 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

_decode_members: Callable[[bytes | Raw], Members] = msgspec.json.Decoder(Members).decode
_decode_rows: Callable[[bytes | Raw], list[Raw]] = msgspec.json.Decoder(list[Raw]).decode


def pong_of(data: bytes) -> bool:
    """True for the answer to a ping of ours, ``{"pong": ...}``, which any channel may bring (section 8)."""
    if len(data) > _LONGEST_PONG or b'"pong"' not in data:
        return False
    try:
        return _decode_members(data).keys() == {"pong"}
    except NOT_JSON:
        return False


def members_of(data: bytes | Raw) -> Members:
    """An object's members.

    Raises:
        CodecError: it is no JSON, or no object.
    """
    try:
        return _decode_members(data)
    except NOT_JSON as error:
        raise CodecError(str(error)) from error


def rows_of(data: bytes | Raw) -> list[Raw]:
    """An array's items.

    Raises:
        CodecError: it is no JSON, or no array.
    """
    try:
        return _decode_rows(data)
    except NOT_JSON as error:
        raise CodecError(str(error)) from error


def each_of(rows: Iterable[Raw], make: Callable[[Members], _T]) -> list[_T | CodecError]:
    """Each of ``rows`` as ``make`` makes it; one that cannot be read does not take the others along."""
    made: list[_T | CodecError] = []
    for row in rows:
        try:
            made.append(make(members_of(row)))
        except CodecError as error:
            made.append(error)
    return made


def text_of(raw: Raw | None, field: str) -> str | None:
    """The text of a value; None where it is missing.

    Raises:
        CodecError: it is a broken string.
    """
    if raw is None or bytes(raw) == b"null":
        return None
    try:
        return literal(raw) or None
    except NOT_JSON as error:
        raise CodecError(f"{field}: {error}") from error


def _is_string(raw: Raw | None) -> bool:
    return raw is not None and bytes(raw)[:1] == b'"'


def number(members: Members, field: str) -> Decimal | None:
    """An exact number; None where it is missing.

    Raises:
        CodecError: it is not one, not finite, or of an exponent that no price or size has.
    """
    return optional(text_of(members.get(field), field), field)


def numbers(members: Members, fields: dict[str, str]) -> dict[str, Any]:
    """Exact numbers by the names of an event's fields; ``fields`` maps these to the wire's. Like :func:`number`."""
    return {ours: number(members, theirs) for ours, theirs in fields.items()}


def count(members: Members, field: str) -> int | None:
    """A 64-bit integer, as a number or text; None where it is missing.

    Raises:
        CodecError: it is something else.
    """
    text = text_of(members.get(field), field)
    return None if text is None else integer(text, field)


def time_of(milliseconds: int | None, field: str = "time") -> datetime | None:
    """Milliseconds since 1970 as an aware UTC datetime; None for None, and for 0, which says the same.

    Raises:
        CodecError: they are beyond the year 9999, or before the year 1.
    """
    if not milliseconds:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError as error:
        raise CodecError(f"{field} is no time in milliseconds: {milliseconds}") from error


def moment(members: Members, field: str) -> datetime | None:
    """A time in milliseconds, see :func:`time_of`; None also where it is missing.

    Raises:
        CodecError: it is something else, or beyond the year 9999.
    """
    return time_of(count(members, field), field)


def name(members: Members, field: str) -> str | None:
    """Text; None where it is missing.

    Raises:
        CodecError: it is something else.
    """
    raw = members.get(field)
    text = text_of(raw, field)
    if text is not None and not _is_string(raw):
        raise CodecError(f"{field} is not text: {text[:40]!r}")
    return text


def named(members: Members, field: str) -> str:
    """Text that must be there. Otherwise like :func:`name`."""
    text = name(members, field)
    if text is None:
        raise CodecError(f"{field} is missing")
    return text


def identity(members: Members, field: str) -> str | None:
    """An opaque id, which may be text or an integer on the wire (section 7); None where it is missing.

    Raises:
        CodecError: it is something else.
    """
    raw = members.get(field)
    text = text_of(raw, field)
    if text is not None and not _is_string(raw) and not text.removeprefix("-").isdecimal():
        raise CodecError(f"{field} is not an id: {text[:40]!r}")
    return text


def flag(members: Members, field: str) -> bool | None:
    """True or false; None where it is missing.

    Raises:
        CodecError: it is something else.
    """
    raw = members.get(field)
    text = text_of(raw, field)
    if text is not None and (_is_string(raw) or text not in ("true", "false")):
        raise CodecError(f"{field} is neither true nor false: {text[:40]!r}")
    return None if text is None else text == "true"


def word_of(members: Members, field: str, kind: type[_E]) -> _E:
    """A word of an enumeration; UNKNOWN where it is missing, and with its word where this version does not know it.

    Raises:
        CodecError: it is no text, or a number: those that spot has for its words mean nothing here.
    """
    text = name(members, field)
    if text is not None and text.strip().isdigit():
        raise CodecError(f"{field} is not a word: {text[:40]!r}")
    found: _E = word(kind, text, kind["UNKNOWN"])
    return found
