"""The panels of the picture: each a function of what was recorded, without any state."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..book import BookView
from ..enums import BookState, ConnectionState, OrderState, Side
from ..events import PriceLevel
from ..stats import ClientStats
from . import _format
from ._own import OwnOrder
from ._recording import Recording
from ._settings import PRICE_PLACES

__all__ = ["account", "book", "connections", "story", "trades"]

_BUY, _SELL = "green", "red"
_BOOK_STYLES = {BookState.LIVE: "green", BookState.STALE: "red"}
_STATE_STYLES = {ConnectionState.READY: "green", ConnectionState.WAITING: "red"}
_ORDER_STYLES = {
    OrderState.FILLED: "green",
    OrderState.CANCELLED: "yellow",
    OrderState.PARTIALLY_CANCELED: "yellow",
    OrderState.REJECTED: "red",
}
_NOTE_STYLES = {"demo": "bold magenta", "book": "cyan", "gap": "yellow"}
_BAR = 12
_STATE_WIDTH = len("● CONNECTING")
_LEAST_BAR, _MOST_BAR = 6, 32
_MINE = " ◀ mine"
_BESIDE_BAR = 28
"""Columns that a level needs for everything but its bar."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def _panel(content: RenderableType, title: str, caption: str = "", style: str = "bright_black") -> Panel:
    return Panel(
        content,
        title=f"[bold]{title}[/]",
        title_align="left",
        subtitle=f"[dim italic]{caption}[/]" if caption else None,
        subtitle_align="right",
        border_style=style,
        padding=(0, 1),
    )


def _grid(*justify: str) -> Table:
    table = Table.grid(padding=(0, 1))
    for side in justify:
        table.add_column(justify="right" if side == "r" else "left", no_wrap=True)
    return table


def _side_style(side: Side) -> str:
    return _BUY if side == Side.BUY else _SELL


def bar(value: Decimal, most: Decimal, width: int) -> str:
    """A horizontal bar, ``width`` characters for ``most``, fine to an eighth of a character."""
    eighths = int(value * width * 8 / most) if most else 0
    full, rest = divmod(min(max(1, eighths), width * 8), 8)
    return ("█" * full + _EIGHTHS[rest]).rstrip()


# -- the book


def book(view: BookView, recorder: Recording, levels: int, width: int) -> Panel:
    """Sells above, buys below, the best ones next to the line in the middle."""
    style = _BOOK_STYLES.get(view.state, "yellow")
    title = f"order book [{style}]{view.state}[/]"
    if view.best_bid is None or view.best_ask is None:
        return _panel(_no_prices(view.state, levels), title, "no prices rather than wrong ones", style)
    rows = (*view.asks, *view.bids)
    price_places = _format.places((level.price for level in rows), PRICE_PLACES)
    amount_places = _format.places((level.amount for level in rows), recorder.amount_places)
    most = max(level.amount for level in rows)
    mine = {order.price for order in _open_orders(recorder)}
    table = _grid("r", "r", "l")

    def add(side: Sequence[PriceLevel], colour: str) -> None:
        for level in side:
            drawn = bar(level.amount, most, max(_LEAST_BAR, min(_MOST_BAR, width - _BESIDE_BAR)))
            table.add_row(
                Text(_format.number(level.price, price_places), style=colour),
                _format.number(level.amount, amount_places),
                Text.assemble((drawn, colour), (_MINE if level.price in mine else "", "bold yellow")),
            )

    for _ in range(levels - len(view.asks)):
        table.add_row("", "", "")
    add(view.asks[::-1], _SELL)
    spread = f"spread {_format.number(view.spread, price_places)}"
    table.add_row(Text(_format.number(view.mid, price_places + 1), style="bold"), Text("mid", style="dim"), spread)
    add(view.bids, _BUY)
    return _panel(table, title, "asks above, bids below", style)


def _no_prices(state: BookState, levels: int) -> Text:
    text = "no snapshot yet" if state == BookState.SYNCING else "waiting for a fresh snapshot"
    return Text("\n" * (levels - 1) + text, style="dim", justify="center")


def _open_orders(recorder: Recording) -> list[OwnOrder]:
    return [states[-1] for states in recorder.orders().values() if not states[-1].is_final]


# -- trades


def trades(recorder: Recording, rows: int) -> Panel:
    """The latest trades, newest first."""
    shown = recorder.trades()[:rows]
    price_places = _format.places((trade.price for trade in shown), PRICE_PLACES)
    amount_places = _format.places((trade.amount for trade in shown), recorder.amount_places)
    table = _grid("l", "l", "r", "r")
    for trade in shown:
        buys = trade.taker_side == Side.BUY
        table.add_row(
            Text(f"{trade.time:%H:%M:%S}" if trade.time else "", style="dim"),
            Text("▲ buy" if buys else "▼ sell", style=_side_style(trade.taker_side)),
            Text(_format.number(trade.price, price_places), style=_side_style(trade.taker_side)),
            _format.number(trade.amount, amount_places),
        )
    return _panel(table, "trades", f"{len(recorder.trade_ids())} so far, each one once")


# -- connections


def connections(recorder: Recording, stats: ClientStats) -> Panel:
    """One line a connection."""
    table = _grid("l", "l", "r", "r")
    for name, channel in stats.channels.items():
        style = _STATE_STYLES.get(channel.state, "yellow")
        rtt = "" if channel.ping_rtt is None else f"{channel.ping_rtt * 1000:.1f} ms"
        state = Text(f"● {channel.state}".ljust(_STATE_WIDTH), style=style)
        short = name.removesuffix(f"@{recorder.market}")
        table.add_row(short, state, f"{channel.frames:,}", Text(rtt, style="dim"))
    if stats.failovers:
        table.add_row(Text("failovers", style="dim"), Text(f"{stats.failovers}", style="dim"))
    recovery = recorder.recovery
    if recovery is None:
        return _panel(table, "connections", "state, frames read, ping")
    if recovery.seconds is None:
        return _panel(table, "connections", "reset", "red")
    return _panel(table, "connections", f"reset, recovered in {recovery.seconds:.2f} s", "green")


# -- account


def account(recorder: Recording) -> Panel:
    """The latest own order and what the account has."""
    orders = recorder.orders()
    content = Table.grid(expand=True)
    if orders:
        states = list(orders.values())[-1]
        content.add_row(_order_line(len(orders), states[-1], recorder.amount_places))
        content.add_row(_filled(states[-1], recorder.amount_places))
        content.add_row(_life(states))
    else:
        content.add_row(Text("the demo will place an order soon\n\n", style="dim"))
    content.add_row(_holdings(recorder))
    return _panel(content, recorder.account_title, recorder.account_caption)


def _order_line(number: int, order: OwnOrder, least: int) -> Text:
    return Text.assemble(
        (f"#{number} ", "dim"),
        (f"{order.side} ", _side_style(order.side)),
        f"{_format.amount(order.amount, least)} @ {_format.price(order.price)}  ",
        (str(order.state), "bold " + _ORDER_STYLES.get(order.state, "white")),
        no_wrap=True,
        overflow="ellipsis",
    )


def _filled(order: OwnOrder, least: int) -> Text:
    amount, filled = order.amount or Decimal(0), order.filled or Decimal(0)
    drawn = bar(filled, amount, _BAR) if filled else ""
    return Text.assemble(
        "   ",
        (drawn, _side_style(order.side)),
        ("░" * (_BAR - len(drawn)), "bright_black"),
        f" {_format.amount(filled, least)} filled",
    )


def _life(states: Sequence[OwnOrder]) -> Text:
    text = Text("   ", style="dim", no_wrap=True, overflow="ellipsis")
    steps: list[str] = []
    for order in states:
        word = "partly filled" if order.filled and not order.is_final else str(order.state)
        if not steps or steps[-1] != word:
            steps.append(word)
    return text.append(" → ".join(steps))


def _holdings(recorder: Recording) -> Table:
    table = _grid("l", "r", "r")
    for holding in recorder.holdings():
        style = "yellow" if holding.is_busy else "dim"
        table.add_row(Text(holding.name, style="bold"), holding.value, Text(holding.detail, style=style))
    return table


# -- the story


def story(recorder: Recording, rows: int) -> Panel:
    """What happened last, newest at the bottom."""
    notes = [note for note in recorder.notes() if note.is_main][-max(1, rows) :]
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True, min_width=len("00.00 s"))
    table.add_column(no_wrap=True, overflow="ellipsis")
    for note in notes:
        style = _NOTE_STYLES.get(note.kind, "")
        table.add_row(Text(f"{note.at:.2f} s", style="dim"), Text(note.short, style=style))
    return _panel(table, "what happened")
