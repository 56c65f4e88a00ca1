"""How the exchange answers a request: with success, an error, or a body that updates follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bigone_sync.testing._connection import Connection
from bigone_sync.testing._spot_faults import INTERNAL_ERROR, Faults
from bigone_sync.testing._spot_hub import Hub, Key
from bigone_sync.testing._spot_requests import Request

__all__ = ["OK", "Answers", "Handler"]

OK = '{"ok":true}'
"""Body of ``success``."""

Handler = Callable[[Connection, Request], None]
"""Does what one kind of request asks for, and answers it."""


class Answers:
    """What the handlers of all requests have in common; used on the exchange's loop only."""

    def __init__(self, hub: Hub, faults: Faults) -> None:
        self._hub = hub
        self._faults = faults

    def succeed(self, connection: Connection, request: Request) -> None:
        """Answer ``success``."""
        self._hub.answer(connection, request.id, "success", OK)

    def refuse(self, connection: Connection, request: Request, reason: str) -> None:
        """Answer with error 45000."""
        self._hub.error(connection, request.id, INTERNAL_ERROR, f"GRPC error: {reason}")

    def subscribe(
        self,
        connection: Connection,
        request: Request,
        keys: Iterable[Key],
        member: str,
        body: Callable[[], str],
        *,
        replaces: str | None = None,
    ) -> None:
        """Answer with the body, then let updates follow; nothing can happen in between.

        Args:
            replaces: the channel of which the connection has no other streams afterwards.
        """
        silent = self._faults.silent_snapshots.take()
        taken = not silent or self._faults.silent_snapshots.deliver_updates
        if taken and replaces is not None:
            self._hub.unsubscribe_channel(connection, replaces)
        channels = set()
        for key in keys:
            channels.add(key.channel)
            if taken:
                self._hub.subscribe(connection, key, request.id)
        if not silent and (member == "success" or not channels & self._faults.muted):
            self._hub.answer(connection, request.id, member, body())

    def unsubscribe_from(self, channel: str, detail: str = "") -> Handler:
        """A handler that ends one stream, named by the request's market and by the parameter ``detail``."""

        def unsubscribe(connection: Connection, request: Request) -> None:
            key = Key(channel, request.params.get("market", ""), request.params.get(detail, ""))
            self._hub.unsubscribe(connection, key)
            self.succeed(connection, request)

        return unsubscribe
