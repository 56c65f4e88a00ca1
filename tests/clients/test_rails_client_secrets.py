"""Nothing that a user or his logs can show has the token or the API secret, though the exchange repeats both."""

from __future__ import annotations

import json
import logging
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import websocket
from client_rig import BACKOFF, CALM, PATIENCE, Log, Watched
from rails_client_rig import BTC, rails, until_open, venue
from raw_server import Peer, RawServer, answer_101, close_frame

from bigone_sync import AuthenticationError, ConnectionLost, Credentials, RailsClient, RawFrame, rails_token
from bigone_sync.testing.leaks import leak_check, wait_until

pytestmark = pytest.mark.one_codec

KEY, SECRET = "c0ffee00-key-of-the-rails-secrets", "5ecret-of-the-rails+secrets/0123456789=="
HEADER = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
CLAIMS = "eyJhY2NvdW50VHlwZSI6InJldGFpbCIsImlzcyI6ImxvY2FsIiwiYXVkIjpbIngiXSwiZXhwIjoxfQ"
JWT = f"{HEADER}.{CLAIMS}.Vgh_zKUgPSOPbVQ7nTHVg6jCYZ59nSJwqx6pfSDfGss"
OPAQUE = "0paque/token+of:the=tests-0123456789"
KINDS = {"signed": JWT, "opaque": OPAQUE, "callable": OPAQUE, "credentials": JWT}


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All loggers of the process at DEBUG, and websocket-client tells what it sends and receives."""
    websocket.enableTrace(True, handler=logging.NullHandler())
    try:
        with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "urllib3"):
            yield caplog
    finally:
        websocket.enableTrace(False)


class TokenEndpoint(BaseHTTPRequestHandler):
    """Gives a token, but fails at first; then it repeats what it was asked with."""

    failures = 1

    def do_POST(self) -> None:
        body = {"access_token": JWT, "token_type": "Bearer", "expires_in": 1800}
        status = 200
        if TokenEndpoint.failures:
            TokenEndpoint.failures -= 1
            status, body = 500, {"message": f"{self.headers['X-Api-Key']} {self.headers['X-Api-Secret']}"}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def auth_url() -> Iterator[str]:
    """Of a token endpoint."""
    TokenEndpoint.failures = 1
    with ThreadingHTTPServer(("127.0.0.1", 0), TokenEndpoint) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def reachable(thing: object, found: dict[int, object]) -> dict[int, object]:
    """All that can be reached from an exception by its causes, arguments and attributes."""
    if id(thing) in found or isinstance(thing, (type, int, float)) or callable(thing):
        return found
    found[id(thing)] = thing
    if isinstance(thing, BaseException):
        for one in (thing.__cause__, thing.__context__, thing.args):
            reachable(one, found)
    if isinstance(thing, (list, tuple, set, frozenset)):
        for one in thing:
            reachable(one, found)
    if isinstance(thing, dict):
        for pair in thing.items():
            reachable(pair, found)
    return reachable(getattr(thing, "__dict__", None), found)


def make_client(kind: str, server: RawServer, auth_url: str) -> RailsClient:
    options: dict[str, Any] = {
        "market": BTC,
        "url": f"ws://127.0.0.1:{server.port}",
        "auth_url": auth_url,
        "timeouts": CALM,
        "backoff": BACKOFF,
    }
    if kind == "credentials":
        return RailsClient(credentials=Credentials(KEY, SECRET), **options)
    token = KINDS[kind]
    return RailsClient((lambda: token) if kind == "callable" else token, **options)


def refuse(server: RawServer, status: int, token: str) -> None:
    """Refuse a handshake, and repeat in all that there is what it carried."""
    peer = server.accept()
    assert f"authorization#{token}\r\n".encode() in peer.head()
    body = json.dumps({"message": f"authorization#{token}", "token": token}).encode()
    head = f"HTTP/1.1 {status} no\r\nX-Told: {token}\r\nSec-WebSocket-Protocol: authorization#{token}\r\n"
    peer.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode(), body)
    peer.close()


def accept(server: RawServer, token: str) -> Peer:
    peer = server.accept()
    head = peer.head()
    peer.send(answer_101(head, f"Sec-WebSocket-Protocol: authorization#{token}".encode()))
    return peer


def repeat(peer: Peer, token: str) -> None:
    """Messages of all kinds that have the token in them."""
    order = {"orderId": token, "market": BTC, "quantity": "1", "price": token}
    row = {"matchId": token, "price": "1", "quantity": token}
    peer.say(
        {"resultType": token, "data": {}},
        {"resultType": "createOrder", "data": {"statusCode": 400, "body": f"bad {token}", "order": order}},
        {"resultType": "rejectOrder", "data": {"statusCode": 400, "body": f"bad {token}"}},
        {"resultType": "publicCompletedOrdersDelta", "data": {"orders": [row, {}]}},
        {"resultType": "publicOrderBookDelta", "data": {"statusCode": 500, "body": token, "orders": []}},
        {"resultType": "subscribed", "data": {"activeSubscriptions": ["orders", "publicTrades", token]}},
        {"resultType": "completedOrdersDelta", "data": [{"matchId": token}]},
    )
    peer.text(
        token.encode(),
        f'{{"resultType":"publicOrderBookDelta","data":{{"{token}'.encode(),
        f'{{"resultType":"pong","data":{{"clientRequestId":"{token.split(".")[-1]}"}}}}'.encode(),
        json.dumps({"resultType": "x", "data": {"a": token}}).replace("/", "\\/").encode(),
    )


def told(client: Any, logs: list[Log[Any]], caplog: pytest.LogCaptureFixture) -> str:
    """All that a user, or who reads his logs, can get to see."""
    parts = [caplog.text, repr(client.stats()), repr(client.subscriptions), repr(client.in_step)]
    inner = [client, client._source, client._beside, client._group, *rails_token._shared._objects.values()]
    for session in client._sessions.values():
        inner += [session, session.connection, session.protocol, session._secrets, session._token]
    parts += [repr(one) + str(one) for one in inner]
    for item in (item for log in logs for item in log):
        parts += [repr(item), str(item)]
        if isinstance(item, RawFrame):
            parts.append(item.data.decode("utf-8", "replace"))
        error = item if isinstance(item, BaseException) else getattr(item, "cause", None)
        for one in reachable(error, {}).values():
            parts.append(one.decode("utf-8", "replace") if isinstance(one, bytes) else repr(one))
            if isinstance(one, BaseException):
                parts += traceback.format_exception(one)
    return "\n".join(parts)


@pytest.mark.parametrize("kind", KINDS)
def test_an_exchange_that_repeats_the_token_does_not_make_us_tell_it(
    everything_logged: pytest.LogCaptureFixture, auth_url: str, kind: str
) -> None:
    token = KINDS[kind]
    with leak_check(), RawServer() as server:
        client = make_client(kind, server, auth_url)
        watched, raw, trades = Watched(client), Log[RawFrame](), Log[Any]()  # type: ignore[arg-type]
        client.on_raw(raw)
        client.on_trade(trades)
        client.order_book()
        with client:
            refuse(server, 503, token)
            peer = accept(server, token)
            repeat(peer, token)
            peer.send(close_frame(1008, f"expired: authorization#{token}".encode()[:123]))
            (lost,) = watched.errors.wait(1, ConnectionLost)
            assert lost.close_reason == "expired: authorization#***"
            for _ in range(1 if kind in ("signed", "opaque") else 2):
                refuse(server, 401, token)
            watched.errors.wait(1, AuthenticationError)
            peer.close()
        text = told(client, [watched.errors, watched.states, watched.gaps, raw, trades], everything_logged)
    assert len(watched.errors) >= 8
    assert len([frame for frame in raw if frame.direction == "in"]) == 11
    assert "--- request header ---" in text
    assert "X-Told" not in text or "***" in text
    hidden = [token, token.replace("/", "\\/"), CLAIMS, JWT.split(".")[2], SECRET, SECRET.replace("/", "\\/")]
    assert [secret for secret in hidden if secret in text] == []
    assert CLAIMS[:24] not in text
    if kind == "credentials":
        assert KEY not in text


@pytest.mark.parametrize("kind", ["token", "credentials"])
def test_a_session_with_everything_in_it_tells_no_secret(
    everything_logged: pytest.LogCaptureFixture, kind: str
) -> None:
    key = f"{KEY}-{kind}"
    with leak_check(), venue(credentials=(key, SECRET)) as exchange:
        given = exchange.rails_token()
        options: dict[str, Any] = {} if kind == "token" else {"credentials": Credentials(key, SECRET)}
        client = rails(exchange, given if kind == "token" else None, **options)
        watched, raw = Watched(client), Log[RawFrame]()
        client.on_raw(raw)
        client.on_order(Log())
        client.on_fill(Log())
        client.on_trade(lambda _: 1 / 0)
        client.order_book()
        with client:
            client.wait_ready(PATIENCE)
            used = client._sessions[f"{BTC}#0"]._used_token
            exchange.rails_step(BTC, 20)
            first = until_open(exchange, 1)
            exchange.rails_cut(first[0])
            wait_until(lambda: client.stats().reconnects == 1, PATIENCE)
            client.wait_ready(PATIENCE)  # REST was asked
            exchange.refuse_rails_handshakes(403)
            exchange.rails_cut(exchange.rails_connections[0])
            watched.errors.wait(1, AuthenticationError)
        text = told(client, [watched.errors, watched.states, watched.gaps, raw], everything_logged)
        tokens = {given, used}
    for token in tokens:
        assert [part for part in (token, *token.split(".")[1:]) if part in text] == []
    assert SECRET not in text
    assert key not in text
