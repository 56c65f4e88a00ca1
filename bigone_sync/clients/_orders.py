"""Commands of the spot client: orders over the socket, and the list of markets. All of them provisional."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from ..arguments import check_flag, check_number, check_order_id, check_side, check_timeout
from ..config import check_market
from ..enums import Side
from ..errors import ConfigurationError, NotConnected
from ..events import Order
from ..markets import Market
from ..protocol.spot_calls import CANCEL_ALL_ORDERS, CANCEL_ORDER, CREATE_ORDER, LIST_MARKETS
from ..session import Session
from ._subscribing import Subscribing

__all__ = ["SpotOrders"]

_PRIVATE, _TICKER, _SHARED = "private", "ticker", "shared"


class SpotOrders(Subscribing[Session]):
    """The commands. Not for direct use."""

    _shared: bool

    def create_order(
        self,
        market: str,
        side: Side | str,
        *,
        amount: Decimal | int | str,
        price: Decimal | int | str | None = None,
        stop_price: Decimal | int | str | None = None,
        ioc: bool = False,
        hidden: bool = False,
        timeout: float | None = None,
    ) -> Order | None:
        """Place an order and wait for the answer.

        Provisional: from the official schema; not described in the documents, and whether the live exchange serves it
        is unknown (spot schema, sections 4 and 9).

        It is sent once, and never again.  Blocks the calling thread, a handler's included.  With ``NotConnected`` and
        ``ConnectionClosed`` it was not sent; with ``OutcomeUnknown`` and ``RequestTimeout`` nobody knows: look at your
        orders before you place another.

        Args:
            market: ``"BTC-USDT"``.
            side: a :class:`~bigone_sync.Side`, or ``"buy"``, ``"sell"``, ``"BID"``, ``"ASK"``.
            amount: sent exactly as given; what it counts in is as undocumented as the command.
            price: of a limit order; None: a market order.
            stop_price: at which a stop order is triggered.
            ioc: immediate or cancel.
            hidden: undocumented.
            timeout: seconds for everything, the connection's first opening included; None: ``Timeouts.reply``.

        Returns:
            The order, where the exchange's answer holds it; None where it only says yes.

        Raises:
            ConfigurationError: an argument is not allowed (a float never is), or the client has no credentials.
            OrderRejected: the exchange refused it. Code 45000 is an error inside of the exchange; what had been done by
                then is not documented.
            RequestTimeout: it was sent, and no answer came in time.
            OutcomeUnknown: it was sent, and the connection or the client ended before the answer.
            NotConnected: the client was not started, or the connection is not up: it was not sent.
            ConnectionClosed: the client is closed: it was not sent.
            BigOneError: the error that ended the connection for good: it was not sent.
        """
        parameters: dict[str, Any] = {
            "price": "MARKET" if price is None else check_number(price, "price"),
            "amount": check_number(amount, "amount"),
            "market": check_market(market),
            "side": check_side(side),
            "hidden": check_flag(hidden, "hidden"),
            "immediateOrCancel": check_flag(ioc, "ioc"),
        }
        if stop_price is not None:
            parameters["stopPrice"] = check_number(stop_price, "stop_price")
        self._check_markets([market])
        order: Order | None = self._command(CREATE_ORDER, parameters, timeout)
        return order

    def cancel_order(self, order_id: str | int, *, timeout: float | None = None) -> Order | None:
        """Cancel an order and wait for the answer. Otherwise like :meth:`create_order`, and as provisional.

        Provisional: from the official schema; not described in the documents, and whether the live exchange serves it
        is unknown (spot schema, sections 4 and 9).

        Args:
            order_id: ``Order.id``.
            timeout: seconds for everything; None: ``Timeouts.reply``.
        """
        order: Order | None = self._command(CANCEL_ORDER, {"orderId": check_order_id(order_id)}, timeout)
        return order

    def cancel_orders(self, markets: str | Iterable[str] = (), *, timeout: float | None = None) -> tuple[Order, ...]:
        """Cancel all orders of some markets and wait for the answer. Otherwise like :meth:`create_order`.

        Provisional: from the official schema; not described in the documents, and whether the live exchange serves it
        is unknown (spot schema, sections 4 and 9).

        Args:
            markets: one market, or several; none named: all markets.
            timeout: seconds for everything; None: ``Timeouts.reply``.

        Returns:
            The orders, where the exchange's answer holds them; none where it only says yes.
        """
        if not isinstance(markets, Iterable):
            raise ConfigurationError(
                f"markets must be BASE-QUOTE names, like 'BTC-USDT' or a list of them, not {markets!r}",
                argument="markets",
            )
        names = [markets] if isinstance(markets, str) else list(markets)
        checked = list(dict.fromkeys(check_market(name, argument="markets") for name in names))
        self._check_markets(checked)
        orders: tuple[Order, ...] | None = self._command(CANCEL_ALL_ORDERS, {"markets": checked}, timeout)
        return orders or ()

    def list_markets(self, *, timeout: float | None = None) -> tuple[Market, ...]:
        """Ask for the markets there are.

        Provisional: from the official schema; not described in the documents, and whether the live exchange serves it
        is unknown (spot schema, sections 4 and 9).

        Needs no credentials.  It goes over the private connection where there are some, else over that of tickers,
        which is opened if it is not.

        Args:
            timeout: seconds for everything, the connection's first opening included; None: ``Timeouts.reply``.

        Raises:
            ConfigurationError: an argument is not allowed.
            RequestRejected: the exchange refused it.
            RequestTimeout: no answer came in time.
            ConnectionLost: the connection ended before the answer.
            NotConnected: the client was not started, or the connection is not up.
            ConnectionClosed: the client is closed.
            BigOneError: the error that ended the connection for good.
        """
        markets: tuple[Market, ...] = self._ask(LIST_MARKETS, {}, timeout, is_order=False)
        return markets

    def _command(self, name: str, parameters: Mapping[str, Any], timeout: float | None) -> Any:
        if self._signer is None:
            raise ConfigurationError(
                "credentials are needed for orders: SpotClient(Credentials(key, secret))", argument="credentials"
            )
        return self._ask(name, parameters, timeout, is_order=True)

    def _ask(self, name: str, parameters: Mapping[str, Any], timeout: float | None, *, is_order: bool) -> Any:
        limit = self._timeouts.reply if timeout is None else check_timeout(timeout)
        self._check_open()
        if not self._started:
            raise NotConnected(f"{name} was not sent: call start() first, or use the client in a with block")
        known = self._signer is not None
        channel = _SHARED if self._shared else _PRIVATE if known else _TICKER

        def log_in(session: Session) -> None:
            session.calls.want_login = known

        session = self._session_of(channel, name, log_in)
        return session.calls.make(name, parameters, is_order=is_order, log_in=known, timeout=limit)
