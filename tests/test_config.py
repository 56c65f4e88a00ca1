from __future__ import annotations

import copy
import dataclasses
import math
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigone_sync.config import (
    SPOT_URL,
    Backoff,
    Limits,
    Timeouts,
    check_asset,
    check_headers,
    check_market,
    check_symbol,
    check_url,
    check_uuid,
    public_url,
)
from bigone_sync.errors import ConfigurationError

SECRET = "s3cr3t"
NO_NUMBER: list[object] = [None, "1", b"1", True, False, [], math.nan, math.inf, -math.inf, Fraction(1, 2), 1j]
HUGE = pytest.param(10**400, id="huge")


def refused(call: Callable[[], object], argument: str, *words: str) -> str:
    """The message of the ConfigurationError that ``call`` must raise, naming the argument and what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        call()
    message = str(caught.value)
    assert caught.value.argument == argument
    assert isinstance(caught.value, ValueError)
    for word in (argument, *words):
        assert word in message
    assert SECRET not in message
    return message


# The value objects


@pytest.mark.parametrize(
    ("made", "defaults"),
    [
        (
            Timeouts(),
            {"connect": 10, "ping": 20, "pong": 10, "reply": 10, "send": 10, "close": 2, "stale": None},
        ),
        (Backoff(), {"initial": 0.5, "cap": 30, "max_attempts": None, "stable_after": 10}),
        (
            Limits(),
            {
                "max_connections": 5,
                "max_message": 16 * 2**20,
                "queue": 100_000,
                "slow_callback": 1.0,
            },
        ),
    ],
)
def test_defaults_are_those_of_the_documents_and_the_objects_are_values(made: Any, defaults: dict[str, Any]) -> None:
    assert dataclasses.asdict(made).items() >= defaults.items()
    assert made == type(made)()
    assert hash(made) == hash(type(made)())
    assert pickle.loads(pickle.dumps(made)) == made
    assert copy.deepcopy(made) == made
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, next(iter(defaults)), 1)
    with pytest.raises(TypeError):
        type(made)(1)
    assert repr(made).startswith(type(made).__name__ + "(")


SECONDS = [
    *((Timeouts, name) for name in ("connect", "ping", "pong", "reply", "send", "close", "stale")),
    *((Backoff, name) for name in ("initial", "cap", "stable_after")),
    (Limits, "slow_callback"),
]


@pytest.mark.parametrize(("kind", "name"), SECONDS)
@pytest.mark.parametrize("value", [*NO_NUMBER, 0, 0.0, -1, -0.001, HUGE])
def test_durations_must_be_positive(kind: type, name: str, value: object) -> None:
    if (name, value) == ("stale", None):
        return
    refused(lambda: kind(**{name: value}), name, kind.__name__, "greater than 0")


@pytest.mark.parametrize(("kind", "name"), SECONDS)
@pytest.mark.parametrize("value", [0.5, 1, 1e-9, 30])
def test_any_positive_duration_will_do(kind: type, name: str, value: float) -> None:
    more = {"initial": min(value, 0.1)} if name == "cap" else {"cap": 100} if name == "initial" else {}
    assert getattr(kind(**{**more, name: value}), name) == value


def test_stale_may_be_unwatched() -> None:
    assert Timeouts(stale=None).stale is None


@pytest.mark.parametrize("name", ["max_connections", "max_message", "queue"])
@pytest.mark.parametrize("value", [*NO_NUMBER, 0, -1, 1.0, 2.5])
def test_counts_must_be_whole_and_positive(name: str, value: object) -> None:
    refused(lambda: Limits(**{name: value}), name, "Limits", "whole number from 1")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["max_connections", "max_message", "queue"])
def test_one_is_enough(name: str) -> None:
    assert getattr(Limits(**{name: 1}), name) == 1


@pytest.mark.parametrize("value", [*NO_NUMBER, -0.1, -1])
def test_dial_interval_is_a_number_from_0(value: object) -> None:
    refused(lambda: Limits(dial_interval=value), "dial_interval", "number from 0")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, 0.0, 0.5, 10])
def test_dial_interval_may_be_0(value: float) -> None:
    assert Limits(dial_interval=value).dial_interval == value


@pytest.mark.parametrize("value", [value for value in NO_NUMBER if value is not None] + [0, -1, 1.0])
def test_max_attempts_is_none_or_a_count(value: object) -> None:
    refused(lambda: Backoff(max_attempts=value), "max_attempts", "None or a whole number from 1")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, 1, 1000])
def test_max_attempts_may_be(value: int | None) -> None:
    assert Backoff(max_attempts=value).max_attempts == value


def test_the_cap_is_not_below_the_beginning() -> None:
    refused(lambda: Backoff(initial=5, cap=4.9), "cap", "initial=5")
    assert Backoff(initial=5, cap=5).bound(9) == 5


def test_the_bound_doubles_up_to_the_cap() -> None:
    assert [Backoff().bound(attempt) for attempt in range(1, 10)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert Backoff().bound(10**9) == 30
    assert Backoff(initial=1e-9, cap=1e9).bound(10**9) == 1e9


@given(st.floats(0.001, 100), st.floats(0, 1000), st.integers(1, 10_000))
def test_the_bound_never_leaves_its_range(initial: float, more: float, attempt: int) -> None:
    backoff = Backoff(initial=initial, cap=initial + more)
    assert initial <= backoff.bound(attempt) <= backoff.cap
    assert backoff.bound(attempt) <= backoff.bound(attempt + 1)


# URLs


@pytest.mark.parametrize(
    "url",
    [
        SPOT_URL,
        "ws://localhost:8080",
        "ws://127.0.0.1:1/",
        "ws://[::1]:65535/path",
        "wss://host.example/ws/v2?token=x&y=%20",
        "wss://" + "a" * 63 + ".example/",
        "wss://host_with-signs.example",
    ],
)
def test_urls_that_can_be_dialled(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize("url", ["http://h", "https://h", "WSS://h", "wss:h", "wss:/h", "h", "//h", "", "ftp://h"])
def test_other_schemes_are_refused(url: str) -> None:
    refused(lambda: check_url(url), "url", "ws:// or wss://")


def test_schemes_and_name_are_the_callers() -> None:
    assert check_url("https://h", argument="rest_url", schemes=("https",)) == "https://h"
    refused(lambda: check_url("wss://h", argument="rest_url", schemes=("http", "https")), "rest_url", "https://")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (None, "text"),
        (b"wss://h", "text"),
        (5, "text"),
        ("wss://", "host"),
        ("wss:///path", "host"),
        ("wss://:80/", "host"),
        ("wss://?x=1", "host"),
        ("wss://h:0/", "port"),
        ("wss://h:65536/", "65535"),
        ("wss://h:-1/", ""),
        ("wss://h:x/", ""),
        ("wss://[::1/", ""),
        ("wss://" + "a" * 64 + ".example", "63"),
        ("wss://h/ x", "spaces"),
        ("wss://h/\r\nX: y", "printable"),
        ("wss://h\t", "printable"),
        (" wss://h", "printable"),
        ("wss://h\u00e4user.example", "percent-encode"),
        ("wss://h/#part", "fragment"),
        ("wss://@h/", "user information"),
        ("wss://:@h/", "user information"),
    ],
)
def test_urls_that_cannot_be_dialled(url: object, words: str) -> None:
    refused(lambda: check_url(url), "url", words)


@pytest.mark.parametrize(
    "url",
    [
        f"wss://{SECRET}@h/",
        f"wss://user:{SECRET}@h/",
        f"wss://user:{SECRET}@h:99999/",
        f"wss://user:{SECRET}/path",  # the host was forgotten: what looks like a port is a password
        f"wss://[{SECRET}]/path?token={SECRET}",
        f"wss://h:0/?token={SECRET}",
        f"wss://h/?token={SECRET}#x",
        f"wss://h/?token={SECRET} ",
        f"http://h/?token={SECRET}",
        f"token={SECRET}",
        f"{SECRET}:x",
        f"{SECRET}://h/",
    ],
)
def test_a_refused_url_is_not_repeated_where_it_may_hold_a_secret(url: str) -> None:
    refused(lambda: check_url(url), "url")


@pytest.mark.parametrize(
    ("url", "public"),
    [
        (SPOT_URL, SPOT_URL),
        (f"wss://user:{SECRET}@h.example:443/path?token={SECRET}#{SECRET}", "wss://h.example:443/path"),
        (f"ws://[::1]:80/x?{SECRET}", "ws://[::1]:80/x"),
        (f"wss://h?{SECRET}", "wss://h"),
    ],
)
def test_the_public_part_of_a_url(url: str, public: str) -> None:
    assert public_url(url) == public


# Headers


def test_headers_are_a_read_only_copy() -> None:
    given_headers = {"User-Agent": "bot/1.0", "X-Token": SECRET, "X-Empty": ""}
    checked = check_headers(given_headers)
    assert checked == given_headers
    given_headers["X-More"] = "1"
    assert "X-More" not in checked
    with pytest.raises(TypeError):
        checked["X"] = "1"  # type: ignore[index]
    assert check_headers(None) == {}
    assert check_headers({}) == {}


@pytest.mark.parametrize("headers", [[("X", SECRET)], SECRET, 5, {SECRET}])
def test_headers_must_be_a_mapping(headers: Any) -> None:
    refused(lambda: check_headers(headers), "headers", "mapping")


@pytest.mark.parametrize("name", ["", " ", "X Y", "X:", "X\r\nY", "Ä", "X\x00", "(X)", 5, None])
def test_what_is_no_header_name(name: Any) -> None:
    refused(lambda: check_headers({name: SECRET}), "headers", "not a header name")


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "HOST",
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "sec-websocket-version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
    ],
)
def test_the_handshakes_own_headers(name: str) -> None:
    refused(lambda: check_headers({name: SECRET}), "headers", name, "handshake")


@pytest.mark.parametrize(
    "value", [f"{SECRET}\r\nX: y", f"{SECRET}\n", f"{SECRET}\x00", f"{SECRET}\t", f"{SECRET}ä", f"{SECRET}\x7f"]
)
def test_header_values_are_printable_ascii_and_never_repeated(value: str) -> None:
    refused(lambda: check_headers({"X-Token": value}), "headers", "X-Token", "printable ASCII")


@pytest.mark.parametrize("value", [None, 5, SECRET.encode(), [SECRET]])
def test_header_values_are_text(value: Any) -> None:
    refused(lambda: check_headers({"X-Token": value}), "headers", "X-Token", "text")


@pytest.mark.parametrize("name", [f"Authorization: {SECRET}", f"Bearer {SECRET}"])
def test_a_secret_in_the_place_of_a_name_is_not_repeated(name: str) -> None:
    refused(lambda: check_headers({name: "x"}), "headers", "not a header name")


# Markets


@pytest.mark.parametrize("market", ["BTC-USDT", "1INCH-USDT", "A-B", "A" * 20 + "-" + "B" * 20])
def test_markets(market: str) -> None:
    assert check_market(market) == market


@pytest.mark.parametrize(
    "market",
    [
        *("", "-", "BTC", "BTC-", "-USDT", "BTCUSDT", "BTC-USDT-X", "BTC--USDT", "BTC USDT", " BTC-USDT", "BTC-USDT\n"),
        *("\uff22TC-USDT", "BTC-USDT\u0661", "A" * 21 + "-B", None, 5, b"BTC-USDT", ["BTC-USDT"]),
    ],
)
def test_what_is_no_market(market: object) -> None:
    message = refused(lambda: check_market(market), "market", "'BTC-USDT'")
    assert "did you mean" not in message


@pytest.mark.parametrize("market", ["btc-usdt", "Btc-Usdt", "BTC/USDT", "btc_usdt", "btc/usdt"])
def test_other_spellings_get_a_hint(market: str) -> None:
    assert refused(lambda: check_market(market), "market").endswith("did you mean 'BTC-USDT'?")


# Contracts


@pytest.mark.parametrize("symbol", ["BTCUSD", "BTCUSDT", "1000PEPEUSDT", "A", "A" * 40])
def test_symbols(symbol: str) -> None:
    assert check_symbol(symbol) == symbol


@pytest.mark.parametrize(
    "symbol",
    [
        *("", "-", "BTCUSD\n", "BTC.USD", "\uff22TCUSD", "BTCUSD\u0661", "A" * 41, "\u017ftraxusd", None, 5, b"BTCUSD"),
        *(["BTCUSD"], "depth@BTCUSD", "../BTCUSD"),
    ],
)
def test_what_is_no_symbol(symbol: object) -> None:
    assert "did you mean" not in refused(lambda: check_symbol(symbol), "market", "'BTCUSD'")


@pytest.mark.parametrize(
    ("symbol", "hint"),
    [
        ("BTC-USDT", "contracts have no dash; did you mean 'BTCUSDT'?"),
        ("btcusd", "symbols are upper case; did you mean 'BTCUSD'?"),
        ("btc-usdt", "contracts have no dash and symbols are upper case; did you mean 'BTCUSDT'?"),
        ("BTC/USD", "contracts have no separator; did you mean 'BTCUSD'?"),
        ("btc_usd", "contracts have no separator and symbols are upper case; did you mean 'BTCUSD'?"),
    ],
)
def test_other_spellings_of_symbols_get_a_hint(symbol: str, hint: str) -> None:
    assert refused(lambda: check_symbol(symbol), "market").endswith(f"not {symbol!r}: {hint}")


# Assets


@pytest.mark.parametrize("asset", ["BTC", "1INCH", "A", "A" * 20])
def test_assets(asset: str) -> None:
    assert check_asset(asset) == asset


@pytest.mark.parametrize(
    "asset", ["", "BTC-USDT", "BTC ", "BTC\n", "\uff22TC", "BTC\u0661", "A" * 21, None, 5, b"BTC", ["BTC"]]
)
def test_what_is_no_asset(asset: object) -> None:
    assert "did you mean" not in refused(lambda: check_asset(asset, argument="quote"), "quote", "'BTC'")


def test_an_asset_in_lower_case_gets_a_hint() -> None:
    assert refused(lambda: check_asset("btc"), "asset").endswith("did you mean 'BTC'?")


def test_uuids_come_out_in_lower_case() -> None:
    assert check_uuid("0DF9c3c3-255a-46D7-ab82-dedae169FBA9", argument="assets") == (
        "0df9c3c3-255a-46d7-ab82-dedae169fba9"
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "BTC", "0df9c3c3255a46d7ab82dedae169fba9", "{0df9c3c3-255a-46d7-ab82-dedae169fba9}"),
        *("0df9c3c3-255a-46d7-ab82-dedae169fba9\n", "0df9c3c3-255a-46d7-ab82-dedae169fbag", None, 5, b"x"),
    ],
)
def test_what_is_no_uuid(text: object) -> None:
    refused(lambda: check_uuid(text, argument="assets"), "assets", "UUID")


def test_the_name_of_the_argument_is_the_callers() -> None:
    refused(lambda: check_market("x", argument="markets"), "markets")
