"""What the REST side does wrong on command, seen by a real client."""

from __future__ import annotations

import http.client
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from rest_peer import Rest

from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

ORDER = {"asset_pair_name": "BTC-USDT", "side": "BID", "type": "LIMIT", "amount": "0.5", "price": "100"}
ENDED = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
PLACE = ("POST", "/viewer/orders", None, ORDER)


@pytest.fixture
def rest(still: LocalExchange) -> Iterator[Rest]:
    with Rest(still) as rest:
        yield rest


class Asking:
    """A call in a thread of its own; `result` is the response or what was raised."""

    def __init__(self, exchange: LocalExchange, *call: Any) -> None:
        self.result: Any = None
        before = exchange.rest_calls

        def work() -> None:
            with Rest(exchange) as rest:
                try:
                    self.result = rest.call(*call, timeout=20)
                except requests.RequestException as error:
                    self.result = error

        self._thread = threading.Thread(target=work)
        self._thread.start()
        wait_until(lambda: exchange.rest_calls > before)

    def end(self) -> Any:
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.result


def placed(exchange: LocalExchange) -> int:
    return len(exchange.orders())


# -- statuses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "code"), [("500", 10005), ("429", 10429)])
@pytest.mark.parametrize("carry_out", [False, True])
def test_an_error_in_json(still: LocalExchange, rest: Rest, kind: str, code: int, carry_out: bool) -> None:
    still.fail_rest(kind, carry_out=carry_out)
    response = rest.call(*PLACE)
    assert (response.status_code, response.json()["code"]) == (int(kind), code)
    assert "Retry-After" not in response.headers
    assert placed(still) == carry_out
    assert rest.call(*PLACE).status_code == 200


def test_503_may_be_given_as_a_number(still: LocalExchange, rest: Rest) -> None:
    still.fail_rest(503)
    response = rest.call("GET", "/ping")
    assert (response.status_code, response.text) == (503, "Service Unavailable")


@pytest.mark.parametrize(("retry_after", "text"), [(7, "7"), ("Wed, 21 Oct 2026 07:28:00 GMT",) * 2])
@pytest.mark.parametrize("kind", ["429", "503"])
def test_retry_after(still: LocalExchange, rest: Rest, kind: str, retry_after: int | str, text: str) -> None:
    still.fail_rest(kind, retry_after=retry_after)
    assert rest.call("GET", "/ping").headers["Retry-After"] == text


def test_an_error_page(still: LocalExchange, rest: Rest) -> None:
    still.fail_rest("html")
    still.fail_rest("html", status=200, carry_out=True)
    for status in (503, 200):
        response = rest.call(*PLACE)
        assert response.status_code == status
        assert response.headers["Content-Type"].startswith("text/html")
        assert response.text.startswith("<html>")
    assert placed(still) == 1


def test_an_answer_without_a_body(still: LocalExchange, rest: Rest) -> None:
    still.fail_rest("empty")
    still.fail_rest("empty", status=502, carry_out=True)
    for status in (200, 502):
        response = rest.call(*PLACE)
        assert (response.status_code, response.content) == (status, b"")
    assert placed(still) == 1


# -- spoiled answers ----------------------------------------------------------------------------------------------


def test_json_that_is_cut(still: LocalExchange, rest: Rest) -> None:
    still.fail_rest("cut_json")
    response = rest.call(*PLACE)
    assert response.headers["Content-Length"] == str(len(response.content))
    assert response.text.startswith('{"code":0,"data":{"id":')
    with pytest.raises(requests.JSONDecodeError):
        response.json()
    assert placed(still) == 1


@pytest.mark.parametrize("tries", [1, 3])
def test_a_body_that_ends_too_early(still: LocalExchange, rest: Rest, tries: int) -> None:
    still.fail_rest("cut_body", times=tries)
    for _ in range(tries):
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
            rest.call(*PLACE)
    assert placed(still) == tries
    assert rest.call(*PLACE).status_code == 200


def test_a_body_that_trickles(still: LocalExchange) -> None:
    still.fail_rest("slow", pause=0.001)
    connection = http.client.HTTPConnection("127.0.0.1", still.port, timeout=10)
    connection.request("GET", "/api/v3/asset_pairs/BTC-USDT/ticker")
    response = connection.getresponse()
    assert response.read1(1) == b"{"
    rest_of_it = response.read()
    assert int(response.headers["Content-Length"]) == 1 + len(rest_of_it)
    assert rest_of_it.endswith(b"}")
    connection.close()


def test_healing_finishes_what_trickles(still: LocalExchange) -> None:
    still.fail_rest("slow", times=None, pause=3_600)
    asking = Asking(still, "GET", "/ping")
    wait_until(lambda: still.rest_requests[-1].status == 200)
    still.heal_rest()
    assert asking.end().json()["code"] == 0


# -- no answer ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("carry_out", [False, True])
def test_a_connection_that_ends_without_an_answer(still: LocalExchange, rest: Rest, carry_out: bool) -> None:
    still.fail_rest("drop", carry_out=carry_out)
    with pytest.raises(requests.ConnectionError):
        rest.call(*PLACE)
    assert placed(still) == carry_out
    assert still.rest_requests[-1].status is None


@pytest.mark.parametrize("carry_out", [False, True])
def test_what_hangs_is_answered_when_it_is_healed(still: LocalExchange, carry_out: bool) -> None:
    still.fail_rest("hang", carry_out=carry_out)
    asking = Asking(still, *PLACE)
    assert placed(still) == carry_out
    assert still.rest_requests[-1].status is None
    still.heal_rest()
    assert asking.end().json()["data"]["state"] == "PENDING"
    assert placed(still) == 1


def test_the_call_of_one_who_gave_up_is_not_carried_out_later(still: LocalExchange, rest: Rest) -> None:
    still.fail_rest("hang", times=2)
    for _ in range(2):
        with pytest.raises(requests.Timeout):
            rest.call(*PLACE, timeout=0.2)
    still.heal_rest()
    assert rest.call("GET", "/ping").status_code == 200
    assert placed(still) == 0


@pytest.mark.parametrize("end", ["take_down", "restart", "close", "drop_connections"])
@pytest.mark.parametrize("kind", ["hang", "slow"])
def test_whoever_waits_is_let_go_when_the_exchange_goes(kind: str, end: str, caplog: pytest.LogCaptureFixture) -> None:
    with leak_check(), LocalExchange(rate=0) as exchange:
        exchange.fail_rest(kind, times=None, pause=3_600)
        asking = [Asking(exchange, "GET", "/ping") for _ in range(3)]
        do: Callable[[], None] = getattr(exchange, end)
        do()
        for one in asking:
            assert isinstance(one.end(), ENDED)
        if end == "take_down":
            exchange.bring_up()
        if end != "close":
            exchange.heal_rest()
            with Rest(exchange) as rest:
                assert rest.call("GET", "/ping").status_code == 200
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_faults_of_an_exchange_outlive_its_restart(still: LocalExchange, rest: Rest) -> None:
    still.fail_rest("500")
    still.restart()
    assert rest.call("GET", "/ping").status_code == 500
    assert rest.call("GET", "/ping").status_code == 200


# -- which calls --------------------------------------------------------------------------------------------------


def test_a_fault_is_for_some_calls_only(still: LocalExchange, rest: Rest) -> None:
    still.fail_rest("503", path="/viewer/orders", method="POST", times=None)
    still.fail_rest("429", path="/viewer", times=2)

    def status(method: str, path: str) -> int:
        return rest.call(method, path, {"asset_pair_name": "BTC-USDT"}).status_code

    assert status("GET", "/ping") == 200
    assert status("GET", "/viewer/orders") == 429
    assert status("POST", "/viewer/orders/cancel") == 503
    assert status("GET", "/viewer/accounts") == 429
    assert status("GET", "/viewer/accounts") == 200
    assert status("POST", "/viewer/orders/cancel") == 503
    still.heal_rest()
    assert status("POST", "/viewer/orders/cancel") == 200


def test_faults_are_for_both_venues(still: LocalExchange, rest: Rest) -> None:
    still.fail_rest("500", times=2)
    with Rest(still, "contract") as contract:
        assert contract.call("GET", "/symbols").status_code == 500
    assert rest.call("GET", "/ping").status_code == 500


def test_a_fault_comes_before_the_login(still: LocalExchange, rest: Rest) -> None:
    still.fail_rest("503", carry_out=True)
    assert rest.call(*PLACE, auth="Bearer nonsense").status_code == 503
    assert placed(still) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "404"}, "500, 503, 429, hang, slow, cut_json, cut_body, html, empty, drop"),
        ({"kind": "500", "method": "get"}, "GET, POST, PUT, DELETE"),
        ({"kind": "500", "times": 0}, "times"),
        ({"kind": "500", "retry_after": 1}, "429 and 503"),
        ({"kind": "500", "status": 502}, "html and empty"),
        ({"kind": "html", "status": 100}, "200 to 599"),
        ({"kind": "slow", "pause": -1}, "pause"),
        ({"kind": "slow", "pause": float("nan")}, "pause"),
    ],
)
def test_faults_that_make_no_sense(still: LocalExchange, rest: Rest, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        still.fail_rest(**arguments)
    assert rest.call("GET", "/ping").status_code == 200
