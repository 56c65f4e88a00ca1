"""Depth on the spot socket: snapshots, updates and their chain (spot protocol, section 6.1)."""

from __future__ import annotations

from ..errors import SequenceGap
from ..events import DepthSnapshot, DepthUpdate, Levels, LevelText
from . import spot_events as convert
from .base import Broken, CodecError, Item, Route
from .messages import Message, WireDepth, WireDepthMessage
from .sequence import Verdict
from .spot_context import Handler, StreamKind

__all__ = ["DepthStreams"]


def _given(levels: tuple[LevelText, ...]) -> tuple[LevelText, ...]:
    return levels


class DepthStreams(StreamKind):
    """Routed by market."""

    def handlers(self) -> dict[str, Handler]:
        """The live envelope, and the guide's flat one."""
        return {"depthSnapshot": self.snapshot, "depthUpdate": self.update, "marketDepth": self.flat}

    def _find(self, message: Message) -> tuple[Route | None, WireDepthMessage, WireDepth]:
        body: WireDepthMessage = message.body
        depth = body.depth
        if depth is None or not depth.market:
            raise CodecError(f"{message.kind}: no market")
        route = self.routes.get(depth.market)
        if route is None:
            self.context.unrouted += 1
        return route, body, depth

    def flat(self, message: Message, at: float, items: list[Item]) -> None:
        """The guide's form: an update if it names a ``prevId``, else a snapshot."""
        if convert.integer(message.body.prev_id, "prevId"):
            self.update(message, at, items)
        else:
            self.snapshot(message, at, items)

    def snapshot(self, message: Message, at: float, items: list[Item]) -> None:
        """Begin the chain anew."""
        route, body, depth = self._find(message)
        if route is None:
            return
        change_id = convert.integer(body.change_id, "changeId")
        self.context.requests.answered(message, route, items)
        route.sequence.snapshot(change_id)
        event = DepthSnapshot(
            depth.market or "",
            Levels(depth.bids or (), _given),
            Levels(depth.asks or (), _given),
            change_id,
            connection=self.context.connection,
            received_at=at,
        )
        items.append((route, [event]))

    def update(self, message: Message, at: float, items: list[Item]) -> None:
        """Continue the chain, or find that it is broken."""
        route, body, depth = self._find(message)
        if route is None:
            return
        prev = convert.integer(body.prev_id, "prevId")
        change = convert.integer(body.change_id, "changeId")
        verdict = route.sequence.check(prev, change)
        if verdict is Verdict.ACCEPT:
            event = DepthUpdate(
                depth.market or "",
                Levels(depth.bids or (), _given),
                Levels(depth.asks or (), _given),
                change,
                prev,
                connection=self.context.connection,
                received_at=at,
            )
            items.append((route, [event]))
        elif verdict is Verdict.DUPLICATE:
            self.context.duplicates += 1
        elif verdict is Verdict.HELD:
            self.context.held_back += 1
        else:
            items.append((None, Broken.at(route, self._gap(route, prev))))

    def _gap(self, route: Route, prev: int) -> SequenceGap:
        name, market, expected = self.context.connection, route.key.market or "", route.sequence.expected
        return SequenceGap(
            f"{name}: {market}: an update continues {prev}, expected was {expected}",
            market=market,
            expected=expected,
            got=prev,
            connection=name,
        )
