"""Pages of the spot lists, newest first (REST protocol, section 1).

How the last page looks is not documented. Here a page that is full has a token, though nothing may follow it, and a
shorter one has an empty token: a client has to stop at an empty page and at an empty token.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

from bigone_sync.testing._rest_params import Unfit, integer

__all__ = ["Page", "page_of"]

T = TypeVar("T")

_DEFAULT = 20
_MOST = 200
_MARK = "before:"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and what asks for those that follow; "" for none."""

    rows: list[T]
    token: str


def page_of(query: Mapping[str, str], newest_first: Iterable[T], number: Callable[[T], int]) -> Page[T]:
    """The page that a query asks for.

    Args:
        number: of a row; the token says after which the next page begins, so that new rows do not shift it.

    Raises:
        Unfit: the limit or the token cannot be.
    """
    limit = integer(query, "limit", _DEFAULT, most=_MOST)
    token = query.get("page_token", "")
    before = _before(token) if token else None
    rows = list(islice((row for row in newest_first if before is None or number(row) < before), limit))
    return Page(rows, _token(number(rows[-1])) if len(rows) == limit else "")


def _token(number: int) -> str:
    return base64.urlsafe_b64encode(f"{_MARK}{number}".encode()).decode()


def _before(token: str) -> int:
    try:
        text: Any = base64.b64decode(token, altchars="-_", validate=True).decode()
        return int(text.removeprefix(_MARK)) if text.startswith(_MARK) else int("")
    except (binascii.Error, ValueError):
        raise Unfit("page_token is not one of this list's") from None
