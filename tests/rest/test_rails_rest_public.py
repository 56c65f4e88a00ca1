"""Rails' market data by REST, and what the class is made with (Rails protocol, sections 1.1, 1.5 and 1.6)."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal as D
from typing import Any

import pytest
from rails_rig import TOKEN, credentials, numbered, unless
from scripted_http import Reply, ScriptedServer

from bigone_sync import (
    ConfigurationError,
    Credentials,
    DecodeError,
    DepthSnapshot,
    PriceLevel,
    RailsDepth,
    RailsMarket,
    RailsRest,
)
from bigone_sync.errors import RestError
from bigone_sync.testing.leaks import leak_check

BOOK, MARKETS = "/api/v2/order-book", "/api/v1/markets"
DEPTH = (
    '{"orders":[{"quantity":"0.1","price":"4355.1","orderType":"buy"},'
    '{"quantity":"0.2","price":"4355.2","orderType":"sell"}],"ts":1772576154169}'
)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with leak_check(), ScriptedServer("") as server:
        yield server


@pytest.fixture
def rest(server: ScriptedServer) -> Iterator[RailsRest]:
    with RailsRest(url=server.url) as rest:
        yield rest


def test_order_book(server: ScriptedServer, rest: RailsRest) -> None:
    server.on(BOOK, DEPTH)
    depth = rest.order_book("ETH-USD")
    snapshot = DepthSnapshot(
        "ETH-USD", (PriceLevel(D("4355.1"), D("0.1")),), (PriceLevel(D("4355.2"), D("0.2")),), None, None
    )
    assert depth == RailsDepth(snapshot, datetime(2026, 3, 3, 22, 15, 54, 169000, tzinfo=timezone.utc))
    assert depth.snapshot.connection == "rails/rest"
    assert depth.snapshot.received_at > 1.5e9
    seen = server.only
    assert (seen.method, seen.path, seen.query, seen.body) == ("GET", BOOK, [("market", "ETH-USD")], b"")
    assert "authorization" not in seen.headers


def test_a_book_without_levels_and_time(server: ScriptedServer, rest: RailsRest) -> None:
    server.on(BOOK, '{"orders":[]}')
    assert rest.order_book("ETH-USD") == RailsDepth(DepthSnapshot("ETH-USD"))


@pytest.mark.parametrize(
    ("body", "markets"),
    [
        ('["BTC-USD","ETH-USDT"]', (RailsMarket("BTC-USD"), RailsMarket("ETH-USDT"))),
        ("[]", ()),
        ('{"markets":["BTC-USD"],"more":1}', (RailsMarket("BTC-USD"),)),
        (
            '[{"market":"BTC-USD","tickSize":"0.01","lot":0.1,"max":{"x":[1e2]}},{"name":"X","tickSize":0.5}]',
            (
                RailsMarket(
                    "BTC-USD",
                    D("0.01"),
                    {"market": "BTC-USD", "tickSize": "0.01", "lot": D("0.1"), "max": {"x": [D(100)]}},
                ),
                RailsMarket("X", D("0.5"), {"name": "X", "tickSize": D("0.5")}),
            ),
        ),
        ('[{"name":"X","tickSize":"fine"}]', (RailsMarket("X", None, {"name": "X", "tickSize": "fine"}),)),
        ('[{"name":"X","tickSize":0}]', (RailsMarket("X", None, {"name": "X", "tickSize": 0}),)),
        ('[{"name":"X","tickSize":true}]', (RailsMarket("X", None, {"name": "X", "tickSize": True}),)),
    ],
)
def test_markets(server: ScriptedServer, rest: RailsRest, body: str, markets: Any) -> None:
    server.on(MARKETS, body)
    assert rest.markets() == markets
    assert (server.only.path, server.only.query) == (MARKETS, [])
    assert "authorization" not in server.only.headers


@pytest.mark.parametrize("status", [401, 403])
def test_markets_are_asked_for_with_a_token_if_need_be(server: ScriptedServer, status: int) -> None:
    server.on(MARKETS, Reply(status), unless("token-1", '["BTC-USD"]')).on(TOKEN, numbered())
    with RailsRest(credentials(), url=server.url) as rest:
        assert [market.name for market in rest.markets()] == ["BTC-USD"]
    assert [seen.headers.get("authorization") for seen in server.seen] == [None, None, "Bearer token-1"]


def test_markets_that_are_not_for_everybody(server: ScriptedServer, rest: RailsRest) -> None:
    server.on(MARKETS, Reply(403, b"no"))
    with pytest.raises(RestError, match="status 403: no") as caught:
        rest.markets()
    assert (caught.value.status_code, caught.value.reason) == (403, "no")


def test_a_market_is_a_value() -> None:
    market = RailsMarket("BTC-USD", D("0.5"), {"a": [1]})
    with pytest.raises(TypeError):
        market.members["b"] = 1  # type: ignore[index]
    assert pickle.loads(pickle.dumps(market)) == copy.deepcopy(market) == market
    assert hash(market) == hash(copy.copy(market))
    assert market != RailsMarket("BTC-USD", D("0.5"))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *((BOOK, body) for body in ("", "[]", "null", "{}", '{"orders":{}}', '{"orders":[1]}', DEPTH[:-5])),
        *((BOOK, DEPTH.replace(old, new)) for old, new in (("buy", "hold"), ("4355.1", "x"), ("1772576154169", '"x"'))),
        *(
            (MARKETS, body)
            for body in ("", "nope", "null", "{}", '"BTC-USD"', '{"markets":{}}', "[1]", "[{}]", "[null]")
        ),
        *((MARKETS, body) for body in ('[{"name":1}]', '[""]', "[NaN]", "[1e99999999999999999999]", "[" * 5000)),
    ],
)
def test_an_answer_that_cannot_be_read(server: ScriptedServer, rest: RailsRest, path: str, body: str) -> None:
    server.on(path, body)
    with pytest.raises(DecodeError) as caught:
        rest.order_book("ETH-USD") if path == BOOK else rest.markets()
    assert path in str(caught.value)
    assert caught.value.excerpt == body[:200]
    assert caught.value.connection == "rails/rest"


@pytest.mark.parametrize("status", [400, 403, 404, 429])
def test_a_refusal_is_told_at_once(server: ScriptedServer, rest: RailsRest, status: int) -> None:
    server.on(BOOK, Reply(status, b'{"message":"go away"}'))
    with pytest.raises(RestError, match=rf"status {status}: .*go away") as caught:
        rest.order_book("ETH-USD")
    assert caught.value.status_code == status
    assert caught.value.reason == '{"message":"go away"}'


def test_what_broke_over_there_is_tried_again(server: ScriptedServer, rest: RailsRest) -> None:
    server.on(BOOK, Reply(502), Reply(503), DEPTH)
    assert rest.order_book("ETH-USD").time is not None
    assert len(server.seen) == 3


@pytest.mark.parametrize("market", ["eth-usd", "ETHUSD", "ALL", "", None, "ETH-USD&x=1"])
def test_bad_markets_are_refused_before_anything_is_sent(server: ScriptedServer, rest: RailsRest, market: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rest.order_book(market)
    assert caught.value.argument == "market"
    assert server.seen == []


@pytest.mark.parametrize(
    ("options", "hosts"),
    [
        ({}, ("https://{}.trade.rails.xyz",) * 4),
        ({"url": "http://127.0.0.1:9/"}, ("http://127.0.0.1:9",) * 4),
        (
            {"url": "http://127.0.0.1:9", "auth_url": "http://127.0.0.1:1/", "order_url": "http://127.0.0.1:2"},
            ("http://127.0.0.1:1", "http://127.0.0.1:9", "http://127.0.0.1:9", "http://127.0.0.1:2"),
        ),
        (
            {"market_data_url": "http://127.0.0.1:1", "account_url": "http://127.0.0.1:2"},
            ("https://{}.trade.rails.xyz", "http://127.0.0.1:1", "http://127.0.0.1:2", "https://{}.trade.rails.xyz"),
        ),
    ],
)
def test_each_thing_has_its_host(options: Any, hosts: tuple[str, ...]) -> None:
    names = ("api-auth", "market-data", "user-account", "order")
    with RailsRest(**options) as rest:
        found = (rest._hosts.auth, rest._hosts.market_data, rest._hosts.account, rest._hosts.order)
    assert found == tuple(host.format(name) for host, name in zip(hosts, names, strict=True))


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"url": "ws://127.0.0.1/"}, "url"),
        ({"url": ""}, "url"),
        ({"auth_url": "127.0.0.1"}, "auth_url"),
        ({"market_data_url": "https://x/?a"}, "market_data_url"),
        ({"account_url": 1}, "account_url"),
        ({"order_url": "ftp://x"}, "order_url"),
        ({"credentials": ("key", "secret")}, "credentials"),
        ({"credentials": Credentials("key", "sécret")}, "credentials"),
        ({"credentials": Credentials("key", "secret"), "token": "a-secret-token"}, "token"),
        ({"token": "Bearer a-secret-token"}, "token"),
        ({"token": ""}, "token"),
        ({"token": b"a-secret-token"}, "token"),
        ({"timeouts": 1}, "timeouts"),
        ({"headers": {"Authorization": "Bearer a-secret-token"}}, "headers"),
        ({"retries": -1}, "retries"),
        ({"proxy": "socks5://x"}, "proxy"),
        ({"ssl_context": True}, "ssl_context"),
    ],
)
def test_bad_constructions(options: Any, argument: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RailsRest(**options)
    assert caught.value.argument == argument
    assert "a-secret-token" not in str(caught.value)
