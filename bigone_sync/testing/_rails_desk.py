"""Order commands of the Rails half: what they do, and the replies in their phases (Rails protocol, section 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bigone_sync.testing._checks import Refused
from bigone_sync.testing._ledger import ZERO
from bigone_sync.testing._rails_account import Draft, OwnOrder
from bigone_sync.testing._rails_faults import RailsFaults
from bigone_sync.testing._rails_hub import RailsHub, RailsSocket
from bigone_sync.testing._rails_limits import MinuteLimit
from bigone_sync.testing._rails_options import RailsOptions
from bigone_sync.testing._rails_requests import RailsRefused, RailsRequest, decimal, draft
from bigone_sync.testing._rails_venue import RailsVenue
from bigone_sync.testing._rails_wire import RailsWire

__all__ = ["RailsDesk"]

_PENDING, _DONE, _BAD, _GONE, _BUSY, _TOO_MANY = 202, 200, 400, 404, 409, 429
_LEVERAGES = ("1", "2", "3", "4", "5")

Handler = Callable[[RailsSocket, RailsRequest], None]


class RailsDesk:
    """Takes orders of the account; used on the exchange's loop only.

    Args:
        limit: of order operations, shared with REST.
    """

    def __init__(
        self,
        options: RailsOptions,
        venue: RailsVenue,
        wire: RailsWire,
        hub: RailsHub,
        faults: RailsFaults,
        limit: MinuteLimit,
    ) -> None:
        self.handlers: Mapping[str, Handler] = {
            "createOrder": self._guarded(self._create),
            "cancelOrder": self._guarded(self._cancel),
            "modifyOrder": self._guarded(self._modify),
            "updateLeverage": self._guarded(self._update_leverage),
        }
        self._options = options
        self._venue = venue
        self._wire = wire
        self._hub = hub
        self._faults = faults
        self._limit = limit

    @property
    def quota(self) -> int:
        """What first replies tell as ``apiQuotaUsed``; what that is is not documented (Rails protocol, section 10)."""
        return 1 if self._options.quota == "one" else self._limit.used

    # -- what is done -------------------------------------------------------------------------------------------

    def place(self, wanted: Draft, client_request_id: str | None, asker: RailsSocket | None = None) -> OwnOrder:
        """Carry out an order and tell of it: taken, accepted, and then what has become of it.

        Args:
            asker: who sent it over the socket, if anybody did.

        Raises:
            Refused: it makes no sense; nothing has changed.
        """
        self._venue.check(wanted)
        order = self._venue.place(wanted, client_request_id)
        reply = self._replier("createOrder", asker, client_request_id)
        reply(_PENDING, "order created, pending acceptance", order, self.quota)
        self._accept(order, asker, client_request_id)
        return order

    def cancel(
        self, order: OwnOrder, client_request_id: str | None, asker: RailsSocket | None = None, *, bulk: bool = False
    ) -> None:
        """Cancel an open order and tell of it.

        Args:
            bulk: whether it is one of many, of which only the end is told, to all (Rails protocol, section 3.8).
        """
        now_ns = self._venue.now_ns()
        self._venue.withdraw(order)
        if bulk:
            order.mark("cancelled", now_ns)
            view = order.view()
            self._hub.notify(self._wire.order("cancelOrder", _DONE, "order cancelled", view, client_request_id))
        else:
            reply = self._replier("cancelOrder", asker, client_request_id)
            order.mark("cancelling", now_ns)
            reply(_PENDING, "cancelling order", order, self.quota)
            order.mark("cancelled", now_ns)
            reply(_DONE, "order cancelled", order, None)
        self._venue.commit(self._venue.market(order.draft.market))

    # -- requests -----------------------------------------------------------------------------------------------

    def _guarded(self, work: Handler) -> Handler:
        """A handler that keeps the limit and tells of refusals."""

        def handle(asker: RailsSocket, request: RailsRequest) -> None:
            try:
                if not self._limit.take():
                    raise RailsRefused("rate limit exceeded", _TOO_MANY)
                request.check()
                work(asker, request)
            except Refused as error:
                status = error.status if isinstance(error, RailsRefused) else _BAD
                market = next((name for name in request.markets if name in self._venue.names), None)
                refusal = self._wire.refusal(request.message, status, str(error), request.client_request_id, market)
                self._hub.reply(asker, refusal)

        return handle

    def _create(self, asker: RailsSocket, request: RailsRequest) -> None:
        self.place(draft(request), request.client_request_id, asker)

    def _cancel(self, asker: RailsSocket, request: RailsRequest) -> None:
        if request.content.get("cancelBy") != "orderId":
            raise RailsRefused("cancelBy must be orderId")
        order = self._open_order(request)
        if self._faults.take_busy(order.order_id):
            raise RailsRefused("order is being filled", _BUSY)
        self.cancel(order, request.client_request_id, asker)

    def _modify(self, asker: RailsSocket, request: RailsRequest) -> None:
        """Replace an order by one with another id (Rails protocol, section 3.9).

        What the request contains is not documented; provisionally ``orderId``, and ``price``, ``quantity`` or both,
        the quantity being what the new order begins with.
        """
        old, name = self._open_order(request), request.client_request_id
        price, quantity = request.content.get("price"), request.content.get("quantity")
        if price is None and quantity is None:
            raise RailsRefused("price or quantity is required")
        wanted = replace(
            old.draft,
            price=old.draft.price if price is None else decimal("price", price),
            quantity=old.remaining if quantity is None else decimal("quantity", quantity),
            slippage=ZERO,
        )
        self._venue.check(wanted)
        # The new order first: the old one stays as it was if there can be none.
        new = self._venue.place(wanted, name)
        self._venue.withdraw(old)
        reply, now_ns = self._replier("modifyOrder", asker, name), self._venue.now_ns()
        old.mark("modifying", now_ns)
        reply(_PENDING, "modifying order", old, self.quota)
        old.mark("modified", now_ns)
        if self._options.modify == "four":
            reply(_DONE, "original order modified", old, None)
            reply(_DONE, "new order created, pending acceptance", new, None)
        else:
            reply(_DONE, "order modified, pending acceptance", new, None)
        self._accept(new, asker, name)

    def _update_leverage(self, asker: RailsSocket, request: RailsRequest) -> None:
        """Set the leverage of later orders (Rails protocol, section 3.10)."""
        leverage = request.text("leverage")
        if leverage not in _LEVERAGES:
            raise RailsRefused(f"leverage must be one of {', '.join(_LEVERAGES)}: {leverage!r}")
        self._venue.account.leverage = leverage
        for status, body in (
            (_PENDING, "leverage update in progress, pending approval"),
            (_DONE, "leverage updated successfully"),
        ):
            self._hub.reply(asker, self._wire.leverage(status, body, request.client_request_id))

    # -- inside -------------------------------------------------------------------------------------------------

    def _accept(self, order: OwnOrder, asker: RailsSocket | None, client_request_id: str | None) -> None:
        """Tell that an order is in the book, and then what the engine has made of it."""
        order.mark("active", self._venue.now_ns())
        self._replier("createOrder", asker, client_request_id)(_DONE, "order accepted", order, None)
        self._venue.commit(self._venue.market(order.draft.market))

    def _open_order(self, request: RailsRequest) -> OwnOrder:
        market, order = request.market, self._venue.account.order(request.text("orderId"))
        if order is None or not order.is_open or order.draft.market != market:
            raise RailsRefused("order does not exist or is no longer open", _GONE)
        return order

    def _replier(
        self, kind: str, asker: RailsSocket | None, client_request_id: str | None
    ) -> Callable[[int, str, OwnOrder, int | None], None]:
        def reply(status: int, body: str, order: OwnOrder, quota: int | None) -> None:
            message = self._wire.order(kind, status, body, order.view(), client_request_id, quota=quota)
            self._hub.reply(asker, message)

        return reply
