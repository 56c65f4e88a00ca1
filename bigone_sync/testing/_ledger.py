"""The balances of the exchange's one configured account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from bigone_sync.testing._checks import Refused

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Balance:
    """One asset of the account; ``balance`` is the total and includes ``locked``."""

    asset: str
    balance: Decimal
    locked: Decimal

    @property
    def available(self) -> Decimal:
        """What a new order may still lock."""
        return self.balance - self.locked


class Ledger:
    """Total and locked amount per asset, and which assets changed since they were last reported."""

    def __init__(self, balances: Mapping[str, Decimal]) -> None:
        self._balance = dict(balances)
        self._locked = dict.fromkeys(balances, ZERO)
        self._changed: dict[str, None] = {}

    def balance(self, asset: str) -> Balance:
        """The present state of one asset; an asset never heard of is empty."""
        return Balance(asset, self._balance.get(asset, ZERO), self._locked.get(asset, ZERO))

    def balances(self) -> tuple[Balance, ...]:
        """Every asset, in alphabetical order."""
        return tuple(self.balance(asset) for asset in sorted(self._balance))

    def set_balance(self, asset: str, balance: Decimal) -> None:
        """Replace the total of an asset.

        Raises:
            Refused: the total would be less than what open orders lock.
        """
        if balance < self._locked.get(asset, ZERO):
            raise Refused(f"{asset}: {balance} is less than the {self._locked[asset]} locked by open orders")
        self._balance[asset] = balance
        self._changed[asset] = None

    def lock(self, asset: str, amount: Decimal) -> None:
        """Set an amount aside for an open order (a negative one gives it back)."""
        if amount:
            self._locked[asset] = self._locked.get(asset, ZERO) + amount
            self._changed[asset] = None

    def add(self, asset: str, amount: Decimal) -> None:
        """Credit the total (a negative amount debits it)."""
        if amount:
            self._balance[asset] = self._balance.get(asset, ZERO) + amount
            self._changed[asset] = None

    def take_changes(self) -> tuple[Balance, ...]:
        """The new state of every asset changed since the last call."""
        changed, self._changed = self._changed, {}
        return tuple(self.balance(asset) for asset in changed)
