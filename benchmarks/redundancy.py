"""What two Rails connections are worth: nothing missing, nothing twice, and how long there is no data.

    python -m benchmarks.redundancy [--seconds 60] [--seed 1] [--redundancy 2]

Two clients watch one local exchange: one with that redundancy, one with a single connection.  Again and again the
connection that leads each of them is cut, stalled, paused or made to lag, both at the same time, once all connections
are in step again.  With redundancy the trades and the changes of the book that were delivered must in the end be those
of the exchange, one by one, with no gap, no repeat and one snapshot, and the kept book must be the exchange's.  The
single connection shows what that is worth: its gaps and snapshots are counted, and for each kind of misfortune the
longest times without data are set side by side.  Exit status 0 if all of that holds, and no trade came twice to either.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks.redundancy_faults import KINDS, Fault, Side, endure, faults
from benchmarks.redundancy_watch import Watch, differences
from bigone_sync import Backoff, Credentials, Limits, RailsClient, Timeouts
from bigone_sync.testing import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

__all__ = ["Outcome", "main", "run"]

MARKET = "BTC-USD"
_RATE = 100.0
_KEYS = Credentials("key", "secret")
_TIMEOUTS = Timeouts(connect=2.0, ping=0.4, pong=0.4, reply=2.0, close=2.0)
_BACKOFF = Backoff(initial=0.1, cap=0.4, stable_after=0.5)
_LIMITS = Limits(dial_interval=0.01)
_LAG = 0.5
"""Seconds after which another connection takes over from a leader that lags."""
_REST = (0.1, 0.4)
_SETTLE = 10.0


@dataclass
class _Row:
    """Of one kind of misfortune: the longest times without data, in seconds."""

    redundant: list[float] = field(default_factory=list)
    single: list[float] = field(default_factory=list)
    failovers: int = 0


@dataclass
class Outcome:
    """Of a run."""

    redundancy: int
    rows: dict[str, _Row] = field(default_factory=lambda: {kind: _Row() for kind in KINDS})
    wrong: list[str] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)

    def table(self) -> list[str]:
        """Rows to print."""
        lines = [
            f"longest time without data, ms: median (worst) with redundancy={self.redundancy}, and with one connection",
            f"{'':8}{'times':>6}{f'redundancy={self.redundancy}':>18}{'one':>18}{'ratio':>8}{'failovers':>11}",
        ]
        for kind, row in self.rows.items():
            if row.single:
                ratio = median(row.single) / median(row.redundant)
                lines.append(
                    f"{kind:8}{len(row.single):>6}{_shown(row.redundant):>18}{_shown(row.single):>18}{ratio:>8.1f}"
                    f"{row.failovers:>11}"
                )
        return lines


def _shown(times: Sequence[float]) -> str:
    return f"{median(times) * 1000:.0f} ({max(times) * 1000:.0f})"


def _client(exchange: LocalExchange, redundancy: int) -> RailsClient:
    return RailsClient(
        market=MARKET,
        credentials=_KEYS,
        redundancy=redundancy,
        url=exchange.rails_url,
        dial_limit=10_000,
        patience=_LAG,
        timeouts=_TIMEOUTS,
        backoff=_BACKOFF,
        limits=_LIMITS,
    )


def _measure(fault: Fault, redundant: Side, single: Side, row: _Row) -> None:
    began, before = time.monotonic(), redundant.client.stats().failovers
    endure((redundant, single), fault)
    until = time.monotonic()
    row.redundant.append(redundant.watch.silence(began, until))
    row.single.append(single.watch.silence(began, until))
    row.failovers += redundant.client.stats().failovers - before


def _judge(redundant: Side, single: Side, exchange: LocalExchange) -> list[str]:
    exchange.pause()
    found: list[str] = []

    def is_whole() -> bool:
        found[:] = differences(redundant.watch, redundant.client, exchange, MARKET)
        return not found

    try:
        wait_until(is_whole, _SETTLE)
    except AssertionError:
        pass  # what is wrong has been found
    watch = redundant.watch
    found += [f"gap: {gap.channel} {gap.market}: {gap.reason}" for gap in watch.gaps]
    found += (
        [f"{watch.errors['StreamsDiverged']} times connections differed"] if watch.errors["StreamsDiverged"] else []
    )
    repeated = len(single.watch.trades) - len({trade.id for trade in single.watch.trades})
    found += [f"one connection: {repeated} trades came twice"] if repeated else []
    failed = sum(side.client.stats().callback_errors for side in (redundant, single))
    return [*found, f"{failed} callbacks failed"] if failed else found


def _story(name: str, side: Side) -> str:
    stats, watch = side.client.stats(), side.watch
    errors = ", ".join(f"{kind} {count}" for kind, count in sorted(watch.errors.items()))
    return (
        f"{name}: {len(watch.trades)} trades, {len(watch.depth) - watch.snapshots} changes of the book, "
        f"{watch.snapshots} snapshots, {len(watch.gaps)} gaps, {stats.reconnects} reconnects, {stats.failovers} "
        f"failovers; errors: {errors or 'none'}"
    )


def run(seconds: float, seed: int, redundancy: int = 2) -> Outcome:
    """The whole run."""
    chance, outcome = random.Random(f"redundancy:{seed}"), Outcome(redundancy)
    with ExitStack() as stack:
        exchange = stack.enter_context(
            LocalExchange(
                seed=seed,
                markets=("BTC-USDT",),
                rails_markets=(MARKET,),
                rate=_RATE,
                rails_connection_limit=None,
                rails_connect_limit=None,
            )
        )
        sides = []
        for connections in (redundancy, 1):
            client, watch = _client(exchange, connections), Watch()
            watch.listen(client)
            client.order_book()
            stack.enter_context(client).wait_ready(_SETTLE)
            sides.append(Side(client, watch, exchange, MARKET))
        redundant, single = sides
        try:
            for side in sides:
                side.wait_whole()
            end = time.monotonic() + seconds
            for fault in faults(chance):
                threading.Event().wait(chance.uniform(*_REST))
                if time.monotonic() >= end:
                    break
                _measure(fault, redundant, single, outcome.rows[fault.kind])
        except AssertionError as error:
            outcome.wrong.append(f"in the middle: {error}")
        outcome.wrong += _judge(redundant, single, exchange)
        outcome.summary = [_story(f"redundancy={redundancy}", redundant), _story("one connection", single)]
    return outcome


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and judge."""
    parser = argparse.ArgumentParser(prog="benchmarks.redundancy", description="Several Rails connections as one.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--redundancy", type=int, default=2)
    options = parser.parse_args(arguments)
    if options.redundancy < 2:
        parser.error("--redundancy must be at least 2: one connection is run beside it anyway")
    log = logging.getLogger("bigone_sync")
    before = log.level
    log.setLevel(logging.ERROR)  # failovers are meant to happen
    try:
        with leak_check():
            outcome = run(options.seconds, options.seed, options.redundancy)
    finally:
        log.setLevel(before)
    print("\n".join([*outcome.table(), *outcome.summary]))
    for wrong in outcome.wrong:
        print("WRONG:", wrong)
    print("redundancy failed" if outcome.wrong else "redundancy passed")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
