"""Cost prices of the spot exchange (spot schema, section 6): what the account has paid for its assets on average."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from bigone_sync.testing._book import BID, LOT, Batch
from bigone_sync.testing._checks import rounded
from bigone_sync.testing._connection import Connection
from bigone_sync.testing._ledger import ZERO
from bigone_sync.testing._spot_answers import Answers, Handler
from bigone_sync.testing._spot_hub import Hub, Key
from bigone_sync.testing._spot_requests import Request
from bigone_sync.testing._spot_venue import Listing, Venue
from bigone_sync.testing._spot_wire import SpotWire, decimal_text

__all__ = ["CostDesk", "CostPrice"]

_CHANNEL = "cost_prices"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_OID, "asset")


@dataclass(frozen=True, slots=True)
class CostPrice:
    """What an asset has cost so far; an asset never bought has cost 0.

    ``average_cost_price`` is what each unit received has cost, in the quote asset of the asset's first market;
    ``average_inflow`` is how much was received by buying, fees deducted.
    """

    asset: str
    asset_uuid: str
    average_cost_price: Decimal
    average_inflow: Decimal


class CostDesk:
    """Adds up the account's spot buys; used on the exchange's loop only.

    Prices in different assets cannot be averaged, so only buys in the first of an asset's markets count.
    """

    def __init__(self, venue: Venue, hub: Hub, wire: SpotWire, answers: Answers) -> None:
        self.handlers: Mapping[str, Handler] = {
            "subscribeSpotCostPriceRequest": self._subscribe,
            "unsubscribeSpotCostPriceRequest": self._unsubscribe,
        }
        self._venue = venue
        self._hub = hub
        self._wire = wire
        self._answers = answers
        self._spent: dict[str, Decimal] = {}
        self._received: dict[str, Decimal] = {}
        self._homes: dict[str, str] = {}
        for name, listing in venue.listings.items():
            self._homes.setdefault(listing.engine.base, name)
        venue.followers.append(self._follow)

    def uuid_of(self, asset: str) -> str:
        """The UUID of an asset that is traded or in the account.

        Raises:
            ValueError: there is no such asset.
        """
        known = self._uuids()
        if asset not in known:
            raise ValueError(f"no asset {asset!r}: one of {', '.join(known)}")
        return known[asset]

    def prices(self) -> dict[str, CostPrice]:
        """The present cost of every asset, by asset."""
        return {asset: self._price(asset) for asset in self._uuids()}

    def _uuids(self) -> dict[str, str]:
        """Every asset there is and its UUID."""
        names = [asset for market in self._venue.listings for asset in market.split("-")]
        names += [balance.asset for balance in self._venue.ledger.balances()]
        return {asset: str(uuid.uuid5(_NAMESPACE, asset)) for asset in dict.fromkeys(names)}

    def _subscribe(self, connection: Connection, request: Request) -> None:
        """Answer with the cost of the assets asked for; an empty list means all."""
        assets = self._asked_for(connection, request)
        if assets:
            keys = [Key(_CHANNEL, "", asset_uuid) for asset_uuid in assets]
            body = partial(self._snapshot, list(assets.values()))
            self._answers.subscribe(connection, request, keys, "spotCostPriceSnapshot", body)

    def _unsubscribe(self, connection: Connection, request: Request) -> None:
        assets = self._asked_for(connection, request)
        for asset_uuid in assets:
            self._hub.unsubscribe(connection, Key(_CHANNEL, "", asset_uuid))
        if assets:
            self._answers.succeed(connection, request)

    def _asked_for(self, connection: Connection, request: Request) -> dict[str, str]:
        """UUID to asset; none if a UUID is unknown, which has been answered then."""
        known = {asset_uuid: asset for asset, asset_uuid in self._uuids().items()}
        wanted = request.params["assetUuids"] or tuple(known)
        unknown = [asset_uuid for asset_uuid in wanted if asset_uuid not in known]
        if unknown:
            self._answers.refuse(connection, request, f"unknown asset {unknown[0]}")
            return {}
        return {asset_uuid: known[asset_uuid] for asset_uuid in wanted}

    def _follow(self, listing: Listing, batch: Batch) -> None:
        asset = listing.engine.base
        if self._homes[asset] != batch.market:
            return
        bought = [fill for fill in batch.fills if fill.side == BID and fill.business_unit == "SPOT"]
        for fill in bought:
            self._spent[asset] = self._spent.get(asset, ZERO) + fill.price * fill.amount
            self._received[asset] = self._received.get(asset, ZERO) + fill.amount - fill.fee
        if bought:
            price = self._price(asset)
            key = Key(_CHANNEL, "", price.asset_uuid)
            self._hub.publish(key, "spotCostPriceUpdate", partial(self._update, price))

    def _price(self, asset: str) -> CostPrice:
        received = self._received.get(asset, ZERO)
        average = rounded(self._spent[asset] / received, LOT) if received else ZERO
        return CostPrice(asset, self._uuids()[asset], average, received)

    def _snapshot(self, assets: list[str]) -> str:
        return self._wire.render({"spotCostPrices": [_message(self._price(asset)) for asset in assets]})

    def _update(self, price: CostPrice) -> str:
        return self._wire.render({"spotCostPrice": _message(price)})


def _message(price: CostPrice) -> dict[str, Any]:
    return {
        "assetUuid": price.asset_uuid,
        "averageCostPrice": decimal_text(price.average_cost_price),
        "averageInflow": decimal_text(price.average_inflow),
    }
