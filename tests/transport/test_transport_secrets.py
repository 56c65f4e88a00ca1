"""No header value, token, cookie or password shows in a log, a message or a repr, with every logger at DEBUG."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import websocket
from raw_server import RawServer, answer_101, close_frame, frame
from transport_rig import Link

from bigone_sync.enums import ConnectionState as S
from bigone_sync.errors import AuthenticationError
from bigone_sync.testing.leaks import wait_until
from bigone_sync.transport.attempt import Target
from bigone_sync.transport.secrets import Secrets

SECRETS = ("hush-header", "hush-query", "hush-protocol", "hush-password", "hush-user", "hush-cookie", "aHVzaC11c2Vy")


class Everything(logging.Handler):
    """Keeps the full text of every record."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"


@pytest.fixture
def log() -> Iterator[Everything]:
    handler, root = Everything(), logging.getLogger()
    levels = {
        logger: logger.level for logger in (root, logging.getLogger("websocket"), logging.getLogger("bigone_sync"))
    }
    root.addHandler(handler)
    for logger in levels:
        logger.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    for logger, level in levels.items():
        logger.setLevel(level)


def link_to(server: RawServer, **options: Any) -> Link:
    link = Link(
        f"{server.url}?token=hush-query",
        headers={"Authorization": "Bearer hush-header", "Cookie": "own=hush-cookie"},
        subprotocol="hush-protocol",
        **options,
    )
    assert "hush" not in repr(link.owner.next_target)
    return link


def assert_silent(link: Link, log: Everything) -> None:
    owner = link.owner
    shown = log.text
    for error in [*owner.losses, *owner.refusals]:
        shown += repr(error) + "".join(traceback.format_exception(error)) + repr(vars(error))
    assert [secret for secret in SECRETS if secret in shown] == []
    assert "bigone_sync.transport" in log.text
    assert "websocket " in log.text or not owner.openings


ANSWERS = {
    "401": b"HTTP/1.1 401 no\r\nSet-Cookie: a=hush-cookie\r\nContent-Length: 2\r\n\r\nno",
    "503": b"HTTP/1.1 503 no\r\nSet-Cookie: a=hush-cookie\r\n\r\n",
    "302": b"HTTP/1.1 302 no\r\nLocation: ws://x.test/\r\nSet-Cookie: a=hush-cookie\r\n\r\n",
    "garbage": b"no HTTP\r\n\r\n",
    "no colon": b"HTTP/1.1 101 x\r\nSet-Cookie: a=hush-cookie\r\nno colon\r\n\r\n",
    "wrong key": b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n"
    b"Set-Cookie: a=hush-cookie\r\n\r\n",
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_refused_handshake_shows_no_secret(server: RawServer, log: Everything, name: str) -> None:
    with link_to(server) as link:
        peer = server.accept()
        assert b"hush-header" in peer.head()
        peer.send(ANSWERS[name])
        peer.close()
        wait_until(lambda: link.owner.losses or link.owner.refusals)
    assert_silent(link, log)


def test_a_life_with_cookies_login_and_loss_shows_no_secret(server: RawServer, log: Everything) -> None:
    with link_to(server) as link:
        peer = server.accept()
        request = peer.head()
        for secret in (b"hush-header", b"hush-query", b"hush-protocol", b"hush-cookie"):
            assert secret in request
        peer.send(answer_101(request, b"Set-Cookie: a=hush-cookie"))
        link.ready()
        link.connection.send(b'{"token": "hush-header"}')
        peer.next_frame()
        peer.reset()
        link.loss()
        server.open().send(frame(3, b"hush-header"))
        link.loss(2)
    assert_silent(link, log)


def test_a_refused_login_shows_no_secret(server: RawServer, log: Everything) -> None:
    link = link_to(server)
    link.owner.on_received = lambda: link.connection.kill(AuthenticationError("login refused (45001)"))
    with link:
        server.open().text(b"hush-header")
        link.refusal()
        link.wait(S.CLOSED)
    assert_silent(link, log)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 no\r\n\r\n", b"HTTP/1.1 502 no\r\n\r\n", b"no HTTP\r\n\r\n", b""])
def test_a_failing_proxy_shows_no_password(server: RawServer, log: Everything, answer: bytes) -> None:
    with link_to(server, proxy=f"http://hush-user:hush-password@127.0.0.1:{server.port}") as link:
        peer = server.accept()
        assert b"Proxy-Authorization: Basic aHVzaC11c2Vy" in peer.head()
        assert b"hush-header" not in peer.request
        peer.send(answer)
        peer.close()
        wait_until(lambda: link.owner.losses or link.owner.refusals)
    assert_silent(link, log)


def test_a_bad_proxy_shows_no_password(server: RawServer, log: Everything) -> None:
    with link_to(server, proxy="socks5://hush-user:hush-password@proxy.test") as link:
        link.refusal()
    assert_silent(link, log)


def test_the_target_shows_neither_query_nor_headers() -> None:
    target = Target("ws://x.test/ws?token=hush-query", {"A": "hush-header"}, "hush-protocol")
    assert [secret for secret in SECRETS if secret in repr(target)] == []


TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodXNoLWNsYWltcyJ9.aHVzaC1zaWduYXR1cmUtb2YtdGhlLXRlc3Rz"
_HEADER, _CLAIMS, _SIGNATURE = TOKEN.split(".")


@pytest.mark.parametrize(
    ("told", "left"),
    [
        (f"no {TOKEN} here, and {TOKEN}", "no *** here, and ***"),
        (f"bad {_SIGNATURE}", "bad ***"),
        (f"claims {_CLAIMS}.", "claims ***."),
        (f"cut off: {TOKEN[:60]}", "cut off: ***"),
        (f"cut off: {TOKEN[:60]} and on", "cut off: *** and on"),
        (f"{TOKEN}{TOKEN}", "******"),
        ("nothing of it", "nothing of it"),
        ("", ""),
    ],
)
def test_a_signed_token_is_hidden_in_whole_and_in_part(told: str, left: str) -> None:
    secrets = Secrets({}, f"authorization#{TOKEN}")
    assert secrets.hide(told) == left
    assert secrets.hide_bytes(told.encode()) == left.encode()
    assert "eyJ" not in repr(secrets)


def test_any_token_is_hidden_also_as_json_writes_it() -> None:
    secrets = Secrets({"AUTHORIZATION": "Bearer a/b+c=d"}, "authorization#opaque")
    assert secrets.hide(r"a/b+c=d a\/b+c=d opaque opa") == "*** *** *** opa"
    assert secrets.hide_bytes(b"\xff a/b+c=d") == b"\xff ***"


def test_what_is_no_secret_stays() -> None:
    secrets = Secrets({"X-Own": "value", "Authorization": "abc"}, "json")
    assert secrets.hide("value abc json") == "value abc json"


def test_the_librarys_trace_shows_no_secret(server: RawServer, log: Everything) -> None:
    """It writes down requests as it sees them, so it does not get to see what is secret."""
    websocket.enableTrace(True, handler=logging.NullHandler())
    try:
        link = Link(server.url, headers={"Authorization": "Bearer hush-header"}, subprotocol=f"authorization#{TOKEN}")
        with link:
            peer = server.accept()
            request = peer.head()
            assert b"\r\nAuthorization: Bearer hush-header\r\n" in request
            assert f"\r\nSec-WebSocket-Protocol: authorization#{TOKEN}\r\n".encode() in request
            peer.send(answer_101(request, f"Sec-WebSocket-Protocol: authorization#{TOKEN}".encode()))
            link.ready()
    finally:
        websocket.enableTrace(False)
    assert "--- request header ---" in log.text
    assert "authorization#***" in log.text
    assert "hush-header" not in log.text
    assert not {part for part in (_CLAIMS, _SIGNATURE) if part in log.text}


def test_a_close_reason_that_repeats_the_beginning_of_a_token_is_hidden(server: RawServer, log: Everything) -> None:
    link = Link(server.url, subprotocol=f"authorization#{TOKEN}")
    with link:
        server.open().send(close_frame(1008, f"expired: authorization#{TOKEN}".encode()[:70]))
        loss = link.loss()
    assert loss.close_reason == "expired: authorization#***"
    assert _CLAIMS[:20] not in log.text + repr(vars(loss)) + "".join(traceback.format_exception(loss))
