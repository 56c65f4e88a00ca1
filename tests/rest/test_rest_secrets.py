"""No token, no secret and no password in anything that somebody may see."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable

import pytest
from rest_rig import CREDENTIALS, ORDER, READ, SECRET
from rest_server import Peer, RestServer, answer

from bigone_sync.errors import BigOneError
from bigone_sync.rest._http import Call, Http

Make = Callable[..., Http]
PASSWORD = "hush-the-password"


def walk(thing: object, seen: dict[int, object]) -> None:
    """All that can be reached from an exception by its causes, arguments and attributes."""
    if id(thing) in seen or isinstance(thing, (type, int, float)) or callable(thing):
        return
    seen[id(thing)] = thing
    if isinstance(thing, BaseException):
        for one in (thing.__cause__, thing.__context__, thing.args):
            walk(one, seen)
    if isinstance(thing, (list, tuple, set, frozenset)):
        for one in thing:
            walk(one, seen)
    if isinstance(thing, dict):
        for pair in thing.items():
            walk(pair, seen)
    walk(getattr(thing, "__dict__", None), seen)


def echo(peer: Peer, form: Callable[[bytes], bytes], server: RestServer) -> None:
    """Repeats what the client sent."""
    headers = server.asked[-1].headers
    told = f"{headers.get('authorization', '')} {headers.get('proxy-authorization', '')}"
    peer.send(form(told.encode()))
    peer.close()


ENDINGS: dict[str, Callable[[bytes], bytes]] = {
    "refused": lambda told: answer(400, {"code": 1, "message": told.decode(), "anomaly": told.decode()}),
    "broken": lambda told: answer(503, {"message": "x" * 290 + told.decode()}),
    "cut": lambda told: b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + told,
    "chunk": lambda told: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + told + b"\r\n",
    "status line": lambda told: told + b"\r\n\r\n",
    "header": lambda told: (
        b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n" + told + b"\r\nRetry-After: " + told + b"\r\n\r\n"
    ),
    "silence": lambda told: b"",
    "tunnel": lambda told: b"HTTP/1.1 407 " + told + b"\r\n\r\n",
    "encoding": lambda told: answer(200, told, "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("call", [READ, ORDER], ids=["read", "order"])
@pytest.mark.parametrize("proxied", ["direct", "forwarded", "tunnel"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_no_secret_gets_out(
    server: RestServer, make: Make, ending: str, call: Call, proxied: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    proxy = "" if proxied == "direct" else f"http://ann:{PASSWORD}@127.0.0.1:{server.port}"
    url = {"direct": server.url, "forwarded": "http://exchange.test", "tunnel": "https://exchange.test"}[proxied]
    server.script(*[lambda peer: echo(peer, ENDINGS[ending], server)] * 4)
    http = make(url, proxy=proxy)
    with pytest.raises(BigOneError) as caught:
        http.send(call)
    reached: dict[int, object] = {}
    walk(caught.value, reached)
    shown = " ".join(repr(one) for one in reached.values()) + caplog.text + repr(http) + repr(vars(caught.value))
    tokens = {
        part
        for asked in server.asked
        for name, value in asked.headers.items()
        if "authorization" in name
        for part in value.split()[1:]
    }
    for secret in (SECRET, CREDENTIALS.api_secret, PASSWORD, *tokens, *(token.rpartition(".")[2] for token in tokens)):
        assert secret not in shown
    modules = {type(one).__module__.partition(".")[0] for one in reached.values()}
    assert not modules & {"requests", "urllib3", "http"}
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
