"""No header value, token, cookie or password shows in a log, a message or a repr, with every logger at DEBUG."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from raw_server import RawServer, answer_101, frame
from transport_rig import Link

from bigone_sync.enums import ConnectionState as S
from bigone_sync.errors import AuthenticationError
from bigone_sync.testing.leaks import wait_until
from bigone_sync.transport.attempt import Target

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
