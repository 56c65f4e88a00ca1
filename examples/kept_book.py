"""The kept order book: always in step with the exchange, readable from any thread at any time."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time

from bigone_sync import SPOT_URL, SpotClient

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BIGONE_SPOT_URL", SPOT_URL)
SECONDS = float(os.environ.get("BIGONE_EXAMPLE_SECONDS", 0)) or math.inf  # endless: until Ctrl-C

with contextlib.suppress(KeyboardInterrupt), SpotClient(url=URL) as client:
    book = client.order_book("BTC-USDT")
    if not book.wait_live(timeout=30):
        sys.exit("no book within 30 s")

    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        # One consistent view of both sides. A book that is not live is empty: no prices rather than wrong ones.
        view = book.snapshot(5)
        if view.best_bid and view.best_ask:
            print(f"bid {view.best_bid.price}  ask {view.best_ask.price}  spread {view.spread}  mid {view.mid}")
            print("   bids", ", ".join(f"{amount} @ {price}" for price, amount, _ in view.bids))
            print("   asks", ", ".join(f"{amount} @ {price}" for price, amount, _ in view.asks), flush=True)
        else:
            print(f"the book is {view.state}", flush=True)
        client.wait(0.5)  # like sleep, but raises when the connection has ended for good
