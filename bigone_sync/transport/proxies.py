"""Which HTTP proxy a connection goes through: the argument, else the environment, else none."""

from __future__ import annotations

from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from ..config import Proxy, is_loopback, parse_proxy

__all__ = ["Proxy", "choose_proxy", "parse_proxy"]


def choose_proxy(argument: str | None, host: str, *, secure: bool) -> Proxy | None:
    """The proxy for ``host``.

    ``argument`` beats the environment; the empty text means "no proxy, whatever the environment says".  From the
    environment: ``https_proxy`` for wss, ``http_proxy`` for ws, else ``all_proxy``, not for hosts in ``no_proxy`` and
    never for this machine itself.

    Raises:
        ConfigurationError: the URL is not one of an HTTP proxy.
    """
    if argument is not None:
        return parse_proxy(argument) if argument else None
    found = getproxies_environment()
    url = found.get("https" if secure else "http") or found.get("all")
    if not url or is_loopback(host) or proxy_bypass_environment(host):
        return None
    return parse_proxy(url, argument="the proxy of the environment")
