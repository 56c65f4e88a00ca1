"""A script of the old kind: plain functions as callbacks, and one call that runs until Ctrl-C."""

from __future__ import annotations

import os
import sys
import threading

from bigone_sync import SPOT_URL, SpotClient, Ticker, Trade

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BIGONE_SPOT_URL", SPOT_URL)
SECONDS = float(os.environ.get("BIGONE_EXAMPLE_SECONDS", 0)) or None  # None: until Ctrl-C


def on_trade(trade: Trade) -> None:
    print(f"{trade.market}  {trade.taker_side}  {trade.amount} @ {trade.price}", flush=True)


def on_ticker(ticker: Ticker) -> None:
    print(f"{ticker.market}  last {ticker.close}  24 h {ticker.daily_change_percent} %", flush=True)


client = SpotClient(url=URL)
client.on_trade("BTC-USDT", on_trade)
client.on_trade("ETH-USDT", on_trade)
client.on_ticker(["BTC-USDT", "ETH-USDT"], on_ticker)

if SECONDS:
    timer = threading.Timer(SECONDS, client.close)
    timer.daemon = True
    timer.start()

# Connects, reconnects when it must, and calls the functions above on this thread.
client.run_forever()
print("closed")
