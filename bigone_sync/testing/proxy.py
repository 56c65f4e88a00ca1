"""A TCP proxy that breaks connections on order, to test what a client does then.

    with FaultProxy(exchange.spot_url) as proxy, SpotClient(url=proxy.url) as client:
        ...
        proxy.blackhole()   # the path is dead, and nobody is told
        ...
        proxy.heal()

The proxy knows nothing of WebSocket or TLS: ``wss://`` passes through it encrypted, and the certificate is still
that of the upstream.
"""

from __future__ import annotations

import math
import socket
import time
from types import TracebackType
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from bigone_sync.testing._relay import Address
from bigone_sync.testing._relay_loop import RelayLoop
from bigone_sync.testing._relay_pipe import Faults

__all__ = ["Direction", "FaultProxy"]

Direction = Literal["up", "down", "both"]
"""``"up"``: client to server; ``"down"``: server to client."""

_DEFAULT_PORTS = {"ws": 80, "wss": 443}


class FaultProxy:
    """A TCP proxy in front of a WebSocket server, with faults to switch on and off.

    Faults act on live and on future connections and add up; :meth:`heal` ends them all. Every method may be called
    from any thread and has taken effect when it returns. Only what the proxy still holds can be stopped: bytes that
    it has already written are beyond the fault, like segments past the broken cable.

    All methods and properties that need the running proxy raise ``RuntimeError`` before :meth:`start`, the faults
    also after :meth:`close`.

    Args:
        upstream: The server's ``ws://`` or ``wss://`` URL.
        host: Address to listen on.
        receive_buffer: Size in bytes of the kernel's receive buffers on both sides; with small ones a stall is felt
            by the sender after few bytes. None keeps the system's default.

    Raises:
        ValueError: ``upstream`` is not a WebSocket URL with a host.
    """

    def __init__(self, upstream: str, *, host: str = "127.0.0.1", receive_buffer: int | None = None) -> None:
        parts = urlsplit(upstream)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("upstream must be a ws:// or wss:// URL with a host")
        self._parts, self._host, self._receive_buffer = parts, host, receive_buffer
        self._upstream = (parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme])
        self._started: RelayLoop | None = None

    def start(self) -> FaultProxy:
        """Listen, and relay on a thread of its own.

        Raises:
            RuntimeError: Started before; a closed proxy does not start again.
            OSError: The upstream's name is unknown, or there is no port.
        """
        if self._started is not None:
            raise RuntimeError("a FaultProxy starts only once")
        found = socket.getaddrinfo(*self._upstream, type=socket.SOCK_STREAM)
        addresses = [Address(socket.AddressFamily(family), where) for family, _, _, _, where in found]
        self._started = RelayLoop(self._host, addresses, self._receive_buffer)
        return self

    def close(self) -> None:
        """Close every connection and the port, and end the thread. Does nothing if it is closed or never started.

        Raises:
            RuntimeError: The proxy's thread had failed; the cause is chained.
        """
        if self._started is not None:
            self._started.close()

    def __enter__(self) -> FaultProxy:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        port = "not started" if self._started is None else self._started.port
        return f"<FaultProxy {self._host}:{port} -> {self._upstream[0]}:{self._upstream[1]}>"

    @property
    def port(self) -> int:
        """The proxy's port; it stays the same while connections are refused."""
        return self._loop.port

    @property
    def url(self) -> str:
        """The upstream's URL with the proxy's address in place of the server's."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return urlunsplit(self._parts._replace(netloc=f"{host}:{self.port}"))

    @property
    def connections(self) -> int:
        """Connections that are relayed now, those held in a blackhole included."""
        loop = self._loop
        return loop.look(lambda: len(loop.live()))

    @property
    def accepted(self) -> int:
        """Connections accepted since the start."""
        loop = self._loop
        return loop.look(lambda: loop.accepted)

    @property
    def bytes_up(self) -> int:
        """Bytes written towards the server since the start, injected ones included."""
        loop = self._loop
        return loop.look(lambda: loop.bytes_up)

    @property
    def bytes_down(self) -> int:
        """Bytes written towards the client since the start, injected ones included."""
        loop = self._loop
        return loop.look(lambda: loop.bytes_down)

    def delay(self, seconds: float, direction: Direction = "both") -> None:
        """Let bytes arrive later, in the same order and at the same rate; the end of a stream is delayed too.

        Args:
            seconds: For bytes read from now on; those under way keep their time. 0 ends the fault.
            direction: Which way.

        Raises:
            ValueError: A negative or endless time, or an unknown direction.
        """
        _check_seconds(seconds)
        chosen = self._choose(direction)

        def apply() -> None:
            for faults in chosen:
                faults.delay = seconds

        self._loop.order(apply)

    def slice(self, size: int | None, pause: float = 0.0, direction: Direction = "both") -> None:
        """Cut the stream into small writes, each sent at once (``TCP_NODELAY``).

        Args:
            size: Most bytes of a write; None ends the fault.
            pause: Seconds between two writes of a connection.
            direction: Which way.

        Raises:
            ValueError: A size below 1, a negative or endless pause, or an unknown direction.
        """
        if size is not None and size < 1:
            raise ValueError("size must be at least 1 byte")
        _check_seconds(pause)
        loop, chosen = self._loop, self._choose(direction)

        def apply() -> None:
            for faults in chosen:
                faults.slice_size, faults.slice_pause = size, pause
            for link in loop.links:
                for pipe in (link.up, link.down):
                    if any(pipe.faults is faults for faults in chosen):
                        pipe.restart_pause()

        loop.order(apply)

    def stall(self, direction: Direction) -> None:
        """Stop reading and writing in one direction: buffers fill, and TCP pushes back on the sender.

        Raises:
            ValueError: An unknown direction.
        """
        chosen = self._choose(direction)

        def apply() -> None:
            for faults in chosen:
                faults.stalled = True

        self._loop.order(apply)

    def blackhole(self) -> None:
        """Make the path dead: nothing passes either way, nothing is closed and nobody is told.

        Bytes on both sides are held. New connections succeed, since the kernel accepts them, but the server does not
        hear of them before :meth:`heal`.
        """
        loop = self._loop

        def apply() -> None:
            loop.up.dead = loop.down.dead = True

        loop.order(apply)

    def heal(self) -> None:
        """End all faults: held bytes and ends are delivered now, in order, and refused connections are accepted.

        Raises:
            OSError: Somebody else took the port while connections were refused.
        """
        loop = self._loop

        def apply() -> None:
            loop.up.clear()
            loop.down.clear()
            for link in loop.links:
                link.up.release()
                link.down.release()
                link.dial()
            loop.listen()

        loop.order(apply)

    def cut(self) -> None:
        """End all live connections in order: both sides see the end of the stream (FIN), whatever faults are on.

        Bytes still held are lost. What the peers send afterwards is read and thrown away until they close.
        """
        loop = self._loop

        def apply() -> None:
            for link in loop.live():
                link.cut()

        loop.order(apply)

    def reset(self) -> None:
        """Break all live connections: both sides see a reset (RST), whatever faults are on."""
        loop = self._loop

        def apply() -> None:
            for link in loop.live():
                link.reset()

        loop.order(apply)

    def inject(self, data: bytes, direction: Direction = "down") -> int:
        """Put raw bytes into every live connection, behind what was read so far, under the faults that are on.

        The proxy does not know where a frame ends: inject while the stream rests.

        Returns:
            How many streams took them; one whose sender has already ended it does not.

        Raises:
            ValueError: An unknown direction.
        """
        loop, chosen = self._loop, self._choose(direction)

        def apply() -> int:
            now = time.monotonic()
            pipes = [pipe for link in loop.live() for pipe in (link.up, link.down)]
            return sum(pipe.put(data, now) for pipe in pipes if any(pipe.faults is faults for faults in chosen))

        return loop.order(apply)

    def refuse(self, on: bool = True) -> None:
        """Stop listening, so that new connections are refused; live ones go on. ``False`` listens again.

        Raises:
            OSError: Somebody else took the port in the moment of the change.
        """
        loop = self._loop
        loop.order(loop.stop_listening if on else loop.listen)

    @property
    def _loop(self) -> RelayLoop:
        if self._started is None:
            raise RuntimeError("the FaultProxy is not started")
        return self._started

    def _choose(self, direction: Direction) -> tuple[Faults, ...]:
        both = {"up": (self._loop.up,), "down": (self._loop.down,), "both": (self._loop.up, self._loop.down)}
        if direction not in both:
            raise ValueError(f"direction must be 'up', 'down' or 'both', not {direction!r}")
        return both[direction]


def _check_seconds(seconds: float) -> None:
    if not (seconds >= 0 and math.isfinite(seconds)):
        raise ValueError("seconds must be 0 or more, and finite")
