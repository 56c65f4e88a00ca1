"""The part of `LocalExchange` that is reached over REST: where it is, what it does wrong, and what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bigone_sync.testing._contract_faults import Channel
from bigone_sync.testing._contract_private_wire import PrivateWire
from bigone_sync.testing._contract_venue import ContractVenue
from bigone_sync.testing._rest_contract import ContractRest
from bigone_sync.testing._rest_contract_margin import ContractMargin
from bigone_sync.testing._rest_contract_orders import ContractAccounts
from bigone_sync.testing._rest_contract_public import ContractPublic
from bigone_sync.testing._rest_faults import RestFault
from bigone_sync.testing._rest_gate import RequestLimit, RestGate
from bigone_sync.testing._rest_log import RestRequest
from bigone_sync.testing._rest_rails import RailsRest
from bigone_sync.testing._rest_spot import SpotRest
from bigone_sync.testing._rest_spot_orders import SpotOrders
from bigone_sync.testing._rest_spot_private import SpotPrivate
from bigone_sync.testing._rest_spot_public import SpotPublic
from bigone_sync.testing._spot_auth import Authenticator
from bigone_sync.testing._spot_base import Base
from bigone_sync.testing._spot_venue import Venue

__all__ = ["RestSide", "open_contract_rest", "open_rest", "open_spot_rest"]

# Below the root of Rails are two versions, each with some calls.
_BASES = {"spot": "/api/v3", "contract": "/api/contract/v2", "rails": ""}


class RestSide(Base):
    """Commands to and views of the REST side. All may be used from any thread, before and after `start`."""

    @property
    def _origin(self) -> str:
        """Scheme, host and port of the sockets."""
        raise NotImplementedError

    def rest_url(self, venue: str = "spot") -> str:
        """What a REST client puts before ``/ping`` and the like (REST protocol, section 1).

        Args:
            venue: ``"spot"``, ``"contract"`` or ``"rails"``, of which it is what ``/api/v1/token`` and the like follow
                (Rails protocol, section 1.6).

        Raises:
            ValueError: there is no such venue.
        """
        if venue not in _BASES:
            raise ValueError(f"no venue {venue!r}: one of {', '.join(_BASES)}")
        return f"{self._origin.replace('ws', 'http', 1)}{_BASES[venue]}"

    def fail_rest(
        self,
        kind: str | int,
        *,
        times: int | None = 1,
        path: str = "",
        method: str | None = None,
        carry_out: bool = False,
        retry_after: int | str | None = None,
        status: int | None = None,
        pause: float = 0.05,
    ) -> None:
        """Let the next REST calls fail. Several faults may be in force; a call gets the oldest that is meant for it.

        The kinds:

        * ``"500"``, ``"503"``, ``"429"``: that status;
        * ``"hang"``: no answer before `heal_rest`, and then the right one, if the client still waits;
        * ``"slow"``: the right answer, whose bytes trickle;
        * ``"cut_json"``: the first half of the right answer, with the length of that half: its JSON is cut;
        * ``"cut_body"``: the right answer, but the connection ends in the middle of its body;
        * ``"html"``: an error page that is no JSON; ``"empty"``: an answer without a body;
        * ``"drop"``: the connection ends without an answer.

        Args:
            kind: one of them.
            times: how many calls; None: all until `heal_rest`.
            path: only calls whose path contains it, for example ``/viewer/orders``.
            method: only calls of that method, in capitals; None: of any.
            carry_out: whether the call is carried out nevertheless; ``slow``, ``cut_json`` and ``cut_body`` always are,
                and what hangs is carried out before it hangs instead of after.
            retry_after: value of that header; for 429 and 503 only.
            status: of ``html`` (by default 503) and ``empty`` (200).
            pause: seconds between the bytes of what is slow.

        Raises:
            ValueError: an argument makes no sense.
        """
        fault = RestFault(times, str(kind), path, method, carry_out, retry_after, status, pause)
        self._call(lambda: self._rest.faults.add(fault))

    def heal_rest(self) -> None:
        """End every `fail_rest`; calls that hang are answered, slow answers finished at once."""
        self._call(self._rest.heal)

    @property
    def rest_requests(self) -> list[RestRequest]:
        """The last 1,000 REST calls, oldest first, those that got no answer included; what proves a login is
        "***"."""
        return self._call(self._rest.log.all)

    @property
    def rest_calls(self) -> int:
        """How many REST calls there were, refused ones included."""
        return self._call(lambda: self._rest.log.count)


def open_spot_rest(venue: Venue, authenticator: Authenticator, uuid_of: Callable[[str], str]) -> SpotRest:
    """Put the spot API together."""
    tables = (SpotPublic(venue, uuid_of).table, SpotPrivate(venue).table, SpotOrders(venue).table)
    return SpotRest(authenticator, venue.now_ns, [row for table in tables for row in table])


def open_contract_rest(
    venue: ContractVenue,
    authenticator: Authenticator,
    now_ns: Callable[[], int],
    first_frames: Callable[[Channel], list[object]],
    is_known: Callable[[str, str], bool],
) -> ContractRest:
    """Put the contract API together; its rows have all fields and ids as text, whatever the stream's form is."""
    wire = PrivateWire("text")
    return ContractRest(
        authenticator,
        now_ns,
        public=ContractPublic(venue, first_frames, is_known).table,
        private=[*ContractAccounts(venue, wire).table, *ContractMargin(venue, wire).table],
    )


def open_rest(
    spot: SpotRest, contract: ContractRest, rails: Mapping[str, RailsRest], rest_limit: int | None
) -> RestGate:
    """Put the door of all together.

    Raises:
        ValueError: ``rest_limit`` is not positive.
    """
    return RestGate({_BASES["spot"]: spot, _BASES["contract"]: contract, **rails}, RequestLimit(rest_limit))
