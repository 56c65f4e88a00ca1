"""What the Rails half has been told to do wrong. Pure state; used on the exchange's loop."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from bigone_sync.testing._spot_faults import Limited

__all__ = ["COMMANDS", "RailsFaults", "RailsRefusal", "check_command"]

COMMANDS = ("createOrder", "cancelOrder", "modifyOrder", "updateLeverage")


def check_command(command: str) -> None:
    """Refuse a name that is no command, so that a typing error in a test shows at once."""
    if command not in COMMANDS:
        raise ValueError(f"no command {command!r}: one of {', '.join(COMMANDS)}")


@dataclass(slots=True)
class RailsRefusal(Limited):
    """An HTTP status in place of some handshakes."""

    status: int


@dataclass(slots=True)
class RailsFaults:
    """All orders to misbehave that are in force; those that spot has as well are in its own `Faults`."""

    refusals: list[RailsRefusal] = field(default_factory=list)
    held_kinds: set[tuple[str, int]] = field(default_factory=set)  # resultType and statusCode of replies held back
    lost: Counter[str] = field(default_factory=Counter)  # commands whose connection is cut before any reply
    busy: Counter[str] = field(default_factory=Counter)  # ids of orders whose cancellation gets 409

    def take_handshake(self) -> int | None:
        """The status that this handshake is refused with, if any."""
        return next((refusal.status for refusal in self.refusals if refusal.take()), None)

    def take_lost(self, command: str) -> bool:
        """Whether the connection of this command is to be cut."""
        return _take(self.lost, command)

    def take_busy(self, order_id: str) -> bool:
        """Whether this cancellation is to be told that the order is being filled."""
        return _take(self.busy, order_id)


def _take(counts: Counter[str], name: str) -> bool:
    if counts[name] <= 0:
        return False
    counts[name] -= 1
    return True
