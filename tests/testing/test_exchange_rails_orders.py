"""Commands over the Rails socket: their replies, and what else becomes of orders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from rails_peer import BTC, Frame, RailsPeer, limit, phases

from bigone_sync.testing.exchange import LocalExchange

ETH = "ETH-USD"
ORDERS = ["orders"]
# Example of the documents.
ACKNOWLEDGED = """{"resultType":"createOrder","data":{"statusCode":202,"body":"order created, pending acceptance",
 "order":{"market":"ETH-USD","orderId":"01HZ5J70FCBNJAS7TVPVB4GAAG","orderType":"buy","tradeType":"limit",
 "price":"3600","quantity":"1","filledQuantity":"0","leverage":"1","createdAt":1746642892940,
 "updatedAt":1746642892940,"orderStatus":"pending","clientRequestId":"0835bf3e-4a20-41f0-908d-8213f2b7a285",
 "postOnly":true},"clientRequestId":"0835bf3e-4a20-41f0-908d-8213f2b7a285","apiQuotaUsed":1}}"""
CREATED = [("createOrder", 202, "pending"), ("createOrder", 200, "active")]
CANCELLED = [("cancelOrder", 202, "cancelling"), ("cancelOrder", 200, "cancelled")]
MODIFIED = {
    "four": [
        ("modifyOrder", 202, "modifying"),
        ("modifyOrder", 200, "modified"),
        ("modifyOrder", 200, "pending"),
        ("createOrder", 200, "active"),
    ],
    "three": [("modifyOrder", 202, "modifying"), ("modifyOrder", 200, "pending"), ("createOrder", 200, "active")],
}


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange(rate=0) as exchange:
        yield exchange


@pytest.fixture
def peer(exchange: LocalExchange) -> Iterator[RailsPeer]:
    """Watches orders only."""
    with RailsPeer(exchange, ORDERS) as peer:
        yield peer


def best(exchange: LocalExchange, side: str) -> Decimal:
    view = exchange.rails_book(BTC)
    return next(iter(view.bids if side == "buy" else view.asks))


def order(frame: Frame) -> dict[str, Any]:
    found: dict[str, Any] = frame["data"]["order"]
    return found


def resting(exchange: LocalExchange, peer: RailsPeer) -> str:
    """The id of an order that rests behind all others."""
    frames = peer.ask("createOrder", **limit(60000))
    assert phases(frames) == CREATED
    order_id: str = order(frames[0])["orderId"]
    return order_id


# -- phases -----------------------------------------------------------------------------------------------------


def test_creating_and_cancelling(exchange: LocalExchange, peer: RailsPeer) -> None:
    name = peer.command("createOrder", **limit("60000.10", "1.50", postOnly=True))
    first, second = peer.everything()
    example = json.loads(ACKNOWLEDGED)
    assert set(first) == set(example) | {"market"}
    assert set(first["data"]) == set(example["data"])
    assert {key: type(value) for key, value in order(first).items()} == {
        key: type(value) for key, value in order(example).items()
    }
    assert (first["data"]["body"], second["data"]["body"]) == ("order created, pending acceptance", "order accepted")
    assert phases([first, second]) == CREATED
    assert [frame["data"].get("apiQuotaUsed") for frame in (first, second)] == [1, None]
    assert (order(first)["price"], order(first)["quantity"], order(first)["postOnly"]) == ("60000.1", "1.5", True)
    assert first["data"]["clientRequestId"] == order(first)["clientRequestId"] == name
    order_id = order(first)["orderId"]
    cancelling = peer.command("cancelOrder", orderId=order_id, cancelBy="orderId")
    frames = peer.everything()
    assert phases(frames) == CANCELLED
    assert [frame["data"]["body"] for frame in frames] == ["cancelling order", "order cancelled"]
    assert [frame["data"]["clientRequestId"] for frame in frames] == [cancelling] * 2
    assert [order(frame)["clientRequestId"] for frame in frames] == [name] * 2
    assert [frame["data"].get("apiQuotaUsed") for frame in frames] == [1, None]
    assert phases(peer.ask("cancelOrder", orderId=order_id, cancelBy="orderId")) == [("cancelOrder", 404, None)]


def test_fills(exchange: LocalExchange, peer: RailsPeer) -> None:
    order_id = resting(exchange, peer)
    exchange.rails_fill(order_id, "0.25")
    partial = peer.everything()
    assert {frame["resultType"] for frame in partial} == {"partialFillOrder"}
    assert (order(partial[-1])["quantity"], order(partial[-1])["filledQuantity"]) == ("0.75", "0.25")
    exchange.rails_fill(order_id)
    *_, last = peer.everything()
    assert (last["resultType"], order(last)["quantity"], order(last)["filledQuantity"]) == (
        "completeFillOrder",
        "0",
        "1",
    )
    assert order(last)["avgFillPrice"] == "60000"
    assert exchange.rails_orders()[-1].status == "filled"


@pytest.mark.parametrize("form", MODIFIED)
def test_modifying(form: str) -> None:
    with LocalExchange(rate=0, rails_modify=form) as exchange, RailsPeer(exchange, ORDERS) as peer:
        old = resting(exchange, peer)
        name = peer.command("modifyOrder", orderId=old, price="59000", quantity="2")
        frames = peer.everything()
        assert phases(frames) == MODIFIED[form]
        assert {frame["data"]["clientRequestId"] for frame in frames} == {name}
        assert ["apiQuotaUsed" in frame["data"] for frame in frames] == [True] + [False] * (len(frames) - 1)
        new = order(frames[-1])
        assert (new["price"], new["quantity"]) == ("59000", "2")
        assert [order(frame)["orderId"] == old for frame in frames] == [True] * (len(frames) - 2) + [False] * 2
        assert [known.status for known in exchange.rails_orders()] == ["modified", "active"]
        assert phases(peer.ask("modifyOrder", orderId=old, price="59000")) == [("modifyOrder", 404, None)]
        refused = peer.ask("modifyOrder", orderId=new["orderId"], price="1")
        assert phases(refused) == [("modifyOrder", 400, None)]
        assert exchange.rails_orders()[-1].status == "active"


def test_post_only_that_would_trade(exchange: LocalExchange, peer: RailsPeer) -> None:
    name = peer.command("createOrder", **limit(best(exchange, "sell"), postOnly=True))
    frames = peer.everything()
    assert phases(frames) == [*CREATED, ("rejectOrder", 400, "active")]
    rejected = frames[-1]["data"]
    assert rejected["body"] == "Post-only order rejected as it would have matched immediately"
    assert rejected["clientRequestId"] == name
    assert exchange.rails_orders()[-1].status == "rejected"


def market(price: object, quantity: object, **more: object) -> dict[str, object]:
    return {**limit(price, quantity), "tradeType": "market", **more}


def test_market_orders(exchange: LocalExchange, peer: RailsPeer) -> None:
    price = best(exchange, "sell")
    frames = peer.ask("createOrder", **market(price, "0.00001"))
    assert [phase[0] for phase in phases(frames)] == ["createOrder", "createOrder", "completeFillOrder"]
    assert order(frames[0])["tradeType"] == "market"
    frames = peer.ask("createOrder", **market(best(exchange, "sell"), "100000", maxSlippage="0"))
    assert phases(frames)[:2] == CREATED
    assert frames[-1]["resultType"] == "cancelOrder"
    assert frames[-1]["data"]["statusCode"] == 200
    assert Decimal(order(frames[-1])["filledQuantity"]) > 0
    assert order(frames[-1])["avgFillPrice"] == order(frames[0])["price"]
    frames = peer.ask("createOrder", **market("50000", "1", maxSlippage="0.01"))
    assert phases(frames) == [*CREATED, ("cancelOrder", 200, "cancelled")]


def test_leverage(exchange: LocalExchange, peer: RailsPeer) -> None:
    name = peer.command("updateLeverage", leverage="3")
    first, second = peer.everything()
    texts = ["leverage update in progress, pending approval", "leverage updated successfully"]
    for frame, status, body in zip((first, second), (202, 200), texts, strict=True):
        data = {"statusCode": status, "body": body, "clientRequestId": name}
        assert frame == {"resultType": "updateLeverage", "data": data}
    assert order(peer.ask("createOrder", **limit(60000))[0])["leverage"] == "3"
    assert phases(peer.ask("updateLeverage", leverage="6")) == [("updateLeverage", 400, None)]


# -- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"price": "20000"},
        {"price": "150000"},
        {"price": 60000},
        {"price": "60000.001"},
        {"price": "1e4"},
        {"quantity": "0"},
        {"quantity": "-1"},
        {"quantity": "0.000000001"},
        {"quantity": None},
        {"orderType": "BUY"},
        {"tradeType": "stop"},
        {"postOnly": "yes"},
        {"maxSlippage": "0.1"},
        {"tradeType": "market", "postOnly": True},
        {"tradeType": "market", "maxSlippage": "1.1"},
        {"market": ETH},
        {"clientRequestId": "no-uuid"},
    ],
)
def test_orders_that_make_no_sense(exchange: LocalExchange, peer: RailsPeer, change: dict[str, object]) -> None:
    name = peer.command("createOrder", **{**limit(60000), **change})
    (frame,) = peer.everything()
    assert phases([frame]) == [("createOrder", 400, None)]
    assert frame["data"]["body"]
    assert frame["data"]["clientRequestId"] == change.get("clientRequestId", name)
    assert exchange.rails_orders() == []


@pytest.mark.parametrize("content", [{"cancelBy": "price"}, {"orderId": 1}, {"orderId": ""}])
def test_cancellations_that_make_no_sense(exchange: LocalExchange, peer: RailsPeer, content: dict[str, object]) -> None:
    order_id = resting(exchange, peer)
    frames = peer.ask("cancelOrder", **{"orderId": order_id, "cancelBy": "orderId", **content})
    assert phases(frames) == [("cancelOrder", 400, None)]
    assert exchange.rails_orders()[-1].status == "active"


def test_too_many_operations_in_a_minute() -> None:
    with (
        LocalExchange(rate=0, rails_order_limit=3, rails_quota="minute") as exchange,
        RailsPeer(exchange, ORDERS) as peer,
    ):
        quota = [peer.ask("createOrder", **limit(60000))[0]["data"]["apiQuotaUsed"] for _ in range(3)]
        assert quota == [1, 2, 3]
        name = peer.command("createOrder", **limit(60000))
        (frame,) = peer.everything()
        assert phases([frame]) == [("createOrder", 429, None)]
        assert frame["data"]["clientRequestId"] == name
        assert len(exchange.rails_orders()) == 3
        exchange.clock_offset = 61
        assert phases(peer.ask("createOrder", **limit(60000))) == CREATED


def test_a_cancellation_while_it_is_filled(exchange: LocalExchange, peer: RailsPeer) -> None:
    order_id = resting(exchange, peer)
    exchange.rails_busy(order_id)
    assert phases(peer.ask("cancelOrder", orderId=order_id, cancelBy="orderId")) == [("cancelOrder", 409, None)]
    assert phases(peer.ask("cancelOrder", orderId=order_id, cancelBy="orderId")) == CANCELLED


# -- who is told ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replies", ["all", "asker"])
def test_who_gets_replies(replies: str) -> None:
    with (
        LocalExchange(rate=0, rails_replies=replies) as exchange,
        RailsPeer(exchange, ORDERS) as peer,
        RailsPeer(exchange, ORDERS, market=ETH) as other,
        RailsPeer(exchange, ["trades"]) as third,
    ):
        order_id = resting(exchange, peer)
        assert phases(other.everything()) == (CREATED if replies == "all" else [])
        exchange.rails_fill(order_id)
        told = [phase[0] for phase in phases(other.everything())]
        assert told[-1] == "completeFillOrder"
        assert {frame["resultType"] for frame in third.everything()} == {"completedOrdersDelta"}
        web = exchange.rails_place(BTC, "buy", "1", "60000")
        assert exchange.rails_cancel(web) is True
        assert exchange.rails_cancel(web) is False
        frames = [frame for frame in other.everything() if "order" in frame["data"]]
        assert phases(frames) == ([*CREATED, *CANCELLED] if replies == "all" else [])
        assert not any("clientRequestId" in frame["data"] for frame in frames)


def test_orders_of_other_markets_are_told_or_not() -> None:
    with (
        LocalExchange(rate=0, rails_order_scope="market") as exchange,
        RailsPeer(exchange, ORDERS) as peer,
        RailsPeer(exchange, ORDERS, market=ETH) as other,
        RailsPeer(exchange, ORDERS, market="ALL") as third,
    ):
        resting(exchange, peer)
        assert other.everything() == []
        assert phases(third.everything()) == CREATED


def test_cancelling_all(exchange: LocalExchange, peer: RailsPeer) -> None:
    ids = {resting(exchange, peer) for _ in range(3)}
    name = "0835bf3e-4a20-41f0-908d-8213f2b7a285"
    told = exchange.cancel_all_rails(name)
    frames = peer.everything()
    assert set(told) == ids
    assert phases(frames) == [("cancelOrder", 200, "cancelled")] * 3
    assert [order(frame)["orderId"] for frame in frames] == told
    assert [frame["data"]["clientRequestId"] for frame in frames] == [f"{name}#{index}" for index in range(3)]
    assert exchange.cancel_all_rails() == []
