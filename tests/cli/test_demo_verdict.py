"""The demo in this process, with an exchange or a path that is not as it should be: it must say so."""

from __future__ import annotations

import dataclasses
import io
from decimal import Decimal as D
from types import MappingProxyType

import pytest
from rich.console import Console

from bigone_sync.cli import _settings as settings
from bigone_sync.cli._recorder import Recorder
from bigone_sync.cli._show import CREDENTIALS, Show
from bigone_sync.testing import FaultProxy, LocalExchange
from bigone_sync.testing._book import BookView, OrderView, Trade
from bigone_sync.testing._ledger import Balance
from bigone_sync.testing.leaks import leak_check

MARKET = "BTC-USDT"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SETTLE_LIMIT", 0.2)


class OtherAmount(LocalExchange):
    def book(self, market: str) -> BookView:
        view = super().book(market)
        price = next(iter(view.bids))
        return dataclasses.replace(view, bids=MappingProxyType({**view.bids, price: view.bids[price] + 1}))


class OtherTrades(LocalExchange):
    def trades(self, market: str) -> list[Trade]:
        return super().trades(market)[:-1]


class OtherOrders(LocalExchange):
    def orders(self) -> list[OrderView]:
        return [dataclasses.replace(order, filled_amount=D(9)) for order in super().orders()]


class OtherBalances(LocalExchange):
    def balances(self) -> dict[str, Balance]:
        balances = super().balances()
        return {**balances, "BTC": dataclasses.replace(balances["BTC"], locked=D(9))}


class FasterCrowd(LocalExchange):
    def fill_order(self, order_id: str, amount: D | str | None = None) -> D:
        super().fill_order(order_id)
        return super().fill_order(order_id, amount)


class DeadPath(FaultProxy):
    def heal(self) -> None:
        """It stays dead."""


def run(exchange: LocalExchange, proxy: type[FaultProxy] = FaultProxy) -> tuple[int, str]:
    """Exit status and output of a short show."""
    output = io.StringIO()
    console = Console(file=output, width=80, highlight=False)
    with leak_check(), exchange, proxy(exchange.spot_url) as path:
        status = Show(exchange, path, Recorder(MARKET), seconds=2, seed=1, protocol="json", console=console).run()
    return status, output.getvalue()


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
