"""Margin accounts, exchange rates, flash exchange orders and cost prices, built by hand from the schema's tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from spot_lines import AT, Line, delivered, holes, replies, utc

from bigone_sync.enums import Channel, FlashOrderStatus, MarginState
from bigone_sync.errors import ConfigurationError
from bigone_sync.events import CostPrice, ExchangeRate, FlashOrder, Gap, MarginAccount, MarginBalance, SubscriptionKey
from bigone_sync.markets import Market
from bigone_sync.protocol.base import CodecError, Command, LoginLost, Parting, Problem, Reply, Route, ServerError
from bigone_sync.protocol.messages import WireMarket
from bigone_sync.protocol.spot_events import market_of
from bigone_sync.protocol.spot_json import JsonCodec

D = Decimal
WHEN, LATER = "2025-12-29T13:00:00.000000001Z", "2025-12-29T13:00:05Z"
GOLD, SILVER = "0df9c3c3-255a-46d7-ab82-dedae169fba9", "550b34db-696e-4434-a126-196f827d9172"
LARGEST = 2**64 - 1
REFUSED = {"code": 45000, "message": "no"}


def said(made: Any) -> Any:
    """The request on the wire without its id."""
    request, frame = made
    found = json.loads(frame.data)
    assert found.pop("requestId") == request.id
    return found


def problems(items: Any) -> list[str]:
    return [str(what.error) for _, what in items if isinstance(what, Problem)]


def error(request_id: str) -> Any:
    return {"requestId": request_id, "error": REFUSED}


# -- margin accounts

BASE = {"asset": "BTC", "balance": "10.50", "lockedBalance": "0.5", "loanBalance": "4", "state": "LIQUIDATION"}
ACCOUNT = {
    "name": "BTC-USDT",
    "riskRate": "1.2",
    "liquidationPrice": "31000.5",
    "base": BASE,
    "quota": {"asset": "USDT", "balance": "100", "lockedBalance": "", "loanBalance": "0", "state": "NORMAL"},
}
MARGIN = MarginAccount(
    "BTC-USDT",
    D("1.2"),
    D("31000.5"),
    MarginBalance("BTC", D("10.5"), D("0.5"), D(4), MarginState.LIQUIDATION),
    MarginBalance("USDT", D(100), D(0), D(0), MarginState.NORMAL),
)


def margin_update(account: Any) -> Any:
    return {"requestId": "1", "marginAccountUpdate": {"account": account}}


def test_margin_accounts_come_as_a_snapshot_and_one_by_one() -> None:
    line = Line("spot/private")
    route = line.add(Channel.MARGIN_ACCOUNTS)
    request, _ = made = line.protocol.subscribe([route])
    assert said(made) == {"subscribeViewerMarginAccountsRequest": {}}
    items = line.send({"requestId": "1", "marginAccountsSnapshot": {"accounts": [ACCOUNT, {"name": "ETH-USDT"}]}})
    first, second = delivered(items)
    assert items == [(None, Reply(request)), (route, [first, second])]
    assert isinstance(first, MarginAccount)
    assert (first.base, first.quote, first.risk_rate, first.is_snapshot) == (MARGIN.base, MARGIN.quote, D("1.2"), True)
    assert (first.connection, first.received_at) == ("spot/private", AT)
    assert second == MarginAccount("ETH-USDT", is_snapshot=True)
    assert line.one(margin_update(ACCOUNT)) == MARGIN
    assert said(line.protocol.unsubscribe([route])) == {"unsubscribeViewerMarginAccountsRequest": {}}


@pytest.mark.parametrize("left_out", [{}, {"balance": None, "state": None}, {"balance": "", "asset": "", "state": ""}])
def test_an_empty_side_of_a_margin_account_is_no_missing_one(left_out: Any) -> None:
    line = Line()
    line.subscribed(Channel.MARGIN_ACCOUNTS)
    empty = MarginBalance("", D(0), D(0), D(0), MarginState.NORMAL)
    found = line.one(margin_update({"name": "BTC-USDT", "base": left_out, "quota": None, "riskRate": ""}))
    assert found == MarginAccount("BTC-USDT", base=empty)


@pytest.mark.parametrize(("word", "state"), [("PIERCING", MarginState.PIERCING), (2, MarginState.PIERCING), (0, None)])
def test_states_of_margin_accounts_are_names_or_numbers(word: Any, state: MarginState | None) -> None:
    line = Line()
    line.subscribed(Channel.MARGIN_ACCOUNTS)
    found = line.one(margin_update({**ACCOUNT, "base": {**BASE, "state": word}}))
    assert isinstance(found, MarginAccount)
    assert found.base is not None
    assert found.base.state is (state or MarginState.NORMAL)


def test_a_new_state_of_a_margin_account_is_kept() -> None:
    line = Line()
    line.subscribed(Channel.MARGIN_ACCOUNTS)
    found = line.one(margin_update({**ACCOUNT, "base": {**BASE, "state": 7}}))
    assert isinstance(found, MarginAccount)
    assert found.base is not None
    assert (found.base.state, found.base.state.value) == (MarginState.UNKNOWN, "7")


# -- exchange rates

RATE = {"baseAsset": "BTC", "quoteAsset": "USDT", "price": "67804.670", "updatedAt": WHEN}


def rates_line(*bases: str) -> tuple[Line, list[Route]]:
    line = Line("spot/ticker")
    return line, [line.add(Channel.EXCHANGE_RATES, f"{base}-USDT") for base in bases]


def rate_list(*rates: Any, kind: str = "Update", request_id: str | None = "1", **other: Any) -> Any:
    return {"requestId": request_id, f"exchangeRatesList{kind}": {"baseAssets": list(rates), **other}}


def test_a_list_of_exchange_rates() -> None:
    line, (btc, eth) = rates_line("BTC", "ETH")
    (group,) = line.protocol.groups([btc, eth])
    request, _ = made = line.protocol.subscribe(group)
    assert said(made) == {"subscribeExchangeRatesListRequest": {"quote": "USDT", "bases": ["BTC", "ETH"]}}
    bare = {"baseAsset": "ETH", "price": "3614.18"}
    items = line.send(rate_list(RATE, bare, kind="Snapshot", quoteAsset="USDT", updatedAt=LATER))
    first, second = delivered(items)
    assert items == [(None, Reply(request)), (btc, [first]), (eth, [second])]
    assert first == ExchangeRate("BTC", "USDT", D("67804.67"), first.updated_at, True)  # type: ignore[attr-defined]
    assert first.updated_at.nanosecond == 1  # type: ignore[attr-defined]
    assert second == ExchangeRate("ETH", "USDT", D("3614.18"), utc(2025, 12, 29, 13, 0, 5), True)
    assert line.one(rate_list({**bare, "updatedAt": None}, quoteAsset="USDT", updatedAt="")) == ExchangeRate(
        "ETH", "USDT", D("3614.18")
    )


def test_the_list_is_asked_for_whole_and_ended_when_nobody_is_left() -> None:
    line, (btc, eth, xrp) = rates_line("BTC", "ETH", "XRP")
    assert line.protocol.groups([]) == []
    assert line.protocol.groups([xrp]) == [[btc, eth, xrp]]
    assert line.protocol.parting([eth]) == Parting((), (btc, xrp))
    line.protocol.remove(eth)
    assert line.protocol.groups([btc]) == [[btc, xrp]]
    parting = line.protocol.parting([btc, xrp])
    assert parting == Parting(((btc, xrp),))
    assert said(line.protocol.unsubscribe(parting.unsubscribe[0])) == {"unsubscribeExchangeRatesListRequest": {}}


def test_rates_in_two_assets_do_not_go_together() -> None:
    line, (btc,) = rates_line("BTC")
    line.protocol.admit([SubscriptionKey(Channel.EXCHANGE_RATES, "ETH-USDT")])
    other = [SubscriptionKey(Channel.EXCHANGE_RATES, "ETH-BTC")]
    with pytest.raises(ConfigurationError, match="second client for BTC") as caught:
        line.protocol.admit(other)
    assert caught.value.argument == "quote"
    line.protocol.remove(btc)
    line.protocol.admit(other)


def test_rates_are_routed_by_both_assets_and_counted_where_nobody_wants_them() -> None:
    line, (btc, eth) = rates_line("BTC", "ETH")
    other = {**RATE, "quoteAsset": "EUR"}
    found = line.events(rate_list(other, {**RATE, "baseAsset": "XRP"}, {**RATE, "baseAsset": "ETH"}, RATE))
    assert [route for route, _ in found] == [eth, btc]
    assert line.protocol.unrouted == 2


@pytest.mark.parametrize("request_id", ["404", None])
def test_whoever_waits_for_rates_waits_for_the_one_list(request_id: str | None) -> None:
    line, routes = rates_line("BTC", "ETH")
    request, _ = line.protocol.subscribe(routes)
    assert replies(line.send(rate_list(kind="Snapshot", request_id=request_id))) == [request]
    assert replies(line.send(rate_list(RATE, kind="Snapshot", request_id=request_id))) == []


def test_an_answer_to_the_shorter_list_does_not_answer_for_the_longer() -> None:
    line, (btc,) = rates_line("BTC")
    first, _ = line.protocol.subscribe([btc])
    eth = line.add(Channel.EXCHANGE_RATES, "ETH-USDT")
    second, _ = line.protocol.subscribe([btc, eth])
    assert replies(line.send(rate_list(RATE, kind="Snapshot", request_id=first.id))) == [first]
    assert (btc.request_id, eth.request_id) == (second.id, second.id)
    assert replies(line.send(rate_list(RATE, kind="Snapshot", request_id=second.id))) == [second]


def test_a_refused_list_is_asked_for_without_what_is_new_in_it() -> None:
    line, (btc,) = rates_line("BTC")
    line.protocol.subscribe([btc])
    line.send(rate_list(RATE, kind="Snapshot"))
    eth = line.add(Channel.EXCHANGE_RATES, "ETH-USDT")
    request, _ = line.protocol.subscribe([btc, eth])
    assert line.control(error(request.id)) == Reply(request, ServerError(45000, "no"), again=((btc,),))


@pytest.mark.parametrize("granted", [True, False])
def test_a_list_without_new_bases_or_with_nothing_else_is_refused_as_a_whole(granted: bool) -> None:
    line, routes = rates_line("BTC", "ETH")
    if granted:
        line.protocol.subscribe(routes)
        line.send(rate_list(kind="Snapshot"))
        line.protocol.opened()
    request, _ = line.protocol.subscribe(routes)
    assert line.control(error(request.id)) == Reply(request, ServerError(45000, "no"))


# -- flash exchange orders

FLASH = {
    "id": str(LARGEST),
    "exchangeAssetSymbol": "BTC",
    "payAssetSymbol": "USDT",
    "customerId": str(LARGEST - 1),
    "dealerCid": LARGEST - 2,
    "exchangeAmount": "0.10",
    "estimatedPayAmount": "6780.467",
    "payAmount": "6780.5",
    "status": "COMPLETED",
    "createdAt": WHEN,
    "updatedAt": LATER,
    "price": "67804.67",
}


def flash(number: int, **other: Any) -> Any:
    return {"id": number, "createdAt": f"2025-12-29T13:00:{number % 60:02}Z", **other}


def flash_snapshot(*orders: Any, request_id: str | None = "1") -> Any:
    return {"requestId": request_id, "flashExchangeOrdersSnapshot": {"flashExchangeOrders": list(orders)}}


def flash_update(order: Any) -> Any:
    return {"requestId": "1", "flashExchangeOrderUpdate": {"flashExchangeOrder": order}}


def flash_ids(items: Any) -> list[str]:
    return [event.id for event in delivered(items) if isinstance(event, FlashOrder)]


def test_every_field_of_a_flash_order() -> None:
    line = Line("spot/private")
    line.subscribed(Channel.FLASH_ORDERS)
    event = line.one(flash_update(FLASH))
    assert isinstance(event, FlashOrder)
    assert event.created_at is not None
    assert event.created_at.nanosecond == 1  # type: ignore[attr-defined]
    assert event == FlashOrder(
        str(LARGEST),
        "BTC",
        "USDT",
        D("0.1"),
        D("6780.467"),
        D("6780.5"),
        D("67804.67"),
        FlashOrderStatus.COMPLETED,
        LARGEST - 1,
        LARGEST - 2,
        event.created_at,
        utc(2025, 12, 29, 13, 0, 5),
    )


@pytest.mark.parametrize(
    "defaults",
    [
        {},
        dict.fromkeys(FLASH),
        {**dict.fromkeys(FLASH, ""), "status": 0, "customerId": 0},
    ],
)
def test_defaults_of_a_flash_order_printed_or_omitted_are_the_same(defaults: Any) -> None:
    line = Line()
    line.subscribed(Channel.FLASH_ORDERS)
    assert line.one(flash_update({**defaults, "id": 7})) == FlashOrder("7", "", "")


def test_flash_orders_oldest_first_then_their_changes() -> None:
    line = Line()
    route = line.add(Channel.FLASH_ORDERS, limit=3)
    request, _ = made = line.protocol.subscribe([route])
    assert said(made) == {"subscribeFlashExchangeOrdersRequest": {"limit": 3}}
    items = line.send(flash_snapshot(flash(9), flash(7), flash(8)))
    assert replies(items) == [request]
    assert flash_ids(items) == ["7", "8", "9"]
    assert all(event.is_snapshot for event in delivered(items))  # type: ignore[attr-defined]
    changed = line.events(flash_update(flash(8, status=1)), flash_update(flash(8, status=1)))
    assert [event.status for _, event in changed] == [FlashOrderStatus.COMPLETED] * 2  # type: ignore[attr-defined]
    assert said(line.protocol.unsubscribe([route])) == {"unsubscribeFlashExchangeOrdersRequest": {}}


@pytest.mark.parametrize("update_first", [True, False])
def test_flash_orders_that_a_reconnect_missed_are_a_gap(update_first: bool) -> None:
    line = Line("spot/private")
    route = line.subscribed(Channel.FLASH_ORDERS, limit=2)
    line.send(flash_snapshot(flash(5), flash(6)))
    if update_first:
        line.send(flash_update(flash(7)))
    line.protocol.opened()
    line.protocol.subscribe([route])
    items = line.send(flash_snapshot(flash(10), flash(11), request_id="2"))
    (hole,) = holes(items)
    assert hole.route is route
    last = utc(2025, 12, 29, 13, 0, 7 if update_first else 6)
    reason = "the new snapshot does not reach back to the last order seen"
    assert hole.gap == Gap(Channel.FLASH_ORDERS, None, last, utc(2025, 12, 29, 13, 0, 10), reason)
    assert flash_ids(items) == ["10", "11"]


@pytest.mark.parametrize(
    ("before", "after", "missing"),
    [
        ([5, 6], [6, 7], False),  # joined
        ([5, 6], [5, 6], False),
        ([], [5], False),  # fewer than asked for: these are all there are
        ([], [5, 6], True),
        ([], [], False),
        ([5], [], True),
    ],
)
def test_whether_a_snapshot_reaches_back(before: Sequence[int], after: Sequence[int], missing: bool) -> None:
    line = Line()
    route = line.subscribed(Channel.FLASH_ORDERS, limit=2)
    line.send(flash_snapshot(*map(flash, before)))
    line.protocol.opened()
    line.protocol.subscribe([route])
    assert bool(holes(line.send(flash_snapshot(*map(flash, after), request_id="2")))) is missing


# -- cost prices


def cost(asset: str, **other: Any) -> Any:
    return {"assetUuid": asset, "averageCostPrice": "67804.670", "averageInflow": "-0.5", **other}


def cost_snapshot(*prices: Any, request_id: str | None = "1") -> Any:
    return {"requestId": request_id, "spotCostPriceSnapshot": {"spotCostPrices": list(prices)}}


def cost_update(price: Any) -> Any:
    return {"requestId": "1", "spotCostPriceUpdate": {"spotCostPrice": price}}


def cost_route(line: Line, asset: str) -> Route:
    return line.protocol.add(SubscriptionKey(Channel.COST_PRICES, asset=asset))


def test_cost_prices_of_several_assets_with_one_request() -> None:
    line = Line("spot/private")
    gold, silver = cost_route(line, GOLD), cost_route(line, SILVER)
    (group,) = line.protocol.groups([gold, silver])
    request, _ = made = line.protocol.subscribe(group)
    assert said(made) == {"subscribeSpotCostPriceRequest": {"assetUuids": [GOLD, SILVER]}}
    items = line.send(cost_snapshot(cost(SILVER), cost(GOLD, averageCostPrice="", averageInflow=None)))
    expected = [
        (silver, [CostPrice(SILVER, D("67804.67"), D("-0.5"), True)]),
        (gold, [CostPrice(GOLD, is_snapshot=True)]),
    ]
    assert items == [(None, Reply(request)), *expected]
    assert line.events(cost_update(cost(GOLD))) == [(gold, CostPrice(GOLD, D("67804.67"), D("-0.5")))]
    assert line.protocol.parting([gold]) == Parting(((gold,),))
    assert said(line.protocol.unsubscribe([gold])) == {"unsubscribeSpotCostPriceRequest": {"assetUuids": [GOLD]}}


def test_a_uuid_is_the_same_in_either_case_and_comes_out_as_sent() -> None:
    line = Line()
    route = cost_route(line, GOLD)
    ((found, event),) = line.events(cost_update(cost(GOLD.upper())))
    assert found is route
    assert isinstance(event, CostPrice)
    assert event.asset == GOLD.upper()


def test_a_snapshot_of_cost_prices_with_a_foreign_id_answers_whoever_waits_for_its_assets() -> None:
    line = Line()
    silver, _ = line.protocol.subscribe([cost_route(line, SILVER)])
    gold, _ = line.protocol.subscribe([cost_route(line, GOLD)])
    assert replies(line.send(cost_snapshot(cost(GOLD), request_id="404"))) == [gold]
    assert replies(line.send(cost_snapshot(request_id=silver.id))) == [silver]


def test_refused_cost_prices_are_asked_for_one_by_one() -> None:
    line = Line()
    gold, silver = cost_route(line, GOLD), cost_route(line, SILVER)
    request, _ = line.protocol.subscribe([gold, silver])
    assert line.control(error(request.id)) == Reply(request, ServerError(45000, "no"), again=((gold,), (silver,)))
    request, _ = line.protocol.subscribe([gold])
    assert line.control(error(request.id)) == Reply(request, ServerError(45000, "no"))


# -- what holds for all

KINDS: list[tuple[Channel, str | None, str | None, Any, Any, Any]] = [
    (
        Channel.MARGIN_ACCOUNTS,
        None,
        None,
        lambda *items: {"marginAccountsSnapshot": {"accounts": list(items)}},
        ACCOUNT,
        [{}, {"name": ""}, None, 5, {**ACCOUNT, "riskRate": "high"}, {**ACCOUNT, "base": {"balance": "NaN"}}],
    ),
    (
        Channel.EXCHANGE_RATES,
        "BTC-USDT",
        None,
        lambda *items: rate_list(*items, kind="Snapshot", quoteAsset="USDT"),
        RATE,
        [{}, {"baseAsset": "BTC"}, {**RATE, "price": ""}, {"price": "1"}, None, {**RATE, "updatedAt": "noon"}],
    ),
    (Channel.EXCHANGE_RATES, "BTC-USDT", None, rate_list, RATE, [{"baseAsset": "BTC", "price": "1"}, []]),
    (
        Channel.FLASH_ORDERS,
        None,
        None,
        flash_snapshot,
        FLASH,
        [
            {},
            {"id": 0},
            {"id": "x"},
            {"id": LARGEST + 1},
            None,
            {**FLASH, "createdAt": 5},
            {**FLASH, "price": "MARKET"},
        ],
    ),
    (
        Channel.COST_PRICES,
        None,
        GOLD,
        cost_snapshot,
        cost(GOLD),
        [{}, {"assetUuid": ""}, None, {"assetUuid": 5}, cost(GOLD, averageInflow="much")],
    ),
]


@pytest.mark.parametrize(("channel", "market", "asset", "message", "good", "bad"), KINDS)
def test_a_bad_item_does_not_take_the_others_along(
    channel: Channel, market: str | None, asset: str | None, message: Any, good: Any, bad: Any
) -> None:
    line = Line()
    line.protocol.add(SubscriptionKey(channel, market, asset=asset))
    items = line.send(message(*bad[:2], good, *bad[2:]))
    assert len(problems(items)) == len(bad) == line.protocol.decode_errors
    assert len(delivered(items)) == 1


@pytest.mark.parametrize(("channel", "market", "asset", "message", "good", "bad"), KINDS)
def test_what_nobody_asked_for_is_counted_and_dropped(
    channel: Channel, market: str | None, asset: str | None, message: Any, good: Any, bad: Any
) -> None:
    line = Line()
    assert line.send(message(good)) == []
    route = line.protocol.add(SubscriptionKey(channel, market, asset=asset))
    line.protocol.remove(route)
    assert line.send(message(good)) == []
    assert line.protocol.unrouted == 2


def test_updates_that_nobody_asked_for_are_counted_and_dropped() -> None:
    line = Line()
    assert line.send(margin_update(ACCOUNT), rate_list(RATE), flash_update(FLASH), cost_update(cost(GOLD))) == []
    assert line.protocol.unrouted == 4


UPDATES = [
    (Channel.MARGIN_ACCOUNTS, "marginAccountUpdate"),
    (Channel.FLASH_ORDERS, "flashExchangeOrderUpdate"),
    (Channel.COST_PRICES, "spotCostPriceUpdate"),
]


@pytest.mark.parametrize(("channel", "member"), UPDATES)
def test_an_update_without_its_item_cannot_be_read(channel: Channel, member: str) -> None:
    for body in ({}, {"other": {}}, [], 5, {"account": None, "flashExchangeOrder": None, "spotCostPrice": 5}):
        line = Line()
        line.subscribed(channel)
        assert member in str(line.problem({member: body}))


@pytest.mark.parametrize("body", [[], 5, {"baseAssets": {}}, {"baseAssets": 5}, {"quoteAsset": 5}])
def test_a_list_of_rates_of_another_shape_cannot_be_read(body: Any) -> None:
    assert "exchangeRatesListUpdate" in str(Line().problem({"exchangeRatesListUpdate": body}))


@pytest.mark.parametrize("body", [{}, {"baseAssets": None}, {"quoteAsset": None, "baseAssets": [], "more": 1}])
def test_an_empty_list_of_rates_is_no_error(body: Any) -> None:
    assert Line().send({"exchangeRatesListUpdate": body}) == []


@pytest.mark.parametrize(
    ("channel", "asset"), [(Channel.MARGIN_ACCOUNTS, None), (Channel.FLASH_ORDERS, None), (Channel.COST_PRICES, GOLD)]
)
def test_a_login_error_on_a_private_stream_of_the_schema_names_its_request(channel: Channel, asset: str | None) -> None:
    line = Line()
    request, _ = line.protocol.subscribe([line.protocol.add(SubscriptionKey(channel, asset=asset))])
    login = ServerError(45001, "login status error")
    found = line.control({"requestId": request.id, "error": {"code": login.code, "message": login.message}})
    assert found == LoginLost(login, request)


def test_lists_are_asked_for_first_and_each_channel_by_itself() -> None:
    line = Line()
    depth, trades = line.add(Channel.DEPTH, "BTC-USDT"), line.add(Channel.TRADES, "BTC-USDT")
    btc, eth, everything = (line.add(Channel.TICKER, market) for market in ("BTC-USDT", "ETH-USDT", None))
    rate = line.add(Channel.EXCHANGE_RATES, "BTC-USDT")
    groups = line.protocol.groups([depth, btc, everything, trades, rate, eth])
    assert groups == [[btc, eth], [everything], [rate], [depth], [trades]]
    assert line.protocol.parting([btc]) == Parting(())
    assert line.protocol.parting([everything]) == Parting(((everything,),), (btc, eth))
    assert line.protocol.parting([depth]) == Parting(((depth,),))


def test_a_refused_list_says_nothing_of_what_was_asked_for_anew_meanwhile() -> None:
    line = Line()
    gold, silver = cost_route(line, GOLD), cost_route(line, SILVER)
    first, _ = line.protocol.subscribe([gold, silver])
    line.protocol.subscribe([gold])
    reply = line.control(error(first.id))
    assert isinstance(reply, Reply)
    assert reply.again == ((silver,),)
    assert first.command is Command.SUBSCRIBE


# -- markets


def test_a_market_of_the_list() -> None:
    wire = {
        "name": "BTC-USDT",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "baseScale": 6,
        "quoteScale": "2",
        "minQuoteValue": "1.00",
    }
    rows = [wire, {"name": "ETH-USDT"}, {"name": 5}, {}]
    body = JsonCodec.decode(json.dumps({"requestId": "1", "listMarketsResponse": {"markets": rows}}).encode()).body
    assert market_of(body[0]) == Market("BTC-USDT", "BTC", "USDT", 6, 2, D(1))
    assert market_of(body[1]) == Market("ETH-USDT", "", "", 0, 0, None)
    assert isinstance(body[2], CodecError)
    with pytest.raises(CodecError, match="name"):
        market_of(body[3])


@pytest.mark.parametrize("bad", [{"base_scale": "x"}, {"quote_scale": 2**64}, {"min_quote_value": "least"}])
def test_a_market_with_a_field_that_is_no_number_cannot_be_read(bad: Any) -> None:
    with pytest.raises(CodecError):
        market_of(WireMarket(name="BTC-USDT", **bad))
