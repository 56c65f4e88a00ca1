"""A plain HTTP client for the REST side of the local exchange, with nothing of the package's own client in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import requests
from spot_peer import token

from bigone_sync.testing.exchange import LocalExchange


class Rest:
    """One venue; each call is signed anew unless ``auth`` says otherwise ("": not at all)."""

    def __init__(self, exchange: LocalExchange, venue: str = "spot") -> None:
        self.url = exchange.rest_url(venue)
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy, and no certificates but those that a test names

    def __enter__(self) -> Rest:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: object = None,
        *,
        auth: str | None = None,
        data: bytes | None = None,
        timeout: float = 30,
    ) -> requests.Response:
        headers = {"Authorization": token() if auth is None else auth}
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        kept = {name: value for name, value in headers.items() if value}
        # What is asked for, as it is: the session would decode a body by the encoding that it guesses.
        return self.session.request(
            method, self.url + path, params=dict(query or {}), data=data, headers=kept, timeout=timeout
        )

    def get(self, path: str, **query: object) -> Any:
        """The reply to a GET that succeeds; of spot without its wrapper. Hyphens of names are written as _ _."""
        return self.ask("GET", path, {name.replace("__", "-"): value for name, value in query.items()})

    def ask(self, method: str, path: str, query: Mapping[str, object] | None = None, body: object = None) -> Any:
        response = self.call(method, path, query, body)
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"].startswith("application/json")
        reply = json.loads(response.text, parse_float=Decimal) if response.text else None
        if isinstance(reply, dict) and "code" in reply:
            assert reply["code"] == 0
            return reply["data"]
        return reply

    def post(self, path: str, body: object = None) -> Any:
        return self.ask("POST", path, None, body)

    def refusal(self, method: str, path: str, query: Mapping[str, object] | None = None, body: object = None) -> Any:
        """Status and code, or anomaly, of a call that is refused; "" for an empty body."""
        return why(self.call(method, path, query, body))

    def pages(self, path: str, **query: object) -> list[list[Any]]:
        """Every page of a spot list."""
        found: list[list[Any]] = []
        token = None
        while token != "":
            more = {} if token is None else {"page_token": token}
            reply = self.call("GET", path, {**query, **more}).json()
            found.append(reply["data"])
            token = reply["page_token"]
            assert isinstance(token, str)
        return found


def why(response: requests.Response) -> tuple[int, Any]:
    """Status and code, or anomaly, of a refusal; "" for an empty body."""
    if not response.content:
        return response.status_code, ""
    body = response.json()
    assert set(body) in ({"code", "message"}, {"anomaly"})
    return response.status_code, body.get("code", body.get("anomaly"))
