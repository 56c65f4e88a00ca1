"""A local exchange, a proxy that breaks connections, and a census of leaks: bots are tested without the exchange.

Everything is imported when it is first touched: `LocalExchange` needs the extra ``sim`` (aiohttp), the rest needs
nothing beyond the package.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bigone_sync.testing.exchange import LocalExchange
    from bigone_sync.testing.leaks import Census, assert_no_leaks, census, leak_check, wait_until
    from bigone_sync.testing.proxy import FaultProxy

__all__ = ["Census", "FaultProxy", "LocalExchange", "assert_no_leaks", "census", "leak_check", "wait_until"]

_HOMES = {
    "Census": "leaks",
    "FaultProxy": "proxy",
    "LocalExchange": "exchange",
    "assert_no_leaks": "leaks",
    "census": "leaks",
    "leak_check": "leaks",
    "wait_until": "leaks",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = importlib.import_module(f"{__name__}.{home}")
    except ModuleNotFoundError as error:
        if error.name != "aiohttp":
            raise
        raise ImportError(f"{name} needs aiohttp: pip install bigone_sync[sim]") from error
    value: object = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
