"""A contract bot's eyes: a kept book, own positions and orders, with credentials from the environment.

Set BIGONE_API_KEY and BIGONE_API_SECRET first.  It takes two connections: the book's, and one for all private data.
"""

from __future__ import annotations

import contextlib
import os
import sys

from bigone_sync import CONTRACT_URL, ContractClient, ContractOrder, Credentials, Gap, OrderBook, Position

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BIGONE_CONTRACT_URL", CONTRACT_URL)
SECONDS = float(os.environ.get("BIGONE_EXAMPLE_SECONDS", 0)) or None  # None: until Ctrl-C
SYMBOL = "BTCUSDT"

client = ContractClient(Credentials.from_env(), url=URL)


def say(text: str) -> None:
    print(f"{text}\n", end="", flush=True)  # in one piece, for two threads have something to say


@client.on_position(SYMBOL)
def follow(position: Position) -> None:
    say(f"position: {position.size} contracts at {position.entry_price}")


@client.on_order(SYMBOL)
def order(order: ContractOrder) -> None:
    done = ", done" if order.is_final else ""
    say(f"order {order.id}: {order.side} {order.size} @ {order.price}, {order.status}, {order.filled} filled{done}")


@client.on_book(SYMBOL)
def decide(book: OrderBook) -> None:
    best, held = book.snapshot(1), client.positions()
    if best.best_bid is None or best.best_ask is None or not held.is_live:
        return  # no decision on prices or positions that may be wrong
    size = held[SYMBOL].size if SYMBOL in held else None
    if size:
        price = best.best_bid.price if size > 0 else best.best_ask.price
        say(f"{size} contracts could be closed at {price}, spread {best.spread}")


@client.on_gap
def missing(gap: Gap) -> None:
    say(f"something may have been missed: {gap.channel} {gap.market or ''}: {gap.reason}")


with contextlib.suppress(KeyboardInterrupt), client:
    client.wait_ready(timeout=30)  # wrong credentials, or an unknown contract, are raised here
    say("ready: " + ", ".join(client.connections))
    client.wait(SECONDS)
