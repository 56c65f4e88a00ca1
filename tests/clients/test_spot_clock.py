"""A machine whose clock is wrong, or is set wrong: tokens are signed by the exchange's clock, as far as it is known."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from client_rig import BTC, KEYS, PATIENCE, Log, Watched, members, running, spot, until_ready

from bigone_sync import Account, AuthenticationError, ConnectionLost, Credentials, Order, SpotRest, Timeouts
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

LOGIN = "authenticateCustomerRequest"
SKEWS = pytest.mark.parametrize("skew", [300.0, -300.0])
IMPATIENT = Timeouts(connect=0.5, ping=5, pong=5, reply=2, close=5)
WRONG = Credentials("key", "another secret")


def paths(exchange: LocalExchange) -> list[str]:
    return [request.path for request in exchange.rest_requests]


@pytest.fixture
def nobody() -> Iterator[str]:
    """URL at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/api/v3"


@SKEWS
def test_private_streams_log_in_at_once(still: LocalExchange, skew: float) -> None:
    still.clock_offset = skew
    client = spot(still.spot_url, private=True)
    watched, log = Watched(client), Log[Account]()
    client.on_account(log)
    with running(client):
        log.wait(1)
        assert client.create_order(BTC, "buy", amount="0.1", price="1") is None
    watched.assert_quiet()
    assert members(still)[:2] == [LOGIN, "subscribeViewerAccountsRequest"]
    assert members(still).count(LOGIN) == 1
    assert set(paths(still)) == {"/api/v3/ping"}


@SKEWS
def test_a_machine_whose_clock_is_wrong(still: LocalExchange, skew: float, monkeypatch: pytest.MonkeyPatch) -> None:
    # The client's machine only: the exchange lives in the same process.
    machine = SimpleNamespace(time_ns=lambda: time.time_ns() + round(skew * 1e9))
    monkeypatch.setattr("bigone_sync.clock.time", machine)
    client = spot(still.spot_url, private=True)
    watched, log = Watched(client), Log[Account]()
    client.on_account(log)
    with running(client):
        log.wait(1)
        still.drop_connections()
        until_ready(client, 1)
    assert members(still).count(LOGIN) == 2
    assert {type(error) for error in watched.errors} == {ConnectionLost}


def test_public_streams_need_no_clock(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    client.on_depth(BTC, Log())
    with running(client):
        pass
    assert paths(still) == []


@SKEWS
def test_a_clock_that_is_set_later_costs_one_refusal(still: LocalExchange, skew: float) -> None:
    client = spot(still.spot_url, private=True)
    watched, log = Watched(client), Log[Account]()
    client.on_account(log)
    with running(client):
        for number, offset in enumerate([skew, 0.0, -skew], 1):
            before = members(still).count(LOGIN)
            still.clock_offset = offset
            still.drop_connections()
            until_ready(client, number)
            assert members(still).count(LOGIN) == before + 2
            assert still.handshakes == number + 1
    assert {type(error) for error in watched.errors} == {ConnectionLost}


@SKEWS
def test_a_login_that_expires_because_of_the_clock_is_renewed_at_once(still: LocalExchange, skew: float) -> None:
    client = spot(still.spot_url, private=True)
    watched, log = Watched(client), Log[Account]()
    client.on_account(log)
    with running(client):
        still.clock_offset = skew
        still.expire_auth()
        wait_until(lambda: members(still).count("subscribeViewerAccountsRequest") == 2, PATIENCE)
        client.wait_ready(PATIENCE)
    assert members(still).count(LOGIN) == 2
    assert still.handshakes == 1
    watched.assert_quiet()


@pytest.mark.parametrize(("skew", "words"), [(300.0, "behind"), (-300.0, "ahead of"), (0.0, "0.0")])
def test_a_refusal_that_stays_names_the_skew(still: LocalExchange, skew: float, words: str) -> None:
    still.clock_offset = skew
    client = spot(still.spot_url, credentials=WRONG)
    watched = Watched(client)
    client.on_account(Log())
    with client:
        [error] = watched.errors.wait(1, AuthenticationError)
    assert words in str(error)
    assert "and tokens are corrected for it" in str(error)
    if skew:
        seconds = float(str(error).split("clock is ")[1].split(" s ")[0])
        assert seconds == pytest.approx(300, abs=5)
    assert "another secret" not in str(error)
    assert members(still) == [LOGIN, LOGIN]


DOWN = ["404", "hang", "500", "refused", "not JSON"]


def take_down_rest(exchange: LocalExchange, how: str) -> None:
    if how == "404":
        exchange.fail_rest("html", status=404, times=None)
    elif how == "not JSON":
        exchange.fail_rest("html", status=200, times=None)
    elif how != "refused":
        exchange.fail_rest(how, times=None)


@pytest.mark.parametrize("how", DOWN)
def test_without_rest_a_right_clock_logs_in(
    still: LocalExchange, how: str, nobody: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    take_down_rest(still, how)
    options: dict[str, Any] = {"rest_url": nobody} if how == "refused" else {}
    client = spot(still.spot_url, private=True, timeouts=IMPATIENT, **options)
    watched, log = Watched(client), Log[Account]()
    client.on_account(log)
    with running(client):
        log.wait(1)
    watched.assert_quiet()
    warnings = [
        r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING and r.name == "bigone_sync.clock"
    ]
    assert len(warnings) == 1
    assert "could not be measured" in warnings[0]
    for secret in (KEYS.api_secret, "Bearer", "eyJ"):
        assert secret not in caplog.text


@pytest.mark.parametrize("how", ["404", "hang", "refused"])
def test_without_rest_a_wrong_clock_is_an_error_that_says_so(still: LocalExchange, how: str, nobody: str) -> None:
    still.clock_offset = 300
    take_down_rest(still, how)
    options: dict[str, Any] = {"rest_url": nobody} if how == "refused" else {}
    client = spot(still.spot_url, private=True, timeouts=IMPATIENT, **options)
    watched = Watched(client)
    client.on_account(Log())
    with client:
        [error] = watched.errors.wait(1, AuthenticationError)
        still.heal_rest()
    assert "has not been compared with the exchange's (measuring it failed: " in str(error)


def test_a_measurement_that_fails_first_and_not_after_the_refusal(still: LocalExchange) -> None:
    still.clock_offset = 300
    still.fail_rest("html", status=404, times=1)
    client = spot(still.spot_url, private=True)
    watched, log = Watched(client), Log[Account]()
    client.on_account(log)
    with running(client):
        log.wait(1)
    watched.assert_quiet()
    assert members(still).count(LOGIN) == 2


@pytest.mark.parametrize("when", ["before the first login", "after a refusal"])
def test_close_while_the_measurement_hangs(still: LocalExchange, when: str, caplog: pytest.LogCaptureFixture) -> None:
    client = spot(still.spot_url, private=True, timeouts=Timeouts(connect=30, ping=5, pong=5, reply=30, close=10))
    if when == "after a refusal":
        client.on_account(Log())
        client.start()
        client.wait_ready(PATIENCE)
        still.clock_offset = 300
    asked = len(paths(still))
    still.fail_rest("hang", times=None)
    if when == "after a refusal":
        still.drop_connections()
    else:
        client.on_account(Log())
        client.start()
    wait_until(lambda: len(paths(still)) > asked, PATIENCE)
    client.close()
    assert client._closed.is_set()
    assert "left behind" not in caplog.text
    assert "could not be measured" not in caplog.text


@pytest.mark.one_codec
@SKEWS
def test_rest_alone(still: LocalExchange, skew: float) -> None:
    still.clock_offset = skew
    with SpotRest(KEYS, url=still.rest_url()) as rest:
        assert rest.accounts()
        assert rest.clock.offset == pytest.approx(skew, abs=5)
        still.clock_offset = -skew
        assert rest.accounts()
        assert rest.clock.offset == pytest.approx(-skew, abs=5)


@SKEWS
def test_what_is_asked_by_rest_after_a_reconnect_is_signed_by_the_same_clock(still: LocalExchange, skew: float) -> None:
    still.clock_offset = skew
    client = spot(still.spot_url, private=True)
    watched, log = Watched(client), Log[Order]()
    client.on_order(log)
    with running(client):
        order = still.place_order(BTC, "BID", price="1", amount="1")
        log.wait(1)
        still.take_down()
        still.cancel_order(order)
        still.bring_up()
        wait_until(lambda: log[-1].is_final, PATIENCE)
        until_ready(client, 1)
    assert not watched.gaps.items
    refused = [request for request in still.rest_requests if request.status not in (200, None)]
    assert refused == []
