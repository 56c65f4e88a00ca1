"""Frames of Rails' public streams: which there are, and what is in them (Rails protocol, sections 3.5, 3.6 and 4)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from ..enums import Channel
from ..events import Trade
from .base import CodecError
from .contract_values import Members, count, each_of, members_of, name, named, rows_of, text_of
from .json_text import NOT_JSON
from .rails_requests import Dialect
from .rails_values import REFUSED, public_trade, trade_of

__all__ = ["DELTAS", "FILLS", "SNAPSHOTS", "StreamData", "StreamFrame", "tolerant", "trades_of", "usual"]

SNAPSHOTS: dict[str, Channel] = {
    word: channel for dialect in Dialect for channel, word in dialect.names.snapshots.items()
}
"""Kinds of messages with a whole book or the latest public trades, of both dialects."""

FILLS = "completedOrdersDelta"
"""Own trades, if ``data`` is an array; else it is the older dialect's name for public ones (section 4)."""

DELTAS: dict[str, Channel] = {
    word: channel
    for dialect in Dialect
    for channel, word in dialect.names.deltas.items()
    if channel is not Channel.FILLS
}
"""Kinds of messages with changed levels or new public trades, of both dialects."""

# What is not of 64 bits is left to the member-wise readers, which say so.
_Int = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_NOTHING = Raw(b"null")


class StreamData(msgspec.Struct, rename="camel", gc=False):
    """``data``. What is missing is None, and null of ``orders``."""

    orders: Raw = _NOTHING
    """The rows, still as text."""
    status_code: _Int | None = None
    ts: _Int | None = None
    client_request_id: str | None = None
    body: str | None = None


class StreamFrame(msgspec.Struct, rename="camel"):
    """A message of a public stream, before anybody looks at its rows."""

    result_type: str
    data: StreamData
    market: str | None = None

    @property
    def is_refused(self) -> bool:
        """Whether its status code says no."""
        return self.data.status_code is not None and self.data.status_code >= REFUSED


usual = msgspec.json.Decoder(StreamFrame).decode
"""A frame, if all is of the usual types; raises one of NOT_JSON where :func:`tolerant` must look."""


def tolerant(members: Members) -> StreamFrame:
    """A frame member by member: numbers may be text and the reverse.

    Raises:
        CodecError: it has no ``data``, or something is not of its kind; the text names it.
    """
    raw = members.get("data")
    if raw is None:
        raise CodecError("data is missing")
    data = members_of(raw)
    return StreamFrame(
        named(members, "resultType"),
        StreamData(
            data.get("orders", _NOTHING),
            count(data, "statusCode"),
            count(data, "ts"),
            name(data, "clientRequestId"),
            text_of(data.get("body"), "body"),
        ),
        name(members, "market"),
    )


class _TradeRow(msgspec.Struct, rename="camel", gc=False):
    """A public trade in its usual shape."""

    match_id: str
    price: str
    quantity: str
    execution_type: str | None = None
    order_type: str | None = None
    updated_at: _Int | None = None


_NOT_USUAL: tuple[type[Exception], ...] = (*NOT_JSON, CodecError)
_usual_trades = msgspec.json.Decoder(list[_TradeRow]).decode


def trades_of(
    orders: Raw, *, market: str, connection: str, received_at: float, snapshot: bool
) -> list[tuple[Hashable, Trade] | CodecError]:
    """Public trades, each after what tells it from all others, oldest first; in place of one that cannot be read why.

    The order of the rows is not documented, so their times decide; where one has none, it stays as it is.

    Raises:
        CodecError: it is no array.
    """
    try:
        rows: list[tuple[Hashable, Trade] | CodecError] = [
            public_trade(
                (_given(row.match_id), row.execution_type or None, row.order_type or None),
                row.price,
                row.quantity,
                row.updated_at,
                market=market,
                connection=connection,
                received_at=received_at,
                snapshot=snapshot,
            )
            for row in _usual_trades(orders)
        ]
    except _NOT_USUAL:

        def make(members: Members) -> tuple[Hashable, Trade]:
            return trade_of(members, market=market, connection=connection, received_at=received_at, snapshot=snapshot)

        rows = each_of(rows_of(orders), make)
    return _oldest_first(rows)


def _given(match_id: str) -> str:
    if not match_id:
        raise CodecError("matchId is missing")
    return match_id


def _oldest_first(rows: list[tuple[Hashable, Trade] | CodecError]) -> list[tuple[Hashable, Trade] | CodecError]:
    if len(rows) < 2:
        return rows
    good = [row for row in rows if not isinstance(row, CodecError)]
    times = [trade.time for _, trade in good if trade.time is not None]
    if len(times) < len(good) or times == (ordered := sorted(times)):
        return rows
    if times == ordered[::-1]:
        # Newest first: so are those of one time among themselves.
        good.reverse()
    else:
        good.sort(key=lambda row: row[1].time or times[0])
    return [*good, *(row for row in rows if isinstance(row, CodecError))]
