"""What befalls the leading connection of a Rails client, for :mod:`benchmarks.redundancy`."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.redundancy_watch import Watch
from bigone_sync import ConnectionState, RailsClient
from bigone_sync.testing import LocalExchange
from bigone_sync.testing.leaks import wait_until

__all__ = ["KINDS", "Fault", "Side", "endure", "faults"]

KINDS = ("cut", "stall", "pause", "lag")
_PATIENCE = 15.0


@dataclass(frozen=True)
class Fault:
    """One misfortune.

    Args:
        kind: ``cut``: the connection is lost; ``stall``: it brings nothing any more, and no answers to pings, until
            the client gives it up; ``pause``: it brings nothing for a while and then all of it; ``lag``: it is late.
        seconds: how long a pause or a lag goes on.
        delay: of a lag, seconds.
    """

    kind: str
    seconds: float = 0.0
    delay: float = 0.0


def faults(chance: random.Random) -> Iterator[Fault]:
    """All kinds again and again, in an order of chance."""
    while True:
        for kind in chance.sample(KINDS, len(KINDS)):
            yield Fault(kind, chance.uniform(0.3, 1.2), chance.uniform(0.2, 0.6))


class Side:
    """A client, and which of its connections the exchange knows by which number.

    Args:
        client: whose leader suffers.
        watch: what it brought.
        exchange: where.
        market: of both.
    """

    def __init__(self, client: RailsClient, watch: Watch, exchange: LocalExchange, market: str) -> None:
        self.client, self.watch = client, watch
        self._exchange, self._market = exchange, market
        self._victim = 0

    def wait_whole(self) -> None:
        """Wait until each connection could go on alone, and has brought what is published by now.

        Raises:
            AssertionError: it takes too long.
        """
        published = self._exchange.rails_deltas(self._market)[-1].ts

        def is_whole() -> bool:
            names = self.client.in_step
            up = all(state is ConnectionState.READY for state in self.client.connections.values())
            return (
                up
                and len(names) == len(self.client.connections)
                and self.client.order_book().is_live
                and all(self.watch.reached.get(name, 0) >= published for name in names)
                and self._number(self.client.leader) in self._exchange.rails_connections
            )

        wait_until(is_whole, _PATIENCE, message=f"{self.client}: not in step: {self.client.in_step}")

    def _number(self, name: str | None) -> int:
        asked = self.watch.asked.get(name or "")
        requests = reversed(self._exchange.rails_requests)
        return next((number for number, one in requests if one.get("content", {}).get("clientRequestId") == asked), 0)

    def begin(self, fault: Fault) -> None:
        """Let it happen to the connection that leads."""
        # The client's latest request may not have arrived yet.
        self._victim = number = wait_until(lambda: self._number(self.client.leader), _PATIENCE)
        if fault.kind == "cut":
            self._exchange.rails_cut(number)
        elif fault.kind == "lag":
            self._exchange.rails_lag(number, fault.delay)
        else:
            self._exchange.rails_stall(number)

    def end(self, fault: Fault) -> None:
        """Let it be over, unless the connection is; of a stall the client sees the end itself."""
        if fault.kind == "stall":
            wait_until(lambda: self._victim not in self._exchange.rails_connections, _PATIENCE, message="not given up")
        elif self._victim in self._exchange.rails_connections:
            try:
                self._exchange.rails_resume(self._victim)
                self._exchange.rails_lag(self._victim, 0.0)
            except ValueError:
                pass  # the client gave it up in this moment


def endure(sides: tuple[Side, ...], fault: Fault) -> None:
    """One misfortune for all, and until all have recovered."""
    for side in sides:
        side.begin(fault)
    if fault.kind in ("pause", "lag"):
        threading.Event().wait(fault.seconds)
    for side in sides:
        side.end(fault)
    for side in sides:
        side.wait_whole()
