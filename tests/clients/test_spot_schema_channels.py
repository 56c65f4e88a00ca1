"""Streams of the official schema that the documents leave out, against the local exchange."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from client_rig import (
    BACKOFF,
    BTC,
    CALM,
    ETH,
    PATIENCE,
    Gate,
    Log,
    Watched,
    asked,
    members,
    running,
    spot,
    trade_at,
    until_ready,
)

from bigone_sync import (
    BusinessUnit,
    Channel,
    ConnectionLost,
    CostPrice,
    ExchangeRate,
    FlashOrder,
    FlashOrderStatus,
    Gap,
    Limits,
    MarginAccount,
    MarginBalance,
    MarginState,
    Order,
    Overflow,
    RequestTimeout,
    SpotClient,
    Subscription,
    SubscriptionRejected,
    SubscriptionState,
    Timeouts,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

D = Decimal
RATES, COST = "ExchangeRatesListRequest", "SpotCostPriceRequest"
UNKNOWN_ASSET = "00000000-0000-0000-0000-000000000000"


def lists(exchange: LocalExchange) -> list[list[str]]:
    """The bases of every list of rates that was asked for; an empty one stands for the end of it."""
    requests = [request for _, request in exchange.requests]
    return [
        request[member].get("bases", [])
        for request in requests
        for member in (f"subscribe{RATES}", f"unsubscribe{RATES}")
        if member in request
    ]


def watch_everything(client: SpotClient, exchange: LocalExchange) -> dict[Channel, Log[Any]]:
    logs: dict[Channel, Log[Any]] = {}
    for channel, options in (
        (Channel.MARGIN_ACCOUNTS, {}),
        (Channel.EXCHANGE_RATES, {"quote": "USDT", "bases": ["BTC", "ETH"]}),
        (Channel.FLASH_ORDERS, {"limit": 2}),
        (Channel.COST_PRICES, {"assets": [exchange.asset_uuid("BTC"), exchange.asset_uuid("ETH")]}),
    ):
        logs[channel] = Log()
        client.subscribe(channel, handler=logs[channel], **options)  # type: ignore[arg-type]
    return logs


# -- what they tell -----------------------------------------------------------------------------------------------


def test_margin_accounts_snapshot_and_update(still: LocalExchange) -> None:
    log: Log[MarginAccount] = Log()
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    client.on_margin_account(log)
    with running(client):
        log.wait(2)
        still.set_margin(BTC, base="3", base_loan="1.5", state="LIQUIDATION")
        log.wait(3)
    assert {account.market for account in log.items[:2]} == {BTC, ETH}
    assert [account.is_snapshot for account in log] == [True, True, False]
    there = still.margin_accounts()[BTC]
    update = log[2]
    assert update.base == MarginBalance("BTC", D(3), D(0), D("1.5"), MarginState.LIQUIDATION)
    assert update.quote == MarginBalance("USDT", there.quote.balance, D(0), D(0), MarginState.LIQUIDATION)
    assert (update.market, update.risk_rate, update.liquidation_price) == (
        BTC,
        there.risk_rate,
        there.liquidation_price,
    )
    assert update.connection == "spot/private"
    watched.assert_quiet()


def test_exchange_rates_snapshot_and_updates_by_pair(still: LocalExchange) -> None:
    both, btc = Log[ExchangeRate](), Log[ExchangeRate]()
    client = spot(still.spot_url)
    watched = Watched(client)
    client.on_exchange_rate("USDT", ["BTC", "ETH"], both)
    client.on_exchange_rate("USDT", "BTC", btc)
    with running(client):
        both.wait(2)
        prices = [trade_at(still, taker) for taker in ("ASK", "BID", "ASK")]
        wait_until(lambda: btc.items and btc[-1].price == prices[-1])
        eth = [trade_at(still, taker, ETH) for taker in ("ASK", "BID")]
        wait_until(lambda: both[-1].price == eth[-1])
    assert [(rate.base_asset, rate.quote_asset, rate.is_snapshot) for rate in both.items[:2]] == [
        ("BTC", "USDT", True),
        ("ETH", "USDT", True),
    ]
    assert {rate.base_asset for rate in btc} == {"BTC"}
    assert [rate.price for rate in btc if not rate.is_snapshot][-2:] == prices[-2:]
    assert all(rate.updated_at is not None for rate in both)
    assert both[0].connection == "spot/ticker"
    assert lists(still) == [["BTC", "ETH"]]
    watched.assert_quiet()


def test_flash_orders_the_latest_then_their_changes(still: LocalExchange) -> None:
    before = [str(still.flash_exchange("USDT", "BTC", "0.01")) for _ in range(4)]
    log: Log[FlashOrder] = Log()
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    client.on_flash_order(log, limit=3)
    with running(client):
        log.wait(3)
        mine = still.flash_exchange("USDT", "BTC", "0.02")
        log.wait(5)
    assert [order.id for order in log] == [*before[1:], str(mine), str(mine)]
    assert [order.is_snapshot for order in log] == [True, True, True, False, False]
    assert [order.status for order in log.items[3:]] == [FlashOrderStatus.UNSPECIFIED, FlashOrderStatus.COMPLETED]
    there, last = still.flash_orders()[-1], log[-1]
    assert last == FlashOrder(
        str(there.id),
        "BTC",
        "USDT",
        D("0.02"),
        there.estimated_pay_amount,
        there.pay_amount,
        there.price,
        FlashOrderStatus.COMPLETED,
        there.customer_id,
        there.dealer_id,
        last.created_at,
        last.updated_at,
    )
    assert last.created_at is not None
    assert asked(still, "subscribeFlashExchangeOrdersRequest") == [{"limit": 3}]
    watched.assert_quiet()


def test_cost_prices_of_several_assets_with_one_request(still: LocalExchange) -> None:
    uuids = {asset: still.asset_uuid(asset) for asset in ("BTC", "ETH")}
    both, btc = Log[CostPrice](), Log[CostPrice]()
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    client.on_cost_price(list(uuids.values()), both)
    client.on_cost_price(uuids["BTC"].upper(), btc)
    with running(client):
        both.wait(2)
        still.place_order(BTC, "BID", None, "0.5", type="MARKET")
        btc.wait(2)
        both.wait(3)
    there = still.cost_prices()["BTC"]
    assert btc[-1] == CostPrice(uuids["BTC"], there.average_cost_price, there.average_inflow)
    assert there.average_cost_price > 0
    assert {price.asset for price in both.items[:2]} == set(uuids.values())
    assert {price.asset for price in btc} == {uuids["BTC"]}
    assert asked(still, f"subscribe{COST}") == [{"assetUuids": list(uuids.values())}]
    watched.assert_quiet()


def test_orders_of_the_margin_unit(still: LocalExchange) -> None:
    still.set_margin(BTC, quote="100000")
    still.set_margin(ETH, quote="100000")
    logs: dict[str, Log[Order]] = {name: Log() for name in ("spot", "margin", "all margin")}
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    client.on_order(BTC, logs["spot"])
    client.on_order(BTC, logs["margin"], business_unit="MARGIN")
    client.on_order(logs["all margin"], business_unit=BusinessUnit.MARGIN)
    with running(client):
        margin = still.place_order(BTC, "BID", price="1", amount="1", business_unit="MARGIN")
        plain = still.place_order(BTC, "BID", price="1", amount="1")
        other = still.place_order(ETH, "BID", price="1", amount="1", business_unit="MARGIN")
        logs["spot"].wait(1)
        logs["all margin"].wait(2)
    assert [(order.id, order.business_unit) for order in logs["spot"]] == [(plain, BusinessUnit.SPOT)]
    assert [(order.id, order.business_unit) for order in logs["margin"]] == [(margin, BusinessUnit.MARGIN)]
    assert [order.id for order in logs["all margin"]] == [margin, other]
    assert asked(still, "subscribeAllViewerOrdersRequest") == [{"businessUnit": "MARGIN"}]
    watched.assert_quiet()


def test_events_without_a_handler(still: LocalExchange) -> None:
    still.flash_exchange("USDT", "BTC", "0.01")
    client = spot(still.spot_url, private=True)
    found = {
        client.subscribe("margin_accounts"): MarginAccount,
        client.subscribe("exchange_rates", quote="USDT", bases="BTC"): ExchangeRate,
        client.subscribe("flash_orders", limit=1): FlashOrder,
        client.subscribe("cost_prices", assets=still.asset_uuid("BTC")): CostPrice,
    }
    with running(client):
        for subscription, kind in found.items():
            assert type(next(subscription.events(PATIENCE))) is kind


# -- forms of registration ----------------------------------------------------------------------------------------


def test_forms_of_registration(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    seen: Log[Any] = Log()

    def handler(event: object) -> None:
        seen(event)

    uuid = still.asset_uuid("BTC")
    direct = [
        client.on_margin_account(handler),
        client.on_exchange_rate("USDT", "BTC", handler),
        client.on_flash_order(handler),
        client.on_cost_price(uuid, handler),
    ]
    assert all(isinstance(subscription, Subscription) for subscription in direct)
    decorators = [
        client.on_margin_account(),
        client.on_exchange_rate("USDT", ["BTC"]),
        client.on_flash_order(limit=7),
        client.on_cost_price([uuid]),
        client.on_order(business_unit="MARGIN"),
    ]
    assert all(decorate(handler) is handler for decorate in decorators)

    @client.on_margin_account
    def account(event: MarginAccount) -> None:
        seen(event)

    @client.on_flash_order
    def flash(event: FlashOrder) -> None:
        seen(event)

    with running(client):
        still.flash_exchange("USDT", "BTC", "0.01")
        for kind in (MarginAccount, ExchangeRate, FlashOrder, CostPrice):
            seen.wait(2, kind)
    assert len(client.subscriptions) == 11
    # One wire subscription each, however many handlers there are.
    assert len(members(still)) == len(set(members(still)))


# -- sockets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connections", ["per_channel", "shared"])
def test_five_sockets_carry_everything(still: LocalExchange, connections: str) -> None:
    still.flash_exchange("USDT", "BTC", "0.01")
    client = spot(still.spot_url, private=True, connections=connections)
    watched = Watched(client)
    logs = watch_everything(client, still)
    client.on_depth(BTC, Log())
    client.on_trade(BTC, Log())
    client.on_candle(BTC, "MIN1", Log())
    client.on_ticker(BTC, Log())
    client.on_account(Log())
    client.on_order(Log())
    with running(client):
        for log in logs.values():
            log.wait(1)
        assert still.connection_count == (5 if connections == "per_channel" else 1)
    watched.assert_quiet()


# -- one list of rates a connection -------------------------------------------------------------------------------


def test_the_list_of_rates_grows_shrinks_and_ends(still: LocalExchange) -> None:
    btc, eth = Log[ExchangeRate](), Log[ExchangeRate]()
    client = spot(still.spot_url)
    watched = Watched(client)
    first = client.on_exchange_rate("USDT", "BTC", btc)
    with running(client):
        second = client.on_exchange_rate("USDT", ["ETH", "BTC"], eth)
        client.wait_ready(PATIENCE)
        eth.wait(2)
        assert {s.market for s in still.subscriptions()} == {BTC, ETH}
        second.close()
        wait_until(lambda: {s.market for s in still.subscriptions()} == {BTC})
        client.wait_ready(PATIENCE)
        assert first.state == SubscriptionState.LIVE
        seen = len(eth)
        trade_at(still, "ASK")
        price = trade_at(still, "BID")
        wait_until(lambda: btc[-1].price == price)
        assert len(eth) == seen
        first.close()
        wait_until(lambda: not still.subscriptions())
    assert lists(still) == [["BTC"], ["BTC", "ETH"], ["BTC"], []]
    watched.assert_quiet()


def test_a_base_that_the_exchange_does_not_know_harms_no_rate_that_runs(still: LocalExchange) -> None:
    log: Log[ExchangeRate] = Log()
    client = spot(still.spot_url)
    watched = Watched(client)
    good = client.on_exchange_rate("USDT", ["BTC", "ETH"], log)
    with running(client):
        log.wait(2)
        bad = client.on_exchange_rate("USDT", "NOPE", Log())
        [error] = watched.errors.wait(1, SubscriptionRejected)
        assert bad.state == SubscriptionState.REJECTED
        bad.close()
        client.wait_ready(PATIENCE)
        wait_until(lambda: len(lists(still)) == 3)
        assert good.state == SubscriptionState.LIVE
        trade_at(still, "ASK")
        price = trade_at(still, "BID")
        wait_until(lambda: log[-1].price == price)
        still.close_connections(1001)
        until_ready(client, 1)
    assert str(error.key) == "exchange_rates/NOPE-USDT"
    assert lists(still) == [["BTC", "ETH"], ["BTC", "ETH", "NOPE"], ["BTC", "ETH"], ["BTC", "ETH"]]
    assert len(watched.errors.of(SubscriptionRejected)) == 1


def test_a_list_that_is_refused_from_the_start_is_refused_as_a_whole(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched = Watched(client)
    subscription = client.on_exchange_rate("USDT", ["BTC", "NOPE"], Log())
    with client:
        with pytest.raises(SubscriptionRejected):
            client.wait_ready(PATIENCE)
        errors = watched.errors.wait(2, SubscriptionRejected)
        assert subscription.state == SubscriptionState.REJECTED
        subscription.close()
        assert client.on_exchange_rate("USDT", "BTC", Log()).state != SubscriptionState.REJECTED
        client.wait_ready(PATIENCE)
    assert {str(error.key) for error in errors} == {"exchange_rates/BTC-USDT", "exchange_rates/NOPE-USDT"}
    assert lists(still) == [["BTC", "NOPE"], ["BTC"]]


def test_an_unanswered_list_is_asked_for_again(still: LocalExchange) -> None:
    still.mute_snapshots(1)
    log: Log[ExchangeRate] = Log()
    client = spot(still.spot_url, timeouts=Timeouts(connect=2, ping=5, pong=5, reply=0.3, close=2))
    watched = Watched(client)
    client.on_exchange_rate("USDT", ["BTC", "ETH"], log)
    with running(client):
        [error] = watched.errors.wait(1, RequestTimeout)
        log.wait(2)
    assert error.command == f"subscribe{RATES}"
    assert lists(still) == [["BTC", "ETH"], ["BTC", "ETH"]]


def test_rates_that_nobody_takes_in_time_are_discarded_announced_and_asked_for_anew(still: LocalExchange) -> None:
    client = spot(still.spot_url, limits=Limits(queue=5))
    watched, gate, seen, eth = Watched(client), Gate(), Log[ExchangeRate](), Log[ExchangeRate]()
    client.on_exchange_rate("USDT", "BTC", lambda rate: (gate(rate), seen(rate)), overflow=Overflow.RESYNC)
    client.on_exchange_rate("USDT", "ETH", eth)
    with running(client):
        assert gate.entered.wait(PATIENCE)
        for _ in range(10):
            trade_at(still, "ASK")
            price = trade_at(still, "BID")
        wait_until(lambda: client.stats().dropped > 0)
        gate.go.set()
        [gap, *_] = watched.gaps.wait(1, Gap)
        client.wait_ready(PATIENCE)
        wait_until(lambda: seen[-1].price == price and client.stats().queue_depth == 0)
    assert (gap.channel, gap.market) == (Channel.EXCHANGE_RATES, BTC)
    assert lists(still)[:3] == [["BTC", "ETH"], [], ["BTC", "ETH"]]
    assert {rate.base_asset for rate in eth} == {"ETH"}


# -- refusals, reconnects, logins ---------------------------------------------------------------------------------


def test_one_bad_asset_does_not_take_other_cost_prices_along(still: LocalExchange) -> None:
    log: Log[CostPrice] = Log()
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    uuid = still.asset_uuid("BTC")
    client.on_cost_price([uuid, UNKNOWN_ASSET], log)
    with client:
        [error] = watched.errors.wait(1, SubscriptionRejected)
        log.wait(1)
        still.place_order(BTC, "BID", None, "0.5", type="MARKET")
        log.wait(2)
    assert error.key.asset == UNKNOWN_ASSET
    assert asked(still, f"subscribe{COST}")[1:] == [{"assetUuids": [uuid]}, {"assetUuids": [UNKNOWN_ASSET]}]
    assert len(watched.errors) == 1


REGISTER: list[tuple[str, Callable[[SpotClient, LocalExchange], Subscription]]] = [
    ("subscribeViewerMarginAccountsRequest", lambda client, there: client.on_margin_account(Log())),
    (f"subscribe{RATES}", lambda client, there: client.on_exchange_rate("USDT", "BTC", Log())),
    ("subscribeFlashExchangeOrdersRequest", lambda client, there: client.on_flash_order(Log())),
    (f"subscribe{COST}", lambda client, there: client.on_cost_price(there.asset_uuid("BTC"), Log())),
]


@pytest.mark.parametrize(("member", "register"), REGISTER)
def test_every_kind_can_be_refused_and_is_not_asked_again(still: LocalExchange, member: str, register: Any) -> None:
    still.reject(member, code=45099, message="not today")
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    subscription = register(client, still)
    with client:
        [error] = watched.errors.wait(1, SubscriptionRejected)
        assert (error.code, error.reason, error.key) == (45099, "not today", subscription.key)
        still.close_connections(1001)
        wait_until(lambda: client.stats().reconnects == 1)
        subscription.close()
        assert register(client, still).state != SubscriptionState.REJECTED
        client.wait_ready(PATIENCE)
        assert len(asked(still, member)) == 2
    assert not asked(still, "un" + member)


@pytest.mark.parametrize(("member", "register"), REGISTER)
def test_closing_the_last_handler_unsubscribes(still: LocalExchange, member: str, register: Any) -> None:
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    first, second = register(client, still), register(client, still)
    with running(client):
        first.close()
        assert second.state == SubscriptionState.LIVE
        assert not asked(still, "un" + member)
        second.close()
        wait_until(lambda: len(asked(still, "un" + member)) == 1 and not still.subscriptions())
    assert len(asked(still, member)) == 1
    watched.assert_quiet()


def test_everything_comes_back_after_a_reconnect_snapshots_first(still: LocalExchange) -> None:
    still.flash_exchange("USDT", "BTC", "0.01")
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    logs = watch_everything(client, still)
    with running(client):
        before = {channel: len(log.wait(1)) for channel, log in logs.items()}
        still.close_connections(1001)
        until_ready(client, 2)
        still.set_margin(BTC, base="3")
        trade_at(still, "ASK")
        trade_at(still, "BID")
        still.flash_exchange("USDT", "BTC", "0.01")
        still.place_order(BTC, "BID", None, "0.5", type="MARKET")
        for log in logs.values():
            wait_until(lambda log=log: not log[-1].is_snapshot)  # type: ignore[misc]
    for channel, log in logs.items():
        later = log.items[before[channel] :]
        assert later[0].is_snapshot
        flags = [event.is_snapshot for event in later]
        assert flags == sorted(flags, reverse=True)
    assert not watched.gaps.items
    assert not [error for error in watched.errors if not isinstance(error, ConnectionLost)]
    assert lists(still) == [["BTC", "ETH"], ["BTC", "ETH"]]


def test_flash_orders_that_a_reconnect_missed_are_a_gap(still: LocalExchange) -> None:
    before = still.flash_exchange("USDT", "BTC", "0.01")
    log: Log[FlashOrder] = Log()
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    client.on_flash_order(log, limit=2)
    with running(client):
        log.wait(1)
        still.take_down()
        missed = [still.flash_exchange("USDT", "BTC", "0.01") for _ in range(3)]
        still.bring_up()
        until_ready(client, 1)
        [gap] = watched.gaps.wait(1)
        log.wait(3)
    assert [order.id for order in log] == [str(number) for number in (before, *missed[1:])]
    assert (gap.channel, gap.market, gap.connection) == (Channel.FLASH_ORDERS, None, "spot/private")
    assert (gap.since, gap.until) == (log[0].created_at, log[1].created_at)


def test_a_login_that_expires_is_renewed_for_all_of_them(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, timeouts=CALM, backoff=BACKOFF)
    logs = watch_everything(client, still)
    with running(client):
        for channel in (Channel.MARGIN_ACCOUNTS, Channel.COST_PRICES):
            logs[channel].wait(2)
        still.expire_auth()
        wait_until(lambda: len(asked(still, f"subscribe{COST}")) == 2)
        client.wait_ready(PATIENCE)
        still.set_margin(BTC, base="3")
        wait_until(lambda: not logs[Channel.MARGIN_ACCOUNTS][-1].is_snapshot)
    assert client.stats().reconnects == 0
    assert len(asked(still, "subscribeViewerMarginAccountsRequest")) == 2
    assert len(lists(still)) == 1
