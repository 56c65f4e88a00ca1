"""Who watches which contract channel, and the way of a frame to all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bigone_sync.testing._connection import TEXT, Link
from bigone_sync.testing._contract_faults import Channel, ContractFaults
from bigone_sync.testing._contract_json import dump
from bigone_sync.testing._roster import Roster
from bigone_sync.testing._spot_faults import Faults

STREAM = Channel("stream")


class ContractSocket(Link):
    """One socket of the contract exchange: its URL was its subscription."""

    def __init__(
        self,
        number: int,
        ws: web.WebSocketResponse,
        transport: asyncio.Transport,
        channel: Channel,
        *,
        backlog: int,
        stall: float,
    ) -> None:
        super().__init__(number, ws, transport, backlog=backlog, stall=stall)
        self.channel = channel


class ContractHub(Roster[ContractSocket]):
    """Routes frames to sockets; used on the exchange's loop only."""

    def __init__(self, faults: Faults, contract_faults: ContractFaults) -> None:
        super().__init__()
        self._faults = faults
        self._contract_faults = contract_faults
        self._watchers: dict[Channel, dict[ContractSocket, None]] = {}

    def add(self, connection: ContractSocket) -> None:
        """Take a socket in; from now on it gets what is published in its channel."""
        super().add(connection)
        self._watchers.setdefault(connection.channel, {})[connection] = None

    def remove(self, connection: ContractSocket) -> None:
        """Forget a socket; harmless when it is forgotten already."""
        super().remove(connection)
        watching = self._watchers.get(connection.channel)
        if watching is None:
            return
        watching.pop(connection, None)
        if not watching:
            del self._watchers[connection.channel]
            if connection.channel.name == "depth":
                self._faults.held.pop(connection.channel.symbol, None)

    def selected(self, selector: str | None) -> list[ContractSocket]:
        """The sockets that a selector means, oldest first."""
        return [socket for socket in self.all() if socket.channel.is_meant(selector)]

    def periods(self, symbol: str) -> list[str]:
        """The candle periods of a contract that somebody watches."""
        return [key.period for key in self._watchers if key.name == "candlesticks" and key.symbol == symbol]

    def is_watched(self, channel: Channel) -> bool:
        """Whether somebody would get a frame of this channel."""
        return channel in self._watchers and f"contract/{channel.name}" not in self._faults.muted

    def publish(self, channel: Channel, frame: Callable[[], Any]) -> None:
        """Send a frame to all who watch a channel; it is made only if there is somebody."""
        if self.is_watched(channel):
            self._write(channel, dump(frame()))

    def publish_depth(self, symbol: str, frame: Callable[[], dict[str, Any]]) -> None:
        """Send a depth delta, or what the faults have made of it."""
        channel = Channel("depth", symbol)
        if self.is_watched(channel):
            text = dump(self._contract_faults.shape(symbol, frame()))
            for one in self._faults.shape_depth(symbol, text):
                self._write(channel, one)

    def greet(self, socket: ContractSocket, frame: Any) -> None:
        """Send a first frame to one socket."""
        channel = socket.channel
        if f"contract/{channel.name}" in self._faults.muted:
            return
        if channel.name == "depth":
            frame = self._contract_faults.shape(channel.symbol, frame)
        socket.send(TEXT, dump(frame).encode())

    def _write(self, channel: Channel, text: str) -> None:
        payload = text.encode()
        for socket in list(self._watchers.get(channel, ())):
            socket.send(TEXT, payload)
