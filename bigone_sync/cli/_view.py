"""The demo as a picture that fills the terminal."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..book import OrderBook
from . import _panels
from ._recording import Recording
from ._stage import Client

__all__ = ["RichView", "can_draw"]

_LEAST_WIDTH, _LEAST_HEIGHT = 76, 22
_HEADER = 4
_CONNECTIONS = 6
_ACCOUNT = 7
_TRADES = 7
_MOST_LEVELS = 12
_FRAME = 2
_SIDES = 4


def can_draw(console: Console) -> bool:
    """Whether ``console`` is a terminal that shows the whole picture, frames and bars included."""
    width, height = console.size
    able = console.is_terminal and not console.is_dumb_terminal and console.encoding.startswith("utf")
    return able and width >= _LEAST_WIDTH and height >= _LEAST_HEIGHT


class RichView:
    """Draws book, trades, connections, the own order and the story, side by side.

    Args:
        recorder: what has happened.
        book: the kept book.
        client: for its numbers.
        seconds: length of the show.
        console: where to draw.
    """

    def __init__(self, recorder: Recording, book: OrderBook, client: Client, seconds: float, console: Console):
        self._recorder, self._book, self._client = recorder, book, client
        self._seconds, self._console = seconds, console
        # Drawn by show() alone, on the thread that tells the story.
        self._live = Live(console=console, screen=True, auto_refresh=False)

    def __enter__(self) -> RichView:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, elapsed: float | None) -> None:
        """Draw the present state; ``elapsed`` seconds of the show, None before it."""
        self._live.update(self.picture(elapsed), refresh=True)

    def picture(self, elapsed: float | None) -> Layout:
        """Everything, laid out for the console's size."""
        width, height = self._console.size
        inside = width // 2 - _SIDES
        body = height - _HEADER
        trades = max(_TRADES, body // 3)
        # Both sides of the book, the line between them, and the frame.
        levels = max(1, min(_MOST_LEVELS, (body - trades - _FRAME - 1) // 2))
        trades = body - (2 * levels + 1 + _FRAME)
        recorder = self._recorder

        layout = Layout()
        layout.split_column(Layout(self._header(elapsed), size=_HEADER), Layout(name="body"))
        layout["body"].split_row(Layout(name="left"), Layout(name="right"))
        layout["left"].split_column(
            Layout(_panels.book(self._book.snapshot(levels), recorder, levels, inside), size=2 * levels + 1 + _FRAME),
            Layout(_panels.trades(recorder, trades - _FRAME), size=trades),
        )
        layout["right"].split_column(
            Layout(_panels.connections(recorder, self._client.stats()), size=_CONNECTIONS),
            Layout(_panels.account(recorder), size=_ACCOUNT),
            Layout(_panels.story(recorder, body - _CONNECTIONS - _ACCOUNT - _FRAME)),
        )
        return layout

    def _header(self, elapsed: float | None) -> Panel:
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(no_wrap=True)
        line.add_column(ratio=1)
        line.add_column(justify="right", no_wrap=True, width=11)
        left = "connecting" if elapsed is None else f"{max(0.0, self._seconds - elapsed):.1f} s left"
        line.add_row(
            Text.assemble(("bigone_sync demo", "bold"), "  ", (self._recorder.market, "bold cyan")),
            ProgressBar(total=self._seconds, completed=elapsed or 0.0, complete_style="cyan", finished_style="cyan"),
            left,
        )
        content = Table.grid(expand=True)
        content.add_row(line)
        content.add_row(Text(self._recorder.caption, style="italic", no_wrap=True, overflow="ellipsis"))
        return Panel(content, border_style="cyan")
