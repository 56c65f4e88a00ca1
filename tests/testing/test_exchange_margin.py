"""The account's margin accounts in the local exchange, and the orders that use them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from spot_peer import Peer, best, numbers, payload

from bigone_sync.testing.exchange import LocalExchange

D = Decimal
BTC, ETH = "BTC-USDT", "ETH-USDT"
MARGIN = "ViewerMarginAccountsRequest"


@pytest.fixture
def balances() -> dict[str, Decimal]:
    return {"BTC": D(10), "ETH": D(0), "USDT": D(1_000_000)}


@pytest.fixture
def logged_in() -> bool:
    return True


def side(asset: str, balance: str, locked: str = "0.0", loan: str = "0.0", state: str = "NORMAL") -> dict[str, str]:
    return {"asset": asset, "balance": balance, "lockedBalance": locked, "loanBalance": loan, "state": state}


def margin_updates(peer: Peer) -> list[Any]:
    updates = [payload(frame) for frame in peer.everything()]
    return [body["account"] for member, body in updates if member == "marginAccountUpdate"]


def test_every_market_has_a_margin_account(still: LocalExchange, peer: Peer) -> None:
    member, body = peer.ask(f"subscribe{MARGIN}")
    assert member == "marginAccountsSnapshot"
    assert body["accounts"] == [
        {
            "name": f"{asset}-USDT",
            "riskRate": "0",
            "liquidationPrice": "0",
            "base": side(asset, "100"),
            "quota": side("USDT", "20000000"),
        }
        for asset in ("BTC", "ETH")
    ]
    still.set_margin(BTC, base="5")
    assert len(margin_updates(peer)) == 1
    assert peer.ask(f"unsubscribe{MARGIN}") == ("success", {"ok": True})
    still.set_margin(BTC, base="6")
    assert peer.everything() == []


def test_margin_orders_use_the_margin_account_and_nothing_else(still: LocalExchange, peer: Peer) -> None:
    peer.ask(f"subscribe{MARGIN}")
    peer.ask("subscribeViewerAccountsRequest")
    peer.ask("subscribeSpotCostPriceRequest")
    spot = still.balances()
    price = best(still, "BID")
    order_id = still.place_order(BTC, "BID", price, "50", business_unit="MARGIN")  # more than the spot account has
    (account,) = margin_updates(peer)
    assert (account["name"], account["base"]) == (BTC, side("BTC", "100"))
    assert account["quota"] == side("USDT", "20000000", str(price * 50))
    assert still.fill_order(order_id, "20") == 20
    frames = peer.everything()
    assert {payload(frame)[0] for frame in frames} == {"marginAccountUpdate"}
    account = payload(frames[-1])[1]["account"]
    assert numbers(account["base"], "balance", "lockedBalance") == (D("119.98"), 0)
    assert numbers(account["quota"], "balance", "lockedBalance") == (20_000_000 - 20 * price, 30 * price)
    assert still.cancel_order(order_id)
    (account,) = margin_updates(peer)
    assert account["quota"]["lockedBalance"] == "0.0"
    still.place_order(BTC, "ASK", None, "10", type="MARKET", business_unit="MARGIN")
    assert still.margin_accounts()[BTC].base.balance == D("109.98")
    assert still.balances() == spot
    assert still.margin_accounts()[ETH].base.balance == 100


def test_a_margin_order_that_cannot_be_paid_is_rejected_whatever_the_spot_account_holds(still: LocalExchange) -> None:
    still.set_margin(ETH, base="0")
    still.set_balance("ETH", "50")
    still.place_order(ETH, "ASK", "9000.00", "1", business_unit="MARGIN")
    still.place_order(ETH, "ASK", "9000.00", "1")
    assert [(o.business_unit, o.state) for o in still.orders()] == [("MARGIN", "REJECTED"), ("SPOT", "PENDING")]


def test_orders_go_to_the_streams_of_their_business_unit(still: LocalExchange, peer: Peer) -> None:
    streams = {}
    for unit in ("SPOT", "MARGIN"):
        streams["one", unit] = peer.send("subscribeViewerOrdersRequest", {"market": BTC, "businessUnit": unit})
        streams["all", unit] = peer.send("subscribeAllViewerOrdersRequest", {"businessUnit": unit})
    peer.everything()
    for unit in ("SPOT", "MARGIN"):
        order_id = still.place_order(BTC, "BID", "1.00", "1", business_unit=unit)
        frames = peer.everything()
        assert {frame["requestId"] for frame in frames} == {streams["one", unit], streams["all", unit]}
        for frame in frames:
            order = payload(frame)[1]["order"]
            assert (order["id"], order["businessUnit"]) == (order_id, unit)
        _, body = peer.ask("subscribeViewerOrdersRequest", {"market": BTC, "businessUnit": unit})
        assert [(o["id"], o["businessUnit"]) for o in body["orders"]] == [(order_id, unit)]
        streams["one", unit] = still.requests[-1][1]["requestId"]


def test_loans_make_a_risk_that_follows_the_price(still: LocalExchange, peer: Peer) -> None:
    peer.ask(f"subscribe{MARGIN}")
    still.set_margin(BTC, base="2", quote="10", quote_loan="100", state="LIQUIDATION")
    (account,) = margin_updates(peer)
    assert account["base"] == side("BTC", "2", state="LIQUIDATION")
    assert account["quota"] == side("USDT", "10", loan="100", state="LIQUIDATION")
    assert D(account["riskRate"]) == ((2 * still.trades(BTC)[-1].price + 10) / 100).quantize(D("0.0001"))
    assert D(account["liquidationPrice"]) == 50  # there, 110 are held
    before = account["riskRate"]
    still.place_order(BTC, "ASK", None, "9", type="MARKET")
    (account,) = margin_updates(peer)
    assert D(account["riskRate"]) < D(before)
    assert D(account["riskRate"]) == still.margin_accounts()[BTC].risk_rate
    assert D(account["liquidationPrice"]) == 50
    still.set_margin(BTC, base="0", quote="55000", base_loan="1", quote_loan="0", state="PIERCING")
    (account,) = margin_updates(peer)
    assert D(account["liquidationPrice"]) == 50_000
    assert (account["base"]["loanBalance"], account["base"]["state"]) == ("1", "PIERCING")


@pytest.mark.parametrize(
    ("market", "values"),
    [
        ("XRP-USDT", {}),
        (BTC, {"state": "FINE", "base": "7"}),
        (BTC, {"base": "7", "quote": "0.99"}),
        (BTC, {"base": "7", "quote_loan": "-1"}),
        (BTC, {"quote": "7", "base": "-1"}),
        *(
            (BTC, {"state": "PIERCING", "base": "7", "base_loan": "1", name: number})
            for name in ("base", "quote", "base_loan", "quote_loan")
            for number in ("1e-18", "1e16", "1e999999999", "1e-999999999", "NaN", "sNaN", "Infinity", "-Infinity", "x")
        ),
    ],
)
def test_a_margin_account_is_changed_wholly_or_not_at_all(
    still: LocalExchange, market: str, values: dict[str, str]
) -> None:
    still.place_order(BTC, "BID", "1.00", "1", business_unit="MARGIN")
    before = still.margin_accounts()
    with pytest.raises(ValueError):
        still.set_margin(market, **values)
    assert still.margin_accounts() == before
    still.set_margin(BTC)  # nor does it come out later


@pytest.mark.parametrize("base", ["0", "1e-8", "1e15"])
@pytest.mark.parametrize("base_loan", ["0", "1e-8", "1e15"])
@pytest.mark.parametrize("quote_loan", ["0", "1e-8", "1e15"])
def test_every_account_that_is_allowed_can_be_told(
    still: LocalExchange, base: str, base_loan: str, quote_loan: str
) -> None:
    for quote in ("0", "1e-8", "1e15", "0e-999999999"):
        still.set_margin(BTC, base=base, quote=quote, base_loan=base_loan, quote_loan=quote_loan)
        view = still.margin_accounts()[BTC]
        assert (view.base.balance, view.quote.balance) == (D(base), D(quote))
        assert view.risk_rate >= 0 <= view.liquidation_price


def test_there_are_two_business_units(still: LocalExchange) -> None:
    with pytest.raises(ValueError, match="SPOT, MARGIN"):
        still.place_order(BTC, "BID", "1.00", "1", business_unit="FUTURES")


def test_margin_accounts_follow_the_orders_while_the_market_runs() -> None:
    with LocalExchange(rate=0, seed=4) as exchange, Peer(exchange) as peer:
        peer.login()
        exchange.set_margin(BTC, quote_loan="1000")
        accounts = {a["name"]: a for a in peer.ask(f"subscribe{MARGIN}")[1]["accounts"]}
        spot = exchange.balances()
        for turn in range(40):
            taker = "BID" if turn % 2 else "ASK"
            exchange.place_order(BTC, taker, best(exchange, taker), "0.3", business_unit="MARGIN")
            exchange.step(10)
            if turn % 5 == 0:
                exchange.cancel_order(exchange.orders()[-1].id)
            accounts.update({a["name"]: a for a in margin_updates(peer)})
        for name, view in exchange.margin_accounts().items():
            assert numbers(accounts[name], "riskRate", "liquidationPrice") == (view.risk_rate, view.liquidation_price)
            for told, held in ((accounts[name]["base"], view.base), (accounts[name]["quota"], view.quote)):
                assert numbers(told, "balance", "lockedBalance", "loanBalance") == (
                    held.balance,
                    held.locked,
                    held.loan,
                )
        opened = [o for o in exchange.orders() if o.state == "PENDING" and o.side == "BID"]
        locked = sum((o.price * (o.amount - o.filled_amount) for o in opened if o.price is not None), D(0))
        assert exchange.margin_accounts()[BTC].quote.locked == locked
        assert exchange.balances() == spot
