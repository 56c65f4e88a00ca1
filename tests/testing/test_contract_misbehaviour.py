"""Everything that the contract half can be told to do wrong."""

from __future__ import annotations

import itertools
import json
import socket
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import websocket
from contract_peer import ContractPeer, ContractReplica, parse, refusal, stream
from spot_peer import Peer

from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

SYMBOL = "BTCUSD"


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange(rate=0) as exchange:
        yield exchange


@pytest.fixture
def peer(exchange: LocalExchange) -> Iterator[ContractPeer]:
    """A depth socket that has read its snapshot."""
    with ContractPeer(exchange, f"depth@{SYMBOL}") as peer:
        peer.receive()
        yield peer


def deltas(exchange: LocalExchange, peer: ContractPeer, count: int) -> list[dict[str, Any]]:
    """What arrives of the next ``count`` changes."""
    for _ in range(count):
        before = exchange.contract_book(SYMBOL).change_id
        while exchange.contract_book(SYMBOL).change_id == before:
            exchange.step(1, market=SYMBOL)
    return peer.everything()


def chained(frames: list[dict[str, Any]]) -> list[bool]:
    return [later["from"] == earlier["to"] for earlier, later in itertools.pairwise(frames)]


# -- the chain --------------------------------------------------------------------------------------------------


def test_skipped_changes(exchange: LocalExchange, peer: ContractPeer) -> None:
    exchange.skip_change(SYMBOL, 2)
    before = exchange.contract_book(SYMBOL).change_id
    frames = deltas(exchange, peer, 4)
    assert len(frames) == 2
    assert frames[0]["from"] != before
    assert chained(frames) == [True]


def test_a_repeated_change(exchange: LocalExchange, peer: ContractPeer) -> None:
    exchange.repeat_change(SYMBOL)
    frames = deltas(exchange, peer, 2)
    assert len(frames) == 3
    assert frames[0] == frames[1]


def test_changes_in_the_wrong_order(exchange: LocalExchange, peer: ContractPeer) -> None:
    exchange.reorder_changes(SYMBOL)
    second, first, third = deltas(exchange, peer, 3)
    assert first["to"] == second["from"]
    assert second["to"] == third["from"]


def test_a_change_held_back_goes_with_its_socket(exchange: LocalExchange, peer: ContractPeer) -> None:
    exchange.reorder_changes(SYMBOL)
    assert deltas(exchange, peer, 1) == []
    peer.ws.close()
    wait_until(lambda: not exchange.contract_connections())
    with ContractPeer(exchange, f"depth@{SYMBOL}") as other:
        replica = ContractReplica(SYMBOL)
        replica.take([other.receive()])
        replica.take(deltas(exchange, other, 3))
        replica.assert_equals(exchange)


# -- what frames say --------------------------------------------------------------------------------------------


def test_the_name_of_another_symbol(exchange: LocalExchange, peer: ContractPeer) -> None:
    exchange.wrong_symbol(SYMBOL, 2)
    frames = deltas(exchange, peer, 3)
    assert [frame["symbol"] for frame in frames] == ["BTCUSDT", "BTCUSDT", SYMBOL]
    assert all(chained(frames))


def test_the_only_contract_is_called_by_a_name_that_there_is_not() -> None:
    with LocalExchange(rate=0, contracts=[SYMBOL]) as exchange, ContractPeer(exchange, f"depth@{SYMBOL}") as peer:
        exchange.wrong_symbol(SYMBOL)
        assert deltas(exchange, peer, 1)[-1]["symbol"] == "NOSUCHUSD"


def test_a_wrong_touch(exchange: LocalExchange, peer: ContractPeer) -> None:
    exchange.wrong_best_prices(SYMBOL, 3)
    replica = ContractReplica(SYMBOL)
    with ContractPeer(exchange, f"depth@{SYMBOL}") as other:
        snapshot = other.receive()
        with pytest.raises(AssertionError):
            replica.take([snapshot])
    wrong = deltas(exchange, peer, 3)
    for frame in wrong[:2]:
        view = exchange.contract_book(SYMBOL)
        assert frame["bestPrices"]["ask"] > max(view.bids) * Decimal("1.5")
        assert frame["bestPrices"]["bid"] < min(view.asks) * Decimal("0.6")
    assert wrong[2]["bestPrices"] == {
        "ask": next(iter(exchange.contract_book(SYMBOL).asks)),
        "bid": next(iter(exchange.contract_book(SYMBOL).bids)),
    }


def test_no_touch(exchange: LocalExchange, peer: ContractPeer) -> None:
    exchange.omit_best_prices(SYMBOL)
    assert all("bestPrices" not in frame for frame in deltas(exchange, peer, 3))
    with ContractPeer(exchange, f"depth@{SYMBOL}") as other:
        assert "bestPrices" not in other.receive()
    exchange.omit_best_prices(SYMBOL, False)
    assert all("bestPrices" in frame for frame in deltas(exchange, peer, 3))


def test_prices_with_an_exponent(exchange: LocalExchange, peer: ContractPeer) -> None:
    exchange.exponent_prices(SYMBOL)
    with ContractPeer(exchange, f"depth@{SYMBOL}") as other:
        snapshot = other.receive()
        assert {Decimal(price): size for price, size in snapshot["asks"].items()} == exchange.contract_book(SYMBOL).asks
    keys = [price for frame in deltas(exchange, peer, 5) for price in [*frame["bids"], *frame["asks"]]]
    assert keys
    assert all("E+4" in price for price in [*keys, *snapshot["bids"]])
    exchange.exponent_prices(SYMBOL, False)
    assert not any("E" in price for frame in deltas(exchange, peer, 5) for price in [*frame["bids"], *frame["asks"]])


@pytest.mark.parametrize(
    ("how", "side", "touch"),
    [
        (None, {"bids": {}}, {}),
        ("empty", {"bids": {}}, {}),
        ("null", {"bids": None}, {"bid": None}),
        ("absent", {}, {}),
    ],
)
def test_a_side_without_levels(
    exchange: LocalExchange, peer: ContractPeer, how: str | None, side: dict[str, Any], touch: dict[str, Any]
) -> None:
    if how is not None:
        exchange.null_sides(SYMBOL, how)
    exchange.empty_book(SYMBOL, "BUY")
    (gone,) = peer.everything()
    assert set(gone["bids"].values()) == {0}
    assert gone.get("asks", "absent") == {None: {}, "empty": {}, "null": None, "absent": "absent"}[how]
    ask = next(iter(exchange.contract_book(SYMBOL).asks))
    assert gone["bestPrices"] == {"ask": ask, **touch}
    exchange.step(20)
    assert peer.everything() == []  # nobody comes back by himself
    with ContractPeer(exchange, f"depth@{SYMBOL}") as other:
        snapshot = other.receive()
    assert {name: levels for name, levels in snapshot.items() if name == "bids"} == side
    assert snapshot["bestPrices"] == {"ask": ask, **touch}
    assert len(snapshot["asks"]) > 5


def test_a_book_without_any_levels_and_its_return(exchange: LocalExchange, peer: ContractPeer) -> None:
    order_id = exchange.place_contract_order(SYMBOL, "BUY", 1, price=1)
    exchange.empty_book(SYMBOL)
    assert exchange.contract_orders()[0].id == order_id
    assert exchange.contract_orders()[0].status == "CANCELED"
    with ContractPeer(exchange, f"depth@{SYMBOL}") as other:
        snapshot = other.receive()
    assert (snapshot["bids"], snapshot["asks"], snapshot["bestPrices"]) == ({}, {}, {})
    peer.everything()
    exchange.set_quiet(SYMBOL, False)
    exchange.step(1, market=SYMBOL)
    (back,) = peer.everything()
    assert len(back["bids"]) >= 10
    assert len(back["asks"]) >= 10


def test_one_sided_books_keep_to_the_rules(exchange: LocalExchange) -> None:
    replica = ContractReplica(SYMBOL)
    with ContractPeer(exchange, f"depth@{SYMBOL}") as peer:
        exchange.empty_book(SYMBOL, "SELL")
        exchange.place_contract_order(SYMBOL, "SELL", 3, price=99_000)
        exchange.empty_book(SYMBOL, "BUY")
        exchange.place_contract_order(SYMBOL, "BUY", 3, type="MARKET")
        replica.take(peer.everything())
        replica.assert_equals(exchange)
    assert not replica.bids
    assert not replica.asks


def test_a_wrong_touch_of_an_empty_book(exchange: LocalExchange) -> None:
    exchange.empty_book(SYMBOL)
    exchange.wrong_best_prices(SYMBOL)
    with ContractPeer(exchange, f"depth@{SYMBOL}") as peer:
        assert set(peer.receive()["bestPrices"]) == {"ask", "bid"}


# -- arguments --------------------------------------------------------------------------------------------------

COMMANDS: dict[str, Callable[[LocalExchange, str], object]] = {
    "skip_change": lambda e, name: e.skip_change(name),
    "repeat_change": lambda e, name: e.repeat_change(name),
    "reorder_changes": lambda e, name: e.reorder_changes(name),
    "wrong_symbol": lambda e, name: e.wrong_symbol(name),
    "wrong_best_prices": lambda e, name: e.wrong_best_prices(name),
    "omit_best_prices": lambda e, name: e.omit_best_prices(name),
    "exponent_prices": lambda e, name: e.exponent_prices(name),
    "null_sides": lambda e, name: e.null_sides(name, "null"),
    "empty_book": lambda e, name: e.empty_book(name),
    "set_quiet": lambda e, name: e.set_quiet(name),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_refuse_names_that_there_are_not(command: str) -> None:
    exchange = LocalExchange(rate=0)
    COMMANDS[command](exchange, SYMBOL)
    with pytest.raises(ValueError, match="NOSUCHUSD"):
        COMMANDS[command](exchange, "NOSUCHUSD")


@pytest.mark.parametrize(
    "call",
    [
        lambda e: e.null_sides(SYMBOL, "odd"),
        lambda e: e.empty_book(SYMBOL, "odd"),
        lambda e: e.send_contract_raw("x", "odd"),
        lambda e: e.drop_contract_connections("candlesticks/odd@BTCUSD"),
        lambda e: e.refuse_contract_handshakes(500, channel="odd@BTCUSD"),
        lambda e: e.mute("contract/odd"),
    ],
)
def test_other_arguments_without_sense(call: Callable[[LocalExchange], object]) -> None:
    with pytest.raises(ValueError, match="odd"):
        call(LocalExchange(rate=0))


# -- silence, refusals, raw frames ------------------------------------------------------------------------------


def test_a_muted_channel_is_silent_and_its_book_moves_on(exchange: LocalExchange, peer: ContractPeer) -> None:
    exchange.mute("contract/depth")
    assert deltas(exchange, peer, 3) == []
    with ContractPeer(exchange, f"depth@{SYMBOL}") as late, ContractPeer(exchange, f"trades@{SYMBOL}") as trades:
        assert late.everything() == []
        assert trades.receive()
        exchange.unmute()
        (frame,) = deltas(exchange, peer, 1)
        assert late.everything() == [frame]
    assert frame["to"] == exchange.contract_book(SYMBOL).change_id


def test_muting_everything_is_muting_contracts_too(exchange: LocalExchange) -> None:
    exchange.mute()
    with stream(exchange) as private, ContractPeer(exchange, "instruments") as instruments:
        exchange.step(5)
        assert private.everything() == []
        assert instruments.everything() == []


def test_muting_spot_depth_leaves_contracts_alone(exchange: LocalExchange, peer: ContractPeer) -> None:
    exchange.mute("depth")
    assert deltas(exchange, peer, 1)


@pytest.mark.parametrize("channel", [None, "depth", f"depth@{SYMBOL}"])
def test_refused_handshakes(exchange: LocalExchange, channel: str | None) -> None:
    exchange.refuse_contract_handshakes(500, n=2, channel=channel)
    if channel is not None:
        with ContractPeer(exchange, f"trades@{SYMBOL}") as trades:
            assert trades.receive()
    for _ in range(2):
        assert refusal(exchange, f"depth@{SYMBOL}") == (500, b"")
    with ContractPeer(exchange, f"depth@{SYMBOL}") as peer, Peer(exchange) as spot:
        assert peer.receive()
        assert spot.ask("ping") == ("pong", {})


def test_refusing_until_revoked_and_one_after_the_other(exchange: LocalExchange) -> None:
    exchange.refuse_contract_handshakes(503, n=1, channel="stream")
    exchange.refuse_contract_handshakes(401, channel="stream")
    assert refusal(exchange, "nothing") == (204, b"")
    assert [refusal(exchange, "stream")[0] for _ in range(3)] == [503, 401, 401]
    exchange.accept_contract_handshakes()
    with stream(exchange) as peer:
        assert peer.receive()


def test_spot_refusals_are_spots_alone(exchange: LocalExchange) -> None:
    exchange.refuse_handshakes(503)
    with ContractPeer(exchange, f"depth@{SYMBOL}") as peer:
        assert peer.receive()


def test_raw_frames_to_whom_they_are_meant_for(exchange: LocalExchange, peer: ContractPeer) -> None:
    with ContractPeer(exchange, "depth@BTCUSDT") as other, ContractPeer(exchange, f"trades@{SYMBOL}") as trades:
        other.receive()
        trades.receive()
        for channel, receivers in (
            (None, {peer, other, trades}),
            ("depth", {peer, other}),
            (f"depth@{SYMBOL}", {peer}),
            ("stream", set()),
        ):
            exchange.send_contract_raw('{"pong":"marker"}', channel)
            for one in (peer, other, trades):
                assert one.everything() == ([{"pong": "marker"}] if one in receivers else [])
        peer.ws.frame_buffer.skip_utf8_validation = True
        peer.ws.cont_frame.skip_utf8_validation = True
        exchange.send_contract_raw(b"\xff\xfe", f"depth@{SYMBOL}")
        assert peer.control() == (1, b"\xff\xfe")
        exchange.send_raw("{}")
        assert peer.everything() == []


# -- ending connections -----------------------------------------------------------------------------------------


def test_closing_and_dropping_end_contract_sockets_too(exchange: LocalExchange) -> None:
    with ContractPeer(exchange, f"depth@{SYMBOL}") as one, stream(exchange) as two:
        one.everything()
        two.everything()
        assert exchange.connection_count == 2
        exchange.close_connections(1001, "maintenance")
        for peer in (one, two):
            assert peer.control() == (8, (1001).to_bytes(2, "big") + b"maintenance")
        assert exchange.connection_count == 0
    with ContractPeer(exchange, f"depth@{SYMBOL}") as one, Peer(exchange) as spot:
        one.everything()
        exchange.drop_connections()
        for ws in (one.ws, spot.ws):
            with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
                ws.recv()
    assert exchange.contract_connections() == []


def test_dropping_the_sockets_of_one_channel(exchange: LocalExchange, peer: ContractPeer) -> None:
    with ContractPeer(exchange, "depth@ETHUSDT") as other:
        other.receive()
        exchange.drop_contract_connections("depth@ETHUSDT")
        with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
            other.ws.recv()
    assert exchange.contract_connections() == [f"depth@{SYMBOL}"]
    assert peer.everything() == []


def test_a_client_that_does_not_read_is_dropped(exchange: LocalExchange) -> None:
    exchange.backlog_limit = 20_000
    with ContractPeer(exchange, f"depth@{SYMBOL}", sockopt=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)]) as peer:
        peer.receive()
        exchange.send_contract_raw(json.dumps({"pad": "x" * 8_000_000}))
        wait_until(lambda: exchange.slow_clients_dropped == 1)
    assert exchange.contract_connections() == []


def test_numbers_are_exact_in_the_text(exchange: LocalExchange, peer: ContractPeer) -> None:
    exchange.empty_book("BTCUSDT")
    exchange.place_contract_order("BTCUSDT", "SELL", "1.2345", price="65000.10")
    with ContractPeer(exchange, "depth@BTCUSDT") as other:
        text = other.ws.recv()
    assert '"asks":{"65000.1":1.2345}' in text
    assert '"bestPrices":{"ask":65000.1}' in text
    assert parse(text)["asks"] == {"65000.1": Decimal("1.2345")}
