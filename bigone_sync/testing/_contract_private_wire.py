"""Frames of the private contract stream (contract protocol, section 7), in the two forms of the documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bigone_sync.testing._contract_views import CashView, ContractOrderView, FillView, PositionView

ID_FORMS = ("text", "integer")
USER_ID = "5aec525e-335d-4724-0005-20153b361f89"
_MILLISECOND = 1_000_000

Frame = dict[str, Any]


def uuid_text(number: int) -> str:
    """A number in the UUID-like form that ids have."""
    return f"5aefeab9-{number >> 48 & 0xFFFF:04x}-0000-0001-{number & 0xFFFFFFFFFFFF:012x}"


class PrivateWire:
    """Renders the private stream.

    Args:
        ids: ``"text"``: UUID-like ids and all fields, as the English page prints them. ``"integer"``: order and trade
            ids are integers, orders have ``ts`` and trades ``role``, and only the fields of the Chinese page are there.
    """

    def __init__(self, ids: str) -> None:
        if ids not in ID_FORMS:
            raise ValueError(f"no form of ids {ids!r}: one of {', '.join(ID_FORMS)}")
        self._short = ids == "integer"

    @property
    def id_text(self) -> Callable[[int], str]:
        """How the number of an order or a fill is told by the exchange's methods."""
        return str if self._short else uuid_text

    def first(
        self,
        cash: CashView | None,
        positions: Sequence[PositionView],
        orders: Sequence[ContractOrderView],
        fills: Sequence[FillView],
    ) -> Frame:
        """The first frame: all keys, and whose they are; no cash only where there is no contract."""
        return {"userId": USER_ID, **self.frame(cash, positions, orders, fills, every=True)}

    def frame(
        self,
        cash: CashView | None = None,
        positions: Sequence[PositionView] = (),
        orders: Sequence[ContractOrderView] = (),
        fills: Sequence[FillView] = (),
        *,
        every: bool = False,
    ) -> Frame:
        """What has changed; a key without news is left out unless ``every``."""
        frame: Frame = {}
        if cash is not None:
            frame["cash"] = self.cash(cash)
        for name, rows in (
            ("positions", [self.position(position) for position in positions]),
            ("orders", [self.order(order) for order in orders]),
            ("trades", [self.fill(fill) for fill in fills]),
        ):
            if rows or every:
                frame[name] = rows
        return frame

    def cash(self, cash: CashView) -> Frame:
        """One currency."""
        row: Frame = {
            "currency": cash.currency,
            "balances": cash.balances,
            "available": cash.available,
            "margin": cash.margin,
            "orderMargin": cash.order_margin,
            "positionMargin": cash.position_margin,
        }
        if self._short:
            return row
        return {
            "id": cash.id,
            "userId": USER_ID,
            **row,
            "positionValue": cash.position_value,
            "unrealizedPnl": cash.unrealized_pnl,
            "marginBalances": cash.margin_balances,
            "marginRate": cash.margin_rate,
            "leverage": cash.leverage,
        }

    def position(self, position: PositionView) -> Frame:
        """One position."""
        row: Frame = {
            "symbol": position.market,
            "leverage": position.leverage,
            "marginRate": position.margin_rate,
            "unrealizedPnl": position.unrealized_pnl,
            "liquidatePrice": position.liquidate_price,
        }
        if self._short:
            return row
        return {
            "id": position.id,
            "userId": USER_ID,
            **row,
            "currency": position.currency,
            "isCross": position.is_cross,
            "feeRateTaker": position.fee_rate_taker,
            "feeRateMaker": position.fee_rate_maker,
            "size": position.size,
            "notional": position.notional,
            "initMargin": position.init_margin,
            "margin": position.margin,
            "orderMargin": position.order_margin,
            "realisedPnl": position.realised_pnl,
            "totalPnl": position.total_pnl,
            "markPrice": position.mark_price,
            "riskLimit": position.risk_limit,
            "entryPrice": position.entry_price,
            "equity": position.equity,
            "value": position.value,
            "risk": position.risk,
            "rom": position.rom,
            "buyingNotional": position.buying_notional,
            "sellingNotional": position.selling_notional,
            "buyingSize": position.buying_size,
            "sellingSize": position.selling_size,
            "seqNo": position.seq_no,
        }

    def order(self, order: ContractOrderView) -> Frame:
        """One order."""
        row: Frame = {
            "id": self._id(order.id),
            "symbol": order.market,
            "side": order.side,
            "type": order.type,
            "price": order.price,
            "size": order.size,
            "filled": order.filled,
            "status": order.status,
        }
        if self._short:
            return {**row, "ts": order.time_ns // _MILLISECOND}
        return {
            **row,
            "userId": USER_ID,
            "liquidateUserId": None,
            "currency": order.currency,
            "avgPrice": order.avg_price,
            "notional": order.notional,
            "filledNotional": order.filled_notional,
        }

    def fill(self, fill: FillView) -> Frame:
        """One fill."""
        row: Frame = {
            "id": self._id(fill.id),
            "orderId": self._id(fill.order_id),
            "symbol": fill.market,
            "side": fill.side,
            "price": fill.price,
            "size": fill.size,
            "fee": fill.fee,
        }
        if self._short:
            return {**row, "role": fill.role}
        return {**row, "notional": fill.notional, "feeRate": fill.fee_rate, "pnl": fill.pnl}

    def _id(self, text: str) -> int | str:
        return int(text) if self._short else text
