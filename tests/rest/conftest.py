"""Every test here leaves no thread and no descriptor behind, and no environment speaks of proxies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from certificate_maker import Certificates, make_certificates
from local_rig import Requests, contract_rest, spot_rest
from rest_rig import make_http
from rest_server import RestServer

from bigone_sync import ContractRest, SpotRest
from bigone_sync.rest._http import Http
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import assert_no_leaks, census


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = census()
    yield
    assert_no_leaks(before)


@pytest.fixture(autouse=True)
def no_proxy_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def server(nothing_left: None) -> Iterator[RestServer]:
    with RestServer() as running:
        yield running


@pytest.fixture
def tls_server(nothing_left: None, certificates: Certificates) -> Iterator[RestServer]:
    with RestServer(certificates.server) as running:
        yield running


@pytest.fixture
def make(nothing_left: None) -> Iterator[Callable[..., Http]]:
    """Makes an Http that is closed after the test."""
    made: list[Http] = []

    def build(url: str, **options: Any) -> Http:
        made.append(make_http(url, **options))
        return made[-1]

    yield build
    for http in made:
        http.close()


@pytest.fixture
def exchange(nothing_left: None) -> Iterator[LocalExchange]:
    """The local one, in which something happens only on command."""
    with LocalExchange(rate=0) as exchange:
        yield exchange


@pytest.fixture
def asked(exchange: LocalExchange) -> Requests:
    return Requests(exchange)


@pytest.fixture
def rest(exchange: LocalExchange) -> Iterator[SpotRest]:
    """One that knows the clock and the markets, so that what is asked next is what a test is about."""
    with spot_rest(exchange) as rest:
        rest.clock_offset(1)
        rest.asset_pairs()
        yield rest


@pytest.fixture
def contracts(exchange: LocalExchange) -> Iterator[ContractRest]:
    """The same for contracts."""
    with contract_rest(exchange) as rest:
        rest.clock_offset(1)
        rest.symbols()
        yield rest
