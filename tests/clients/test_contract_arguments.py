"""What users of the contract client may pass in: refused before any I/O, by name and with what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from client_rig import KEYS, Log

from bigone_sync import (
    BigOneError,
    BookState,
    CandlePeriod,
    Channel,
    ConfigurationError,
    ConnectionClosed,
    ContractClient,
    Credentials,
    Limits,
    Overflow,
    Subscription,
    SubscriptionState,
)
from bigone_sync.testing.leaks import leak_check

pytestmark = pytest.mark.one_codec

BTC, ETH = "BTCUSD", "ETHUSDT"

BAD_CONSTRUCTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"credentials": "key"}, "credentials", "Credentials"),
    ({"credentials": ("key", "secret")}, "credentials", "Credentials"),
    ({"url": "http://127.0.0.1/"}, "url", "wss://"),
    ({"url": None}, "url", "wss://"),
    ({"url": "ws://user:pw@127.0.0.1/"}, "url", "user information"),
    ({"url": "ws://127.0.0.1/#depth"}, "url", "fragment"),
    ({"rest_url": "ws://127.0.0.1/"}, "rest_url", "https://"),
    ({"rest_url": 5}, "rest_url", "https://"),
    ({"credentials": KEYS, "token_variant": "JWT"}, "token_variant", "OpenAPIV2, guide, OpenAPI"),
    ({"token_variant": "JWT"}, "token_variant", "OpenAPIV2, guide, OpenAPI"),
    ({"timeouts": 5}, "timeouts", "Timeouts"),
    ({"backoff": 5}, "backoff", "Backoff"),
    ({"limits": {"queue": 5}}, "limits", "Limits"),
    ({"limits": 7}, "limits", "Limits"),
    ({"proxy": "socks5://127.0.0.1:1"}, "proxy", "http://"),
    ({"ssl_context": True}, "ssl_context", "SSLContext"),
    ({"headers": {"X-A": "a\r\nX-B: b"}}, "headers", "CR or LF"),
    ({"headers": {"Sec-WebSocket-Key": "a"}}, "headers", "handshake"),
    ({"dispatch": "thread"}, "dispatch", "caller"),
]


@pytest.mark.parametrize(("options", "argument", "allowed"), BAD_CONSTRUCTIONS, ids=lambda value: str(value)[:50])
def test_a_bad_constructor_argument_is_named(options: dict[str, Any], argument: str, allowed: str) -> None:
    with leak_check(timeout=0), pytest.raises(ConfigurationError) as caught:
        ContractClient(**options)
    assert caught.value.argument == argument
    assert argument in str(caught.value)
    assert allowed in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, BigOneError)


@pytest.mark.parametrize("variant", ["OpenAPIV2", "guide", "OpenAPI"])
def test_every_variant_of_the_token_can_be_chosen(variant: str) -> None:
    ContractClient(KEYS, token_variant=variant).close()


DASH, LOWER = "contracts have no dash", "symbols are upper case"
BAD_CALLS: list[tuple[Callable[[Any], object], str, str]] = [
    (lambda client: client.on_depth("BTC-USD", print), "market", f"{DASH}; did you mean 'BTCUSD'?"),
    (lambda client: client.on_depth("btcusd", print), "market", f"{LOWER}; did you mean 'BTCUSD'?"),
    (lambda client: client.on_depth("btc-usd", print), "market", f"{DASH} and {LOWER}; did you mean 'BTCUSD'?"),
    (lambda client: client.on_book("BTC/USDT", print), "market", "no separator; did you mean 'BTCUSDT'?"),
    (lambda client: client.on_depth("BTC-USD"), "market", "'BTCUSD'"),
    (lambda client: client.on_depth(None, print), "market", "like 'BTCUSD'"),
    (lambda client: client.on_depth(["BTCUSD"], print), "market", "like 'BTCUSD'"),
    (lambda client: client.on_depth("", print), "market", "like 'BTCUSD'"),
    (lambda client: client.on_depth("BTCUSD\n", print), "market", "like 'BTCUSD'"),
    (lambda client: client.on_depth("BTCUSD@x", print), "market", "like 'BTCUSD'"),
    (lambda client: client.on_trade("btcusd", print), "market", "'BTCUSD'"),
    (lambda client: client.on_trade(None, print), "market", "like 'BTCUSD'"),
    (lambda client: client.on_candle("btcusd", "1MIN", print), "market", "'BTCUSD'"),
    (lambda client: client.on_candle(BTC, "3H", print), "period", "1MIN, 5MIN, 15MIN, 30MIN, 1H, 4H, 6H, 12H, 1D"),
    (lambda client: client.on_candle(BTC, CandlePeriod.HOUR3, print), "period", "4H"),
    (lambda client: client.on_candle(BTC, "WEEK1", print), "period", "1D"),
    (lambda client: client.on_candle(BTC, CandlePeriod.MONTH1, print), "period", "1D"),
    (lambda client: client.on_candle(BTC, CandlePeriod.UNKNOWN, print), "period", "1D"),
    (lambda client: client.on_candle(BTC, "1 MIN", print), "period", "1MIN"),
    (lambda client: client.on_candle(BTC, 60, print), "period", "1MIN"),
    (lambda client: client.on_candle(BTC, None, print), "period", "1MIN"),
    (lambda client: client.on_instrument("BTC-USD", print), "market", "'BTCUSD'"),
    (lambda client: client.on_position("BTC-USD", print), "market", "'BTCUSD'"),
    (lambda client: client.on_order("btcusd", print), "market", "'BTCUSD'"),
    (lambda client: client.on_fill(5, print), "market", "like 'BTCUSD'"),
    (lambda client: client.order_book("BTC_USD"), "market", "'BTCUSD'"),
    (lambda client: client.position("btcusd"), "market", "'BTCUSD'"),
    (lambda client: client.position(None), "market", "like 'BTCUSD'"),
    (lambda client: client.cash(""), "currency", "'USDT'"),
    (lambda client: client.cash(None), "currency", "'USDT'"),
    (lambda client: client.subscribe("depths", BTC), "channel", "'depth', 'trades', 'candles', 'instruments', 'cash'"),
    (lambda client: client.subscribe(Channel.TICKER, BTC), "channel", "'fills'"),
    (lambda client: client.subscribe("accounts"), "channel", "'cash'"),
    (lambda client: client.subscribe(Channel.UNKNOWN), "channel", "'depth'"),
    (lambda client: client.subscribe(None), "channel", "'depth'"),
    (lambda client: client.subscribe(Channel.DEPTH), "market", "like 'BTCUSD'"),
    (lambda client: client.subscribe("trades"), "market", "like 'BTCUSD'"),
    (lambda client: client.subscribe("candles", BTC), "period", "need a period"),
    (lambda client: client.subscribe("candles", period="1H"), "market", "like 'BTCUSD'"),
    (lambda client: client.subscribe("depth", BTC, period="1H"), "period", "candles"),
    (lambda client: client.subscribe("cash", "USDT"), "market", "None for cash"),
    (lambda client: client.subscribe("depth", BTC, handler=5), "handler", "callable"),
    (lambda client: client.on_depth(BTC, print, overflow="drop"), "overflow", "BLOCK"),
    (lambda client: client.on_cash(print, overflow=Overflow.RESYNC), "overflow", "public"),
    (lambda client: client.on_position(print, overflow=Overflow.RESYNC), "overflow", "public"),
    (lambda client: client.on_order(BTC, print, overflow=Overflow.RESYNC), "overflow", "public"),
    (lambda client: client.on_fill(print, overflow=Overflow.RESYNC), "overflow", "public"),
    (lambda client: client.subscribe("orders", overflow=Overflow.RESYNC), "overflow", "public"),
]


@pytest.mark.parametrize(("call", "argument", "allowed"), BAD_CALLS)
def test_a_bad_argument_of_a_stream_is_named_and_changes_nothing(
    call: Callable[[Any], object], argument: str, allowed: str
) -> None:
    client = ContractClient(KEYS)
    with leak_check(timeout=0), pytest.raises(ConfigurationError) as caught:
        call(client)
    assert caught.value.argument == argument
    assert allowed in str(caught.value)
    assert client.subscriptions == ()
    assert not client.connections


PRIVATE: list[Callable[[Any], object]] = [
    lambda client: client.on_cash(print),
    lambda client: client.on_cash()(print),
    lambda client: client.on_position(print),
    lambda client: client.on_position(BTC, print),
    lambda client: client.on_order(print),
    lambda client: client.on_order(BTC)(print),
    lambda client: client.on_fill(None, print),
    lambda client: client.subscribe("cash"),
    lambda client: client.subscribe(Channel.FILLS, BTC),
    lambda client: client.position(BTC),
    lambda client: client.positions(),
    lambda client: client.cash("USDT"),
    lambda client: client.cash_state(),
]


@pytest.mark.parametrize("call", PRIVATE)
def test_private_streams_need_credentials(call: Callable[[Any], object]) -> None:
    client = ContractClient()
    with pytest.raises(ConfigurationError, match="Credentials") as caught:
        call(client)
    assert caught.value.argument == "credentials"
    assert "ContractClient(" in str(caught.value)
    assert client.subscriptions == ()
    assert not client.connections


@pytest.mark.parametrize("call", PRIVATE)
def test_all_private_streams_share_one_connection(call: Callable[[Any], object]) -> None:
    client = ContractClient(KEYS)
    client.on_order(print)
    call(client)
    assert set(client.connections) == {"stream"}
    client.close()


# -- the streams that arguments stand for --------------------------------------------------------------------------

PERIODS = {
    "MIN1": "1MIN",
    "MIN5": "5MIN",
    "MIN15": "15MIN",
    "MIN30": "30MIN",
    "HOUR1": "1H",
    "HOUR4": "4H",
    "HOUR6": "6H",
    "HOUR12": "12H",
    "DAY1": "1D",
}


@pytest.mark.parametrize(("name", "word"), PERIODS.items())
def test_a_period_in_all_its_spellings_is_one_stream(name: str, word: str) -> None:
    client = ContractClient()
    spellings = (CandlePeriod[name], name, name.lower(), word, word.lower())
    made = [client.on_candle(BTC, period, print) for period in spellings]
    made.append(client.subscribe("candles", BTC, period=word))
    assert {str(subscription.key) for subscription in made} == {f"candles/{BTC}/{name}"}
    assert list(client.connections) == [f"candlesticks/{word}@{BTC}"]
    client.close()


def test_every_public_stream_has_a_connection_of_its_own_and_shares_it() -> None:
    client = ContractClient(limits=Limits(max_connections=6))
    for _ in range(2):
        client.on_depth(BTC, print)
        client.on_book(BTC, print)
        client.order_book(BTC)
        client.on_trade(BTC, print)
        client.on_depth(ETH, print)
        client.on_instrument(print)
        client.on_instrument(None, print)
        client.on_instrument(BTC)(print)
        client.subscribe(Channel.CANDLES, BTC, period="1H")
    assert list(client.connections) == [
        "depth@BTCUSD",
        "trades@BTCUSD",
        "depth@ETHUSDT",
        "instruments",
        "instruments@BTCUSD",
        "candlesticks/1H@BTCUSD",
    ]
    client.close()


def test_views_ask_for_their_streams_once() -> None:
    client = ContractClient(KEYS)
    for _ in range(3):
        assert client.position(BTC) is None
        assert client.positions().state == BookState.SYNCING
        assert client.cash("USDT") is None
        assert client.cash_state().state == BookState.SYNCING
        assert client.instruments().state == BookState.SYNCING
    assert [str(subscription.key) for subscription in client.subscriptions] == ["positions", "cash", "instruments"]
    assert set(client.connections) == {"stream", "instruments"}
    client.close()
    assert client.positions().state == BookState.SYNCING
    assert len(client.subscriptions) == 3


# -- connections ---------------------------------------------------------------------------------------------------


def full(client: ContractClient, count: int = 5) -> list[Subscription]:
    return [client.on_depth(f"X{number}USD", print) for number in range(count)]


MORE: list[Callable[[ContractClient], object]] = [
    lambda client: client.on_trade(BTC, print),
    lambda client: client.on_depth(BTC)(print),
    lambda client: client.order_book(BTC),
    lambda client: client.on_order(print),
    lambda client: client.positions(),
    lambda client: client.instruments(),
    lambda client: client.subscribe("candles", BTC, period="1D"),
]


@pytest.mark.parametrize("call", MORE)
def test_the_sixth_connection_is_refused_and_the_option_is_named(call: Callable[[ContractClient], object]) -> None:
    client = ContractClient(KEYS)
    made = full(client)
    with leak_check(timeout=0), pytest.raises(ConfigurationError, match=r"Limits\(max_connections=5\)") as caught:
        call(client)
    assert caught.value.argument == "max_connections"
    assert "ContractClient(limits=Limits(max_connections=...))" in str(caught.value)
    assert client.subscriptions == tuple(made)
    assert len(client.connections) == 5
    client.on_book("X0USD", print)
    client.close()


@pytest.mark.parametrize("call", MORE)
def test_the_limit_can_be_raised(call: Callable[[ContractClient], object]) -> None:
    client = ContractClient(KEYS, limits=Limits(max_connections=6))
    full(client)
    call(client)
    assert len(client.connections) == 6
    with pytest.raises(ConfigurationError, match=r"Limits\(max_connections=6\)"):
        client.on_trade("X9USD", print)
    client.close()


def test_closing_a_subscription_frees_its_connection() -> None:
    client = ContractClient()
    made = full(client)
    again = client.on_book("X0USD", print)
    made[0].close()
    assert len(client.connections) == 5  # the book still has it
    again.close()
    again.close()
    assert "depth@X0USD" not in client.connections
    assert again.state == SubscriptionState.ENDED
    client.on_trade(BTC, print)
    assert len(client.connections) == 5
    client.close()


def test_closing_the_last_private_stream_frees_their_connection() -> None:
    client = ContractClient(KEYS)
    orders, fills = client.on_order(print), client.on_fill(print)
    orders.close()
    assert list(client.connections) == ["stream"]
    fills.close()
    assert not client.connections
    client.close()


def test_the_symbol_after_a_refused_one_is_not_in_its_place() -> None:
    client = ContractClient()
    for _ in range(3):
        with pytest.raises(ConfigurationError):
            client.on_depth("BTC-USD", print)
    full(client)
    client.close()


@pytest.mark.parametrize("call", [*MORE[:4], MORE[6]])
def test_a_closed_client_takes_no_more_streams(call: Callable[[ContractClient], object]) -> None:
    client = ContractClient(KEYS)
    client.close()
    with pytest.raises(ConnectionClosed):
        call(client)
    assert not client.connections


# -- handlers ------------------------------------------------------------------------------------------------------


def registrations(client: ContractClient, handler: Any) -> list[Callable[[], object]]:
    return [
        lambda: client.on_depth(BTC, handler),
        lambda: client.on_depth(BTC)(handler),
        lambda: client.on_book(BTC, handler),
        lambda: client.on_trade(BTC, handler),
        lambda: client.on_candle(BTC, "MIN1", handler),
        lambda: client.on_instrument(None, handler),
        lambda: client.on_instrument(BTC, handler),
        lambda: client.on_cash(handler),
        lambda: client.on_position(None, handler),
        lambda: client.on_order(BTC, handler),
        lambda: client.on_fill(BTC, handler),
        lambda: client.subscribe("trades", BTC, handler=handler),
    ]


def two(first: object, second: object) -> None: ...
async def coroutine(event: object) -> None: ...


@pytest.mark.parametrize("handler", [5, "print", two, coroutine, lambda: None], ids=lambda value: str(value)[:12])
def test_a_handler_that_cannot_take_one_event_is_refused_at_once(handler: Any) -> None:
    client = ContractClient(KEYS, limits=Limits(max_connections=9))
    for register in registrations(client, handler):
        with pytest.raises(ConfigurationError, match="handler") as caught:
            register()
        assert caught.value.argument == "handler"
    assert client.subscriptions == ()
    assert not client.connections


@pytest.mark.parametrize("handler", [print, [].append, Log(), lambda *events: None], ids=lambda value: str(value)[:12])
def test_whatever_takes_one_event_is_a_handler(handler: Any) -> None:
    client = ContractClient(KEYS, limits=Limits(max_connections=9))
    results = [register() for register in registrations(client, handler)]
    assert len(client.subscriptions) == len(results)
    assert isinstance(results[0], Subscription)
    assert results[1] is handler
    client.close()


def test_bare_decorators_stand_for_all_contracts_and_can_still_be_called() -> None:
    client = ContractClient(KEYS)
    calls: list[Any] = []

    def one(event: object) -> None:
        calls.append(event)

    for register in (client.on_instrument, client.on_position, client.on_order, client.on_fill, client.on_cash):
        subscription: Any = register(one)  # type: ignore[operator]
        assert isinstance(subscription, Subscription)
        assert subscription.key.market is None
        subscription("event")
    assert calls == ["event"] * 5
    client.close()


def test_one_policy_for_all_handlers_of_a_stream() -> None:
    client = ContractClient()
    first = client.on_depth(BTC, print, overflow=Overflow.RESYNC)
    with pytest.raises(ConfigurationError, match="RESYNC") as caught:
        client.on_book(BTC, print)
    assert caught.value.argument == "overflow"
    assert client.subscriptions == (first,)
    client.close()


def test_credentials_are_not_shown() -> None:
    client = ContractClient(Credentials("a-long-api-key", "a-long-secret"))
    client.on_order(print)
    shown = repr(client) + repr(client.__dict__) + repr(client.subscriptions)
    assert "a-long-secret" not in shown
    assert "a-long-api-key" not in shown
    client.close()
