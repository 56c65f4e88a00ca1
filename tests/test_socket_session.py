"""One session whose socket is the subscription, over real sockets, without a client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from raw_server import RawServer
from socket_rig import BTC, DEPTH, TIMES, SocketRig, authorization, depth

from bigone_sync import CandlePeriod, Channel, ConnectionState, SubscriptionKey, Timeouts
from bigone_sync import SubscriptionState as State
from bigone_sync.errors import (
    BigOneError,
    ConnectionLost,
    ProtocolError,
    SequenceGap,
)
from bigone_sync.events import DepthSnapshot, DepthUpdate
from bigone_sync.testing.leaks import leak_check, wait_until

ORDERS = SubscriptionKey(Channel.ORDERS)
TRADES = SubscriptionKey(Channel.TRADES, BTC)


@pytest.fixture
def server() -> Iterator[RawServer]:
    with leak_check(), RawServer() as running:
        yield running


def told(rig: SocketRig) -> list[BigOneError]:
    return list(rig.hub.errors)


# -- opening -------------------------------------------------------------------------------------------------------


def test_a_book_is_live_with_its_snapshot_and_not_before(server: RawServer) -> None:
    rig = SocketRig(server, DEPTH)
    book = rig.keep_book()
    assert rig.stream.state == State.WANTED
    with rig.running() as session:
        peer = server.open()
        assert b"GET /ws/contract/v2/depth@BTCUSD HTTP/1.1" in peer.request
        assert authorization(peer.request) is None
        wait_until(lambda: session.connection.state == ConnectionState.READY)
        peer.say({"pong": 1})
        wait_until(lambda: session.connection.frames == 1)
        assert (rig.stream.state, session.is_ready, book.is_live) == (State.REQUESTED, False, False)
        peer.say(depth(0, 5), depth(5, 6))
        wait_until(lambda: session.is_ready and len(rig.buffer) == 2)
        assert (rig.stream.state, book.is_live, book.change_id) == (State.LIVE, True, 6)
        assert [type(event) for event in rig.received()] == [DepthSnapshot, DepthUpdate]
    assert rig.stream.state == State.ENDED
    assert not rig.hub.errors
    assert not rig.hub.gaps


@pytest.mark.parametrize(
    "key",
    [
        TRADES,
        SubscriptionKey(Channel.CANDLES, BTC, CandlePeriod.HOUR12),
        SubscriptionKey(Channel.INSTRUMENTS),
        SubscriptionKey(Channel.CASH),
        ORDERS,
    ],
    ids=str,
)
def test_what_has_no_sure_first_frame_is_live_at_opening(server: RawServer, key: SubscriptionKey) -> None:
    rig = SocketRig(server, key)
    with rig.running() as session:
        server.open()
        wait_until(lambda: session.is_ready)
        assert rig.stream.state == State.LIVE


def test_streams_that_join_a_running_socket_are_live_at_once(server: RawServer) -> None:
    rig = SocketRig(server, ORDERS)
    with rig.running() as session:
        server.open()
        wait_until(lambda: session.is_ready)
        late = rig.made(SubscriptionKey(Channel.ORDERS, BTC))
        session.add(late)
        assert (late.state, session.is_ready) == (State.LIVE, True)
        session.remove(late)
        assert (late.state, session.is_ready) == (State.ENDED, True)


# -- redialling ----------------------------------------------------------------------------------------------------


def until_live(rig: SocketRig, to_id: int) -> None:
    wait_until(lambda: rig.session.is_ready and rig.stream.book is not None and rig.stream.book.change_id == to_id)


def test_a_gap_dials_again_and_tells_nothing_but_the_gap(server: RawServer) -> None:
    rig = SocketRig(server, DEPTH)
    book = rig.keep_book()
    with rig.running() as session:
        peer = server.open()
        peer.say(depth(0, 5), depth(50, 60), depth(60, 61))
        second = server.open()
        wait_until(lambda: session.connection.state == ConnectionState.READY)
        assert (rig.stream.state, book.is_live) == (State.STALE, False)
        second.say(depth(0, 100), depth(101, 101))
        until_live(rig, 101)
    (error,) = told(rig)
    assert isinstance(error, SequenceGap)
    assert (error.expected, error.got) == (5, 50)
    (gap,) = rig.hub.gaps
    assert (gap.channel, gap.market, gap.connection) == (Channel.DEPTH, BTC, session.name)
    assert "expected 5, got 50" in gap.reason
    assert (session.gaps, session.connection.reconnects) == (1, 1)
    assert [event.change_id for event in rig.received()] == [5, 100, 101]
    assert rig.keeping.stale >= 1


def test_a_frame_of_another_contract_dials_again(server: RawServer) -> None:
    rig = SocketRig(server, DEPTH)
    rig.keep_book()
    with rig.running():
        server.open().say(depth(0, 5), depth(5, 6, symbol="ETHUSD"), depth(0, 7))
        server.open().say(depth(0, 100))
        until_live(rig, 100)
    (error,) = told(rig)
    assert type(error) is ProtocolError
    assert [event.change_id for event in rig.received()] == [5, 100]


def test_other_best_prices_twice_in_a_row_dial_again(server: RawServer) -> None:
    rig = SocketRig(server, DEPTH)
    rig.keep_book()
    with rig.running() as session:
        peer = server.open()
        peer.say(depth(0, 1), depth(1, 2, bid=9), depth(2, 3), depth(3, 4, ask=12))
        until_live(rig, 4)
        assert session.touch_mismatches == 0
        peer.say(depth(4, 5, bid=9.4))
        server.open().say(depth(0, 100))
        until_live(rig, 100)
        assert (session.touch_mismatches, session.gaps, session.connection.reconnects) == (1, 1, 1)
    assert told(rig) == []
    assert [gap.reason for gap in rig.hub.gaps] == [
        "the exchange names other best prices than the book has: it is rebuilt"
    ]


def test_best_prices_count_for_kept_books_only(server: RawServer) -> None:
    rig = SocketRig(server, DEPTH)
    with rig.running() as session:
        server.open().say(*(depth(number, number + 1, bid=1) for number in range(4)))
        wait_until(lambda: len(rig.buffer) == 4)
        assert (session.touch_mismatches, session.gaps, session.is_ready) == (0, 0, True)


def test_no_snapshot_in_time_dials_again(server: RawServer) -> None:
    rig = SocketRig(server, DEPTH)
    rig.keep_book()
    with rig.running() as session:
        server.open()
        wait_until(lambda: rig.stream.state == State.REQUESTED)
        rig.check(0)
        rig.check(TIMES.reply + 1)
        server.open().say(depth(0, 7))
        until_live(rig, 7)
        rig.check(TIMES.reply + 1)
        assert session.connection.state == ConnectionState.READY
    (error,) = told(rig)
    assert isinstance(error, ConnectionLost)
    assert error.cause == "no answer"
    assert f"no snapshot within {TIMES.reply} s" in str(error)


def test_other_sockets_may_be_silent_for_as_long_as_they_like(server: RawServer) -> None:
    rig = SocketRig(server, TRADES, timeouts=Timeouts(connect=5, ping=500, pong=500, reply=5, close=2, stale=1))
    with rig.running() as session:
        server.open()
        wait_until(lambda: session.is_ready)
        rig.check(100)
        assert session.is_ready


def test_a_silent_book_is_dialled_again_where_a_limit_is_set(server: RawServer) -> None:
    limited = Timeouts(connect=5, ping=500, pong=500, reply=5, close=2, stale=60)
    rig = SocketRig(server, DEPTH, timeouts=limited)
    book = rig.keep_book()
    with rig.running() as session:
        server.open().say(depth(0, 7))
        until_live(rig, 7)
        rig.check(50)
        assert book.is_live
        rig.check(70)
        assert not book.is_live
        server.open().say(depth(0, 8))
        until_live(rig, 8)
        assert session.gaps == 1
    assert [gap.reason for gap in rig.hub.gaps] == ["no data for 60 s: dialling again"]
    assert told(rig) == []


def test_a_book_may_be_silent_where_no_limit_is_set(server: RawServer) -> None:
    rig = SocketRig(server, DEPTH, timeouts=Timeouts(connect=5, ping=500, pong=500, reply=5, close=2))
    rig.keep_book()
    with rig.running():
        server.open().say(depth(0, 7))
        until_live(rig, 7)
        rig.check(400)
        assert rig.session.is_ready


def test_a_crossed_snapshot_is_no_book(server: RawServer) -> None:
    rig = SocketRig(server, DEPTH)
    book = rig.keep_book()
    with rig.running():
        server.open().say({"from": 0, "to": 1, "bids": {"12": 1}, "asks": {"11": 1}})
        second = server.open()
        assert not book.is_live
        assert rig.stream.state != State.LIVE
        second.say(depth(0, 2))
        until_live(rig, 2)
    assert len(rig.hub.gaps) == 1


def test_somebody_who_joins_late_gets_a_new_socket(server: RawServer) -> None:
    rig = SocketRig(server, DEPTH)
    with rig.running() as session:
        server.open().say(depth(0, 7))
        wait_until(lambda: session.is_ready)
        rig.keep_book()
        session.refresh(rig.stream)
        server.open().say(depth(0, 8))
        until_live(rig, 8)
    assert told(rig) == []
    assert rig.hub.gaps == []


def test_a_loss_is_told_and_what_is_kept_goes_stale(server: RawServer) -> None:
    rig = SocketRig(server, TRADES)
    with rig.running() as session:
        peer = server.open()
        wait_until(lambda: session.is_ready)
        stale = rig.keeping.stale
        peer.reset()
        second = server.open()
        wait_until(lambda: session.is_ready)
        assert rig.keeping.stale > stale
        second.say([])
    (error,) = told(rig)
    assert isinstance(error, ConnectionLost)


# -- the end -------------------------------------------------------------------------------------------------------


def test_once_it_is_closed_nothing_kept_looks_alive(server: RawServer) -> None:
    rig = SocketRig(server, ORDERS)
    with rig.running() as session:
        peer = server.open()
        wait_until(lambda: session.is_ready)
        stale = rig.keeping.stale
        session.close()
        assert rig.keeping.stale == stale + 1
        peer.say({"orders": [{"id": "a", "symbol": BTC}]})
        peer.close()
        wait_until(lambda: rig.hub.errors)  # what came before the end has been handled
        assert (session.connection.frames, session.events, len(rig.buffer)) == (1, 0, 0)
