"""Why the contract REST API refuses (REST protocol, sections 1 and 5)."""

from __future__ import annotations

__all__ = [
    "INVALID_LEVERAGE",
    "INVALID_PARAMS",
    "INVALID_TOKEN",
    "MARGIN_TOO_LARGE",
    "PRICE_OUT_OF_RANGE",
    "RISK_LIMIT_OUT_OF_RANGE",
    "ContractRefusal",
]

INVALID_TOKEN = "anomaly.token/invalid"
INVALID_PARAMS = "anomaly.request/invalid-params"
PRICE_OUT_OF_RANGE = "anomaly.order/price-out-of-range"
INVALID_LEVERAGE = "anomaly.adjust-margin/invalid-lerverage"  # as the exchange spells it
MARGIN_TOO_LARGE = "anomaly.adjust-margin/position-too-large"
RISK_LIMIT_OUT_OF_RANGE = "anomaly.adjust-risk-limit/too-small-or-too-large"


class ContractRefusal(Exception):
    """HTTP status and anomaly in place of a reply; "": an empty body."""

    def __init__(self, status: int, anomaly: str = "") -> None:
        super().__init__(status, anomaly)
        self.status = status
        self.anomaly = anomaly
