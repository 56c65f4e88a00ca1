from __future__ import annotations

import json
from typing import Any

import pytest
from spot_lines import MARKET, Line, delivered, depth_snapshot, replies

from bigone_sync.enums import CandlePeriod, Channel
from bigone_sync.protocol.base import Command, Frame, Reply, Request

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJrZXkifQ.c2lnbmF0dXJl"


def said(frame: Frame) -> Any:
    assert frame.binary is False
    return json.loads(frame.data)


STREAMS = [
    (Channel.DEPTH, MARKET, None, None, "MarketDepthRequest", {"market": MARKET}, {"market": MARKET}),
    (Channel.TRADES, MARKET, None, None, "MarketTradesRequest", {"market": MARKET}, {"market": MARKET}),
    (Channel.TRADES, MARKET, None, 50, "MarketTradesRequest", {"market": MARKET, "limit": 50}, {"market": MARKET}),
    (Channel.TICKER, MARKET, None, None, "MarketsTickerRequest", {"markets": [MARKET]}, {"markets": [MARKET]}),
    (Channel.TICKER, None, None, None, "MarketsTickerRequest", {"markets": []}, {"markets": []}),
    (
        Channel.CANDLES,
        MARKET,
        CandlePeriod.HOUR1,
        30,
        "MarketCandlesRequest",
        {"market": MARKET, "period": "HOUR1", "limit": 30},
        {"market": MARKET, "period": "HOUR1"},
    ),
    (
        Channel.CANDLES,
        MARKET,
        CandlePeriod.MONTH1,
        None,
        "MarketCandlesRequest",
        {"market": MARKET, "period": "MONTH1"},
        {"market": MARKET, "period": "MONTH1"},
    ),
    (Channel.ACCOUNTS, None, None, None, "ViewerAccountsRequest", {}, {}),
    (Channel.ORDERS, MARKET, None, None, "ViewerOrdersRequest", {"market": MARKET}, {"market": MARKET}),
    (Channel.ORDERS, None, None, None, "AllViewerOrdersRequest", {}, {}),
]


@pytest.mark.parametrize(("channel", "market", "period", "limit", "name", "wanted", "unwanted"), STREAMS)
def test_a_stream_is_asked_for_and_given_up_as_the_protocol_writes_it(
    channel: Channel,
    market: str | None,
    period: CandlePeriod | None,
    limit: int | None,
    name: str,
    wanted: dict[str, Any],
    unwanted: dict[str, Any],
) -> None:
    line = Line()
    route = line.add(channel, market, period, limit=limit)
    request, frame = line.protocol.subscribe([route])
    assert said(frame) == {"requestId": "1", f"subscribe{name}": wanted}
    assert request == Request("1", Command.SUBSCRIBE, f"subscribe{name}", (route,))
    assert frame.shown == frame.data
    request, frame = line.protocol.unsubscribe([route])
    assert said(frame) == {"requestId": "2", f"unsubscribe{name}": unwanted}
    assert request == Request("2", Command.UNSUBSCRIBE, f"unsubscribe{name}", (route,))


def test_tickers_of_several_markets_share_a_request() -> None:
    line = Line()
    routes = [line.add(Channel.TICKER, market) for market in (MARKET, "ETH-USDT")]
    _, frame = line.protocol.subscribe(routes)
    assert said(frame)["subscribeMarketsTickerRequest"] == {"markets": [MARKET, "ETH-USDT"]}
    _, frame = line.protocol.unsubscribe(routes)
    assert said(frame)["unsubscribeMarketsTickerRequest"] == {"markets": [MARKET, "ETH-USDT"]}


def test_the_limit_goes_out_as_a_number() -> None:
    line = Line()
    _, frame = line.protocol.subscribe([line.add(Channel.TRADES, MARKET, limit=20)])
    assert frame.data == (b'{"requestId":"1","subscribeMarketTradesRequest":{"market":"BTC-USDT","limit":20}}')


def test_login_ping_and_heartbeat() -> None:
    protocol = Line().protocol
    request, frame = protocol.authenticate(TOKEN)
    assert said(frame) == {"requestId": "1", "authenticateCustomerRequest": {"token": f"Bearer {TOKEN}"}}
    assert request == Request("1", Command.AUTHENTICATE, "authenticateCustomerRequest")
    request, frame = protocol.ping()
    assert said(frame) == {"requestId": "2", "ping": {}}
    assert request == Request("2", Command.PING, "ping")
    request, frame = protocol.heartbeat(30)
    assert said(frame) == {"requestId": "3", "heartbeatRequest": {"interval": 30}}
    assert request == Request("3", Command.HEARTBEAT, "heartbeatRequest")


def test_the_token_is_in_what_is_sent_and_in_nothing_that_may_be_shown() -> None:
    request, frame = Line().protocol.authenticate(TOKEN)
    assert TOKEN.encode() in frame.data
    assert json.loads(frame.shown) == {"requestId": "1", "authenticateCustomerRequest": {"token": "***"}}
    for shown in (repr(frame), repr(request), frame.shown.decode()):
        assert TOKEN not in shown
        assert TOKEN.split(".")[2] not in shown


def test_ids_are_unique_also_across_connections() -> None:
    line = Line()
    route = line.add(Channel.DEPTH, MARKET)
    ids = []
    for _ in range(3):
        line.protocol.opened()
        for request, frame in (
            line.protocol.authenticate(TOKEN),
            line.protocol.subscribe([route]),
            line.protocol.unsubscribe([route]),
            line.protocol.ping(),
            line.protocol.heartbeat(5),
        ):
            assert said(frame)["requestId"] == request.id
            ids.append(request.id)
    assert len(set(ids)) == len(ids) == 15


def test_every_request_is_known_before_it_is_sent() -> None:
    line = Line()
    route = line.add(Channel.DEPTH, MARKET)
    for request, _ in (
        line.protocol.authenticate(TOKEN),
        line.protocol.subscribe([route]),
        line.protocol.unsubscribe([route]),
        line.protocol.ping(),
        line.protocol.heartbeat(5),
    ):
        assert line.control({"requestId": request.id, "success": {"ok": True}}) == Reply(request)


def test_a_removed_stream_is_forgotten_and_another_of_its_key_is_not() -> None:
    line = Line()
    first = line.subscribed(Channel.DEPTH, MARKET)
    second = line.subscribed(Channel.DEPTH, MARKET)
    line.protocol.remove(first)  # its place belongs to another one by now
    items = line.send(depth_snapshot(request_id="2"))
    assert [route for route, _ in items] == [None, second]
    line.protocol.remove(second)
    assert line.send(depth_snapshot(request_id="2")) == []
    assert line.protocol.unrouted == 1


def test_a_new_connection_knows_no_request_of_the_old_one() -> None:
    line = Line()
    route = line.subscribed(Channel.DEPTH, MARKET)
    assert route.request_id == "1"
    line.protocol.opened()
    assert route.request_id is None
    items = line.send(depth_snapshot())
    assert replies(items) == []
    assert len(delivered(items)) == 1
    assert line.send({"requestId": "1", "success": {"ok": True}}) == []


def test_an_owner_is_carried_along() -> None:
    line = Line()
    owner = object()
    route = line.protocol.add(line.add(Channel.ACCOUNTS).key, owner=owner)
    assert route.owner is owner
