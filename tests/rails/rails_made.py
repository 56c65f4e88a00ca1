"""Events and news of Rails, as short as the tests of its pure parts need them."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timezone
from decimal import Decimal

from bigone_sync.enums import OrderState, Side
from bigone_sync.events import DepthSnapshot, DepthUpdate, Fill, RailsOrder, Trade
from bigone_sync.protocol.rails_news import Answer, BookDelta, BookSnapshot

MARKET = "BTC-USD"
Row = tuple[Hashable, Trade]


class Clock:
    """Stands still until a test turns it."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def moment(second: int) -> datetime:
    """A time so many seconds after the epoch."""
    return datetime.fromtimestamp(second, timezone.utc)


# Books


def update(number: int) -> DepthUpdate:
    """Changed levels, told apart by their number."""
    return DepthUpdate(MARKET, change_id=number)


def delta(number: int, ts: int | None = None) -> BookDelta:
    """A change of the book; its digest is that of its number."""
    return BookDelta(MARKET, update(number), b"%d" % number, ts)


def book(number: int = 0, ts: int | None = None) -> BookSnapshot:
    """A whole book, told apart by its number."""
    return BookSnapshot(MARKET, DepthSnapshot(MARKET, change_id=number), ts, None)


# Trades


def row(number: int, *, side: str = "buy", price: str = "10", size: str = "1", timed: bool = True) -> Row:
    """A row of the match of this number, at the second of this number."""
    trade = Trade(
        f"m{number}",
        MARKET,
        Decimal(price),
        Decimal(size),
        Side.BUY if side == "buy" else Side.SELL,
        moment(number) if timed else None,
    )
    return (trade.id, side), trade


def rows(first: int, end: int) -> list[Row]:
    """Rows of the matches from ``first`` on, without ``end``."""
    return [row(number) for number in range(first, end)]


def trades(first: int, end: int) -> list[Trade]:
    """What those rows are delivered as."""
    return [trade for _, trade in rows(first, end)]


# Orders


def order(
    order_id: str = "o1",
    status: OrderState = OrderState.ACTIVE,
    filled: str | None = None,
    *,
    client_request_id: str | None = None,
) -> RailsOrder:
    """An own order."""
    amount = Decimal(filled) if filled is not None else None
    return RailsOrder(order_id, client_request_id, MARKET, status=status, filled=amount)


def fill(number: int, *, second: int | None = None) -> Fill:
    """An own trade."""
    time = moment(second) if second is not None else None
    return Fill(id=f"f{number}", order_id="o1", market=MARKET, time=time)


def answer(
    result_type: str,
    code: int | None = 200,
    *,
    request_id: str | None = "r1",
    about: RailsOrder | None = None,
    body: str = "",
    quota: int | None = None,
) -> Answer:
    """What may answer a command."""
    return Answer(result_type, request_id, code, body, quota, about, (result_type, request_id, code, about))
