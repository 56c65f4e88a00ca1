"""What Rails says besides its public streams: answers, orders, own trades (Rails protocol, sections 3, 4.3 and 5)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from msgspec import Raw

from ..events import RailsOrder
from ..redact import redact
from .base import CodecError
from .contract_values import Members, count, each_of, members_of, name, rows_of, text_of
from .rails_news import Active, Answer, Fills, News, Pong
from .rails_requests import CHANNELS
from .rails_values import REFUSED, fill_of, order_of
from .report import Reporter

__all__ = ["Answers", "is_missing"]

_T = TypeVar("_T")

_KNOWN = frozenset({"createOrder", "cancelOrder", "modifyOrder", "updateLeverage", "rejectOrder", "completeFillOrder"})
_ACTIVE = frozenset({"subscribed", "unsubscribed"})
_PONG = "pong"
_LONGEST_WORDS = 1000
_LONGEST_KIND = 60


def is_missing(raw: Raw | None) -> bool:
    """Whether a member is absent or null."""
    return raw is None or bytes(raw) == b"null"


class Answers:
    """One per protocol."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def fills(self, rows: Raw, raw: bytes, at: float, news: list[News]) -> None:
        """Own trades; one that cannot be read is reported and does not take the others along.

        Raises:
            CodecError: ``rows`` is no array.
        """
        found = each_of(rows_of(rows), partial(fill_of, connection=self._reporter.connection, received_at=at))
        for row in found:
            if isinstance(row, CodecError):
                news.append(self._reporter.problem(CodecError(f"own trades: {row}"), raw))
        if good := [row for row in found if not isinstance(row, CodecError)]:
            news.append(Fills(good))

    def read(self, kind: str, data: Raw | None, raw: bytes, at: float, news: list[News]) -> bool:
        """What any other message says. False: it is of an unknown kind and nothing shows what it is about.

        Raises:
            CodecError: it is of a known kind and has not what that must have.
        """
        kind = redact(kind)
        if is_missing(data) and kind == _PONG:
            news.append(Pong(None))
            return True
        try:
            if data is None:
                raise CodecError(f"{kind[:_LONGEST_KIND]}: data is missing")
            content = members_of(data)
        except CodecError:
            if kind in _KNOWN or kind in _ACTIVE or kind == _PONG:
                raise
            return False
        reading = _Reading(content)
        request_id, status = reading.get(name, "clientRequestId"), reading.get(count, "statusCode")
        is_refusal = status is not None and status >= REFUSED
        if kind in _ACTIVE and not is_refusal:
            news.append(_active(content, request_id))
        elif kind == _PONG and not is_refusal:
            news.append(Pong(request_id))
        elif kind in _KNOWN or is_refusal or request_id is not None or not is_missing(content.get("order")):
            news.append(self._answer(kind, reading, request_id, status, at))
        elif not reading.errors:
            return False
        for error in reading.errors:
            news.append(self._reporter.problem(CodecError(f"{kind[:_LONGEST_KIND]}: {error}"), raw))
        return True

    def _answer(self, kind: str, reading: _Reading, request_id: str | None, status: int | None, at: float) -> Answer:
        body = redact(reading.get(_words, "body") or "")[:_LONGEST_WORDS]
        quota = reading.get(count, "apiQuotaUsed")

        def order_in(members: Members, field: str) -> RailsOrder | None:
            raw = members.get(field)
            if raw is None or is_missing(raw):
                return None
            return order_of(
                members_of(raw),
                connection=self._reporter.connection,
                received_at=at,
                result_type=kind,
                status_code=status,
                reason=body,
                client_request_id=request_id,
                quota=quota,
            )

        order = reading.get(order_in, "order")
        if order is None:
            return Answer(kind, request_id, status, body, quota, None, (kind, request_id, status, body))
        wire = members_of(reading.members["order"])
        told = (text_of(wire.get(field), field) for field in ("orderStatus", "filledQuantity", "updatedAt"))
        return Answer(kind, request_id, status, body, quota, order, (kind, order.order_id, status, *told))


class _Reading:
    """The members of an answer, each read by itself: what cannot be read is as if it were missing, and noted."""

    def __init__(self, members: Members) -> None:
        self.members = members
        self.errors: list[CodecError] = []

    def get(self, read: Callable[[Members, str], _T | None], field: str) -> _T | None:
        try:
            return read(self.members, field)
        except CodecError as error:
            self.errors.append(error)
            return None


def _words(members: Members, field: str) -> str | None:
    """Free text (section 9); of anything else how it is written."""
    return text_of(members.get(field), field)


def _active(content: Members, request_id: str | None) -> Active:
    raw = content.get("activeSubscriptions")
    if raw is None:
        raise CodecError("activeSubscriptions is missing")
    words = [text_of(each, "activeSubscriptions") or "" for each in rows_of(raw)]
    known = frozenset(CHANNELS[word] for word in words if word in CHANNELS)
    return Active(request_id, known, tuple(redact(word) for word in words if word not in CHANNELS))
