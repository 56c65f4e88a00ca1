"""What the tests of several Rails connections share: a client that is watched, and which connection is which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from client_rig import PATIENCE
from rails_client_rig import BTC, rails, told_trades, trade_facts

from benchmarks.redundancy_watch import Watch, differences
from bigone_sync import ConnectionState, Limits
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

NO_PAUSE = Limits(dial_interval=0.01)


class Redundant:
    """A client of several connections with everything that it brings."""

    def __init__(self, exchange: LocalExchange, redundancy: int = 2, **options: Any) -> None:
        self.exchange = exchange
        self.client = rails(exchange, redundancy=redundancy, **{"limits": NO_PAUSE, **options})
        self.watch = Watch()
        self.watch.listen(self.client)
        self.book = self.client.order_book()

    def number(self, name: str | None) -> int:
        """The exchange's id of a connection."""

        def find() -> int:
            asked = self.watch.asked.get(name or "")
            requests = reversed(self.exchange.rails_requests)
            return next((at for at, one in requests if one.get("content", {}).get("clientRequestId") == asked), 0)

        return wait_until(find, PATIENCE, message=f"the exchange knows no connection {name}")

    def other(self) -> str:
        """Name of a connection that does not lead."""
        return next(name for name in self.client.in_step if name != self.client.leader)

    def bring(self, count: int = 6) -> None:
        """Let as much happen as a new connection needs to know its place."""
        for _ in range(count):
            self.exchange.rails_trade(BTC)

    def until_much_has_happened(self, is_over: Callable[[], bool], message: str = "") -> None:
        """Let one thing happen after the other until ``is_over``."""

        def is_over_by_now() -> bool:
            if is_over():
                return True
            self.bring(1)
            return False

        wait_until(is_over_by_now, PATIENCE, message=message)

    def until_led_by_another(self, leader: str | None) -> None:
        """Wait until another connection than this one leads; what shows who is behind goes on happening."""
        self.until_much_has_happened(lambda: self.client.leader not in (leader, None), f"{leader} still leads")

    def until_in_step(self) -> None:
        """Wait until every connection could go on alone; what that needs happens."""
        count = len(self.client.connections)
        wait_until(lambda: set(self.client.connections.values()) == {ConnectionState.READY}, PATIENCE)
        self.client.wait_ready(PATIENCE)
        self.bring()
        # Again and again: a slow machine may lose a connection meanwhile, and that begins anew.
        self.until_much_has_happened(lambda: len(self.client.in_step) == count, f"{count} are not in step")

    def until_brought(self, *names: str) -> None:
        """Wait until these connections, or all, have brought the last change of the book there is."""
        wanted = names or tuple(f"rails/{channel}" for channel in self.client.connections)
        last = self.exchange.rails_deltas(BTC)[-1].ts
        wait_until(
            lambda: all(self.watch.reached.get(name, 0) >= last for name in wanted),
            PATIENCE,
            message=f"brought: {self.watch.reached}, wanted: {last}",
        )

    def until_whole(self) -> None:
        """Wait until what was delivered is what the exchange did, one by one: no gap, no repeat, one snapshot."""
        found: list[str] = []

        def is_whole() -> bool:
            found[:] = differences(self.watch, self.client, self.exchange, BTC)
            return not found

        try:
            wait_until(is_whole, PATIENCE)
        except AssertionError:
            raise AssertionError(f"{found}; errors: {dict(self.watch.errors)}; gaps: {self.watch.gaps}") from None
        assert not self.watch.gaps

    def until_trades(self) -> None:
        """Wait until the trades are those of the exchange, one by one, from the first delivered on."""
        wait_until(
            lambda: trade_facts(self.watch.trades) == told_trades(self.exchange)[-len(self.watch.trades) :],
            PATIENCE,
            message=f"{len(self.watch.trades)} trades differ from the exchange's",
        )


@contextmanager
def in_step(exchange: LocalExchange, redundancy: int = 2, **options: Any) -> Iterator[Redundant]:
    """A client of which every connection could go on alone."""
    side = Redundant(exchange, redundancy, **options)
    with side.client:
        side.client.wait_ready(PATIENCE)
        side.until_in_step()
        yield side
