"""SpotRest's orders against the local exchange: what is asked, what the engine has, and what the stream tells."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal as D

import msgspec
import pytest
from local_rig import BTC, ETH, KEYS, Requests, as_order, engine_order, spot_rest

from bigone_sync import CancelResult, NewOrder, Order, OrderState, Side, SpotClient, SpotRest
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until


@pytest.fixture
def rest(exchange: LocalExchange) -> Iterator[SpotRest]:
    with spot_rest(exchange) as rest:
        yield rest


FULL = {
    "limit": (
        {"side": "buy", "amount": "0.50", "price": D("100.10"), "client_order_id": "a"},
        {"side": "BID", "type": "LIMIT", "amount": "0.50", "price": "100.10"},
        "PENDING",
    ),
    "more zeros than digits": (
        {"side": Side.SELL, "amount": "0.500000000000", "price": "900000.1000", "client_order_id": "a"},
        {"side": "ASK", "type": "LIMIT", "amount": "0.50000000", "price": "900000.10"},
        "PENDING",
    ),
    "market": (
        {"side": Side.SELL, "amount": 1, "client_order_id": "a"},
        {"side": "ASK", "type": "MARKET", "amount": "1"},
        "FILLED",
    ),
    "ioc": (
        {"side": "BID", "amount": "1e-2", "price": 100, "ioc": True, "client_order_id": "a"},
        {"side": "BID", "type": "LIMIT", "amount": "0.01", "price": "100", "immediate_or_cancel": True},
        "CANCELLED",
    ),
    "post only": (
        {"side": "BID", "amount": "1", "price": "100", "post_only": True, "client_order_id": "a"},
        {"side": "BID", "type": "LIMIT", "amount": "1", "price": "100", "post_only": True},
        "PENDING",
    ),
    "stop limit": (
        {
            "side": "sell",
            "amount": "1",
            "price": "100",
            "stop_price": "90",
            "operator": "LTE",
            "client_order_id": "a",
        },
        {
            "side": "ASK",
            "type": "STOP_LIMIT",
            "amount": "1",
            "price": "100",
            "stop_price": "90",
            "operator": "LTE",
        },
        "PENDING",
    ),
    "stop limit that is post only": (
        {
            "side": "buy",
            "amount": "1",
            "price": "100",
            "stop_price": "9000000",
            "operator": "GTE",
            "post_only": True,
            "client_order_id": "a",
        },
        {
            "side": "BID",
            "type": "STOP_LIMIT",
            "amount": "1",
            "price": "100",
            "stop_price": "9000000",
            "operator": "GTE",
            "post_only": True,
        },
        "PENDING",
    ),
    "stop market": (
        {"side": "buy", "amount": "1", "stop_price": "9000000", "operator": "gte", "client_order_id": "a"},
        {"side": "BID", "type": "STOP_MARKET", "amount": "1", "stop_price": "9000000", "operator": "GTE"},
        "PENDING",
    ),
}


@pytest.mark.parametrize("case", FULL)
def test_every_kind_of_order(exchange: LocalExchange, rest: SpotRest, asked: Requests, case: str) -> None:
    arguments, body, state = FULL[case]
    order = rest.create_order(BTC, **arguments)
    asked.expect("POST", "/viewer/orders", body={"asset_pair_name": BTC, **body, "client_order_id": "a"}, private=True)
    assert order.state.value == state
    assert order == engine_order(exchange, order.id)
    by_id = rest.order(order.id)
    asked.expect("GET", f"/viewer/orders/{order.id}", private=True)
    by_name = rest.order(client_order_id="a")
    asked.expect("GET", "/viewer/order", {"client_order_id": "a"}, private=True)
    assert order == by_id == by_name
    (listed,) = rest.orders(BTC, state="ALL")
    assert listed == order


def test_an_order_without_a_name_is_given_one(exchange: LocalExchange, rest: SpotRest) -> None:
    names = {rest.create_order(BTC, "buy", amount=1, price=100).client_order_id for _ in range(3)}
    assert len(names) == 3
    assert names == {view.client_order_id for view in exchange.orders()}


def test_several_orders_with_one_request(exchange: LocalExchange, rest: SpotRest, asked: Requests) -> None:
    orders = rest.create_orders(
        [
            NewOrder(BTC, "buy", amount="0.1", price="100", client_order_id="a"),
            NewOrder(ETH, Side.SELL, amount="0.2", client_order_id="b"),
        ]
    )
    asked.expect(
        "POST",
        "/viewer/orders/multi",
        body=[
            {
                "asset_pair_name": BTC,
                "side": "BID",
                "type": "LIMIT",
                "amount": "0.1",
                "price": "100",
                "client_order_id": "a",
            },
            {"asset_pair_name": ETH, "side": "ASK", "type": "MARKET", "amount": "0.2", "client_order_id": "b"},
        ],
        private=True,
    )
    assert [order.client_order_id for order in orders] == ["a", "b"]
    assert list(orders) == [engine_order(exchange, order.id) for order in orders]


def test_cancelling(exchange: LocalExchange, rest: SpotRest, asked: Requests) -> None:
    first, second, third, other = (
        rest.create_order(market, "buy", amount="1", price="100", client_order_id=name)
        for market, name in ((BTC, "a"), (BTC, "b"), (BTC, "c"), (ETH, "d"))
    )
    asked.take()
    gone = rest.cancel_order(first.id)
    asked.expect("POST", f"/viewer/orders/{first.id}/cancel", private=True)
    assert gone == engine_order(exchange, first.id)
    assert gone.state is OrderState.CANCELLED
    gone = rest.cancel_order(client_order_id="b")
    asked.expect("POST", "/viewer/order/cancel", body={"client_order_id": "b"}, private=True)
    assert gone == engine_order(exchange, second.id)
    assert rest.cancel_orders(BTC) == CancelResult((third.id,), ())
    asked.expect("POST", "/viewer/orders/cancel", body={"asset_pair_name": BTC}, private=True)
    assert [view.state for view in exchange.orders()] == ["CANCELLED"] * 3 + ["PENDING"]
    assert rest.cancel_orders(BTC) == CancelResult()
    assert rest.order(other.id).state is OrderState.PENDING


def test_orders_over_many_pages(exchange: LocalExchange, rest: SpotRest, asked: Requests) -> None:
    for number in range(9):
        exchange.place_order(BTC, "ASK" if number % 3 else "BID", "900000" if number % 3 else "100", "0.01")
    exchange.place_order(BTC, "ASK", amount="0.01", type="MARKET")
    there = [as_order(view) for view in reversed(exchange.orders())]
    assert list(rest.orders(BTC, state="ALL", page_size=2)) == there
    requests = asked.take()
    # Ten orders: the last page is full, so that another is asked for, which is empty.
    assert [dict(request.query).get("page_token") is None for request in requests] == [True] + [False] * 5
    for request in requests:
        query = dict(request.query)
        query.pop("page_token", None)
        assert query == {"asset_pair_name": BTC, "state": "ALL", "limit": "2"}
    assert list(rest.orders(BTC, page_size=4)) == there[1:]
    assert list(rest.orders(BTC, side=Side.BUY, page_size=1)) == [one for one in there if one.side is Side.BUY]
    assert list(rest.orders(BTC, state="closed")) == there[:1]
    assert list(rest.orders(ETH)) == []
    asked.take()
    assert len(list(rest.orders(BTC))) == 9
    asked.expect("GET", "/viewer/orders", {"asset_pair_name": BTC, "limit": "200"}, private=True)


# -- beside the stream --------------------------------------------------------------------------------------------


def comparable(order: Order) -> Order:
    """Without what REST does not tell, and what says whence it came."""
    kept = msgspec.structs.replace(order, filled_fees=None, is_snapshot=False)
    # A stop price that there is not is empty or 0 on the stream, and 0 by REST.
    return msgspec.structs.replace(kept, stop_price=kept.stop_price or None)


@pytest.mark.parametrize("protocol", ["json", "proto"])
def test_the_stream_tells_the_same_orders(exchange: LocalExchange, rest: SpotRest, protocol: str) -> None:
    told: list[Order] = []
    with SpotClient(KEYS, url=exchange.spot_url, protocol=protocol) as client:
        client.on_order(told.append)
        client.wait_ready(10)
        answers = []
        for case, (arguments, _, _) in FULL.items():
            answers.append(rest.create_order(BTC, **{**arguments, "client_order_id": case.replace(" ", "-")}))
        cancelled = [rest.cancel_order(order.id) for order in answers if not order.is_final]
        for answer in [*answers, *cancelled]:
            wait_until(
                lambda answer=answer: comparable(answer) in [comparable(order) for order in list(told)],
                10,
                message=f"not on the stream: {answer}",
            )
