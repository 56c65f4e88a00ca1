"""The part of `LocalExchange` that tells who is connected and what was asked for."""

from __future__ import annotations

from typing import Any

from bigone_sync.testing._door import Door
from bigone_sync.testing._spot_base import Base
from bigone_sync.testing._spot_hub import Subscription
from bigone_sync.testing._spot_service import SpotService


class Observing(Base):
    """Views of the connections, and their limits. All may be used from any thread."""

    _door: Door
    _service: SpotService

    @property
    def connection_count(self) -> int:
        """How many sockets of clients are open, those of contracts and Rails included."""
        return self._call(lambda: sum(len(roster.connections) for roster in self._rosters()))

    @property
    def handshakes(self) -> int:
        """How many handshakes were asked for, refused ones included."""
        return self._call(lambda: self._door.handshakes)

    @property
    def handshake_headers(self) -> list[dict[str, str]]:
        """The HTTP headers of the latest handshakes, oldest first (the last thousand); tokens are "***"."""
        return self._call(lambda: list(self._door.headers))

    @property
    def requests(self) -> list[tuple[int, dict[str, Any]]]:
        """(number of the connection, request) in order of arrival; tokens are "***". The last 100,000.

        Requests in protobuf are shown in the form that they have in JSON. Missing is what could not be read at all:
        what is no object of JSON, and every malformed request in protobuf, of which an unknown field is enough.
        """
        return self._call(lambda: list(self._service.requests))

    def subscriptions(self) -> list[Subscription]:
        """Every subscription there is at the moment."""
        return self._call(self._hub.subscriptions)

    @property
    def slow_clients_dropped(self) -> int:
        """How many connections were dropped because their client did not read."""
        return self._call(lambda: sum(roster.dropped_slow for roster in self._rosters()))

    @property
    def backlog_limit(self) -> int:
        """Bytes a client may leave unread before its connection is dropped; settable, for new connections."""
        return self._door.backlog_limit

    @backlog_limit.setter
    def backlog_limit(self, size: int) -> None:
        self._call(lambda: setattr(self._door, "backlog_limit", size))

    @property
    def stall_limit(self) -> float:
        """Seconds a client may leave a backlog untouched before its connection is dropped; for new connections."""
        return self._door.stall_limit

    @stall_limit.setter
    def stall_limit(self, seconds: float) -> None:
        self._call(lambda: setattr(self._door, "stall_limit", seconds))
