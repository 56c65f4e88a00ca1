"""The part of `LocalExchange` that trades: the flow of the markets, the account's orders, and what can be seen."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from bigone_sync.testing._book import BookView, OrderView, Trade
from bigone_sync.testing._checks import number, total
from bigone_sync.testing._contract_trading import ContractTrading
from bigone_sync.testing._ledger import Balance
from bigone_sync.testing._rails_trading import RailsTrading
from bigone_sync.testing._spot_service import SpotService
from bigone_sync.testing._spot_venue import Venue

_STEPS_A_TURN = 50


class Trading(ContractTrading, RailsTrading):
    """Commands to and views of the markets and the account. All may be used from any thread."""

    _venue: Venue
    _service: SpotService
    _paused: bool

    def pause(self) -> None:
        """Stop the random order flow; what it has done so far has been written to every connection's transport."""
        self._call(lambda: setattr(self, "_paused", True))

    def resume(self) -> None:
        """Let the random order flow go on."""
        self._call(lambda: setattr(self, "_paused", False))

    def step(self, n: int = 1, market: str | None = None) -> None:
        """Let ``n`` things happen in one market or contract or in each, paused or not.

        Rails markets have `rails_step`; they step here with all others once they are there.

        Raises:
            ValueError: no such market.
        """
        spot, contracts = list(self._venue.listings), list(self._contracts.terms)
        rails = self._rails.venue.names if market is None and self._call(lambda: self._rails.venue.awake) else ()
        if market is not None:
            self._check_market(market)
            spot, contracts = ([], [market]) if market in contracts else ([self._venue.listing(market).engine.name], [])

        def some(count: int) -> None:
            for _ in range(count):
                for name in spot:
                    self._venue.step(name)
                for name in contracts:
                    self._contracts.step(name)
                for name in rails:
                    self._rails.venue.step(name)

        # In portions, so that requests and pongs are not kept waiting by a large n.
        for done in range(0, n, _STEPS_A_TURN):
            portion = min(_STEPS_A_TURN, n - done)
            self._call(partial(some, portion))

    def place_order(
        self,
        market: str,
        side: str,
        price: Decimal | str | None = None,
        amount: Decimal | str = "1",
        type: str = "LIMIT",
        client_order_id: str = "",
        stop_price: Decimal | str | None = None,
        ioc: bool = False,
        operator: str | None = None,
        business_unit: str = "SPOT",
    ) -> str:
        """Place an order of the account, as if through REST.

        An order the account cannot pay for is taken and at once REJECTED.

        Args:
            side: BID or ASK.
            amount: in the base asset, also for market orders.
            operator: GTE or LTE; by default the side of the last price on which ``stop_price`` lies.
            business_unit: SPOT, or MARGIN to use the balances of the market's margin account.

        Returns:
            The order's id.

        Raises:
            ValueError: no such market, or the order makes no sense.
        """

        def do() -> str:
            listing = self._venue.at(market)
            order_id = listing.engine.place(
                side,
                number("amount", amount),
                price=None if price is None else number("price", price),
                type=type,
                ioc=ioc,
                own=True,
                client_order_id=client_order_id,
                stop_price=None if stop_price is None else number("stop_price", stop_price),
                operator=operator,
                unit=business_unit,
            )
            self._venue.commit(listing)
            return str(order_id)

        return self._call(do)

    def cancel_order(self, order_id: str) -> bool:
        """Cancel an order of the account; False if it is no longer open.

        Raises:
            ValueError: the account has no such order.
        """

        def do() -> bool:
            listing = self._venue.listing_of_order(order_id)
            cancelled = listing.engine.cancel(int(order_id))
            self._venue.commit(listing)
            return cancelled

        return self._call(do)

    def fill_order(self, order_id: str, amount: Decimal | str | None = None) -> Decimal:
        """Let the crowd trade against a resting order of the account, after everything that has priority over it.

        Args:
            amount: how much of it; None: all that is left.

        Returns:
            How much was filled.

        Raises:
            ValueError: the account has no such order resting in a book, or the amount is no positive number.
        """

        def do() -> Decimal:
            listing = self._venue.listing_of_order(order_id)
            filled = listing.engine.fill(int(order_id), None if amount is None else number("amount", amount))
            listing.flow.replenish()
            self._venue.commit(listing)
            return filled

        return self._call(do)

    def set_balance(self, asset: str, balance: Decimal | str) -> None:
        """Set the total of an asset and publish it.

        Raises:
            ValueError: it is no number, too large or too fine, or less than what open orders lock.
        """

        def do() -> None:
            self._venue.ledger.set_balance(asset, total(asset, balance))
            self._venue.publish_balances()

        self._call(do)

    # -- observation --------------------------------------------------------------------------------------------

    def book(self, market: str) -> BookView:
        """The book of a market or contract as last published; of a recorded one, as far as it was played.

        Raises:
            ValueError: no such market.
        """

        def do() -> BookView:
            if market in self._contracts.terms or market in self._contracts.recorded:
                return self._contract_book(market)
            replay = self._service.replay
            if replay is not None and market in replay.books:
                return replay.books[market].view()
            return self._venue.listing(market).engine.view()

        return self._call(do)

    def trades(self, market: str) -> list[Trade]:
        """Every trade of the engine so far, oldest first (the last million).

        Raises:
            ValueError: no such market.
        """
        return self._call(lambda: list(self._venue.listing(market).tape.trades))

    def orders(self) -> list[OrderView]:
        """Every order the account ever placed, in its present state."""
        return self._call(self._venue.orders)

    def balances(self) -> dict[str, Balance]:
        """The spot account, by asset; ``balance`` is the total and includes ``locked``."""
        return self._call(lambda: {balance.asset: balance for balance in self._venue.ledger.balances()})

    def _check_market(self, market: str) -> None:
        known = [*self._venue.markets(), *self._contracts.symbols()]
        if market not in known:
            raise ValueError(f"no market {market!r}: one of {', '.join(known)}")
