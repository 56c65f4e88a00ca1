"""Streams of the local exchange that stand in the schema only: exchange rates, flash exchange, cost prices."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from spot_peer import Frame, Peer, best, numbers, payload, trade_at

from bigone_sync.testing.exchange import LocalExchange

D = Decimal
BTC, ETH = "BTC-USDT", "ETH-USDT"
OK = ("success", {"ok": True})
MARGIN, RATES = "ViewerMarginAccountsRequest", "ExchangeRatesListRequest"
FLASH, COST = "FlashExchangeOrdersRequest", "SpotCostPriceRequest"


@pytest.fixture
def balances() -> dict[str, Decimal]:
    return {"BTC": D(10), "ETH": D(0), "USDT": D(1_000_000)}


@pytest.fixture
def logged_in() -> bool:
    return True


def last(exchange: LocalExchange, market: str = BTC) -> Decimal:
    return exchange.trades(market)[-1].price


def bodies(frames: list[Frame], member: str) -> list[Any]:
    """The bodies of the frames of one kind."""
    return [body for name, body in map(payload, frames) if name == member]


@pytest.mark.parametrize("do", ["subscribe", "unsubscribe"])
@pytest.mark.parametrize("subject", [MARGIN, FLASH, COST])
def test_what_belongs_to_the_account_needs_a_login(still: LocalExchange, do: str, subject: str) -> None:
    with Peer(still) as stranger:
        member, error = stranger.ask(f"{do}{subject}")
        assert (member, error["code"]) == ("error", 45001)
        assert stranger.ask(f"{do}{RATES}", {"quote": "USDT"} if do == "subscribe" else {})[0] != "error"


# -- exchange rates -----------------------------------------------------------------------------------------------


def rates(body: dict[str, Any]) -> dict[str, Decimal]:
    assert {rate["quoteAsset"] for rate in body["baseAssets"]} == {body["quoteAsset"]}
    return {rate["baseAsset"]: D(rate["price"]) for rate in body["baseAssets"]}


def test_rates_are_last_prices_and_an_update_comes_when_one_moves(still: LocalExchange, peer: Peer) -> None:
    trade_at(still, "ASK")
    member, body = peer.ask(f"subscribe{RATES}", {"quote": "USDT", "bases": ["BTC", "ETH", "BTC"]})
    assert (member, body["quoteAsset"]) == ("exchangeRatesListSnapshot", "USDT")
    assert rates(body) == {"BTC": last(still), "ETH": last(still, ETH)}
    times = [datetime.fromisoformat(rate["updatedAt"][:19]) for rate in body["baseAssets"]]
    assert datetime.fromisoformat(body["updatedAt"][:19]) == max(times)
    trade_at(still, "ASK")  # at the price that it was
    assert peer.everything() == []
    price = trade_at(still, "BID")
    (body,) = bodies(peer.everything(), "exchangeRatesListUpdate")
    assert rates(body) == {"BTC": price}
    assert body["updatedAt"] == body["baseAssets"][0]["updatedAt"]
    trade_at(still, "BID", ETH)
    trade_at(still, "ASK", ETH)
    assert rates(bodies(peer.everything(), "exchangeRatesListUpdate")[-1]) == {"ETH": last(still, ETH)}


def test_a_connection_has_one_list_of_rates(still: LocalExchange, peer: Peer) -> None:
    peer.ask(f"subscribe{RATES}", {"quote": "USDT"})
    assert {s.market for s in still.subscriptions()} == {BTC, ETH}
    assert peer.ask(f"subscribe{RATES}", {"quote": "USDT", "bases": ["ETH"]})[0] == "exchangeRatesListSnapshot"
    request = still.requests[-1][1]["requestId"]
    trade_at(still, "BID")
    trade_at(still, "ASK")
    assert peer.everything() == []
    trade_at(still, "BID", ETH)
    trade_at(still, "ASK", ETH)
    frames = peer.everything()
    assert {frame["requestId"] for frame in frames} == {request}
    assert peer.ask(f"unsubscribe{RATES}") == OK
    assert still.subscriptions() == []
    trade_at(still, "BID", ETH)
    assert peer.everything() == []


@pytest.mark.parametrize("holds", [True, False])
def test_a_list_that_gets_no_answer_replaces_the_old_one_only_if_it_holds(
    still: LocalExchange, peer: Peer, holds: bool
) -> None:
    peer.ask(f"subscribe{RATES}", {"quote": "USDT", "bases": ["ETH"]})
    before = still.subscriptions()
    still.mute_snapshots(deliver_updates=holds)
    request = peer.send(f"subscribe{RATES}", {"quote": "USDT", "bases": ["BTC"]})
    assert peer.everything() == []
    after = [(s.market, s.request_id) for s in still.subscriptions()]
    assert after == ([(BTC, request)] if holds else [(ETH, before[0].request_id)])


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"quote": "BTC"},
        {"quote": "USDT", "bases": ["BTC", "XRP"]},
        {"quote": "ETH", "bases": ["BTC"]},
        {"quote": "BTC", "bases": ["USDT"]},
    ],
)
def test_a_rate_without_a_market_is_refused_and_the_list_stays(
    still: LocalExchange, peer: Peer, params: dict[str, Any]
) -> None:
    peer.ask(f"subscribe{RATES}", {"quote": "USDT", "bases": ["ETH"]})
    before = still.subscriptions()
    member, error = peer.ask(f"subscribe{RATES}", params)
    assert (member, error["code"]) == ("error", 45000)
    assert "no exchange rate" in error["message"]
    assert still.subscriptions() == before


def test_a_market_that_is_replayed_has_no_rate(still: LocalExchange) -> None:
    with Peer(still) as peer:
        peer.ask(f"subscribe{RATES}", {"quote": "USDT"})
        trade = {"id": "1", "price": "9.0", "amount": "1", "market": BTC, "createdAt": "2018-09-12T09:52:37Z"}
        still.replay([{"t": 0.0, "frame": {"tradeUpdate": {"trade": trade}}}], autostart=False)
        trade_at(still, "BID")
        trade_at(still, "ASK")
        assert peer.everything() == []
        assert peer.ask(f"subscribe{RATES}", {"quote": "USDT", "bases": ["BTC"]})[0] == "error"
        assert rates(peer.ask(f"subscribe{RATES}", {"quote": "USDT"})[1]) == {"ETH": last(still, ETH)}


# -- flash exchange -----------------------------------------------------------------------------------------------


def test_a_flash_exchange_is_told_in_two_states_and_settled(still: LocalExchange, peer: Peer) -> None:
    assert peer.ask(f"subscribe{FLASH}") == ("flashExchangeOrdersSnapshot", {"flashExchangeOrders": []})
    peer.ask("subscribeViewerAccountsRequest")
    price = last(still)
    order_id = still.flash_exchange("USDT", "BTC", "0.5")
    frames = peer.everything()
    assert [payload(frame)[0] for frame in frames] == ["flashExchangeOrderUpdate"] * 2 + ["accountUpdate"] * 2
    first, second = (body["flashExchangeOrder"] for body in bodies(frames, "flashExchangeOrderUpdate"))
    created, updated = second.pop("createdAt"), second.pop("updatedAt")
    assert created == first.pop("createdAt") == first.pop("updatedAt")
    assert created <= updated
    assert numbers(second, "price", "exchangeAmount", "estimatedPayAmount", "payAmount") == (
        price,
        D("0.5"),
        price / 2,
        price / 2,
    )
    assert (first["status"], D(first["payAmount"])) == ("UNSPECIFIED", 0)
    assert second["status"] == "COMPLETED"
    for changed in ("status", "payAmount"):
        first.pop(changed), second.pop(changed)
    assert first == second
    assert int(first["id"]) == order_id
    assert (first["payAssetSymbol"], first["exchangeAssetSymbol"]) == ("USDT", "BTC")
    assert int(first["customerId"]) != int(first["dealerCid"])
    told = {body["account"]["asset"]: D(body["account"]["balance"]) for body in bodies(frames, "accountUpdate")}
    assert told == {"BTC": D("10.5"), "USDT": 1_000_000 - price / 2}
    assert still.balances()["BTC"].balance == D("10.5")
    (order,) = still.flash_orders()
    assert (order.id, order.status, order.pay_amount) == (order_id, "COMPLETED", price / 2)
    assert order.created_at <= order.updated_at
    assert peer.ask(f"unsubscribe{FLASH}") == OK
    still.flash_exchange("USDT", "BTC", "0.5")
    assert {payload(frame)[0] for frame in peer.everything()} == {"accountUpdate"}


def test_an_exchange_goes_both_ways(still: LocalExchange) -> None:
    still.flash_exchange("BTC", "USDT", "1000")
    (order,) = still.flash_orders()
    assert order.price == (1 / last(still)).quantize(D("1e-12"))
    assert 0 <= order.pay_amount - 1000 * order.price < D("0.00000001")
    assert still.balances()["USDT"].balance == 1_001_000
    assert still.balances()["BTC"].balance == 10 - order.pay_amount


@pytest.mark.parametrize(
    ("params", "chosen"),
    [
        ({}, slice(5, 25)),
        ({"limit": 3}, slice(22, 25)),
        ({"limit": 100}, slice(0, 25)),
        ({"startOrderId": 23}, slice(23, 25)),
        ({"startOrderId": 5, "limit": 4}, slice(21, 25)),
    ],
)
def test_the_snapshot_holds_the_latest_orders_newest_last(
    still: LocalExchange, peer: Peer, params: dict[str, int], chosen: slice
) -> None:
    ids = [still.flash_exchange("USDT", "BTC", "0.001") for _ in range(25)]
    if "startOrderId" in params:
        params = {**params, "startOrderId": ids[params["startOrderId"]]}
    _, body = peer.ask(f"subscribe{FLASH}", params)
    assert [int(order["id"]) for order in body["flashExchangeOrders"]] == ids[chosen]
    assert {order["status"] for order in body["flashExchangeOrders"]} == {"COMPLETED"}


@pytest.mark.parametrize(
    "params",
    [{"startOrderId": -1}, {"startOrderId": 1 << 64}, {"limit": -1}, {"limit": 1 << 32}, {"startOrderId": "x"}],
)
def test_a_flash_subscription_that_makes_no_sense_is_refused(still: LocalExchange, params: dict[str, object]) -> None:
    with Peer(still) as peer:
        peer.login()
        member, error = peer.ask(f"subscribe{FLASH}", params)
        assert (member, error["code"]) == ("error", 45000)


@pytest.mark.parametrize(
    ("pay", "get", "amount"),
    [
        ("USDT", "XRP", "1"),
        ("BTC", "ETH", "1"),
        ("USDT", "USDT", "1"),
        *(
            ("USDT", "BTC", amount)
            for amount in ("0", "-1", "1e-9", "1e15", "1e30", "1e999999999", "NaN", "sNaN", "abc")
        ),
    ],
)
def test_an_exchange_that_makes_no_sense_is_a_value_error(
    still: LocalExchange, pay: str, get: str, amount: str
) -> None:
    with pytest.raises(ValueError):
        still.flash_exchange(pay, get, amount)
    assert still.flash_orders() == []


def test_an_exchange_is_paid_from_what_is_free(still: LocalExchange) -> None:
    still.place_order(BTC, "BID", "1.00", "999999")
    with pytest.raises(ValueError, match=r"1\.00 available"):
        still.flash_exchange("USDT", "BTC", "0.001")
    assert still.balances()["BTC"].balance == 10
    assert still.flash_orders() == []


# -- cost price ---------------------------------------------------------------------------------------------------


def buy(exchange: LocalExchange, amount: str, market: str = BTC) -> None:
    order_id = exchange.place_order(market, "BID", best(exchange, "BID", market), amount)
    assert exchange.fill_order(order_id) == D(amount)


def test_a_buy_tells_the_new_cost_of_the_asset(still: LocalExchange, peer: Peer) -> None:
    btc = still.asset_uuid("BTC")
    assert peer.ask(f"subscribe{COST}", {"assetUuids": [btc]}) == (
        "spotCostPriceSnapshot",
        {"spotCostPrices": [{"assetUuid": btc, "averageCostPrice": "0", "averageInflow": "0"}]},
    )
    first = best(still, "BID")
    buy(still, "1")
    (body,) = bodies(peer.everything(), "spotCostPriceUpdate")
    assert body["spotCostPrice"]["assetUuid"] == btc
    inflow = D("0.999")  # the fee is taken from what is bought
    assert numbers(body["spotCostPrice"], "averageCostPrice", "averageInflow") == (
        (first / inflow).quantize(D("1e-8")),
        inflow,
    )
    still.place_order(BTC, "ASK", None, "1", type="MARKET")
    still.place_order(BTC, "BID", None, "0.1", type="MARKET", business_unit="MARGIN")
    buy(still, "1", ETH)
    assert peer.everything() == []
    second = best(still, "BID")
    buy(still, "3")
    bought = still.cost_prices()["BTC"]
    assert bought.average_inflow == 4 * inflow
    assert bought.average_cost_price == ((first + 3 * second) / (4 * inflow)).quantize(D("1e-8"))
    told = bodies(peer.everything(), "spotCostPriceUpdate")[-1]["spotCostPrice"]
    assert numbers(told, "averageCostPrice", "averageInflow") == (bought.average_cost_price, bought.average_inflow)
    _, body = peer.ask(f"subscribe{COST}", {"assetUuids": [btc]})
    assert body["spotCostPrices"] == [told]


def test_costs_are_streamed_by_asset(still: LocalExchange, peer: Peer) -> None:
    still.set_balance("DOGE", "1")
    uuids = {asset: still.asset_uuid(asset) for asset in ("BTC", "ETH", "USDT", "DOGE")}
    _, body = peer.ask(f"subscribe{COST}")
    assert {price["assetUuid"] for price in body["spotCostPrices"]} == set(uuids.values())
    assert peer.ask(f"unsubscribe{COST}", {"assetUuids": [uuids["BTC"]]}) == OK
    buy(still, "1")
    buy(still, "1", ETH)
    updates = bodies(peer.everything(), "spotCostPriceUpdate")
    assert {update["spotCostPrice"]["assetUuid"] for update in updates} == {uuids["ETH"]}
    assert peer.ask(f"unsubscribe{COST}") == OK
    assert still.subscriptions() == []


@pytest.mark.parametrize("do", ["subscribe", "unsubscribe"])
def test_an_unknown_asset_is_refused(still: LocalExchange, peer: Peer, do: str) -> None:
    peer.ask(f"subscribe{COST}")
    before = still.subscriptions()
    for stranger in ("BTC", "00000000-0000-0000-0000-000000000000"):
        member, error = peer.ask(f"{do}{COST}", {"assetUuids": [still.asset_uuid("BTC"), stranger]})
        assert (member, error["code"]) == ("error", 45000)
        assert "unknown asset" in error["message"]
    assert still.subscriptions() == before
    with pytest.raises(ValueError):
        still.asset_uuid("XRP")


def test_an_asset_keeps_its_uuid() -> None:
    one, other = LocalExchange(seed=1), LocalExchange(seed=2, markets=["ETH-BTC"])
    assert one.asset_uuid("BTC") == other.asset_uuid("BTC") != one.asset_uuid("ETH")


def test_only_buys_in_the_first_market_of_an_asset_count() -> None:
    """Prices in different assets cannot be averaged."""
    with LocalExchange(rate=0, markets=["ETH-USDT", "BTC-USDT", "ETH-BTC"]) as exchange:
        buy(exchange, "0.001", "ETH-BTC")
        assert exchange.cost_prices()["ETH"].average_inflow == 0
        buy(exchange, "0.001", ETH)
        assert exchange.cost_prices()["ETH"].average_inflow == D("0.000999")


# -- rendering ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ids", ["string", "number"])
def test_ids_of_the_schemas_streams_are_written_as_asked(ids: str) -> None:
    with LocalExchange(rate=0, ids=ids) as exchange, Peer(exchange) as peer:
        peer.login()
        order_id = exchange.flash_exchange("USDT", "BTC", "1")
        assert order_id > 2**53
        _, body = peer.ask(f"subscribe{FLASH}")
        (order,) = body["flashExchangeOrders"]
        assert {type(order[name]) for name in ("id", "customerId", "dealerCid")} == {str if ids == "string" else int}
        assert int(order["id"]) == order_id


def test_omitted_defaults_of_the_schemas_streams_are_absent() -> None:
    with LocalExchange(rate=0, defaults="omit") as exchange, Peer(exchange) as peer:
        peer.login()
        _, body = peer.ask(f"subscribe{MARGIN}")
        assert "state" not in body["accounts"][0]["base"]
        exchange.set_margin(BTC, state="PIERCING")
        assert payload(peer.receive())[1]["account"]["base"]["state"] == "PIERCING"
        assert peer.ask(f"subscribe{FLASH}") == ("flashExchangeOrdersSnapshot", {})
        exchange.flash_exchange("USDT", "BTC", "1")
        orders = [body["flashExchangeOrder"] for body in bodies(peer.everything(), "flashExchangeOrderUpdate")]
        assert [order.get("status") for order in orders] == [None, "COMPLETED"]
        peer.ask("subscribeAllViewerOrdersRequest", {"businessUnit": "MARGIN"})
        exchange.place_order(BTC, "BID", "1.00", "1", business_unit="MARGIN")
        (body,) = bodies(peer.everything(), "orderUpdate")
        assert body["order"]["businessUnit"] == "MARGIN"


def test_the_same_seed_tells_the_same() -> None:
    def told(seed: int) -> str:
        with LocalExchange(rate=0, seed=seed) as exchange, Peer(exchange) as peer:
            peer.login()
            exchange.set_margin(BTC, quote_loan="1000000")
            frames = [peer.ask(f"subscribe{subject}") for subject in (MARGIN, FLASH, COST)]
            frames.append(peer.ask(f"subscribe{RATES}", {"quote": "USDT"}))
            buy(exchange, "1")
            exchange.step(50)
            exchange.flash_exchange("USDT", "BTC", "1")
            frames += peer.everything()
        return json.dumps(frames, default=str)

    def timeless(text: str) -> str:
        kept: str = json.dumps(json.loads(text, object_hook=lambda o: {k: v for k, v in o.items() if k[-2:] != "At"}))
        return kept

    assert timeless(told(7)) == timeless(told(7)) != timeless(told(8))
