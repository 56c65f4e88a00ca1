"""The Rails client's commands: orders over the socket, answered in phases, and pings."""

from __future__ import annotations

from concurrent.futures import Future
from decimal import Decimal
from functools import partial
from typing import Any

from ..arguments import check_flag, check_number, check_order_id, check_side, check_timeout, check_word
from ..config import check_uuid
from ..enums import Side
from ..errors import BigOneError, ConfigurationError, ConnectionClosed, NotConnected
from ..events import RailsOrder
from ..protocol.rails_requests import RailsRequests
from ..rails.commands import CANCEL, CREATE, LEVERAGE, MODIFY, PING
from ..rails.desk import Desk
from ..rails.group import RailsGroup
from ..rails.session import RailsSession
from ._beside import RestBeside
from ._rails_arguments import check_slippage, check_wait, market_of
from ._rails_history import resolve
from ._subscribing import Subscribing

__all__ = ["RailsOrders"]

Number = Decimal | int | str
_SIDES = {"BID": "buy", "ASK": "sell"}


class RailsOrders(Subscribing[RailsSession]):
    """The commands. Not for direct use.

    All of them need a client that was started.  Each is sent once, on the connection that leads, and never again by
    itself; ``NotConnected``, ``RateLimited`` and ``ConnectionClosed`` say that it was not sent.  After
    ``OutcomeUnknown`` and ``RequestTimeout`` nobody knows what became of it: :meth:`resolve` asks.

    The blocking form waits on the calling thread, a handler's included.  The ``_nowait`` form gives a
    :class:`concurrent.futures.Future`, which cannot be cancelled, and sends only if a connection is READY and takes the
    command at once.  Its callbacks (``add_done_callback``) run where it is completed, mostly on the thread of a
    connection, else on one of the client's own or of whoever closes it or gives a command: they must not block.
    """

    _market: str
    _beside: RestBeside[Any]
    _group: RailsGroup
    _desk: Desk

    # -- orders

    def create_order(
        self,
        *,
        side: Side | str,
        amount: Number,
        price: Number | None = None,
        type: str = "limit",
        post_only: bool = False,
        leverage: Number | None = None,
        max_slippage: Number | None = None,
        market: str | None = None,
        timeout: float | None = None,
        wait: str = "ack",
    ) -> RailsOrder:
        """Place an order (Rails protocol, section 3.7).

        What becomes of it afterwards goes to ``on_order``: fills, a post-only order that would have matched
        (``rejectOrder``: REJECTED), and the rest of a market order that could not be filled (``cancelOrder``:
        CANCELLED).

        Args:
            side: a :class:`~bigone_sync.Side`, ``"buy"`` or ``"sell"``.
            amount: its size, sent exactly as given.
            price: the limit; of a market order the price that is expected, which the exchange wants, too.
            type: ``"limit"`` or ``"market"``.
            post_only: limit orders only: rejected rather than matched at once.
            leverage: in the oldest generation of the documents only; later ones have :meth:`update_leverage`.
            max_slippage: market orders only: from 0 to 1, how far from ``price`` it may be filled; 0.02 if not given.
            market: only where the client is for ALL.
            timeout: seconds for everything, the first opening of a connection included; None: ``Timeouts.reply``.
            wait: ``"ack"``: until the exchange has taken it (202); ``"confirm"``: until it has accepted it (200).

        Returns:
            The order as the answer shows it.

        Raises:
            ConfigurationError: an argument is not allowed (a float never is).
            OrderRejected: the exchange refused it; ``code`` and ``reason`` say why.
            RateLimited, NotConnected, ConnectionClosed: it was not sent.
            RequestTimeout: it was sent, and what was waited for did not come in time.
            OutcomeUnknown: it was sent, and the connection ended before the answer.
            BigOneError: the error that ended the client for good; it was not sent.
        """
        make, name = self._creation(side, amount, price, type, post_only, leverage, max_slippage, market)
        order: RailsOrder = self._call(CREATE, make, name, timeout, wait)
        return order

    def create_order_nowait(
        self,
        *,
        side: Side | str,
        amount: Number,
        price: Number | None = None,
        type: str = "limit",
        post_only: bool = False,
        leverage: Number | None = None,
        max_slippage: Number | None = None,
        market: str | None = None,
        timeout: float | None = None,
        wait: str = "ack",
    ) -> Future[RailsOrder]:
        """:meth:`create_order` without waiting; only a ConfigurationError is raised here."""
        make, name = self._creation(side, amount, price, type, post_only, leverage, max_slippage, market)
        return self._submit(CREATE, make, name, timeout, wait)

    def _creation(
        self,
        side: Any,
        amount: Any,
        price: Any,
        type: Any,
        post_only: Any,
        leverage: Any,
        max_slippage: Any,
        market: Any,
    ) -> tuple[Any, str]:
        name = market_of(market, self._market, needed=True) or ""
        kind = check_word(type, "type", ("LIMIT", "MARKET")).lower()
        if price is None:
            raise ConfigurationError(
                "price must be given: of a limit order the limit, of a market order the price that is expected",
                argument="price",
            )
        if check_flag(post_only, "post_only") and kind == "market":
            raise ConfigurationError("post_only goes with limit orders", argument="post_only")
        if max_slippage is not None and kind == "limit":
            raise ConfigurationError("max_slippage goes with market orders", argument="max_slippage")
        make = partial(
            RailsRequests.create_order,
            side=_SIDES[check_side(side)],
            type=kind,
            price=check_number(price, "price"),
            quantity=check_number(amount, "amount"),
            market=name,
            post_only=post_only if kind == "limit" else None,
            max_slippage=None if max_slippage is None else check_slippage(max_slippage),
            leverage=None if leverage is None else check_number(leverage, "leverage"),
        )
        return make, name

    def modify_order(
        self,
        order_id: str,
        *,
        price: Number | None = None,
        amount: Number | None = None,
        market: str | None = None,
        timeout: float | None = None,
        wait: str = "ack",
    ) -> RailsOrder:
        """Replace an order by one with another price or size, and another id (Rails protocol, section 3.9).

        Provisional: the members of the request are not documented; ``RailsClient(modify_names=...)`` renames them.
        With ``wait="confirm"`` it waits until the new order is accepted, and returns that one.  Otherwise like
        :meth:`create_order`.

        Args:
            order_id: of the order that is replaced.
            price: the new limit; None: as it was.
            amount: the new size; None: as it was.
            market: only where the client is for ALL.
            timeout: as for :meth:`create_order`.
            wait: as for :meth:`create_order`.
        """
        make, name = self._modification(order_id, price, amount, market)
        order: RailsOrder = self._call(MODIFY, make, name, timeout, wait, check_order_id(order_id))
        return order

    def modify_order_nowait(
        self,
        order_id: str,
        *,
        price: Number | None = None,
        amount: Number | None = None,
        market: str | None = None,
        timeout: float | None = None,
        wait: str = "ack",
    ) -> Future[RailsOrder]:
        """:meth:`modify_order` without waiting; only a ConfigurationError is raised here."""
        make, name = self._modification(order_id, price, amount, market)
        return self._submit(MODIFY, make, name, timeout, wait, check_order_id(order_id))

    def _modification(self, order_id: Any, price: Any, amount: Any, market: Any) -> tuple[Any, str]:
        if price is None and amount is None:
            raise ConfigurationError("price or amount must be given: there is nothing to modify", argument="price")
        name = market_of(market, self._market, needed=True) or ""
        make = partial(
            RailsRequests.modify_order,
            order_id=check_order_id(order_id),
            price=None if price is None else check_number(price, "price"),
            quantity=None if amount is None else check_number(amount, "amount"),
            market=name,
        )
        return make, name

    def cancel_order(
        self, order_id: str, *, market: str | None = None, timeout: float | None = None, wait: str = "ack"
    ) -> RailsOrder:
        """Cancel an order (Rails protocol, section 3.8).

        ``OrderRejected`` with code 404: it is gone, filled or cancelled; 409: it was being filled, try again.
        Otherwise like :meth:`create_order`.
        """
        make, name = self._cancellation(order_id, market)
        order: RailsOrder = self._call(CANCEL, make, name, timeout, wait, check_order_id(order_id))
        return order

    def cancel_order_nowait(
        self, order_id: str, *, market: str | None = None, timeout: float | None = None, wait: str = "ack"
    ) -> Future[RailsOrder]:
        """:meth:`cancel_order` without waiting; only a ConfigurationError is raised here."""
        make, name = self._cancellation(order_id, market)
        return self._submit(CANCEL, make, name, timeout, wait, check_order_id(order_id))

    def _cancellation(self, order_id: Any, market: Any) -> tuple[Any, str]:
        name = market_of(market, self._market, needed=True) or ""
        return partial(RailsRequests.cancel_order, order_id=check_order_id(order_id), market=name), name

    # -- what became of a command

    def resolve(
        self, client_request_id: str, *, market: str | None = None, timeout: float | None = None
    ) -> RailsOrder | None:
        """Ask REST what became of the order that a command of this id was about (Rails protocol, section 1.6).

        For after ``OutcomeUnknown`` (its ``client_request_id``) and ``RequestTimeout`` (its ``request_id``).  An order
        that is not known at first is asked for twice more within two seconds: what was sent just before the connection
        ended may still be on its way.  Of a cancellation it is the order that was to be cancelled; of a modification
        the new order, or the old one where there is no new one.  Each time counts as an order operation (section 10).

        Args:
            client_request_id: of the command.
            market: of the order; only where the client is for ALL, and did not place it itself.
            timeout: seconds for everything; None: ``Timeouts.reply``.

        Returns:
            The order; None where the exchange knows none: it was never placed, or ended over an hour ago.

        Raises:
            ConfigurationError: an argument is not allowed.
            RestError: the exchange could not be asked.
            RateLimited: there is no room for asking, or for asking once more.
            ConnectionClosed: the client is closed, or was meanwhile.
        """
        asked = check_uuid(client_request_id, argument="client_request_id")
        known = self._group.commands.known(asked)
        name = known.market if market is None and known is not None else market
        checked = market_of(name, self._market, needed=True) or ""
        limit = self._timeouts.reply if timeout is None else check_timeout(timeout)
        self._check_open()
        with self._dispatcher.lifted():
            return resolve(self._beside.rest(), asked, checked, known, limit, self._count_lookup, self._pause)

    def _count_lookup(self) -> None:
        self._desk.count("resolve()")

    def _pause(self, seconds: float) -> None:
        if self._hub.wait_until(lambda: self._closing, seconds):
            raise ConnectionClosed("the client was closed meanwhile")

    # -- the account

    def update_leverage(self, leverage: Number, *, timeout: float | None = None, wait: str = "confirm") -> None:
        """Set the leverage of the whole account, whatever the client's market (Rails protocol, section 3.10).

        ``RequestRejected`` if the exchange refuses; if the connection ends before the answer, ``ConnectionLost``: it
        can be set again.  Otherwise like :meth:`create_order`.

        Args:
            leverage: 1 to 5 by the documents, 10 by an older one; not checked here.
            timeout: as for :meth:`create_order`.
            wait: ``"confirm"``, or ``"ack"``.
        """
        self._call(LEVERAGE, self._leverage(leverage), self._market, timeout, wait)

    def update_leverage_nowait(
        self, leverage: Number, *, timeout: float | None = None, wait: str = "confirm"
    ) -> Future[None]:
        """:meth:`update_leverage` without waiting; only a ConfigurationError is raised here."""
        return self._submit(LEVERAGE, self._leverage(leverage), self._market, timeout, wait)

    def _leverage(self, leverage: Any) -> Any:
        return partial(RailsRequests.update_leverage, leverage=check_number(leverage, "leverage"))

    # -- the connection

    def ping(self, timeout: float | None = None) -> float:
        """Seconds that a ping and its answer take, on the way that data take (Rails protocol, section 3.4).

        Raises:
            RequestTimeout: no answer came in time.
            ConnectionLost: the connection ended before the answer.
            NotConnected, ConnectionClosed: it was not sent.
        """
        seconds: float = self._call(PING, RailsRequests.ping, self._market, timeout, "confirm")
        return seconds

    def ping_nowait(self, timeout: float | None = None) -> Future[float]:
        """:meth:`ping` without waiting."""
        return self._submit(PING, RailsRequests.ping, self._market, timeout, "confirm")

    @property
    def api_quota_used(self) -> int | None:
        """``apiQuotaUsed`` of the latest answer that had it; None: none had.

        Whether it is the cost of that command or what the running minute has cost is not documented (Rails protocol,
        section 10).
        """
        return self._desk.quota_used

    # -- the way out

    def _limit_of(self, timeout: float | None) -> float:
        return self._timeouts.reply if timeout is None else check_timeout(timeout)

    def _call(
        self, command: str, make: Any, market: str, timeout: float | None, wait: str, order_id: str | None = None
    ) -> Any:
        confirm, limit = check_wait(wait), self._limit_of(timeout)
        self._check_running(command)
        return self._desk.call(command, make, confirm=confirm, timeout=limit, market=market, order_id=order_id)

    def _submit(
        self, command: str, make: Any, market: str, timeout: float | None, wait: str, order_id: str | None = None
    ) -> Future[Any]:
        confirm, limit = check_wait(wait), self._limit_of(timeout)
        try:
            self._check_running(command)
        except BigOneError as error:
            return self._desk.failed(error)
        return self._desk.submit(command, make, confirm=confirm, timeout=limit, market=market, order_id=order_id)

    def _check_running(self, command: str) -> None:
        self._check_open()
        if not self._started:
            raise NotConnected(f"{command} was not sent: call start() first, or use the client in a with block")
