"""The part of `LocalExchange` that trades on Rails, and what can be seen of it."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

from bigone_sync.testing._book import BookView
from bigone_sync.testing._checks import number
from bigone_sync.testing._rails_account import Draft, OwnOrder
from bigone_sync.testing._rails_requests import DEFAULT_SLIPPAGE
from bigone_sync.testing._rails_views import RailsDelta, RailsFill, RailsOrderView, RailsTrade
from bigone_sync.testing._spot_base import Base

_STEPS_A_TURN = 50


class RailsTrading(Base):
    """Commands to and views of the Rails markets and their account. All may be used from any thread.

    The markets come into being when the first of them is asked for. The account never lacks money here.
    """

    # -- tokens -------------------------------------------------------------------------------------------------

    def rails_token(self) -> str:
        """A new access token, as if fetched over HTTP, but not counted."""
        return self._call(self._rails.tokens.issue)

    def revoke_rails_tokens(self) -> None:
        """Refuse every token issued so far, at handshakes and over REST; open sockets stay open."""
        self._call(self._rails.tokens.revoke)

    @property
    def rails_token_fetches(self) -> int:
        """How many tokens were fetched over HTTP; refused fetches do not count."""
        return self._call(lambda: self._rails.tokens.fetches)

    # -- the crowd ----------------------------------------------------------------------------------------------

    def rails_step(self, market: str, n: int = 1) -> None:
        """Let ``n`` things happen in a market, paused or not.

        Raises:
            ValueError: no such market.
        """

        def some(count: int) -> None:
            for _ in range(count):
                self._rails.venue.step(market)

        # In portions, so that requests and pongs are not kept waiting by a large n.
        for done in range(0, n, _STEPS_A_TURN):
            self._call(partial(some, min(_STEPS_A_TURN, n - done)))

    def rails_trade(self, market: str) -> RailsTrade:
        """Let the crowd trade once, in one match; returns it.

        Raises:
            ValueError: no such market.
        """
        return self._call(lambda: self._rails.venue.trade(market))

    # -- the account --------------------------------------------------------------------------------------------

    def rails_place(
        self,
        market: str,
        side: str,
        amount: Decimal | str,
        price: Decimal | str | None = None,
        *,
        type: str | None = None,
        post_only: bool = False,
        max_slippage: Decimal | str = DEFAULT_SLIPPAGE,
        client_request_id: str | None = None,
    ) -> str:
        """Place an order of the account, as if in the web interface; sockets are told as the options say.

        Args:
            side: ``buy`` or ``sell``.
            price: of a limit order; of a market order the expected one, by default that of the last trade.
            type: ``limit`` or ``market``; by default limit if there is a price.
            max_slippage: how much worse than expected a market order may trade, from 0 to 1.
            client_request_id: as a request could have had it; None: none.

        Returns:
            The order's id.

        Raises:
            ValueError: no such market, or the order makes no sense.
        """
        kind = type or ("market" if price is None else "limit")
        if kind not in ("limit", "market") or (price is None and kind == "limit") or (post_only and kind == "market"):
            raise ValueError(f"not an order: type {kind!r}, price {price}, post_only {post_only}")

        def do() -> str:
            last = self._rails.venue.at(market).engine.last_price
            assert last is not None  # there is a history
            draft = Draft(
                market=market,
                side=side,
                type=kind,
                price=last if price is None else number("price", price),
                quantity=number("amount", amount),
                post_only=post_only,
                slippage=number("max_slippage", max_slippage) if kind == "market" else Decimal(0),
            )
            return self._rails.desk.place(draft, client_request_id).order_id

        return self._call(do)

    def rails_cancel(self, order_id: str) -> bool:
        """Cancel an order of the account, as if in the web interface; False if it is no longer open.

        Raises:
            ValueError: the account has no such order.
        """

        def do() -> bool:
            order = self._rails_order(order_id)
            if order.is_open:
                self._rails.desk.cancel(order, None)
                return True
            return False

        return self._call(do)

    def cancel_all_rails(self, client_request_id: str | None = None) -> list[str]:
        """Cancel every open order, as if by the REST call whose path is not documented.

        Sockets get one notification for each, in no particular order; the ids of the requests end in ``#0``, ``#1``
        and so on (Rails protocol, section 3.8).

        Returns:
            The ids of the orders, in the order of the notifications.
        """

        def do() -> list[str]:
            orders = self._rails.venue.account.open_shuffled()
            for index, order in enumerate(orders):
                name = None if client_request_id is None else f"{client_request_id}#{index}"
                self._rails.desk.cancel(order, name, bulk=True)
            return [order.order_id for order in orders]

        return self._call(do)

    def rails_fill(self, order_id: str, amount: Decimal | str | None = None) -> Decimal:
        """Let the crowd trade against a resting order of the account, after everything that has priority over it.

        Args:
            amount: how much of it; None: all that is left.

        Returns:
            How much was filled.

        Raises:
            ValueError: the account has no such order resting in a book, or the amount is no positive number.
        """

        def do() -> Decimal:
            wanted = None if amount is None else number("amount", amount)
            return self._rails.venue.fill(self._rails_order(order_id), wanted)

        return self._call(do)

    # -- observation --------------------------------------------------------------------------------------------

    def rails_book(self, market: str) -> BookView:
        """The book as last published, price to quantity, best first; its ``change_id`` is never told to clients.

        Raises:
            ValueError: no such market.
        """
        return self._call(lambda: self._rails.venue.market(market).engine.view())

    def rails_deltas(self, market: str) -> list[RailsDelta]:
        """Every change of a book that was ever published, oldest first (the last million).

        Raises:
            ValueError: no such market.
        """
        return self._call(lambda: list(self._rails.venue.market(market).deltas))

    def rails_trades(self, market: str) -> list[RailsTrade]:
        """Every trade of a market, oldest first (the last million), those of its history included.

        Raises:
            ValueError: no such market.
        """
        return self._call(lambda: list(self._rails.venue.market(market).trades))

    def rails_orders(self) -> list[RailsOrderView]:
        """Every order the account ever placed, in its present state, oldest first."""
        return self._call(lambda: [order.view() for order in self._rails.venue.account.orders()])

    def rails_fills(self) -> list[RailsFill]:
        """Every fill of the account, oldest first (the last 100,000)."""
        return self._call(lambda: list(self._rails.venue.account.fills))

    @property
    def rails_requests(self) -> list[tuple[int, dict[str, Any]]]:
        """(id of the connection, request) in order of arrival, the last 100,000; what names no request is missing."""
        return self._call(lambda: list(self._rails.service.requests))

    @property
    def rails_connections(self) -> tuple[int, ...]:
        """Ids of the open Rails connections, in the order in which they were opened."""
        return self._call(lambda: tuple(self._rails.hub.connections))

    def rails_subscriptions(self, connection: int) -> tuple[str, ...]:
        """The active streams of a connection by their newest names, in the order of the documents.

        Raises:
            ValueError: no such open connection.
        """
        return self._call(lambda: tuple(self._rails.hub.socket(connection).active))

    def _rails_order(self, order_id: str) -> OwnOrder:
        order = self._rails.venue.account.order(order_id)
        if order is None:
            raise ValueError(f"no own Rails order {order_id!r}")
        return order
