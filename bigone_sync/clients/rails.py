"""The client for Rails."""

from __future__ import annotations

import logging
import ssl
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..auth import Credentials
from ..book import OrderBook
from ..config import RAILS_URL, Backoff, Limits, Timeouts, check_url
from ..enums import Channel, Overflow
from ..errors import BigOneError, ConfigurationError
from ..events import SubscriptionKey
from ..protocol.base import Handshake
from ..protocol.rails import RailsProtocol
from ..protocol.rails_requests import ALL, Dialect
from ..rails.commands import Commands
from ..rails.desk import Desk
from ..rails.group import RailsGroup
from ..rails.quota import OrderQuota
from ..rails.session import RailsSession
from ..rails.token import TokenSource
from ..rails_token import RailsTokens
from ..subscription import Handler, Subscription
from ..transport.connection import Connection
from ..transport.pacing import DialWindow, Pacer
from ._arguments import check_handler
from ._beside import RestBeside
from ._rails_arguments import CHANNELS, account_of, check_bases, check_settings, rails_key
from ._rails_history import RestRailsHistory
from ._rails_orders import RailsOrders
from ._rails_streams import RailsStreams

if TYPE_CHECKING:
    from ..rest.rails import RailsRest

__all__ = ["RailsClient"]

_log = logging.getLogger("bigone_sync.client")


class RailsClient(RailsStreams, RailsOrders):
    """Streams and orders of Rails: book, public trades, own orders and trades, over one connection or several alike.

    With ``redundancy=n`` every connection brings the same (Rails protocol, section 8), and whichever is first delivers:
    while one of them runs, nothing is missing and nothing comes twice when others lag, stall or are lost.  Own orders
    and trades come once, from whichever connection brings them first.  Commands go out on one of them, the leader.

    The constructor does no I/O and starts nothing.  Handlers take exactly one argument, the event; they run one at a
    time on the worker thread, or on the thread in ``run_forever()`` or ``poll()``.

    What the documents leave open (Rails protocol, section 12) is an option here, or tolerated whichever way it is;
    nothing of this client was ever tried against the exchange itself.

    Args:
        token: an access token, or a callable that returns one, asked at each attempt to connect, on that connection's
            thread; None: fetched with ``credentials`` and shared by the whole process until shortly before its end.
        market: one market, ``"BTC-USD"``, or ``"ALL"``, which is not advised: one lost connection then affects all
            markets (section 1.2).
        credentials: API key and secret, from which tokens are fetched; a ``token`` is used in their place.
        redundancy: number of connections. One that is refused for good is not dialled again: its error comes to
            ``on_error`` and out of ``wait_ready()``, and the others go on; the last one ends the client.
        url: of the WebSocket, without market and subscriptions.
        auth_url: base of the token endpoint; None: that of the default ``url``, or else beside ``url``, on its host.
        rest_url: one base for all REST calls; None: the documented hosts with the default ``url``, or else beside it.
        dialect: ``"current"``, or ``"legacy"`` for the names of the generation before (section 4); what comes is
            understood either way. Legacy has no own trades.
        order_limit: order operations a minute that the account may have, counted for the whole process by API key or
            token, and with a callable for this client alone: 250 by the documents, 10,000 for market makers (section
            10). What goes beyond is not sent: RateLimited.
        dial_limit: new connections a minute, counted likewise: 20 by the documents, 60 for market makers.
        patience: seconds after which a connection that lags is waited for no longer where another one cannot go on
            without it, and that the answer to a command may take on another connection when its own was lost.
        modify_names: names of the members ``order_id``, ``price`` and ``quantity`` in ``modifyOrder``, which are not
            documented (section 3.9).
        any_subprotocol: whether the handshake's answer may name another subprotocol than was sent; what it names is
            not documented (section 1.3). The same and none at all are always fine.
        reconcile: whether REST is asked, after an outage of all connections, what became of own orders and which own
            trades were missed. False: ``on_gap`` says what may be missing.
        timeouts: see :class:`~bigone_sync.Timeouts`; pings are requests, which travel the way of data.
        backoff: see :class:`~bigone_sync.Backoff`.
        limits: see :class:`~bigone_sync.Limits`.
        proxy: URL of an HTTP proxy; the empty text: none; None: as the environment says.
        ssl_context: for own authorities or client certificates; None verifies against the system's.
        headers: further headers of the handshakes, ``User-Agent`` for instance.
        dispatch: ``"worker"``, or ``"caller"``: nothing is delivered but in ``poll()`` and ``run_forever()``.

    Raises:
        ConfigurationError: an argument is not allowed; before any I/O, and naming it.
    """

    def __init__(
        self,
        token: str | Callable[[], str] | None = None,
        *,
        market: str,
        credentials: Credentials | None = None,
        redundancy: int = 1,
        url: str = RAILS_URL,
        auth_url: str | None = None,
        rest_url: str | None = None,
        dialect: str = "current",
        order_limit: int = 250,
        dial_limit: int = 20,
        patience: float = 1.0,
        modify_names: Mapping[str, str] | None = None,
        any_subprotocol: bool = False,
        reconcile: bool = True,
        timeouts: Timeouts | None = None,
        backoff: Backoff | None = None,
        limits: Limits | None = None,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        dispatch: str = "worker",
    ) -> None:
        checked = check_settings(
            token,
            market=market,
            credentials=credentials,
            redundancy=redundancy,
            dialect=dialect,
            order_limit=order_limit,
            dial_limit=dial_limit,
            patience=patience,
            any_subprotocol=any_subprotocol,
            reconcile=reconcile,
        )
        super().__init__(
            "rails",
            timeouts=Timeouts() if timeouts is None else timeouts,
            backoff=Backoff() if backoff is None else backoff,
            limits=Limits() if limits is None else limits,
            proxy=proxy,
            ssl_context=ssl_context,
            headers=headers,
            dispatch=dispatch,
        )
        if redundancy > self._limits.max_connections:
            raise ConfigurationError(
                f"redundancy={redundancy} needs more connections than"
                f" Limits(max_connections={self._limits.max_connections}) allows; {self._more_connections}",
                argument="redundancy",
            )
        self._market = market
        self._url = check_url(url)
        bases = check_bases(self._url, auth_url, rest_url)

        def make_rest() -> RailsRest:
            from ..rest.base import fit_headers  # they bring requests
            from ..rest.rails import RailsRest

            return RailsRest(
                credentials if token is None else None,
                token=token,
                url=bases.rest_url,
                auth_url=bases.auth_url,
                timeouts=self._timeouts,
                proxy=proxy,
                ssl_context=ssl_context,
                headers=fit_headers(self._headers),
            )

        self._beside: RestBeside[RailsRest] = RestBeside("rails", make_rest)
        self._source = self._token_source(token, credentials, bases.auth_url)
        account = account_of(token, credentials)
        quota, dials = OrderQuota(), DialWindow()
        if account is not None:
            quota, dials = OrderQuota.of(f"{bases.auth_url} {account}"), DialWindow.of(f"{self._url} {account}")
        self._pacer = Pacer(self._limits.dial_interval, dials, dial_limit)
        history = RestRailsHistory(
            self._beside.rest, deadline=self._timeouts.reply, count=lambda: not quota.take(order_limit)
        )
        self._group = self._make_group(checked, quota, patience, history if reconcile else None)
        for index in range(redundancy):
            channel = f"{market}#{index}"
            session = self._sessions[channel] = self._make_rails_session(
                channel, checked, modify_names, any_subprotocol
            )
            self._group.sessions.append(session)
        self._desk = Desk("rails", self._group, quota, order_limit, self._dispatcher, self._hub.wait_until)
        if market == ALL:
            _log.warning(
                "rails: market='ALL' puts all markets on one connection: if it is lost or slow, all of them are; one"
                " client, and so one connection, a market is what the exchange advises (Rails protocol, section 1.2)"
            )

    # -- putting it together

    def _token_source(
        self, token: str | Callable[[], str] | None, credentials: Credentials | None, auth_url: str
    ) -> TokenSource:
        if callable(token):
            return TokenSource(token, _asked_anew)
        if token is not None:
            given = token
            return TokenSource(lambda: given, None)
        refuse = RailsTokens.of(auth_url, credentials.api_key).refuse if credentials is not None else None
        return TokenSource(lambda: self._beside.rest().token(), refuse)

    def _make_group(
        self, dialect: Dialect, quota: OrderQuota, patience: float, history: RestRailsHistory | None
    ) -> RailsGroup:
        return RailsGroup(
            self._market,
            dialect=dialect,
            hub=self._hub,
            lane=self._dispatcher.lane(f"rails/{self._market}"),
            private_lane=self._dispatcher.lane(f"rails/{self._market}/private", private=True),
            timeouts=self._timeouts,
            backoff=self._backoff,
            patience=patience,
            commands=Commands("rails", quota.exceeded),
            history=history,
            recovery=self._beside.recovery,
        )

    def _make_rails_session(
        self, channel: str, dialect: Dialect, modify_names: Mapping[str, str] | None, any_subprotocol: bool
    ) -> RailsSession:
        name, group = f"{self._name}/{channel}", self._group
        # What the streams bring waits on the lanes of the first, and is counted there.
        is_first = not group.sessions
        lane = group.lane if is_first else self._dispatcher.lane(name)
        session = RailsSession(
            name,
            group,
            RailsProtocol(
                connection=name, market=self._market, dialect=dialect, make_id=_new_id, modify_names=modify_names
            ),
            Handshake(self._url, None, self._headers),
            token=self._source,
            any_subprotocol=any_subprotocol,
            dispatcher=self._dispatcher,
            lane=lane,
            private_lane=group.private_lane if is_first else lane,
            hub=self._hub,
            reply=self._timeouts.reply,
        )
        session.connection = Connection(name, session, self._transport, pacer=self._pacer, ping=session.ping)
        return session

    # -- what the base needs

    _more_connections = (
        "Limits(max_connections=...) raises that; how many there may be says section 10 of the Rails protocol"
    )

    def _channel_of(self, key: SubscriptionKey) -> str:
        return f"{self._market}#0"

    def _make_session(self, channel: str) -> RailsSession:
        return self._sessions[channel]

    def _wanted_sessions(self) -> list[RailsSession]:
        return list(self._group.sessions)

    def _rejection(self) -> BigOneError | None:
        refusals = (session.refusal for session in self._group.sessions if session.refusal is not None)
        return super()._rejection() or next(refusals, None)

    def _check_private(self, channel: Channel) -> None:
        """Every connection has a token, but not every dialect all streams.

        Raises:
            ConfigurationError: it has no such stream.
        """
        self._group.dialect.subscription(channel)

    def _check_markets(self, names: Sequence[str | None]) -> None:
        """What list of markets there is, is not documented (section 1.5)."""

    def _failovers(self) -> int:
        return self._group.failovers

    # -- without handlers

    def order_book(self, market: str | None = None) -> OrderBook:
        """The kept book, subscribing if need be; the same object at each call while it is kept.

        Args:
            market: only where the client is for ALL.

        Raises:
            ConfigurationError: the market is not allowed.
        """
        return self._book(rails_key(Channel.DEPTH, market, self._market))

    def subscribe(
        self,
        channel: Channel | str,
        market: str | None = None,
        *,
        handler: Handler | None = None,
        overflow: Overflow = Overflow.BLOCK,
    ) -> Subscription:
        """Subscribe by channel; without a handler the events wait for ``Subscription.events()``.

        Args:
            channel: a :class:`~bigone_sync.Channel` or its value: ``"depth"``, ``"trades"``, ``"orders"``, ``"fills"``.
            market: only where the client is for ALL.
            handler: called with each event.
            overflow: what happens when the queue is full; events of a subscription that nobody iterates fill it.

        Raises:
            ConfigurationError: an argument is not allowed.
        """
        if handler is not None:
            check_handler(handler)
        known = Channel(channel.value if isinstance(channel, Channel) else channel)
        if known not in CHANNELS:
            names = ", ".join(repr(item.value) for item in CHANNELS)
            raise ConfigurationError(f"channel must be one of {names}, not {channel!r}", argument="channel")
        return self._add([rails_key(known, market, self._market)], handler, overflow, iterate=handler is None)

    @property
    def in_step(self) -> tuple[str, ...]:
        """Names of the connections that could go on alone: READY, with a known place in all that is merged.

        While there are two of them, one may be lost without a hole.  A connection that has just opened is in step as
        soon as it brought something of every stream.
        """
        with self._group.lock:
            return tuple(self._group.in_step())

    @property
    def leader(self) -> str | None:
        """Name of the connection that commands go out on; None: no connection is READY.

        Another one takes over when it is lost, or behind the others for longer than ``patience``; ``stats().failovers``
        counts how often.
        """
        with self._group.lock:
            session = self._group.primary()
            return session.name if session is not None else None


def _asked_anew(token: str) -> None:
    """A callable is asked at each attempt anyway."""


def _new_id() -> str:
    return str(uuid.uuid4())
