"""What the stream methods of the clients have in common."""

from __future__ import annotations

from typing import Any

from ..enums import Overflow
from ..events import SubscriptionKey

__all__ = ["StreamMethods"]


class StreamMethods:
    """Base of the stream methods. Not for direct use."""

    def _on(
        self,
        handler: Any,
        overflow: Overflow,
        keys: list[SubscriptionKey],
        *,
        limit: int | None = None,
        book: bool = False,
    ) -> Any:
        """The two forms of every ``on_*``: with a handler it subscribes, without one it decorates."""
        raise NotImplementedError
