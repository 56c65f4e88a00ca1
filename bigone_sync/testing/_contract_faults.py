"""What the contract half has been told to do wrong. Pure state; used on the exchange's loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from bigone_sync.testing._contract_json import exponent
from bigone_sync.testing._contract_tape import PERIODS
from bigone_sync.testing._spot_faults import Limited

NAMES = ("depth", "trades", "candlesticks", "instruments", "stream")
#: How the channels are called where spot channels may be named as well.
MUTABLE = tuple(f"contract/{name}" for name in NAMES)
SIDES_WHEN_EMPTY = ("empty", "null", "absent")
_SIDES = (("bids", "bid"), ("asks", "ask"))
_NOBODY = "NOSUCHUSD"


class Channel(NamedTuple):
    """What one socket is about; `path` is the end of its URL."""

    name: str
    symbol: str = ""
    period: str = ""

    @property
    def path(self) -> str:
        """For example ``depth@BTCUSD``, ``candlesticks/1MIN@BTCUSD``, ``instruments`` or ``stream``."""
        name = f"{self.name}/{self.period}" if self.period else self.name
        return f"{name}@{self.symbol}" if self.symbol else name

    def is_meant(self, selector: str | None) -> bool:
        """Whether a selector (a path, the name of a channel, or None for all) means this one."""
        return selector in (None, self.name, self.path)


def check_selector(selector: str | None) -> None:
    """Refuse what can mean no channel, so that a typing error in a test shows at once."""
    if selector is None:
        return
    head, _, _ = selector.partition("@")
    name, _, period = head.partition("/")
    if name not in NAMES or (period and period not in PERIODS):
        raise ValueError(f"no contract channel {selector!r}: one of {', '.join(NAMES)}, or a path like depth@BTCUSD")


@dataclass(slots=True)
class Refusal(Limited):
    """An HTTP status in place of some WebSocket handshakes."""

    status: int
    selector: str | None


@dataclass(slots=True)
class ContractFaults:
    """All orders to misbehave that are in force; those that spot has as well are in its own `Faults`."""

    symbols: Sequence[str]
    refusals: list[Refusal] = field(default_factory=list)
    wrong_symbol: Counter[str] = field(default_factory=Counter)
    wrong_best: Counter[str] = field(default_factory=Counter)
    no_best: set[str] = field(default_factory=set)
    empty_sides: dict[str, str] = field(default_factory=dict)
    exponents: set[str] = field(default_factory=set)

    def take_handshake(self, channel: Channel) -> int | None:
        """The status that a handshake for this channel is refused with, if any."""
        for refusal in self.refusals:
            if channel.is_meant(refusal.selector) and refusal.take():
                return refusal.status
        return None

    def shape(self, symbol: str, frame: dict[str, Any]) -> dict[str, Any]:
        """A depth frame as it is really written: a changed copy."""
        shaped = dict(frame)
        empty = self.empty_sides.get(symbol, "empty")
        if "symbol" in shaped and _take(self.wrong_symbol, symbol):
            shaped["symbol"] = next((other for other in self.symbols if other != symbol), _NOBODY)
        self._shape_best(symbol, shaped, empty)
        for side, _ in _SIDES:
            levels = shaped.get(side)
            if levels:
                if symbol in self.exponents:
                    shaped[side] = {exponent(Decimal(price)): size for price, size in levels.items()}
            elif empty == "null":
                shaped[side] = None
            elif empty == "absent":
                shaped.pop(side, None)
        return shaped

    def _shape_best(self, symbol: str, shaped: dict[str, Any], empty: str) -> None:
        best = dict(shaped.get("bestPrices") or {})
        if _take(self.wrong_best, symbol):
            # Never the true touch, and never crossed.
            last = Decimal(str(shaped["lastPrice"]))
            best = {"ask": _moved(best.get("ask"), last, 2), "bid": _moved(best.get("bid"), last, Decimal("0.5"))}
        if symbol in self.no_best:
            shaped.pop("bestPrices", None)
        elif "bestPrices" in shaped:
            kept = {side: price for side, price in best.items() if price is not None or empty == "null"}
            shaped["bestPrices"] = kept


def _moved(price: Any, last: Decimal, factor: Decimal | int) -> Decimal:
    return (last if price is None else Decimal(str(price))) * factor


def _take(counts: Counter[str], symbol: str) -> bool:
    if counts[symbol] <= 0:
        return False
    counts[symbol] -= 1
    return True
