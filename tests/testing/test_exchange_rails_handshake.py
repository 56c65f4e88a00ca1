"""Who may open a Rails connection, and with which token."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import jwt
import pytest
import requests
import websocket
from rails_peer import BTC, RailsPeer, refusal

from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until
from bigone_sync.testing.proxy import FaultProxy

KEYS = {"X-Api-Key": "key", "X-Api-Secret": "secret"}
ECHOES: dict[str, Callable[[str], str | None]] = {
    "exact": lambda offered: offered,
    "none": lambda offered: None,
    "other": lambda offered: "authorization",
}


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange(rate=0) as exchange:
        yield exchange


def good(exchange: LocalExchange) -> list[str]:
    return [f"authorization#{exchange.rails_token()}"]


def fetch(exchange: LocalExchange, **headers: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"{exchange.rest_url('rails')}/api/v1/token", headers={**KEYS, **headers}, timeout=10)


# -- the handshake ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", ["", "?subscriptions=orders", "?market=DOGE-USD", "?market=btc-usd", f"?market={BTC}&subscriptions=depth"]
)
def test_a_query_that_names_nothing(exchange: LocalExchange, query: str) -> None:
    assert refusal(exchange, query, good(exchange)) == 400
    assert exchange.rails_connections == ()


def test_a_token_is_needed(exchange: LocalExchange) -> None:
    token = exchange.rails_token()
    other = jwt.encode({"sub": "somebody"}, "another secret, long enough for the library", algorithm="HS256")
    for protocols in ([], [token], ["authorization#"], [f"authorization#{other}"], [f"authorization#{token}", "json"]):
        assert refusal(exchange, f"?market={BTC}", protocols) == 401
    assert token not in repr(exchange.handshake_headers)


def test_a_token_expires_and_is_revoked_without_ending_what_it_has_opened(exchange: LocalExchange) -> None:
    old = exchange.rails_token()
    with RailsPeer(exchange, token=old) as peer, RailsPeer(exchange, token=old):
        exchange.clock_offset = 1801
        assert refusal(exchange, f"?market={BTC}", [f"authorization#{old}"]) == 401
        new = exchange.rails_token()
        exchange.revoke_rails_tokens()
        assert refusal(exchange, f"?market={BTC}", [f"authorization#{new}"]) == 401
        assert peer.everything() == []
        assert exchange.rails_connections == (1, 2)


def test_a_key_that_may_only_read() -> None:
    with LocalExchange(rate=0, rails_read_only=True) as exchange:
        assert refusal(exchange, f"?market={BTC}", good(exchange)) == 403


def test_limits_of_connections() -> None:
    with LocalExchange(rate=0, rails_connection_limit=2, rails_connect_limit=3) as exchange:
        with RailsPeer(exchange), RailsPeer(exchange, market="ALL"):
            assert refusal(exchange, f"?market={BTC}", good(exchange)) == 403
        wait_until(lambda: not exchange.rails_connections)
        with RailsPeer(exchange):
            assert refusal(exchange, f"?market={BTC}", good(exchange)) == 429
            exchange.clock_offset = 61
            with RailsPeer(exchange) as peer:
                assert peer.everything() == []


@pytest.mark.parametrize("echo", ECHOES)
def test_what_is_answered_for_the_subprotocol(echo: str, caplog: pytest.LogCaptureFixture) -> None:
    with LocalExchange(rate=0, rails_echo=echo) as exchange, caplog.at_level(logging.DEBUG):
        token = exchange.rails_token()
        with RailsPeer(exchange, token=token) as peer:
            headers = peer.ws.headers or {}
            assert headers.get("sec-websocket-protocol") == ECHOES[echo](f"authorization#{token}")
            assert peer.everything() == []
        exchange.revoke_rails_tokens()
        refusal(exchange, f"?market={BTC}", [f"authorization#{token}"])
        seen = f"{exchange.handshake_headers}{exchange.rails_requests}{exchange!r}"
    ours = [record for record in caplog.records if not record.name.startswith("websocket")]
    assert not any(token in f"{record.getMessage()}{record.args}" for record in ours)
    assert token not in seen


def test_no_subscriptions_means_orders(exchange: LocalExchange) -> None:
    with RailsPeer(exchange, None), RailsPeer(exchange, []), RailsPeer(exchange, ["trades", "orders"]):
        active = [exchange.rails_subscriptions(number) for number in exchange.rails_connections]
    assert active == [("orders",), (), ("orders", "trades")]


def test_ordered_refusals(exchange: LocalExchange) -> None:
    exchange.refuse_rails_handshakes(503, 1)
    exchange.refuse_rails_handshakes(500)
    assert [refusal(exchange, f"?market={BTC}", good(exchange)) for _ in range(3)] == [503, 500, 500]
    exchange.accept_rails_handshakes()
    with RailsPeer(exchange) as peer:
        assert peer.everything() == []


def test_a_proxy_in_front(exchange: LocalExchange) -> None:
    with FaultProxy(exchange.rails_url) as proxy, RailsPeer(exchange, url=proxy.url) as peer:
        exchange.rails_trade(BTC)
        assert peer.everything()
        proxy.cut()
        with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
            peer.ws.recv()
    wait_until(lambda: not exchange.rails_connections)


# -- tokens -----------------------------------------------------------------------------------------------------


def test_fetching_a_token(exchange: LocalExchange) -> None:
    response = fetch(exchange)
    assert response.status_code == 200
    body = response.json()
    assert set(body) == {"access_token", "token_type", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 1800)
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert {"iss", "sub", "aud", "iat", "exp"} <= set(claims)
    assert claims["exp"] - claims["iat"] == 1800
    assert isinstance(claims["aud"], list)
    assert jwt.get_unverified_header(body["access_token"])["alg"] == "HS256"
    with RailsPeer(exchange, token=body["access_token"]) as peer:
        assert peer.everything() == []
    assert exchange.rails_token_fetches == 1
    assert exchange.rest_requests[-1].headers["X-Api-Secret"] == "***"


@pytest.mark.parametrize("headers", [{"X-Api-Key": "other"}, {"X-Api-Secret": "guess"}, {"X-Api-Secret": ""}])
def test_a_wrong_key_or_secret(exchange: LocalExchange, headers: dict[str, str]) -> None:
    assert fetch(exchange, **headers).status_code == 401
    assert exchange.rails_token_fetches == 0


def test_the_limit_of_fetches_and_the_life_of_tokens() -> None:
    with LocalExchange(rate=0, rails_token_limit=2, rails_token_life=5) as exchange:
        replies = [fetch(exchange) for _ in range(3)]
        assert [reply.status_code for reply in replies] == [200, 200, 429]
        assert replies[0].json()["expires_in"] == 5
        assert replies[0].json()["access_token"] != replies[1].json()["access_token"]
        exchange.clock_offset = 61
        assert fetch(exchange).status_code == 200
        assert refusal(exchange, f"?market={BTC}", [f"authorization#{replies[1].json()['access_token']}"]) == 401


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rails_dialect", "g7"),
        ("rails_echo", "maybe"),
        ("rails_replies", "none"),
        ("rails_order_scope", "all"),
        ("rails_trade_rows", "both"),
        ("rails_modify", "five"),
        ("rails_quota", "cost"),
        ("rails_token_life", 0),
        ("rails_order_limit", 0),
        ("rails_markets", ["BTCUSD"]),
    ],
)
def test_options_that_make_no_sense(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        LocalExchange(**{name: value})  # type: ignore[arg-type]
