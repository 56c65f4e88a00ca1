"""Lists of orders and own trades by spot REST, accounts and fees: filters, pages, and equality with the engine."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal as D
from typing import Any

import pytest
from rest_peer import Rest
from spot_peer import Peer, best

from bigone_sync.testing.exchange import LocalExchange

ORDERS = "/viewer/orders"
TRADES = "/viewer/trades"
BTC = {"asset_pair_name": "BTC-USDT"}


@pytest.fixture
def rest(still: LocalExchange) -> Iterator[Rest]:
    with Rest(still) as rest:
        yield rest


def ids(rows: list[Any]) -> list[str]:
    return [str(row["id"]) for row in rows]


def test_orders_by_state_and_side(still: LocalExchange, rest: Rest) -> None:
    resting = still.place_order("BTC-USDT", "BID", "100", "1")
    partly = still.place_order("BTC-USDT", "BID", best(still, "BID"), "1")
    still.fill_order(partly, "0.5")
    stop = still.place_order("BTC-USDT", "BID", "100", "1", type="STOP_LIMIT", stop_price="90000")
    filled = still.place_order("BTC-USDT", "BID", None, "0.1", type="MARKET")
    cancelled = still.place_order("BTC-USDT", "ASK", "90000", "1")
    still.cancel_order(cancelled)
    still.place_order("ETH-USDT", "BID", "100", "1")
    still.place_order("BTC-USDT", "BID", "100", "1", business_unit="MARGIN")

    def listed(**query: object) -> list[str]:
        return ids(rest.get(ORDERS, **BTC, **query))

    assert listed() == [stop, partly, resting]
    assert listed(state="PENDING") == listed(state="OPENING") == listed()
    assert listed(state="CLOSED") == [cancelled, filled]
    assert listed(state="NONE_FILLED") == [cancelled, stop, resting]
    assert listed(state="ALL") == [cancelled, filled, stop, partly, resting]
    assert listed(state="ALL", side="ASK") == [cancelled]
    assert listed(state="ALL", side="BID") == [filled, stop, partly, resting]
    for number in listed(state="ALL"):
        (row,) = [row for row in rest.get(ORDERS, **BTC, state="ALL") if str(row["id"]) == number]
        assert rest.get(f"{ORDERS}/{number}") == row == rest.get("/viewer/order", order_id=number)
    assert D(rest.get(f"{ORDERS}/{partly}")["filled_amount"]) == D("0.5")


def test_every_order_is_on_one_page_also_when_new_ones_come(still: LocalExchange, rest: Rest) -> None:
    placed = [still.place_order("BTC-USDT", "BID", "100", "0.1") for _ in range(25)]
    pages = rest.pages(ORDERS, **BTC)
    assert [len(page) for page in pages] == [20, 5]
    assert ids([row for page in pages for row in page]) == placed[::-1]
    first = rest.call("GET", ORDERS, {**BTC, "limit": 10}).json()
    still.place_order("BTC-USDT", "BID", "100", "0.1")
    still.cancel_order(placed[-1])
    second = rest.call("GET", ORDERS, {**BTC, "limit": 10, "page_token": first["page_token"]}).json()
    assert ids(first["data"] + second["data"]) == placed[:4:-1]


def test_a_full_page_has_a_token_though_nothing_follows(still: LocalExchange, rest: Rest) -> None:
    for _ in range(4):
        still.place_order("BTC-USDT", "BID", "100", "0.1")
    assert [len(page) for page in rest.pages(ORDERS, **BTC, limit=2)] == [2, 2, 0]
    assert [len(page) for page in rest.pages(ORDERS, **BTC, limit=3)] == [3, 1]
    assert rest.pages(ORDERS, asset_pair_name="ETH-USDT") == [[]]
    assert [len(page) for page in rest.pages(ORDERS, **BTC, limit=200)] == [4]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"asset_pair_name": ""},
        {**BTC, "state": "FILLED"},
        {**BTC, "side": "BUY"},
        {**BTC, "limit": "201"},
        {**BTC, "limit": "0"},
        {**BTC, "page_token": "nonsense"},
        {**BTC, "page_token": "MTIz"},
        {**BTC, "page_token": "ä"},
    ],
)
def test_wrong_parameters_of_a_list(rest: Rest, query: dict[str, object]) -> None:
    assert rest.refusal("GET", ORDERS, query) == (400, 10007)


@pytest.mark.parametrize("path", [ORDERS, TRADES])
def test_lists_of_an_unknown_pair(rest: Rest, path: str) -> None:
    assert rest.refusal("GET", path, {"asset_pair_name": "NO-SUCH"}) == (404, 10013)


@pytest.mark.parametrize("query", [{}, {"order_id": "1", "client_order_id": "a"}])
def test_looking_up_needs_one_id(rest: Rest, query: dict[str, object]) -> None:
    assert rest.refusal("GET", "/viewer/order", query) == (400, 10007)


def test_own_trades_as_maker_and_taker(still: LocalExchange, rest: Rest) -> None:
    price = best(still, "BID")
    maker = still.place_order("BTC-USDT", "BID", price, "2")
    still.fill_order(maker, "0.5")
    taker = still.place_order("BTC-USDT", "BID", None, "0.001", type="MARKET")
    still.place_order("BTC-USDT", "BID", None, "0.001", type="MARKET", business_unit="MARGIN")
    newest, oldest = rest.get(TRADES, **BTC)
    known = {trade.id: trade for trade in still.trades("BTC-USDT")}
    for row in (newest, oldest):
        trade = known[row["id"]]
        assert (D(row["price"]), D(row["amount"]), row["taker_side"]) == (trade.price, trade.amount, trade.taker_side)
        assert row["inserted_at"] == row["created_at"]
    assert (oldest["side"], oldest["maker_order_id"], oldest["taker_order_id"]) == ("BID", int(maker), None)
    assert (D(oldest["maker_fee"]), oldest["taker_fee"]) == (D("0.0005"), None)
    assert (newest["side"], newest["maker_order_id"], newest["taker_order_id"]) == ("BID", None, int(taker))
    assert (newest["maker_fee"], D(newest["taker_fee"])) == (None, D("0.000001"))
    fees = sum(D(row["maker_fee"] or 0) for row in (newest, oldest))
    assert fees == next(order.filled_fees for order in still.orders() if order.id == maker)


def test_trading_with_oneself(still: LocalExchange, rest: Rest) -> None:
    inside = best(still, "ASK") - D("0.01")
    maker = still.place_order("BTC-USDT", "ASK", inside, "1")
    taker = still.place_order("BTC-USDT", "BID", inside, "1", ioc=True)
    (row,) = rest.get(TRADES, **BTC)
    assert (row["side"], row["maker_order_id"], row["taker_order_id"]) == ("SELF_TRADING", int(maker), int(taker))
    assert (D(row["maker_fee"]), D(row["taker_fee"])) == (inside * D("0.001"), D("0.001"))


def test_own_trades_are_paged(still: LocalExchange, rest: Rest) -> None:
    for _ in range(23):
        still.place_order("BTC-USDT", "BID", None, "0.0001", type="MARKET")
    pages = rest.pages(TRADES, **BTC)
    assert [len(page) for page in pages] == [20, 3]
    numbers = [row["id"] for page in pages for row in page]
    assert numbers == sorted(set(numbers), reverse=True)
    assert rest.pages(TRADES, asset_pair_name="ETH-USDT") == [[]]
    assert rest.refusal("GET", TRADES) == (400, 10007)


def test_accounts_are_those_of_the_engine_and_of_the_socket(still: LocalExchange, rest: Rest) -> None:
    still.place_order("BTC-USDT", "BID", "100", "1.5")
    rows = rest.get("/viewer/accounts")
    assert [row["asset_symbol"] for row in rows] == ["BTC", "ETH", "USDT"]
    for row in rows:
        balance = still.balances()[row["asset_symbol"]]
        assert (D(row["balance"]), D(row["locked_balance"])) == (balance.balance, balance.locked)
        assert rest.get(f"/viewer/accounts/{row['asset_symbol']}") == row
    assert D(rows[2]["locked_balance"]) == 150
    with Peer(still) as peer:
        peer.login()
        _, body = peer.ask("subscribeViewerAccountsRequest")
    streamed = [(row["asset"], D(row["balance"]), D(row["lockedBalance"])) for row in body["accounts"]]
    assert streamed == [(row["asset_symbol"], D(row["balance"]), D(row["locked_balance"])) for row in rows]
    assert rest.refusal("GET", "/viewer/accounts/NOSUCH") == (404, 10013)


def test_an_asset_of_a_pair_without_a_balance_is_empty() -> None:
    with LocalExchange(rate=0, balances={"USDT": D(5)}) as exchange, Rest(exchange) as rest:
        empty = {"asset_symbol": "BTC", "balance": "0", "locked_balance": "0"}
        assert rest.get("/viewer/accounts/BTC") == empty


def test_trading_fees(rest: Rest) -> None:
    rows = rest.get("/viewer/trading_fees")
    assert [row["asset_pair_name"] for row in rows] == ["BTC-USDT", "ETH-USDT"]
    assert rest.get("/viewer/trading_fees", asset_pair_names="ETH-USDT") == rows[1:]
    assert rows[0] == {**BTC, "maker_fee_rate": "0.001", "taker_fee_rate": "0.001"}
    assert rest.refusal("GET", "/viewer/trading_fees", {"asset_pair_names": "NO-SUCH"}) == (404, 10013)
