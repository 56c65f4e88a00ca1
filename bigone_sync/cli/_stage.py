"""What the venues have in common in the demo: the show asks a stage for all that they differ in."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from ..auth import Credentials
from ..clients.contract import ContractClient
from ..clients.rails import RailsClient
from ..clients.spot import SpotClient
from ..enums import Side
from ..errors import ConfigurationError
from ._recording import Recording
from ._verdict import Check, EngineBook

if TYPE_CHECKING:
    from ..testing import LocalExchange

__all__ = ["CREDENTIALS", "Client", "Stage", "base_and_quote", "spot_amount"]

CREDENTIALS = Credentials("demo-key", "demo-secret")
"""Of the account on the exchange in this process; worth nothing anywhere else."""

Client: TypeAlias = SpotClient | ContractClient | RailsClient


class Stage(ABC):
    """One venue with one market: makes exchange and client, handles own orders, and compares at the end."""

    has_interlude = False
    """Whether there is something to show before all connections are reset."""
    unit = ""
    """What amounts are counted in, with a space before it."""
    recording: Recording
    """What the client has told."""

    @property
    def market(self) -> str:
        """The one that is shown."""
        return self.recording.market

    # -- before the show

    @abstractmethod
    def make_exchange(self, seed: int) -> LocalExchange:
        """An exchange with the market, not started."""

    @abstractmethod
    def url(self, exchange: LocalExchange) -> str:
        """Where the client connects to."""

    @abstractmethod
    def make_client(self, url: str, protocol: str) -> Client:
        """A client that tells the recording everything that the demo shows, not started.

        Raises:
            ImportError: what the protocol needs is missing, or too old.
        """

    def connected_text(self, exchange: LocalExchange, count: int, protocol: str) -> str:
        """What there is now that so many connections are up."""
        return f"{count} channels over {protocol}, streams live"

    # -- own orders

    @abstractmethod
    def book(self, exchange: LocalExchange) -> EngineBook:
        """The exchange's own book."""

    @abstractmethod
    def choose_amount(self, exchange: LocalExchange, rng: random.Random, side: Side) -> Decimal:
        """How much a new order is about."""

    @abstractmethod
    def part(self, amount: Decimal, percent: int) -> Decimal:
        """So much of an amount, as it can be filled."""

    @abstractmethod
    def place(self, exchange: LocalExchange, side: Side, price: Decimal, amount: Decimal) -> str:
        """Place an own order; returns its id."""

    @abstractmethod
    def fill(self, exchange: LocalExchange, order_id: str, amount: Decimal | None) -> None:
        """Let the crowd trade against an own order; None: all that is left of it.

        Raises:
            ValueError: it is not open, or not for so much.
        """

    @abstractmethod
    def cancel(self, exchange: LocalExchange, order_id: str) -> None:
        """Cancel an own order, if it is still open."""

    @abstractmethod
    def is_open(self, exchange: LocalExchange, order_id: str) -> bool:
        """Whether something of an own order can still be filled."""

    # -- what happens to the client

    def may_go_on(self, order_id: str | None) -> bool:
        """Whether the client is as it has to be for what comes next in the story.

        Args:
            order_id: of the latest own order.
        """
        return True

    def interlude(self, exchange: LocalExchange) -> None:
        """Show what there is to show once, before all connections are reset."""
        raise NotImplementedError

    @property
    def is_under_way(self) -> bool:
        """Whether something of the interlude is not yet over."""
        return False

    # -- after the show

    @abstractmethod
    def checks(self, exchange: LocalExchange) -> list[Check]:
        """The client's view of market and account, each beside the exchange's own."""


def base_and_quote(market: str) -> list[str]:
    """The two assets of a market, ``BASE-QUOTE``.

    Raises:
        ConfigurationError: they are the same.
    """
    assets = market.split("-")
    if len(set(assets)) < len(assets):
        raise ConfigurationError(f"base and quote must differ, not {market!r}", argument="market")
    return assets


def spot_amount(rng: random.Random) -> Decimal:
    """One and a bit of a base asset."""
    return Decimal(rng.randint(100, 160)).scaleb(-2)
