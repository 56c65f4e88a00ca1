"""Bodies of answers: taken out of their wrappers, and what failures say (REST protocol, section 1). Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import Raw

from ..errors import RestError
from ..protocol.base import CodecError
from ..protocol.contract_values import Members, members_of, rows_of, text_of
from ..redact import redact, redact_bytes
from ._http import Answer

__all__ = ["Reply", "excerpt_of", "failure_of", "item_of", "items_of", "page_of", "reply_of"]

_T = TypeVar("_T")

_EXCERPT = 200
_WRAPPER = frozenset({"code", "data", "message", "page_token"})
_NULL = Raw(b"null")


class Reply(msgspec.Struct, frozen=True):
    """What an answer holds."""

    data: Raw
    """Without the wrapper, where it had one."""
    page_token: str | None = None
    """Of the next page."""


def excerpt_of(body: bytes) -> str:
    """The beginning of a body, fit for messages."""
    # Redacted before it is cut: half a token is not recognised as one.
    return redact_bytes(body)[:_EXCERPT].decode("utf-8", "backslashreplace")


def reply_of(answer: Answer) -> Reply:
    """An answer of status 2xx without its wrapper ``{"code":0,"data":…}``; what comes without one is tolerated.

    Raises:
        RestError: it has a code other than 0, or an anomaly.
        CodecError: it is empty, or an object that is no JSON.
    """
    body = answer.data.strip()
    if not body:
        raise CodecError("the body is empty")
    if body[:1] != b"{":
        return Reply(Raw(body))  # an array, or something that who reads it will refuse
    members = members_of(body)
    code = text_of(members.get("code"), "code")
    if code not in (None, "0") or text_of(members.get("anomaly"), "anomaly") is not None:
        raise _refused(answer)
    if code is None and not ("data" in members and members.keys() <= _WRAPPER):
        return Reply(Raw(body))
    if "data" not in members:
        raise CodecError("data is missing")
    return Reply(members["data"], text_of(members.get("page_token"), "page_token"))


def _refused(answer: Answer) -> RestError:
    code, anomaly, reason = failure_of(answer.data)
    said = " ".join(
        str(word) for word in (code, anomaly if anomaly != reason else "", reason) if word not in (None, "")
    )
    return RestError(
        f"{answer.endpoint}: refused with status {answer.status}: {said}",
        status_code=answer.status,
        code=code,
        reason=reason,
        url=answer.endpoint.partition(" ")[2],
        anomaly=anomaly,
    )


def failure_of(body: bytes) -> tuple[int | None, str, str]:
    """Code, anomaly and reason in the body of a failure, whatever it is; never raises.

    Spot has ``{"code":40004,"message":"Unauthorized"}``, contracts ``{"anomaly":"anomaly.…"}`` or nothing at all; what
    stands before them may send anything (REST protocol, section 1).
    """
    try:
        members = members_of(body)
        number = text_of(members.get("code"), "code") or ""
        anomaly = redact(text_of(members.get("anomaly"), "anomaly") or "")[:_EXCERPT]
        message = redact(text_of(members.get("message"), "message") or "")[:_EXCERPT]
    except CodecError:
        return None, "", excerpt_of(body.strip())
    digits = number.removeprefix("-")
    code = int(number) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None
    return code, anomaly, message or anomaly


def items_of(data: bytes | Raw, make: Callable[[Members], _T]) -> tuple[_T, ...]:
    """All rows of an array.

    Raises:
        CodecError: it is no array, or one of the rows cannot be read: none is left out silently.
    """
    made = []
    for index, row in enumerate(rows_of(data)):
        try:
            made.append(make(members_of(row)))
        except CodecError as error:
            raise CodecError(f"row {index}: {error}") from error
    return tuple(made)


def page_of(data: Raw, make: Callable[[Members], _T]) -> tuple[_T, ...]:
    """The rows of a page, which may be null: how the last one looks is not documented (REST protocol, section 1)."""
    return () if bytes(data) == bytes(_NULL) else items_of(data, make)


def item_of(data: bytes | Raw, make: Callable[[Members], _T]) -> _T:
    """The one object.

    Raises:
        CodecError: it is no object, or cannot be read.
    """
    return make(members_of(data))
