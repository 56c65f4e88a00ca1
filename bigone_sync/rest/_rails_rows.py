"""What Rails' REST answers hold, by the functions of its socket (Rails protocol, sections 1.4 to 1.6). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from ..events import DepthSnapshot, Fill, RailsOrder
from ..markets import RailsMarket
from ..protocol.base import CodecError
from ..protocol.contract_values import Members, count, identity, members_of, moment, name, text_of
from ..protocol.rails_values import fill_of, levels_of, order_of
from ..protocol.spot_values import decimal
from ._reply import page_of
from .values import RailsDepth

__all__ = [
    "CONNECTION",
    "depth_of",
    "fill_row",
    "is_token",
    "markets_of",
    "one_order",
    "order_row",
    "rows_in",
    "token_of",
]

CONNECTION = "rails/rest"
"""Of all events that are made here."""

_T = TypeVar("_T")

# What a header and the name of a subprotocol can carry; otherwise a token is opaque.
_TOKEN = re.compile(r"[!-~]{1,8192}\Z")
_NO_ID = Raw(b'"-"')


def is_token(text: object) -> bool:
    """Whether ``text`` can be sent as an access token."""
    return isinstance(text, str) and _TOKEN.match(text) is not None


def token_of(data: bytes) -> tuple[str, float]:
    """An access token, and the seconds that it lives (section 1.4).

    Raises:
        CodecError: there is none; the text repeats nothing of what there is.
    """
    token, life = None, None
    try:
        members = members_of(data)
        token, life = name(members, "access_token"), count(members, "expires_in")
    except CodecError:
        pass  # its words may be those of the token
    if token is None or not is_token(token) or life is None or life <= 0:
        raise CodecError("it is no object with access_token, a text without spaces, and expires_in, seconds above 0")
    return token, float(life)


def markets_of(data: bytes) -> tuple[RailsMarket, ...]:
    """The list of markets: names, or objects with ``market`` or ``name``; or an object that has it as ``markets``.

    Provisional, as the shape is not documented (section 1.5).

    Raises:
        CodecError: it is something else.
    """
    found = _plain(data)
    if isinstance(found, dict):
        found = found.get("markets")
    if not isinstance(found, list):
        raise CodecError("it is neither an array of markets nor an object that has one as markets")
    return tuple(_market(row, index) for index, row in enumerate(found))


def _plain(data: bytes) -> Any:
    """JSON as Python has it, but exact."""
    try:
        return json.loads(data, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise CodecError(f"it is no JSON: {type(error).__name__}") from error


def _refuse(word: str) -> None:
    raise ValueError(word)  # NaN and the like, which Python would take


def _market(row: object, index: int) -> RailsMarket:
    members = {"market": row} if isinstance(row, str) else row
    found = (members.get("market") or members.get("name")) if isinstance(members, dict) else None
    if not isinstance(found, str) or not found or not isinstance(members, dict):
        raise CodecError(f"row {index}: it is neither a name nor an object with market or name")
    return RailsMarket(found, _tick(members.get("tickSize")), {} if isinstance(row, str) else members)


def _tick(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return None
    try:
        tick = decimal(str(value), "tickSize")
    except (CodecError, ValueError):  # an integer of more digits than Python prints
        return None
    return tick if tick > 0 else None


def depth_of(data: bytes, at: float, market: str) -> RailsDepth:
    """A whole book (section 1.6)."""
    members = members_of(data)
    if "orders" not in members:
        raise CodecError("orders is missing")
    bids, asks = levels_of(members["orders"])
    snapshot = DepthSnapshot(
        market,
        tuple(level.level() for level in bids),
        tuple(level.level() for level in asks),
        connection=CONNECTION,
        received_at=at,
    )
    return RailsDepth(snapshot, moment(members, "ts"))


def rows_in(data: bytes, field: str, make: Callable[[Members], _T]) -> tuple[tuple[_T, ...], str | None]:
    """The rows of a page, and the cursor of the next one, which ``last`` is (section 1.6)."""
    members = members_of(data)
    if field not in members:
        raise CodecError(f"{field} is missing")
    return page_of(members[field], make), identity(members, "last")


def order_row(members: Members, at: float) -> RailsOrder:
    """An order (section 6)."""
    return order_of(members, connection=CONNECTION, received_at=at)


def one_order(data: bytes, at: float, order_id: str | None) -> RailsOrder:
    """``{"order":{…}}`` (section 1.6), of that id if one was asked for."""
    members = members_of(data)
    if "order" not in members:
        raise CodecError("order is missing")
    order = order_row(members_of(members["order"]), at)
    if order_id is not None and order.order_id != order_id:
        raise CodecError(f"it is the order {order.order_id[:40]!r}, not {order_id!r}")
    return order


def fill_row(members: Members, at: float) -> Fill:
    """An own trade (section 1.6). Whether a row has a ``matchId``, as the socket's have, is not documented."""
    has_id = text_of(members.get("matchId"), "matchId") is not None
    _, fill = fill_of(members if has_id else {**members, "matchId": _NO_ID}, connection=CONNECTION, received_at=at)
    return fill if has_id else msgspec.structs.replace(fill, id="")
