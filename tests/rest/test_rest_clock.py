"""The exchange's clock: measured, followed, and doubted when a token is refused."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_rig import CREDENTIALS, ORDER, PING, READ, Rest, Task, nonce
from rest_server import Asked, RestServer, answer

from bigone_sync.auth import Credentials
from bigone_sync.clock import ClockOffset, ServerClock
from bigone_sync.config import Timeouts
from bigone_sync.errors import ConfigurationError, ConnectionClosed, DecodeError, RestError
from bigone_sync.rest._clock import ClockKeeper, measure, read_ping

S = 1_000_000_000
T = 1_700_000_000 * S
MakeRest = Callable[..., Rest]


@pytest.mark.parametrize(
    "body",
    [{"Timestamp": T}, {"timestamp": T}, {"code": 0, "data": {"Timestamp": T}}, {"data": {"timestamp": str(T)}}],
)
def test_a_time_is_found(body: object) -> None:
    assert read_ping(json.dumps(body).encode()) == T


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>", b"[]", b"7", b"{}", b'{"data":[]}', b'{"Timestamp":null}', b'{"Timestamp":true}', b"[" * 99999]
    + [
        b'{"Timestamp":1700000000000}',
        b'{"Timestamp":1.7e18}',
        b'{"Timestamp":"soon"}',
        b'{"Timestamp":"%s"}' % (b"9" * 9999),
    ],
)
def test_anything_else_is_no_time(data: bytes) -> None:
    with pytest.raises(DecodeError, match="no Unix time"):
        read_ping(data)


class Course:
    """A machine whose clock and monotonic clock go as a test says: each ping takes the next of the steps."""

    def __init__(self, *steps: tuple[float, float, float]) -> None:
        """There, back, and by how much the clock was set meanwhile (seconds)."""
        self.steps = iter(steps)
        self.wall, self.mono = T, 5 * S

    def ping(self, left: float) -> bytes:
        there, back, jump = next(self.steps)
        self.pass_(there)
        server = self.mono - 5 * S + T + 7 * S
        self.pass_(back)
        self.wall += int(jump * S)
        return json.dumps({"Timestamp": server}).encode()

    def pass_(self, seconds: float) -> None:
        self.wall += int(seconds * S)
        self.mono += int(seconds * S)

    def measure(self, samples: int, seconds: float = 99.0) -> ClockOffset:
        return measure(self.ping, lambda: self.wall, samples=samples, seconds=seconds, monotonic=lambda: self.mono)


def test_the_shortest_round_trip_wins() -> None:
    offset = Course((0.5, 0.1, 0), (0.02, 0.04, 0), (0.1, 0.5, 0)).measure(3)
    assert offset == pytest.approx(7 - 0.01)
    assert offset.round_trip == pytest.approx(0.06)
    assert offset.error_bound == pytest.approx(0.03)


def test_a_sample_during_which_the_clock_was_set_is_discarded() -> None:
    course = Course((0.2, 0.2, 0), (0.01, 0.01, 30))
    assert course.measure(2) == pytest.approx(7)
    with pytest.raises(RestError, match="was set meanwhile"):
        Course((0.01, 0.01, 30), (0.01, 0.01, -30)).measure(2)


def test_what_was_measured_before_a_failure_counts() -> None:
    course = Course((0.1, 0.1, 0))
    good = course.ping

    def ping(left: float) -> bytes:
        try:
            return good(left)
        except StopIteration:
            raise RestError("no more") from None

    course.ping = ping  # type: ignore[method-assign]
    assert course.measure(5) == pytest.approx(7)
    with pytest.raises(RestError, match="no more"):
        course.measure(5)


@pytest.mark.parametrize("samples", [0, -1, 101, True, 1.0])
def test_wrong_samples_are_told(samples: Any) -> None:
    with pytest.raises(ConfigurationError, match="samples"):
        Course().measure(samples)


@pytest.fixture
def rest(server: RestServer) -> Iterator[MakeRest]:
    """Makes an object that is closed after the test; the server's clock is an hour ahead."""
    made: list[Rest] = []
    server.routes["/ping"] = lambda asked: answer(200, {"code": 0, "data": {"Timestamp": time.time_ns() + 3600 * S}})

    def build(credentials: Credentials | None = CREDENTIALS, **options: Any) -> Rest:
        made.append(Rest(credentials, **{"url": server.url, "ping_url": f"{server.url}/ping", **options}))
        return made[-1]

    yield build
    for one in made:
        one.close()


def paths(server: RestServer) -> list[str]:
    return [asked.target for asked in server.asked]


def test_the_clock_is_measured_on_demand(server: RestServer, rest: MakeRest) -> None:
    with rest(None) as one:
        offset = one.measure_clock(samples=3)
        assert one.clock.offset is offset
        assert abs(offset - 3600) <= offset.error_bound + 1e-3
    assert paths(server) == ["/ping"] * 3
    assert {asked.connection for asked in server.asked} == {0}


@pytest.mark.parametrize(("body", "kind"), [(b"<html>", DecodeError), (None, RestError)])
def test_garbage_moves_no_clock(server: RestServer, rest: MakeRest, body: bytes | None, kind: type) -> None:
    server.routes["/ping"] = lambda asked: answer(404) if body is None else answer(200, body)
    one = rest()
    with pytest.raises(kind):
        one.measure_clock()
    assert one.clock.offset is None


def test_before_the_first_private_call_the_clock_is_measured_once(server: RestServer, rest: MakeRest) -> None:
    one = rest()
    one._send(PING)
    assert one.clock.offset is None
    server.asked.clear()
    tasks = [Task(lambda: one._send(READ)) for _ in range(4)]
    for task in tasks:
        assert task.join().error is None
    one._send(ORDER)
    assert paths(server)[:5] == ["/ping"] * 5
    assert "/ping" not in paths(server)[5:]
    for asked in server.asked[5:]:
        assert nonce(asked.headers["authorization"]) > time.time_ns() + 3500 * S
    # Another object with the same clock knows it already.
    other = rest(clock=one.clock)
    server.asked.clear()
    other._send(READ)
    assert paths(server) == ["/viewer/orders"]


def test_a_clock_that_cannot_be_read_stops_nobody(
    server: RestServer, rest: MakeRest, caplog: pytest.LogCaptureFixture
) -> None:
    server.routes["/ping"] = lambda asked: answer(404)
    one = rest()
    one._send(READ)
    one._send(READ)
    assert paths(server) == ["/ping", "/viewer/orders", "/viewer/orders"]
    assert [record.levelno for record in caplog.records if record.name == "bigone_sync.rest"] == [logging.WARNING]


def test_it_is_tried_again_later_and_not_too_often() -> None:
    now, tried = [0.0], []
    clock = ServerClock()

    def fail(seconds: float) -> ClockOffset:
        tried.append(seconds)
        raise RestError("no")

    keeper = ClockKeeper(clock, fail, monotonic=lambda: now[0])
    for now[0] in (0.0, 9.9, 10.0, 15.0, 20.0):
        keeper.prepare(8.0)
    assert tried == [4.0] * 3


def refused(asked: Asked) -> bytes:
    return answer(401, {"code": 40004, "message": "Unauthorized"})


@pytest.mark.parametrize(
    "refusal",
    [
        answer(401, b""),
        answer(400, {"code": 40107}),
        answer(401, {"code": 40106}),
        answer(403, {"anomaly": "anomaly.token/invalid"}),
    ],
)
def test_a_refused_read_is_made_again_if_the_clock_was_off(server: RestServer, rest: MakeRest, refusal: bytes) -> None:
    one = rest()
    one.clock.correct(ClockOffset(0.0, round_trip=0.01))
    server.script(refusal, answer(200, b"done"))
    assert one._send(READ).data == b"done"
    assert paths(server) == ["/viewer/orders", *["/ping"] * 5, "/viewer/orders"]
    assert nonce(server.asked[-1].headers["authorization"]) > time.time_ns() + 3500 * S


def test_a_refused_order_is_never_made_again(server: RestServer, rest: MakeRest) -> None:
    one = rest()
    one.clock.correct(ClockOffset(0.0, round_trip=0.01))
    server.routes["/viewer/orders"] = refused
    with pytest.raises(RestError) as caught:
        one._send(ORDER)
    assert paths(server) == ["/viewer/orders", *["/ping"] * 5]
    assert str(caught.value).endswith(one.clock.skew)
    assert (caught.value.status_code, caught.value.code, caught.value.reason) == (401, 40004, "Unauthorized")


def test_if_the_clock_was_right_it_is_told(server: RestServer, rest: MakeRest) -> None:
    one = rest()
    server.routes["/viewer/orders"] = refused
    for _ in range(2):
        with pytest.raises(RestError, match="behind the exchange's") as caught:
            one._send(READ)
    assert str(caught.value).endswith(one.clock.skew)
    # The second time nobody is asked again: the clock was read a moment ago.
    assert paths(server) == [*["/ping"] * 5, "/viewer/orders", *["/ping"] * 5, "/viewer/orders"]


def test_other_refusals_are_left_as_they_are(server: RestServer, rest: MakeRest) -> None:
    one = rest()
    server.script(answer(403, {"code": 10403, "message": "address"}))
    with pytest.raises(RestError) as caught:
        one._send(READ)
    assert str(caught.value).endswith("status 403, code 10403: address")
    assert paths(server) == [*["/ping"] * 5, "/viewer/orders"]


def test_abort_ends_the_first_measurement_for_all(server: RestServer, rest: MakeRest) -> None:
    over = threading.Event()

    def slow(asked: Asked) -> bytes:
        over.wait(20)
        return b""

    server.routes["/ping"] = slow
    one = rest()
    tasks = [Task(lambda: one._send(READ)) for _ in range(3)]
    server.wait_for(1)
    one.abort()
    over.set()
    for task in tasks:
        assert isinstance(task.join().error, ConnectionClosed)
    assert set(paths(server)) == {"/ping"}


def test_private_calls_need_credentials(rest: MakeRest) -> None:
    with pytest.raises(ConfigurationError, match=r"Credentials\.from_env\(\)") as caught:
        rest(None)._send(READ)
    assert caught.value.argument == "credentials"


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ws://h"},
        {"ping_url": "h"},
        {"clock": time.time_ns},
        {"timeouts": 3},
        {"headers": 3},
        {"proxy": "ftp://h"},
    ]
    + [{"token_variant": "x"}, {"retries": 99}, {"limit": 0}],
    ids=str,
)
def test_wrong_arguments_are_told_at_once(rest: MakeRest, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        rest(**options)


def test_the_timeouts_are_those_given(rest: MakeRest) -> None:
    assert rest(timeouts=Timeouts(connect=1, reply=2))._http.patience == 3
