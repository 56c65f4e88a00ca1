"""Lists that come in pages. Every list ends, whatever the exchange does (REST protocol, section 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

__all__ = ["pages_by_id", "pages_by_token"]

_T = TypeVar("_T")


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


_I = TypeVar("_I", bound=_Identified)


def pages_by_token(fetch: Callable[[str | None], tuple[Sequence[_T], str | None]]) -> Iterator[_T]:
    """Spot: the rows of all pages, each fetched when the one before it is used up.

    It ends with a page that is empty or has no token, and with a token that was followed already.

    Args:
        fetch: gives the rows behind a token, and the token of the next page.
    """
    followed: set[str] = set()
    token: str | None = None
    while True:
        rows, token = fetch(token)
        yield from rows
        if not rows or not token or token in followed:
            return
        followed.add(token)


def pages_by_id(fetch: Callable[[str | None], Sequence[_I]]) -> Iterator[_I]:
    """Contracts: the rows of all pages, each "older than" the last row of the one before it.

    A page that is not full need not be the last: the exchange may hold less to be full.  It ends with a page that is
    empty, brings nothing new, or leads to where the list has been already.  Rows of the page before are left out.

    Args:
        fetch: gives the rows older than an id.
    """
    followed: set[str] = set()
    before: set[str] = set()
    last: str | None = None
    while True:
        rows = fetch(last)
        new = [row for row in rows if row.id not in before]
        yield from new
        if not new:
            return
        last = rows[-1].id
        if last in before or last in followed:
            return
        followed.add(last)
        before = {row.id for row in rows}
