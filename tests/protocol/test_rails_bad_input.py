"""Whatever Rails sends, the protocol does not raise, and shows no credentials."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rails_lines import AT, CREATE_202, LINES, protocol_of, turned

from bigone_sync import Credentials, bigone_token
from bigone_sync.errors import DecodeError
from bigone_sync.events import Levels
from bigone_sync.protocol.base import Problem
from bigone_sync.protocol.rails_news import BookDelta, BookLost, BookSnapshot, News

TOKEN = bigone_token(Credentials("key", "secret"))


def look(news: list[News]) -> None:
    """Do what a user does with it."""
    for each in news:
        repr(each)
        if isinstance(each, (BookDelta, BookSnapshot)):
            event = each.update if isinstance(each, BookDelta) else each.snapshot
            for side in (event.bids, event.asks):
                assert isinstance(side, Levels)
                assert all(float(level.price) >= 0 and float(level.amount) >= 0 for level in side)


@pytest.mark.parametrize(
    "frame",
    [
        *(b"", b" ", b"nonsense", b"\xff\xfe", b"null", b"1", b'"text"', b"[]", b"[1]", b"{", b"{}", b'{"data":{}}'),
        *(b'{"resultType":null}', b'{"resultType":7,"data":{}}', b'{"resultType":""}', b'{"resultType":[]}'),
        *(b'{"message":"Internal server error"}', b'{"resultType":"createOrder"}', b"[" * 100_000),
        *(b'{"resultType":"createOrder","data":[]}', b'{"resultType":"subscribed","data":"x"}'),
        *(b'{"resultType":"pong","data":7}', b'{"resultType":"completedOrdersDelta"}', b'{"resultType":"\\ud800"}'),
        b'{"resultType":"createOrder","data":' + b'{"order":' * 50_000,
    ],
)
@pytest.mark.parametrize("market", ["BTC-USD", "ALL"])
def test_nonsense_is_reported(frame: bytes, market: str) -> None:
    protocol = protocol_of(market)
    news = protocol.receive([frame, CREATE_202], AT)
    assert len(news) == 2
    assert isinstance(news[0], Problem)
    assert isinstance(news[0].error, DecodeError)
    assert len(news[0].error.excerpt) <= 800
    assert protocol.decode_errors == 1


@pytest.mark.parametrize("cut", [10, 60, 100])
def test_a_broken_change_of_a_book_loses_it(cut: int) -> None:
    news = protocol_of().receive([LINES["DELTA"][:-cut]], AT)
    assert [type(each) for each in news] == [Problem, BookLost]


SIMPLE = st.sampled_from(
    [None, True, -1, 0, 1.5, 2**64, 10**400, float("nan"), "", "1", "-1", "1e999", "buy", "ALL", "\ud800", "\0|"]
)
VALUES = (
    SIMPLE | st.lists(SIMPLE, max_size=2) | st.dictionaries(st.sampled_from(["orders", "order"]), SIMPLE, max_size=2)
)


def replaced(tree: Any, at: int, value: Any) -> tuple[Any, int]:
    """``tree`` with ``value`` in place of its node number ``at``, and how many nodes it has."""
    if at == 0:
        return value, 1
    size = 1
    items = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)) if isinstance(tree, list) else []
    for index, (key, inner) in enumerate(items):
        new, count = replaced(inner, at - size, value)
        items[index] = key, new
        size += count
    if isinstance(tree, dict):
        return dict(items), size
    return ([inner for _, inner in items], size) if isinstance(tree, list) else (tree, size)


@settings(max_examples=100)
@given(
    st.sampled_from(sorted(LINES)),
    st.lists(st.tuples(st.integers(1, 40), VALUES), min_size=1, max_size=2),
    st.sampled_from(["ETH-USDT", "ALL"]),
    st.booleans(),
)
def test_values_of_all_kinds(line: str, changes: list[tuple[int, Any]], market: str, turn: bool) -> None:
    tree = json.loads(LINES[line])
    for at, value in changes:
        tree, _ = replaced(tree, at, value)
    if isinstance(tree, dict) and isinstance(tree.get("data"), dict) and turn:
        tree = turned(tree)
    look(protocol_of(market).receive([json.dumps(tree).encode()], AT))


@settings(max_examples=150)
@given(st.sampled_from(sorted(LINES)), st.data())
def test_bytes_of_all_kinds(line: str, data: st.DataObject) -> None:
    frame = bytearray(LINES[line])
    for _ in range(data.draw(st.integers(1, 3))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.sampled_from(b'{}[]":,\\0e-\xff\x00 n'))
    look(protocol_of().receive([bytes(frame[: data.draw(st.integers(0, len(frame)))])], AT))


@pytest.mark.parametrize("secret", [TOKEN, f"authorization#{TOKEN}", "authorization#opaque-secret", f"Bearer {TOKEN}"])
@pytest.mark.parametrize(
    "frame",
    [
        '{"resultType":"createOrder","data":{"statusCode":401,"body":"bad SECRET","order":{"orderId":"1"}}}',
        '{"resultType":"error","data":{"statusCode":401,"body":{"token":"SECRET"}}}',
        '{"resultType":"SECRET","data":{"statusCode":401}}',
        '{"resultType":"new","data":"SECRET"}',
        '{"resultType":"SECRET"}',
        '{"message":"SECRET"}',
        '{"resultType":"createOrder","data":{"order":{"orderId":"1","price":"SECRET"},"clientRequestId":"1"}}',
        '{"resultType":"createOrder","data":{"order":{"orderId":"1","postOnly":"SECRET"},"clientRequestId":"1"}}',
        '{"resultType":"publicOrderBookDelta","data":{"statusCode":500,"body":"SECRET"}}',
        '{"resultType":"publicOrderBookDelta","data":{"orders":[{"orderType":"SECRET","price":"1","quantity":"1"}]}}',
        '{"resultType":"publicCompletedOrdersDelta","data":{"orders":[{"matchId":"1","price":"SECRET"}]}}',
        '{"resultType":"completedOrdersDelta","data":[{"matchId":"1","market":"SECRET","fees":"SECRET"}]}',
        '{"resultType":"subscribed","data":{"activeSubscriptions":["SECRET"]}}',
        "refused SECRET",
    ],
)
def test_credentials_are_shown_nowhere(frame: str, secret: str) -> None:
    news = protocol_of().receive([frame.replace("SECRET", secret).encode()], AT)
    assert news
    for each in news:
        shown = [repr(each)]
        if isinstance(each, Problem):
            shown += [str(each.error), each.error.excerpt, *traceback.format_exception(each.error)]  # type: ignore[attr-defined]
        for text in shown:
            assert "opaque" not in text
            assert TOKEN.rpartition(".")[2] not in text
            assert "authorization#eyJ" not in text
