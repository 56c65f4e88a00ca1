"""An exchange that sends nonsense: reported, skipped, and nothing good is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from client_rig import BTC, PATIENCE, Log, Watched, matches, members, running, spot

from bigone_sync import (
    Account,
    Candle,
    ConnectionState,
    DecodeError,
    DepthUpdate,
    Limits,
    Order,
    RequestRejected,
    Ticker,
    Trade,
)
from bigone_sync.errors import MessageTooBig, UnknownMessage
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until


def level(price: str = '"1"', amount: str = '"1"') -> str:
    return f'{{"price":{price},"amount":{amount},"orderCount":"1"}}'


def update(levels: str, change: int, prev: int) -> str:
    depth = f'{{"market":"{BTC}","bids":[{levels}],"asks":[]}}'
    return f'{{"requestId":"1","depthUpdate":{{"depth":{depth},"changeId":"{change}","prevId":"{prev}"}}}}'


GARBAGE = {
    "no json": "hello",
    "half json": '{"requestId":"1","depthUpdate":{"depth":',
    "list": "[1,2,3]",
    "number": "42",
    "null": "null",
    "deep": "[" * 100_000,
    "wrong type": '{"requestId":"1","depthUpdate":"soon"}',
    "no depth": '{"requestId":"1","depthUpdate":{"changeId":"1"}}',
    "no market": '{"requestId":"1","depthUpdate":{"depth":{"bids":[]},"changeId":"1"}}',
    "NaN": update(level("NaN"), 1, 1),
    "NaN as text": update(level('"NaN"'), 1, 1),
    "infinite": update(level(amount='"Infinity"'), 1, 1),
    "1e400": update(level("1e400"), 1, 1),
    "1e400 as text": update(level('"1e400"'), 1, 1),
    "negative": update(level(amount='"-1"'), 1, 1),
    "word": update(level('"MARKET"'), 1, 1),
    "id too big": update(level(), 2**70, 1),
    "binary garbage": b"\xff\xfe\x00\x01",
    "invalid UTF-8 inside": b'{"requestId":"1","depthUpdate":{"depth":{"market":"\xff\xfe"}}}',
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_frame_that_cannot_be_read_is_reported_and_skipped(still: LocalExchange, garbage: str) -> None:
    is_reported_and_skipped(still, GARBAGE[garbage])


@pytest.mark.one_codec
def test_an_empty_frame_cannot_be_read(still: LocalExchange) -> None:
    """In protobuf it is a response that says nothing."""
    is_reported_and_skipped(still, "")


def is_reported_and_skipped(still: LocalExchange, frame: str | bytes) -> None:
    client = spot(still.spot_url)
    watched, log = Watched(client), Log[Any]()
    client.on_depth(BTC, log)
    book = client.order_book(BTC)
    with running(client):
        still.step(10, BTC)
        still.send_raw(frame, "depth")
        still.step(10, BTC)
        [error] = watched.errors.wait(1, DecodeError)
        wait_until(lambda: matches(book, still))
        wait_until(lambda: log.items and log[-1].change_id == still.book(BTC).change_id)
        assert client.stats().decode_errors == client.stats().channels["depth"].decode_errors == 1
        assert client.state == ConnectionState.READY
    assert error.connection == "spot/depth"
    assert "spot/depth" in str(error)
    assert len(error.excerpt) <= 1000
    assert len(watched.errors) == 1
    assert not watched.gaps.items
    assert members(still) == ["subscribeMarketDepthRequest"]
    updates = log.of(DepthUpdate)
    assert [event.prev_id for event in updates[1:]] == [event.change_id for event in updates[:-1]]


def test_invalid_utf8_in_a_text_frame_is_reported_and_the_connection_lives(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched, log = Watched(client), Log[Any]()
    client.on_depth(BTC, log)
    with running(client):
        still.send_raw_text(b'{"requestId":"1","error":{"code":1,"message":"\xff\xfe"}}')
        watched.errors.wait(1, DecodeError)
        still.step(10, BTC)
        log.wait(3)
    assert still.handshakes == 1


BAD_ITEMS = {
    "trades": '{"requestId":"","tradeUpdate":{"trade":{"id":"x","price":"1","amount":"1","market":"BTC-USDT"}}}',
    "ticker": '{"requestId":"","tickerUpdate":{"ticker":{"market":"BTC-USDT","close":"dear"}}}',
    "candles": '{"requestId":"","candleUpdate":{"candle":{"market":"BTC-USDT","period":"MIN1","open":[]}}}',
    "accounts": '{"requestId":"","accountUpdate":{"account":{"asset":"BTC","balance":"much"}}}',
    "orders": '{"requestId":"","orderUpdate":{"order":{"id":"5","market":"BTC-USDT","amount":"few"}}}',
}


def test_bad_items_on_every_channel(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    logs: dict[str, Log[Any]] = {name: Log() for name in BAD_ITEMS}
    client.on_trade(BTC, logs["trades"])
    client.on_ticker(BTC, logs["ticker"])
    client.on_candle(BTC, "MIN1", logs["candles"])
    client.on_account(logs["accounts"])
    client.on_order(BTC, logs["orders"])
    with running(client):
        for channel, frame in BAD_ITEMS.items():
            still.send_raw(frame, channel)
        watched.errors.wait(len(BAD_ITEMS), DecodeError)
        before = {name: len(log) for name, log in logs.items()}
        still.place_order(BTC, "BID", price="1", amount="1")
        still.step(60, BTC)
        for name, log in logs.items():
            log.wait(before[name] + 1)
    assert len(watched.errors) == len(BAD_ITEMS)
    kinds = (Trade, Ticker, Candle, Account, Order)
    assert all(isinstance(event, kind) for log, kind in zip(logs.values(), kinds, strict=True) for event in log)


def test_unknown_messages_are_reported_once_per_kind(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched = Watched(client)
    client.on_depth(BTC, log := Log[Any]())
    with running(client):
        for _ in range(3):
            still.send_raw('{"requestId":"","priceOfTheDay":{}}')
        still.send_raw('{"requestId":"","joke":{"text":"knock"}}')
        watched.errors.wait(2, UnknownMessage)
        still.step(10, BTC)
        log.wait(3)
    assert ["priceOfTheDay" in str(error) for error in watched.errors] == [True, False]
    assert client.stats().decode_errors == 0


def test_heartbeats_unasked_and_pongs_unasked_are_no_news(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched = Watched(client)
    client.on_depth(BTC, log := Log[Any]())
    with running(client):
        still.send_heartbeat()
        still.send_raw('{"requestId":"99","pong":{}}')
        still.send_raw('{"heartbeat":{}}')
        still.step(10, BTC)
        log.wait(3)
    watched.assert_quiet()
    assert client.stats().frames >= 6


def test_an_error_without_an_id_is_reported_and_harms_nothing(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched = Watched(client)
    client.on_depth(BTC, log := Log[Any]())
    with running(client):
        still.send_error(45000, "GRPC error: xxx")
        [error] = watched.errors.wait(1, RequestRejected)
        still.send_raw('{"error":{"message":"no code"}}')
        watched.errors.wait(2, RequestRejected)
        still.step(10, BTC)
        log.wait(3)
        client.wait_ready(PATIENCE)
    assert (error.code, error.reason) == (45000, "GRPC error: xxx")


def test_updates_with_a_foreign_or_no_id_are_not_dropped(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched, log = Watched(client), Log[Trade]()
    client.on_trade(BTC, log)
    with running(client):
        for number, ident in ((10**6, '"requestId":"777",'), (10**6 + 1, ""), (10**6 + 2, '"requestId":null,')):
            still.send_raw(
                f'{{{ident}"tradeUpdate":{{"trade":{{"id":"{number}","price":"1","amount":"1","market":"{BTC}"}}}}}}'
            )
        wait_until(lambda: [trade.id for trade in log.items[-3:]] == ["1000000", "1000001", "1000002"])
    watched.assert_quiet()


def test_a_message_over_the_limit_ends_the_connection_and_is_told(still: LocalExchange) -> None:
    client = spot(still.spot_url, limits=Limits(max_message=100_000))
    watched = Watched(client)
    client.on_depth(BTC, Log())
    with running(client):
        still.send_raw(json.dumps({"requestId": "", "tooMuch": "x" * 200_000}))
        watched.errors.wait(1, MessageTooBig)
        wait_until(lambda: client.stats().reconnects == 1)
        client.wait_ready(PATIENCE)
