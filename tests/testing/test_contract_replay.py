"""Recorded contract depth played to clients."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from contract_peer import ContractPeer, ContractReplica, refusal

from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

_FOLDER = Path(os.environ.get("BIGONE_SYNC_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
_FILE = _FOLDER / "contract_depth.jsonl.gz"

SYMBOLS = ("AAAUSD", "BTCUSD")
Line = dict[str, Any]


def snapshot(to: int, bids: dict[str, Any], asks: dict[str, Any]) -> dict[str, Any]:
    return {"to": to, "bestPrices": {}, "lastPrice": 10, "bids": bids, "asks": asks, "from": 0}


def recording(deltas: int, *, gap: float = 0.0, name_snapshots: bool = False) -> list[Line]:
    """Two symbols, one of them unknown to the exchange; their snapshots do not say whose they are."""
    lines: list[Line] = []
    for index, symbol in enumerate(SYMBOLS):
        line: Line = {"t": 100.0, "frame": snapshot(100 + index, {"9.5": 1, "9": 2}, {"10.5": Decimal("1.50")})}
        lines.append({**line, "symbol": symbol} if name_snapshots else line)
    last = {symbol: 100 + index for index, symbol in enumerate(SYMBOLS)}
    for i in range(deltas):
        symbol, n = SYMBOLS[i % 2], i // 2
        size = 0 if n % 3 == 2 else n + 1
        frame = {
            "symbol": symbol,
            "from": last[symbol],
            "to": 200 + i,
            "bestPrices": {},
            "lastPrice": 10,
            "bids": {f"8.{n % 7}": size},
            "asks": {},
        }
        last[symbol] = 200 + i
        lines.append({"t": 100.0 + gap * i, "frame": frame})
    return lines


def frames_of(lines: list[Line], symbol: str) -> list[Any]:
    index = SYMBOLS.index(symbol)
    return [lines[index]["frame"], *(line["frame"] for line in lines[2:] if line["frame"]["symbol"] == symbol)]


class Loose(ContractReplica):
    """A replica of a recording that has no touch to compare."""

    def check_best(self, best: dict[str, Any]) -> None:
        pass


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange(rate=0) as exchange:
        yield exchange


@pytest.mark.parametrize("name_snapshots", [False, True])
@pytest.mark.parametrize("speed", [None, 20.0])
def test_frames_are_played_as_they_were_recorded(
    exchange: LocalExchange, speed: float | None, name_snapshots: bool
) -> None:
    lines = recording(200, gap=0.002, name_snapshots=name_snapshots)
    exchange.replay_contracts(lines, speed=speed)
    with ContractPeer(exchange, "depth@AAAUSD") as one:
        assert one.everything() == [lines[0]["frame"]]  # it waits for the other
        with ContractPeer(exchange, "depth@BTCUSD") as two:
            assert exchange.wait_contract_replay(20)
            assert [lines[0]["frame"], *one.everything()] == frames_of(lines, "AAAUSD")
            frames = two.everything()
            assert frames == frames_of(lines, "BTCUSD")
    replica = Loose("BTCUSD")
    replica.take(frames)
    replica.assert_equals(exchange)
    assert exchange.book("BTCUSD") == exchange.contract_book("BTCUSD")
    assert list(exchange.book("BTCUSD").bids) == sorted(exchange.book("BTCUSD").bids, reverse=True)


def test_who_comes_late_gets_the_book_of_that_moment(exchange: LocalExchange) -> None:
    exchange.replay_contracts(recording(200))
    with ContractPeer(exchange, "depth@AAAUSD"), ContractPeer(exchange, "depth@BTCUSD"):
        assert exchange.wait_contract_replay(20)
        with ContractPeer(exchange, "depth@AAAUSD") as late:
            replica = Loose("AAAUSD")
            replica.take(late.everything())
            replica.assert_equals(exchange)


def test_the_other_channels_go_on_and_the_live_book_is_silent(exchange: LocalExchange) -> None:
    exchange.replay_contracts(recording(0, name_snapshots=True))
    with ContractPeer(exchange, "depth@BTCUSD") as depth, ContractPeer(exchange, "instruments@BTCUSD") as instruments:
        depth.receive()
        instruments.receive()
        exchange.step(20)
        assert depth.everything() == []
        assert len(instruments.everything()) == 20
    # Of a contract that only the recording knows there is nothing but depth.
    assert refusal(exchange, "trades@AAAUSD") == (400, b"")


def test_faults_work_on_recorded_frames(exchange: LocalExchange) -> None:
    lines = recording(6)
    exchange.replay_contracts(lines)
    exchange.skip_change("AAAUSD")
    exchange.wrong_symbol("BTCUSD")
    exchange.wrong_best_prices("BTCUSD")
    with ContractPeer(exchange, "depth@AAAUSD") as one, ContractPeer(exchange, "depth@BTCUSD") as two:
        assert exchange.wait_contract_replay(20)
        assert one.everything() == [frames_of(lines, "AAAUSD")[index] for index in (0, 2, 3)]
        frames = two.everything()
    assert frames[0]["bestPrices"] == {"ask": 20, "bid": 5}
    assert [frame.get("symbol") for frame in frames] == [None, "BTCUSDT", "BTCUSD", "BTCUSD"]


def test_a_second_snapshot_closes_the_sockets_of_its_contract(exchange: LocalExchange) -> None:
    lines = recording(4)
    lines.append({"t": 101.0, "frame": snapshot(900, {"7": 7}, {}), "symbol": "AAAUSD"})
    exchange.replay_contracts(lines)
    with ContractPeer(exchange, "depth@AAAUSD") as one, ContractPeer(exchange, "depth@BTCUSD") as two:
        assert exchange.wait_contract_replay(20)
        assert len(two.everything()) == 3
        for _ in range(3):
            one.receive()
        assert one.control()[0] == 8
    with ContractPeer(exchange, "depth@AAAUSD") as again:
        assert again.receive() == lines[-1]["frame"]


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ([], "empty"),
        ([{"t": 1, "frame": {"ping": 1}}], "only depth"),
        ([{"t": 1, "frame": snapshot(5, {}, {})}], "whose"),
        ([{"t": 1, "frame": {**snapshot(5, {}, {}), "from": 4, "symbol": "AAAUSD"}}], "before any snapshot"),
    ],
)
def test_recordings_that_cannot_be_played(exchange: LocalExchange, lines: list[Line], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        exchange.replay_contracts(lines)
    with pytest.raises(RuntimeError, match="nothing to replay"):
        exchange.wait_contract_replay(0)


def test_a_speed_must_be_positive(exchange: LocalExchange) -> None:
    with pytest.raises(ValueError, match="speed"):
        exchange.replay_contracts(recording(2), speed=0)


def test_closing_in_the_middle_leaves_nothing() -> None:
    with leak_check(), LocalExchange(rate=0) as exchange, ExitStack() as stack:
        exchange.replay_contracts(recording(1000, gap=10.0), speed=1.0)
        for symbol in SYMBOLS:
            stack.enter_context(ContractPeer(exchange, f"depth@{symbol}")).receive()
        exchange.close()
        assert not exchange.wait_contract_replay(0)


@pytest.mark.skipif(not _FILE.exists(), reason=f"no recorded order flow: {_FILE.name} is not there")
def test_the_recorded_flow() -> None:
    with gzip.open(_FILE, "rt") as file:
        texts = list(file)
    lines = [json.loads(text, parse_float=Decimal) for text in texts]
    symbols = sorted({line["frame"]["symbol"] for line in lines if line["frame"]["from"]})
    with leak_check(), LocalExchange(contracts=(), rate=0) as exchange, ExitStack() as stack:
        exchange.replay_contracts(lines)
        peers = {name: stack.enter_context(ContractPeer(exchange, f"depth@{name}")) for name in symbols}
        assert exchange.wait_contract_replay(60)
        for name, peer in peers.items():
            frames = peer.everything()
            replica = ContractReplica(name)
            replica.take(frames)
            replica.assert_equals(exchange)
            recorded = [line["frame"] for line in lines if line["frame"].get("symbol") == name]
            assert frames[1:] == recorded
            assert frames[0] in [line["frame"] for line in lines if not line["frame"]["from"]]


def test_a_restart_in_the_middle_goes_on_from_there(exchange: LocalExchange) -> None:
    exchange.replay_contracts(recording(400, gap=0.002), speed=1.0)
    with ContractPeer(exchange, "depth@AAAUSD") as one, ContractPeer(exchange, "depth@BTCUSD"):
        one.receive()
        one.receive()
        exchange.restart()
        opcode = 1
        while opcode == 1:
            opcode, _ = one.control()
        assert opcode == 8
    with ContractPeer(exchange, "depth@AAAUSD") as again:
        assert exchange.wait_contract_replay(20)
        wait_until(lambda: exchange.contract_connections() == ["depth@AAAUSD"])
        replica = Loose("AAAUSD")
        replica.take(again.everything())
        replica.assert_equals(exchange)
