"""Settings as frozen value objects. All durations are seconds; the defaults are meant for production."""

from __future__ import annotations

import base64
import ipaddress
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from .errors import ConfigurationError

__all__ = [
    "CONTRACT_REST_URL",
    "CONTRACT_URL",
    "RAILS_ACCOUNT_URL",
    "RAILS_AUTH_URL",
    "RAILS_MARKET_DATA_URL",
    "RAILS_ORDER_URL",
    "RAILS_URL",
    "SPOT_REST_URL",
    "SPOT_URL",
    "Backoff",
    "Limits",
    "Proxy",
    "Timeouts",
    "check_asset",
    "check_base",
    "check_headers",
    "check_market",
    "check_rails_market",
    "check_symbol",
    "check_url",
    "check_uuid",
    "is_loopback",
    "parse_proxy",
    "public_url",
    "rest_beside",
]

SPOT_URL = "wss://api.big.one/ws/v2"
"""Spot WebSocket (spot protocol, section 1)."""

SPOT_REST_URL = "https://api.big.one/api/v3"
"""Spot REST."""

CONTRACT_URL = "wss://api.big.one/ws/contract/v2"
"""Base of the contract WebSockets, to which each stream adds its path (contract protocol, section 1)."""

CONTRACT_REST_URL = "https://api.big.one/api/contract/v2"
"""Contract REST."""

RAILS_URL = "wss://ws.trade.rails.xyz"
"""Rails WebSocket, to which the query is appended (Rails protocol, section 1.1)."""

RAILS_AUTH_URL = "https://api-auth.trade.rails.xyz"
"""Base of Rails' token endpoint (Rails protocol, section 1.1), like the hosts that follow."""

RAILS_MARKET_DATA_URL = "https://market-data.trade.rails.xyz"

RAILS_ACCOUNT_URL = "https://user-account.trade.rails.xyz"

RAILS_ORDER_URL = "https://order.trade.rails.xyz"

_ASSET = re.compile(r"[A-Z0-9]{1,20}\Z")
_MARKET = re.compile(r"[A-Z0-9]{1,20}-[A-Z0-9]{1,20}\Z")
_SYMBOL = re.compile(r"[A-Z0-9]{1,40}\Z")
# What people write between the two assets of a market.
_SEPARATORS = re.compile(r"[-/_: ]")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
# The handshake's own headers; overriding one of them breaks it.
_RESERVED = frozenset(
    {
        "host",
        "upgrade",
        "connection",
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-protocol",
        "sec-websocket-extensions",
    }
)


def _positive(owner: object, name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= sys.float_info.max:
        raise ConfigurationError(
            f"{type(owner).__name__}({name}=) must be a number greater than 0, not {value!r}", argument=name
        )


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long to wait for what, in seconds."""

    connect: float = 10.0
    """A whole attempt: name, TCP, proxy, TLS and handshake together."""
    ping: float = 20.0
    """Interval between our pings."""
    pong: float = 10.0
    """A channel is dead when no complete frame came for ``ping + pong``."""
    reply: float = 10.0
    """Answer to a request."""
    send: float = 10.0
    """A send without progress."""
    close: float = 2.0
    """``close()``, all in all."""
    stale: float | None = None
    """Longest silence of data on a stream that has a cadence (depth); None: not watched."""

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name != "stale" or value is not None:
                _positive(self, one.name, value)


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Pause before the next attempt: random between 0 and a bound that doubles up to a cap ("full jitter")."""

    initial: float = 0.5
    cap: float = 30.0
    max_attempts: int | None = None
    """Attempts in a row that may fail before the channel gives up; None: never."""
    stable_after: float = 10.0
    """Seconds of READY after which the count starts anew."""

    def __post_init__(self) -> None:
        for name in ("initial", "cap", "stable_after"):
            _positive(self, name, getattr(self, name))
        if self.cap < self.initial:
            raise ConfigurationError(f"Backoff(cap=) must not be below initial={self.initial}", argument="cap")
        if self.max_attempts is not None and (
            isinstance(self.max_attempts, bool) or not isinstance(self.max_attempts, int) or self.max_attempts < 1
        ):
            raise ConfigurationError(
                f"Backoff(max_attempts=) must be None or a whole number from 1, not {self.max_attempts!r}",
                argument="max_attempts",
            )

    def bound(self, attempt: int) -> float:
        """Upper bound of the pause after the ``attempt``-th failure in a row, from 1."""
        return min(self.cap, self.initial * 2.0 ** min(attempt - 1, 60))


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds that keep memory and the exchange's patience."""

    max_connections: int = 5
    """Sockets of one client; the documented limit per user is 5 (spot protocol, section 9)."""
    max_message: int = 16 * 1024 * 1024
    """Bytes of one message; a bigger one ends the connection with MessageTooBig."""
    queue: int = 100_000
    """Events that may wait on one channel before its overflow policy applies."""
    slow_callback: float = 1.0
    """Seconds after which a handler that has not returned is reported, once, by name."""
    dial_interval: float = 0.05
    """Least time between two dials of one client."""

    def __post_init__(self) -> None:
        for name in ("max_connections", "max_message", "queue"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"Limits({name}=) must be a whole number from 1, not {value!r}", argument=name)
        _positive(self, "slow_callback", self.slow_callback)
        if (
            isinstance(self.dial_interval, bool)
            or not isinstance(self.dial_interval, (int, float))
            or not 0 <= self.dial_interval <= sys.float_info.max
        ):
            raise ConfigurationError(
                f"Limits(dial_interval=) must be a number from 0, not {self.dial_interval!r}",
                argument="dial_interval",
            )


def check_url(url: object, *, argument: str = "url", schemes: tuple[str, ...] = ("ws", "wss")) -> str:
    """``url`` if it can be dialled.

    Raises:
        ConfigurationError: it is not; the message repeats neither user information nor query.
    """
    allowed = " or ".join(f"{scheme}://" for scheme in schemes)
    if not isinstance(url, str):
        raise ConfigurationError(
            f"{argument} must be text beginning with {allowed}, not {type(url).__name__}", argument=argument
        )
    if any(ord(char) <= 32 or ord(char) > 126 for char in url):
        raise ConfigurationError(
            f"{argument} must be printable ASCII without spaces; percent-encode the rest", argument=argument
        )
    try:
        parts = urlsplit(url)
        port = parts.port
        if "[" in parts.netloc:
            ipaddress.IPv6Address(parts.hostname or "")  # Python 3.10 takes anything between brackets
    except ValueError:
        # Its words are not repeated: what stands in the place of a port may be a password.
        raise ConfigurationError(
            f"{argument} must name a host and a port from 1 to 65535 (or none); address or port are neither",
            argument=argument,
        ) from None
    if not url.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        raise ConfigurationError(f"{argument} must begin with {allowed}, in lower case", argument=argument)
    if not parts.hostname or port == 0:
        raise ConfigurationError(f"{argument} must name a host (and a port from 1 to 65535)", argument=argument)
    if any(len(label) > 63 for label in parts.hostname.split(".")):
        raise ConfigurationError(f"{argument}: a label of the host name is over 63 characters", argument=argument)
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(f"{argument} must not contain user information", argument=argument)
    if parts.fragment:
        raise ConfigurationError(f"{argument} must not contain a fragment (#...)", argument=argument)
    return url


def check_base(url: object, *, argument: str = "url") -> str:
    """``url``, of REST, to which paths can be appended; without a slash at its end.

    Raises:
        ConfigurationError: it is no URL of HTTP, or has a query or a fragment, which would swallow the paths.
    """
    base = check_url(url, argument=argument, schemes=("http", "https"))
    for char, words in (("?", "a query (?...)"), ("#", "a fragment (#...)")):
        if char in base:
            raise ConfigurationError(
                f"{argument} must not contain {words}: paths are appended to it", argument=argument
            )
    return base.rstrip("/")


def rest_beside(url: str, stream_path: str, rest_path: str) -> str:
    """The REST base on the host of a WebSocket: ``stream_path`` at the end of ``url`` is replaced by ``rest_path``."""
    parts = urlsplit(url)
    scheme = "https" if parts.scheme == "wss" else "http"
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix(stream_path)}{rest_path}"


def public_url(url: str) -> str:
    """``url`` without user information, query and fragment: fit for messages."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy that is asked to CONNECT."""

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)
    """Value of Proxy-Authorization; a secret."""


def parse_proxy(url: str, *, argument: str = "proxy") -> Proxy:
    """``http://[user:password@]host[:port]``; the port is 8080 if none is given.

    Raises:
        ConfigurationError: anything else; the message repeats no password.
    """
    problem = f"{argument} must look like http://[user:password@]host:port"
    if not isinstance(url, str) or any(ord(char) <= 32 or ord(char) > 126 for char in url):
        raise ConfigurationError(problem, argument=argument)
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or 8080
    except ValueError:
        raise ConfigurationError(problem, argument=argument) from None
    if parts.scheme != "http" or not parts.hostname:
        raise ConfigurationError(f"{problem}; {parts.scheme}:// proxies are not supported", argument=argument)
    authorization = None
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(user.encode()).decode()
    return Proxy(parts.hostname, port, authorization)


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine, so that no proxy of the environment is asked for it."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_headers(headers: Mapping[str, str] | None) -> Mapping[str, str]:
    """``headers`` as a read-only copy.

    Raises:
        ConfigurationError: a name or value is not fit for HTTP (line breaks above all), or the handshake owns it.
            Values are never repeated in the message.
    """
    checked: dict[str, str] = {}
    if headers is not None and not isinstance(headers, Mapping):
        raise ConfigurationError(
            f"headers must be a mapping of text to text, not {type(headers).__name__}", argument="headers"
        )
    for name, value in (headers or {}).items():
        if not isinstance(name, str) or not _HEADER_NAME.match(name):
            # Not repeated: people put "Authorization: secret" there.
            raise ConfigurationError("headers: a key is not a header name (letters, digits, -)", argument="headers")
        if name.lower() in _RESERVED:
            raise ConfigurationError(
                f"headers: {name!r} belongs to the handshake and cannot be set", argument="headers"
            )
        if not isinstance(value, str):
            raise ConfigurationError(f"headers: the value of {name!r} must be text", argument="headers")
        if any(ord(char) < 32 or ord(char) > 126 for char in value):
            raise ConfigurationError(
                f"headers: the value of {name!r} must be printable ASCII without CR or LF", argument="headers"
            )
        checked[name] = value
    return MappingProxyType(checked)


def check_market(market: object, *, argument: str = "market") -> str:
    """``market`` if it looks like a spot market, ``BTC-USDT`` (spot protocol, section 6).

    Raises:
        ConfigurationError: it does not.
    """
    if not isinstance(market, str) or not _MARKET.match(market):
        hint = ""
        if isinstance(market, str) and _MARKET.match(market.upper().replace("/", "-").replace("_", "-")):
            hint = f"; did you mean {market.upper().replace('/', '-').replace('_', '-')!r}?"
        raise ConfigurationError(
            f"{argument} must be BASE-QUOTE in upper case, like 'BTC-USDT', not {market!r}{hint}", argument=argument
        )
    return market


def check_rails_market(market: object, *, argument: str = "market", all_allowed: bool = False) -> str:
    """``market`` if it looks like one of Rails, ``BTC-USD`` (Rails protocol, section 1.2).

    Raises:
        ConfigurationError: it does not; ``ALL`` is one only with ``all_allowed``.
    """
    if market == "ALL" and all_allowed:
        return "ALL"
    return check_market(market, argument=argument)


def check_symbol(symbol: object, *, argument: str = "market") -> str:
    """``symbol`` if it looks like a contract's, ``BTCUSD`` (contract protocol, section 1).

    Raises:
        ConfigurationError: it does not; the message says what is wrong with it and, where it can, how to write it.
    """
    if not isinstance(symbol, str) or not _SYMBOL.match(symbol):
        hint = ""
        joined = _SEPARATORS.sub("", symbol) if isinstance(symbol, str) and symbol.isascii() else ""
        if _SYMBOL.match(joined.upper()):
            separated = f"contracts have no {'dash' if '-' in str(symbol) else 'separator'}" if joined != symbol else ""
            lower = "symbols are upper case" if joined != joined.upper() else ""
            hint = f": {' and '.join(filter(None, (separated, lower)))}; did you mean {joined.upper()!r}?"
        raise ConfigurationError(
            f"{argument} must be a contract's symbol in upper case, like 'BTCUSD', not {symbol!r}{hint}",
            argument=argument,
        )
    return symbol


def check_asset(asset: object, *, argument: str = "asset") -> str:
    """``asset`` if it looks like an asset's symbol, ``BTC``.

    Raises:
        ConfigurationError: it does not.
    """
    if not isinstance(asset, str) or not _ASSET.match(asset):
        hint = ""
        if isinstance(asset, str) and _ASSET.match(asset.upper()):
            hint = f"; did you mean {asset.upper()!r}?"
        raise ConfigurationError(
            f"{argument} must be an asset's symbol in upper case, like 'BTC', not {asset!r}{hint}", argument=argument
        )
    return asset


def check_uuid(text: object, *, argument: str) -> str:
    """``text`` in lower case if it is a UUID.

    Raises:
        ConfigurationError: it is not.
    """
    if not isinstance(text, str) or not _UUID.match(text):
        raise ConfigurationError(
            f"{argument} must be a UUID, like '0df9c3c3-255a-46d7-ab82-dedae169fba9', not {text!r}", argument=argument
        )
    return text.lower()
