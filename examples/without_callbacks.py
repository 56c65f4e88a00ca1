"""No callbacks at all: iterate over the events of a subscription."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from decimal import Decimal

from bigone_sync import SPOT_URL, Channel, SpotClient, Trade

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BIGONE_SPOT_URL", SPOT_URL)
SECONDS = float(os.environ.get("BIGONE_EXAMPLE_SECONDS", 0)) or None  # None: until Ctrl-C

volume = Decimal(0)
end = time.monotonic() + (SECONDS or math.inf)

with contextlib.suppress(KeyboardInterrupt), SpotClient(url=URL) as client:
    trades = client.subscribe(Channel.TRADES, "BTC-USDT", limit=5)
    # The timeout ends the loop when nothing comes for so long; without one it waits.
    for event in trades.events(timeout=SECONDS):
        if isinstance(event, Trade):
            volume += event.amount
            print(f"{event.time}  {event.taker_side}  {event.amount} @ {event.price}  sum {volume}", flush=True)
        if time.monotonic() >= end:
            break

print(f"{trades.delivered} trades, {volume} in all")
