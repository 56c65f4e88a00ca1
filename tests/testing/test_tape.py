"""Candles and ticker against what a look at all trades says."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigone_sync.testing._book import Trade, utc
from bigone_sync.testing._tape import PERIODS, Tape

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
START = 1_700_000_000 * SECOND


def trades_of(raw: list[tuple[int, int, int]]) -> list[Trade]:
    trades, now = [], START
    for gap, price, amount in raw:
        now += gap * SECOND
        trades.append(Trade(len(trades) + 1, "A-B", Decimal(price), Decimal(amount), "BID", 1, 2, now))
    return trades


raw_trades = st.lists(
    st.tuples(st.sampled_from([0, 1, 50, 3_000, 40_000]), st.integers(1, 9), st.integers(1, 9)), max_size=40
)


@given(raw_trades)
def test_candles_are_their_trades(raw: list[tuple[int, int, int]]) -> None:
    tape, trades = Tape("A-B"), trades_of(raw)
    for trade in trades:
        tape.add(trade)
    for period, floor in PERIODS.items():
        candles = tape.candles(period, 1_000)
        assert [c.time_ns for c in candles] == sorted({floor(t.time_ns) for t in trades}, reverse=True)
        for candle in candles:
            inside = [t for t in trades if floor(t.time_ns) == candle.time_ns]
            prices = [t.price for t in inside]
            assert (candle.open, candle.high, candle.low, candle.close, candle.volume) == (
                prices[0],
                max(prices),
                min(prices),
                prices[-1],
                sum(t.amount for t in inside),
            )
            assert (candle.market, candle.period) == ("A-B", period)


@given(raw_trades)
def test_the_ticker_is_the_last_24_hours(raw: list[tuple[int, int, int]]) -> None:
    tape, trades = Tape("A-B"), trades_of(raw)
    for trade in trades:
        tape.add(trade)
        ticker = tape.ticker(trade.time_ns)
        inside = [t for t in trades[: trade.id] if t.time_ns > trade.time_ns - DAY]
        prices = [t.price for t in inside]
        assert (ticker.open, ticker.high, ticker.low, ticker.close, ticker.volume) == (
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            sum(t.amount for t in inside),
        )
        assert ticker.daily_change == prices[-1] - prices[0]


def test_a_day_without_trades_has_the_last_price_and_no_volume() -> None:
    tape = Tape("A-B")
    assert tape.ticker(START).close == 0
    assert tape.ticker(START).daily_change_percent == 0
    for trade in trades_of([(0, 4, 1), (1, 5, 1)]):
        tape.add(trade)
    assert tape.ticker(START + SECOND).daily_change_percent == Decimal("25.00")
    ticker = tape.ticker(START + 2 * DAY)
    assert (ticker.open, ticker.high, ticker.low, ticker.close, ticker.volume) == (5, 5, 5, 5, 0)


@pytest.mark.parametrize(
    ("period", "opened"),
    [
        ("MIN1", "2026-03-18T17:47:00"),
        ("MIN5", "2026-03-18T17:45:00"),
        ("MIN15", "2026-03-18T17:45:00"),
        ("MIN30", "2026-03-18T17:30:00"),
        ("HOUR1", "2026-03-18T17:00:00"),
        ("HOUR3", "2026-03-18T15:00:00"),
        ("HOUR4", "2026-03-18T16:00:00"),
        ("HOUR6", "2026-03-18T12:00:00"),
        ("HOUR12", "2026-03-18T12:00:00"),
        ("DAY1", "2026-03-18T00:00:00"),
        ("WEEK1", "2026-03-16T00:00:00"),  # a Monday
        ("MONTH1", "2026-03-01T00:00:00"),
    ],
)
def test_candles_open_on_the_clock(period: str, opened: str) -> None:
    when = datetime(2026, 3, 18, 17, 47, 33, 5, tzinfo=timezone.utc)
    time_ns = (when - utc(0)) // timedelta(microseconds=1) * 1_000
    assert utc(PERIODS[period](time_ns)) == datetime.fromisoformat(opened).replace(tzinfo=timezone.utc)
    assert len(PERIODS) == 12


def test_the_latest_come_first() -> None:
    tape = Tape("A-B")
    for trade in trades_of([(60, 1, 1)] * 5):
        tape.add(trade)
    assert [t.id for t in tape.latest(3)] == [5, 4, 3]
    assert [t.id for t in tape.latest(9)] == [5, 4, 3, 2, 1]
    assert len(tape.candles("MIN1", 2)) == 2
