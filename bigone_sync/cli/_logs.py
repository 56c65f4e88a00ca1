"""Log records go into the story instead of across the picture."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from ._recording import Recording

__all__ = ["logs_to"]

_OWN = "bigone_sync"
_UNDERNEATH = "websocket"
"""Says of every lost connection what the client says, too, and better."""


class _NoteHandler(logging.Handler):
    def __init__(self, recording: Recording) -> None:
        super().__init__(logging.WARNING)
        self._recording = recording

    def emit(self, record: logging.LogRecord) -> None:
        """Note the record; an error that the package logs is one of the demo, too."""
        self._recording.note("log", f"{record.levelname} {record.name}: {record.getMessage()}")
        if record.levelno >= logging.ERROR:
            self._recording.unexpected.append(record.getMessage())


@contextmanager
def logs_to(recording: Recording) -> Iterator[None]:
    """Within the block warnings and errors of the package become notes of ``recording``; nothing else is shown."""
    handlers = {_OWN: _NoteHandler(recording), _UNDERNEATH: logging.NullHandler()}
    propagated = {name: logging.getLogger(name).propagate for name in handlers}
    for name, handler in handlers.items():
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).propagate = False
    try:
        yield
    finally:
        for name, handler in handlers.items():
            logging.getLogger(name).removeHandler(handler)
            logging.getLogger(name).propagate = propagated[name]
