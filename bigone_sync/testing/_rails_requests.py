"""Reading what Rails clients send (Rails protocol, sections 2 and 3)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bigone_sync.testing._checks import Refused
from bigone_sync.testing._ledger import ZERO
from bigone_sync.testing._rails_account import Draft
from bigone_sync.testing._rails_options import ALL

__all__ = ["DEFAULT_SLIPPAGE", "RailsRefused", "RailsRequest", "decimal", "draft", "envelope"]

DEFAULT_SLIPPAGE = Decimal("0.02")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DECIMAL = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?")
_BAD = 400


class RailsRefused(Refused):
    """A request is not done; ``status`` is its ``statusCode``."""

    def __init__(self, text: str, status: int = _BAD) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class RailsRequest:
    """One request; ``client_request_id`` is None if there is none, ``connected`` the market of the connection."""

    message: str
    content: Mapping[str, Any]
    client_request_id: str | None
    connected: str

    def check(self) -> None:
        """Check what all requests have in common.

        Raises:
            RailsRefused: the id is no UUID.
        """
        name = self.content.get("clientRequestId")
        if name is not None and (not isinstance(name, str) or _UUID.fullmatch(name) is None):
            raise RailsRefused("clientRequestId must be a UUID")

    @property
    def markets(self) -> tuple[object, object]:
        """What it may be about, whether that makes sense or not."""
        return self.content.get("market"), self.connected

    @property
    def market(self) -> str:
        """The market that it is about: that of the connection, or of its content on a connection of all.

        What a market other than that of the connection does is not documented; here it is refused.

        Raises:
            RailsRefused: there is none, or another one.
        """
        named = self.content.get("market")
        if self.connected == ALL:
            if not isinstance(named, str):
                raise RailsRefused("market is required on a connection of all markets")
            return named
        if named not in (None, self.connected):
            raise RailsRefused(f"market must be {self.connected} on this connection")
        return self.connected

    def text(self, name: str) -> str:
        """A text of the content.

        Raises:
            RailsRefused: it is missing.
        """
        value = self.content.get(name)
        if not isinstance(value, str) or not value:
            raise RailsRefused(f"{name} is required, as a string")
        return value


def envelope(data: str | bytes) -> dict[str, Any] | None:
    """The object in a text frame that names a request; None: it is something else, for which there is no answer."""
    if isinstance(data, bytes):
        return None
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("message"), str) else None


def decimal(name: str, value: object) -> Decimal:
    """A decimal string (Rails protocol, section 3.7).

    Raises:
        RailsRefused: it is none.
    """
    if not isinstance(value, str) or _DECIMAL.fullmatch(value) is None:
        raise RailsRefused(f"{name} must be a decimal string: {value!r}")
    return Decimal(value)


def draft(request: RailsRequest) -> Draft:
    """The order that a ``createOrder`` asks for (Rails protocol, section 3.7).

    Raises:
        RailsRefused: a field is missing, of another kind, or of another type of order.
    """
    content, kind = request.content, request.text("tradeType")
    if kind not in ("limit", "market"):
        raise RailsRefused(f"tradeType must be limit or market: {kind!r}")
    post_only, slippage = content.get("postOnly", False), content.get("maxSlippage")
    if not isinstance(post_only, bool) or (post_only and kind == "market"):
        raise RailsRefused("postOnly must be true or false, and is for limit orders only")
    if slippage is not None and kind == "limit":
        raise RailsRefused("maxSlippage is for market orders only")
    bound = DEFAULT_SLIPPAGE if slippage is None else decimal("maxSlippage", slippage)
    if bound > 1:
        raise RailsRefused(f"maxSlippage must be from 0 to 1: {bound}")
    return Draft(
        market=request.market,
        side=request.text("orderType"),
        type=kind,
        price=decimal("price", content.get("price")),
        quantity=decimal("quantity", content.get("quantity")),
        post_only=post_only,
        slippage=bound if kind == "market" else ZERO,
    )
