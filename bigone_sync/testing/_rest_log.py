"""What was asked over REST, for tests that check requests field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from aiohttp import web

__all__ = ["RestLog", "RestRequest"]

_KEPT = 1_000
_SECRET_HEADERS = ("authorization", "proxy-authorization", "x-api-secret")
_HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class RestRequest:
    """One REST request: names and values decoded, in the order in which they came.

    ``headers`` are named as they were sent; what proves a login is "***". ``status`` is that of the answer, and None as
    long as there is none.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    status: int | None = None


class RestLog:
    """The latest requests; used on the exchange's loop only."""

    def __init__(self) -> None:
        self.count = 0
        self._requests: dict[int, RestRequest] = {}

    def note(self, request: web.Request, body: bytes) -> int:
        """Keep a request; returns its number."""
        self.count += 1
        headers = {
            name: _HIDDEN if name.lower() in _SECRET_HEADERS else value for name, value in request.headers.items()
        }
        query = tuple(request.query.items())
        self._requests[self.count] = RestRequest(request.method, request.path, query, MappingProxyType(headers), body)
        if len(self._requests) > _KEPT:
            del self._requests[next(iter(self._requests))]
        return self.count

    def answered(self, number: int, status: int) -> None:
        """Note what a request is about to be answered with."""
        if number in self._requests:
            self._requests[number] = replace(self._requests[number], status=status)

    def all(self) -> list[RestRequest]:
        """Those that are kept, oldest first."""
        return list(self._requests.values())
