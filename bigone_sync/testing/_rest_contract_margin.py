"""Margin and risk limit of a position by REST (REST protocol, section 5).

What the calls do exactly is not documented. Here a leverage decides what the position and its orders bind, an isolated
position may be given more margin than that, and a risk limit is kept and told, with the initial margin rate it means.
"""

from __future__ import annotations

from decimal import Decimal

from bigone_sync.testing._contract_account import LEVERAGE, RISK_LIMIT
from bigone_sync.testing._contract_private_wire import PrivateWire
from bigone_sync.testing._contract_venue import ContractVenue
from bigone_sync.testing._contract_wire import Frame
from bigone_sync.testing._ledger import ZERO
from bigone_sync.testing._rest_call import Call, Handler
from bigone_sync.testing._rest_contract_errors import (
    INVALID_LEVERAGE,
    MARGIN_TOO_LARGE,
    RISK_LIMIT_OUT_OF_RANGE,
    ContractRefusal,
)
from bigone_sync.testing._rest_params import Unfit, json_body, positive, truth

__all__ = ["INITIAL_MARGIN", "MAINTENANCE_MARGIN", "MAX_RISK", "MIN_RISK", "RISK_STEP", "ContractMargin"]

INITIAL_MARGIN = Decimal("0.01")
MAINTENANCE_MARGIN = Decimal("0.005")
MIN_RISK = RISK_LIMIT
MAX_RISK = 10 * RISK_LIMIT
RISK_STEP = Decimal(1)
_MOST = Decimal(10**12)
_LEAST_LEVERAGE = Decimal(1)


class ContractMargin:
    """The two calls; used on the exchange's loop only."""

    def __init__(self, venue: ContractVenue, wire: PrivateWire) -> None:
        self.table: list[tuple[str, str, Handler]] = [
            ("PUT", "/positions/{symbol}/margin", self._adjust_margin),
            ("PUT", "/positions/{symbol}/risk-limit", self._adjust_risk_limit),
        ]
        self._venue = venue
        self._wire = wire

    def _adjust_margin(self, call: Call) -> Frame:
        """Set leverage, kind and margin, or nothing if the account cannot afford it."""
        symbol, body = self._symbol(call), _object(call)
        margin, leverage = positive(body, "margin", _MOST), positive(body, "leverage", _MOST)
        is_cross = truth(body, "isCross")
        if margin is None and leverage is None and is_cross is None:
            raise Unfit("margin, leverage or isCross is expected")
        if leverage is not None and not _LEAST_LEVERAGE <= leverage <= LEVERAGE:
            raise ContractRefusal(400, INVALID_LEVERAGE)
        self._venue.at(symbol)
        holding = self._venue.account.holdings[symbol]
        before = holding.leverage, holding.is_cross, holding.added
        bound = holding.margin + holding.order_margin
        available = self._venue.account.cash(holding.terms.currency).available
        holding.leverage = holding.leverage if leverage is None else leverage
        holding.is_cross = holding.is_cross if is_cross is None else is_cross
        holding.added = ZERO if holding.is_cross else holding.added
        refusal: Exception | None = None
        if margin is not None:
            if holding.is_cross or not holding.size or margin < holding.required_margin:
                refusal = Unfit("margin is for an isolated position, and at least what its leverage demands")
            else:
                holding.added = margin - holding.required_margin
        if refusal is None and holding.margin + holding.order_margin - bound > available:
            refusal = ContractRefusal(400, MARGIN_TOO_LARGE)
        if refusal is not None:
            holding.leverage, holding.is_cross, holding.added = before
            raise refusal
        self._venue.publish_position(symbol)
        return self._wire.position(holding.view())

    def _adjust_risk_limit(self, call: Call) -> Frame:
        symbol = self._symbol(call)
        notional = positive(_object(call), "notional", _MOST)
        if notional is None:
            raise Unfit("notional is expected")
        if not MIN_RISK <= notional <= MAX_RISK or notional % RISK_STEP:
            raise ContractRefusal(400, RISK_LIMIT_OUT_OF_RANGE)
        self._venue.at(symbol)
        self._venue.account.holdings[symbol].risk_limit = notional
        self._venue.publish_position(symbol)
        rate = INITIAL_MARGIN + MAINTENANCE_MARGIN * (notional - MIN_RISK) / MIN_RISK
        return {"notional": notional, "IMR": rate}

    def _symbol(self, call: Call) -> str:
        symbol = call.parts["symbol"]
        if symbol not in self._venue.terms:
            raise ContractRefusal(400)
        return symbol


def _object(call: Call) -> dict[str, object]:
    body = json_body(call)
    if not isinstance(body, dict):
        raise Unfit("an object is expected")
    return body
