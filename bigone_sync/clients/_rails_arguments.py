"""What users of the Rails client pass in, checked before any I/O."""

from __future__ import annotations

import hashlib
import sys
from decimal import Decimal
from typing import Any, NamedTuple

from ..arguments import check_count, check_flag
from ..auth import Credentials
from ..config import RAILS_AUTH_URL, RAILS_URL, check_base, check_rails_market, rest_beside
from ..enums import Channel
from ..errors import ConfigurationError
from ..events import SubscriptionKey
from ..exact import exact
from ..protocol.rails_requests import ALL, Dialect
from ..rails.token import check_token

__all__ = [
    "CHANNELS",
    "Bases",
    "account_of",
    "check_bases",
    "check_settings",
    "check_slippage",
    "check_wait",
    "market_of",
    "rails_key",
]

CHANNELS = (Channel.DEPTH, Channel.TRADES, Channel.ORDERS, Channel.FILLS)
"""All that there are (Rails protocol, section 1.2)."""


_MOST_CONNECTIONS = 100
_MOST_OPERATIONS = 1_000_000
_MOST_DIALS = 10_000


class Bases(NamedTuple):
    """Where REST is."""

    auth_url: str
    rest_url: str | None
    """None: the documented hosts."""


def check_bases(url: str, auth_url: object, rest_url: object) -> Bases:
    """The bases of REST: the documented ones only with the documented WebSocket, else those beside it.

    So a client of a local exchange never shows credentials to the real one.

    Raises:
        ConfigurationError: one of them is none.
    """
    is_documented = url.rstrip("/") == RAILS_URL
    beside = None if is_documented else rest_beside(url.partition("?")[0], "", "")
    auth = (RAILS_AUTH_URL if beside is None else beside) if auth_url is None else auth_url
    rest = beside if rest_url is None else check_base(rest_url, argument="rest_url")
    return Bases(check_base(auth, argument="auth_url"), rest)


def check_settings(
    token: object,
    *,
    market: object,
    credentials: object,
    redundancy: object,
    dialect: object,
    order_limit: object,
    dial_limit: object,
    patience: object,
    any_subprotocol: object,
    reconcile: object,
) -> Dialect:
    """The dialect, if all of these are allowed.

    Raises:
        ConfigurationError: one of them is not.
    """
    if credentials is not None and not isinstance(credentials, Credentials):
        raise ConfigurationError(
            f"credentials must be Credentials or None, not {type(credentials).__name__}", argument="credentials"
        )
    if token is None and credentials is None:
        raise ConfigurationError(
            "every connection needs a token: RailsClient(token, market=...) or"
            " RailsClient(market=..., credentials=Credentials(key, secret))",
            argument="token",
        )
    if token is not None and not callable(token):
        check_token(token)
    if credentials is not None and not (credentials.api_key + credentials.api_secret).isascii():
        raise ConfigurationError(
            "credentials must be of ASCII characters: Rails takes API key and secret as headers",
            argument="credentials",
        )
    check_rails_market(market, all_allowed=True)
    check_count(redundancy, "redundancy", _MOST_CONNECTIONS)
    check_count(order_limit, "order_limit", _MOST_OPERATIONS)
    check_count(dial_limit, "dial_limit", _MOST_DIALS)
    if isinstance(patience, bool) or not isinstance(patience, (int, float)) or not 0 < patience <= sys.float_info.max:
        raise ConfigurationError(
            f"patience must be a number of seconds greater than 0, not {patience!r}", argument="patience"
        )
    check_flag(any_subprotocol, "any_subprotocol")
    check_flag(reconcile, "reconcile")
    names = [item.value for item in Dialect]
    if dialect not in names:
        raise ConfigurationError(
            f"dialect must be {' or '.join(map(repr, names))}, not {dialect!r}", argument="dialect"
        )
    return Dialect(dialect)


def account_of(token: object, credentials: Credentials | None) -> str | None:
    """What tells one account from another: the exchange's limits are counted by it. None: a callable tells nobody."""
    if isinstance(token, str):
        return hashlib.sha256(token.encode()).hexdigest()
    return credentials.api_key if token is None and credentials is not None else None


def market_of(market: Any, connected: str, *, needed: bool) -> str | None:
    """The market that something is about: the client's own, or one that a client for ``ALL`` is told.

    Raises:
        ConfigurationError: it is another one than the client's, or none where one is ``needed``.
    """
    if market is None:
        if connected != ALL:
            return connected if needed else None
        if needed:
            raise ConfigurationError(
                "market must be given, like 'BTC-USD': this client is for ALL markets", argument="market"
            )
        return None
    checked = check_rails_market(market)
    if connected not in (ALL, checked):
        raise ConfigurationError(
            f"this client is for {connected}, not for {checked}; make another one for it: one connection a market is"
            " what the exchange advises (Rails protocol, section 1.2)",
            argument="market",
        )
    return checked


def rails_key(channel: Channel, market: Any, connected: str) -> SubscriptionKey:
    """The key of a stream.

    Raises:
        ConfigurationError: there is no such stream.
    """
    if channel in (Channel.DEPTH, Channel.TRADES):
        return SubscriptionKey(channel, market_of(market, connected, needed=True))
    # Own data come for all markets, whatever the connection's is (section 4); a name chooses among them.
    return SubscriptionKey(channel, market_of(market, connected, needed=False))


def check_wait(wait: object) -> bool:
    """Whether to wait for the confirmation.

    Raises:
        ConfigurationError: neither ``"ack"`` nor ``"confirm"``.
    """
    if wait not in ("ack", "confirm"):
        raise ConfigurationError(f"wait must be 'ack' or 'confirm', not {wait!r}", argument="wait")
    return wait == "confirm"


def check_slippage(value: object) -> str:
    """From 0 to 1 (Rails protocol, section 3.7).

    Raises:
        ConfigurationError: it is not.
    """
    number = exact(value, "max_slippage")
    if number is None or not 0 <= number <= Decimal(1):
        raise ConfigurationError(
            f"max_slippage must be a number from 0 to 1, like Decimal('0.02'), not {value!r}", argument="max_slippage"
        )
    return f"{number:f}"
