"""What a session needs of its neighbours: the protocol below, the client above."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .dispatch import Lane
from .enums import Channel, ConnectionState
from .errors import BigOneError
from .events import ContractOrder, Fill, Gap, Order, Position, RailsOrder, RawFrame, SubscriptionKey
from .protocol.base import Frame, Parting, Request, Route

__all__ = [
    "ContractFound",
    "ContractHistory",
    "Feed",
    "Found",
    "Hub",
    "Keeping",
    "PrivateFeed",
    "RailsFound",
    "RailsHistory",
    "SpotHistory",
    "Venue",
]


class Feed(Protocol):
    """A protocol, as far as it understands what comes."""

    @property
    def decode_errors(self) -> int:
        """Frames, or items of frames, that could not be read."""

    def add(self, key: SubscriptionKey, *, limit: int | None = None, owner: Any = None) -> Route:
        """Know a stream."""

    def remove(self, route: Route) -> None:
        """Forget a stream."""

    def opened(self) -> None:
        """A new connection."""

    def receive(self, frames: Sequence[bytes], received_at: float) -> list[Any]:
        """What frames mean."""


class Venue(Feed, Protocol):
    """One that asks for streams over the socket; :class:`~bigone_sync.protocol.spot.SpotProtocol` is one."""

    def authenticate(self, token: str) -> tuple[Request, Frame]:
        """Log in."""

    def admit(self, keys: Sequence[SubscriptionKey]) -> None:
        """Whether streams of one channel can be added."""

    def groups(self, routes: Sequence[Route]) -> Sequence[Sequence[Route]]:
        """What to ask for so that streams run, group by group."""

    def parting(self, routes: Sequence[Route]) -> Parting:
        """How to leave streams of one channel."""

    def subscribe(self, routes: Sequence[Route]) -> tuple[Request, Frame]:
        """Ask for streams: one group."""

    def unsubscribe(self, routes: Sequence[Route]) -> tuple[Request, Frame]:
        """Ask for their end."""

    def call(self, name: str, parameters: Mapping[str, Any]) -> tuple[Request, Frame]:
        """A command that is answered by its id."""

    def give_up(self, request: Request) -> None:
        """Nobody waits for the answer to a command any more."""

    def reconcile(self, route: Route, events: Sequence[Any]) -> list[Any]:
        """What is news to a stream of orders or trades among what REST tells."""


class PrivateFeed(Feed, Protocol):
    """One that REST can make whole; :class:`~bigone_sync.protocol.contract.ContractProtocol` is one."""

    def open_orders(self) -> list[ContractOrder]:
        """The own orders that are not known to have ended."""

    def reconcile(
        self,
        *,
        orders: Sequence[ContractOrder],
        fills: Sequence[Fill],
        positions: Sequence[Position] | None,
        received_at: float,
    ) -> list[Any]:
        """What is news to which stream among what REST tells."""


@dataclass(frozen=True)
class Found:
    """What REST tells of the time when nobody listened."""

    items: tuple[Any, ...] = ()
    missing: str = ""
    """Why that is not all; empty: it is."""


@dataclass(frozen=True)
class ContractFound:
    """The same of the private contract stream, which has several kinds of data."""

    orders: tuple[ContractOrder, ...] = ()
    fills: tuple[Fill, ...] = ()
    positions: tuple[Position, ...] | None = None
    """All that there are; None: not asked for, or not to be had."""
    missing: Mapping[Channel, str] = field(default_factory=dict)
    """Why that is not all, by channel."""
    received_at: float = 0.0


class SpotHistory(Protocol):
    """Asks the exchange what a spot client missed. Waits for HTTP, within a deadline; raises nothing."""

    def orders(
        self,
        market: str | None,
        known: Sequence[Order],
        markets: Collection[str],
        since: float | None,
        newest: float | None,
        waited: float,
    ) -> Found:
        """Own orders that are open, or may have changed since.

        ``market``: the only one that matters, or None; ``known``: those not known to have ended; ``markets``: where
        orders have been seen; ``since``: Unix time of this machine's clock, None: not known; ``newest``: time of the
        newest update that is known, of the exchange's; ``waited``: seconds of the deadline that are over.
        """

    def trades(self, market: str, last: int, waited: float) -> Found:
        """The public trades after the one with the id ``last``; ``waited`` as above."""


class ContractHistory(Protocol):
    """Asks the exchange what a contract client missed. Waits for HTTP, within a deadline; raises nothing."""

    def fetch(
        self, channels: Collection[Channel], known: Sequence[ContractOrder], since: float | None
    ) -> ContractFound:
        """What may have changed in these channels; the rest is as with spot."""


@dataclass(frozen=True)
class RailsFound:
    """The same of own orders and trades on Rails."""

    orders: tuple[RailsOrder, ...] = ()
    fills: tuple[Fill, ...] = ()
    missing: Mapping[Channel, str] = field(default_factory=dict)
    """Why that is not all, by channel."""


class RailsHistory(Protocol):
    """Asks the exchange what a Rails client missed. Waits for HTTP, within a deadline; raises nothing."""

    def fetch(self, channels: Collection[Channel], known: Sequence[RailsOrder], since: float | None) -> RailsFound:
        """What may have changed in these channels; the rest is as with spot."""


class Keeping(Protocol):
    """What is kept of a connection's data; called on its reader."""

    def mark_stale(self) -> None:
        """The connection is gone: what is kept may be out of date."""


class Hub(Protocol):
    """A client, as its sessions see it. Only ``changed`` is called under a session's lock.

    Nothing here waits, but with ``wait``: for room in the queue, as data does.
    """

    wants_raw: bool

    def error(self, lane: Lane, error: BigOneError, *, wait: bool = False) -> None:
        """For ``on_error``."""

    def gap(self, lane: Lane, gap: Gap, *, wait: bool = False) -> None:
        """For ``on_gap``."""

    def raw(self, lane: Lane, frames: Sequence[RawFrame], *, wait: bool) -> None:
        """For ``on_raw``."""

    def state(self, lane: Lane, name: str, old: ConnectionState, new: ConnectionState, **details: Any) -> None:
        """For ``on_state``."""

    def fatal(self, lane: Lane, error: BigOneError) -> None:
        """A connection ended for good."""

    def changed(self) -> None:
        """Something that a wait may be about."""
