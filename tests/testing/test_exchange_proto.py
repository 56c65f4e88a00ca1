"""The subprotocol ``proto`` of the local exchange: the handshake, the bytes, and both encodings side by side."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from spot_peer import ENCODINGS, Frame, Peer, Replica, in_schema, payload, token

from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema
from bigone_sync.testing._spot_schema import reader_of
from bigone_sync.testing.exchange import LocalExchange

BTC = {"market": "BTC-USDT"}
DEPTH = "subscribeMarketDepthRequest"


@pytest.fixture
def encoding() -> str:
    return "proto"


# -- handshake ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["json"], "json"),
        (["proto"], "proto"),
        (["json", "proto"], "json"),
        (["proto", "json"], "proto"),
        (["protobuf", "proto", "json"], "proto"),
    ],
)
def test_the_first_known_subprotocol_is_chosen_echoed_and_spoken(
    still: LocalExchange, offered: list[str], chosen: str
) -> None:
    with Peer(still, chosen, subprotocols=offered) as peer:
        assert peer.ws.subprotocol == chosen
        assert peer.ask("ping") == ("pong", {})


# -- bytes --------------------------------------------------------------------------------------------------------


# What the operator's schema makes of these messages (spot schema, section 8).
CHECKED = {
    "ping": "0a0131a20600",
    "pong": "0a0131a20600",
    "subscribe": "0a0133ba060a0a084254432d55534454",
    "snapshot": "0a0133ca06340a300a084254432d55534454120f0a063139372e39361203352e3018011a130a063135392e393912"
    "07312e303735353218011064",
    "update": "0a0133d2061d0a170a084254432d55534454120b0a063139372e393612013010651864",
    "trade": "0a0138c206260a2408cedf011203392e301a0731303030302e3022084254432d555344543a0608e5c3e3dc05",
    "heartbeat": "c20c00",
    "error": "0a01339a061808c9df0212126c6f67696e20737461747573206572726f72",
    "success": "0a06617574682d319206020801",
}


@pytest.mark.parametrize("style", [{"opcode": "text"}, {"opcode": "binary", "ids": "number", "defaults": "omit"}])
def test_the_check_values_come_and_go_as_stated(style: dict[str, Any]) -> None:
    level = [{"price": "197.96", "amount": "5.0", "orderCount": 1}]
    bid = [{"price": "159.99", "amount": "1.07552", "orderCount": "1"}]
    gone = [{"price": "197.96", "amount": "0", "orderCount": 0}]
    trade = {"id": 28622, "price": "9.0", "amount": "10000.0", **BTC, "createdAt": "2018-09-12T09:52:37Z"}
    frames: list[Frame] = [
        {"depthSnapshot": {"depth": {**BTC, "asks": level, "bids": bid}, "changeId": 100}},
        {"depthUpdate": {"depth": {**BTC, "asks": gone, "bids": None}, "changeId": "101", "prevId": 100}},
        {"tradeUpdate": {"trade": {**trade, "makerOrder": None, "takerSide": "BID"}}},
    ]
    with LocalExchange(rate=0, **style) as exchange, Peer(exchange, "proto") as peer:
        exchange.replay([{"t": 1, "frame": frame} for frame in frames], speed=None, autostart=False)
        peer.ws.send_binary(bytes.fromhex(CHECKED["ping"]))
        peer.ws.send_binary(bytes.fromhex(CHECKED["subscribe"]))
        received = [peer.control() for _ in range(2)]
        peer.send("subscribeMarketTradesRequest", BTC, id="8")
        assert peer.receive() == {"requestId": "8", "tradesSnapshot": {"trades": []}}
        exchange.start_replay()
        received += [peer.control() for _ in range(2)]
        exchange.send_heartbeat()
        exchange.send_error(45001, "login status error", "3")
        peer.send("authenticateCustomerRequest", {"token": token()}, id="auth-1")
        received += [peer.control() for _ in range(3)]
    names = ("pong", "snapshot", "update", "trade", "heartbeat", "error", "success")
    assert received == [(2, bytes.fromhex(CHECKED[name])) for name in names]


def filled(message: Message, depth: int = 0) -> Message:
    """A message with a value other than the default in every field, and two items in every list."""
    for number, field in enumerate(message.DESCRIPTOR.fields, 1):
        value: Any = number
        if field.enum_type is not None:
            value = max(field.enum_type.values_by_number)
        elif field.cpp_type == field.CPPTYPE_STRING:
            value = f"{number}.50{depth}"
        elif field.name == "nanos":
            value = 123_456_789
        elif field.name.endswith("id"):
            value = (1 << 64) - number
        present = getattr(message, field.name)
        if isinstance(present, Message):
            present.SetInParent()
            filled(present, depth + 1)
        elif hasattr(present, "add"):
            filled(present.add(), depth + 1)
            filled(present.add(), depth + 2)
        elif hasattr(present, "append"):
            present.extend([value, value])
        else:
            setattr(message, field.name, value)
    return message


@pytest.mark.parametrize("defaults", [True, False])
@pytest.mark.parametrize(
    "name", [field.name for field in schema.Response.DESCRIPTOR.fields if field.message_type is not None]
)
def test_every_response_of_the_schema_is_read_from_json_as_the_library_reads_it(name: str, defaults: bool) -> None:
    kind = schema.Response.DESCRIPTOR.fields_by_name[name].message_type
    assert kind is not None
    make: Any = getattr(schema, kind.name)
    for message in (make(), filled(make())):
        body = json_format.MessageToDict(message, always_print_fields_with_no_presence=defaults)
        assert make(**reader_of(kind)(body)) == message
        assert make(**reader_of(kind)({**body, "future": [{"a": None}], "absent": None})) == message


def test_what_only_json_can_say_is_read_as_the_library_reads_it() -> None:
    read, make = reader_of(schema.Order.DESCRIPTOR), schema.Order
    assert make(**read({"side": "NEITHER", "state": "FILLED"})) == make(state=schema.Order.FILLED)
    assert make(**read({"side": 1, "state": 77})) == make(side=schema.Order.ASK, state=77)  # type: ignore[arg-type]
    assert make(**read({"id": 42844576, "price": "MARKET"})) == make(id="42844576", price="MARKET")
    update = schema.DepthUpdate(**reader_of(schema.DepthUpdate.DESCRIPTOR)({"changeId": str(2**64 - 1), "prevId": 7}))
    assert (update.change_id, update.prev_id) == (2**64 - 1, 7)


# -- side by side -------------------------------------------------------------------------------------------------


STREAMS: list[tuple[str, dict[str, Any]]] = [
    ("subscribeMarketDepthRequest", BTC),
    ("subscribeMarketTradesRequest", BTC),
    ("subscribeMarketsTickerRequest", {"markets": ["BTC-USDT"]}),
    ("subscribeMarketCandlesRequest", BTC),
    ("subscribeMarketCandlesRequest", {**BTC, "period": "DAY1"}),
    ("subscribeViewerAccountsRequest", {}),
    ("subscribeViewerOrdersRequest", BTC),
    ("subscribeAllViewerOrdersRequest", {}),
    ("subscribeViewerMarginAccountsRequest", {}),
    ("subscribeExchangeRatesListRequest", {"quote": "USDT"}),
    ("subscribeFlashExchangeOrdersRequest", {}),
    ("subscribeSpotCostPriceRequest", {}),
    ("listMarketsRequest", {}),
]


@pytest.mark.parametrize("defaults", ["emit", "omit"])
def test_clients_of_both_encodings_hear_the_same_at_the_same_time(defaults: str) -> None:
    with (
        LocalExchange(rate=0, defaults=defaults) as exchange,
        Peer(exchange, "json") as one,
        Peer(exchange, "proto") as two,
        Peer(exchange, "proto") as three,
    ):
        peers = (one, two, three)
        for peer in peers:
            peer.login()
            for index, (member, params) in enumerate(STREAMS):
                peer.send(member, params, id=f"s{index}")
        heard = [peer.everything() for peer in peers]
        exchange.place_order("BTC-USDT", "BID", None, "0.5", type="MARKET", client_order_id="mine")
        order_id = exchange.place_order("BTC-USDT", "ASK", "90000.5", "2", ioc=False)
        exchange.step(20)
        exchange.cancel_order(order_id)
        exchange.set_balance("BTC", "123.000000001")
        exchange.flash_exchange("USDT", "BTC", "0.5")
        exchange.set_margin("BTC-USDT", base="2.5", base_loan="1", state="PIERCING")
        exchange.send_error(45000, "GRPC error: a, \u00e9, \u4e2d", "r9")
        exchange.send_heartbeat()
        for frames, peer in zip(heard, peers, strict=True):
            frames += peer.everything()
    assert [in_schema(frame) for frame in heard[0]] == heard[1] == heard[2]
    updates = {payload(frame)[0] for frame in heard[1]}
    assert {f"{name}Update" for name in ("depth", "trade", "ticker", "candle", "account", "order")} <= updates
    assert {
        "marginAccountUpdate",
        "exchangeRatesListUpdate",
        "flashExchangeOrderUpdate",
        "spotCostPriceUpdate",
    } <= updates
    assert {"listMarketsResponse", "success", "error", "heartbeat"} <= updates


def test_requests_and_subscriptions_are_told_alike(still: LocalExchange) -> None:
    told = []
    for encoding in ENCODINGS:
        with Peer(still, encoding) as peer:
            peer.ask("authenticateCustomerRequest", {"token": token(), "deviceId": "d"})
            peer.ask("subscribeMarketCandlesRequest", {**BTC, "period": "HOUR1", "limit": 3})
            peer.ask("subscribeMarketsTickerRequest", {"markets": []})
            peer.ask("subscribeMarketTradesRequest", BTC)
            peer.ask("subscribeViewerOrdersRequest", {**BTC, "businessUnit": "SPOT"})
            peer.ask("createOrderRequest", {**BTC, "side": "BID", "price": "1.00", "amount": "1", "hidden": True})
            peer.ask("ping")
            number = max(number for number, _ in still.requests)
            subscriptions = [stream[1:] for stream in still.subscriptions() if stream.connection == number]
            told.append(([request for sender, request in still.requests if sender == number], subscriptions))
    assert told[0] == told[1]
    assert told[1][0][0] == {"requestId": "r1", "authenticateCustomerRequest": {"token": "***", "deviceId": "d"}}
    assert told[1][0][1]["subscribeMarketCandlesRequest"] == {**BTC, "period": "HOUR1", "limit": 3}


def test_the_books_of_both_encodings_are_the_engines() -> None:
    with LocalExchange(rate=400) as exchange, Peer(exchange) as one, Peer(exchange, "proto") as two:
        books = [(one, Replica()), (two, Replica())]
        for peer, _ in books:
            peer.send(DEPTH, BTC)
        for peer, replica in books:
            while replica.updates < 100:
                replica.take(peer.receive())
        exchange.pause()
        for peer, replica in books:
            for frame in peer.everything():
                replica.take(frame)
            replica.assert_equals(exchange)


# -- importing ----------------------------------------------------------------------------------------------------

PROGRAM = """
import logging, sys
import websocket
from bigone_sync.testing import LocalExchange
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
if {missing}:
    sys.modules["google.protobuf"] = None
with LocalExchange(rate=0) as exchange:
    peer = websocket.create_connection(exchange.spot_url, subprotocols=["json"])
    peer.send('{{"requestId":"1","ping":{{}}}}')
    print(peer.recv())
    print("google.protobuf" in sys.modules and not {missing})
    try:
        websocket.create_connection(exchange.spot_url, subprotocols=["proto"]).shutdown()
        print("google.protobuf" in sys.modules)
    except websocket.WebSocketBadStatusException as error:
        print(error.status_code, error.resp_body.decode())
    peer.send('{{"requestId":"2","ping":{{}}}}')
    print(peer.recv())
    peer.shutdown()
"""


def lines_of(missing: bool) -> list[str]:
    program = PROGRAM.format(missing=missing)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_protobuf_is_imported_when_somebody_speaks_it() -> None:
    assert lines_of(missing=False) == [
        '{"requestId":"1","pong":{}}',
        "False",
        "True",
        '{"requestId":"2","pong":{}}',
    ]


def test_without_protobuf_its_clients_are_told_so_and_json_goes_on() -> None:
    first, loaded, *told, last = lines_of(missing=True)
    assert (first, loaded, last) == ('{"requestId":"1","pong":{}}', "False", '{"requestId":"2","pong":{}}')
    assert told[0] == "ERROR the local exchange cannot speak proto"
    assert told[-1].startswith("403 subprotocol proto is not available: the protobuf protocol needs protobuf>=5.26.1")
