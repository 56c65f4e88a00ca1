"""Snapshots that were asked for: of whom, and until when the answer may take (Rails protocol, sections 3.5 and 3.6)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..enums import Channel
from ..errors import ConnectionLost, RequestTimeout
from .session import RailsSession

__all__ = ["Asks"]

# Snapshots in a row that did not come, after which the connection itself is doubted.
_MISSES = 3

Place = tuple[Channel, str]
"""Whose snapshot it is: book or trades of a market."""


@dataclass
class _Ask:
    session: RailsSession
    request_id: str
    deadline: float


class Asks:
    """At most one for each book and each market's trades. Under the group's lock.

    Args:
        reply: seconds that an answer may take.
        clock: seconds, monotonic.
    """

    def __init__(self, reply: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._reply, self._clock = reply, clock
        self._open: dict[Place, _Ask] = {}

    def __contains__(self, place: Place) -> bool:
        return place in self._open

    def ask(self, place: Place, sessions: Sequence[RailsSession]) -> None:
        """Ask the first of ``sessions`` that brings the stream, by the exchange's word; nothing, if none does.

        What came before it did would be missing from what follows the snapshot.
        """
        channel, market = place
        session = next((session for session in sessions if channel in session.active), None)
        if session is None:
            return
        request_id, frame = session.protocol.requests.snapshot(channel, market)
        self._open[place] = _Ask(session, request_id, self._clock() + self._reply)
        session.send_soon(frame)

    def answered(self, place: Place, session: RailsSession) -> None:
        """A snapshot came on a connection."""
        ask = self._open.get(place)
        if ask is not None and ask.session is session:
            session.snapshot_misses = 0
            self.forget(place)

    def forget(self, place: Place) -> None:
        """It is not waited for any more."""
        ask = self._open.pop(place, None)
        if ask is not None:
            ask.session.protocol.requests.give_up(ask.request_id)

    def refused(self, request_id: str) -> tuple[Place, RailsSession, str] | None:
        """What a request was for, of whom, and its name on the wire, if it is open; it is not any more."""
        for place, ask in self._open.items():
            if ask.request_id == request_id:
                self.forget(place)
                self._missed(place, ask.session)
                return place, ask.session, ask.session.protocol.requests.word_of(place[0])
        return None

    def lost(self, session: RailsSession) -> None:
        """A connection is gone."""
        for place in [place for place, ask in self._open.items() if ask.session is session]:
            self.forget(place)

    def keep(self, books: set[str], trades: set[str]) -> None:
        """Only these markets are still wanted."""
        for place in list(self._open):
            if place[1] not in (books if place[0] == Channel.DEPTH else trades):
                self.forget(place)

    def overdue(self) -> list[tuple[Place, RailsSession, RequestTimeout]]:
        """Those that were not answered in time; they are forgotten."""
        now, late = self._clock(), []
        for place, ask in list(self._open.items()):
            session = ask.session
            if now <= ask.deadline or session.connection.is_delivering:
                continue
            self.forget(place)
            command = session.protocol.requests.word_of(place[0])
            text = f"{session.name}: no answer to {command} for {place[1]} within {self._reply:g} s"
            late.append((place, session, RequestTimeout(text, request_id=ask.request_id, command=command)))
            self._missed(place, session)
        return late

    def _missed(self, place: Place, session: RailsSession) -> None:
        session.snapshot_misses += 1
        if place[0] == Channel.DEPTH and session.snapshot_misses >= _MISSES:
            text = f"{session.name}: no book, though it was asked for {_MISSES} times"
            session.connection.kill(ConnectionLost(text, cause="no answer"))
