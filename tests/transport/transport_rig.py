"""Connections and attempts under test, with an owner that writes everything down."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from bigone_sync.config import Backoff, Limits, Timeouts
from bigone_sync.enums import ConnectionState
from bigone_sync.errors import ConnectionLost
from bigone_sync.testing.leaks import wait_until
from bigone_sync.transport.attempt import Attempt, Target
from bigone_sync.transport.connection import Connection
from bigone_sync.transport.pacing import Pacer
from bigone_sync.transport.settings import TransportSettings

GUARD = 30.0


def settings(
    *,
    connect: float = 5.0,
    ping: float = 5.0,
    pong: float = 5.0,
    send: float = 5.0,
    max_attempts: int | None = None,
    stable_after: float = 10.0,
    initial: float = 0.01,
    cap: float = 0.02,
    max_message: int = 1 << 20,
    dial_interval: float = 0.0,
    proxy: str | None = "",
    ssl_context: ssl.SSLContext | None = None,
) -> TransportSettings:
    """Settings for tests: generous limits where nothing shall happen, no pauses."""
    return TransportSettings(
        timeouts=Timeouts(connect=connect, ping=ping, pong=pong, send=send),
        backoff=Backoff(initial=initial, cap=cap, max_attempts=max_attempts, stable_after=stable_after),
        limits=Limits(max_message=max_message, dial_interval=dial_interval),
        proxy=proxy,
        ssl_context=ssl_context,
    )


def again_and_again(work: Callable[[], object]) -> NoReturn:
    """Until it raises."""
    while True:
        work()


class Change(NamedTuple):
    """One call of ``state_changed``."""

    old: ConnectionState
    new: ConnectionState
    cause: BaseException | None
    attempt: int
    retry_in: float | None


class RecordingOwner:
    """Accepts every connection at once, and remembers."""

    def __init__(self, target: Target) -> None:
        self.next_target = target
        self.connection: Connection
        self.accepts = True
        self.targets = self.openings = 0
        self.frames: list[bytes] = []
        self.times: list[float] = []
        self.losses: list[BaseException] = []
        self.refusals: list[BaseException] = []
        self.changes: list[Change] = []
        self.on_opened: Callable[[], None] = lambda: None
        self.on_received: Callable[[], None] = lambda: None

    def target(self) -> Target:
        self.targets += 1
        return self.next_target

    def opened(self) -> None:
        self.openings += 1
        self.on_opened()
        if self.accepts:
            self.connection.accept()

    def received(self, frames: list[bytes], received_at: float) -> None:
        self.frames += frames
        self.times.append(received_at)
        self.on_received()

    def lost(self, error: BaseException) -> None:
        self.losses.append(error)

    def renews(self, error: BaseException) -> bool:
        return False

    def refused(self, error: BaseException) -> None:
        self.refusals.append(error)

    def state_changed(
        self,
        old: ConnectionState,
        new: ConnectionState,
        cause: BaseException | None,
        attempt: int,
        retry_in: float | None,
    ) -> None:
        self.changes.append(Change(old, new, cause, attempt, retry_in))

    @property
    def states(self) -> list[ConnectionState]:
        return [change.new for change in self.changes]


class Link:
    """A connection with its owner, and a keeper if asked for; closed with the ``with`` block."""

    def __init__(
        self,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        subprotocol: str | None = None,
        rand: Callable[[], float] = lambda: 0.5,
        pacer: Pacer | None = None,
        keeper: bool = False,
        **options: Any,
    ) -> None:
        self.owner = RecordingOwner(Target(url, headers or {}, subprotocol))
        self.connection = Connection("spot/test", self.owner, settings(**options), pacer=pacer, rand=rand)
        self.owner.connection = self.connection
        self._keeper = Ticker(self.connection) if keeper else None

    def start(self) -> Link:
        if self._keeper:
            self._keeper.start()
        self.connection.start()
        return self

    def wait(self, *states: ConnectionState) -> None:
        wait_until(lambda: self.connection.state in states, GUARD, message=f"not in {states}: {self.connection.state}")

    def ready(self) -> Link:
        self.wait(ConnectionState.READY)
        return self

    def loss(self, number: int = 1) -> Any:
        """The ``number``-th reported loss, from 1."""
        wait_until(lambda: len(self.owner.losses) >= number, GUARD, message="no loss was reported")
        return self.owner.losses[number - 1]

    def refusal(self) -> Any:
        wait_until(lambda: self.owner.refusals, GUARD, message="no refusal was reported")
        return self.owner.refusals[0]

    def got(self, *frames: bytes) -> None:
        """Wait until exactly these payloads have arrived."""
        wait_until(lambda: len(self.owner.frames) >= len(frames), GUARD, message="frames are missing")
        assert self.owner.frames == list(frames)

    def close(self, timeout: float = GUARD) -> None:
        self.connection.begin_close()
        ended = self.connection.finish_close(timeout)
        if self._keeper:
            self._keeper.stop()
        assert ended, "the connection did not end"

    def __enter__(self) -> Link:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.connection.begin_close()
        self.connection.kill(ConnectionLost("the test is over"))  # politeness has its own tests
        self.close()


class Ticker(threading.Thread):
    """Calls ``connection.check`` every few milliseconds."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(name="ticker", daemon=True)
        self._connection = connection
        self._ended = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._ended.wait(0.01):
                self._connection.check(time.monotonic())
        except BaseException as error:
            self.failure = error
            raise

    def stop(self) -> None:
        self._ended.set()
        self.join(GUARD)
        assert self.failure is None


class LiveAttempt:
    """One attempt on a thread of its own."""

    def __init__(
        self, url: str, *, headers: dict[str, str] | None = None, subprotocol: str | None = None, **options: Any
    ):
        self.frames: list[bytes] = []
        self.openings = 0
        self.ending: Any = None
        self.on_opened: Callable[[], None] = lambda: None
        self.on_received: Callable[[], None] = lambda: None
        self.attempt = Attempt(
            Target(url, headers or {}, subprotocol), settings(**options), opened=self._opened, received=self._received
        )
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self.ending = self.attempt.run()

    def _opened(self) -> None:
        self.openings += 1
        self.on_opened()

    def _received(self, frames: list[bytes], _: float) -> None:
        self.frames += frames
        self.on_received()

    def end(self, timeout: float = GUARD) -> Any:
        """What ended it."""
        self._thread.join(timeout)
        assert not self._thread.is_alive(), "the attempt did not end"
        return self.ending

    def opened(self) -> LiveAttempt:
        wait_until(lambda: self.openings, GUARD, message="the attempt did not open")
        return self

    def __enter__(self) -> LiveAttempt:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.attempt.kill(None)
        self.end()
