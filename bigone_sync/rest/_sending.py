"""One call on its way: its deadline, its socket, its tokens; known to all that runs on the calling thread.

requests hands nothing of ours down to the connections, yet they need it: a call and all its retries run on the thread
that makes it, so the thread holds it.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from urllib3.exceptions import InvalidChunkLength, ProtocolError

from ..redact import redact
from ._limiter import Limiter

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse
    from urllib3.util.retry import Retry

__all__ = ["MAX_BODY", "Ended", "OutOfTime", "Sending", "Stop", "TooBig", "current", "making"]

MAX_BODY = 16 * 1024 * 1024
"""Bytes of an answer's body, unpacked, at most."""
_PIECE = 64 * 1024


class Stop(Exception):
    """Ends a call from within. No OSError, so that no library takes it for trouble with the connection."""


class Ended(Stop):
    """``abort()`` or ``close()`` was called."""


class OutOfTime(Stop):
    """The deadline passed while nothing was under way."""


class TooBig(Stop):
    """The body is over the limit."""


class Sending:
    """State of one call. Belongs to the thread that makes it; :meth:`cut` may come from any."""

    def __init__(
        self,
        *,
        seconds: float,
        ended: threading.Event,
        limiter: Limiter,
        limit: int,
        sign: Callable[[], str] | None,
        retries: Retry,
        on_repeat: Callable[[], None] | None = None,
    ) -> None:
        self._end = time.monotonic() + seconds
        self._ended, self._limiter, self._limit, self._sign = ended, limiter, limit, sign
        self._on_repeat = on_repeat
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._secrets: list[str] = []
        self.retries = retries
        self.attempts = 0
        self.is_sent = False
        """The peer may have some of the request."""
        self.before = ""
        """What came of the attempt before this one."""
        self.body = b""

    # -- time

    def left(self) -> float:
        """Seconds until the deadline; negative when it has passed."""
        return self._end - time.monotonic()

    def within(self, seconds: float | None) -> float:
        """``seconds``, or what is left if that is less; more than 0.

        Raises:
            OutOfTime: nothing is left.
        """
        left = self.left()
        if left <= 0:
            raise OutOfTime
        return left if seconds is None else min(seconds, left)

    def check(self) -> None:
        """Nothing, unless the call was aborted.

        Raises:
            Ended: it was.
        """
        if self._ended.is_set():
            raise Ended

    def pause(self, seconds: float) -> None:
        """Sleep.

        Raises:
            Ended: the call was aborted meanwhile.
        """
        if self._ended.wait(seconds):
            raise Ended

    # -- steps

    def begin_attempt(self) -> None:
        """Wait for the rate limiter. Before a connection is taken from the pool, lest it grow stale meanwhile.

        Raises:
            Ended: the call was aborted.
            OutOfTime: its turn does not come before the deadline.
        """
        if self.attempts and self._on_repeat is not None:
            self._on_repeat()
        if not self._limiter.acquire(self._limit, left=self.left, ended=self._ended):
            self.check()
            raise OutOfTime
        self.attempts += 1

    def signed(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """``headers`` with a token that was made just now, if the call is private."""
        if self._sign is None:
            return headers
        token = self._sign()
        self.conceal_token(token)
        kept = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        return {**kept, "Authorization": f"Bearer {token}"}

    def take(self, response: BaseHTTPResponse) -> None:
        """Read the body. As part of the attempt: what fails here counts as a failed read, and is tried again.

        Raises:
            TooBig: it has more than ``MAX_BODY`` bytes.
        """
        pieces, size, is_whole = [], 0, False
        try:
            for piece in response.stream(_PIECE, decode_content=True):
                size += len(piece)
                if size > MAX_BODY:
                    raise TooBig
                pieces.append(piece)
            is_whole = True
        except ProtocolError as error:
            if not any(isinstance(one, InvalidChunkLength) for one in error.args):
                raise
        finally:
            if not is_whole:
                response.close()
        if not is_whole:
            # urllib3 would log what stood in the place of the length, whatever the peer put there.
            raise ProtocolError("a chunk without its length")
        self.body = b"".join(pieces)

    # -- the socket, so that another thread can end what blocks on it

    def hold(self, sock: socket.socket) -> None:
        """Remember the connection in use.

        By a descriptor of our own: the connection's may be closed, and its number given to another, at any time; and
        shutting down an SSLSocket would take its TLS away from under the thread that reads.

        Raises:
            Ended: the call was aborted.
        """
        handle = socket.fromfd(sock.fileno(), sock.family, sock.type)
        with self._lock:
            old, self._handle = self._handle, handle
        if old is not None:
            old.close()
        self.check()

    def release(self) -> None:
        """Forget the connection; the call is over."""
        with self._lock:
            handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()

    def cut(self) -> None:
        """Shut the connection down: what blocks on it returns. From any thread; does not wait."""
        with self._lock:
            if self._handle is not None:
                try:
                    self._handle.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it is down already

    # -- words

    def conceal(self, secret: str) -> None:
        """Keep ``secret`` out of what :meth:`scrub` and :meth:`clean` give, also as JSON or a URL would write it."""
        if secret:
            written = json.dumps(secret)[1:-1]
            forms = {secret, written, written.replace("/", "\\/"), quote(secret, safe="")}
            self._secrets = sorted({*self._secrets, *forms}, key=len, reverse=True)

    def conceal_token(self, token: str) -> None:
        """The same for a token; of one that is signed the signature alone is a secret, too."""
        self.conceal(token)
        if token.count(".") == 2:
            self.conceal(token.rpartition(".")[2])

    def clean(self, body: bytes) -> bytes:
        """A body without secrets, to be taken apart or cut: half a secret is not recognised as one."""
        for secret in self._secrets:
            body = body.replace(secret.encode(), b"***")
        return body

    def is_repeated(self, body: bytes) -> bool:
        """Whether a secret stands in a body."""
        return any(secret.encode() in body for secret in self._secrets)

    def scrub(self, text: str, length: int) -> str:
        """Words of the peer, fit for messages: without tokens (it might repeat ours), on one line, and cut."""
        text = redact(text)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
        return text if len(text) <= length else f"{text[: length - 1]}…"


_local = threading.local()


def current() -> Sending:
    """The call that this thread is making."""
    sending: Sending = _local.sending
    return sending


@contextmanager
def making(sending: Sending) -> Iterator[None]:
    """For the time of the block, ``sending`` is what this thread is making."""
    _local.sending = sending
    try:
        yield
    finally:
        del _local.sending
        sending.release()
