"""The client for BigONE spot."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from ..arguments import check_flag
from ..auth import Credentials, TokenSigner
from ..book import OrderBook
from ..clock import ServerClock
from ..config import SPOT_URL, Backoff, Limits, Timeouts, check_base, check_market, check_url, rest_beside
from ..enums import BusinessUnit, CandlePeriod, Channel, Overflow
from ..errors import ConfigurationError
from ..events import SubscriptionKey
from ..markets import Market
from ..protocol.base import Handshake
from ..protocol.spot import Codec, SpotProtocol
from ..protocol.spot_json import JsonCodec
from ..session import Session
from ..subscription import Handler, Subscription
from ..transport.connection import Connection
from ._arguments import check_handler, check_limit, stream_keys
from ._beside import Beside, check_reconcile, spot_markets
from ._orders import SpotOrders
from ._spot_history import RestSpotHistory
from ._spot_private import PrivateStreams
from ._spot_public import PublicStreams
from ._spot_schema import SchemaStreams

if TYPE_CHECKING:
    from ..rest.spot import SpotRest

__all__ = ["SpotClient"]

_NAMES = {
    Channel.DEPTH: "depth",
    Channel.TRADES: "trades",
    Channel.TICKER: "ticker",
    Channel.CANDLES: "candles",
    Channel.ACCOUNTS: "private",
    Channel.ORDERS: "private",
    # These share a socket with others, for five are all that a user may have (spot protocol, section 9).
    Channel.MARGIN_ACCOUNTS: "private",
    Channel.EXCHANGE_RATES: "ticker",
    Channel.FLASH_ORDERS: "private",
    Channel.COST_PRICES: "private",
}
_STREAM_PATH, _REST_PATH = "/ws/v2", "/api/v3"
_LIMITED = (Channel.TRADES, Channel.CANDLES, Channel.FLASH_ORDERS)


class SpotClient(PublicStreams, PrivateStreams, SchemaStreams, SpotOrders):
    """Streams of BigONE spot: books, trades, tickers, candles, own orders and balances.

    The constructor does no I/O and starts nothing.  Handlers take exactly one argument, the event; they run one at a
    time on the worker thread, or on the thread in ``run_forever()`` or ``poll()``.  A handler that raises is logged
    and reported to ``on_error``; one that is slow holds up the other handlers of this client, never a connection's
    pings.

    Args:
        credentials: for private streams (``on_account``, ``on_order``, ``on_margin_account``, ``on_flash_order``,
            ``on_cost_price``); None: public ones only.
        protocol: ``"json"``, or ``"proto"`` for protobuf: the same events from smaller frames.
        connections: ``"per_channel"`` opens a socket each for depth, trades, ticker, candles and private data, as far
            as they are used; exchange rates share the socket of the tickers, so that five are the most that a client
            opens; ``"shared"`` puts everything on one.
        url: the WebSocket's URL (spot protocol, section 1).
        rest_url: base of the REST calls; None: beside the streams, on the host of ``url``, which for the default is
            ``SPOT_REST_URL``.
        timeouts: see :class:`~bigone_sync.Timeouts`.
        backoff: see :class:`~bigone_sync.Backoff`.
        limits: see :class:`~bigone_sync.Limits`.
        proxy: URL of an HTTP proxy; the empty text: none; None: as the environment says.
        ssl_context: for own authorities or client certificates; None verifies against the system's.
        headers: further headers of the handshake, ``User-Agent`` for instance.
        dispatch: ``"worker"``, or ``"caller"``: nothing is delivered but in ``poll()`` and ``run_forever()``.
        reconcile: whether REST is asked after a reconnect for what the streams do not tell: own orders, and public
            trades before the new snapshot. Names of markets: in these own orders are asked for, and where some were
            seen; True: in those, and in all markets if there are no more than 20; else ``on_gap`` says what was not
            asked for. False: ``on_gap`` says what may be missing.
        validate_markets: whether names of markets are compared with those that there are; the first one that is used
            then waits for REST, and an unknown one is a ConfigurationError that names the closest.

    Raises:
        ConfigurationError: an argument is not allowed; before any I/O, and naming it.
        ImportError: protobuf is asked for, and missing or too old.
    """

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        protocol: str = "json",
        connections: str = "per_channel",
        url: str = SPOT_URL,
        rest_url: str | None = None,
        timeouts: Timeouts | None = None,
        backoff: Backoff | None = None,
        limits: Limits | None = None,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        dispatch: str = "worker",
        reconcile: bool | Iterable[str] = True,
        validate_markets: bool = False,
    ) -> None:
        if credentials is not None and not isinstance(credentials, Credentials):
            raise ConfigurationError(
                f"credentials must be Credentials or None, not {type(credentials).__name__}", argument="credentials"
            )
        if not isinstance(protocol, str) or protocol not in _CODECS:
            raise ConfigurationError(
                f"protocol must be {' or '.join(map(repr, _CODECS))}, not {protocol!r}", argument="protocol"
            )
        if connections not in ("per_channel", "shared"):
            raise ConfigurationError(
                f"connections must be 'per_channel' or 'shared', not {connections!r}", argument="connections"
            )
        reconciles, markets = check_reconcile(reconcile)
        check_flag(validate_markets, "validate_markets")
        super().__init__(
            "spot",
            timeouts=Timeouts() if timeouts is None else timeouts,
            backoff=Backoff() if backoff is None else backoff,
            limits=Limits() if limits is None else limits,
            proxy=proxy,
            ssl_context=ssl_context,
            headers=headers,
            dispatch=dispatch,
        )
        self._url = check_url(url)
        rest_url = rest_beside(url, _STREAM_PATH, _REST_PATH) if rest_url is None else rest_url
        self._rest_url = check_base(rest_url, argument="rest_url")
        self._codec = _CODECS[protocol]()
        self._shared = connections == "shared"
        clock = ServerClock()
        self._signer = TokenSigner(credentials, clock=clock) if credentials is not None else None

        def make_rest() -> SpotRest:
            from ..rest.base import fit_headers  # they bring requests
            from ..rest.spot import SpotRest

            return SpotRest(
                credentials,
                url=self._rest_url,
                timeouts=self._timeouts,
                proxy=proxy,
                ssl_context=ssl_context,
                headers=fit_headers(self._headers),
                clock=clock,
            )

        self._beside: Beside[SpotRest, Market] = Beside(
            "spot",
            make_rest,
            clock=clock,
            list_markets=spot_markets,
            validate=validate_markets,
            connect=self._timeouts.connect,
        )
        self._history = (
            RestSpotHistory(self._beside.rest, deadline=self._timeouts.reply, markets=markets) if reconciles else None
        )

    # -- what the base needs

    _more_connections = "connections='shared' needs one only"

    def _channel_of(self, key: SubscriptionKey) -> str:
        return "shared" if self._shared else _NAMES[key.channel]

    def _make_session(self, channel: str) -> Session:
        name = f"{self._name}/{channel}"
        lane = self._dispatcher.lane(name, private=channel == "private")
        private = self._dispatcher.lane(f"{name}/private", private=True) if channel == "shared" else lane
        session = Session(
            name,
            SpotProtocol(self._codec, connection=name),
            Handshake(self._url, self._codec.subprotocol, self._headers),
            dispatcher=self._dispatcher,
            lane=lane,
            private_lane=private,
            hub=self._hub,
            token=self._signer,
            timeouts=self._timeouts,
            backoff=self._backoff,
            timekeeper=self._beside.timekeeper if self._signer is not None else None,
            history=self._history,
            recovery=self._beside.recovery,
        )
        session.connection = Connection(name, session, self._transport, pacer=self._pacer)
        return session

    # -- without handlers

    def market(self, name: str) -> Market:
        """What the exchange lists of a market: the digits of its prices and amounts, and how to round to them.

        Waits for REST when the first market is wanted; all of them are known from then on.

        Raises:
            ConfigurationError: there is no such market; the message names the closest.
            RestError: the exchange could not be asked.
            ConnectionClosed: the client is closed.
        """
        return self._beside.market(check_market(name, argument="name"))

    def order_book(self, market: str) -> OrderBook:
        """The kept book of ``market``, subscribing if need be; the same object at each call while it is kept.

        Raises:
            ConfigurationError: the market is not allowed.
        """
        return self._book(SubscriptionKey(Channel.DEPTH, check_market(market)))

    def subscribe(
        self,
        channel: Channel | str,
        market: str | Iterable[str] | None = None,
        *,
        period: CandlePeriod | str | None = None,
        limit: int = 20,
        business_unit: BusinessUnit | str | None = None,
        quote: str | None = None,
        bases: str | Iterable[str] | None = None,
        assets: str | Iterable[str] | None = None,
        handler: Handler | None = None,
        overflow: Overflow = Overflow.BLOCK,
    ) -> Subscription:
        """Subscribe by channel; without a handler the events wait for ``Subscription.events()``.

        Args:
            channel: a :class:`~bigone_sync.Channel` or its value, ``"trades"``.
            market: the market; for tickers also several; for orders None means all.
            period: for candles.
            limit: how many items the first snapshot of trades, candles or flash orders holds.
            business_unit: for orders; None means SPOT.
            quote: for exchange rates: the asset that they are given in.
            bases: for exchange rates: the assets whose worth they are.
            assets: for cost prices: UUIDs of assets.
            handler: called with each event.
            overflow: what happens when the queue is full; events of a subscription that nobody iterates fill it.

        Raises:
            ConfigurationError: an argument is not allowed.
        """
        if handler is not None:
            check_handler(handler)
        known = Channel(channel.value if isinstance(channel, Channel) else channel)
        if known not in _NAMES:
            names = ", ".join(repr(item.value) for item in _NAMES)
            raise ConfigurationError(f"channel must be one of {names}, not {channel!r}", argument="channel")
        keys = stream_keys(
            known, market, period=period, business_unit=business_unit, quote=quote, bases=bases, assets=assets
        )
        checked = check_limit(limit) if known in _LIMITED else None
        return self._add(keys, handler, overflow, limit=checked, iterate=handler is None)


def _proto_codec() -> Codec:
    from ..protocol.spot_proto import ProtoCodec  # here: users of JSON need no protobuf

    return ProtoCodec()


_CODECS: Mapping[str, Callable[[], Codec]] = {"json": JsonCodec, "proto": _proto_codec}
