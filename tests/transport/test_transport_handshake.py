"""The answer to the handshake: parsed, judged by every rule, and passed on without cookies."""

from __future__ import annotations

import pytest

from bigone_sync.errors import ConnectError
from bigone_sync.transport.handshake import (
    BODY_LIMIT,
    Head,
    Request,
    body_length,
    judge,
    parse_head,
    plain_head,
    split_head,
)

# The pair of RFC 6455, section 1.3.
KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
GOOD = {"upgrade": "WebSocket", "connection": "keep-alive, Upgrade", "sec-websocket-accept": ACCEPT}


def asked(subprotocol: str | None = None) -> Request:
    return Request("ws://shown.test", KEY, subprotocol)


def changed(**headers: str | None) -> dict[str, str]:
    merged = {**GOOD, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return {name: value for name, value in merged.items() if value is not None}


def test_the_key_is_found_in_the_request() -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\nsec-websocket-KEY:  " + KEY.encode() + b" \r\nX: y\r\n\r\n"
    assert Request.key_of(request) == KEY
    assert Request.key_of(b"GET / HTTP/1.1\r\n\r\n") == ""


@pytest.mark.parametrize(
    ("request_head", "cleaned"),
    [
        (b"GET /\r\nHost: a\r\nCookie: jar=1\r\n\r\n", b"GET /\r\nHost: a\r\n\r\n"),
        (b"GET /\r\nCookie: own=1\r\nX: y\r\n\r\n", b"GET /\r\nCookie: own=1\r\nX: y\r\n\r\n"),
        (b"GET /\r\nCookie: own=1\r\nX: y\r\ncookie: jar=1\r\n\r\n", b"GET /\r\nCookie: own=1\r\nX: y\r\n\r\n"),
        (b"GET /\r\nHost: a\r\n\r\n", b"GET /\r\nHost: a\r\n\r\n"),
    ],
)
def test_the_cookie_of_the_librarys_jar_is_taken_out(request_head: bytes, cleaned: bytes) -> None:
    assert Request.without_foreign_cookies(request_head) == cleaned


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"HTTP/1.1 101 x\r\nA: b\r\n\r\nrest", (b"HTTP/1.1 101 x\r\nA: b", b"rest")),
        (b"HTTP/1.1 101 x\nA: b\n\nrest", (b"HTTP/1.1 101 x\nA: b", b"rest")),
        (b"HTTP/1.1 101 x\r\n\r\n", (b"HTTP/1.1 101 x", b"")),
        (b"HTTP/1.1 101 x\r\nA: b\r\n", None),
        (b"", None),
    ],
)
def test_the_head_ends_at_the_empty_line(data: bytes, parts: tuple[bytes, bytes] | None) -> None:
    assert split_head(data) == parts


def test_a_head_is_parsed_without_its_cookies() -> None:
    head = parse_head(
        b"HTTP/1.0 429 Slow\r\nRetry-After: 7\r\nSET-Cookie: a=secret\r\nVary: a\r\nvary:  b \r\nX-\xe9: \xe9", "u"
    )
    assert head == Head(429, {"retry-after": "7", "vary": "a, b", "x-\xe9": "\xe9"})


@pytest.mark.parametrize("line", [b"HTTP/1.1 101", b"HTTP/1.1 101 Switching Protocols"])
def test_a_status_line_needs_no_phrase(line: bytes) -> None:
    assert parse_head(line, "u").status == 101


@pytest.mark.parametrize("line", [b"SSH-2.0 101 x", b"HTTP/2 101 x", b"HTTP/1.1 1010", b"HTTP/1.1 abc", b"", b"\xff"])
def test_what_is_not_http_is_refused(line: bytes) -> None:
    with pytest.raises(ConnectError, match="u: the answer to the handshake is not HTTP"):
        parse_head(line, "u")


def test_a_line_without_a_colon_is_refused() -> None:
    with pytest.raises(ConnectError, match="has no colon") as caught:
        parse_head(b"HTTP/1.1 503 x\r\nA: b\r\nnonsense", "u")
    assert caught.value.status_code == 503


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ({}, BODY_LIMIT),
        ({"content-length": "12"}, 12),
        ({"content-length": "99999999"}, BODY_LIMIT),
        ({"content-length": "9" * 5000}, BODY_LIMIT),
        ({"content-length": "-3"}, BODY_LIMIT),
        ({"content-length": "many"}, BODY_LIMIT),
        ({"content-length": "²"}, BODY_LIMIT),
    ],
)
def test_how_much_of_a_body_is_read(headers: dict[str, str], length: int) -> None:
    assert body_length(Head(500, headers)) == length


@pytest.mark.parametrize("offered", [None, "json"])
def test_a_good_answer_is_accepted_with_or_without_an_offer(offered: str | None) -> None:
    judge(Head(101, GOOD), asked(offered))


def test_a_named_subprotocol_is_accepted_whatever_its_case() -> None:
    judge(Head(101, changed(sec_websocket_protocol="JSON")), asked("json"))


@pytest.mark.parametrize(
    ("headers", "rule"),
    [
        (changed(upgrade=None), "header Upgrade"),
        (changed(upgrade="h2c"), "header Upgrade"),
        (changed(connection=None), "header Connection"),
        (changed(connection="close, upgraded"), "header Connection"),
        (changed(sec_websocket_accept=None), "header Sec-WebSocket-Accept"),
        (changed(sec_websocket_accept=ACCEPT.lower()), "header Sec-WebSocket-Accept"),
        (changed(sec_websocket_accept=f"{ACCEPT}, {ACCEPT}"), "header Sec-WebSocket-Accept"),
        (changed(sec_websocket_extensions="permessage-deflate"), "header Sec-WebSocket-Extensions"),
        (changed(sec_websocket_protocol="other"), "header Sec-WebSocket-Protocol"),
        (changed(sec_websocket_protocol="json, other"), "header Sec-WebSocket-Protocol"),
    ],
)
def test_the_broken_rule_is_named(headers: dict[str, str], rule: str) -> None:
    with pytest.raises(ConnectError, match=f"ws://shown.test: .*{rule}") as caught:
        judge(Head(101, headers), asked("json"))
    assert caught.value.status_code == 101
    assert caught.value.headers == headers


def test_a_subprotocol_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(ConnectError, match="Sec-WebSocket-Protocol"):
        judge(Head(101, changed(sec_websocket_protocol="json")), asked())


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 399])
def test_a_redirect_is_refused(status: int) -> None:
    with pytest.raises(ConnectError, match="redirect refused") as caught:
        judge(Head(status, {"location": "ws://elsewhere.test"}), asked())
    assert caught.value.status_code == status


@pytest.mark.parametrize("status", [100, 200, 204, 400, 401, 403, 404, 429, 500, 503])
def test_any_other_status_is_refused(status: int) -> None:
    with pytest.raises(ConnectError, match=f"answered the handshake with status {status}") as caught:
        judge(Head(status, {"x": "y"}), asked())
    assert (caught.value.status_code, caught.value.headers) == (status, {"x": "y"})


def test_the_library_sees_a_plain_answer() -> None:
    assert plain_head(Head(101, changed(x_other="y", sec_websocket_protocol="json"))) == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + ACCEPT.encode() + b"\r\n\r\n"
    )
