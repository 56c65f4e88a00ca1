"""What the spot exchange does on each request that the documents describe (spot protocol, sections 3, 4, 6 and 7)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from bigone_sync.testing._connection import Connection
from bigone_sync.testing._spot_answers import OK, Answers, Handler
from bigone_sync.testing._spot_auth import Authenticator, Refused
from bigone_sync.testing._spot_faults import INTERNAL_ERROR, LOGIN_ERROR, Faults
from bigone_sync.testing._spot_hub import Hub, Key
from bigone_sync.testing._spot_replay import Replay
from bigone_sync.testing._spot_requests import Malformed, Request, needs_login, parse, redacted
from bigone_sync.testing._spot_venue import Venue
from bigone_sync.testing._spot_wire import SpotWire

_KEPT_REQUESTS = 100_000
_FINISHED_IN_SNAPSHOT = 20


class SpotService:
    """Answers requests; used on the exchange's loop only.

    Args:
        desks: request member to its handler, for the requests that are not answered here.
        start_replay: called when a subscription completes those a recording waits for.
    """

    def __init__(
        self,
        *,
        venue: Venue,
        hub: Hub,
        wire: SpotWire,
        faults: Faults,
        authenticator: Authenticator,
        desks: Mapping[str, Handler],
        start_replay: Callable[[], None],
    ) -> None:
        self.requests: deque[tuple[int, dict[str, Any]]] = deque(maxlen=_KEPT_REQUESTS)
        self.replay: Replay | None = None
        self._venue = venue
        self._hub = hub
        self._wire = wire
        self._faults = faults
        self._authenticator = authenticator
        self._start_replay = start_replay
        self._answers = answers = Answers(hub, faults)
        self._handlers: dict[str, Handler] = {
            **desks,
            "authenticateCustomerRequest": self._authenticate,
            "subscribeMarketDepthRequest": self._subscribe_depth,
            "unsubscribeMarketDepthRequest": answers.unsubscribe_from("depth"),
            "subscribeMarketsTickerRequest": self._subscribe_tickers,
            "unsubscribeMarketsTickerRequest": self._unsubscribe_tickers,
            "subscribeMarketTradesRequest": self._subscribe_trades,
            "unsubscribeMarketTradesRequest": answers.unsubscribe_from("trades"),
            "subscribeMarketCandlesRequest": self._subscribe_candles,
            "unsubscribeMarketCandlesRequest": answers.unsubscribe_from("candles", "period"),
            "subscribeViewerAccountsRequest": self._subscribe_accounts,
            "unsubscribeViewerAccountsRequest": answers.unsubscribe_from("accounts"),
            "subscribeViewerOrdersRequest": self._subscribe_orders,
            "unsubscribeViewerOrdersRequest": answers.unsubscribe_from("orders", "businessUnit"),
            "subscribeAllViewerOrdersRequest": self._subscribe_all_orders,
            "unsubscribeAllViewerOrdersRequest": answers.unsubscribe_from("orders", "businessUnit"),
            "heartbeatRequest": self._heartbeat,
            "ping": self._ping,
        }

    def handle(self, connection: Connection, data: str | bytes) -> None:
        """Answer one frame from a client."""
        try:
            message = connection.encoding.read(data)
            self.requests.append((connection.number, redacted(message)))
            request = parse(message)
        except Malformed as error:
            self._hub.error(connection, error.request_id, INTERNAL_ERROR, str(error))
            return
        refused = self._refusal(connection, request)
        if refused is None:
            self._handlers[request.member](connection, request)
        else:
            self._hub.error(connection, request.id, *refused)

    # -- refusing -----------------------------------------------------------------------------------------------

    def _refusal(self, connection: Connection, request: Request) -> tuple[int, str] | None:
        named = request.params.get("markets", ())
        if "market" in request.params:
            named = (request.params["market"],)
        rejection = self._faults.take_rejection(request.member, named)
        if rejection is not None:
            return rejection.code, rejection.message
        if needs_login(request.member) and not connection.authenticated:
            return LOGIN_ERROR, "login status error: not logged in"
        known = self._venue.markets()
        if any(market not in known for market in named):
            return INTERNAL_ERROR, "GRPC error: unknown market"
        return None

    # -- authentication and keepalive ---------------------------------------------------------------------------

    def _authenticate(self, connection: Connection, request: Request) -> None:
        if self._faults.silent_auth.take():
            return
        refusal = self._faults.take_auth()
        if refusal is not None:
            self._hub.error(connection, request.id, refusal.code, refusal.message)
            return
        try:
            self._authenticator.verify(request.params["token"], self._venue.now_ns())
        except Refused as reason:
            self._hub.error(connection, request.id, LOGIN_ERROR, f"login status error: {reason}")
            return
        connection.authenticated = True
        self._answers.succeed(connection, request)

    def _heartbeat(self, connection: Connection, request: Request) -> None:
        # Without the id of the request (spot schema, section 8).
        heartbeat = partial(connection.encoding.frame, "", "heartbeat", "{}")
        connection.start_heartbeat(request.params["interval"], heartbeat)

    def _ping(self, connection: Connection, request: Request) -> None:
        if self._faults.answer_pings:
            self._hub.answer(connection, request.id, "pong", "{}")

    # -- subscribing --------------------------------------------------------------------------------------------

    def _subscribe_depth(self, connection: Connection, request: Request) -> None:
        market = request.params["market"]
        self._answers.subscribe(
            connection, request, [Key("depth", market)], "depthSnapshot", lambda: self._depth(market)
        )
        self._note_for_replay(market)

    def _subscribe_trades(self, connection: Connection, request: Request) -> None:
        market, limit = request.params["market"], request.params["limit"]
        keys = [Key("trades", market)]
        self._answers.subscribe(connection, request, keys, "tradesSnapshot", lambda: self._trades(market, limit))
        if self.replay is not None and market not in self.replay.books:
            self._note_for_replay(market)

    def _subscribe_tickers(self, connection: Connection, request: Request) -> None:
        markets = request.params["markets"] or self._venue.markets()
        keys = [Key("ticker", market) for market in markets]
        self._answers.subscribe(connection, request, keys, "tickersSnapshot", lambda: self._tickers(markets))

    def _subscribe_candles(self, connection: Connection, request: Request) -> None:
        params = request.params
        key = Key("candles", params["market"], params["period"])
        self._answers.subscribe(
            connection, request, [key], "candlesSnapshot", lambda: self._candles(key, params["limit"])
        )

    def _subscribe_accounts(self, connection: Connection, request: Request) -> None:
        self._answers.subscribe(
            connection,
            request,
            [Key("accounts")],
            "accountsSnapshot",
            lambda: self._wire.accounts(self._venue.ledger.balances()),
        )

    def _subscribe_orders(self, connection: Connection, request: Request) -> None:
        key = Key("orders", request.params["market"], request.params["businessUnit"])
        self._answers.subscribe(connection, request, [key], "ordersSnapshot", lambda: self._orders(key))

    def _subscribe_all_orders(self, connection: Connection, request: Request) -> None:
        key = Key("orders", "", request.params["businessUnit"])
        self._answers.subscribe(connection, request, [key], "success", lambda: OK)

    def _unsubscribe_tickers(self, connection: Connection, request: Request) -> None:
        for market in request.params["markets"] or self._venue.markets():
            self._hub.unsubscribe(connection, Key("ticker", market))
        self._answers.succeed(connection, request)

    # -- snapshots ----------------------------------------------------------------------------------------------

    def _recording_of(self, market: str) -> Replay | None:
        return self.replay if self.replay is not None and market in self.replay.markets else None

    def _note_for_replay(self, market: str) -> None:
        if self.replay is not None and self.replay.subscribed(market):
            self._start_replay()

    def _depth(self, market: str) -> str:
        replay = self._recording_of(market)
        if replay is not None:
            return replay.depth(market)
        engine = self._venue.listings[market].engine
        return self._wire.depth(
            market, engine.sides["BID"].snapshot(), engine.sides["ASK"].snapshot(), engine.change_id
        )

    def _trades(self, market: str, limit: int) -> str:
        replay = self._recording_of(market)
        if replay is not None:
            return replay.trades(market, limit)
        return self._wire.trades(self._venue.listings[market].tape.latest(limit))

    def _tickers(self, markets: Iterable[str]) -> str:
        live = [market for market in markets if self._recording_of(market) is None]
        return self._wire.tickers(self._venue.ticker(market) for market in live)

    def _candles(self, key: Key, limit: int) -> str:
        if self._recording_of(key.market) is not None:
            return self._wire.candles(())
        return self._wire.candles(self._venue.listings[key.market].tape.candles(key.detail, limit))

    def _orders(self, key: Key) -> str:
        """Open orders of a business unit and the last few finished ones."""
        if key.market not in self._venue.listings:
            return self._wire.orders(())
        orders = [order for order in self._venue.orders(key.market) if order.business_unit == key.detail]
        engine = self._venue.listings[key.market].engine
        finished = [order for order in orders if not engine.is_open(int(order.id))][-_FINISHED_IN_SNAPSHOT:]
        return self._wire.orders(order for order in orders if engine.is_open(int(order.id)) or order in finished)
