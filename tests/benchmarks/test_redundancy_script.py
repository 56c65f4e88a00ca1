"""The judge of several Rails connections passes what is right, and finds what is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks import redundancy
from benchmarks.redundancy_faults import KINDS, Fault, Side
from benchmarks.redundancy_watch import Watch
from bigone_sync import Trade
from bigone_sync.testing import LocalExchange
from bigone_sync.testing._book import BookView

_SHORT = ["--seconds", "3", "--seed", "4"]


def test_a_short_run_passes_and_shows_the_times(capsys: pytest.CaptureFixture[str]) -> None:
    assert redundancy.main(_SHORT) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("longest time without data")
    rows = [line.split() for line in said if line.split()[0] in KINDS]
    assert rows
    for row in rows:
        assert int(row[1]) >= 1
    assert any(line.startswith("redundancy=2: ") for line in said)
    assert any(line.startswith("one connection: ") for line in said)
    assert said[-1] == "redundancy passed"


def pauses(_: object) -> Iterator[Fault]:
    """Misfortunes that hardly are any."""
    while True:
        yield Fault("pause", 0.05)


def lose_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """One connection does not bring a change of the book that the other one brings."""
    begin = Side.begin

    def lossy(self: Side, fault: Fault) -> None:
        begin(self, fault)
        self._exchange.rails_drop_next(self._victim, "publicOrderBookDelta")

    monkeypatch.setattr(Side, "begin", lossy)


def tell_another_book(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exchange's book is not the one that was published."""

    def empty(_exchange: LocalExchange, _market: str) -> BookView:
        return BookView.freeze(0, {}, {})

    monkeypatch.setattr(LocalExchange, "rails_book", empty)


def repeat_trades(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each trade comes twice."""

    def twice(self: Watch, trade: Trade) -> None:
        self.trades += [trade, trade]

    monkeypatch.setattr(Watch, "_on_trade", twice)


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (lose_a_change, "times connections differed"),
        (tell_another_book, "the kept book differs"),
        (repeat_trades, "trades came twice"),
    ],
    ids=["change", "book", "trades"],
)
def test_what_is_wrong_is_found(
    spoil: object, finding: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(spoil)
    spoil(monkeypatch)
    monkeypatch.setattr(redundancy, "faults", pauses)
    monkeypatch.setattr(redundancy, "_SETTLE", 2.0)
    assert redundancy.main(["--seconds", "0.7"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line.startswith("WRONG: ") and finding in line]
    assert said[-1] == "redundancy failed"


def test_one_connection_is_no_redundancy(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        redundancy.main(["--redundancy", "1"])
    assert exit_.value.code == 2
    assert "at least 2" in capsys.readouterr().err
