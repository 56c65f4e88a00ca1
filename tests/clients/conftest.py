"""Every test of the client runs over JSON and over protobuf; what a user sees is the same."""

from __future__ import annotations

from collections.abc import Iterator

import client_rig
import pytest

ONE_CODEC = "one_codec"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{ONE_CODEC}: the test has nothing to do with frames, or is about one codec")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker(ONE_CODEC) is None:
        metafunc.fixturenames.append("protocol")
        metafunc.parametrize("protocol", ["json", "proto"], indirect=True)


@pytest.fixture
def protocol(request: pytest.FixtureRequest) -> Iterator[str]:
    """What the clients of this test speak."""
    client_rig.PROTOCOL = request.param
    yield request.param
    client_rig.PROTOCOL = "json"
