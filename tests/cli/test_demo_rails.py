"""The demo of Rails in this process: what fails it, how a failover is judged, and the picture."""

from __future__ import annotations

import dataclasses
import io
import re
from decimal import Decimal as D
from types import MappingProxyType

import pytest
from rich.console import Console
from test_demo_picture import ENTER, ESCAPES, LEAVE, in_terminal, text_of, text_of_layout
from test_demo_verdict import DeadPath, run, without_one

from bigone_sync import Channel, Credentials, Fill, Gap, OrderState, RailsClient, RailsOrder, Side, StateChange
from bigone_sync.cli import _panels
from bigone_sync.cli import _settings as settings
from bigone_sync.cli._failover import Failover
from bigone_sync.cli._rails_recorder import RailsRecorder
from bigone_sync.cli._rails_stage import RailsStage
from bigone_sync.cli._stage import CREDENTIALS
from bigone_sync.cli._view import RichView
from bigone_sync.enums import BookState, ConnectionState
from bigone_sync.testing import LocalExchange
from bigone_sync.testing._book import BookView
from bigone_sync.testing._rails_views import RailsFill, RailsOrderView, RailsTrade

MARKET = "BTC-USD"
LEADER, OTHER = "rails/BTC-USD#0", "rails/BTC-USD#1"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SETTLE_LIMIT", 0.6)


class OtherAnswers(LocalExchange):
    """Whatever it is asked about, something is not as it was told."""

    def rails_book(self, market: str) -> BookView:
        view = super().rails_book(market)
        price = next(iter(view.bids))
        return dataclasses.replace(view, bids=MappingProxyType({**view.bids, price: view.bids[price] + 1}))

    def rails_trades(self, market: str) -> list[RailsTrade]:
        return without_one(super().rails_trades(market))

    def rails_orders(self) -> list[RailsOrderView]:
        return [dataclasses.replace(order, filled_quantity="9") for order in super().rails_orders()]

    def rails_fills(self) -> list[RailsFill]:
        first, *fills = super().rails_fills()
        return [dataclasses.replace(first, quantity="9"), *fills]


def exchange_of(kind: type[LocalExchange]) -> LocalExchange:
    key = CREDENTIALS.api_key, CREDENTIALS.api_secret
    return kind(seed=1, credentials=key, markets=(), contracts=(), rails_markets=[MARKET], rate=settings.RATE)


def test_every_difference_fails_the_demo(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = run(exchange_of(OtherAnswers), stage=RailsStage(MARKET))
    assert status == 1
    assert output.count("FAILED") == 4
    assert output.count(" ok ") == 2  # recovery and failover
    error = capsys.readouterr().err
    for said in (
        "the kept book differs from the engine's;",
        "trades came",
        "own orders whose state is not known: ",
        "own trades that differ from the exchange's: 1 missed, 1 too many",
    ):
        assert said in error


def test_no_recovery_fails_the_demo(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "RECOVERY_LIMIT", 0.2)
    status, _ = run(exchange_of(LocalExchange), DeadPath, RailsStage(MARKET))
    assert status == 1
    error = capsys.readouterr().err
    assert "not READY again: rails/BTC-USD#0, rails/BTC-USD#1" in error
    assert "the kept book is STALE and holds no prices" in error


# -- a failover


def test_a_failover_is_over_when_both_are_in_step_again() -> None:
    failover = Failover(2, 10.0)
    assert failover.problem() == "no connection noticed that it was cut"
    assert not failover.look(BookState.LIVE, 0, 2, 10.1)  # nobody has noticed
    failover.state(LEADER, ConnectionState.WAITING)
    assert not failover.look(BookState.LIVE, 0, 1, 10.2)
    assert failover.problem() == "no other connection took over"
    assert not failover.look(BookState.LIVE, 1, 1, 10.3)
    assert failover.problem() == f"not READY again: {LEADER}"
    failover.state(LEADER, ConnectionState.READY)
    assert not failover.look(BookState.LIVE, 1, 1, 10.4)
    assert failover.problem() == "only 1 of 2 connections in step again"
    assert failover.look(BookState.LIVE, 1, 2, 10.5)
    assert (failover.seconds, failover.lost, failover.problem()) == (0.5, LEADER, "")
    # The reset that follows is another story.
    failover.state(OTHER, ConnectionState.WAITING)
    failover.gap()
    assert not failover.look(BookState.STALE, 2, 0, 11.0)
    assert failover.problem() == ""


@pytest.mark.parametrize(
    ("gaps", "book", "said"),
    [
        (1, BookState.LIVE, "1 gap was announced"),
        (2, BookState.LIVE, "2 gaps were announced"),
        (0, BookState.STALE, "the kept book was in doubt meanwhile"),
    ],
)
def test_a_failover_with_a_hole_says_so(gaps: int, book: BookState, said: str) -> None:
    failover = Failover(2, 10.0)
    for state in (ConnectionState.WAITING, ConnectionState.READY):
        failover.state(LEADER, state)
    for _ in range(gaps):
        failover.gap()
    failover.look(book, 1, 1, 10.1)
    assert failover.look(BookState.LIVE, 1, 2, 10.2)
    assert failover.problem() == said


# -- the recorder and the picture


def order(status: str, filled: str = "0", result_type: str = "createOrder") -> RailsOrder:
    return RailsOrder(
        "01HZ5J70FCBNJAS7TVPVB4GAAG",
        market=MARKET,
        side=Side.SELL,
        status=OrderState(status),
        price=D("65000.5"),
        remaining=D(2) - D(filled),
        filled=D(filled),
        avg_fill_price=D("65000.5"),
        result_type=result_type,
    )


def fill(order_id: str, size: str) -> Fill:
    return Fill(
        id=f"m-{size}",
        order_id=order_id,
        market=MARKET,
        side=Side.SELL,
        price=D("65000.5"),
        size=D(size),
        fee=D("32.5004"),
        role="MAKER",
    )


def test_the_account_is_followed() -> None:
    recorder = RailsRecorder(MARKET)
    for state in (order("pending"), order("active"), order("active", "0.5", ""), order("cancelling", "0.5")):
        recorder._on_order(state)
    for one in (fill("else", "3"), fill(order("active").order_id, "0.25"), fill(order("active").order_id, "0.125")):
        recorder._on_fill(one)
    notes = [(note.kind, note.text) for note in recorder.notes()]
    assert notes[1:] == [
        ("order", "#1 SELL 2.00000 @ 65,000.50: ACTIVE"),
        ("order", "#1 SELL 2.00000 @ 65,000.50: ACTIVE, 0.50000 filled [from the REST answer]"),
        ("order", "#1 SELL 2.00000 @ 65,000.50: CANCELLING, 0.50000 filled"),
        ("fill", "#? SELL 3.00000 @ 65,000.50 as maker, fee 32.50"),
        ("fill", "#1 SELL 0.25000 @ 65,000.50 as maker, fee 32.50"),
        ("fill", "#1 SELL 0.12500 @ 65,000.50 as maker, fee 32.50"),
    ]
    assert [note.short for note in recorder.notes()[2:4]] == ["#1 0.50000 filled (REST answer)", "#1 CANCELLING"]
    text = text_of(_panels.account(recorder))
    assert "PENDING → ACTIVE → partly filled" in text
    rows = re.findall(r"#1 SELL (0\.\d+) @ 65,000\.50 +32\.50", text)
    assert rows == ["0.12500", "0.25000"]  # newest first, of those that there is room for
    assert "3.00000" not in text


def test_a_gap_during_a_failover_is_counted() -> None:
    recorder = RailsRecorder(MARKET)
    recorder._on_gap(Gap(Channel.TRADES, MARKET, reason="before"))
    recorder.expect_failover(2)
    recorder._on_state(StateChange(ConnectionState.READY, ConnectionState.WAITING, connection=LEADER))
    recorder._on_gap(Gap(Channel.FILLS, None, reason="away"))
    failover = recorder.failover
    assert failover is not None
    failover.look(BookState.LIVE, 1, 1, 1.0)
    assert failover.problem() == "1 gap was announced"


def test_the_picture_fills_a_small_terminal() -> None:
    recorder = RailsRecorder(MARKET)
    client = RailsClient(market=MARKET, credentials=Credentials("key", "secret"), redundancy=2)
    recorder.attach(client)
    recorder._on_order(order("cancelling", "0.5"))
    recorder._on_fill(fill(order("active").order_id, "0.5"))
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=True, _environ={})
    lines = text_of_layout(RichView(recorder, client.order_book(), client, 10, console), console)
    assert len(lines) == 24
    assert {len(line) for line in lines} == {80}
    picture = "\n".join(lines)
    for part in (
        "│ BTC-USD#0 ● IDLE",
        "│ BTC-USD#1 ● IDLE",
        "own order, own trades",
        "#1 SELL 0.50000 @ 65,000.50 32.50",
    ):
        assert part in picture
    client.close()


def test_a_terminal_gets_the_picture() -> None:
    status, raw = in_terminal(100, 30, "--venue", "rails", "--seconds", "2")
    assert status == 0, raw
    picture = ESCAPES.sub("", raw[raw.index(ENTER) : raw.index(LEAVE)])
    summary = ESCAPES.sub("", raw[raw.index(LEAVE) :])
    for title in ("order book LIVE", "order book STALE", "trades", "connections", "own order, own trades"):
        assert f"─ {title} ─" in picture
    for part in ("◀ mine", "PENDING → ACTIVE", "BTC-USD#0 ● READY", "failovers 1", "nothing was missing"):
        assert part in picture
    for part in ("what happened", "recovered in", "client.stats()", "failovers: ", "own trades: none missed"):
        assert part in summary
    assert "Traceback" not in raw
