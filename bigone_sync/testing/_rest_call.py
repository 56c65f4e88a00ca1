"""A REST call as the exchange's services see it, what they answer, and which handler a path leads to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["JSON", "Answer", "Call", "Handler", "Routes"]

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """One request; ``path`` is what follows the base of its API, ``parts`` are the named parts of it."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    authorization: str | None = field(default=None, repr=False)
    content_type: str = ""
    body: bytes = b""
    parts: Mapping[str, str] = field(default_factory=dict)
    api_key: str | None = None
    api_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Any]


class Routes:
    """The calls that a service knows.

    Args:
        table: method, path with its variable parts in braces, and handler; the first that fits is taken.
    """

    def __init__(self, table: Iterable[tuple[str, str, Handler]]) -> None:
        self._rows = [
            (method, re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)), do) for method, path, do in table
        ]

    def find(self, call: Call) -> tuple[Handler, Call] | None:
        """The handler for a call, and the call with the parts of its path; None: there is no such call."""
        for method, path, handler in self._rows:
            if method == call.method and (found := path.fullmatch(call.path)) is not None:
                return handler, replace(call, parts=found.groupdict())
        return None
