"""Orders are routed by business unit, too (spot protocol, sections 2 and 7.2)."""

from __future__ import annotations

import json

import pytest
from spot_lines import MARKET, Line, order, order_update

from bigone_sync.enums import BusinessUnit, Channel
from bigone_sync.events import SubscriptionKey
from bigone_sync.protocol.base import Route


def unit_route(line: Line, unit: BusinessUnit | None, market: str | None = MARKET) -> Route:
    return line.protocol.add(SubscriptionKey(Channel.ORDERS, market, unit=unit))


def listeners(line: Line, **other: object) -> list[Route]:
    return [route for route, _ in line.events(order_update(order(**other)))]


@pytest.mark.parametrize("market", [MARKET, None])
def test_each_unit_has_its_own_stream(market: str | None) -> None:
    line = Line()
    spot, margin = unit_route(line, None, market), unit_route(line, BusinessUnit.MARGIN, market)
    assert listeners(line, number="1", businessUnit="MARGIN") == [margin]
    assert listeners(line, number="2", businessUnit="SPOT") == [spot]
    assert listeners(line, number="3") == [spot]  # missing means SPOT


@pytest.mark.parametrize("unit", ["MARGIN", "FUTURE"])
def test_an_order_of_a_unit_that_nobody_asked_for_is_not_lost(unit: str) -> None:
    line = Line()
    spot = unit_route(line, None)
    everything = unit_route(line, None, None)
    unit_route(line, None, "ETH-USDT")
    assert listeners(line, number="1", businessUnit=unit) == [spot, everything]


def test_a_snapshot_goes_to_its_unit() -> None:
    line = Line()
    spot, margin = unit_route(line, None), unit_route(line, BusinessUnit.MARGIN)
    for route in (spot, margin):
        line.protocol.subscribe([route])
    snapshot = {"requestId": "1", "ordersSnapshot": {"orders": [order("1", businessUnit="MARGIN")]}}
    assert [route for route, _ in line.send(snapshot) if route] == [margin]


@pytest.mark.parametrize(("market", "name"), [(MARKET, "ViewerOrdersRequest"), (None, "AllViewerOrdersRequest")])
def test_the_unit_is_asked_for_by_name(market: str | None, name: str) -> None:
    line = Line()
    route = unit_route(line, BusinessUnit.MARGIN, market)
    expected = {"businessUnit": "MARGIN"} if market is None else {"market": market, "businessUnit": "MARGIN"}
    for verb, make in (("subscribe", line.protocol.subscribe), ("unsubscribe", line.protocol.unsubscribe)):
        _, frame = make([route])
        assert json.loads(frame.data)[f"{verb}{name}"] == expected
    assert str(route.key) in ("orders/BTC-USDT/MARGIN", "orders/MARGIN")
