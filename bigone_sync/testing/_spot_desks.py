"""The channels and requests of the exchange that stand in the official schema but in no document."""

from __future__ import annotations

from bigone_sync.testing._spot_answers import Answers, Handler
from bigone_sync.testing._spot_cost import CostDesk
from bigone_sync.testing._spot_faults import Faults
from bigone_sync.testing._spot_flash import FlashDesk
from bigone_sync.testing._spot_hub import Hub
from bigone_sync.testing._spot_margin import MarginDesk
from bigone_sync.testing._spot_orders import OrderDesk
from bigone_sync.testing._spot_rates import RateDesk
from bigone_sync.testing._spot_venue import Venue
from bigone_sync.testing._spot_wire import SpotWire

__all__ = ["Desks"]


class Desks:
    """All of them; used on the exchange's loop only.

    Args:
        order_replies: how order requests are answered, one of `ORDER_REPLIES`.

    Raises:
        ValueError: there is no such way.
    """

    def __init__(self, venue: Venue, hub: Hub, wire: SpotWire, faults: Faults, *, order_replies: str) -> None:
        answers = Answers(hub, faults)
        self.rates = RateDesk(venue, hub, wire, answers)
        self.orders = OrderDesk(venue, hub, wire, faults, answers, replies=order_replies)
        self.margin = MarginDesk(venue, hub, wire, answers)
        self.flash = FlashDesk(venue, hub, wire, answers)
        self.cost = CostDesk(venue, hub, wire, answers)

    def handlers(self) -> dict[str, Handler]:
        """Request member to its handler."""
        return {
            **self.rates.handlers,
            **self.orders.handlers,
            **self.margin.handlers,
            **self.flash.handlers,
            **self.cost.handlers,
        }
