"""Words of the exchange and of this client, as enumerations.

Every enumeration has ``UNKNOWN``.  A word of the wire that this version does not know becomes a member that *equals*
``UNKNOWN`` and still shows the word: ``OrderState("HALTED") == OrderState.UNKNOWN`` and ``.value == "HALTED"``.
Compare with ``==``, not with ``is``, where an unknown word may come.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, TypeVar

__all__ = [
    "BookState",
    "BusinessUnit",
    "CandlePeriod",
    "Channel",
    "ConnectionState",
    "FlashOrderStatus",
    "MarginState",
    "OrderOperator",
    "OrderState",
    "OrderType",
    "Overflow",
    "Side",
    "SubscriptionState",
]

_E = TypeVar("_E", bound="WordEnum")


class WordEnum(Enum):
    """An enumeration that survives words it does not know."""

    @classmethod
    def _synonyms(cls) -> dict[str, str]:
        """Other spellings on the wire, upper case, numbers as text, to member names."""
        return {}

    @classmethod
    def _missing_(cls, value: object) -> WordEnum:
        try:
            word = str(value)
        except ValueError:  # an integer of more digits than Python prints
            word = f"a huge {type(value).__name__}"
        name = cls._synonyms().get(word.upper(), word.upper())
        member = cls.__members__.get(name)
        if member is not None:
            return member
        # Not registered among the members: the peer could otherwise grow the class without bound.
        unknown = object.__new__(cls)
        unknown._name_ = "UNKNOWN"
        unknown._value_ = word
        return unknown

    @classmethod
    def parse(cls: type[_E], word: object) -> _E:
        """The member for a word or number of the wire; never raises."""
        return cls(word)

    @property
    def is_known(self) -> bool:
        """False for ``UNKNOWN`` and for words that this version does not know."""
        return self._name_ != "UNKNOWN"

    def __eq__(self, other: object) -> bool:
        if self.__class__ is not other.__class__:
            return NotImplemented
        return self is other or self._name_ == other._name_

    def __hash__(self) -> int:
        return hash(self._name_)

    def __str__(self) -> str:
        return self._name_ if self.is_known else f"UNKNOWN({self._value_})"

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self}"

    def __reduce_ex__(self, protocol: object) -> tuple[object, ...]:
        return self.__class__, (self._value_,)


class Side(WordEnum):
    """Buy or sell. Parsed from BID/ASK, BUY/SELL in any case, and 0/1."""

    BUY = "BUY"
    SELL = "SELL"
    UNKNOWN = "UNKNOWN"
    BID = BUY
    ASK = SELL

    @classmethod
    def _synonyms(cls) -> dict[str, str]:
        return {"BID": "BUY", "ASK": "SELL", "0": "BUY", "1": "SELL"}


class OrderType(WordEnum):
    """Kind of an order (spot protocol, section 7.2; contract protocol, section 7)."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP_LIMIT = "STOP_LIMIT"
    STOP_MARKET = "STOP_MARKET"
    IOC = "IOC"
    """Contracts only, like the two that follow."""
    FOK = "FOK"
    POST_ONLY = "POST_ONLY"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _synonyms(cls) -> dict[str, str]:
        return {"0": "LIMIT", "1": "MARKET", "2": "STOP_LIMIT", "3": "STOP_MARKET"}


class OrderState(WordEnum):
    """State of an order (spot protocol, section 7.2; contract protocol, section 7; Rails protocol, section 6)."""

    PENDING = "PENDING"
    """Spot: open, also when partly filled. Rails: not accepted yet. Contracts have NEW and PARTIALLY_FILLED."""
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    """Cancelled; on spot it may have fills. Contracts write it CANCELED."""
    FIRED = "FIRED"
    """Undocumented; presumably a stop order that was triggered."""
    REJECTED = "REJECTED"
    NEW = "NEW"
    """Contracts only, like those that follow."""
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    PARTIALLY_CANCELED = "PARTIALLY_CANCELED"
    """Cancelled after a part was filled: final."""
    UNTRIGGERED = "UNTRIGGERED"
    PENDING_CANCEL = "PENDING_CANCEL"
    ACTIVE = "ACTIVE"
    """Open, also when partly filled. Rails only, like those that follow."""
    CANCELLING = "CANCELLING"
    MODIFYING = "MODIFYING"
    MODIFIED = "MODIFIED"
    """Replaced by an order with another id: final."""
    UNKNOWN = "UNKNOWN"
    CANCELED = CANCELLED

    @classmethod
    def _synonyms(cls) -> dict[str, str]:
        return {"0": "PENDING", "1": "FILLED", "2": "CANCELLED", "3": "FIRED", "4": "REJECTED"}


class OrderOperator(WordEnum):
    """Direction of a stop order's trigger (spot protocol, section 7.2)."""

    LTE = "LTE"
    GTE = "GTE"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _synonyms(cls) -> dict[str, str]:
        return {"0": "LTE", "1": "GTE"}


class BusinessUnit(WordEnum):
    """Which wallet an order belongs to (spot protocol, section 7.2)."""

    SPOT = "SPOT"
    MARGIN = "MARGIN"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _synonyms(cls) -> dict[str, str]:
        return {"0": "SPOT", "1": "MARGIN"}


class MarginState(WordEnum):
    """State of one asset of a margin market: from the official schema; not described in the documents."""

    NORMAL = "NORMAL"
    LIQUIDATION = "LIQUIDATION"
    PIERCING = "PIERCING"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _synonyms(cls) -> dict[str, str]:
        return {"0": "NORMAL", "1": "LIQUIDATION", "2": "PIERCING"}


class FlashOrderStatus(WordEnum):
    """Status of a flash exchange order: from the official schema; not described in the documents."""

    UNSPECIFIED = "UNSPECIFIED"
    COMPLETED = "COMPLETED"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _synonyms(cls) -> dict[str, str]:
        return {"0": "UNSPECIFIED", "1": "COMPLETED"}


class CandlePeriod(WordEnum):
    """Length of a candle (spot protocol, section 6.4; MONTH1 stands in the schema only).

    Parsed from the spelling of contracts, too: ``1MIN``, ``1H``, ``1D`` (contract protocol, section 1).  They have no
    HOUR3, WEEK1 and MONTH1.
    """

    MIN1 = "MIN1"
    MIN5 = "MIN5"
    MIN15 = "MIN15"
    MIN30 = "MIN30"
    HOUR1 = "HOUR1"
    HOUR3 = "HOUR3"
    HOUR4 = "HOUR4"
    HOUR6 = "HOUR6"
    HOUR12 = "HOUR12"
    DAY1 = "DAY1"
    WEEK1 = "WEEK1"
    MONTH1 = "MONTH1"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _synonyms(cls) -> dict[str, str]:
        return _PERIOD_WORDS


_PERIOD_WORDS = {str(number): period.name for number, period in enumerate(CandlePeriod) if period.is_known}
_PERIOD_WORDS |= {"1MIN": "MIN1", "5MIN": "MIN5", "15MIN": "MIN15", "30MIN": "MIN30"}
_PERIOD_WORDS |= {"1H": "HOUR1", "4H": "HOUR4", "6H": "HOUR6", "12H": "HOUR12", "1D": "DAY1"}


class _OwnEnum(WordEnum):
    """A vocabulary of this client; its words never come from a wire."""

    __slots__: ClassVar[tuple[str, ...]] = ()


class Channel(_OwnEnum):
    """Kind of a stream, as asked for with ``subscribe``."""

    DEPTH = "depth"
    TRADES = "trades"
    TICKER = "ticker"
    CANDLES = "candles"
    ACCOUNTS = "accounts"
    ORDERS = "orders"
    MARGIN_ACCOUNTS = "margin_accounts"
    """From the official schema; not described in the documents. So are the three that follow."""
    EXCHANGE_RATES = "exchange_rates"
    FLASH_ORDERS = "flash_orders"
    COST_PRICES = "cost_prices"
    INSTRUMENTS = "instruments"
    """Contracts only, like the channels that follow."""
    CASH = "cash"
    POSITIONS = "positions"
    FILLS = "fills"
    UNKNOWN = "UNKNOWN"

    @property
    def is_private(self) -> bool:
        """True where the exchange wants a login first."""
        return self in _PRIVATE


_PRIVATE = frozenset(
    {
        *(Channel.ACCOUNTS, Channel.ORDERS, Channel.MARGIN_ACCOUNTS, Channel.FLASH_ORDERS, Channel.COST_PRICES),
        *(Channel.CASH, Channel.POSITIONS, Channel.FILLS),
    }
)


class ConnectionState(_OwnEnum):
    """State of a connection, and of a client (the least ready of its connections)."""

    IDLE = "idle"
    CONNECTING = "connecting"
    AUTHENTICATING = "authenticating"
    READY = "ready"
    WAITING = "waiting"
    """Lost or failed; the next attempt comes after a pause."""
    CLOSING = "closing"
    CLOSED = "closed"
    UNKNOWN = "UNKNOWN"


class SubscriptionState(_OwnEnum):
    """State of a subscription."""

    WANTED = "wanted"
    REQUESTED = "requested"
    LIVE = "live"
    STALE = "stale"
    """Was live; waits for a fresh snapshot."""
    ENDED = "ended"
    REJECTED = "rejected"
    UNKNOWN = "UNKNOWN"


class BookState(_OwnEnum):
    """State of a kept order book."""

    SYNCING = "syncing"
    """No snapshot yet."""
    LIVE = "live"
    STALE = "stale"
    """Was live; what it holds may be wrong."""
    UNKNOWN = "UNKNOWN"


class Overflow(_OwnEnum):
    """What happens to a stream whose queue is full."""

    BLOCK = "block"
    """The reader waits and TCP pushes back: nothing is lost."""
    RESYNC = "resync"
    """Queued events of the stream are discarded and a snapshot is asked for; public streams only."""
    UNKNOWN = "UNKNOWN"
