"""The contract client's connections over real sockets: closed with their streams, asked for again, kept values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from client_rig import BACKOFF, KEYS, PATIENCE, Gate, Log
from raw_server import RawServer

from bigone_sync import (
    AuthenticationError,
    BookState,
    ConnectError,
    ConnectionState,
    ContractClient,
    Limits,
    StateChange,
    Timeouts,
)
from bigone_sync import SubscriptionState as State
from bigone_sync.testing.leaks import leak_check, wait_until

pytestmark = pytest.mark.one_codec

BTC = "BTCUSD"
# The server here answers no close frames, so patience would only cost time.
TIMES = Timeouts(connect=5, ping=30, pong=30, reply=10, close=0.2)
# The server here speaks WebSocket only.
NOBODY = "http://127.0.0.1:1/api/contract/v2"


@pytest.fixture
def server() -> Iterator[RawServer]:
    with leak_check(), RawServer() as running:
        yield running


def contract(server: RawServer, *, private: bool = False, **options: Any) -> ContractClient:
    url = f"ws://127.0.0.1:{server.port}/ws/contract/v2"
    options.setdefault("rest_url", NOBODY)
    return ContractClient(KEYS if private else None, url=url, timeouts=TIMES, backoff=BACKOFF, **options)


def depth(from_id: int, to_id: int) -> dict[str, Any]:
    """A frame of a book."""
    return {"from": from_id, "to": to_id, "bids": {"9": to_id}, "asks": {"11": 2}}


def refused(server: RawServer, client: ContractClient, errors: Log[Any]) -> None:
    """Refuse the next handshake and wait until that is known."""
    count = len(errors)
    server.refuse(400)
    errors.wait(count + 1)


def test_a_subscription_that_is_closed_ends_its_connection_and_says_so(server: RawServer) -> None:
    states: Log[StateChange] = Log()
    with contract(server) as client:
        client.on_state(states)
        book = client.on_book(BTC, Log())
        peer = server.open()
        peer.say(depth(0, 1))
        client.wait_ready(PATIENCE)
        book.close()
        assert not client.connections
        peer.rest()
        wait_until(lambda: ConnectionState.CLOSED in [change.new for change in states], PATIENCE)
        assert [change.new for change in states][-2:] == [ConnectionState.CLOSING, ConnectionState.CLOSED]
        wait_until(lambda: not client._leaving and not client._dispatcher._lanes, PATIENCE)
        client.wait_ready(0)


def test_a_handler_may_close_its_own_subscription_and_what_waits_is_not_lost(server: RawServer) -> None:
    states: Log[StateChange] = Log()
    with contract(server) as client:
        client.on_state(states)
        seen: list[Any] = []

        def once(event: Any) -> None:
            seen.append(event)
            subscription.close()

        subscription = client.on_trade(BTC, once)
        peer = server.open()
        peer.say([{"id": str(number), "symbol": BTC, "price": 1, "size": 1} for number in range(5)])
        wait_until(lambda: not client.connections, PATIENCE)
        peer.rest()
        wait_until(lambda: ConnectionState.CLOSED in [change.new for change in states], PATIENCE)
        assert subscription.state == State.ENDED


def test_a_freed_connection_can_be_used_for_another_stream(server: RawServer) -> None:
    with contract(server, limits=Limits(max_connections=1)) as client:
        first = client.on_trade(BTC, Log())
        server.open()
        client.wait_ready(PATIENCE)
        first.close()
        client.on_trade("ETHUSD", Log())
        assert b"trades@ETHUSD" in server.open().request
        client.wait_ready(PATIENCE)


def test_a_refused_channel_comes_out_of_wait_ready_and_the_others_go_on(server: RawServer) -> None:
    errors: Log[Any] = Log()
    with contract(server) as client:
        client.on_error(errors)
        bad = client.on_depth("NOSUCH", Log())
        refused(server, client, errors)
        trades: Log[Any] = Log()
        client.on_trade(BTC, trades)
        peer = server.open()
        with pytest.raises(ConnectError, match="NOSUCH") as caught:
            client.wait_ready(PATIENCE)
        assert caught.value.status_code == 400
        peer.say([{"id": "1", "symbol": BTC, "price": 1, "size": 1}])
        trades.wait()
        assert client.state == ConnectionState.READY
        bad.close()
        client.wait_ready(PATIENCE)
        assert list(client.connections) == [f"trades@{BTC}"]
    assert len(errors) == 1


def test_a_refused_channel_is_asked_for_again_over_a_new_connection(server: RawServer) -> None:
    errors: Log[Any] = Log()
    with contract(server) as client:
        client.on_error(errors)
        old = client.on_trade(BTC, Log())
        refused(server, client, errors)
        new = client.on_trade(BTC, Log())
        assert new.state in (State.WANTED, State.LIVE)
        server.open()
        wait_until(lambda: new.state == State.LIVE, PATIENCE)
        assert old.state == State.REJECTED
        old.close()
        client.wait_ready(PATIENCE)
        assert (new.state, list(client.connections)) == (State.LIVE, [f"trades@{BTC}"])


def test_closing_what_was_refused_long_ago_dials_nothing_and_needs_no_room(server: RawServer) -> None:
    errors: Log[Any] = Log()
    with contract(server, limits=Limits(max_connections=1)) as client:
        client.on_error(errors)
        old = client.on_depth(BTC, Log())
        refused(server, client, errors)
        new = client.on_depth(BTC, Log())
        server.open()
        new.close()
        other = client.on_trade(BTC, Log())
        server.open()
        wait_until(lambda: other.state == State.LIVE, PATIENCE)
        old.close()
        old.close()
        assert old.state == State.ENDED
        assert list(client.connections) == [f"trades@{BTC}"]
        # And on a client that is closed.
    old.close()
    other.close()


def test_a_refused_subscription_can_be_closed_after_its_client(server: RawServer) -> None:
    errors: Log[Any] = Log()
    client = contract(server)
    with client:
        client.on_error(errors)
        old = client.on_depth(BTC, Log())
        refused(server, client, errors)
        new = client.on_depth(BTC, Log())
        server.open()
        new.close()
    old.close()
    assert client.subscriptions == ()


def test_refused_credentials_end_the_client(server: RawServer) -> None:
    errors: Log[Any] = Log()
    with contract(server, private=True) as client:
        client.on_error(errors)
        client.on_order(Log())
        requests = {server.refuse(401), server.refuse(403)}
        with pytest.raises(AuthenticationError) as caught:
            client.wait_ready(PATIENCE)
        assert caught.value.code == 403
        errors.wait(1, AuthenticationError)
        assert len(requests) == 2


# -- kept ----------------------------------------------------------------------------------------------------------

FIRST = {
    "cash": {"currency": "USDT", "balances": 5},
    "positions": [{"symbol": BTC, "size": 7}, {"symbol": "ETHUSD", "size": -2}],
    "orders": [],
    "trades": [],
}


def test_positions_and_cash_are_live_stale_while_away_and_live_again(server: RawServer) -> None:
    with contract(server, private=True) as client:
        assert client.positions().state == BookState.SYNCING
        peer = server.open()
        peer.say(FIRST)
        wait_until(lambda: client.positions().is_live and client.cash_state().is_live, PATIENCE)
        held = client.position(BTC)
        assert held is not None
        assert held.size == 7
        peer.reset()
        wait_until(lambda: client.positions().state == BookState.STALE, PATIENCE)
        assert client.cash_state().state == BookState.STALE
        peer = server.open()
        peer.say({"positions": [{"symbol": BTC, "size": 0}]})
        wait_until(lambda: client.positions()[BTC].size == 0, PATIENCE)
        assert client.positions().state == BookState.STALE  # ETHUSD was not told again
        peer.say({"positions": [{"symbol": "ETHUSD", "size": 0}]})
        wait_until(lambda: client.positions().is_live, PATIENCE)


def test_what_nobody_keeps_up_to_date_any_more_is_stale(server: RawServer) -> None:
    with contract(server, private=True) as client:
        orders = client.on_order(Log())
        server.open().say(FIRST)
        wait_until(lambda: client._private.positions.view().is_live, PATIENCE)
        orders.close()
        assert client._private.positions.view().state == BookState.STALE
        assert client.positions().state == BookState.STALE  # asks for a new connection
        server.open().say(FIRST)
        wait_until(lambda: client.positions().is_live, PATIENCE)


def test_a_client_that_was_closed_shows_the_last_values_and_not_as_live(server: RawServer) -> None:
    with contract(server) as client:
        client.instruments()
        server.open().say([{"symbol": BTC, "markPrice": 5}])
        wait_until(lambda: client.instruments().is_live, PATIENCE)
    view = client.instruments()
    assert (view[BTC].mark_price, view.state) == (5, BookState.STALE)


def test_a_book_that_is_left_is_not_live_and_the_next_one_is_another(server: RawServer) -> None:
    with contract(server) as client:
        book = client.order_book(BTC)
        server.open().say(depth(0, 1))
        assert book.wait_live(PATIENCE)
        for subscription in client.subscriptions:
            subscription.close()
        assert not book.is_live
        again = client.order_book(BTC)
        assert again is not book
        server.open().say(depth(0, 2))
        assert again.wait_live(PATIENCE)
        assert client.order_book(BTC) is again


def test_private_events_overtake_a_burst_of_depth(server: RawServer) -> None:
    seen: list[str] = []
    gate = Gate(lambda event: seen.append(f"depth{event.change_id}"))
    with contract(server, private=True) as client:
        client.on_depth(BTC, gate)
        public = server.open()
        client.on_order(lambda order: seen.append(order.id))
        private = server.open()
        public.say(depth(0, 1))
        assert gate.entered.wait(PATIENCE)
        public.say(*(depth(number, number + 1) for number in range(1, 5)))
        wait_until(lambda: client._sessions[f"depth@{BTC}"].lane.size == 5, PATIENCE)
        private.say({"orders": [{"id": "order", "symbol": BTC}]})
        wait_until(lambda: client._sessions["stream"].lane.size >= 1, PATIENCE)
        gate.go.set()
        wait_until(lambda: len(seen) == 6, PATIENCE)
    assert seen == ["depth1", "order", "depth2", "depth3", "depth4", "depth5"]
