"""What a spot client tells during the demo."""

from __future__ import annotations

from collections.abc import Mapping

from ..clients.spot import SpotClient
from ..events import Account, Order, Ticker
from . import _format
from ._own import Holding, OwnOrder
from ._recording import Recording
from ._settings import AMOUNT_PLACES, TRADES_ASKED

__all__ = ["Recorder"]


class Recorder(Recording):
    """Watches one market and the balances.

    Args:
        market: which one.
    """

    account_title = "own order, balances"

    def __init__(self, market: str) -> None:
        super().__init__(market)
        self._balances: dict[str, Account] = {}
        self._ticker: Ticker | None = None

    def attach(self, client: SpotClient) -> None:
        """Register everything that the demo shows."""
        client.on_state(self._on_state)
        client.on_error(self._on_error)
        client.on_gap(self._on_gap)
        client.on_order(self.market, self._on_order)
        client.on_account(self._on_account)
        client.on_book(self.market, self._on_book)
        client.on_trade(self.market, self._on_trade, limit=TRADES_ASKED)
        client.on_ticker(self.market, self._on_ticker)
        self._book = client.order_book(self.market)

    # -- for the show; main thread

    @property
    def account_caption(self) -> str:
        """What the columns of the holdings are."""
        return "asset, total, locked by orders"

    def balances(self) -> Mapping[str, Account]:
        """The newest word on each asset."""
        with self._lock:
            return dict(self._balances)

    def holdings(self) -> list[Holding]:
        """The balances; rounded: fees have more decimals than there is room for."""
        return [
            Holding(
                balance.asset,
                _format.number(balance.balance, AMOUNT_PLACES),
                _format.number(balance.locked_balance, AMOUNT_PLACES),
                bool(balance.locked_balance),
            )
            for balance in self.balances().values()
        ]

    @property
    def ticker(self) -> Ticker | None:
        """The newest one."""
        return self._ticker

    # -- handlers; worker thread

    def _on_ticker(self, ticker: Ticker) -> None:
        self._ticker = ticker

    def _on_order(self, order: Order) -> None:
        self._heard(
            OwnOrder(
                order.id,
                order.side,
                order.amount,
                order.price,
                order.state,
                order.filled_amount,
                order.avg_deal_price,
                is_final=order.is_final,
                origin="snapshot" if order.is_snapshot else "",
                received_at=order.received_at,
            )
        )

    def _on_account(self, account: Account) -> None:
        with self._lock:
            before = self._balances.get(account.asset)
            self._balances[account.asset] = account
            if before is None or (before.balance, before.locked_balance) != (account.balance, account.locked_balance):
                self.note("balance", _format.account_text(account))
