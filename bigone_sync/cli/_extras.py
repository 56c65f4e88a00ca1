"""What the command line needs beyond the library, and what to say when it is not there."""

from __future__ import annotations

__all__ = ["NEEDS_EXTRAS", "is_missing_extra"]

NEEDS_EXTRAS = 'bigone-sync needs the package {}, which is not installed: pip install "bigone_sync[demo]"'

_EXTRAS = ("aiohttp", "click", "rich")


def is_missing_extra(error: ModuleNotFoundError) -> bool:
    """Whether ``error`` says that one of the optional packages is not installed."""
    return (error.name or "").split(".")[0] in _EXTRAS
