"""Requests in protobuf that are wrong, and responses in protobuf that the local exchange spoils on command."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from google.protobuf.unknown_fields import UnknownFieldSet
from spot_peer import Peer, Replica, in_schema, payload, request_bytes, response_of, token

from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema
from bigone_sync.testing._spot_faults import ENUM_FIELDS
from bigone_sync.testing._spot_schema import parts
from bigone_sync.testing.exchange import LocalExchange

BTC = {"market": "BTC-USDT"}
DEPTH = "subscribeMarketDepthRequest"


@pytest.fixture
def encoding() -> str:
    return "proto"


# -- requests that are wrong --------------------------------------------------------------------------------------

WRONG = {
    "nothing": (b"", ""),
    "no bytes of protobuf": (b"\xff\xff\xff", ""),
    "cut short": (request_bytes({"requestId": "a", DEPTH: BTC})[:-1], ""),
    "number of eleven bytes": (b"\x08" + b"\xff" * 10 + b"\x01", ""),
    "length of 50 MB": (b"\x0a\x80\xe1\xeb\x17a", ""),
    "no text in the id": (b"\x0a\x01\xff\xa2\x06\x00", ""),
    "text after the first byte of JSON": (b"{", ""),
    "no id": (request_bytes({"ping": {}}), ""),
    "only an id": (request_bytes({"requestId": "a"}), "a"),
    "number in place of the id": (b"\x08\x01\xa2\x06\x00", ""),
    "number in place of the request": (b"\x0a\x01a\xa0\x06\x01", "a"),
    "number in place of the market": (b"\x0a\x01a\xba\x06\x02\x08\x01", "a"),
    "unknown request": (b"\x0a\x01a\xc2\x09\x00", "a"),
    "unknown field beside the request": (request_bytes({"requestId": "a", "ping": {}}) + b"\x10\x01", "a"),
    "unknown field in the request": (b"\x0a\x01a\xba\x06\x0c\x0a\x08BTC-USDT\x10\x01", "a"),
    "two requests": (request_bytes({"requestId": "a", "ping": {}}) + request_bytes({DEPTH: BTC}), "a"),
    "the same request twice": (request_bytes({"requestId": "a", DEPTH: BTC}) + request_bytes({DEPTH: BTC}), "a"),
    "two ids": (request_bytes({"requestId": "b"}) + request_bytes({"requestId": "a", "ping": {}}), "a"),
    "request of the schema that is not served": (
        request_bytes({"requestId": "a", "subscribeMarketTickersRequest": {}}),
        "a",
    ),
    "no market": (request_bytes({"requestId": "a", DEPTH: {}}), "a"),
    "unknown market": (request_bytes({"requestId": "a", DEPTH: {"market": "XRP-USDT"}}), "a"),
    "unknown number of a period": (
        request_bytes({"requestId": "a", "subscribeMarketCandlesRequest": {**BTC, "period": 99}}),
        "a",
    ),
    "negative limit": (request_bytes({"requestId": "a", "subscribeMarketTradesRequest": {**BTC, "limit": -1}}), "a"),
    "a response": (schema.Response(request_id="a", success={"ok": True}).SerializeToString(), "a"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_is_answered_with_45000_and_nothing_else_happens(
    still: LocalExchange, peer: Peer, case: str
) -> None:
    data, request_id = WRONG[case]
    peer.ws.send_binary(data)
    member, error = payload(frame := peer.receive())
    assert (frame["requestId"], member, error["code"]) == (request_id, "error", 45000)
    assert error["message"]
    assert peer.everything() == []
    assert still.subscriptions() == []


def test_json_is_served_on_a_connection_of_protobuf_and_answered_in_protobuf(still: LocalExchange, peer: Peer) -> None:
    request = json.dumps({"requestId": "1", DEPTH: BTC})
    for send in (peer.ws.send, peer.ws.send_binary):
        send(request if send == peer.ws.send else request.encode())
        opcode, data = peer.control()
        assert opcode == 2
        assert payload(response_of(data))[0] == "depthSnapshot"
    peer.ws.send("\n\x011\u20ac no protobuf comes in text")
    assert payload(peer.receive())[1]["code"] == 45000


def test_protobuf_is_not_served_on_a_connection_of_json(still: LocalExchange) -> None:
    with Peer(still) as peer:
        peer.ws.send_binary(request_bytes({"requestId": "1", DEPTH: BTC}))
        assert peer.receive()["error"]["code"] == 45000
        assert peer.everything() == []
    assert still.subscriptions() == []


def test_nesting_without_end_is_refused_like_any_other_nonsense(still: LocalExchange, peer: Peer) -> None:
    for data in (b'{"a":' * 100_000, b"\xdb\x3e" * 100_000):
        peer.ws.send_binary(data)
        assert payload(peer.receive())[1]["code"] == 45000
    assert peer.ask("ping") == ("pong", {})


def test_a_token_is_shown_nowhere_even_if_its_request_is_wrong(still: LocalExchange, peer: Peer) -> None:
    text = token()
    login = request_bytes({"requestId": "a", "authenticateCustomerRequest": {"token": text}})
    for data in (login[:-1], login + b"\x10\x01", login + request_bytes({"ping": {}}), login[3:]):
        peer.ws.send_binary(data)
        _, error = payload(peer.receive())
        assert error["code"] == 45000
        assert text.split(".")[1] not in error["message"]
    assert text.split(".")[1] not in repr(still.requests)


# -- spoiled responses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("opcode", "number"), [("text", 1), ("binary", 2)])
def test_json_in_place_of_protobuf(opcode: str, number: int) -> None:
    with LocalExchange(rate=0, opcode="text") as exchange, Peer(exchange, "proto") as peer, Peer(exchange) as other:
        exchange.proto_as_json(opcode)
        peer.send(DEPTH, BTC, id="d")
        other.send(DEPTH, BTC, id="d")
        (got, data), (_, expected) = peer.control(), other.control()
        assert (got, data) == (number, expected)
        exchange.place_order("BTC-USDT", "BID", "1.00", "1")
        got, data = peer.control()
        assert (got, data[:1]) == (number, b"{")
        assert payload(json.loads(data))[0] == "depthUpdate"
        exchange.send_heartbeat()
        assert json.loads(peer.control()[1]) == {"requestId": "", "heartbeat": {}}
        exchange.proto_as_json(None)
        assert peer.ask("ping") == ("pong", {})


def test_fields_that_the_schema_does_not_know_are_in_every_message(still: LocalExchange, peer: Peer) -> None:
    with Peer(still) as other:
        for one in (peer, other):
            one.login()
            for member in ("subscribeMarketTradesRequest", DEPTH, "subscribeViewerOrdersRequest"):
                one.send(member, BTC, id=member)
            assert one.everything()
        still.proto_unknown_fields()
        still.place_order("BTC-USDT", "BID", None, "0.00001", type="MARKET")
        expected = [in_schema(frame) for frame in other.everything()]
        kinds = set()
        for frame in expected:
            data = peer.ws.recv()
            assert isinstance(data, bytes)
            response = schema.Response.FromString(data)
            for part in parts(response):
                kinds.add(part.DESCRIPTOR.name)
                unknown = UnknownFieldSet(part)
                assert sorted(unknown[index].wire_type for index in range(len(unknown))) == [0, 1, 2, 3, 5]
            assert response_of(data) == frame
        assert {"Depth", "PriceLevel", "Trade", "Order", "Timestamp"} <= kinds
        still.proto_unknown_fields(False)
        peer.send("ping", id="p")
        assert peer.control()[1] == schema.Response(request_id="p", pong={}).SerializeToString()


def test_numbers_that_enums_do_not_have(still: LocalExchange, peer: Peer) -> None:
    def order() -> dict[str, Any]:
        still.place_order("BTC-USDT", "BID", "1.00", "1")
        (frame,) = peer.everything()
        body: dict[str, Any] = frame["orderUpdate"]["order"]
        return body

    peer.login()
    peer.ask("subscribeAllViewerOrdersRequest")
    right = order()
    names = ("side", "state", "businessUnit", "type", "operator")
    still.proto_unknown_enums()
    spoiled = order()
    assert {name: spoiled[name] for name in names} == dict.fromkeys(names, 99)
    assert set(spoiled) == set(right)
    still.proto_unknown_enums(-5, "state")
    spoiled = order()
    assert {name: spoiled[name] for name in names} == {**{name: right[name] for name in names}, "state": -5}
    still.proto_unknown_enums(None)
    assert order()["state"] == right["state"]


def test_the_enums_are_those_of_the_schema() -> None:
    found = set()
    for message in schema.DESCRIPTOR.message_types_by_name.values():
        if not message.name.startswith(("Subscribe", "Unsubscribe", "UnSubscribe", "Create")):
            found |= {field.json_name for field in message.fields if field.enum_type is not None}
    assert sorted(found) == list(ENUM_FIELDS)


def test_a_typing_error_in_a_command_is_told(still: LocalExchange) -> None:
    with pytest.raises(ValueError, match="no opcode"):
        still.proto_as_json("close")
    with pytest.raises(ValueError, match="no enum"):
        still.proto_unknown_enums(99, "price")
    with pytest.raises(ValueError, match="32 bits"):
        still.proto_unknown_enums(1 << 31)


def test_what_is_spoiled_for_protobuf_is_right_for_json(still: LocalExchange, peer: Peer) -> None:
    still.proto_unknown_fields()
    still.proto_unknown_enums()
    with Peer(still) as other:
        replica = Replica()
        other.send(DEPTH, BTC)
        peer.send(DEPTH, BTC)
        still.proto_as_json()
        replica.take(other.receive())
        still.step(20, "BTC-USDT")
        for frame in other.everything():
            replica.take(frame)
        replica.assert_equals(still)


def test_raw_bytes_reach_connections_of_protobuf_as_they_are(still: LocalExchange, peer: Peer) -> None:
    peer.ask(DEPTH, BTC)
    frames = [bytes.fromhex(text) for text in ("", "0a", "d206ff", "0a0131b20900", "7b")]
    for data in frames:
        still.send_raw(data, "depth")
    assert [peer.control() for _ in frames] == [(2, data) for data in frames]


def test_the_chain_of_depth_breaks_on_command_for_both_encodings_alike(still: LocalExchange, peer: Peer) -> None:
    with Peer(still) as other:
        for one in (peer, other):
            _, snapshot = one.ask(DEPTH, BTC)
        still.skip_change("BTC-USDT")
        still.repeat_change("BTC-USDT")
        still.step(30, "BTC-USDT")
        still.reorder_changes("BTC-USDT")
        still.step(30, "BTC-USDT")
        frames = [in_schema(frame) | {"requestId": ""} for frame in other.everything()]
        assert frames == [frame | {"requestId": ""} for frame in peer.everything()]
        chain = [(int(frame["depthUpdate"]["prevId"]), int(frame["depthUpdate"]["changeId"])) for frame in frames]
        known = {int(snapshot["changeId"]), *(change for _, change in chain)}
        assert len({prev for prev, _ in chain} - known) == 1  # what was skipped came neither then nor later
        assert any(before == after for before, after in pairwise(chain))
        assert any(before[1] > after[1] for before, after in pairwise(chain))
