"""The spot REST API (REST protocol, sections 1 to 3): login, wrapper and errors around what the calls do."""

from __future__ import annotations

import re
from collections.abc import Callable

from bigone_sync.testing._rest_call import Answer, Call, Handler, Routes
from bigone_sync.testing._rest_paging import Page
from bigone_sync.testing._rest_params import Unfit
from bigone_sync.testing._rest_spot_errors import SpotRefusal, bad_parameter, not_found
from bigone_sync.testing._spot_auth import Authenticator, Refused
from bigone_sync.testing._spot_wire import dump

__all__ = ["SpotRest"]

_PRIVATE = "/viewer/"
# Anything that could be a token; whether it is a good one is another question, and another error.
_AUTHORIZATION = re.compile(r"Bearer \S+")


class SpotRest:
    """Answers calls below ``/api/v3``.

    Args:
        authenticator: the one of the spot socket: both are one account, and a nonce is good once for both.
        table: every call there is.
    """

    def __init__(
        self, authenticator: Authenticator, now_ns: Callable[[], int], table: list[tuple[str, str, Handler]]
    ) -> None:
        self._authenticator = authenticator
        self._now_ns = now_ns
        self._routes = Routes(table)

    def answer(self, call: Call) -> Answer:
        """Do what is asked for and wrap it, or say why not."""
        try:
            return _success(self._do(call))
        except Unfit as error:
            return _failure(bad_parameter(str(error)))
        except SpotRefusal as refusal:
            return _failure(refusal)

    def _do(self, call: Call) -> object:
        found = self._routes.find(call)
        if found is None:
            raise not_found(f"no call {call.method} {call.path!r}")
        if call.path.startswith(_PRIVATE):
            self._check_login(call.authorization)
        handler, routed = found
        return handler(routed)

    def _check_login(self, authorization: str | None) -> None:
        if authorization is None:
            raise SpotRefusal(401, 40004, "Unauthorized")
        if _AUTHORIZATION.fullmatch(authorization) is None:
            raise SpotRefusal(400, 40107, "Authorization header must be 'Bearer' and a token")
        try:
            self._authenticator.verify(authorization, self._now_ns())
        except Refused as reason:
            raise SpotRefusal(401, 40004, f"invalid jwt: {reason}") from None


def _success(data: object) -> Answer:
    reply: dict[str, object] = {"code": 0, "data": data}
    if isinstance(data, Page):
        reply = {"code": 0, "data": data.rows, "page_token": data.token}
    return Answer(body=dump(reply).encode())


def _failure(refusal: SpotRefusal) -> Answer:
    return Answer(refusal.status, dump({"code": refusal.code, "message": refusal.message}).encode())
