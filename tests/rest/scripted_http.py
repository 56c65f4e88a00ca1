"""An HTTP server that gives the answers it was told to, by path, and keeps what it was asked, by parts.

It is for the calls of the API: what they ask, and what they make of answers that are right as HTTP.  ``rest_server``
is for what is not.
"""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from bigone_sync import Credentials

KEYS = Credentials("765fc50d-39e0-11f0-9669-5a69d7ba6f46", "testsecret")
SPOT, CONTRACT = "/api/v3", "/api/contract/v2"
JSON = "application/json"


@dataclass(frozen=True)
class Seen:
    """A request."""

    method: str
    path: str
    """Without the API's prefix."""
    query: list[tuple[str, str]]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def claims(self) -> dict[str, Any]:
        """Of its token, whose signature is checked."""
        scheme, _, token = self.headers["authorization"].partition(" ")
        assert scheme == "Bearer"
        signed, _, signature = token.rpartition(".")
        wanted = hmac.digest(KEYS.api_secret.encode(), signed.encode(), "sha256")
        assert base64.urlsafe_b64encode(wanted).rstrip(b"=") == signature.encode()
        payload = signed.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims


@dataclass(frozen=True)
class Reply:
    """An answer of another status than 200."""

    status: int
    body: bytes = b""


Answer = str | bytes | Reply | Callable[[Seen], "str | bytes | Reply"]


def wrapped(data: object, **more: object) -> str:
    """As spot wraps its answers."""
    return json.dumps({"code": 0, "data": data, **more})


class ScriptedServer:
    """Answers of each path, in order; one that is a function answers for ever."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._answers: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        self.seen: list[Seen] = []
        self.strays: list[str] = []
        """Requests that nobody had an answer for."""

    def on(self, path: str, *answers: Answer) -> ScriptedServer:
        """Answer requests of this path so."""
        self._answers.setdefault(path, []).extend(answers)
        return self

    @property
    def url(self) -> str:
        """Of the API."""
        return f"http://127.0.0.1:{self._server.server_port}{self._prefix}"

    @property
    def only(self) -> Seen:
        """The one request."""
        assert len(self.seen) == 1, [(seen.method, seen.path) for seen in self.seen]
        return self.seen[0]

    def take(self) -> list[Seen]:
        """The requests since the last time."""
        with self._lock:
            taken, self.seen = self.seen, []
        return taken

    def answer(self, seen: Seen) -> Reply:
        """What to say."""
        with self._lock:
            answers = self._answers.get(seen.path, [])
            if not answers and seen.path.endswith("/ping"):
                # The clock may be compared before a token is signed.
                return Reply(200, b'{"Timestamp":%d}' % time.time_ns())
            self.seen.append(seen)
            if not answers:
                self.strays.append(f"{seen.method} {seen.path}")
                return Reply(418)
            found = answers[0] if callable(answers[0]) else answers.pop(0)
        given = found(seen) if callable(found) else found
        return given if isinstance(given, Reply) else Reply(200, given.encode() if isinstance(given, str) else given)

    def __enter__(self) -> ScriptedServer:
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20
            # Headers and body in one segment: else each answer waits for the delayed acknowledgement of the first.
            wbufsize = -1

            def _serve(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                reply = script.answer(
                    Seen(
                        self.command,
                        path.removeprefix(script._prefix),
                        parse_qsl(query, keep_blank_values=True),
                        {name.lower(): value for name, value in self.headers.items()},
                        body,
                    )
                )
                self.send_response(reply.status)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
                self.wfile.flush()

            do_GET = do_POST = do_PUT = do_DELETE = _serve

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        assert self.strays == []


def asked_spot(server: ScriptedServer, method: str, path: str, *query: tuple[str, str], body: Any = None) -> None:
    """The one request was a signed one, for this."""
    seen = server.only
    assert (seen.method, seen.path, seen.query) == (method, path, list(query))
    assert seen.claims["type"] == "OpenAPIV2"
    assert seen.claims["sub"] == KEYS.api_key
    assert seen.claims["nonce"].isdigit()
    if body is None:
        assert seen.body == b""
        assert "content-type" not in seen.headers
    else:
        assert json.loads(seen.body) == body
        assert seen.headers["content-type"] == "application/json"


def asked_contract(server: ScriptedServer, method: str, path: str, *query: tuple[str, str], body: bytes = b"") -> None:
    """The one request was a signed one, for this."""
    seen = server.only
    assert (seen.method, seen.path, seen.query, seen.body) == (method, path, list(query), body)
    assert (seen.claims["type"], seen.claims["sub"]) == ("OpenAPIV2", KEYS.api_key)
    assert seen.headers.get("content-type") == ("application/json" if body else None)
