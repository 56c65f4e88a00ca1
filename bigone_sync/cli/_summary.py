"""The end of the demo: what happened, the client's numbers, and what was proved."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..stats import ClientStats, _Counters
from ._recording import Note
from ._verdict import Check

__all__ = ["show_summary"]

_STORY_LINES = 16
_SHORT_NAME = 7
"""Channels with longer names leave no room between the columns, where there are 80 in all."""
_LEGEND = (
    "events: what the frames held; delivered: calls of handlers (on_book sees only\n"
    "the newest state); reconnects: after a loss; gaps: data that may be missing."
)
_FAILOVERS = "failovers: {}; times that another connection took over from the leading one."
_COUNTERS = ("frames", "events", "delivered", "dropped", "reconnects", "gaps")


def show_summary(console: Console, stats: ClientStats, checks: Sequence[Check], notes: Sequence[Note]) -> None:
    """Print it.

    Args:
        console: where to.
        stats: of the client, at the end of the show.
        checks: the comparison of client and exchange.
        notes: the story, if it is to be told again: a picture takes it along when it goes.
    """
    console.print()
    if notes:
        _show_story(console, [note for note in notes if note.is_main])
    console.print(_numbers(stats))
    console.print(Text(_LEGEND, style="dim"))
    if stats.failovers:
        console.print(Text(_FAILOVERS.format(stats.failovers), style="dim"))
    console.print()
    for check in checks:
        mark = Text(" ok    ", style="bold green") if check.ok else Text(" FAILED", style="bold red")
        console.print(Text.assemble(mark, " ", check.text))
    console.print()


def _show_story(console: Console, notes: Sequence[Note]) -> None:
    console.print(Text("what happened", style="bold"))
    if len(notes) > _STORY_LINES:
        console.print(Text(f"            ... {len(notes) - _STORY_LINES} lines before", style="dim"))
    for note in notes[-_STORY_LINES:]:
        console.print(Text.assemble((f"{note.at:7.2f} s  ", "dim"), note.short))
    console.print()


def _numbers(stats: ClientStats) -> Table:
    room = 1 if max(map(len, stats.channels), default=0) <= _SHORT_NAME else 0
    table = Table(
        title="client.stats()", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, room, 0, 0)
    )
    table.add_column("channel")
    table.add_column("state")
    for name in _COUNTERS:
        table.add_column(name, justify="right")
    table.add_column("ping ms", justify="right")
    for name, channel in stats.channels.items():
        rtt = "-" if channel.ping_rtt is None else f"{channel.ping_rtt * 1000:.1f}"
        table.add_row(name, str(channel.state), *_counters(channel), rtt)
    table.add_section()
    table.add_row("all", "", *_counters(stats), "")
    return table


def _counters(numbers: _Counters) -> list[str]:
    return [f"{getattr(numbers, name):,}" for name in _COUNTERS]
