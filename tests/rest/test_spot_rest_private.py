"""Own spot data by REST: what is asked, and what comes of the documented answers (REST protocol, section 3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from decimal import Decimal as D
from typing import Any

import pytest
from scripted_http import KEYS, SPOT, Reply, ScriptedServer, Seen, wrapped
from scripted_http import asked_spot as asked

from bigone_sync import (
    Account,
    CancelResult,
    ConfigurationError,
    DecodeError,
    Order,
    OrderState,
    OrderType,
    Side,
    SpotRest,
    TradingFee,
)
from bigone_sync.testing.leaks import leak_check

UTC = timezone.utc
ORDER: dict[str, Any] = json.loads(
    '{"id":"42154072252","asset_pair_name":"SOL-USDT","price":"20","amount":"0.5","filled_amount":"0",'
    '"avg_deal_price":"0","side":"ASK","state":"PENDING","created_at":"2023-09-13T03:42:00Z",'
    '"updated_at":"2023-09-13T03:42:00Z","type":"LIMIT","stop_price":"0","immediate_or_cancel":false,'
    '"post_only":false,"client_order_id":""}'
)
PLACED = datetime(2023, 9, 13, 3, 42, tzinfo=UTC)
ORDER_EVENT = Order(
    "42154072252",
    "SOL-USDT",
    Side.SELL,
    OrderType.LIMIT,
    OrderState.PENDING,
    D(20),
    D("0.5"),
    filled_amount=D(0),
    avg_deal_price=D(0),
    stop_price=D(0),
    created_at=PLACED,
    updated_at=PLACED,
    is_snapshot=True,
)
ID = ("42154072252", 42154072252)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with leak_check(), ScriptedServer(SPOT) as server:
        yield server


@pytest.fixture
def rest(server: ScriptedServer) -> Iterator[SpotRest]:
    with SpotRest(KEYS, url=server.url) as rest:
        yield rest


# -- balances and fees ---------------------------------------------------------------------------------------------


def test_accounts(server: ScriptedServer, rest: SpotRest) -> None:
    rows = [
        {"asset_symbol": "BTC", "balance": "10.0", "locked_balance": "0.000000000000000001"},
        {"asset_symbol": "USDT", "balance": 1.5, "locked_balance": "5E-1"},
    ]
    server.on("/viewer/accounts", wrapped(rows))
    bitcoin, dollars = rest.accounts()
    assert bitcoin == Account("BTC", D(10), D("1E-18"), True)
    assert bitcoin.available == D("9.999999999999999999")
    assert dollars == Account("USDT", D("1.5"), D("0.5"), True)
    assert bitcoin.connection == "spot/rest"
    asked(server, "GET", "/viewer/accounts")


def test_account(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/accounts/BTC", wrapped({"asset_symbol": "BTC", "balance": "1", "locked_balance": "0"}))
    assert rest.account("BTC") == Account("BTC", D(1), D(0), True)
    asked(server, "GET", "/viewer/accounts/BTC")


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"asset_symbol": "BTC", "balance": "1"},
        {"asset_symbol": "BTC", "balance": None, "locked_balance": "0"},
        {"asset_symbol": "BTC", "balance": "NaN", "locked_balance": "0"},
        {"asset_symbol": "BTC", "balance": "", "locked_balance": "0"},
        {"asset_symbol": "ETH", "balance": "1", "locked_balance": "0"},
        {"asset_symbol": 5, "balance": "1", "locked_balance": "0"},
    ],
)
def test_a_balance_is_never_guessed(server: ScriptedServer, rest: SpotRest, row: dict[str, Any]) -> None:
    server.on("/viewer/accounts/BTC", wrapped(row))
    with pytest.raises(DecodeError, match="/viewer/accounts/BTC"):
        rest.account("BTC")


@pytest.mark.parametrize("markets", [None, "BTC-USDT", ["BTC-USDT", "ETH-BTC"]])
def test_trading_fees(server: ScriptedServer, rest: SpotRest, markets: Any) -> None:
    rows = [{"asset_pair_name": "BTC-USDT", "maker_fee_rate": "-0.0001", "taker_fee_rate": "0.001"}]
    server.on("/viewer/trading_fees", wrapped(rows))
    assert rest.trading_fees(markets) == (TradingFee("BTC-USDT", D("-0.0001"), D("0.001")),)
    names = {None: [], "BTC-USDT": ["BTC-USDT"]}.get(
        markets if not isinstance(markets, list) else 0, ["BTC-USDT,ETH-BTC"]
    )
    asked(server, "GET", "/viewer/trading_fees", *[("asset_pair_names", name) for name in names])


def test_a_fee_that_is_missing(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/trading_fees", wrapped([{"asset_pair_name": "BTC-USDT", "maker_fee_rate": "0.001"}]))
    with pytest.raises(DecodeError, match="row 0: taker_fee_rate is missing"):
        rest.trading_fees()


# -- one order -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order_id", ID)
def test_order_by_the_id_of_the_exchange(server: ScriptedServer, rest: SpotRest, order_id: Any) -> None:
    server.on("/viewer/orders/42154072252", wrapped(ORDER))
    order = rest.order(order_id)
    assert order == ORDER_EVENT
    assert order.connection == "spot/rest"
    assert order.received_at > 1.5e9
    asked(server, "GET", "/viewer/orders/42154072252")


def test_order_by_an_id_of_ones_own(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/order", wrapped({**ORDER, "id": 42154072252, "client_order_id": "a-b_C"}))
    order = rest.order(client_order_id="a-b_C")
    assert (order.id, order.client_order_id) == ("42154072252", "a-b_C")
    asked(server, "GET", "/viewer/order", ("client_order_id", "a-b_C"))


def test_what_an_order_leaves_out_is_not_made_up(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/orders/1", wrapped({"id": 1, "asset_pair_name": "SOL-USDT"}))
    order = rest.order(1)
    unknown = (order.side, order.type, order.state)
    assert unknown == (Side.UNKNOWN, OrderType.UNKNOWN, OrderState.UNKNOWN)
    assert (order.price, order.amount, order.filled_amount, order.created_at) == (None, None, None, None)
    assert not order.is_final


def test_a_market_order_has_no_price(server: ScriptedServer, rest: SpotRest) -> None:
    row = {**ORDER, "type": "MARKET", "price": "0", "state": "HALTED", "immediate_or_cancel": True, "operator": "GTE"}
    server.on("/viewer/orders/1", wrapped(row))
    order = rest.order(1)
    assert (order.price, order.type, order.ioc, str(order.operator)) == (None, OrderType.MARKET, True, "GTE")
    assert order.state == OrderState.UNKNOWN
    assert order.state.value == "HALTED"


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": 1.5},
        {"id": ""},
        {"asset_pair_name": None},
        {"price": "NaN1"},
        {"amount": [1]},
        {"side": "1"},
        {"side": 1},
        {"state": {}},
        {"created_at": "yesterday"},
        {"immediate_or_cancel": "true"},
        {"client_order_id": 7},
    ],
)
def test_an_order_that_is_none(server: ScriptedServer, rest: SpotRest, change: dict[str, Any]) -> None:
    server.on("/viewer/orders/1", wrapped({**ORDER, **change}))
    with pytest.raises(DecodeError, match=r"GET .*/viewer/orders/1: "):
        rest.order(1)


@pytest.mark.parametrize("order_id", ID)
def test_cancel_order(server: ScriptedServer, rest: SpotRest, order_id: Any) -> None:
    server.on("/viewer/orders/42154072252/cancel", wrapped({**ORDER, "state": "CANCELLED"}))
    order = rest.cancel_order(order_id)
    assert order.state == OrderState.CANCELLED
    assert order.is_final
    asked(server, "POST", "/viewer/orders/42154072252/cancel")


def test_cancel_order_by_an_id_of_ones_own(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/order/cancel", wrapped(ORDER))
    assert rest.cancel_order(client_order_id="mine") == ORDER_EVENT
    asked(server, "POST", "/viewer/order/cancel", body={"client_order_id": "mine"})


def test_a_cancel_that_cannot_be_read(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/order/cancel", "")
    with pytest.raises(DecodeError, match="the body is empty"):
        rest.cancel_order(client_order_id="mine")


def test_cancel_orders(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/orders/cancel", wrapped({"cancelled": [58272370, "58272371"], "failed": [58272377]}))
    assert rest.cancel_orders("BTC-USDT") == CancelResult(("58272370", "58272371"), ("58272377",))
    asked(server, "POST", "/viewer/orders/cancel", body={"asset_pair_name": "BTC-USDT"})


@pytest.mark.parametrize(("data", "found"), [({"cancelled": []}, CancelResult()), ({"failed": None}, CancelResult())])
def test_cancel_orders_of_none(server: ScriptedServer, rest: SpotRest, data: Any, found: CancelResult) -> None:
    server.on("/viewer/orders/cancel", wrapped(data))
    assert rest.cancel_orders("BTC-USDT") == found


@pytest.mark.parametrize("data", [{}, [], None, {"cancelled": 5}, {"cancelled": [None]}, {"failed": [{}]}])
def test_a_result_of_cancels_that_is_none(server: ScriptedServer, rest: SpotRest, data: Any) -> None:
    server.on("/viewer/orders/cancel", wrapped(data))
    with pytest.raises(DecodeError):
        rest.cancel_orders("BTC-USDT")


# -- pages of orders -----------------------------------------------------------------------------------------------


def page(*ids: int, **more: Any) -> str:
    return wrapped([{**ORDER, "id": number} for number in ids], **more)


def test_orders_come_page_by_page(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/orders", page(3, 2, page_token="a b&c="), page(1, page_token=""))
    orders = rest.orders("SOL-USDT", state="all", side="sell", page_size=2)
    assert server.seen == []
    assert next(orders).id == "3"
    first = server.only
    assert [order.id for order in orders] == ["2", "1"]
    query = [("asset_pair_name", "SOL-USDT"), ("state", "ALL"), ("side", "ASK"), ("limit", "2")]
    assert first.query == query
    assert [seen.query for seen in server.seen] == [query, [*query, ("page_token", "a b&c=")]]
    assert {(seen.method, seen.path, seen.body) for seen in server.seen} == {("GET", "/viewer/orders", b"")}
    assert server.seen[0].claims["nonce"] != server.seen[1].claims["nonce"]


def test_orders_without_wishes(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/orders", page())
    assert list(rest.orders("SOL-USDT")) == []
    asked(server, "GET", "/viewer/orders", ("asset_pair_name", "SOL-USDT"), ("limit", "200"))


@pytest.mark.parametrize("state", ["PENDING", "opening", "CLOSED", "NONE_FILLED", "ALL", OrderState.PENDING])
def test_states_of_orders(server: ScriptedServer, rest: SpotRest, state: Any) -> None:
    server.on("/viewer/orders", page())
    assert list(rest.orders("SOL-USDT", state=state)) == []
    assert ("state", str(state).upper()) in server.only.query


@pytest.mark.parametrize(
    ("pages", "found"),
    [
        ([page()], []),
        ([wrapped(None, page_token="x")], []),
        ([page(1)], ["1"]),
        ([page(1, page_token=None)], ["1"]),
        ([page(1, page_token="x"), page(page_token="y")], ["1"]),
        ([page(1, page_token="x"), page(2, page_token="x")], ["1", "2"]),
        ([page(1, page_token="x"), page(2, page_token="y"), page(3, page_token="x")], ["1", "2", "3"]),
        ([page(1, page_token=7), page(2)], ["1", "2"]),
        (["[" + json.dumps(ORDER) + "]"], ["42154072252"]),
    ],
)
def test_pages_end(server: ScriptedServer, rest: SpotRest, pages: list[str], found: list[str]) -> None:
    server.on("/viewer/orders", *pages)
    assert [order.id for order in rest.orders("SOL-USDT")] == found
    assert len(server.seen) == len(pages)


def test_a_page_that_fails_ends_the_list_with_its_error(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/orders", page(1, page_token="x"), '{"code":0}')
    orders = rest.orders("SOL-USDT")
    assert next(orders).id == "1"
    with pytest.raises(DecodeError, match="data is missing"):
        next(orders)


# -- bad input -----------------------------------------------------------------------------------------------------

CALLS: list[tuple[Callable[[SpotRest], object], str]] = [
    (lambda rest: rest.account("btc"), "asset"),
    (lambda rest: rest.account("BTC/../x"), "asset"),
    (lambda rest: rest.trading_fees([]), "markets"),
    (lambda rest: rest.order(), "order_id"),
    (lambda rest: rest.order(1, client_order_id="a"), "order_id"),
    (lambda rest: rest.order(0), "order_id"),
    (lambda rest: rest.order("1/cancel"), "order_id"),
    (lambda rest: rest.order(1.0), "order_id"),  # type: ignore[arg-type]
    (lambda rest: rest.order(client_order_id="x" * 37), "client_order_id"),
    (lambda rest: rest.order(client_order_id=""), "client_order_id"),
    (lambda rest: rest.cancel_order(), "order_id"),
    (lambda rest: rest.cancel_order(1, client_order_id="a"), "order_id"),
    (lambda rest: rest.cancel_order(client_order_id="a b"), "client_order_id"),
    (lambda rest: rest.cancel_order(client_order_id="a\n"), "client_order_id"),
    (lambda rest: rest.cancel_orders("all"), "market"),
    (lambda rest: rest.orders("sol-usdt"), "market"),
    (lambda rest: rest.orders("SOL-USDT", state="FILLED"), "state"),
    (lambda rest: rest.orders("SOL-USDT", state=OrderState.FILLED), "state"),
    (lambda rest: rest.orders("SOL-USDT", side="up"), "side"),
    (lambda rest: rest.orders("SOL-USDT", page_size=0), "page_size"),
    (lambda rest: rest.orders("SOL-USDT", page_size=201), "page_size"),
    (lambda rest: rest.fills("SOL"), "market"),
    (lambda rest: rest.fills("SOL-USDT", page_size=201), "page_size"),
]


@pytest.mark.parametrize(("call", "argument"), CALLS)
def test_bad_input_is_refused_before_anything_is_sent(
    server: ScriptedServer, rest: SpotRest, call: Callable[[SpotRest], object], argument: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        call(rest)
    assert caught.value.argument == argument
    assert server.seen == []


PRIVATE: list[Callable[[SpotRest], object]] = [
    lambda rest: rest.accounts(),
    lambda rest: rest.account("BTC"),
    lambda rest: rest.create_order("BTC-USDT", "buy", amount=1, price=1),
    lambda rest: rest.order(1),
    lambda rest: rest.orders("BTC-USDT"),
    lambda rest: rest.cancel_order(1),
    lambda rest: rest.cancel_orders("BTC-USDT"),
    lambda rest: rest.fills("BTC-USDT"),
    lambda rest: rest.trading_fees(),
]


@pytest.mark.parametrize("call", PRIVATE)
def test_without_credentials_nothing_is_sent(server: ScriptedServer, call: Callable[[SpotRest], object]) -> None:
    with SpotRest(url=server.url) as rest, pytest.raises(ConfigurationError) as caught:
        call(rest)
    assert caught.value.argument == "credentials"
    assert server.seen == []


def test_no_page_is_asked_for_twice_by_a_server_that_never_ends(server: ScriptedServer, rest: SpotRest) -> None:
    tokens = iter(range(10))

    def endless(_: Seen) -> str | Reply:
        return page(1, page_token=str(next(tokens) % 3))

    server.on("/viewer/orders", endless)
    assert len(list(rest.orders("SOL-USDT"))) == 4
