"""Contract books rebuilt from their frames, in both forms of the sequence and over many symbols."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from contract_peer import SYMBOLS, ContractPeer, ContractReplica, stream

from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange(rate=0) as exchange:
        yield exchange


@pytest.mark.parametrize(("form", "step"), [("live", 0), ("documented", 1)])
def test_rebuilt_books_equal_the_exchanges(form: str, step: int) -> None:
    with LocalExchange(rate=0, contract_sequence=form) as exchange, ExitStack() as stack:
        peers = {symbol: stack.enter_context(ContractPeer(exchange, f"depth@{symbol}")) for symbol in SYMBOLS}
        replicas = {symbol: ContractReplica(symbol, step) for symbol in SYMBOLS}
        for _ in range(10):
            exchange.step(40)
            for symbol, replica in replicas.items():
                replica.take(peers[symbol].everything())
                replica.assert_equals(exchange)
                assert 5 <= len(replica.bids) <= 60
                assert 5 <= len(replica.asks) <= 60
        assert all(replica.deltas > 100 for replica in replicas.values())


def test_one_counter_runs_over_all_contracts(exchange: LocalExchange) -> None:
    with ContractPeer(exchange, "depth@BTCUSD") as one, ContractPeer(exchange, "depth@ETHUSDT") as two:
        exchange.step(200)
        frames = {"BTCUSD": one.everything(), "ETHUSDT": two.everything()}
    ids = [{frame["to"] for frame in found} for found in frames.values()]
    assert not ids[0] & ids[1]
    spans = [frame["to"] - frame["from"] for frame in frames["BTCUSD"][1:]]
    assert min(spans) >= 1
    assert sum(span > 3 for span in spans) > len(spans) / 2
    # Past 2**53, where a double can no longer tell neighbours apart.
    assert min(ids[0]) > 2**53


def test_a_hundred_contracts_on_one_exchange() -> None:
    symbols = [f"C{number:02}USDT" for number in range(100)]
    with LocalExchange(rate=0, contracts=symbols) as exchange, ExitStack() as stack:
        peers = {name: stack.enter_context(ContractPeer(exchange, f"depth@{name}")) for name in symbols}
        exchange.step(5)
        for name, peer in peers.items():
            replica = ContractReplica(name)
            replica.take(peer.everything())
            replica.assert_equals(exchange)
        assert len(exchange.contract_connections()) == 100
        with ContractPeer(exchange, "instruments") as peer:
            assert [row["symbol"] for row in peer.receive()] == symbols


def test_contracts_run_by_themselves_at_the_rate_of_the_markets_until_paused() -> None:
    with LocalExchange(rate=500) as exchange, ContractPeer(exchange, "depth@BTCUSD") as peer:
        replica = ContractReplica("BTCUSD")
        while replica.deltas < 50:
            replica.take([peer.receive()])
        exchange.pause()
        replica.take(peer.everything())
        replica.assert_equals(exchange)
        before = exchange.contract_book("BTCUSD")
        exchange.step(1, market="ETHUSDT")
        assert exchange.contract_book("BTCUSD") == before
        exchange.resume()
        while replica.deltas < 60:
            replica.take([peer.receive()])


def test_contracts_that_nobody_asks_for_do_not_run() -> None:
    with LocalExchange(rate=1000) as exchange:
        wait_until(lambda: len(exchange.trades("BTC-USDT")) > 60)
        exchange.pause()
        # Only its history: the first question made the contract.
        assert len(exchange.contract_trades("BTCUSD")) == 30


def test_the_same_seed_gives_the_same_contracts() -> None:
    def run(seed: int) -> tuple[list[object], object]:
        exchange = LocalExchange(seed=seed, rate=0)
        exchange.step(200)
        trades = [(t.id, t.price, t.amount, t.taker_side) for s in SYMBOLS for t in exchange.contract_trades(s)]
        return list(trades), [exchange.book(symbol) for symbol in SYMBOLS]

    assert run(3) == run(3)
    assert run(3) != run(4)


def test_watching_does_not_change_what_happens() -> None:
    quiet = LocalExchange(rate=0)
    quiet.step(50)
    with LocalExchange(rate=0) as watched, ContractPeer(watched, "depth@BTCUSD") as peer:
        watched.step(50)
        peer.everything()
        assert watched.contract_book("BTCUSD") == quiet.contract_book("BTCUSD")


def test_book_takes_names_of_both_halves(exchange: LocalExchange) -> None:
    assert exchange.book("BTCUSDT") == exchange.contract_book("BTCUSDT")
    assert exchange.book("BTC-USDT") != exchange.book("BTCUSDT")
    for book in (exchange.book, exchange.contract_book):
        with pytest.raises(ValueError, match="NOSUCHUSD"):
            book("NOSUCHUSD")
    with pytest.raises(ValueError, match="no period"):
        exchange.contract_candles("BTCUSD", "3H")
    with pytest.raises(ValueError, match="BTCUSDT"):
        exchange.step(1, market="NOSUCHUSD")


def test_a_quiet_book_sends_nothing(exchange: LocalExchange) -> None:
    exchange.set_quiet("BTCUSD")
    with ContractPeer(exchange, "depth@BTCUSD") as peer, ContractPeer(exchange, "trades@BTCUSD") as trades:
        peer.receive()
        trades.receive()
        exchange.step(100)
        assert peer.everything() == []
        assert trades.everything() == []
        exchange.set_quiet("BTCUSD", False)
        exchange.step(20)
        assert peer.everything()


@pytest.mark.parametrize("name", ["BTC-USD", "btcusd", "BTCEUR", "USD", "", "USDT"])
def test_names_of_contracts_say_what_they_are_settled_in(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a contract"):
        LocalExchange(contracts=[name])


@pytest.mark.parametrize("arguments", [{"contract_sequence": "other"}, {"contract_ids": "other"}])
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="other"):
        LocalExchange(**arguments)  # type: ignore[arg-type]


def test_an_exchange_without_contracts() -> None:
    with leak_check(), LocalExchange(contracts=(), rate=0) as exchange:
        exchange.step(3)
        assert exchange.positions() == {}
        assert exchange.cash() == {}
        with ContractPeer(exchange, "instruments") as peer:
            assert peer.receive() == []
        with stream(exchange) as private:
            first = private.receive()
            assert (first["positions"], first["orders"], first["trades"]) == ([], [], [])
