"""What a contract client missed while its private stream was away, asked for by REST."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..enums import Channel
from ..errors import BigOneError, RestError
from ..events import ContractOrder, Fill, Position
from ..ports import ContractFound

if TYPE_CHECKING:
    from ..rest.contract import ContractRest

__all__ = ["RestContractHistory"]

_MARGIN = 5.0
"""Seconds that are asked for beyond the last sign of life: times of the exchange's services differ."""
_NOT_FOUND = (400, 404)


def _until_older(fills: Iterable[Fill], start: float) -> Iterator[Fill]:
    """Fills, newest first, up to where they are older than ``start``, Unix time of the exchange."""
    for fill in fills:
        if fill.time is not None and fill.time.timestamp() < start:
            return
        yield fill


@contextmanager
def _noting(channel: Channel, missing: dict[Channel, str]) -> Iterator[None]:
    """Notes why a channel's data could not be had, and goes on."""
    try:
        yield
    except BigOneError as error:
        missing[channel] = str(error)


class RestContractHistory:
    """Asks through one REST object. Waits; raises no BigOneError.

    Args:
        rest: gives it.
        deadline: seconds for all that one question needs.
    """

    def __init__(self, rest: Callable[[], ContractRest], *, deadline: float) -> None:
        self._rest, self._deadline = rest, deadline

    def fetch(
        self, channels: Collection[Channel], known: Sequence[ContractOrder], since: float | None
    ) -> ContractFound:
        """Orders that are open or may have changed, fills, and positions, as far as ``channels`` has them."""
        missing: dict[Channel, str] = {}
        orders: dict[str, ContractOrder] = {}
        fills: list[Fill] = []
        positions: tuple[Position, ...] | None = None
        try:
            rest = self._rest()
            start = (time.time() if since is None else since) + (rest.clock.offset or 0.0) - _MARGIN
            with rest.within(self._deadline):
                # Before the fills: an order that is filled between the questions has its fill told live.
                if Channel.ORDERS in channels:
                    with _noting(Channel.ORDERS, missing):
                        self._orders(rest, known, start, orders, missing)
                if Channel.FILLS in channels:
                    with _noting(Channel.FILLS, missing):
                        fills.extend(_until_older(rest.fills(), start))
                if Channel.POSITIONS in channels:
                    with _noting(Channel.POSITIONS, missing):
                        positions = tuple(row for account in rest.accounts() for row in account.positions)
        except BigOneError as error:
            missing.update(dict.fromkeys(channels, str(error)))
        return ContractFound(tuple(orders.values()), tuple(fills), positions, missing, time.time())

    @staticmethod
    def _orders(
        rest: ContractRest,
        known: Sequence[ContractOrder],
        start: float,
        found: dict[str, ContractOrder],
        missing: dict[Channel, str],
    ) -> None:
        found.update((order.id, order) for order in rest.open_orders())
        since = datetime.fromtimestamp(start, timezone.utc)
        # What was asked for later is newer.
        found.update((order.id, order) for order in rest.orders(since=since))
        for order in known:
            if order.id in found:
                continue
            try:
                found[order.id] = rest.order(order.id)
            except RestError as error:
                if error.status_code not in _NOT_FOUND:
                    raise
                missing[Channel.ORDERS] = f"the exchange does not know order {order.id} any more"
