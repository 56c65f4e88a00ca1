"""The door of the Rails half: query and subprotocol decide (Rails protocol, sections 1.2, 1.3 and 10)."""

from __future__ import annotations

from aiohttp import web

from bigone_sync.testing._connection import transport_of
from bigone_sync.testing._door import Door
from bigone_sync.testing._rails_faults import RailsFaults
from bigone_sync.testing._rails_hub import RailsHub, RailsSocket
from bigone_sync.testing._rails_limits import MinuteLimit
from bigone_sync.testing._rails_options import ALL, RailsOptions
from bigone_sync.testing._rails_requests import RailsRefused
from bigone_sync.testing._rails_service import RailsService
from bigone_sync.testing._rails_tokens import RailsTokens
from bigone_sync.testing._rails_venue import RailsVenue

__all__ = ["RailsGate"]

_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _TOO_MANY = 400, 401, 403, 429
_PROTOCOL = "Sec-WebSocket-Protocol"
_OTHER = "authorization"


class RailsGate:
    """Serves the sockets at the root path.

    What a refused handshake says beside its status is not documented; here nothing. An empty ``subscriptions`` means
    no stream, and an unknown name in it 400; neither is documented.

    Args:
        limit: of new connections; refused handshakes do not count.
    """

    def __init__(
        self,
        options: RailsOptions,
        door: Door,
        *,
        hub: RailsHub,
        venue: RailsVenue,
        service: RailsService,
        tokens: RailsTokens,
        faults: RailsFaults,
        limit: MinuteLimit,
    ) -> None:
        self._options = options
        self._door = door
        self._hub = hub
        self._venue = venue
        self._service = service
        self._tokens = tokens
        self._faults = faults
        self._limit = limit
        self._accepted = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Handle one handshake and, if it is accepted, the whole life of the socket."""
        self._door.knock(request)
        streams = self._admit(request)
        if isinstance(streams, int):
            refusal = web.Response(status=streams)
            refusal.force_close()
            return refusal
        self._venue.wake()
        offered = request.headers[_PROTOCOL]
        # The library would write to its log what it cannot agree to, which here is a credential.
        kept = {name: value for name, value in request.headers.items() if name.lower() != _PROTOCOL.lower()}
        bare = request.clone(headers=kept)
        ws = await self._door.upgrade(bare, headers=self._answer(offered))
        if ws is None:
            return web.Response(status=_BAD_REQUEST)
        self._accepted += 1
        socket = RailsSocket(
            self._accepted,
            ws,
            transport_of(request),
            market=request.query["market"],
            streams=streams,
            backlog=self._door.backlog_limit,
            stall=self._door.stall_limit,
        )
        self._hub.add(socket)
        try:
            await self._door.read(socket, ws, lambda data: self._service.handle(socket, data))
        finally:
            self._hub.remove(socket)
            await socket.finished()
        return ws

    def _admit(self, request: web.Request) -> list[str] | int:
        """The streams that a connection begins with, or the status that the handshake is answered with."""
        market = request.query.get("market")
        words = request.query.get("subscriptions", self._options.spoken.word("orders"))
        try:
            streams = self._service.streams(word for word in words.split(",") if word)
        except RailsRefused:
            return _BAD_REQUEST
        if market != ALL and market not in self._venue.names:
            return _BAD_REQUEST
        ordered = self._faults.take_handshake()
        if ordered is not None:
            return ordered
        return self._check_login(request.headers.getall(_PROTOCOL, [])) or streams

    def _check_login(self, offered: list[str]) -> int | None:
        """The status that a handshake is refused with for its token or for the limits."""
        if len(offered) != 1 or not self._tokens.is_protocol(offered[0].strip()):
            return _UNAUTHORIZED
        most = self._options.connection_limit
        if self._options.read_only or (most is not None and len(self._hub.connections) >= most):
            return _FORBIDDEN
        return None if self._limit.take() else _TOO_MANY

    def _answer(self, offered: str) -> dict[str, str]:
        """What the 101 says of the subprotocol, which is not documented."""
        answers = {"exact": {_PROTOCOL: offered.strip()}, "other": {_PROTOCOL: _OTHER}}
        return answers.get(self._options.echo, {})
