"""A thread with an event loop and an HTTP listener on one port that can go away and come back."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from aiohttp import web

from bigone_sync.testing._listener import Listener

T = TypeVar("T")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_CALL_TIMEOUT = 30.0
_SHUTDOWN_TIMEOUT = 1.0


class LoopServer:
    """Runs an aiohttp server on a thread of its own; `call` and `call_async` do something there and wait for it.

    Args:
        routes: path to handler of GET requests.
        services: base path to handler of all requests below it.
        on_open: runs on the loop once the port listens.
        on_close: runs on the loop before the listener goes for good.
    """

    def __init__(
        self,
        routes: Mapping[str, Handler],
        services: Mapping[str, Handler],
        *,
        host: str,
        port: int,
        ssl_context: ssl.SSLContext | None,
        on_open: Callable[[], None],
        on_close: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self.host = host
        self.port = port
        self._routes = routes
        self._services = services
        self._ssl_context = ssl_context
        self._on_open = on_open
        self._on_close = on_close
        self._lock = threading.RLock()  # guards the fields below; held while starting, stopping and for calls at rest
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._socket: socket.socket | None = None
        self._runner: web.AppRunner | None = None
        self._listener: Listener | None = None

    @property
    def is_running(self) -> bool:
        """Whether the thread is there; the listener may be taken down nevertheless."""
        return self._thread is not None

    def start(self) -> None:
        """Bind, start the thread and return when clients can connect; does nothing if it is running.

        Raises:
            OSError: the port is taken.
        """
        with self._lock:
            if self._thread is not None:
                return
            self._bind()
            ready: concurrent.futures.Future[None] = concurrent.futures.Future()
            self._thread = threading.Thread(
                target=self._main, args=(ready,), name=f"local-exchange-{self.port}", daemon=True
            )
            self._thread.start()
            try:
                ready.result(_CALL_TIMEOUT)
            except BaseException:
                self._thread.join(_CALL_TIMEOUT)
                self._thread = None
                raise

    def close(self) -> None:
        """End every connection, the listener and the thread; does nothing if it is not running."""
        with self._lock:
            thread, loop, stop = self._thread, self._loop, self._stop
            if thread is None or loop is None or stop is None:
                return
            loop.call_soon_threadsafe(stop.set)
            thread.join(_CALL_TIMEOUT)
            if thread.is_alive():
                raise RuntimeError("the exchange's thread does not end")
            self._thread = None

    def call(self, function: Callable[[], T]) -> T:
        """Run a function on the loop and return what it returns; without a running loop, run it here."""

        async def run() -> T:
            return function()

        with self._lock:
            if self._loop is None:
                return function()
            future = asyncio.run_coroutine_threadsafe(run(), self._loop)
        return future.result(_CALL_TIMEOUT)

    def call_async(self, function: Callable[[], Coroutine[Any, Any, T]], *, timeout: float = _CALL_TIMEOUT) -> T:
        """Run a coroutine function on the loop and return what it returns.

        Raises:
            RuntimeError: there is no running loop.
        """
        with self._lock:
            if self._loop is None:
                raise RuntimeError("the exchange is not started")
            future = asyncio.run_coroutine_threadsafe(function(), self._loop)
        return future.result(timeout)

    async def take_down(self) -> None:
        """Stop listening but stay bound: connecting is refused, and no other socket is given the port by chance."""
        if self._runner is not None:
            await self._hang_up()
            self._bind()

    async def bring_up(self) -> None:
        """Listen again on the same port."""
        if self._runner is not None:
            return
        app = web.Application()
        for path, handler in self._routes.items():
            app.router.add_get(path, handler)
        for base, handler in self._services.items():
            app.router.add_route("*", base + "/{tail:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT)
        await runner.setup()
        assert self._socket is not None
        assert runner.server is not None
        self._listener = Listener(self._socket, runner.server, ssl_context=self._ssl_context)
        self._socket, self._runner = None, runner
        self._listener.open()

    async def _hang_up(self) -> None:
        """End the listener and every connection."""
        runner, listener = self._runner, self._listener
        self._runner = self._listener = None
        if listener is not None:
            await listener.close()
        if runner is not None:
            await runner.cleanup()

    def _bind(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            if os.name == "posix":  # elsewhere the option lets two listeners share a port
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self.host, self.port))
        except BaseException:
            bound.close()
            raise
        self.port = bound.getsockname()[1]
        self._socket = bound

    def _main(self, ready: concurrent.futures.Future[None]) -> None:
        # A loop without a default executor: every address is numeric, so nothing needs a second thread. The listener
        # needs one that selects, on Windows as well.
        loop = asyncio.SelectorEventLoop()
        try:
            loop.run_until_complete(self._serve(ready))
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)
        finally:
            self._loop = None
            if self._socket is not None:
                self._socket.close()
                self._socket = None
            loop.close()

    async def _serve(self, ready: concurrent.futures.Future[None]) -> None:
        self._stop = asyncio.Event()
        try:
            await self.bring_up()
            self._on_open()
            self._loop = asyncio.get_running_loop()
            ready.set_result(None)
            await self._stop.wait()
        finally:
            await self._on_close()
            await self._end()

    async def _end(self) -> None:
        await self._hang_up()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        # Transports close their sockets in the turn after they were told to.
        await asyncio.sleep(0)
