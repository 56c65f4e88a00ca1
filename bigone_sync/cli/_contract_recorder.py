"""What a contract client tells during the demo."""

from __future__ import annotations

from ..clients.contract import ContractClient
from ..enums import Channel
from ..events import Cash, ContractOrder, Fill, Gap, Instrument, Position
from . import _format
from ._own import Holding, OwnOrder
from ._recording import Recording

__all__ = ["ContractRecorder"]


class ContractRecorder(Recording):
    """Watches one contract, the position and the cash.

    Args:
        market: which contract.
    """

    amount_places = 0
    kind_width = 9
    account_title = "own order, position, cash"

    def __init__(self, market: str) -> None:
        super().__init__(market)
        self._client: ContractClient | None = None
        self._positions: dict[str, Position] = {}
        self._cash: dict[str, Cash] = {}
        self._instrument: Instrument | None = None
        self._untold_at = -1.0

    def attach(self, client: ContractClient) -> None:
        """Register everything that the demo shows."""
        self._client = client
        client.on_state(self._on_state)
        client.on_error(self._on_error)
        client.on_gap(self._on_gap)
        client.on_order(self.market, self._on_order)
        client.on_fill(self.market, self._on_fill)
        client.on_position(self._on_position)
        client.on_cash(self._on_cash)
        client.on_book(self.market, self._on_book)
        client.on_trade(self.market, self._on_trade)
        client.on_instrument(self._on_instrument)
        self._book = client.order_book(self.market)

    # -- for the show; main thread

    @property
    def account_caption(self) -> str:
        """What the rows of the holdings are."""
        return "entry, open PnL; cash, margin"

    def holdings(self) -> list[Holding]:
        """Positions, flat ones included, and the cash that they are settled in."""
        with self._lock:
            positions, cash = list(self._positions.values()), list(self._cash.values())
        rows = []
        for position in positions:
            size, pnl = position.size, _format.money(position.unrealized_pnl, position.currency)
            value = f"{_format.size(size)} @ {_format.price(position.entry_price)}" if size else "flat"
            rows.append(Holding(position.market, value, pnl if size else "", bool(size)))
        for one in cash:
            total, margin = (_format.money(value, one.currency) for value in (one.balances, one.margin))
            rows.append(Holding(one.currency, total, margin, bool(one.margin)))
        return rows

    def market_text(self) -> str:
        """The mark price, by which positions are valued."""
        instrument = self._instrument
        return "" if instrument is None else f", mark {_format.price(instrument.mark_price)}"

    def account_lag(self) -> str:
        """Positions or cash, as long as the client says that they may be out of date."""
        client = self._client
        if client is None:
            return ""
        states = {"positions": client.positions().is_live, "cash": client.cash_state().is_live}
        return " and ".join(name for name, is_live in states.items() if not is_live)

    def is_untold(self, order_id: str) -> bool:
        """Whether the client said, after the last word on an order, that its end may have gone unheard."""
        with self._lock:
            states = self._orders.get(order_id)
            return states is not None and not states[-1].is_final and states[-1].received_at < self._untold_at

    # -- handlers; worker thread

    def _on_gap(self, gap: Gap) -> None:
        with self._lock:
            super()._on_gap(gap)
            if gap.channel == Channel.ORDERS:
                self._untold_at = gap.received_at

    def _on_instrument(self, instrument: Instrument) -> None:
        self._instrument = instrument

    def _on_order(self, order: ContractOrder) -> None:
        self._heard(
            OwnOrder(
                order.id,
                order.side,
                order.size,
                order.price,
                order.status,
                order.filled,
                order.avg_price,
                is_final=order.is_final,
                # The gap and the open orders come from the same frame, the first one of a new socket.
                origin="snapshot" if order.received_at == self._untold_at else "",
                received_at=order.received_at,
            )
        )

    def _on_fill(self, fill: Fill) -> None:
        with self._lock:
            position = self._positions.get(fill.market)
            currency = None if position is None else position.currency
            self.note("fill", _format.fill_text(self._label(fill.order_id), fill, currency))

    def _on_position(self, position: Position) -> None:
        with self._lock:
            before = self._positions.get(position.market)
            self._positions[position.market] = position
            # What it is worth changes all the time.
            if before is None or (before.size, before.entry_price) != (position.size, position.entry_price):
                self.note("position", _format.position_text(position))

    def _on_cash(self, cash: Cash) -> None:
        with self._lock:
            before = self._cash.get(cash.currency)
            self._cash[cash.currency] = cash
            if before is None or (before.balances, before.margin) != (cash.balances, cash.margin):
                self.note("cash", _format.cash_text(cash))
