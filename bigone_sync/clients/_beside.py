"""The REST side of a client: the exchange's clock, its markets, and what streams missed. Made when first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from ..clock import ClockOffset, ServerClock
from ..config import check_market
from ..errors import ConfigurationError, ConnectionClosed
from ..markets import Contract, Market, find_market
from ..repair import Recovery
from ..timekeeper import Timekeeper

__all__ = ["Beside", "RestBeside", "check_reconcile", "contract_markets", "spot_markets"]

if TYPE_CHECKING:
    # requests is loaded when it is needed: not every user has a use for it.
    from ..rest._core import RestCore
    from ..rest.base import BaseRest
    from ..rest.contract import ContractRest
    from ..rest.spot import SpotRest

_C = TypeVar("_C", bound="RestCore")
_R = TypeVar("_R", bound="BaseRest")
_M = TypeVar("_M", Market, Contract)

_MEASURING = 3.0
"""Seconds that measuring the clock may take, before a login, at most."""


def check_reconcile(reconcile: object) -> tuple[bool, tuple[str, ...] | None]:
    """Whether to reconcile, and in which markets beside those in which orders were seen; None: in all, if few.

    Raises:
        ConfigurationError: it is neither a bool nor names of markets.
    """
    if isinstance(reconcile, bool):
        return reconcile, None
    if isinstance(reconcile, str) or not isinstance(reconcile, Iterable):
        raise ConfigurationError(
            f"reconcile must be True, False or a list of markets, like ['BTC-USDT'], not {reconcile!r}",
            argument="reconcile",
        )
    return True, tuple(dict.fromkeys(check_market(name, argument="reconcile") for name in reconcile))


def spot_markets(rest: SpotRest) -> dict[str, Market]:
    """The exchange's markets by name."""
    return {market.name: market for market in rest.asset_pairs()}


def contract_markets(rest: ContractRest) -> dict[str, Contract]:
    """The exchange's contracts by symbol."""
    return {contract.name: contract for contract in rest.symbols()}


class RestBeside(Generic[_C]):
    """One per client. Thread-safe.

    Args:
        name: of the client.
        make: makes the REST object; it does no I/O.
    """

    def __init__(self, name: str, make: Callable[[], _C]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._rest: _C | None = None
        self._is_closed = False
        self.recovery = Recovery(f"bigone-{name}/recovery")

    def rest(self) -> _C:
        """The REST object.

        Raises:
            ConnectionClosed: the client was closed.
        """
        with self._lock:
            if self._is_closed:
                raise ConnectionClosed("the client is closed; make a new one")
            if self._rest is None:
                self._rest = self._make()
            return self._rest

    def begin_close(self) -> None:
        """End what is under way, and let nothing else begin. Does not wait."""
        with self._lock:
            self._is_closed = True
            rest = self._rest
        if rest is not None:
            rest.abort()

    def finish_close(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for what was under way; True if nothing is left."""
        ended = self.recovery.join(timeout)
        if self._rest is not None:
            self._rest.close()
        return ended


class Beside(RestBeside[_R], Generic[_R, _M]):
    """The same with the exchange's clock and markets.

    Args:
        name: of the client.
        make: makes the REST object; it does no I/O.
        clock: what tokens are signed by.
        list_markets: asks for the markets that there are, by name.
        validate: whether names of markets are compared with those that there are.
        connect: seconds that an attempt to connect may take, and so measuring the clock before it.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], _R],
        *,
        clock: ServerClock,
        list_markets: Callable[[_R], dict[str, _M]],
        validate: bool,
        connect: float,
    ) -> None:
        super().__init__(name, make)
        measuring = min(_MEASURING, connect)
        self._list_markets: Callable[[_R], dict[str, _M]] = list_markets
        self._markets: dict[str, _M] | None = None
        self.validates = validate
        self.timekeeper = Timekeeper(name, clock, lambda: self._measure(measuring))

    def _measure(self, seconds: float) -> ClockOffset:
        return self.rest().measure_clock(timeout=seconds)

    # -- markets

    def market(self, name: str) -> _M:
        """A market by its name; asks the exchange for all of them when the first is wanted, and when one is not known.

        Raises:
            ConfigurationError: there is none; the message names the closest.
            RestError: the exchange could not be asked.
            ConnectionClosed: the client was closed.
        """
        rest, known = self.rest(), self._markets
        if known is None or name not in known:
            known = self._markets = self._list_markets(rest)
        found: _M = find_market(name, known)
        return found

    def check(self, names: Sequence[str | None]) -> None:
        """Nothing, if these markets exist, or if that is not to be checked. Otherwise like :meth:`market`."""
        if self.validates:
            for name in names:
                if name is not None:
                    self.market(name)
