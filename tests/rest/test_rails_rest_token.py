"""Access tokens of Rails: how they are asked for and shared, what refuses them, and that none is seen.

(Rails protocol, sections 1.4 and 9.)
"""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from rails_rig import SECRET, TOKEN, credentials, numbered, token_body
from rest_rig import Task
from rest_server import Asked, Peer, RestServer, answer
from scripted_http import Reply, ScriptedServer, Seen
from test_rest_secrets import walk

from bigone_sync import (
    AuthenticationError,
    BigOneError,
    ConfigurationError,
    ConnectionClosed,
    DecodeError,
    RailsRest,
    RateLimited,
    Timeouts,
)
from bigone_sync.errors import RestError
from bigone_sync.rails_token import RailsTokens
from bigone_sync.testing.leaks import leak_check, wait_until

ORDERS = "/api/v1/open-orders"
NO_ORDERS = '{"openOrders":[]}'


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    with leak_check(), ScriptedServer("") as server:
        yield server


def test_how_a_token_is_asked_for(scripted: ScriptedServer) -> None:
    keys = credentials()
    scripted.on(TOKEN, token_body("ey.the.token", "1800"))
    with RailsRest(keys, url=scripted.url) as rest:
        assert rest.token() == rest.token() == "ey.the.token"
    seen = scripted.only
    assert (seen.method, seen.query, seen.body) == ("POST", [], b"")
    assert (seen.headers["x-api-key"], seen.headers["x-api-secret"]) == (keys.api_key, SECRET)
    assert "authorization" not in seen.headers
    assert "content-type" not in seen.headers


def test_a_fresh_one(scripted: ScriptedServer) -> None:
    scripted.on(TOKEN, numbered())
    with RailsRest(credentials(), url=scripted.url) as rest:
        assert [rest.token(), rest.token(fresh=True), rest.token()] == ["token-1", "token-2", "token-2"]
        with pytest.raises(ConfigurationError, match="fresh"):
            rest.token(fresh=1)  # type: ignore[arg-type]


def test_objects_of_one_key_share_it(scripted: ScriptedServer) -> None:
    keys = credentials()
    scripted.on(TOKEN, numbered()).on(ORDERS, lambda seen: NO_ORDERS)
    with (
        RailsRest(keys, url=scripted.url) as one,
        RailsRest(keys, url="http://127.0.0.1:1", auth_url=f"{scripted.url}/") as two,
        RailsRest(credentials(), url=scripted.url) as other,
    ):
        assert list(one.open_orders()) == []
        assert (two.token(), other.token()) == ("token-1", "token-2")
        two._tokens(keys).refuse("token-1")
        assert (two.token(), one.token()) == ("token-3", "token-3")


def test_threads_cause_one_fetch(scripted: ScriptedServer) -> None:
    keys, gate, give = credentials(), threading.Event(), numbered()

    def slow(seen: Seen) -> str:
        assert gate.wait(20)
        return give(seen)

    scripted.on(TOKEN, slow)
    with RailsRest(keys, url=scripted.url) as one, RailsRest(keys, url=scripted.url) as two:
        tasks = [Task(rest.token) for rest in (one, two, one, two)]
        wait_until(lambda: one._tokens(keys).waiting == 3)
        gate.set()
        assert {task.join().result for task in tasks} == {"token-1"}


def test_the_end_of_one_object_is_not_the_others(scripted: ScriptedServer) -> None:
    keys, gates, give = credentials(), [threading.Event(), threading.Event()], numbered()

    def slow(seen: Seen) -> str:
        token = give(seen)
        assert gates[int('"token-2"' in token)].wait(20)
        return token

    scripted.on(TOKEN, slow)
    one, two, three = (RailsRest(keys, url=scripted.url) for _ in range(3))
    first = Task(one.token)
    wait_until(lambda: len(scripted.seen) == 1)
    others = [Task(two.token), Task(three.token)]
    wait_until(lambda: one._tokens(keys).waiting == 2)
    two.close()
    assert isinstance(others[0].join().error, ConnectionClosed)
    one.close()
    assert isinstance(first.join().error, ConnectionClosed)
    gates[1].set()
    assert others[1].join().result == "token-2"
    with pytest.raises(ConnectionClosed):
        one.token()
    gates[0].set()
    three.close()


def test_twenty_a_minute(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = credentials()
    tokens = RailsTokens(scripted.url, keys.api_key, clock=lambda: 100.0)
    monkeypatch.setattr(RailsTokens, "of", lambda *_: tokens)
    scripted.on(TOKEN, numbered()).on(ORDERS, lambda seen: NO_ORDERS)
    with RailsRest(keys, url=scripted.url) as rest:
        for _ in range(20):
            rest.token(fresh=True)
        with pytest.raises(RateLimited, match="20 access tokens") as caught:
            rest.token(fresh=True)
        assert caught.value.retry_in == pytest.approx(60)
        with pytest.raises(RateLimited):
            list(rest.open_orders())
    assert len(scripted.seen) == 20


def test_attempts_are_counted(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = credentials()
    tokens = RailsTokens(scripted.url, keys.api_key, clock=lambda: 100.0)
    monkeypatch.setattr(RailsTokens, "of", lambda *_: tokens)
    scripted.on(TOKEN, Reply(503), numbered())
    with RailsRest(keys, url=scripted.url) as rest:
        rest.token()
        for _ in range(18):
            rest.token(fresh=True)
        with pytest.raises(RateLimited):
            rest.token(fresh=True)
    assert len(scripted.seen) == 20


@pytest.mark.parametrize("status", [400, 403, 404, 429])
def test_a_refusal(scripted: ScriptedServer, status: int) -> None:
    scripted.on(TOKEN, Reply(status, b"not you"))
    with RailsRest(credentials(), url=scripted.url) as rest, pytest.raises(RestError, match="not you") as caught:
        rest.token()
    assert (caught.value.status_code, caught.value.reason) == (status, "not you")
    assert len(scripted.seen) == 1


@pytest.mark.parametrize("private", [False, True])
def test_credentials_that_are_not_accepted(scripted: ScriptedServer, private: bool) -> None:
    scripted.on(TOKEN, Reply(401, b"who?"))
    words = r"status 401: who\?; check the API key and the secret"
    with RailsRest(credentials(), url=scripted.url) as rest, pytest.raises(AuthenticationError, match=words) as caught:
        list(rest.open_orders()) if private else rest.token()
    assert caught.value.reason == "who?"
    assert len(scripted.seen) == 1


def test_what_broke_over_there(scripted: ScriptedServer) -> None:
    scripted.on(TOKEN, *[Reply(500, b"oops")] * 2)
    words = r"status 500: oops .*after 2 attempts"
    with RailsRest(credentials(), url=scripted.url, retries=1) as rest, pytest.raises(RestError, match=words) as caught:
        rest.token()
    assert caught.value.status_code == 500


def test_it_is_asked_again_when_the_exchange_says(server: RestServer) -> None:
    server.script(answer(429, b"", "Retry-After: 0.01"), answer(200, token_body("good").encode()))
    server.script(answer(429, b"", "Retry-After: 1"), answer(200, token_body("good").encode()))
    with RailsRest(credentials(), url=server.url) as rest:
        with rest.within(0.5), pytest.raises(RestError, match="429"):
            rest.token()
        assert rest.token() == "good"


GARBAGE = [
    *("", "null", "[]", "nope", "{}", '{"access_token":"hush-hush"}', "[" * 5000),
    token_body("hush-hush", None),
    token_body("hush-hush", 0),
    token_body("hush-hush", -5),
    token_body("hush-hush", "soon"),
    token_body("hush-hush\r\nX: y"),
    token_body("hush-hush two"),
    token_body(""),
    token_body("hush-hush", {}),
    '{"access_token":["hush-hush"],"expires_in":1800}',
]


@pytest.mark.parametrize("body", GARBAGE)
def test_an_answer_that_is_no_token(scripted: ScriptedServer, body: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    scripted.on(TOKEN, body, token_body("good"))
    with RailsRest(credentials(), url=scripted.url) as rest:
        with pytest.raises(DecodeError, match="expires_in") as caught:
            rest.token()
        assert "hush" not in shown(caught.value) + caplog.text
        assert rest.token() == "good"


# -- what nobody must see ------------------------------------------------------------------------------------------


def shown(error: BaseException) -> str:
    """All that can be read off an exception."""
    reached: dict[int, object] = {}
    walk(error, reached)
    return " ".join(repr(one) for one in reached.values()) + repr(vars(error)) + str(error)


def told(asked: Asked) -> list[str]:
    """The secrets that a request came with."""
    return [asked.headers[name] for name in ("x-api-secret", "authorization") if name in asked.headers]


Form = Callable[[str], bytes]
FORMS: dict[str, Form] = {
    "bad request": lambda secret: answer(400, secret.encode()),
    "unauthorized": lambda secret: answer(401, {"message": f"{secret} is wrong"}),
    "forbidden": lambda secret: answer(403, {"message": quote(secret, safe="")}),
    "escaped": lambda secret: answer(403, secret.replace("/", "\\/").encode()),
    "cut": lambda secret: answer(400, b"x" * 190 + secret.encode()),
    "broken": lambda secret: answer(500, secret.encode()),
    "garbage": lambda secret: answer(200, {"openOrders": secret, "access_token": [secret]}),
    "garbage row": lambda secret: answer(200, {"openOrders": [{"orderId": "1", "price": secret}]}),
    "truncated": lambda secret: b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + secret.encode(),
    "status line": lambda secret: secret.encode() + b"\r\n\r\n",
    "retry": lambda secret: b"HTTP/1.1 400 No\r\nContent-Length: 0\r\nRetry-After: " + secret.encode() + b"\r\n\r\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("what", ["credentials", "token of ours", "token given", "signed token"])
def test_no_secret_gets_out(server: RestServer, form: str, what: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = "eyJhbGciOiJI.eyJzdWIi.c2lnbmF0dXJlLW9m" if what == "signed token" else "an/opaque+token-of-the-tests"

    def echo(peer: Peer) -> None:
        peer.send(FORMS[form](" ".join(told(server.asked[-1])).removeprefix("Bearer ")))
        if form in ("truncated", "status line"):
            peer.close()

    server.script(*[echo] * 4)
    if what == "token of ours":
        server.routes[TOKEN] = lambda asked: answer(200, token_body(token).encode())
    keys = credentials()
    options: dict[str, Any] = {"token": token} if "of ours" not in what and what != "credentials" else {}
    rest = RailsRest(None if options else keys, url=server.url, retries=0, timeouts=Timeouts(reply=5), **options)
    with rest, pytest.raises(BigOneError) as caught:
        list(rest.open_orders())
    seen = shown(caught.value) + caplog.text + repr(rest) + repr(RailsTokens.of(server.url, keys.api_key))
    for secret in (SECRET, token, token.rpartition(".")[2], token[:12], SECRET[:12], keys.api_key):
        for written in (secret, secret.replace("/", "\\/"), quote(secret, safe="")):
            assert written not in seen
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
