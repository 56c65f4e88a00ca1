"""The local exchange's data channels, read by a plain websocket-client."""

from __future__ import annotations

import json
import socket
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from spot_peer import Peer, Replica, best, payload

from bigone_sync.testing._tape import PERIODS
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

BTC = {"market": "BTC-USDT"}
D = Decimal


STYLES = [
    {"ids": ids, "defaults": defaults, "opcode": opcode}
    for ids in ("string", "number")
    for defaults in ("emit", "omit")
    for opcode in ("text", "binary")
]
# The style concerns JSON only; what is said in protobuf must not depend on it.
VOICES = [("json", style) for style in STYLES] + [("proto", style) for style in STYLES if style["opcode"] == "text"]


def voice_name(value: str | dict[str, str]) -> str:
    return value if isinstance(value, str) else "-".join(value.values())


def moment(text: str) -> datetime:
    """The time of an RFC 3339 text, cut to microseconds."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    assert len(fraction) in (0, 3, 6, 9)
    micro = int(fraction.ljust(6, "0")[:6])
    return datetime.fromisoformat(whole).replace(microsecond=micro, tzinfo=timezone.utc)


# -- depth --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("encoding", "style"), VOICES, ids=voice_name)
def test_snapshot_and_updates_make_the_engines_book(encoding: str, style: dict[str, str]) -> None:
    with LocalExchange(rate=300, **style) as exchange, Peer(exchange, encoding) as peer:  # type: ignore[arg-type]
        peer.send("subscribeMarketDepthRequest", BTC, id="d")
        replica = Replica()
        while replica.updates < 50:
            frame = peer.receive()
            assert frame["requestId"] == "d"
            replica.take(frame)
        exchange.pause()
        for frame in peer.everything():
            replica.take(frame)
        replica.assert_equals(exchange)
        assert replica.change_id > 2**53


def test_depth_frames_have_the_documented_form(still: LocalExchange, peer: Peer) -> None:
    member, body = peer.ask("subscribeMarketDepthRequest", BTC)
    assert member == "depthSnapshot"
    assert set(body) == {"depth", "changeId"}
    assert set(body["depth"]) == {"market", "bids", "asks"}
    assert set(body["depth"]["bids"][0]) == {"price", "amount", "orderCount"}
    order_id = still.place_order("BTC-USDT", "BID", "1.00", "2")
    assert payload(peer.receive()) == (
        "depthUpdate",
        {
            "depth": {
                "market": "BTC-USDT",
                "asks": [],
                "bids": [{"price": "1.00", "amount": "2", "orderCount": "1"}],
            },
            "changeId": str(still.book("BTC-USDT").change_id),
            "prevId": body["changeId"],
        },
    )
    still.cancel_order(order_id)
    _, gone = payload(peer.receive())
    assert gone["depth"]["bids"] == [{"price": "1.00", "amount": "0", "orderCount": "0"}]


def test_the_book_a_user_looks_at_cannot_be_changed(still: LocalExchange) -> None:
    view = still.book("BTC-USDT")
    before = dict(view.bids)
    still.step(200, "BTC-USDT")
    assert dict(view.bids) == before
    assert still.book("BTC-USDT") != view
    with pytest.raises(TypeError):
        view.bids[D(1)] = D(1)  # type: ignore[index]


def test_subscribing_twice_gives_a_new_snapshot_and_no_update_twice(still: LocalExchange, peer: Peer) -> None:
    peer.ask("subscribeMarketDepthRequest", BTC)
    still.step(20, "BTC-USDT")
    second = peer.send("subscribeMarketDepthRequest", BTC)
    replica = Replica()
    peer.until(lambda member, body: member == "depthSnapshot" and not replica.take({member: body}))
    still.step(20, "BTC-USDT")
    for frame in peer.everything():
        assert frame["requestId"] == second
        replica.take(frame)
    assert replica.updates
    replica.assert_equals(still)
    assert len(still.subscriptions()) == 1


@pytest.mark.parametrize(
    ("subject", "params"),
    [
        ("MarketDepth", BTC),
        ("MarketTrades", BTC),
        ("MarketsTicker", {"markets": ["BTC-USDT"]}),
        ("MarketsTicker", {}),
        ("MarketCandles", {**BTC, "period": "HOUR1"}),
        ("ViewerAccounts", {}),
        ("ViewerOrders", BTC),
        ("AllViewerOrders", {}),
    ],
)
def test_unsubscribing_ends_each_kind_of_stream(
    still: LocalExchange, peer: Peer, subject: str, params: dict[str, Any]
) -> None:
    def happen() -> list[Any]:
        order_id = still.place_order("BTC-USDT", "BID", best(still, "BID"), "1")
        still.fill_order(order_id)
        return peer.everything()

    peer.login()
    peer.ask(f"subscribe{subject}Request", params)
    assert happen()
    assert peer.ask(f"unsubscribe{subject}Request", params) == ("success", {"ok": True})
    assert happen() == []
    assert still.subscriptions() == []
    assert peer.ask(f"unsubscribe{subject}Request", params) == ("success", {"ok": True})


def test_unsubscribing_one_stream_leaves_the_others(still: LocalExchange, peer: Peer) -> None:
    for period in ("MIN1", "HOUR1"):
        peer.ask("subscribeMarketCandlesRequest", {**BTC, "period": period})
    peer.ask("subscribeMarketsTickerRequest", {"markets": ["BTC-USDT", "ETH-USDT"]})
    peer.ask("unsubscribeMarketCandlesRequest", {**BTC, "period": "MIN1"})
    peer.ask("unsubscribeMarketsTickerRequest", {"markets": ["BTC-USDT"]})
    assert [(s.channel, s.market, s.detail) for s in still.subscriptions()] == [
        ("candles", "BTC-USDT", "HOUR1"),
        ("ticker", "ETH-USDT", ""),
    ]


# -- trades, ticker, candles --------------------------------------------------------------------------------------


def trade_row(trade: dict[str, Any]) -> tuple[Any, ...]:
    side = trade.get("takerSide", "BID")
    price, amount = D(trade["price"]), D(trade["amount"])
    return int(trade["id"]), trade["market"], price, amount, side, moment(trade["createdAt"])


@pytest.mark.parametrize(("encoding", "style"), VOICES, ids=voice_name)
def test_trades_are_the_engines(encoding: str, style: dict[str, str]) -> None:
    with LocalExchange(rate=0, **style) as exchange, Peer(exchange, encoding) as peer:  # type: ignore[arg-type]
        member, body = peer.ask("subscribeMarketTradesRequest", {**BTC, "limit": "7"})
        assert member == "tradesSnapshot"
        assert len(body["trades"]) == 7
        exchange.step(300, "BTC-USDT")
        updates = peer.everything()
        assert {payload(frame)[0] for frame in updates} == {"tradeUpdate"}
        rows = [trade_row(t) for t in reversed(body["trades"])]
        rows += [trade_row(payload(frame)[1]["trade"]) for frame in updates]
        engine = [(t.id, t.market, t.price, t.amount, t.taker_side, t.time) for t in exchange.trades("BTC-USDT")]
        assert rows == engine[-len(rows) :]
        assert len(updates) > 10


def test_trades_default_to_twenty_and_carry_null_or_hollow_orders(still: LocalExchange, peer: Peer) -> None:
    _, body = peer.ask("subscribeMarketTradesRequest", BTC)
    assert len(body["trades"]) == 20
    assert all(t.get("takerOrder") is None and t.get("makerOrder") is None for t in body["trades"])
    still.place_order("BTC-USDT", "BID", None, "0.00001", type="MARKET")
    _, update = payload(peer.receive())
    assert update["trade"].get("makerOrder") is None
    hollow = update["trade"]["takerOrder"]
    assert hollow["id"] == hollow["price"] == ""
    assert (hollow["side"], hollow["state"], hollow["ioc"], hollow.get("createdAt")) == ("BID", "PENDING", False, None)


def check_ticker(exchange: LocalExchange, ticker: dict[str, Any]) -> None:
    trades = exchange.trades(ticker["market"])
    since = trades[-1].time.timestamp() - 86_400
    inside = [t for t in trades if t.time.timestamp() > since + 60]  # none lies within a minute of the bound
    prices = [t.price for t in inside]
    assert D(ticker["open"]) == prices[0]
    assert D(ticker["high"]) == max(prices)
    assert D(ticker["low"]) == min(prices)
    assert D(ticker["close"]) == prices[-1]
    assert D(ticker["volume"]) == sum(t.amount for t in inside)
    assert D(ticker["dailyChange"]) == prices[-1] - prices[0]
    book = exchange.book(ticker["market"])
    assert next(iter(book.bids.items())) == (D(ticker["bid"]["price"]), D(ticker["bid"]["amount"]))
    assert next(iter(book.asks.items())) == (D(ticker["ask"]["price"]), D(ticker["ask"]["amount"]))


def test_tickers_of_all_or_some_markets(still: LocalExchange, peer: Peer, encoding: str) -> None:
    member, body = peer.ask("subscribeMarketsTickerRequest")
    assert member == "tickersSnapshot"
    assert [t["market"] for t in body["tickers"]] == ["BTC-USDT", "ETH-USDT"]
    for ticker in body["tickers"]:
        check_ticker(still, ticker)
    with Peer(still, encoding) as other:
        _, body = other.ask("subscribeMarketsTickerRequest", {"markets": ["ETH-USDT"]})
        assert [t["market"] for t in body["tickers"]] == ["ETH-USDT"]
        still.step(100)
        latest = {}
        for frame in peer.everything():
            assert payload(frame)[0] == "tickerUpdate"
            latest[payload(frame)[1]["ticker"]["market"]] = payload(frame)[1]["ticker"]
        assert set(latest) == {"BTC-USDT", "ETH-USDT"}
        for ticker in latest.values():
            check_ticker(still, ticker)
        assert {payload(frame)[1]["ticker"]["market"] for frame in other.everything()} == {"ETH-USDT"}


@pytest.mark.parametrize("period", sorted(PERIODS))
def test_candles_follow_from_the_trades(still: LocalExchange, peer: Peer, period: str) -> None:
    member, body = peer.ask("subscribeMarketCandlesRequest", {**BTC, "period": period, "limit": 500})
    assert member == "candlesSnapshot"
    times = [moment(c["time"]) for c in body["candles"]]
    assert times == sorted(times, reverse=True)
    candles = {c["time"]: c for c in reversed(body["candles"])}
    still.step(200, "BTC-USDT")
    updates = peer.everything()
    assert updates
    for frame in updates:
        candle = payload(frame)[1]["candle"]
        candles[candle["time"]] = candle
    trades = still.trades("BTC-USDT")
    assert sum(D(c["volume"]) for c in candles.values()) == sum(t.amount for t in trades)
    opened = [moment(text) for text in candles]
    closed = [*opened[1:], datetime.max.replace(tzinfo=timezone.utc)]
    for start, end, candle in zip(opened, closed, candles.values(), strict=True):
        inside = [t.price for t in trades if start <= t.time < end]
        assert (D(candle["open"]), D(candle["high"]), D(candle["low"]), D(candle["close"])) == (
            inside[0],
            max(inside),
            min(inside),
            inside[-1],
        )
        assert (candle["period"], candle["market"]) == (period, "BTC-USDT")


def test_several_periods_are_several_streams(still: LocalExchange, peer: Peer) -> None:
    ids = {p: peer.send("subscribeMarketCandlesRequest", {**BTC, "period": p}) for p in ("MIN1", "DAY1")}
    peer.everything()
    still.place_order("BTC-USDT", "ASK", None, "0.00001", type="MARKET")
    got = {payload(f)[1]["candle"]["period"]: f["requestId"] for f in peer.everything()}
    assert got == ids


def test_a_candle_request_without_a_period_means_one_minute(still: LocalExchange, peer: Peer) -> None:
    _, body = peer.ask("subscribeMarketCandlesRequest", {**BTC, "limit": 3})
    assert [c["period"] for c in body["candles"]] == ["MIN1"] * 3
    assert still.subscriptions()[0].detail == "MIN1"


# -- renderings ---------------------------------------------------------------------------------------------------


def whole_session(**style: str) -> list[dict[str, Any]]:
    with LocalExchange(rate=0, **style) as exchange, Peer(exchange) as peer:  # type: ignore[arg-type]
        peer.login()
        for subject, params in (
            ("MarketDepth", BTC),
            ("MarketTrades", BTC),
            ("MarketCandles", BTC),
            ("ViewerAccounts", {}),
            ("ViewerOrders", BTC),
        ):
            peer.send(f"subscribe{subject}Request", params)
        snapshots = peer.everything()
        exchange.place_order("BTC-USDT", "BID", None, "0.00001", type="MARKET")
        exchange.place_order("BTC-USDT", "BID", "1.00", "1")
        return snapshots + peer.everything()


def keys_of(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in keys_of(item)}
    return {key for item in value for key in keys_of(item)} if isinstance(value, list) else set()


def leaves(value: object, name: str) -> list[Any]:
    if isinstance(value, dict):
        own = [value[name]] if name in value else []
        return own + [leaf for item in value.values() for leaf in leaves(item, name)]
    return [leaf for item in value for leaf in leaves(item, name)] if isinstance(value, list) else []


@pytest.mark.parametrize(("ids", "kind"), [("string", str), ("number", int)])
def test_all_64_bit_ids_are_written_as_asked(ids: str, kind: type) -> None:
    frames: Any = whole_session(ids=ids)
    for name in ("changeId", "prevId", "orderCount"):
        assert {type(leaf) for leaf in leaves(frames, name)} == {kind}
    assert {type(leaf) for leaf in leaves([leaves(frames, "trades"), leaves(frames, "trade")], "id")} >= {kind}
    assert {type(order["id"]) for order in leaves(frames, "order")} == {str}


def test_omitted_defaults_are_really_absent_and_emitted_ones_really_there() -> None:
    emitted, omitted = whole_session(defaults="emit"), whole_session(defaults="omit")
    assert [payload(frame)[0] for frame in emitted] == [payload(frame)[0] for frame in omitted]
    for name in ("businessUnit", "operator", "ioc", "makerOrder", "takerOrder", "stopPrice", "clientOrderId"):
        assert leaves(emitted, name)
        assert name not in keys_of(omitted)
    for name, default in (("takerSide", "BID"), ("side", "BID"), ("state", "PENDING"), ("period", "MIN1")):
        assert default in leaves(emitted, name)
        assert default not in leaves(omitted, name)
    assert "LIMIT" in leaves(emitted, "type")
    assert leaves(omitted, "type") == ["MARKET"] * len(leaves(omitted, "type"))
    assert [] in leaves(emitted, "asks")
    assert [] not in leaves(omitted, "asks") + leaves(omitted, "orders")
    assert {payload(frame)[0]: payload(frame)[1] for frame in omitted}["ordersSnapshot"] == {}


@pytest.mark.parametrize(("opcode", "number"), [("text", 1), ("binary", 2)])
def test_json_comes_in_the_chosen_frames_and_is_read_from_both(opcode: str, number: int) -> None:
    with LocalExchange(rate=0, opcode=opcode) as exchange, Peer(exchange) as peer:
        request = json.dumps({"requestId": "1", "subscribeMarketDepthRequest": BTC})
        for send in (peer.ws.send, peer.ws.send_binary):
            send(request if send == peer.ws.send else request.encode())
            got, data = peer.control()
            assert got == number
            assert payload(json.loads(data))[0] == "depthSnapshot"


@pytest.mark.parametrize(
    "option", [{"ids": "float"}, {"defaults": "some"}, {"opcode": "ping"}, {"opcode": "txt"}, {"rate": -1}]
)
def test_an_unknown_style_is_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        LocalExchange(**option)


# -- requests that are wrong --------------------------------------------------------------------------------------

# As numbers, or their text.
NO_LIMITS = [
    "1.0",
    "1e3",
    '"1_000"',
    '" 7 "',
    '"7\\n"',
    '"+7"',
    '"--7"',
    '"\u0663"',
    '""',
    "[]",
    f"{1 << 63}",
    f'"{1 << 80}"',
]
NO_INTERVALS = ["-1", '"-1"', f"{1 << 64}", "1" + "0" * 400, '"1' + "0" * 400 + '"']


@pytest.mark.parametrize(
    ("text", "request_id"),
    [
        ("no json", ""),
        ("[1]", ""),
        ('{"requestId":"\\ud800","ping":{}}', ""),
        ("{}", ""),
        ('{"requestId":1,"ping":{}}', ""),
        ('{"requestId":"","ping":{}}', ""),
        ('{"requestId":"a"}', "a"),
        ('{"requestId":"a","ping":null}', "a"),
        ('{"requestId":"a","ping":{},"heartbeatRequest":{"interval":1}}', "a"),
        ('{"requestId":"a","subscribeEverything":{}}', "a"),
        ('{"requestId":"a","ping":1}', "a"),
        ('{"requestId":"a","ping":{"x":1}}', "a"),
        ('{"requestId":"a","subscribeMarketDepthRequest":{}}', "a"),
        ('{"requestId":"a","subscribeMarketDepthRequest":{"market":7}}', "a"),
        ('{"requestId":"a","subscribeMarketDepthRequest":{"market":"btc-usdt"}}', "a"),
        ('{"requestId":"a","subscribeMarketDepthRequest":{"market":"BTCUSDT"}}', "a"),
        ('{"requestId":"a","subscribeMarketDepthRequest":{"market":"XRP-USDT"}}', "a"),
        ('{"requestId":"a","subscribeMarketsTickerRequest":{"markets":"BTC-USDT"}}', "a"),
        ('{"requestId":"a","subscribeMarketsTickerRequest":{"markets":["BTC-USDT","NO-NO"]}}', "a"),
        ('{"requestId":"a","subscribeMarketTradesRequest":{"market":"BTC-USDT","limit":"x"}}', "a"),
        ('{"requestId":"a","subscribeMarketTradesRequest":{"market":"BTC-USDT","limit":true}}', "a"),
        ('{"requestId":"a","subscribeMarketTradesRequest":{"market":"BTC-USDT","limit":-1}}', "a"),
        ('{"requestId":"a","subscribeMarketCandlesRequest":{"market":"BTC-USDT","period":"HOUR2"}}', "a"),
        ('{"requestId":"a","subscribeMarketCandlesRequest":{"market":"BTC-USDT","period":99}}', "a"),
        *((f'{{"requestId":"a","heartbeatRequest":{{"interval":{number}}}}}', "a") for number in NO_INTERVALS),
        *(
            (f'{{"requestId":"a","{member}":{{"market":"BTC-USDT","limit":{number}}}}}', "a")
            for member in ("subscribeMarketTradesRequest", "subscribeMarketCandlesRequest")
            for number in NO_LIMITS
        ),
    ],
)
def test_a_wrong_request_is_answered_with_45000_and_nothing_else_happens(
    still: LocalExchange, peer: Peer, text: str, request_id: str
) -> None:
    peer.ws.send(text)
    frame = peer.receive()
    assert frame["requestId"] == request_id
    assert frame["error"]["code"] == 45000
    assert frame["error"]["message"]
    assert peer.everything() == []
    assert still.subscriptions() == []


def test_an_integer_may_be_sent_as_its_text(still: LocalExchange, peer: Peer) -> None:
    for limit in ("7", "007"):
        text = json.dumps({"requestId": "1", "subscribeMarketTradesRequest": {**BTC, "limit": limit}})
        peer.ws.send(text)  # JSON is read on every connection
        assert len(payload(peer.receive())[1]["trades"]) == 7
    assert len(peer.ask("subscribeMarketTradesRequest", {**BTC, "limit": (1 << 63) - 1})[1]["trades"]) == len(
        still.trades("BTC-USDT")
    )
    peer.send("heartbeatRequest", {"interval": (1 << 64) - 1})
    assert peer.everything() == []


TOKEN = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbiI6Im9mIHRoaXMgdGVzdCJ9.c2lnbmF0dXJl"
LOGINS = {
    "right": ({"token": TOKEN, "deviceId": "d"}, {"token": "***", "deviceId": "d"}),
    "without a device": ({"token": TOKEN, "deviceId": None}, {"token": "***", "deviceId": None}),
    "a token that is no text": ({"token": [TOKEN]}, {"token": "***"}),
    "nothing but the token": (TOKEN, "***"),
    "a list": ([TOKEN], "***"),
    "a name written otherwise": ({"Token": TOKEN}, "***"),
    "one more field": ({"token": TOKEN, "again": TOKEN}, "***"),
    "a device that is no text": ({"token": "x", "deviceId": {"token": TOKEN}}, "***"),
}


@pytest.mark.parametrize("case", LOGINS)
def test_a_token_is_shown_nowhere_whatever_its_request_looks_like(still: LocalExchange, peer: Peer, case: str) -> None:
    login, shown = LOGINS[case]
    peer.ws.send(json.dumps({"requestId": "a", "authenticateCustomerRequest": login}))
    member, error = payload(peer.receive())
    assert member == "error"
    assert TOKEN.split(".")[1] not in error["message"]
    assert still.requests == [(1, {"requestId": "a", "authenticateCustomerRequest": shown})]


def test_an_enum_may_be_sent_as_its_number(still: LocalExchange, peer: Peer) -> None:
    assert peer.ask("subscribeMarketCandlesRequest", {**BTC, "period": 4})[0] == "candlesSnapshot"
    assert still.subscriptions()[0].detail == "HOUR1"


@pytest.mark.parametrize(("one", "two"), [("json", "json"), ("json", "proto"), ("proto", "proto")])
def test_requests_are_told_in_order_of_arrival(still: LocalExchange, one: str, two: str) -> None:
    with Peer(still, one) as first, Peer(still, two) as second:
        first.ask("subscribeMarketDepthRequest", BTC)
        second.ask("ping")
        first.ask("ping")
    assert [(number, next(name for name in request if name != "requestId")) for number, request in still.requests] == [
        (1, "subscribeMarketDepthRequest"),
        (2, "ping"),
        (1, "ping"),
    ]


# -- keepalive ----------------------------------------------------------------------------------------------------


def test_ping_frames_and_ping_requests_are_answered(peer: Peer) -> None:
    peer.ws.ping(b"payload")
    assert peer.control() == (10, b"payload")
    assert peer.ask("ping") == ("pong", {})


def test_heartbeats_come_while_asked_for(peer: Peer) -> None:
    peer.send("heartbeatRequest", {"interval": 1})
    assert peer.receive() == {"requestId": "", "heartbeat": {}}
    assert peer.receive() == {"requestId": "", "heartbeat": {}}
    peer.send("heartbeatRequest", {"interval": 0})
    assert peer.everything() == []


# -- who is there -------------------------------------------------------------------------------------------------


def test_a_client_that_leaves_is_forgotten(still: LocalExchange) -> None:
    with Peer(still) as peer:
        peer.ask("subscribeMarketDepthRequest", BTC)
        assert still.connection_count == 1
        assert [s.connection for s in still.subscriptions()] == [1]
    wait_until(lambda: still.connection_count == 0)
    assert still.subscriptions() == []
    with Peer(still) as peer:
        peer.ws.close()
        wait_until(lambda: still.connection_count == 0)
    assert still.handshakes == 2


def test_the_close_code_of_a_client_is_echoed(peer: Peer) -> None:
    peer.ws.send_close(1000, b"done")
    opcode, data = peer.control()
    assert (opcode, data[:2]) == (8, (1000).to_bytes(2, "big"))


def test_clients_that_do_not_read_are_dropped_and_disturb_nobody(still: LocalExchange) -> None:
    still.backlog_limit = 200_000
    still.stall_limit = 1e9
    with Peer(still, sockopt=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)]) as lazy:
        lazy.ask("subscribeMarketDepthRequest", BTC)
        still.backlog_limit = 1 << 30
        with Peer(still) as eager:
            replica = Replica()
            eager.send("subscribeMarketDepthRequest", BTC)
            replica.take(eager.receive())

            def dropped() -> bool:
                still.step(500, "BTC-USDT")
                for frame in eager.everything():
                    replica.take(frame)
                return still.slow_clients_dropped == 1

            wait_until(dropped, 120)
            replica.assert_equals(still)
            wait_until(lambda: still.connection_count == 1)


def test_a_client_that_has_stalled_is_dropped(still: LocalExchange) -> None:
    still.stall_limit = 0.0
    still.backlog_limit = 1 << 40
    with Peer(still, sockopt=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)]) as lazy:
        lazy.ask("subscribeMarketDepthRequest", BTC)

        def dropped() -> bool:
            still.step(500, "BTC-USDT")
            return still.slow_clients_dropped == 1

        wait_until(dropped, 120)
