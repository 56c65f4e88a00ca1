"""The client for BigONE spot."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, overload

from ..auth import Credentials, TokenSigner
from ..book import OrderBook
from ..config import SPOT_REST_URL, SPOT_URL, Backoff, Limits, Timeouts, check_market, check_url
from ..enums import CandlePeriod, Channel, Overflow
from ..errors import ConfigurationError
from ..events import Account, Candle, DepthSnapshot, DepthUpdate, Order, SubscriptionKey, Ticker, Trade
from ..protocol.base import Handshake
from ..protocol.spot import Codec, SpotProtocol
from ..protocol.spot_json import JsonCodec
from ..session import Session
from ..subscription import Handler, Subscription
from ..transport.connection import Connection
from ._arguments import check_handler, check_limit, check_overflow, check_period, stream_keys, ticker_keys
from ._base import BaseClient

__all__ = ["SpotClient"]

_D = TypeVar("_D", bound=Callable[[DepthSnapshot | DepthUpdate], object])
_B = TypeVar("_B", bound=Callable[[OrderBook], object])
_T = TypeVar("_T", bound=Callable[[Trade], object])
_K = TypeVar("_K", bound=Callable[[Ticker], object])
_C = TypeVar("_C", bound=Callable[[Candle], object])
_A = TypeVar("_A", bound=Callable[[Account], object])
_O = TypeVar("_O", bound=Callable[[Order], object])

_NAMES = {
    Channel.DEPTH: "depth",
    Channel.TRADES: "trades",
    Channel.TICKER: "ticker",
    Channel.CANDLES: "candles",
    Channel.ACCOUNTS: "private",
    Channel.ORDERS: "private",
}


class SpotClient(BaseClient):
    """Streams of BigONE spot: books, trades, tickers, candles, own orders and balances.

    The constructor does no I/O and starts nothing.  Handlers take exactly one argument, the event; they run one at a
    time on the worker thread, or on the thread in ``run_forever()`` or ``poll()``.  A handler that raises is logged
    and reported to ``on_error``; one that is slow holds up the other handlers of this client, never a connection's
    pings.

    Args:
        credentials: for private streams (``on_account``, ``on_order``); None: public ones only.
        protocol: ``"json"``.
        connections: ``"per_channel"`` opens a socket each for depth, trades, ticker, candles and private data, as far
            as they are used; ``"shared"`` puts everything on one.
        url: the WebSocket's URL (spot protocol, section 1).
        rest_url: base of the REST calls; checked and kept, the streams need none.
        timeouts: see :class:`~bigone_sync.Timeouts`.
        backoff: see :class:`~bigone_sync.Backoff`.
        limits: see :class:`~bigone_sync.Limits`.
        proxy: URL of an HTTP proxy; the empty text: none; None: as the environment says.
        ssl_context: for own authorities or client certificates; None verifies against the system's.
        headers: further headers of the handshake, ``User-Agent`` for instance.
        dispatch: ``"worker"``, or ``"caller"``: nothing is delivered but in ``poll()`` and ``run_forever()``.

    Raises:
        ConfigurationError: an argument is not allowed; before any I/O, and naming it.
    """

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        protocol: str = "json",
        connections: str = "per_channel",
        url: str = SPOT_URL,
        rest_url: str = SPOT_REST_URL,
        timeouts: Timeouts | None = None,
        backoff: Backoff | None = None,
        limits: Limits | None = None,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        dispatch: str = "worker",
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
        self._rest_url = check_url(rest_url, argument="rest_url", schemes=("http", "https"))
        self._codec = _CODECS[protocol]()
        self._shared = connections == "shared"
        self._signer = TokenSigner(credentials) if credentials is not None else None

    # -- what the base needs

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
        )
        session.connection = Connection(name, session, self._transport, pacer=self._pacer)
        return session

    def _add(
        self,
        keys: list[SubscriptionKey],
        handler: Handler | None,
        overflow: Overflow,
        *,
        limit: int | None = None,
        book: bool = False,
        iterate: bool = False,
    ) -> Subscription:
        private = keys[0].channel.is_private
        if private and self._signer is None:
            raise ConfigurationError(
                f"credentials are needed for {keys[0].channel.value}: SpotClient(Credentials(key, secret))",
                argument="credentials",
            )
        self._check_open()
        policy = check_overflow(overflow, private=private)
        return self._registry.subscribe(keys, handler, overflow=policy, limit=limit, book=book, iterate=iterate)

    def _on(
        self,
        handler: Any,
        overflow: Overflow,
        keys: list[SubscriptionKey],
        *,
        limit: int | None = None,
        book: bool = False,
    ) -> Any:
        return self._registry.register(
            handler, lambda function: self._add(keys, function, overflow, limit=limit, book=book)
        )

    # -- public streams

    @overload
    def on_depth(self, market: str, handler: _D, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_depth(self, market: str, handler: None = None, *, overflow: Overflow = ...) -> Callable[[_D], _D]: ...
    def on_depth(self, market: str, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Snapshots and updates of a market's book; the chain of updates is checked (spot protocol, section 6.1).

        With ``handler`` it returns a :class:`~bigone_sync.Subscription`; without one it is a decorator.

        Raises:
            ConfigurationError: the market or the handler is not allowed.
        """
        return self._on(handler, overflow, [SubscriptionKey(Channel.DEPTH, check_market(market))])

    @overload
    def on_book(self, market: str, handler: _B, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_book(self, market: str, handler: None = None, *, overflow: Overflow = ...) -> Callable[[_B], _B]: ...
    def on_book(self, market: str, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """The kept book after it changed: at most one call is pending, and it sees the newest state.

        Check ``book.is_live``: it may have gone stale between the change and the call.  Otherwise like
        :meth:`on_depth`.
        """
        return self._on(handler, overflow, [SubscriptionKey(Channel.DEPTH, check_market(market))], book=True)

    @overload
    def on_trade(self, market: str, handler: _T, *, limit: int = ..., overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_trade(
        self, market: str, handler: None = None, *, limit: int = ..., overflow: Overflow = ...
    ) -> Callable[[_T], _T]: ...
    def on_trade(
        self, market: str, handler: Any = None, *, limit: int = 20, overflow: Overflow = Overflow.BLOCK
    ) -> Any:
        """Public trades, one call each, oldest first, none twice (spot protocol, section 6.3).

        After a reconnect the trades that were missed come from the new snapshot of ``limit`` trades; if that does not
        reach back, ``on_gap`` says from when to when.  ``limit`` holds for the stream: it counts where the stream is
        asked for first.  Otherwise like :meth:`on_depth`.
        """
        key = SubscriptionKey(Channel.TRADES, check_market(market))
        return self._on(handler, overflow, [key], limit=check_limit(limit))

    @overload
    def on_ticker(self, markets: str | Iterable[str], handler: _K, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_ticker(
        self, markets: str | Iterable[str], handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_K], _K]: ...
    def on_ticker(
        self, markets: str | Iterable[str], handler: Any = None, *, overflow: Overflow = Overflow.BLOCK
    ) -> Any:
        """Rolling 24 hours of one market or several; an empty list means all (spot protocol, section 6.2).

        Otherwise like :meth:`on_depth`.
        """
        return self._on(handler, overflow, ticker_keys(markets))

    @overload
    def on_candle(
        self, market: str, period: CandlePeriod | str, handler: _C, *, limit: int = ..., overflow: Overflow = ...
    ) -> Subscription: ...
    @overload
    def on_candle(
        self,
        market: str,
        period: CandlePeriod | str,
        handler: None = None,
        *,
        limit: int = ...,
        overflow: Overflow = ...,
    ) -> Callable[[_C], _C]: ...
    def on_candle(
        self,
        market: str,
        period: CandlePeriod | str,
        handler: Any = None,
        *,
        limit: int = 20,
        overflow: Overflow = Overflow.BLOCK,
    ) -> Any:
        """Candles of a market: first the latest ``limit``, oldest first, then the running one as it changes.

        The same ``time`` again replaces a candle; a newer one closes it (spot protocol, section 6.4).  Otherwise like
        :meth:`on_depth`.
        """
        key = SubscriptionKey(Channel.CANDLES, check_market(market), check_period(period))
        return self._on(handler, overflow, [key], limit=check_limit(limit))

    # -- private streams

    @overload
    def on_account(self, handler: _A, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_account(self, handler: None = None, *, overflow: Overflow = ...) -> Callable[[_A], _A]: ...
    def on_account(self, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Balances: all assets first, then each that changes, absolute values (spot protocol, section 7.1).

        Works as a bare decorator, too; the decorated name is then the subscription, which can be called like the
        function.  Otherwise like :meth:`on_depth`.

        Raises:
            ConfigurationError: the client has no credentials.
        """
        return self._on(handler, overflow, [SubscriptionKey(Channel.ACCOUNTS)])

    @overload
    def on_order(self, market: str | None, handler: _O, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_order(self, market: _O, *, overflow: Overflow = ...) -> Subscription: ...
    @overload
    def on_order(
        self, market: str | None = None, handler: None = None, *, overflow: Overflow = ...
    ) -> Callable[[_O], _O]: ...
    def on_order(self, market: Any = None, handler: Any = None, *, overflow: Overflow = Overflow.BLOCK) -> Any:
        """Own orders of a market, or of all (None), as they change (spot protocol, section 7.2).

        A market's stream begins with a snapshot of its orders; the stream of all markets has none, so after each
        reconnect ``on_gap`` tells that something may have been missed.  An update that is older than what was
        delivered is dropped.  ``client.on_order(handler)`` and a bare ``@client.on_order`` watch all markets.
        Otherwise like :meth:`on_account`.
        """
        if handler is None and callable(market):
            market, handler = None, market
        wanted = None if market is None else check_market(market)
        return self._on(handler, overflow, [SubscriptionKey(Channel.ORDERS, wanted)])

    # -- without handlers

    def order_book(self, market: str) -> OrderBook:
        """The kept book of ``market``, subscribing if need be; the same object at each call while it is kept.

        Raises:
            ConfigurationError: the market is not allowed.
        """
        key = SubscriptionKey(Channel.DEPTH, check_market(market))
        self._check_open()
        return self._registry.book(key)

    def subscribe(
        self,
        channel: Channel | str,
        market: str | Iterable[str] | None = None,
        *,
        period: CandlePeriod | str | None = None,
        limit: int = 20,
        handler: Handler | None = None,
        overflow: Overflow = Overflow.BLOCK,
    ) -> Subscription:
        """Subscribe by channel; without a handler the events wait for ``Subscription.events()``.

        Args:
            channel: a :class:`~bigone_sync.Channel` or its value, ``"trades"``.
            market: the market; for tickers also several; for orders None means all.
            period: for candles.
            limit: how many items the first snapshot of trades or candles holds.
            handler: called with each event.
            overflow: what happens when the queue is full; events of a subscription that nobody iterates fill it.

        Raises:
            ConfigurationError: an argument is not allowed.
        """
        if handler is not None:
            check_handler(handler)
        known = Channel(channel.value if isinstance(channel, Channel) else channel)
        if not known.is_known:
            names = ", ".join(repr(item.value) for item in Channel if item.is_known)
            raise ConfigurationError(f"channel must be one of {names}, not {channel!r}", argument="channel")
        keys = stream_keys(known, market, period)
        limited = known in (Channel.TRADES, Channel.CANDLES)
        checked = check_limit(limit) if limited else None
        return self._add(keys, handler, overflow, limit=checked, iterate=handler is None)


_CODECS: Mapping[str, Callable[[], Codec]] = {"json": JsonCodec}
