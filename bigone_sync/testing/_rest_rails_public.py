"""Public Rails calls (Rails protocol, sections 1.5 and 1.6)."""

from __future__ import annotations

from typing import Any

from bigone_sync.testing._contract_json import number
from bigone_sync.testing._rails_account import milliseconds
from bigone_sync.testing._rails_venue import RailsVenue
from bigone_sync.testing._rails_wire import level_rows
from bigone_sync.testing._rest_call import Call, Handler
from bigone_sync.testing._rest_params import required
from bigone_sync.testing.market import TICK

__all__ = ["RailsPublic", "RailsRefusal", "known_market"]

Row = dict[str, Any]


class RailsRefusal(Exception):
    """HTTP status and message in place of a reply."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def known_market(venue: RailsVenue, market: str) -> str:
    """The market, if there is one of that name.

    Raises:
        RailsRefusal: there is none. What status that has is not documented.
    """
    if market not in venue.names:
        raise RailsRefusal(400, f"no market {market!r}")
    return market


class RailsPublic:
    """What anybody may ask for; used on the exchange's loop only.

    Attributes:
        table: the calls of the first version of the API.
        second_table: those of the second.
    """

    def __init__(self, venue: RailsVenue) -> None:
        self.table: list[tuple[str, str, Handler]] = [
            ("GET", "/markets", self._markets),
            ("GET", "/order-book", self._rows),
        ]
        self.second_table: list[tuple[str, str, Handler]] = [("GET", "/order-book", self._book)]
        self._venue = venue

    def _markets(self, call: Call) -> list[Row]:
        """The names; what else stands there, and how, is not documented: provisional (section 1.5)."""
        return [{"market": name, "tickSize": number(TICK)} for name in self._venue.names]

    def _rows(self, call: Call) -> list[Row]:
        market = known_market(self._venue, required(call.query, "market"))
        rows = level_rows(self._venue.levels(market))
        return [{name: row[name] for name in ("quantity", "price", "orderType")} for row in rows]

    def _book(self, call: Call) -> Row:
        return {"orders": self._rows(call), "ts": milliseconds(self._venue.at(call.query["market"]).engine.now_ns)}
