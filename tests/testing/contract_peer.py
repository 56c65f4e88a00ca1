"""A plain websocket-client for the contract half of the local exchange, with nothing of the package's client in it."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import websocket
from spot_peer import segment, token

from bigone_sync.testing.exchange import LocalExchange

SYMBOLS = ("BTCUSD", "BTCUSDT", "ETHUSDT")
PERIODS = ("1MIN", "5MIN", "15MIN", "30MIN", "1H", "4H", "6H", "12H", "1D")


def parse(text: str | bytes) -> Any:
    """The frame with every number exact: Decimal where JSON has a fraction, int where it has none."""
    assert isinstance(text, str)  # a binary frame would have been bytes
    return json.loads(text, parse_float=Decimal)


def guide_token(secret: str = "secret", *, drop: str = "", **claims: object) -> str:
    """A token in the form of the guides; without arguments a good one for the key "key"."""
    now = int(time.time())
    body: dict[str, object] = {"sub": "key", "nonce": time.time_ns() // 1000, "iat": now, "exp": now + 60, **claims}
    body.pop(drop, None)
    signed = f"{segment({'alg': 'HS256', 'typ': 'JWT'})}.{segment(body)}"
    return f"Bearer {signed}.{segment(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


class ContractPeer:
    """One socket: one channel of one contract."""

    def __init__(self, exchange: LocalExchange, path: str, **options: Any) -> None:
        self.ws = websocket.create_connection(f"{exchange.contract_url}/{path}", **{"timeout": 30, **options})
        self._pings = itertools.count(1)

    def __enter__(self) -> ContractPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self.ws.shutdown()

    def receive(self) -> Any:
        return parse(self.ws.recv())

    def everything(self) -> list[Any]:
        """All frames the exchange had written when a ping arrived there."""
        number = next(self._pings)
        self.ws.send(json.dumps({"ping": number}))
        frames: list[Any] = []
        while True:
            frame = self.receive()
            if frame == {"pong": number}:
                return frames
            frames.append(frame)

    def control(self) -> tuple[int, bytes]:
        """The next frame of any kind: opcode and payload."""
        opcode, frame = self.ws.recv_data_frame(control_frame=True)
        return opcode, frame.data


def stream(exchange: LocalExchange, authorization: str | None = None, **options: Any) -> ContractPeer:
    """A socket of the private stream."""
    header = [f"Authorization: {token() if authorization is None else authorization}"]
    return ContractPeer(exchange, "stream", header=header, **options)


def refusal(exchange: LocalExchange, path: str, **options: Any) -> tuple[int, bytes]:
    """Status and body that a handshake is refused with."""
    try:
        ContractPeer(exchange, path, **options).ws.shutdown()
    except websocket.WebSocketBadStatusException as error:
        return error.status_code, error.resp_body or b""
    raise AssertionError(f"{path} was not refused")


class ContractReplica:
    """A book kept strictly by the rules: any break of the chain fails the test."""

    def __init__(self, symbol: str, step: int = 0) -> None:
        self.symbol = symbol
        self.step = step
        self.last: int | None = None
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}
        self.deltas = 0

    def take(self, frames: Iterable[Any]) -> None:
        for frame in frames:
            if frame["from"] == 0:
                assert "symbol" not in frame
                assert self.last is None  # a second snapshot never comes
            else:
                assert frame["symbol"] == self.symbol
                assert self.last is not None
                assert frame["from"] == self.last + self.step
                assert frame["bids"] or frame["asks"]
                self.deltas += 1
            for name, side in (("bids", self.bids), ("asks", self.asks)):
                for price, size in frame[name].items():
                    if size:
                        side[Decimal(price)] = Decimal(size)
                    else:
                        side.pop(Decimal(price), None)
            self.last = frame["to"]
            self.check_best(frame["bestPrices"])

    def check_best(self, best: dict[str, Any]) -> None:
        assert best.get("bid") == (max(self.bids) if self.bids else None)
        assert best.get("ask") == (min(self.asks) if self.asks else None)

    def assert_equals(self, exchange: LocalExchange) -> None:
        view = exchange.contract_book(self.symbol)
        assert self.last == view.change_id
        assert self.bids == view.bids
        assert self.asks == view.asks


def until(peer: ContractPeer, wanted: Callable[[Any], bool]) -> Any:
    """Read until a frame satisfies; return it."""
    while True:
        frame = peer.receive()
        if wanted(frame):
            return frame
