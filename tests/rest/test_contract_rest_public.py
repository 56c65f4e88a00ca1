"""Contract market data by REST: what is asked, and what comes of the documented answers (REST protocol, section 4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal as D
from typing import Any

import pytest
from scripted_http import CONTRACT, Reply, ScriptedServer

from bigone_sync import ConfigurationError, Contract, ContractRest, DecodeError, DepthSnapshot, Instrument, PriceLevel
from bigone_sync.errors import RestError
from bigone_sync.testing.leaks import leak_check

SYMBOL = (
    '{"symbol":"BTCUSDT","baseCurrency":"BTC","quoteCurrency":"USDT","multiplier":0.001,"priceStep":0.5,'
    '"pricePrecision":1,"valuePrecision":4,"enable":true,"isInverse":false,"initialMargin":0.01,'
    '"maintenanceMargin":0.005,"settleCurrency":"USDT","maxRiskLimit":10000000,"minRiskLimit":1000000,'
    '"riskLimit":1E+6,"riskStep":10000,"priceMin":0.5,"priceMax":1000000}'
)
SYMBOL_VALUE = Contract(
    "BTCUSDT",
    base_currency="BTC",
    quote_currency="USDT",
    settle_currency="USDT",
    is_inverse=False,
    multiplier=D("0.001"),
    is_enabled=True,
    price_step=D("0.5"),
    price_precision=1,
    value_precision=4,
    initial_margin=D("0.01"),
    maintenance_margin=D("0.005"),
    price_min=D("0.5"),
    price_max=D(1000000),
    risk_limit=D(1000000),
    min_risk_limit=D(1000000),
    max_risk_limit=D(10000000),
    risk_step=D(10000),
)
INSTRUMENT = (
    '{"turnover24h":0.354295837,"openInterest":3412,"volume24hInUsd":4000,"fundingRate":0,"volume24h":4000,'
    '"last24hMaxPrice":11290,"btcPrice":11255.51,"latestPrice":11290,"symbol":"BTCUSD",'
    '"openValue":0.300825969916003,"last24hMinPrice":11290,"openTime":0,"markPrice":11255.51,"indexPrice":11255.51,'
    '"nextFundingTime":1758600000000}'
)
INSTRUMENT_EVENT = Instrument(
    "BTCUSD",
    mark_price=D("11255.51"),
    index_price=D("11255.51"),
    latest_price=D(11290),
    funding_rate=D(0),
    next_funding_time=datetime(2025, 9, 23, 4, tzinfo=timezone.utc),
    open_interest=D(3412),
    open_value=D("0.300825969916003"),
    volume_24h=D(4000),
    volume_24h_usd=D(4000),
    turnover_24h=D("0.354295837"),
    high_24h=D(11290),
    low_24h=D(11290),
    btc_price=D("11255.51"),
)
DEPTH = (
    '{"bids":{"86000":10,"86559":90688},"asks":{"86928":86506,"86925.5":92840},"to":3425679898,"lastPrice":86902,'
    '"bestPrices":{"ask":86925.5,"bid":86900.5},"from":0}'
)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with leak_check(), ScriptedServer(CONTRACT) as server:
        yield server


@pytest.fixture
def rest(server: ScriptedServer) -> Iterator[ContractRest]:
    with ContractRest(url=server.url) as rest:
        yield rest


def asked(server: ScriptedServer, path: str) -> None:
    """The one request was a public one, for this."""
    seen = server.only
    assert (seen.method, seen.path, seen.query, seen.body) == ("GET", path, [], b"")
    assert "authorization" not in seen.headers


def test_symbols(server: ScriptedServer, rest: ContractRest) -> None:
    server.on(
        "/symbols", f'[{SYMBOL},{{"symbol":"OLDUSD","enable":false,"feePrecision":8,"type":"X","baseName":"Old"}}]'
    )
    old = Contract("OLDUSD", is_enabled=False, fee_precision=8, type="X", base_name="Old")
    assert rest.symbols() == (SYMBOL_VALUE, old)
    asked(server, "/symbols")


def test_symbol(server: ScriptedServer, rest: ContractRest) -> None:
    server.on("/symbols@BTCUSDT", SYMBOL)
    assert rest.symbol("BTCUSDT") == SYMBOL_VALUE
    asked(server, "/symbols@BTCUSDT")


def test_instruments(server: ScriptedServer, rest: ContractRest) -> None:
    server.on("/instruments", f"[{INSTRUMENT}]")
    (instrument,) = rest.instruments()
    assert instrument == INSTRUMENT_EVENT
    assert instrument.connection == "contract/rest"
    assert instrument.received_at > 1.5e9
    asked(server, "/instruments")


def test_instrument(server: ScriptedServer, rest: ContractRest) -> None:
    server.on("/instruments@BTCUSD", INSTRUMENT)
    assert rest.instrument("BTCUSD") == INSTRUMENT_EVENT
    asked(server, "/instruments@BTCUSD")


def test_depth(server: ScriptedServer, rest: ContractRest) -> None:
    server.on("/depth@BTCUSDT/snapshot", DEPTH)
    depth = rest.depth("BTCUSDT")
    assert depth == DepthSnapshot(
        "BTCUSDT",
        (PriceLevel(D(86000), D(10), None), PriceLevel(D(86559), D(90688), None)),
        (PriceLevel(D(86928), D(86506), None), PriceLevel(D("86925.5"), D(92840), None)),
        3425679898,
        D(86902),
    )
    assert depth.connection == "contract/rest"
    asked(server, "/depth@BTCUSDT/snapshot")


@pytest.mark.parametrize(
    ("path", "method", "arguments", "body"),
    [
        ("/symbols", "symbols", (), ""),
        ("/symbols", "symbols", (), "{}"),
        ("/symbols", "symbols", (), "null"),
        ("/symbols", "symbols", (), f"[{SYMBOL},null]"),
        ("/symbols", "symbols", (), '[{"symbol":"A","priceStep":"x"}]'),
        ("/symbols", "symbols", (), '[{"symbol":"A","enable":"yes"}]'),
        ("/symbols@BTCUSD", "symbol", ("BTCUSD",), SYMBOL),
        ("/symbols@BTCUSD", "symbol", ("BTCUSD",), "[]"),
        ("/instruments", "instruments", (), "[{}]"),
        ("/instruments@BTCUSDT", "instrument", ("BTCUSDT",), INSTRUMENT),
        ("/depth@BTCUSD/snapshot", "depth", ("BTCUSD",), ""),
        ("/depth@BTCUSD/snapshot", "depth", ("BTCUSD",), "[]"),
        ("/depth@BTCUSD/snapshot", "depth", ("BTCUSD",), '{"pong":1}'),
        ("/depth@BTCUSD/snapshot", "depth", ("BTCUSD",), '{"bids":{},"asks":{},"from":1,"to":2}'),
        ("/depth@BTCUSD/snapshot", "depth", ("BTCUSD",), '{"bids":{},"asks":{},"from":0,"to":2,"symbol":"ETHUSD"}'),
        ("/depth@BTCUSD/snapshot", "depth", ("BTCUSD",), '{"bids":{"x":1},"asks":{},"from":0,"to":2}'),
        ("/depth@BTCUSD/snapshot", "depth", ("BTCUSD",), '{"bids":{},"asks":{},"from":0}'),
    ],
)
def test_an_answer_that_cannot_be_read(
    server: ScriptedServer, rest: ContractRest, path: str, method: str, arguments: Any, body: str
) -> None:
    server.on(path, body)
    with pytest.raises(DecodeError) as caught:
        getattr(rest, method)(*arguments)
    assert path in str(caught.value)
    assert caught.value.excerpt == body[:200]
    assert caught.value.connection == "contract/rest"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(400), ""),
        (Reply(400, b'{"anomaly":"anomaly.trades/stopped"}'), "anomaly.trades/stopped"),
        (Reply(200, b'{"anomaly":"anomaly.request/invalid-params"}'), "anomaly.request/invalid-params"),
    ],
)
def test_a_refusal_tells_its_anomaly(server: ScriptedServer, rest: ContractRest, reply: Reply, reason: str) -> None:
    server.on("/symbols@BTCUSD", reply)
    with pytest.raises(RestError) as caught:
        rest.symbol("BTCUSD")
    assert (caught.value.status_code, caught.value.reason) == (reply.status, reason)


@pytest.mark.parametrize("method", ["symbol", "instrument", "depth"])
@pytest.mark.parametrize("market", ["btcusd", "BTC-USD", "", None, "BTCUSD/x"])
def test_bad_symbols_are_refused_before_anything_is_sent(
    server: ScriptedServer, rest: ContractRest, method: str, market: Any
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        getattr(rest, method)(market)
    assert caught.value.argument == "market"
    assert server.seen == []


@pytest.mark.parametrize(
    ("options", "ping"),
    [
        ({}, "https://api.big.one/api/v3/ping"),
        ({"url": "http://127.0.0.1:9/api/contract/v2/"}, "http://127.0.0.1:9/api/v3/ping"),
        ({"url": "http://127.0.0.1:9/contract/v2"}, "http://127.0.0.1:9/v3/ping"),
        ({"url": "http://127.0.0.1:9/other"}, "http://127.0.0.1:9/api/v3/ping"),
        ({"ping_url": "http://127.0.0.1:8/ping"}, "http://127.0.0.1:8/ping"),
    ],
)
def test_the_clock_is_that_of_spot(options: Any, ping: str) -> None:
    with ContractRest(**options) as rest:
        assert rest._ping_url == ping


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"url": "ws://127.0.0.1/"}, "url"),
        ({"ping_url": "127.0.0.1"}, "ping_url"),
        ({"check_markets": None}, "check_markets"),
    ],
)
def test_bad_constructions(options: Any, argument: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ContractRest(**options)
    assert caught.value.argument == argument
