"""Public contract calls of the REST side, against the engine and the sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal as D
from typing import Any

import pytest
from contract_peer import SYMBOLS, ContractPeer, ContractReplica, parse
from rest_peer import Rest

from bigone_sync.testing.exchange import LocalExchange

FIELDS = {
    "symbol", "baseCurrency", "quoteCurrency", "settleCurrency", "isInverse", "multiplier", "enable", "type",
    "priceStep", "pricePrecision", "valuePrecision", "feePrecision", "baseName", "initialMargin", "maintenanceMargin",
    "priceMin", "priceMax", "riskLimit", "minRiskLimit", "maxRiskLimit", "riskStep",
}  # fmt: skip


@pytest.fixture
def rest(still: LocalExchange) -> Iterator[Rest]:
    with Rest(still, "contract") as rest:
        yield rest


def test_symbols(rest: Rest) -> None:
    rows = rest.get("/symbols")
    assert [row["symbol"] for row in rows] == list(SYMBOLS)
    assert all(set(row) == FIELDS for row in rows)
    inverse, linear, _ = rows
    assert (inverse["isInverse"], inverse["settleCurrency"], inverse["multiplier"]) == (True, "BTC", 1)
    assert (linear["isInverse"], linear["settleCurrency"], linear["multiplier"]) == (False, "USDT", D("0.001"))
    assert (inverse["priceStep"], inverse["pricePrecision"]) == (D("0.5"), 1)
    assert (linear["quoteCurrency"], inverse["quoteCurrency"], linear["baseCurrency"]) == ("USDT", "USD", "BTC")
    assert all(row["enable"] for row in rows)
    assert rest.get("/symbols@BTCUSDT") == linear
    assert '"priceMax":1E+6' in rest.call("GET", "/symbols").text


def test_instruments_are_those_of_the_socket(still: LocalExchange, rest: Rest) -> None:
    rows = rest.get("/instruments")
    with ContractPeer(still, "instruments") as peer:
        assert rows == peer.receive()
    assert [row["symbol"] for row in rows] == list(SYMBOLS)
    assert rest.get("/instruments@ETHUSDT") == rows[2]
    assert rows[0]["markPrice"] == still.instruments()["BTCUSD"].mark_price
    assert isinstance(rows[0]["nextFundingTime"], int)


def test_a_snapshot_continues_with_the_sockets_deltas(still: LocalExchange, rest: Rest) -> None:
    with ContractPeer(still, "depth@BTCUSDT") as peer:
        first = peer.receive()
        still.step(20, "BTCUSDT")
        snapshot = parse(rest.call("GET", "/depth@BTCUSDT/snapshot").text)
        still.step(20, "BTCUSDT")
        frames = peer.everything()
    assert first["to"] < snapshot["to"]
    assert set(snapshot) == {"bids", "asks", "from", "to", "lastPrice", "bestPrices"}
    joined, whole = ContractReplica("BTCUSDT"), ContractReplica("BTCUSDT")
    joined.take([snapshot])
    ends = [frame["to"] for frame in frames]
    joined.take(frames[ends.index(snapshot["to"]) + 1 :])
    whole.take([first, *frames])
    assert (joined.bids, joined.asks) == (whole.bids, whole.asks)
    joined.assert_equals(still)


def test_the_snapshot_of_an_empty_book(still: LocalExchange, rest: Rest) -> None:
    still.empty_book("BTCUSD")
    snapshot = rest.get("/depth@BTCUSD/snapshot")
    assert (snapshot["bids"], snapshot["asks"], snapshot["bestPrices"]) == ({}, {}, {})


def test_the_snapshot_of_a_recorded_book(still: LocalExchange, rest: Rest) -> None:
    recorded: dict[str, Any] = {
        "from": 0, "to": 7, "lastPrice": 2, "bids": {"1": 3}, "asks": {"2": 4}, "bestPrices": {"ask": 2, "bid": 1},
    }  # fmt: skip
    still.replay_contracts([{"t": 0, "symbol": "XRPUSDT", "frame": recorded}])
    assert rest.get("/depth@XRPUSDT/snapshot") == recorded
    assert rest.refusal("GET", "/symbols@XRPUSDT") == (400, "")


@pytest.mark.parametrize("path", ["/symbols@{}", "/instruments@{}", "/depth@{}/snapshot"])
@pytest.mark.parametrize("symbol", ["btcusd", "NOSUCHUSD", "BTC-USDT"])
def test_an_unknown_contract(rest: Rest, path: str, symbol: str) -> None:
    assert rest.refusal("GET", path.format(symbol)) == (400, "")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nothing"), ("GET", "/depth@BTCUSD"), ("POST", "/symbols"), ("GET", "/"), ("PUT", "/orders")],
)
def test_an_unknown_path(rest: Rest, method: str, path: str) -> None:
    assert rest.refusal(method, path) == (404, "")


def test_numbers_are_json_numbers(rest: Rest) -> None:
    row = json.loads(rest.call("GET", "/instruments@BTCUSDT").text, parse_float=str, parse_int=str)
    assert row["latestPrice"] == str(rest.get("/instruments@BTCUSDT")["latestPrice"])


def test_the_contracts_wake_when_the_first_is_asked_for(still: LocalExchange, rest: Rest) -> None:
    assert not still._contracts.awake
    rest.get("/symbols")
    assert not still._contracts.awake
    rest.get("/depth@BTCUSD/snapshot")
    assert still._contracts.awake
