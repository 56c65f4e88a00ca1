"""The Rails REST calls of the local exchange."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from rails_peer import BTC

from bigone_sync.testing.exchange import LocalExchange

ETH = "ETH-USD"
NAME = "0835bf3e-4a20-41f0-908d-8213f2b7a285"


class RailsCalls:
    """A plain HTTP client with a token."""

    def __init__(self, exchange: LocalExchange) -> None:
        self.url = exchange.rest_url("rails")
        self.token = exchange.rails_token()
        self.session = requests.Session()
        self.session.trust_env = False

    def call(self, path: str, query: dict[str, str] | None = None, *, token: str | None = None) -> requests.Response:
        bearer = self.token if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return self.session.get(self.url + path, params=query, headers=headers, timeout=10)

    def get(self, path: str, **query: str) -> Any:
        response = self.call(path, {name.replace("__", "-"): value for name, value in query.items()})
        assert response.status_code == 200, response.text
        return response.json()

    def pages(self, path: str, rows: str, **query: str) -> list[list[Any]]:
        found, last = [], None
        while last != "":
            page = self.get(path, **query, **({} if last is None else {"start": last}))
            assert set(page) == {rows, "last"}
            found.append(page[rows])
            last = page["last"]
        return found


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange(rate=0) as exchange:
        yield exchange


@pytest.fixture
def calls(exchange: LocalExchange) -> Iterator[RailsCalls]:
    calls = RailsCalls(exchange)
    with calls.session:
        yield calls


def test_public_calls_need_no_token(exchange: LocalExchange, calls: RailsCalls) -> None:
    calls.token = ""
    assert calls.get("/api/v1/markets") == [{"market": name, "tickSize": "0.01"} for name in (BTC, ETH)]
    book = calls.get("/api/v2/order-book", market=BTC)
    assert set(book) == {"orders", "ts"}
    assert isinstance(book["ts"], int)
    assert calls.get("/api/v1/order-book", market=BTC) == book["orders"]
    view = exchange.rails_book(BTC)
    assert len(book["orders"]) == len(view.bids) + len(view.asks)
    assert all(list(row) == ["quantity", "price", "orderType"] for row in book["orders"])
    assert calls.call("/api/v2/order-book", {"market": "DOGE-USD"}).status_code == 400
    assert calls.call("/api/v2/order-book").status_code == 400
    assert calls.call("/api/v1/nothing").status_code == 404


@pytest.mark.parametrize("path", ["open-orders", "order", "completed-orders"])
def test_account_calls_need_a_good_token(exchange: LocalExchange, calls: RailsCalls, path: str) -> None:
    for token in ("", "nonsense"):
        assert calls.call(f"/api/v1/{path}", token=token).status_code == 401
    exchange.revoke_rails_tokens()
    assert calls.call(f"/api/v1/{path}").status_code == 401
    assert calls.token not in repr(exchange.rest_requests)


def test_open_orders_in_pages(exchange: LocalExchange, calls: RailsCalls) -> None:
    ids = [exchange.rails_place(BTC, "buy", "1", "60000") for _ in range(101)]
    other = exchange.rails_place(ETH, "sell", "1", "4000")
    pages = calls.pages("/api/v1/open-orders", "openOrders", market=BTC)
    assert [[row["orderId"] for row in page] for page in pages] == [ids[:100], ids[100:]]
    assert {row["orderStatus"] for page in pages for row in page} == {"active"}
    everything = calls.pages("/api/v1/open-orders", "openOrders")
    assert [row["orderId"] for page in everything for row in page] == [*ids, other]
    assert calls.call("/api/v1/open-orders", {"start": "nonsense"}).status_code == 400


def test_one_order(exchange: LocalExchange, calls: RailsCalls) -> None:
    order_id = exchange.rails_place(BTC, "buy", "1", "60000", client_request_id=NAME)
    found = calls.get("/api/v1/order", market=BTC, order__id=order_id)
    assert set(found) == {"order"}
    assert found["order"]["orderStatus"] == "active"
    assert calls.get("/api/v1/order", market=BTC, client__request__id=NAME) == found
    for query in ({"market": BTC}, {"market": BTC, "order-id": order_id, "client-request-id": NAME}):
        assert calls.call("/api/v1/order", query).status_code == 400
    for query in ({"market": ETH, "order-id": order_id}, {"market": BTC, "order-id": "01"}):
        assert calls.call("/api/v1/order", query).status_code == 404
    exchange.rails_fill(order_id, "0.5")
    exchange.rails_cancel(order_id)
    ended = calls.get("/api/v1/order", market=BTC, order__id=order_id)["order"]
    assert (ended["orderStatus"], ended["quantity"], ended["filledQuantity"]) == ("cancelled", "0.5", "0.5")
    assert calls.get("/api/v1/open-orders") == {"openOrders": [], "last": ""}
    exchange.clock_offset = 3601
    calls.token = exchange.rails_token()
    assert calls.call("/api/v1/order", {"market": BTC, "order-id": order_id}).status_code == 404


def test_looking_for_orders_counts_as_an_operation() -> None:
    with LocalExchange(rate=0, rails_order_limit=1) as exchange:
        calls = RailsCalls(exchange)
        with calls.session:
            query = {"market": BTC, "order-id": "01"}
            assert [calls.call("/api/v1/order", query).status_code for _ in range(2)] == [404, 429]
            assert calls.get("/api/v1/open-orders")["openOrders"] == []


def test_completed_orders(exchange: LocalExchange, calls: RailsCalls) -> None:
    order_id = exchange.rails_place(BTC, "buy", "2", next(iter(exchange.rails_book(BTC).bids)))
    for _ in range(101):
        exchange.rails_fill(order_id, "0.01")
    pages = calls.pages("/api/v1/completed-orders", "completedOrders")
    rows = [row for page in pages for row in page]
    fills = exchange.rails_fills()
    assert [row["matchId"] for row in rows] == [fill.match_id for fill in reversed(fills)]
    assert [len(page) for page in pages] == [100, len(fills) - 100]
    assert all("filledAt" in row and "orderFilledAt" not in row for row in rows)
    last = str(fills[-1].time)
    assert calls.get("/api/v1/completed-orders", startDate=last)["completedOrders"]
    assert calls.get("/api/v1/completed-orders", endDate="2020-01-01")["completedOrders"] == []
    assert calls.call("/api/v1/completed-orders", {"startDate": "soon"}).status_code == 400


def test_faults_concern_rails_too(exchange: LocalExchange, calls: RailsCalls) -> None:
    exchange.fail_rest("503", path="/api/v2/order-book", retry_after=1)
    response = calls.call("/api/v2/order-book", {"market": BTC})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert calls.get("/api/v2/order-book", market=BTC)["orders"]
    paths = [(request.path, request.status) for request in exchange.rest_requests]
    assert paths == [("/api/v2/order-book", 503), ("/api/v2/order-book", 200)]
    assert exchange.rest_requests[0].headers["Authorization"] == "***"
