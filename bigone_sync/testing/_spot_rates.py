"""Exchange rates of the spot exchange (spot schema, section 6): the last prices of its markets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from bigone_sync.testing._book import Batch
from bigone_sync.testing._connection import Connection
from bigone_sync.testing._spot_answers import Answers, Handler
from bigone_sync.testing._spot_hub import Hub, Key
from bigone_sync.testing._spot_requests import Request
from bigone_sync.testing._spot_venue import Listing, Venue
from bigone_sync.testing._spot_wire import SpotWire, decimal_text, time_text

__all__ = ["RateDesk"]

_CHANNEL = "exchange_rates"


class RateDesk:
    """Serves one list of rates a connection; used on the exchange's loop only.

    A rate is a market's last price, so only assets with a market of their own in the quote asset have one. A list is
    kept as one stream a market; an update tells the one rate that has moved.
    """

    def __init__(self, venue: Venue, hub: Hub, wire: SpotWire, answers: Answers) -> None:
        self.handlers: Mapping[str, Handler] = {
            "subscribeExchangeRatesListRequest": self._subscribe,
            "unsubscribeExchangeRatesListRequest": self._unsubscribe,
        }
        self._venue = venue
        self._hub = hub
        self._wire = wire
        self._answers = answers
        self._last: dict[str, Decimal | None] = {
            name: listing.engine.last_price for name, listing in venue.listings.items()
        }
        venue.followers.append(self._follow)

    def _subscribe(self, connection: Connection, request: Request) -> None:
        """Replace the connection's list; an empty list of bases means all there are."""
        quote = request.params["quote"]
        known = [name for name in self._venue.listings if name not in self._venue.recorded]
        markets = [f"{base}-{quote}" for base in dict.fromkeys(request.params["bases"])]
        if not markets:
            markets = [name for name in known if self._venue.listings[name].engine.quote == quote]
        unknown = [name for name in markets if name not in known]
        if unknown or not markets:
            self._answers.refuse(connection, request, f"no exchange rate for {unknown[0] if unknown else quote}")
            return
        keys = [Key(_CHANNEL, name) for name in markets]
        self._answers.subscribe(
            connection,
            request,
            keys,
            "exchangeRatesListSnapshot",
            lambda: self._list(quote, markets),
            replaces=_CHANNEL,
        )

    def _unsubscribe(self, connection: Connection, request: Request) -> None:
        self._hub.unsubscribe_channel(connection, _CHANNEL)
        self._answers.succeed(connection, request)

    def _follow(self, listing: Listing, batch: Batch) -> None:
        engine = listing.engine
        if engine.last_price == self._last[batch.market]:
            return
        self._last[batch.market] = engine.last_price
        if batch.market not in self._venue.recorded:
            body = partial(self._list, engine.quote, [batch.market])
            self._hub.publish(Key(_CHANNEL, batch.market), "exchangeRatesListUpdate", body)

    def _list(self, quote: str, markets: Iterable[str]) -> str:
        """Body of ``exchangeRatesListSnapshot`` and ``exchangeRatesListUpdate``; as new as its newest rate."""
        last_trades = [self._venue.listings[name].tape.trades[-1] for name in markets]
        rates: list[dict[str, Any]] = [
            {
                "quoteAsset": quote,
                "baseAsset": trade.market.removesuffix(f"-{quote}"),
                "price": decimal_text(trade.price),
                "updatedAt": time_text(trade.time_ns),
            }
            for trade in last_trades
        ]
        updated = time_text(max(trade.time_ns for trade in last_trades))
        return self._wire.render({"quoteAsset": quote, "baseAssets": rates, "updatedAt": updated})
