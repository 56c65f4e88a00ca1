"""The protobuf codec by itself: what proto3 says of defaults, unknown fields, enums, ids and times."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from proto_check_values import CHECK_VALUES, CheckValue
from spot_lines import MARKET, delivered, level, utc

from bigone_sync.enums import BusinessUnit, CandlePeriod, Channel, OrderOperator, OrderState, OrderType, Side
from bigone_sync.errors import DecodeError, UnknownMessage
from bigone_sync.events import Account, Candle, DepthSnapshot, DepthUpdate, Event, Order, SubscriptionKey, Ticker, Trade
from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema
from bigone_sync.protocol.base import CodecError, Item, Problem, Reply
from bigone_sync.protocol.spot import SpotProtocol
from bigone_sync.protocol.spot_json import JsonCodec
from bigone_sync.protocol.spot_proto import ProtoCodec
from bigone_sync.times import NanoDatetime


def response(**payload: Any) -> bytes:
    """A ``Response``, its payload given by its JSON name."""
    return bytes(ParseDict({"requestId": "1", **payload}, schema.Response()).SerializeToString())


def varint(number: int) -> bytes:
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    return bytes([*written, number])


def field(number: int, value: int | bytes) -> bytes:
    """One field: a varint, or length and bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


DEPTH_UPDATE, TRADE_UPDATE, ORDER_UPDATE = 106, 104, 112


def listening(*keys: SubscriptionKey) -> SpotProtocol:
    protocol = SpotProtocol(ProtoCodec(), connection="spot/shared")
    for key in keys:
        protocol.subscribe([protocol.add(key)])
    return protocol


def only(items: list[Item]) -> Event:
    ((_, (event,)),) = [(route, what) for route, what in items if route is not None]  # type: ignore[misc]
    return event


def error_of(items: list[Item]) -> Exception:
    ((route, what),) = items
    assert route is None
    assert isinstance(what, Problem)
    return what.error


ORDERS = SubscriptionKey(Channel.ORDERS)
TRADES = SubscriptionKey(Channel.TRADES, MARKET)
DEPTH = SubscriptionKey(Channel.DEPTH, MARKET)


def test_what_is_not_on_the_wire_is_the_first_value() -> None:
    order = only(listening(ORDERS).receive([response(orderUpdate={"order": {"id": "7"}})], 1.0))
    assert order == Order("7", "", Side.BUY, OrderType.LIMIT, OrderState.PENDING, None, None)
    assert isinstance(order, Order)
    assert (order.operator, order.business_unit, order.ioc) == (OrderOperator.LTE, BusinessUnit.SPOT, False)
    assert (order.created_at, order.updated_at, order.client_order_id) == (None, None, "")
    candle = only(
        listening(SubscriptionKey(Channel.CANDLES, MARKET, CandlePeriod.MIN1)).receive(
            [response(candleUpdate={"candle": {"market": MARKET}})], 1.0
        )
    )
    assert candle == Candle(MARKET, CandlePeriod.MIN1, None)


def test_an_empty_part_is_there_and_an_unset_one_is_not() -> None:
    ticker = SubscriptionKey(Channel.TICKER)
    empty = only(listening(ticker).receive([response(tickerUpdate={"ticker": {"bid": {}}})], 1.0))
    assert empty == Ticker("")
    assert isinstance(error_of(listening(ticker).receive([response(tickerUpdate={})], 1.0)), DecodeError)
    # The smallest Timestamp of all says 1970, and none says nothing.
    trade = {"id": "1", "price": "1", "amount": "1", "market": MARKET}
    stamped = response(tradeUpdate={"trade": {**trade, "createdAt": "1970-01-01T00:00:00Z"}})
    first = only(listening(TRADES).receive([stamped], 1.0))
    assert isinstance(first, Trade)
    assert first.time == utc(1970, 1, 1)
    second = only(listening(TRADES).receive([response(tradeUpdate={"trade": trade})], 1.0))
    assert isinstance(second, Trade)
    assert second.time is None


@pytest.mark.parametrize("number", [5, 7, 2**31 - 1, -1, -(2**31)])
def test_an_unknown_enum_number_is_kept(number: int) -> None:
    message = schema.Response()
    order = message.order_update.order
    order.id, order.state, order.side = "7", number, number
    event = only(listening(ORDERS).receive([message.SerializeToString()], 1.0))
    assert isinstance(event, Order)
    assert event.state == OrderState.UNKNOWN
    assert event.side == Side.UNKNOWN
    assert (event.state.value, str(event.side)) == (str(number), f"UNKNOWN({number})")


@pytest.mark.parametrize(
    ("nanos", "micros", "rest"), [(0, 0, 0), (1, 0, 1), (999, 0, 999), (1000, 1, 0), (999_999_999, 999_999, 999)]
)
@pytest.mark.parametrize("seconds", [0, -1, 1_536_745_957, -62135596800, 253402300799])
def test_times_keep_their_nanoseconds(seconds: int, nanos: int, micros: int, rest: int) -> None:
    message = schema.Response()
    trade = message.trade_update.trade
    trade.id, trade.price, trade.amount, trade.market = 1, "1", "1", MARKET
    trade.created_at.seconds, trade.created_at.nanos = seconds, nanos
    trade.created_at.SetInParent()
    event = only(listening(TRADES).receive([message.SerializeToString()], 1.0))
    assert isinstance(event, Trade)
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds, microseconds=micros)
    assert event.time == (NanoDatetime.build(moment, rest) if rest else moment)
    assert getattr(event.time, "nanosecond", 0) == rest


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(0, -1), (0, 10**9), (253402300800, 0), (-62135596801, 0), (2**63 - 1, 0), (-(2**63), 0)]
)
def test_a_time_that_is_none_costs_its_item_only(seconds: int, nanos: int) -> None:
    message = schema.Response()
    for number in (1, 2):
        message.trades_snapshot.trades.add(id=number, price="1", amount="1", market=MARKET)
    stamp = message.trades_snapshot.trades[0].created_at
    stamp.seconds, stamp.nanos = seconds, nanos
    items = listening(TRADES).receive([message.SerializeToString()], 1.0)
    assert [type(what.error) for route, what in items if isinstance(what, Problem)] == [DecodeError]
    trade = only(items)
    assert isinstance(trade, Trade)
    assert trade.id == "2"


def test_ids_use_all_64_bits() -> None:
    largest = 2**64 - 1
    protocol = listening(DEPTH, TRADES)
    ids = {"changeId": str(largest - 1)}
    snapshot = only(protocol.receive([response(depthSnapshot={"depth": {"market": MARKET}, **ids})], 1.0))
    assert isinstance(snapshot, DepthSnapshot)
    update = only(
        protocol.receive(
            [response(depthUpdate={"depth": {"market": MARKET}, "changeId": str(largest), "prevId": str(largest - 1)})],
            1.0,
        )
    )
    assert isinstance(update, DepthUpdate)
    assert (snapshot.change_id, update.change_id, update.prev_id) == (largest - 1, largest, largest - 1)
    trade = {"id": str(largest), "price": "1", "amount": "1", "market": MARKET}
    event = only(protocol.receive([response(tradeUpdate={"trade": trade})], 1.0))
    assert isinstance(event, Trade)
    assert event.id == str(largest)


def test_a_level_without_a_count_has_zero_orders() -> None:
    depth = {"market": MARKET, "asks": [{"price": "1.50", "amount": "0"}], "bids": [{"price": "1", "amount": "2"}]}
    event = only(listening(DEPTH).receive([response(depthSnapshot={"depth": depth, "changeId": "1"})], 1.0))
    assert isinstance(event, DepthSnapshot)
    assert (tuple(event.asks), tuple(event.bids)) == ((level("1.50", "0"),), (level("1", "2"),))


def test_unknown_fields_are_skipped_wherever_they_are() -> None:
    unknown = field(900, b"new") + field(901, 5) + varint(902 << 3 | 5) + b"four" + varint(903 << 3 | 1) + b"eight by"
    levels = field(2, field(1, b"1") + unknown + field(2, b"2"))
    body = field(1, field(1, MARKET.encode()) + levels + unknown) + unknown + field(2, 9) + field(3, 8)
    protocol = listening(DEPTH)
    snapshot = {"depth": {"market": MARKET}, "changeId": "8"}
    protocol.receive([response(depthSnapshot=snapshot)], 1.0)
    event = only(protocol.receive([unknown + field(DEPTH_UPDATE, body) + unknown], 1.0))
    assert event == DepthUpdate(MARKET, (), (level("1", "2"),), 9, 8)
    assert protocol.decode_errors == 0


@pytest.mark.parametrize("number", [122, 199, 201, 5000])
def test_a_payload_of_a_newer_schema_is_reported_once_and_does_no_harm(number: int) -> None:
    protocol = listening(DEPTH)
    frame = field(1, b"1") + field(number, field(1, b"something"))
    error = error_of(protocol.receive([frame], 1.0))
    assert isinstance(error, UnknownMessage)
    assert str(number) in str(error)
    assert protocol.receive([frame], 1.0) == []
    assert (protocol.unknown_messages, protocol.decode_errors) == (2, 0)


def test_a_response_of_no_bytes_is_an_empty_one() -> None:
    assert isinstance(error_of(listening().receive([b""], 1.0)), UnknownMessage)


def test_json_that_comes_nevertheless_is_read() -> None:
    protocol = listening(TRADES)
    trade = b'{"id":"5","price":"9.10","amount":"1","market":"BTC-USDT","takerSide":"ASK"}'
    event = only(protocol.receive([b'{"requestId":"1","tradeUpdate":{"trade":' + trade + b"}}"], 1.0))
    assert isinstance(event, Trade)
    assert (event.id, str(event.price), event.taker_side) == ("5", "9.10", Side.SELL)
    assert isinstance(error_of(protocol.receive([b"{garbage"], 1.0)), DecodeError)


def test_a_request_shows_no_token() -> None:
    protocol = listening()
    _, frame = protocol.authenticate("head.claims.signature")
    assert schema.Request.FromString(frame.data).authenticate_customer_request.token == "Bearer head.claims.signature"
    assert schema.Request.FromString(frame.shown).authenticate_customer_request.token == "***"
    assert b"signature" not in frame.shown
    assert frame.binary


def test_an_answer_finds_its_request() -> None:
    protocol = listening()
    request, frame = protocol.ping()
    assert frame.data == field(1, request.id.encode()) + field(100, b"")
    answer = field(1, request.id.encode()) + field(100, b"")
    assert protocol.receive([answer], 1.0) == [(None, Reply(request))]


# -- bytes that are known


@pytest.mark.parametrize(
    "check", [check for check in CHECK_VALUES if check.envelope == "Request"], ids=lambda c: c.name
)
def test_requests_are_these_bytes(check: CheckValue) -> None:
    meant = json.loads(check.json)
    request_id = meant.pop("requestId")
    ((name, parameters),) = meant.items()
    assert ProtoCodec.encode(request_id, name, parameters) == check.data


ANSWERS = [check for check in CHECK_VALUES if check.envelope == "Response"]


@pytest.mark.parametrize("check", ANSWERS, ids=lambda check: check.name)
def test_these_bytes_are_the_answers_that_the_json_is(check: CheckValue) -> None:
    ours, theirs = ProtoCodec.decode(check.data), JsonCodec.decode(check.json.encode())
    assert (ours.request_id, ours.kind) == (theirs.request_id, theirs.kind)
    meant = json.loads(check.json)
    assert ours.request_id == meant.get("requestId", "")
    assert ours.kind in meant


@pytest.mark.parametrize("codec", [ProtoCodec(), JsonCodec()], ids=["proto", "json"])
def test_these_bytes_make_these_events(codec: Any) -> None:
    protocol = SpotProtocol(codec, connection="spot/shared")
    for key in (DEPTH, TRADES, SubscriptionKey(Channel.ACCOUNTS)):
        protocol.add(key)
    frames = [check.data if codec.binary else check.json.encode() for check in ANSWERS]
    assert delivered(protocol.receive(frames, 1.0)) == [
        DepthSnapshot(MARKET, (level("159.99", "1.07552", 1),), (level("197.96", "5.0", 1),), 100),
        DepthUpdate(MARKET, (), (level("197.96", "0"),), 101, 100),
        Trade("28622", MARKET, Decimal("9.0"), Decimal("10000.0"), Side.BUY, utc(2018, 9, 12, 9, 52, 37)),
        Account("BTC", Decimal("10.0"), Decimal("0.0")),
    ]


# -- what is no Response, or not of the schema's types

GOOD = response(depthSnapshot={"depth": {"market": MARKET, "asks": [{"price": "1", "amount": "2"}]}, "changeId": "5"})
TRADE = field(1, 7) + field(2, b"1") + field(3, b"1") + field(4, MARKET.encode())


@pytest.mark.parametrize("length", range(1, len(GOOD)))
def test_a_frame_that_is_cut_off_is_no_other_message(length: int) -> None:
    cut = GOOD[:length]
    protocol = listening(DEPTH)
    if cut == field(1, b"1"):  # a whole Response, of no payload
        assert isinstance(error_of(protocol.receive([cut], 1.0)), UnknownMessage)
        return
    assert isinstance(error_of(protocol.receive([cut], 1.0)), DecodeError)
    assert isinstance(only(protocol.receive([GOOD], 1.0)), DepthSnapshot)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(field(1, 5) + field(TRADE_UPDATE, field(1, TRADE)), id="request id as a number"),
        pytest.param(field(TRADE_UPDATE, 5), id="payload as a number"),
        pytest.param(field(TRADE_UPDATE, field(1, 5)), id="trade as a number"),
        pytest.param(field(TRADE_UPDATE, field(1, TRADE + field(11, b"BID"))), id="side as text"),
        pytest.param(field(TRADE_UPDATE, field(1, TRADE + field(7, 5))), id="time as a number"),
        pytest.param(field(TRADE_UPDATE, field(1, TRADE + field(7, field(1, b"5")))), id="seconds as text"),
        pytest.param(field(TRADE_UPDATE, field(1, TRADE.replace(field(1, 7), field(1, b"7")))), id="trade id as text"),
        pytest.param(field(TRADE_UPDATE, field(1, TRADE + varint(2 << 3 | 5) + b"four")), id="price as four bytes"),
        pytest.param(
            field(TRADE_UPDATE, field(1, TRADE + varint(2 << 3 | 1) + b"eight by")), id="price as eight bytes"
        ),
        pytest.param(field(DEPTH_UPDATE, field(1, field(1, b"X") + field(2, 5))), id="level as a number"),
        pytest.param(
            field(DEPTH_UPDATE, field(1, field(1, MARKET.encode()) + field(2, field(1, b"1") + field(2, 2)))),
            id="amount as a number",
        ),
        pytest.param(field(DEPTH_UPDATE, field(1, field(1, MARKET.encode())) + field(2, b"5")), id="change id as text"),
        pytest.param(b"\x0a\x01\xff" + field(TRADE_UPDATE, field(1, TRADE)), id="text that is not UTF-8"),
        pytest.param(field(TRADE_UPDATE, field(1, field(1, 7) + field(2, b"\xc3\x28"))), id="price not UTF-8"),
        pytest.param(b"\xff" * 10 + b"\x01", id="varint of eleven bytes as a tag"),
        pytest.param(field(DEPTH_UPDATE, varint(2 << 3) + b"\xff" * 10 + b"\x01"), id="varint of eleven bytes"),
        pytest.param(varint(DEPTH_UPDATE << 3 | 2) + varint(50_000_000) + b"\x0a\x00", id="length of 50 MB"),
        pytest.param(varint(DEPTH_UPDATE << 3 | 2) + varint(2**63), id="length of 2**63"),
        pytest.param(field(0, b"x"), id="field number 0"),
        pytest.param(b"\xd3\x06", id="group that does not end"),
        pytest.param(b"\xd4\x06", id="group that did not begin"),
        pytest.param(b"garbage", id="text"),
        pytest.param(b"Hello, World! This is a proxy's error page.", id="more text"),
        pytest.param(b"<html><body>502</body></html>", id="a page"),
        pytest.param(b"[1,2,3]", id="JSON that is no object"),
        pytest.param(bytes(range(256)), id="all bytes"),
        pytest.param(b"\x00" * 100, id="zeros"),
        pytest.param(bytes.fromhex("0a0133ba060a0a084254432d55534454"), id="a Request"),
        pytest.param(GOOD[6:], id="a DepthSnapshot without its envelope"),
        pytest.param(field(2, b"1") + field(3, b"1"), id="a part of a Trade"),
    ],
)
def test_what_is_not_a_response_is_reported_and_the_stream_goes_on(frame: bytes) -> None:
    protocol = listening(DEPTH, TRADES)
    error = error_of(protocol.receive([frame], 1.0))
    assert type(error) is DecodeError
    assert isinstance(error.__cause__, CodecError)
    assert protocol.decode_errors == 1
    assert isinstance(only(protocol.receive([GOOD], 1.0)), DepthSnapshot)
