"""Token, subprotocol value and API secret stay out of logs, texts, raw frames and exceptions, whatever happens."""

from __future__ import annotations

import logging
import re
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import websocket
from client_rig import PATIENCE, Log
from rails_client_rig import BTC, NO_LIMITS, rails

from bigone_sync import AuthenticationError, Backoff, BigOneError, Credentials, OrderRejected, RailsClient, RailsRest
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

pytestmark = pytest.mark.one_codec

KEY = "c0ffee00-key-of-this-test"
SECRET = "5ecret-of-this-test-0123456789abcdef"
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0NzAwZjI4MiJ9.c2lnbmF0dXJlLW9mLXRoaXMtdGVzdA"
OPAQUE = "opaque-0123456789abcdef-of-this-test"
ONCE = Backoff(initial=0.01, cap=0.02, max_attempts=2)


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """All loggers of the process at DEBUG, and websocket-client traces what it sends and gets."""
    with caplog.at_level(logging.DEBUG), leak_check():
        websocket.enableTrace(True, handler=logging.NullHandler(), level="DEBUG")
        logging.getLogger("websocket").propagate = True
        try:
            yield
        finally:
            websocket.enableTrace(False)


class Witness:
    """Sees all that a user, or who reads his logs, can get to see."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        self.events: Log[Any] = Log()
        self.parts: list[str] = []

    def watch(self, client: RailsClient) -> RailsClient:
        for register in (client.on_raw, client.on_error, client.on_state, client.on_gap):
            register(self.events)
        return client

    def look(self, *things: Any) -> None:
        """Note what something shows of itself; of exceptions all that hangs on them."""
        for thing in things:
            self.parts += [repr(thing), str(thing)]
            if isinstance(thing, BaseException):
                self.parts += [*traceback.format_exception(thing), repr(vars(thing))]
                self.look(*(one for one in (thing.__cause__, thing.__context__) if one is not None))
            elif hasattr(thing, "cause") and isinstance(thing.cause, BaseException):
                self.look(thing.cause)

    def look_at(self, client: RailsClient) -> None:
        self.look(client, client.stats(), client.subscriptions, client.connections, vars(client))
        for session in client._sessions.values():
            self.look(session, session.connection, session.connection.attempt, session._token, session._secrets)

    def found(self, *secrets: str) -> list[str]:
        self.look(*self.events)
        text = "\n".join([self._caplog.text, *self.parts])
        assert "rails/BTC-USD#0" in text  # something was seen at all
        return [secret for secret in secrets if secret in text]


@pytest.fixture
def witness(caplog: pytest.LogCaptureFixture) -> Witness:
    return Witness(caplog)


def pieces(token: str) -> list[str]:
    """What must not be seen of a token: all of it, and of a signed one claims and signature, too."""
    return [token, *token.split(".")[1:]]


@contextmanager
def scripted(answer: Callable[[str], bytes]) -> Iterator[str]:
    """A server that answers each handshake with what ``answer`` makes of its Sec-WebSocket-Protocol; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                try:
                    peer, _ = server.accept()
                except TimeoutError:
                    continue
                with peer:
                    peer.settimeout(PATIENCE)
                    request = b""
                    while b"\r\n\r\n" not in request:
                        request += peer.recv(65536)
                    found = re.search(rb"Sec-WebSocket-Protocol: (\S+)", request)
                    peer.sendall(answer(found[1].decode() if found else "missing"))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.getsockname()[1]}"
        finally:
            done.set()
            thread.join(PATIENCE)


def refusal(status: int) -> Callable[[str], bytes]:
    """Repeats the value in a header and in the body."""

    def answer(value: str) -> bytes:
        body = f'{{"error":"{value} is not welcome, nor is {value.partition("#")[2]}"}}'
        return (
            f"HTTP/1.1 {status} No\r\nSec-WebSocket-Protocol: {value}\r\nX-Seen: {value}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    return answer


@pytest.mark.parametrize("status", [401, 403, 500])
@pytest.mark.parametrize("token", [JWT, OPAQUE])
@pytest.mark.parametrize("is_callable", [False, True], ids=["text", "callable"])
def test_a_refused_handshake_that_repeats_it(witness: Witness, status: int, token: str, is_callable: bool) -> None:
    given: Any = (lambda: token) if is_callable else token
    with scripted(refusal(status)) as url:
        client = witness.watch(RailsClient(given, market=BTC, url=url, backoff=ONCE))
        with client:
            with pytest.raises(BigOneError) as caught:
                client.wait_ready(PATIENCE)
            witness.look(caught.value)
            witness.look_at(client)
    assert not witness.found(*pieces(token), f"authorization#{token}")
    assert str(status) in str(caught.value) + repr(caught.value.__cause__)


def test_an_exchange_that_repeats_it_everywhere(witness: Witness) -> None:
    with LocalExchange(rate=0, **NO_LIMITS) as exchange:
        token = exchange.rails_token()
        client = witness.watch(rails(exchange, token))
        orders: Log[Any] = Log()
        client.on_order(orders)
        with client:
            client.wait_ready(PATIENCE)
            exchange.rails_send_raw(f'{{"resultType":"{token}","data":{{"body":"authorization#{token}"}}}}')
            exchange.rails_send_raw(f'not JSON: "{token}"')
            exchange.rails_send_raw(
                f'{{"resultType":"rejectOrder","data":{{"statusCode":400,"body":"{token}","order":{{"orderId":"1"}}}}}}'
            )
            orders.wait(1)
            with pytest.raises(OrderRejected) as caught:
                client.cancel_order("none")
            witness.look(caught.value, *orders)
            exchange.close_connections(1008, f"bad {token}"[:120])
            wait_until(lambda: client.stats().reconnects == 1, PATIENCE)
            client.wait_ready(PATIENCE)
            witness.look_at(client)
    assert not witness.found(*pieces(token))


def test_credentials_and_the_tokens_fetched_with_them(witness: Witness) -> None:
    with LocalExchange(rate=0, credentials=(KEY, SECRET), **NO_LIMITS) as exchange:
        credentials = Credentials(KEY, SECRET)
        client = witness.watch(rails(exchange, credentials=credentials))
        with client, RailsRest(credentials, url=exchange.rest_url("rails")) as rest:
            client.wait_ready(PATIENCE)
            token = rest.token()
            exchange.revoke_rails_tokens()
            exchange.rails_cut(exchange.rails_connections[0])
            wait_until(lambda: client.stats().reconnects == 1, PATIENCE)
            client.wait_ready(PATIENCE)
            later = rest.token()
            assert later != token
            list(rest.open_orders())
            witness.look(rest, vars(rest), credentials)
            witness.look_at(client)
    assert not witness.found(*pieces(token), *pieces(later), SECRET)


def test_credentials_that_are_refused(witness: Witness) -> None:
    with LocalExchange(rate=0, **NO_LIMITS) as exchange:
        client = witness.watch(rails(exchange, credentials=Credentials(KEY, SECRET)))
        with client:
            with pytest.raises(AuthenticationError) as caught:
                client.wait_ready(PATIENCE)
            witness.look(caught.value)
            witness.look_at(client)
    assert not witness.found(SECRET)


def test_a_callable_that_fails_with_the_secret_in_its_words(witness: Witness) -> None:
    def fail() -> str:
        raise RuntimeError(f"cannot use {SECRET}")

    client = witness.watch(RailsClient(fail, market=BTC, url="ws://127.0.0.1:9", backoff=ONCE))
    with client:
        with pytest.raises(BigOneError) as caught:
            client.wait_ready(PATIENCE)
        witness.look(caught.value)
        witness.look_at(client)
    assert not witness.found(SECRET)


def test_the_witness_sees_what_is_there(witness: Witness) -> None:
    logging.getLogger("bigone_sync.somewhere").debug("rails/BTC-USD#0 %s", OPAQUE)
    error = BigOneError("all is well")
    error.__cause__ = ValueError(JWT)
    witness.look(error)
    assert witness.found(OPAQUE, JWT, SECRET) == [OPAQUE, JWT]
