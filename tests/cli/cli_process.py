"""Run a Python process and look at its output while it runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bigone_sync.testing.leaks import wait_until

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
# As in setup.cfg: the import of our oldest protobuf warns on Python 3.12 and later.
STRICT = ("-W", "error", "-W", "ignore:Type google._upb._message.:DeprecationWarning")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: this package importable, nothing of a proxy, an account or another terminal."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("BIGONE_") and name not in ("COLUMNS", "LINES")
    }
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **(extra or {})}


class Process:
    """A running child; its output, both streams in one, is collected by a thread."""

    def __init__(self, arguments: list[str], extra: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, *STRICT, *arguments]
        # Ctrl-C must work in the child even where this process was started in the background, ignoring it.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self.child = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment(extra),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
            )
        finally:
            signal.signal(signal.SIGINT, before)
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, *parts: str) -> str:
        """The first line that holds all ``parts``, once there is one."""

        def find() -> str | None:
            ended = self.child.poll() is not None and not self._reader.is_alive()
            found = next((line for line in list(self.lines) if all(part in line for part in parts)), None)
            assert found is not None or not ended, f"ended without {parts}:\n{self.text}"
            return found

        try:
            line = wait_until(find, PATIENCE, message=f"no line with {parts}")
        except AssertionError as error:
            raise AssertionError(f"{error}; what there was:\n{self.text}") from None
        assert line is not None
        return line

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.child.send_signal(signal.SIGINT)

    def wait(self) -> int:
        """The exit status, with all the output read."""
        status = self.child.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    def close(self) -> None:
        """Whatever happened: no process, no thread, no pipe is left."""
        if self.child.poll() is None:
            self.child.kill()
        self.wait()
        assert self.child.stdout is not None
        self.child.stdout.close()


@contextmanager
def running(*arguments: str, **extra: str) -> Iterator[Process]:
    """A child for the length of a block."""
    process = Process(list(arguments), extra)
    try:
        yield process
    finally:
        process.close()
