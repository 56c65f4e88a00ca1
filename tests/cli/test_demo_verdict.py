"""The demo in this process, with an exchange or a path that is not as it should be: it must say so."""

from __future__ import annotations

import dataclasses
import io
import re
from decimal import Decimal as D
from types import MappingProxyType
from typing import TypeVar

import pytest
from rich.console import Console

from bigone_sync.cli import _settings as settings
from bigone_sync.cli._contract_stage import ContractStage
from bigone_sync.cli._recovery import Recovery
from bigone_sync.cli._show import Show
from bigone_sync.cli._spot_stage import SpotStage
from bigone_sync.cli._stage import CREDENTIALS, Stage
from bigone_sync.enums import BookState, ConnectionState
from bigone_sync.testing import FaultProxy, LocalExchange
from bigone_sync.testing._book import BookView, OrderView, Trade
from bigone_sync.testing._contract_views import CashView, ContractOrderView, ContractTrade, PositionView
from bigone_sync.testing._ledger import Balance
from bigone_sync.testing.leaks import leak_check

MARKET = "BTC-USDT"
CONTRACT = "BTCUSDT"

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SETTLE_LIMIT", 0.6)


class OtherAmount(LocalExchange):
    def book(self, market: str) -> BookView:
        view = super().book(market)
        price = next(iter(view.bids))
        return dataclasses.replace(view, bids=MappingProxyType({**view.bids, price: view.bids[price] + 1}))


def without_one(trades: list[T]) -> list[T]:
    """Without one in the middle, which a client has by the end, however slow it is."""
    return [trade for number, trade in enumerate(trades) if number != len(trades) // 2]


class OtherTrades(LocalExchange):
    def trades(self, market: str) -> list[Trade]:
        return without_one(super().trades(market))


class OtherOrders(LocalExchange):
    def orders(self) -> list[OrderView]:
        return [dataclasses.replace(order, filled_amount=D(9)) for order in super().orders()]


class OtherBalances(LocalExchange):
    def balances(self) -> dict[str, Balance]:
        balances = super().balances()
        return {**balances, "BTC": dataclasses.replace(balances["BTC"], locked=D(9))}


class OtherSize(LocalExchange):
    def contract_book(self, symbol: str) -> BookView:
        view = super().contract_book(symbol)
        price = next(iter(view.asks))
        return dataclasses.replace(view, asks=MappingProxyType({**view.asks, price: view.asks[price] + 1}))


class OtherContractTrades(LocalExchange):
    def contract_trades(self, symbol: str) -> list[ContractTrade]:
        return without_one(super().contract_trades(symbol))


class NoContractTrades(LocalExchange):
    def contract_trades(self, symbol: str) -> list[ContractTrade]:
        return []


class OtherContractOrders(LocalExchange):
    def contract_orders(self) -> list[ContractOrderView]:
        return [dataclasses.replace(order, status="CANCELED") for order in super().contract_orders()]


class MoreContractOrders(LocalExchange):
    def contract_orders(self) -> list[ContractOrderView]:
        orders = super().contract_orders()
        return [*orders, *(dataclasses.replace(order, id="one-more") for order in orders[:1])]


class OtherPositions(LocalExchange):
    def positions(self) -> dict[str, PositionView]:
        return {
            name: dataclasses.replace(position, entry_price=position.entry_price + 1)
            for name, position in super().positions().items()
        }


class OtherCash(LocalExchange):
    def cash(self) -> dict[str, CashView]:
        return {name: dataclasses.replace(cash, available=cash.available + 1) for name, cash in super().cash().items()}


class FasterContractCrowd(LocalExchange):
    def fill_contract_order(self, order_id: str, size: D | str | int | None = None) -> D:
        super().fill_contract_order(order_id)
        return super().fill_contract_order(order_id, size)


class FasterCrowd(LocalExchange):
    def fill_order(self, order_id: str, amount: D | str | None = None) -> D:
        super().fill_order(order_id)
        return super().fill_order(order_id, amount)


class DeadPath(FaultProxy):
    def heal(self) -> None:
        """It stays dead."""


class BusyOutage(FaultProxy):
    """While nobody can see it, more trades happen than a new socket tells."""

    exchange: LocalExchange

    def heal(self) -> None:
        self.exchange.step(300, CONTRACT)
        super().heal()


def run(exchange: LocalExchange, proxy: type[FaultProxy] = FaultProxy, stage: Stage | None = None) -> tuple[int, str]:
    """Exit status and output of a short show."""
    stage = stage or SpotStage(MARKET)
    output = io.StringIO()
    console = Console(file=output, width=80, highlight=False)
    with leak_check(), exchange, proxy(stage.url(exchange)) as path:
        status = Show(exchange, path, stage, seconds=2, seed=1, protocol="json", console=console).run()
    return status, output.getvalue()


def run_contract(kind: type[LocalExchange], proxy: type[FaultProxy] = FaultProxy) -> tuple[int, str]:
    """The same for contracts."""
    return run(contracts_of(kind), proxy, ContractStage(CONTRACT))


def contracts_of(kind: type[LocalExchange]) -> LocalExchange:
    key = CREDENTIALS.api_key, CREDENTIALS.api_secret
    return kind(seed=1, credentials=key, markets=(), contracts=[CONTRACT], rate=settings.CONTRACT_RATE)


def exchange_of(kind: type[LocalExchange]) -> LocalExchange:
    return kind(
        seed=1,
        credentials=(CREDENTIALS.api_key, CREDENTIALS.api_secret),
        markets=[MARKET],
        rate=settings.RATE,
        balances=dict(zip(("BTC", "USDT"), settings.BALANCES, strict=True)),
    )


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = run(exchange_of(LocalExchange))
    assert status == 0, output
    assert output.count(" ok ") == 5
    assert capsys.readouterr().err == ""


def test_a_crowd_that_is_faster_than_the_story_does_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = run(exchange_of(FasterCrowd))
    assert status == 0, output
    assert output.count(" ok ") == 5


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (OtherAmount, "the kept book"),
        (OtherTrades, "trades came"),
        (OtherOrders, "own orders whose state is not known"),
        (OtherBalances, "balances that differ from the exchange's: BTC"),
    ],
)
def test_a_difference_fails_the_demo(kind: type[LocalExchange], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, output = run(exchange_of(kind))
    assert status == 1
    assert output.count("FAILED") == 1
    error = capsys.readouterr().err
    assert error.startswith("the demo failed: ")
    assert said in error


def test_no_recovery_fails_the_demo(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "RECOVERY_LIMIT", 0.2)
    status, output = run(exchange_of(LocalExchange), DeadPath)
    assert status == 1
    assert "FAILED" in output
    error = capsys.readouterr().err
    assert "no recovery from the reset: not READY again: spot/depth, spot/private, spot/ticker, spot/trades" in error
    assert "the kept book is STALE and holds no prices" in error


# -- the recovery


def test_a_recovery_waits_for_what_is_kept_of_the_account() -> None:
    recovery = Recovery(1, 10.0)
    recovery.state("contract/stream", ConnectionState.WAITING)
    assert not recovery.look(BookState.STALE, 11.0)
    assert recovery.missing() == "not READY again: contract/stream"
    recovery.state("contract/stream", ConnectionState.READY)
    assert not recovery.look(BookState.STALE, 12.0)
    assert recovery.missing() == "the kept book is not LIVE again"
    assert not recovery.look(BookState.LIVE, 13.0, "positions and cash")
    assert recovery.missing() == "positions and cash not up to date again"
    assert recovery.look(BookState.LIVE, 14.0)
    assert recovery.seconds == 4.0


# -- contracts


def test_all_is_well_with_contracts(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = run_contract(LocalExchange)
    assert status == 0, output
    assert output.count(" ok ") == 6
    assert capsys.readouterr().err == ""


def test_an_order_that_ends_during_the_outage_is_known_by_rest() -> None:
    # The crowd fills the middle order meanwhile.
    status, output = run_contract(FasterContractCrowd)
    assert status == 0, output
    assert output.count(" ok ") == 6
    assert "3 own orders: status and filled size as the exchange has them" in " ".join(output.split())
    assert "ended in the outage" not in output


class WithoutRest(FasterContractCrowd):
    """REST does not serve."""

    def start(self) -> LocalExchange:
        started = super().start()
        self.fail_rest(500, times=None, path="/orders")
        return started


def test_an_order_that_ends_unheard_is_known_to_be_unknown() -> None:
    status, output = run_contract(WithoutRest)
    assert status == 0, output
    assert output.count(" ok ") == 6
    assert "3 own orders: status and filled size as the exchange has them; 1 ended in the outage" in " ".join(
        output.split()
    )


def test_trades_that_were_missed_and_announced_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = contracts_of(LocalExchange)
    monkeypatch.setattr(BusyOutage, "exchange", exchange, raising=False)
    status, output = run(exchange, BusyOutage, ContractStage(CONTRACT))
    assert status == 0, output
    said = r" ok \d+ trades: none twice, all in order; \d+ missed in the outage, as a gap said"
    assert re.search(said, " ".join(output.split()))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (OtherSize, "the kept book"),
        (OtherContractTrades, "trades came"),
        (NoContractTrades, "trades came"),
        (OtherContractOrders, "own orders whose state is not known"),
        (MoreContractOrders, "own orders whose state is not known: one-more"),
        (OtherPositions, "positions (LIVE) that differ from the exchange's: BTCUSDT"),
        (OtherCash, "cash (LIVE) that differs from the exchange's: USDT"),
    ],
)
def test_a_difference_fails_the_demo_of_contracts(
    kind: type[LocalExchange], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, output = run_contract(kind)
    assert status == 1
    assert output.count("FAILED") == 1
    assert said in capsys.readouterr().err


def test_no_recovery_fails_the_demo_of_contracts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "RECOVERY_LIMIT", 0.2)
    status, _ = run_contract(LocalExchange, DeadPath)
    assert status == 1
    error = capsys.readouterr().err
    assert "not READY again: contract/depth@BTCUSDT, contract/instruments, contract/stream, contract/trades" in error
    assert "positions (STALE) that differ from the exchange's: BTCUSDT" in error
    assert "cash (STALE) that differs from the exchange's: USDT" in error
