"""What the doors of the exchange share: who knocked, the upgrade to a WebSocket, and reading it to its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from aiohttp import WSMsgType, web

from bigone_sync.testing._connection import PONG, Link
from bigone_sync.testing._spot_faults import Faults

_MAX_REQUEST = 1 << 20
_CLOSE_TIMEOUT = 2.0
_KEPT_HEADERS = 1_000
_SECRET_HEADERS = ("authorization", "proxy-authorization")
# The Rails half, at the root, takes its token as a subprotocol (Rails protocol, section 1.3).
_SECRET_AT_ROOT = (*_SECRET_HEADERS, "sec-websocket-protocol")
_HIDDEN = "***"


class Door:
    """One for all paths of the port; used on the exchange's loop only."""

    def __init__(self, faults: Faults) -> None:
        self.handshakes = 0
        self.headers: deque[dict[str, str]] = deque(maxlen=_KEPT_HEADERS)
        self.backlog_limit = 32 * 1024 * 1024
        self.stall_limit = 30.0
        self._faults = faults

    def knock(self, request: web.Request) -> None:
        """Note a handshake; what it says of a login is not kept."""
        self.handshakes += 1
        secret = _SECRET_AT_ROOT if request.path == "/" else _SECRET_HEADERS
        self.headers.append(
            {name: _HIDDEN if name.lower() in secret else value for name, value in request.headers.items()}
        )

    async def upgrade(
        self, request: web.Request, protocols: Iterable[str] = (), headers: Mapping[str, str] | None = None
    ) -> web.WebSocketResponse | None:
        """Accept a handshake; None if the client has gone meanwhile.

        Args:
            headers: of the answer, beside those that make it one.
        """
        ws = web.WebSocketResponse(
            protocols=tuple(protocols),
            autoping=False,
            compress=False,
            timeout=_CLOSE_TIMEOUT,
            max_msg_size=_MAX_REQUEST,
        )
        ws.headers.update(headers or {})
        try:
            await ws.prepare(request)
        except ConnectionError:
            return None
        return ws

    async def read(self, link: Link, ws: web.WebSocketResponse, handle: Callable[[str | bytes], None]) -> None:
        """Hand over every message until the connection ends, and answer ping frames."""
        while True:
            message = await ws.receive()
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                if link.is_open:
                    handle(message.data)
            elif message.type is WSMsgType.PING:
                if self._faults.answer_pings:
                    link.send(PONG, message.data)
            elif message.type is not WSMsgType.PONG:
                return
