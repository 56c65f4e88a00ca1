"""Snapshots that were asked for, on a clock that the tests turn; sessions are stood in for, their requests are real."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from rails_made import MARKET, Clock

from bigone_sync.enums import Channel
from bigone_sync.errors import ConnectionLost, RequestTimeout
from bigone_sync.protocol.base import Frame
from bigone_sync.protocol.rails_requests import ALL, Dialect, RailsRequests
from bigone_sync.rails.asks import Asks

BOOK, TRADES = (Channel.DEPTH, MARKET), (Channel.TRADES, MARKET)
OTHER = (Channel.DEPTH, "ETH-USD")
REPLY = 10.0


class Peer:
    """What Asks needs of a session, of its protocol and of its connection."""

    def __init__(self, name: str, *channels: Channel) -> None:
        self.name, self.active = name, frozenset(channels)
        numbers = itertools.count(1)
        self.requests = RailsRequests(market=ALL, dialect=Dialect.CURRENT, make_id=lambda: f"{name}-{next(numbers)}")
        self.protocol = self.connection = self
        self.snapshot_misses = 0
        self.is_delivering = False
        self.sent: list[tuple[str, str]] = []
        self.killed: list[ConnectionLost] = []

    def send_soon(self, frame: Frame) -> None:
        request = json.loads(frame.data)
        self.sent.append((request["message"], request["content"]["market"]))

    def kill(self, error: ConnectionLost) -> None:
        self.killed.append(error)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def asks(clock: Clock) -> Asks:
    return Asks(REPLY, clock)


@pytest.fixture
def peer() -> Any:
    return Peer("a", Channel.DEPTH, Channel.TRADES)


def open_places(asks: Asks) -> set[tuple[Channel, str]]:
    return {place for place in (BOOK, TRADES, OTHER) if place in asks}


def test_the_first_that_brings_the_stream_is_asked(asks: Asks) -> None:
    peers: list[Any] = [Peer("a", Channel.TRADES), Peer("b", Channel.DEPTH), Peer("c", Channel.DEPTH)]
    asks.ask(BOOK, peers)
    assert [peer.sent for peer in peers] == [[], [("emitPublicOrderBook", MARKET)], []]
    asks.ask(TRADES, peers)
    assert peers[0].sent == [("emitPublicCompletedOrders", MARKET)]
    assert open_places(asks) == {BOOK, TRADES}


def test_nobody_is_asked_where_none_brings_the_stream(asks: Asks) -> None:
    peer: Any = Peer("a", Channel.TRADES)
    asks.ask(BOOK, [peer])
    asks.ask(BOOK, [])
    assert (peer.sent, open_places(asks)) == ([], set())


def test_an_answer_of_who_was_asked_ends_the_wait(asks: Asks, peer: Any) -> None:
    stranger: Any = Peer("b", Channel.DEPTH)
    asks.ask(BOOK, [peer])
    peer.snapshot_misses = stranger.snapshot_misses = 2
    asks.answered(BOOK, stranger)
    asks.answered(TRADES, peer)
    assert (open_places(asks), peer.snapshot_misses) == ({BOOK}, 2)
    asks.answered(BOOK, peer)
    assert (open_places(asks), peer.snapshot_misses, stranger.snapshot_misses) == (set(), 0, 2)
    # The protocol does not wait for it either: a snapshot without an id could be of any market.
    assert peer.requests.market_of(Channel.DEPTH, None) is None


def test_what_is_not_open_is_forgotten_without_ado(asks: Asks) -> None:
    asks.forget(BOOK)
    assert open_places(asks) == set()


def test_a_refusal_tells_what_it_was_for(asks: Asks, peer: Any) -> None:
    asks.ask(BOOK, [peer])
    asks.ask(TRADES, [peer])
    assert asks.refused("stranger") is None
    assert asks.refused("a-2") == (TRADES, peer, "emitPublicCompletedOrders")
    assert (open_places(asks), peer.snapshot_misses) == ({BOOK}, 1)
    assert asks.refused("a-2") is None


def test_a_connection_that_is_lost_answers_nothing(asks: Asks, peer: Any) -> None:
    other: Any = Peer("b", Channel.DEPTH)
    asks.ask(BOOK, [peer])
    asks.ask(TRADES, [peer])
    asks.ask(OTHER, [other])
    asks.lost(peer)
    assert (open_places(asks), peer.snapshot_misses) == ({OTHER}, 0)


@pytest.mark.parametrize(
    ("books", "trades", "left"),
    [
        ({MARKET}, set(), {BOOK}),
        ({"ETH-USD"}, {MARKET}, {OTHER, TRADES}),
        (set(), {"ETH-USD"}, set()),
    ],
)
def test_only_what_is_still_wanted_is_kept(
    asks: Asks, peer: Any, books: set[str], trades: set[str], left: set[tuple[Channel, str]]
) -> None:
    for place in (BOOK, TRADES, OTHER):
        asks.ask(place, [peer])
    asks.keep(books, trades)
    assert open_places(asks) == left


def test_what_is_not_answered_in_time_is_told_once(asks: Asks, peer: Any, clock: Clock) -> None:
    asks.ask(BOOK, [peer])
    clock.now += 4
    asks.ask(TRADES, [peer])
    clock.now += 6
    assert asks.overdue() == []
    clock.now += 0.5
    ((place, session, error),) = asks.overdue()
    assert (place, session) == (BOOK, peer)
    assert type(error) is RequestTimeout
    assert str(error) == "a: no answer to emitPublicOrderBook for BTC-USD within 10 s"
    assert (error.request_id, error.command) == ("a-1", "emitPublicOrderBook")
    assert (open_places(asks), peer.snapshot_misses) == ({TRADES}, 1)
    assert asks.overdue() == []


def test_an_answer_may_wait_behind_slow_handlers(asks: Asks, peer: Any, clock: Clock) -> None:
    asks.ask(BOOK, [peer])
    clock.now += 60
    peer.is_delivering = True
    assert asks.overdue() == []
    peer.is_delivering = False
    assert [place for place, _, _ in asks.overdue()] == [BOOK]


@pytest.mark.parametrize("refused", [False, True])
def test_three_books_in_a_row_that_do_not_come_end_the_connection(
    asks: Asks, peer: Any, clock: Clock, refused: bool
) -> None:
    for number in (1, 2, 3):
        assert peer.killed == []
        asks.ask(BOOK, [peer])
        clock.now += 11
        found: Any = asks.refused(f"a-{number}") if refused else asks.overdue()
        assert found
    (error,) = peer.killed
    assert (str(error), error.cause) == ("a: no book, though it was asked for 3 times", "no answer")


def test_lists_of_trades_that_do_not_come_end_no_connection(asks: Asks, peer: Any, clock: Clock) -> None:
    for _ in range(4):
        asks.ask(TRADES, [peer])
        clock.now += 11
        assert len(asks.overdue()) == 1
    assert (peer.killed, peer.snapshot_misses) == ([], 4)
    asks.ask(TRADES, [peer])
    asks.answered(TRADES, peer)
    assert peer.snapshot_misses == 0
