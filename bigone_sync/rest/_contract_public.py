"""Contract market data by REST (REST protocol, section 4)."""

from __future__ import annotations

from ..config import check_symbol
from ..events import DepthSnapshot, Instrument
from ..markets import Contract, find_market
from ..protocol.base import CodecError
from ..protocol.contract_values import Members
from ..protocol.contract_wire import instrument_of
from ._contract_rows import CONNECTION, contract_row, depth_of
from ._reply import Reply, item_of, items_of
from ._venue import Venue

__all__ = ["ContractPublic"]


def _same(found: str, market: str) -> None:
    if found != market:
        raise CodecError(f"it is of {found[:40]!r}, not of {market!r}")


class ContractPublic(Venue):
    """Methods that need no credentials. Not for direct use."""

    _connection = CONNECTION

    def symbols(self) -> tuple[Contract, ...]:
        """All contracts, those that are not traded, too, with their rules for prices.

        They are kept, and new orders are checked by them until this is called again.  In no official specification.

        Raises:
            DecodeError: the answer cannot be read; so with all methods of this class.
            RestError: the exchange refused the request (``anomaly`` says why, and may be empty), or failed, or no
                answer could be had: then ``status_code`` is None, and ``reason`` says what happened instead
                (``"timeout"``); so with all methods of this class.
            ConnectionClosed: ``close()`` or ``abort()`` was called; so with all methods of this class.
        """
        contracts = self._get("/symbols", lambda reply, at: items_of(reply.data, contract_row))
        self._rules = {contract.name: contract for contract in contracts}
        return contracts

    def _rules_of(self, market: str) -> Contract:
        """The rules of a contract, asked for once."""
        found: Contract = find_market(market, self._markets(self.symbols))
        return found

    def symbol(self, market: str) -> Contract:
        """A contract. In no official specification.

        Args:
            market: its symbol, ``"BTCUSD"``.

        Raises:
            ConfigurationError: it is not of that form.
        """
        name = check_symbol(market)

        def make(reply: Reply, at: float) -> Contract:
            found = item_of(reply.data, contract_row)
            _same(found.name, name)
            return found

        return self._get(f"/symbols@{name}", make)

    def instruments(self) -> tuple[Instrument, ...]:
        """Prices, funding and rolling 24 hours of all contracts that are traded."""

        def make(reply: Reply, at: float) -> tuple[Instrument, ...]:
            return items_of(reply.data, lambda row: instrument_of(row, CONNECTION, at))

        return self._get("/instruments", make)

    def instrument(self, market: str) -> Instrument:
        """Prices, funding and rolling 24 hours of one contract. In no official specification.

        Args:
            market: its symbol, ``"BTCUSD"``.

        Raises:
            ConfigurationError: it is not of that form.
        """
        name = check_symbol(market)

        def make(reply: Reply, at: float) -> Instrument:
            def instrument(row: Members) -> Instrument:
                return instrument_of(row, CONNECTION, at)

            found = item_of(reply.data, instrument)
            _same(found.market, name)
            return found

        return self._get(f"/instruments@{name}", make)

    def depth(self, market: str) -> DepthSnapshot:
        """A contract's whole book, in no order.

        ``change_id`` is of the same count as the stream's, which can continue it.

        Args:
            market: its symbol, ``"BTCUSD"``.

        Raises:
            ConfigurationError: it is not of that form.
        """
        name = check_symbol(market)
        return self._get(f"/depth@{name}/snapshot", lambda reply, at: depth_of(reply.data, at, name))
