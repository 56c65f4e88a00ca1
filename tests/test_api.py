"""The public face: names, signatures, fields and defaults that users build on."""

from __future__ import annotations

import builtins
import dataclasses
import inspect
from typing import Any

import pytest

import bigone_sync
from bigone_sync import errors
from bigone_sync.clients._base import BaseClient

REQUIRED = inspect.Parameter.empty


# -- names ---------------------------------------------------------------------------------------------------------


def test_all_is_sorted_complete_and_importable() -> None:
    names = bigone_sync.__all__
    assert names == sorted(names)
    assert len(names) == len(set(names))
    for name in names:
        assert getattr(bigone_sync, name) is not None
    public = {
        name for name, value in vars(bigone_sync).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public == set(names) - {"__version__"}


NAMES = [
    "Account",
    "Backoff",
    "BookState",
    "Candle",
    "CandlePeriod",
    "Cash",
    "Channel",
    "ClientStats",
    "ConnectionState",
    "ContractOrder",
    "CostPrice",
    "Credentials",
    "DepthSnapshot",
    "DepthUpdate",
    "ExchangeRate",
    "Fill",
    "FlashOrder",
    "FlashOrderStatus",
    "Gap",
    "Instrument",
    "Limits",
    "MarginAccount",
    "MarginBalance",
    "MarginState",
    "Market",
    "Order",
    "OrderBook",
    "OrderState",
    "OrderType",
    "Overflow",
    "Position",
    "PriceLevel",
    "RawFrame",
    "Side",
    "SpotClient",
    "StateChange",
    "Subscription",
    "SubscriptionKey",
    "SubscriptionState",
    "Ticker",
    "Timeouts",
    "Trade",
    "__version__",
    "bigone_token",
    "BigOneError",
    "ConfigurationError",
    "AuthenticationError",
    "TransportError",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionLost",
    "ConnectionClosed",
    "ProtocolError",
    "DecodeError",
    "SequenceGap",
    "RequestError",
    "RequestRejected",
    "SubscriptionRejected",
    "OrderRejected",
    "RequestTimeout",
    "RestError",
    "OutcomeUnknown",
    "NotConnected",
    "CallbackError",
    "SlowConsumer",
]


@pytest.mark.parametrize("name", NAMES)
def test_name_is_public(name: str) -> None:
    assert name in bigone_sync.__all__


def test_no_public_name_shadows_a_builtin() -> None:
    names = {*bigone_sync.__all__, *errors.__all__} - {"__version__"}
    assert not names & set(dir(builtins))


def test_every_public_name_says_what_it_is_for() -> None:
    for name in bigone_sync.__all__:
        value = getattr(bigone_sync, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), name
            assert inspect.getdoc(value) != inspect.getdoc(value.__mro__[1] if inspect.isclass(value) else object), name


def test_every_public_method_of_the_client_has_a_docstring_and_annotations() -> None:
    for name, member in inspect.getmembers(bigone_sync.SpotClient):
        if name.startswith("_"):
            continue
        function = member.fget if isinstance(member, property) else member
        if isinstance(inspect.getattr_static(bigone_sync.SpotClient, name), property):
            function = inspect.getattr_static(bigone_sync.SpotClient, name).fget
        assert inspect.getdoc(function), name
        signature = inspect.signature(function)
        assert signature.return_annotation is not REQUIRED, name
        for parameter in list(signature.parameters.values())[1:]:
            assert parameter.annotation is not REQUIRED, (name, parameter)


# -- signatures ----------------------------------------------------------------------------------------------------


def defaults(function: Any) -> dict[str, Any]:
    """Parameters in order, those behind the star marked with it; required ones have no default."""
    parameters = list(inspect.signature(function).parameters.values())
    shown = {}
    for parameter in parameters:
        if parameter.name == "self":
            continue
        star = "*" if parameter.kind is inspect.Parameter.KEYWORD_ONLY else ""
        shown[star + parameter.name] = parameter.default
    return shown


OVERFLOW = {"*overflow": bigone_sync.Overflow.BLOCK}
SIGNATURES: dict[str, dict[str, Any]] = {
    "on_depth": {"market": REQUIRED, "handler": None, **OVERFLOW},
    "on_book": {"market": REQUIRED, "handler": None, **OVERFLOW},
    "on_trade": {"market": REQUIRED, "handler": None, "*limit": 20, **OVERFLOW},
    "on_ticker": {"markets": REQUIRED, "handler": None, **OVERFLOW},
    "on_candle": {"market": REQUIRED, "period": REQUIRED, "handler": None, "*limit": 20, **OVERFLOW},
    "on_account": {"handler": None, **OVERFLOW},
    "on_order": {"market": None, "handler": None, "*business_unit": None, **OVERFLOW},
    "on_margin_account": {"handler": None, **OVERFLOW},
    "on_exchange_rate": {"quote": REQUIRED, "bases": REQUIRED, "handler": None, **OVERFLOW},
    "on_flash_order": {"handler": None, "*limit": 20, **OVERFLOW},
    "on_cost_price": {"assets": REQUIRED, "handler": None, **OVERFLOW},
    "subscribe": {
        "channel": REQUIRED,
        "market": None,
        "*period": None,
        "*limit": 20,
        "*business_unit": None,
        "*quote": None,
        "*bases": None,
        "*assets": None,
        "*handler": None,
        **OVERFLOW,
    },
    "on_error": {"handler": REQUIRED},
    "on_state": {"handler": REQUIRED},
    "on_gap": {"handler": REQUIRED},
    "on_raw": {"handler": REQUIRED},
    "start": {},
    "wait_ready": {"timeout": None},
    "run_forever": {},
    "wait": {"timeout": None},
    "poll": {"timeout": 0.0},
    "close": {"*drain": True, "*timeout": None},
    "stats": {},
    "order_book": {"market": REQUIRED},
    "create_order": {
        "market": REQUIRED,
        "side": REQUIRED,
        "*amount": REQUIRED,
        "*price": None,
        "*stop_price": None,
        "*ioc": False,
        "*hidden": False,
        "*timeout": None,
    },
    "cancel_order": {"order_id": REQUIRED, "*timeout": None},
    "cancel_orders": {"markets": (), "*timeout": None},
    "list_markets": {"*timeout": None},
    "__enter__": {},
}


@pytest.mark.parametrize("method", SIGNATURES)
def test_signature_of_a_client_method(method: str) -> None:
    assert defaults(getattr(bigone_sync.SpotClient, method)) == SIGNATURES[method]


def test_signature_of_the_constructor() -> None:
    found = defaults(bigone_sync.SpotClient.__init__)
    wanted = {
        "credentials": None,
        "*protocol": "json",
        "*connections": "per_channel",
        "*url": "wss://api.big.one/ws/v2",
        "*proxy": None,
        "*ssl_context": None,
        "*headers": None,
        "*dispatch": "worker",
    }
    assert {name: found[name] for name in wanted} == wanted
    assert {"*timeouts", "*backoff", "*limits"} <= set(found)
    client = bigone_sync.SpotClient()
    assert (client._timeouts, client._backoff, client._limits) == (
        bigone_sync.Timeouts(),
        bigone_sync.Backoff(),
        bigone_sync.Limits(),
    )


def test_public_attributes_of_a_client() -> None:
    wanted = {"state", "connections", "subscriptions", "subscribe", *SIGNATURES} - {"__enter__"}
    found = {name for name in dir(bigone_sync.SpotClient) if not name.startswith("_")}
    assert wanted <= found
    assert issubclass(bigone_sync.SpotClient, BaseClient)


def test_public_attributes_of_a_subscription_and_a_book() -> None:
    assert {"key", "state", "received", "close", "events", "__enter__", "__exit__"} <= set(
        dir(bigone_sync.Subscription)
    )
    assert defaults(bigone_sync.Subscription.events) == {"timeout": None}
    book = [
        "market",
        "state",
        "is_live",
        "change_id",
        "updated_at",
        "best_bid",
        "best_ask",
        "spread",
        "mid",
        "bids",
        "asks",
        "snapshot",
        "wait_live",
    ]
    assert set(book) <= set(dir(bigone_sync.OrderBook))


# -- value objects -------------------------------------------------------------------------------------------------

VALUES: dict[str, dict[str, Any]] = {
    "Timeouts": {"connect": 10, "ping": 20, "pong": 10, "reply": 10, "send": 10, "close": 2, "stale": None},
    "Backoff": {"initial": 0.5, "cap": 30, "max_attempts": None, "stable_after": 10},
    "Limits": {"max_connections": 5, "max_message": 16 * 1024 * 1024, "queue": 100_000, "slow_callback": 1.0},
}


@pytest.mark.parametrize("name", VALUES)
def test_settings_are_frozen_keyword_only_values(name: str) -> None:
    kind = getattr(bigone_sync, name)
    value = kind()
    assert {field: getattr(value, field) for field in VALUES[name]} == VALUES[name]
    assert value == kind(**VALUES[name])
    assert hash(value) == hash(kind())
    first = next(iter(VALUES[name]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, first, 1)
    with pytest.raises(TypeError):
        kind(1)


COUNTERS = [
    "frames",
    "bytes",
    "events",
    "delivered",
    "dropped",
    "reconnects",
    "gaps",
    "decode_errors",
    "callback_errors",
    "queue_depth",
    "queue_high_water",
    "blocked_seconds",
]


def test_stats_are_frozen_and_the_same_per_channel() -> None:
    client = bigone_sync.SpotClient()
    client.on_depth("BTC-USDT", print)
    stats = client.stats()
    channel = stats.channels["depth"]
    for name in COUNTERS:
        assert getattr(stats, name) == getattr(channel, name) == 0
    assert channel.state == bigone_sync.ConnectionState.IDLE
    assert channel.last_frame_age is None
    assert channel.ping_rtt is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        stats.frames = 1  # type: ignore[misc]
    client.close()


EVENTS = {
    "DepthSnapshot": "market bids asks change_id last_price",
    "DepthUpdate": "market bids asks change_id prev_id last_price",
    "Trade": "id market price amount taker_side time is_snapshot",
    "Ticker": "market open high low close volume bid ask daily_change daily_change_percent is_snapshot",
    "Candle": "market period time open high low close volume is_snapshot close_time trade_count turnover version",
    "Account": "asset balance locked_balance is_snapshot",
    "Order": (
        "id client_order_id market side type state price stop_price amount filled_amount filled_fees avg_deal_price"
        " operator ioc business_unit created_at updated_at is_snapshot"
    ),
    "MarginAccount": "market risk_rate liquidation_price base quote is_snapshot",
    "ExchangeRate": "base_asset quote_asset price updated_at is_snapshot",
    "FlashOrder": (
        "id exchange_asset pay_asset exchange_amount estimated_pay_amount pay_amount price status customer_id dealer_id"
        " created_at updated_at is_snapshot"
    ),
    "CostPrice": "asset average_cost_price average_inflow is_snapshot",
    "Instrument": (
        "market mark_price index_price latest_price funding_rate next_funding_rate next_funding_time open_interest"
        " open_value volume_24h volume_24h_usd turnover_24h high_24h low_24h price_change_24h btc_price eth_price"
        " usdt_price"
    ),
    "Cash": (
        "id currency balances available margin position_margin order_margin position_value unrealized_pnl"
        " margin_balances margin_rate leverage"
    ),
    "Position": (
        "id market currency is_cross size notional entry_price mark_price liquidate_price margin init_margin"
        " order_margin margin_rate fee_rate_taker fee_rate_maker realised_pnl total_pnl unrealized_pnl leverage"
        " risk_limit equity value risk rom buying_notional selling_notional buying_size selling_size seq_no"
    ),
    "ContractOrder": ("id market currency type side status price avg_price size notional filled filled_notional time"),
    "Fill": "id order_id market side price size notional fee fee_rate pnl role time",
    "StateChange": "old new cause attempt retry_in",
    "Gap": "channel market since until reason",
    "RawFrame": "direction data",
}


@pytest.mark.parametrize("name", EVENTS)
def test_fields_of_an_event(name: str) -> None:
    kind = getattr(bigone_sync, name)
    assert set(kind.__struct_fields__) == {*EVENTS[name].split(), "connection", "received_at"}
    assert issubclass(kind, bigone_sync.Event)


@pytest.mark.parametrize("name", ["Instrument", "Cash", "Position", "ContractOrder", "Fill"])
def test_fields_of_a_contract_event_are_in_the_documented_order(name: str) -> None:
    fields = getattr(bigone_sync, name).__struct_fields__
    assert [field for field in fields if field not in ("connection", "received_at")] == EVENTS[name].split()


def test_urls() -> None:
    assert (bigone_sync.SPOT_URL, bigone_sync.SPOT_REST_URL) == (
        "wss://api.big.one/ws/v2",
        "https://api.big.one/api/v3",
    )
    assert bigone_sync.CONTRACT_URL == "wss://api.big.one/ws/contract/v2"
    assert bigone_sync.CONTRACT_REST_URL == "https://api.big.one/api/contract/v2"


VALUE_OBJECTS = {
    "MarginBalance": "asset balance locked_balance loan_balance state",
    "Market": "name base_asset quote_asset base_scale quote_scale min_quote_value max_quote_value id",
    "SubscriptionKey": "channel market period unit asset",
}


@pytest.mark.parametrize("name", VALUE_OBJECTS)
def test_fields_of_a_value_object(name: str) -> None:
    kind = getattr(bigone_sync, name)
    assert list(kind.__struct_fields__) == VALUE_OBJECTS[name].split()
    assert not issubclass(kind, bigone_sync.Event)


def test_properties_of_events() -> None:
    assert isinstance(bigone_sync.Account.available, property)
    assert isinstance(bigone_sync.Order.is_final, property)
    assert isinstance(bigone_sync.ContractOrder.is_final, property)
    assert bigone_sync.PriceLevel._fields == ("price", "amount", "order_count")
    assert bigone_sync.Side.BID is bigone_sync.Side.BUY
    assert bigone_sync.Side.ASK is bigone_sync.Side.SELL


# -- errors --------------------------------------------------------------------------------------------------------

TREE = {
    "BigOneError": "Exception",
    "ConfigurationError": "BigOneError ValueError",
    "AuthenticationError": "BigOneError",
    "TransportError": "BigOneError",
    "ConnectError": "TransportError",
    "ConnectTimeout": "ConnectError TimeoutError",
    "ConnectionLost": "TransportError",
    "NotConnected": "TransportError",
    "ConnectionClosed": "TransportError",
    "ReconnectExhausted": "TransportError",
    "ProtocolError": "BigOneError",
    "DecodeError": "ProtocolError",
    "UnknownMessage": "ProtocolError",
    "MessageTooBig": "ProtocolError",
    "SequenceGap": "ProtocolError",
    "StreamsDiverged": "ProtocolError",
    "RequestError": "BigOneError",
    "RequestRejected": "RequestError",
    "SubscriptionRejected": "RequestRejected",
    "OrderRejected": "RequestRejected",
    "RateLimited": "RequestError",
    "RequestTimeout": "RequestError TimeoutError",
    "OutcomeUnknown": "RequestError",
    "RestError": "BigOneError",
    "CallbackError": "BigOneError",
    "SlowConsumer": "BigOneError",
}


@pytest.mark.parametrize("name", TREE)
def test_place_of_an_exception_in_the_tree(name: str) -> None:
    kind = getattr(errors, name)
    assert [base.__name__ for base in kind.__bases__] == TREE[name].split()
    assert inspect.getdoc(kind)


def test_the_tree_is_complete() -> None:
    assert errors.__all__ == sorted(errors.__all__)
    assert set(errors.__all__) == set(TREE)
