"""Frames of the public contract channels (contract protocol, sections 3 to 6), as objects whose text `dump` makes."""

from __future__ import annotations

import random
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from bigone_sync.testing._book import ASK, BID, LevelChange
from bigone_sync.testing._contract_engine import ContractEngine
from bigone_sync.testing._contract_json import number
from bigone_sync.testing._contract_views import ContractBatch, ContractCandle, ContractTrade, InstrumentView

SEQUENCES = ("live", "documented")
_MILLISECOND = 1_000_000

Frame = dict[str, Any]


class DepthWire:
    """Depth frames.

    Args:
        sequence: ``"live"``: ``from`` is the last ``to``; ``"documented"``: one more.
        seed: decides the order of the levels, which means nothing on this wire.
    """

    def __init__(self, sequence: str, seed: int) -> None:
        if sequence not in SEQUENCES:
            raise ValueError(f"no sequence {sequence!r}: one of {', '.join(SEQUENCES)}")
        self._step = SEQUENCES.index(sequence)
        self._rng = random.Random(f"contract levels:{seed}")

    def snapshot(self, engine: ContractEngine) -> Frame:
        """The whole book; it does not say whose."""
        return {
            "to": engine.change_id,
            **self._prices(engine),
            "bids": self._levels(engine.sides[BID].snapshot()),
            "asks": self._levels(engine.sides[ASK].snapshot()),
            "from": 0,
        }

    def delta(self, engine: ContractEngine, batch: ContractBatch) -> Frame:
        """What a commit changed."""
        return {
            "symbol": batch.market,
            "bids": self._levels(batch.bids),
            **self._prices(engine),
            "from": batch.prev_id + self._step,
            "asks": self._levels(batch.asks),
            "to": batch.change_id,
        }

    @staticmethod
    def _prices(engine: ContractEngine) -> Frame:
        # A price that is not there is None here; the faults decide what becomes of it.
        best = {"ask": engine.best_price(ASK), "bid": engine.best_price(BID)}
        return {"bestPrices": best, "lastPrice": engine.last_price}

    def _levels(self, levels: Iterable[LevelChange]) -> dict[str, Decimal]:
        shuffled = list(levels)
        self._rng.shuffle(shuffled)
        return {number(level.price): level.amount for level in shuffled}


def trade_rows(trades: Iterable[ContractTrade]) -> list[Frame]:
    """A frame of trades, in the order given."""
    return [
        {
            "id": trade.id,
            "symbol": trade.market,
            "price": trade.price,
            "size": trade.amount,
            "matchedAt": trade.time_ns // _MILLISECOND,
            "side": trade.taker_side,
        }
        for trade in trades
    ]


def candle_rows(candles: Iterable[ContractCandle]) -> list[Frame]:
    """A frame of candles, in the order given."""
    return [
        {
            "symbol": candle.market,
            "type": candle.period,
            "time": candle.time_ns // _MILLISECOND,
            "open": candle.open,
            "close": candle.close,
            "high": candle.high,
            "low": candle.low,
            "nTrades": candle.trade_count,
            "volume": candle.volume,
            "turnover": candle.turnover,
            "version": candle.version,
            "nextTs": candle.close_time_ns // _MILLISECOND,
        }
        for candle in candles
    ]


def instrument_rows(instruments: Iterable[InstrumentView]) -> list[Frame]:
    """A frame of instruments; ``openTime`` is 0 as in the one example that has it."""
    return [
        {
            "turnover24h": row.turnover_24h,
            "openInterest": row.open_interest,
            "volume24hInUsd": row.volume_24h_usd,
            "fundingRate": row.funding_rate,
            "nextFundingRate": row.next_funding_rate,
            "nextFundingTime": row.next_funding_ns // _MILLISECOND,
            "volume24h": row.volume_24h,
            "last24hMaxPrice": row.high_24h,
            "btcPrice": row.btc_price,
            "ethPrice": row.eth_price,
            "usdtPrice": row.usdt_price,
            "latestPrice": row.latest_price,
            "symbol": row.market,
            "openValue": row.open_value,
            "last24hMinPrice": row.low_24h,
            "last24hPriceChange": row.price_change_24h,
            "openTime": 0,
            "markPrice": row.mark_price,
            "indexPrice": row.index_price,
        }
        for row in instruments
    ]
