"""How a Rails client connects: the subprotocol, the query, and the pace of dials (Rails protocol, section 1)."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from client_rig import BACKOFF, CALM, PATIENCE, Log, Watched, running
from rails_client_rig import (
    ALL_STREAMS,
    BTC,
    follows,
    fresh_keys,
    rails,
    until_open,
    until_refused,
    until_streams,
    venue,
)
from raw_server import RawServer

import bigone_sync.transport.pacing
from bigone_sync import (
    ConnectError,
    ConnectionState,
    ConnectTimeout,
    Credentials,
    RailsClient,
)
from bigone_sync.errors import RestError
from bigone_sync.testing.leaks import wait_until

pytestmark = [pytest.mark.one_codec, pytest.mark.usefixtures("nothing_left")]


# -- what is sent


def test_a_token_is_sent_and_the_query_says_what_for() -> None:
    with RawServer() as server:
        client = RailsClient(
            "not-a-jwt",
            market=BTC,
            url=f"ws://127.0.0.1:{server.port}/?gate=7",
            timeouts=CALM,
            backoff=BACKOFF,
            headers={"X-Own": "yes"},
        )
        client.on_trade(Log())
        client.on_depth(Log())
        with client:
            head = server.accept().head().decode()
            target = head.split(" ")[1]
            assert target == f"/?gate=7&market={BTC}&subscriptions=orders,publicTrades,publicOrderBook"
            assert "\r\nSec-WebSocket-Protocol: authorization#not-a-jwt\r\n" in head
            assert "\r\nX-Own: yes\r\n" in head
            assert "Origin" not in head


def test_a_handshake_for_orders_alone_says_so() -> None:
    with RawServer() as server, RailsClient("t0ken", market="ALL", url=f"ws://127.0.0.1:{server.port}") as client:
        assert server.accept().head().startswith(b"GET /?market=ALL&subscriptions=orders HTTP/1.1\r\n")
        client.close()


# -- the subprotocol in the answer, which is not documented


@pytest.mark.parametrize("echo", ["exact", "none"])
def test_the_same_subprotocol_and_none_are_fine(echo: str) -> None:
    with venue(rails_echo=echo) as exchange:
        client = rails(exchange)
        book = client.order_book()
        with running(client):
            assert follows(book, exchange)


def test_another_subprotocol_is_refused_unless_any_will_do() -> None:
    with venue(rails_echo="other") as exchange:
        token = exchange.rails_token()
        with rails(exchange, token) as client:
            error = until_refused(client, ConnectError)
            assert error.status_code == 101
            assert "Sec-WebSocket-Protocol" in str(error)
            assert token not in repr(vars(error))
        client = rails(exchange, any_subprotocol=True)
        with running(client):
            assert len(until_open(exchange, 1)) == 1


# -- what the exchange gets to see


def test_a_connection_begins_with_what_is_wanted() -> None:
    with venue() as exchange:
        client = rails(exchange)
        client.on_fill(Log())
        client.on_trade(Log())
        client.order_book()
        with running(client):
            (connection,) = until_open(exchange, 1)
            until_streams(exchange, connection, *ALL_STREAMS)
        assert exchange.handshake_headers[0]["Sec-WebSocket-Protocol"] == "***"


def test_an_unknown_market_is_refused_for_good() -> None:
    with venue() as exchange, rails(exchange, market="XYZ-USD") as client:
        assert until_refused(client, ConnectError).status_code == 400


# -- the pace of dials


def test_new_connections_are_counted_for_all_clients_of_an_account() -> None:
    keys = fresh_keys()
    with venue(credentials=keys) as exchange:
        clients = [rails(exchange, credentials=Credentials(*keys), dial_limit=2) for _ in range(3)]
        for client in clients:
            client.start()
        for client in clients[:2]:
            client.wait_ready(PATIENCE)
        with pytest.raises(ConnectTimeout):
            clients[2].wait_ready(0.3)
        assert exchange.handshakes == 2
        clients[2].close()  # while it waits for its slot
        for client in clients:
            client.close()
        assert exchange.handshakes == 2


def test_a_slot_comes_when_the_minute_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = fresh_keys()
    monkeypatch.setattr(bigone_sync.transport.pacing, "MINUTE", 0.2)
    with venue(credentials=keys) as exchange:
        clients = [rails(exchange, credentials=Credentials(*keys), dial_limit=1) for _ in range(3)]
        for client in clients:
            client.start()
        for client in clients:
            client.wait_ready(PATIENCE)
            client.close()
        assert exchange.handshakes == 3


def test_too_many_connections_wait_a_minute() -> None:
    with venue(rails_connect_limit=1) as exchange:
        with running(rails(exchange)):
            client = rails(exchange)
            watched = Watched(client)
            with client:
                change = wait_for_pause(watched)
        assert change.retry_in >= 60


def test_a_token_limit_of_the_exchange_waits_a_minute() -> None:
    keys = fresh_keys()
    with venue(credentials=keys) as exchange:
        exchange.fail_rest("429", times=None, path="/token")
        client = rails(exchange, credentials=Credentials(*keys))
        watched = Watched(client)
        with client:
            change = wait_for_pause(watched)
            assert isinstance(change.cause, RestError)
            assert change.retry_in >= 60
        assert len([call for call in exchange.rest_requests if call.path.endswith("/token")]) == 1


def wait_for_pause(watched: Watched) -> Any:
    """The change of state into waiting for another attempt."""

    def found() -> list[Any]:
        return [change for change in watched.states if change.new is ConnectionState.WAITING]

    wait_until(lambda: bool(found()), PATIENCE)
    return found()[0]


# -- proxies


def test_a_proxy_gets_to_see_neither_token_nor_query() -> None:
    with venue() as exchange, RawServer() as proxy:
        token = exchange.rails_token()
        client = rails(exchange, token, proxy=f"http://ann:pass-word@127.0.0.1:{proxy.port}")
        watched = Watched(client)
        with client:
            peer = proxy.accept()
            head = peer.head()
            assert head.startswith(f"CONNECT 127.0.0.1:{exchange.port} HTTP/1.1\r\n".encode())
            assert token.encode() not in head
            assert b"market" not in head
            peer.send(b"HTTP/1.1 502 no\r\n\r\n")
            peer.close()
            error = watched.errors.wait(1, ConnectError)[0]
            # What is within the tunnel is for the exchange.
            peer = proxy.accept()
            peer.head()
            peer.send(b"HTTP/1.1 200 Go\r\n\r\n")
            assert token.encode() in peer.head()
        assert error.kind == "proxy"
        assert "pass-word" not in "".join(traceback.format_exception(error))
