"""Own orders and trades: each message once, and after an outage of all connections what REST tells of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..delivery import Delivery
from ..enums import Channel
from ..events import Fill, Gap, RailsOrder, SubscriptionKey
from ..ports import RailsFound, RailsHistory
from ..protocol.rails_news import Answer, Fills
from ..repair import Recovery, Repair
from ..subscription import Stream
from .orders import FillMemory, OrderMemory
from .session import RailsSession

__all__ = ["OWN", "Owned"]

OWN = (Channel.ORDERS, Channel.FILLS)

_NOT_ASKED = "what happened meanwhile was not asked for"
_FAILED = "what happened meanwhile could not be asked for"


class Sharing(Protocol):
    """A group, as far as own data need it."""

    streams: dict[SubscriptionKey, Stream]
    openings: int
    """Times that a connection opened while no other one was up."""

    @property
    def is_up(self) -> bool:
        """Whether at least one connection is READY."""


class Owned:
    """Under the group's lock.

    Args:
        group: whose streams these are.
        history: what REST tells, and
        recovery: where it is asked; None: it is not, and gaps are announced.
        live: told of a stream that runs.
    """

    def __init__(
        self,
        group: Sharing,
        history: RailsHistory | None,
        recovery: Recovery | None,
        live: Callable[[Stream], None],
    ) -> None:
        self._group, self._history, self._recovery, self._live = group, history, recovery, live
        self._orders, self._fills = OrderMemory(), FillMemory()
        self._resuming: set[Stream] = set()

    # -- what comes

    def fills(self, session: RailsSession, news: Fills, now: float, out: Delivery) -> None:
        """Own trades came."""
        for fill in self._fills.news(news.rows):
            self._hand_on(Channel.FILLS, fill, session, now, out)

    def order(self, session: RailsSession, answer: Answer, now: float, out: Delivery) -> None:
        """A message came that may be about an order."""
        if answer.order is not None and self._orders.accept(answer.key, answer.order):
            self._hand_on(Channel.ORDERS, answer.order, session, now, out)

    def _streams(self, channel: Channel, market: str) -> list[Stream]:
        """Those of all markets, and of this one."""
        keys = (SubscriptionKey(channel), SubscriptionKey(channel, market))
        found = [self._group.streams.get(key) for key in keys]
        return [stream for stream in found if stream is not None and not stream.is_over]

    def _hand_on(
        self, channel: Channel, event: RailsOrder | Fill, session: RailsSession, now: float, out: Delivery
    ) -> None:
        for stream in self._streams(channel, event.market):
            session.intake.take([(stream.route, (event,))], now, out)

    # -- after an outage

    def resume(self, session: RailsSession, streams: Sequence[Stream], out: Delivery) -> None:
        """The exchange brings these again; what happened meanwhile comes before they go on."""
        missed = [stream for stream in streams if stream.lost_at is not None and stream not in self._resuming]
        for stream in streams:
            if stream.lost_at is None:
                self._live(stream)
        if not missed:
            return
        recovery, history = self._recovery, self._history
        if recovery is None or history is None:
            for stream in missed:
                self._gap(session, stream, _NOT_ASKED, out)
                self._live(stream)
            return
        self._resuming.update(missed)
        opening = self._group.openings

        def fetch() -> RailsFound:
            with session.guard:
                known = self._orders.open()
                since = min((stream.lost_at for stream in missed if stream.lost_at is not None), default=None)
            return history.fetch({stream.key.channel for stream in missed}, known, since)

        def settle(found: RailsFound | None, out: Delivery) -> dict[Stream, list[Any]]:
            # Else all connections were lost again meanwhile: REST is asked anew, from the first loss on.
            is_last = self._group.is_up and self._group.openings == opening
            return self._settle(session, missed, found, out, is_last=is_last)

        repair = Repair(session, missed, fetch, settle)
        repair.begin()
        out.then(lambda: recovery.submit(repair))

    def _settle(
        self, session: RailsSession, missed: Sequence[Stream], found: RailsFound | None, out: Delivery, *, is_last: bool
    ) -> dict[Stream, list[Any]]:
        missing = found.missing if found is not None else dict.fromkeys(OWN, _FAILED)
        for stream in missed:
            if is_last and not stream.is_over and stream.key.channel in missing:
                self._gap(session, stream, missing[stream.key.channel], out)
        fresh: dict[Stream, list[Any]] = {}
        if found is None:
            return fresh
        rows = [((fill.market, fill.order_id, fill.id), fill) for fill in found.fills]
        news: list[tuple[Channel, RailsOrder | Fill]] = [
            *((Channel.ORDERS, order) for order in self._orders.reconcile(found.orders)),
            *((Channel.FILLS, fill) for fill in self._fills.news(rows)),
        ]
        for channel, event in news:
            for stream in self._streams(channel, event.market):
                if stream in missed:
                    fresh.setdefault(stream, []).append(event)
        return fresh

    def repaired(self, stream: Stream) -> None:
        """A stream is whole, or as whole as it gets."""
        self._resuming.discard(stream)
        if self._group.is_up and not stream.is_over:
            stream.lost_at = None
            self._live(stream)

    def lost(self) -> None:
        """No connection is up."""
        self._resuming.clear()

    def _gap(self, session: RailsSession, stream: Stream, reason: str, out: Delivery) -> None:
        session.gaps += 1
        key = stream.key
        out.gap(Gap(key.channel, key.market, reason=reason, connection=session.name, received_at=time.time()))
