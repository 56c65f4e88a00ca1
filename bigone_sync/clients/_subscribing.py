"""How the clients subscribe: what was asked for is checked, then given to the registry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..auth import TokenSigner
from ..book import OrderBook
from ..enums import Channel, Overflow
from ..errors import ConfigurationError
from ..events import SubscriptionKey
from ..subscription import Handler, Subscription
from ._arguments import check_overflow
from ._base import BaseClient
from ._beside import Beside
from ._closing import S
from ._stream_methods import StreamMethods

__all__ = ["Subscribing"]


class Subscribing(StreamMethods, BaseClient[S]):
    """The way from a stream method to the registry. Not for direct use."""

    _signer: TokenSigner | None

    def _make_way(self, keys: Sequence[SubscriptionKey]) -> None:
        """Streams are about to be subscribed to."""

    def _check_private(self, channel: Channel) -> None:
        """Nothing, if the client can log in.

        Raises:
            ConfigurationError: it has no credentials.
        """
        if self._signer is None:
            raise ConfigurationError(
                f"credentials are needed for {channel.value}: {type(self).__name__}(Credentials(key, secret))",
                argument="credentials",
            )

    def _check_markets(self, names: Sequence[str | None]) -> None:
        """Nothing, if these markets exist, or if that is not to be checked.

        Raises:
            ConfigurationError: one of them does not.
            RestError: the exchange could not be asked.
        """
        if isinstance(self._beside, Beside):
            self._beside.check(names)

    def _add(
        self,
        keys: list[SubscriptionKey],
        handler: Handler | None,
        overflow: Overflow,
        *,
        limit: int | None = None,
        book: bool = False,
        iterate: bool = False,
    ) -> Subscription:
        private = keys[0].channel.is_private
        if private:
            self._check_private(keys[0].channel)
        self._check_open()
        policy = check_overflow(overflow, private=private)
        self._check_markets([key.market for key in keys])
        self._make_way(keys)
        return self._registry.subscribe(keys, handler, overflow=policy, limit=limit, book=book, iterate=iterate)

    def _on(
        self,
        handler: Any,
        overflow: Overflow,
        keys: list[SubscriptionKey],
        *,
        limit: int | None = None,
        book: bool = False,
    ) -> Any:
        return self._registry.register(
            handler, lambda function: self._add(keys, function, overflow, limit=limit, book=book)
        )

    def _book(self, key: SubscriptionKey) -> OrderBook:
        self._check_open()
        self._check_markets([key.market])
        self._make_way([key])
        return self._registry.book(key)
