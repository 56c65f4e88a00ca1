"""Every test here leaves no thread and no descriptor behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from certificate_maker import Certificates, make_certificates
from raw_server import RawServer

from bigone_sync.testing.leaks import assert_no_leaks, census

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = census()
    yield
    assert_no_leaks(before)


@pytest.fixture(autouse=True)
def no_proxy_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server(nothing_left: None) -> Iterator[RawServer]:
    with RawServer() as running:
        yield running


@pytest.fixture
def tls_server(nothing_left: None, certificates: Certificates) -> Iterator[RawServer]:
    with RawServer(certificates.server) as running:
        yield running


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))
