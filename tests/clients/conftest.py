"""Every test of the client runs over JSON and over protobuf; what a user sees is the same."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import client_rig
import pytest
from aiohttp import web
from client_rig import PATIENCE, in_thread, running
from rails_client_rig import rails, venue
from rails_commands_rig import Trader

from bigone_sync import process_wide
from bigone_sync.testing._spot_gate import SpotGate
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

ONE_CODEC = "one_codec"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{ONE_CODEC}: the test has nothing to do with frames, or is about one codec")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker(ONE_CODEC) is None:
        metafunc.parametrize("protocol", ["json", "proto"], indirect=True)


@pytest.fixture(autouse=True)
def protocol(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What the clients of this test speak; fails the test if one of them has offered something else.

    It is used by every test without being named: pytest drops a fixture that nobody uses, though it has parameters.
    """
    if not hasattr(request, "param"):  # the test is about one codec
        yield client_rig.PROTOCOL
        return
    offered: set[str | None] = set()
    serve = SpotGate.serve

    async def noting(gate: SpotGate, handshake: web.Request) -> web.StreamResponse:
        offered.add(handshake.headers.get("Sec-WebSocket-Protocol"))
        return await serve(gate, handshake)

    monkeypatch.setattr(SpotGate, "serve", noting)
    monkeypatch.setattr(client_rig, "PROTOCOL", request.param)
    yield request.param
    assert offered <= {request.param}


@pytest.fixture(autouse=True)
def _nothing_shared() -> Iterator[None]:
    """What the process shares by address, tokens above all, begins anew: a later exchange may get the same port."""
    yield
    process_wide._begin_anew()


@pytest.fixture
def still() -> Iterator[LocalExchange]:
    """An exchange in which something happens only on command."""
    with leak_check(), LocalExchange(rate=0) as exchange:
        yield exchange


@pytest.fixture
def on_signal() -> Iterator[Callable[[Callable[[], object], Callable[[int, Any], object]], None]]:
    """``on_signal(condition, react)``: once the condition holds, a signal handler reacts on the main thread."""
    before = signal.getsignal(signal.SIGINT)
    threads: list[threading.Thread] = []

    def arm(condition: Callable[[], object], react: Callable[[int, Any], object]) -> None:
        signal.signal(signal.SIGINT, react)

        def interrupt() -> None:
            wait_until(condition, PATIENCE)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

        threads.append(in_thread(interrupt))

    yield arm
    for thread in threads:
        thread.join(PATIENCE)
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """No thread and no socket is left behind; for modules that use it by mark."""
    with leak_check():
        yield


@pytest.fixture
def market() -> Iterator[LocalExchange]:
    """One that has Rails, in which something happens only on command."""
    with leak_check(), venue() as exchange:
        yield exchange


@pytest.fixture
def trader(market: LocalExchange) -> Iterator[Trader]:
    """One whose connection may be lost."""
    trader = Trader(rails(market, reconcile=False))
    with running(trader.client):
        yield trader
