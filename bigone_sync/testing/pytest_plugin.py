"""Fixtures for testing a bot against the local exchange.

Ask for them in the ``conftest.py`` at the top of your tests; they are not registered by installing the package::

    pytest_plugins = ["bigone_sync.testing.pytest_plugin"]

and use them::

    def test_my_bot_survives_a_dead_path(no_leaks, local_exchange, fault_proxy):
        with SpotClient(url=fault_proxy.url) as client:
            ...
            fault_proxy.blackhole()

``local_exchange`` and ``fault_proxy`` need the extra ``sim`` (``pip install bigone_sync[sim]``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from bigone_sync.testing.leaks import Census, assert_no_leaks, census
from bigone_sync.testing.proxy import FaultProxy

if TYPE_CHECKING:
    from bigone_sync.testing.exchange import LocalExchange

__all__ = ["fault_proxy", "leak_timeout", "local_exchange", "no_leaks"]


@pytest.fixture
def leak_timeout() -> float:
    """Seconds that ``no_leaks`` gives threads and sockets to end; override the fixture to change it."""
    return 20.0


@pytest.fixture
def no_leaks(leak_timeout: float) -> Iterator[Census]:
    """Fail the test if it leaves a thread, a socket or another descriptor behind.

    Name it first among the arguments: what is set up after it is closed before it looks. Yields the census taken
    before the test.
    """
    before = census()
    yield before
    assert_no_leaks(before, leak_timeout)


@pytest.fixture
def local_exchange(request: pytest.FixtureRequest) -> Iterator[LocalExchange]:
    """A started local exchange with seed 1 and the credentials ``("key", "secret")``; closed after the test."""
    _take_census_first(request)
    from bigone_sync.testing.exchange import LocalExchange  # here, since it needs the extra ``sim``

    with LocalExchange(seed=1, credentials=("key", "secret")) as exchange:
        yield exchange


@pytest.fixture
def fault_proxy(local_exchange: LocalExchange) -> Iterator[FaultProxy]:
    """A healthy :class:`FaultProxy` in front of the spot socket of ``local_exchange``; closed after the test."""
    with FaultProxy(local_exchange.spot_url) as proxy:
        yield proxy


def _take_census_first(request: pytest.FixtureRequest) -> None:
    """Set up ``no_leaks`` now if the test wants it at all, in whatever order it named its fixtures."""
    if "no_leaks" in request.fixturenames:
        request.getfixturevalue("no_leaks")
