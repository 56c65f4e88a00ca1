"""The private contract stream: cash, positions, orders and fills from one socket (contract protocol, section 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..enums import Channel
from ..events import ContractOrder, Fill, Gap, Position
from .base import Item, Missing, Resumed
from .contract_memory import ContractOrderMemory, FillMemory
from .contract_socket import Frames, KeptValues
from .contract_wire import PrivateFrame, decode_private
from .report import Reporter

__all__ = ["PrivateFrames"]

_ALL = frozenset({"cash", "positions", "orders", "trades"})
_MEANWHILE = {
    Channel.ORDERS: "a new socket begins with open orders at most: what ended meanwhile is not known",
    Channel.FILLS: "a new socket does not tell the fills that came meanwhile",
}
_UNCONFIRMED = "the new socket's first frame does not carry positions: what changed meanwhile is not known"


class PrivateFrames(Frames):
    """Frames hold what changed; the first of a socket holds everything, as far as is known."""

    def __init__(self, reporter: Reporter, kept: Mapping[Channel, KeptValues]) -> None:
        super().__init__(reporter)
        self._kept = kept
        self._orders = ContractOrderMemory()
        self._fills = FillMemory()

    def read(self, data: bytes, at: float, items: list[Item]) -> None:
        """Events of all private channels; each goes to the stream of its contract and to that of all."""
        frame = decode_private(data, self.reporter.connection, at)
        if frame is None or not frame.keys & _ALL:
            return
        first = self.took_first()
        found: dict[Channel, list[Any]] = {
            Channel.CASH: self.good("cash", frame.cash, items),
            Channel.POSITIONS: self.good("positions", frame.positions, items),
            Channel.ORDERS: self.good("orders", frame.orders, items),
            Channel.FILLS: self.good("trades", frame.fills, items),
        }
        # A position that could not be read is none that was closed.
        complete = frame.keys >= _ALL and len(found[Channel.POSITIONS]) == len(frame.positions)
        self._keep(frame, found, at, whole=first and complete)
        if first and self.is_again:
            self._announce(frame, at, items)
        found[Channel.ORDERS] = self._new(found[Channel.ORDERS], self._orders)
        found[Channel.FILLS] = self._new(found[Channel.FILLS], self._fills)
        for channel, events in found.items():
            self._hand_on(channel, events, items)

    def _keep(self, frame: PrivateFrame, found: Mapping[Channel, list[Any]], at: float, *, whole: bool) -> None:
        for channel, key in ((Channel.CASH, "cash"), (Channel.POSITIONS, "positions")):
            kept = self._kept.get(channel)
            if kept is not None and key in frame.keys:
                # A frame has one currency, as far as is known, so no frame has all of the cash.
                kept.put(found[channel], at, whole=whole and channel == Channel.POSITIONS)

    def _announce(self, frame: PrivateFrame, at: float, items: list[Item]) -> None:
        reasons = dict(_MEANWHILE)
        if "positions" not in frame.keys:
            reasons[Channel.POSITIONS] = _UNCONFIRMED
        name = self.reporter.connection
        gaps = tuple(
            Missing(route, Gap(channel, market, reason=reasons[channel], connection=name, received_at=at))
            for (channel, market), route in self.routes.items()
            if channel in reasons
        )
        if gaps:
            items.append((None, Resumed(gaps)))

    def open_orders(self) -> list[ContractOrder]:
        """The orders that are not known to have ended."""
        return self._orders.open()

    def reconcile(
        self,
        orders: Sequence[ContractOrder],
        fills: Sequence[Fill],
        positions: Sequence[Position] | None,
        at: float,
    ) -> list[Item]:
        """What is news to which stream among what REST tells.

        ``positions``: all that there are, those that came live since included; None: not asked for.
        """
        items: list[Item] = []
        if positions is not None:
            kept = self._kept.get(Channel.POSITIONS)
            if kept is not None:
                kept.put(positions, at, whole=True)
            self._hand_on(Channel.POSITIONS, positions, items)
        self._hand_on(Channel.ORDERS, self._orders.reconcile(orders), items)
        self._hand_on(Channel.FILLS, self._fills.reconcile(fills), items)
        return items

    def _new(self, events: Sequence[Any], memory: ContractOrderMemory | FillMemory) -> list[Any]:
        fresh = [event for event in events if memory.accept(event)]
        self.reporter.duplicates += len(events) - len(fresh)
        return fresh

    def _hand_on(self, channel: Channel, events: Sequence[Any], items: list[Item]) -> None:
        everything = self.routes.get((channel, None))
        if everything is not None and events:
            items.append((everything, list(events)))
        if channel == Channel.CASH:
            return
        for market in dict.fromkeys(event.market for event in events):
            route = self.routes.get((channel, market))
            if route is not None:
                items.append((route, [event for event in events if event.market == market]))
