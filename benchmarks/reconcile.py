"""Does a bot know its orders and balances after an outage?  Many short runs, each with a seed of its own.

    python -m benchmarks.reconcile [--runs 200] [--seed 1] [--protocol json|proto]

In each run bots place orders by REST on a local exchange, watch them over the streams and cancel them, while somebody
else trades on the same account, and the connection is cut, reset, stalled or black, the login expires, the exchange
restarts, or REST fails; also while the client makes good what it missed.  At the end the network is healed and the
flow stopped.  What the bots heard must then be what the exchange knows: every order, in its last state, and every
balance.  No older word may have come after a newer one, and no gap may have been announced unless REST failed, too;
what changed before a gap is excused.  Exit status 0 if all of that holds in every run.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from benchmarks.reconcile_chaos import Account, Misfortunes
from benchmarks.reconcile_watch import View, Watch, differences
from bigone_sync import Backoff, BigOneError, Credentials, SpotClient, SpotRest, Timeouts
from bigone_sync.testing import FaultProxy, LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

__all__ = ["Outcome", "main", "run"]

MARKETS = ("BTC-USDT", "ETH-USDT")
_KEYS = Credentials("key", "secret")
_TIMEOUTS = Timeouts(connect=1.0, ping=0.15, pong=0.15, reply=1.0, close=2.0)
_BACKOFF = Backoff(initial=0.02, cap=0.1, stable_after=0.2)
_PATIENCE = 10.0
_SWITCH = 2e-5
"""Seconds between switches of threads, so short that races are met."""
_LONG_AGO = -60.0
"""Offset of the exchange's clock while orders are placed that are old when the connection is lost."""


@dataclass
class Outcome:
    """Of one run."""

    seed: int
    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    gaps: list[str] = field(default_factory=list)
    story: str = ""
    """How the run was set up, and what befell it."""


@dataclass(frozen=True)
class _Plan:
    """How a run is set up, by its seed."""

    markets: tuple[str, ...]
    all_at_once: bool
    """One stream of the orders of all markets, which sends no snapshot, instead of one for each."""
    rest_too: bool
    """Whether REST goes through the proxy."""
    connections: str
    trades: bool
    nap: float
    """Seconds that the handler of orders takes."""
    offset: float
    """Of the exchange's clock."""
    misfortunes: int
    ageing: float
    """How often, before one of them, a minute passes."""

    @classmethod
    def by(cls, chance: random.Random) -> _Plan:
        return cls(
            markets=chance.choice((MARKETS, MARKETS[:1])),
            all_at_once=chance.random() < 0.5,
            rest_too=chance.random() < 0.5,
            connections=chance.choice(("per_channel", "shared")),
            trades=chance.random() < 0.3,
            nap=chance.choice((0.0, 0.0, 0.0, 0.002)),
            offset=chance.choice((0.0, 0.0, -7.0, 7.0)),
            misfortunes=chance.randrange(1, 4),
            ageing=chance.choice((0.0, 0.4)),
        )


def _bot(watch: Watch, chance: random.Random, over: threading.Event, counts: Counter[str]) -> None:
    """Place and cancel until it is over; what fails is left to the next round."""
    while not over.is_set():
        try:
            watch.place("0.02", basis_points=chance.choice((100, 1, 0)))
            counts["placed"] += 1
            over.wait(chance.uniform(0.0, 0.06))
            watch.cancel_open()
        except BigOneError:
            over.wait(0.01)


def _subscribe(client: SpotClient, view: View, plan: _Plan) -> None:
    client.on_error(lambda error: None)  # they are meant to happen
    client.on_gap(view.gaps.append)
    client.on_account(view.on_account)
    if plan.all_at_once:
        client.on_order(view.on_order)
    else:
        for market in plan.markets:
            client.on_order(market, view.on_order)
    if plan.trades:
        client.on_trade(plan.markets[0], lambda trade: None)


def _prepare(exchange: LocalExchange, account: Account, plan: _Plan, chance: random.Random) -> None:
    exchange.clock_offset = plan.offset + _LONG_AGO
    for _ in range(chance.randrange(5)):
        account.place()
    exchange.clock_offset = plan.offset


def _open(exchange: LocalExchange) -> set[str]:
    return {order.id for order in exchange.orders() if order.state not in ("FILLED", "CANCELLED", "REJECTED")}


def _unheard(exchange: LocalExchange, client: SpotClient, plan: _Plan, before: set[str], opened: set[str]) -> set[str]:
    """The orders that nobody need have heard of, among those from before the client came.

    The stream of all orders does not tell what is open when it begins; only a reconnect does, of what is still open.
    """
    if not plan.all_at_once:
        return before - opened
    name = "shared" if plan.connections == "shared" else "private"
    again = client.stats().channels[name].reconnects > 0
    return before - _open(exchange) if again else before


def _chase(
    plan: _Plan, client: SpotClient, rest: SpotRest, view: View, misfortunes: Misfortunes, chance: random.Random
) -> None:
    """The bots at work while everything breaks; at the end nothing is broken any more."""
    over = threading.Event()
    bots = [
        threading.Thread(
            target=_bot,
            args=(Watch(client, rest, market, view), random.Random(chance.random()), over, view.counts),
            name=f"bot {market}",
        )
        for market in plan.markets
    ]
    for bot in bots:
        bot.start()
    try:
        for _ in range(plan.misfortunes):
            if chance.random() < plan.ageing:
                misfortunes.heal()  # a clock that jumps while somebody is cut off would be another story
                client.wait_ready(_PATIENCE)
                misfortunes.age(view.orders.__contains__)
            misfortunes.one()
    finally:
        over.set()
        misfortunes.heal()
        for bot in bots:
            bot.join()


def _judge(
    client: SpotClient, exchange: LocalExchange, view: View, unheard: Callable[[], set[str]], rest_faulted: bool
) -> list[str]:
    exchange.pause()
    found: list[str] = []

    def is_whole() -> bool:
        last = max((gap.received_at + exchange.clock_offset for gap in view.gaps), default=0.0)
        found[:] = differences(view, exchange, unheard=unheard(), unknown_until=last)
        if client.stats().queue_depth:
            found.append("events are still queued")
        return not found

    try:
        client.wait_ready(_PATIENCE)
        wait_until(is_whole, 3.0)
    except (AssertionError, BigOneError) as error:
        found.append(f"did not settle: {str(error)[:200]}")
    found += view.wrong
    if view.gaps and not rest_faulted:
        found += [f"gap, though REST was sound: {gap.channel} {gap.market}: {gap.reason}" for gap in view.gaps]
    if client.stats().callback_errors:
        found.append(f"{client.stats().callback_errors} callbacks failed")
    return found


def run(seed: int, protocol: str = "json") -> Outcome:
    """One run."""
    chance = random.Random(f"reconcile:{seed}:{protocol}")
    plan, outcome = _Plan.by(chance), Outcome(seed)
    with ExitStack() as stack:
        exchange = stack.enter_context(LocalExchange(seed=seed, markets=MARKETS, rate=100.0))
        proxy = stack.enter_context(FaultProxy(exchange.spot_url))
        account = Account(exchange, plan.markets, chance)
        _prepare(exchange, account, plan, chance)
        base = exchange.rest_url()
        if plan.rest_too:
            base = base.replace(f":{exchange.port}/", f":{proxy.port}/")
        client = stack.enter_context(
            SpotClient(
                _KEYS,
                protocol=protocol,
                connections=plan.connections,
                url=proxy.url,
                rest_url=base,
                timeouts=_TIMEOUTS,
                backoff=_BACKOFF,
            )
        )
        rest = stack.enter_context(SpotRest(_KEYS, url=base, timeouts=_TIMEOUTS))
        view, opened, before = View(plan.nap), _open(exchange), {order.id for order in exchange.orders()}
        misfortunes = Misfortunes(exchange, proxy, account, chance, rest_too=plan.rest_too)
        _subscribe(client, view, plan)
        client.wait_ready(_PATIENCE)
        try:
            _chase(plan, client, rest, view, misfortunes, chance)
        except (AssertionError, BigOneError) as error:
            outcome.faults.append(f"in the middle: {error}")
        unheard = partial(_unheard, exchange, client, plan, before, opened)
        outcome.faults += _judge(client, exchange, view, unheard, misfortunes.rest_faulted)
        outcome.counts = view.counts + Counter(
            reconnects=client.stats().reconnects, orders=len(exchange.orders()), gaps=len(view.gaps)
        )
        outcome.gaps = [f"{gap.channel} {gap.market}: {gap.reason}" for gap in view.gaps]
        outcome.story = f"{plan}; {', '.join(misfortunes.done)}"
    return outcome


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and judge."""
    parser = argparse.ArgumentParser(prog="benchmarks.reconcile", description="Orders and balances after outages.")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the first run; the others follow")
    parser.add_argument("--protocol", choices=("json", "proto"), default="json")
    options = parser.parse_args(arguments)
    logging.getLogger("bigone_sync").setLevel(logging.ERROR)  # lost logins are meant to happen, too
    sys.setswitchinterval(_SWITCH)
    counts, failed, started = Counter[str](), 0, time.monotonic()
    with leak_check():
        for seed in range(options.seed, options.seed + options.runs):
            outcome = run(seed, options.protocol)
            counts += outcome.counts
            if outcome.faults:
                failed += 1
                print(f"seed {seed}: {outcome.story}")
                for fault in outcome.faults:
                    print("  WRONG:", fault, flush=True)
    print(
        f"{options.runs} runs, {failed} failed; {counts['reconnects']} reconnects, {counts['orders']} orders, "
        f"{counts['events']} events of them, {counts['snapshots']} as snapshots ({counts['by REST']} by REST, "
        f"{counts['repeated']} events said nothing new), {counts['gaps']} gaps, {time.monotonic() - started:.0f} s"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
