"""Margin accounts of the spot exchange (spot schema, section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from bigone_sync.testing._book import Batch
from bigone_sync.testing._connection import Connection
from bigone_sync.testing._ledger import ZERO
from bigone_sync.testing._margin import MarginSide, MarginView
from bigone_sync.testing._spot_answers import Answers, Handler
from bigone_sync.testing._spot_hub import Hub, Key
from bigone_sync.testing._spot_requests import Request
from bigone_sync.testing._spot_venue import Listing, Venue
from bigone_sync.testing._spot_wire import SpotWire, decimal_text, zero_text

__all__ = ["MarginDesk"]

_KEY = Key("margin_accounts")


class MarginDesk:
    """Tells every new state of the margin accounts; used on the exchange's loop only.

    The state follows from the orders and, while there is a loan, from the last price.
    """

    def __init__(self, venue: Venue, hub: Hub, wire: SpotWire, answers: Answers) -> None:
        self.handlers: Mapping[str, Handler] = {
            "subscribeViewerMarginAccountsRequest": self._subscribe,
            "unsubscribeViewerMarginAccountsRequest": answers.unsubscribe_from(_KEY.channel),
        }
        self._venue = venue
        self._hub = hub
        self._wire = wire
        self._answers = answers
        self._told = self.accounts()
        venue.followers.append(self._follow)

    def accounts(self) -> dict[str, MarginView]:
        """The present state of all, by market."""
        return {name: _view(listing) for name, listing in self._venue.listings.items()}

    def change(self, market: str, **values: Any) -> None:
        """Change an account as `MarginAccount.change` does, and publish it even if it is as it was."""
        listing = self._venue.listing(market)
        listing.margin.change(**values)
        self._publish(_view(listing))

    def _subscribe(self, connection: Connection, request: Request) -> None:
        self._answers.subscribe(connection, request, [_KEY], "marginAccountsSnapshot", self._snapshot)

    def _follow(self, listing: Listing, batch: Batch) -> None:
        view = _view(listing)
        if view != self._told[batch.market]:
            self._publish(view)

    def _publish(self, view: MarginView) -> None:
        self._told[view.market] = view
        self._hub.publish(_KEY, "marginAccountUpdate", partial(self._update, view))

    def _snapshot(self) -> str:
        return self._wire.render({"accounts": [_account(view) for view in self.accounts().values()]})

    def _update(self, view: MarginView) -> str:
        return self._wire.render({"account": _account(view)})


def _view(listing: Listing) -> MarginView:
    price = listing.engine.last_price
    return listing.margin.view(ZERO if price is None else price)


def _account(view: MarginView) -> dict[str, Any]:
    return {
        "name": view.market,
        "riskRate": _rate_text(view.risk_rate),
        "liquidationPrice": _rate_text(view.liquidation_price),
        "base": _side(view.base),
        "quota": _side(view.quote),
    }


def _rate_text(value: Decimal) -> str:
    return decimal_text(value) if value else "0"


def _side(side: MarginSide) -> dict[str, Any]:
    return {
        "asset": side.asset,
        "balance": zero_text(side.balance),
        "lockedBalance": zero_text(side.locked),
        "loanBalance": zero_text(side.loan),
        "state": side.state,
    }
