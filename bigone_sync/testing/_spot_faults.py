"""What the exchange has been told to do wrong, and how often still. Pure state; used on the exchange's loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

CHANNELS = (
    "depth",
    "trades",
    "ticker",
    "candles",
    "accounts",
    "orders",
    "margin_accounts",
    "exchange_rates",
    "flash_orders",
    "cost_prices",
)
#: JSON names of the fields of responses that are enums (spot schema, sections 3 and 6).
ENUM_FIELDS = ("businessUnit", "operator", "period", "side", "state", "status", "takerSide", "type")
LOGIN_ERROR = 45001
INTERNAL_ERROR = 45000


def check_channel(channel: str | None) -> None:
    """Refuse a name that is no channel, so that a typing error in a test shows at once."""
    if channel is not None and channel not in CHANNELS:
        raise ValueError(f"no channel {channel!r}: one of {', '.join(CHANNELS)}")


@dataclass(slots=True)
class Limited:
    """Something that happens the next ``times`` times; None: until revoked."""

    times: int | None

    def take(self) -> bool:
        """Use it once; False when it is used up."""
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


@dataclass(slots=True)
class Rejection(Limited):
    """An error answer in place of the right one."""

    code: int
    message: str
    member: str = ""
    market: str | None = None


@dataclass(slots=True)
class HandshakeRefusal(Limited):
    """An HTTP answer in place of the WebSocket handshake."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class SilentSnapshots(Limited):
    """Subscriptions that get no answer."""

    deliver_updates: bool


@dataclass(frozen=True, slots=True)
class ProtoFaults:
    """What is wrong with what is written to connections of protobuf."""

    as_json: int | None = None  # opcode of the frames that carry JSON instead
    unknown_fields: bool = False
    enum_fields: tuple[str, ...] = ()  # JSON names of the enums that are all `enum_number`
    enum_number: int = 0


@dataclass(slots=True)
class LostReplies(Limited):
    """Order requests that are never answered."""

    carry_out: bool
    drop: bool


@dataclass(slots=True)
class Faults:
    """All orders to misbehave that are in force."""

    muted: set[str] = field(default_factory=set)
    answer_pings: bool = True
    handshake: HandshakeRefusal | None = None
    auth: Rejection | None = None
    silent_auth: Limited = field(default_factory=lambda: Limited(0))
    silent_snapshots: SilentSnapshots = field(default_factory=lambda: SilentSnapshots(0, False))
    lost_replies: LostReplies = field(default_factory=lambda: LostReplies(0, True, False))
    rejections: list[Rejection] = field(default_factory=list)
    skip: Counter[str] = field(default_factory=Counter)
    repeat: set[str] = field(default_factory=set)
    swap: set[str] = field(default_factory=set)
    held: dict[str, str] = field(default_factory=dict)
    proto: ProtoFaults = ProtoFaults()

    def take_handshake(self) -> HandshakeRefusal | None:
        """The refusal for this handshake, if any."""
        return self.handshake if self.handshake is not None and self.handshake.take() else None

    def take_auth(self) -> Rejection | None:
        """The refusal for this authentication, if any."""
        return self.auth if self.auth is not None and self.auth.take() else None

    def take_rejection(self, member: str, markets: tuple[str, ...]) -> Rejection | None:
        """The ordered error for a request of this kind about these markets, if any."""
        for rejection in self.rejections:
            if rejection.member == member and rejection.market in (None, *markets) and rejection.take():
                return rejection
        return None

    def shape_depth(self, market: str, body: str) -> list[str]:
        """What is really sent in place of the next depth update of a market: nothing, it, it twice, or swapped."""
        if self.skip[market] > 0:
            self.skip[market] -= 1
            return []
        if market in self.held:
            return [body, self.held.pop(market)]
        if market in self.swap:
            self.swap.remove(market)
            self.held[market] = body
            return []
        if market in self.repeat:
            self.repeat.remove(market)
            return [body, body]
        return [body]
