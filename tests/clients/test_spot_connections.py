"""How many sockets, and what the frames on them look like."""

from __future__ import annotations

import json
from typing import Any

import pytest
from client_rig import BTC, PATIENCE, Log, Watched, matches, members, running, spot
from google.protobuf.json_format import MessageToDict

from bigone_sync import ConfigurationError, ConnectionState, Limits, RawFrame, SpotClient
from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

# What a client does with its threads has nothing to do with the codec.
pytestmark = pytest.mark.one_codec


def watch_everything(client: SpotClient) -> dict[str, Log[Any]]:
    logs: dict[str, Log[Any]] = {
        name: Log() for name in ("depth", "trades", "ticker", "candles", "accounts", "orders", "all orders")
    }
    client.on_depth(BTC, logs["depth"])
    client.on_trade(BTC, logs["trades"])
    client.on_ticker(BTC, logs["ticker"])
    client.on_candle(BTC, "MIN1", logs["candles"])
    client.on_account(logs["accounts"])
    client.on_order(BTC, logs["orders"])
    client.on_order(logs["all orders"])
    return logs


NAMES = {
    "per_channel": {"depth", "trades", "ticker", "candles", "private"},
    "shared": {"shared"},
}
STYLES = [{"opcode": "binary"}, {"ids": "number"}, {"defaults": "omit"}]


@pytest.mark.parametrize("connections", ["per_channel", "shared"])
@pytest.mark.parametrize("style", [{}, *STYLES], ids=str)
def test_all_channels_in_all_styles(connections: str, style: dict[str, Any]) -> None:
    with leak_check(), LocalExchange(rate=100, **style) as exchange:
        client = spot(exchange.spot_url, private=True, connections=connections)
        watched = Watched(client)
        logs = watch_everything(client)
        book = client.order_book(BTC)
        with running(client):
            assert exchange.connection_count == len(NAMES[connections])
            assert set(client.connections) == NAMES[connections]
            assert set(client.connections.values()) == {ConnectionState.READY}
            exchange.place_order(BTC, "BID", price="1", amount="1")
            for log in logs.values():
                log.wait(2 if log is not logs["all orders"] and log is not logs["orders"] else 1)
            wait_until(lambda: not logs["trades"][-1].is_snapshot)
            exchange.pause()
            wait_until(lambda: matches(book, exchange))
        watched.assert_quiet()
        assert exchange.handshakes == len(NAMES[connections])


def test_the_handshake_offers_the_codec_and_a_user_agent_of_our_own_or_the_users(protocol: str) -> None:
    with leak_check(), LocalExchange(rate=0) as exchange:
        for headers in (None, {"User-Agent": "my-bot/1", "X-Extra": "yes"}):
            client = spot(exchange.spot_url, headers=headers)
            client.on_depth(BTC, Log())
            with running(client):
                pass
        first, second = exchange.handshake_headers
    assert first["Sec-WebSocket-Protocol"] == second["Sec-WebSocket-Protocol"] == protocol
    assert first["User-Agent"].startswith("bigone_sync/")
    assert (second["User-Agent"], second["X-Extra"]) == ("my-bot/1", "yes")


def test_no_more_connections_than_allowed() -> None:
    with leak_check(), LocalExchange(rate=0) as exchange:
        client = spot(exchange.spot_url, limits=Limits(max_connections=2))
        client.on_depth(BTC, Log())
        client.on_trade(BTC, Log())
        with pytest.raises(ConfigurationError, match="max_connections=2") as caught:
            client.on_ticker(BTC, Log())
        assert caught.value.argument == "max_connections"
        assert len(client.subscriptions) == 2
        with running(client):
            client.order_book(BTC)
            with pytest.raises(ConfigurationError):
                client.on_candle(BTC, "MIN1", Log())
            assert exchange.connection_count == 2


def member_of(protocol: str, envelope: Any, data: bytes) -> str:
    """What a frame is, read by somebody else's parser."""
    frame = json.loads(data) if protocol == "json" else MessageToDict(envelope.FromString(data))
    return next(name for name in frame if name != "requestId")


def test_raw_frames_of_both_directions_with_their_connection(protocol: str) -> None:
    with leak_check(), LocalExchange(rate=0) as exchange:
        client = spot(exchange.spot_url, private=True)
        raw: Log[RawFrame] = Log()
        client.on_raw(raw)
        client.on_depth(BTC, Log())
        client.on_order(Log())
        with running(client):
            wait_until(lambda: len(raw) == 6)
        assert {frame.direction for frame in raw} == {"in", "out"}
        out = [member_of(protocol, schema.Request, frame.data) for frame in raw if frame.direction == "out"]
        assert sorted(out) == sorted(members(exchange))
        depth = [frame for frame in raw if frame.connection == "spot/depth"]
        assert [frame.direction for frame in depth] == ["out", "in"]
        assert member_of(protocol, schema.Response, depth[1].data) == "depthSnapshot"
        private = [frame for frame in raw if frame.connection == "spot/private"]
        # The token's place in a request of either kind.
        assert {"json": b'"token":"***"', "proto": b"\n\x03***"}[protocol] in private[0].data


def test_a_channel_that_is_not_used_opens_no_socket() -> None:
    with leak_check(), LocalExchange(rate=0) as exchange:
        client = spot(exchange.spot_url, private=True)
        with client:
            client.wait_ready(PATIENCE)
            assert client.state == ConnectionState.READY
            assert exchange.handshakes == 0
            client.on_trade(BTC, Log())
            client.wait_ready(PATIENCE)
            assert exchange.handshakes == 1
