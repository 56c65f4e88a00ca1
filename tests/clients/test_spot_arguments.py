"""What users may pass in: refused before any I/O, by name and with what is allowed."""

from __future__ import annotations

import functools
import re
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from client_rig import BTC, KEYS, Log

from bigone_sync import (
    Backoff,
    BigOneError,
    BusinessUnit,
    Channel,
    ConfigurationError,
    Credentials,
    Limits,
    Overflow,
    SpotClient,
    Subscription,
    Timeouts,
)
from bigone_sync.testing.leaks import leak_check

pytestmark = pytest.mark.one_codec

UUID = "0df9c3c3-255a-46d7-ab82-dedae169fba9"

BAD_CONSTRUCTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"credentials": "key"}, "credentials", "Credentials"),
    ({"credentials": ("key", "secret")}, "credentials", "Credentials"),
    ({"protocol": "xml"}, "protocol", "json"),
    ({"protocol": ["json"]}, "protocol", "json"),
    ({"connections": "one"}, "connections", "per_channel"),
    ({"url": "http://127.0.0.1/"}, "url", "wss://"),
    ({"url": "127.0.0.1"}, "url", "wss://"),
    ({"url": None}, "url", "wss://"),
    ({"url": "ws://user:pw@127.0.0.1/"}, "url", "user information"),
    ({"url": "ws://127.0.0.1:99999/"}, "url", "port"),
    ({"url": "ws://127.0.0.1/\r\nX: y"}, "url", "printable"),
    ({"timeouts": 5}, "timeouts", "Timeouts"),
    ({"backoff": 5}, "backoff", "Backoff"),
    ({"limits": {"queue": 5}}, "limits", "Limits"),
    ({"proxy": "socks5://127.0.0.1:1"}, "proxy", "http://"),
    ({"proxy": 8080}, "proxy", "http://"),
    ({"ssl_context": True}, "ssl_context", "SSLContext"),
    ({"headers": {"X-A": "a\r\nX-B: b"}}, "headers", "CR or LF"),
    ({"headers": {"X-A\n": "a"}}, "headers", "header name"),
    ({"headers": {"Host": "a"}}, "headers", "handshake"),
    ({"headers": {"Sec-WebSocket-Protocol": "proto"}}, "headers", "handshake"),
    ({"headers": "X-A: a"}, "headers", "mapping"),
    ({"headers": {"X-A": 1}}, "headers", "text"),
    ({"dispatch": "thread"}, "dispatch", "caller"),
]


def named(value: object) -> str:
    """Of a value for the name of its test: the same in every run, so without addresses."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))[:50]


@pytest.mark.parametrize(("options", "argument", "allowed"), BAD_CONSTRUCTIONS, ids=named)
def test_a_bad_constructor_argument_is_named(options: dict[str, Any], argument: str, allowed: str) -> None:
    with leak_check(timeout=0), pytest.raises(ConfigurationError) as caught:
        SpotClient(**options)
    assert caught.value.argument == argument
    assert argument in str(caught.value)
    assert allowed in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, BigOneError)


BAD_CALLS: list[tuple[Callable[[SpotClient], object], str, str]] = [
    (lambda client: client.on_depth("btc-usdt", print), "market", "'BTC-USDT'"),
    (lambda client: client.on_depth("BTCUSDT", print), "market", "BASE-QUOTE"),
    (lambda client: client.on_depth(None, print), "market", "BASE-QUOTE"),  # type: ignore[call-overload]
    (lambda client: client.on_depth("BTC-USDT\n", print), "market", "BASE-QUOTE"),
    (lambda client: client.on_depth("btc-usdt"), "market", "BASE-QUOTE"),
    (lambda client: client.on_book("", print), "market", "BASE-QUOTE"),
    (lambda client: client.on_trade(BTC, print, limit=0), "limit", "1 to"),
    (lambda client: client.on_trade(BTC, print, limit=10**9), "limit", "1 to"),
    (lambda client: client.on_trade(BTC, print, limit=True), "limit", "1 to"),
    (lambda client: client.on_trade(BTC, print, limit="20"), "limit", "1 to"),  # type: ignore[call-overload]
    (lambda client: client.on_ticker(["BTC-USDT", "eth-usdt"], print), "markets", "'ETH-USDT'"),
    (lambda client: client.on_ticker(5, print), "markets", "BASE-QUOTE"),  # type: ignore[call-overload]
    (lambda client: client.on_ticker(None, print), "markets", "BASE-QUOTE"),  # type: ignore[call-overload]
    (lambda client: client.on_candle(BTC, "MIN2", print), "period", "MIN1"),
    (lambda client: client.on_candle(BTC, 1, print), "period", "MIN1"),  # type: ignore[call-overload]
    (lambda client: client.on_order("btc", print), "market", "BASE-QUOTE"),
    (lambda client: client.on_depth(BTC, print, overflow="drop"), "overflow", "BLOCK"),  # type: ignore[call-overload]
    (lambda client: client.order_book("BTC_USDT"), "market", "'BTC-USDT'"),
    (lambda client: client.subscribe("depths", BTC), "channel", "'depth'"),
    (lambda client: client.subscribe(Channel.INSTRUMENTS), "channel", "'depth'"),
    (lambda client: client.subscribe("positions"), "channel", "'depth'"),
    (lambda client: client.subscribe(Channel.DEPTH), "market", "BASE-QUOTE"),
    (lambda client: client.subscribe(Channel.CANDLES, BTC), "period", "candles"),
    (lambda client: client.subscribe(Channel.DEPTH, BTC, period="MIN1"), "period", "candles"),
    (lambda client: client.subscribe(Channel.ACCOUNTS, BTC), "market", "accounts"),
    (lambda client: client.subscribe(Channel.TRADES, BTC, limit=0), "limit", "1 to"),
    (lambda client: client.on_order(BTC, print, business_unit="FUTURE"), "business_unit", "'MARGIN'"),
    (lambda client: client.on_order(print, business_unit=1), "business_unit", "'SPOT'"),  # type: ignore[call-overload]
    (lambda client: client.on_order(business_unit=BusinessUnit.UNKNOWN), "business_unit", "'MARGIN'"),
    (lambda client: client.on_exchange_rate("usdt", ["BTC"], print), "quote", "'USDT'"),
    (lambda client: client.on_exchange_rate(None, ["BTC"], print), "quote", "symbol"),  # type: ignore[call-overload]
    (lambda client: client.on_exchange_rate("USDT", ["BTC", "eth"], print), "bases", "'ETH'"),
    (lambda client: client.on_exchange_rate("USDT", ["BTC-USDT"], print), "bases", "'BTC'"),
    (lambda client: client.on_exchange_rate("USDT", [], print), "bases", "at least one"),
    (lambda client: client.on_exchange_rate("USDT", 5, print), "bases", "symbol"),  # type: ignore[call-overload]
    (lambda client: client.on_exchange_rate("USDT", [5], print), "bases", "symbol"),  # type: ignore[list-item]
    (lambda client: client.on_flash_order(print, limit=0), "limit", "1 to"),
    (lambda client: client.on_cost_price("BTC", print), "assets", "UUID"),
    (lambda client: client.on_cost_price([], print), "assets", "at least one"),
    (lambda client: client.on_cost_price(None, print), "assets", "UUID"),  # type: ignore[call-overload]
    (lambda client: client.on_cost_price([UUID, UUID[:-1]], print), "assets", "UUID"),
    (lambda client: client.on_margin_account(print, overflow=Overflow.RESYNC), "overflow", "public"),
    (lambda client: client.on_flash_order(print, overflow=Overflow.RESYNC), "overflow", "public"),
    (lambda client: client.on_cost_price(UUID, print, overflow=Overflow.RESYNC), "overflow", "public"),
    (lambda client: client.subscribe("margin_accounts", BTC), "market", "margin_accounts"),
    (lambda client: client.subscribe("exchange_rates", BTC), "market", "exchange_rates"),
    (lambda client: client.subscribe("exchange_rates", bases=["BTC"]), "quote", "symbol"),
    (lambda client: client.subscribe("exchange_rates", quote="USDT"), "bases", "symbol"),
    (lambda client: client.subscribe("flash_orders", BTC), "market", "flash_orders"),
    (lambda client: client.subscribe("flash_orders", limit=0), "limit", "1 to"),
    (lambda client: client.subscribe("cost_prices", UUID), "market", "cost_prices"),
    (lambda client: client.subscribe("cost_prices"), "assets", "UUID"),
    (lambda client: client.subscribe("trades", BTC, business_unit="MARGIN"), "business_unit", "orders"),
    (lambda client: client.subscribe("ticker", BTC, quote="USDT"), "quote", "exchange_rates"),
    (lambda client: client.subscribe("ticker", BTC, bases=["BTC"]), "bases", "exchange_rates"),
    (lambda client: client.subscribe("accounts", assets=[UUID]), "assets", "cost_prices"),
    (lambda client: client.subscribe(Channel.DEPTH, BTC, handler=5), "handler", "callable"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("call", "argument", "allowed"), BAD_CALLS)
def test_a_bad_argument_of_a_stream_is_named_and_changes_nothing(
    call: Callable[[SpotClient], object], argument: str, allowed: str
) -> None:
    client = SpotClient(KEYS)
    with leak_check(timeout=0), pytest.raises(ConfigurationError) as caught:
        call(client)
    assert caught.value.argument == argument
    assert allowed in str(caught.value)
    assert client.subscriptions == ()
    assert not client.connections


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.on_account(print),
        lambda client: client.on_order(print),
        lambda client: client.on_order(BTC, print),
        lambda client: client.on_order(BTC)(print),
        lambda client: client.on_account()(print),
        lambda client: client.subscribe(Channel.ORDERS),
        lambda client: client.subscribe("accounts"),
        lambda client: client.on_margin_account(print),
        lambda client: client.on_flash_order()(print),
        lambda client: client.on_cost_price(UUID, print),
        lambda client: client.subscribe("margin_accounts"),
        lambda client: client.subscribe("cost_prices", assets=UUID),
    ],
)
def test_private_streams_need_credentials(call: Callable[[SpotClient], object]) -> None:
    client = SpotClient()
    with pytest.raises(ConfigurationError, match="Credentials") as caught:
        call(client)
    assert caught.value.argument == "credentials"
    assert client.subscriptions == ()


@pytest.mark.parametrize(("key", "secret"), [("", "secret"), ("key", ""), ("key", None), (" key", "s"), ("key", "s\n")])
def test_empty_and_odd_credentials_are_refused(key: Any, secret: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Credentials(key, secret)
    assert caught.value.argument in ("api_key", "api_secret")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Timeouts(ping=0),
        lambda: Timeouts(close=-1),
        lambda: Timeouts(connect=float("nan")),
        lambda: Timeouts(stale=0),
        lambda: Timeouts(reply="1"),  # type: ignore[arg-type]
        lambda: Backoff(initial=0),
        lambda: Backoff(initial=2, cap=1),
        lambda: Backoff(max_attempts=0),
        lambda: Limits(queue=0),
        lambda: Limits(max_connections=1.5),  # type: ignore[arg-type]
        lambda: Limits(max_message=True),
        lambda: Limits(slow_callback=0),
    ],
)
def test_value_objects_check_themselves(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert caught.value.argument
    assert f"{caught.value.argument}=" in str(caught.value)


# -- streams of the schema -----------------------------------------------------------------------------------------


def test_the_streams_that_arguments_stand_for() -> None:
    client = SpotClient(KEYS)
    keys = [
        client.on_exchange_rate("USDT", ["BTC", "ETH", "BTC"], print).keys,
        client.subscribe("exchange_rates", quote="USDT", bases="BTC").keys,
        client.on_cost_price(UUID.upper(), print).keys,
        client.subscribe(Channel.COST_PRICES, assets=[UUID]).keys,
        client.on_order(print).keys,
        client.on_order(None, print, business_unit="spot").keys,
        client.on_order(BTC, print, business_unit=BusinessUnit.MARGIN).keys,
        client.subscribe("orders", BTC, business_unit="MARGIN").keys,
        client.on_margin_account(print).keys,
        client.on_flash_order(print).keys,
    ]
    assert [[str(key) for key in group] for group in keys] == [
        ["exchange_rates/BTC-USDT", "exchange_rates/ETH-USDT"],
        ["exchange_rates/BTC-USDT"],
        [f"cost_prices/{UUID}"],
        [f"cost_prices/{UUID}"],
        ["orders"],
        ["orders"],
        ["orders/BTC-USDT/MARGIN"],
        ["orders/BTC-USDT/MARGIN"],
        ["margin_accounts"],
        ["flash_orders"],
    ]
    # Five sockets are all that a user may have (spot protocol, section 9).
    assert set(client.connections) == {"ticker", "private"}
    client.close()


def test_one_client_watches_rates_in_one_quote_asset() -> None:
    client = SpotClient()
    first = client.on_exchange_rate("USDT", ["BTC", "ETH"], print)
    with pytest.raises(ConfigurationError, match=r"rates in BTC .* those in USDT.* second client for BTC") as caught:
        client.on_exchange_rate("BTC", "ETH", print)
    assert caught.value.argument == "quote"
    assert client.subscriptions == (first,)
    assert client.on_exchange_rate("USDT", "XRP", print) in client.subscriptions
    for subscription in client.subscriptions:
        subscription.close()
    assert [str(key) for key in client.on_exchange_rate("BTC", "ETH", print).keys] == ["exchange_rates/ETH-BTC"]
    client.close()


# -- handlers ------------------------------------------------------------------------------------------------------


def nothing() -> None: ...
def two(first: object, second: object) -> None: ...
def keyword_only(*, event: object) -> None: ...
def needs_keyword(event: object, *, more: object) -> None: ...
async def coroutine(event: object) -> None: ...


class Methods:
    def one(self, event: object) -> None: ...
    def two(self, first: object, second: object) -> None: ...
    @staticmethod
    def static(event: object) -> None: ...
    @classmethod
    def of_class(cls, event: object) -> None: ...


class Callable1:
    def __call__(self, event: object) -> None: ...


class Callable0:
    def __call__(self) -> None: ...


class AsyncCallable:
    async def __call__(self, event: object) -> None: ...


BAD_HANDLERS = [
    5,
    "print",
    nothing,
    two,
    keyword_only,
    needs_keyword,
    coroutine,
    functools.partial(coroutine),
    functools.partial(two),
    functools.partial(Methods().one, 1),
    Methods().two,
    Methods.one,
    Callable0(),
    AsyncCallable(),
    lambda: None,
    lambda first, second: None,
]
GOOD_HANDLERS = [
    lambda event: None,
    lambda *events: None,
    lambda event, more=None: None,
    lambda event, **more: None,
    Methods().one,
    Methods.static,
    Methods.of_class,
    Callable1(),
    functools.partial(two, 1),
    functools.partial(needs_keyword, more=1),
    print,
    [].append,
    deque[Any]().append,
    threading.Event().wait,
    Log(),
]


def registrations(client: SpotClient, handler: Any) -> list[Callable[[], object]]:
    return [
        lambda: client.on_depth(BTC, handler),
        lambda: client.on_depth(BTC)(handler),
        lambda: client.on_book(BTC, handler),
        lambda: client.on_trade(BTC, handler),
        lambda: client.on_ticker([BTC], handler),
        lambda: client.on_candle(BTC, "MIN1", handler),
        lambda: client.on_account(handler),
        lambda: client.on_order(BTC, handler),
        lambda: client.on_margin_account(handler),
        lambda: client.on_exchange_rate("USDT", "BTC", handler),
        lambda: client.on_flash_order(handler, limit=5),
        lambda: client.on_cost_price([UUID], handler),
        lambda: client.on_error(handler),
        lambda: client.on_state(handler),
        lambda: client.on_gap(handler),
        lambda: client.on_raw(handler),
    ]


@pytest.mark.parametrize("handler", BAD_HANDLERS, ids=named)
def test_a_handler_that_cannot_take_one_event_is_refused_at_once(handler: Any) -> None:
    client = SpotClient(KEYS)
    for register in registrations(client, handler):
        with pytest.raises(ConfigurationError, match="handler") as caught:
            register()
        assert caught.value.argument == "handler"
    assert client.subscriptions == ()


@pytest.mark.parametrize("handler", GOOD_HANDLERS, ids=named)
def test_whatever_takes_one_event_is_a_handler(handler: Any) -> None:
    client = SpotClient(KEYS)
    results = [register() for register in registrations(client, handler)]
    assert len(client.subscriptions) == 12
    assert isinstance(results[0], Subscription)
    assert results[1] is handler
    client.close()
