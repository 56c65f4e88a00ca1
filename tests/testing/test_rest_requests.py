"""Where the REST side is, what it remembers of calls, its limit, and that it leaves nothing behind."""

from __future__ import annotations

import json
import logging
import socket

import pytest
import requests
from rest_peer import Rest, why
from spot_peer import Peer

from bigone_sync.testing._rest_gate import RequestLimit
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until


def test_urls(still: LocalExchange) -> None:
    assert still.rest_url() == f"http://127.0.0.1:{still.port}/api/v3"
    assert still.rest_url("contract") == f"http://127.0.0.1:{still.port}/api/contract/v2"
    with pytest.raises(ValueError, match="spot, contract"):
        still.rest_url("margin")


def test_requests_are_kept_field_by_field(still: LocalExchange) -> None:
    body = {"asset_pair_name": "NO-SUCH"}
    with Rest(still) as rest:
        rest.call("GET", "/asset_pairs/BTC-USDT/depth", {"limit": 5, "x": "a b&c"}, auth="")
        rest.call("POST", "/viewer/orders/cancel", None, body)
    first, second = still.rest_requests
    assert (first.method, first.path, first.status) == ("GET", "/api/v3/asset_pairs/BTC-USDT/depth", 200)
    assert first.query == (("limit", "5"), ("x", "a b&c"))
    assert first.body == b""
    assert "Authorization" not in first.headers
    assert (second.method, second.path, second.query, second.status) == (
        "POST",
        "/api/v3/viewer/orders/cancel",
        (),
        404,
    )
    assert json.loads(second.body) == body
    assert second.headers["Content-Type"] == "application/json"
    assert second.headers["Authorization"] == "***"
    with pytest.raises(AttributeError):
        second.status = 200  # type: ignore[misc]
    assert still.rest_calls == 2
    assert still.handshakes == 0


def test_the_last_thousand_requests_are_kept(still: LocalExchange) -> None:
    with Rest(still) as rest:
        for number in range(1_003):
            rest.call("GET", "/ping", {"n": number}, auth="")
    assert still.rest_calls == 1_003
    kept = still.rest_requests
    assert [request.query[0][1] for request in kept] == [str(number) for number in range(3, 1_003)]
    assert {request.status for request in kept} == {200}


@pytest.mark.parametrize("venue", ["spot", "contract"])
def test_more_requests_than_are_allowed(venue: str) -> None:
    path = {"spot": "/ping", "contract": "/symbols"}[venue]
    with LocalExchange(rate=0, rest_limit=3) as exchange, Rest(exchange, venue) as rest:
        assert [rest.call("GET", path).status_code for _ in range(3)] == [200] * 3
        refused = rest.call("GET", path)
        assert why(refused) == (429, 10429)
        assert "Retry-After" not in refused.headers
        assert exchange.rest_calls == 4


def test_the_limit_counts_the_last_ten_seconds_and_not_what_it_refused() -> None:
    limit = RequestLimit(2)
    assert [limit.allows(now) for now in (0, 4, 5, 9.9, 10, 10.1, 14, 14.1)] == [
        True, True, False, False, True, False, True, False,
    ]  # fmt: skip
    assert all(RequestLimit(None).allows(0) for _ in range(1_000))


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_must_allow_something(limit: int) -> None:
    with pytest.raises(ValueError, match="rest_limit"):
        LocalExchange(rest_limit=limit)


def test_closing_with_open_connections_leaves_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with leak_check(), LocalExchange(rate=200) as exchange:
        sessions = [Rest(exchange), Rest(exchange, "contract")]
        assert sessions[0].call("GET", "/ping").status_code == 200
        assert sessions[1].call("GET", "/symbols").status_code == 200
        exchange.close()
        for session in sessions:
            with pytest.raises(requests.ConnectionError):
                session.call("GET", "/ping")
            session.session.close()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_request_that_never_ends_does_not_keep_it_open() -> None:
    head = b"POST /api/v3/viewer/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    with leak_check(), LocalExchange(rate=0) as exchange:
        with socket.create_connection(("127.0.0.1", exchange.port)) as half, Rest(exchange) as rest:
            half.sendall(head)
            rest.call("GET", "/ping")
            exchange.close()
            half.settimeout(10)
            try:
                assert half.recv(100) == b""
            except ConnectionResetError:
                pass
        assert exchange.rest_calls == 1


def test_a_client_that_goes_in_the_middle_of_its_body_is_no_news(
    still: LocalExchange, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", still.port)) as half:
        half.sendall(b"POST /api/v3/viewer/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        with Rest(still) as rest:
            rest.call("GET", "/ping")
    with Rest(still) as rest:
        rest.call("GET", "/ping")
    wait_until(lambda: still.rest_calls >= 2)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_faults_are_no_news_in_the_log(still: LocalExchange, caplog: pytest.LogCaptureFixture) -> None:
    with Rest(still) as rest:
        for kind in ("500", "cut_json", "cut_body", "html", "empty", "drop"):
            still.fail_rest(kind)
            try:
                rest.call("GET", "/ping")
            except requests.RequestException:
                pass
        assert rest.call("GET", "/ping").status_code == 200
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_sockets_and_calls_share_the_port_and_the_state(still: LocalExchange) -> None:
    with Peer(still) as peer, Rest(still) as rest:
        peer.login()
        body = {
            "market": "BTC-USDT", "side": "BID", "amount": "1", "price": "100", "immediateOrCancel": False,
        }  # fmt: skip
        assert peer.ask("createOrderRequest", body)[0] == "success"
        (row,) = rest.get("/viewer/orders", asset_pair_name="BTC-USDT")
        assert rest.post(f"/viewer/orders/{row['id']}/cancel")["state"] == "CANCELLED"
        assert still.orders()[0].state == "CANCELLED"


def test_a_large_body_is_refused(still: LocalExchange) -> None:
    with Rest(still) as rest:
        response = rest.call("POST", "/viewer/orders", data=b"x" * (1 << 21))
    assert response.status_code == 413
