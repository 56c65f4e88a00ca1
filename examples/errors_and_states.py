"""What can go wrong, and how to hear of it: states, errors, gaps, and a start that fails."""

from __future__ import annotations

import contextlib
import os
import sys

from bigone_sync import SPOT_URL, BigOneError, CallbackError, ConnectTimeout, Gap, SpotClient, StateChange, Trade

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BIGONE_SPOT_URL", SPOT_URL)
SECONDS = float(os.environ.get("BIGONE_EXAMPLE_SECONDS", 0)) or None  # None: until Ctrl-C

client = SpotClient(url=URL)


@client.on_state
def state(change: StateChange) -> None:
    retry = f", next attempt in {change.retry_in:.1f} s" if change.retry_in is not None else ""
    print(f"{change.connection}: {change.old} -> {change.new}{retry}", flush=True)


@client.on_error
def error(problem: BigOneError) -> None:
    # For your log: the client goes on by itself. An exception in one of your callbacks arrives here, too.
    cause = f" ({problem.__cause__!r})" if isinstance(problem, CallbackError) else ""
    print(f"{type(problem).__name__}: {problem}{cause}", flush=True)


@client.on_gap
def gap(hole: Gap) -> None:
    print(f"missing: {hole.channel} {hole.market} from {hole.since} to {hole.until}: {hole.reason}", flush=True)


@client.on_trade("BTC-USDT", limit=1)
def trade(event: Trade) -> None:
    print(f"trade {event.amount} @ {event.price}", flush=True)  # if this raised, the next events would still come


with contextlib.suppress(KeyboardInterrupt), client:
    try:
        client.wait_ready(timeout=SECONDS or 30)
    except ConnectTimeout as failure:
        sys.exit(f"not connected: {failure}")  # it would go on trying; this script does not
    except BigOneError as failure:
        sys.exit(f"refused for good: {failure}")
    client.wait(SECONDS)

stats = client.stats()
print(f"{stats.frames} frames, {stats.delivered} events delivered, {stats.reconnects} reconnects")
