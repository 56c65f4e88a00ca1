"""The part of `LocalExchange` that plays recordings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from bigone_sync.testing._contract_faults import Channel
from bigone_sync.testing._contract_replay import ContractReplay
from bigone_sync.testing._spot_base import Base
from bigone_sync.testing._spot_replay import Replay
from bigone_sync.testing._spot_service import SpotService
from bigone_sync.testing._spot_venue import Venue


class Replaying(Base):
    """Commands that let public streams come from recordings. All may be used from any thread."""

    _venue: Venue
    _service: SpotService
    _replay_task: asyncio.Task[None] | None
    _contract_replay_task: asyncio.Task[None] | None
    _spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]

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
            _cancel(self._replay_task)
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

    def replay_contracts(self, lines: Iterable[Mapping[str, Any]], *, speed: float | None = None) -> None:
        """Let the depth of the recorded contracts come from a recording from now on; their other channels go on.

        A depth socket of a recorded contract gets the recorded snapshot, then the recorded deltas, with the content
        that they have (read the recording with ``parse_float=Decimal`` to keep every digit); one that comes late gets
        the book of that moment. Playing starts once each recorded contract has had a depth socket. The recorded
        contracts need not be among those of the exchange. At a further snapshot the sockets of its contract are
        closed, as whoever recorded it had to dial again.

        Args:
            lines: ``{"t": seconds, "frame": {...}}`` in order of time. A snapshot does not say whose it is: the line
                may (``"symbol"`` beside ``"frame"``), else the next delta that continues it does.
            speed: factor on the recorded pace; None or infinity: as fast as the slowest subscriber takes it.

        Raises:
            ValueError: the recording cannot be played.
        """
        replay = ContractReplay(lines, speed=speed)

        def do() -> None:
            _cancel(self._contract_replay_task)
            self._contract_replay_task = None
            self._contract_replay = replay
            self._contracts.recorded = replay.symbols

        self._call(do)

    def wait_contract_replay(self, timeout: float | None = None) -> bool:
        """Wait until every recorded contract frame has been written; False when it was not within ``timeout`` seconds.

        Raises:
            RuntimeError: there is nothing to replay.
        """
        if self._contract_replay is None:
            raise RuntimeError("there is nothing to replay")
        return self._contract_replay.finished.wait(timeout)

    # -- on the loop --------------------------------------------------------------------------------------------

    def _begin_replay(self) -> None:
        if self._replay_task is None and self._service.replay is not None:
            self._replay_task = self._spawn(self._service.replay.run(self._hub))

    def _contract_entered(self, channel: Channel) -> None:
        """Note a new contract socket; it may be the one that a recording waits for."""
        replay = self._contract_replay
        if replay is None or channel.name != "depth" or not replay.entered(channel.symbol):
            return
        if self._contract_replay_task is None:
            self._contract_replay_task = self._spawn(replay.run(self._contract_hub))

    def _contract_first_frames(self, channel: Channel) -> list[object]:
        replay = self._contract_replay
        if replay is not None and channel.name == "depth" and channel.symbol in replay.books:
            return [replay.books[channel.symbol].snapshot()]
        return self._contracts.first_frames(channel)

    def _is_contract(self, channel: str, symbol: str) -> bool:
        return symbol in (self._contracts.symbols() if channel == "depth" else self._contracts.terms)

    def _end_replays(self) -> None:
        for task in (self._replay_task, self._contract_replay_task):
            _cancel(task)


def _cancel(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
