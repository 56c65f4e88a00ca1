"""New spot orders by REST: what is sent, what is refused before, and what is said when the answer is no use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal as D
from typing import Any

import pytest
from scripted_http import KEYS, SPOT, Reply, ScriptedServer, wrapped

from bigone_sync import (
    ConfigurationError,
    Credentials,
    DecodeError,
    NewOrder,
    OrderOperator,
    OrderType,
    OutcomeUnknown,
    Side,
    SpotRest,
)
from bigone_sync.errors import RestError
from bigone_sync.testing.leaks import leak_check

ORDER: dict[str, Any] = {"id": 7, "asset_pair_name": "BTC-USDT", "side": "BID", "type": "LIMIT", "state": "PENDING"}
PAIRS = [
    {"name": name, "base_scale": 6, "quote_scale": 2, "base_asset": {"symbol": "A"}, "quote_asset": {"symbol": "B"}}
    for name in ("BTC-USDT", "ETH-USDT", "ETH-BTC")
]
MARKETS = wrapped(PAIRS)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with leak_check(), ScriptedServer(SPOT) as server:
        yield server


@pytest.fixture
def rest(server: ScriptedServer) -> Iterator[SpotRest]:
    """One that knows the markets."""
    server.on("/asset_pairs", MARKETS)
    with SpotRest(KEYS, url=server.url) as rest:
        rest.asset_pairs()
        server.take()
        yield rest


# -- one order -----------------------------------------------------------------------------------------------------

BODIES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"amount": "0.5", "price": D("20")}, {"type": "LIMIT", "amount": "0.5", "price": "20"}),
    ({"amount": 3}, {"type": "MARKET", "amount": "3"}),
    ({"amount": D("1E-6"), "price": "1E+2"}, {"type": "LIMIT", "amount": "0.000001", "price": "100"}),
    ({"amount": "1.50000000", "price": "2.100"}, {"type": "LIMIT", "amount": "1.500000", "price": "2.10"}),
    (
        {"amount": 1, "price": 2, "stop_price": "1.99", "operator": "lte"},
        {"type": "STOP_LIMIT", "amount": "1", "price": "2", "stop_price": "1.99", "operator": "LTE"},
    ),
    (
        {"amount": 1, "stop_price": 3, "operator": OrderOperator.GTE, "type": OrderType.STOP_MARKET},
        {"type": "STOP_MARKET", "amount": "1", "stop_price": "3", "operator": "GTE"},
    ),
    ({"amount": 1, "stop_price": 3}, {"type": "STOP_MARKET", "amount": "1", "stop_price": "3"}),
    (
        {"amount": 1, "price": 2, "ioc": True, "type": "limit"},
        {"type": "LIMIT", "amount": "1", "price": "2", "immediate_or_cancel": True},
    ),
    ({"amount": 1, "price": 2, "post_only": True}, {"type": "LIMIT", "amount": "1", "price": "2", "post_only": True}),
    (
        {"amount": 1, "price": 2, "stop_price": 1, "post_only": True},
        {"type": "STOP_LIMIT", "amount": "1", "price": "2", "stop_price": "1", "post_only": True},
    ),
]


@pytest.mark.parametrize(("options", "body"), BODIES)
def test_create_order(server: ScriptedServer, rest: SpotRest, options: dict[str, Any], body: dict[str, Any]) -> None:
    server.on("/viewer/orders", wrapped({**ORDER, "client_order_id": "mine"}))
    order = rest.create_order("BTC-USDT", Side.BUY, client_order_id="mine", **options)
    assert (order.id, order.client_order_id, order.connection) == ("7", "mine", "spot/rest")
    seen = server.only
    assert (seen.method, seen.path, seen.query) == ("POST", "/viewer/orders", [])
    assert json.loads(seen.body) == {"asset_pair_name": "BTC-USDT", "side": "BID", "client_order_id": "mine", **body}
    assert seen.headers["content-type"] == "application/json"
    assert seen.claims["sub"] == KEYS.api_key


@pytest.mark.parametrize(
    ("side", "word"), [(Side.SELL, "ASK"), ("sell", "ASK"), ("ASK", "ASK"), ("Buy", "BID"), (Side.BID, "BID")]
)
def test_sides(server: ScriptedServer, rest: SpotRest, side: Any, word: str) -> None:
    server.on("/viewer/orders", wrapped(ORDER))
    rest.create_order("BTC-USDT", side, amount=1)
    assert json.loads(server.only.body)["side"] == word


def test_an_id_is_made_where_none_is_given(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/orders", wrapped(ORDER), wrapped(ORDER))
    for _ in range(2):
        rest.create_order("BTC-USDT", "buy", amount=1)
    first, second = (json.loads(seen.body)["client_order_id"] for seen in server.seen)
    assert first != second
    assert all(re.fullmatch(r"[a-zA-Z0-9-_]{1,36}", made) for made in (first, second))


# -- refused before anything is sent -------------------------------------------------------------------------------

GOOD: dict[str, Any] = {"market": "BTC-USDT", "side": "buy", "amount": "1", "price": "2"}
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"market": "BTCUSDT"}, "market", "BASE-QUOTE"),
    ({"market": "BTC-USDC"}, "market", "did you mean 'BTC-USDT'"),
    ({"market": "XYZW-QQQQ"}, "market", "lists no 'XYZW-QQQQ'"),
    ({"side": "up"}, "side", "buy"),
    ({"side": Side.UNKNOWN}, "side", "buy"),
    ({"side": None}, "side", "buy"),
    *[
        ({"amount": value}, "amount", "greater than 0")
        for value in (0, "0", "-1", D(-1), D("NaN"), D("Infinity"), D("sNaN"))
    ],
    *[({"amount": value}, "amount", "not exact") for value in (1.0, 0.5, float("nan"), float("inf"))],
    *[({"amount": value}, "amount", "must be a number") for value in ("much", "", "1_0", "٣", " 1", None, True, [1])],
    ({"amount": "1E+101"}, "amount", "100 digits"),
    ({"amount": "0.0000001"}, "amount", "BTC-USDT allows 6: see Market.round_amount()"),
    ({"amount": "1.2345678"}, "amount", "7 digits behind the point"),
    ({"price": "2.001"}, "price", "BTC-USDT allows 2: see Market.round_price()"),
    ({"price": 2.5}, "price", "not exact"),
    ({"price": "0"}, "price", "greater than 0"),
    ({"stop_price": "2.001"}, "stop_price", "allows 2"),
    ({"stop_price": 1.5}, "stop_price", "not exact"),
    ({"type": "MARKET"}, "price", "must be None for a MARKET order"),
    ({"type": "STOP_MARKET", "stop_price": 1}, "price", "must be None"),
    ({"type": "LIMIT", "price": None}, "price", "must be given for a LIMIT order"),
    ({"type": "STOP_LIMIT", "price": None, "stop_price": 1}, "price", "must be given"),
    ({"type": "STOP_LIMIT"}, "stop_price", "must be given"),
    ({"type": "LIMIT", "stop_price": 1}, "stop_price", "must be None"),
    ({"type": "IOC"}, "type", "LIMIT, MARKET, STOP_LIMIT, STOP_MARKET"),
    ({"type": OrderType.UNKNOWN}, "type", "LIMIT"),
    ({"type": 0}, "type", "LIMIT"),
    ({"operator": "GTE"}, "operator", "must be None"),
    ({"operator": "=", "stop_price": 1}, "operator", "GTE, LTE"),
    ({"ioc": True, "post_only": True}, "post_only", "exclude each other"),
    ({"ioc": True, "price": None}, "ioc", "LIMIT"),
    ({"ioc": 1}, "ioc", "True or False"),
    ({"post_only": True, "price": None}, "post_only", "LIMIT and STOP_LIMIT"),
    ({"post_only": None}, "post_only", "True or False"),
    *[
        ({"client_order_id": value}, "client_order_id", "1 to 36")
        for value in ("", "x" * 37, "a b", "a.b", "é", "a\n", 5, b"a")
    ],
]


@pytest.mark.parametrize(("change", "argument", "words"), BAD)
def test_a_bad_order_is_not_sent(
    server: ScriptedServer, rest: SpotRest, change: dict[str, Any], argument: str, words: str
) -> None:
    given = {**GOOD, **change}
    with pytest.raises(ConfigurationError) as caught:
        rest.create_order(given.pop("market"), given.pop("side"), **given)
    assert caught.value.argument == argument
    assert words in str(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        rest.create_orders([NewOrder(**GOOD), NewOrder(**{**GOOD, **change})])
    assert caught.value.argument == argument
    assert server.seen == []


@pytest.mark.parametrize(
    ("side", "more", "is_allowed"),
    [
        ("buy", {}, True),
        ("buy", {"stop_price": 1}, True),
        ("sell", {}, False),
        ("buy", {"price": 1}, False),
    ],
)
def test_the_amount_of_a_market_order_that_buys_may_be_of_either_asset(
    server: ScriptedServer, side: str, more: dict[str, Any], is_allowed: bool
) -> None:
    pair = {**PAIRS[0], "base_scale": 2, "quote_scale": 4}
    server.on("/asset_pairs", wrapped([pair])).on("/viewer/orders", wrapped(ORDER))
    with SpotRest(KEYS, url=server.url) as rest:
        if is_allowed:
            rest.create_order("BTC-USDT", side, amount="1.2345", **more)
        else:
            with pytest.raises(ConfigurationError, match="allows 2"):
                rest.create_order("BTC-USDT", side, amount="1.2345", **more)
        with pytest.raises(ConfigurationError, match="behind the point"):
            rest.create_order("BTC-USDT", side, amount="1.23456", **more)


# -- rules of the markets ------------------------------------------------------------------------------------------


def test_rules_are_fetched_once_and_again_with_asset_pairs(server: ScriptedServer) -> None:
    finer = wrapped([{**PAIRS[0], "quote_scale": 3}])
    server.on("/asset_pairs", MARKETS, finer).on("/viewer/orders", *[wrapped(ORDER)] * 3)
    with SpotRest(KEYS, url=server.url) as rest:
        for _ in range(2):
            rest.create_order("BTC-USDT", "buy", amount=1, price="2.01")
        with pytest.raises(ConfigurationError):
            rest.create_order("BTC-USDT", "buy", amount=1, price="2.001")
        assert [seen.path for seen in server.take()] == ["/asset_pairs", "/viewer/orders", "/viewer/orders"]
        rest.asset_pairs()
        rest.create_order("BTC-USDT", "buy", amount=1, price="2.001")
    assert [seen.path for seen in server.take()] == ["/asset_pairs", "/viewer/orders"]


def test_rules_that_cannot_be_read_place_nothing(server: ScriptedServer) -> None:
    server.on("/asset_pairs", wrapped([{"name": "BTC-USDT"}]), MARKETS).on("/viewer/orders", wrapped(ORDER))
    with SpotRest(KEYS, url=server.url) as rest:
        with pytest.raises(DecodeError, match="asset_pairs"):
            rest.create_order("BTC-USDT", "buy", amount=1)
        assert rest.create_order("BTC-USDT", "buy", amount=1).id == "7"


def test_rules_are_not_asked_for_where_they_are_turned_off(server: ScriptedServer) -> None:
    server.on("/viewer/orders", wrapped(ORDER))
    with SpotRest(KEYS, url=server.url, check_markets=False) as rest:
        rest.create_order("NEW-COIN", "buy", amount="0.0000000000000000010", price="1E-7")
    body = json.loads(server.only.body)
    assert (body["amount"], body["price"]) == ("0.0000000000000000010", "0.0000001")


def test_without_credentials_nothing_is_fetched(server: ScriptedServer) -> None:
    with SpotRest(url=server.url) as rest:
        with pytest.raises(ConfigurationError, match="credentials are needed"):
            rest.create_order("BTC-USDT", "buy", amount=1)
        with pytest.raises(ConfigurationError, match="credentials are needed"):
            rest.create_orders([NewOrder("BTC-USDT", "buy", amount=1)])
    assert server.seen == []


def test_a_bad_argument_is_told_before_the_rules_are_fetched(server: ScriptedServer) -> None:
    with SpotRest(KEYS, url=server.url) as rest, pytest.raises(ConfigurationError, match="amount"):
        rest.create_order("BTC-USDT", "buy", amount=0)
    assert server.seen == []


# -- several orders ------------------------------------------------------------------------------------------------


def test_create_orders(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/orders/multi", wrapped([ORDER, {**ORDER, "id": "8"}]))
    new = [
        NewOrder("BTC-USDT", "buy", amount="0.5", price="20", client_order_id="a"),
        NewOrder("ETH-USDT", Side.SELL, amount=D(1), post_only=True, price=3),
    ]
    assert [order.id for order in rest.create_orders(iter(new))] == ["7", "8"]
    seen = server.only
    assert (seen.method, seen.path, seen.query) == ("POST", "/viewer/orders/multi", [])
    first, second = json.loads(seen.body)
    assert first == {
        "asset_pair_name": "BTC-USDT",
        "side": "BID",
        "type": "LIMIT",
        "amount": "0.5",
        "price": "20",
        "client_order_id": "a",
    }
    assert len(second.pop("client_order_id")) in range(1, 37)
    assert second == {
        "asset_pair_name": "ETH-USDT",
        "side": "ASK",
        "type": "LIMIT",
        "amount": "1",
        "price": "3",
        "post_only": True,
    }


@pytest.mark.parametrize(
    ("orders", "argument"),
    [
        ([], "orders"),
        (None, "orders"),
        ([{"market": "BTC-USDT"}], "orders"),
        ([NewOrder("BTC-USDT", "buy", amount=1, client_order_id="a")] * 2, "client_order_id"),
    ],
)
def test_bad_lists_of_orders(server: ScriptedServer, rest: SpotRest, orders: Any, argument: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rest.create_orders(orders)
    assert caught.value.argument == argument
    assert server.seen == []


@pytest.mark.parametrize("answer", [wrapped([ORDER]), wrapped([]), wrapped([ORDER] * 3), wrapped([ORDER, {}]), "", "{"])
def test_an_answer_that_leaves_an_order_untold(server: ScriptedServer, rest: SpotRest, answer: str) -> None:
    server.on("/viewer/orders/multi", answer)
    new = [NewOrder("BTC-USDT", "buy", amount=1, client_order_id=own) for own in "ab"]
    with pytest.raises(OutcomeUnknown, match="a,b") as caught:
        rest.create_orders(new)
    assert caught.value.client_request_id == "a,b"


def test_a_new_order_is_a_value() -> None:
    order = NewOrder("BTC-USDT", "buy", amount=1)
    assert order == NewOrder(market="BTC-USDT", side="buy", amount=1)
    assert hash(order) == hash(NewOrder("BTC-USDT", "buy", amount=1))
    with pytest.raises(AttributeError):
        order.amount = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        NewOrder("BTC-USDT", "buy", 1)  # type: ignore[misc]


# -- answers that are no use ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " ",
        "{",
        "<html>",
        "[]",
        "null",
        "5",
        "{}",
        '{"code":0}',
        '{"code":0,"data":null}',
        '{"code":0,"data":{"id":null}}',
    ],
)
def test_an_order_whose_answer_cannot_be_read_was_most_likely_placed(
    server: ScriptedServer, rest: SpotRest, answer: str
) -> None:
    server.on("/viewer/orders", answer)
    with pytest.raises(OutcomeUnknown, match="most likely placed") as caught:
        rest.create_order("BTC-USDT", "buy", amount=1, client_order_id="mine")
    error = caught.value
    assert error.client_request_id == "mine"
    assert "mine" in str(error)
    assert error.command == "POST /viewer/orders"
    assert isinstance(error.__cause__, DecodeError)
    assert error.__cause__.excerpt == answer.strip() or error.__cause__.excerpt == answer
    assert len(server.seen) == 1


def test_the_id_that_was_made_can_be_looked_up(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/orders", "")
    with pytest.raises(OutcomeUnknown) as caught:
        rest.create_order("BTC-USDT", "buy", amount=1)
    assert caught.value.client_request_id == json.loads(server.only.body)["client_order_id"]


def test_an_order_that_is_refused_with_status_200_is_no_unknown_outcome(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/orders", '{"code":10014,"message":"Insufficient funds"}')
    with pytest.raises(RestError, match="10014 Insufficient funds") as caught:
        rest.create_order("BTC-USDT", "buy", amount=1)
    assert (caught.value.code, caught.value.reason, caught.value.status_code) == (10014, "Insufficient funds", 200)


def test_a_refused_order_is_sent_once(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/orders", Reply(400, b'{"code":54041,"message":"Duplicate order"}'))
    with pytest.raises(RestError) as caught:
        rest.create_order("BTC-USDT", "buy", amount=1)
    assert (caught.value.status_code, caught.value.code, caught.value.reason) == (400, 54041, "Duplicate order")
    assert len(server.seen) == 1


def test_no_secret_is_told(server: ScriptedServer) -> None:
    keys = Credentials("key-of-somebody", "secret-of-somebody")
    server.on("/viewer/orders", lambda seen: f"<p>{seen.headers['authorization']}</p>" * 3)
    with SpotRest(keys, url=server.url, check_markets=False) as rest:
        assert "secret-of-somebody" not in repr(rest)
        with pytest.raises(OutcomeUnknown) as caught:
            rest.create_order("BTC-USDT", "buy", amount=1)
    token = server.only.headers["authorization"].partition(" ")[2]
    cause = caught.value.__cause__
    assert isinstance(cause, DecodeError)
    told = " ".join(
        (str(caught.value), repr(caught.value), str(cause), repr(cause), cause.excerpt, str(cause.__cause__))
    )
    for hidden in (token, token.split(".")[1], token.split(".")[2], "secret-of-somebody"):
        assert hidden not in told
    assert "***" in cause.excerpt
