"""The door of the contract exchange: the URL is the subscription (contract protocol, sections 1, 2 and 8)."""

from __future__ import annotations

import json
from collections.abc import Callable

from aiohttp import web

from bigone_sync.testing._connection import TEXT, transport_of
from bigone_sync.testing._contract_faults import NAMES, Channel, ContractFaults
from bigone_sync.testing._contract_hub import STREAM, ContractHub, ContractSocket
from bigone_sync.testing._contract_tape import PERIODS
from bigone_sync.testing._door import Door
from bigone_sync.testing._spot_auth import Authenticator, Refused
from bigone_sync.testing._spot_faults import Faults

_BAD_PARAMETERS = 400
_UNAUTHORIZED = 401
_NO_SUCH_CHANNEL = 204


class ContractGate:
    """Serves one channel of one contract on each socket.

    Args:
        is_known: whether there is a contract of that name, for the channel of that name.
        first_frames: what a new socket of a channel gets before anything else.
        entered: told of each channel when a socket of it has got its first frame.
    """

    def __init__(
        self,
        door: Door,
        hub: ContractHub,
        faults: Faults,
        contract_faults: ContractFaults,
        *,
        authenticator: Authenticator,
        now_ns: Callable[[], int],
        is_known: Callable[[str, str], bool],
        first_frames: Callable[[Channel], list[object]],
        entered: Callable[[Channel], None],
    ) -> None:
        self._door = door
        self._hub = hub
        self._faults = faults
        self._contract_faults = contract_faults
        self._authenticator = authenticator
        self._now_ns = now_ns
        self._is_known = is_known
        self._first_frames = first_frames
        self._entered = entered
        self._accepted = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Handle one handshake and, if it is accepted, the whole life of the socket."""
        self._door.knock(request)
        channel = self._admit(request)
        if isinstance(channel, int):
            refusal = web.Response(status=channel)
            refusal.force_close()
            return refusal
        ws = await self._door.upgrade(request)
        if ws is None:
            return web.Response(status=_BAD_PARAMETERS)
        self._accepted += 1
        backlog, stall = self._door.backlog_limit, self._door.stall_limit
        socket = ContractSocket(self._accepted, ws, transport_of(request), channel, backlog=backlog, stall=stall)
        # Before the socket is there: the first call for a contract makes it, which is no news to anybody.
        frames = self._first_frames(channel)
        self._hub.add(socket)
        try:
            for frame in frames:
                self._hub.greet(socket, frame)
            self._entered(channel)
            await self._door.read(socket, ws, lambda data: self._answer(socket, data))
        finally:
            self._hub.remove(socket)
            await socket.finished()
        return ws

    def _admit(self, request: web.Request) -> Channel | int:
        """The channel that a handshake asks for, or the status that it is answered with."""
        channel = self._channel(request.match_info["channel"])
        if isinstance(channel, int):
            return channel
        ordered = self._contract_faults.take_handshake(channel)
        if ordered is not None:
            return ordered
        if channel == STREAM:
            try:
                self._authenticator.verify(request.headers.get("Authorization", ""), self._now_ns())
            except Refused:
                return _UNAUTHORIZED
        return channel

    def _channel(self, path: str) -> Channel | int:
        head, at, symbol = path.partition("@")
        name, slash, period = head.partition("/")
        if name not in NAMES or (slash and name != "candlesticks") or (at and name == "stream"):
            return _NO_SUCH_CHANNEL
        if not at:
            return Channel(name) if name in ("stream", "instruments") else _NO_SUCH_CHANNEL
        if name == "candlesticks" and period not in PERIODS:
            return _BAD_PARAMETERS
        return Channel(name, symbol, period) if self._is_known(name, symbol) else _BAD_PARAMETERS

    def _answer(self, socket: ContractSocket, data: str | bytes) -> None:
        """Any JSON object is a ping; other text is ignored."""
        if isinstance(data, bytes) or not self._faults.answer_pings:
            return
        try:
            message = json.loads(data, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return
        if isinstance(message, dict):
            pong = json.dumps({"pong": message.get("ping")}, separators=(",", ":"))
            socket.send(TEXT, pong.encode())


def _refuse(word: str) -> None:
    """NaN and Infinity are words of the standard library's, not of JSON's."""
    raise ValueError(word)
