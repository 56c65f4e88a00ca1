"""The part of `LocalExchange` that trades contracts, and what can be seen of them."""

from __future__ import annotations

from decimal import Decimal

from bigone_sync.testing._book import ASK, BID, BookView
from bigone_sync.testing._contract_tape import PERIODS
from bigone_sync.testing._contract_views import (
    CashView,
    ContractCandle,
    ContractOrderView,
    ContractTrade,
    FillView,
    InstrumentView,
    PositionView,
)
from bigone_sync.testing._spot_base import Base

_SIDES = {"BUY": BID, "SELL": ASK}


class ContractTrading(Base):
    """Commands to and views of the contracts and their account. All may be used from any thread.

    Sizes are contracts, prices exact decimals, money is in the settlement currency: USDT of ``…USDT`` contracts, the
    coin of ``…USD`` contracts (contract protocol, sections 1, 3 and 7).
    """

    def place_contract_order(
        self,
        symbol: str,
        side: str,
        size: Decimal | str | int,
        *,
        price: Decimal | str | int | None = None,
        type: str = "LIMIT",
        reduce_only: bool = False,
    ) -> str:
        """Place an order of the account, as if through REST.

        An order for which there is no margin, and a POST_ONLY order that would trade, is taken and at once REJECTED.
        A FOK order that cannot be filled as a whole is CANCELED.

        Args:
            symbol: the contract.
            side: BUY or SELL.
            size: contracts, a positive multiple of 0.0001.
            price: a multiple of the contract's tick; None for MARKET orders, and only for them.
            type: LIMIT, MARKET, IOC, FOK or POST_ONLY.
            reduce_only: REJECTED if, with the other open orders of this kind, it would do more than close the position.

        Returns:
            The order's id, as the private stream shows it.

        Raises:
            ValueError: no such contract, or the order makes no sense.
        """
        if side not in _SIDES:
            raise ValueError(f"side must be BUY or SELL: {side!r}")
        limit = None if price is None else Decimal(price)
        return self._call(
            lambda: self._contracts.place(symbol, _SIDES[side], Decimal(size), limit, type, reduce_only=reduce_only)
        )

    def cancel_contract_order(self, order_id: str) -> bool:
        """Cancel an order of the account; False if it is no longer open.

        Raises:
            ValueError: the account has no such order.
        """
        return self._call(lambda: self._contracts.cancel(order_id))

    def fill_contract_order(self, order_id: str, size: Decimal | str | int | None = None) -> Decimal:
        """Let the crowd trade against a resting order of the account, after everything that has priority over it.

        Args:
            size: how many contracts of it; None: all that is left.

        Returns:
            How many were filled.

        Raises:
            ValueError: the account has no such order resting in a book, or the size is not positive.
        """
        return self._call(lambda: self._contracts.fill(order_id, None if size is None else Decimal(size)))

    # -- observation --------------------------------------------------------------------------------------------

    def contract_book(self, symbol: str) -> BookView:
        """The book as last published, price to size, best first; ``change_id`` is the last ``to``.

        Of a recorded contract, as far as it was played.

        Raises:
            ValueError: no such contract.
        """
        return self._call(lambda: self._contract_book(symbol))

    def contract_trades(self, symbol: str) -> list[ContractTrade]:
        """Every trade of a contract so far, oldest first (the last million).

        Raises:
            ValueError: no such contract.
        """
        return self._call(lambda: list(self._contracts.at(symbol).tape.trades))

    def contract_candles(self, symbol: str, period: str, limit: int = 1_000) -> list[ContractCandle]:
        """The latest candles of a contract, oldest first.

        Args:
            period: 1MIN, 5MIN, 15MIN, 30MIN, 1H, 4H, 6H, 12H or 1D.

        Raises:
            ValueError: no such contract or period.
        """
        if period not in PERIODS:
            raise ValueError(f"no period {period!r}: one of {', '.join(PERIODS)}")
        return self._call(lambda: self._contracts.at(symbol).tape.candles(period, limit))

    def contract_orders(self) -> list[ContractOrderView]:
        """Every contract order the account ever placed, in its present state, oldest first per contract."""
        return self._call(self._contracts.orders)

    def contract_fills(self) -> list[FillView]:
        """Every fill of a contract order of the account, oldest first (the last 100,000)."""
        return self._call(self._contracts.fills)

    def positions(self) -> dict[str, PositionView]:
        """Every position by symbol, flat ones included."""
        return self._call(self._contracts.positions)

    def cash(self) -> dict[str, CashView]:
        """The contract account by settlement currency."""
        return self._call(self._contracts.cash)

    def instruments(self) -> dict[str, InstrumentView]:
        """The instrument of every contract, by symbol."""
        return self._call(lambda: {name: self._contracts.instrument(name) for name in self._contracts.contracts})

    def contract_connections(self) -> list[str]:
        """What the open contract sockets are about, oldest first: the ends of their URLs, for example depth@BTCUSD."""
        return self._call(lambda: [socket.channel.path for socket in self._contract_hub.all()])

    def _contract_book(self, symbol: str) -> BookView:
        replay = self._contract_replay
        if replay is not None and symbol in replay.books:
            return replay.books[symbol].view()
        return self._contracts.at(symbol).engine.view()
