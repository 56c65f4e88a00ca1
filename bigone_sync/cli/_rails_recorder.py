"""What a Rails client tells during the demo."""

from __future__ import annotations

from decimal import Decimal

from ..clients.rails import RailsClient
from ..enums import Channel, SubscriptionState
from ..events import Fill, Gap, RailsOrder, StateChange
from . import _format
from ._failover import Failover
from ._own import Holding, OwnOrder
from ._recording import Recording

__all__ = ["RailsRecorder"]

_OWN = {Channel.ORDERS: "own orders", Channel.FILLS: "own trades"}
_SHOWN_FILLS = 2


class RailsRecorder(Recording):
    """Watches one market, the own trades, and what happens when one of the connections is lost.

    Args:
        market: which one.
    """

    kind_width = 9
    account_title = "own order, own trades"

    def __init__(self, market: str) -> None:
        super().__init__(market)
        self.failover: Failover | None = None
        self._client: RailsClient | None = None
        self._fills: list[Fill] = []

    def attach(self, client: RailsClient) -> None:
        """Register everything that the demo shows."""
        self._client = client
        client.on_state(self._on_state)
        client.on_error(self._on_error)
        client.on_gap(self._on_gap)
        client.on_order(self._on_order)
        client.on_fill(self._on_fill)
        client.on_book(self._on_book)
        client.on_trade(self._on_trade)
        self._book = client.order_book()

    # -- for the show; main thread

    @property
    def account_caption(self) -> str:
        """What the rows of the holdings are."""
        return "order, size @ price, fee"

    def fills(self) -> list[Fill]:
        """Every own trade, as they came."""
        with self._lock:
            return list(self._fills)

    def holdings(self) -> list[Holding]:
        """The latest own trades, newest first."""
        return [
            Holding(
                f"{self._label(fill.order_id)} {fill.side}",
                f"{_format.amount(fill.size)} @ {_format.price(fill.price)}",
                _format.fee(fill),
                False,
            )
            for fill in reversed(self.fills()[-_SHOWN_FILLS:])
        ]

    def account_lag(self) -> str:
        """Own orders or trades, as long as REST is asked what became of them."""
        if self._client is None:
            return ""
        states = {subscription.key.channel: subscription.state for subscription in self._client.subscriptions}
        return " and ".join(text for channel, text in _OWN.items() if states.get(channel) != SubscriptionState.LIVE)

    def commanded(self, command: str, order: RailsOrder) -> None:
        """A command was answered."""
        self.note("command", f"{command}: {order.status_code} {order.reason}")

    def expect_failover(self, connections: int) -> None:
        """One of the connections is about to be cut: watch what happens from now on."""
        with self._lock:
            self.failover = Failover(connections, self.now())

    def look(self) -> None:
        """Notice a change of the book's state, the end of a recovery, and that of a failover."""
        super().look()
        book, client, failover = self._book, self._client, self.failover
        if book is None or client is None or failover is None or failover.is_over:
            return
        failovers, in_step = client.stats().failovers, len(client.in_step)
        with self._lock:
            if failover.look(book.state, failovers, in_step, self.now()):
                missed = failover.problem() or "nothing was missing"
                self.note(
                    "demo",
                    f"{missed}: {failover.lost} is back and in step {failover.seconds:.2f} s after the cut,"
                    f" failovers: {failover.failovers}",
                    f"{missed}: back in {failover.seconds:.2f} s",
                )
                self.caption = f"{failover.lost} is back and in step: {missed}."

    # -- handlers; worker thread

    def _on_state(self, change: StateChange) -> None:
        with self._lock:
            if self.failover is not None:
                self.failover.state(change.connection, change.new)
        super()._on_state(change)

    def _on_gap(self, gap: Gap) -> None:
        with self._lock:
            if self.failover is not None:
                self.failover.gap()
        super()._on_gap(gap)

    def _on_order(self, order: RailsOrder) -> None:
        self._heard(
            OwnOrder(
                order.id,
                order.side,
                (order.remaining or Decimal(0)) + (order.filled or Decimal(0)),
                order.price,
                order.status,
                order.filled,
                order.avg_fill_price,
                is_final=order.is_final,
                # Only what the sockets bring has a kind.
                origin="" if order.result_type else "REST answer",
                received_at=order.received_at,
            )
        )

    def _on_fill(self, fill: Fill) -> None:
        with self._lock:
            self._fills.append(fill)
            self.note("fill", _format.own_trade_text(self._label(fill.order_id), fill))
