"""The part of `LocalExchange` that makes its contract half misbehave on command."""

from __future__ import annotations

from collections.abc import Callable

from bigone_sync.testing._book import ASK, BID
from bigone_sync.testing._connection import TEXT
from bigone_sync.testing._contract_faults import SIDES_WHEN_EMPTY, Refusal, check_selector
from bigone_sync.testing._spot_base import Base

_SIDES = {"BUY": (BID,), "SELL": (ASK,), None: (BID, ASK)}


class ContractMisbehaviour(Base):
    """Commands to the contract half. All may be called from any thread, before and after `start`; each is in force
    when it returns, and affects the next frames of its kind or, where said so, acts at once.

    A channel is named by its word (depth, trades, candlesticks, instruments, stream: all its sockets) or by the end
    of its URL (for example ``depth@BTCUSD``: the sockets of that one); None means all.
    """

    # -- depth --------------------------------------------------------------------------------------------------

    def wrong_symbol(self, symbol: str, n: int = 1) -> None:
        """Let the next ``n`` depth deltas of a contract name another one.

        Raises:
            ValueError: no such contract.
        """

        def do() -> None:
            self._contract_faults.wrong_symbol[symbol] += n

        self._call(lambda: self._in_contract(symbol, do))

    def wrong_best_prices(self, symbol: str, n: int = 1) -> None:
        """Let the ``bestPrices`` of the next ``n`` depth frames of a contract, snapshots included, be wrong.

        Raises:
            ValueError: no such contract.
        """

        def do() -> None:
            self._contract_faults.wrong_best[symbol] += n

        self._call(lambda: self._in_contract(symbol, do))

    def omit_best_prices(self, symbol: str, on: bool = True) -> None:
        """Leave ``bestPrices`` out of the depth frames of a contract, or no longer.

        Raises:
            ValueError: no such contract.
        """
        self._call(lambda: self._in_contract(symbol, lambda: _switch(self._contract_faults.no_best, symbol, on)))

    def exponent_prices(self, symbol: str, on: bool = True) -> None:
        """Write the prices in the depth frames of a contract with an exponent (``4.96E+4``), or no longer.

        Raises:
            ValueError: no such contract.
        """
        self._call(lambda: self._in_contract(symbol, lambda: _switch(self._contract_faults.exponents, symbol, on)))

    def null_sides(self, symbol: str, how: str) -> None:
        """Say how a side without levels is written in the depth frames of a contract.

        A price that ``bestPrices`` has not is then null with ``"null"``, and else left out of it.

        Args:
            how: ``"empty"`` (``{}``, as the wire was seen to do), ``"null"`` or ``"absent"``.

        Raises:
            ValueError: no such contract, or no such way.
        """
        if how not in SIDES_WHEN_EMPTY:
            raise ValueError(f"no way to write an empty side {how!r}: one of {', '.join(SIDES_WHEN_EMPTY)}")

        def do() -> None:
            self._contract_faults.empty_sides[symbol] = how

        self._call(lambda: self._in_contract(symbol, do))

    def empty_book(self, symbol: str, side: str | None = None) -> None:
        """At once: cancel every order of one side or of both, the account's included.

        The crowd then is quiet, so that nothing comes back before ``set_quiet(symbol, False)``.

        Args:
            side: BUY for the bids, SELL for the asks; None: both.

        Raises:
            ValueError: no such contract, or no such side.
        """
        if side not in _SIDES:
            raise ValueError(f"side must be BUY, SELL or None: {side!r}")
        self._call(lambda: self._contracts.clear(symbol, _SIDES[side]))

    def set_quiet(self, symbol: str, on: bool = True) -> None:
        """Let the crowd of a contract do nothing, so that its book sends nothing, or let it go on.

        Raises:
            ValueError: no such contract.
        """
        self._call(lambda: setattr(self._contracts.at(symbol), "quiet", on))

    # -- refusing -----------------------------------------------------------------------------------------------

    def refuse_contract_handshakes(self, status: int, n: int | None = None, channel: str | None = None) -> None:
        """Answer the next ``n`` handshakes (None: all until `accept_contract_handshakes`) with an HTTP status.

        Handshakes that would be refused for their URL are refused for that and do not count. Refusals add up; the
        oldest that means a channel and is not used up counts.

        Args:
            status: for example 500 or 401; the body is empty.
            channel: only handshakes for it.

        Raises:
            ValueError: nothing is called so.
        """
        check_selector(channel)
        self._call(lambda: self._contract_faults.refusals.append(Refusal(n, status, channel)))

    def accept_contract_handshakes(self) -> None:
        """End every `refuse_contract_handshakes`."""
        self._call(self._contract_faults.refusals.clear)

    # -- at once ------------------------------------------------------------------------------------------------

    def send_contract_raw(self, data: str | bytes, channel: str | None = None) -> None:
        """Send a text frame of any content to open contract sockets; bytes may be invalid UTF-8.

        Raises:
            ValueError: nothing is called so.
        """
        check_selector(channel)
        payload = data.encode() if isinstance(data, str) else data

        def do() -> None:
            for socket in self._contract_hub.selected(channel):
                socket.send(TEXT, payload)

        self._call(do)

    def drop_contract_connections(self, channel: str | None = None) -> None:
        """End the TCP connections of contract sockets without a close frame.

        Raises:
            ValueError: nothing is called so.
        """
        check_selector(channel)

        def do() -> None:
            for socket in self._contract_hub.selected(channel):
                socket.drop()
                self._contract_hub.remove(socket)

        self._call(do)

    def _in_contract(self, symbol: str, do: Callable[[], None]) -> None:
        if symbol not in self._contracts.symbols():
            raise ValueError(f"no contract {symbol!r}: one of {', '.join(self._contracts.symbols())}")
        do()


def _switch(symbols: set[str], symbol: str, on: bool) -> None:
    if on:
        symbols.add(symbol)
    else:
        symbols.discard(symbol)
