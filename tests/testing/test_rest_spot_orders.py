"""Orders by spot REST: what becomes of them, what is refused, and that the streams tell the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal as D
from typing import Any

import pytest
from rest_peer import Rest
from spot_peer import Peer, best, payload, token

from bigone_sync.testing.exchange import LocalExchange

LIMIT = {"asset_pair_name": "BTC-USDT", "side": "BID", "type": "LIMIT", "amount": "0.5", "price": "100"}
MARKET = {"asset_pair_name": "BTC-USDT", "side": "BID", "type": "MARKET", "amount": "0.1"}
STOP = {**LIMIT, "type": "STOP_LIMIT", "stop_price": "90000.00", "operator": "GTE"}
DAY = 24 * 3_600


@pytest.fixture
def rest(still: LocalExchange) -> Iterator[Rest]:
    with Rest(still) as rest:
        yield rest


def place(rest: Rest, **changes: object) -> Any:
    return rest.post("/viewer/orders", {**LIMIT, **changes})


def same(row: dict[str, Any], streamed: dict[str, Any]) -> bool:
    """Whether a REST order says what the socket said."""
    zero = {"0.0": "0"}
    pairs = {
        "id": int(streamed["id"]),
        "asset_pair_name": streamed["market"],
        "price": streamed["price"],
        "amount": streamed["amount"],
        "filled_amount": zero.get(streamed["filledAmount"], streamed["filledAmount"]),
        "avg_deal_price": zero.get(streamed["avgDealPrice"], streamed["avgDealPrice"]),
        "side": streamed["side"],
        "state": streamed["state"],
        "type": streamed["type"],
        "stop_price": zero.get(streamed["stopPrice"], streamed["stopPrice"]),
        "immediate_or_cancel": streamed["ioc"],
        "client_order_id": streamed["clientOrderId"],
        "created_at": streamed["createdAt"],
        "updated_at": streamed["updatedAt"],
    }
    return {name: row[name] for name in pairs} == pairs


# -- placing ------------------------------------------------------------------------------------------------------


def test_a_limit_order_rests_and_is_told_by_the_stream(still: LocalExchange, rest: Rest) -> None:
    with Peer(still) as peer:
        peer.login()
        peer.ask("subscribeAllViewerOrdersRequest")
        row = place(rest, client_order_id="a-B_1")
        updates = [payload(frame)[1]["order"] for frame in peer.everything()]
    assert row.keys() == {
        "id", "asset_pair_name", "price", "amount", "filled_amount", "avg_deal_price", "side", "state", "created_at",
        "updated_at", "type", "stop_price", "immediate_or_cancel", "post_only", "client_order_id",
    }  # fmt: skip
    assert isinstance(row["id"], int)
    assert (row["state"], row["client_order_id"], row["post_only"]) == ("PENDING", "a-B_1", False)
    assert same(row, updates[-1])
    assert still.book("BTC-USDT").bids[D(100)] == D("0.5")
    view = still.orders()[0]
    assert (view.id, view.state, view.amount) == (str(row["id"]), "PENDING", D("0.5"))


def test_market_orders_trade_at_once(still: LocalExchange, rest: Rest) -> None:
    price = best(still, "ASK")
    row = rest.post("/viewer/orders", MARKET)
    assert (row["state"], D(row["filled_amount"]), row["price"]) == ("FILLED", D("0.1"), "0")
    assert D(row["avg_deal_price"]) == price


def test_immediate_or_cancel_leaves_nothing(still: LocalExchange, rest: Rest) -> None:
    price = best(still, "ASK")
    there = still.book("BTC-USDT").asks[price]
    row = place(rest, price=str(price), amount=str(there + 1), immediate_or_cancel=True)
    assert (row["state"], D(row["filled_amount"]), row["immediate_or_cancel"]) == ("CANCELLED", there, True)


def test_post_only_is_cancelled_if_it_would_take(still: LocalExchange, rest: Rest) -> None:
    before = still.book("BTC-USDT")
    row = place(rest, price=str(best(still, "ASK")), post_only=True)
    assert (row["state"], row["filled_amount"], row["post_only"]) == ("CANCELLED", "0", True)
    assert still.book("BTC-USDT").asks == before.asks
    assert still.balances()["USDT"].locked == 0
    resting = place(rest, post_only=True)
    assert resting["state"] == "PENDING"
    assert still.fill_order(str(resting["id"])) == D("0.5")


def test_stop_orders_wait_and_fire(still: LocalExchange, rest: Rest) -> None:
    last = best(still, "ASK")
    still.place_order("BTC-USDT", "BID", None, "0.00001", type="MARKET")
    for body, due in (({"stop_price": str(last + 9_000), "operator": "GTE"}, False),
                      ({"stop_price": str(last - 9_000), "operator": "GTE"}, True)):  # fmt: skip
        row = rest.post("/viewer/orders", {**MARKET, "type": "STOP_MARKET", **body})
        assert row["state"] == ("FILLED" if due else "PENDING")
        assert (row["stop_price"], row["operator"]) == (body["stop_price"], "GTE")
    row = rest.post("/viewer/orders", STOP)
    assert (row["state"], row["type"], row["price"]) == ("PENDING", "STOP_LIMIT", "100")
    assert rest.post(f"/viewer/orders/{row['id']}/cancel")["state"] == "CANCELLED"


def test_several_orders_at_once(still: LocalExchange, rest: Rest) -> None:
    rows = rest.post("/viewer/orders/multi", [LIMIT, {**LIMIT, "side": "ASK", "price": "90000"}])
    assert [(row["side"], row["state"]) for row in rows] == [("BID", "PENDING"), ("ASK", "PENDING")]
    assert [order.id for order in still.orders()] == [str(row["id"]) for row in rows]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ([], (400, 10007)),
        (LIMIT, (400, 10007)),
        ([LIMIT, {**LIMIT, "price": "100.001"}], (400, 10007)),
        ([LIMIT, {**LIMIT, "asset_pair_name": "NO-SUCH"}], (404, 10013)),
        ([{**LIMIT, "client_order_id": "a"}, {**LIMIT, "client_order_id": "a"}], (400, 54041)),
        ([{**LIMIT, "side": "ASK", "price": "90000", "amount": "600"}] * 2, (400, 10014)),
    ],
)
def test_of_several_orders_none_is_placed_if_one_cannot_be(
    still: LocalExchange, rest: Rest, body: object, why: object
) -> None:
    assert rest.refusal("POST", "/viewer/orders/multi", None, body) == why
    assert still.orders() == []


BAD = {
    "no pair": {"asset_pair_name": None},
    "no side": {"side": None},
    "no type": {"type": None},
    "no amount": {"amount": None},
    "no price": {"price": None},
    "side": {"side": "BUY"},
    "type": {"type": "POST_ONLY"},
    "amount is a number": {"amount": 1},
    "amount is zero": {"amount": "0"},
    "amount is negative": {"amount": "-1"},
    "amount with exponent": {"amount": "1E1"},
    "amount too fine": {"amount": "0.000000001"},
    "amount too large": {"amount": "9" * 41},
    "price off the tick": {"price": "100.001"},
    "price is nothing": {"price": "NaN"},
    "worth too little": {"amount": "0.00001", "price": "1"},
    "a market order's price": {"type": "MARKET"},
    "a stop price": {"stop_price": "1"},
    "an operator": {"operator": "GTE"},
    "no stop price": {"type": "STOP_LIMIT"},
    "operator": {"type": "STOP_LIMIT", "stop_price": "1", "operator": "EQ"},
    "both ways": {"post_only": True, "immediate_or_cancel": True},
    "ioc is a word": {"immediate_or_cancel": "true"},
    "a stop order that is ioc": {"type": "STOP_LIMIT", "stop_price": "1", "immediate_or_cancel": True},
    "a stop order without a price that is post only": {
        "type": "STOP_MARKET",
        "price": None,
        "stop_price": "1",
        "post_only": True,
    },
    "name is empty": {"client_order_id": ""},
    "name is long": {"client_order_id": "a" * 37},
    "name has a dot": {"client_order_id": "a.b"},
    "unknown field": {"ioc": True},
}


@pytest.mark.parametrize("case", BAD)
def test_an_order_that_makes_no_sense(still: LocalExchange, rest: Rest, case: str) -> None:
    body = {name: value for name, value in {**LIMIT, **BAD[case]}.items() if value is not None}
    assert rest.refusal("POST", "/viewer/orders", None, body) == (400, 10007)
    assert still.orders() == []


@pytest.mark.parametrize("data", [b"", b"nonsense", b"[]", b"1", b'{"amount":NaN}', b"[" * 100_000, b'"\\ud800"'])
def test_a_body_that_is_no_order(rest: Rest, data: bytes) -> None:
    response = rest.call("POST", "/viewer/orders", data=data)
    assert (response.status_code, response.json()["code"]) == (400, 10007)


def test_a_body_must_say_that_it_is_json(still: LocalExchange, rest: Rest) -> None:
    response = rest.session.post(
        rest.url + "/viewer/orders", data=b"{}", headers={"Authorization": token()}, timeout=10
    )
    assert (response.status_code, response.json()["code"]) == (400, 10007)
    assert "Content-Type" in response.json()["message"]


def test_an_unknown_pair(rest: Rest) -> None:
    body = {**LIMIT, "asset_pair_name": "NO-SUCH"}
    assert rest.refusal("POST", "/viewer/orders", None, body) == (404, 10013)


def test_what_cannot_be_paid_for_is_refused_and_leaves_no_trace(still: LocalExchange, rest: Rest) -> None:
    for changes in ({"amount": "1000001"}, {"side": "ASK", "amount": "1001", "price": "90000"}):
        named = {**LIMIT, **changes, "client_order_id": "mine"}
        assert rest.refusal("POST", "/viewer/orders", None, named) == (400, 10014)
    assert still.orders() == []
    assert place(rest, client_order_id="mine")["state"] == "PENDING"


def test_a_name_is_good_once_within_a_day(still: LocalExchange, rest: Rest) -> None:
    first = place(rest, client_order_id="mine")
    rest.post(f"/viewer/orders/{first['id']}/cancel")
    other = {**LIMIT, "asset_pair_name": "ETH-USDT", "client_order_id": "mine"}
    assert rest.refusal("POST", "/viewer/orders", None, other) == (400, 54041)
    still.clock_offset = DAY + 20
    with pytest.raises(AssertionError, match="recv_window"):
        place(rest)
    signed = rest.call("POST", "/viewer/orders", None, other, auth=ahead(DAY + 20))
    assert signed.status_code == 200
    found = rest.call("GET", "/viewer/order", {"client_order_id": "mine"}, auth=ahead(DAY + 20)).json()["data"]
    assert found["id"] == signed.json()["data"]["id"]


def ahead(seconds: int) -> str:
    return token(nonce=str(time.time_ns() + seconds * 1_000_000_000))


# -- cancelling ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["path", "order_id", "order_id as text", "client_order_id"])
def test_cancelling(still: LocalExchange, rest: Rest, way: str) -> None:
    row = place(rest, client_order_id="mine")
    path = "/viewer/order/cancel"
    body: dict[str, object] | None = {
        "order_id": {"order_id": row["id"]},
        "order_id as text": {"order_id": str(row["id"])},
        "client_order_id": {"client_order_id": "mine"},
    }.get(way)
    if body is None:
        path = f"/viewer/orders/{row['id']}/cancel"
    done = rest.post(path, body)
    assert (done["id"], done["state"]) == (row["id"], "CANCELLED")
    assert still.orders()[0].state == "CANCELLED"
    assert still.balances()["USDT"].locked == 0
    assert rest.refusal("POST", path, None, body) == (400, 54043)


def test_what_has_been_filled_cannot_be_cancelled(rest: Rest) -> None:
    row = rest.post("/viewer/orders", MARKET)
    assert rest.refusal("POST", f"/viewer/orders/{row['id']}/cancel") == (400, 54043)


@pytest.mark.parametrize("number", ["1", "abc", "9" * 30])
def test_orders_that_are_not_there(rest: Rest, number: str) -> None:
    assert rest.refusal("GET", f"/viewer/orders/{number}") == (404, 10013)
    assert rest.refusal("POST", f"/viewer/orders/{number}/cancel") == (404, 10013)
    assert rest.refusal("GET", "/viewer/order", {"order_id": number}) == (404, 10013)
    assert rest.refusal("GET", "/viewer/order", {"client_order_id": number}) == (404, 10013)
    assert rest.refusal("POST", "/viewer/order/cancel", None, {"client_order_id": number}) == (404, 10013)


@pytest.mark.parametrize(
    "body", [{}, [], {"order_id": 1, "client_order_id": "a"}, {"order_id": 1.5}, {"order_id": True}]
)
def test_cancelling_needs_one_id(rest: Rest, body: object) -> None:
    assert rest.refusal("POST", "/viewer/order/cancel", None, body) == (400, 10007)


@pytest.mark.parametrize("by", ["body", "query"])
def test_cancelling_all_of_a_pair(still: LocalExchange, rest: Rest, by: str) -> None:
    mine = [place(rest)["id"], place(rest, price="101")["id"]]
    done = place(rest, price="102")["id"]
    rest.post(f"/viewer/orders/{done}/cancel")
    elsewhere = place(rest, asset_pair_name="ETH-USDT")["id"]
    margin = still.place_order("BTC-USDT", "BID", "100", "1", business_unit="MARGIN")
    named = {"asset_pair_name": "BTC-USDT"}
    reply = rest.ask("POST", "/viewer/orders/cancel", named if by == "query" else None, named if by == "body" else None)
    assert reply == {"cancelled": mine, "failed": []}
    left = {order.id for order in still.orders() if order.state == "PENDING"}
    assert left == {str(elsewhere), margin}


def test_cancelling_all_needs_a_pair_that_is_there(rest: Rest) -> None:
    assert rest.refusal("POST", "/viewer/orders/cancel") == (400, 10007)
    assert rest.refusal("POST", "/viewer/orders/cancel", None, []) == (400, 10007)
    assert rest.refusal("POST", "/viewer/orders/cancel", None, {"asset_pair_name": "NO-SUCH"}) == (404, 10013)


def test_cancelling_is_told_by_the_stream(still: LocalExchange, rest: Rest) -> None:
    row = place(rest)
    with Peer(still) as peer:
        peer.login()
        peer.ask("subscribeAllViewerOrdersRequest")
        done = rest.post(f"/viewer/orders/{row['id']}/cancel")
        (frame,) = peer.everything()
    assert same(done, payload(frame)[1]["order"])
