"""A Rails stream as far as the protocol's side of it goes, of which a session's parts expect a little."""

from __future__ import annotations

from ..subscription import Stream

__all__ = ["RailsRoute"]


class _Unchained:
    """Rails' updates have no numbers."""

    def reset(self) -> None:
        """There is nothing to forget."""


class RailsRoute:
    """All there is to know of the stream is kept by the group."""

    def __init__(self, owner: Stream) -> None:
        self.owner = owner
        self.sequence = _Unchained()
