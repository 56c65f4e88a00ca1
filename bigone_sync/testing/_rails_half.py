"""The Rails half of `LocalExchange`, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bigone_sync.testing._door import Door
from bigone_sync.testing._rails_desk import RailsDesk
from bigone_sync.testing._rails_faults import RailsFaults
from bigone_sync.testing._rails_gate import RailsGate
from bigone_sync.testing._rails_hub import RailsHub
from bigone_sync.testing._rails_limits import MinuteLimit
from bigone_sync.testing._rails_options import RailsOptions
from bigone_sync.testing._rails_service import RailsService
from bigone_sync.testing._rails_tokens import RailsTokens
from bigone_sync.testing._rails_venue import RailsVenue
from bigone_sync.testing._rails_wire import RailsWire
from bigone_sync.testing._rest_rails import RailsRest, open_rails_rest
from bigone_sync.testing._spot_faults import Faults

__all__ = ["RailsHalf"]


class RailsHalf:
    """Its parts; used on the exchange's loop only."""

    def __init__(
        self,
        options: RailsOptions,
        credentials: tuple[str, str],
        *,
        seed: int,
        door: Door,
        faults: Faults,
        now_ns: Callable[[], int],
    ) -> None:
        key, secret = credentials
        wire = RailsWire(options)
        self.options = options
        self.faults = RailsFaults()
        self.hub = RailsHub(options, self.faults)
        self.venue = RailsVenue(options.markets, seed=seed, wire=wire, hub=self.hub, now_ns=now_ns)
        self.tokens = RailsTokens(
            key, secret, life=options.token_life, limit=options.token_limit, seed=seed, now_ns=now_ns
        )
        operations = MinuteLimit(options.order_limit, now_ns)
        self.desk = RailsDesk(options, self.venue, wire, self.hub, self.faults, operations)
        self.service = RailsService(
            options, self.venue, wire, self.hub, self.desk, faults=faults, rails_faults=self.faults
        )
        self.rest: Mapping[str, RailsRest] = open_rails_rest(self.venue, self.tokens, operations)
        self.gate = RailsGate(
            options,
            door,
            hub=self.hub,
            venue=self.venue,
            service=self.service,
            tokens=self.tokens,
            faults=self.faults,
            limit=MinuteLimit(options.connect_limit, now_ns),
        )
