"""Whatever the short way accepts must mean exactly what a protobuf parser and the checks of the long way say."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import given, settings
from hypothesis import strategies as st
from spot_lines import MARKET, delivered

from bigone_sync.enums import Channel
from bigone_sync.events import DepthSnapshot, DepthUpdate, LevelText, SubscriptionKey
from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema
from bigone_sync.protocol.spot import SpotProtocol
from bigone_sync.protocol.spot_proto import ProtoCodec
from bigone_sync.protocol.spot_proto_depth import HotReader, HotUpdate, NotHot

Row = tuple[str, str, int]
Hot = Callable[[bytes], HotUpdate]
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?\Z", re.ASCII)


def frame(
    asks: list[Row],
    bids: list[Row],
    *,
    change: int = 1001,
    prev: int = 1000,
    market: str = MARKET,
    request_id: str = "1",
) -> bytes:
    response = schema.Response(request_id=request_id)
    update = response.depth_update
    update.depth.market, update.change_id, update.prev_id = market, change, prev
    for side, rows in ((update.depth.asks, asks), (update.depth.bids, bids)):
        for price, amount, count in rows:
            side.add(price=price, amount=amount, order_count=count)
    return bytes(response.SerializeToString(deterministic=True))


def said(data: bytes) -> tuple[Any, ...]:
    """What a parser reads in a frame; fails if there is anything that it would not read, or read as no level."""
    try:
        response = schema.Response.FromString(data)
    except (DecodeError, ValueError) as error:
        raise AssertionError(f"no parser reads {data!r}") from error
    assert response.WhichOneof("payload") == "depth_update", data
    update = response.depth_update
    parts = [response, update, update.depth, *update.depth.asks, *update.depth.bids]
    assert not any(len(UnknownFieldSet(part)) for part in parts), data
    for level in (*update.depth.asks, *update.depth.bids):
        assert NUMBER.match(level.price), data
        assert NUMBER.match(level.amount), data
    return (
        update.depth.market,
        update.change_id,
        update.prev_id,
        tuple(LevelText(level.price, level.amount, level.order_count) for level in update.depth.asks),
        tuple(LevelText(level.price, level.amount, level.order_count) for level in update.depth.bids),
    )


def heard(hot: Hot, data: bytes) -> tuple[Any, ...] | None:
    """What the short way makes of it; None: it leaves it to a parser."""
    try:
        found = hot(data)
    except NotHot:
        return None
    return (
        found.depth.market,
        found.change_id,
        found.prev_id,
        ProtoCodec.asks_of(found),
        ProtoCodec.bids_of(found),
    )


numbers = st.from_regex(r"[0-9]{1,12}(\.[0-9]{0,10})?", fullmatch=True)
rows = st.tuples(numbers, numbers, st.integers(0, 130) | st.sampled_from([46, 48, 57, 127, 18, 16, 10, 26]))
sides = st.lists(rows, max_size=9)
ids = st.integers(128, 2**63 - 2)
SHARED = HotReader().read


@settings(max_examples=30)
@given(sides, sides, ids, st.sampled_from([MARKET, "ETH-USDT", "DOGE-EUR"]), st.sampled_from(["", "1", "77"]))
def test_usual_frames_take_the_short_way_and_mean_the_same(
    asks: list[Row], bids: list[Row], prev: int, market: str, request_id: str
) -> None:
    data = frame(asks, bids, change=prev + 1, prev=prev, market=market, request_id=request_id)
    # Longer levels than any market has are left to a parser, too.
    usual = all(count < 128 and len(price) + len(amount) < 38 for price, amount, count in (*asks, *bids))
    for hot in (SHARED, HotReader().read):
        for _ in range(2):  # the second time from memory
            found = heard(hot, data)
            assert found == said(data) if usual else found in (None, said(data))


@settings(max_examples=15)
@given(st.lists(st.tuples(sides, sides), min_size=1, max_size=6), st.data())
def test_no_memory_makes_a_changed_frame_mean_something_else(
    books: list[tuple[list[Row], list[Row]]], data: st.DataObject
) -> None:
    hot = HotReader().read
    for asks, bids in books:
        whole = frame(asks, bids)
        heard(hot, whole)
        at = data.draw(st.integers(0, len(whole) - 1))
        for byte in data.draw(st.lists(st.integers(0, 255), max_size=8)):
            changed = whole[:at] + bytes([byte]) + whole[at + 1 :]
            found = heard(hot, changed)
            assert found is None or found == said(changed)


def some_rows(dice: random.Random) -> list[Row]:
    def number() -> str:
        whole = str(dice.randrange(10 ** dice.randint(1, 6)))
        return f"{whole}.{dice.randrange(10 ** dice.randint(1, 8))}" if dice.random() < 0.7 else whole

    return [(number(), number(), dice.choice((0, 1, 2, 7, 48, 100))) for _ in range(dice.randint(0, 5))]


def mutated(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        at = dice.randrange(len(changed))
        how = dice.randrange(5)
        if how == 0:
            changed[at] ^= 1 << dice.randrange(8)
        elif how == 1:
            changed[at] = dice.choice(b"\x00\x01\x02\x08\x0a\x0b\x0c\x0d\x10\x12\x16\x18\x1a\x20./059:\x7f\x80\xff")
        elif how == 2:
            del changed[at]
        elif how == 3:
            changed.insert(at, dice.randrange(256))
        elif len(changed) > at + 2:
            changed[at], changed[at + 1] = changed[at + 1], changed[at]
        if not changed:
            return bytes(data)
    return bytes(changed)


@pytest.mark.parametrize("seed", range(3))
def test_ten_thousand_mutated_frames_are_exact_or_left_to_a_parser(seed: int) -> None:
    dice, hot = random.Random(seed), HotReader().read
    accepted = 0
    pool = [frame(some_rows(dice), some_rows(dice), change=1001 + n, prev=1000 + n) for n in range(300)]
    for _ in range(10_000):
        data = dice.choice(pool)
        if dice.random() < 0.2:
            assert heard(hot, data) == said(data)
        changed = mutated(data, dice)
        found = heard(hot, changed)
        if found is not None:
            accepted += changed != data
            assert found == said(changed), changed
    assert accepted > 50  # digits that became others, for instance: it was not all refused


LEVEL = b"\x12\x0d\x0a\x03105\x12\x0412.5\x18\x07"


def wrapped(levels: bytes, ids: bytes = b"\x10\xe9\x07\x18\xe8\x07", *, behind: bytes = b"") -> bytes:
    depth = b"\x0a\x08BTC-USDT" + levels
    update = b"\x0a" + bytes([len(depth)]) + depth + ids
    return b"\x0a\x011\xd2\x06" + bytes([len(update)]) + update + behind


GOOD = wrapped(LEVEL)


@pytest.mark.parametrize(
    "unusual",
    [
        b"",
        b"{}",
        b'{"depthUpdate":{}}',
        wrapped(LEVEL, b"\x10\xe9\x07\x18\xe8\x07\x20\x01"),  # an unknown field behind
        wrapped(LEVEL, b"\x18\xe8\x07\x10\xe9\x07"),  # another order
        wrapped(LEVEL, b"\x10\xe9\x07\x10\xe9\x07"),  # a field twice
        wrapped(LEVEL, b"\x10\xe9\x87\x00\x18\xe8\x07"),  # a number longer than needed
        wrapped(LEVEL, b"\x10\x05\x18\x04"),  # short ids
        wrapped(LEVEL, b"\x10\xe9\x07"),  # no prev id
        wrapped(LEVEL, b"\x20\xe9\x07\x18\xe8\x07"),  # another field in the place of the change id
        wrapped(LEVEL, b"\x10" + b"\xff" * 9 + b"\x01\x18\xe8\x07"),  # beyond 63 bits
        wrapped(LEVEL, behind=b"\x0a\x012"),  # the request id again
        wrapped(b"\x12\x0d\x0a\x03-05\x12\x0412.5\x18\x07"),  # not a plain number
        wrapped(b"\x12\x0d\x0a\x031e5\x12\x0412.5\x18\x07"),
        wrapped(b"\x12\x0d\x0a\x03105\x12\x041..5\x18\x07"),
        wrapped(b"\x12\x0d\x0a\x03105\x12\x041.2.\x18\x07"),
        wrapped(b"\x12\x0d\x0a\x03105\x12\x04.125\x18\x07"),
        wrapped(b"\x12\x0d\x0a\x03105\x12\x0412.5\x18\x00"),  # a zero that is written
        wrapped(b"\x12\x0e\x0a\x03105\x12\x0412.5\x18\x87\x01"),  # more orders than a byte holds
        wrapped(b"\x12\x0d\x12\x0412.5\x0a\x03105\x18\x07"),  # amount first
        wrapped(b"\x12\x05\x0a\x03105\x12\x06\x12\x0412.5"),  # one level cut in two
        wrapped(b"\x12\x0c\x0a\x03105\x12\x0412.5\x18\x07"),  # a length too short
        wrapped(b"\x12\x0e\x0a\x03105\x12\x0412.5\x18\x07"),  # a length too long
        wrapped(b"\x12\x0d\x0a\x02105\x12\x0412.5\x18\x07"),
        wrapped(b"\x1a" + LEVEL[1:] + LEVEL),  # a bid before an ask
        wrapped(LEVEL + b"\x1a" + LEVEL[1:] + LEVEL),
        wrapped(b"\x12"),
        wrapped(b"\x12\x00"),
        wrapped(b"\x22\x0d\x0a\x03105\x12\x0412.5\x18\x07"),  # no side at all
        GOOD[:-1],
        GOOD[3:-1],
        GOOD.replace(b"BTC-USDT", b"BTC\xffUSDT"),
        GOOD.replace(b"\x011", b"\x01\xff"),
    ],
)
def test_what_is_unusual_is_left_to_a_parser_whatever_came_before(unusual: bytes) -> None:
    hot = HotReader().read
    assert heard(hot, unusual) is None
    assert heard(hot, GOOD) == (MARKET, 1001, 1000, (LevelText("105", "12.5", 7),), ())
    assert heard(hot, unusual) is None
    assert heard(hot, GOOD) == said(GOOD)


def test_a_byte_behind_the_levels_that_is_no_tag_is_never_learnt() -> None:
    hot = HotReader().read
    odd = wrapped(LEVEL, b"\x20\xe9\x07\x18\xe8\x07")
    assert heard(hot, GOOD) is not None
    for _ in range(3):
        assert heard(hot, odd) is None


def test_either_side_can_be_asked_for_again_and_again() -> None:
    hot = HotReader().read
    found = hot(frame([("101", "1", 0), ("102.5", "2.0", 48)], [("99", "3", 7)]))
    asks, bids = (LevelText("101", "1", 0), LevelText("102.5", "2.0", 48)), (LevelText("99", "3", 7),)
    for side in "abbaabaabb":
        assert (found.asks() == asks) if side == "a" else (found.bids() == bids)


def test_frames_that_begin_alike_are_told_apart() -> None:
    hot = HotReader().read
    markets = ("A-B", "BTC-USDT", "BTC-USDC", "BTC-USD", "1000SATS-USDT", "1000SATS-USDC")
    ids = ("", "1", "a request id that is longer than what is looked at first", "a request id that is longer than that")
    for _ in range(3):  # from the second time on from memory
        for market in markets:
            for request_id in ids:
                for change in (129, 20_000, 3_000_000):
                    data = frame([("101", "1", 0)], [], change=change, prev=128, market=market, request_id=request_id)
                    assert heard(hot, data) == said(data)


def test_what_is_remembered_is_bounded() -> None:
    reader = HotReader()
    hot = reader.read
    dice = random.Random(5)
    for number in range(8_000):
        data = frame(some_rows(dice), some_rows(dice), change=10**6 + number * 128, prev=10**6 + number * 128 - 1)
        assert heard(hot, data) == said(data)
    for number in range(16_500):
        data = frame([], [], market=f"M{number}-USDT")
        assert heard(hot, data) == said(data)
    sizes = reader.sizes()
    assert set(sizes) == {"heads", "first bytes", "change ids", "prev ids", "shapes", "sides", "levels"}
    assert 0 < sizes.pop("heads") <= 16_384
    assert max(sizes.values()) <= 4098  # a shape has two sides


def test_readers_of_several_connections_may_share_it() -> None:
    hot = HotReader().read
    wrong: list[bytes] = []

    def work(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(3000):
            data = frame(some_rows(dice), some_rows(dice), market=dice.choice([MARKET, "ETH-USDT"]))
            if heard(hot, data) != said(data):
                wrong.append(data)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_short_and_the_long_way_give_equal_events() -> None:
    dice = random.Random(3)
    snapshot = schema.Response()
    snapshot.depth_snapshot.depth.market, snapshot.depth_snapshot.change_id = MARKET, 1000
    frames = [frame(some_rows(dice), some_rows(dice), change=1001 + n, prev=1000 + n) for n in range(200)]
    found = []
    for codec in (ProtoCodec(), ProtoCodec()):
        protocol = SpotProtocol(codec, connection="spot/depth")
        protocol.subscribe([protocol.add(SubscriptionKey(Channel.DEPTH, MARKET))])
        if found:
            codec.hot = refuse  # type: ignore[assignment]
        found.append(delivered(protocol.receive([snapshot.SerializeToString(), *frames], 1.0)))
    short, long = found
    assert len(short) == 201
    assert isinstance(short[0], DepthSnapshot)
    assert all(isinstance(event, DepthUpdate) for event in short[1:])
    assert short == long
    assert repr(short) == repr(long)


def refuse(data: bytes) -> HotUpdate:
    raise NotHot
