"""A still exchange and connections to it; the other fixtures say what these are like, and can be overridden."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from spot_peer import ENCODINGS, Peer

from bigone_sync.testing.exchange import LocalExchange


@pytest.fixture
def balances() -> dict[str, Decimal] | None:
    """Of the account of ``still``; None: the default ones."""
    return None


@pytest.fixture
def still(balances: dict[str, Decimal] | None) -> Iterator[LocalExchange]:
    """An exchange in which something happens only on command."""
    with LocalExchange(rate=0, balances=balances) as exchange:
        yield exchange


@pytest.fixture(params=ENCODINGS)
def encoding(request: pytest.FixtureRequest) -> str:
    """What ``peer`` speaks."""
    return str(request.param)


@pytest.fixture
def logged_in() -> bool:
    """Whether ``peer`` has logged in."""
    return False


@pytest.fixture
def peer(still: LocalExchange, encoding: str, logged_in: bool) -> Iterator[Peer]:
    """A connection to ``still``."""
    with Peer(still, encoding) as peer:
        if logged_in:
            peer.login()
        yield peer
