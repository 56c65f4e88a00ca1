"""Own spot trades by REST: what is asked, and what comes of the documented answers (REST protocol, section 3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal as D
from typing import Any

import pytest
from scripted_http import KEYS, SPOT, ScriptedServer, wrapped

from bigone_sync import (
    DecodeError,
    Fill,
    Side,
    SpotRest,
)
from bigone_sync.testing.leaks import leak_check

UTC = timezone.utc
PLACED = datetime(2023, 9, 13, 3, 42, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with leak_check(), ScriptedServer(SPOT) as server:
        yield server


@pytest.fixture
def rest(server: ScriptedServer) -> Iterator[SpotRest]:
    with SpotRest(KEYS, url=server.url) as rest:
        yield rest


# -- fills ---------------------------------------------------------------------------------------------------------

FILL: dict[str, Any] = {
    "id": 10854280,
    "asset_pair_name": "XIN-USDT",
    "price": "14",
    "amount": "1",
    "taker_side": "ASK",
    "maker_order_id": 58284908,
    "taker_order_id": None,
    "maker_fee": "-0.0008",
    "taker_fee": None,
    "side": "BID",
    "inserted_at": "2019-04-16T12:00:01.5Z",
    "created_at": "2019-04-16T12:00:01.5Z",
}
FILL_EVENT = Fill(
    id="10854280",
    order_id="58284908",
    market="XIN-USDT",
    side=Side.BUY,
    price=D(14),
    size=D(1),
    fee=D("-0.0008"),
    role="MAKER",
    time=datetime(2019, 4, 16, 12, 0, 1, 500000, tzinfo=UTC),
)
TAKEN = {"maker_order_id": None, "taker_order_id": "7", "maker_fee": None, "taker_fee": "1E-18", "side": "ASK"}


def test_fills(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/trades", wrapped([FILL], page_token="x"), wrapped([{**FILL, **TAKEN}]))
    made, taken = rest.fills("XIN-USDT", page_size=1)
    assert made == FILL_EVENT
    assert (made.connection, made.notional, made.fee_rate, made.pnl) == ("spot/rest", None, None, None)
    assert (taken.role, taken.order_id, taken.fee, taken.side) == ("TAKER", "7", D("1E-18"), Side.SELL)
    query = [("asset_pair_name", "XIN-USDT"), ("limit", "1")]
    assert [seen.query for seen in server.seen] == [query, [*query, ("page_token", "x")]]
    assert {(seen.method, seen.path) for seen in server.seen} == {("GET", "/viewer/trades")}


BOTH = {"maker_order_id": 1, "taker_order_id": 2, "maker_fee": "0.1", "taker_fee": "0.2"}


@pytest.mark.parametrize(
    ("change", "role", "order_id", "fee"),
    [
        ({**BOTH, "side": "SELF_TRADING"}, None, "2", None),
        ({**BOTH, "side": "ASK"}, "TAKER", "2", D("0.2")),
        ({**BOTH, "side": "BID"}, "MAKER", "1", D("0.1")),
        ({"maker_order_id": None, "side": "BID"}, "MAKER", None, D("-0.0008")),
        ({"maker_order_id": None, "side": None}, None, None, None),
        ({"maker_fee": None}, "MAKER", "58284908", None),
        ({"taker_side": None}, "MAKER", "58284908", D("-0.0008")),
    ],
)
def test_roles(
    server: ScriptedServer,
    rest: SpotRest,
    change: dict[str, Any],
    role: str | None,
    order_id: str | None,
    fee: D | None,
) -> None:
    server.on("/viewer/trades", wrapped([{**FILL, **change}]))
    (fill,) = rest.fills("XIN-USDT")
    assert (fill.role, fill.order_id, fill.fee) == (role, order_id, fee)


def test_a_trade_with_oneself_keeps_its_word(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/viewer/trades", wrapped([{**FILL, "side": "SELF_TRADING"}]))
    (fill,) = rest.fills("XIN-USDT")
    assert fill.side == Side.UNKNOWN
    assert fill.side.value == "SELF_TRADING"


@pytest.mark.parametrize(
    "change", [{"id": None}, {"price": None}, {"amount": "x"}, {"maker_fee": "x"}, {"asset_pair_name": 1}, {"side": 0}]
)
def test_a_fill_that_is_none(server: ScriptedServer, rest: SpotRest, change: dict[str, Any]) -> None:
    server.on("/viewer/trades", wrapped([{**FILL, **change}]))
    with pytest.raises(DecodeError, match="row 0: "):
        list(rest.fills("XIN-USDT"))
