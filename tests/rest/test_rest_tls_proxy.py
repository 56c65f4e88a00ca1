"""Certificates, contexts that stay as they are, and proxies."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable

import pytest
from certificate_maker import Certificates
from rest_rig import ORDER, PING, READ, nonce
from rest_server import Peer, RestServer, answer

from bigone_sync.errors import ConfigurationError, RestError
from bigone_sync.rest._http import Http

Make = Callable[..., Http]


def test_a_context_is_used_as_it_is(
    tls_server: RestServer, make: Make, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Watched(ssl.SSLContext):
        """Notes what is done to it."""

        done: list[str] = []  # noqa: RUF012

        def load_verify_locations(self, *arguments: object, **options: object) -> None:
            self.done.append("load_verify_locations")

        def set_alpn_protocols(self, *arguments: object) -> None:
            self.done.append("set_alpn_protocols")

    context = Watched(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    http = make(tls_server.url, ssl_context=context)
    http.send(PING)
    http.send(PING)
    assert [asked.connection for asked in tls_server.asked] == [0, 0]
    assert not context.done
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


def test_a_context_decides_about_the_host_name(make: Make, certificates: Certificates) -> None:
    authority = certificates.client.get_ca_certs(binary_form=True)[0]
    lenient = ssl.create_default_context(cadata=authority)
    lenient.check_hostname = False
    with RestServer(certificates.elsewhere) as server:
        assert make(server.url, ssl_context=lenient).send(PING).status == 200
        with pytest.raises(RestError, match="certificate was not accepted") as caught:
            make(server.url, ssl_context=certificates.client).send(ORDER)
    assert caught.value.reason == "certificate"
    assert "it was not sent" in str(caught.value)


def test_by_default_the_systems_authorities_count(tls_server: RestServer, make: Make) -> None:
    with pytest.raises(RestError, match=r"certificate was not accepted: .*") as caught:
        make(tls_server.url).send(PING)
    assert caught.value.reason == "certificate"
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert tls_server.connections == 1  # it would not be better the next time


def test_plain_http_goes_through_a_proxy(server: RestServer, make: Make) -> None:
    """The name is never resolved: only the proxy would."""
    http = make("http://exchange.test/api", proxy=f"http://ann:p%40ss@127.0.0.1:{server.port}")
    server.script(answer(503))
    http.send(READ)
    first, second = server.asked
    assert first.target == "http://exchange.test/api/viewer/orders"
    assert first.headers["proxy-authorization"] == "Basic " + base64.b64encode(b"ann:p@ss").decode()
    assert nonce(first.headers["authorization"]) < nonce(second.headers["authorization"])


def test_tls_goes_through_a_tunnel(server: RestServer, make: Make, certificates: Certificates) -> None:
    def tunnel(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 Go\r\n\r\n")
        peer.secure(certificates.server)

    server.script(tunnel)
    http = make(
        "https://localhost:1/api", proxy=f"http://ann:hush@127.0.0.1:{server.port}", ssl_context=certificates.client
    )
    http.send(READ)
    http.send(READ)
    connect, first, second = server.asked
    assert (connect.method, connect.target) == ("CONNECT", "localhost:1")
    assert connect.headers["proxy-authorization"].startswith("Basic ")
    assert "authorization" not in connect.headers
    assert "proxy-authorization" not in first.headers
    assert nonce(first.headers["authorization"]) < nonce(second.headers["authorization"])


@pytest.mark.parametrize("call", [READ, ORDER], ids=["read", "order"])
def test_a_proxy_that_refuses_is_blamed(server: RestServer, make: Make, call: object) -> None:
    server.script(answer(407, b"hush"))
    with pytest.raises(RestError, match=r"the proxy refused to connect \(status 407\)") as caught:
        make("https://exchange.test", proxy=f"ann:hush@127.0.0.1:{server.port}").send(call)  # type: ignore[arg-type]
    assert caught.value.reason == "proxy"
    assert len(server.asked) == 1


def test_the_environment_is_asked(server: RestServer, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("no_proxy", "direct.test")
    make("http://exchange.test").send(PING)
    assert server.asked[0].target == "http://exchange.test/ping"
    # This machine itself is never asked for through a proxy.
    make(server.url).send(PING)
    assert server.asked[1].target == "/ping"


def test_no_proxy_is_honoured(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from bigone_sync.rest._adapter import choose_proxy

    monkeypatch.setenv("http_proxy", "http://proxy.test:1")
    monkeypatch.setenv("no_proxy", "direct.test")
    assert choose_proxy(None, "http://direct.test/x") is None
    assert choose_proxy("", "http://exchange.test/x") is None
    assert choose_proxy("http://mine.test:2", "http://direct.test/x") is not None
    found = choose_proxy(None, "http://exchange.test/x")
    assert found is not None
    assert found.host == "proxy.test"


def test_a_proxy_of_another_kind_is_a_mistake(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://ann:hush@proxy.test:1")
    with pytest.raises(ConfigurationError, match="proxy of the environment") as caught:
        make("http://exchange.test").send(PING)
    assert "hush" not in str(caught.value)


def test_what_cannot_be_reached_is_told(make: Make, server: RestServer) -> None:
    server.close()
    server.close = lambda: None  # type: ignore[method-assign]
    with pytest.raises(RestError, match="refused; it was not sent") as caught:
        make(server.url).send(ORDER)
    assert caught.value.reason == "refused"
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    with pytest.raises(RestError, match=r"refused, after 4 attempts") as caught:
        make(server.url).send(READ)
    assert caught.value.status_code is None
    with pytest.raises(RestError, match="the proxy failed") as caught:
        make("https://exchange.test", proxy=server.url).send(READ)
    assert caught.value.reason == "proxy"


def test_a_name_that_cannot_be_resolved_is_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def fail(*arguments: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(RestError, match="cannot be resolved") as caught:
        make("http://exchange.test").send(ORDER)
    assert caught.value.reason == "dns"
