"""A dispatcher with everything it reports, and a thread that delivers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bigone_sync.dispatch import Dispatcher, Lane, Sink


class Desk:
    """One dispatcher under test."""

    def __init__(self, limit: int = 100) -> None:
        self.failures: list[tuple[Any, Any, Exception]] = []
        self.exits: list[BaseException] = []
        self.overflows: list[Lane] = []
        self.dispatcher = Dispatcher(
            limit,
            failed=lambda handler, event, error: self.failures.append((handler, event, error)),
            exit=self.exits.append,
            overflowing=self.overflows.append,
        )

    def sink(self, *handlers: Callable[[Any], object], name: str = "sink") -> Sink:
        """A stream's sink: what it is given counts as delivered."""
        sink = Sink(name, lambda count: None)
        sink.set_handlers(handlers, lambda handler, event, error: self.failures.append((handler, event, error)))
        return sink

    @contextmanager
    def worker(self) -> Iterator[threading.Thread]:
        """A thread in ``run()``; ended, after all is delivered, at the end of the block."""
        thread = threading.Thread(target=self.dispatcher.run, name="worker", daemon=True)
        thread.start()
        try:
            yield thread
        finally:
            self.dispatcher.close(discard=False)
            thread.join(10)
            assert not thread.is_alive()


@contextmanager
def background(work: Callable[[], object]) -> Iterator[threading.Thread]:
    """A thread that does ``work`` meanwhile; it must be over soon after the block."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield thread
    thread.join(10)
    assert not thread.is_alive()
