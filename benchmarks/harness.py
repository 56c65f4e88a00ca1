"""Runs cases against benchmark servers and compares them.

Server and client have a core each. Every run of a case is a fresh process. Cases take turns, so that a machine that
grows slower or faster does so for all of them, and medians are reported: read the ratios, not the figures.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import mmap
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.stopwatch import stopwatch

__all__ = ["Case", "Result", "Server", "compare", "markdown", "read_stamps", "run_case", "server"]

_CHILD = "from benchmarks.harness import child_main; child_main()"
_TIME_LIMIT = 300.0


@dataclass(frozen=True)
class Case:
    """One way to receive the stream.

    ``run(port, n, last_change_id)`` connects to ``ws://127.0.0.1:<port>``, handles ``n`` updates, calls
    ``stopwatch.start()`` when the first one has been handled by the callback and ``stopwatch.stop()`` when the one
    with ``last_change_id`` has, and returns. None marks an entry that nobody has written yet; it is left out.
    """

    name: str
    run: Callable[[int, int, int], None] | None
    mode: str = "plain"
    """Mode of the server: ``plain``, or ``spot`` or ``spot-proto`` (the case subscribes)."""
    share: float = 1.0
    """Part of the messages to run, so that a slow case does not take minutes."""


@dataclass(frozen=True)
class Server:
    """A running server process, as it announced itself."""

    port: int
    n: int
    last_change_id: int
    bytes: int
    certificate: str | None = None


@dataclass(frozen=True)
class Result:
    """What one case did, round by round."""

    name: str
    rates: tuple[float, ...]
    """Messages per second."""
    cpu: tuple[float, ...]
    """Processor time of the client per message, microseconds, all threads."""

    def times(self, other: Result) -> float:
        """Tell how many times faster than another case: the median of the rounds' own ratios."""
        return median(mine / its for mine, its in zip(self.rates, other.rates, strict=True))


def cores() -> tuple[int | None, int | None]:
    """Choose the cores of server and client; None where processes cannot be bound to one."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


@contextlib.contextmanager
def server(mode: str, n: int, *options: str) -> Iterator[Server]:
    """Run a server process for the length of a block.

    Args:
        mode: ``plain``, ``spot`` or ``spot-proto``.
        n: Messages of the stream.
        options: More arguments of ``benchmarks.blast_server``.

    Raises:
        RuntimeError: The server did not come up; it has told why on standard error.
    """
    command = [sys.executable, "-m", "benchmarks.blast_server", "--until-eof", "--mode", mode, "--n", str(n), *options]
    core, _ = cores()
    if core is not None:
        command += ["--cpu", str(core)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            if not ready:
                raise RuntimeError("the benchmark server did not start")
            yield Server(**json.loads(ready))
        finally:
            process.terminate()


def run_case(module: str, case: Case, at: Server) -> tuple[float, float]:
    """Run a case once in a fresh process.

    Args:
        module: Where the case's registry ``CASES`` is.
        case: Which.
        at: The server to run against.

    Returns:
        Messages per second and processor microseconds per message.

    Raises:
        RuntimeError: The process failed or hung; the text ends with what it said.
    """
    _, core = cores()
    job = {"module": module, "case": case.name, "port": at.port, "n": at.n, "last": at.last_change_id, "core": core}
    command = [sys.executable, "-c", _CHILD, json.dumps(job)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIME_LIMIT, check=True)
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"case {case.name!r} failed: {error.stderr[-2000:]}") from error
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"case {case.name!r} did not end within {_TIME_LIMIT:g} s") from error
    wall, cpu = json.loads(done.stdout)
    return (at.n - 1) / wall, 1e6 * cpu / (at.n - 1)


def child_main() -> None:
    """Run the case described by the first command line argument and print its times; see :func:`run_case`."""
    job: dict[str, Any] = json.loads(sys.argv[1])
    if job["core"] is not None:
        os.sched_setaffinity(0, {job["core"]})
    registry: Sequence[Case] = importlib.import_module(job["module"]).CASES
    run = next(case.run for case in registry if case.name == job["case"])
    if run is None:
        raise RuntimeError("nobody has written this case yet")
    run(job["port"], job["n"], job["last"])
    print(json.dumps(stopwatch.read()))


def compare(module: str, cases: Sequence[Case], n: int, rounds: int) -> list[Result]:
    """Run all cases in turns, ``rounds`` times each.

    Args:
        module: Where the registry ``CASES`` that holds the cases is.
        cases: Which to run, in this order; unwritten ones are left out.
        n: Messages of a full run.
        rounds: Runs of each case.

    Raises:
        RuntimeError: A server or a case failed.
    """
    written = [case for case in cases if case.run is not None]
    seen: dict[str, list[tuple[float, float]]] = {case.name: [] for case in written}
    with contextlib.ExitStack() as stack:
        servers: dict[tuple[str, int], Server] = {}
        for case in written:
            key = (case.mode, max(2, int(n * case.share)))
            if key not in servers:
                servers[key] = stack.enter_context(server(*key))
        advance = stack.enter_context(_progress(rounds * len(written)))
        for number in range(1, rounds + 1):
            for case in written:
                rate, cpu = run_case(module, case, servers[case.mode, max(2, int(n * case.share))])
                seen[case.name].append((rate, cpu))
                advance(f"round {number}: {case.name}: {rate:,.0f} msg/s")
    return [Result(name, tuple(r for r, _ in runs), tuple(c for _, c in runs)) for name, runs in seen.items()]


def markdown(results: Sequence[Result], references: Sequence[str]) -> str:
    """Make a table of medians, with ratios to the reference cases (those that were not run are left out)."""
    known = {result.name: result for result in results}
    present = [known[name] for name in references if name in known]
    lines = [
        " | ".join(["| case", "msg/s", "µs CPU per msg", *(f"÷ {base.name}" for base in present)]) + " |",
        "|---|" + "---:|" * (2 + len(present)),
    ]
    for result in results:
        figures = [f"{median(result.rates):,.0f}", f"{median(result.cpu):.2f}"]
        figures += [f"{result.times(base):.3g}" for base in present]
        lines.append(" | ".join([f"| {result.name}", *figures]) + " |")
    return "\n".join(lines)


def read_stamps(path: str) -> list[int]:
    """Read the send times of a paced stream: monotonic nanoseconds by number of message, 0 for those not sent."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as shared:
        return list(struct.unpack(f"<{len(shared) // 8}q", shared[:]))


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """Show how far the runs are on standard error: a bar if rich is installed, else a line for each."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        console = None
    else:
        console = Console(stderr=True)
    if console is None or not console.is_terminal:
        yield lambda text: print(text, file=sys.stderr, flush=True)
        return
    with Progress(console=console) as progress:
        task = progress.add_task("measuring", total=total)
        yield lambda text: progress.update(task, advance=1, description=text)
