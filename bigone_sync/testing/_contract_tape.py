"""What can be told from a contract's trades: the trade list, candles of every period and the rolling day."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from decimal import Decimal

from bigone_sync.testing._contract_views import ContractCandle, ContractTrade
from bigone_sync.testing._ledger import ZERO
from bigone_sync.testing._tape import Day

_MINUTE = 60 * 1_000_000_000
_KEPT_TRADES = 1_000_000
_KEPT_CANDLES = 1_000

#: Period, as the contract URLs spell it, to its length in nanoseconds (contract protocol, section 1).
PERIODS = {
    "1MIN": _MINUTE,
    "5MIN": 5 * _MINUTE,
    "15MIN": 15 * _MINUTE,
    "30MIN": 30 * _MINUTE,
    "1H": 60 * _MINUTE,
    "4H": 240 * _MINUTE,
    "6H": 360 * _MINUTE,
    "12H": 720 * _MINUTE,
    "1D": 1_440 * _MINUTE,
}


class ContractTape:
    """Collects the trades of one contract, in order of time."""

    def __init__(self) -> None:
        self.trades: deque[ContractTrade] = deque(maxlen=_KEPT_TRADES)
        self.day: Day[ContractTrade] = Day()
        self.turnover = ZERO
        self._candles: dict[str, deque[ContractCandle]] = {period: deque(maxlen=_KEPT_CANDLES) for period in PERIODS}

    def add(self, trade: ContractTrade, version: int) -> None:
        """Take the next trade into account.

        Args:
            version: the change id of the commit that it belongs to.
        """
        self.trades.append(trade)
        self.day.add(trade)
        self.turnover += trade.turnover
        for period, length in PERIODS.items():
            self._add_to_candle(period, trade.time_ns // length * length, trade, version)

    def latest(self, limit: int) -> list[ContractTrade]:
        """The latest trades, oldest first."""
        count = min(limit, len(self.trades))
        return [self.trades[index - count] for index in range(count)]

    def candles(self, period: str, limit: int) -> list[ContractCandle]:
        """The latest candles, oldest first; periods without a trade have none."""
        kept = self._candles[period]
        count = min(limit, len(kept))
        return [kept[index - count] for index in range(count)]

    def change(self, now_ns: int) -> Decimal:
        """How far the price has come within the 24 hours up to ``now_ns``, as a fraction with 4 decimals."""
        for gone in self.day.forget(now_ns):
            self.turnover -= gone.turnover
        trades = self.day.trades
        if not trades:
            return ZERO
        return (trades[-1].price / trades[0].price - 1).quantize(Decimal("0.0001"))

    def _add_to_candle(self, period: str, time_ns: int, trade: ContractTrade, version: int) -> None:
        kept = self._candles[period]
        price = trade.price
        if kept and kept[-1].time_ns == time_ns:
            running = kept[-1]
            kept[-1] = replace(
                running,
                high=max(running.high, price),
                low=min(running.low, price),
                close=price,
                trade_count=running.trade_count + 1,
                volume=running.volume + trade.amount,
                turnover=running.turnover + trade.turnover,
                version=version,
            )
            return
        kept.append(
            ContractCandle(
                market=trade.market,
                period=period,
                time_ns=time_ns,
                close_time_ns=time_ns + PERIODS[period],
                open=price,
                high=price,
                low=price,
                close=price,
                trade_count=1,
                volume=trade.amount,
                turnover=trade.turnover,
                version=version,
            )
        )
