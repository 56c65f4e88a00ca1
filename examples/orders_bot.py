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


def say(text: str) -> None:
    print(f"{text}\n", end="", flush=True)  # in one piece, for two threads have something to say


# With a market the stream begins with a snapshot: after a reconnect nothing is missed.
@client.on_order("BTC-USDT")
def follow(order: Order) -> None:
    known = "known " if order.is_snapshot else ""
    text = f"{known}order {order.id}: {order.side} {order.amount} @ {order.price}, {order.state}"
    if order.state == OrderState.PENDING and order.filled_amount:
        say(f"{text}, {order.filled_amount} filled so far")
    elif order.is_final:
        say(f"{text}, {order.filled_amount} filled at {order.avg_deal_price}: done")
    else:
        say(text)


@client.on_account
def balance(account: Account) -> None:
    if account.balance:
        say(f"{account.asset}: {account.available} available, {account.locked_balance} in orders")


@client.on_gap
def missing(gap: Gap) -> None:
    say(f"something may have been missed: {gap.channel} {gap.market}: {gap.reason}")


with contextlib.suppress(KeyboardInterrupt), client:
    client.wait_ready(timeout=30)  # wrong credentials are raised here
    say("logged in")
    client.wait(SECONDS)
