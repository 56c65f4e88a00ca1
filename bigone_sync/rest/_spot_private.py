"""Own spot data and orders by REST (REST protocol, section 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

import msgspec

from ..arguments import check_count, check_side, check_word
from ..config import check_asset, check_market
from ..enums import OrderOperator, OrderState, OrderType, Side
from ..errors import ConfigurationError
from ..events import Account, Fill, Order
from ..protocol.base import CodecError
from ._http import Call
from ._paging import pages_by_token
from ._reply import Reply, item_of, items_of, page_of
from ._spot_bodies import OrderForm, order_target
from ._spot_public import SpotPublic
from ._spot_rows import account_row, cancel_result, fee_row, fill_row, order_row
from ._venue import Query, names_of
from .values import CancelResult, NewOrder, TradingFee

__all__ = ["SpotPrivate"]

_LARGEST_PAGE = 200
# Filters, not states; how PENDING and OPENING differ is not documented.
_STATES = ("PENDING", "OPENING", "CLOSED", "NONE_FILLED", "ALL")


def _order(reply: Reply, at: float) -> Order:
    return item_of(reply.data, lambda row: order_row(row, at))


class SpotPrivate(SpotPublic):
    """Methods that need credentials; without, they raise ConfigurationError before any I/O. Not for direct use."""

    def accounts(self) -> tuple[Account, ...]:
        """Balances of all assets.

        Raises:
            RestError: the exchange refused the credentials, mostly with ``status_code`` 401 and ``code`` 40004 or
                40106, or a permission is missing or this address is not on the key's list (403, 10403); so with all
                methods that need them, beside what those of market data raise.
        """
        return self._get(
            "/viewer/accounts",
            lambda reply, at: items_of(reply.data, lambda row: account_row(row, at)),
            private=True,
        )

    def account(self, asset: str) -> Account:
        """Balance of an asset.

        Args:
            asset: ``"BTC"``.

        Raises:
            ConfigurationError: it is no asset's symbol.
        """
        name = check_asset(asset)

        def make(reply: Reply, at: float) -> Account:
            found = item_of(reply.data, lambda row: account_row(row, at))
            if found.asset != name:
                raise CodecError(f"it is of {found.asset[:40]!r}, not of {name!r}")
            return found

        return self._get(f"/viewer/accounts/{name}", make, private=True)

    def create_order(
        self,
        market: str,
        side: Side | str,
        *,
        amount: Decimal | int | str,
        price: Decimal | int | str | None = None,
        type: OrderType | str | None = None,
        stop_price: Decimal | int | str | None = None,
        operator: OrderOperator | str | None = None,
        ioc: bool = False,
        post_only: bool = False,
        client_order_id: str | None = None,
    ) -> Order:
        """Place an order. It is sent once, and never again by itself.

        Args:
            market: ``"BTC-USDT"``.
            side: a :class:`~bigone_sync.Side`, or ``"buy"``, ``"sell"``, ``"BID"``, ``"ASK"``.
            amount: in the base asset. For a market order that buys, the specification says so, too, while working
                clients send the amount of the quote asset that is to be spent: try it with little.
            price: in the quote asset; for LIMIT and STOP_LIMIT, and only there.
            type: LIMIT, MARKET, STOP_LIMIT or STOP_MARKET; None: LIMIT with a price, MARKET without, STOP_ with a
                stop_price.
            stop_price: that triggers a stop order.
            operator: GTE or LTE, the direction of the trigger; None: the exchange's default.
            ioc: immediate or cancel; for LIMIT.
            post_only: cancelled where it would take; for LIMIT and STOP_LIMIT.
            client_order_id: of your choice, 1 to 36 letters, digits, ``-`` and ``_``, unique for 24 hours; None: a
                fresh one is made.

        Returns:
            The order as the exchange answered.

        Raises:
            ConfigurationError: an argument is not allowed, alone or beside the others (a float never is), or has more
                digits than the market allows, or the exchange lists no such market, or there are no credentials. The
                market's rules are those of :meth:`asset_pairs`, fetched once; ``check_markets=False`` turns that off.
            OutcomeUnknown: it was sent, and no answer came that tells what became of it. ``client_request_id`` is the
                client_order_id: look it up with :meth:`order` before you place another.
            RestError: the exchange refused it.
        """
        new = NewOrder(
            market,
            side,
            amount=amount,
            price=price,
            type=type,
            stop_price=stop_price,
            operator=operator,
            ioc=ioc,
            post_only=post_only,
            client_order_id=client_order_id,
        )
        form = OrderForm(new)
        self._fit([form])
        return self._place(
            Call(
                method="POST",
                path="/viewer/orders",
                body=form.encode(),
                is_private=True,
                is_repeatable=False,
                client_order_id=form.client_order_id,
            ),
            _order,
        )

    def create_orders(self, orders: Iterable[NewOrder]) -> tuple[Order, ...]:
        """Place several orders with one request. Otherwise like :meth:`create_order`.

        What the exchange does when one of them cannot be placed is not documented.

        Args:
            orders: at least one.

        Raises:
            ConfigurationError: as there, or two have the same client_order_id.
            OutcomeUnknown: as there; also where the answer has more or fewer orders than were sent.
                ``client_request_id`` has all the ids, with commas between.
            RestError: the exchange refused them.
        """
        if not isinstance(orders, Iterable):
            raise ConfigurationError(f"orders must be a list of NewOrder objects, not {orders!r}", argument="orders")
        forms = [OrderForm(order) for order in orders]
        ids = [form.client_order_id for form in forms]
        if not forms:
            raise ConfigurationError("orders must have at least one", argument="orders")
        if len(set(ids)) < len(ids):
            raise ConfigurationError("orders must not share a client_order_id", argument="client_order_id")
        self._fit(forms)

        def make(reply: Reply, at: float) -> tuple[Order, ...]:
            placed = items_of(reply.data, lambda row: order_row(row, at))
            if len(placed) != len(forms):
                raise CodecError(f"{len(forms)} orders were sent, and {len(placed)} came back")
            return placed

        return self._place(
            Call(
                method="POST",
                path="/viewer/orders/multi",
                body=msgspec.json.encode([form.body for form in forms]),
                is_private=True,
                is_repeatable=False,
                client_order_id=",".join(ids),
            ),
            make,
        )

    def _fit(self, forms: Sequence[OrderForm]) -> None:
        self._need_credentials()
        if self._check_markets:
            for form in forms:
                form.fit(self._rules_of)

    def order(self, order_id: str | int | None = None, *, client_order_id: str | None = None) -> Order:
        """An order, by one of its ids.

        Args:
            order_id: ``Order.id``.
            client_order_id: the id that it was given when it was placed.

        Raises:
            ConfigurationError: not exactly one of them was given, or it is not allowed.
        """
        known, own = order_target(order_id, client_order_id)
        if known is not None:
            return self._get(f"/viewer/orders/{known}", _order, private=True)
        return self._get("/viewer/order", _order, [("client_order_id", own)], private=True)

    def orders(
        self,
        market: str,
        *,
        state: OrderState | str | None = None,
        side: Side | str | None = None,
        page_size: int = 200,
    ) -> Iterator[Order]:
        """Own orders in a market; pages are fetched as they are needed.

        Args:
            market: ``"BTC-USDT"``.
            state: PENDING, OPENING, CLOSED, NONE_FILLED or ALL; None: the exchange's default, PENDING.
            side: only this one.
            page_size: orders of one request, 1 to 200.

        Raises:
            ConfigurationError: an argument is not allowed; told here, not by the iterator.
        """
        query = [("asset_pair_name", check_market(market))]
        if state is not None:
            query.append(("state", check_word(state, "state", _STATES)))
        if side is not None:
            query.append(("side", check_side(side)))
        query.append(("limit", str(check_count(page_size, "page_size", _LARGEST_PAGE))))
        self._need_credentials()

        def fetch(token: str | None) -> tuple[tuple[Order, ...], str | None]:
            return self._get(
                "/viewer/orders",
                lambda reply, at: (page_of(reply.data, lambda row: order_row(row, at)), reply.page_token),
                _after(query, token),
                private=True,
            )

        return pages_by_token(fetch)

    def cancel_order(self, order_id: str | int | None = None, *, client_order_id: str | None = None) -> Order:
        """Cancel an order.

        It is sent again where no answer came: to cancel twice does no harm.  What an earlier attempt cancelled is then
        refused (54043): :meth:`order` tells.

        Args:
            order_id: ``Order.id``.
            client_order_id: the id that it was given when it was placed.

        Returns:
            The order as the exchange answered.

        Raises:
            ConfigurationError: not exactly one of them was given, or it is not allowed.
            RestError: the exchange refused; the order may be filled or cancelled already (54043).
        """
        known, own = order_target(order_id, client_order_id)
        self._need_credentials()
        path = f"/viewer/orders/{known}/cancel" if known is not None else "/viewer/order/cancel"
        body = None if known is not None else msgspec.json.encode({"client_order_id": own})
        return self._read(self._send(Call(method="POST", path=path, body=body, is_private=True)), _order)

    def cancel_orders(self, market: str) -> CancelResult:
        """Cancel all orders of a market.

        It is sent again where no answer came; what an earlier attempt cancelled is then not among those returned.

        Args:
            market: ``"BTC-USDT"``.

        Returns:
            Ids of the orders that were cancelled, and of those that were not.

        Raises:
            ConfigurationError: it is not of that form.
        """
        body = msgspec.json.encode({"asset_pair_name": check_market(market)})
        self._need_credentials()
        call = Call(method="POST", path="/viewer/orders/cancel", body=body, is_private=True)
        return self._read(self._send(call), lambda reply, at: item_of(reply.data, cancel_result))

    def fills(self, market: str, *, page_size: int = 200) -> Iterator[Fill]:
        """Own trades in a market; pages are fetched as they are needed.

        ``notional``, ``fee_rate`` and ``pnl`` are None: spot sends none.  A trade with oneself has ``side``
        ``Side.UNKNOWN`` with the word SELF_TRADING, and neither ``role`` nor ``fee``, for there are two of each.

        Args:
            market: ``"BTC-USDT"``.
            page_size: trades of one request, 1 to 200.

        Raises:
            ConfigurationError: an argument is not allowed; told here, not by the iterator.
        """
        query = [
            ("asset_pair_name", check_market(market)),
            ("limit", str(check_count(page_size, "page_size", _LARGEST_PAGE))),
        ]
        self._need_credentials()

        def fetch(token: str | None) -> tuple[tuple[Fill, ...], str | None]:
            return self._get(
                "/viewer/trades",
                lambda reply, at: (page_of(reply.data, lambda row: fill_row(row, at)), reply.page_token),
                _after(query, token),
                private=True,
            )

        return pages_by_token(fetch)

    def trading_fees(self, markets: str | Iterable[str] | None = None) -> tuple[TradingFee, ...]:
        """Own fees.

        Args:
            markets: ``"BTC-USDT"``, or several; None: as many as the exchange likes to tell.

        Raises:
            ConfigurationError: one is not of that form, or none is named.
        """
        query: Query = []
        if markets is not None:
            query = [("asset_pair_names", ",".join(names_of(markets, "markets", check_market)))]
        return self._get("/viewer/trading_fees", lambda reply, at: items_of(reply.data, fee_row), query, private=True)


def _after(query: list[tuple[str, str]], token: str | None) -> Query:
    return query if token is None else [*query, ("page_token", token)]
