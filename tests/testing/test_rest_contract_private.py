"""Private contract calls of the REST side: what becomes of orders, and that stream, lists and engine agree."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal as D
from typing import Any

import pytest
from contract_peer import stream
from rest_peer import Rest

from bigone_sync.testing.exchange import LocalExchange

PARAMS = (400, "anomaly.request/invalid-params")
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "size": 5, "price": 60000.5}
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "size": 3}


@pytest.fixture
def rest(still: LocalExchange) -> Iterator[Rest]:
    with Rest(still, "contract") as rest:
        yield rest


def place(rest: Rest, **changes: object) -> Any:
    return rest.post("/orders", {**LIMIT, **changes})


def ids(rows: list[Any]) -> list[str]:
    return [row["id"] for row in rows]


# -- orders -------------------------------------------------------------------------------------------------------


def test_an_order_is_told_by_stream_and_engine(still: LocalExchange, rest: Rest) -> None:
    with stream(still) as peer:
        peer.receive(), peer.everything()
        row = place(rest)
        (told,) = [frame["orders"][0] for frame in peer.everything() if "orders" in frame]
    assert {name: row[name] for name in told} == told
    assert set(row) - set(told) == {"reduceOnly", "isLiquidate", "conditional", "ts", "seqNo", "meta"}
    assert (row["status"], row["reduceOnly"], row["conditional"], row["meta"]) == ("NEW", False, None, None)
    view = still.contract_orders()[0]
    assert (view.id, view.price, view.size) == (row["id"], row["price"], row["size"])
    assert still.contract_book("BTCUSDT").bids[D("60000.5")] == 5
    assert rest.get(f"/orders/{row['id']}") == row


def test_every_type_of_order(still: LocalExchange, rest: Rest) -> None:
    ask = next(iter(still.contract_book("BTCUSDT").asks))
    assert rest.post("/orders", MARKET)["status"] == "FILLED"
    assert place(rest, type="IOC")["status"] == "CANCELED"
    assert place(rest, type="FOK")["status"] == "CANCELED"
    assert place(rest, type="POST_ONLY")["status"] == "NEW"
    assert place(rest, type="POST_ONLY", price=float(ask + 1))["status"] == "REJECTED"
    assert place(rest, size=10**9)["status"] == "REJECTED"
    assert rest.post("/orders", {**LIMIT, "type": "IOC", "price": float(ask + 5), "size": 1.5})["filled"] == D("1.5")


BAD = {
    "no symbol": {"symbol": None},
    "no side": {"side": None},
    "side": {"side": "BID"},
    "type": {"type": "STOP_LIMIT"},
    "no size": {"size": None},
    "size is text": {"size": "5"},
    "size is zero": {"size": 0},
    "size is negative": {"size": -1},
    "size too fine": {"size": 0.00001},
    "size is true": {"size": True},
    "size too large": {"size": 1e40},
    "no price": {"price": None},
    "price off the tick": {"price": 60000.55},
    "market order with a price": {"type": "MARKET"},
    "reduceOnly is a word": {"reduceOnly": "yes"},
    "unknown field": {"amount": 1},
}


@pytest.mark.parametrize("case", BAD)
def test_an_order_that_makes_no_sense(still: LocalExchange, rest: Rest, case: str) -> None:
    body = {name: value for name, value in {**LIMIT, **BAD[case]}.items() if value is not None}
    assert rest.refusal("POST", "/orders", None, body) == PARAMS
    assert still.contract_orders() == []


@pytest.mark.parametrize("data", [b"", b"nonsense", b"[]", b'{"size":1E999999999}', b'{"size":NaN}'])
def test_a_body_that_is_no_order(rest: Rest, data: bytes) -> None:
    response = rest.call("POST", "/orders", data=data)
    assert (response.status_code, response.json()) == (400, {"anomaly": PARAMS[1]})


def test_orders_for_what_is_not_there(rest: Rest) -> None:
    assert rest.refusal("POST", "/orders", None, {**LIMIT, "symbol": "btcusdt"}) == (400, "")
    out_of_range = (400, "anomaly.order/price-out-of-range")
    for price in (0.01, 1_000_001):
        assert rest.refusal("POST", "/orders", None, {**LIMIT, "price": price}) == out_of_range


def test_cancelling_has_an_empty_reply(still: LocalExchange, rest: Rest) -> None:
    row = place(rest)
    response = rest.call("DELETE", f"/orders/{row['id']}")
    assert (response.status_code, response.content) == (200, b"")
    assert still.contract_orders()[0].status == "CANCELED"
    assert rest.refusal("DELETE", f"/orders/{row['id']}") == PARAMS
    assert rest.refusal("DELETE", "/orders/nothing") == (404, "")
    assert rest.refusal("GET", "/orders/nothing") == (404, "")


def test_reduce_only_closes_and_does_nothing_else(still: LocalExchange, rest: Rest) -> None:
    sell = {**MARKET, "side": "SELL", "reduceOnly": True}
    assert rest.post("/orders", sell)["status"] == "REJECTED"
    rest.post("/orders", MARKET)
    assert rest.post("/orders", {**sell, "size": 4})["status"] == "REJECTED"
    assert rest.post("/orders", {**MARKET, "reduceOnly": True})["status"] == "REJECTED"
    resting = place(rest, side="SELL", price=70000, size=2, reduceOnly=True)
    assert (resting["status"], resting["reduceOnly"]) == ("NEW", True)
    assert rest.post("/orders", {**sell, "size": 2})["status"] == "REJECTED"
    assert rest.post("/orders", {**MARKET, "side": "SELL", "size": 2})["status"] == "FILLED"
    assert rest.get(f"/orders/{resting['id']}")["status"] == "CANCELED"
    assert rest.post("/orders", {**sell, "size": 1})["status"] == "FILLED"
    assert still.positions()["BTCUSDT"].size == 0


# -- lists --------------------------------------------------------------------------------------------------------


def test_orders_filtered_and_counted(still: LocalExchange, rest: Rest) -> None:
    first = place(rest)["id"]
    filled = rest.post("/orders", MARKET)["id"]
    other = place(rest, symbol="BTCUSD", side="SELL", price=70000)["id"]
    canceled = place(rest, type="IOC")["id"]

    def listed(path: str = "/orders", **query: object) -> list[str]:
        found = ids(rest.get(path, **query))
        assert rest.get(f"{path}/count", **query) == {"count": len(found)}
        return found

    assert listed() == [canceled, other, filled, first]
    assert listed(symbol="BTCUSD") == [other]
    assert listed(type="LIMIT") == [other, first]
    assert listed(type="MARKET,IOC") == [canceled, filled]
    assert listed(side="SELL") == [other]
    assert listed(status="FILLED,NEW") == [other, filled, first]
    assert listed(id=other) == [filled, first]
    assert listed(opt="TRIGGERED") == []
    assert listed("/orders/opening") == [other, first]
    assert listed("/orders/opening", symbol="BTCUSDT") == [first]
    times = {row["id"]: row["ts"] for row in rest.get("/orders")}
    assert listed(start__time=times[canceled] + 1) == []
    assert first in listed(end__time=times[first])
    assert canceled in listed(start__time=times[canceled], end__time=times[canceled])
    assert rest.get("/orders/count", limit=1) == {"count": 4}


def test_orders_are_read_to_the_end_by_the_last_seen_id(still: LocalExchange, rest: Rest) -> None:
    placed = [still.place_contract_order("BTCUSDT", "BUY", 1, price=60_000) for _ in range(105)]
    assert ids(rest.get("/orders")) == placed[:4:-1]
    seen: list[str] = []
    while rows := rest.get("/orders/opening", limit=50, **({"id": seen[-1]} if seen else {})):
        seen += ids(rows)
    assert seen == placed[::-1]


@pytest.mark.parametrize("path", ["/orders", "/orders/opening", "/orders/count", "/trades", "/trades/count"])
def test_wrong_parameters_of_a_list(rest: Rest, path: str) -> None:
    assert rest.refusal("GET", path, {"symbol": "btcusdt"}) == (400, "")
    wrong = [{"side": "BID"}, {"id": "nothing"}]
    if "count" not in path:
        wrong += [{"limit": "0"}, {"limit": "x"}]
    if "trades" not in path:
        wrong += [{"type": "STOP"}, {"status": "OPEN"}, {"opt": "ALL"}, {"start-time": "now"}]
    for query in wrong:
        assert rest.refusal("GET", path, query) == PARAMS


def test_trades_are_the_fills_of_engine_and_stream(still: LocalExchange, rest: Rest) -> None:
    with stream(still) as peer:
        peer.receive(), peer.everything()
        bought = rest.post("/orders", MARKET)
        sold = rest.post("/orders", {**MARKET, "symbol": "BTCUSD", "side": "SELL"})
        told = [fill for frame in peer.everything() for fill in frame.get("trades", [])]
    rows = rest.get("/trades")
    assert [{name: row[name] for name in fill} for row, fill in zip(rows[::-1], told, strict=True)] == told
    fills = still.contract_fills()
    assert [(row["id"], row["fee"], row["pnl"]) for row in rows[::-1]] == [(f.id, f.fee, f.pnl) for f in fills]
    newest = rows[0]
    assert set(newest) - set(told[0]) == {"ts", "currency", "order"}
    assert newest["order"] == {"id": sold["id"], "type": "MARKET", "size": 3, "price": None}
    assert (newest["currency"], newest["ts"]) == ("BTC", fills[-1].time_ns // 1_000_000)

    def listed(**query: object) -> set[str]:
        found = rest.get("/trades", **query)
        assert rest.get("/trades/count", **query) == {"count": len(found)}
        return {row["orderId"] for row in found}

    assert listed(symbol="BTCUSDT") == listed(side="BUY") == listed(order__id=bought["id"]) == {bought["id"]}
    assert listed(side="TRADING") == {bought["id"], sold["id"]}
    assert listed(side="FUNDING") == set()
    assert ids(rest.get("/trades", limit=1)) == [newest["id"]]
    assert ids(rest.get("/trades", id=newest["id"])) == ids(rows[1:])


# -- accounts and positions ---------------------------------------------------------------------------------------


def test_accounts_are_those_of_the_stream(still: LocalExchange, rest: Rest) -> None:
    rest.post("/orders", MARKET)
    rows = rest.get("/accounts")
    with stream(still) as peer:
        first, *others = peer.receive(), *peer.everything()
    cash = [frame["cash"] for frame in (first, *others)]
    assert [{**row["cash"], "readableId": 0} for row in rows] == [{**one, "readableId": 0} for one in cash]
    assert all(isinstance(row["cash"]["readableId"], int) for row in rows)
    assert sorted(position["symbol"] for row in rows for position in row["positions"]) == sorted(
        position["symbol"] for position in first["positions"]
    )
    for row in rows:
        for position in row["positions"]:
            assert position in first["positions"]
            assert position["currency"] == row["cash"]["currency"]
    assert still.positions()["BTCUSDT"].size == 3


@pytest.mark.parametrize("exchange_ids", ["text", "integer"])
def test_ids_are_those_of_the_exchanges_methods(exchange_ids: str) -> None:
    with LocalExchange(rate=0, contract_ids=exchange_ids) as exchange, Rest(exchange, "contract") as rest:
        placed = exchange.place_contract_order("BTCUSDT", "BUY", 1, price=60_000)
        assert rest.get(f"/orders/{placed}")["id"] == placed
        assert rest.call("DELETE", f"/orders/{placed}").status_code == 200


def test_leverage_and_margin(still: LocalExchange, rest: Rest) -> None:
    rest.post("/orders", MARKET)
    before = still.positions()["BTCUSDT"]
    path = "/positions/BTCUSDT/margin"
    with stream(still) as peer:
        peer.receive(), peer.everything()
        row = rest.ask("PUT", path, None, {"leverage": 50})
        (told,) = [frame["positions"][0] for frame in peer.everything() if "positions" in frame]
    assert row == told
    assert (row["leverage"], row["margin"], row["isCross"]) == (50, 2 * before.margin, True)
    assert still.positions()["BTCUSDT"].margin == 2 * before.margin
    row = rest.ask("PUT", path, None, {"isCross": False, "margin": 500})
    assert (row["isCross"], row["margin"], row["initMargin"]) == (False, 500, 2 * before.margin)
    assert rest.refusal("PUT", path, None, {"margin": 0.5}) == PARAMS
    assert rest.refusal("PUT", path, None, {"margin": 10**9}) == (400, "anomaly.adjust-margin/position-too-large")
    assert rest.refusal("PUT", path, None, {"margin": 10, "isCross": True}) == PARAMS
    assert still.positions()["BTCUSDT"].margin == 500
    rest.post("/orders", {**MARKET, "side": "SELL"})
    assert still.positions()["BTCUSDT"].margin == 0


@pytest.mark.parametrize("body", [{}, [], {"leverage": "50"}, {"isCross": 1}, {"margin": 5, "isCross": False}])
def test_margin_that_makes_no_sense(rest: Rest, body: object) -> None:
    assert rest.refusal("PUT", "/positions/BTCUSDT/margin", None, body) == PARAMS


@pytest.mark.parametrize("leverage", [0.5, 101])
def test_leverage_out_of_bounds(rest: Rest, leverage: float) -> None:
    refusal = rest.refusal("PUT", "/positions/BTCUSDT/margin", None, {"leverage": leverage})
    assert refusal == (400, "anomaly.adjust-margin/invalid-lerverage")


def test_risk_limit(still: LocalExchange, rest: Rest) -> None:
    path = "/positions/BTCUSDT/risk-limit"
    assert rest.ask("PUT", path, None, {"notional": 200}) == {"notional": 200, "IMR": D("0.015")}
    assert still.positions()["BTCUSDT"].risk_limit == 200
    for notional in (99, 1001, 150.5):
        refusal = rest.refusal("PUT", path, None, {"notional": notional})
        assert refusal == (400, "anomaly.adjust-risk-limit/too-small-or-too-large")
    assert rest.refusal("PUT", path, None, {}) == PARAMS
    for other in ("risk-limit", "margin"):
        assert rest.refusal("PUT", f"/positions/btcusdt/{other}", None, {"notional": 200}) == (400, "")
