"""Settings of positions by REST, and what is refused before anything is sent (REST protocol, section 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from typing import Any

import pytest
from scripted_http import CONTRACT, KEYS, ScriptedServer
from scripted_http import asked_contract as asked

from bigone_sync import (
    ConfigurationError,
    ContractRest,
    DecodeError,
    OutcomeUnknown,
    Position,
    RiskLimit,
)
from bigone_sync.testing.leaks import leak_check

UTC = timezone.utc
UUID = "5aefeab9-6840-0000-0001-0000056fe3c8"
POSITION = '{"id":"p","symbol":"BTCUSD","currency":"BTC","isCross":true,"size":-100,"leverage":1E+2,"seqNo":null}'
POSITION_EVENT = Position(id="p", market="BTCUSD", currency="BTC", is_cross=True, size=D(-100), leverage=D(100))
SYMBOLS = '[{"symbol":"BTCUSD","priceStep":0.5},{"symbol":"ETHUSD"}]'


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with leak_check(), ScriptedServer(CONTRACT) as server:
        yield server


@pytest.fixture
def rest(server: ScriptedServer) -> Iterator[ContractRest]:
    """One that knows the contracts."""
    server.on("/symbols", SYMBOLS)
    with ContractRest(KEYS, url=server.url) as rest:
        rest.symbols()
        server.take()
        yield rest


# -- settings of positions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({"leverage": 100}, b'{"leverage":100}'),
        ({"margin": "0.000000000000000001"}, b'{"margin":0.000000000000000001}'),
        ({"margin": D("-1E+2"), "is_cross": False}, b'{"margin":-100,"isCross":false}'),
        ({"margin": 1, "leverage": "2.5", "is_cross": True}, b'{"margin":1,"leverage":2.5,"isCross":true}'),
    ],
)
def test_set_margin(server: ScriptedServer, rest: ContractRest, options: dict[str, Any], body: bytes) -> None:
    server.on("/positions/BTCUSD/margin", POSITION)
    assert rest.set_margin("BTCUSD", **options) == POSITION_EVENT
    asked(server, "PUT", "/positions/BTCUSD/margin", body=body)


@pytest.mark.parametrize(
    ("answer", "limit"),
    [('{"notional":200,"IMR":0.015}', RiskLimit(D(200), D("0.015"))), ('{"notional":2E+2}', RiskLimit(D(200)))],
)
def test_set_risk_limit(server: ScriptedServer, rest: ContractRest, answer: str, limit: RiskLimit) -> None:
    server.on("/positions/BTCUSD/risk-limit", answer)
    assert rest.set_risk_limit("BTCUSD", "2E+2") == limit
    asked(server, "PUT", "/positions/BTCUSD/risk-limit", body=b'{"notional":200}')


@pytest.mark.parametrize("answer", ["", "{}", "[]", '{"notional":"x"}'])
def test_settings_whose_answer_cannot_be_read_were_most_likely_made(
    server: ScriptedServer, rest: ContractRest, answer: str
) -> None:
    server.on("/positions/BTCUSD/risk-limit", answer).on("/positions/BTCUSD/margin", answer)
    for call in (lambda: rest.set_risk_limit("BTCUSD", 1), lambda: rest.set_margin("BTCUSD", leverage=1)):
        with pytest.raises(OutcomeUnknown, match=r"PUT .* most likely done") as caught:
            call()
        assert isinstance(caught.value.__cause__, DecodeError)
    assert len(server.seen) == 2


# -- bad input -----------------------------------------------------------------------------------------------------

SINCE = datetime(2025, 9, 23, 4, tzinfo=UTC)

CALLS: list[tuple[Callable[[Any], object], str]] = [
    (lambda rest: rest.order("a/b"), "order_id"),
    (lambda rest: rest.order(None), "order_id"),
    (lambda rest: rest.cancel_order(""), "order_id"),
    (lambda rest: rest.orders("btcusd"), "market"),
    (lambda rest: rest.orders(since=datetime(2025, 1, 1)), "since"),
    (lambda rest: rest.orders(until=1758600000000), "until"),
    (lambda rest: rest.orders(since=SINCE, until=SINCE - timedelta(seconds=1)), "since"),
    (lambda rest: rest.orders(side="TRADING"), "side"),
    (lambda rest: rest.orders(type="STOP_LIMIT"), "type"),
    (lambda rest: rest.orders(status="PENDING"), "status"),
    (lambda rest: rest.orders(status=[]), "status"),
    (lambda rest: rest.orders(status=5), "status"),
    (lambda rest: rest.orders(page_size=101), "page_size"),
    (lambda rest: rest.order_count(status="x"), "status"),
    (lambda rest: rest.open_orders(page_size=0), "page_size"),
    (lambda rest: rest.fills(side="up"), "side"),
    (lambda rest: rest.fills(order_id=-1), "order_id"),
    (lambda rest: rest.fills(page_size=True), "page_size"),
    (lambda rest: rest.set_margin("BTCUSD"), "margin"),
    (lambda rest: rest.set_margin("BTC-USD", leverage=1), "market"),
    (lambda rest: rest.set_margin("BTCUSD", margin=1.5), "margin"),
    (lambda rest: rest.set_margin("BTCUSD", margin="NaN"), "margin"),
    (lambda rest: rest.set_margin("BTCUSD", leverage=0), "leverage"),
    (lambda rest: rest.set_margin("BTCUSD", is_cross=1), "is_cross"),
    (lambda rest: rest.set_risk_limit("BTCUSD", 0), "notional"),
    (lambda rest: rest.set_risk_limit("x", 1), "market"),
]


@pytest.mark.parametrize(("call", "argument"), CALLS)
def test_bad_input_is_refused_before_anything_is_sent(
    server: ScriptedServer, rest: ContractRest, call: Callable[[Any], object], argument: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        call(rest)
    assert caught.value.argument == argument
    assert server.seen == []


PRIVATE: list[Callable[[ContractRest], object]] = [
    lambda rest: rest.accounts(),
    lambda rest: rest.create_order("BTCUSD", "buy", size=1),
    lambda rest: rest.order(UUID),
    lambda rest: rest.orders(),
    lambda rest: rest.open_orders(),
    lambda rest: rest.order_count(),
    lambda rest: rest.cancel_order(UUID),
    lambda rest: rest.fills(),
    lambda rest: rest.set_margin("BTCUSD", leverage=1),
    lambda rest: rest.set_risk_limit("BTCUSD", 1),
]


@pytest.mark.parametrize("call", PRIVATE)
def test_without_credentials_nothing_is_sent(server: ScriptedServer, call: Callable[[ContractRest], object]) -> None:
    with ContractRest(url=server.url) as rest, pytest.raises(ConfigurationError) as caught:
        call(rest)
    assert caught.value.argument == "credentials"
    assert server.seen == []
