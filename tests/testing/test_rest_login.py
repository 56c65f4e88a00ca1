"""Who may make private REST calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from contract_peer import guide_token, stream
from rest_peer import Rest, why
from spot_peer import Peer, token

from bigone_sync.testing.exchange import LocalExchange

SECOND = 1_000_000_000
ACCOUNTS = {"spot": "/viewer/accounts", "contract": "/accounts"}
TOKEN = {"spot": (401, 40004), "contract": (403, "anomaly.token/invalid")}
FORM = {"spot": (400, 40107), "contract": TOKEN["contract"]}


@pytest.fixture(params=["spot", "contract"])
def venue(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def rest(still: LocalExchange, venue: str) -> Iterator[Rest]:
    with Rest(still, venue) as rest:
        yield rest


def as_user(rest: Rest, venue: str, auth: str) -> tuple[int, object]:
    response = rest.call("GET", ACCOUNTS[venue], auth=auth)
    return (200, None) if response.status_code == 200 else why(response)


BAD: dict[str, Callable[[], str]] = {
    "none": lambda: "",
    "other secret": lambda: token("guess"),
    "other key": lambda: token(sub="other"),
    "no type": lambda: token(drop="type"),
    "nonce is a number": lambda: token(nonce=time.time_ns()),
    "too old": lambda: token(nonce=str(time.time_ns() - 31 * SECOND)),
    "too new": lambda: token(nonce=str(time.time_ns() + 31 * SECOND)),
    "no JWT": lambda: "Bearer nonsense",
    "unsigned": lambda: token(header={"alg": "none", "typ": "JWT"}),
}
MALFORMED = {
    "no Bearer": lambda: token().removeprefix("Bearer "),
    "no token": lambda: "Bearer",
    "other scheme": lambda: "Basic a2V5OnNlY3JldA==",
    "two tokens": lambda: f"{token()} {token()}",
}


@pytest.mark.parametrize("case", BAD)
def test_a_token_that_is_not_good(rest: Rest, venue: str, case: str) -> None:
    assert as_user(rest, venue, BAD[case]()) == TOKEN[venue]
    assert as_user(rest, venue, token())[0] == 200


@pytest.mark.parametrize("case", MALFORMED)
def test_a_header_of_another_form(rest: Rest, venue: str, case: str) -> None:
    assert as_user(rest, venue, MALFORMED[case]()) == FORM[venue]


def test_what_is_not_there_needs_no_login(rest: Rest, venue: str) -> None:
    missing = {"spot": (404, 10013), "contract": (404, "")}
    assert why(rest.call("GET", "/viewer/nothing", auth="")) == missing[venue]


def test_the_form_of_the_guides_is_taken_by_contracts_only(rest: Rest, venue: str) -> None:
    assert as_user(rest, venue, guide_token()) == ((200, None) if venue == "contract" else TOKEN[venue])


def test_a_token_is_good_once_in_whatever_order(rest: Rest, venue: str) -> None:
    first, second = token(), token()
    assert as_user(rest, venue, second)[0] == 200
    assert as_user(rest, venue, first)[0] == 200
    assert as_user(rest, venue, second) == as_user(rest, venue, first) == TOKEN[venue]


def test_socket_and_rest_use_up_each_others_nonces(still: LocalExchange, rest: Rest, venue: str) -> None:
    text = token()
    assert as_user(rest, venue, text)[0] == 200
    if venue == "spot":
        with Peer(still) as peer:
            assert peer.ask("authenticateCustomerRequest", {"token": text})[0] == "error"
            text = token()
            assert peer.ask("authenticateCustomerRequest", {"token": text})[0] == "success"
    else:
        with pytest.raises(Exception, match="401"):
            stream(still, text)
        text = token()
        stream(still, text).ws.shutdown()
    assert as_user(rest, venue, text) == TOKEN[venue]


def test_the_servers_clock_may_differ(still: LocalExchange, rest: Rest, venue: str) -> None:
    still.clock_offset = 100
    assert as_user(rest, venue, token()) == TOKEN[venue]
    assert as_user(rest, venue, token(nonce=str(time.time_ns() + 100 * SECOND)))[0] == 200
    assert as_user(rest, venue, token(nonce=str(time.time_ns() + 60 * SECOND), recv_window="50"))[0] == 200


def test_tokens_signed_in_order_and_sent_at_once_are_all_good(still: LocalExchange, venue: str) -> None:
    tokens = [token() for _ in range(40)]
    start, statuses = threading.Barrier(8), []

    def work(mine: list[str]) -> None:
        with Rest(still, venue) as rest:
            start.wait(10)
            statuses.extend([as_user(rest, venue, text)[0] for text in mine])

    threads = [threading.Thread(target=work, args=(tokens[number::8],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert statuses == [200] * 40


def test_no_answer_and_no_record_shows_a_token(still: LocalExchange, rest: Rest, venue: str) -> None:
    text = token("guess")
    response = rest.call("GET", ACCOUNTS[venue], auth=text)
    for part in (text, text.split()[1], text.rpartition(".")[2]):
        assert part not in response.text
        assert part not in repr(still.rest_requests)
