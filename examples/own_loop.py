"""Callbacks inside your own loop: with dispatch="caller" nothing runs but in poll(), on your thread."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections import Counter

from bigone_sync import SPOT_URL, OrderBook, SpotClient, Trade

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BIGONE_SPOT_URL", SPOT_URL)
SECONDS = float(os.environ.get("BIGONE_EXAMPLE_SECONDS", 0)) or None  # None: until Ctrl-C

# No lock is needed: the callbacks and the loop share one thread.
seen: Counter[str] = Counter()


def on_trade(trade: Trade) -> None:
    seen[str(trade.taker_side)] += 1


def on_book(book: OrderBook) -> None:
    seen["book"] += 1


client = SpotClient(url=URL, dispatch="caller")
client.on_trade("BTC-USDT", on_trade)
client.on_book("BTC-USDT", on_book)

now = time.monotonic()
end, next_report = now + (SECONDS or math.inf), now + 0.5
with contextlib.suppress(KeyboardInterrupt), client:
    while now < end:
        client.poll(timeout=0.1)  # delivers what is queued; raises if the connection ended for good
        now = time.monotonic()
        if now >= next_report:
            next_report += 0.5
            print(f"{seen['BUY']} bought, {seen['SELL']} sold, {seen['book']} changes of the book", flush=True)
