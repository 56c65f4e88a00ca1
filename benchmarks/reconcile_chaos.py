"""What befalls a bot in one run of :mod:`benchmarks.reconcile`, all chosen by the seed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from decimal import Decimal

from bigone_sync.testing import FaultProxy, LocalExchange
from bigone_sync.testing.leaks import wait_until

__all__ = ["Account", "Misfortunes"]

_OUTAGE = 0.12
_MINUTE = 60.0
_PATIENCE = 5.0
_REST_FAULTS = ("500", "503", "429", "slow", "cut_json", "cut_body", "html", "empty", "drop")


class Account:
    """Somebody else who trades on the bot's account: by hand, or another program.

    Args:
        exchange: where.
        markets: those that the bot watches.
        chance: decides.
    """

    def __init__(self, exchange: LocalExchange, markets: tuple[str, ...], chance: random.Random) -> None:
        self._exchange, self._markets, self._random = exchange, markets, chance

    def act(self, times: int) -> None:
        """Do some things."""
        for _ in range(times):
            self._random.choice((self.place, self.fill, self.fill, self.cancel, self._amend))()

    def place(self) -> str:
        """A new order near the market, on either side; some trade at once, some wait for a price."""
        market, side = self._random.choice(self._markets), self._random.choice(("BID", "ASK"))
        book = self._exchange.book(market)
        best = max(book.bids) if side == "BID" else min(book.asks)
        away = Decimal(self._random.choice((-30, 1, 50, 200))) / 100
        price = best - away if side == "BID" else best + away
        kind = self._random.choice(("LIMIT", "LIMIT", "LIMIT", "MARKET", "STOP_LIMIT", "ioc"))
        return self._exchange.place_order(
            market,
            side,
            price=None if kind == "MARKET" else price,
            amount=self._random.choice(("0.01", "0.05", "0.5")),
            type="LIMIT" if kind == "ioc" else kind,
            stop_price=best + away if kind == "STOP_LIMIT" else None,
            ioc=kind == "ioc",
        )

    def _some_open(self) -> str | None:
        ended = ("FILLED", "CANCELLED", "REJECTED")
        found = [order.id for order in self._exchange.orders() if order.state not in ended]
        return self._random.choice(found) if found else None

    def fill(self) -> None:
        """Somebody trades with an open order, with a part of it or with all that is left."""
        number = self._some_open()
        if number is None:
            return
        try:
            self._exchange.fill_order(number, self._random.choice((None, "0.001", "0.004")))
        except ValueError:
            pass  # it waits for its price, or it ended meanwhile

    def cancel(self) -> None:
        """An open order is taken back."""
        number = self._some_open()
        if number is not None:
            self._exchange.cancel_order(number)

    def _amend(self) -> None:
        self.cancel()
        self.place()


class Misfortunes:
    """Breaks the network, or the exchange, again and again, while the account goes on.

    Args:
        exchange: what is broken,
        proxy: or the way to it.
        account: what changes meanwhile.
        chance: decides.
        rest_too: whether REST goes the same way.
    """

    def __init__(
        self, exchange: LocalExchange, proxy: FaultProxy, account: Account, chance: random.Random, *, rest_too: bool
    ) -> None:
        self._exchange, self._proxy, self._account, self._random = exchange, proxy, account, chance
        self._idle = threading.Event()
        self.rest_faulted = rest_too
        """Whether calls may have failed."""
        self.done: list[str] = []
        self._acts: dict[str, Callable[[], None]] = {
            "cut": proxy.cut,
            "reset": proxy.reset,
            "blackhole": self._blackhole,
            "stall": self._stall,
            "refuse": self._refuse,
            "delay": self._delay,
            "slice": self._slice,
            "close code": lambda: exchange.close_connections(1012, "restart"),
            "login expired": exchange.expire_auth,
            "twice": self._twice,
            "restart": self._restart,
            "REST": self._rest,
        }

    def one(self) -> None:
        """One of them, with what the account does meanwhile."""
        self._pass(0.1)
        name, act = self._random.choice(list(self._acts.items()))
        self.done.append(name)
        if name == "login expired":
            del self._acts[name]  # a second one, soon after, would be taken for a refusal, and rightly
        if self._random.random() < 0.2:
            self._rest()
        self._account.act(self._random.randrange(2))
        act()
        self._account.act(self._random.randrange(3))
        self._pass(0.1)
        self._account.act(self._random.randrange(2))

    def age(self, has_heard: Callable[[str], bool]) -> None:
        """Let a minute pass, by the exchange's clock, with nothing on its way: what was done before it is old then.

        Args:
            has_heard: whether the bot knows an order; all that went before is known, too, then.
        """
        self.done.append("a minute passes")
        for _ in range(self._random.randrange(5)):
            self._account.place()
        self._hear(has_heard)
        self._exchange.clock_offset += _MINUTE
        self._hear(has_heard)

    def _hear(self, has_heard: Callable[[str], bool]) -> None:
        mark = self._account.place()
        wait_until(lambda: has_heard(mark), _PATIENCE, message="an order was not heard of")

    def heal(self) -> None:
        """End everything."""
        self._proxy.heal()
        self._exchange.heal_rest()

    def _pass(self, most: float) -> None:
        self._idle.wait(self._random.uniform(0.0, most))

    def _outage(self) -> None:
        for _ in range(self._random.randrange(1, 4)):
            self._account.act(self._random.randrange(3))
            self._pass(_OUTAGE)

    def _blackhole(self) -> None:
        self._proxy.blackhole()
        self._outage()
        if self._random.random() < 0.3:
            self._proxy.reset()
        self._proxy.heal()

    def _stall(self) -> None:
        self._proxy.stall(self._random.choice(("up", "down", "both")))
        self._outage()
        self._proxy.heal()

    def _refuse(self) -> None:
        self._proxy.refuse()
        self._random.choice((self._proxy.cut, self._proxy.reset))()
        self._outage()
        self._proxy.refuse(False)

    def _delay(self) -> None:
        self._proxy.delay(self._random.uniform(0.0, 0.05), self._random.choice(("up", "down", "both")))
        self._proxy.reset()

    def _slice(self) -> None:
        self._proxy.slice(self._random.randrange(1, 200), 0.0005, "down")
        self._proxy.cut()

    def _twice(self) -> None:
        """Lost again while it is being made whole."""
        for _ in range(self._random.randrange(2, 4)):
            self._proxy.reset()
            self._account.act(self._random.randrange(2))
            self._pass(0.08)

    def _restart(self) -> None:
        self.rest_faulted = True
        self._exchange.restart(self._random.uniform(0.0, 0.1))

    def _rest(self) -> None:
        self.rest_faulted = True
        kind, times = self._random.choice(_REST_FAULTS), self._random.choice((1, 1, 2, 10))
        self._exchange.fail_rest(kind, times=times, path="/viewer/order", method="GET", pause=0.0005)
