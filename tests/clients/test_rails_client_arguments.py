"""What users of the Rails client may pass in: refused before any I/O, by name and with what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from client_rig import KEYS, Log
from rails_client_rig import BTC, ETH

from bigone_sync import (
    ConfigurationError,
    ConnectionClosed,
    Credentials,
    Limits,
    NotConnected,
    Overflow,
    RailsClient,
    SubscriptionState,
)
from bigone_sync.testing.leaks import leak_check

pytestmark = pytest.mark.one_codec

LOCAL = "ws://127.0.0.1:9"
SECRET = "5ecret-of-this-test"

BAD_CONSTRUCTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"token": None}, "token", "credentials=Credentials"),
    ({"token": ""}, "token", "access token"),
    ({"token": 7}, "token", "int"),
    ({"token": b"t0ken"}, "token", "bytes"),
    ({"token": "two words"}, "token", "header"),
    ({"token": "a,b"}, "token", "header"),
    ({"token": "line\r\n"}, "token", "header"),
    ({"token": "käse"}, "token", "header"),
    ({"credentials": "key"}, "credentials", "Credentials"),
    ({"credentials": ("key", "secret")}, "credentials", "Credentials"),
    ({"token": None, "credentials": Credentials("key", "sécret")}, "credentials", "ASCII"),
    ({"market": "BTC"}, "market", "BTC-USD"),
    ({"market": "btc-usd"}, "market", "BTC-USD"),
    ({"market": "all"}, "market", "all"),
    ({"market": None}, "market", "None"),
    ({"market": ["BTC-USD"]}, "market", "BTC-USD"),
    ({"redundancy": 0}, "redundancy", "0"),
    ({"redundancy": True}, "redundancy", "True"),
    ({"redundancy": 1.5}, "redundancy", "1.5"),
    ({"redundancy": 101}, "redundancy", "100"),
    ({"redundancy": 4, "limits": Limits(max_connections=3)}, "redundancy", "max_connections=3"),
    ({"url": "http://127.0.0.1/"}, "url", "wss://"),
    ({"url": None}, "url", "wss://"),
    ({"url": f"ws://me:{SECRET}@127.0.0.1/"}, "url", "user information"),
    ({"url": "ws://127.0.0.1/#a"}, "url", "fragment"),
    ({"auth_url": "ws://127.0.0.1/"}, "auth_url", "https://"),
    ({"auth_url": "http://127.0.0.1/?a=1"}, "auth_url", "query"),
    ({"rest_url": "ws://127.0.0.1/"}, "rest_url", "https://"),
    ({"rest_url": 5}, "rest_url", "https://"),
    ({"dialect": "g3"}, "dialect", "'legacy'"),
    ({"dialect": None}, "dialect", "'current'"),
    ({"order_limit": 0}, "order_limit", "0"),
    ({"order_limit": "250"}, "order_limit", "250"),
    ({"dial_limit": -1}, "dial_limit", "-1"),
    ({"dial_limit": None}, "dial_limit", "None"),
    ({"patience": 0}, "patience", "greater than 0"),
    ({"patience": float("inf")}, "patience", "seconds"),
    ({"patience": "1"}, "patience", "seconds"),
    ({"modify_names": {"id": "orderId"}}, "modify_names", "order_id"),
    ({"modify_names": {"price": "quantity"}}, "modify_names", "different"),
    ({"modify_names": ["price"]}, "modify_names", "mapping"),
    ({"modify_names": {"price": 7}}, "modify_names", "text"),
    ({"modify_names": {7: "price"}}, "modify_names", "text"),
    ({"any_subprotocol": 1}, "any_subprotocol", "True or False"),
    ({"reconcile": "yes"}, "reconcile", "True or False"),
    ({"timeouts": 5}, "timeouts", "Timeouts"),
    ({"backoff": 5}, "backoff", "Backoff"),
    ({"limits": 7}, "limits", "Limits"),
    ({"proxy": "socks5://127.0.0.1:1"}, "proxy", "http://"),
    ({"ssl_context": True}, "ssl_context", "SSLContext"),
    ({"headers": {"X-A": "a\r\nX-B: b"}}, "headers", "CR or LF"),
    ({"headers": {"Sec-WebSocket-Protocol": "json"}}, "headers", "handshake"),
    ({"dispatch": "thread"}, "dispatch", "caller"),
]


@pytest.mark.parametrize(("options", "argument", "allowed"), BAD_CONSTRUCTIONS, ids=lambda value: str(value)[:50])
def test_a_bad_constructor_argument_is_named(options: dict[str, Any], argument: str, allowed: str) -> None:
    with leak_check(timeout=0), pytest.raises(ConfigurationError) as caught:
        RailsClient(**{"token": "t0ken", "market": BTC, "url": LOCAL, **options})
    assert caught.value.argument == argument
    assert argument in str(caught.value)
    assert allowed in str(caught.value)
    assert SECRET not in str(caught.value)


BAD_CALLS: list[tuple[Callable[[RailsClient], object], str, str]] = [
    (lambda c: c.on_depth(ETH, Log()), "market", "this client is for BTC-USD"),
    (lambda c: c.on_trade("btc-usd", Log()), "market", "BTC-USD"),
    (lambda c: c.on_order(7, Log()), "market", "7"),
    (lambda c: c.on_fill("ALL", Log()), "market", "ALL"),
    (lambda c: c.on_book(BTC, 7), "handler", "call"),
    (lambda c: c.on_depth(lambda: None), "handler", "one argument"),
    (lambda c: c.on_trade(Log(), overflow="block"), "overflow", "Overflow"),
    (lambda c: c.on_order(Log(), overflow=Overflow.RESYNC), "overflow", "never discarded"),
    (lambda c: c.order_book(ETH), "market", "this client is for BTC-USD"),
    (lambda c: c.subscribe("candles"), "channel", "'depth', 'trades', 'orders', 'fills'"),
    (lambda c: c.subscribe("nonsense"), "channel", "'depth'"),
    (lambda c: c.subscribe(None), "channel", "'depth'"),
    (lambda c: c.subscribe("depth", ETH), "market", "this client is for BTC-USD"),
    (lambda c: c.subscribe("depth", handler=7), "handler", "call"),
    (lambda c: c.subscribe("depth", overflow=None), "overflow", "Overflow"),
    (lambda c: c.on_error(7), "handler", "call"),
    (lambda c: c.resolve("no-uuid"), "client_request_id", "UUID"),
    (lambda c: c.resolve(None), "client_request_id", "UUID"),
    (lambda c: c.resolve("4cc68b60-ed2d-42aa-a21e-cb5486f8fd1a", market=ETH), "market", "BTC-USD"),
    (lambda c: c.resolve("4cc68b60-ed2d-42aa-a21e-cb5486f8fd1a", timeout=0), "timeout", "seconds"),
    (lambda c: c.ping(timeout=-1), "timeout", "seconds"),
]


@pytest.mark.parametrize(("call", "argument", "allowed"), BAD_CALLS, ids=range(len(BAD_CALLS)))
def test_a_bad_argument_of_a_method_is_named(
    call: Callable[[RailsClient], object], argument: str, allowed: str
) -> None:
    client = RailsClient("t0ken", market=BTC, url=LOCAL)
    with leak_check(timeout=0), pytest.raises(ConfigurationError) as caught:
        call(client)
    assert caught.value.argument == argument
    assert argument in str(caught.value)
    assert allowed in str(caught.value)
    assert not client.subscriptions


@pytest.mark.parametrize("call", [lambda c: c.on_fill(Log()), lambda c: c.subscribe("fills")])
def test_the_legacy_names_have_no_own_trades(call: Callable[[RailsClient], object]) -> None:
    client = RailsClient("t0ken", market=BTC, url=LOCAL, dialect="legacy")
    with pytest.raises(ConfigurationError, match="no stream for FILLS") as caught:
        call(client)
    assert caught.value.argument == "channel"
    client.on_order(Log())


def test_a_client_for_all_resolves_what_it_is_told_the_market_of() -> None:
    client = RailsClient("t0ken", market="ALL", url=LOCAL)
    with pytest.raises(ConfigurationError, match="ALL markets") as caught:
        client.resolve("4cc68b60-ed2d-42aa-a21e-cb5486f8fd1a")
    assert caught.value.argument == "market"


@pytest.mark.parametrize(
    ("options", "auth", "rest"),
    [
        ({}, "https://api-auth.trade.rails.xyz", None),
        ({"url": "wss://ws.trade.rails.xyz/"}, "https://api-auth.trade.rails.xyz", None),
        ({"url": LOCAL}, "http://127.0.0.1:9", "http://127.0.0.1:9"),
        ({"url": "wss://gate.test:7/rails/?a=1"}, "https://gate.test:7/rails", "https://gate.test:7/rails"),
        ({"url": "wss://ws.trade.rails.xyz:444"}, "https://ws.trade.rails.xyz:444", "https://ws.trade.rails.xyz:444"),
        ({"url": LOCAL, "auth_url": "http://a.test/"}, "http://a.test", "http://127.0.0.1:9"),
        ({"url": LOCAL, "rest_url": "http://b.test/x/"}, "http://127.0.0.1:9", "http://b.test/x"),
        ({"rest_url": "http://b.test"}, "https://api-auth.trade.rails.xyz", "http://b.test"),
    ],
    ids=str,
)
def test_credentials_go_where_the_socket_goes(options: dict[str, Any], auth: str, rest: str | None) -> None:
    client = RailsClient(market=BTC, credentials=KEYS, **options)
    hosts = client._beside.rest()._hosts
    assert hosts.auth == auth
    if rest is not None:
        assert {hosts.account, hosts.order, hosts.market_data} == {rest}
    else:
        assert (hosts.account, hosts.order) == ("https://user-account.trade.rails.xyz", "https://order.trade.rails.xyz")
    client.close()


def quota_of(token: Any = None, credentials: Credentials | None = None) -> object:
    client = RailsClient(token, market=BTC, credentials=credentials, url=LOCAL)
    client.close()
    return client._desk._quota


def test_limits_are_shared_by_those_whose_account_is_known_to_be_the_same() -> None:
    assert quota_of("t0ken") is quota_of("t0ken", KEYS)
    assert quota_of("t0ken") is not quota_of("an0ther")
    assert quota_of(credentials=KEYS) is quota_of(credentials=KEYS)
    assert quota_of(credentials=KEYS) is not quota_of("t0ken")

    def ask() -> str:
        return "t0ken"

    # Whose account a callable is of nobody knows, and the next one may be another where this one was in memory.
    assert quota_of(ask) is not quota_of(ask)


def test_a_token_is_used_in_place_of_credentials() -> None:
    client = RailsClient("t0ken", market=BTC, credentials=KEYS, url=LOCAL)
    assert client._source() == "t0ken"
    client.close()


def test_nothing_is_taken_before_the_start_and_after_the_end() -> None:
    client = RailsClient("t0ken", market=BTC, url=LOCAL)
    trades = client.on_trade(Log())
    with pytest.raises(NotConnected, match="start"):
        client.ping()
    client.close()
    assert trades.state == SubscriptionState.ENDED  # type: ignore[attr-defined]
    for call in (lambda: client.on_trade(Log()), client.ping, client.start, client.order_book):
        with pytest.raises(ConnectionClosed):
            call()
    with pytest.raises(ConnectionClosed):
        client.resolve("4cc68b60-ed2d-42aa-a21e-cb5486f8fd1a")
