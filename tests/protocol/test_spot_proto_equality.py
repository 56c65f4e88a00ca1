"""Whatever the exchange means, JSON and protobuf say the same to the user: one generator, two codecs, equal events."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schema_frames import MARKETS, UUIDS, Style, as_json, as_proto, envelopes, json_name, messages, payloads_of, styles

from bigone_sync.enums import BusinessUnit, CandlePeriod, Channel
from bigone_sync.events import SubscriptionKey
from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema
from bigone_sync.protocol.base import Broken, LoginLost, Missing, Problem, Reply
from bigone_sync.protocol.spot import SpotProtocol
from bigone_sync.protocol.spot_json import JsonCodec
from bigone_sync.protocol.spot_proto import ProtoCodec

AT = 1700000000.25
KEYS = [
    *(SubscriptionKey(Channel.DEPTH, market) for market in MARKETS),
    *(SubscriptionKey(Channel.TRADES, market) for market in MARKETS),
    SubscriptionKey(Channel.TICKER, MARKETS[0]),
    SubscriptionKey(Channel.TICKER),
    *(SubscriptionKey(Channel.CANDLES, MARKETS[0], period) for period in CandlePeriod if period.is_known),
    SubscriptionKey(Channel.ACCOUNTS),
    SubscriptionKey(Channel.ORDERS),
    SubscriptionKey(Channel.ORDERS, MARKETS[0], unit=BusinessUnit.MARGIN),
    SubscriptionKey(Channel.MARGIN_ACCOUNTS),
    SubscriptionKey(Channel.EXCHANGE_RATES, "BTC-USDT"),
    SubscriptionKey(Channel.FLASH_ORDERS),
    *(SubscriptionKey(Channel.COST_PRICES, asset=asset) for asset in UUIDS),
]
RESPONSES = payloads_of("Response")
REQUESTS = payloads_of("Request")


def listening(codec: Any) -> SpotProtocol:
    protocol = SpotProtocol(codec, connection="spot/shared")
    for key in KEYS:
        protocol.subscribe([protocol.add(key)])
    return protocol


def told(protocol: SpotProtocol, frames: list[bytes]) -> list[Any]:
    """Everything that comes of ``frames``, one at a time, down to the digits; errors by their kind."""
    found: list[Any] = []
    for frame in frames:
        for route, what in protocol.receive([frame], AT):
            if route is not None:
                found.append((route.key, list(what), repr(list(what))))
            elif isinstance(what, Problem):
                found.append(type(what.error))
            elif isinstance(what, Missing):
                found.append((what.route.key, what.gap, repr(what.gap)))
            elif isinstance(what, Broken):
                found.append((what.route.key, what.error.expected, what.error.got))
            else:
                assert isinstance(what, (Reply, LoginLost))
                # Its routes are equal by identity only.
                found.append((type(what), what.request and (what.request.id, what.request.name), what.error))
        found.append("--")
    counters = (protocol.decode_errors, protocol.duplicates, protocol.held_back, protocol.unrouted)
    return [*found, counters]


def both(conversation: list[dict[str, Any]], style: Style) -> tuple[list[Any], list[Any]]:
    in_json = [as_json("Response", response, style) for response in conversation]
    in_proto = [as_proto("Response", response).SerializeToString() for response in conversation]
    return told(listening(JsonCodec()), in_json), told(listening(ProtoCodec()), in_proto)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(envelopes("Response"), min_size=1, max_size=5), styles)
def test_conversations_come_out_the_same(conversation: list[dict[str, Any]], style: Style) -> None:
    json_said, proto_said = both(conversation, style)
    assert proto_said == json_said


@st.composite
def chains(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A snapshot and updates of one market that continue it, now and then with a mistake."""
    ids = sorted(draw(st.sets(st.integers(1, 2**64 - 1), min_size=2, max_size=6)))
    depth = messages("Depth").map(lambda depth: {**depth, "market": MARKETS[0]})
    conversation = [{"depth_snapshot": {"depth": draw(depth), "change_id": ids[0]}}]
    for prev, change in itertools.pairwise(ids):
        wrong = draw(st.integers(0, 9)) == 0
        update = {"depth": draw(depth), "change_id": change, "prev_id": prev + wrong}
        conversation.append({"depth_update": update})
    return conversation


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(chains(), styles)
def test_books_come_out_the_same(conversation: list[dict[str, Any]], style: Style) -> None:
    json_said, proto_said = both(conversation, style)
    assert proto_said == json_said


@pytest.mark.parametrize("payload", sorted(RESPONSES))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), style=styles)
def test_every_kind_of_response_comes_out_the_same(payload: str, data: st.DataObject, style: Style) -> None:
    response = data.draw(envelopes("Response", {payload: RESPONSES[payload]}))
    json_said, proto_said = both([response], style)
    assert proto_said == json_said


@pytest.mark.parametrize("payload", sorted(REQUESTS))
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_every_kind_of_request_says_the_same(payload: str, data: st.DataObject) -> None:
    request = data.draw(envelopes("Request", {payload: REQUESTS[payload]}))
    meant = as_proto("Request", request)
    name = json_name("Request", payload)
    parameters = json.loads(as_json("Request", request, Style(emit_defaults=False)))[name]
    in_proto = ProtoCodec.encode(meant.request_id, name, parameters)
    in_json = JsonCodec.encode(meant.request_id, name, parameters)
    assert schema.Request.FromString(in_proto) == meant
    assert Parse(in_json, schema.Request()) == meant
    assert in_proto == meant.SerializeToString(deterministic=True)
