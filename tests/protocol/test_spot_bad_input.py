"""Whatever the exchange sends: a report, never an exception, and the next good frame is read."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
from spot_lines import MARKET, Line, candle, delivered, depth_snapshot, depth_update, order, trade

from bigone_sync.enums import CandlePeriod, Channel
from bigone_sync.errors import BigOneError, DecodeError, UnknownMessage
from bigone_sync.events import Account, Candle, DepthUpdate, Order, Ticker, Trade
from bigone_sync.protocol.base import Problem


def full_line() -> Line:
    """A line with one stream of every kind, its book live at 1."""
    line = Line()
    line.subscribed(Channel.DEPTH, MARKET)
    line.subscribed(Channel.TRADES, MARKET)
    line.subscribed(Channel.TICKER, MARKET)
    line.subscribed(Channel.CANDLES, MARKET, CandlePeriod.MIN1)
    line.subscribed(Channel.ACCOUNTS)
    line.subscribed(Channel.ORDERS, MARKET)
    line.send(depth_snapshot("1"))
    return line


def assert_alive(line: Line) -> None:
    """All streams of a :func:`full_line` still deliver."""
    row = [{"price": "1", "amount": "2"}]
    items = line.send(
        depth_snapshot("1", bids=row),
        depth_update("2", "1", bids=row),
        {"tradeUpdate": {"trade": trade(str(2**64 - 1))}},
        {"tickerUpdate": {"ticker": {"market": MARKET}}},
        {"candleUpdate": {"candle": candle("2030-01-01T00:00:00Z")}},
        {"accountUpdate": {"account": {"asset": "BTC"}}},
        {"orderUpdate": {"order": order("alive", amount="12.5")}},
    )
    kinds = [type(event) for event in delivered(items)]
    assert kinds[-6:] == [DepthUpdate, Trade, Ticker, Candle, Account, Order]


def assert_bounded(error: BigOneError) -> None:
    assert len(str(error)) < 700
    assert len(getattr(error, "excerpt", "")) <= 4 * 200


DEEP = b"[" * 100_000 + b"]" * 100_000
BROKEN_FRAMES = {
    "empty": b"",
    "space": b" \n",
    "array": b"[]",
    "array of objects": b'[{"heartbeat":{}}]',
    "text": b'"x"',
    "number": b"5",
    "null": b"null",
    "true": b"true",
    "NaN": b"NaN",
    "word": b"hello",
    "truncated": b'{"requestId":"1","depthUpdate":{"depth":{"market":"BTC-US',
    "two objects": b'{"heartbeat":{}}{"heartbeat":{}}',
    "trailing comma": b'{"heartbeat":{},}',
    "single quotes": b"{'heartbeat':{}}",
    "byte order mark": b'\xef\xbb\xbf{"heartbeat":{}}',
    "UTF-16": '{"heartbeat":{}}'.encode("utf-16"),
    "NUL": b'\x00{"heartbeat":{}}',
    "protobuf": b"\x0a\x011\x92\x06\x02\x08\x01",
    "broken UTF-8 in a name": b'{"\xff\xfe":{}}',
    "broken UTF-8 in a market": b'{"depthSnapshot":{"depth":{"market":"\xc3\x28"}}}',
    "broken UTF-8 in an update": b'{"depthUpdate":{"depth":{"market":"\xc3\x28"},"changeId":"2","prevId":"1"}}',
    "overlong UTF-8": b'{"depthSnapshot":{"depth":{"market":"\xc0\xaf"}}}',
    "lone surrogate": b'{"depthSnapshot":{"depth":{"market":"\\ud800"}}}',
    "reversed surrogates": b'{"depthSnapshot":{"depth":{"market":"\\udc00\\ud800"}}}',
    "lone surrogate in a name": b'{"\\ud800":{}}',
    "bad escape": b'{"depthSnapshot":{"depth":{"market":"\\x41"}}}',
    "control character": b'{"depthSnapshot":{"depth":{"market":"\x01"}}}',
    "deep arrays": DEEP,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep and open": b"[" * 100_000,
    "deep id": b'{"requestId":' + DEEP + b',"heartbeat":{}}',
    "deep unknown member": b'{"heartbeat":{},"x":' + DEEP + b"}",
    "deep update": b'{"depthUpdate":' + DEEP + b"}",
    "deep in an update": b'{"depthUpdate":{"depth":{"market":"BTC-USDT","x":' + DEEP + b'},"changeId":2,"prevId":1}}',
    "deep in a trade": b'{"tradeUpdate":{"trade":{"id":"5","createdAt":' + DEEP + b"}}}",
    "less deep in a trade": b'{"tradeUpdate":{"trade":{"id":"5","createdAt":' + b"[" * 900 + b"]" * 900 + b"}}}",
    "deep in a list": b'{"tradesSnapshot":{"trades":[{"id":"5","createdAt":' + DEEP + b"}]}}",
}


@pytest.mark.parametrize("name", BROKEN_FRAMES)
def test_what_is_not_a_message_is_a_decode_error(name: str) -> None:
    line = full_line()
    items = line.send(BROKEN_FRAMES[name], BROKEN_FRAMES[name])
    assert len(items) == 2  # each is reported
    for route, what in items:
        assert route is None
        assert isinstance(what, Problem)
        assert isinstance(what.error, DecodeError)
        assert isinstance(what.error.__cause__, ValueError)
        assert what.error.connection == "spot/depth"
        assert_bounded(what.error)
    assert line.protocol.decode_errors == 2
    assert_alive(line)


def test_bytes_that_are_no_text_are_skipped_where_nobody_reads_them() -> None:
    line = full_line()
    assert isinstance(line.problem(b'{"surprise":"\xff"}'), UnknownMessage)
    assert_alive(line)


def test_the_excerpt_shows_the_beginning_of_the_frame() -> None:
    error = Line().problem(b"<html>\xff" + b"x" * 10_000)
    assert isinstance(error, DecodeError)
    assert error.excerpt.startswith("<html>\\xffxxx")
    assert_bounded(error)


HUGE = b"9" * 5000
NUMBERS = [
    b"1e400",
    b"-1e400",
    b"NaN",
    b"-NaN",
    b"Infinity",
    b"-Infinity",
    b"9" * 30,
    b"9" * 4299,
    HUGE,
    b"1e-400",
    b"-0",
]
PLACES = [
    b'{"depthUpdate":{"depth":{"market":"BTC-USDT","bids":[{"price":@,"amount":"1"}]},"changeId":"2","prevId":"1"}}',
    b'{"depthUpdate":{"depth":{"market":"BTC-USDT","asks":[{"price":"1","amount":@}]},"changeId":"2","prevId":"1"}}',
    b'{"depthUpdate":{"depth":{"market":"BTC-USDT","asks":[{"price":"1","amount":"1","orderCount":@}]},'
    b'"changeId":"2","prevId":"1"}}',
    b'{"depthUpdate":{"depth":{"market":"BTC-USDT"},"changeId":@,"prevId":"1"}}',
    b'{"depthUpdate":{"depth":{"market":"BTC-USDT"},"changeId":"2","prevId":@}}',
    b'{"depthSnapshot":{"depth":{"market":"BTC-USDT","bids":[{"price":@,"amount":"1"}]},"changeId":"2"}}',
    b'{"depthSnapshot":{"depth":{"market":"BTC-USDT"},"changeId":@}}',
    b'{"marketDepth":{"market":"BTC-USDT","changeId":"2","prevId":@}}',
    b'{"tradeUpdate":{"trade":{"id":@,"price":"1","amount":"1","market":"BTC-USDT"}}}',
    b'{"tradeUpdate":{"trade":{"id":"7","price":@,"amount":"1","market":"BTC-USDT"}}}',
    b'{"tradesSnapshot":{"trades":[{"id":"7","price":"1","amount":@,"market":"BTC-USDT"}]}}',
    b'{"tradeUpdate":{"trade":{"id":"7","price":"1","amount":"1","market":"BTC-USDT","takerSide":@}}}',
    b'{"tradeUpdate":{"trade":{"id":"7","price":"1","amount":"1","market":"BTC-USDT","createdAt":@}}}',
    b'{"tickerUpdate":{"ticker":{"market":"BTC-USDT","bid":{"price":"1","orderCount":@}}}}',
    b'{"candleUpdate":{"candle":{"market":"BTC-USDT","period":@}}}',
    b'{"accountUpdate":{"account":{"asset":"BTC","balance":@}}}',
    b'{"orderUpdate":{"order":{"id":@,"market":"BTC-USDT"}}}',
    b'{"orderUpdate":{"order":{"id":"7","market":"BTC-USDT","price":@}}}',
    b'{"orderUpdate":{"id":"7","market":"BTC-USDT","ioc":@}}',
    b'{"error":{"code":@,"message":"x"}}',
    b'{"requestId":@,"error":{"code":45000}}',
    b'{"requestId":@,"pong":{}}',
    b'{"success":{"ok":@}}',
    b'{"surprise":@}',
    b"@",
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("quoted", [False, True])
def test_absurd_numbers_are_read_exactly_or_reported(place: bytes, quoted: bool) -> None:
    for number in NUMBERS:
        line = full_line()
        frame = place.replace(b"@", b'"' + number + b'"' if quoted else number)
        for _, what in line.send(frame):
            if isinstance(what, Problem):
                assert_bounded(what.error)
            shown = repr(what)  # looks at every level
            assert not re.search(r"Decimal\('-?(s?NaN|Infinity)", shown)
        assert_alive(line)


TEXT = [5, 1.5, True, {}, []]
INTEGER = [1.5, True, {}, [], "x", "1.5"]
WORD = [1.5, True, {}, []]
TIME = [5, 1.5, True, {}, [], "x"]
FLAG = [5, 1.5, "true", {}, []]
NUMBER = ["x", "NaN", *TEXT]
PRICE = ["x", "", "NaN", "-1", None, True, {}, []]
LIST = [5, 1.5, "x", True, {}]
OBJECT = [5, 1.5, "x", True, []]
LEVEL = {"price": "1", "amount": "2", "orderCount": "1"}
LEVEL_SHAPES = {"price": PRICE, "amount": PRICE, "orderCount": ["x", True, {}, [], 1.5]}
ORDER = order(
    stopPrice="1",
    filledAmount="1",
    filledFees="1",
    avgDealPrice="1",
    createdAt="2018-09-12T09:52:36Z",
    updatedAt="2018-09-12T09:52:36Z",
    businessUnit="SPOT",
    type="LIMIT",
    operator="LTE",
    ioc=True,
    clientOrderId="x",
)
ORDER_SHAPES = {
    "id": [1.5, True, {}, [], None, ""],
    "market": TEXT,
    "clientOrderId": TEXT,
    "ioc": FLAG,
    **dict.fromkeys(["price", "stopPrice", "amount", "filledAmount", "filledFees", "avgDealPrice"], TEXT),
    **dict.fromkeys(["side", "state", "businessUnit", "type", "operator"], WORD),
    **dict.fromkeys(["createdAt", "updatedAt"], TIME),
}
TRADE_SHAPES = {
    "id": [*INTEGER, None, 0],
    "price": [*NUMBER, None, ""],
    "amount": [*NUMBER, None, ""],
    "market": TEXT,
    "createdAt": TIME,
    "takerSide": WORD,
}
TICKER = dict.fromkeys(("open", "high", "low", "close", "volume", "dailyChange", "dailyChangePerc"), "1")
TICKER_SHAPES = {"market": TEXT, "bid": OBJECT, "ask": [*OBJECT, {"price": "x"}], **dict.fromkeys(TICKER, NUMBER)}
CANDLE_SHAPES = {
    "market": TEXT,
    "time": TIME,
    "period": WORD,
    **dict.fromkeys(["open", "high", "low", "close", "volume"], NUMBER),
}
ACCOUNT_SHAPES = {"asset": TEXT, "balance": NUMBER, "lockedBalance": NUMBER}
TOUCH_SHAPES = {"price": NUMBER, "amount": NUMBER, "orderCount": INTEGER}

# A good payload, the way to an object in it, and what each of that object's members must not be.
SHAPES: list[tuple[dict[str, Any], tuple[Any, ...], dict[str, list[Any]]]] = [
    ({"success": {"ok": True}}, ("success",), {"ok": FLAG}),
    ({"error": {"code": 1, "message": "x"}}, ("error",), {"code": INTEGER, "message": TEXT}),
    ({"tradeUpdate": {"trade": trade("5")}}, ("tradeUpdate", "trade"), TRADE_SHAPES),
    ({"tradeUpdate": {"trade": trade("5")}}, ("tradeUpdate",), {"trade": [*OBJECT, None]}),
    ({"tradesSnapshot": {"trades": [trade("5")]}}, ("tradesSnapshot", "trades", 0), TRADE_SHAPES),
    ({"tradesSnapshot": {"trades": [trade("5")]}}, ("tradesSnapshot",), {"trades": [*LIST, [None], [5]]}),
    ({"tickerUpdate": {"ticker": {"market": MARKET, **TICKER}}}, ("tickerUpdate", "ticker"), TICKER_SHAPES),
    ({"tickerUpdate": {"ticker": {"market": MARKET, "bid": LEVEL}}}, ("tickerUpdate", "ticker", "bid"), TOUCH_SHAPES),
    (
        {"tickersSnapshot": {"tickers": [{"market": MARKET, **TICKER}]}},
        ("tickersSnapshot", "tickers", 0),
        TICKER_SHAPES,
    ),
    ({"tickersSnapshot": {"tickers": []}}, ("tickersSnapshot",), {"tickers": [*LIST, [None], [5]]}),
    ({"candleUpdate": {"candle": candle("2018-09-12T09:52:00Z")}}, ("candleUpdate", "candle"), CANDLE_SHAPES),
    (
        {"candlesSnapshot": {"candles": [candle("2018-09-12T09:52:00Z")]}},
        ("candlesSnapshot", "candles", 0),
        CANDLE_SHAPES,
    ),
    ({"candlesSnapshot": {"candles": []}}, ("candlesSnapshot",), {"candles": [*LIST, [None], [5]]}),
    ({"accountUpdate": {"account": {"asset": "BTC"}}}, ("accountUpdate", "account"), ACCOUNT_SHAPES),
    ({"accountsSnapshot": {"accounts": [{"asset": "BTC"}]}}, ("accountsSnapshot", "accounts", 0), ACCOUNT_SHAPES),
    ({"accountsSnapshot": {"accounts": []}}, ("accountsSnapshot",), {"accounts": [*LIST, [None], [5]]}),
    ({"orderUpdate": {"order": ORDER}}, ("orderUpdate", "order"), ORDER_SHAPES),
    ({"orderUpdate": ORDER}, ("orderUpdate",), ORDER_SHAPES),
    ({"orderUpdate": {"order": ORDER}}, ("orderUpdate",), {"order": [*OBJECT, None]}),
    ({"ordersSnapshot": {"orders": [ORDER]}}, ("ordersSnapshot", "orders", 0), ORDER_SHAPES),
    ({"ordersSnapshot": {"orders": []}}, ("ordersSnapshot",), {"orders": [*LIST, [None], [5]]}),
]
for _name, _flat in (("depthSnapshot", False), ("depthUpdate", False), ("marketDepth", True)):
    _depth = {"market": MARKET, "bids": [LEVEL], "asks": [LEVEL]}
    _ids = {"changeId": "2", "prevId": "1"}
    _good = {_name: {**_depth, **_ids} if _flat else {"depth": _depth, **_ids}}
    _way = (_name,) if _flat else (_name, "depth")
    _read = ["changeId"] if _name == "depthSnapshot" else ["changeId", "prevId"]
    SHAPES += [
        (_good, (_name,), dict.fromkeys(_read, INTEGER)),
        (_good, _way, {"market": [*TEXT, None, ""], "bids": [*LIST, [None], [5]], "asks": [*LIST, [None], [{}]]}),
        (_good, (*_way, "bids", 0), LEVEL_SHAPES),
        (_good, (*_way, "asks", 0), LEVEL_SHAPES),
    ]
    if not _flat:
        SHAPES.append((_good, (_name,), {"depth": [*OBJECT, None]}))
SHAPES += [
    (good, (), {kind: OBJECT})
    for good, way, _ in SHAPES
    if len(way) == 1
    for kind in good
    # An empty object is what they are; nobody looks inside.
    if kind not in ("pong", "heartbeat")
]


@pytest.mark.parametrize(
    ("good", "way", "shapes"),
    SHAPES,
    ids=[f"{'.'.join(map(str, way))}({','.join(shapes)})" for _, way, shapes in SHAPES],
)
def test_a_member_of_a_wrong_shape_is_a_decode_error(
    good: dict[str, Any], way: tuple[Any, ...], shapes: dict[str, list[Any]]
) -> None:
    for member, wrongs in shapes.items():
        for wrong in wrongs:
            message = copy.deepcopy(good)
            place: Any = message
            for step in way:
                place = place[step]
            place[member] = wrong
            line = full_line()
            before = line.protocol.decode_errors
            items = line.send(message)
            errors = [what.error for _, what in items if isinstance(what, Problem)]
            assert len(errors) == 1, (message, items)
            assert isinstance(errors[0], DecodeError), message
            assert_bounded(errors[0])
            assert delivered(items) == [], message
            assert line.protocol.decode_errors == before + 1
            assert_alive(line)


def test_a_long_text_in_the_place_of_a_number_does_not_become_a_long_message() -> None:
    for name in ("depthSnapshot", "depthUpdate"):
        frame = json.dumps({name: {"depth": {"market": MARKET, "bids": [{"price": "x" * 100_000, "amount": "1"}]}}})
        error = full_line().problem(frame.encode())
        assert isinstance(error, DecodeError)
        assert_bounded(error)


@pytest.mark.parametrize("price", ["1_0", " 1", "1 ", "\u0661", "0x10", "", "1e301", "1e400", "nan", "-1", "1" * 401])
def test_levels_that_only_python_would_take_for_numbers_are_errors(price: str) -> None:
    for name in ("depthSnapshot", "depthUpdate"):
        for row in ({"price": price, "amount": "1"}, {"price": "1", "amount": price}):
            line = full_line()
            depth = {"market": MARKET, "asks": [row]}
            assert isinstance(line.problem({name: {"depth": depth, "changeId": "2", "prevId": "1"}}), DecodeError)


def test_a_depth_update_that_cannot_be_read_leaves_a_gap() -> None:
    line = full_line()
    assert isinstance(line.problem(depth_update("2", "1", bids=[{"price": "x", "amount": "1"}])), DecodeError)
    items = line.send(depth_update("3", "2"))
    assert delivered(items) == []
    assert len(items) == 1
