"""Whatever the exchange means, JSON and protobuf say the same to the user: one generator, two codecs, equal events."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schema_frames import (
    MARKETS,
    UUIDS,
    Style,
    Time,
    as_json,
    as_proto,
    envelopes,
    json_name,
    messages,
    payloads_of,
    styles,
)

from bigone_sync.enums import BusinessUnit, CandlePeriod, Channel
from bigone_sync.events import SubscriptionKey
from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema
from bigone_sync.protocol.base import Broken, LoginLost, Missing, Problem, Reply
from bigone_sync.protocol.spot import SpotProtocol
from bigone_sync.protocol.spot_calls import CANCEL_ALL_ORDERS, CREATE_ORDER, LIST_MARKETS
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


CALLS = (LIST_MARKETS, CREATE_ORDER, CANCEL_ALL_ORDERS)


def asking(codec: Any) -> tuple[SpotProtocol, dict[str, str]]:
    """A protocol that has asked for all streams and made a call of each kind of result, and the ids of these calls."""
    protocol = SpotProtocol(codec, connection="spot/shared")
    for key in KEYS:
        protocol.subscribe([protocol.add(key)])
    return protocol, {name: protocol.call(name, {})[0].id for name in CALLS}


def listening(codec: Any) -> SpotProtocol:
    return asking(codec)[0]


CALL_IDS = asking(JsonCodec())[1]


def responses(payloads: dict[str, str] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Responses to anything that was asked, or to nothing."""
    return envelopes("Response", payloads, more_ids=CALL_IDS.values())


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
                result = what.result if isinstance(what, Reply) else None
                # Its routes are equal by identity only.
                request = what.request and (what.request.id, what.request.name)
                found.append((type(what), request, what.error, result, repr(result)))
        found.append("--")
    counters = (protocol.decode_errors, protocol.duplicates, protocol.held_back, protocol.unrouted)
    return [*found, counters]


def both(conversation: list[dict[str, Any]], style: Style) -> tuple[list[Any], list[Any]]:
    in_json = [as_json("Response", response, style) for response in conversation]
    in_proto = [as_proto("Response", response).SerializeToString() for response in conversation]
    return told(listening(JsonCodec()), in_json), told(listening(ProtoCodec()), in_proto)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(responses(), min_size=1, max_size=5), styles)
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


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(chains(), styles)
def test_books_come_out_the_same(conversation: list[dict[str, Any]], style: Style) -> None:
    json_said, proto_said = both(conversation, style)
    assert proto_said == json_said


@pytest.mark.parametrize("payload", sorted(RESPONSES))
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data(), style=styles)
def test_every_kind_of_response_comes_out_the_same(payload: str, data: st.DataObject, style: Style) -> None:
    response = data.draw(responses({payload: RESPONSES[payload]}))
    json_said, proto_said = both([response], style)
    assert proto_said == json_said


ORDER = {"id": "1", "price": "9.50", "amount": "1", "market": MARKETS[0], "created_at": Time(1_600_000_000, 0)}
MARKET = {"name": MARKETS[0], "base_asset": "BTC", "quote_asset": "USDT", "min_quote_value": "1"}
RESULTS = {
    LIST_MARKETS: ("list_markets_response", {"markets": [MARKET]}, "min_quote_value"),
    CREATE_ORDER: ("order_update", {"order": ORDER}, "amount"),
    CANCEL_ALL_ORDERS: ("orders_snapshot", {"orders": [ORDER]}, "amount"),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_difference_in_what_an_answer_holds_is_found(call: str) -> None:
    payload, body, field = RESULTS[call]
    (member, held), ids = next(iter(body.items())), {"request_id": CALL_IDS[call]}
    changed: Any = {**(held[0] if isinstance(held, list) else held), field: "1.0"}  # equal, but for its digits
    other = {member: [changed] if isinstance(held, list) else changed}
    answers = []
    for said in (*both([{payload: body, **ids}], Style()), *both([{payload: other, **ids}], Style())):
        answers += [item for item in said if isinstance(item, tuple) and item[0] is Reply]
    in_json, in_proto, other_json, other_proto = answers
    assert in_json[1] == (CALL_IDS[call], call)
    assert in_json == in_proto != other_json == other_proto


@pytest.mark.parametrize("payload", sorted(REQUESTS))
@settings(max_examples=30)
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
