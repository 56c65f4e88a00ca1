"""The demo as plain lines, for logs, pipes and terminals that cannot draw."""

from __future__ import annotations

from types import TracebackType

import click

from ..book import OrderBook
from . import _format
from ._recording import Recording

__all__ = ["PlainView"]

_MARKET_LINES = 12
"""Lines about the market over the whole show, about."""
_LEAST_PAUSE = 0.5


class PlainView:
    """Prints every event of the story, and now and then a line about the market.

    Args:
        recorder: what has happened.
        book: the kept book.
        seconds: length of the show.
    """

    def __init__(self, recorder: Recording, book: OrderBook, seconds: float) -> None:
        self._recorder, self._book = recorder, book
        self._pause = max(_LEAST_PAUSE, seconds / _MARKET_LINES)
        self._printed = 0
        self._next_market = 0.0

    def __enter__(self) -> PlainView:
        click.echo("bigone_sync demo: an exchange inside this process, no network, no keys")
        click.echo(
            f"{self._recorder.market}, plain lines, since the output is no terminal or one that is too small to draw in"
        )
        click.echo("")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drain()

    def show(self, elapsed: float | None) -> None:
        """Print what is new."""
        self._drain()
        if elapsed is not None and elapsed >= self._next_market:
            self._next_market = elapsed + self._pause
            self._line(self._recorder.now(), "market", self._market())

    def _drain(self) -> None:
        for note in self._recorder.notes(self._printed):
            self._printed += 1
            self._line(note.at, note.kind, note.text)

    def _line(self, at: float, kind: str, text: str) -> None:
        click.echo(f"{at:7.2f} s  {kind:<{self._recorder.kind_width}}{text}")

    def _market(self) -> str:
        view = self._book.snapshot(1)
        trades = self._recorder.trades()
        if view.best_bid is None or view.best_ask is None:
            return f"book {view.state}: no prices are shown rather than wrong ones"
        bid, ask = view.best_bid, view.best_ask
        least = self._recorder.amount_places
        text = f"bid {_format.price(bid.price)} x {_format.amount(bid.amount, least)}"
        text += f"  ask {_format.price(ask.price)} x {_format.amount(ask.amount, least)}"
        text += f"  book {view.state}, {len(self._recorder.trade_ids())} trades"
        text += f", last {_format.trade_text(trades[0], least)}" if trades else ""
        return text + self._recorder.market_text()
