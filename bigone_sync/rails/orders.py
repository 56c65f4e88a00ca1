"""Own orders and own trades from several connections: each thing once, and nothing that is outdated."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal

from ..events import Fill, RailsOrder

__all__ = ["FillMemory", "OrderMemory"]

_REMEMBERED = 10_000
_NOTHING = Decimal(0)


class _Seen:
    """The latest of many keys."""

    def __init__(self) -> None:
        self._keys: OrderedDict[Hashable, None] = OrderedDict()

    def is_new(self, key: Hashable) -> bool:
        """Whether it was not there yet; it is from now on."""
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > _REMEMBERED:
            self._keys.popitem(last=False)
        return True


class FillMemory:
    """Own trades, told apart by their keys (Rails protocol, section 8). The first copy counts."""

    def __init__(self) -> None:
        self._seen = _Seen()

    def news(self, rows: Iterable[tuple[Hashable, Fill]]) -> list[Fill]:
        """Those that were not there yet."""
        return [fill for key, fill in rows if self._seen.is_new(key)]


class OrderMemory:
    """The newest word on each of the latest orders (section 8).

    Messages have no numbers; one that comes late, over a connection that lags, must not undo a newer one: nothing
    follows a final state, and what is filled only grows.
    """

    def __init__(self) -> None:
        self._seen = _Seen()
        self._last: OrderedDict[str, RailsOrder] = OrderedDict()

    def accept(self, key: Hashable, order: RailsOrder) -> bool:
        """Whether a message says something new."""
        if not self._seen.is_new(key):
            return False
        before = self._last.get(order.order_id)
        if before is not None and (
            (before.is_final and not order.is_final) or (order.filled or _NOTHING) < (before.filled or _NOTHING)
        ):
            return False
        self._note(order)
        return True

    def reconcile(self, orders: Iterable[RailsOrder]) -> list[RailsOrder]:
        """What differs among orders that REST tells; it is remembered."""
        return [order for order in orders if self._goes_on(order)]

    def _goes_on(self, order: RailsOrder) -> bool:
        before = self._last.get(order.order_id)
        if before is not None:
            filled, known = order.filled or _NOTHING, before.filled or _NOTHING
            if before.is_final or filled < known:
                return False
            if filled == known and order.status == before.status:
                return False
        self._note(order)
        return True

    def _note(self, order: RailsOrder) -> None:
        self._last[order.order_id] = order
        self._last.move_to_end(order.order_id)
        if len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)

    def open(self) -> Sequence[RailsOrder]:
        """The orders that are not known to have ended."""
        return [order for order in self._last.values() if not order.is_final]
