"""Where a Rails client's tokens come from, and what becomes of those that are refused (Rails protocol, section 1.4)."""

from __future__ import annotations

import itertools
import threading
import traceback
from typing import Any

import pytest
from client_rig import PATIENCE, Log, Watched, running
from rails_client_rig import (
    BTC,
    fresh_keys,
    rails,
    until_open,
    until_refused,
    venue,
)

from bigone_sync import (
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    ConnectionState,
    Credentials,
    Timeouts,
)
from bigone_sync.rails_token import RailsTokens
from bigone_sync.testing.leaks import wait_until

pytestmark = [pytest.mark.one_codec, pytest.mark.usefixtures("nothing_left")]


# -- where the token comes from


def test_a_callable_is_asked_at_each_attempt() -> None:
    with venue() as exchange:
        threads: Log[str] = Log()

        def token() -> str:
            threads("asked")
            return exchange.rails_token()

        client = rails(exchange, token)
        with running(client):
            assert len(threads) == 1
            assert threads.threads == {f"bigone-rails/{BTC}#0"}
            first = until_open(exchange, 1)
            exchange.rails_cut(first[0])
            until_open(exchange, 1, first)
            assert len(threads) == 2
        assert exchange.rails_token_fetches == 0


@pytest.mark.parametrize("redundancy", [1, 2])
def test_a_token_is_fetched_once_for_all_clients_of_a_process(redundancy: int) -> None:
    keys = fresh_keys()
    with venue(credentials=keys) as exchange:
        clients = [rails(exchange, credentials=Credentials(*keys), redundancy=redundancy) for _ in range(3)]
        for client in clients:
            client.start()
        for client in clients:
            client.wait_ready(PATIENCE)
        assert exchange.rails_token_fetches == 1
        assert len(until_open(exchange, 3 * redundancy)) == 3 * redundancy
        for client in clients:
            client.close()


def test_a_token_is_renewed_before_its_end() -> None:
    keys = fresh_keys()
    with venue(credentials=keys, rails_token_life=1) as exchange:
        client = rails(exchange, credentials=Credentials(*keys))
        with running(client):
            exchange.clock_offset += 5  # for the exchange it has ended
            renewed = RailsTokens.of(exchange.rest_url("rails"), keys[0])
            wait_until(lambda: renewed._clock() >= renewed._renew_at, PATIENCE)
            exchange.rails_cut(exchange.rails_connections[0])
            wait_until(lambda: client.stats().reconnects == 1, PATIENCE)
        # Fetched in time: no handshake was refused for it.
        assert (exchange.handshakes, exchange.rails_token_fetches) == (2, 2)


# -- tokens that are refused


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_refused_is_replaced_by_a_fresh_one(status: int) -> None:
    keys = fresh_keys()
    with venue(credentials=keys) as exchange:
        exchange.refuse_rails_handshakes(status, 1)
        client = rails(exchange, credentials=Credentials(*keys))
        watched = Watched(client)
        with running(client):
            assert (exchange.handshakes, exchange.rails_token_fetches) == (2, 2)
            exchange.revoke_rails_tokens()
            exchange.rails_cut(exchange.rails_connections[0])
            wait_until(lambda: client.stats().reconnects == 1, PATIENCE)
            assert (exchange.handshakes, exchange.rails_token_fetches) == (4, 3)
        assert not watched.errors.of(AuthenticationError)


@pytest.mark.parametrize("status", [401, 403])
def test_a_fresh_token_that_is_refused_is_the_end(status: int) -> None:
    keys = fresh_keys()
    with venue(credentials=keys) as exchange:
        exchange.refuse_rails_handshakes(status)
        client = rails(exchange, credentials=Credentials(*keys))
        watched = Watched(client)
        with client:
            error = until_refused(client)
            assert error.code == status
            assert "a fresh token as well" in str(error)
            assert {401: "expired", 403: "read-only"}[status] in str(error)
            assert watched.errors.wait(1, AuthenticationError) == [error]
        assert (exchange.handshakes, exchange.rails_token_fetches) == (2, 2)


def test_a_read_only_key_is_told_so() -> None:
    keys = fresh_keys()
    with (
        venue(credentials=keys, rails_read_only=True) as exchange,
        rails(exchange, credentials=Credentials(*keys)) as c,
    ):
        assert "read-only" in str(until_refused(c))


def test_a_given_token_that_is_refused_is_not_tried_again() -> None:
    with venue() as exchange, rails(exchange, "no-such-token") as client:
        error = until_refused(client)
        assert error.code == 401
        assert "fresh" not in str(error)
        assert "no-such-token" not in "".join(traceback.format_exception(error))
        assert exchange.handshakes == 1


def test_a_callable_is_asked_once_more_where_its_token_is_refused() -> None:
    with venue() as exchange:
        tokens = iter(["stale-token", exchange.rails_token()])
        client = rails(exchange, lambda: next(tokens))
        with running(client):
            assert exchange.handshakes == 2


def test_credentials_that_are_refused_are_the_end() -> None:
    key, secret = fresh_keys()
    with venue() as exchange, rails(exchange, credentials=Credentials(key, secret)) as client:
        error = until_refused(client)
        assert "API key" in str(error)
        assert secret not in "".join(traceback.format_exception(error))
        assert exchange.handshakes == 0


@pytest.mark.parametrize("failure", ["500", "html", "cut_json", "drop"])
def test_a_token_endpoint_that_fails_for_a_while_is_asked_again(failure: str) -> None:
    keys = fresh_keys()
    with venue(credentials=keys) as exchange:
        exchange.fail_rest(failure, times=1, path="/token")
        client = rails(exchange, credentials=Credentials(*keys))
        watched = Watched(client)
        with running(client):
            assert exchange.handshakes == 1
        assert all(keys[1] not in str(error) for error in watched.errors)


# -- callables that misbehave


@pytest.mark.parametrize(
    "rubbish", [None, b"t0ken", 7, "", "two words", "line\r\nbreak", "com,ma", "käse"], ids=lambda value: repr(value)
)
def test_what_is_no_token_ends_the_client_and_is_not_repeated(rubbish: Any) -> None:
    with venue() as exchange, rails(exchange, lambda: rubbish) as client:
        error = until_refused(client, ConfigurationError)
        assert error.argument == "token()"
        if rubbish and isinstance(rubbish, str):
            assert rubbish not in str(error)
        assert exchange.handshakes == 0


def test_a_callable_that_raises_is_asked_again_and_its_words_are_not_told() -> None:
    with venue() as exchange:
        good = exchange.rails_token()
        calls = itertools.count()

        def moody() -> str:
            if next(calls) < 2:
                raise ValueError(f"cannot use {good}")
            return good

        client = rails(exchange, moody)
        watched = Watched(client)
        with running(client):
            errors = watched.errors.wait(2, ConnectError)
        for error in errors:
            assert error.kind == "token"
            assert "ValueError in moody() at " in str(error)
            assert good not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("how", ["a server that never answers", "a callable that never returns"])
def test_a_client_is_closed_while_a_token_does_not_come(how: str) -> None:
    entered, go = threading.Event(), threading.Event()

    def never() -> str:
        entered.set()
        go.wait(PATIENCE)
        return "t0ken"

    keys = fresh_keys()
    with venue(credentials=keys) as exchange:
        is_server = how.startswith("a server")
        exchange.fail_rest("hang", times=None, path="/token")
        client = (
            rails(exchange, credentials=Credentials(*keys), timeouts=Timeouts(close=2, connect=60, reply=60))
            if is_server
            else rails(exchange, never, timeouts=Timeouts(close=1))
        )
        watched = Watched(client)
        client.start()
        wait_until(lambda: bool(exchange.rest_calls) or entered.is_set(), PATIENCE)
        closing = threading.Thread(target=client.close, daemon=True)
        closing.start()
        closing.join(PATIENCE)
        assert not closing.is_alive()
        assert client.state is ConnectionState.CLOSED
        go.set()
        exchange.heal_rest()
        assert exchange.handshakes == 0
        watched.assert_quiet()
