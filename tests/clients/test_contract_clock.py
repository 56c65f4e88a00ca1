"""A machine whose clock is wrong, beside the private contract stream and contract REST."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from client_rig import BACKOFF, KEYS, PATIENCE, Log, Watched, running
from contract_rig import BTCUSD, contract, until_open

from bigone_sync import AuthenticationError, Cash, ConnectionLost, ContractClient, ContractRest, Credentials, Timeouts
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

pytestmark = pytest.mark.one_codec

SKEWS = pytest.mark.parametrize("skew", [300.0, -300.0])
VARIANTS = pytest.mark.parametrize("variant", ["OpenAPIV2", "guide"])
IMPATIENT = Timeouts(connect=0.5, ping=5, pong=5, reply=2, close=5)


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with leak_check(), LocalExchange(seed=3, rate=0) as exchange:
        yield exchange


def paths(exchange: LocalExchange) -> list[str]:
    return [request.path for request in exchange.rest_requests]


@SKEWS
@VARIANTS
def test_the_private_stream_opens_at_once(exchange: LocalExchange, skew: float, variant: str) -> None:
    exchange.clock_offset = skew
    client = contract(exchange, private=True, token_variant=variant)
    watched, log = Watched(client), Log[Cash]()  # type: ignore[arg-type]
    client.on_cash(log)
    with running(client):  # type: ignore[type-var]
        until_open(exchange, "stream")
        log.wait(1)
    watched.assert_quiet()
    assert exchange.handshakes == 1
    assert set(paths(exchange)) == {"/api/v3/ping"}


@SKEWS
@VARIANTS
def test_a_machine_whose_clock_is_wrong(
    exchange: LocalExchange, skew: float, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = SimpleNamespace(time_ns=lambda: time.time_ns() + round(skew * 1e9))
    monkeypatch.setattr("bigone_sync.clock.time", machine)
    client = contract(exchange, private=True, token_variant=variant)
    watched = Watched(client)  # type: ignore[arg-type]
    client.on_cash(Log())
    with running(client):  # type: ignore[type-var]
        until_open(exchange, "stream")
    watched.assert_quiet()
    assert exchange.handshakes == 1


def test_public_sockets_need_no_clock(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True)
    client.on_trade(BTCUSD, Log())
    with running(client):  # type: ignore[type-var]
        pass
    assert paths(exchange) == []


@SKEWS
@VARIANTS
def test_a_clock_that_is_set_later_costs_one_refusal(exchange: LocalExchange, skew: float, variant: str) -> None:
    client = contract(exchange, private=True, token_variant=variant)
    watched = Watched(client)  # type: ignore[arg-type]
    client.on_cash(Log())
    with running(client):  # type: ignore[type-var]
        for number, offset in enumerate([skew, 0.0, -skew], 1):
            before = exchange.handshakes
            exchange.clock_offset = offset
            exchange.drop_connections()
            wait_until(lambda number=number: client.stats().reconnects == number, PATIENCE)  # type: ignore[misc]
            client.wait_ready(PATIENCE)
            assert exchange.handshakes == before + 2
    assert {type(error) for error in watched.errors} == {ConnectionLost}


@pytest.mark.parametrize(("skew", "words"), [(300.0, "behind"), (-300.0, "ahead of")])
def test_a_refusal_that_stays_names_the_skew(exchange: LocalExchange, skew: float, words: str) -> None:
    exchange.clock_offset = skew
    client = ContractClient(Credentials("key", "another secret"), url=exchange.contract_url, backoff=BACKOFF)
    watched = Watched(client)  # type: ignore[arg-type]
    client.on_cash(Log())
    with client:
        [error] = watched.errors.wait(1, AuthenticationError)
    assert words in str(error)
    assert float(str(error).split("clock is ")[1].split(" s ")[0]) == pytest.approx(300, abs=5)
    assert exchange.handshakes == 2


@pytest.mark.parametrize("how", ["404", "hang"])
def test_without_rest_a_right_clock_opens_and_a_wrong_one_is_an_error_that_says_so(
    exchange: LocalExchange, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if how == "404":
        exchange.fail_rest("html", status=404, times=None)
    else:
        exchange.fail_rest("hang", times=None)
    client = contract(exchange, private=True, timeouts=IMPATIENT)
    watched, log = Watched(client), Log[Cash]()  # type: ignore[arg-type]
    client.on_cash(log)
    with running(client):  # type: ignore[type-var]
        log.wait(1)
        watched.assert_quiet()
        assert "could not be measured" in caplog.text
        exchange.clock_offset = 300
        exchange.drop_connections()
        [error] = watched.errors.wait(1, AuthenticationError)
    assert "measuring it failed" in str(error)
    for secret in (KEYS.api_secret, "Bearer", "eyJ"):
        assert secret not in caplog.text.replace("the secret", "")


def test_close_while_the_measurement_hangs(exchange: LocalExchange, caplog: pytest.LogCaptureFixture) -> None:
    exchange.fail_rest("hang", times=None)
    client = contract(exchange, private=True, timeouts=Timeouts(connect=30, ping=5, pong=5, reply=30, close=10))
    client.on_cash(Log())
    client.start()
    wait_until(lambda: paths(exchange), PATIENCE)
    client.close()
    assert client._closed.is_set()
    assert "left behind" not in caplog.text


@SKEWS
@VARIANTS
def test_rest_alone(exchange: LocalExchange, skew: float, variant: str) -> None:
    exchange.clock_offset = skew
    with ContractRest(KEYS, url=exchange.rest_url("contract"), token_variant=variant) as rest:
        assert rest.accounts()
        assert rest.clock.offset == pytest.approx(skew, abs=5)
        exchange.clock_offset = -skew
        assert rest.accounts()
