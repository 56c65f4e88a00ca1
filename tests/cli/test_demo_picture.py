"""The picture: in a real pseudo terminal, and panel by panel."""

from __future__ import annotations

import fcntl
import io
import os
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from decimal import Decimal as D

import pytest
from cli_process import ROOT, environment
from rich.console import Console, RenderableType

from bigone_sync import (
    Account,
    Cash,
    Channel,
    ContractClient,
    ContractOrder,
    Credentials,
    Fill,
    Gap,
    Order,
    OrderState,
    OrderType,
    Position,
    Side,
    SpotClient,
    Trade,
)
from bigone_sync.book import BookView
from bigone_sync.cli import _panels
from bigone_sync.cli._contract_recorder import ContractRecorder
from bigone_sync.cli._format import places
from bigone_sync.cli._recorder import Recorder
from bigone_sync.cli._view import RichView, can_draw
from bigone_sync.enums import BookState
from bigone_sync.events import PriceLevel

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
MARKET = "BTC-USDT"


# -- a real terminal ----------------------------------------------------------------------------------------------


def in_terminal(columns: int, rows: int, *options: str, **extra: str) -> tuple[int, str]:
    """Exit status and raw output of the demo in a pseudo terminal."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "bigone_sync", "demo", *options],
        cwd=ROOT,
        env=environment({"TERM": "xterm-256color", **extra}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        output = b"".join(_read(ours))
        return child.wait(60), output.decode()
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
            child.wait()
        os.close(ours)


def _read(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError:  # the other side is closed
            return
        if not data:
            return
        yield data


def test_a_terminal_gets_the_picture_and_keeps_the_summary() -> None:
    status, raw = in_terminal(100, 30, "--seconds", "3")
    assert status == 0, raw
    assert raw.count(ENTER) == raw.count(LEAVE) == 1
    picture = ESCAPES.sub("", raw[raw.index(ENTER) : raw.index(LEAVE)])
    summary = ESCAPES.sub("", raw[raw.index(LEAVE) :])
    for title in ("order book LIVE", "order book STALE", "trades", "connections", "own order, balances"):
        assert f"─ {title} ─" in picture
    for part in ("s left", "◀ mine", "PENDING → partly filled", "▲ buy", "▼ sell", "● READY", "█", "spread", "reset"):
        assert part in picture
    for part in ("what happened", "book STALE", "book LIVE", "recovered in", "client.stats()", "kept book equals"):
        assert part in summary
    assert "Traceback" not in raw


def test_a_terminal_gets_the_picture_of_a_contract() -> None:
    status, raw = in_terminal(100, 30, "--venue", "contract", "--seconds", "3")
    assert status == 0, raw
    picture = ESCAPES.sub("", raw[raw.index(ENTER) : raw.index(LEAVE)])
    summary = ESCAPES.sub("", raw[raw.index(LEAVE) :])
    for title in ("order book LIVE", "order book STALE", "trades", "connections", "own order, position, cash"):
        assert f"─ {title} ─" in picture
    for part in ("◀ mine", "NEW → partly filled", "● READY", "BTCUSDT +"):
        assert part in picture
    for part in ("what happened", "recovered in", "client.stats()", "1 position", "cash in 1 currency"):
        assert part in summary
    assert "Traceback" not in raw


@pytest.mark.parametrize(
    ("columns", "rows", "extra"), [(60, 30, {}), (100, 12, {}), (100, 30, {"TERM": "dumb"})], ids=str
)
def test_a_terminal_that_cannot_draw_gets_plain_lines(columns: int, rows: int, extra: dict[str, str]) -> None:
    status, raw = in_terminal(columns, rows, "--seconds", "2", **extra)
    assert status == 0, raw
    assert ENTER not in raw
    assert "plain lines" in raw
    assert "order   #1" in raw


def test_a_file_or_an_old_encoding_cannot_draw() -> None:
    assert can_draw(Console(file=io.StringIO(), force_terminal=True, width=100, height=30, _environ={}))
    assert not can_draw(Console(file=io.StringIO(), width=100, height=30, _environ={}))
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert not can_draw(Console(file=ascii_only, force_terminal=True, width=100, height=30, _environ={}))


# -- panels -------------------------------------------------------------------------------------------------------


def text_of(renderable: RenderableType, width: int = 60) -> str:
    console = Console(file=io.StringIO(), width=width, _environ={})
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def level(price: str, amount: str) -> PriceLevel:
    return PriceLevel(D(price), D(amount))


def order(state: str, filled: str = "0", *, is_snapshot: bool = False) -> Order:
    return Order(
        id="1",
        market=MARKET,
        side=Side.BUY,
        type=OrderType.LIMIT,
        state=OrderState(state),
        price=D("100.5"),
        amount=D(2),
        filled_amount=D(filled),
        avg_deal_price=D("100.5"),
        is_snapshot=is_snapshot,
    )


def view(bids: tuple[PriceLevel, ...], asks: tuple[PriceLevel, ...]) -> BookView:
    return BookView(MARKET, BookState.LIVE, 7, 0.0, bids, asks)


def test_the_book_is_aligned_exact_and_marks_the_own_order() -> None:
    recorder = Recorder(MARKET)
    recorder._on_order(order("PENDING"))
    book = view(
        (level("100.5", "4"), level("99.125", "0.5")), (level("1000", "0.123456"), level("1001.5", "0.00000001"))
    )
    lines = text_of(_panels.book(book, recorder, 2, 40)).splitlines()
    rows = [line.strip("│ \n") for line in lines if re.search(r"\d\.\d", line)]
    assert [row.split()[:2] for row in rows] == [
        ["1,001.500", "0.00000001"],
        ["1,000.000", "0.12345600"],
        ["550.2500", "mid"],
        ["100.500", "4.00000000"],
        ["99.125", "0.50000000"],
    ]
    assert rows[2].endswith("spread 899.500")
    assert rows[3].endswith("◀ mine")
    assert [row for row in rows if "mine" in row] == [rows[3]]
    points = {line.index(".") for line in lines if "█" in line or "▏" in line}
    assert len(points) == 1
    assert rows[3].count("█") == 12
    assert rows[4].count("█") == 1


def test_a_book_that_is_not_live_shows_no_price() -> None:
    recorder = Recorder(MARKET)
    stale = BookView(MARKET, BookState.STALE, 7, 0.0, (), ())
    text = text_of(_panels.book(stale, recorder, 3, 40))
    assert "order book STALE" in text
    assert "waiting for a fresh snapshot" in text
    assert not re.search(r"\d", text)


@pytest.mark.parametrize(
    ("value", "drawn"), [("8", "█" * 8), ("4", "█" * 4), ("0.5", "▌"), ("0.000001", "▏"), ("1.25", "█▎")]
)
def test_bars_are_in_proportion(value: str, drawn: str) -> None:
    assert _panels.bar(D(value), D(8), 8) == drawn


def test_the_own_order_is_followed() -> None:
    recorder = Recorder(MARKET)
    assert "soon" in text_of(_panels.account(recorder))
    for state in (order("PENDING"), order("PENDING", "0.5"), order("PENDING", "1"), order("CANCELLED", "1")):
        recorder._on_order(state)
    recorder._on_account(Account(asset="USDT", balance=D("1000.5"), locked_balance=D(20)))
    text = text_of(_panels.account(recorder))
    assert "#1 BUY 2.00000 @ 100.50  CANCELLED" in text
    assert "██████░░░░░░ 1.00000 filled" in text
    assert "PENDING → partly filled → CANCELLED" in text
    assert re.search(r"USDT 1,000\.50000 20\.00000", text)


def test_the_snapshot_after_a_reconnect_is_news_only_where_something_changed() -> None:
    recorder = Recorder(MARKET)
    for state in (
        order("PENDING"),
        order("PENDING", is_snapshot=True),
        order("PENDING", "1", is_snapshot=True),
        order("FILLED", "2"),
    ):
        recorder._on_order(state)
    assert [note.short for note in recorder.notes()] == [
        "#1 BUY PENDING",
        "#1 1.00000 filled (snapshot)",
        "#1 FILLED",
    ]
    assert len(recorder.orders()["1"]) == 4


def test_trades_are_newest_first() -> None:
    recorder = Recorder(MARKET)
    for number, side in ((1, Side.BUY), (2, Side.SELL), (3, Side.BUY)):
        recorder._on_trade(Trade(id=str(number), market=MARKET, price=D(number), amount=D(1), taker_side=side))
    text = text_of(_panels.trades(recorder, 2))
    assert re.findall(r"(buy|sell) +([\d.]+)", text) == [("buy", "3.00"), ("sell", "2.00")]
    assert "3 so far" in text


def contract_order(status: str, filled: str = "0", at: float = 0.0) -> ContractOrder:
    return ContractOrder(
        id="a-1",
        market="BTCUSDT",
        side=Side.SELL,
        status=OrderState(status),
        price=D("65000.5"),
        size=D(4000),
        filled=D(filled),
        avg_price=D("65000.5"),
        received_at=at,
    )


def position(size: str, pnl: str) -> Position:
    return Position(
        market="BTCUSDT",
        currency="USDT",
        size=D(size),
        entry_price=D("64990.1"),
        unrealized_pnl=D(pnl),
        realised_pnl=D("-1.5"),
    )


def test_the_account_of_a_contract_is_followed() -> None:
    recorder = ContractRecorder("BTCUSDT")
    assert "soon" in text_of(_panels.account(recorder))
    recorder._on_position(position("0", "0"))
    assert re.search(r"BTCUSDT +flat", text_of(_panels.account(recorder)))
    for state in (contract_order("NEW"), contract_order("PARTIALLY_FILLED", "1000"), contract_order("CANCELED", "0")):
        recorder._on_order(state)
    recorder._on_position(position("-1000", "-12.346"))
    recorder._on_cash(Cash(currency="USDT", balances=D("1000.5"), margin=D(20), position_margin=D(20)))
    text = text_of(_panels.account(recorder))
    assert "own order, position, cash" in text
    assert "#1 SELL 4,000 @ 65,000.50  CANCELLED" in text
    assert "NEW → partly filled → CANCELLED" in text
    assert re.search(r"BTCUSDT -1,000 @ 64,990\.10 -12\.35", text)
    assert re.search(r"USDT +1,000\.50 +20\.00", text)


def test_a_position_is_news_when_its_size_changes_not_its_worth() -> None:
    recorder = ContractRecorder("BTCUSDT")
    for state in (position("0", "0"), position("7", "1"), position("7", "2"), position("-7.5", "2")):
        recorder._on_position(state)
    assert [note.text for note in recorder.notes()] == [
        "BTCUSDT flat, -1.50 realised",
        "BTCUSDT long 7 contracts, entered at 64,990.10, PnL 1.00 open, -1.50 realised",
        "BTCUSDT short 7.5 contracts, entered at 64,990.10, PnL 2.00 open, -1.50 realised",
    ]


def test_a_fill_names_its_order() -> None:
    recorder = ContractRecorder("BTCUSDT")
    recorder._on_position(position("7", "1"))
    recorder._on_order(contract_order("NEW"))
    for order_id in ("a-1", "a-2"):
        fill = Fill(id="f", order_id=order_id, market="BTCUSDT", side=Side.SELL, price=D(5), size=D(3), fee=D("0.006"))
        recorder._on_fill(fill)
    notes = [note.text for note in recorder.notes() if note.kind == "fill"]
    assert notes == ["#1 SELL 3 @ 5.00, fee 0.01, PnL -", "#? SELL 3 @ 5.00, fee 0.01, PnL -"]


def test_what_comes_with_the_first_frame_after_a_gap_is_from_the_snapshot() -> None:
    recorder = ContractRecorder("BTCUSDT")
    recorder._on_order(contract_order("NEW", at=1.0))
    recorder._on_gap(Gap(Channel.ORDERS, "BTCUSDT", reason="away", received_at=2.0))
    assert recorder.is_untold("a-1")
    recorder._on_order(contract_order("PARTIALLY_FILLED", "1", at=2.0))
    assert not recorder.is_untold("a-1")
    assert not recorder.is_untold("a-2")
    recorder._on_order(contract_order("FILLED", "4000", at=3.0))
    recorder._on_gap(Gap(Channel.ORDERS, "BTCUSDT", reason="away", received_at=4.0))
    assert not recorder.is_untold("a-1")  # it had ended
    assert [note.short for note in recorder.notes()] == [
        "#1 SELL NEW",
        "ORDERS: a gap is announced",
        "#1 1 filled (snapshot)",
        "#1 FILLED",
        "ORDERS: a gap is announced",
    ]


@pytest.mark.parametrize(("columns", "rows", "levels"), [(80, 24, 5), (100, 30, 7), (140, 50, 12)])
def test_the_picture_fills_the_terminal(columns: int, rows: int, levels: int) -> None:
    recorder, client = Recorder(MARKET), SpotClient()
    console = Console(file=io.StringIO(), width=columns, height=rows, force_terminal=True, _environ={})
    book = client.order_book(MARKET)
    lines = text_of_layout(RichView(recorder, book, client, 10, console), console)
    assert len(lines) == rows
    assert {len(line) for line in lines} == {columns}
    assert "7.5 s left" in lines[1]
    sizes = [index for index, line in enumerate(lines) if line.startswith("╭─ ")]
    assert sizes[1] - sizes[0] == 2 * levels + 1 + 2
    client.close()


def test_the_picture_of_a_contract_fills_a_small_terminal() -> None:
    recorder, client = ContractRecorder("BTCUSDT"), ContractClient(Credentials("key", "secret"))
    recorder.attach(client)
    recorder._on_order(contract_order("PARTIALLY_CANCELED", "1000"))
    recorder._on_position(position("-1000", "-12.346"))
    recorder._on_cash(Cash(currency="USDT", balances=D("1000.5"), margin=D(20), position_margin=D(20)))
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=True, _environ={})
    lines = text_of_layout(RichView(recorder, client.order_book("BTCUSDT"), client, 10, console), console)
    assert len(lines) == 24
    assert {len(line) for line in lines} == {80}
    picture = "\n".join(lines)
    for part in (
        "│ depth ",
        "│ trades ",
        "│ instruments ",
        "│ stream ",
        "PARTIALLY_",
        "-1,000 @ 64,990.10",
        "1,000.50",
    ):
        assert part in picture
    client.close()


def text_of_layout(picture: RichView, console: Console) -> list[str]:
    with console.capture() as capture:
        console.print(picture.picture(2.5))
    return ESCAPES.sub("", capture.get()).rstrip("\n").splitlines()


def test_decimals_of_a_column() -> None:
    assert places([D("1.50"), D("2")], 0) == 1
    assert places([D("1E+3")], 2) == 2
    assert places([D("0.123456789")], 2) == 9
    assert places([], 5) == 5
