"""`LocalExchange`: BigONE spot on this machine, true to the protocol, seeded, and misbehaving on command."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Coroutine, Iterable, Mapping
from decimal import Decimal
from types import TracebackType
from typing import Any

from bigone_sync.testing._server import LoopServer
from bigone_sync.testing._spot_auth import Authenticator
from bigone_sync.testing._spot_desks import Desks
from bigone_sync.testing._spot_encoding import Encodings
from bigone_sync.testing._spot_faults import Faults
from bigone_sync.testing._spot_gate import SpotGate
from bigone_sync.testing._spot_holdings import Holdings
from bigone_sync.testing._spot_hub import Hub, Subscription
from bigone_sync.testing._spot_misbehaviour import Misbehaviour
from bigone_sync.testing._spot_replay import Replay
from bigone_sync.testing._spot_service import SpotService
from bigone_sync.testing._spot_trading import Trading
from bigone_sync.testing._spot_venue import Venue, default_balances
from bigone_sync.testing._spot_wire import SpotWire

__all__ = ["LocalExchange"]

logger = logging.getLogger("bigone_sync.testing")

_SPOT_PATH = "/ws/v2"
_GOING_AWAY = 1001
_SHORTEST_TICK = 0.005
_MOST_STEPS_A_TICK = 100
_CALL_TIMEOUT = 30.0


class LocalExchange(Trading, Holdings, Misbehaviour):
    """A BigONE spot exchange on a loopback port, in a thread of its own.

    Each connection is spoken to in the subprotocol that it has offered, ``json`` or ``proto`` (the first of both);
    clients of either may be connected at once. Protobuf is imported when it is first asked for.

    Use it as a context manager or call `start` and `close`. Every public method and property may be used from any
    thread; when a method returns, its effect has taken place. Observations also work before `start` and after
    `close`. The same seed gives the same markets, trade for trade; only the times differ.

    Args:
        seed: decides everything random.
        credentials: API key and secret of the one account there is.
        markets: names in the form ``BASE-QUOTE``.
        rate: steps per second and market; in a step an order comes or goes, or a trade happens. 0: only by `step`.
        host: numeric address to listen on.
        port: 0: any free port, kept from the first `start` on.
        ssl_context: serves ``wss://`` if given.
        ids: ``"string"`` or ``"number"``: how 64-bit ids are written in JSON.
        defaults: ``"emit"`` or ``"omit"`` default values in JSON (spot protocol, section 5).
        opcode: ``"text"`` or ``"binary"``: the frames that carry JSON to the client; protobuf is always binary.
        recv_window: how far a token's nonce may be from the server's clock, seconds, unless the token says.
        balances: of the account, total per asset; by default more than a test will spend.
        order_replies: how an order request over the socket is answered, for which the schema has no reply:
            ``"success"``, or ``"order"`` with the state of the orders concerned.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        credentials: tuple[str, str] = ("key", "secret"),
        markets: Iterable[str] = ("BTC-USDT", "ETH-USDT"),
        rate: float = 50.0,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        ids: str = "string",
        defaults: str = "emit",
        opcode: str = "text",
        recv_window: float = 30,
        balances: Mapping[str, Decimal] | None = None,
        order_replies: str = "success",
    ) -> None:
        if rate < 0:
            raise ValueError(f"rate must not be negative: {rate}")
        markets = tuple(markets)
        wire = SpotWire(ids, defaults)
        self._faults = Faults()
        self._hub = Hub(self._faults)
        self._venue = Venue(
            markets,
            seed=seed,
            balances=default_balances(markets) if balances is None else balances,
            wire=wire,
            hub=self._hub,
        )
        self._desks = Desks(self._venue, self._hub, wire, self._faults, order_replies=order_replies)
        self._service = SpotService(
            venue=self._venue,
            hub=self._hub,
            wire=wire,
            faults=self._faults,
            authenticator=Authenticator(*credentials, recv_window=recv_window),
            desks=self._desks.handlers(),
            start_replay=self._begin_replay,
        )
        self._gate = SpotGate(self._service, self._hub, self._faults, Encodings(wire, self._faults, opcode))
        self._rate = rate
        self._paused = False
        self._scheme = "ws" if ssl_context is None else "wss"
        self._pump_task: asyncio.Task[None] | None = None
        self._replay_task: asyncio.Task[None] | None = None
        self._server = LoopServer(
            {_SPOT_PATH: self._gate.serve},
            host=host,
            port=port,
            ssl_context=ssl_context,
            on_open=self._on_open,
            on_close=self._on_close,
        )

    def __repr__(self) -> str:
        state = "running" if self._server.is_running else "stopped"
        return f"<LocalExchange {', '.join(self._venue.listings)} on port {self.port}, {state}>"

    # -- lifecycle ----------------------------------------------------------------------------------------------

    def start(self) -> LocalExchange:
        """Listen and let the markets run; does nothing if it is running.

        Raises:
            OSError: the port is taken.
        """
        self._server.start()
        return self

    def close(self) -> None:
        """End everything; no thread and no socket is left. The same object can be started again."""
        self._server.close()

    def __enter__(self) -> LocalExchange:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def restart(self, downtime: float = 0.0) -> None:
        """Go away and come back on the same port after ``downtime`` seconds; the markets keep their state."""

        async def do() -> None:
            await self._take_down()
            await asyncio.sleep(downtime)
            await self._server.bring_up()

        self._server.call_async(do, timeout=downtime + _CALL_TIMEOUT)

    def take_down(self) -> None:
        """End every connection and refuse new ones until `bring_up`; the port stays bound."""
        self._server.call_async(self._take_down)

    def bring_up(self) -> None:
        """Listen again after `take_down`."""
        self._server.call_async(self._server.bring_up)

    @property
    def port(self) -> int:
        """The port; 0 before the first `start` if none was asked for."""
        return self._server.port

    @property
    def spot_url(self) -> str:
        """Where a spot client connects to."""
        host = f"[{self._server.host}]" if ":" in self._server.host else self._server.host
        return f"{self._scheme}://{host}:{self.port}{_SPOT_PATH}"

    @property
    def clock_offset(self) -> float:
        """Seconds by which the server's clock is ahead of this machine's; settable. Market times never go back."""
        return self._venue.clock_offset

    @clock_offset.setter
    def clock_offset(self, seconds: float) -> None:
        self._call(lambda: setattr(self._venue, "clock_offset", seconds))

    # -- connections --------------------------------------------------------------------------------------------

    @property
    def connection_count(self) -> int:
        """How many clients are connected."""
        return self._call(lambda: len(self._hub.connections))

    @property
    def handshakes(self) -> int:
        """How many handshakes were asked for, refused ones included."""
        return self._call(lambda: self._gate.handshakes)

    @property
    def handshake_headers(self) -> list[dict[str, str]]:
        """The HTTP headers of the latest handshakes, oldest first (the last thousand)."""
        return self._call(lambda: list(self._gate.headers))

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
        return self._call(lambda: self._hub.dropped_slow)

    @property
    def backlog_limit(self) -> int:
        """Bytes a client may leave unread before its connection is dropped; settable, for new connections."""
        return self._gate.backlog_limit

    @backlog_limit.setter
    def backlog_limit(self, size: int) -> None:
        self._call(lambda: setattr(self._gate, "backlog_limit", size))

    @property
    def stall_limit(self) -> float:
        """Seconds a client may leave a backlog untouched before its connection is dropped; for new connections."""
        return self._gate.stall_limit

    @stall_limit.setter
    def stall_limit(self, seconds: float) -> None:
        self._call(lambda: setattr(self._gate, "stall_limit", seconds))

    # -- replay -------------------------------------------------------------------------------------------------

    def replay(self, lines: Iterable[Mapping[str, Any]], *, speed: float | None = 1.0, autostart: bool = True) -> None:
        """Let the public streams of the recorded markets come from a recording from now on.

        A subscription to depth is answered with the book at the present position of the recording: before it starts,
        the recorded snapshot itself. Several recorded markets are played in their common order. Clients of JSON get
        the frames as they were recorded, clients of protobuf what the schema knows of them.

        Args:
            lines: ``{"t": seconds, "frame": {...}}`` with market data in wire form, in order of time.
            speed: factor on the recorded pace; None or infinity: as fast as the slowest subscriber takes it.
            autostart: start once the depth of every recorded market (its trades, where there is no depth) has been
                subscribed; else only `start_replay` starts it.

        Raises:
            ValueError: the recording cannot be played.
        """
        replay = Replay(lines, speed=speed, autostart=autostart)

        def do() -> None:
            self._cancel(self._replay_task)
            self._replay_task = None
            self._service.replay = replay
            self._venue.recorded = replay.markets

        self._call(do)

    def start_replay(self) -> None:
        """Start playing; does nothing if it has started."""

        async def do() -> None:
            if self._service.replay is None:
                raise RuntimeError("there is nothing to replay")
            self._begin_replay()

        self._server.call_async(do)

    def wait_replay(self, timeout: float | None = None) -> bool:
        """Wait until every recorded frame has been written; False when it was not within ``timeout`` seconds."""
        replay = self._service.replay
        if replay is None:
            raise RuntimeError("there is nothing to replay")
        return replay.finished.wait(timeout)

    # -- on the loop --------------------------------------------------------------------------------------------

    def _begin_replay(self) -> None:
        if self._replay_task is None and self._service.replay is not None:
            self._replay_task = self._spawn(self._service.replay.run(self._hub))

    def _on_open(self) -> None:
        if self._rate > 0:
            self._pump_task = self._spawn(self._pump())

    async def _on_close(self) -> None:
        for task in (self._pump_task, self._replay_task):
            self._cancel(task)
        self._drop_all(_GOING_AWAY)

    async def _take_down(self) -> None:
        self._drop_all(_GOING_AWAY)
        await self._server.take_down()

    async def _pump(self) -> None:
        """Make ``rate`` steps a second; after a hold-up only so many at once that nobody else is held up."""
        loop = asyncio.get_running_loop()
        interval = max(1 / self._rate, _SHORTEST_TICK)
        last, due = loop.time(), 0.0
        while True:
            await asyncio.sleep(interval)
            now = loop.time()
            due += (now - last) * self._rate
            last, steps = now, int(due)
            due -= steps
            if not self._paused:
                self._step_all(min(steps, _MOST_STEPS_A_TICK))

    def _step_all(self, steps: int) -> None:
        for _ in range(steps):
            for name in self._venue.listings:
                self._venue.step(name)

    @staticmethod
    def _cancel(task: asyncio.Task[None] | None) -> None:
        if task is not None:
            task.cancel()

    @staticmethod
    def _spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(_report)
        return task


def _report(task: asyncio.Task[None]) -> None:
    """A background task that fails must not do so in silence."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("the local exchange has failed", exc_info=error)
