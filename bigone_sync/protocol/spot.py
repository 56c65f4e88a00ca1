"""BigONE spot as one connection speaks it (spot protocol, sections 2 to 8). The codec is injected.

Updates are routed by stream kind and market (and period), never by their request id; the id matters for snapshots,
``success`` and ``error`` only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..enums import Channel
from ..errors import RequestRejected, UnknownMessage
from ..events import DepthUpdate, Event, Levels, SubscriptionKey
from ..redact import redact
from . import spot_events as convert
from .base import (
    CodecError,
    Command,
    Control,
    Frame,
    Item,
    LoginLost,
    Parting,
    Problem,
    Reply,
    Request,
    Route,
    ServerError,
)
from .messages import Message, WireError
from .sequence import ChangeIdSequence
from .spot_calls import LOGIN_STATUS_ERROR, SpotCalls
from .spot_context import Context, Handler, StreamKind
from .spot_depth import DepthStreams
from .spot_extra_streams import CostPriceStreams, ExchangeRateStreams, FlashOrderStreams, MarginAccountStreams
from .spot_requests import Codec
from .spot_streams import AccountStreams, CandleStreams, OrderStreams, TickerStreams, TradeStreams

__all__ = ["LOGIN_STATUS_ERROR", "Codec", "SpotProtocol"]

_EXCERPT = 200
_UNKNOWN_KINDS = 100
_LONGEST_WORDS = 1000


class SpotProtocol:
    """What one spot connection says and understands. Not thread-safe: its session serialises the calls.

    Args:
        codec: JSON or protobuf.
        connection: name of the connection, stamped on events and errors.
    """

    def __init__(self, codec: Codec, *, connection: str) -> None:
        self._codec = codec
        self._connection = connection
        self._context = context = Context(codec, connection)
        self._depth = DepthStreams(context)
        orders = OrderStreams(context)
        self._kinds: dict[Channel, StreamKind] = {
            Channel.DEPTH: self._depth,
            Channel.TRADES: TradeStreams(context),
            Channel.TICKER: TickerStreams(context),
            Channel.CANDLES: CandleStreams(context),
            Channel.ACCOUNTS: AccountStreams(context),
            Channel.ORDERS: orders,
            Channel.MARGIN_ACCOUNTS: MarginAccountStreams(context),
            Channel.EXCHANGE_RATES: ExchangeRateStreams(context),
            Channel.FLASH_ORDERS: FlashOrderStreams(context),
            Channel.COST_PRICES: CostPriceStreams(context),
        }
        self._handlers: dict[str, Handler] = {
            "success": self._on_success,
            "error": self._on_error,
            "pong": self._on_pong,
            "heartbeat": self._on_heartbeat,
        }
        for kind in self._kinds.values():
            self._handlers.update(kind.handlers())
        self._calls = SpotCalls(context, orders)
        self._handlers.update(self._calls.handlers())
        self._unknown: set[str] = set()
        self.unknown_messages = 0

    @property
    def decode_errors(self) -> int:
        """Frames, or items of frames, that could not be read."""
        return self._context.decode_errors

    @property
    def duplicates(self) -> int:
        """Updates that said nothing new."""
        return self._context.duplicates

    @property
    def held_back(self) -> int:
        """Depth updates dropped because their market waits for a snapshot."""
        return self._context.held_back

    @property
    def unrouted(self) -> int:
        """Items of streams that nobody subscribed to."""
        return self._context.unrouted

    @property
    def late_answers(self) -> int:
        """Answers to commands that nobody waited for any more."""
        return self._calls.late

    # -- streams

    def add(self, key: SubscriptionKey, *, limit: int | None = None, owner: Any = None) -> Route:
        """Know a stream, so that its updates are routed; what it remembers survives reconnects."""
        kind = self._kinds[key.channel]
        route = Route(key, limit=limit, owner=owner, sequence=ChangeIdSequence(), memory=kind.memory(limit))
        kind.routes[kind.place(route)] = route
        return route

    def remove(self, route: Route) -> None:
        """Forget a stream; what still comes for it is dropped."""
        kind = self._kinds[route.key.channel]
        if kind.routes.get(kind.place(route)) is route:
            del kind.routes[kind.place(route)]

    def opened(self) -> None:
        """A new connection: nothing is pending, every chain waits for its snapshot."""
        self._context.requests.clear()
        self._calls.reset()
        for kind in self._kinds.values():
            for route in kind.routes.values():
                route.request_id = None
                route.sequence.reset()

    def reconcile(self, route: Route, events: Sequence[Any]) -> list[Any]:
        """What is news to a stream of orders or trades, in order, among what REST tells; it is remembered."""
        return self._kinds[route.key.channel].reconcile(route, events)

    # -- requests

    def authenticate(self, token: str) -> tuple[Request, Frame]:
        """Log in with a freshly signed token (spot protocol, section 4)."""
        parameters = {"token": f"Bearer {token}"}
        return self._context.requests.make(Command.AUTHENTICATE, "authenticateCustomerRequest", parameters)

    def admit(self, keys: Sequence[SubscriptionKey]) -> None:
        """Nothing, if streams of one channel, those of ``keys``, can be added to those that there are.

        Raises:
            ConfigurationError: they cannot.
        """
        self._kinds[keys[0].channel].admit(keys)

    def groups(self, routes: Iterable[Route]) -> list[list[Route]]:
        """The streams to ask for so that ``routes`` run, those of each group with one request; lists come first."""
        by_channel: dict[Channel, list[Route]] = {}
        for route in routes:
            by_channel.setdefault(route.key.channel, []).append(route)
        ordered = sorted(by_channel, key=lambda channel: not self._kinds[channel].is_listed)
        return [group for channel in ordered for group in self._kinds[channel].groups(by_channel[channel])]

    def parting(self, routes: Sequence[Route]) -> Parting:
        """How to leave streams of one channel, which run."""
        return self._kinds[routes[0].key.channel].parting(routes)

    def subscribe(self, routes: Sequence[Route]) -> tuple[Request, Frame]:
        """Ask for streams of one channel: a group of :meth:`groups`."""
        for route in routes:
            route.sequence.reset()
        return self._context.requests.subscribe(routes)

    def unsubscribe(self, routes: Sequence[Route]) -> tuple[Request, Frame]:
        """Ask for the end of streams."""
        return self._context.requests.unsubscribe(routes)

    def ping(self) -> tuple[Request, Frame]:
        """The schema's ping message; a ping frame does as well (spot protocol, section 3)."""
        return self._context.requests.make(Command.PING, "ping", {})

    def heartbeat(self, interval: int) -> tuple[Request, Frame]:
        """Ask for a heartbeat every ``interval`` seconds (spot protocol, section 3)."""
        return self._context.requests.make(Command.HEARTBEAT, "heartbeatRequest", {"interval": interval})

    def call(self, name: str, parameters: Mapping[str, Any]) -> tuple[Request, Frame]:
        """A command, whose answer is a Reply with the same request, or a LoginLost."""
        return self._calls.make(name, parameters)

    def give_up(self, request: Request) -> None:
        """Nobody waits for the answer to a command any more; one that still comes is counted."""
        self._calls.give_up(request)

    # -- responses

    def receive(self, frames: Iterable[bytes], received_at: float) -> list[Item]:
        """What the payloads of one read mean, in order. Never raises because of what the exchange sent."""
        items: list[Item] = []
        depth, codec, connection = self._depth.routes, self._codec, self._connection
        hot, not_hot, asks_of, bids_of = codec.hot, codec.not_hot, codec.asks_of, codec.bids_of
        enveloped = codec.enveloped
        run_route: Route | None = None
        run: list[Event] = []
        for data in frames:
            # The usual frame of a busy channel is a depth update that continues its chain; anything else goes below.
            try:
                update = hot(data) if depth else None
            except not_hot:
                update = None
            if update is not None:
                source = update
                if enveloped:
                    source, update = data, update.depth_update
            if update is not None:
                market, prev, change = update.depth.market, update.prev_id, update.change_id
                route = depth.get(market)
                if route is not None and prev == (sequence := route.sequence).last and change > prev:
                    sequence.last = change
                    if route is not run_route:
                        run_route, run = route, []
                        items.append((route, run))
                    bids, asks = Levels(source, bids_of), Levels(source, asks_of)
                    run.append(
                        DepthUpdate(
                            market, bids, asks, change, prev, None, connection=connection, received_at=received_at
                        )
                    )
                    continue
            run_route = None
            self._receive_one(data, received_at, items)
        return items

    def _receive_one(self, data: bytes, at: float, items: list[Item]) -> None:
        try:
            message = self._codec.decode(data)
            handler = self._handlers.get(message.kind)
            if handler is None or message.body is None:
                self._on_unknown(message, items)
            else:
                handler(message, at, items)
        except CodecError as error:
            self._context.undecodable(error, data, items)

    def _on_unknown(self, message: Message, items: list[Item]) -> None:
        self.unknown_messages += 1
        # Bounded, should the peer make up a new name each time.
        if message.kind not in self._unknown and len(self._unknown) < _UNKNOWN_KINDS:
            self._unknown.add(message.kind)
            kind = redact(message.kind)
            error = UnknownMessage(
                f"{self._connection}: message of unknown kind {kind[:60]!r}; further ones are only counted",
                connection=self._connection,
                excerpt=kind[:_EXCERPT],
            )
            items.append((None, Problem(error)))

    # -- replies

    def _on_success(self, message: Message, at: float, items: list[Item]) -> None:
        if self._calls.success(message, items):
            return
        request = self._context.requests.take(message.request_id)
        if request is None:
            return
        # ``{"ok": true}`` is what was seen; an ``ok`` that is missing or false is a refusal to log in.
        refused = request.command is Command.AUTHENTICATE and not message.body.ok
        items.append((None, Reply(request, ServerError(None, "success without ok") if refused else None)))

    def _on_error(self, message: Message, at: float, items: list[Item]) -> None:
        body: WireError = message.body
        error = ServerError(convert.integer(body.code, "code"), redact(body.message or "")[:_LONGEST_WORDS])
        if self._calls.error(message, error, items):
            return
        request = self._context.requests.take(message.request_id)
        control: Control
        if request is not None:
            private = any(route.key.channel.is_private for route in request.routes)
            lost = error.code == LOGIN_STATUS_ERROR and private
            control = LoginLost(error, request) if lost else Reply(request, error, again=self._again(request))
        elif error.code == LOGIN_STATUS_ERROR:
            control = LoginLost(error)
        else:
            text = f"{self._connection}: the exchange reports error {error.code}: {error.message}"
            control = Problem(
                RequestRejected(text, code=error.code, reason=error.message, request_id=message.request_id)
            )
        items.append((None, control))

    def _again(self, request: Request) -> tuple[tuple[Route, ...], ...]:
        if request.command is not Command.SUBSCRIBE:
            return ()
        return self._kinds[request.routes[0].key.channel].apart(request)

    def _on_pong(self, message: Message, at: float, items: list[Item]) -> None:
        request = self._context.requests.take(message.request_id, Command.PING)
        if request is not None:
            items.append((None, Reply(request)))

    def _on_heartbeat(self, message: Message, at: float, items: list[Item]) -> None:
        """A sign of life, and the frame itself was one."""
