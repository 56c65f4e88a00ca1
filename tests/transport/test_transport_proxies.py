"""Which proxy a host goes through, and that its password stays secret."""

from __future__ import annotations

import base64

import pytest

from bigone_sync.errors import ConfigurationError
from bigone_sync.transport.proxies import Proxy, choose_proxy, parse_proxy


@pytest.mark.parametrize(
    ("url", "host", "port", "user"),
    [
        ("http://proxy.test:3128", "proxy.test", 3128, None),
        ("proxy.test:3128", "proxy.test", 3128, None),
        ("http://proxy.test", "proxy.test", 8080, None),
        ("http://[::1]:3128/", "::1", 3128, None),
        ("http://ann:p%40ss%3A@proxy.test:1", "proxy.test", 1, b"ann:p@ss:"),
        ("http://ann@proxy.test:1", "proxy.test", 1, b"ann:"),
        ("ann:pass@proxy.test:1", "proxy.test", 1, b"ann:pass"),
    ],
)
def test_a_proxy_url_is_understood(url: str, host: str, port: int, user: bytes | None) -> None:
    authorization = None if user is None else "Basic " + base64.b64encode(user).decode()
    assert parse_proxy(url) == Proxy(host, port, authorization)


@pytest.mark.parametrize(
    "url",
    [
        "socks5://ann:hush@proxy.test:1",
        "https://ann:hush@proxy.test:1",
        "http://ann:hush@",
        "http://ann:hush@proxy.test:port",
        "http://ann:hush@proxy.test:99999",
        "http://ann:hush@[proxy",
        "http://ann:hush@proxy .test",
        "http://ann:hush@proxy.test\r\nX: y",
        "http://ann:hush@pröxy.test",
        7,
    ],
)
def test_anything_else_is_refused_without_the_password(url: object) -> None:
    with pytest.raises(ConfigurationError, match=r"proxy must look like http://\[user:password@\]host:port") as caught:
        parse_proxy(url)  # type: ignore[arg-type]
    assert "hush" not in str(caught.value)
    assert caught.value.argument == "proxy"
    assert caught.value.__cause__ is None


def test_the_authorization_is_not_in_the_repr() -> None:
    proxy = parse_proxy("http://ann:hush@proxy.test:1")
    assert proxy.authorization is not None
    assert proxy.authorization not in repr(proxy)
    assert "hush" not in repr(proxy)


ENVIRONMENT = {"http_proxy": "http://plain.test:1", "https_proxy": "http://secure.test:2", "all_proxy": "all.test:3"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("no_proxy", ".inside.test,exact.test")
    return monkeypatch


@pytest.mark.parametrize(
    ("host", "secure", "chosen"),
    [
        ("api.test", True, "secure.test"),
        ("api.test", False, "plain.test"),
        ("a.inside.test", True, None),
        ("notinside.test", True, "secure.test"),
        ("badinside.test", False, "plain.test"),
        ("exact.test", True, None),
        ("localhost", True, None),
        ("a.localhost", True, None),
        ("127.0.0.1", False, None),
        ("127.8.9.1", False, None),
        ("::1", True, None),
        ("10.0.0.1", True, "secure.test"),
    ],
)
def test_the_environment_chooses(environment: object, host: str, secure: bool, chosen: str | None) -> None:
    proxy = choose_proxy(None, host, secure=secure)
    assert (proxy.host if proxy else None) == chosen


def test_all_proxy_is_the_last_resort(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("https_proxy")
    assert choose_proxy(None, "api.test", secure=True) == Proxy("all.test", 3)
    environment.delenv("all_proxy")
    assert choose_proxy(None, "api.test", secure=True) is None


def test_the_argument_beats_the_environment(environment: object) -> None:
    assert choose_proxy("http://mine.test:9", "exact.test", secure=True) == Proxy("mine.test", 9)
    assert choose_proxy("http://mine.test:9", "127.0.0.1", secure=True) == Proxy("mine.test", 9)
    assert choose_proxy("", "api.test", secure=True) is None


def test_a_bad_proxy_of_the_environment_is_named_so(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("https_proxy", "socks5://ann:hush@proxy.test:1")
    with pytest.raises(ConfigurationError, match=r"the proxy of the environment.*socks5:// proxies are not") as caught:
        choose_proxy(None, "api.test", secure=True)
    assert "hush" not in str(caught.value)
