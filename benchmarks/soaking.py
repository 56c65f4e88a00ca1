"""What the soaks of all venues share."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from bigone_sync import (
    BigOneError,
    ConfigurationError,
    ConnectionState,
    ContractClient,
    Gap,
    OrderBook,
    RestError,
    SpotClient,
)
from bigone_sync.testing.leaks import Census, census, wait_until
from bigone_sync.testing.market import BookView

__all__ = ["covered", "same_book", "settled", "settled_census", "torment", "wait_not_grown"]

# Engine times are cut to microseconds, or milliseconds, on their way into an event.
_ROUNDING = timedelta(milliseconds=1)
_EVERY = 5.0
_SETTLE = 20.0
_END = 60.0


class Chaos(Protocol):
    """Misfortunes."""

    def act(self) -> str:
        """Do one thing; returns its name."""

    def pause(self) -> float:
        """Seconds until the next."""


def torment(client: SpotClient | ContractClient, chaos: Chaos, books: Mapping[str, OrderBook], seconds: float) -> None:
    """One misfortune after the other, for so long."""
    end, act, last, started = time.monotonic() + seconds, 0.0, [0.0], time.monotonic()
    idle, name = threading.Event(), ""
    while time.monotonic() < end:
        if time.monotonic() >= act:
            name = chaos.act()
            act = time.monotonic() + chaos.pause()
        live = sum(book.is_live for book in books.values())
        stats = client.stats()
        _progress(
            f"{time.monotonic() - started:5.0f}/{seconds:.0f} s  {stats.events:>8} events  "
            f"{stats.reconnects:>4} reconnects  {stats.gaps:>4} gaps  books live {live}/{len(books)}  last: {name}",
            last,
        )
        idle.wait(0.1)


def _progress(line: str, last: list[float]) -> None:
    if sys.stderr.isatty():
        print(f"\r{line:<110}", end="", file=sys.stderr, flush=True)
    elif time.monotonic() - last[0] >= _EVERY:
        last[0] = time.monotonic()
        print(line, file=sys.stderr, flush=True)


def settled(client: SpotClient | ContractClient, look: Callable[[], list[str]]) -> list[str]:
    """Wait until ``look`` finds nothing wrong; returns what is wrong when patience ends."""
    faults: list[str] = []

    def is_sound() -> bool:
        faults[:] = look()
        if client.stats().queue_depth:
            faults.append("events are still queued")
        return not faults

    try:
        client.wait_ready(_SETTLE)
        wait_until(is_sound, _SETTLE)
    except (AssertionError, BigOneError) as error:
        faults.append(f"did not settle: {error}")
    if client.stats().callback_errors:
        faults.append(f"{client.stats().callback_errors} callbacks failed")
    return faults


def same_book(book: OrderBook, engine: BookView) -> bool:
    """Whether a kept book is live and the exchange's own, level by level."""
    kept = book.snapshot()
    return (
        book.is_live
        and kept.change_id == engine.change_id
        and {level.price: level.amount for level in kept.bids} == dict(engine.bids)
        and {level.price: level.amount for level in kept.asks} == dict(engine.asks)
    )


def covered(time_of: datetime, gaps: Iterable[Gap]) -> bool:
    """Whether a moment lies in an announced hole."""
    return any(
        (gap.since is None or gap.since <= time_of + _ROUNDING)
        and (gap.until is None or time_of <= gap.until + _ROUNDING)
        for gap in gaps
    )


def settled_census(client: SpotClient | ContractClient, nowhere: str) -> Census:
    """Threads and descriptors of a client that is connected, and keeps a connection for REST, which may come late.

    Args:
        client: whose.
        nowhere: a market that there is not, so that the exchange is asked for it.

    Raises:
        AssertionError: it does not settle.
    """
    taken: list[Census] = []

    def is_taken() -> bool:
        client.wait_ready(_END)
        before = client.stats().reconnects
        try:
            client.market(nowhere)
        except RestError:  # a machine that is too busy
            return False
        except ConfigurationError:
            taken[:] = [census()]
        return client.state is ConnectionState.READY and client.stats().reconnects == before

    wait_until(is_taken, _END, message=f"{client} does not settle")
    return taken[0]


def wait_not_grown(before: Census) -> None:
    """Wait until there are as many threads and descriptors as before, or fewer; those may be others.

    Raises:
        AssertionError: Names those that came.
    """

    def is_no_more() -> bool:
        now = census()
        return len(now.threads) <= len(before.threads) and len(now.descriptors or ()) <= len(before.descriptors or ())

    try:
        wait_until(is_no_more, _END)
    except AssertionError:
        now = census()
        came, went = now.beyond(before), before.beyond(now)
        names = [f"{len(came)} came: {'; '.join(map(str, came))}", f"{len(went)} went: {'; '.join(map(str, went))}"]
        raise AssertionError(f"threads or descriptors grew within {_END:g} s. {'. '.join(names)}") from None
