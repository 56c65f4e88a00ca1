"""Synchronous, threaded client with callbacks for the BigONE exchange's WebSocket streams."""

import importlib as _importlib
import typing as _typing

from ._version import __version__
from .auth import Credentials, bigone_token
from .book import BookView, OrderBook
from .clients.contract import ContractClient
from .clients.rails import RailsClient
from .clients.spot import SpotClient
from .clock import ClockOffset, ServerClock
from .config import (
    CONTRACT_REST_URL,
    CONTRACT_URL,
    RAILS_AUTH_URL,
    RAILS_URL,
    SPOT_REST_URL,
    SPOT_URL,
    Backoff,
    Limits,
    Timeouts,
)
from .enums import (
    BookState,
    BusinessUnit,
    CandlePeriod,
    Channel,
    ConnectionState,
    FlashOrderStatus,
    MarginState,
    OrderOperator,
    OrderState,
    OrderType,
    Overflow,
    Side,
    SubscriptionState,
)
from .errors import (
    AuthenticationError,
    BigOneError,
    CallbackError,
    ConfigurationError,
    ConnectError,
    ConnectionClosed,
    ConnectionLost,
    ConnectTimeout,
    DecodeError,
    NotConnected,
    OrderRejected,
    OutcomeUnknown,
    ProtocolError,
    RateLimited,
    RequestError,
    RequestRejected,
    RequestTimeout,
    RestError,
    SequenceGap,
    SlowConsumer,
    StreamsDiverged,
    SubscriptionRejected,
    TransportError,
)
from .events import (
    Account,
    Candle,
    Cash,
    ContractOrder,
    CostPrice,
    DepthSnapshot,
    DepthUpdate,
    Event,
    ExchangeRate,
    Fill,
    FlashOrder,
    Gap,
    Instrument,
    Levels,
    MarginAccount,
    MarginBalance,
    Order,
    Position,
    PriceLevel,
    RailsOrder,
    RawFrame,
    StateChange,
    SubscriptionKey,
    Ticker,
    Trade,
)
from .kept import KeptView
from .markets import Contract, Market, RailsMarket
from .rest.values import CancelResult, ContractAccount, NewOrder, RailsDepth, RiskLimit, TradingFee
from .stats import ChannelStats, ClientStats
from .subscription import Subscription

if _typing.TYPE_CHECKING:
    from .rest.contract import ContractRest
    from .rest.rails import RailsRest
    from .rest.spot import SpotRest

__all__ = [
    "Account",
    "AuthenticationError",
    "Backoff",
    "BigOneError",
    "BookState",
    "BookView",
    "BusinessUnit",
    "CONTRACT_REST_URL",
    "CONTRACT_URL",
    "CallbackError",
    "CancelResult",
    "Candle",
    "CandlePeriod",
    "Cash",
    "Channel",
    "ChannelStats",
    "ClientStats",
    "ClockOffset",
    "ConfigurationError",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionClosed",
    "ConnectionLost",
    "ConnectionState",
    "Contract",
    "ContractAccount",
    "ContractClient",
    "ContractOrder",
    "ContractRest",
    "CostPrice",
    "Credentials",
    "DecodeError",
    "DepthSnapshot",
    "DepthUpdate",
    "Event",
    "ExchangeRate",
    "Fill",
    "FlashOrder",
    "FlashOrderStatus",
    "Gap",
    "Instrument",
    "KeptView",
    "Levels",
    "Limits",
    "MarginAccount",
    "MarginBalance",
    "MarginState",
    "Market",
    "NewOrder",
    "NotConnected",
    "Order",
    "OrderBook",
    "OrderOperator",
    "OrderRejected",
    "OrderState",
    "OrderType",
    "OutcomeUnknown",
    "Overflow",
    "Position",
    "PriceLevel",
    "ProtocolError",
    "RAILS_AUTH_URL",
    "RAILS_URL",
    "RailsClient",
    "RailsDepth",
    "RailsMarket",
    "RailsOrder",
    "RailsRest",
    "RateLimited",
    "RawFrame",
    "RequestError",
    "RequestRejected",
    "RequestTimeout",
    "RestError",
    "RiskLimit",
    "SPOT_REST_URL",
    "SPOT_URL",
    "SequenceGap",
    "ServerClock",
    "Side",
    "SlowConsumer",
    "SpotClient",
    "SpotRest",
    "StateChange",
    "StreamsDiverged",
    "Subscription",
    "SubscriptionKey",
    "SubscriptionRejected",
    "SubscriptionState",
    "Ticker",
    "Timeouts",
    "Trade",
    "TradingFee",
    "TransportError",
    "__version__",
    "bigone_token",
]

# With them comes the library for HTTP, which who only streams does not need.
_LATE = {"ContractRest": ".rest.contract", "RailsRest": ".rest.rails", "SpotRest": ".rest.spot"}


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(_importlib.import_module(_LATE[name], __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
