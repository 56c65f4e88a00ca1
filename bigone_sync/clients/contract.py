"""The client for BigONE contracts."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..arguments import check_flag
from ..auth import Credentials, TokenSigner, check_variant
from ..book import OrderBook
from ..clock import ServerClock
from ..config import CONTRACT_URL, Backoff, Limits, Timeouts, check_base, check_symbol, check_url, rest_beside
from ..enums import CandlePeriod, Channel, Overflow
from ..errors import ConfigurationError
from ..events import Cash, Instrument, Position, SubscriptionKey
from ..kept import Kept, KeptView
from ..markets import Contract
from ..protocol.base import Handshake
from ..protocol.contract import ContractProtocol, Socket
from ..protocol.contract_socket import KeptValues
from ..session_base import BaseSession
from ..socket_session import SocketSession
from ..subscription import Handler, Subscription
from ..transport.connection import Connection
from ._arguments import check_handler
from ._beside import Beside, contract_markets
from ._contract_arguments import CHANNELS, contract_key
from ._contract_history import RestContractHistory
from ._contract_private import ContractPrivateStreams
from ._contract_public import ContractPublicStreams
from ._subscribing import Subscribing

if TYPE_CHECKING:
    from ..rest.contract import ContractRest

__all__ = ["ContractClient"]

_STREAM_PATH, _REST_PATH = "/ws/contract/v2", "/api/contract/v2"


class _Private:
    """What is kept of the private stream."""

    def __init__(self) -> None:
        self.cash: Kept[Cash] = Kept(lambda cash: cash.currency)
        self.positions: Kept[Position] = Kept(lambda position: position.market)

    def mark_stale(self) -> None:
        """The connection is gone."""
        self.cash.mark_stale()
        self.positions.mark_stale()


class ContractClient(ContractPublicStreams, ContractPrivateStreams, Subscribing[SocketSession]):
    """Streams of BigONE contracts: books, trades, candles, instruments, own positions, orders, fills and cash.

    Every channel of every contract has a connection and a reader thread of its own, since the URL is the subscription
    (contract protocol, section 1); all private data share one.  A channel that the exchange refuses is REJECTED, with a
    :class:`~bigone_sync.ConnectError` for ``on_error`` and out of ``wait_ready()``; the others go on.

    The constructor does no I/O and starts nothing.  Handlers take exactly one argument, the event; they run one at a
    time on the worker thread, or on the thread in ``run_forever()`` or ``poll()``.

    Args:
        credentials: for private streams; None: public ones only.
        url: base of the WebSockets' URLs, to which ``/depth@BTCUSD`` is appended (contract protocol, section 1).
        rest_url: base of the REST calls; None: beside the streams, on the host of ``url``, which for the default is
            ``CONTRACT_REST_URL``.
        token_variant: the claims of the tokens, see :func:`~bigone_sync.bigone_token`; which one the private stream
            wants is not documented beyond doubt (contract protocol, section 7).
        timeouts: see :class:`~bigone_sync.Timeouts`; a book whose first frame takes longer than ``reply`` is dialled
            anew.
        backoff: see :class:`~bigone_sync.Backoff`.
        limits: see :class:`~bigone_sync.Limits`; ``max_connections`` is 5, as documented per user, and yours to raise.
        proxy: URL of an HTTP proxy; the empty text: none; None: as the environment says.
        ssl_context: for own authorities or client certificates; None verifies against the system's.
        headers: further headers of the handshakes, ``User-Agent`` for instance.
        dispatch: ``"worker"``, or ``"caller"``: nothing is delivered but in ``poll()`` and ``run_forever()``.
        reconcile: whether REST is asked after a reconnect of the private stream for what its first frame does not tell:
            orders that ended, fills, and positions where it has none. False: ``on_gap`` says what may be missing.
        validate_markets: whether symbols are compared with those that there are; the first one that is used then waits
            for REST, and an unknown or disabled one is a ConfigurationError.

    Raises:
        ConfigurationError: an argument is not allowed; before any I/O, and naming it.
    """

    _more_connections = (
        "every channel of every contract takes one here, and 5 per user are documented (contract protocol, section 8):"
        " ContractClient(limits=Limits(max_connections=...)) raises that, at your own risk"
    )

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        url: str = CONTRACT_URL,
        rest_url: str | None = None,
        token_variant: str = "OpenAPIV2",
        timeouts: Timeouts | None = None,
        backoff: Backoff | None = None,
        limits: Limits | None = None,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        dispatch: str = "worker",
        reconcile: bool = True,
        validate_markets: bool = False,
    ) -> None:
        if credentials is not None and not isinstance(credentials, Credentials):
            raise ConfigurationError(
                f"credentials must be Credentials or None, not {type(credentials).__name__}", argument="credentials"
            )
        check_variant(token_variant, argument="token_variant")
        check_flag(reconcile, "reconcile")
        check_flag(validate_markets, "validate_markets")
        super().__init__(
            "contract",
            timeouts=Timeouts() if timeouts is None else timeouts,
            backoff=Backoff() if backoff is None else backoff,
            limits=Limits() if limits is None else limits,
            proxy=proxy,
            ssl_context=ssl_context,
            headers=headers,
            dispatch=dispatch,
        )
        self._url = check_url(url).rstrip("/")
        rest_url = rest_beside(self._url, _STREAM_PATH, _REST_PATH) if rest_url is None else rest_url
        self._rest_url = check_base(rest_url, argument="rest_url")
        clock = ServerClock()
        self._signer = TokenSigner(credentials, clock=clock, variant=token_variant) if credentials is not None else None

        def make_rest() -> ContractRest:
            from ..rest.base import fit_headers  # they bring requests
            from ..rest.contract import ContractRest

            return ContractRest(
                credentials,
                url=self._rest_url,
                token_variant=token_variant,
                timeouts=self._timeouts,
                proxy=proxy,
                ssl_context=ssl_context,
                headers=fit_headers(self._headers),
                clock=clock,
            )

        self._beside: Beside[ContractRest, Contract] = Beside(
            "contract",
            make_rest,
            clock=clock,
            list_markets=contract_markets,
            validate=validate_markets,
            connect=self._timeouts.connect,
        )
        self._history = RestContractHistory(self._beside.rest, deadline=self._timeouts.reply) if reconcile else None
        self._sockets: dict[str, Socket] = {}
        self._private = _Private()
        self._instruments: Kept[Instrument] = Kept(lambda instrument: instrument.market)

    # -- what the base needs

    def _channel_of(self, key: SubscriptionKey) -> str:
        socket = Socket.of(key)
        self._sockets[socket.path] = socket
        return socket.path

    def _make_session(self, channel: str) -> SocketSession:
        name, socket = f"{self._name}/{channel}", self._sockets[channel]
        is_private = socket.channel is None
        keeping, kept = self._kept_of(socket)
        protocol = ContractProtocol(socket, connection=name, kept=kept)
        session = SocketSession(
            name,
            protocol,
            Handshake(f"{self._url}/{channel}", None, self._headers),
            dispatcher=self._dispatcher,
            lane=self._dispatcher.lane(name, private=is_private),
            hub=self._hub,
            token=self._signer if is_private else None,
            keeping=keeping,
            timeouts=self._timeouts,
            backoff=self._backoff,
            timekeeper=self._beside.timekeeper if is_private else None,
            history=self._history if is_private else None,
            recovery=self._beside.recovery,
        )
        session.connection = Connection(name, session, self._transport, pacer=self._pacer)
        return session

    def _kept_of(self, socket: Socket) -> tuple[_Private | Kept[Instrument] | None, dict[Channel, KeptValues]]:
        """What is kept of a socket's data, as a whole and by channel."""
        if socket.channel is None:
            private = self._private
            return private, {Channel.CASH: private.cash, Channel.POSITIONS: private.positions}
        if socket == Socket(Channel.INSTRUMENTS):
            return self._instruments, {Channel.INSTRUMENTS: self._instruments}
        return None, {}

    def _make_way(self, keys: Sequence[SubscriptionKey]) -> None:
        """A channel that was refused is asked for again, over a new connection."""
        with self._lock:
            session = self._sessions.get(self._channel_of(keys[0]))
        if session is not None and session.is_over:
            self._drop(session)

    def _left(self, session: BaseSession) -> None:
        """A socket without streams is closed, for that is how to unsubscribe (contract protocol, section 1)."""
        if isinstance(session, SocketSession) and not session.streams and not self._closing:
            self._drop(session)

    def _check_markets(self, names: Sequence[str | None]) -> None:
        super()._check_markets(names)
        if self._beside.validates:
            for contract in [self._beside.market(name) for name in names if name is not None]:
                if contract.is_enabled is False:
                    raise ConfigurationError(f"the exchange has disabled {contract.name}", argument="market")

    # -- without handlers

    def market(self, name: str) -> Contract:
        """What the exchange lists of a contract: its price step above all, and how to round to it.

        Waits for REST when the first contract is wanted; all of them are known from then on.

        Raises:
            ConfigurationError: there is no such contract; the message names the closest.
            RestError: the exchange could not be asked.
            ConnectionClosed: the client is closed.
        """
        return self._beside.market(check_symbol(name, argument="name"))

    def order_book(self, market: str) -> OrderBook:
        """The kept book of ``market``, subscribing if need be; the same object at each call while it is kept.

        Raises:
            ConfigurationError: the symbol is not allowed, or there are too many connections.
        """
        return self._book(contract_key(Channel.DEPTH, market))

    def subscribe(
        self,
        channel: Channel | str,
        market: str | None = None,
        *,
        period: CandlePeriod | str | None = None,
        handler: Handler | None = None,
        overflow: Overflow = Overflow.BLOCK,
    ) -> Subscription:
        """Subscribe by channel; without a handler the events wait for ``Subscription.events()``.

        Args:
            channel: a :class:`~bigone_sync.Channel` or its value, ``"trades"``.
            market: the symbol; for instruments, positions, orders and fills None means all.
            period: for candles.
            handler: called with each event.
            overflow: what happens when the queue is full; events of a subscription that nobody iterates fill it.

        Raises:
            ConfigurationError: an argument is not allowed, or there are too many connections.
        """
        if handler is not None:
            check_handler(handler)
        known = Channel(channel.value if isinstance(channel, Channel) else channel)
        if known not in CHANNELS:
            names = ", ".join(repr(item.value) for item in CHANNELS)
            raise ConfigurationError(f"channel must be one of {names}, not {channel!r}", argument="channel")
        return self._add([contract_key(known, market, period)], handler, overflow, iterate=handler is None)

    # -- what is kept

    def position(self, market: str) -> Position | None:
        """The newest known position of a contract; None: none is known. Any thread.

        It may be out of date while ``positions().state`` is not LIVE.  Asks for the private stream if nobody has.

        Raises:
            ConfigurationError: the symbol is not allowed, the client has no credentials, or too many connections.
        """
        name = check_symbol(market)
        self._want(Channel.POSITIONS)
        return self._private.positions.get(name)

    def positions(self) -> KeptView[Position]:
        """The newest known positions by contract, and whether they are up to date. Otherwise like :meth:`position`."""
        self._want(Channel.POSITIONS)
        return self._private.positions.view()

    def cash(self, currency: str) -> Cash | None:
        """The newest known cash of a currency, ``"USDT"``; None: none is known. Otherwise like :meth:`position`."""
        if not isinstance(currency, str) or not currency:
            raise ConfigurationError(
                f"currency must be a currency's symbol, like 'USDT', not {currency!r}", argument="currency"
            )
        self._want(Channel.CASH)
        return self._private.cash.get(currency)

    def cash_state(self) -> KeptView[Cash]:
        """The newest known cash by currency, and whether it is up to date. Otherwise like :meth:`position`."""
        self._want(Channel.CASH)
        return self._private.cash.view()

    def instruments(self) -> KeptView[Instrument]:
        """The newest known rows of all contracts, and whether they are up to date. Any thread.

        Asks for the stream of all instruments if nobody has.

        Raises:
            ConfigurationError: there are too many connections.
        """
        self._want(Channel.INSTRUMENTS)
        return self._instruments.view()

    def _want(self, channel: Channel) -> None:
        """Have a channel's values kept; on a client that was closed they stay what they were."""
        if self._closing or self._closed.is_set():
            return
        key = contract_key(channel, None)
        with self._lock:
            session = self._sessions.get(self._channel_of(key))
        if session is None or key not in session.streams:
            self._add([key], None, Overflow.BLOCK)
