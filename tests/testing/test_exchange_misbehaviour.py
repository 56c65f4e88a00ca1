"""Every fault the local exchange can be told to have, as a client sees it."""

from __future__ import annotations

from typing import Any

import pytest
import websocket
from spot_peer import Peer, Replica, payload, token

from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

BTC = {"market": "BTC-USDT"}
DEPTH = "subscribeMarketDepthRequest"


def changes(exchange: LocalExchange, peer: Peer, n: int) -> list[tuple[int, int]]:
    """(prevId, changeId) of the updates that come while the engine makes n changes."""
    for _ in range(n):
        exchange.place_order("BTC-USDT", "BID", "1.00", "0.1")
    frames = [payload(frame) for frame in peer.everything()]
    return [(int(body["prevId"]), int(body["changeId"])) for member, body in frames if member == "depthUpdate"]


# -- depth --------------------------------------------------------------------------------------------------------


def test_skipped_changes_leave_a_hole_and_the_engine_moves_on(still: LocalExchange, peer: Peer) -> None:
    last = int(peer.ask(DEPTH, BTC)[1]["changeId"])
    still.skip_change("BTC-USDT", 2)
    got = changes(still, peer, 4)
    assert len(got) == 2
    assert got[0][0] > last
    assert got[1] == (got[0][1], still.book("BTC-USDT").change_id)
    replica = Replica()
    peer.send(DEPTH, BTC)
    replica.take(peer.receive())
    replica.assert_equals(still)


def test_a_skip_waits_for_somebody_who_would_miss_the_update(still: LocalExchange, peer: Peer) -> None:
    still.skip_change("BTC-USDT")
    still.step(50)
    peer.ask(DEPTH, BTC)
    assert changes(still, peer, 1) == []
    assert len(changes(still, peer, 1)) == 1


def test_a_repeated_change_comes_twice(still: LocalExchange, peer: Peer) -> None:
    peer.ask(DEPTH, BTC)
    still.repeat_change("BTC-USDT")
    first, second, third = changes(still, peer, 2)
    assert first == second
    assert third[0] == first[1]


def test_reordered_changes_come_in_the_wrong_order(still: LocalExchange, peer: Peer) -> None:
    last = int(peer.ask(DEPTH, BTC)[1]["changeId"])
    still.reorder_changes("BTC-USDT")
    assert changes(still, peer, 1) == []
    late, early = changes(still, peer, 1)
    assert early == (last, late[0])
    assert changes(still, peer, 1)[0][0] == late[1]


def test_faults_of_one_market_leave_the_others_alone(still: LocalExchange, peer: Peer) -> None:
    peer.ask(DEPTH, BTC)
    still.skip_change("ETH-USDT")
    assert len(changes(still, peer, 1)) == 1


# -- silence ------------------------------------------------------------------------------------------------------

EVENTS = {
    "depth": (DEPTH, BTC),
    "trades": ("subscribeMarketTradesRequest", BTC),
    "ticker": ("subscribeMarketsTickerRequest", {}),
    "candles": ("subscribeMarketCandlesRequest", BTC),
    "accounts": ("subscribeViewerAccountsRequest", {}),
    "orders": ("subscribeViewerOrdersRequest", BTC),
    "margin_accounts": ("subscribeViewerMarginAccountsRequest", {}),
    "exchange_rates": ("subscribeExchangeRatesListRequest", {"quote": "USDT", "bases": ["BTC"]}),
    "flash_orders": ("subscribeFlashExchangeOrdersRequest", {}),
    "cost_prices": ("subscribeSpotCostPriceRequest", {}),
}
MEMBERS = {"depth": "depth", "trades": "trade", "ticker": "ticker", "candles": "candle"}
MEMBERS |= {"accounts": "account", "orders": "order"}
MEMBERS |= {"margin_accounts": "marginAccount", "exchange_rates": "exchangeRatesList"}
MEMBERS |= {"flash_orders": "flashExchangeOrder", "cost_prices": "spotCostPrice"}
PUBLIC = {"depth", "trades", "ticker", "candles", "exchange_rates"}


def seen(exchange: LocalExchange, peer: Peer) -> set[str]:
    """The channels on which something comes when something happens on all."""
    # A buy and a sell, so that the last price moves.
    exchange.place_order("BTC-USDT", "BID", None, "0.001", type="MARKET")
    exchange.place_order("BTC-USDT", "ASK", None, "0.001", type="MARKET", business_unit="MARGIN")
    exchange.flash_exchange("USDT", "BTC", "0.001")
    members = {payload(frame)[0] for frame in peer.everything()}
    return {channel for channel in EVENTS if f"{MEMBERS[channel]}Update" in members}


@pytest.mark.parametrize("muted", [*EVENTS, None])
def test_a_muted_channel_is_silent_and_pings_are_answered(still: LocalExchange, peer: Peer, muted: str | None) -> None:
    peer.login()
    for member, params in EVENTS.values():
        peer.ask(member, params)
    assert seen(still, peer) == set(EVENTS)
    still.mute(muted)
    assert seen(still, peer) == (set() if muted is None else set(EVENTS) - {muted})
    peer.ws.ping(b"x")
    assert peer.control() == (10, b"x")
    member, params = EVENTS[muted or "depth"]
    peer.send(member, params)
    assert peer.everything() == []  # no snapshot either
    still.unmute()
    assert seen(still, peer) == set(EVENTS)


def test_unanswered_subscriptions(still: LocalExchange, peer: Peer) -> None:
    still.mute_snapshots(2)
    peer.send(DEPTH, BTC)
    peer.send("subscribeMarketTradesRequest", BTC)
    assert peer.everything() == []
    assert still.subscriptions() == []
    assert peer.ask(DEPTH, BTC)[0] == "depthSnapshot"


def test_updates_without_a_snapshot(still: LocalExchange, peer: Peer) -> None:
    still.mute_snapshots(deliver_updates=True)
    peer.send(DEPTH, BTC)
    assert peer.everything() == []
    assert len(changes(still, peer, 2)) == 2


def test_pings_are_not_answered_while_pongs_are_stopped(still: LocalExchange, peer: Peer) -> None:
    still.stop_pongs()
    peer.ws.ping(b"one")
    peer.send("ping")
    assert peer.ask(DEPTH, BTC)[0] == "depthSnapshot"  # the first thing that comes
    still.resume_pongs()
    peer.ws.ping(b"two")
    assert peer.control() == (10, b"two")


# -- refusing -----------------------------------------------------------------------------------------------------


def test_refused_logins(still: LocalExchange, peer: Peer) -> None:
    def answer() -> Any:
        return peer.ask("authenticateCustomerRequest", {"token": token()})

    still.refuse_auth(times=1)
    assert answer() == ("error", {"code": 45001, "message": "login status error"})
    assert answer()[0] == "success"
    still.refuse_auth(45000, "out of order")
    for _ in range(3):
        assert answer() == ("error", {"code": 45000, "message": "out of order"})
    still.accept_auth()
    assert answer()[0] == "success"


def test_unanswered_logins(still: LocalExchange, peer: Peer) -> None:
    still.mute_auth()
    peer.send("authenticateCustomerRequest", {"token": token()})
    assert peer.everything() == []
    assert peer.ask("subscribeViewerAccountsRequest")[1]["code"] == 45001
    peer.login()
    still.mute_auth(None)
    peer.send("authenticateCustomerRequest", {"token": token()})
    assert peer.everything() == []
    still.accept_auth()
    peer.login()


def test_an_expired_login_is_told_unasked_and_ends_the_private_streams(still: LocalExchange, peer: Peer) -> None:
    peer.login()
    for member, params in EVENTS.values():
        peer.ask(member, params)
    with Peer(still, peer.encoding) as stranger:
        still.expire_auth()
        assert stranger.everything() == []
    frame = peer.receive()
    assert (frame["requestId"], frame["error"]["code"]) == ("", 45001)
    assert {s.channel for s in still.subscriptions()} == PUBLIC
    assert seen(still, peer) == PUBLIC
    assert peer.ask("subscribeViewerAccountsRequest")[1]["code"] == 45001
    peer.login()
    assert peer.ask("subscribeViewerAccountsRequest")[0] == "accountsSnapshot"


def test_rejected_requests(still: LocalExchange, peer: Peer) -> None:
    still.reject(DEPTH, "BTC-USDT", 45002, "not now")
    assert peer.ask(DEPTH, {"market": "ETH-USDT"})[0] == "depthSnapshot"
    assert peer.ask(DEPTH, BTC) == ("error", {"code": 45002, "message": "not now"})
    assert [s.market for s in still.subscriptions()] == ["ETH-USDT"]
    assert peer.ask(DEPTH, BTC)[0] == "depthSnapshot"
    still.reject("subscribeMarketsTickerRequest", "ETH-USDT", times=None)
    for _ in range(2):
        assert peer.ask("subscribeMarketsTickerRequest", {"markets": ["BTC-USDT", "ETH-USDT"]})[1]["code"] == 45000
    assert peer.ask("subscribeMarketsTickerRequest", {"markets": ["BTC-USDT"]})[0] == "tickersSnapshot"


def test_a_typing_error_in_a_command_is_told(still: LocalExchange) -> None:
    with pytest.raises(ValueError, match="no channel"):
        still.mute("dept")
    with pytest.raises(ValueError, match="no channel"):
        still.send_raw("x", "dept")
    with pytest.raises(ValueError, match="no request"):
        still.reject("subscribeDepth")
    with pytest.raises(ValueError, match="123 bytes"):
        still.close_connections(1000, "x" * 124)


def test_refused_handshakes(still: LocalExchange) -> None:
    still.refuse_handshakes(429, times=1, headers={"Retry-After": "7"}, body="slow down")
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        Peer(still)
    assert caught.value.status_code == 429
    assert caught.value.resp_headers is not None
    assert caught.value.resp_headers["retry-after"] == "7"
    assert caught.value.resp_body == b"slow down"
    with Peer(still):
        pass
    still.refuse_handshakes()
    for _ in range(2):
        with pytest.raises(websocket.WebSocketBadStatusException, match="503"):
            Peer(still)
    still.accept_handshakes()
    with Peer(still) as peer:
        assert peer.ask("ping") == ("pong", {})
    assert still.handshakes == 5
    assert still.handshake_headers[-1]["Sec-WebSocket-Protocol"] == "json"


@pytest.mark.parametrize("offered", [None, ["x"], ["JSON"], ["protobuf", "jsonp"]])
def test_who_offers_no_known_subprotocol_is_not_let_in(still: LocalExchange, offered: list[str] | None) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        Peer(still, subprotocols=offered)
    assert caught.value.status_code == 403
    assert b"Access Denied" in (caught.value.resp_body or b"")


# -- sending ------------------------------------------------------------------------------------------------------


def test_raw_frames_reach_all_or_who_watches_a_channel(still: LocalExchange, encoding: str) -> None:
    with Peer(still, encoding, skip_utf8_validation=True) as peer, Peer(still) as other:
        peer.ask(DEPTH, BTC)
        still.send_raw('{"a":1')
        still.send_raw(b"\x00\xff")
        still.send_raw("only you", "depth")
        still.send_raw_text(b"\xff\xfe")
        assert [peer.control() for _ in range(4)] == [
            (1, b'{"a":1'),
            (2, b"\x00\xff"),
            (1, b"only you"),
            (1, b"\xff\xfe"),
        ]
        assert [other.control() for _ in range(2)] == [(1, b'{"a":1'), (2, b"\x00\xff")]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 300_000])
def test_frames_of_every_length_are_well_formed(still: LocalExchange, peer: Peer, size: int) -> None:
    still.send_raw(b"x" * size)
    assert peer.control() == (2, b"x" * size)


def test_heartbeats_and_errors_unasked(still: LocalExchange, peer: Peer) -> None:
    still.send_heartbeat()
    assert peer.receive() == {"requestId": "", "heartbeat": {}}
    still.send_error(45000, "GRPC error: xxx", "r9")
    assert peer.receive() == {"requestId": "r9", "error": {"code": 45000, "message": "GRPC error: xxx"}}


# -- ending -------------------------------------------------------------------------------------------------------


def test_closed_connections_get_code_and_reason(still: LocalExchange, peer: Peer) -> None:
    peer.ask(DEPTH, BTC)
    still.close_connections(1012, "maintenance")
    assert still.connection_count == 0
    assert still.subscriptions() == []
    still.step(5)
    assert peer.control() == (8, (1012).to_bytes(2, "big") + b"maintenance")


def test_dropped_connections_end_without_a_close_frame(still: LocalExchange, peer: Peer) -> None:
    still.drop_connections()
    assert still.connection_count == 0
    with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
        peer.control()
    with Peer(still, peer.encoding) as again:
        assert again.ask(DEPTH, BTC)[0] == "depthSnapshot"


def test_commands_before_the_start_are_in_force_after_it(encoding: str) -> None:
    exchange = LocalExchange(rate=0)
    exchange.refuse_handshakes(times=1)
    exchange.mute("depth")
    exchange.send_heartbeat()
    exchange.close_connections()
    exchange.drop_connections()
    with exchange:
        with pytest.raises(websocket.WebSocketBadStatusException):
            Peer(exchange)
        with Peer(exchange, encoding) as peer:
            peer.send(DEPTH, BTC)
            assert peer.everything() == []
        wait_until(lambda: exchange.connection_count == 0)
