"""The server's answer to the WebSocket handshake, judged before websocket-client sees it.

websocket-client follows redirects to any host with all headers, keeps cookies in a process-wide jar, has no bound on
the size of a head and cannot say which rule a bad answer broke.  So the answer is read and judged here, and what the
library gets is a plain 101 without cookies.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from ..errors import ConnectError

__all__ = [
    "HEAD_LIMIT",
    "BODY_LIMIT",
    "Head",
    "Request",
    "body_length",
    "body_of",
    "judge",
    "parse_head",
    "plain_head",
    "split_head",
]

HEAD_LIMIT = 16 * 1024
"""Bytes that a response head may have."""
BODY_LIMIT = 64 * 1024
"""Bytes of an error body that are kept."""

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\Z)")
_KEY = re.compile(rb"\r\nSec-WebSocket-Key:[ \t]*([^\r\n]+)", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]*\r\n")
_COOKIE = re.compile(rb"\r\nCookie:[^\r\n]*", re.IGNORECASE)


@dataclass(frozen=True)
class Request:
    """What we asked for."""

    url: str
    """Fit for messages."""
    key: str
    subprotocol: str | None
    any_subprotocol: bool = False
    """Whether the server may name another one."""

    @staticmethod
    def key_of(request: bytes) -> str:
        """The Sec-WebSocket-Key of a request on its way out."""
        found = _KEY.search(request)
        return found.group(1).strip().decode("ascii", "replace") if found else ""

    @staticmethod
    def without_foreign_cookies(request: bytes) -> bytes:
        """The request less the Cookie header that the library adds from its process-wide jar.

        Headers of our own come before it; the library's is the last one.
        """
        found = list(_COOKIE.finditer(request))
        if not found or not request[found[-1].end() :].startswith(b"\r\n\r\n"):
            return request
        last = found[-1]
        return request[: last.start()] + request[last.end() :]


@dataclass(frozen=True)
class Head:
    """A parsed response head."""

    status: int
    headers: dict[str, str]
    """Names in lower case; repeated headers joined with a comma; no cookies."""


def split_head(data: bytes) -> tuple[bytes, bytes] | None:
    """``data`` cut behind the head's empty line, or None if that has not come yet."""
    found = _END.search(data)
    return (data[: found.start()], data[found.end() :]) if found else None


def parse_head(head: bytes, url: str) -> Head:
    """The parsed head.

    Raises:
        ConnectError: it is not HTTP.
    """
    lines = re.split(rb"\r?\n", head)
    status = _STATUS.match(lines[0])
    if status is None:
        raise ConnectError(f"{url}: the answer to the handshake is not HTTP", url=url)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon:
            raise ConnectError(f"{url}: a header line of the answer has no colon", url=url, status_code=int(status[1]))
        field = name.decode("latin-1").strip().lower()
        if field == "set-cookie":
            continue
        text = value.decode("latin-1").strip()
        headers[field] = f"{headers[field]}, {text}" if field in headers else text
    return Head(int(status[1]), headers)


def body_length(head: Head) -> int:
    """How many bytes of an error body are worth reading."""
    text = head.headers.get("content-length", "")
    return min(int(text), BODY_LIMIT) if text.isascii() and text.isdigit() and len(text) < 12 else BODY_LIMIT


def body_of(head: Head, data: bytes) -> tuple[bytes, bool]:
    """An error body as far as ``data`` has it, and whether that is all of it or enough."""
    if head.headers.get("transfer-encoding", "").lower() == "chunked":
        return _unchunked(data)
    length = body_length(head)
    return data[:length], len(data) >= length


def _unchunked(data: bytes) -> tuple[bytes, bool]:
    content, pos = b"", 0
    while len(content) < BODY_LIMIT:
        chunk = _CHUNK.match(data, pos)
        if chunk is None:
            return content, False
        size = int(chunk[1], 16)
        if size == 0:
            return content, True
        content += data[chunk.end() : chunk.end() + size]
        pos = chunk.end() + size + 2
    return content[:BODY_LIMIT], True


def judge(head: Head, request: Request) -> None:
    """Nothing, if the answer accepts what we asked for (RFC 6455, section 4.1).

    A server that does not name a subprotocol is tolerated (spot protocol, section 1); one that names another is not.

    Raises:
        ConnectError: with the status and the rule that was broken.
    """
    status, headers = head.status, head.headers

    def error(text: str) -> ConnectError:
        return ConnectError(f"{request.url}: {text}", url=request.url, status_code=status, headers=headers)

    if 300 <= status < 400:
        raise error(f"redirect refused (status {status}): give the final URL")
    if status != 101:
        raise error(f"the server answered the handshake with status {status}")
    if headers.get("upgrade", "").lower() != "websocket":
        raise error("the answer does not upgrade to websocket (header Upgrade)")
    if "upgrade" not in [part.strip().lower() for part in headers.get("connection", "").split(",")]:
        raise error("the answer does not upgrade (header Connection)")
    digest = hashlib.sha1((request.key + _GUID).encode(), usedforsecurity=False).digest()
    if headers.get("sec-websocket-accept") != base64.b64encode(digest).decode():
        raise error("the answer's key is wrong (header Sec-WebSocket-Accept)")
    if "sec-websocket-extensions" in headers:
        raise error("the server chose an extension that was not offered (header Sec-WebSocket-Extensions)")
    chosen = headers.get("sec-websocket-protocol")
    if request.any_subprotocol or chosen is None:
        return
    if chosen.lower() != (request.subprotocol or "").lower():
        raise error("the server chose a subprotocol that was not offered (header Sec-WebSocket-Protocol)")


def plain_head(head: Head) -> bytes:
    """What the library gets to see of an answer that was accepted."""
    accept = head.headers["sec-websocket-accept"]
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ).encode("latin-1")
