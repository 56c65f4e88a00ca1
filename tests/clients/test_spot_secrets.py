"""Secrets stay out of logs, texts, raw frames and exceptions, whatever happens."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from client_rig import BACKOFF, BTC, CALM, PATIENCE, Log, Watched, members

import bigone_sync.auth
from bigone_sync import (
    AuthenticationError,
    ConfigurationError,
    Credentials,
    RawFrame,
    SpotClient,
    StateChange,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

KEY = "c0ffee00-key-of-this-test"
SECRET = "5ecret-of-this-test-0123456789abcdef"


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every token that is signed."""
    signed: list[str] = []
    sign = bigone_sync.auth._sign

    def keep(*arguments: Any) -> str:
        signed.append(sign(*arguments))
        return signed[-1]

    monkeypatch.setattr(bigone_sync.auth, "_sign", keep)
    return signed


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All loggers of the process at DEBUG."""
    with caplog.at_level(logging.DEBUG):
        yield caplog


def told(client: SpotClient, logs: list[Log[Any]], caplog: pytest.LogCaptureFixture) -> str:
    """All that a user, or who reads his logs, can get to see."""
    parts = [
        caplog.text,
        repr(client),
        str(client),
        repr(client.stats()),
        repr(vars(client)),
        repr(client.subscriptions),
    ]
    for log in logs:
        for item in log:
            parts += [repr(item), str(item)]
            if isinstance(item, RawFrame):
                parts.append(item.data.decode("utf-8", "replace"))
            error = item.cause if isinstance(item, StateChange) else item
            if isinstance(error, BaseException):
                parts += ["".join(traceback.format_exception(error)), repr(vars(error))]
    return "\n".join(parts)


def assert_clean(text: str, tokens: list[str]) -> None:
    assert SECRET not in text
    for token in tokens:
        assert token not in text
        for part in token.split("."):
            assert part not in text or part == tokens[0].split(".")[0]  # the header is the same for everybody
    assert "Bearer ey" not in text


@pytest.mark.parametrize("connections", ["per_channel", "shared"])
def test_a_session_with_everything_in_it_tells_no_secret(
    everything_logged: pytest.LogCaptureFixture, tokens: list[str], connections: str, protocol: str
) -> None:
    with leak_check(), LocalExchange(rate=50, credentials=(KEY, SECRET)) as exchange:
        client = SpotClient(
            Credentials(KEY, SECRET),
            protocol=protocol,
            url=exchange.spot_url,
            timeouts=CALM,
            backoff=BACKOFF,
            connections=connections,
        )
        watched, raw = Watched(client), Log[RawFrame]()
        client.on_raw(raw)
        client.on_account(Log())
        client.on_order(Log())
        client.on_depth(BTC, lambda _: 1 / 0)
        with client:
            client.wait_ready(PATIENCE)
            exchange.drop_connections()
            wait_until(lambda: client.stats().reconnects >= 1)
            client.wait_ready(PATIENCE)
            exchange.expire_auth()
            wait_until(lambda: len(tokens) >= 3)
            client.wait_ready(PATIENCE)
            exchange.send_raw("{nonsense", "accounts")
            exchange.send_raw('{"surprise":{}}')
            exchange.refuse_auth()
            exchange.expire_auth()
            watched.errors.wait(1, AuthenticationError)
        text = told(client, [watched.errors, watched.states, watched.gaps, raw], everything_logged)
    assert len(tokens) >= 4 or members(exchange).count("authenticateCustomerRequest") == len(tokens)
    # The token's place in a request of either kind.
    assert {"json": b'"token":"***"', "proto": b"\n\x03***"}[protocol] in b"".join(frame.data for frame in raw)
    if protocol == "json":
        assert "authenticateCustomerRequest" in text
    assert_clean(text, tokens)


def test_an_exchange_that_repeats_the_token_does_not_make_us_tell_it(
    everything_logged: pytest.LogCaptureFixture, tokens: list[str], protocol: str
) -> None:
    with leak_check(), LocalExchange(rate=0, credentials=(KEY, SECRET)) as exchange:
        client = SpotClient(
            Credentials(KEY, SECRET), protocol=protocol, url=exchange.spot_url, timeouts=CALM, backoff=BACKOFF
        )
        watched, raw = Watched(client), Log[RawFrame]()
        client.on_raw(raw)
        client.on_account(Log())
        with client:
            client.wait_ready(PATIENCE)
            echo = f"Bearer {tokens[0]}"
            exchange.send_error(45000, f"no such token: {echo}")
            exchange.send_raw(f'{{"requestId":"1","accountUpdate":"{echo}"}}')
            exchange.send_raw(f"{echo} is no JSON")
            exchange.send_raw(f'{{"requestId":"1","{echo}":{{}}}}')
            watched.errors.wait(4)
        text = told(client, [watched.errors, watched.states, raw], everything_logged)
    assert tokens[0] not in text
    assert tokens[0].split(".")[2] not in text


@pytest.mark.one_codec
def test_mistakes_with_credentials_do_not_repeat_them() -> None:
    for make in (
        lambda: Credentials(KEY, SECRET + "\n"),
        lambda: Credentials(SECRET + " ", KEY),
        lambda: SpotClient(SECRET),  # type: ignore[arg-type]
        lambda: SpotClient(headers={"X-Key": SECRET + "\r\n"}),
        lambda: SpotClient(proxy=f"socks5://me:{SECRET}@127.0.0.1:1"),
        lambda: SpotClient(url=f"ws://me:{SECRET}@127.0.0.1/"),
        lambda: SpotClient(url=f"http://127.0.0.1/?key={SECRET}"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            make()
        assert SECRET not in "".join(traceback.format_exception_only(caught.value))
        assert SECRET not in repr(vars(caught.value))


def test_secrets_of_the_url_and_the_headers_stay_out_of_texts(
    everything_logged: pytest.LogCaptureFixture, protocol: str
) -> None:
    with leak_check(), LocalExchange(rate=0) as exchange:
        exchange.refuse_handshakes(503, times=2)
        client = SpotClient(
            protocol=protocol,
            url=f"{exchange.spot_url}?token={SECRET}",
            headers={"X-Api-Token": SECRET},
            timeouts=CALM,
            backoff=BACKOFF,
        )
        watched = Watched(client)
        client.on_depth(BTC, Log())
        with client:
            client.wait_ready(PATIENCE)
            exchange.drop_connections()
            wait_until(lambda: client.stats().reconnects == 1)
        text = told(client, [watched.errors, watched.states], everything_logged)
        assert exchange.handshake_headers[0]["X-Api-Token"] == SECRET
    assert len(watched.errors) >= 3
    assert SECRET not in text.replace(repr(client._headers), "").replace(repr(client._url), "")
