"""The private side of a bot: own orders and balances, with credentials from the environment.

Set BIGONE_API_KEY and BIGONE_API_SECRET first.
"""

from __future__ import annotations

import contextlib
import os
import sys

from bigone_sync import SPOT_URL, Account, Credentials, Gap, Order, OrderState, SpotClient

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BIGONE_SPOT_URL", SPOT_URL)
SECONDS = float(os.environ.get("BIGONE_EXAMPLE_SECONDS", 0)) or None  # None: until Ctrl-C

client = SpotClient(Credentials.from_env(), url=URL)


# With a market the stream begins with a snapshot: after a reconnect nothing is missed.
@client.on_order("BTC-USDT")
def follow(order: Order) -> None:
    known = "known " if order.is_snapshot else ""
    text = f"{known}order {order.id}: {order.side} {order.amount} @ {order.price}, {order.state}"
    if order.state == OrderState.PENDING and order.filled_amount:
        print(f"{text}, {order.filled_amount} filled so far", flush=True)
    elif order.is_final:
        print(f"{text}, {order.filled_amount} filled at {order.avg_deal_price}: done", flush=True)
    else:
        print(text, flush=True)


@client.on_account
def balance(account: Account) -> None:
    if account.balance:
        print(f"{account.asset}: {account.available} available, {account.locked_balance} in orders", flush=True)


@client.on_gap
def missing(gap: Gap) -> None:
    print(f"something may have been missed: {gap.channel} {gap.market}: {gap.reason}", flush=True)


with contextlib.suppress(KeyboardInterrupt), client:
    client.wait_ready(timeout=30)  # wrong credentials are raised here
    print("logged in", flush=True)
    client.wait(SECONDS)
