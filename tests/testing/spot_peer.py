"""A plain websocket-client for the tests of the local exchange, with nothing of the package's own client in it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import websocket
from google.protobuf import json_format

from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema
from bigone_sync.testing.exchange import LocalExchange

Frame = dict[str, Any]

#: What a peer can speak; also the names of the subprotocols.
ENCODINGS = ("json", "proto")


def payload(frame: Frame) -> tuple[str, Any]:
    """Member and body of a response."""
    members = [(name, body) for name, body in frame.items() if name != "requestId"]
    assert len(members) == 1, frame
    return members[0]


def segment(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def token(
    secret: str = "secret", *, header: Mapping[str, object] | None = None, drop: str = "", **claims: object
) -> str:
    """A signed token; without arguments a good one for the key "key"."""
    body: dict[str, object] = {"type": "OpenAPIV2", "sub": "key", "nonce": str(time.time_ns()), **claims}
    body.pop(drop, None)
    signed = f"{segment(header or {'alg': 'HS256', 'typ': 'JWT'})}.{segment(body)}"
    return f"Bearer {signed}.{segment(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


def request_bytes(request: Mapping[str, Any]) -> bytes:
    """A request in protobuf; the library's own reading of JSON."""
    return json_format.ParseDict(dict(request), schema.Request()).SerializeToString()


def response_of(data: bytes) -> Frame:
    """A response in protobuf as the object that JSON would have been, default values written out."""
    response = schema.Response.FromString(data)
    assert response.WhichOneof("payload"), data
    frame: Frame = json_format.MessageToDict(response, always_print_fields_with_no_presence=True)
    if "error" in frame:
        frame["error"]["code"] = int(frame["error"]["code"])  # as the documents print it
    return frame


def in_schema(frame: Mapping[str, Any]) -> Frame:
    """What the schema knows of a response in JSON, in the form of `response_of`."""
    response = json_format.ParseDict(dict(frame), schema.Response(), ignore_unknown_fields=True)
    return response_of(response.SerializeToString())


class Peer:
    """One connection, of JSON or of protobuf: what is sent and received reads as JSON in both."""

    def __init__(self, exchange: LocalExchange, encoding: str = "json", **options: Any) -> None:
        self.encoding = encoding
        self.ws = websocket.create_connection(
            exchange.spot_url, **{"subprotocols": [encoding], "timeout": 30, **options}
        )
        self._ids = itertools.count(1)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.ws.shutdown()

    def send(self, member: str, body: Mapping[str, object] | None = None, *, id: str | None = None) -> str:
        request_id = f"r{next(self._ids)}" if id is None else id
        request = {"requestId": request_id, member: body or {}}
        if self.encoding == "json":
            self.ws.send(json.dumps(request))
        else:
            self.ws.send_binary(request_bytes(request))
        return request_id

    def receive(self) -> Frame:
        data = self.ws.recv()
        if self.encoding == "json":
            frame: Frame = json.loads(data)
            return frame
        assert isinstance(data, bytes)  # a text frame would have been str
        return response_of(data)

    def ask(self, member: str, body: Mapping[str, object] | None = None) -> Any:
        """Send a request and return (member, body) of the answer; updates that come before it are lost."""
        request_id = self.send(member, body)
        while True:
            frame = self.receive()
            if frame.get("requestId") == request_id and not next(iter(payload(frame))).endswith("Update"):
                return payload(frame)

    def until(self, wanted: Callable[[str, Any], bool]) -> Any:
        """Read until a frame satisfies; return its body."""
        while True:
            member, body = payload(self.receive())
            if wanted(member, body):
                return body

    def everything(self) -> list[Frame]:
        """All frames the exchange had written when a ping arrived there."""
        request_id = self.send("ping")
        frames: list[Frame] = []
        while True:
            frame = self.receive()
            if frame.get("requestId") == request_id:
                assert payload(frame) == ("pong", {})
                return frames
            frames.append(frame)

    def login(self) -> None:
        assert self.ask("authenticateCustomerRequest", {"token": token()}) == ("success", {"ok": True})

    def control(self) -> tuple[int, bytes]:
        """The next frame of any kind: opcode and payload."""
        opcode, frame = self.ws.recv_data_frame(control_frame=True)
        return opcode, frame.data


class Replica:
    """A book kept strictly by the rules: any break of the chain fails the test."""

    def __init__(self) -> None:
        self.change_id = 0
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}
        self.updates = 0

    def take(self, frame: Frame) -> None:
        member, body = payload(frame)
        if member == "depthSnapshot":
            self.bids, self.asks = {}, {}
        else:
            assert member == "depthUpdate"
            assert int(body["prevId"]) == self.change_id
            self.updates += 1
        for name, side in (("bids", self.bids), ("asks", self.asks)):
            for level in body["depth"].get(name, []):
                price, amount = Decimal(level["price"]), Decimal(level["amount"])
                if amount:
                    side[price] = amount
                else:
                    side.pop(price, None)
        self.change_id = int(body["changeId"])

    def assert_equals(self, exchange: LocalExchange, market: str = "BTC-USDT") -> None:
        view = exchange.book(market)
        assert self.change_id == view.change_id
        assert self.bids == view.bids
        assert self.asks == view.asks


def best(exchange: LocalExchange, side: str, market: str = "BTC-USDT") -> Decimal:
    """The best price of a side."""
    book = exchange.book(market)
    return next(iter(book.bids if side == "BID" else book.asks))


def trade_at(exchange: LocalExchange, taker: str, market: str = "BTC-USDT") -> Decimal:
    """Let the last price be the best one of a side; return it."""
    price = best(exchange, "ASK" if taker == "BID" else "BID", market)
    exchange.place_order(market, taker, None, "0.00001", type="MARKET", business_unit="MARGIN")
    return price


def numbers(message: Mapping[str, Any], *names: str) -> tuple[Decimal, ...]:
    """Decimals of a message."""
    return tuple(Decimal(message[name]) for name in names)
