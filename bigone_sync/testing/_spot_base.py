"""What the parts of `LocalExchange` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from bigone_sync.testing._contract_faults import ContractFaults
from bigone_sync.testing._contract_hub import ContractHub
from bigone_sync.testing._contract_replay import ContractReplay
from bigone_sync.testing._contract_venue import ContractVenue
from bigone_sync.testing._rails_half import RailsHalf
from bigone_sync.testing._rest_gate import RestGate
from bigone_sync.testing._roster import Roster
from bigone_sync.testing._server import LoopServer
from bigone_sync.testing._spot_faults import Faults
from bigone_sync.testing._spot_hub import Hub

T = TypeVar("T")


class Base:
    """State that lives on the loop, and the way there."""

    _server: LoopServer
    _faults: Faults
    _hub: Hub
    _contracts: ContractVenue
    _contract_faults: ContractFaults
    _contract_hub: ContractHub
    _contract_replay: ContractReplay | None
    _rails: RailsHalf
    _rest: RestGate

    def _call(self, function: Callable[[], T]) -> T:
        """Run on the loop and wait; without a running loop, run here."""
        return self._server.call(function)

    def _rosters(self) -> tuple[Roster[Any], ...]:
        """Who is connected, half by half."""
        return self._hub, self._contract_hub, self._rails.hub

    def _check_market(self, market: str) -> None:
        """Raise ValueError unless a client could ask for this market."""
        raise NotImplementedError
