"""The session and its adapter: our connections, a context that is used as it is, and proxies that are chosen by us."""

from __future__ import annotations

import functools
import http.cookiejar
import ssl
import threading
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies, select_proxy
from urllib3 import PoolManager

from ..config import Proxy, is_loopback, parse_proxy
from ._connections import POOLS, Untouched

__all__ = ["Adapter", "Session", "choose_proxy"]

# Connections that are kept for each host.
_KEPT = 32


def choose_proxy(argument: str | None, url: str) -> Proxy | None:
    """The proxy for ``url``.

    ``argument`` beats the environment; the empty text means "no proxy, whatever the environment says".  The
    environment is not asked for this machine itself, as the streams do it.

    Raises:
        ConfigurationError: it is not the URL of an HTTP proxy.
    """
    if argument is not None:
        return parse_proxy(argument) if argument else None
    if is_loopback(urlsplit(url).hostname or ""):
        return None
    found = select_proxy(url, get_environ_proxies(url, no_proxy=None))
    return parse_proxy(found, argument="the proxy of the environment") if found else None


@functools.lru_cache(maxsize=1)
def _system_context() -> ssl.SSLContext:
    # Made once: loading the authorities takes longer than a call.
    return ssl.create_default_context()


def _close(manager: PoolManager | None) -> None:
    """Close all pools. ``clear()`` only forgets them, and whoever still holds an answer would keep them open."""
    if manager is None:
        return
    for key in manager.pools.keys():  # noqa: SIM118 - it cannot be iterated over, being shared
        pool = manager.pools.get(key)
        if pool is not None:
            pool.close()
    manager.clear()


class Adapter(HTTPAdapter):
    """Between requests and urllib3.

    Args:
        context: Used as it is, for what it trusts and checks; None: the system's authorities.
    """

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._untouched: Untouched | None = None
        self._authorizations: dict[str, str | None] = {}
        self._lock = threading.Lock()
        super().__init__(pool_connections=8, pool_maxsize=_KEPT)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxies(self, proxy: Proxy | None) -> dict[str, str]:
        """``proxy`` for requests: without user and password, which would be seen in URLs and messages."""
        if proxy is None:
            return {}
        host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
        url = f"http://{host}:{proxy.port}"
        with self._lock:
            if self._authorizations.get(url, proxy.authorization) != proxy.authorization:
                _close(self.proxy_manager.pop(url, None))
            self._authorizations[url] = proxy.authorization
        return {"http": url, "https": url}

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        authorization = self._authorizations.get(proxy)
        return {"Proxy-Authorization": authorization} if authorization else {}

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        with self._lock:  # or two threads make two, and one is lost with its connections
            manager = super().proxy_manager_for(proxy, **options)
            manager.pool_classes_by_scheme = POOLS
            return manager

    def close(self) -> None:
        """Close the connections that are not in use now, and let those in use be closed after it."""
        with self._lock:
            managers = [self.poolmanager, *self.proxy_manager.values()]
        for manager in managers:
            _close(manager)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        # The original sets certifi's authorities, which urllib3 then loads into the context, whosever it is.
        pass

    def build_connection_pool_key_attributes(  # type: ignore[override]
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        parts = urlsplit(request.url)
        where = {"scheme": parts.scheme, "host": parts.hostname, "port": parts.port}
        if parts.scheme != "https":
            return where, {}
        with self._lock:
            if self._untouched is None:
                self._untouched = Untouched(self._context or _system_context())
        # urllib3 would compare the host name itself where the context does not.
        return where, {
            "ssl_context": self._untouched,
            "cert_reqs": self._untouched.verify_mode,
            "assert_hostname": False,
        }


class Session(requests.Session):
    """Follows no redirects, keeps no cookies, asks no environment: safe to use from several threads."""

    def __init__(self, adapter: Adapter, headers: dict[str, str]) -> None:
        super().__init__()
        self.trust_env = False  # or a .netrc replaces the Authorization header
        self.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self.headers.clear()
        self.headers.update(headers)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: Any) -> str | None:
        # requests would prepare the next request, token and all, though it is not to be sent.
        return None
