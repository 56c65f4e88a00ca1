"""Listeners of a client (`on_error`, `on_state`, `on_gap`, `on_raw`), and what its sessions tell it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..config import Limits
from ..dispatch import Dispatcher, Lane, Sink
from ..enums import ConnectionState
from ..errors import BigOneError, CallbackError, SlowConsumer
from ..events import Gap, RawFrame, StateChange
from ..subscription import Handler

__all__ = ["ClientHub"]

_log = logging.getLogger("bigone_sync.client")


class ClientHub:
    """Where everything that is not data comes together.

    Args:
        limits: of the client.
        exit: told of SystemExit and KeyboardInterrupt raised by a handler.
    """

    def __init__(self, limits: Limits, exit: Callable[[BaseException], None]) -> None:
        self._exit = exit
        self.dispatcher = Dispatcher(limits.queue, failed=self.handler_failed, exit=exit, overflowing=self._overflowing)
        self.fatal_error: BigOneError | None = None
        self.callback_errors = 0
        self.wants_raw = False
        self._sinks = {kind: Sink(f"on_{kind}") for kind in ("error", "state", "gap", "raw")}
        self._lock = threading.RLock()
        self._changes = threading.Condition()
        self._version = 0

    # -- listeners

    def listen(self, kind: str, handler: Handler) -> None:
        """Add a handler of ``error``, ``state``, ``gap`` or ``raw``."""
        with self._lock:
            sink = self._sinks[kind]
            sink.set_handlers([*sink.handlers, handler], self.handler_failed)
            self.wants_raw = self.wants_raw or kind == "raw"

    def _tell(self, kind: str, lane: Lane, event: Any, *, wait: bool = False) -> bool:
        sink = self._sinks[kind]
        if sink.call is None:
            return False
        return self.dispatcher.put(lane, sink, (event,), wait=wait)

    def error(self, lane: Lane, error: BigOneError, *, wait: bool = False) -> None:
        """Something went wrong in the background; ``wait`` for room in the queue, as data does."""
        if not self._tell("error", lane, error, wait=wait):
            _log.error("%s", error)

    def gap(self, lane: Lane, gap: Gap, *, wait: bool = False) -> None:
        """Data is or may be missing; ``wait`` for room in the queue, as data does."""
        _log.info("gap in %s %s: %s", gap.channel, gap.market or "", gap.reason)
        self._tell("gap", lane, gap, wait=wait)

    def raw(self, lane: Lane, frames: Sequence[RawFrame], *, wait: bool) -> None:
        """Frames went over the wire; ``wait``: for room in the queue, as data does."""
        sink = self._sinks["raw"]
        if sink.call is not None:
            self.dispatcher.put(lane, sink, frames, wait=wait)

    def state(self, lane: Lane, name: str, old: ConnectionState, new: ConnectionState, **details: Any) -> None:
        """A connection changed its state."""
        self._tell("state", lane, StateChange(old, new, connection=name, received_at=time.time(), **details))
        self.changed()

    def fatal(self, lane: Lane, error: BigOneError) -> None:
        """A connection ended for good: for ``on_error``, and for whoever waits."""
        with self._lock:
            self.fatal_error = self.fatal_error or error
        self.error(lane, error)
        self.dispatcher.wake()
        self.changed()

    def _overflowing(self, lane: Lane) -> None:
        report = SlowConsumer(
            f"{lane.name}: {lane.size} events wait, the bound is {lane.limit}: handlers are too slow",
            pending=lane.size,
            limit=lane.limit,
        )
        _log.warning("%s", report)
        self._tell("error", lane, report)

    # -- user code that fails

    def handler_failed(self, handler: Handler, event: Any, error: Exception) -> None:
        """A handler raised: logged with its traceback, counted, reported; the delivering thread lives on."""
        self.callback_errors += 1
        name = getattr(handler, "__qualname__", None) or repr(handler)
        _log.error("handler %s raised %s", name, type(error).__name__, exc_info=error)
        sink = self._sinks["error"]
        if isinstance(event, BigOneError) or sink.call is None:
            return  # reporting a reporter's failure to itself would never end
        report = CallbackError(f"handler {name} raised {type(error).__name__}: {error}", event=event, handler=handler)
        report.__cause__ = error
        # At once, on this thread: the report belongs to this event.
        try:
            sink.call(report)
        except Exception as second:  # noqa: BLE001 - user code; logged
            _log.error("an on_error handler raised %s", type(second).__name__, exc_info=second)
        except BaseException as second:  # noqa: BLE001 - user code wants out, as from any other handler
            self._exit(second)

    # -- waiting for a change

    def changed(self) -> None:
        """Something that a wait may be about has changed."""
        with self._changes:
            self._version += 1
            self._changes.notify_all()

    def wait_until(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        """Wait for ``condition``, which may take locks; False when ``timeout`` seconds have passed."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            # Read before the condition is looked at: a change in between is not missed.
            version = self._version
            if condition():
                return True
            with self._changes:
                while self._version == version:
                    left = None if end is None else end - time.monotonic()
                    if left is not None and left <= 0:
                        return False
                    self._changes.wait(left)
