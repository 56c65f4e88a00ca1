"""What the REST classes are made with: bases and headers that would break requests, and missing credentials."""

from __future__ import annotations

from typing import Any

import pytest
from rest_rig import CREDENTIALS, READ, Rest

from bigone_sync import ConfigurationError, ContractRest, SpotRest
from bigone_sync.errors import RestError
from bigone_sync.rest._http import Answer
from bigone_sync.rest._reply import reply_of

BOTH = pytest.mark.parametrize("kind", [SpotRest, ContractRest])


@BOTH
@pytest.mark.parametrize("end", ["?", "?key=value", "/api?x", "#", "#part"])
def test_a_base_that_swallows_paths(kind: type[Any], end: str) -> None:
    with pytest.raises(ConfigurationError, match=r"must not contain a (query|fragment)") as caught:
        kind(url=f"https://api.big.one{end}")
    assert caught.value.argument == "url"
    assert "value" not in str(caught.value)


@BOTH
@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "authorization", "Host", "Content-Length", "Transfer-Encoding", "Content-Type"),
        *("Accept-Encoding", "Proxy-Authorization", "Connection", "Expect", "TE"),
    ],
)
def test_headers_that_belong_to_the_requests(kind: type[Any], name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be set") as caught:
        kind(headers={name: "a-secret-value"})
    assert caught.value.argument == "headers"
    assert "a-secret-value" not in str(caught.value)


@BOTH
def test_headers_of_ones_own(kind: type[Any]) -> None:
    with kind(headers={"X-Bot": "1", "User-Agent": "mine"}) as rest:
        assert rest._http._session.headers["user-agent"] == "mine"
        assert rest._http._session.headers["x-bot"] == "1"


def test_missing_credentials_are_told_the_same_way_everywhere() -> None:
    words = r"credentials are needed: Rest\(Credentials\(key, secret\)\)"
    url = "http://127.0.0.1:1"
    with Rest(url=url, ping_url=f"{url}/ping") as rest, pytest.raises(ConfigurationError, match=words):
        rest._send(READ)
    for kind in (SpotRest, ContractRest):
        with kind(url="http://127.0.0.1:1") as venue:
            with pytest.raises(ConfigurationError, match=rf"credentials are needed: {kind.__name__}\(") as caught:
                venue.accounts()
            assert caught.value.argument == "credentials"


def test_an_anomaly_with_status_200_has_its_place() -> None:
    answer = Answer(
        status=200, data=b'{"anomaly":"anomaly.trades/stopped"}', received_at=0.0, endpoint="GET http://h/p"
    )
    with pytest.raises(RestError) as caught:
        reply_of(answer)
    assert (caught.value.anomaly, caught.value.code, caught.value.url) == ("anomaly.trades/stopped", None, "http://h/p")
    assert str(caught.value).count("anomaly.trades/stopped") == 1


def test_a_deadline_that_is_over_tells_the_whole_url() -> None:
    with Rest(CREDENTIALS, url="http://127.0.0.1:1/api", ping_url="http://127.0.0.1:1/ping") as rest:
        with rest.within(1e-9), pytest.raises(RestError, match="within") as caught:
            rest._send(READ)
        assert (caught.value.url, caught.value.reason) == ("http://127.0.0.1:1/api/viewer/orders", "timeout")
