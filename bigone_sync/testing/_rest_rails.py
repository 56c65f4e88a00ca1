"""The Rails REST API (Rails protocol, sections 1.4 to 1.6): tokens, and login and errors around what the calls do.

The bodies of refusals are not documented; here they have a ``message``. The token in a header is judged at each call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from bigone_sync.testing._rails_limits import MinuteLimit
from bigone_sync.testing._rails_tokens import RailsTokens
from bigone_sync.testing._rails_venue import RailsVenue
from bigone_sync.testing._rest_call import Answer, Call, Handler, Routes
from bigone_sync.testing._rest_params import Unfit
from bigone_sync.testing._rest_rails_orders import RailsOrders
from bigone_sync.testing._rest_rails_public import RailsPublic, RailsRefusal

__all__ = ["RailsRest", "open_rails_rest"]


class RailsRest:
    """Answers calls below one base path.

    Args:
        public: the calls that need no token.
        private: the others.
    """

    def __init__(
        self, tokens: RailsTokens, public: list[tuple[str, str, Handler]], private: list[tuple[str, str, Handler]]
    ) -> None:
        self._tokens = tokens
        self._public = Routes(public)
        self._private = Routes(private)

    def answer(self, call: Call) -> Answer:
        """Do what is asked for, or say why not."""
        try:
            return Answer(body=_text(self._do(call)))
        except Unfit as error:
            return _failure(400, str(error))
        except RailsRefusal as refusal:
            return _failure(refusal.status, str(refusal))

    def _do(self, call: Call) -> object:
        found = self._public.find(call)
        if found is None:
            found = self._private.find(call)
            if found is None:
                raise RailsRefusal(404, "no such call")
            if not self._tokens.is_bearer(call.authorization):
                raise RailsRefusal(401, "Unauthorized")
        handler, routed = found
        return handler(routed)


class _TokenDesk:
    """Hands out access tokens (Rails protocol, section 1.4)."""

    def __init__(self, tokens: RailsTokens) -> None:
        self._tokens = tokens

    def fetch(self, call: Call) -> dict[str, object]:
        """A token for key and secret; each fetch of the account's key counts, those with another secret, too."""
        key, secret = call.api_key or "", call.api_secret or ""
        if not self._tokens.may_fetch(key):
            raise RailsRefusal(429, "Too many requests")
        if not self._tokens.is_account(key, secret):
            raise RailsRefusal(401, "Unauthorized")
        return {"access_token": self._tokens.fetch(), "token_type": "Bearer", "expires_in": self._tokens.life}


def open_rails_rest(venue: RailsVenue, tokens: RailsTokens, limit: MinuteLimit) -> Mapping[str, RailsRest]:
    """Base path to the API below it.

    Args:
        limit: of order operations, shared with the socket.
    """
    public = RailsPublic(venue)
    first = [*public.table, ("POST", "/token", _TokenDesk(tokens).fetch)]
    return {
        "/api/v1": RailsRest(tokens, first, RailsOrders(venue, limit).table),
        "/api/v2": RailsRest(tokens, public.second_table, []),
    }


def _text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _failure(status: int, message: str) -> Answer:
    return Answer(status, _text({"message": message}))
