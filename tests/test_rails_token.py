"""The cache of access tokens, on a clock that the tests turn (Rails protocol, section 1.4)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from bigone_sync.errors import AuthenticationError, ConnectionClosed, RateLimited, RestError
from bigone_sync.rails_token import RailsTokens
from bigone_sync.testing.leaks import leak_check, wait_until

URL = "https://auth.test"
PATIENCE = 30.0


class Rig:
    """A cache, its clock, and a fetch that may be held up."""

    def __init__(self, pool: ThreadPoolExecutor, life: float = 1800.0) -> None:
        self.now, self.life = 1000.0, life
        self.tokens = RailsTokens(URL, "key-of-the-tests", clock=lambda: self.now)
        self.fetched = 0
        self.failures: list[Exception] = []
        """Of the next fetches."""
        self.gate = threading.Event()
        self.gate.set()
        self._pool = pool

    def fetch(self) -> tuple[str, float]:
        self.fetched += 1
        token, failure = f"token-{self.fetched}", self.failures.pop(0) if self.failures else None
        assert self.gate.wait(PATIENCE)
        if failure is not None:
            raise failure
        return token, self.life

    def get(self, left: float | Callable[[], float] = PATIENCE) -> str:
        return self.tokens.get(self.fetch, left if callable(left) else lambda: left)

    def begin(self, left: float | Callable[[], float] = PATIENCE) -> Future[str]:
        return self._pool.submit(self.get, left)

    def begin_several(self, count: int) -> list[Future[str]]:
        """One that fetches and others that wait for it, with the gate closed."""
        self.gate.clear()
        tasks = [self.begin()]
        wait_until(lambda: self.fetched == 1)
        tasks += [self.begin() for _ in range(count - 1)]
        wait_until(lambda: self.tokens.waiting == count - 1)
        return tasks


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with leak_check(), ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.fixture
def rig(pool: ThreadPoolExecutor) -> Iterator[Rig]:
    rig = Rig(pool)
    yield rig
    rig.gate.set()


@pytest.mark.parametrize(("life", "margin"), [(1800.0, 120.0), (1200.0, 120.0), (600.0, 60.0), (10.0, 1.0)])
def test_a_token_is_renewed_before_its_end(rig: Rig, life: float, margin: float) -> None:
    rig.life = life
    assert rig.get() == "token-1"
    rig.now += life - margin - 0.01
    assert rig.get() == "token-1"
    rig.now += 0.02
    assert rig.get() == "token-2"


def test_its_life_is_counted_from_before_it_was_asked_for(rig: Rig) -> None:
    def slow() -> tuple[str, float]:
        rig.now += 100
        return "slow", 1800.0

    assert rig.tokens.get(slow, lambda: PATIENCE) == "slow"
    rig.now += 1800 - 120 - 100 - 0.01
    assert rig.get() == "slow"
    rig.now += 0.02
    assert rig.get() == "token-1"


def test_one_thread_fetches_and_the_others_wait_for_it(rig: Rig) -> None:
    tasks = rig.begin_several(6)
    rig.gate.set()
    assert {task.result(PATIENCE) for task in tasks} == {"token-1"}
    assert rig.fetched == 1


@pytest.mark.parametrize(
    "failure", [AuthenticationError("no"), RestError("no", status_code=429), RestError("no", status_code=500)]
)
def test_an_answer_that_refuses_is_told_to_all_that_waited(rig: Rig, failure: Exception) -> None:
    rig.failures = [failure]
    failure.__cause__ = ValueError("why")
    tasks = rig.begin_several(4)
    rig.gate.set()
    errors = [task.exception(PATIENCE) for task in tasks]
    assert rig.fetched == 1
    assert len({id(error) for error in errors}) == 4
    for error in errors:
        assert (type(error), str(error)) == (type(failure), "no")
        assert error is not None
        assert error.__cause__ is failure.__cause__
    assert rig.get() == "token-2"


@pytest.mark.parametrize("failure", [RestError("no", reason="reset"), ConnectionClosed("mine"), KeyError("x")])
def test_what_befell_one_alone_is_not_told_to_the_others(rig: Rig, failure: Exception) -> None:
    rig.failures = [failure]
    first, *others = rig.begin_several(3)
    rig.gate.set()
    assert first.exception(PATIENCE) is failure
    assert [task.result(PATIENCE) for task in others] == ["token-2"] * 2
    assert rig.fetched == 2


def test_who_waits_has_a_deadline(rig: Rig) -> None:
    (first,) = rig.begin_several(1)
    left = iter([0.001, 0.0])
    with pytest.raises(RestError, match="did not come in time") as caught:
        rig.get(lambda: next(left))
    assert (caught.value.reason, caught.value.status_code, caught.value.url) == ("timeout", None, URL)
    rig.gate.set()
    assert first.result(PATIENCE) == "token-1"


def test_what_left_raises_ends_the_wait(rig: Rig) -> None:
    (first,) = rig.begin_several(1)
    closed = threading.Event()

    def left() -> float:
        if closed.is_set():
            raise ConnectionClosed("closed")
        return PATIENCE

    waiting = rig.begin(left)
    wait_until(lambda: rig.tokens.waiting == 1)
    closed.set()
    rig.tokens.wake()
    assert isinstance(waiting.exception(PATIENCE), ConnectionClosed)
    rig.gate.set()
    assert first.result(PATIENCE) == "token-1"


def test_a_token_that_is_refused_several_times_is_replaced_once(rig: Rig) -> None:
    old = rig.get()
    rig.tokens.refuse(old)
    new = rig.get()
    rig.tokens.refuse(old)
    assert rig.get() == new == "token-2"
    rig.tokens.forget()
    assert rig.get() == "token-3"


def use_up(rig: Rig) -> None:
    for number in range(20):
        rig.tokens.forget()
        assert rig.get() == f"token-{number + 1}"
        rig.now += 1
    rig.tokens.forget()


def test_no_more_than_twenty_lie_in_any_minute(rig: Rig) -> None:
    use_up(rig)
    with pytest.raises(RateLimited, match=r"not sent: 20 .* room again in 40 s") as caught:
        rig.get(39.9)
    assert caught.value.retry_in == pytest.approx(40)
    assert rig.fetched == 20
    waiting = rig.begin(40.1)
    wait_until(lambda: rig.tokens.waiting == 1)
    rig.now += 40.05
    rig.tokens.wake()
    assert waiting.result(PATIENCE) == "token-21"


def test_attempts_of_one_fetch_are_counted_too(rig: Rig) -> None:
    def stubborn() -> tuple[str, float]:
        while True:
            rig.now += 1
            rig.tokens.admit(lambda: 1.0)

    with pytest.raises(RateLimited):
        rig.tokens.get(stubborn, lambda: 1.0)
    # One of the beginning, and nineteen more; each counts from when the next began.
    assert rig.now == 1020
    rig.now += 61
    assert rig.get() == "token-1"


def test_a_request_counts_until_a_minute_after_its_answer(rig: Rig) -> None:
    def slow() -> tuple[str, float]:
        rig.now += 50
        return "slow", 1800.0

    for _ in range(20):
        rig.tokens.forget()
        rig.tokens.get(slow if rig.now == 1000 else rig.fetch, lambda: PATIENCE)
    rig.tokens.forget()
    rig.now = 1061
    with pytest.raises(RateLimited):
        rig.get(40)


def test_one_for_each_key_and_address() -> None:
    one = RailsTokens.of(f"{URL}/", "shared-key")
    assert RailsTokens.of(URL, "shared-key") is one
    assert RailsTokens.of(URL, "other-key") is not one
    assert RailsTokens.of("https://other.test", "shared-key") is not one
    assert repr(one) == f"RailsTokens({URL!r}, api_key='shar…')"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_begins_anew() -> None:
    parents: Any = RailsTokens.of(URL, "forked-key")
    with parents._condition:  # whoever else held it would hold it for ever in the child
        child = os.fork()
        if child == 0:
            mine = RailsTokens.of(URL, "forked-key")
            good = mine is not parents and mine.get(lambda: ("own", 1.0), lambda: 1.0) == "own"
            os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
