"""Whether a kept book agrees with the best prices that the exchange names (contract protocol, section 3)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from dispatch_rig import Desk

from bigone_sync import BookState, Channel, OrderBook, Overflow, SubscriptionKey
from bigone_sync.events import DepthSnapshot, PriceLevel
from bigone_sync.subscription import Stream

D = Decimal
BID, ASK = D("9.5"), D(11)
MATCH, STRANGE = (BID, ASK), (D(9), ASK)


def stream(*, book: bool = True) -> Stream:
    """A depth stream with a book that has not begun yet."""
    dispatcher = Desk().dispatcher
    made = Stream(SubscriptionKey(Channel.DEPTH, "BTCUSD"), dispatcher.lane("test"), dispatcher, Overflow.BLOCK)
    made.book = OrderBook("BTCUSD") if book else None
    return made


def load(made: Stream, bids: tuple[Decimal, ...] = (BID, D(8)), asks: tuple[Decimal, ...] = (ASK, D(12))) -> Stream:
    sides = [tuple(PriceLevel(price, D(1), None) for price in side) for side in (bids, asks)]
    assert made.keep([DepthSnapshot("BTCUSD", *sides, 1)])
    return made


@pytest.fixture
def live() -> Stream:
    return load(stream())


def said(made: Stream, *touches: tuple[Decimal | None, Decimal | None]) -> list[bool]:
    return [made.agrees(bid, ask) for bid, ask in touches]


def test_equal_prices_agree_however_they_are_written(live: Stream) -> None:
    assert said(live, MATCH, (D("9.50"), D("11.000")), (D("95E-1"), D("1.1E+1"))) == [True] * 3


@pytest.mark.parametrize("strange", [(D(9), ASK), (BID, D(12)), (D("9.4"), D("11.1")), (D(9), None), (None, D(12))])
def test_once_is_chance_and_twice_in_a_row_is_not(live: Stream, strange: tuple[Decimal | None, Decimal | None]) -> None:
    assert said(live, strange, strange) == [True, False]


def test_a_match_in_between_begins_anew(live: Stream) -> None:
    assert said(live, STRANGE, MATCH, STRANGE, MATCH, STRANGE, STRANGE) == [True] * 5 + [False]


def test_once_it_was_said_it_begins_anew(live: Stream) -> None:
    assert said(live, *[STRANGE] * 4) == [True, False, True, False]


def test_different_strange_prices_are_in_a_row(live: Stream) -> None:
    assert said(live, (D(9), ASK), (BID, D(12))) == [True, False]


def test_a_side_that_is_not_named_is_not_compared(live: Stream) -> None:
    assert said(live, (None, None), (BID, None), (None, ASK), (None, None)) == [True] * 4
    assert said(live, STRANGE, (None, None), STRANGE) == [True] * 3


def test_a_side_that_the_book_has_not_is_strange_where_it_is_named() -> None:
    bare = load(stream(), asks=())
    assert said(bare, (BID, None), (BID, ASK), (BID, ASK)) == [True, True, False]


def test_a_book_that_is_not_live_cannot_differ() -> None:
    fresh = stream()
    assert fresh.book is not None
    assert fresh.book.state == BookState.SYNCING
    assert said(fresh, *[STRANGE] * 3) == [True] * 3
    load(fresh)
    assert said(fresh, STRANGE) == [True]
    fresh.book.mark_stale()
    assert said(fresh, *[STRANGE] * 3) == [True] * 3
    assert said(load(fresh), STRANGE, STRANGE) == [True, False]


def test_without_a_book_nothing_is_compared() -> None:
    assert said(stream(book=False), *[STRANGE] * 3) == [True] * 3


def test_a_new_connection_gets_a_fair_trial(live: Stream) -> None:
    assert said(live, STRANGE) == [True]
    live.went_down(0.0)
    assert said(load(live), STRANGE, STRANGE) == [True, False]
