"""Public contract calls (REST protocol, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from bigone_sync.testing._contract_faults import Channel
from bigone_sync.testing._contract_json import Scientific
from bigone_sync.testing._contract_terms import Terms
from bigone_sync.testing._contract_venue import ContractVenue
from bigone_sync.testing._contract_wire import Frame, instrument_rows
from bigone_sync.testing._rest_call import Call, Handler
from bigone_sync.testing._rest_contract_errors import ContractRefusal
from bigone_sync.testing._rest_contract_margin import INITIAL_MARGIN, MAINTENANCE_MARGIN, MAX_RISK, MIN_RISK, RISK_STEP

__all__ = ["PRICE_MAX", "ContractPublic", "terms_of"]

#: The highest price that an order may have.
PRICE_MAX = Decimal(1_000_000)
_NAMES = {"BTC": "Bitcoin", "ETH": "Ethereum"}
_MONEY_PRECISION = {True: 8, False: 4}  # by whether it is coins


def terms_of(venue: ContractVenue, symbol: str) -> Terms:
    """The terms of a contract.

    Raises:
        ContractRefusal: there is none of that name, of which the case matters.
    """
    if symbol not in venue.terms:
        raise ContractRefusal(400)
    return venue.terms[symbol]


class ContractPublic:
    """What anybody may ask for; used on the exchange's loop only.

    Args:
        depth: the frames with which a socket of a depth channel begins; of a recorded contract they are the recorded
            book.
        is_known: whether there is a contract of that name, for the channel of that name.
    """

    def __init__(
        self,
        venue: ContractVenue,
        depth: Callable[[Channel], list[object]],
        is_known: Callable[[str, str], bool],
    ) -> None:
        self.table: list[tuple[str, str, Handler]] = [
            ("GET", "/symbols", self._symbols),
            ("GET", "/symbols@{symbol}", self._symbol),
            ("GET", "/instruments", self._instruments),
            ("GET", "/instruments@{symbol}", self._instrument),
            ("GET", "/depth@{symbol}/snapshot", self._depth),
        ]
        self._venue = venue
        self._first_frames = depth
        self._is_known = is_known

    def _symbols(self, call: Call) -> list[Frame]:
        return [_symbol_row(terms) for terms in self._venue.terms.values()]

    def _symbol(self, call: Call) -> Frame:
        return _symbol_row(terms_of(self._venue, call.parts["symbol"]))

    def _instruments(self, call: Call) -> list[Frame]:
        return instrument_rows(self._venue.instrument(symbol) for symbol in self._venue.contracts)

    def _instrument(self, call: Call) -> Frame:
        symbol = terms_of(self._venue, call.parts["symbol"]).symbol
        return instrument_rows([self._venue.instrument(symbol)])[0]

    def _depth(self, call: Call) -> Frame:
        """The book as a new socket of its channel gets it, so that the ids of both can be joined."""
        symbol = call.parts["symbol"]
        if not self._is_known("depth", symbol):
            raise ContractRefusal(400)
        snapshot = self._first_frames(Channel("depth", symbol))[0]
        assert isinstance(snapshot, dict)
        best = snapshot.get("bestPrices") or {}
        return {**snapshot, "bestPrices": {side: price for side, price in best.items() if price is not None}}


def _symbol_row(terms: Terms) -> Frame:
    decimals = terms.tick.as_tuple().exponent
    assert isinstance(decimals, int)
    return {
        "symbol": terms.symbol,
        "baseCurrency": terms.base,
        "quoteCurrency": "USD" if terms.inverse else terms.currency,
        "settleCurrency": terms.currency,
        "isInverse": terms.inverse,
        "multiplier": terms.multiplier,
        "enable": True,
        "type": "PERPETUAL",
        "priceStep": terms.tick,
        "pricePrecision": -decimals,
        "valuePrecision": _MONEY_PRECISION[terms.inverse],
        "feePrecision": _MONEY_PRECISION[terms.inverse],
        "baseName": _NAMES.get(terms.base, terms.base),
        "initialMargin": INITIAL_MARGIN,
        "maintenanceMargin": MAINTENANCE_MARGIN,
        "priceMin": terms.tick,
        "priceMax": Scientific(PRICE_MAX),
        "riskLimit": MIN_RISK,
        "minRiskLimit": MIN_RISK,
        "maxRiskLimit": MAX_RISK,
        "riskStep": RISK_STEP,
    }
