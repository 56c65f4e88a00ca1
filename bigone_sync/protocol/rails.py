"""Rails as one connection speaks it (Rails protocol, sections 2 to 6).

Both dialects are understood always; which one is spoken concerns requests only.  Neither the order of members nor
members that this version does not know matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..errors import UnknownMessage
from ..redact import redact
from .base import CodecError, Problem
from .contract_values import Members, members_of, name, named
from .json_text import NOT_JSON
from .rails_answers import Answers
from .rails_frames import DELTAS, FILLS, SNAPSHOTS, StreamFrame, tolerant, usual
from .rails_news import BookLost, News
from .rails_requests import ALL, Dialect, RailsRequests
from .rails_streams import Streams
from .report import Reporter, excerpt_of

__all__ = ["RailsProtocol"]

_UNKNOWN_KINDS = 100
_LONGEST_KIND = 60
_STREAMS = frozenset(DELTAS) | frozenset(SNAPSHOTS)


class RailsProtocol:
    """What one Rails connection says and understands. Not thread-safe: its session serialises the calls.

    Args:
        connection: name of the connection, stamped on events and errors.
        market: what it was opened for: one name, or ``ALL``.
        make_id: returns a new UUID as text, for requests.
        dialect: whose names requests use.
        modify_names: see :class:`RailsRequests`.

    Raises:
        ConfigurationError: ``modify_names`` are none.
    """

    def __init__(
        self,
        *,
        connection: str,
        market: str,
        make_id: Callable[[], str],
        dialect: Dialect = Dialect.CURRENT,
        modify_names: Mapping[str, str] | None = None,
    ) -> None:
        self.requests = RailsRequests(market=market, dialect=dialect, make_id=make_id, modify_names=modify_names)
        """Makes all that can be sent."""
        self._connection, self._market = connection, market
        self._reporter = Reporter(connection)
        self._streams = Streams(self._reporter, self.requests, market)
        self._answers = Answers(self._reporter)
        self._unknown: set[str] = set()
        self.unknown_messages = 0
        """Messages of kinds that this version does not know."""

    @property
    def decode_errors(self) -> int:
        """Frames, or items of frames, that could not be read."""
        return self._reporter.decode_errors

    @property
    def unrouted(self) -> int:
        """Messages of public streams of another market, or of one that nothing tells."""
        return self._reporter.unrouted

    def opened(self) -> None:
        """A new socket: nothing that comes answers what was asked before."""
        self.requests.opened()
        self._streams.opened()

    def receive(self, frames: Iterable[bytes], received_at: float) -> list[News]:
        """What the payloads of one read mean, in order. Never raises because of what the exchange sent."""
        news: list[News] = []
        for data in frames:
            try:
                frame = _usual_stream(data)
                if frame is not None:
                    self._streams.read(frame, data, received_at, news)
                else:
                    self._receive_other(data, received_at, news)
            except CodecError as error:
                self._undecodable(error, data, news)
        return news

    def _receive_other(self, data: bytes, at: float, news: list[News]) -> None:
        """A message of another kind, a refusal, or one that is not as usual."""
        members = members_of(data)
        kind, content = named(members, "resultType"), members.get("data")
        if kind == FILLS and content is not None and bytes(content)[:1] == b"[":
            self._answers.fills(content, data, at, news)
            return
        if kind in _STREAMS:
            frame = tolerant(members)
            if not _is_answer(frame):
                self._streams.read(frame, data, at, news)
                return
            if frame.data.client_request_id is not None:
                self.requests.give_up(frame.data.client_request_id)
        if not self._answers.read(kind, content, data, at, news):
            self._on_unknown(kind, data, news)

    def _on_unknown(self, kind: str, data: bytes, news: list[News]) -> None:
        self.unknown_messages += 1
        # Bounded, should the peer make up a new name each time.
        if kind not in self._unknown and len(self._unknown) < _UNKNOWN_KINDS:
            self._unknown.add(kind)
            error = UnknownMessage(
                f"{self._connection}: message of unknown kind {redact(kind)[:_LONGEST_KIND]!r};"
                " further ones are only counted",
                connection=self._connection,
                excerpt=excerpt_of(data),
            )
            news.append(Problem(error))

    def _undecodable(self, error: CodecError, data: bytes, news: list[News]) -> None:
        news.append(self._reporter.problem(error, data))
        # Also where nothing else of the frame could be read.
        if b"rderBookDelta" in data:
            news.append(BookLost(self._market if self._market != ALL else _market_in(data)))


def _usual_stream(data: bytes) -> StreamFrame | None:
    """A public stream's message in its usual shape; None: it is none, or says that something failed."""
    try:
        frame = usual(data)
    except NOT_JSON:
        return None
    return None if frame.result_type not in _STREAMS or frame.is_refused else frame


def _is_answer(frame: StreamFrame) -> bool:
    """Whether it refuses a snapshot, rather than that it is one."""
    return frame.is_refused and frame.result_type in SNAPSHOTS


def _market_in(data: bytes) -> str | None:
    """The market that a broken frame names, if it can be read."""
    try:
        members: Members = members_of(data)
        return name(members, "market")
    except CodecError:
        return None
