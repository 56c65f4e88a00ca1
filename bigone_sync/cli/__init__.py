"""The command ``bigone-sync``. It needs the extra ``demo`` (click, rich and the local exchange)."""

from __future__ import annotations

from ._extras import NEEDS_EXTRAS, is_missing_extra

try:
    from ._main import main
except ModuleNotFoundError as error:
    if not is_missing_extra(error):
        raise
    # An entry point imports this module first: a message and status 1, not a traceback.
    raise SystemExit(NEEDS_EXTRAS.format(error.name)) from None

__all__ = ["main"]
