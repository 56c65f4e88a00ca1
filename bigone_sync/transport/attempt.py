"""One attempt: dial, handshake, read until the end, and say why it ended."""

from __future__ import annotations

import errno
import functools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websocket import ABNF, WebSocketException, WebSocketProtocolException

from ..config import public_url
from ..errors import (
    BigOneError,
    ConnectError,
    ConnectionLost,
    MessageTooBig,
    ProtocolError,
)
from .channel_socket import ChannelSocket, SendStalled
from .dial import Endpoint, dial
from .framing import InvalidClose
from .proxies import choose_proxy
from .reader import ChannelApp, hook_available
from .secrets import Secrets
from .settings import TransportSettings
from .waiting import Cancelled, Deadline

__all__ = ["Attempt", "Target"]

_log = logging.getLogger("bigone_sync.transport")


@dataclass(frozen=True, repr=False)
class Target:
    """Where and how to connect. All but the public part of the URL may be secret."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    subprotocol: str | None = None
    any_subprotocol: bool = False
    """Whether the server may name another one."""

    def __repr__(self) -> str:
        return f"Target({public_url(self.url)!r})"


class Attempt:
    """One WebSocketApp from dial to end, on the thread that calls :meth:`run`.

    Args:
        target: where to.
        settings: timeouts, limits, proxy, TLS.
        opened: called when the handshake is done.
        received: called with the payloads of one read and its time in Unix seconds.
    """

    def __init__(
        self,
        target: Target,
        settings: TransportSettings,
        *,
        opened: Callable[[], None],
        received: Callable[[list[bytes], float], None],
    ) -> None:
        self.started = time.monotonic()
        self.is_open = False
        self.last_frame = self.started
        """Monotonic time when the last complete frame had been handled."""
        self.delivering = False
        """True while what was read is being handed on, which may wait for a full queue."""
        self.frames = 0
        self.ping_rtt: float | None = None
        """Seconds between the last answered ping and its pong."""
        self.pinged_at: float | None = None
        self.socket: ChannelSocket | None = None
        self._target, self._settings = target, settings
        self._opened, self._received = opened, received
        self._url = public_url(target.url)
        self._secrets = Secrets(target.headers, target.subprotocol)
        self._cancel = threading.Event()
        self._guard = threading.RLock()
        self._cause: BigOneError | None = None
        self._app: ChannelApp | None = None
        self._ping_payload = b""
        self._pings = 0

    # -- reader thread

    def run(self) -> BigOneError:
        """Live through the attempt; returns what ended it, as one of this package's errors."""
        try:
            self._live()
        except Cancelled:
            pass
        except BigOneError as error:
            self._note(error)
        except Exception as error:  # noqa: BLE001 - logged, and the loop must live
            _log.exception("%s: the attempt failed unexpectedly", self._url)
            self._note(self._translate(error))
        finally:
            self.is_open = False
            if self.socket is not None:
                self.socket.dispose()
        return self._cause or ConnectionLost(f"{self._url}: the connection ended", cause="lost")

    def _live(self) -> None:
        settings, deadline = self._settings, Deadline(self._settings.timeouts.connect)
        endpoint = Endpoint.of(self._target.url, self._url)
        sock = dial(
            endpoint,
            proxy=choose_proxy(settings.proxy, endpoint.host, secure=endpoint.secure),
            ssl_context=settings.ssl_context,
            deadline=deadline,
            cancel=self._cancel,
            unacknowledged=settings.timeouts.ping + settings.timeouts.pong + settings.timeouts.send,
        )
        fast, lines = hook_available(), self._header_lines()
        channel = ChannelSocket(
            sock,
            url=self._url,
            subprotocol=self._target.subprotocol,
            any_subprotocol=self._target.any_subprotocol,
            secrets=self._secrets,
            veiled=self._veiled(lines),
            deadline=deadline,
            send_timeout=settings.timeouts.send,
            buffered=fast,
        )
        with self._guard:
            self.socket = channel
        if self._cancel.is_set():
            raise Cancelled
        if not fast:
            _warn_of_slow_reading()
        self._app = ChannelApp(
            self._target.url,
            channel,
            self._deliver,
            settings.limits.max_message,
            on_open=self._on_open,
            secrets=self._secrets,
            fast=fast,
            header=[self._secrets.hide(line) for line in lines],
            on_ping=self._on_ping,
            on_pong=self._on_pong,
            on_error=self._on_error,
        )
        self._app.run_forever(ping_interval=0, reconnect=0, skip_utf8_validation=True, suppress_origin=True)

    def _header_lines(self) -> list[str]:
        headers = dict(self._target.headers)
        if not any(name.lower() == "user-agent" for name in headers):
            headers["User-Agent"] = self._settings.user_agent
        # A cookie of ours goes first: the last one of the request is taken for the library's own, and removed.
        ordered = sorted(headers.items(), key=lambda item: item[0].lower() != "cookie")
        lines = [f"{name}: {value}" for name, value in ordered]
        if self._target.subprotocol:
            # Not by the library's own option, which fails where a server does not echo it (spot protocol, section 1).
            lines.append(f"Sec-WebSocket-Protocol: {self._target.subprotocol}")
        return lines

    def _veiled(self, lines: list[str]) -> dict[str, str]:
        """Header lines as the library gets to see them, which would trace secrets, and as they are to be sent."""
        return {shown: line for line in lines if (shown := self._secrets.hide(line)) != line}

    def _on_open(self) -> None:
        # Exceptions would vanish into the library's logger, so they are kept here.
        try:
            self.last_frame = time.monotonic()
            self.is_open = True
            self._opened()
        except Exception as error:  # noqa: BLE001 - logged, and ends the attempt
            _log.exception("%s: opening failed", self._url)
            self.kill(self._translate(error))

    def _deliver(self, frames: list[bytes]) -> None:
        now = time.time()
        self.frames += len(frames)
        self.delivering = True
        try:
            self._received(frames, now)
        except Exception as error:  # noqa: BLE001 - logged, and ends the attempt
            _log.exception("%s: handling a frame failed", self._url)
            self.kill(self._translate(error))
        finally:
            self.last_frame = time.monotonic()
            self.delivering = False

    def _on_ping(self, _: Any, payload: bytes) -> None:
        self.last_frame = time.monotonic()

    def _on_pong(self, _: Any, payload: bytes) -> None:
        self.last_frame = now = time.monotonic()
        if self.pinged_at is not None and payload == self._ping_payload:
            self.ping_rtt, self.pinged_at = now - self.pinged_at, None

    def _on_error(self, _: Any, error: BaseException) -> None:
        channel = self.socket
        code = {WebSocketProtocolException: 1002, InvalidClose: 1002, MessageTooBig: 1009}.get(type(error))
        if code is not None and channel is not None:
            channel.try_send(close_frame(code))
        self._note(self._translate(error))
        if channel is not None:
            # The library would wait up to three seconds for a close frame that may never come.
            channel.kill()

    def _translate(self, error: BaseException) -> BigOneError:
        """The library's exception as one of ours, with its cause."""
        refusal = self.socket.refusal if self.socket is not None else None
        if refusal is not None:
            return refusal
        if isinstance(error, BigOneError):
            return error
        ours = self._lost(error) if self.is_open else self._not_connected(error)
        ours.__cause__ = error
        return ours

    def _not_connected(self, error: BaseException) -> BigOneError:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            return ConnectError(f"{self._url}: out of file descriptors", url=self._url, kind="resources")
        return ConnectError(f"{self._url}: the handshake failed: {_text(error)}", url=self._url)

    def _lost(self, error: BaseException) -> BigOneError:
        text = f"{self._url}: "
        if hasattr(error, "status_code"):
            code, reason = error.status_code, self._secrets.hide(str(getattr(error, "reason", None) or ""))
            shown = f"code {code}" if code is not None else "no code"
            return ConnectionLost(
                f"{text}closed by the exchange ({shown}{', ' + reason if reason else ''})",
                cause="closed",
                close_code=code,
                close_reason=reason,
            )
        if isinstance(error, InvalidClose):
            return ConnectionLost(f"{text}closed by the exchange ({error})", cause="closed", close_code=error.code)
        if isinstance(error, WebSocketProtocolException):
            return ProtocolError(f"{text}the exchange broke the WebSocket protocol: {error}")
        if isinstance(error, SendStalled):
            return ConnectionLost(f"{text}{error}", cause="send stalled")
        if isinstance(error, ConnectionResetError):
            return ConnectionLost(f"{text}reset by the peer", cause="reset")
        if isinstance(error, (WebSocketException, OSError)):
            return ConnectionLost(f"{text}the connection was lost", cause="lost")
        return ConnectionLost(f"{text}unexpected {_text(error)}", cause="error")

    # -- any thread

    def _note(self, error: BigOneError) -> None:
        """Keep the first cause: a kill's reason beats what the library makes of it."""
        with self._guard:
            if self._cause is None:
                self._cause = error

    def kill(self, cause: BigOneError | None) -> None:
        """End it at once; ``cause`` is what :meth:`run` returns if it is the first."""
        if cause is not None:
            self._note(cause)
        self._cancel.set()
        with self._guard:
            channel, app = self.socket, self._app
        if app is not None:
            app.keep_running = False
        if channel is not None:
            channel.kill()

    def send(self, data: bytes, *, binary: bool) -> None:
        """Send one frame.

        Raises:
            ConnectionLost: it failed; the connection is dead.
        """
        channel = self.socket
        if channel is None or not self.is_open:
            raise ConnectionLost(f"{self._url}: not connected", cause="lost")
        opcode = ABNF.OPCODE_BINARY if binary else ABNF.OPCODE_TEXT
        try:
            channel.send(_frame(data, opcode))
        except OSError as error:
            ours = self._translate(error)
            self.kill(ours)
            raise ours from error

    def try_send(self, data: bytes, *, binary: bool) -> bool:
        """Send one frame if that needs no waiting; False if it was not sent."""
        channel = self.socket
        if channel is None or not self.is_open:
            return False
        return channel.try_send(_frame(data, ABNF.OPCODE_BINARY if binary else ABNF.OPCODE_TEXT))

    def flush(self) -> None:
        """Send what :meth:`try_send` left in part, as far as that needs no waiting."""
        channel = self.socket
        if channel is not None and self.is_open:
            channel.flush()

    def ping(self) -> bool:
        """Send a ping if that needs no waiting."""
        channel = self.socket
        if channel is None or not self.is_open:
            return False
        self._pings += 1
        payload = b"%d" % self._pings
        # Set before it is sent: the pong may be here before the send returns.
        before = self._ping_payload, self.pinged_at
        self._ping_payload, self.pinged_at = payload, time.monotonic()
        if channel.try_send(_frame(payload, ABNF.OPCODE_PING)):
            return True
        self._ping_payload, self.pinged_at = before
        return False

    def say_goodbye(self) -> bool:
        """Send a close frame if that needs no waiting; the peer's answer ends the attempt."""
        channel = self.socket
        return channel is not None and self.is_open and channel.try_send(close_frame(1000))


@functools.lru_cache(maxsize=1)
def _warn_of_slow_reading() -> None:
    """Once a process; it would come again with every attempt of every connection."""
    _log.warning("this websocket-client has no reading hook that is known; reading goes the slow way")


def _frame(data: bytes, opcode: int) -> bytes:
    return bytes(ABNF.create_frame(data, opcode).format())


def close_frame(code: int) -> bytes:
    """A masked close frame."""
    return _frame(code.to_bytes(2, "big"), ABNF.OPCODE_CLOSE)


def _text(error: BaseException) -> str:
    # Only the kind of foreign errors is shown where their text could carry headers.
    if isinstance(error, WebSocketException):
        return type(error).__name__
    return f"{type(error).__name__}: {error}"
