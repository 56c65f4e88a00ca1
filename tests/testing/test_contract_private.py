"""The private contract stream: who gets in, its frames field by field, and both documented forms."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from contract_peer import SYMBOLS, ContractPeer, guide_token, refusal, stream
from spot_peer import Peer, token

from bigone_sync.testing._contract_views import CashView, ContractOrderView, FillView, PositionView
from bigone_sync.testing.exchange import LocalExchange

HOUR_NS = 3600 * 10**9
MS = 1_000_000


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange(rate=0) as exchange:
        yield exchange


def cash_row(cash: CashView) -> dict[str, Any]:
    return {
        "id": cash.id,
        "currency": cash.currency,
        "balances": cash.balances,
        "available": cash.available,
        "margin": cash.margin,
        "positionMargin": cash.position_margin,
        "orderMargin": cash.order_margin,
        "positionValue": cash.position_value,
        "unrealizedPnl": cash.unrealized_pnl,
        "marginBalances": cash.margin_balances,
        "marginRate": cash.margin_rate,
        "leverage": cash.leverage,
    }


def position_row(position: PositionView) -> dict[str, Any]:
    return {
        "id": position.id,
        "symbol": position.market,
        "currency": position.currency,
        "isCross": position.is_cross,
        "marginRate": position.margin_rate,
        "feeRateTaker": position.fee_rate_taker,
        "feeRateMaker": position.fee_rate_maker,
        "size": position.size,
        "notional": position.notional,
        "initMargin": position.init_margin,
        "margin": position.margin,
        "orderMargin": position.order_margin,
        "realisedPnl": position.realised_pnl,
        "totalPnl": position.total_pnl,
        "markPrice": position.mark_price,
        "riskLimit": position.risk_limit,
        "liquidatePrice": position.liquidate_price,
        "entryPrice": position.entry_price,
        "unrealizedPnl": position.unrealized_pnl,
        "leverage": position.leverage,
        "equity": position.equity,
        "value": position.value,
        "risk": position.risk,
        "rom": position.rom,
        "buyingNotional": position.buying_notional,
        "sellingNotional": position.selling_notional,
        "buyingSize": position.buying_size,
        "sellingSize": position.selling_size,
        "seqNo": position.seq_no,
    }


def order_row(order: ContractOrderView) -> dict[str, Any]:
    return {
        "id": order.id,
        "liquidateUserId": None,
        "symbol": order.market,
        "currency": order.currency,
        "type": order.type,
        "side": order.side,
        "status": order.status,
        "price": order.price,
        "avgPrice": order.avg_price,
        "size": order.size,
        "notional": order.notional,
        "filled": order.filled,
        "filledNotional": order.filled_notional,
    }


def fill_row(fill: FillView) -> dict[str, Any]:
    return {
        "id": fill.id,
        "orderId": fill.order_id,
        "symbol": fill.market,
        "side": fill.side,
        "price": fill.price,
        "size": fill.size,
        "notional": fill.notional,
        "fee": fill.fee,
        "feeRate": fill.fee_rate,
        "pnl": fill.pnl,
    }


def bare(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the user, who is the same everywhere."""
    rest = dict(row)
    assert rest.pop("userId", None) == "5aec525e-335d-4724-0005-20153b361f89"
    return rest


def far(exchange: LocalExchange, symbol: str = "BTCUSD") -> Decimal:
    """A price at which a bid does not trade."""
    return min(exchange.contract_book(symbol).bids) - 10


# -- who gets in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [token, guide_token])
def test_both_forms_of_a_token_let_in(exchange: LocalExchange, make: Callable[[], str]) -> None:
    with stream(exchange, make()) as peer:
        assert set(peer.receive()) == {"userId", "cash", "positions", "orders", "trades"}
    assert exchange.handshake_headers[-1]["Authorization"] == "***"


BAD = {
    "nothing": lambda: "",
    "no word": lambda: token().removeprefix("Bearer "),
    "no token": lambda: "Bearer x",
    "wrong secret": lambda: token("other"),
    "wrong key": lambda: token(sub="other"),
    "wrong algorithm": lambda: token(header={"alg": "none", "typ": "JWT"}),
    "old nonce": lambda: token(nonce=str(time.time_ns() - HOUR_NS)),
    "numeric nonce": lambda: token(nonce=time.time_ns()),
    "other type": lambda: token(type="OpenAPI"),
    "no type": lambda: token(drop="type"),
    "guide: wrong secret": lambda: guide_token("other"),
    "guide: wrong key": lambda: guide_token(sub="other"),
    "guide: nonce in nanoseconds": lambda: guide_token(nonce=time.time_ns()),
    "guide: nonce as text": lambda: guide_token(nonce=str(time.time_ns() // 1000)),
    "guide: true for a number": lambda: guide_token(nonce=True),
    "guide: expired": lambda: guide_token(exp=int(time.time()) - 1),
    "guide: no end": lambda: guide_token(drop="exp"),
    "guide: no beginning": lambda: guide_token(drop="iat"),
    "guide: not yet": lambda: guide_token(iat=int(time.time()) + 3600),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_is_refused(exchange: LocalExchange, name: str) -> None:
    header = [f"Authorization: {BAD[name]()}"] if BAD[name]() else []
    assert refusal(exchange, "stream", header=header) == (401, b"")
    assert all(headers.get("Authorization", "***") == "***" for headers in exchange.handshake_headers)


def test_a_token_is_good_once(exchange: LocalExchange) -> None:
    used = token()
    with stream(exchange, used):
        assert refusal(exchange, "stream", header=[f"Authorization: {used}"]) == (401, b"")


def test_a_login_on_the_stream_and_one_on_spot_do_not_disturb_each_other(exchange: LocalExchange) -> None:
    early = token()
    with stream(exchange) as private, Peer(exchange) as spot:
        assert private.receive()["orders"] == []
        assert spot.ask("authenticateCustomerRequest", {"token": early}) == ("success", {"ok": True})


def test_the_guides_form_stays_unknown_on_spot(exchange: LocalExchange) -> None:
    with Peer(exchange) as spot:
        assert spot.ask("authenticateCustomerRequest", {"token": guide_token()})[0] == "error"


def test_the_clock_of_the_exchange_decides(exchange: LocalExchange) -> None:
    exchange.clock_offset = 3600.0
    assert refusal(exchange, "stream", header=[f"Authorization: {token()}"]) == (401, b"")
    with stream(exchange, token(nonce=str(time.time_ns() + HOUR_NS))) as peer:
        assert peer.receive()["cash"]


# -- frames -----------------------------------------------------------------------------------------------------


def test_the_first_frames_hold_everything(exchange: LocalExchange) -> None:
    order_id = exchange.place_contract_order("BTCUSD", "BUY", 7, price=far(exchange))
    exchange.place_contract_order("ETHUSDT", "SELL", 3, type="MARKET")
    done = exchange.place_contract_order("ETHUSDT", "BUY", 3, price=far(exchange, "ETHUSDT"))
    assert exchange.cancel_contract_order(done)
    with stream(exchange) as peer:
        first, *rest = peer.everything()
    assert set(first) == {"userId", "cash", "positions", "orders", "trades"}
    cash, positions = exchange.cash(), exchange.positions()
    assert list(cash) == ["BTC", "USDT"]
    assert bare(first["cash"]) == cash_row(cash["BTC"])
    assert [set(frame) for frame in rest] == [{"cash"}]
    assert bare(rest[0]["cash"]) == cash_row(cash["USDT"])
    assert [bare(row) for row in first["positions"]] == [position_row(positions[symbol]) for symbol in SYMBOLS]
    assert {row["symbol"]: row["size"] for row in first["positions"]} == {"BTCUSD": 0, "BTCUSDT": 0, "ETHUSDT": -3}
    assert {row["symbol"]: row["seqNo"] is None for row in first["positions"]}["BTCUSD"]
    assert [row["id"] for row in first["orders"]] == [order_id]
    assert [bare(row) for row in first["orders"]] == [order_row(exchange.contract_orders()[0])]
    assert first["trades"] == [fill_row(fill) for fill in exchange.contract_fills()]
    assert first["trades"]


def test_later_frames_hold_what_has_changed(exchange: LocalExchange) -> None:
    with stream(exchange) as peer:
        peer.everything()
        order_id = exchange.place_contract_order("BTCUSDT", "BUY", 10, price=far(exchange, "BTCUSDT"))
        (placed,) = peer.everything()
        assert set(placed) == {"cash", "positions", "orders"}
        assert bare(placed["orders"][0])["status"] == "NEW"
        assert placed["positions"][0]["buyingSize"] == 10
        assert placed["cash"]["orderMargin"] > 0
        assert exchange.fill_contract_order(order_id, 4) == 4
        (filled,) = peer.everything()
        assert set(filled) == {"cash", "positions", "orders", "trades"}
        assert bare(filled["orders"][0]) == order_row(exchange.contract_orders()[0])
        assert filled["orders"][0]["status"] == "PARTIALLY_FILLED"
        assert (filled["orders"][0]["filled"], filled["orders"][0]["avgPrice"]) == (4, placed["orders"][0]["price"])
        assert filled["trades"] == [fill_row(exchange.contract_fills()[0])]
        assert [bare(row) for row in filled["positions"]] == [position_row(exchange.positions()["BTCUSDT"])]
        assert filled["positions"][0]["size"] == 4
        assert filled["positions"][0]["entryPrice"] == placed["orders"][0]["price"]
        assert bare(filled["cash"]) == cash_row(exchange.cash()["USDT"])
        assert exchange.cancel_contract_order(order_id)
        (ended,) = peer.everything()
        assert set(ended) == {"cash", "positions", "orders"}
        assert ended["orders"][0]["status"] == "PARTIALLY_CANCELED"
        assert not exchange.cancel_contract_order(order_id)
        assert peer.everything() == []


def test_a_rejected_order_changes_nothing_else(exchange: LocalExchange) -> None:
    with stream(exchange) as peer:
        peer.everything()
        exchange.place_contract_order("BTCUSD", "BUY", 10**12, price=far(exchange))
        (frame,) = peer.everything()
    assert set(frame) == {"orders"}
    assert frame["orders"][0]["status"] == "REJECTED"
    assert exchange.positions()["BTCUSD"].buying_size == 0


def test_a_new_mark_price_is_told_of_while_there_is_a_position(exchange: LocalExchange) -> None:
    with stream(exchange) as peer:
        peer.everything()
        exchange.step(200, market="BTCUSD")
        assert peer.everything() == []
        exchange.place_contract_order("BTCUSD", "BUY", 5, type="MARKET")
        peer.everything()
        exchange.step(200, market="BTCUSD")
        frames = peer.everything()
        assert frames
        assert all(set(frame) <= {"cash", "positions"} for frame in frames)
        assert bare(frames[-1]["positions"][0]) == position_row(exchange.positions()["BTCUSD"])
        assert bare(frames[-1]["cash"]) == cash_row(exchange.cash()["BTC"])


def test_a_market_order_has_no_price(exchange: LocalExchange) -> None:
    with stream(exchange) as peer:
        peer.everything()
        exchange.place_contract_order("BTCUSD", "BUY", 1, type="MARKET")
        (frame,) = peer.everything()
    (row,) = frame["orders"]
    assert (row["type"], row["price"], row["status"]) == ("MARKET", None, "FILLED")


def test_the_other_documented_form() -> None:
    with LocalExchange(rate=0, contract_ids="integer") as exchange, stream(exchange) as peer:
        first = peer.everything()
        assert set(first[0]["cash"]) == {
            "currency",
            "balances",
            "available",
            "margin",
            "orderMargin",
            "positionMargin",
        }
        assert all(
            set(row) == {"symbol", "leverage", "marginRate", "unrealizedPnl", "liquidatePrice"}
            for row in first[0]["positions"]
        )
        order_id = exchange.place_contract_order("BTCUSD", "BUY", 8, price=far(exchange))
        exchange.fill_contract_order(order_id, "0.5")
        frame = peer.everything()[-1]
        order, fill = exchange.contract_orders()[0], exchange.contract_fills()[0]
        assert order.id == order_id
        assert frame["orders"] == [
            {
                "id": int(order_id),
                "symbol": "BTCUSD",
                "side": "BUY",
                "type": "LIMIT",
                "price": order.price,
                "size": 8,
                "filled": Decimal("0.5"),
                "status": "PARTIALLY_FILLED",
                "ts": order.time_ns // MS,
            }
        ]
        assert frame["trades"] == [
            {
                "id": int(fill.id),
                "orderId": int(order_id),
                "symbol": "BTCUSD",
                "side": "BUY",
                "price": fill.price,
                "size": Decimal("0.5"),
                "fee": fill.fee,
                "role": "MAKER",
            }
        ]
        assert exchange.cancel_contract_order(order_id)


def test_nothing_private_reaches_public_sockets(exchange: LocalExchange) -> None:
    with ContractPeer(exchange, "trades@BTCUSD") as peer, ContractPeer(exchange, "depth@BTCUSD") as depth:
        peer.receive()
        depth.receive()
        order_id = exchange.place_contract_order("BTCUSD", "BUY", 1, price=far(exchange))
        exchange.fill_contract_order(order_id)
        rows = [row for frame in peer.everything() for row in frame]
        assert all(set(row) == {"id", "symbol", "price", "size", "matchedAt", "side"} for row in rows)
        assert order_id not in str(rows) + str(depth.everything())
