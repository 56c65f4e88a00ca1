"""The contract REST API (REST protocol, sections 1, 4 and 5): login and anomalies around what the calls do."""

from __future__ import annotations

from collections.abc import Callable

from bigone_sync.testing._contract_json import dump
from bigone_sync.testing._rest_call import Answer, Call, Handler, Routes
from bigone_sync.testing._rest_contract_errors import INVALID_PARAMS, INVALID_TOKEN, ContractRefusal
from bigone_sync.testing._rest_params import Unfit
from bigone_sync.testing._spot_auth import Authenticator, Refused

__all__ = ["ContractRest"]


class ContractRest:
    """Answers calls below ``/api/contract/v2``: bare values, and numbers as JSON numbers.

    Args:
        authenticator: the one of the private stream: both are one account, and a nonce is good once for both.
        public: the calls that need no login.
        private: the others.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        now_ns: Callable[[], int],
        *,
        public: list[tuple[str, str, Handler]],
        private: list[tuple[str, str, Handler]],
    ) -> None:
        self._authenticator = authenticator
        self._now_ns = now_ns
        self._public = Routes(public)
        self._private = Routes(private)

    def answer(self, call: Call) -> Answer:
        """Do what is asked for, or say why not."""
        try:
            return self._do(call)
        except Unfit:
            return _failure(ContractRefusal(400, INVALID_PARAMS))
        except ContractRefusal as refusal:
            return _failure(refusal)

    def _do(self, call: Call) -> Answer:
        found = self._public.find(call)
        if found is None:
            found = self._private.find(call)
            if found is None:
                raise ContractRefusal(404)
            self._check_login(call.authorization)
        handler, routed = found
        value = handler(routed)
        return Answer() if value is None else Answer(body=dump(value).encode())

    def _check_login(self, authorization: str | None) -> None:
        try:
            self._authenticator.verify(authorization or "", self._now_ns())
        except Refused:
            raise ContractRefusal(403, INVALID_TOKEN) from None


def _failure(refusal: ContractRefusal) -> Answer:
    """The anomaly, or nothing where there is no word for it."""
    return Answer(refusal.status, dump({"anomaly": refusal.anomaly}).encode() if refusal.anomaly else b"")
