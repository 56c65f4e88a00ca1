"""What a protocol and its session say to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto
from typing import Any

from ..errors import BigOneError, RequestRejected, SequenceGap
from ..events import Event, Gap, SubscriptionKey

__all__ = [
    "Broken",
    "CodecError",
    "Command",
    "Control",
    "Frame",
    "Handshake",
    "Item",
    "LoginLost",
    "Missing",
    "Parting",
    "Problem",
    "Reply",
    "Request",
    "Resumed",
    "Route",
    "ServerError",
    "Touch",
]


class CodecError(ValueError):
    """A frame, or one item of it, is not what the schema says. Becomes a DecodeError; never leaves the protocol."""


@dataclass(frozen=True)
class Handshake:
    """How to open the connection."""

    url: str
    subprotocol: str | None = field(default=None, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Frame:
    """A message to send."""

    data: bytes = field(repr=False)
    binary: bool = False
    shown: bytes = b""
    """The same with credentials replaced; what may be recorded or logged."""


class Route:
    """One subscription as the protocol sees it: where updates of a stream go, and what is known of the stream."""

    __slots__ = ("granted", "key", "limit", "memory", "owner", "request_id", "sequence")

    def __init__(self, key: SubscriptionKey, *, limit: int | None, owner: Any, sequence: Any, memory: Any) -> None:
        self.key = key
        self.limit = limit
        self.owner = owner
        """The session's stream; opaque here."""
        self.sequence = sequence
        """Depth: the chain of change ids."""
        self.memory = memory
        """Trades, candles, orders: what was seen, kept across connections."""
        self.granted = False
        """Whether the exchange ever gave it."""
        self.request_id: str | None = None
        """The subscribe request that waits for its answer."""


class Command(Enum):
    """Kinds of requests."""

    AUTHENTICATE = auto()
    SUBSCRIBE = auto()
    UNSUBSCRIBE = auto()
    PING = auto()
    HEARTBEAT = auto()
    CALL = auto()
    """A command somebody waits for: an order, a cancellation, a list."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was made a frame of; its id is registered before the frame can be sent."""

    id: str
    command: Command
    name: str
    """The request's member on the wire."""
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerError:
    """The exchange's ``error`` message."""

    code: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request of ours; ``error`` None means yes."""

    request: Request
    error: ServerError | None = None
    result: Any = None
    """Of a call: what the answer holds; None where it only says yes."""
    again: tuple[tuple[Route, ...], ...] = ()
    """With an error: streams of the request that it may not be about, to be asked for anew, those of each group
    together."""


@dataclass(frozen=True, slots=True)
class Parting:
    """How to leave streams."""

    unsubscribe: tuple[tuple[Route, ...], ...]
    """Groups to ask the end of, each with one request."""
    again: tuple[Route, ...] = ()
    """Streams to ask for anew afterwards, for what was left was theirs, too."""


@dataclass(frozen=True, slots=True)
class LoginLost:
    """The exchange says that this connection is not logged in (any more)."""

    error: ServerError
    request: Request | None = None

    def as_rejection(self, connection: str) -> RequestRejected:
        """The same for ``on_error``, where nobody wanted to be logged in."""
        error = self.error
        return RequestRejected(
            f"{connection}: the exchange reports error {error.code}: {error.message}",
            code=error.code,
            reason=error.message,
        )


@dataclass(frozen=True, slots=True)
class Broken:
    """A stream's chain broke: deltas are held back until a new snapshot."""

    route: Route
    error: BigOneError
    reason: str
    """For the gap that is announced."""

    @classmethod
    def at(cls, route: Route, error: SequenceGap) -> Broken:
        """A step of the chain is missing."""
        return cls(route, error, f"sequence gap: expected {error.expected}, got {error.got}")


@dataclass(frozen=True, slots=True)
class Missing:
    """Items are or may be missing."""

    route: Route
    gap: Gap
    last: int | None = None
    """Id of the last item before the hole, where ids grow and there was one: what follows it may be had elsewhere."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """A new socket brought its first frame, and what happened since the last one is not told by it."""

    gaps: tuple[Missing, ...]
    """For each stream of which something is or may be missing."""


@dataclass(frozen=True, slots=True)
class Touch:
    """The best prices after the frame before, as the exchange names them."""

    route: Route
    bid: Decimal | None
    """None: it does not say."""
    ask: Decimal | None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something for ``on_error``."""

    error: BigOneError


Control = Reply | LoginLost | Broken | Missing | Problem | Resumed | Touch

Item = tuple[Route, Sequence[Event]] | tuple[None, Control]
"""What ``receive`` yields, in order: events of a route, or a control item."""
