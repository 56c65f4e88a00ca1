"""Decorators instead of registration calls; the callbacks run on the client's own thread."""

from __future__ import annotations

import contextlib
import os
import sys

from bigone_sync import SPOT_URL, Candle, CandlePeriod, DepthSnapshot, DepthUpdate, SpotClient, Trade

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BIGONE_SPOT_URL", SPOT_URL)
SECONDS = float(os.environ.get("BIGONE_EXAMPLE_SECONDS", 0)) or None  # None: until Ctrl-C

client = SpotClient(url=URL)


@client.on_trade("BTC-USDT", limit=5)
def print_trade(trade: Trade) -> None:
    print(f"trade   {trade.taker_side} {trade.amount} @ {trade.price}", flush=True)


@client.on_candle("BTC-USDT", CandlePeriod.MIN1, limit=2)
def print_candle(candle: Candle) -> None:
    print(f"candle  {candle.time}  open {candle.open}  close {candle.close}  volume {candle.volume}", flush=True)


@client.on_depth("BTC-USDT")
def print_depth(event: DepthSnapshot | DepthUpdate) -> None:
    if isinstance(event, DepthSnapshot):
        print(f"book    {len(event.bids)} bids, {len(event.asks)} asks", flush=True)
    else:
        print(f"change  {len(event.bids)} bids, {len(event.asks)} asks, number {event.change_id}", flush=True)


with contextlib.suppress(KeyboardInterrupt), client:
    # This thread is free for other work; here it only waits.
    client.wait(SECONDS)
