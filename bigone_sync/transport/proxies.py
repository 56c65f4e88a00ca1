"""Which HTTP proxy a connection goes through: the argument, else the environment, else none."""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from ..errors import ConfigurationError

__all__ = ["Proxy", "choose_proxy", "parse_proxy"]


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


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
    if not url or _is_loopback(host) or proxy_bypass_environment(host):
        return None
    return parse_proxy(url, argument="the proxy of the environment")
