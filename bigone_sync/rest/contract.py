"""The contract REST API (REST protocol, sections 1, 4 and 5)."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..auth import Credentials
from ..clock import ServerClock
from ..config import CONTRACT_REST_URL, Timeouts, check_base
from ._contract_private import ContractPrivate

__all__ = ["ContractRest"]

_PATH = "/contract/v2"


def _ping_url(base: str) -> str:
    """Contracts have no call that tells the time; spot's is on the same host (REST protocol, section 4)."""
    if base.endswith(_PATH):
        return f"{base.removesuffix(_PATH)}/v3/ping"
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}/api/v3/ping"


class ContractRest(ContractPrivate):
    """Contracts by REST: synchronous, typed, over one HTTP session.

    Thread-safe; use it in a ``with`` block, or close it.  A constructor does no I/O.

    Events that it gives have ``connection`` ``"contract/rest"``.

    Args:
        credentials: needed for own data and orders.
        url: of the API.
        ping_url: of spot's ``/ping``, by which the clock is set; None: that on the same host.
        token_variant: form of the tokens, as for :func:`~bigone_sync.bigone_token`.
        timeouts: how long to wait for what.
        proxy: URL of an HTTP proxy.
        ssl_context: for TLS; None: the system's.
        headers: sent with each request.
        clock: the exchange's time, to share what was measured between clients; None: one of its own.
        retries: how often what is safe to repeat is sent again; orders never are.
        check_markets: whether new orders are checked by the contract's rules, which are fetched once.

    Raises:
        ConfigurationError: an argument is not allowed.
    """

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        url: str = CONTRACT_REST_URL,
        ping_url: str | None = None,
        token_variant: str = "OpenAPIV2",
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
            ping_url=_ping_url(base) if ping_url is None else ping_url,
            token_variant=token_variant,
            timeouts=timeouts,
            proxy=proxy,
            ssl_context=ssl_context,
            headers=headers,
            clock=clock,
            retries=retries,
            check_markets=check_markets,
        )
