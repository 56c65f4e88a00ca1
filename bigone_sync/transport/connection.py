"""A connection that comes back: one thread, one attempt after the other, until it is closed or refused for good."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Protocol

from ..enums import ConnectionState
from ..errors import (
    BigOneError,
    ConnectionLost,
    ConnectTimeout,
    NotConnected,
    ReconnectExhausted,
    TransportError,
)
from .attempt import Attempt, Target
from .failure import pause
from .pacing import Pacer
from .settings import TransportSettings
from .states import Input, advance

__all__ = ["Connection", "Owner"]

_log = logging.getLogger("bigone_sync.transport")

_UP = (ConnectionState.AUTHENTICATING, ConnectionState.READY)
_DOWN = (ConnectionState.CLOSING, ConnectionState.CLOSED)


class Owner(Protocol):
    """What a connection tells to whom it works for. All on the reader thread, but for ``state_changed``."""

    def target(self) -> Target:
        """Where to connect; asked at every attempt."""

    def opened(self) -> None:
        """The handshake is done; ends in :meth:`Connection.accept` sooner or later."""

    def received(self, frames: list[bytes], received_at: float) -> None:
        """The payloads of one read, in order. May wait: that is how TCP pushes back."""

    def lost(self, error: BigOneError) -> None:
        """An attempt or connection ended; another follows."""

    def refused(self, error: BigOneError) -> None:
        """It ended for good."""

    def renews(self, error: BigOneError) -> bool:
        """Whether to try once more at once, though ``error`` is final, since what was refused can be made anew."""

    def state_changed(
        self,
        old: ConnectionState,
        new: ConnectionState,
        cause: BaseException | None,
        attempt: int,
        retry_in: float | None,
    ) -> None:
        """In the order of the changes, on the thread that made them, under a lock: must not wait."""


class Connection:
    """Keeps one WebSocket alive on a daemon thread of its own.

    Args:
        name: shown in states and errors, ``spot/depth``.
        owner: who is told.
        settings: timeouts, limits, backoff and so on.
        pacer: shared by the connections of a client.
        ping: sends a ping on an attempt, without waiting; False if it could not. None: a ping frame.
        rand: source of the backoff's jitter, 0 to 1.
    """

    def __init__(
        self,
        name: str,
        owner: Owner,
        settings: TransportSettings,
        *,
        pacer: Pacer | None = None,
        ping: Callable[[Attempt], bool] | None = None,
        rand: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.reconnects = 0
        """Times that it was READY, was lost, and opened again."""
        self._owner, self._settings, self._rand = owner, settings, rand
        self._pacer = pacer or Pacer(settings.limits.dial_interval)
        self._ping = ping or Attempt.ping
        self._state = ConnectionState.IDLE
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"bigone-{name}", daemon=True)
        self._launched = False
        self._attempt: Attempt | None = None
        self._failures = 0
        self._ready_since: float | None = None
        self._was_ready = False
        self._frames_before = 0
        self._bytes_before = 0
        self._next_ping = 0.0
        self._last_rtt: float | None = None

    # -- state

    @property
    def state(self) -> ConnectionState:
        """Where it stands."""
        return self._state

    def _advance(self, what: Input, cause: BaseException | None = None, retry_in: float | None = None) -> bool:
        """The one setter. False if the connection is being closed, which beats whatever else happens."""
        with self._lock:
            old = self._state
            if old in _DOWN and what not in (Input.STOP, Input.ENDED):
                return False
            new = advance(old, what)
            if new != old:
                self._state = new
                # Under the lock, so that listeners see the changes in their order; it only queues.
                self._owner.state_changed(old, new, cause, self._failures + 1, retry_in)
        if new != old:
            _log.info("%s: %s -> %s%s", self.name, old, new, f" ({cause})" if cause else "")
        return True

    # -- any thread

    def start(self) -> None:
        """Begin; once."""
        if self._advance(Input.START):
            try:
                self._thread.start()
            except RuntimeError:
                with self._lock:
                    self._state = ConnectionState.CLOSED
                raise
            self._launched = True

    def send(self, data: bytes, *, binary: bool = False) -> None:
        """Send one frame.

        Raises:
            NotConnected: it is not up.
            ConnectionLost: the send failed; the connection is being replaced.
        """
        attempt = self._attempt
        if attempt is None or self._state not in _UP:
            raise NotConnected(f"{self.name} is {self._state}", state=self._state)
        attempt.send(data, binary=binary)

    def try_send(self, data: bytes, *, binary: bool = False) -> bool:
        """Send one frame if that needs no waiting; False if it was not sent. For the keeper, which never waits."""
        attempt = self._attempt
        return attempt is not None and self._state in _UP and attempt.try_send(data, binary=binary)

    @property
    def attempt(self) -> Attempt | None:
        """The present one, if it is up: what is sent on it goes over this connection or not at all."""
        return self._attempt if self._state in _UP else None

    @property
    def is_delivering(self) -> bool:
        """Whether the reader is handing on what it read, which may wait for a full queue."""
        attempt = self._attempt
        return attempt is not None and attempt.delivering

    def accept(self) -> None:
        """The exchange takes us: READY. Reader thread."""
        if self._advance(Input.ACCEPTED):
            self._ready_since = time.monotonic()
            if self._was_ready:
                self.reconnects += 1
            self._was_ready = True

    def kill(self, cause: BigOneError) -> None:
        """End the present attempt, because of ``cause``."""
        attempt = self._attempt
        if attempt is not None:
            attempt.kill(cause)

    def begin_close(self) -> None:
        """Ask it to end: politely where the socket takes a close frame at once."""
        self._advance(Input.STOP)
        self._stop.set()
        attempt = self._attempt
        if attempt is not None and not attempt.say_goodbye():
            attempt.kill(None)

    def join(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for the thread of a connection that was asked to end. True if it ended."""
        if not self._thread.is_alive() or self._thread is threading.current_thread():
            self._advance(Input.ENDED) if self._state in _DOWN else None
            return True
        self._thread.join(max(0.0, timeout))
        return not self._thread.is_alive()

    def cut(self) -> None:
        """Be no longer polite."""
        attempt = self._attempt
        if attempt is not None:
            attempt.kill(None)

    def finish_close(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for the thread; the second half of it without politeness. True if it ended."""
        if self.join(timeout / 2):
            return True
        self.cut()
        return self.join(timeout / 2)

    def abandon(self) -> None:
        """In a forked child: let go of the descriptor without a word to the peer."""
        self._state = ConnectionState.CLOSED
        attempt = self._attempt
        if attempt is not None and attempt.socket is not None:
            attempt.socket.abandon()

    # -- numbers

    @property
    def frames(self) -> int:
        """Data frames read, over all attempts."""
        attempt = self._attempt
        return self._frames_before + (attempt.frames if attempt else 0)

    @property
    def bytes_read(self) -> int:
        """Bytes read, over all attempts."""
        attempt = self._attempt
        return self._bytes_before + (attempt.socket.bytes_in if attempt and attempt.socket else 0)

    @property
    def last_frame_age(self) -> float | None:
        """Seconds since the last complete frame; None while not connected."""
        attempt = self._attempt
        return time.monotonic() - attempt.last_frame if attempt and attempt.is_open else None

    @property
    def ping_rtt(self) -> float | None:
        """Seconds of the last ping that was answered."""
        attempt = self._attempt
        return (attempt.ping_rtt if attempt else None) or self._last_rtt

    # -- the reader thread

    def _run(self) -> None:
        try:
            while self._once():
                pass
        except BaseException as error:  # noqa: BLE001 - logged and reported; a reader never vanishes
            _log.exception("%s: the reader failed", self.name)
            failure = TransportError(f"{self.name}: the reader failed: {type(error).__name__}")
            failure.__cause__ = error
            self._give_up(failure)
        finally:
            if self._stop.is_set():
                self._advance(Input.ENDED)

    def _give_up(self, error: BigOneError) -> None:
        """End for good, wherever it stands."""
        if self._advance(Input.EXHAUSTED if self._state is ConnectionState.WAITING else Input.REFUSED, error):
            self._owner.refused(error)

    def _once(self) -> bool:
        """One attempt and the pause after it; False when there shall be no other."""
        if self._stop.wait(self._pacer.delay()):
            return False
        error: BigOneError = self._live()
        if self._stop.is_set():
            return False
        stable = self._ready_since is not None and (
            time.monotonic() - self._ready_since >= self._settings.backoff.stable_after
        )
        self._ready_since = None
        is_fatal = self._settings.is_fatal(error)
        renewed = is_fatal and self._owner.renews(error)
        if not renewed:  # which is the second half of the same attempt
            self._failures = 1 if stable else self._failures + 1
        if is_fatal and not renewed:
            if self._advance(Input.REFUSED, error):
                self._owner.refused(error)
            return False
        delay = 0.0 if renewed else pause(self._settings.backoff, self._failures, error, self._rand())
        if not self._advance(Input.LOST, error, delay):
            return False
        self._owner.lost(error)
        return self._advance(Input.DUE) if renewed else self._pause(delay, error)

    def _live(self) -> BigOneError:
        try:
            target = self._owner.target()
        except BigOneError as error:
            return error
        attempt = Attempt(target, self._settings, opened=self._opened, received=self._received)
        self._attempt = attempt
        if self._stop.is_set():
            attempt.kill(None)
        ending = attempt.run()
        self._frames_before += attempt.frames
        self._bytes_before += attempt.socket.bytes_in if attempt.socket else 0
        self._last_rtt = attempt.ping_rtt or self._last_rtt
        self._attempt = None
        return ending

    def _pause(self, delay: float, error: BigOneError) -> bool:
        limit = self._settings.backoff.max_attempts
        if limit is not None and self._failures >= limit:
            exhausted = ReconnectExhausted(f"{self.name}: gave up after {limit} attempts in a row", attempts=limit)
            exhausted.__cause__ = error
            if self._advance(Input.EXHAUSTED, exhausted):
                self._owner.refused(exhausted)
            return False
        _log.info("%s: next attempt in %.2f s", self.name, delay)
        return not self._stop.wait(delay) and self._advance(Input.DUE)

    def _opened(self) -> None:
        if self._advance(Input.OPENED):
            self._next_ping = time.monotonic() + self._settings.timeouts.ping
            self._owner.opened()

    def _received(self, frames: list[bytes], received_at: float) -> None:
        if not self._stop.is_set():
            self._owner.received(frames, received_at)

    # -- the keeper's thread

    def check(self, now: float) -> None:
        """Ping when it is time, and end what is dead. ``now`` is monotonic. Never waits.

        Watches the length of the attempt (W2), complete frames (W1), sends without progress (W3) and the thread
        itself (W6).
        """
        attempt, times = self._attempt, self._settings.timeouts
        if attempt is None:
            self._check_thread()
        elif not attempt.is_open:
            # The dial keeps its own deadline; this is for what it cannot interrupt.
            if now - attempt.started > times.connect + 1.0:
                attempt.kill(ConnectTimeout(f"{self.name}: the attempt took too long"))
        else:
            self._check_open(attempt, now)

    def _check_open(self, attempt: Attempt, now: float) -> None:
        times = self._settings.timeouts
        attempt.flush()
        silent = now - attempt.last_frame
        since = attempt.socket.send_since if attempt.socket else None
        if since is not None and now - since > times.send + 1.0:
            attempt.kill(ConnectionLost(f"{self.name}: a send made no progress", cause="send stalled"))
        elif silent > times.ping + times.pong and not attempt.delivering:
            attempt.kill(ConnectionLost(f"{self.name}: no complete frame for {silent:.1f} s", cause="silent"))
        elif now >= self._next_ping and self._ping(attempt):
            self._next_ping = now + times.ping

    def _check_thread(self) -> None:
        # A thread that is only just starting does not count as alive yet.
        if self._launched and not self._thread.is_alive() and self._state not in _DOWN:
            died = TransportError(f"{self.name}: the reader thread died")
            self._give_up(died)
