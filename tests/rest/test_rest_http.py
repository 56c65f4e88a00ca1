"""One call: what is sent, what comes back, and what is tried again."""

from __future__ import annotations

import gzip
import itertools
import threading
from collections.abc import Callable

import pytest
from rest_rig import ORDER, PING, READ, Task, nonce
from rest_server import Peer, RestServer, answer

from bigone_sync.errors import ConfigurationError, OutcomeUnknown, RestError
from bigone_sync.rest import _connections, _sending
from bigone_sync.rest._http import Call, Http
from bigone_sync.testing.leaks import wait_until

Make = Callable[..., Http]
SLOW = {"connect_timeout": 5.0, "read_timeout": 0.2}


def test_a_call_is_sent_and_answered(server: RestServer, make: Make) -> None:
    http = make(server.url + "/api/", headers={"X-Mine": "yes"})
    server.script(answer(200, {"code": 0}))
    call = Call(method="GET", path="/a%2Fb", query=[("pair", "A-B"), ("t", "1 2&")])
    got = http.send(call)
    assert (got.status, got.data) == (200, b'{"code": 0}')
    assert got.endpoint == f"GET {server.url}/api/a%2Fb"
    asked = server.asked[0]
    assert (asked.method, asked.target) == ("GET", "/api/a%2Fb?pair=A-B&t=1+2%26")
    assert asked.headers["x-mine"] == "yes"
    assert asked.headers["user-agent"].startswith("bigone_sync/")
    assert "authorization" not in asked.headers


def test_a_private_call_has_a_token_and_its_body(server: RestServer, make: Make) -> None:
    make(server.url, headers={"authorization": "Bearer mine"}).send(ORDER)
    asked = server.asked[0]
    assert asked.body == ORDER.body
    assert asked.headers["content-type"] == "application/json"
    assert nonce(asked.headers["authorization"])


def test_whole_urls_are_taken_and_the_connection_is_kept(server: RestServer, make: Make) -> None:
    http = make("http://127.0.0.1:9")
    for _ in range(3):
        assert http.send(Call(method="GET", path=server.url + "/ping")).endpoint == f"GET {server.url}/ping"
    assert [asked.connection for asked in server.asked] == [0, 0, 0]


@pytest.mark.parametrize(
    "raw",
    [
        answer(200, gzip.compress(b"text"), "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nte\r\n2\r\nxt\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\ntext",
        answer(200, b"text", close=True),
    ],
    ids=["gzip", "chunked", "until the end", "close"],
)
def test_bodies_come_in_all_forms(server: RestServer, make: Make, raw: bytes) -> None:
    def say(peer: Peer) -> None:
        peer.send(raw)
        if b"1.0" in raw:
            peer.close()

    server.script(say)
    assert make(server.url).send(PING).data == b"text"


def test_a_read_is_tried_again_with_a_fresh_token(server: RestServer, make: Make) -> None:
    server.script(answer(503), answer(429), answer(500), answer(200, b"done"))
    assert make(server.url).send(READ).data == b"done"
    nonces = [nonce(asked.headers["authorization"]) for asked in server.asked]
    assert len(nonces) == 4
    assert nonces == sorted(set(nonces))


def half(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    peer.close()


@pytest.mark.parametrize("ending", [Peer.close, Peer.reset, half], ids=["close", "reset", "half"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_what_may_be_repeated_is_after_a_broken_connection(
    server: RestServer, make: Make, ending: Callable[[Peer], None], method: str
) -> None:
    server.script(ending, ending, answer(200, b"done"))
    assert make(server.url).send(Call(method=method, path="/x", is_private=True)).data == b"done"
    assert len({nonce(asked.headers["authorization"]) for asked in server.asked}) == 3


def test_silence_is_tried_again(server: RestServer, make: Make) -> None:
    # A busy machine may be too late more than once.
    server.script(Peer.wait_for_end, *[answer(200, b"done")] * 10)
    assert make(server.url, retries=10, **SLOW).send(READ, timeout=20).data == b"done"


def test_the_last_answer_is_told_when_no_attempt_is_left(server: RestServer, make: Make) -> None:
    server.script(*[answer(429, {"code": 10429, "message": "slow down"}, "Retry-After: 0")] * 3)
    with pytest.raises(RestError) as caught:
        make(server.url, retries=2).send(READ)
    assert len(server.asked) == 3
    error = caught.value
    assert (error.status_code, error.code, error.reason) == (429, 10429, "slow down")
    assert str(error) == (
        f"GET {server.url}/viewer/orders: status 429, code 10429: slow down (after 3 attempts); too many requests;"
        " Retry-After: 0"
    )


@pytest.mark.parametrize("asked_for", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT", "9" * 5000])
def test_a_pause_past_the_deadline_is_not_made(server: RestServer, make: Make, asked_for: str) -> None:
    server.script(answer(503, {"anomaly": "anomaly.trades/stopped"}, f"Retry-After: {asked_for}"), answer(418))
    with pytest.raises(RestError) as caught:
        make(server.url).send(READ)
    # What cannot be read as a time to wait is not there, and the next attempt is made.
    assert caught.value.status_code == (418 if len(asked_for) > 100 else 503)


def test_a_pause_that_was_asked_for_is_made(server: RestServer, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(_sending.Sending, "pause", lambda self, seconds: pauses.append(seconds))
    server.script(answer(429, b"{}", "Retry-After: 7"), answer(503), answer(429, b"{}", "Retry-After: soon"))
    make(server.url, backoff=1.0).send(READ)
    assert pauses[0] == 7
    assert 1 <= pauses[1] <= 2
    assert 4 <= pauses[2] <= 8


@pytest.mark.parametrize("status", [500, 502, 503, 504, 521])
def test_an_order_is_sent_once_and_a_server_error_leaves_it_open(server: RestServer, make: Make, status: int) -> None:
    server.script(answer(status, {"code": 10005, "message": "internal"}, "Retry-After: 0"))
    with pytest.raises(OutcomeUnknown, match=f"status {status}, code 10005: internal") as caught:
        make(server.url).send(ORDER)
    assert len(server.asked) == 1
    assert caught.value.client_request_id == "mine-1"
    assert caught.value.command == f"POST {server.url}/viewer/orders"
    assert isinstance(caught.value.__cause__, RestError)
    assert caught.value.__cause__.status_code == status


@pytest.mark.parametrize("status", [302, 400, 403, 404, 409, 413, 429])
def test_an_order_that_was_refused_is_not_sent_again(server: RestServer, make: Make, status: int) -> None:
    server.script(answer(status, {"code": 10014}, "Retry-After: 0", "Location: /elsewhere"))
    with pytest.raises(RestError) as caught:
        make(server.url).send(ORDER)
    assert (caught.value.status_code, caught.value.code, len(server.asked)) == (status, 10014, 1)


def nonsense(peer: Peer) -> None:
    peer.send(b"SSH-2.0-whatever\r\n\r\n")
    peer.close()


@pytest.mark.parametrize(
    "ending", [Peer.close, Peer.reset, half, nonsense, Peer.wait_for_end], ids=lambda one: one.__name__
)
def test_an_order_without_an_answer_is_open(server: RestServer, make: Make, ending: Callable[[Peer], None]) -> None:
    server.script(ending)
    with pytest.raises(OutcomeUnknown, match="whether it was carried out is not known") as caught:
        make(server.url, **SLOW).send(ORDER)
    server.wait_for(1)
    assert len(server.asked) == 1
    assert caught.value.client_request_id == "mine-1"
    assert caught.value.__cause__ is not None


def test_an_order_takes_a_new_connection_if_the_kept_one_is_dead(server: RestServer, make: Make) -> None:
    http = make(server.url)

    def bye(peer: Peer) -> None:
        peer.send(answer())
        peer.close()

    for _ in range(5):
        server.script(bye)
        http.send(PING)
        kept = [connection for connection in _pooled(http) if connection.sock is not None]
        wait_until(lambda kept=kept: not kept or not kept[0].is_connected)  # type: ignore[misc]
        http.send(ORDER)
    assert [asked.method for asked in server.asked] == ["GET", "POST"] * 5


def _pooled(http: Http) -> list[object]:
    pools = http._adapter.poolmanager.pools
    return [one for key in pools.keys() for one in pools[key].pool.queue if one is not None]  # noqa: SIM118


@pytest.mark.parametrize("call", [READ, ORDER], ids=["read", "order"])
def test_a_connection_that_was_idle_for_long_is_not_used(
    server: RestServer, make: Make, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    http = make(server.url)
    http.send(PING)
    http.send(call)
    monkeypatch.setattr(_connections, "_IDLE", -1.0)
    http.send(call)
    assert [asked.connection for asked in server.asked] == [0, 0, 1]


def test_redirects_are_not_followed(server: RestServer, make: Make) -> None:
    server.script(answer(307, b"", f"Location: {server.url}/elsewhere"))
    with pytest.raises(RestError, match="status 307") as caught:
        make(server.url).send(READ)
    assert caught.value.status_code == 307
    assert len(server.asked) == 1


def test_cookies_are_not_kept(server: RestServer, make: Make) -> None:
    http = make(server.url)
    server.script(answer(200, b"{}", "Set-Cookie: a=b; Path=/"))
    http.send(PING)
    http.send(PING)
    assert "cookie" not in server.asked[1].headers


def test_no_netrc_is_read(
    server: RestServer, make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("home") / "netrc"
    path.write_text("machine 127.0.0.1 login ann password hush\n")
    monkeypatch.setenv("NETRC", str(path))
    http = make(server.url)
    http.send(PING)
    http.send(READ)
    assert "authorization" not in server.asked[0].headers
    assert server.asked[1].headers["authorization"].startswith("Bearer ")


@pytest.mark.parametrize(
    "part", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"]
)
@pytest.mark.parametrize("call", [READ, ORDER], ids=["read", "order"])
def test_a_trickle_ends_with_the_deadline(server: RestServer, make: Make, part: bytes, call: Call) -> None:
    over = threading.Event()

    def trickle(peer: Peer) -> None:
        try:
            peer.send(part)
            while not over.wait(0.005):
                peer.send(b"H")
        except OSError:
            peer.is_over = True

    server.script(*[trickle] * 4)
    try:
        with pytest.raises(
            OutcomeUnknown if call is ORDER else RestError, match="no complete answer in time"
        ) as caught:
            make(server.url).send(call, timeout=1.0)
    finally:
        over.set()
    assert isinstance(caught.value.__cause__, TimeoutError)
    assert getattr(caught.value, "reason", "timeout") == "timeout"
    assert len(server.asked) == 1


def test_a_trickling_error_is_bounded_too(server: RestServer, make: Make) -> None:
    over = threading.Event()

    def trickle(peer: Peer) -> None:
        try:
            peer.send(b"HTTP/1.1 503 No\r\nContent-Length: 999\r\n\r\n")
            while not over.wait(0.005):
                peer.send(b"x")
        except OSError:
            peer.is_over = True

    server.script(*[trickle] * 4)
    try:
        with pytest.raises(RestError) as caught:
            make(server.url).send(READ, timeout=1.0)
    finally:
        over.set()
    assert caught.value.reason == "timeout"


@pytest.mark.parametrize(
    "raw",
    [
        answer(200, b"x" * 2000),
        answer(200, gzip.compress(b"x" * 2000), "Content-Encoding: gzip"),
        answer(400, b"x" * 2000),
    ],
    ids=["plain", "gzip", "error"],
)
def test_a_body_over_the_limit_is_refused(
    server: RestServer, make: Make, raw: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sending, "MAX_BODY", 1000)
    server.script(raw)
    with pytest.raises(RestError, match="bigger than 16 MiB") as caught:
        make(server.url).send(PING)
    assert caught.value.reason == "size"
    assert len(server.asked) == 1


def test_a_broken_encoding_is_told(server: RestServer, make: Make) -> None:
    server.script(answer(200, b"no gzip", "Content-Encoding: gzip"))
    with pytest.raises(RestError) as caught:
        make(server.url).send(PING)
    assert caught.value.reason == "answer"


def test_threads_share_a_session_and_never_a_nonce(server: RestServer, make: Make) -> None:
    http = make(server.url)
    tasks = [Task(lambda: [http.send(READ) for _ in range(20)]) for _ in range(6)]
    for task in tasks:
        assert task.join().error is None
    assert len({nonce(asked.headers["authorization"]) for asked in server.asked}) == 120
    # On one connection requests come in the order in which they were signed.
    for _, group in itertools.groupby(sorted(server.asked, key=lambda one: one.connection), lambda one: one.connection):
        nonces = [nonce(asked.headers["authorization"]) for asked in group]
        assert nonces == sorted(nonces)


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"retries": -1}, "retries"),
        ({"retries": True}, "retries"),
        ({"retries": 11}, "retries"),
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"ssl_context": "no"}, "ssl_context"),
        ({"proxy": "socks5://h:1"}, "proxy"),
    ],
)
def test_wrong_arguments_are_told_at_once(make: Make, options: dict[str, object], argument: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make("http://127.0.0.1:9", **options)
    assert caught.value.argument == argument


@pytest.mark.parametrize("timeout", [0, -1, True, "1", float("inf"), float("nan")])
def test_a_wrong_timeout_is_told(make: Make, timeout: object) -> None:
    with pytest.raises(ConfigurationError, match="timeout"):
        make("http://127.0.0.1:9").send(PING, timeout=timeout)  # type: ignore[arg-type]
