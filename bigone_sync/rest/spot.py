"""The spot REST API (REST protocol, sections 1 to 3)."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from ..auth import Credentials
from ..clock import ServerClock
from ..config import SPOT_REST_URL, Timeouts, check_base
from ._spot_private import SpotPrivate

__all__ = ["SpotRest"]


class SpotRest(SpotPrivate):
    """Spot by REST: synchronous, typed, over one HTTP session. Thread-safe; use it in a ``with`` block, or close it.

    A constructor does no I/O.  Events that it gives have ``connection`` ``"spot/rest"`` and ``is_snapshot`` True: they
    are states that were asked for, not changes.

    Args:
        credentials: needed for own data and orders.
        url: of the API.
        timeouts: how long to wait for what.
        proxy: URL of an HTTP proxy.
        ssl_context: for TLS; None: the system's.
        headers: sent with each request.
        clock: the exchange's time, to share what was measured between clients; None: one of its own.
        retries: how often what is safe to repeat is sent again; orders never are.
        check_markets: whether new orders are checked by the market's rules, which are fetched once.

    Raises:
        ConfigurationError: an argument is not allowed.
    """

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        url: str = SPOT_REST_URL,
        timeouts: Timeouts | None = None,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        clock: ServerClock | None = None,
        retries: int = 3,
        check_markets: bool = True,
    ) -> None:
        base = check_base(url)
        super().__init__(
            credentials,
            url=base,
            ping_url=f"{base}/ping",
            timeouts=timeouts,
            proxy=proxy,
            ssl_context=ssl_context,
            headers=headers,
            clock=clock,
            retries=retries,
            check_markets=check_markets,
        )
