"""Orders over the spot socket: place one, follow it, cancel it, and know what is known when that fails.

Provisional: whether the live exchange serves these requests is unknown. They are real orders where it does, so this
script wants to be told where: the URL as the argument, or in BIGONE_SPOT_URL. Set BIGONE_API_KEY and BIGONE_API_SECRET.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading

from bigone_sync import Credentials, NotConnected, Order, OrderRejected, OutcomeUnknown, RequestTimeout, SpotClient

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BIGONE_SPOT_URL")
SECONDS = float(os.environ.get("BIGONE_EXAMPLE_SECONDS", 0)) or None  # None: until Ctrl-C
if not URL:
    sys.exit("these are real orders: name the exchange's URL")

client = SpotClient(Credentials.from_env(), url=URL)
resting = threading.Event()
seen: list[Order] = []


def say(text: str) -> None:
    print(f"{text}\n", end="", flush=True)  # in one piece, for two threads have something to say


@client.on_order("BTC-USDT")
def follow(order: Order) -> None:
    say(f"order {order.id}: {order.side} {order.amount} @ {order.price}, {order.state}")
    if not order.is_final and not order.is_snapshot:
        seen.append(order)
        resting.set()


with contextlib.suppress(KeyboardInterrupt), client:
    client.wait_ready(timeout=30)
    market = next(market for market in client.list_markets() if market.name == "BTC-USDT")
    say(f"{market.name}: prices have {market.quote_scale} digits, amounts {market.base_scale}")
    try:
        client.create_order("BTC-USDT", "buy", amount="0.5", price="1")  # far from the market: it rests
        if resting.wait(SECONDS or 30):
            client.cancel_order(seen[0].id)
    except OrderRejected as refusal:
        say(f"refused: {refusal.reason} (code {refusal.code})")
    except NotConnected as failure:
        say(f"not sent, try again later: {failure}")
    except (OutcomeUnknown, RequestTimeout) as failure:
        say(f"it may be there or not, look at your orders: {failure}")
    client.wait(SECONDS)
