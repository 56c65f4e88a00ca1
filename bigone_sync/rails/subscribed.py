"""What one connection is subscribed to: what it has been asked to bring, and what the exchange says that it does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ..delivery import Delivery
from ..enums import Channel
from ..errors import ConnectionLost
from ..protocol.base import Frame
from ..protocol.rails import RailsProtocol
from ..protocol.rails_news import Active, Answer
from ..transport.connection import Connection

__all__ = ["Subscribed"]

# Requests in a row that had no effect, after which the connection itself is doubted.
_MISSES = 3
_REFUSED = 400


@dataclass
class _Asked:
    """A request that waits for its answer."""

    channels: frozenset[Channel]
    deadline: float
    is_unsubscribe: bool


class Subscriber(Protocol):
    """A session, as far as its subscriptions are concerned."""

    name: str
    protocol: RailsProtocol
    connection: Connection

    def send_soon(self, frame: Frame) -> None:
        """Queue a frame."""

    def brings(self, out: Delivery) -> None:
        """The exchange said what is active."""

    def dropped(self, channels: frozenset[Channel], now: float, out: Delivery) -> None:
        """The exchange does not bring these, and should."""

    def refused_streams(self, channels: frozenset[Channel], answer: Answer, out: Delivery) -> None:
        """The exchange refuses to bring these."""


class Subscribed:
    """Under the group's lock.

    Args:
        session: whose connection this is about.
        reply: seconds that an answer may take.
        clock: seconds, monotonic.
    """

    def __init__(self, session: Subscriber, reply: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.channels: frozenset[Channel] = frozenset()
        """What this connection has been asked to bring."""
        self.active: frozenset[Channel] = frozenset()
        """What it brings, by the exchange's word, the only truth about that (Rails protocol, section 3.3)."""
        self._session, self._reply, self._clock = session, reply, clock
        self._asked: dict[str, _Asked] = {}
        self._misses = 0

    def reset(self) -> None:
        """A new connection, or none."""
        self.active = frozenset()
        self._asked.clear()
        self._misses = 0

    def subscribe(self, channels: frozenset[Channel]) -> None:
        """Ask for streams, which is harmless where they are active (section 3.3)."""
        self.channels |= channels
        self._ask(channels, is_unsubscribe=False)

    def unsubscribe(self, channels: frozenset[Channel]) -> None:
        """Ask for their end."""
        self.channels -= channels
        self._ask(channels, is_unsubscribe=True)

    def _ask(self, channels: frozenset[Channel], *, is_unsubscribe: bool) -> None:
        requests = self._session.protocol.requests
        make = requests.unsubscribe if is_unsubscribe else requests.subscribe
        request_id, frame = make(sorted(channels, key=str))
        self._asked[request_id] = _Asked(channels, self._clock() + self._reply, is_unsubscribe)
        self._session.send_soon(frame)

    def heard(self, news: Active, now: float, out: Delivery) -> None:
        """What is active; what should be and is not is asked for again."""
        self.active = news.channels
        if news.request_id is None:
            self._asked.clear()
        else:
            self._asked.pop(news.request_id, None)
        self._session.brings(out)
        if self._asked:
            return
        missing, idle = self.channels - news.channels, news.channels - self.channels
        self._misses = self._misses + 1 if missing or idle else 0
        if self._misses >= _MISSES:
            self._give_up("the exchange does not follow requests to subscribe")
            return
        if missing:
            self._ask(missing, is_unsubscribe=False)
            self._session.dropped(missing, now, out)
        if idle:
            self._ask(idle, is_unsubscribe=True)

    def refused(self, answer: Answer, out: Delivery) -> bool:
        """Whether it refuses a request to subscribe; one to several, perhaps because of one of them."""
        asked = self._asked.pop(answer.request_id, None) if answer.request_id is not None else None
        if asked is None or asked.is_unsubscribe or (answer.status_code or 0) < _REFUSED:
            return False
        if len(asked.channels) > 1:
            for channel in sorted(asked.channels, key=str):
                self._ask(frozenset({channel}), is_unsubscribe=False)
        else:
            self.channels -= asked.channels
            self._session.refused_streams(asked.channels, answer, out)
        return True

    def check(self, now: float) -> None:
        """Ask again what was not answered in time."""
        late = [request_id for request_id, asked in self._asked.items() if now > asked.deadline]
        if not late:
            return
        unanswered = [self._asked.pop(request_id) for request_id in late]
        self._misses += 1
        if self._misses >= _MISSES:
            self._give_up(f"no answer to requests to subscribe, {_MISSES} times")
            return
        for one in unanswered:
            self._ask(one.channels, is_unsubscribe=one.is_unsubscribe)

    def _give_up(self, why: str) -> None:
        self._session.connection.kill(ConnectionLost(f"{self._session.name}: {why}", cause="no answer"))
