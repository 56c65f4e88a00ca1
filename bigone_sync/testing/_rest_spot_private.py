"""Private spot calls about everything but orders (REST protocol, section 3)."""

from __future__ import annotations

from bigone_sync.testing._clearing import FEE_RATE
from bigone_sync.testing._rest_call import Call, Handler
from bigone_sync.testing._rest_paging import Page, page_of
from bigone_sync.testing._rest_params import names, required
from bigone_sync.testing._rest_spot_errors import not_found
from bigone_sync.testing._rest_spot_public import listing_of
from bigone_sync.testing._rest_spot_trades import OwnTrades
from bigone_sync.testing._rest_spot_wire import Row, account_row, own_trade_row, text
from bigone_sync.testing._spot_venue import Venue

__all__ = ["SpotPrivate"]


class SpotPrivate:
    """Balances, own trades and fees of the one account; used on the exchange's loop only."""

    def __init__(self, venue: Venue) -> None:
        self.table: list[tuple[str, str, Handler]] = [
            ("GET", "/viewer/accounts", self._accounts),
            ("GET", "/viewer/accounts/{symbol}", self._account),
            ("GET", "/viewer/trades", self._trades),
            ("GET", "/viewer/trading_fees", self._fees),
        ]
        self._venue = venue
        self._own_trades = OwnTrades(venue)

    def _accounts(self, call: Call) -> list[Row]:
        return [account_row(balance) for balance in self._venue.ledger.balances()]

    def _account(self, call: Call) -> Row:
        symbol, ledger = call.parts["symbol"], self._venue.ledger
        known = {balance.asset for balance in ledger.balances()}
        if symbol not in known.union(*(name.split("-") for name in self._venue.listings)):
            raise not_found(f"no asset {symbol!r}")
        return account_row(ledger.balance(symbol))

    def _trades(self, call: Call) -> Page[Row]:
        market = required(call.query, "asset_pair_name")
        listing_of(self._venue, market)
        page = page_of(call.query, self._own_trades.newest_first(market), lambda own: own.trade.id)
        return Page([own_trade_row(own) for own in page.rows], page.token)

    def _fees(self, call: Call) -> list[Row]:
        """The fees of some pairs or, if none is named, of all; here they are the same everywhere."""
        wanted = names(call.query, "asset_pair_names") or list(self._venue.listings)
        rate = text(FEE_RATE)
        return [
            {
                "asset_pair_name": listing_of(self._venue, name).engine.name,
                "maker_fee_rate": rate,
                "taker_fee_rate": rate,
            }
            for name in wanted
        ]
