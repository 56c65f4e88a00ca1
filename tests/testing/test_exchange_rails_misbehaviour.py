"""Everything that the Rails half can be told to do wrong, connection by connection."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import websocket
from rails_peer import BTC, Frame, RailsPeer, limit, phases

from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

GONE = (websocket.WebSocketConnectionClosedException, ConnectionError)


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange(rate=0) as exchange:
        yield exchange


@pytest.fixture
def peers(exchange: LocalExchange) -> Iterator[tuple[RailsPeer, RailsPeer]]:
    """Two connections with the same parameters."""
    with RailsPeer(exchange) as one, RailsPeer(exchange) as two:
        yield one, two


Peers = tuple[RailsPeer, RailsPeer]


def busy(exchange: LocalExchange) -> None:
    """Let all kinds of things happen."""
    exchange.rails_step(BTC, 40)
    order_id = exchange.rails_place(BTC, "buy", "0.5", next(iter(exchange.rails_book(BTC).bids)))
    exchange.rails_fill(order_id, "0.2")
    exchange.rails_cancel(order_id)
    exchange.rails_step(BTC, 20)


def count(peer: RailsPeer, number: int) -> list[Frame]:
    return [peer.receive() for _ in range(number)]


def read_to_the_end(peer: RailsPeer) -> None:
    """Read until the connection is gone."""
    with contextlib.suppress(*GONE):
        while True:
            peer.ws.recv_frame()


def test_identical_connections_get_identical_frames_whatever_their_lag(exchange: LocalExchange, peers: Peers) -> None:
    one, two = peers
    slow = exchange.rails_connections[1]
    exchange.rails_lag(slow, 0.2)
    busy(exchange)
    exchange.rails_lag(slow, 0)
    exchange.rails_trade(BTC)
    first = one.everything()
    assert {frame["resultType"] for frame in first} >= {"publicOrderBookDelta", "createOrder", "completedOrdersDelta"}
    assert two.everything() == first


def test_a_stalled_connection_gets_everything_later(exchange: LocalExchange, peers: Peers) -> None:
    one, two = peers
    stalled = exchange.rails_connections[1]
    exchange.rails_stall(stalled)
    busy(exchange)
    two.send("ping")
    two.ws.ping("control")
    first = one.everything()
    two.ws.settimeout(0.05)
    with pytest.raises(websocket.WebSocketTimeoutException):
        two.ws.recv()
    two.ws.settimeout(10)
    wait_until(lambda: (stalled, {"message": "ping"}) in exchange.rails_requests)
    exchange.rails_resume(stalled)
    assert count(two, len(first)) == first
    assert two.receive() == {"resultType": "pong", "data": {"statusCode": 200}}
    assert two.everything() == []


def test_a_cut_connection(exchange: LocalExchange, peers: Peers) -> None:
    one, two = peers
    exchange.rails_stall(2)
    busy(exchange)
    exchange.rails_cut(2)
    with pytest.raises(GONE):
        two.ws.recv()
    assert one.everything()
    assert exchange.rails_connections == (1,)
    with pytest.raises(ValueError, match="no open Rails connection 2"):
        exchange.rails_lag(2, 1)
    with pytest.raises(ValueError, match="seconds"):
        exchange.rails_lag(1, -1)


def test_a_message_that_one_connection_misses(exchange: LocalExchange, peers: Peers) -> None:
    one, two = peers
    exchange.rails_drop_next(exchange.rails_connections[1], "publicOrderBookDelta")
    busy(exchange)
    first, second = one.everything(), two.everything()
    missing = next(frame for frame in first if frame["resultType"] == "publicOrderBookDelta")
    first.remove(missing)
    assert second == first


@pytest.mark.parametrize("status", [202, 200])
def test_replies_that_are_held_back(exchange: LocalExchange, peers: Peers, status: int) -> None:
    one, _ = peers
    exchange.rails_hold("createOrder", status)
    sent = phases(one.ask("createOrder", **limit(60000)))
    assert [phase[1] for phase in sent] == [202 if status == 200 else 200]
    assert exchange.rails_orders()[-1].status == "active"
    exchange.rails_release()
    for peer in peers:
        frames = [frame for frame in peer.everything() if frame["resultType"] == "createOrder"]
        assert frames[-1]["data"]["statusCode"] == status
    assert len(phases(one.ask("createOrder", **limit(60000)))) == 2


def test_a_command_whose_connection_is_lost(exchange: LocalExchange, peers: Peers) -> None:
    one, two = peers
    exchange.rails_lose_next("createOrder")
    one.command("createOrder", **limit(60000))
    read_to_the_end(one)
    wait_until(lambda: bool(exchange.rails_orders()))
    assert len(phases(two.everything())) == 2
    assert len(phases(two.ask("createOrder", **limit(60000)))) == 2
    with pytest.raises(ValueError, match="no command"):
        exchange.rails_lose_next("ping")


def test_raw_frames(exchange: LocalExchange, peers: Peers) -> None:
    one, two = peers
    exchange.rails_send_raw("{", exchange.rails_connections[0])
    exchange.rails_send_raw("[]")
    assert [one.ws.recv(), one.ws.recv(), two.ws.recv()] == ["{", "[]", "[]"]


def test_all_ends_of_connections_include_rails(exchange: LocalExchange) -> None:
    with RailsPeer(exchange) as peer:
        assert exchange.connection_count == 1
        exchange.rails_lag(1, 100)
        exchange.rails_trade(BTC)
        exchange.close_connections(1001, "maintenance")
        assert peer.ws.recv_data_frame(control_frame=True)[0] == 8
    book = exchange.rails_book(BTC)
    for end in (exchange.drop_connections, exchange.restart):
        with RailsPeer(exchange) as peer:
            end()
            read_to_the_end(peer)
    assert exchange.rails_connections == ()
    assert exchange.rails_book(BTC) == book
