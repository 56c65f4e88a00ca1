"""Authentication with real tokens, and the account's streams."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import jwt
import pytest
from spot_peer import Peer, best, payload, segment, token

from bigone_sync.testing._spot_auth import Authenticator, Refused
from bigone_sync.testing.exchange import LocalExchange

BTC = {"market": "BTC-USDT"}
D = Decimal
SECOND = 1_000_000_000


@pytest.fixture
def balances() -> dict[str, Decimal]:
    return {"BTC": D(10), "ETH": D(0), "USDT": D(1_000_000)}


def authenticate(peer: Peer, text: str) -> tuple[str, Any]:
    answer: tuple[str, Any] = peer.ask("authenticateCustomerRequest", {"token": text})
    return answer


# -- tokens -------------------------------------------------------------------------------------------------------


def test_a_good_token_logs_in(peer: Peer) -> None:
    assert authenticate(peer, token()) == ("success", {"ok": True})
    assert peer.ask("subscribeViewerAccountsRequest")[0] == "accountsSnapshot"


@pytest.mark.filterwarnings("ignore::UserWarning")  # the signing package finds the key short
def test_a_token_of_the_usual_package_logs_in(peer: Peer) -> None:
    claims = {"type": "OpenAPIV2", "sub": "key", "nonce": str(time.time_ns()), "recv_window": "30"}
    text = jwt.encode(claims, "secret", algorithm="HS256")
    assert authenticate(peer, f"Bearer {text}") == ("success", {"ok": True})


def test_the_check_values_of_the_documents_verify() -> None:
    """Signatures computed for these payloads (spot protocol, section 4)."""
    nonce = 1527665262168391000
    key = "765fc50d-39e0-11f0-9669-5a69d7ba6f46"
    header = segment(b'{"alg":"HS256","typ":"JWT"}')
    claims = segment(f'{{"type":"OpenAPIV2","sub":"{key}","nonce":"{nonce}","recv_window":"30"}}'.encode())
    text = f"Bearer {header}.{claims}.IG2onu3Y1usY2okStO_j0GFhIYixnTMaitZZzjWecJI"
    Authenticator(key, "testsecret", recv_window=1).verify(text, nonce + 29 * SECOND)
    with pytest.raises(Refused, match="recv_window"):
        Authenticator(key, "testsecret", recv_window=99).verify(text, nonce + 30 * SECOND)


BAD_TOKENS = {
    "no Bearer": (lambda: token().removeprefix("Bearer "), "Bearer"),
    "two parts": (lambda: token().rpartition(".")[0], "not a JWT"),
    "no base64": (lambda: "Bearer ?.?.?", "not a JWT"),
    "no json": (lambda: f"Bearer {segment(b'x')}.{segment(b'y')}.{segment(b'z')}", "not a JWT"),
    "no object": (lambda: f"Bearer {segment([1])}.{segment([1])}.{segment(b'z')}", "not a JWT"),
    "alg none": (lambda: token(header={"alg": "none"}), "HS256"),
    "wrong secret": (lambda: token("guess"), "signature"),
    "another type": (lambda: token(type="OpenAPI"), "type"),
    "no type": (lambda: token(drop="type"), "type"),
    "another key": (lambda: token(sub="other"), "sub"),
    "nonce is a number": (lambda: token(nonce=time.time_ns()), "nonce must be a string"),
    "no nonce": (lambda: token(drop="nonce"), "nonce must be a string"),
    "nonce in microseconds": (lambda: token(nonce=str(time.time_ns() // 1_000)), "recv_window"),
    "nonce is too old": (lambda: token(nonce=str(time.time_ns() - 31 * SECOND)), "recv_window"),
    "nonce is ahead": (lambda: token(nonce=str(time.time_ns() + 31 * SECOND)), "recv_window"),
    "window is a number": (lambda: token(recv_window=30), "recv_window must be a string"),
    "beyond its own window": (lambda: token(nonce=str(time.time_ns() - 6 * SECOND), recv_window="5"), "recv_window"),
}


@pytest.mark.parametrize("case", BAD_TOKENS)
def test_a_bad_token_is_refused_with_the_reason_and_without_the_token(
    still: LocalExchange, peer: Peer, case: str
) -> None:
    make, reason = BAD_TOKENS[case]
    text = make()
    member, error = authenticate(peer, text)
    assert member == "error"
    assert error["code"] == 45001
    assert reason in error["message"]
    assert text.split()[-1] not in error["message"]
    assert peer.ask("subscribeViewerAccountsRequest")[1]["code"] == 45001
    assert authenticate(peer, token()) == ("success", {"ok": True})


def test_a_token_is_good_once_on_all_connections_together(still: LocalExchange, peer: Peer) -> None:
    text = token()
    assert authenticate(peer, text)[0] == "success"
    with Peer(still, "json" if peer.encoding == "proto" else "proto") as other:
        member, error = authenticate(other, text)
        assert (member, error["code"]) == ("error", 45001)
        assert "nonce was used before" in error["message"]


def test_tokens_may_arrive_in_another_order_than_they_were_signed_in(still: LocalExchange, peer: Peer) -> None:
    earlier, text = token(), token()
    assert authenticate(peer, text)[0] == "success"
    with Peer(still, peer.encoding) as other:
        assert authenticate(other, earlier)[0] == "success"
        assert authenticate(other, earlier)[0] == "error"


def test_the_memory_of_nonces_is_bounded_and_what_it_gives_up_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bigone_sync.testing._spot_auth._KEPT_NONCES", 3)
    now = time.time_ns()
    authenticator = Authenticator("key", "secret", recv_window=30)
    for nonce in (now + 3, now + 1, now + 5, now + 4):
        authenticator.verify(token(nonce=str(nonce)), now)
    for nonce in (now, now + 1, now + 3, now + 4, now + 5):
        with pytest.raises(Refused, match="used before"):
            authenticator.verify(token(nonce=str(nonce)), now)
    authenticator.verify(token(nonce=str(now + 2)), now)


def test_a_refused_token_uses_up_no_nonce(peer: Peer) -> None:
    ahead = token("guess", nonce=str(time.time_ns() + 10 * SECOND))
    assert authenticate(peer, ahead)[0] == "error"
    assert authenticate(peer, token())[0] == "success"


def test_the_servers_clock_may_differ(still: LocalExchange, peer: Peer) -> None:
    still.clock_offset = 100.0
    assert still.clock_offset == 100.0
    assert "recv_window" in authenticate(peer, token())[1]["message"]
    assert authenticate(peer, token(nonce=str(time.time_ns() + 100 * SECOND)))[0] == "success"


def test_tokens_are_shown_nowhere(still: LocalExchange, peer: Peer) -> None:
    text = token()
    authenticate(peer, text)
    assert still.requests[-1][1]["authenticateCustomerRequest"] == {"token": "***"}
    peer.ws.send(f'{{"authenticateCustomerRequest":{{"token":"{text}"}}}}')
    assert "error" in peer.receive()
    assert text not in repr(still.requests)
    assert "secret" not in repr(still)


@pytest.mark.parametrize("do", ["subscribe", "unsubscribe"])
@pytest.mark.parametrize("subject", ["ViewerAccounts", "ViewerOrders", "AllViewerOrders"])
def test_private_requests_need_a_login(peer: Peer, do: str, subject: str) -> None:
    member, error = peer.ask(f"{do}{subject}Request", BTC if subject == "ViewerOrders" else {})
    assert (member, error["code"]) == ("error", 45001)


def test_a_login_belongs_to_its_connection(still: LocalExchange, peer: Peer) -> None:
    peer.login()
    with Peer(still, peer.encoding) as other:
        assert other.ask("subscribeViewerAccountsRequest")[1]["code"] == 45001


# -- orders -------------------------------------------------------------------------------------------------------


def test_an_order_is_told_from_acceptance_to_its_end(still: LocalExchange, peer: Peer) -> None:
    peer.login()
    assert peer.ask("subscribeAllViewerOrdersRequest") == ("success", {"ok": True})
    price = best(still, "BID")
    order_id = still.place_order("BTC-USDT", "BID", price, "2", client_order_id="mine")
    assert still.fill_order(order_id, "0.5") == D("0.5")
    assert still.fill_order(order_id) == D("1.5")
    orders = [payload(frame)[1]["order"] for frame in peer.everything()]
    assert [(o["state"], D(o["filledAmount"])) for o in orders] == [
        ("PENDING", D(0)),
        ("PENDING", D("0.5")),
        ("FILLED", D(2)),
    ]
    view = still.orders()[0]
    last = orders[-1]
    created, updated = last.pop("createdAt"), last.pop("updatedAt")
    assert created <= updated
    numbers = {name: D(last.pop(name)) for name in ("filledAmount", "filledFees", "avgDealPrice")}
    assert numbers == {"filledAmount": 2, "filledFees": view.filled_fees, "avgDealPrice": view.avg_deal_price}
    assert last == {
        "id": order_id,
        "price": str(price),
        "stopPrice": "0.0",
        "amount": "2",
        "market": "BTC-USDT",
        "side": "BID",
        "state": "FILLED",
        "businessUnit": "SPOT",
        "type": "LIMIT",
        "operator": "LTE",
        "ioc": False,
        "clientOrderId": "mine",
    }
    assert view.filled_fees == D("0.002")
    assert view.avg_deal_price == price
    assert view.created_at <= view.updated_at


def test_filling_a_deep_order_leaves_a_book_behind(still: LocalExchange) -> None:
    order_id = still.place_order("BTC-USDT", "BID", "100.00", "3")
    assert still.fill_order(order_id, "1") == 1
    book = still.book("BTC-USDT")
    assert book.bids[D("100.00")] == 2
    assert len(book.bids) >= 50


def test_a_market_order_carries_the_word_and_a_stop_order_its_trigger(still: LocalExchange, peer: Peer) -> None:
    peer.login()
    peer.ask("subscribeAllViewerOrdersRequest")
    still.place_order("BTC-USDT", "BID", None, "0.01", type="MARKET", ioc=True)
    *_, market = (payload(frame)[1]["order"] for frame in peer.everything())
    assert (market["price"], market["type"], market["state"], market["ioc"]) == ("MARKET", "MARKET", "FILLED", True)
    high = best(still, "BID") + 1_000
    still.place_order("BTC-USDT", "ASK", None, "1", type="STOP_MARKET", stop_price=high, operator="GTE")
    *_, stop = (payload(frame)[1]["order"] for frame in peer.everything())
    assert (stop["stopPrice"], stop["type"], stop["operator"]) == (str(high), "STOP_MARKET", "GTE")


def test_orders_of_one_market_or_unit_come_only_to_who_asked(still: LocalExchange, peer: Peer) -> None:
    peer.login()
    snapshot = peer.ask("subscribeViewerOrdersRequest", {"market": "ETH-USDT"})
    assert snapshot == ("ordersSnapshot", {"orders": []})
    assert peer.ask("subscribeViewerOrdersRequest", {**BTC, "businessUnit": "MARGIN"})[1] == {"orders": []}
    still.place_order("BTC-USDT", "BID", "1.00", "1")
    assert peer.everything() == []
    order_id = still.place_order("ETH-USDT", "BID", "1.00", "1")
    (frame,) = peer.everything()
    assert payload(frame)[1]["order"]["id"] == order_id


def test_the_snapshot_holds_open_and_recent_orders(still: LocalExchange, peer: Peer) -> None:
    done = still.place_order("BTC-USDT", "BID", "1.00", "1")
    assert still.cancel_order(done) is True
    assert still.cancel_order(done) is False
    still_open = still.place_order("BTC-USDT", "ASK", "900000.00", "1")
    waiting = still.place_order("BTC-USDT", "BID", "1.00", "1", type="STOP_LIMIT", stop_price="900000.00")
    peer.login()
    _, body = peer.ask("subscribeViewerOrdersRequest", BTC)
    assert {o["id"]: o["state"] for o in body["orders"]} == {
        done: "CANCELLED",
        still_open: "PENDING",
        waiting: "PENDING",
    }


def test_ids_of_all_markets_orders_and_trades_differ(still: LocalExchange) -> None:
    orders = [still.place_order(market, "BID", "1.00", "1") for market in ("BTC-USDT", "ETH-USDT")]
    trades = [t.id for market in ("BTC-USDT", "ETH-USDT") for t in still.trades(market)]
    assert len({*map(int, orders), *trades}) == len(orders) + len(trades)


@pytest.mark.parametrize(
    "call",
    [
        lambda ex: ex.place_order("XRP-USDT", "BID", "1.00", "1"),
        lambda ex: ex.place_order("BTC-USDT", "BUY", "1.00", "1"),
        lambda ex: ex.cancel_order("17"),
        lambda ex: ex.fill_order("17"),
        lambda ex: ex.book("XRP-USDT"),
        lambda ex: ex.trades("XRP-USDT"),
        lambda ex: ex.step(1, "XRP-USDT"),
        lambda ex: ex.skip_change("XRP-USDT"),
    ],
)
def test_a_callers_mistake_is_a_value_error(still: LocalExchange, call: Any) -> None:
    with pytest.raises(ValueError):
        call(still)


# -- accounts -----------------------------------------------------------------------------------------------------


def test_accounts_follow_the_orders(still: LocalExchange, peer: Peer) -> None:
    peer.login()
    member, body = peer.ask("subscribeViewerAccountsRequest")
    assert member == "accountsSnapshot"
    assert body["accounts"] == [
        {"asset": "BTC", "balance": "10", "lockedBalance": "0.0"},
        {"asset": "ETH", "balance": "0.0", "lockedBalance": "0.0"},
        {"asset": "USDT", "balance": "1000000", "lockedBalance": "0.0"},
    ]
    price = best(still, "BID")
    order_id = still.place_order("BTC-USDT", "BID", price, "2")
    (locked,) = (payload(frame)[1]["account"] for frame in peer.everything())
    assert locked == {"asset": "USDT", "balance": "1000000", "lockedBalance": str(price * 2)}
    still.fill_order(order_id, "1")
    after = {a["asset"]: a for a in (payload(frame)[1]["account"] for frame in peer.everything())}
    assert D(after["BTC"]["balance"]) == D("10.999")
    assert D(after["USDT"]["balance"]) == D(1_000_000) - price
    assert D(after["USDT"]["lockedBalance"]) == price
    still.cancel_order(order_id)
    (freed,) = (payload(frame)[1]["account"] for frame in peer.everything())
    assert freed["lockedBalance"] == "0.0"
    balances = still.balances()
    assert balances["USDT"].available == balances["USDT"].balance == D(1_000_000) - price


def test_orders_and_accounts_stay_consistent_while_the_market_runs(encoding: str) -> None:
    with LocalExchange(rate=0) as exchange, Peer(exchange, encoding) as peer:
        peer.login()
        _, body = peer.ask("subscribeViewerAccountsRequest")
        peer.ask("subscribeAllViewerOrdersRequest")
        accounts = {a["asset"]: a for a in body["accounts"]}
        orders: dict[str, Any] = {}
        for turn in range(60):
            side = "BID" if turn % 2 else "ASK"
            book = exchange.book("BTC-USDT")
            best = next(iter(book.bids if side == "BID" else book.asks))
            exchange.place_order("BTC-USDT", side, best, "0.3")
            exchange.step(10)
            if turn % 5 == 0:
                exchange.cancel_order(exchange.orders()[-1].id)
            for frame in peer.everything():
                member, update = payload(frame)
                if member == "orderUpdate":
                    orders[update["order"]["id"]] = update["order"]
                else:
                    accounts[update["account"]["asset"]] = update["account"]
        engine = exchange.orders()
        assert {(o["id"], o["state"], D(o["filledAmount"])) for o in orders.values()} == {
            (o.id, o.state, o.filled_amount) for o in engine
        }
        assert {"FILLED", "CANCELLED"} <= {o.state for o in engine}
        for asset, balance in exchange.balances().items():
            assert D(accounts[asset]["balance"]) == balance.balance
            assert D(accounts[asset]["lockedBalance"]) == balance.locked
        opened = [o for o in engine if o.state == "PENDING"]
        quote = sum((o.price * (o.amount - o.filled_amount) for o in opened if o.side == "BID" and o.price), D(0))
        assert exchange.balances()["USDT"].locked == quote


def test_a_balance_can_be_set_and_is_published(still: LocalExchange, peer: Peer) -> None:
    peer.login()
    peer.ask("subscribeViewerAccountsRequest")
    still.set_balance("DOGE", "7.5")
    (frame,) = peer.everything()
    assert payload(frame)[1]["account"] == {"asset": "DOGE", "balance": "7.5", "lockedBalance": "0.0"}


def test_an_unpayable_order_is_reported_rejected(still: LocalExchange, peer: Peer) -> None:
    peer.login()
    peer.ask("subscribeAllViewerOrdersRequest")
    order_id = still.place_order("BTC-USDT", "ASK", "1.00", "11")
    (frame,) = peer.everything()
    assert (payload(frame)[1]["order"]["id"], payload(frame)[1]["order"]["state"]) == (order_id, "REJECTED")
