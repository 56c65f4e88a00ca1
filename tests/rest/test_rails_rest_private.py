"""Own orders and trades of Rails by REST (Rails protocol, sections 1.6 and 6)."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from typing import Any

import pytest
from rails_rig import TOKEN, bearers, credentials, numbered, token_body, unless
from scripted_http import Reply, ScriptedServer, Seen

from bigone_sync import (
    AuthenticationError,
    ConfigurationError,
    ConnectionClosed,
    DecodeError,
    Fill,
    OrderState,
    OrderType,
    RailsOrder,
    RailsRest,
    Side,
)
from bigone_sync.errors import RestError
from bigone_sync.testing.leaks import leak_check

OPEN, ORDER, COMPLETED = "/api/v1/open-orders", "/api/v1/order", "/api/v1/completed-orders"
ID, UUID = "01HZ5J70FCBNJAS7TVPVB4GAAG", "0835bf3e-4a20-41f0-908d-8213f2b7a285"
ROW = (
    f'{{"market":"ETH-USD","orderId":"{ID}","orderType":"buy","tradeType":"limit","price":"3601","quantity":"1",'
    '"filledQuantity":"0.5","leverage":"1","createdAt":1717100052972,"updatedAt":1717100393492,'
    f'"orderStatus":"cancelling","clientRequestId":"{UUID}","postOnly":false,"avgFillPrice":"3601"}}'
)
EVENT = RailsOrder(
    ID,
    UUID,
    "ETH-USD",
    Side.BUY,
    OrderType.LIMIT,
    OrderState.CANCELLING,
    price=D(3601),
    remaining=D(1),
    filled=D("0.5"),
    avg_fill_price=D(3601),
    leverage=D(1),
    post_only=False,
    created_at=datetime(2024, 5, 30, 20, 14, 12, 972000, tzinfo=timezone.utc),
    updated_at=datetime(2024, 5, 30, 20, 19, 53, 492000, tzinfo=timezone.utc),
)
FILL = (
    '{"market":"BTC-USDT","orderId":"01JSG88WSP6MWEXBNXT0F43S59","matchId":"65284509-5284-4f64-9b80-ed6aa9819b9b",'
    '"orderType":"sell","tradeType":"market","executionType":"taker","price":"92911.48605","quantity":"23.4",'
    '"fees":"2174.12877357","filledAt":1745376015255}'
)
FILL_EVENT = Fill(
    id="65284509-5284-4f64-9b80-ed6aa9819b9b",
    order_id="01JSG88WSP6MWEXBNXT0F43S59",
    market="BTC-USDT",
    side=Side.SELL,
    price=D("92911.48605"),
    size=D("23.4"),
    fee=D("2174.12877357"),
    role="TAKER",
    time=datetime(2025, 4, 23, 2, 40, 15, 255000, tzinfo=timezone.utc),
)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with leak_check(), ScriptedServer("") as server:
        yield server


@pytest.fixture
def rest(server: ScriptedServer) -> Iterator[RailsRest]:
    with RailsRest(token="mine", url=server.url) as rest:
        yield rest


def page(field: str, rows: str, last: str | None) -> str:
    return f'{{"{field}":[{rows}]' + (f',"last":{last}}}' if last is not None else "}")


def asked(server: ScriptedServer, path: str, *queries: list[tuple[str, str]]) -> None:
    """Only this was asked, with our token."""
    assert [(seen.method, seen.path, seen.query, seen.body) for seen in server.seen] == [
        ("GET", path, query, b"") for query in queries
    ]
    assert set(bearers(server, path)) == {"Bearer mine"}


@pytest.mark.parametrize(
    ("known_by", "query"),
    [
        ({"order_id": ID}, ("order-id", ID)),
        ({"client_request_id": UUID}, ("client-request-id", UUID)),
        ({"client_request_id": f"{UUID.upper()}#12"}, ("client-request-id", f"{UUID}#12")),
    ],
)
def test_order(server: ScriptedServer, rest: RailsRest, known_by: Any, query: tuple[str, str]) -> None:
    server.on(ORDER, f'{{"order":{ROW}}}')
    order = rest.order(**known_by, market="ETH-USD")
    assert order == EVENT
    assert (order.result_type, order.connection) == ("", "rails/rest")
    assert order.received_at > 1.5e9
    asked(server, ORDER, [("market", "ETH-USD"), query])


def test_an_order_that_is_not_there(server: ScriptedServer, rest: RailsRest) -> None:
    server.on(ORDER, Reply(404, b"Not Found"))
    with pytest.raises(RestError, match="status 404: Not Found") as caught:
        rest.order(order_id=ID, market="ETH-USD")
    assert caught.value.status_code == 404


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({}, "order_id"),
        ({"order_id": ID, "client_request_id": UUID}, "order_id"),
        ({"order_id": ""}, "order_id"),
        ({"order_id": "a b"}, "order_id"),
        ({"client_request_id": "1"}, "client_request_id"),
        ({"client_request_id": f"{UUID}#"}, "client_request_id"),
        ({"client_request_id": f"{UUID}#x"}, "client_request_id"),
        ({"client_request_id": 7}, "client_request_id"),
        ({"order_id": ID, "market": "ethusd"}, "market"),
        ({"order_id": ID, "market": "ALL"}, "market"),
    ],
)
def test_bad_arguments_of_order(server: ScriptedServer, rest: RailsRest, arguments: Any, argument: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rest.order(**{"market": "ETH-USD", **arguments})
    assert caught.value.argument == argument
    assert server.seen == []


def test_open_orders(server: ScriptedServer, rest: RailsRest) -> None:
    server.on(OPEN, page("openOrders", f"{ROW},{ROW}", '"c+1"'), page("openOrders", ROW, '"c2"'))
    server.on(OPEN, page("openOrders", "", '"c3"'))
    assert list(rest.open_orders()) == [EVENT] * 3
    asked(server, OPEN, [], [("start", "c+1")], [("start", "c2")])
    server.take()
    server.on(OPEN, page("openOrders", ROW, None))
    assert list(rest.open_orders("ETH-USD")) == [EVENT]
    asked(server, OPEN, [("market", "ETH-USD")])


@pytest.mark.parametrize(
    ("pages", "rows"),
    [
        (['{"openOrders":[],"last":"a"}'], 0),
        (['{"openOrders":null}'], 0),
        ([page("openOrders", ROW, last) for last in ('"a"', "null")], 2),
        ([page("openOrders", ROW, last) for last in ('"a"', '""')], 2),
        ([page("openOrders", ROW, last) for last in ("17", None)], 2),
        ([page("openOrders", ROW, last) for last in ('"a"', '"a"')], 2),
        ([page("openOrders", ROW, last) for last in ('"a"', '"b"', '"a"')], 3),
    ],
)
def test_pages_end(server: ScriptedServer, rest: RailsRest, pages: list[str], rows: int) -> None:
    server.on(OPEN, *pages)
    assert len(list(rest.open_orders())) == rows
    assert len(server.seen) == len(pages)


def test_pages_are_fetched_as_they_are_needed(server: ScriptedServer, rest: RailsRest) -> None:
    numbers = itertools.count()
    server.on(OPEN, lambda seen: page("openOrders", f"{ROW},{ROW}", f'"{next(numbers)}"'))
    orders = rest.open_orders()
    assert server.seen == []
    assert [next(orders) for _ in range(3)] == [EVENT] * 3
    assert len(server.seen) == 2
    rest.close()
    with pytest.raises(ConnectionClosed):
        list(itertools.islice(orders, 9))


def test_completed_orders(server: ScriptedServer, rest: RailsRest) -> None:
    nameless = FILL.replace('"matchId":"65284509-5284-4f64-9b80-ed6aa9819b9b",', "")
    server.on(COMPLETED, page("completedOrders", FILL, '"x"'), page("completedOrders", nameless, None))
    since = datetime(2025, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    until = datetime(2025, 1, 2, 0, 0, 0, 999, tzinfo=timezone.utc)
    first, second = rest.completed_orders(since=since, until=until)
    assert (first, first.connection) == (FILL_EVENT, "rails/rest")
    assert (second.id, second.order_id, second.price) == ("", FILL_EVENT.order_id, FILL_EVENT.price)
    dates = [("startDate", "1735689600000"), ("endDate", "1735776000000")]
    asked(server, COMPLETED, dates, [*dates, ("start", "x")])


@pytest.mark.parametrize(
    "arguments",
    [
        {"since": datetime(2025, 1, 1)},
        {"since": 1735689600000},
        {"since": datetime(2025, 1, 2, tzinfo=timezone.utc), "until": datetime(2025, 1, 1, tzinfo=timezone.utc)},
    ],
)
def test_bad_times_are_told_before_the_first_page(rest: RailsRest, arguments: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rest.completed_orders(**arguments)
    assert caught.value.argument == "since"


CALLS: dict[str, tuple[str, Callable[[RailsRest], Any]]] = {
    "open_orders": (OPEN, lambda rest: list(rest.open_orders())),
    "order": (ORDER, lambda rest: rest.order(order_id=ID, market="ETH-USD")),
    "completed_orders": (COMPLETED, lambda rest: list(rest.completed_orders())),
}
each_call = pytest.mark.parametrize("name", CALLS)


@each_call
@pytest.mark.parametrize(
    "body",
    [
        *("", "[]", "null", "{}", "<html>", "[" * 5000, '{"openOrders":{},"order":[],"completedOrders":1}'),
        '{"openOrders":[{}],"order":{},"completedOrders":[{}]}',
        f'{{"openOrders":[{ROW},null],"order":null,"completedOrders":[{FILL},7]}}',
        f'{{"openOrders":[{ROW}],"order":{ROW[:-4]},"completedOrders":[{FILL}],"last":{{}}}}',
    ],
)
def test_an_answer_that_cannot_be_read(server: ScriptedServer, rest: RailsRest, name: str, body: str) -> None:
    path, call = CALLS[name]
    server.on(path, body)
    with pytest.raises(DecodeError) as caught:
        call(rest)
    assert path in str(caught.value)
    assert caught.value.excerpt == body[:200]


def test_another_order_than_was_asked_for(server: ScriptedServer, rest: RailsRest) -> None:
    server.on(ORDER, f'{{"order":{ROW}}}')
    with pytest.raises(DecodeError, match="not 'another'"):
        rest.order(order_id="another", market="ETH-USD")


@each_call
@pytest.mark.parametrize("status", [400, 403, 429])
def test_a_refusal_is_told_at_once(server: ScriptedServer, rest: RailsRest, name: str, status: int) -> None:
    path, call = CALLS[name]
    server.on(path, Reply(status, b"no such luck"))
    with pytest.raises(RestError, match=f"status {status}: no such luck") as caught:
        call(rest)
    assert caught.value.status_code == status
    assert len(server.seen) == 1


@each_call
def test_nothing_private_without_credentials(server: ScriptedServer, name: str) -> None:
    with RailsRest(url=server.url) as rest, pytest.raises(ConfigurationError, match=r"RailsRest\(token=") as caught:
        CALLS[name][1](rest)
    assert caught.value.argument == "credentials"
    assert server.seen == []


def test_a_token_that_is_asked_for_each_time(server: ScriptedServer) -> None:
    tokens = iter(["one", "two", "bad\r\nX: y"])
    server.on(ORDER, lambda seen: f'{{"order":{ROW}}}')
    with RailsRest(token=lambda: next(tokens), url=server.url) as rest:
        for _ in range(2):
            rest.order(order_id=ID, market="ETH-USD")
        with pytest.raises(ConfigurationError) as caught:
            rest.order(order_id=ID, market="ETH-USD")
        assert "bad" not in str(caught.value)
        with pytest.raises(StopIteration):
            rest.order(order_id=ID, market="ETH-USD")
        with pytest.raises(ConfigurationError, match="credentials are needed"):
            rest.token()
    assert bearers(server, ORDER) == ["Bearer one", "Bearer two"]


def test_a_token_of_the_users_that_is_refused(server: ScriptedServer, rest: RailsRest) -> None:
    server.on(ORDER, Reply(401, b"expired"))
    with pytest.raises(AuthenticationError, match="status 401: expired; get another token") as caught:
        rest.order(order_id=ID, market="ETH-USD")
    assert caught.value.reason == "expired"
    assert isinstance(caught.value.__cause__, RestError)


def test_a_token_of_ours_that_is_refused_is_replaced_once(server: ScriptedServer) -> None:
    server.on(TOKEN, numbered()).on(ORDER, unless("token-2", f'{{"order":{ROW}}}'))
    with RailsRest(credentials(), url=server.url) as rest:
        assert rest.order(order_id=ID, market="ETH-USD") == EVENT
        assert rest.order(order_id=ID, market="ETH-USD") == EVENT
    assert bearers(server, ORDER) == ["Bearer token-1", "Bearer token-2", "Bearer token-2"]


def test_no_token_of_ours_is_accepted(server: ScriptedServer) -> None:
    server.on(TOKEN, numbered()).on(ORDER, lambda seen: Reply(401))
    with RailsRest(credentials(), url=server.url) as rest, pytest.raises(AuthenticationError, match="nor a fresh one"):
        rest.order(order_id=ID, market="ETH-USD")
    assert bearers(server, ORDER) == ["Bearer token-1", "Bearer token-2"]


def test_a_deadline_holds_for_the_token_too(server: ScriptedServer) -> None:
    is_over = threading.Event()

    def late(seen: Seen) -> str:
        is_over.wait(20)
        return token_body("token-1")

    server.on(TOKEN, late)
    with RailsRest(credentials(), url=server.url) as rest:
        with rest.within(0.05), pytest.raises(RestError) as caught:
            rest.order(order_id=ID, market="ETH-USD")
        assert caught.value.reason == "timeout"
        is_over.set()
    assert bearers(server, ORDER) == []
