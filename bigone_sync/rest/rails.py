"""The Rails REST API, as far as it is useful beside the socket (Rails protocol, sections 1.4 to 1.6)."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from ..arguments import check_instant, check_order_id
from ..auth import Credentials
from ..config import (
    RAILS_ACCOUNT_URL,
    RAILS_AUTH_URL,
    RAILS_MARKET_DATA_URL,
    RAILS_ORDER_URL,
    Timeouts,
    check_base,
    check_rails_market,
    check_uuid,
)
from ..errors import ConfigurationError, RestError
from ..events import Fill, RailsOrder
from ..markets import RailsMarket
from ..protocol.contract_values import Members
from ._paging import pages_by_token
from ._rails_calls import Hosts, RailsCalls
from ._rails_rows import depth_of, fill_row, markets_of, one_order, order_row, rows_in
from .values import RailsDepth

__all__ = ["RailsRest"]

_T = TypeVar("_T")

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LOCKED = frozenset({401, 403})


def _request_id(value: object) -> str:
    """A UUID; one that the exchange gave to an order of several may have ``#0`` behind it (section 3.8)."""
    text, mark, number = value.partition("#") if isinstance(value, str) else (value, "", "")
    if mark and not (number.isascii() and number.isdigit()):
        text = value
    return f"{check_uuid(text, argument='client_request_id')}{mark}{number}"


def _milliseconds(value: object, argument: str) -> int:
    return (check_instant(value, argument) - _EPOCH) // timedelta(milliseconds=1)


def _dates(since: object, until: object) -> list[tuple[str, str]]:
    named = (("startDate", "since", since), ("endDate", "until", until))
    given = [(name, _milliseconds(value, argument)) for name, argument, value in named if value is not None]
    if len(given) == 2 and given[0][1] > given[1][1]:
        raise ConfigurationError("since must not be later than until", argument="since")
    return [(name, str(value)) for name, value in given]


class RailsRest(RailsCalls):
    """Rails by REST: synchronous, typed, over one HTTP session.

    Thread-safe; use it in a ``with`` block, or close it.  A constructor does no I/O.

    Events that it gives have ``connection`` ``"rails/rest"``.  All methods but ``token()`` raise:

    * ``RestError``: the exchange refused the request, or failed, or no answer could be had: then ``status_code`` is
      None, and ``reason`` says what happened instead (``"timeout"``).  How its failures look is not documented, so
      ``reason`` is the beginning of what it sent, credentials taken out.
    * ``DecodeError``: the answer cannot be read.
    * ``ConnectionClosed``: ``close()`` or ``abort()`` was called.

    Those about own orders and trades raise also:

    * ``AuthenticationError``: the credentials or the token were refused; a token that was fetched with credentials is
      replaced by a fresh one before, once.
    * ``RateLimited``: a token had to be fetched, and too many were in the last minute.
    * ``ConfigurationError``: there are neither credentials nor a token.

    Args:
        credentials: API key and secret, with which access tokens are fetched.
        token: an access token, or what returns one, asked at each call, on the thread that makes it; instead of
            credentials.
        url: of all that follow, for a local exchange or a gateway; None: each its own host.
        auth_url: of the access tokens.
        market_data_url: of markets and books.
        account_url: of open and completed orders.
        order_url: of single orders.
        timeouts: how long to wait for what.
        proxy: URL of an HTTP proxy.
        ssl_context: for TLS; None: the system's.
        headers: sent with each request.
        retries: how often a request is sent again that may be.

    Raises:
        ConfigurationError: an argument is not allowed.
    """

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        token: str | Callable[[], str] | None = None,
        url: str | None = None,
        auth_url: str | None = None,
        market_data_url: str | None = None,
        account_url: str | None = None,
        order_url: str | None = None,
        timeouts: Timeouts | None = None,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        retries: int = 3,
    ) -> None:
        common = None if url is None else check_base(url)

        def base(own: str | None, argument: str, default: str) -> str:
            return check_base(own, argument=argument) if own is not None else common or default

        hosts = Hosts(
            auth=base(auth_url, "auth_url", RAILS_AUTH_URL),
            market_data=base(market_data_url, "market_data_url", RAILS_MARKET_DATA_URL),
            account=base(account_url, "account_url", RAILS_ACCOUNT_URL),
            order=base(order_url, "order_url", RAILS_ORDER_URL),
        )
        super().__init__(
            credentials,
            token,
            hosts=hosts,
            timeouts=timeouts,
            proxy=proxy,
            ssl_context=ssl_context,
            headers=headers,
            retries=retries,
        )

    def markets(self) -> tuple[RailsMarket, ...]:
        """The markets.

        Provisional: of this call only the path is documented (Rails protocol, section 1.5).  It is made where books
        are, without a token, and with one if that is refused and there are credentials or a token.
        """
        url = f"{self._hosts.market_data}/api/v1/markets"
        try:
            return self._public(url, lambda data, at: markets_of(data))
        except RestError as error:
            if error.status_code not in _LOCKED or (self._credentials is None and self._given is None):
                raise
        return self._private(url, lambda data, at: markets_of(data))

    def order_book(self, market: str) -> RailsDepth:
        """A market's whole book, with the time at which the exchange made it.

        It is made by another service than the stream, and has no number by which the stream could continue it
        (Rails protocol, section 7).

        Args:
            market: ``"BTC-USD"``.

        Raises:
            ConfigurationError: it is not of that form.
        """
        name = check_rails_market(market)
        url = f"{self._hosts.market_data}/api/v2/order-book"
        return self._public(url, lambda data, at: depth_of(data, at, name), [("market", name)])

    def open_orders(self, market: str | None = None) -> Iterator[RailsOrder]:
        """Own orders that are open, those included whose fate is pending; pages are fetched as they are needed.

        Args:
            market: ``"BTC-USD"``; None: all.

        Raises:
            ConfigurationError: an argument is not allowed, or there are no credentials; told here, not by the iterator.
        """
        query = [] if market is None else [("market", check_rails_market(market))]
        return self._pages("open-orders", "openOrders", order_row, query)

    def order(self, *, order_id: str | None = None, client_request_id: str | None = None, market: str) -> RailsOrder:
        """An own order that is open, or ended within the last hour. It counts as an order operation (section 10).

        Args:
            order_id: the exchange's id; exactly one of the two is needed.
            client_request_id: of the request that created it.
            market: ``"BTC-USD"``.

        Raises:
            ConfigurationError: an argument is not allowed.
            RestError: with ``status_code`` 404: there is none, or it ended earlier.
        """
        if (order_id is None) == (client_request_id is None):
            raise ConfigurationError("give order_id or client_request_id, one of them", argument="order_id")
        known_by = check_order_id(order_id) if order_id is not None else None
        found = (
            ("order-id", known_by) if known_by is not None else ("client-request-id", _request_id(client_request_id))
        )
        query = [("market", check_rails_market(market)), found]
        return self._private(f"{self._hosts.order}/api/v1/order", lambda data, at: one_order(data, at, known_by), query)

    def completed_orders(self, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[Fill]:
        """Own trades of all markets; pages are fetched as they are needed.

        The exchange's order is kept, which is not documented.  ``id`` is empty where it sends none.

        Args:
            since: the earliest; None: as far back as the exchange goes. Provisional, like ``until``: that both are
                sent as milliseconds is an assumption, for their form is not documented (Rails protocol, section 1.6).
            until: the latest; None: up to now.

        Raises:
            ConfigurationError: an argument is not allowed, or there are no credentials; told here, not by the iterator.
        """
        return self._pages("completed-orders", "completedOrders", fill_row, _dates(since, until))

    def _pages(
        self, path: str, field: str, make: Callable[[Members, float], _T], query: list[tuple[str, str]]
    ) -> Iterator[_T]:
        self._need_token()
        url = f"{self._hosts.account}/api/v1/{path}"

        def fetch(cursor: str | None) -> tuple[tuple[_T, ...], str | None]:
            return self._private(
                url,
                lambda data, at: rows_in(data, field, lambda row: make(row, at)),
                query if cursor is None else [*query, ("start", cursor)],
            )

        return pages_by_token(fetch)
