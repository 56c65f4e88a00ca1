"""A plain websocket-client for the Rails half of the local exchange, with nothing of the package's client in it."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import websocket

from bigone_sync.testing.exchange import LocalExchange

BTC = "BTC-USD"
STREAMS = ("orders", "trades", "publicTrades", "publicOrderBook")

Frame = dict[str, Any]


class RailsPeer:
    """One connection.

    Args:
        streams: what is subscribed to; None: the query does not say.
        token: None: a new one.
    """

    def __init__(
        self,
        exchange: LocalExchange,
        streams: Iterable[str] | None = STREAMS,
        *,
        market: str = BTC,
        token: str | None = None,
        url: str | None = None,
        **options: Any,
    ) -> None:
        query = f"?market={market}" + ("" if streams is None else f"&subscriptions={','.join(streams)}")
        credential = exchange.rails_token() if token is None else token
        header = [f"Sec-WebSocket-Protocol: authorization#{credential}"]
        target = f"{url or exchange.rails_url}/{query}"
        self.ws = websocket.create_connection(target, **{"timeout": 30, "header": header, **options})
        self._marks = itertools.count(1)

    def __enter__(self) -> RailsPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self.ws.shutdown()

    def send(self, message: str, content: Mapping[str, object] | None = None) -> None:
        """Send a request."""
        self.ws.send(json.dumps({"message": message, **({} if content is None else {"content": content})}))

    def command(self, message: str, /, **content: object) -> str:
        """Send a request with an id of its own; returns the id."""
        name = str(uuid.uuid4())
        self.send(message, {"clientRequestId": name, **content})
        return name

    def receive(self) -> Frame:
        """The next frame."""
        text = self.ws.recv()
        assert isinstance(text, str)  # a binary frame would have been bytes
        frame: Frame = json.loads(text)
        assert text == json.dumps(frame, separators=(",", ":"), ensure_ascii=False)  # compact
        return frame

    def everything(self) -> list[Frame]:
        """All frames the exchange had written when a ping arrived there."""
        name = str(uuid.UUID(int=next(self._marks)))
        self.send("ping", {"clientRequestId": name})
        frames: list[Frame] = []
        while True:
            frame = self.receive()
            if frame["resultType"] == "pong" and frame["data"].get("clientRequestId") == name:
                return frames
            frames.append(frame)

    def ask(self, message: str, /, **content: object) -> list[Frame]:
        """Give a command and return all that came of it."""
        self.command(message, **content)
        return self.everything()


def limit(price: object, quantity: object = "1", side: str = "buy", **more: object) -> dict[str, object]:
    """Content of a limit order."""
    return {"price": str(price), "quantity": str(quantity), "orderType": side, "tradeType": "limit", **more}


def phases(frames: Iterable[Frame]) -> list[tuple[str, int, str | None]]:
    """Kind, status, and status of the order, of each frame about orders."""
    return [
        (frame["resultType"], frame["data"]["statusCode"], frame["data"].get("order", {}).get("orderStatus"))
        for frame in frames
        if isinstance(frame["data"], dict) and "orders" not in frame["data"]
    ]


def refusal(exchange: LocalExchange, query: str, protocols: Iterable[str] = ()) -> int:
    """Status that a handshake is refused with."""
    header = [f"Sec-WebSocket-Protocol: {', '.join(protocols)}"] if protocols else []
    try:
        websocket.create_connection(f"{exchange.rails_url}/{query}", timeout=10, header=header).shutdown()
    except websocket.WebSocketBadStatusException as error:
        return error.status_code
    raise AssertionError(f"{query} was not refused")
