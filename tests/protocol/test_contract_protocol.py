"""Contract sockets over bytes: paths, depth, and what no frame may do (contract protocol, sections 1, 3 and 8)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from contract_lines import AT, BTC, ETH, NAME, PONG, Line, breaks, by_route, events, holes, problems, touches
from hypothesis import given, settings
from hypothesis import strategies as st

from bigone_sync.enums import CandlePeriod, Channel
from bigone_sync.errors import DecodeError, ProtocolError, SequenceGap
from bigone_sync.events import DepthSnapshot, DepthUpdate, SubscriptionKey
from bigone_sync.protocol.base import Broken, Problem, Touch
from bigone_sync.protocol.contract import Socket

D = Decimal

SNAPSHOT = (
    b'{"to":91277134,"bestPrices":{"ask":11202.5,"bid":11192.5},"lastPrice":11183.5,"bids":{"11192":35,"11184":742,'
    b'"11192.5":389,"11188":293},"asks":{"11202.5":1806,"11212.5":2138,"11211.5":19308},"from":0}'
)
UPDATE = (
    b'{"bids":{"11183":3500},"lastPrice":11183.5,"from":91277135,"bestPrices":{"ask":11202.5,"bid":11192.5},"asks":{},'
    b'"to":91277135}'
)


def depth(from_id: int, to_id: int, **other: Any) -> dict[str, Any]:
    return {"from": from_id, "to": to_id, "bids": {"9": 1}, "asks": {"11": 2}, **other}


def depth_line(to_id: int | None = 100) -> Line:
    """A depth socket of BTC whose snapshot reached so far; None: nothing has come."""
    line = Line(Channel.DEPTH, BTC)
    if to_id is not None:
        assert events(line.send(depth(0, to_id)))
    return line


# -- sockets -------------------------------------------------------------------------------------------------------

PERIODS = [
    (CandlePeriod.MIN1, "1MIN"),
    (CandlePeriod.MIN5, "5MIN"),
    (CandlePeriod.MIN15, "15MIN"),
    (CandlePeriod.MIN30, "30MIN"),
    (CandlePeriod.HOUR1, "1H"),
    (CandlePeriod.HOUR4, "4H"),
    (CandlePeriod.HOUR6, "6H"),
    (CandlePeriod.HOUR12, "12H"),
    (CandlePeriod.DAY1, "1D"),
]
PATHS: list[tuple[SubscriptionKey, str]] = [
    (SubscriptionKey(Channel.DEPTH, BTC), "depth@BTCUSD"),
    (SubscriptionKey(Channel.TRADES, "BTCUSDT"), "trades@BTCUSDT"),
    (SubscriptionKey(Channel.INSTRUMENTS, BTC), "instruments@BTCUSD"),
    (SubscriptionKey(Channel.INSTRUMENTS), "instruments"),
    *((SubscriptionKey(Channel.CANDLES, BTC, period), f"candlesticks/{word}@BTCUSD") for period, word in PERIODS),
    *((SubscriptionKey(kind), "stream") for kind in (Channel.CASH, Channel.POSITIONS, Channel.ORDERS, Channel.FILLS)),
    *((SubscriptionKey(kind, BTC), "stream") for kind in (Channel.POSITIONS, Channel.ORDERS, Channel.FILLS)),
]


@pytest.mark.parametrize(("key", "path"), PATHS, ids=[f"{key}" for key, _ in PATHS])
def test_a_stream_has_the_path_of_the_documents(key: SubscriptionKey, path: str) -> None:
    assert Socket.of(key).path == path


def test_all_private_streams_are_one_socket_and_public_ones_one_each() -> None:
    sockets = {Socket.of(key) for key, _ in PATHS}
    assert len(sockets) == len({path for _, path in PATHS}) == 4 + len(PERIODS) + 1


# -- depth ---------------------------------------------------------------------------------------------------------


def test_the_documented_frames() -> None:
    line = Line(Channel.DEPTH, BTC)
    items = line.send(SNAPSHOT, UPDATE)
    snapshot, update = events(items)
    assert type(snapshot) is DepthSnapshot
    assert (snapshot.market, snapshot.change_id, snapshot.last_price) == (BTC, 91277134, D("11183.5"))
    assert {str(level.price): level.amount for level in snapshot.bids} == {
        "11192": 35,
        "11184": 742,
        "11192.5": 389,
        "11188": 293,
    }
    assert {level.price for level in snapshot.asks} == {D("11202.5"), D("11212.5"), D("11211.5")}
    assert type(update) is DepthUpdate
    assert (update.market, update.prev_id, update.change_id) == (BTC, 91277135, 91277135)
    assert [(level.price, level.amount) for level in update.bids] == [(11183, 3500)]
    assert list(update.asks) == []
    assert {(event.connection, event.received_at) for event in (snapshot, update)} == {(NAME, AT)}
    assert touches(items) == [Touch(line.route, D("11192.5"), D("11202.5"))] * 2


def test_events_and_their_best_prices_take_turns() -> None:
    items = Line(Channel.DEPTH, BTC).send(SNAPSHOT, UPDATE)
    assert [type(what) for _, what in items] == [list, Touch, list, Touch]


def test_the_symbol_is_absent_in_snapshots_and_present_in_deltas_of_the_live_wire() -> None:
    line = depth_line(100)
    items = line.send(depth(100, 130, symbol=BTC), depth(130, 131, symbol=BTC))
    assert [(event.prev_id, event.change_id) for event in events(items)] == [(100, 130), (130, 131)]
    assert events(line.again(depth(0, 5, symbol=BTC), depth(5, 6)))


@pytest.mark.parametrize("first", [depth(5, 6, symbol=ETH), depth(0, 6, symbol=ETH)])
@pytest.mark.parametrize("begun", [False, True])
def test_a_frame_of_another_contract_gives_the_socket_up(first: Any, begun: bool) -> None:
    line = depth_line(5 if begun else None)
    items = line.send(first)
    assert events(items) == []
    (broken,) = breaks(items)
    assert type(broken.error) is ProtocolError
    assert broken.route is line.route
    assert broken.error.connection == NAME
    assert "'ETHUSD'" in str(broken.error)
    assert BTC in str(broken.error)


def test_after_a_frame_of_another_contract_all_is_held_back_until_a_new_socket() -> None:
    line = depth_line(100)
    # What names no contract may be the other one's, too, snapshots above all.
    items = line.send(
        depth(100, 101, symbol=ETH),
        depth(100, 101, symbol=BTC),
        depth(0, 500),
        depth(500, 501, symbol=BTC),
        depth(501, 502, symbol=ETH),
    )
    assert [type(what) for _, what in items] == [Broken]
    assert line.protocol.held_back == 4
    assert events(line.again(depth(0, 7), depth(7, 8, symbol=BTC)))
    assert line.protocol.held_back == 4


def test_a_frame_of_another_contract_after_a_gap_is_not_told_and_trusted_neither() -> None:
    line = depth_line(100)
    assert len(breaks(line.send(depth(500, 501)))) == 1
    assert line.send(depth(501, 502, symbol=ETH), depth(0, 600)) == []
    assert line.protocol.held_back == 2
    assert events(line.again(depth(0, 7)))


def test_a_gap_is_told_once_with_what_was_expected() -> None:
    line = depth_line(100)
    items = line.send(depth(150, 160), depth(160, 161), depth(100, 101))
    assert events(items) == []
    (broken,) = breaks(items)
    error = broken.error
    assert isinstance(error, SequenceGap)
    assert (error.market, error.expected, error.got, error.connection) == (BTC, 100, 150, NAME)
    assert broken.reason == "sequence gap: expected 100, got 150"
    assert line.protocol.held_back == 2
    assert touches(items) == []


def test_a_delta_before_the_snapshot_is_a_gap_with_nothing_expected() -> None:
    line = depth_line(None)
    (broken,) = breaks(line.send(depth(3, 4)))
    assert isinstance(broken.error, SequenceGap)
    assert (broken.error.expected, broken.error.got) == (None, 3)
    assert "a snapshot" in str(broken.error)


def test_a_new_socket_begins_with_its_snapshot_whatever_was_before() -> None:
    line = depth_line(100)
    line.send(depth(150, 160))
    items = line.again(depth(0, 90), depth(91, 91))
    assert [event.change_id for event in events(items)] == [90, 91]
    assert breaks(items) == holes(items) == []
    assert breaks(line.again(depth(91, 92)))


@pytest.mark.parametrize(
    ("best", "bid", "ask"),
    [
        ({"bid": 9.5, "ask": 11}, D("9.5"), D(11)),
        ({"bid": 9}, D(9), None),
        ({"ask": 11, "bid": None}, None, D(11)),
        ({"ask": 11, "bid": 0}, None, D(11)),
        ({"ask": "11.0", "bid": ""}, None, D(11)),
    ],
)
def test_best_prices_of_one_side(best: Any, bid: Decimal | None, ask: Decimal | None) -> None:
    line = depth_line(None)
    items = line.send(depth(0, 1, bestPrices=best), depth(1, 2, bestPrices=best))
    assert touches(items) == [Touch(line.route, bid, ask)] * 2


@pytest.mark.parametrize("other", [{}, {"bestPrices": None}, {"bestPrices": {}}, {"bestPrices": {"bid": 0, "ask": 0}}])
def test_without_best_prices_nothing_is_compared(other: Any) -> None:
    items = depth_line(None).send(depth(0, 1, **other), depth(1, 2, **other))
    assert len(events(items)) == 2
    assert touches(items) == []


@pytest.mark.parametrize("sides", [{"bids": None, "asks": {}}, {"bids": {}}, {}])
def test_sides_may_be_empty_null_or_missing(sides: Any) -> None:
    (event,) = events(depth_line(None).send({"from": 0, "to": 1, **sides}))
    assert (list(event.bids), list(event.asks)) == ([], [])


@pytest.mark.parametrize("ids", [(100, 101), (100, 130), (101, 101)])
@pytest.mark.parametrize("form", [0, 1])
def test_a_delta_that_cannot_be_read_is_missed_at_the_next(ids: tuple[int, int], form: int) -> None:
    line = depth_line(100)
    bad = {"from": ids[0], "to": ids[1], "bids": {"x": 1}}
    items = line.send(bad, depth(ids[1] + form, ids[1] + 5))
    (error,) = problems(items)
    assert isinstance(error, DecodeError)
    assert events(items) == []
    assert [type(broken.error) for broken in breaks(items)] == [SequenceGap]
    assert line.protocol.decode_errors == 1


def test_garbage_that_was_no_delta_costs_nothing_on_the_live_wire() -> None:
    line = depth_line(100)
    items = line.send(b"nonsense", depth(100, 105), depth(105, 106))
    assert len(events(items)) == 2
    assert breaks(items) == []


def test_nobody_gets_the_depth_that_nobody_wants() -> None:
    line = depth_line(100)
    line.protocol.remove(line.route)
    assert line.send(depth(100, 101), depth(0, 5)) == []


# -- pongs ---------------------------------------------------------------------------------------------------------

ALL_SOCKETS: list[tuple[Any, ...]] = [
    (Channel.DEPTH, BTC),
    (Channel.TRADES, BTC),
    (Channel.CANDLES, BTC, CandlePeriod.MIN1),
    (Channel.INSTRUMENTS,),
    (Channel.INSTRUMENTS, BTC),
    (None,),
]
TRADE = {"id": "a", "symbol": BTC, "price": 1, "size": 1, "matchedAt": 1562288776609, "side": "BUY"}
CANDLE = {"symbol": BTC, "type": "1MIN", "time": 1562301000000, "version": 1}
FIRST: dict[Channel, Any] = {
    Channel.DEPTH: depth(0, 1),
    Channel.TRADES: [TRADE],
    Channel.CANDLES: [CANDLE],
}


@pytest.mark.parametrize("socket", ALL_SOCKETS)
@pytest.mark.parametrize("pong", [PONG, b'{"pong":null}', b'{"pong":{"a":[1]}}', b' {"pong" : "x"} '])
def test_a_pong_is_no_data_on_any_socket(socket: Any, pong: bytes) -> None:
    line = Line(*socket)
    assert line.send(pong, pong) == []
    assert line.protocol.decode_errors == 0


@pytest.mark.parametrize("socket", ALL_SOCKETS[:3])
def test_a_pong_is_not_the_first_frame(socket: Any) -> None:
    line = Line(*socket)
    message = FIRST[socket[0]]
    for items in (line.send(PONG, message), line.again(PONG, b'{"pong":7}', message)):
        for event in events(items):
            assert type(event) is DepthSnapshot or event.is_snapshot


# -- garbage -------------------------------------------------------------------------------------------------------

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "from",
                    "to",
                    "symbol",
                    "bids",
                    "asks",
                    "bestPrices",
                    "bid",
                    "id",
                    "price",
                    "size",
                    "matchedAt",
                    "side",
                ]
                + [
                    "type",
                    "time",
                    "version",
                    "nextTs",
                    "cash",
                    "positions",
                    "orders",
                    "trades",
                    "currency",
                    "seqNo",
                    "1",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
_FRAMES = st.binary(max_size=60) | _JSON.map(lambda value: json.dumps(value).encode()) | st.just(SNAPSHOT[:-7])


@pytest.mark.parametrize("socket", ALL_SOCKETS)
@settings(max_examples=25)
@given(frames=st.lists(_FRAMES, max_size=5))
def test_garbage_is_reported_and_never_raises(socket: Any, frames: list[bytes]) -> None:
    line = Line(*socket)
    errors = [error for error in problems(line.send(*frames)) if isinstance(error, DecodeError)]
    assert len(errors) == line.protocol.decode_errors
    good = FIRST.get(socket[0])
    if good is not None:
        assert events(line.again(good)) or line.protocol.duplicates


@pytest.mark.parametrize("socket", ALL_SOCKETS)
@pytest.mark.parametrize(
    "frame",
    [b"", b"\xff\xfe", b"nonsense", b"1", b'"text"', b"null", b"true", b'[{"id":1', b"[1]", b"[[]]", b'[{"symbol":5}]'],
)
def test_what_is_no_frame_at_all_gives_decode_errors_and_nothing_else(socket: Any, frame: bytes) -> None:
    line = Line(*socket)
    items = line.send(frame)
    assert items
    assert all(isinstance(what, Problem) for _, what in items)
    assert all(type(error) is DecodeError for error in problems(items))
    assert line.protocol.decode_errors == len(items)


def test_an_error_shows_the_beginning_of_the_frame_and_no_token() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJrZXkifQ.c2lnbmF0dXJlc2lnbmF0dXJl"
    (error,) = problems(Line(None).send(f'{{"cash":5,"x":"Bearer {token}"'.encode()))
    assert isinstance(error, DecodeError)
    assert error.connection == NAME
    assert error.excerpt.startswith('{"cash":5')
    assert token not in error.excerpt + str(error) + repr(error.__cause__)


def test_a_frame_that_cannot_be_read_does_not_take_the_others_of_the_read_along() -> None:
    line = Line(Channel.TRADES, BTC)
    items = line.send(b"{", [TRADE], b"]")
    assert [type(what) for _, what in items] == [Problem, list, Problem]
    assert by_route(items)[0][0] == SubscriptionKey(Channel.TRADES, BTC)
    assert events(items)[0].is_snapshot
