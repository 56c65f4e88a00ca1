"""ContractRest against the local exchange: requests field by field, results as the engine has them, and the stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from typing import Any

import msgspec
import pytest
from local_rig import KEYS, Requests, contract_rest

from bigone_sync import ContractClient, ContractOrder, ContractRest, OrderState, OrderType, Side
from bigone_sync.errors import RestError
from bigone_sync.testing._rest_contract_margin import MIN_RISK
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

UTC = timezone.utc
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INVERSE, LINEAR, ETHER = "BTCUSD", "BTCUSDT", "ETHUSDT"


@pytest.fixture
def rest(exchange: LocalExchange) -> Iterator[ContractRest]:
    with contract_rest(exchange) as rest:
        yield rest


class Contracts(Requests):
    def expect(self, *request: Any, **options: Any) -> None:
        super().expect(*request, base="/api/contract/v2", **options)


@pytest.fixture
def asked(exchange: LocalExchange) -> Contracts:
    return Contracts(exchange)


def millis(time_ns: int) -> datetime:
    return EPOCH + timedelta(milliseconds=time_ns // 1_000_000)


def as_order(view: Any) -> ContractOrder:
    """What the engine has, as REST is to tell it."""
    return ContractOrder(
        view.id,
        view.market,
        view.currency,
        OrderType(view.type),
        Side(view.side),
        OrderState(view.status),
        view.price,
        view.avg_price,
        view.size,
        view.notional,
        view.filled,
        view.filled_notional,
        millis(view.time_ns),
    )


def engine_orders(exchange: LocalExchange) -> dict[str, ContractOrder]:
    return {view.id: as_order(view) for view in exchange.contract_orders()}


def newest_first(exchange: LocalExchange) -> list[ContractOrder]:
    """By the numbers in their ids, which count over all contracts."""
    return [order for _, order in sorted(engine_orders(exchange).items(), reverse=True)]


def same_numbers(event: Any, view: Any, *skipped: str) -> None:
    """All that an engine's view has, the event has."""
    for field in fields(view):
        if field.name not in skipped and not field.name.endswith("_ns"):
            assert getattr(event, field.name) == getattr(view, field.name), field.name


def price_of(exchange: LocalExchange, symbol: str, side: str = "asks") -> D:
    return next(iter(getattr(exchange.contract_book(symbol), side)))


# -- market data --------------------------------------------------------------------------------------------------


def test_symbols(exchange: LocalExchange, rest: ContractRest, asked: Contracts) -> None:
    every = rest.symbols()
    asked.expect("GET", "/symbols")
    assert [contract.name for contract in every] == [INVERSE, LINEAR, ETHER]
    for contract in every:
        terms = exchange._contracts.terms[contract.name]
        assert (contract.tick_size, contract.multiplier) == (terms.tick, terms.multiplier)
        assert (contract.settle_currency, contract.is_inverse) == (terms.currency, terms.inverse)
        assert contract.is_enabled
        one = rest.symbol(contract.name)
        asked.expect("GET", f"/symbols@{contract.name}")
        assert one == contract


def test_instruments(exchange: LocalExchange, rest: ContractRest, asked: Contracts) -> None:
    exchange.step(20, LINEAR)
    exchange.step(20, INVERSE)
    every = rest.instruments()
    asked.expect("GET", "/instruments")
    there = exchange.instruments()
    assert [instrument.market for instrument in every] == list(there)
    for instrument in every:
        same_numbers(instrument, there[instrument.market])
        assert instrument.next_funding_time == millis(there[instrument.market].next_funding_ns)
        assert instrument.connection == "contract/rest"
        one = rest.instrument(instrument.market)
        asked.expect("GET", f"/instruments@{instrument.market}")
        assert one == instrument


@pytest.mark.parametrize("symbol", [INVERSE, LINEAR])
def test_depth(exchange: LocalExchange, rest: ContractRest, asked: Contracts, symbol: str) -> None:
    exchange.step(20, symbol)
    found = rest.depth(symbol)
    asked.expect("GET", f"/depth@{symbol}/snapshot")
    book = exchange.contract_book(symbol)
    assert found.change_id == book.change_id
    assert {level.price: level.amount for level in found.bids} == dict(book.bids)
    assert {level.price: level.amount for level in found.asks} == dict(book.asks)


# -- own data -----------------------------------------------------------------------------------------------------


def test_accounts(exchange: LocalExchange, rest: ContractRest, asked: Contracts) -> None:
    rest.create_order(LINEAR, "buy", size=3)
    rest.create_order(INVERSE, "sell", size=2)
    asked.take()
    found = rest.accounts()
    asked.expect("GET", "/accounts", private=True)
    cash, positions = exchange.cash(), exchange.positions()
    assert {account.cash.currency for account in found} == set(cash)
    for account in found:
        same_numbers(account.cash, cash[account.cash.currency])
        assert {position.currency for position in account.positions} <= {account.cash.currency}
    told = {position.market: position for account in found for position in account.positions}
    assert told.keys() == positions.keys()
    assert (told[LINEAR].size, told[INVERSE].size) == (3, -2)
    for market, position in told.items():
        same_numbers(position, positions[market])


ORDERS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "limit": (
        {"side": "buy", "size": 5, "price": "100.10"},
        {"side": "BUY", "type": "LIMIT", "size": 5, "price": D("100.10")},
        "NEW",
    ),
    "market": ({"side": Side.SELL, "size": "3"}, {"side": "SELL", "type": "MARKET", "size": 3}, "FILLED"),
    "ioc": (
        {"side": "BID", "size": D("2.0"), "price": D("1e2"), "type": "ioc"},
        {"side": "BUY", "type": "IOC", "size": 2, "price": 100},
        "CANCELED",
    ),
    "fok": (
        {"side": Side.BUY, "size": 2, "price": 100, "type": "FOK"},
        {"side": "BUY", "type": "FOK", "size": 2, "price": 100},
        "CANCELED",
    ),
    "post only": (
        {"side": Side.SELL, "size": 2, "price": "999999.9", "type": OrderType.POST_ONLY},
        {"side": "SELL", "type": "POST_ONLY", "size": 2, "price": D("999999.9")},
        "NEW",
    ),
    "reduce only": (
        {"side": "sell", "size": 1, "reduce_only": True},
        {"side": "SELL", "type": "MARKET", "size": 1, "reduceOnly": True},
        "REJECTED",
    ),
}


@pytest.mark.parametrize("case", ORDERS)
def test_every_kind_of_order(exchange: LocalExchange, rest: ContractRest, asked: Contracts, case: str) -> None:
    arguments, body, status = ORDERS[case]
    order = rest.create_order(LINEAR, **arguments)
    asked.expect("POST", "/orders", body={"symbol": LINEAR, **body}, private=True)
    assert order.status is OrderState(status)
    assert order == engine_orders(exchange)[order.id]
    again = rest.order(order.id)
    asked.expect("GET", f"/orders/{order.id}", private=True)
    assert again == order


def test_cancelling(exchange: LocalExchange, rest: ContractRest, asked: Contracts) -> None:
    order = rest.create_order(LINEAR, "buy", size=1, price="100")
    asked.take()
    rest.cancel_order(order.id)
    asked.expect("DELETE", f"/orders/{order.id}", private=True)
    assert exchange.contract_orders()[0].status == "CANCELED"
    assert rest.order(order.id).status is OrderState.CANCELLED


def test_lists_of_orders_over_many_pages(exchange: LocalExchange, rest: ContractRest, asked: Contracts) -> None:
    for number in range(9):
        exchange.place_contract_order(
            (LINEAR, INVERSE)[number % 2], ("BUY", "SELL")[number % 2], 1, price=(100, 900000)[number % 2]
        )
    filled = exchange.place_contract_order(LINEAR, "BUY", 1, type="MARKET")
    there = newest_first(exchange)
    assert list(rest.orders(page_size=2)) == there
    requests = asked.take()
    assert [dict(request.query).get("id") for request in requests] == [None, *(one.id for one in there[1::2])]
    assert {dict(request.query)["limit"] for request in requests} == {"2"}
    assert {request.path for request in requests} == {"/api/contract/v2/orders"}
    still = [one for one in there if one.id != filled]
    assert list(rest.open_orders(page_size=4)) == still
    assert {request.path for request in asked.take()} == {"/api/contract/v2/orders/opening"}
    assert list(rest.open_orders(INVERSE, page_size=1)) == [one for one in still if one.market == INVERSE]
    assert dict(asked.take()[0].query) == {"symbol": INVERSE, "limit": "1"}
    query = {"side": "buy", "type": "market", "status": ["FILLED", OrderState.CANCELLED]}
    since, until = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    assert [one.id for one in rest.orders(LINEAR, since=since, until=until, **query, page_size=10)] == [filled]
    wire = {
        "symbol": LINEAR,
        "start-time": "1577836800000",
        "end-time": "4102444800000",
        "side": "BUY",
        "type": "MARKET",
        "status": "FILLED,CANCELED",
    }
    first, second = asked.take()
    assert dict(first.query) == {**wire, "limit": "10"}
    assert dict(second.query) == {**wire, "limit": "10", "id": filled}
    assert rest.order_count(LINEAR, since=since, until=until, **query) == 1
    asked.expect("GET", "/orders/count", wire, private=True)
    assert rest.order_count() == len(there)


def test_fills_over_many_pages(exchange: LocalExchange, rest: ContractRest, asked: Contracts) -> None:
    for size in (1, 2, 3):
        order = rest.create_order(LINEAR, "buy", size=size)
    maker = exchange.place_contract_order(LINEAR, "BUY", 5, price=str(price_of(exchange, LINEAR, "bids") + D("0.1")))
    for _ in range(3):
        exchange.fill_contract_order(maker, 1)
    asked.take()
    found = list(rest.fills(page_size=2))
    there = list(reversed(exchange.contract_fills()))
    assert [fill.id for fill in found] == [view.id for view in there]
    assert len(asked.take()) == len(found) // 2 + 1 + len(found) % 2
    for fill, view in zip(found, there, strict=True):
        same_numbers(fill, view, "role", "side")
        assert (fill.side, fill.time) == (Side(view.side), millis(view.time_ns))
    assert [fill.order_id for fill in rest.fills(LINEAR, side="TRADING", order_id=order.id, page_size=100)] == [
        order.id
    ]
    query = {"symbol": LINEAR, "side": "TRADING", "order-id": order.id, "limit": "100"}
    assert dict(asked.take()[0].query) == query
    assert list(rest.fills(INVERSE)) == []
    asked.expect("GET", "/trades", {"symbol": INVERSE, "limit": "100"}, private=True)


def test_settings_of_a_position(exchange: LocalExchange, rest: ContractRest, asked: Contracts) -> None:
    rest.create_order(LINEAR, "buy", size=1)
    asked.take()
    found = rest.set_margin(LINEAR, leverage=D("12.50"), is_cross=False)
    asked.expect("PUT", f"/positions/{LINEAR}/margin", body={"leverage": D("12.50"), "isCross": False}, private=True)
    view = exchange.positions()[LINEAR]
    same_numbers(found, view)
    assert (found.leverage, found.is_cross) == (D("12.5"), False)
    more = rest.set_margin(LINEAR, margin=view.margin * 2)
    asked.expect("PUT", f"/positions/{LINEAR}/margin", body={"margin": view.margin * 2}, private=True)
    assert more.margin == exchange.positions()[LINEAR].margin == view.margin * 2
    limit = rest.set_risk_limit(LINEAR, 2 * MIN_RISK)
    asked.expect("PUT", f"/positions/{LINEAR}/risk-limit", body={"notional": 2 * MIN_RISK}, private=True)
    assert limit.notional == exchange.positions()[LINEAR].risk_limit == 2 * MIN_RISK
    assert limit.initial_margin_rate is not None
    with pytest.raises(RestError) as caught:
        rest.set_margin(LINEAR, leverage=1000)
    assert (caught.value.status_code, caught.value.anomaly) == (400, "anomaly.adjust-margin/invalid-lerverage")


# -- beside the stream --------------------------------------------------------------------------------------------


def test_the_stream_tells_the_same_orders(exchange: LocalExchange, rest: ContractRest) -> None:
    told: list[ContractOrder] = []
    with ContractClient(KEYS, url=exchange.contract_url) as client:
        client.on_order(None, told.append)
        client.wait_ready(10)
        answers = [rest.create_order(LINEAR, **arguments) for arguments, _, _ in ORDERS.values()]
        open_ones = [order for order in answers if not order.is_final]
        for order in open_ones:
            rest.cancel_order(order.id)
        # The stream's orders have no time in this form of it.
        wanted = [*answers, *(rest.order(order.id) for order in open_ones)]
        for order in wanted:
            timeless = msgspec.structs.replace(order, time=None)
            wait_until(lambda timeless=timeless: timeless in list(told), 10, message=f"not on the stream: {timeless}")


def test_the_clock_is_measured_by_spots(exchange: LocalExchange, rest: ContractRest) -> None:
    exchange.clock_offset = -77.0
    offset = rest.clock_offset(samples=2)
    assert abs(offset + 77.0) <= offset.error_bound + 0.001
    assert [request.path for request in exchange.rest_requests] == ["/api/v3/ping"] * 2
