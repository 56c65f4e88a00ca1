from __future__ import annotations

import copy
import decimal
import pickle
import pydoc
import typing
from collections.abc import Sequence
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from bigone_sync import events
from bigone_sync.enums import (
    BusinessUnit,
    CandlePeriod,
    Channel,
    ConnectionState,
    FlashOrderStatus,
    MarginState,
    OrderOperator,
    OrderState,
    OrderType,
    Side,
)
from bigone_sync.events import (
    Account,
    Candle,
    Cash,
    ContractOrder,
    CostPrice,
    DepthSnapshot,
    DepthUpdate,
    Event,
    ExchangeRate,
    Fill,
    FlashOrder,
    Gap,
    Instrument,
    Levels,
    LevelText,
    MarginAccount,
    MarginBalance,
    Order,
    Position,
    PriceLevel,
    RailsOrder,
    RawFrame,
    StateChange,
    SubscriptionKey,
    Ticker,
    Trade,
)
from bigone_sync.markets import Market
from bigone_sync.times import parse_time

WHEN = datetime(2018, 9, 12, 9, 52, 37, tzinfo=timezone.utc)
ONE = Decimal(1)
LEVEL = PriceLevel(Decimal("9.1"), Decimal("2"), 3)
BALANCE = MarginBalance("BTC", ONE, Decimal(0), Decimal("0.5"), MarginState.LIQUIDATION)
UUID = "0df9c3c3-255a-46d7-ab82-dedae169fba9"


class Frame:
    """Counts how often it is parsed."""

    def __init__(self, *rows: tuple[str, str, int | None]) -> None:
        self.rows = rows
        self.parsed = 0

    def parse(self, frame: object) -> tuple[LevelText, ...]:
        assert frame is self
        self.parsed += 1
        return tuple(LevelText(*row) for row in self.rows)

    def levels(self) -> Levels:
        return Levels(self, self.parse)


def levels(*rows: tuple[str, str, int | None]) -> Levels:
    return Frame(*rows).levels()


def order(**changes: Any) -> Order:
    fields: dict[str, Any] = {
        "id": "42844576",
        "market": "BTC-USDT",
        "side": Side.SELL,
        "type": OrderType.LIMIT,
        "state": OrderState.PENDING,
        "price": Decimal("9.0"),
        "amount": Decimal("10000.0"),
    }
    return Order(**{**fields, **changes})


def one_of_each() -> list[Event]:
    return [
        DepthSnapshot("BTC-USDT", (LEVEL,), (), 7),
        DepthUpdate("BTC-USDT", (), (LEVEL,), 8, 7),
        Trade("28622", "BTC-USDT", ONE, ONE, Side.BUY, WHEN, True),
        Ticker("BTC-USDT", bid=LEVEL, close=ONE),
        Candle("BTC-USDT", CandlePeriod.HOUR1, WHEN, ONE),
        Account("BTC", ONE, Decimal(0)),
        order(updated_at=parse_time("2018-09-12T09:52:37.123456789Z")),
        MarginAccount("BTC-USDT", Decimal("1.5"), None, BALANCE),
        ExchangeRate("BTC", "USDT", Decimal("67804.67"), WHEN, True),
        FlashOrder("18446744073709551615", "BTC", "USDT", ONE, pay_amount=ONE, customer_id=7, created_at=WHEN),
        CostPrice(UUID, ONE, Decimal("-2")),
        Instrument("BTCUSD", ONE, funding_rate=Decimal("0.0001"), next_funding_time=WHEN),
        Cash(id=UUID, currency="USDT", balances=ONE),
        Position(market="BTCUSD", is_cross=True, size=Decimal(-100), seq_no=0),
        ContractOrder(UUID, "BTCUSDT", "USDT", OrderType.POST_ONLY, Side.BUY, OrderState.NEW, ONE, time=WHEN),
        Fill(id="888888", order_id=UUID, market="BTCUSD", side=Side("FUNDING"), pnl=ONE, role="MAKER"),
        RailsOrder("01HZ5J70FCBNJAS7TVPVB4GAAG", UUID, "BTC-USD", Side.BUY, status=OrderState.ACTIVE, remaining=ONE),
        StateChange(ConnectionState.READY, ConnectionState.WAITING, None, 2, 1.5),
        Gap(Channel.TRADES, "BTC-USDT", WHEN, None, "reconnect"),
        RawFrame("in", b"{}"),
    ]


EACH = one_of_each()
ids = [type(event).__name__ for event in EACH]


@pytest.mark.parametrize(
    ("word", "final"),
    [
        *(("pending", False), ("active", False), ("cancelling", False), ("modifying", False), ("HALTED", False)),
        *(("cancelled", True), ("filled", True), ("rejected", True), ("modified", True)),
    ],
)
def test_which_states_of_a_rails_order_are_final(word: str, final: bool) -> None:
    assert RailsOrder("1", status=OrderState.parse(word)).is_final is final


def test_every_event_of_the_module_is_tested() -> None:
    kinds = {getattr(events, name) for name in events.__all__}
    assert {kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Event)} == {Event, *map(type, EACH)}


def test_classes_have_one_public_home() -> None:
    for name in events.__all__:
        kind = getattr(events, name)
        if isinstance(kind, type):
            assert kind.__module__ in ("bigone_sync.events", "bigone_sync.levels"), name
            assert typing.get_type_hints(kind), name
    assert b"bigone_sync.events\n" in pickle.dumps(Trade("1", "BTC-USDT", ONE, ONE, Side.BUY), protocol=2)


def test_the_help_names_every_class() -> None:
    text = pydoc.plain(pydoc.render_doc(events))
    assert text.count("received_at") > len(EACH)
    for name in events.__all__:
        assert f"class {name}(" in text or not isinstance(getattr(events, name), type), name


# What holds for all


@pytest.mark.parametrize("event", EACH, ids=ids)
def test_an_event_is_immutable(event: Any) -> None:
    for name in event.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(event, name, None)
        with pytest.raises(AttributeError):
            delattr(event, name)
    with pytest.raises(AttributeError):
        event.invented = 1


@pytest.mark.parametrize(("event", "again"), list(zip(EACH, one_of_each(), strict=True)), ids=ids)
def test_an_event_is_equal_by_value_and_hashable(event: Event, again: Event) -> None:
    assert event is not again
    assert event == again
    assert (event != again) is False
    assert hash(event) == hash(again)
    assert len({event, again}) == 1
    assert event != "a text"
    assert [other for other in EACH if other == event] == [event]


@pytest.mark.parametrize("event", EACH, ids=ids)
def test_where_and_when_it_was_received_does_not_count(event: Any) -> None:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    elsewhere = type(event)(**{**fields, "connection": "spot/other", "received_at": 123.5})
    assert (elsewhere.connection, elsewhere.received_at) == ("spot/other", 123.5)
    assert (event.connection, event.received_at) == ("", 0.0)
    assert elsewhere == event
    assert hash(elsewhere) == hash(event)


@pytest.mark.parametrize("event", EACH, ids=ids)
def test_every_other_field_counts(event: Any) -> None:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    for name in fields.keys() - {"connection", "received_at"}:
        assert type(event)(**{**fields, name: "changed"}) != event


def test_events_of_different_types_are_different() -> None:
    assert DepthSnapshot("BTC-USDT") != DepthUpdate("BTC-USDT")


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("event", EACH, ids=ids)
def test_an_event_survives_pickling_and_copying(event: Any, protocol: int) -> None:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    sent = type(event)(**{**fields, "connection": "spot/depth", "received_at": 5.25})
    for again in (pickle.loads(pickle.dumps(sent, protocol)), copy.copy(sent), copy.deepcopy(sent)):
        assert type(again) is type(sent)
        assert again == sent
        assert (again.connection, again.received_at) == ("spot/depth", 5.25)


@pytest.mark.parametrize("event", EACH, ids=ids)
def test_repr_names_the_type_and_the_values(event: Event) -> None:
    assert repr(event).startswith(type(event).__name__ + "(")


# Levels


def test_a_level_is_a_tuple_of_three() -> None:
    price, amount, order_count = LEVEL
    assert (price, amount, order_count) == (Decimal("9.1"), Decimal(2), 3)
    assert PriceLevel(ONE, ONE).order_count is None
    assert LevelText("9.10", "2.0", 3).level() == LEVEL


def test_levels_are_parsed_when_somebody_looks_and_once() -> None:
    frame = Frame(("9.10", "2", 3), ("8", "0.0", None))
    rows = frame.levels()
    event = DepthUpdate("BTC-USDT", rows, change_id=8, prev_id=7, connection="spot/depth")
    assert (event.market, event.change_id, event.prev_id) == ("BTC-USDT", 8, 7)
    assert frame.parsed == 0
    assert rows[0] == LEVEL
    assert len(rows) == 2
    assert list(rows) == [LEVEL, PriceLevel(Decimal(8), Decimal(0), None)]
    assert frame.parsed == 1


def test_levels_behave_like_the_tuple_of_their_levels() -> None:
    rows = levels(("9.10", "2", 3), ("8", "1", None), ("7", "1", 1))
    plain = tuple(rows)
    assert all(isinstance(level, PriceLevel) for level in plain)
    assert (len(rows), bool(rows), rows[0], rows[-1], rows[1:]) == (3, True, plain[0], plain[-1], plain[1:])
    assert list(reversed(rows)) == list(reversed(plain))
    assert plain[0] in rows
    assert PriceLevel(ONE, ONE, 1) not in rows
    assert rows + plain == plain + plain
    assert repr(rows) == repr(plain)
    assert str(rows[0].price) == "9.10"
    with pytest.raises(IndexError):
        rows[3]
    assert not levels()


def test_levels_equal_tuples_and_other_levels_both_ways() -> None:
    rows, again = levels(("9.10", "2", 3)), levels(("9.1", "2.00", 3))
    plain: Sequence[PriceLevel] = (LEVEL,)
    assert rows == again
    assert rows == plain
    assert plain == rows
    assert hash(rows) == hash(again) == hash(plain)
    assert (rows != plain) is False
    assert rows != ()
    assert (plain != rows) is False
    assert rows != levels(("9.1", "2", 4))
    assert rows != [LEVEL]
    assert levels() == ()


def test_events_with_levels_equal_events_with_tuples() -> None:
    lazy = DepthSnapshot("BTC-USDT", levels(("9.10", "2", 3)), levels(), 7)
    plain = DepthSnapshot("BTC-USDT", (LEVEL,), (), 7)
    assert lazy == plain
    assert plain == lazy
    assert hash(lazy) == hash(plain)


def test_levels_are_immutable() -> None:
    rows: Any = levels(("9.10", "2", 3))
    with pytest.raises(AttributeError):
        rows._made = ()
    with pytest.raises(TypeError):
        rows[0] = LEVEL


def test_the_text_of_levels_is_the_venues() -> None:
    assert levels(("9.10", "2.000", 3)).text() == (LevelText("9.10", "2.000", 3),)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_levels_survive_pickling_without_their_parser(protocol: int) -> None:
    frame = Frame(("9.10", "2.0", 3), ("8E+2", "1", None))
    frame.unpicklable = lambda: None  # type: ignore[attr-defined]
    event = DepthUpdate("BTC-USDT", frame.levels(), change_id=1)
    again = pickle.loads(pickle.dumps(event, protocol))
    assert again == event
    assert isinstance(again.bids, Levels)
    assert [str(level.price) for level in again.bids] == ["9.10", "8E+2"]
    assert [row.level() for row in again.bids.text()] == list(event.bids)


def test_depth_without_sides_has_empty_ones() -> None:
    assert (DepthUpdate("BTC-USDT").bids, DepthSnapshot("BTC-USDT").asks) == ((), ())
    assert DepthSnapshot("BTC-USDT").last_price is None


# Single types


@pytest.mark.parametrize(
    ("state", "final"),
    [
        (OrderState.PENDING, False),
        (OrderState.FIRED, False),
        (OrderState.FILLED, True),
        (OrderState.CANCELLED, True),
        (OrderState.REJECTED, True),
        (OrderState.UNKNOWN, False),
        (OrderState("HALTED"), False),
        (OrderState("filled"), True),
    ],
)
def test_final_orders(state: OrderState, final: bool) -> None:
    assert order(state=state).is_final is final


@pytest.mark.parametrize(
    ("word", "final"),
    [
        *(("FILLED", True), ("CANCELED", True), ("PARTIALLY_CANCELED", True), ("REJECTED", True)),
        *(("NEW", False), ("PARTIALLY_FILLED", False), ("UNTRIGGERED", False), ("PENDING_CANCEL", False)),
        *(("HALTED", False), ("UNKNOWN", False)),
    ],
)
def test_final_contract_orders(word: str, final: bool) -> None:
    assert ContractOrder("1", "BTCUSD", status=OrderState.parse(word)).is_final is final


@pytest.mark.parametrize(
    "event",
    [
        *(Instrument("BTCUSD"), Cash(currency="USDT"), Position(market="BTCUSD")),
        *(ContractOrder("1", "BTCUSD"), Fill(id="1", market="BTCUSD")),
    ],
    ids=lambda event: type(event).__name__,
)
def test_contract_events_need_only_what_identifies_them(event: Any) -> None:
    rest = {name: getattr(event, name) for name in event.__struct_fields__ if name not in ("connection", "received_at")}
    words = {name: value for name, value in rest.items() if value is not None and not isinstance(value, str)}
    assert all(not value.is_known for value in words.values())
    assert {name for name, value in rest.items() if isinstance(value, str)} <= {"id", "market", "currency"}
    with pytest.raises(TypeError):
        type(event)()


def test_what_an_order_has_without_being_told() -> None:
    plain = order()
    assert (plain.operator, plain.business_unit) == (OrderOperator.LTE, BusinessUnit.SPOT)
    assert (plain.ioc, plain.client_order_id, plain.is_snapshot) == (False, "", False)
    assert (plain.created_at, plain.updated_at, plain.stop_price, plain.filled_amount) == (None, None, None, None)


def test_available_is_the_balance_without_the_locked_part() -> None:
    assert Account("BTC", Decimal("10.0"), Decimal("2.5")).available == Decimal("7.5")
    assert Account("BTC", Decimal(1), Decimal(1)).available == 0


def test_available_is_exact_whatever_the_threads_decimal_context() -> None:
    account = Account("SHIB", Decimal("12345678901234567890.123456789012345678"), Decimal("0.000000000000000001"))
    expected = Decimal("12345678901234567890.123456789012345677")
    assert account.available == expected
    with decimal.localcontext() as context:
        context.prec = 5
        assert account.available == expected


def test_what_the_events_of_the_schema_have_without_being_told() -> None:
    assert MarginAccount("BTC-USDT") == MarginAccount("BTC-USDT", None, None, None, None, False)
    plain = FlashOrder("1", "BTC", "USDT")
    assert (plain.exchange_amount, plain.estimated_pay_amount, plain.pay_amount, plain.price) == (None,) * 4
    assert (plain.status, plain.customer_id, plain.dealer_id) == (FlashOrderStatus.UNSPECIFIED, 0, 0)
    assert (plain.created_at, plain.updated_at, plain.is_snapshot) == (None, None, False)
    assert CostPrice(UUID) == CostPrice(UUID, None, None, False)
    assert ExchangeRate("BTC", "USDT", ONE) == ExchangeRate("BTC", "USDT", ONE, None, False)


@pytest.mark.parametrize("value", [BALANCE, Market("BTC-USDT", "BTC", "USDT", 6, 2, ONE)], ids=repr)
def test_values_are_immutable_equal_by_value_and_hashable(value: Any) -> None:
    fields = {name: getattr(value, name) for name in value.__struct_fields__}
    assert type(value)(**fields) == value
    assert hash(type(value)(**fields)) == hash(value)
    assert pickle.loads(pickle.dumps(value)) == value
    for name in fields:
        assert type(value)(**{**fields, name: "changed"}) != value
        with pytest.raises(AttributeError):
            setattr(value, name, None)


def test_the_names_of_streams() -> None:
    assert str(SubscriptionKey(Channel.MARGIN_ACCOUNTS)) == "margin_accounts"
    assert str(SubscriptionKey(Channel.EXCHANGE_RATES, "BTC-USDT")) == "exchange_rates/BTC-USDT"
    assert str(SubscriptionKey(Channel.COST_PRICES, asset=UUID)) == f"cost_prices/{UUID}"
    assert str(SubscriptionKey(Channel.ORDERS, unit=BusinessUnit.MARGIN)) == "orders/MARGIN"


def test_a_ticker_may_lack_anything_but_its_market() -> None:
    ticker = Ticker("BTC-USDT")
    rest = set(ticker.__struct_fields__) - {"market", "is_snapshot", "connection", "received_at"}
    assert {getattr(ticker, name) for name in rest} == {None}


def test_the_fields_of_the_documents() -> None:
    documented = {
        DepthSnapshot: "market bids asks change_id last_price",
        DepthUpdate: "market bids asks change_id prev_id last_price",
        Trade: "id market price amount taker_side time is_snapshot",
        Ticker: "market open high low close volume bid ask daily_change daily_change_percent is_snapshot",
        Candle: "market period time open high low close volume is_snapshot close_time trade_count turnover version",
        Account: "asset balance locked_balance is_snapshot",
        Order: "id client_order_id market side type state price stop_price amount filled_amount filled_fees"
        " avg_deal_price operator ioc business_unit created_at updated_at is_snapshot",
        MarginAccount: "market risk_rate liquidation_price base quote is_snapshot",
        ExchangeRate: "base_asset quote_asset price updated_at is_snapshot",
        FlashOrder: "id exchange_asset pay_asset exchange_amount estimated_pay_amount pay_amount price status"
        " customer_id dealer_id created_at updated_at is_snapshot",
        CostPrice: "asset average_cost_price average_inflow is_snapshot",
        Instrument: "market mark_price index_price latest_price funding_rate next_funding_rate next_funding_time"
        " open_interest open_value volume_24h volume_24h_usd turnover_24h high_24h low_24h price_change_24h"
        " btc_price eth_price usdt_price",
        Cash: "id currency balances available margin position_margin order_margin position_value unrealized_pnl"
        " margin_balances margin_rate leverage",
        Position: "id market currency is_cross size notional entry_price mark_price liquidate_price margin init_margin"
        " order_margin margin_rate fee_rate_taker fee_rate_maker realised_pnl total_pnl unrealized_pnl leverage"
        " risk_limit equity value risk rom buying_notional selling_notional buying_size selling_size seq_no",
        ContractOrder: "id market currency type side status price avg_price size notional filled filled_notional time",
        RailsOrder: "order_id client_request_id market side type status price remaining filled avg_fill_price leverage"
        " post_only created_at updated_at result_type status_code reason api_quota_used",
        Fill: "id order_id market side price size notional fee fee_rate pnl role time",
        StateChange: "old new cause attempt retry_in",
        Gap: "channel market since until reason",
        RawFrame: "direction data",
    }
    assert {kind: set(kind.__struct_fields__) for kind in documented} == {
        kind: {*names.split(), "connection", "received_at"} for kind, names in documented.items()
    }
