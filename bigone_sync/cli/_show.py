"""The show: connect, play the story, compare, sum up."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import click
from rich.console import Console

from ..errors import ConnectTimeout
from . import _settings as settings
from ._plain import PlainView
from ._stage import Stage
from ._story import Story
from ._summary import show_summary
from ._verdict import Check, judge
from ._view import RichView, can_draw

if TYPE_CHECKING:
    from ..testing import FaultProxy, LocalExchange

__all__ = ["INTERRUPTED", "Show"]

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells count it: 128 + SIGINT."""


class Show:
    """One run of the demo.

    Args:
        exchange: started.
        proxy: started, in front of the exchange.
        stage: the venue, with the exchange's market.
        seconds: length, from the moment in which the client is ready.
        seed: of the story.
        protocol: of the client, ``"json"`` or ``"proto"``.
        console: decides between picture and plain lines.
    """

    def __init__(
        self,
        exchange: LocalExchange,
        proxy: FaultProxy,
        stage: Stage,
        *,
        seconds: float,
        seed: int,
        protocol: str,
        console: Console,
    ) -> None:
        self._exchange, self._stage, self._recorder = exchange, stage, stage.recording
        self._seconds, self._protocol, self._console = seconds, protocol, console
        self._client = stage.make_client(proxy.url, protocol)
        self._story = Story(exchange, proxy, stage, seconds=seconds, seed=seed, channels=len(self._client.connections))
        self._draws = can_draw(console)
        self._view = self._make_view()

    def _make_view(self) -> RichView | PlainView:
        book = self._client.order_book(self._recorder.market)
        if self._draws:
            return RichView(self._recorder, book, self._client, self._seconds, self._console)
        return PlainView(self._recorder, book, self._seconds)

    def run(self) -> int:
        """Do it all; returns the exit status.

        Raises:
            BigOneError: the client could not connect, or ended for good.
            KeyboardInterrupt: Ctrl-C while the results were compared.
        """
        interrupted = False
        with self._client, self._view:
            try:
                self._connect()
                self._perform()
            except KeyboardInterrupt:
                interrupted = True
                self._recorder.note("demo", "interrupted: the show ends here", "interrupted")
            checks = self._compare(interrupted)
            # Before the end, which also makes news.
            stats, notes = self._client.stats(), self._recorder.notes()
        show_summary(self._console, stats, checks, notes if self._draws else ())
        if interrupted:
            return INTERRUPTED
        return self._judge(checks)

    def _judge(self, checks: list[Check]) -> int:
        failed = [check.text for check in checks if not check.ok]
        if not failed:
            self._console.print("The client came through, with the exchange's own view of everything.", style="bold")
            return 0
        click.echo(f"the demo failed: {'; '.join(failed)}", err=True)
        return 1

    def _connect(self) -> None:
        deadline = time.monotonic() + settings.CONNECT_LIMIT
        while True:
            try:
                self._client.wait_ready(settings.TICK)
            except ConnectTimeout:
                if time.monotonic() >= deadline:
                    raise
                self._view.show(None)
            else:
                self._recorder.look()
                count = len(self._client.connections)
                text = self._stage.connected_text(self._exchange, count, self._protocol)
                self._recorder.note("demo", f"connected: {text}", f"connected: {count}, streams live")
                self._recorder.caption = (
                    "A crowd trades by itself; each change of its book is applied to the copy kept here."
                )
                return

    def _perform(self) -> None:
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < self._seconds:
            self._story.play(elapsed)
            self._recorder.look()
            self._view.show(elapsed)
            self._client.wait(settings.TICK)

    def _compare(self, interrupted: bool) -> list[Check]:
        """Let an unfinished recovery come to its end, pause the market, and compare when the last events are in."""
        deadline = time.monotonic() + settings.RECOVERY_LIMIT
        while self._is_under_way(interrupted) and time.monotonic() < deadline:
            self._story.tend(math.inf)
            self._recorder.look()
            self._client.wait(settings.TICK)
        self._exchange.pause()
        if not self._recorder.trade_ids():
            return []  # interrupted before anything came
        self._recorder.note("demo", "the market is paused, to compare client and exchange", "market paused")
        self._view.show(self._seconds)
        deadline = time.monotonic() + settings.SETTLE_LIMIT
        while True:
            checks = [*judge(self._exchange, self._stage), *self._untold(interrupted)]
            if all(check.ok for check in checks) or time.monotonic() >= deadline:
                return checks
            self._client.wait(settings.TICK)

    def _untold(self, interrupted: bool) -> list[Check]:
        """What the show owes where nobody ended it."""
        if interrupted or self._recorder.recovery is not None:
            return []
        return [Check(False, "the connections were never reset: the client was not as it has to be for that")]

    def _is_under_way(self, interrupted: bool) -> bool:
        """Whether a loss is not yet made good, or something of the story had to wait for that."""
        recovery = self._recorder.recovery
        if self._stage.is_under_way or (recovery is not None and not recovery.is_over):
            return True
        return not interrupted and not self._story.play(self._seconds)
