"""The door of the spot exchange: the handshake, and reading a connection to its end."""

from __future__ import annotations

import logging

from aiohttp import web

from bigone_sync.testing._connection import Connection, Encoding, transport_of
from bigone_sync.testing._door import Door
from bigone_sync.testing._spot_encoding import SUBPROTOCOLS, Encodings
from bigone_sync.testing._spot_faults import Faults
from bigone_sync.testing._spot_hub import Hub
from bigone_sync.testing._spot_service import SpotService

logger = logging.getLogger("bigone_sync.testing")

_DENIED = "<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY><H1>Access Denied</H1></BODY></HTML>"


class SpotGate:
    """Lets clients in that offer the subprotocol ``json`` or ``proto``, and serves them (spot protocol, section 1)."""

    def __init__(self, door: Door, service: SpotService, hub: Hub, faults: Faults, encodings: Encodings) -> None:
        self._door = door
        self._service = service
        self._hub = hub
        self._faults = faults
        self._encodings = encodings
        self._accepted = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Handle one handshake and, if it is accepted, the whole life of the connection."""
        self._door.knock(request)
        subprotocol = _chosen(request)
        admitted = self._admit(subprotocol)
        if isinstance(admitted, web.Response):
            admitted.force_close()
            return admitted
        ws = await self._door.upgrade(request, (subprotocol,))
        if ws is None:
            # It went away before it was answered: no news, and no traceback of the server's.
            return web.Response(status=400)
        self._accepted += 1
        backlog, stall = self._door.backlog_limit, self._door.stall_limit
        connection = Connection(self._accepted, ws, transport_of(request), admitted, backlog=backlog, stall=stall)
        self._hub.add(connection)
        try:
            await self._door.read(connection, ws, lambda data: self._service.handle(connection, data))
        finally:
            self._hub.remove(connection)
            await connection.finished()
        return ws

    def _admit(self, subprotocol: str) -> Encoding | web.Response:
        """How the connection is to be spoken to, or what the handshake is answered with instead."""
        ordered = self._faults.take_handshake()
        if ordered is not None:
            return web.Response(status=ordered.status, headers=ordered.headers, body=ordered.body)
        if not subprotocol:
            return web.Response(status=403, text=_DENIED, content_type="text/html")
        try:
            return self._encodings.of(subprotocol)
        except ImportError as error:
            logger.exception("the local exchange cannot speak %s", subprotocol)
            return web.Response(status=403, text=f"subprotocol {subprotocol} is not available: {error}")


def _chosen(request: web.Request) -> str:
    """The first offered subprotocol that is spoken here; "" if there is none."""
    offered = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    return next((name for name in offered if name in SUBPROTOCOLS), "")
