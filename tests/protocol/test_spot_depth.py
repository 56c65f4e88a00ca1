from __future__ import annotations

from typing import Any

import pytest
from spot_lines import AT, MARKET, Line, delivered, depth_line, depth_snapshot, depth_update, level, replies

from bigone_sync.enums import Channel
from bigone_sync.errors import SequenceGap
from bigone_sync.events import DepthSnapshot, DepthUpdate
from bigone_sync.protocol.base import Broken

SNAPSHOT = (
    b'{"requestId":"1","depthSnapshot":{"depth":{"market":"BTC-USDT","asks":[{"price":"197.96","amount":"5.0",'
    b'"orderCount":"1"}],"bids":[{"price":"159.99","amount":"1.07552","orderCount":"1"}]},"changeId":"1"}}'
)
UPDATE = (
    b'{"requestId":"1","depthUpdate":{"depth":{"market":"COINALPHA-HBOT","asks":[{"price":"0.0024","amount":"10",'
    b'"orderCount":"1"}],"bids":[{"price":"0.0026","amount":"100","orderCount":"1"}]},"changeId":"2","prevId":"1"}}'
)


def broken(line: Line, message: Any) -> SequenceGap:
    control = line.control(message)
    assert isinstance(control, Broken)
    return control.error


def test_the_snapshot_of_the_documents() -> None:
    line = Line()
    route = line.subscribed(Channel.DEPTH, MARKET)
    items = line.send(SNAPSHOT)
    assert [where for where, _ in items] == [None, route]
    (event,) = delivered(items)
    assert event == DepthSnapshot(MARKET, (level("159.99", "1.07552", 1),), (level("197.96", "5.0", 1),), 1)
    assert (event.connection, event.received_at) == ("spot/depth", AT)


def test_the_update_of_the_documents() -> None:
    line = Line()
    route = line.subscribed(Channel.DEPTH, "COINALPHA-HBOT")
    line.send(depth_snapshot("1", market="COINALPHA-HBOT"))
    ((where, event),) = line.events(UPDATE)
    assert where is route
    assert event == DepthUpdate("COINALPHA-HBOT", (level("0.0026", "100", 1),), (level("0.0024", "10", 1),), 2, 1)
    assert (event.connection, event.received_at) == ("spot/depth", AT)


@pytest.mark.parametrize("depth", [{}, {"asks": None, "bids": None}, {"asks": [], "bids": []}, {"bids": []}])
def test_a_side_may_be_empty_null_or_missing(depth: Any) -> None:
    line, _ = depth_line()
    update = {"depthUpdate": {"depth": {"market": MARKET, **depth}, "changeId": "2", "prevId": "1"}}
    assert line.one(update) == DepthUpdate(MARKET, (), (), 2, 1)
    snapshot = {"depthSnapshot": {"depth": {"market": MARKET, **depth}, "changeId": "7"}}
    assert line.one(snapshot) == DepthSnapshot(MARKET, (), (), 7)


def test_the_order_and_the_zero_amounts_of_a_frame_are_kept() -> None:
    rows = [{"price": price, "amount": amount} for price, amount in (("2", "0"), ("3", "0.000"), ("1", "1"))]
    line, _ = depth_line()
    event = line.one(depth_update(2, 1, bids=rows, asks=rows))
    assert isinstance(event, DepthUpdate)
    assert tuple(event.bids) == (level("2", "0"), level("3", "0.000"), level("1", "1"))
    assert event.asks == event.bids


@pytest.mark.parametrize("request_id", ["sub-depth", "404", "", None])
def test_updates_are_routed_by_market_whatever_their_request_id(request_id: str | None) -> None:
    line = Line()
    btc = line.subscribed(Channel.DEPTH, MARKET)
    eth = line.subscribed(Channel.DEPTH, "ETH-USDT")
    line.send(depth_snapshot("1"), depth_snapshot("1", market="ETH-USDT", request_id="2"))
    found = line.events(
        depth_update(2, 1, request_id=request_id),
        depth_update(5, 1, market="ETH-USDT", request_id=request_id),
        depth_update(3, 2, request_id=request_id),
        {"depthUpdate": depth_update(9, 5, market="ETH-USDT")["depthUpdate"]},
    )
    assert [(route, event.change_id) for route, event in found if isinstance(event, DepthUpdate)] == [
        (btc, 2),
        (eth, 5),
        (btc, 3),
        (eth, 9),
    ]


def test_updates_in_a_row_come_together_and_in_order() -> None:
    line, route = depth_line()
    items = line.send(*(depth_update(number + 1, number) for number in range(1, 6)), {"heartbeat": {}})
    assert [where for where, _ in items] == [route]
    assert [event.change_id for event in delivered(items) if isinstance(event, DepthUpdate)] == [2, 3, 4, 5, 6]


def test_what_comes_between_updates_stays_between_them() -> None:
    line, route = depth_line()
    items = line.send(depth_update(2, 1), {"surprise": {}}, depth_update(3, 2))
    assert [where for where, _ in items] == [route, None, route]


def test_a_market_that_nobody_asked_for_is_counted_and_dropped() -> None:
    line, _ = depth_line()
    assert line.send(depth_update(2, 1, market="ETH-USDT"), depth_snapshot(market="ETH-USDT")) == []
    assert line.protocol.unrouted == 2


# -- the chain


def test_a_duplicate_is_dropped_and_counted() -> None:
    line, _ = depth_line("100")
    assert line.send(depth_update(100, 99), depth_update(50, 49), depth_update(50, 49)) == []
    assert line.protocol.duplicates == 3
    assert isinstance(line.one(depth_update(101, 100)), DepthUpdate)


def test_a_gap_is_said_once_and_then_all_is_held_until_a_snapshot() -> None:
    line, route = depth_line("100")
    control = line.control(depth_update(103, 102))
    assert isinstance(control, Broken)
    assert control.route is route
    gap = control.error
    assert (gap.market, gap.expected, gap.got, gap.connection) == (MARKET, 100, 102, "spot/depth")
    assert line.send(depth_update(104, 103), depth_update(101, 100)) == []
    assert line.protocol.held_back == 2
    assert isinstance(line.one(depth_snapshot("200")), DepthSnapshot)
    assert isinstance(line.one(depth_update(201, 200)), DepthUpdate)


def test_an_update_before_the_snapshot_is_held() -> None:
    line = Line()
    line.subscribed(Channel.DEPTH, MARKET)
    assert line.send(depth_update(2, 1)) == []
    assert line.protocol.held_back == 1
    assert len(replies(line.send(depth_snapshot("5")))) == 1


@pytest.mark.parametrize("prev_id", [None, 0, "0", ""])
def test_an_update_without_prev_id_is_a_gap(prev_id: Any) -> None:
    line, _ = depth_line("100")
    gap = broken(line, depth_update(101, prev_id))
    assert (gap.expected, gap.got) == (100, 0)
    line, _ = depth_line("100")
    assert broken(line, {"depthUpdate": {"depth": {"market": MARKET}, "changeId": "101"}}).got == 0


@pytest.mark.parametrize("change_id", [None, 0, "0", ""])
def test_an_update_without_change_id_is_a_gap(change_id: Any) -> None:
    line, _ = depth_line("100")
    assert broken(line, depth_update(change_id, "100")).expected == 100


@pytest.mark.parametrize("change_id", [None, 0, "0"])
def test_a_snapshot_without_change_id_stands_at_zero(change_id: Any) -> None:
    line, _ = depth_line(change_id)
    event = line.one(depth_update("7", None))
    assert event == DepthUpdate(MARKET, (), (), 7, 0)


def test_ids_may_start_again_with_a_snapshot() -> None:
    line, _ = depth_line("1000000")
    assert isinstance(line.one(depth_snapshot("3")), DepthSnapshot)
    assert isinstance(line.one(depth_update("4", "3")), DepthUpdate)


def test_ids_that_start_again_without_a_snapshot_do_not_freeze_the_book() -> None:
    line, _ = depth_line("1000000")
    items = line.send(*(depth_update(number + 1, number) for number in range(100)))
    ((route, control),) = items
    assert route is None
    assert isinstance(control, Broken)
    assert control.error.expected == 1000000


def test_a_new_connection_or_subscription_holds_updates_until_the_snapshot() -> None:
    line, route = depth_line("5")
    line.protocol.opened()
    assert line.send(depth_update(6, 5)) == []
    line.send(depth_snapshot("5"))
    line.protocol.subscribe([route])
    assert line.send(depth_update(6, 5)) == []
    assert line.protocol.held_back == 2


def test_each_market_has_its_own_chain() -> None:
    line, _ = depth_line("100")
    line.subscribed(Channel.DEPTH, "ETH-USDT")
    line.send(depth_snapshot("7", market="ETH-USDT", request_id="2"))
    assert broken(line, depth_update(103, 102)).market == MARKET
    assert isinstance(line.one(depth_update(8, 7, market="ETH-USDT")), DepthUpdate)


IDS = [2, 2**31, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 2]


@pytest.mark.parametrize("before", IDS)
@pytest.mark.parametrize("rendered", [int, str])
def test_ids_of_64_bits_are_exact(before: int, rendered: Any) -> None:
    line, _ = depth_line(rendered(before))
    event = line.one(depth_update(rendered(before + 1), rendered(before)))
    assert (event.change_id, event.prev_id) == (before + 1, before)  # type: ignore[attr-defined]
    line, _ = depth_line(rendered(before))
    gap = broken(line, depth_update(rendered(before + 1), rendered(before - 1)))
    assert (gap.expected, gap.got) == (before, before - 1)


@pytest.mark.parametrize("change_id", [2**64, 10**30, -(2**63) - 1])
@pytest.mark.parametrize("rendered", [int, str])
def test_an_id_of_more_than_64_bits_never_enters_the_chain(change_id: int, rendered: Any) -> None:
    line, _ = depth_line("5")
    assert "64 bits" in str(line.problem(depth_update(rendered(change_id), "5")))
    assert "64 bits" in str(line.problem(depth_snapshot(rendered(change_id))))
    assert isinstance(line.one(depth_update("6", "5")), DepthUpdate)


# -- the guide's flat form


def test_the_flat_form_with_a_prev_id_is_an_update() -> None:
    line, _ = depth_line("1")
    bids = [{"price": "159.99", "amount": "1.07552", "orderCount": 1}]
    flat = {"requestId": "1", "marketDepth": {"market": MARKET, "bids": bids, "changeId": "2", "prevId": "1"}}
    assert line.one(flat) == DepthUpdate(MARKET, (level("159.99", "1.07552", 1),), (), 2, 1)
    assert line.send(flat) == []
    assert line.protocol.duplicates == 1


@pytest.mark.parametrize("prev", [{}, {"prevId": "0"}, {"prevId": 0}, {"prevId": None}])
def test_the_flat_form_without_a_prev_id_is_a_snapshot(prev: Any) -> None:
    line = Line()
    request, _ = line.protocol.subscribe([line.add(Channel.DEPTH, MARKET)])
    asks = [{"price": "197.96", "amount": "5.0"}]
    items = line.send({"requestId": "1", "marketDepth": {"market": MARKET, "asks": asks, "changeId": "7", **prev}})
    assert replies(items) == [request]
    assert delivered(items) == [DepthSnapshot(MARKET, (), (level("197.96", "5.0"),), 7)]
    assert isinstance(line.one(depth_update(8, 7)), DepthUpdate)
