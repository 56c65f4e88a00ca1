"""However an exchange writes the same depth update, the same event comes out, to the last digit."""

from __future__ import annotations

import json
import pickle
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spot_lines import MARKET, Line, depth_line, depth_snapshot, level

from bigone_sync.enums import Channel
from bigone_sync.events import DepthSnapshot, DepthUpdate, Levels, LevelText
from bigone_sync.protocol.base import Item
from bigone_sync.protocol.spot_json import JsonCodec


class SlowCodec(JsonCodec):
    """The codec without its short cut."""

    @staticmethod
    def hot(data: bytes) -> Any:
        raise msgspec.DecodeError("look closer")


digits = st.text("0123456789", min_size=1, max_size=12)
numbers = st.builds(
    lambda whole, part: f"{int(whole)}.{part}" if part else str(int(whole)), digits, digits | st.just("")
)
levels = st.tuples(numbers, numbers, st.just(0) | st.integers(0, 10**6))
sides = st.lists(levels, max_size=4)


def member(draw: st.DrawFn, name: str) -> str:
    """A member's name, perhaps with an escape in it."""
    if draw(st.integers(0, 9)):
        return json.dumps(name)
    at = draw(st.integers(0, len(name) - 1))
    return f'"{name[:at]}\\u{ord(name[at]):04x}{name[at + 1 :]}"'


EXTRA = ['"x":1', '"serverTime":"2018-09-12T09:52:37Z"', '"nested":{"a":[1,{"b":null}]}', '"":""', '"e":1e5']


def thing(draw: st.DrawFn, members: list[tuple[str, str]]) -> str:
    """A JSON object of ``members`` in any order, with additions and space that mean nothing."""
    parts = [f"{member(draw, name)}{gap(draw)}:{gap(draw)}{value}" for name, value in members]
    parts += draw(st.lists(st.sampled_from(EXTRA), max_size=2))
    inside = f"{gap(draw)},{gap(draw)}".join(draw(st.permutations(parts)))
    return f"{{{gap(draw)}{inside}{gap(draw)}}}"


def gap(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(["", "", "", " ", "\n\t", "\r\n  "]))


def integer(draw: st.DrawFn, value: int) -> str:
    return draw(st.sampled_from([f"{value}", f'"{value}"']))


def row(draw: st.DrawFn, price: str, amount: str, count: int) -> str:
    quote = draw(st.sampled_from(['"', '"', ""]))
    members = [("price", f"{quote}{price}{quote}"), ("amount", f"{quote}{amount}{quote}")]
    # A missing number is 0, and null is the same as missing.
    written = draw(st.sampled_from([integer(draw, count)] if count else [integer(draw, 0), "null", ""]))
    if written:
        members.append(("orderCount", written))
    return thing(draw, members)


@st.composite
def renderings(draw: st.DrawFn) -> tuple[bytes, dict[str, list[Any]], int, int]:
    """A depth update in some equivalent way, and what it says."""
    prev = draw(st.sampled_from([1, 2**31, 2**53 + 1, 2**63 - 2, 2**63, 2**64 - 2]))
    change = prev + 1
    said = {"bids": draw(sides), "asks": draw(sides)}
    depth = [("market", json.dumps(MARKET))]
    for name, rows in said.items():
        if rows:
            separator = f"{gap(draw)},{gap(draw)}"
            depth.append((name, f"[{separator.join(row(draw, *one) for one in rows)}]"))
        else:
            depth.extend((name, written) for written in draw(st.sampled_from([["[]"], ["null"], []])))
    update = [("depth", thing(draw, depth)), ("changeId", integer(draw, change)), ("prevId", integer(draw, prev))]
    envelope = [("depthUpdate", thing(draw, update))]
    request_id = draw(st.sampled_from(['"1"', '"foreign"', "7", "null", None]))
    if request_id is not None:
        envelope.append(("requestId", request_id))
    text = gap(draw) + thing(draw, envelope) + gap(draw)
    return text.encode(), said, prev, change


def received(codec: JsonCodec, data: bytes, prev: int) -> list[Item]:
    line = Line()
    line.protocol = type(line.protocol)(codec, connection="spot/depth")
    line.subscribed(Channel.DEPTH, MARKET)
    line.send(depth_snapshot(str(prev)))
    return line.send(data)


@given(renderings())
def test_all_renderings_of_an_update_give_the_same_event(case: tuple[bytes, dict[str, list[Any]], int, int]) -> None:
    data, said, prev, change = case
    expected = DepthUpdate(
        MARKET, tuple(level(*one) for one in said["bids"]), tuple(level(*one) for one in said["asks"]), change, prev
    )
    for codec in (JsonCodec(), SlowCodec()):
        ((_, events),) = received(codec, data, prev)
        assert events == [expected]
        (event,) = events  # type: ignore[misc]
        assert hash(event) == hash(expected)
        for side, rows in (("bids", said["bids"]), ("asks", said["asks"])):
            found = getattr(event, side)
            assert found.text() == tuple(LevelText(*one) for one in rows)
            assert [(str(price), str(amount)) for price, amount, _ in found] == [
                (str(Decimal(price)), str(Decimal(amount))) for price, amount, _ in rows
            ]


def test_the_short_cut_is_taken_for_the_usual_frame() -> None:
    frame = b'{"requestId":"1","depthUpdate":{"depth":{"market":"B-U","bids":[]},"changeId":"2","prevId":"1"}}'
    update = JsonCodec.hot(frame).depth_update
    assert update is not None
    assert (update.depth.market, update.prev_id, update.change_id) == ("B-U", 1, 2)
    assert JsonCodec.hot(b'{"requestId":"1","depthSnapshot":{}}').depth_update is None
    with pytest.raises(JsonCodec.not_hot):
        JsonCodec.hot(b"")


def side(price: str, amount: str = '"1"') -> bytes:
    row = f'{{"price":{price},"amount":{amount}}}'
    depth = f'{{"market":"{MARKET}","bids":[{row}],"asks":[{row}]}}'
    return f'{{"depthUpdate":{{"depth":{depth},"changeId":2,"prevId":1}}}}'.encode()


LITERALS = [
    ("1.10", "1.10"),
    ("0.1", "0.1"),
    ("12345678901234567890123456789012345", "12345678901234567890123456789012345"),
    ("0.30000000000000004000", "0.30000000000000004000"),
    ("1e2", "1e2"),
    ("1E+2", "1E+2"),
    ('"1.10"', "1.10"),
    ('"\\u0031.1\\u0030"', "1.10"),
    ('"0.000"', "0.000"),
    ('"01"', "01"),
    ('"1."', "1."),
    ('"+1"', "+1"),
    ('"1e5"', "1e5"),
    ('"' + "9" * 299 + '"', "9" * 299),
    ('"0.' + "0" * 300 + '1"', "0." + "0" * 300 + "1"),
]


@pytest.mark.parametrize(("written", "text"), LITERALS)
def test_no_digit_of_a_price_or_an_amount_is_lost(written: str, text: str) -> None:
    line, _ = depth_line("1")
    event = line.one(side(written, written))
    assert isinstance(event, DepthUpdate)
    for found in (event.bids, event.asks):
        assert isinstance(found, Levels)
        assert found.text() == (LevelText(text, text),)
        ((price, amount, count),) = found
        assert (str(price), str(amount), count) == (str(Decimal(text)), str(Decimal(text)), 0)


@pytest.mark.parametrize("written", [literal for literal, _ in LITERALS])
def test_snapshots_keep_them_too(written: str) -> None:
    line, _ = depth_line("1")
    update = line.one(side(written, written))
    frame = side(written, written).replace(b"depthUpdate", b"depthSnapshot").replace(b',"prevId":1', b"")
    snapshot = line.one(frame)
    assert isinstance(update, DepthUpdate)
    assert isinstance(snapshot, DepthSnapshot)
    assert (snapshot.bids, snapshot.asks) == (update.bids, update.asks)
    assert isinstance(snapshot.bids, Levels)
    assert isinstance(update.bids, Levels)
    assert snapshot.bids.text() == update.bids.text()


def test_text_and_bare_numbers_may_stand_side_by_side() -> None:
    rows = b'[{"price":"1.10","amount":2.50,"orderCount":"3"},{"price":4.00,"amount":"5.0"}]'
    line, _ = depth_line("1")
    event = line.one(side("1").replace(b'[{"price":1,"amount":"1"}]', rows))
    assert isinstance(event, DepthUpdate)
    for found in (event.bids, event.asks):
        assert isinstance(found, Levels)
        assert found.text() == (LevelText("1.10", "2.50", 3), LevelText("4.00", "5.0"))


@pytest.mark.parametrize("bare", [False, True])
def test_one_side_bare_and_the_other_missing(bare: bool) -> None:
    literal = "1.50" if bare else '"1.50"'
    for name in ("bids", "asks"):
        line, _ = depth_line("1")
        rows = f'"{name}":[{{"price":{literal},"amount":{literal}}}]'
        event = line.one(
            f'{{"depthUpdate":{{"depth":{{"market":"{MARKET}",{rows}}},"changeId":2,"prevId":1}}}}'.encode()
        )
        assert isinstance(event, DepthUpdate)
        assert {"bids": tuple(event.bids), "asks": tuple(event.asks)} == {
            "bids": (),
            "asks": (),
            name: (level("1.50", "1.50"),),
        }


def test_events_survive_a_pickle() -> None:
    line, _ = depth_line("1")
    event = line.one(side('"1.10"'))
    copy = pickle.loads(pickle.dumps(event))
    assert copy == event
    assert str(copy.bids[0].price) == "1.10"


# As a float it was checked to be zero; no Decimal can hold such an exponent.
@pytest.mark.parametrize("written", ['"1e-99999999999999999999"', '"0e99999999999999999999"'])
def test_an_exponent_beyond_all_reason_does_not_raise_at_whoever_looks(written: str) -> None:
    line, _ = depth_line("1")
    items = line.send(side('"1"', written))
    assert repr(items)
    assert items[-1][1][0].bids[0].amount == 0
