"""Own contract data and orders by REST: what is asked, and what comes of it (REST protocol, section 5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from typing import Any

import pytest
from scripted_http import CONTRACT, KEYS, Reply, ScriptedServer, Seen
from scripted_http import asked_contract as asked

from bigone_sync import (
    Cash,
    ConfigurationError,
    ContractAccount,
    ContractOrder,
    ContractRest,
    DecodeError,
    Fill,
    OrderState,
    OrderType,
    OutcomeUnknown,
    Position,
    Side,
)
from bigone_sync.errors import RestError
from bigone_sync.testing.leaks import leak_check

UTC = timezone.utc
UUID = "5aefeab9-6840-0000-0001-0000056fe3c8"
ORDER = (
    '{"id":"5aefeab9-6840-0000-0001-0000056fe3c8","userId":"5aec525e-335d-4724-0005-20153b361f89",'
    '"liquidateUserId":null,"symbol":"BTCUSD","currency":"USDT","type":"LIMIT","side":"BUY",'
    '"status":"PARTIALLY_FILLED","price":49500.0,"avgPrice":49450,"size":1.0,"notional":4.95E+4,"filled":0.5,'
    '"filledNotional":0.000000000000000001,"ts":1758600000123,"seqNo":null,"conditional":null,"meta":null}'
)
ORDER_EVENT = ContractOrder(
    UUID,
    "BTCUSD",
    "USDT",
    OrderType.LIMIT,
    Side.BUY,
    OrderState.PARTIALLY_FILLED,
    D(49500),
    D(49450),
    D(1),
    D(49500),
    D("0.5"),
    D("1E-18"),
    datetime(2025, 9, 23, 4, 0, 0, 123000, tzinfo=UTC),
)
FILL = (
    f'{{"id":"{UUID}","orderId":888888,"symbol":"BTCUSD","side":"BUY","price":49500.0,"size":0.5,"notional":24750,'
    '"fee":0.05,"feeRate":0.002,"pnl":0,"ts":1758600000123,"order":{"id":888888,"type":"LIMIT","size":1,"price":1}}'
)
POSITION = '{"id":"p","symbol":"BTCUSD","currency":"BTC","isCross":true,"size":-100,"leverage":1E+2,"seqNo":null}'
POSITION_EVENT = Position(id="p", market="BTCUSD", currency="BTC", is_cross=True, size=D(-100), leverage=D(100))
SYMBOLS = '[{"symbol":"BTCUSD","priceStep":0.5},{"symbol":"ETHUSD"}]'


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with leak_check(), ScriptedServer(CONTRACT) as server:
        yield server


@pytest.fixture
def rest(server: ScriptedServer) -> Iterator[ContractRest]:
    """One that knows the contracts."""
    server.on("/symbols", SYMBOLS)
    with ContractRest(KEYS, url=server.url) as rest:
        rest.symbols()
        server.take()
        yield rest


# -- accounts ------------------------------------------------------------------------------------------------------


def test_accounts(server: ScriptedServer, rest: ContractRest) -> None:
    cash = '{"id":"c","readableId":5,"currency":"USDT","balances":0.2,"available":"2E-1","leverage":0}'
    server.on("/accounts", f'[{{"cash":{cash},"positions":[{POSITION}]}},{{"cash":{{"currency":"BTC"}}}}]')
    first, second = rest.accounts()
    funds = Cash(id="c", currency="USDT", balances=D("0.2"), available=D("0.2"), leverage=D(0))
    assert first == ContractAccount(funds, (POSITION_EVENT,))
    assert second == ContractAccount(Cash(currency="BTC"))
    assert first.cash.connection == first.positions[0].connection == "contract/rest"
    asked(server, "GET", "/accounts")


@pytest.mark.parametrize(
    "body", ["{}", "[{}]", '[{"cash":null}]', '[{"cash":{}}]', '[{"cash":{"currency":"A"},"positions":[{}]}]', ""]
)
def test_accounts_that_cannot_be_read(server: ScriptedServer, rest: ContractRest, body: str) -> None:
    server.on("/accounts", body)
    with pytest.raises(DecodeError, match="/accounts"):
        rest.accounts()


# -- new orders ----------------------------------------------------------------------------------------------------

BODIES: list[tuple[dict[str, Any], bytes]] = [
    ({"size": 10}, b'"type":"MARKET","size":10}'),
    ({"size": "1E+2", "price": D("86900.5")}, b'"type":"LIMIT","size":100,"price":86900.5}'),
    ({"size": D("3.0"), "price": "0086900.50"}, b'"type":"LIMIT","size":3,"price":86900.50}'),
    ({"size": 1, "price": 5, "type": "ioc"}, b'"type":"IOC","size":1,"price":5}'),
    ({"size": 1, "price": 5, "type": OrderType.FOK}, b'"type":"FOK","size":1,"price":5}'),
    ({"size": 1, "price": 5, "type": "POST_ONLY"}, b'"type":"POST_ONLY","size":1,"price":5}'),
    ({"size": 1, "reduce_only": True}, b'"type":"MARKET","size":1,"reduceOnly":true}'),
    (
        {"size": 12345678901234567890123, "price": "12345678901234567890.5"},
        b'"type":"LIMIT","size":12345678901234567890123,"price":12345678901234567890.5}',
    ),
]


@pytest.mark.parametrize(("options", "body"), BODIES)
def test_create_order(server: ScriptedServer, rest: ContractRest, options: dict[str, Any], body: bytes) -> None:
    server.on("/orders", ORDER)
    order = rest.create_order("BTCUSD", "sell", **options)
    assert order == ORDER_EVENT
    assert order.connection == "contract/rest"
    asked(server, "POST", "/orders", body=b'{"symbol":"BTCUSD","side":"SELL",' + body)


GOOD: dict[str, Any] = {"market": "BTCUSD", "side": "buy", "size": 1, "price": "2.5"}
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"market": "btc-usd"}, "market", "did you mean 'BTCUSD'"),
    ({"market": "BTCUSDT"}, "market", "did you mean 'BTCUSD'"),
    ({"side": "up"}, "side", "buy"),
    *[({"size": value}, "size", "greater than 0") for value in (0, "-1", D("NaN"), "x", None, True)],
    *[({"size": value}, "size", "not exact") for value in (1.0, float("nan"))],
    *[({"size": value}, "size", "whole contracts") for value in ("0.5", D("1.01"), "1E-9")],
    ({"price": 2.5}, "price", "not exact"),
    ({"price": 0}, "price", "greater than 0"),
    ({"price": "2.6"}, "price", "no multiple of 0.5, the price step of BTCUSD"),
    ({"type": "MARKET"}, "price", "must be None"),
    *[({"type": kind, "price": None}, "price", "must be given") for kind in ("LIMIT", "IOC", "FOK", "POST_ONLY")],
    ({"type": "STOP_LIMIT"}, "type", "POST_ONLY"),
    ({"reduce_only": 1}, "reduce_only", "True or False"),
]


@pytest.mark.parametrize(("change", "argument", "words"), BAD)
def test_a_bad_order_is_not_sent(
    server: ScriptedServer, rest: ContractRest, change: dict[str, Any], argument: str, words: str
) -> None:
    given = {**GOOD, **change}
    with pytest.raises(ConfigurationError) as caught:
        rest.create_order(given.pop("market"), given.pop("side"), **given)
    assert caught.value.argument == argument
    assert words in str(caught.value)
    assert server.seen == []


def test_rules_are_fetched_once_or_not_at_all(server: ScriptedServer) -> None:
    server.on("/symbols", SYMBOLS).on("/orders", ORDER, ORDER, ORDER, ORDER)
    with ContractRest(KEYS, url=server.url) as rest:
        rest.create_order("BTCUSD", "buy", size=1, price="0.5")
        rest.create_order("ETHUSD", "buy", size=1, price="0.123")  # its step is not known
    assert [seen.path for seen in server.take()] == ["/symbols", "/orders", "/orders"]
    with ContractRest(KEYS, url=server.url, check_markets=False) as rest:
        rest.create_order("NEWUSD", "buy", size=1, price="0.123")
    assert [seen.path for seen in server.take()] == ["/orders"]


@pytest.mark.parametrize("answer", ["", "{", "[]", "{}", '{"id":null,"symbol":"BTCUSD"}'])
def test_an_order_whose_answer_cannot_be_read(server: ScriptedServer, rest: ContractRest, answer: str) -> None:
    server.on("/orders", answer)
    with pytest.raises(OutcomeUnknown, match="most likely placed") as caught:
        rest.create_order("BTCUSD", "buy", size=1)
    assert caught.value.client_request_id == ""
    assert isinstance(caught.value.__cause__, DecodeError)
    assert len(server.seen) == 1


def test_a_refused_order(server: ScriptedServer, rest: ContractRest) -> None:
    server.on("/orders", Reply(400, b'{"anomaly":"anomaly.order/price-out-of-range"}'))
    with pytest.raises(RestError) as caught:
        rest.create_order("BTCUSD", "buy", size=1)
    assert caught.value.reason == "anomaly.order/price-out-of-range"
    assert len(server.seen) == 1


# -- orders --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order_id", [UUID, "888888", 888888])
def test_order(server: ScriptedServer, rest: ContractRest, order_id: Any) -> None:
    server.on(f"/orders/{order_id}", ORDER)
    assert rest.order(order_id) == ORDER_EVENT
    asked(server, "GET", f"/orders/{order_id}")


@pytest.mark.parametrize("body", ["", "{}", "nonsense", ORDER])
def test_cancel_order_takes_any_answer(server: ScriptedServer, rest: ContractRest, body: str) -> None:
    server.on(f"/orders/{UUID}", body)
    assert rest.cancel_order(UUID) is None  # type: ignore[func-returns-value]
    asked(server, "DELETE", f"/orders/{UUID}")


SINCE = datetime(2025, 9, 23, 4, tzinfo=UTC)
WISHES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, []),
    (
        {"market": "BTCUSD", "side": Side.SELL, "type": "limit"},
        [("symbol", "BTCUSD"), ("side", "SELL"), ("type", "LIMIT")],
    ),
    (
        {"since": SINCE, "until": (SINCE + timedelta(microseconds=1500)).astimezone(timezone(timedelta(hours=8)))},
        [("start-time", "1758600000000"), ("end-time", "1758600000001")],
    ),
    ({"status": "new"}, [("status", "NEW")]),
    ({"status": OrderState.CANCELLED}, [("status", "CANCELED")]),
    ({"status": [OrderState.FILLED, "CANCELED", "cancelled"]}, [("status", "FILLED,CANCELED")]),
]


@pytest.mark.parametrize(("wishes", "query"), WISHES)
def test_orders(
    server: ScriptedServer, rest: ContractRest, wishes: dict[str, Any], query: list[tuple[str, str]]
) -> None:
    server.on("/orders", f"[{ORDER}]", "[]").on("/orders/count", '{"count":1}')
    orders = rest.orders(**wishes)
    assert server.seen == []
    assert list(orders) == [ORDER_EVENT]
    first, second = server.take()
    assert first.query == [*query, ("limit", "100")]
    assert second.query == [*query, ("limit", "100"), ("id", UUID)]
    assert rest.order_count(**wishes) == 1
    asked(server, "GET", "/orders/count", *query)


def test_open_orders(server: ScriptedServer, rest: ContractRest) -> None:
    server.on("/orders/opening", "[]", "[]")
    assert list(rest.open_orders()) == list(rest.open_orders("BTCUSD", page_size=1)) == []
    assert [seen.query for seen in server.seen] == [[("limit", "100")], [("symbol", "BTCUSD"), ("limit", "1")]]


@pytest.mark.parametrize("body", ["{}", '{"count":-1}', '{"count":"x"}', "1", ""])
def test_a_count_that_is_none(server: ScriptedServer, rest: ContractRest, body: str) -> None:
    server.on("/orders/count", body)
    with pytest.raises(DecodeError):
        rest.order_count()


# -- fills, and the pages of lists ---------------------------------------------------------------------------------


def test_fills(server: ScriptedServer, rest: ContractRest) -> None:
    server.on("/trades", f"[{FILL}]", "[]")
    (fill,) = rest.fills("BTCUSD", side="adl_buy", order_id=888888, page_size=50)
    assert fill == Fill(
        id=UUID,
        order_id="888888",
        market="BTCUSD",
        side=Side.BUY,
        price=D(49500),
        size=D("0.5"),
        notional=D(24750),
        fee=D("0.05"),
        fee_rate=D("0.002"),
        pnl=D(0),
        time=datetime(2025, 9, 23, 4, 0, 0, 123000, tzinfo=UTC),
    )
    query = [("symbol", "BTCUSD"), ("side", "ADL_BUY"), ("order-id", "888888"), ("limit", "50")]
    assert [seen.query for seen in server.seen] == [query, [*query, ("id", UUID)]]


def rows(*ids: int) -> str:
    return json.dumps([{"id": number, "symbol": "BTCUSD", "side": "FUNDING"} for number in ids])


@pytest.mark.parametrize(
    ("pages", "found"),
    [
        ([rows()], []),
        (["null"], []),
        ([rows(9, 8), rows(7), rows()], [9, 8, 7]),
        ([rows(9, 8), rows(8)], [9, 8]),
        ([rows(9, 8), rows(8, 7), rows(7)], [9, 8, 7]),
        ([rows(9, 8), rows(9, 8)], [9, 8]),
        ([rows(9, 8), rows(10, 9)], [9, 8, 10]),
        ([rows(9, 8), rows(7, 6), rows(9, 8)], [9, 8, 7, 6, 9, 8]),
    ],
)
def test_pages_end(server: ScriptedServer, rest: ContractRest, pages: list[str], found: list[int]) -> None:
    server.on("/trades", *pages)
    fills = list(rest.fills())
    assert [int(fill.id) for fill in fills] == found
    assert all(fill.side == Side.UNKNOWN and fill.side.value == "FUNDING" for fill in fills)
    assert len(server.seen) == len(pages)


def test_a_server_that_ignores_the_id_is_not_asked_for_ever(server: ScriptedServer, rest: ContractRest) -> None:
    newest = iter(range(100, 200))

    def endless(_: Seen) -> str:
        first = next(newest)
        return rows(first, first - 1, first - 2)

    server.on("/trades", endless)
    assert [int(fill.id) for fill in rest.fills()] == [100, 99, 98, 101]
