"""The demo on Rails."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

from ..clients.rails import RailsClient
from ..config import check_rails_market
from ..enums import OrderState, Side
from ..errors import OrderRejected
from . import _settings as settings
from ._rails_recorder import RailsRecorder
from ._stage import CREDENTIALS, Stage, base_and_quote, spot_amount
from ._verdict import Check, EngineBook, check_book, check_orders, check_trades

if TYPE_CHECKING:
    from ..testing import LocalExchange

__all__ = ["RailsStage"]

_GONE = 404
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class RailsStage(Stage):
    """A market over connections alike, of which one may be lost; orders are placed and cancelled by the client.

    Args:
        market: ``BASE-QUOTE``.

    Raises:
        ConfigurationError: the name is not allowed.
    """

    has_interlude = True
    recording: RailsRecorder

    def __init__(self, market: str) -> None:
        base_and_quote(check_rails_market(market))
        self.recording = RailsRecorder(market)
        self._client: RailsClient | None = None
        self._placed = 0

    def make_exchange(self, seed: int) -> LocalExchange:
        """An exchange with the market, not started."""
        from ..testing.exchange import LocalExchange

        return LocalExchange(
            seed=seed,
            credentials=(CREDENTIALS.api_key, CREDENTIALS.api_secret),
            markets=(),
            contracts=(),
            rails_markets=[self.market],
            rate=settings.RATE,
        )

    def url(self, exchange: LocalExchange) -> str:
        """Where the client connects to; REST is asked there, too."""
        return exchange.rails_url

    def make_client(self, url: str, protocol: str) -> RailsClient:
        """A client that tells the recording everything that the demo shows, not started; it speaks JSON."""
        self._client = RailsClient(
            market=self.market,
            credentials=CREDENTIALS,
            redundancy=settings.REDUNDANCY,
            patience=settings.PATIENCE,
            url=url,
            proxy="",  # whatever the environment says: nothing leaves this process
            backoff=settings.BACKOFF,
            timeouts=settings.TIMEOUTS,
            limits=settings.LIMITS,
        )
        self.recording.attach(self._client)
        return self._client

    def connected_text(self, exchange: LocalExchange, count: int, protocol: str) -> str:
        """What there is now: connections, and the token that they share."""
        fetched = exchange.rails_token_fetches
        tokens = f"{fetched} access {'token' if fetched == 1 else 'tokens'} fetched by REST"
        return f"{count} connections alike over {protocol}, {tokens}, streams live"

    # -- own orders

    def book(self, exchange: LocalExchange) -> EngineBook:
        """The exchange's own book."""
        return exchange.rails_book(self.market)

    def choose_amount(self, exchange: LocalExchange, rng: random.Random, side: Side) -> Decimal:
        """One and a bit of the base asset."""
        return spot_amount(rng)

    def part(self, amount: Decimal, percent: int) -> Decimal:
        """So much of an amount, as it can be filled."""
        return amount * percent / 100

    def place(self, exchange: LocalExchange, side: Side, price: Decimal, amount: Decimal) -> str:
        """Let the client place an own order, every other one post-only; returns its id."""
        self._placed += 1
        post_only = self._placed % 2 == 0
        order = self._running.create_order(side=side, amount=amount, price=price, post_only=post_only)
        self.recording.commanded("create_order, post-only" if post_only else "create_order", order)
        return order.order_id

    def fill(self, exchange: LocalExchange, order_id: str, amount: Decimal | None) -> None:
        """Let the crowd trade against an own order; None: all that is left of it.

        Raises:
            ValueError: it is not open.
        """
        exchange.rails_fill(order_id, amount)

    def cancel(self, exchange: LocalExchange, order_id: str) -> None:
        """Let the client cancel an own order, if it is still open."""
        try:
            self.recording.commanded("cancel_order", self._running.cancel_order(order_id))
        except OrderRejected as error:
            # The crowd may have been faster.
            if error.code != _GONE:
                raise
            self.recording.note("command", f"cancel_order: {error.code} {error.reason}")

    def is_open(self, exchange: LocalExchange, order_id: str) -> bool:
        """Whether something of an own order can still be filled."""
        return any(order.order_id == order_id and order.status == "active" for order in exchange.rails_orders())

    # -- what happens to the connections

    def may_go_on(self, order_id: str | None) -> bool:
        """Whether the client is there to give commands, with every connection ready to go on alone."""
        recording = self.recording
        failover = recording.failover
        is_whole = failover is None or failover.is_over
        return is_whole and recording.is_settled(order_id) and self._is_in_step

    def interlude(self, exchange: LocalExchange) -> None:
        """Cut the leading connection alone: the one that the latest command came on."""
        leader = next(number for number, request in reversed(exchange.rails_requests) if "Order" in request["message"])
        recording = self.recording
        recording.caption = "One connection was cut; another one brings the same, so nothing is missing."
        recording.expect_failover(settings.REDUNDANCY)
        recording.note("demo", "the leading connection alone is cut", "the leading connection is cut")
        exchange.rails_cut(leader)

    @property
    def is_under_way(self) -> bool:
        """Whether a connection that was cut is not yet back."""
        failover = self.recording.failover
        return failover is not None and not failover.is_over

    @property
    def _is_in_step(self) -> bool:
        return len(self._running.in_step) >= settings.REDUNDANCY

    @property
    def _running(self) -> RailsClient:
        assert self._client is not None
        return self._client

    # -- after the show

    def checks(self, exchange: LocalExchange) -> list[Check]:
        """The client's view of market and account, each beside the exchange's own."""
        market, recorder = self.market, self.recording
        checks = [] if recorder.failover is None else [self._failed_over()]
        return [
            *checks,
            check_book(exchange.rails_book(market), self._running.order_book().snapshot()),
            self._trades(exchange),
            _orders(exchange, recorder),
            _fills(exchange, recorder),
        ]

    def _failed_over(self) -> Check:
        failover = self.recording.failover
        assert failover is not None
        problem = failover.problem()
        if problem:
            return Check(False, f"one connection was cut, and not all was well: {problem}")
        others = set(self.recording.states) - {failover.lost}
        lost, went_on = (_short(name) for name in (failover.lost, " and ".join(sorted(others))))
        return Check(True, f"{lost} was cut, {went_on} went on: no gap, book LIVE throughout")

    def _trades(self, exchange: LocalExchange) -> Check:
        times = {trade.match_id: trade.time for trade in exchange.rails_trades(self.market)}

        def is_announced(trade_id: str) -> bool:
            return self.recording.is_in_hole(_EPOCH + timedelta(milliseconds=times[trade_id]))

        return check_trades(self.recording.trade_ids(), list(times), is_announced)


def _short(names: str) -> str:
    """Names of connections without that of the client, for lines of 80 columns."""
    return names.replace("rails/", "")


def _orders(exchange: LocalExchange, recorder: RailsRecorder) -> Check:
    known = {order_id: (states[-1].state, states[-1].filled) for order_id, states in recorder.orders().items()}
    truth = {o.order_id: (OrderState(o.status), Decimal(o.filled_quantity)) for o in exchange.rails_orders()}
    return check_orders(known, truth, "status and filled quantity")


def _fills(exchange: LocalExchange, recorder: RailsRecorder) -> Check:
    known: Counter[tuple[object, ...]] = Counter(
        (fill.order_id, fill.id, fill.price, fill.size) for fill in recorder.fills()
    )
    truth: Counter[tuple[object, ...]] = Counter(
        (fill.order_id, fill.match_id, Decimal(fill.price), Decimal(fill.quantity)) for fill in exchange.rails_fills()
    )
    if known != truth:
        missed, more = sum((truth - known).values()), sum((known - truth).values())
        return Check(False, f"own trades that differ from the exchange's: {missed} missed, {more} too many")
    return Check(True, f"{len(known)} own trades: none missed, none twice, as the exchange has them")
