"""Logging in: refused, unanswered, expired, and what must not happen before the answer."""

from __future__ import annotations

import time
from typing import Any

import pytest
from client_rig import BTC, PATIENCE, Log, Watched, members, running, spot, until_ready

from bigone_sync import (
    Account,
    AuthenticationError,
    Backoff,
    ConnectionState,
    Credentials,
    Order,
    RequestRejected,
    RequestTimeout,
    SubscriptionState,
    Timeouts,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

# What a client does with its threads has nothing to do with the codec.
pytestmark = pytest.mark.one_codec

LOGIN = "authenticateCustomerRequest"


@pytest.mark.parametrize("how", ["wait_ready", "run_forever", "wait"])
def test_a_refusal_is_final_after_one_fresh_token_and_comes_out(still: LocalExchange, how: str) -> None:
    still.refuse_auth(45001, "login status error")
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    subscription = client.on_account(Log())
    if how != "run_forever":
        client.start()
    waits: dict[str, Any] = {
        "wait_ready": lambda: client.wait_ready(PATIENCE),
        "run_forever": client.run_forever,
        "wait": lambda: client.wait(PATIENCE),
    }
    with pytest.raises(AuthenticationError) as caught:
        waits[how]()
    [error] = watched.errors.wait(1, AuthenticationError)
    client.close()
    assert error is caught.value
    assert (error.code, error.reason) == (45001, "login status error")
    assert members(still) == [LOGIN, LOGIN]
    assert still.handshakes == 1
    assert subscription.state == SubscriptionState.ENDED
    assert client.state == ConnectionState.CLOSED


def test_wrong_credentials_are_refused_and_public_channels_are_unharmed(still: LocalExchange) -> None:
    client = spot(still.spot_url, credentials=Credentials("key", "wrong"))
    watched, depth = Watched(client), Log[Any]()
    client.on_account(Log())
    client.on_depth(BTC, depth)
    with client:
        watched.errors.wait(1, AuthenticationError)
        depth.wait(1)
        still.step(20, BTC)
        depth.wait(5)
        assert client.connections["depth"] == ConnectionState.READY
        assert client.connections["private"] == ConnectionState.CLOSED
        with pytest.raises(AuthenticationError):
            client.wait_ready(PATIENCE)
    assert len(watched.errors) == 1


def test_a_refusal_that_passes_costs_no_connection(still: LocalExchange) -> None:
    still.refuse_auth(times=1)
    client = spot(still.spot_url, private=True)
    watched, log = Watched(client), Log[Account]()
    client.on_account(log)
    with running(client):
        log.wait(1)
    assert members(still) == [LOGIN, LOGIN, "subscribeViewerAccountsRequest"]
    assert still.handshakes == 1
    watched.assert_quiet()


def test_an_internal_error_at_login_is_tried_again_on_a_new_connection(still: LocalExchange) -> None:
    still.refuse_auth(45000, "GRPC error: unavailable", times=2)
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    client.on_account(Log())
    with running(client):
        pass
    assert still.handshakes == 3
    assert [(type(error), error.code) for error in watched.errors] == [(RequestRejected, 45000)] * 2  # type: ignore[attr-defined]


def test_nothing_private_is_asked_for_before_the_answer(still: LocalExchange) -> None:
    still.mute_auth()
    client = spot(still.spot_url, private=True, timeouts=Timeouts(connect=2, ping=5, pong=5, reply=0.4, close=2))
    watched, log = Watched(client), Log[Account]()
    client.on_account(log)
    client.on_order(BTC, Log())
    with client:
        wait_until(lambda: client.connections.get("private") == ConnectionState.AUTHENTICATING)
        client.on_order(Log())
        [error] = watched.errors.wait(1, RequestTimeout)
        assert members(still, 1) == [LOGIN]
        client.wait_ready(PATIENCE)
        log.wait(1)
    assert error.command == LOGIN
    assert members(still, 2)[0] == LOGIN
    assert len(members(still, 2)) == 4


def test_an_expired_login_is_renewed_and_private_streams_resume(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    watched, accounts, orders = Watched(client), Log[Account](), Log[Order]()
    account = client.on_account(accounts)
    client.on_order(orders)
    client.on_order(BTC, Log())
    with running(client):
        snapshot = len(still.balances())
        accounts.wait(snapshot)
        still.expire_auth()
        wait_until(lambda: len(accounts) == 2 * snapshot)
        client.wait_ready(PATIENCE)
        assert account.state == SubscriptionState.LIVE
        order = still.place_order(BTC, "BID", price="1", amount="1")
        wait_until(lambda: orders.items and orders[-1].id == order)
    assert still.handshakes == 1
    assert members(still).count(LOGIN) == 2
    assert not watched.errors.items
    # What happened to orders while nobody was logged in was asked for.
    assert not watched.gaps.items
    assert any(request.path.endswith("/viewer/orders") for request in still.rest_requests)


def test_an_expired_login_that_is_refused_is_final(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    watched, depth = Watched(client), Log[Any]()
    client.on_account(Log())
    client.on_depth(BTC, depth)
    with running(client):
        still.refuse_auth()
        still.expire_auth()
        watched.errors.wait(1, AuthenticationError)
        with pytest.raises(AuthenticationError):
            client.wait(PATIENCE)
        still.step(20, BTC)
        depth.wait(5)
    assert members(still).count(LOGIN) == 2


def test_a_login_lost_twice_within_the_stable_time_is_final(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, backoff=Backoff(initial=0.05, cap=0.2, stable_after=60))
    watched = Watched(client)
    client.on_account(Log())
    with running(client):
        still.expire_auth()
        wait_until(lambda: members(still).count("subscribeViewerAccountsRequest") == 2)
        client.wait_ready(PATIENCE)
        still.expire_auth()
        watched.errors.wait(1, AuthenticationError)


def test_a_login_lost_again_later_is_renewed_again(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, backoff=Backoff(initial=0.05, cap=0.2, stable_after=0.05))
    watched = Watched(client)
    client.on_account(Log())
    with running(client):
        for number in (2, 3, 4):
            still.expire_auth()
            wait_until(lambda number=number: members(still).count("subscribeViewerAccountsRequest") == number)  # type: ignore[misc]
            client.wait_ready(PATIENCE)
            since = time.monotonic()
            wait_until(lambda since=since: time.monotonic() > since + 0.06)  # type: ignore[misc]
    assert not watched.errors.items


def test_a_shared_connection_logs_in_when_the_first_private_stream_comes(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, connections="shared")
    client.on_depth(BTC, Log())
    with running(client):
        assert members(still) == ["subscribeMarketDepthRequest"]
        client.on_account(log := Log[Account]())
        client.wait_ready(PATIENCE)
        log.wait(1)
        client.on_order(Log())
        client.wait_ready(PATIENCE)
        still.drop_connections()
        until_ready(client, 1)
    second = members(still, 2)
    assert second[0] == LOGIN
    assert second[-1] == "subscribeMarketDepthRequest"
    assert still.handshakes == 2


def test_login_error_without_private_streams_is_just_reported(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched = Watched(client)
    client.on_depth(BTC, Log())
    with running(client):
        still.send_error(45001, "login status error")
        [error] = watched.errors.wait(1)
        client.wait_ready(PATIENCE)
    assert (type(error), error.code) == (RequestRejected, 45001)
