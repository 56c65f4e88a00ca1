"""One socket of the contract exchange, spoken to a protocol without any socket."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from bigone_sync.enums import CandlePeriod, Channel
from bigone_sync.errors import BigOneError
from bigone_sync.events import Event, SubscriptionKey
from bigone_sync.protocol.base import Broken, Item, Missing, Problem, Resumed, Route, Touch
from bigone_sync.protocol.contract import ContractProtocol, Socket

AT = 1700000000.25
BTC, ETH = "BTCUSD", "ETHUSD"
NAME = "contract/test"
PONG = b'{"pong":1}'


def utc(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)


class Keeper:
    """What was put where values are kept."""

    def __init__(self) -> None:
        self.puts: list[tuple[list[Any], bool]] = []

    def put(self, values: Sequence[Any], at: float, *, whole: bool) -> None:
        assert at == AT
        self.puts.append((list(values), whole))


class Line:
    """A protocol on its first socket, its routes and short ways to talk to it."""

    def __init__(
        self,
        channel: Channel | None,
        market: str | None = None,
        period: CandlePeriod | None = None,
        *,
        wanted: bool = True,
    ) -> None:
        self.kept = {kind: Keeper() for kind in (Channel.CASH, Channel.POSITIONS, Channel.INSTRUMENTS)}
        self.protocol = ContractProtocol(Socket(channel, market, period), connection=NAME, kept=dict(self.kept))
        self.protocol.opened()
        if channel is not None and wanted:
            self.route = self.add(channel, market, period)

    def add(self, channel: Channel, market: str | None = None, period: CandlePeriod | None = None) -> Route:
        return self.protocol.add(SubscriptionKey(channel, market, period), owner=object())

    def send(self, *messages: Any) -> list[Item]:
        """What the protocol makes of ``messages``: JSON values, or frames as they are, in one read."""
        return self.protocol.receive([frame(message) for message in messages], AT)

    def again(self, *messages: Any) -> list[Item]:
        """The same on a new socket."""
        self.protocol.opened()
        return self.send(*messages)


def frame(message: Any) -> bytes:
    return message if isinstance(message, bytes) else json.dumps(message).encode()


def events(items: Sequence[Item]) -> list[Any]:
    """All events, in order; every group of them has some."""
    found: list[Event] = []
    for route, what in items:
        if route is not None:
            assert isinstance(what, list)
            assert what
            found.extend(what)
    return found


def by_route(items: Sequence[Item]) -> list[tuple[SubscriptionKey, list[Any]]]:
    return [(route.key, list(what)) for route, what in items if route is not None and isinstance(what, list)]


def _controls(items: Sequence[Item], kind: type[Any]) -> list[Any]:
    return [what for route, what in items if route is None and isinstance(what, kind)]


def problems(items: Sequence[Item]) -> list[BigOneError]:
    return [problem.error for problem in _controls(items, Problem)]


def breaks(items: Sequence[Item]) -> list[Broken]:
    return _controls(items, Broken)


def holes(items: Sequence[Item]) -> list[Missing]:
    resumed = [gap for control in _controls(items, Resumed) for gap in control.gaps]
    return [*resumed, *_controls(items, Missing)]


def touches(items: Sequence[Item]) -> list[Touch]:
    return _controls(items, Touch)
