"""The frames of Rails streams, in every dialect, and that they tell the truth."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from rails_peer import BTC, STREAMS, Frame, RailsPeer, limit

from bigone_sync.testing.exchange import LocalExchange

ETH = "ETH-USD"
DIALECTS = ("g6", "g5", "g4", "g3")
NAME = "4cc68b60-ed2d-42aa-a21e-cb5486f8fd1a"
G3 = {
    "orders": "orderCreation",
    "publicTrades": "tradeStream",
    "publicOrderBook": "orderBookStream",
    "publicOrderBookDelta": "orderBookDelta",
    "publicCompletedOrdersDelta": "completedOrdersDelta",
    "publicCompletedOrders": "completedOrders",
    "emitPublicOrderBook": "emitOrderBook",
    "emitPublicCompletedOrders": "emitCompletedOrders",
    "publicOrderBook snapshot": "orderBook",
}
# Examples of the documents, shortened to one row.
DELTA = """{"resultType":"publicOrderBookDelta","market":"ETH-USDT","data":{"orders":[{"orderType":"sell",
 "price":"3181.41","quantity":"38.92"}],"statusCode":200,"ts":1772576154169}}"""
TRADES = """{"resultType":"publicCompletedOrdersDelta","market":"ETH-USDT","data":{"orders":[{"executionType":"taker",
 "matchId":"9eb783a6-7abc-4e94-9d9c-fd404e7580eb","orderType":"buy","price":"3181.41","quantity":"0.01",
 "updatedAt":1767762810250}],"statusCode":200}}"""
FILLS = """{"resultType":"completedOrdersDelta","data":[{"market":"BTC-USDT","orderId":"01JSG88WSP6MWEXBNXT0F43S59",
 "matchId":"65284509-5284-4f64-9b80-ed6aa9819b9b","orderType":"buy","tradeType":"market","executionType":"taker",
 "fillType":"partial","price":"92911.48605","quantity":"23.4","leverage":"1","fees":"2174.12877357",
 "orderCreatedAt":1745436937022,"orderFilledAt":1745376015255,"triggerType":"none","triggerPrice":"0",
 "triggerCreatedAt":0}]}"""


def word(dialect: str, newest: str) -> str:
    return G3.get(newest, newest) if dialect == "g3" else newest.removesuffix(" snapshot")


def streams(dialect: str) -> list[str]:
    return [word(dialect, name) for name in STREAMS if dialect != "g3" or name != "trades"]


def shape(value: Any) -> Any:
    """Keys and types: of a list, those of its rows, which must all be alike."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        rows = [shape(inner) for inner in value]
        assert all(row == rows[0] for row in rows)
        return rows[:1]
    return type(value).__name__


def documented(text: str, dialect: str, *, told: bool, ts: bool = True) -> Any:
    """The shape of an example in a dialect."""
    example = shape(json.loads(text))
    if not told:
        example.pop("market")
    if not ts:
        example["data"].pop("ts", None)
    return example


def of_kind(frames: Iterable[Frame], kind: str) -> list[Frame]:
    return [frame for frame in frames if frame["resultType"] == kind]


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange(rate=0) as exchange:
        yield exchange


# -- shapes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("market", [BTC, "ALL"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_public_streams_and_snapshots(dialect: str, market: str) -> None:
    told = dialect == "g6" or (dialect == "g5" and market == "ALL")
    ts = dialect in ("g6", "g5")
    about = {"market": BTC} if market == "ALL" else {}
    with (
        LocalExchange(rate=0, rails_dialect=dialect) as exchange,
        RailsPeer(exchange, streams(dialect), market=market) as peer,
    ):
        trade = exchange.rails_trade(BTC)
        trades, *deltas = peer.everything()
        assert shape(trades) == documented(TRADES, dialect, told=told)
        assert trades["resultType"] == word(dialect, "publicCompletedOrdersDelta")
        assert [row["matchId"] for row in trades["data"]["orders"]] == [trade.match_id]
        for delta in deltas:
            assert shape(delta) == documented(DELTA, dialect, told=told, ts=ts)
            assert delta["resultType"] == word(dialect, "publicOrderBookDelta")
        for request, example, answer in (
            ("emitPublicOrderBook", DELTA, "publicOrderBook snapshot"),
            ("emitPublicCompletedOrders", TRADES, "publicCompletedOrders"),
        ):
            peer.send(word(dialect, request), about or None)
            peer.send(word(dialect, request), {"clientRequestId": NAME, **about})
            plain, named = peer.everything()
            assert shape(plain) == documented(example, dialect, told=told, ts=ts)
            assert plain["resultType"] == word(dialect, answer)
            assert named["data"].pop("clientRequestId") == NAME
            assert shape(named) == shape(plain)


def test_own_trades_and_both_sides() -> None:
    with LocalExchange(rate=0, rails_trade_rows="side") as exchange, RailsPeer(exchange, market=ETH) as peer:
        best = next(iter(exchange.rails_book(BTC).asks))
        exchange.rails_place(BTC, "buy", "0.00001", best)
        exchange.rails_place(BTC, "sell", "0.5", best)
        order = exchange.rails_orders()[-1]
        exchange.rails_fill(order.order_id)
        frames = of_kind(peer.everything(), "completedOrdersDelta")
        for frame in frames:
            assert shape(frame) == shape(json.loads(FILLS))
        rows = [row for frame in frames for row in frame["data"]]
        assert (rows[0]["executionType"], rows[0]["orderType"]) == ("taker", "buy")
        mine = [row for row in rows if row["orderId"] == order.order_id]
        assert {row["executionType"] for row in mine} == {"maker"}
        assert [row["fillType"] for row in mine] == ["partial"] * (len(mine) - 1) + ["complete"]
        assert sum(Decimal(row["quantity"]) for row in mine) == Decimal("0.5")
        assert [fill.match_id for fill in exchange.rails_fills()] == [row["matchId"] for row in rows]
        with RailsPeer(exchange, ["publicTrades"]) as other:
            trade = exchange.rails_trade(BTC)
            maker, taker = other.everything()[0]["data"]["orders"]
        assert maker["matchId"] == taker["matchId"] == trade.match_id
        assert taker["orderType"] == trade.taker_side != maker["orderType"]


def test_rows_are_of_either_side(exchange: LocalExchange) -> None:
    with RailsPeer(exchange, ["publicTrades"]) as peer:
        for _ in range(12):
            exchange.rails_trade(BTC)
        rows = [row for frame in peer.everything() for row in frame["data"]["orders"]]
    assert {row["executionType"] for row in rows} == {"taker", "maker"}
    taken = [
        row["orderType"] if row["executionType"] == "taker" else {"buy": "sell", "sell": "buy"}[row["orderType"]]
        for row in rows
    ]
    assert taken == [trade.taker_side for trade in exchange.rails_trades(BTC)[-12:]]


def test_an_id_that_snapshots_do_not_echo() -> None:
    with LocalExchange(rate=0, rails_echo_ids=False) as exchange, RailsPeer(exchange) as peer:
        for frame in peer.ask("emitPublicOrderBook") + peer.ask("emitPublicCompletedOrders"):
            assert "clientRequestId" not in frame["data"]


# -- requests that are not about orders -------------------------------------------------------------------------


def test_subscribing(exchange: LocalExchange) -> None:
    asked = ["trades", "publicTrades", "publicOrderBook"]
    with RailsPeer(exchange, None) as peer:
        for _ in range(2):
            peer.send("subscribe", {"clientRequestId": NAME, "subscriptions": asked})
            expected = {"activeSubscriptions": list(STREAMS), "clientRequestId": NAME, "requestedSubscriptions": asked}
            assert peer.everything() == [{"resultType": "subscribed", "data": expected}]
        exchange.rails_trade(BTC)
        assert peer.everything()
        for _ in range(2):
            peer.send("unsubscribe", {"subscriptions": asked})
            expected = {"activeSubscriptions": ["orders"], "requestedUnsubscriptions": asked}
            assert peer.everything() == [{"resultType": "unsubscribed", "data": expected}]
        exchange.rails_trade(BTC)
        assert peer.everything() == []


def test_pings(exchange: LocalExchange) -> None:
    with RailsPeer(exchange, []) as peer:
        peer.send("ping")
        peer.send("ping", {"clientRequestId": NAME})
        assert peer.receive() == {"resultType": "pong", "data": {"statusCode": 200}}
        assert peer.receive() == {"resultType": "pong", "data": {"clientRequestId": NAME, "statusCode": 200}}
        exchange.stop_pongs()
        peer.send("ping")
        exchange.rails_send_raw("{}")
        assert peer.receive() == {}


@pytest.mark.parametrize(
    ("message", "content", "kind"),
    [
        ("subscribe", {"subscriptions": ["depth"]}, "subscribed"),
        ("subscribe", {}, "subscribed"),
        ("emitPublicOrderBook", {"market": ETH}, "publicOrderBook"),
        ("ping", {"clientRequestId": "1"}, "pong"),
        ("dance", {}, "dance"),
    ],
)
def test_requests_that_make_no_sense(
    exchange: LocalExchange, message: str, content: dict[str, object], kind: str
) -> None:
    with RailsPeer(exchange) as peer:
        for text in ("nonsense", "[]", '{"content":{}}'):
            peer.ws.send(text)
        peer.send(message, {"clientRequestId": NAME, **content})
        (frame,) = peer.everything()
    assert (frame["resultType"], frame["data"]["statusCode"]) == (kind, 400)
    assert frame["data"]["clientRequestId"] == content.get("clientRequestId", NAME)


def test_a_connection_of_all_must_name_the_market(exchange: LocalExchange) -> None:
    with RailsPeer(exchange, market="ALL") as peer:
        (frame,) = peer.ask("emitPublicOrderBook")
        assert frame["data"]["statusCode"] == 400
        (frame,) = peer.ask("emitPublicOrderBook", market=ETH)
        assert frame["market"] == ETH
        (frame,) = peer.ask("createOrder", **limit("65000"))
        assert frame["data"]["statusCode"] == 400


# -- the truth --------------------------------------------------------------------------------------------------


def apply(levels: dict[tuple[str, Decimal], Decimal], rows: Iterable[dict[str, str]]) -> None:
    for row in rows:
        key, quantity = (row["orderType"], Decimal(row["price"])), Decimal(row["quantity"])
        if quantity:
            levels[key] = quantity
        else:
            levels.pop(key, None)


def test_a_replica_is_the_book(exchange: LocalExchange) -> None:
    levels: dict[tuple[str, Decimal], Decimal] = {}
    with RailsPeer(exchange) as peer:
        (snapshot,) = peer.ask("emitPublicOrderBook")
        apply(levels, snapshot["data"]["orders"])
        exchange.rails_step(BTC, 120)
        frames = peer.everything()
    deltas = of_kind(frames, "publicOrderBookDelta")
    for frame in deltas:
        apply(levels, frame["data"]["orders"])
    view = exchange.rails_book(BTC)
    for side, kept in (("buy", view.bids), ("sell", view.asks)):
        assert {price: amount for (of, price), amount in levels.items() if of == side} == kept
    published = exchange.rails_deltas(BTC)
    assert [delta.ts for delta in published] == [frame["data"]["ts"] for frame in deltas]
    assert [
        [{"orderType": side, "price": price, "quantity": quantity} for side, price, quantity in delta.levels]
        for delta in published
    ] == [frame["data"]["orders"] for frame in deltas]
    rows = [row for frame in of_kind(frames, "publicCompletedOrdersDelta") for row in frame["data"]["orders"]]
    told = [(trade.match_id, trade.price, trade.quantity, trade.time) for trade in exchange.rails_trades(BTC)]
    assert told[-len(rows) :] == [(row["matchId"], row["price"], row["quantity"], row["updatedAt"]) for row in rows]


def test_the_seed_decides_everything() -> None:
    found = []
    for seed in (1, 1, 2):
        with LocalExchange(rate=0, seed=seed) as exchange:
            exchange.rails_step(BTC, 30)
            order_id = exchange.rails_place(BTC, "buy", "1", "60000")
            assert len(order_id) == 26
            trades = [(trade.match_id, trade.price) for trade in exchange.rails_trades(BTC)]
            found.append((order_id, trades, dict(exchange.rails_book(BTC).bids)))
    assert found[0] == found[1] != found[2]


def test_the_markets_run_by_themselves_once_asked_for() -> None:
    with LocalExchange(rate=500) as exchange, RailsPeer(exchange, market="ALL") as peer:
        seen: set[str] = set()
        while seen != {BTC, ETH}:
            seen.add(peer.receive()["market"])


def test_spot_steps_take_rails_along_once_it_is_there(exchange: LocalExchange) -> None:
    exchange.step(5)
    exchange.rails_book(BTC)
    assert exchange.rails_deltas(BTC) == []
    exchange.step(20)
    assert exchange.rails_deltas(BTC)
    with pytest.raises(ValueError, match="no Rails market"):
        exchange.rails_step("DOGE-USD")
