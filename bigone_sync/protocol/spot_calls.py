"""Commands of the spot socket and the messages that answer them: orders and the list of markets.

From the official schema; not described in the documents, and whether the live exchange serves them is unknown.  There
is no reply type for orders (spot schema, sections 1 and 9), so whatever carries the id of a waiting command and says
yes, no or what became of the order is its answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..events import Order
from . import spot_events as convert
from .base import Command, Frame, Item, LoginLost, Reply, Request, ServerError
from .messages import Message, WireMarket
from .spot_context import Context, Handler
from .spot_streams import OrderStreams

__all__ = ["CANCEL_ALL_ORDERS", "CANCEL_ORDER", "CREATE_ORDER", "LIST_MARKETS", "LOGIN_STATUS_ERROR", "SpotCalls"]

CREATE_ORDER = "createOrderRequest"
CANCEL_ORDER = "cancelOrderRequest"
CANCEL_ALL_ORDERS = "cancelAllOrdersRequest"
LIST_MARKETS = "listMarketsRequest"

LOGIN_STATUS_ERROR = 45001
"""Not logged in, or the token is invalid or expired (spot protocol, section 8)."""

# Which message may hold the result of which command.
_RESULT_OF = {
    CREATE_ORDER: "orderUpdate",
    CANCEL_ORDER: "orderUpdate",
    CANCEL_ALL_ORDERS: "ordersSnapshot",
    LIST_MARKETS: "listMarketsResponse",
}
# Commands that are over and whose ids are still known; on one connection.
_REMEMBERED = 1000


class SpotCalls:
    """The commands of one connection.

    Args:
        context: of the connection.
        orders: where orders go that an answer holds: they are news like any other.
    """

    def __init__(self, context: Context, orders: OrderStreams) -> None:
        self._context, self._orders = context, orders
        self._waiting: dict[str, Request] = {}
        self._over: dict[str, bool] = {}
        """Ids of commands that nobody waits for any more; True where it was given up without an answer."""
        self.late = 0
        """Answers to commands that had been given up."""

    def reset(self) -> None:
        """A new connection: nothing that comes answers what was asked before."""
        self._waiting.clear()
        self._over.clear()

    def make(self, name: str, parameters: Mapping[str, Any]) -> tuple[Request, Frame]:
        """A command and its frame."""
        request, frame = self._context.requests.make(Command.CALL, name, parameters)
        self._waiting[request.id] = request
        return request, frame

    def give_up(self, request: Request) -> None:
        """Nobody waits for it any more: what still comes is late."""
        if request.id in self._waiting:
            self._finish(request, given_up=True)

    def _finish(self, request: Request, *, given_up: bool) -> None:
        del self._waiting[request.id]
        self._context.requests.take(request.id)
        self._over[request.id] = given_up
        if len(self._over) > _REMEMBERED:
            del self._over[next(iter(self._over))]

    # -- answers

    def success(self, message: Message, items: list[Item]) -> bool:
        """Whether a ``success`` was about a command."""
        request = self._waiting.get(message.request_id)
        if request is None:
            return self._is_late(message)
        if not message.body.ok:
            self._answer(Reply(request, ServerError(None, "success without ok")), items)
        elif request.name != LIST_MARKETS:  # yes is no list: that is still to come
            self._answer(Reply(request), items)
        return True

    def error(self, message: Message, error: ServerError, items: list[Item]) -> bool:
        """Whether an ``error`` was about a command."""
        request = self._waiting.get(message.request_id)
        if request is None:
            return self._is_late(message)
        lost = error.code == LOGIN_STATUS_ERROR
        self._answer(LoginLost(error, request) if lost else Reply(request, error), items)
        return True

    def _is_late(self, message: Message) -> bool:
        late = self._over.get(message.request_id, False)
        self.late += late
        return late

    def _answer(self, answer: Reply | LoginLost, items: list[Item]) -> None:
        if answer.request is not None:
            self._finish(answer.request, given_up=False)
        items.append((None, answer))

    def handlers(self) -> dict[str, Handler]:
        """By the payload's member; those of orders stand before the handlers of the streams."""
        return {
            "orderUpdate": self.order_update,
            "ordersSnapshot": self.orders_snapshot,
            "listMarketsResponse": self.markets,
        }

    def order_update(self, message: Message, at: float, items: list[Item]) -> None:
        """An order's new state, which may be the answer to a command."""
        if self._is_ours(message):
            self._orders_of_call(message, at, items, snapshot=False)
        else:
            self._orders.update(message, at, items)

    def orders_snapshot(self, message: Message, at: float, items: list[Item]) -> None:
        """A market's orders, or those of any markets that a command was about."""
        if self._is_ours(message):
            self._orders_of_call(message, at, items, snapshot=True)
        else:
            self._orders.snapshot(message, at, items)

    def _is_ours(self, message: Message) -> bool:
        return message.request_id in self._waiting or message.request_id in self._over

    def _orders_of_call(self, message: Message, at: float, items: list[Item], *, snapshot: bool) -> None:
        orders: list[Order] = self._context.events(message, convert.order_event, at, items, snapshot=snapshot)
        if snapshot:
            self._result(message, tuple(orders), items)
        elif orders:  # what could not be read is no answer
            self._result(message, orders[0], items)
        for order in orders:
            self._orders.route(order, items)

    def markets(self, message: Message, at: float, items: list[Item]) -> None:
        """The markets there are."""

        def make(wire: WireMarket, connection: str, at: float, *, snapshot: bool) -> Any:
            return convert.market_of(wire)

        markets: Sequence[Any] = self._context.events(message, make, at, items, snapshot=True)
        self._result(message, tuple(markets), items)

    def _result(self, message: Message, result: Any, items: list[Item]) -> None:
        request = self._waiting.get(message.request_id)
        if request is None:
            if not self._is_late(message) and message.kind == "listMarketsResponse":
                self._context.unrouted += 1
        elif _RESULT_OF[request.name] == message.kind:
            self._answer(Reply(request, result=result), items)
