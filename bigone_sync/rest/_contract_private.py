"""Own contract data and orders by REST (REST protocol, section 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TypeVar

from ..arguments import check_count, check_instant, check_order_id, check_word
from ..config import check_symbol
from ..enums import OrderState, OrderType, Side
from ..errors import ConfigurationError
from ..events import ContractOrder, Fill, Position
from ..protocol.contract_values import Members
from ..protocol.contract_wire import fill_of, order_of, position_of
from ._contract_bodies import ORDER_TYPES, ContractOrderForm, contract_side, margin_body, risk_limit_body
from ._contract_public import ContractPublic
from ._contract_rows import CONNECTION, account_row, count_of, risk_limit_of
from ._http import Call
from ._paging import pages_by_id
from ._reply import Reply, item_of, items_of, page_of
from ._venue import Query, names_of
from .values import ContractAccount, RiskLimit

__all__ = ["ContractPrivate"]

_P = TypeVar("_P")
_T = TypeVar("_T", ContractOrder, Fill)

_LARGEST_PAGE = 100
_STATES = (
    *("NEW", "PARTIALLY_FILLED", "PARTIALLY_CANCELED", "CANCELED", "REJECTED", "FILLED"),
    *("UNTRIGGERED", "PENDING_CANCEL"),
)
_FILL_SIDES = ("BUY", "SELL", "FUNDING", "ADL_BUY", "ADL_SELL", "TRADING")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _order(reply: Reply, at: float) -> ContractOrder:
    return item_of(reply.data, lambda row: order_of(row, CONNECTION, at))


def _milliseconds(moment: datetime) -> str:
    return str((moment - _EPOCH) // timedelta(milliseconds=1))


def _state(status: object, *, argument: str) -> str:
    """A state as contracts spell it: CANCELED, where spot has CANCELLED."""
    word = status.value if isinstance(status, OrderState) else status
    if isinstance(word, str) and word.upper() == "CANCELLED":
        word = "CANCELED"
    return check_word(word, argument, _STATES)


def _states(status: object) -> list[str]:
    several = [status] if isinstance(status, OrderState) else status
    return names_of(several, "status", _state)


def _market_query(market: object) -> list[tuple[str, str]]:
    return [] if market is None else [("symbol", check_symbol(market))]


def _order_query(
    market: object, since: object, until: object, side: object, type: object, status: object
) -> list[tuple[str, str]]:
    """Which orders are meant; the wire's names have hyphens."""
    query = _market_query(market)
    moments = {}
    for name, argument, value in (("start-time", "since", since), ("end-time", "until", until)):
        if value is not None:
            moments[name] = check_instant(value, argument)
    if len(moments) == 2 and moments["start-time"] > moments["end-time"]:
        raise ConfigurationError("since must not be later than until", argument="since")
    query += [(name, _milliseconds(moment)) for name, moment in moments.items()]
    if side is not None:
        query.append(("side", contract_side(side)))
    if type is not None:
        query.append(("type", check_word(type, "type", ORDER_TYPES)))
    if status is not None:
        query.append(("status", ",".join(_states(status))))
    return query


class ContractPrivate(ContractPublic):
    """Methods that need credentials; without, they raise ConfigurationError before any I/O. Not for direct use."""

    def accounts(self) -> tuple[ContractAccount, ...]:
        """Funds and positions, by currency.

        Raises:
            RestError: the exchange refused the credentials: ``status_code`` 403 and ``anomaly``
                ``anomaly.token/invalid``, as was seen, or 401, as is documented; so with all methods that need them,
                beside what those of market data raise.
        """
        return self._get(
            "/accounts",
            lambda reply, at: items_of(reply.data, lambda row: account_row(row, at)),
            private=True,
        )

    def create_order(
        self,
        market: str,
        side: Side | str,
        *,
        size: Decimal | int | str,
        price: Decimal | int | str | None = None,
        type: OrderType | str | None = None,
        reduce_only: bool = False,
    ) -> ContractOrder:
        """Place an order. It is sent once, and never again by itself.

        Args:
            market: the contract's symbol, ``"BTCUSD"``.
            side: a :class:`~bigone_sync.Side`, or ``"buy"``, ``"sell"``.
            size: whole contracts.
            price: in the quote currency; for all types but MARKET.
            type: LIMIT, MARKET, IOC, FOK or POST_ONLY; None: LIMIT with a price, MARKET without.
            reduce_only: it may only make a position smaller.

        Returns:
            The order as the exchange answered.

        Raises:
            ConfigurationError: an argument is not allowed, alone or beside the others (a float never is), or the price
                is no multiple of the contract's step, or the exchange lists no such contract, or there are no
                credentials. The rules are those of :meth:`symbols`, fetched once; ``check_markets=False`` turns that
                off.
            OutcomeUnknown: it was sent, and no answer came that tells what became of it. Contracts have no ids of your
                own, so ``client_request_id`` is empty: look at :meth:`orders` before you place another.
            RestError: the exchange refused it; ``anomaly`` says why, and may be empty.
        """
        form = ContractOrderForm(market, side, size=size, price=price, type=type, reduce_only=reduce_only)
        self._need_credentials()
        if self._check_markets:
            form.fit(self._rules_of)
        call = Call(method="POST", path="/orders", body=form.encode(), is_private=True, is_repeatable=False)
        return self._place(call, _order)

    def order(self, order_id: str | int) -> ContractOrder:
        """An order.

        Args:
            order_id: ``ContractOrder.id``.

        Raises:
            ConfigurationError: it can be none.
        """
        return self._get(f"/orders/{check_order_id(order_id)}", _order, private=True)

    def orders(
        self,
        market: str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        side: Side | str | None = None,
        type: OrderType | str | None = None,
        status: OrderState | str | Iterable[OrderState | str] | None = None,
        page_size: int = 100,
    ) -> Iterator[ContractOrder]:
        """Own orders, as the exchange orders them; pages are fetched as they are needed.

        Args:
            market: the contract's symbol; None: all.
            since: an aware datetime; which of an order's times is meant is not documented.
            until: likewise.
            side: only this one.
            type: only this one.
            status: only this one, or several.
            page_size: orders of one request, 1 to 100.

        Raises:
            ConfigurationError: an argument is not allowed; told here, not by the iterator.
        """
        return self._order_pages("/orders", _order_query(market, since, until, side, type, status), page_size)

    def open_orders(self, market: str | None = None, *, page_size: int = 100) -> Iterator[ContractOrder]:
        """Own orders that are open. Otherwise like :meth:`orders`."""
        return self._order_pages("/orders/opening", _market_query(market), page_size)

    def order_count(
        self,
        market: str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        side: Side | str | None = None,
        type: OrderType | str | None = None,
        status: OrderState | str | Iterable[OrderState | str] | None = None,
    ) -> int:
        """How many orders :meth:`orders` would give. The arguments are the same."""
        query = _order_query(market, since, until, side, type, status)
        return self._get("/orders/count", lambda reply, at: item_of(reply.data, count_of), query, private=True)

    def cancel_order(self, order_id: str | int) -> None:
        """Cancel an order. What the exchange answers is not described, so nothing is returned.

        It is sent again where no answer came: to cancel twice does no harm.  What an earlier attempt cancelled may then
        be refused: :meth:`order` tells.

        Args:
            order_id: ``ContractOrder.id``.

        Raises:
            ConfigurationError: it can be none.
            RestError: the exchange refused; the order may be filled or cancelled already.
        """
        path = f"/orders/{check_order_id(order_id)}"
        self._need_credentials()
        self._send(Call(method="DELETE", path=path, is_private=True))

    def fills(
        self,
        market: str | None = None,
        *,
        side: Side | str | None = None,
        order_id: str | int | None = None,
        page_size: int = 100,
    ) -> Iterator[Fill]:
        """Own trades, and what is booked like them, as the exchange orders them; pages are fetched as needed.

        Args:
            market: the contract's symbol; None: all.
            side: BUY, SELL, FUNDING, ADL_BUY, ADL_SELL or TRADING; None: all.
            order_id: only trades of this order.
            page_size: trades of one request, 1 to 100.

        Raises:
            ConfigurationError: an argument is not allowed; told here, not by the iterator.
        """
        query = _market_query(market)
        if side is not None:
            query.append(("side", check_word(side, "side", _FILL_SIDES)))
        if order_id is not None:
            query.append(("order-id", check_order_id(order_id)))
        return self._pages("/trades", query, page_size, lambda row, at: fill_of(row, CONNECTION, at))

    def set_margin(
        self,
        market: str,
        *,
        margin: Decimal | int | str | None = None,
        leverage: Decimal | int | str | None = None,
        is_cross: bool | None = None,
    ) -> Position:
        """Set the margin of a position. Sent once; what is None is left as it is.

        Args:
            market: the contract's symbol, ``"BTCUSD"``.
            margin: in the settlement currency, sent as given; whether it is the new margin or the change of it is not
                documented.
            leverage: greater than 0.
            is_cross: True: all funds of the currency are its margin; False: only its own are.

        Returns:
            The position as the exchange answered.

        Raises:
            ConfigurationError: an argument is not allowed, or nothing is to be set.
            OutcomeUnknown: it was sent, and no answer came that tells what became of it: :meth:`accounts` does.
            RestError: the exchange refused it.
        """
        path = f"/positions/{check_symbol(market)}/margin"
        body = margin_body(margin, leverage, is_cross)
        return self._put(path, body, lambda row, at: position_of(row, CONNECTION, at))

    def set_risk_limit(self, market: str, notional: Decimal | int | str) -> RiskLimit:
        """Set the risk limit of a position. Sent once.

        Args:
            market: the contract's symbol, ``"BTCUSD"``.
            notional: greater than 0.

        Raises:
            ConfigurationError: an argument is not allowed.
            OutcomeUnknown: it was sent, and no answer came that tells what became of it.
            RestError: the exchange refused it.
        """
        path = f"/positions/{check_symbol(market)}/risk-limit"
        return self._put(path, risk_limit_body(notional), lambda row, at: risk_limit_of(row))

    def _put(self, path: str, body: bytes, make: Callable[[Members, float], _P]) -> _P:
        self._need_credentials()
        call = Call(method="PUT", path=path, body=body, is_private=True, is_repeatable=False)
        return self._place(call, lambda reply, at: item_of(reply.data, lambda row: make(row, at)))

    def _order_pages(self, path: str, query: list[tuple[str, str]], page_size: int) -> Iterator[ContractOrder]:
        return self._pages(path, query, page_size, lambda row, at: order_of(row, CONNECTION, at))

    def _pages(
        self, path: str, query: list[tuple[str, str]], page_size: int, make: Callable[[Members, float], _T]
    ) -> Iterator[_T]:
        first: Query = [*query, ("limit", str(check_count(page_size, "page_size", _LARGEST_PAGE)))]
        self._need_credentials()

        def fetch(last: str | None) -> tuple[_T, ...]:
            asked: Query = first if last is None else [*first, ("id", last)]
            return self._get(
                path, lambda reply, at: page_of(reply.data, lambda row: make(row, at)), asked, private=True
            )

        return pages_by_id(fetch)
