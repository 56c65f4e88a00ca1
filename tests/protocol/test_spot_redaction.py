"""An exchange, or a proxy before it, may say our token back to us: nobody is to see it."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest
from spot_lines import MARKET, Line, trade

from bigone_sync.enums import Channel
from bigone_sync.errors import BigOneError
from bigone_sync.protocol.base import Broken, LoginLost, Problem, Reply

PAYLOAD = "eyJ0eXBlIjoiT3BlbkFQSVYyIiwic3ViIjoia2V5Iiwibm9uY2UiOiIxNTI3NjY1MjYyMTY4MzkxMDAwIn0"
SIGNATURE = "QCp7FLgRremS8U1FEPFHolVP2zZdUdDzHHiuYiEjTOQ"
TOKEN = f"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.{PAYLOAD}.{SIGNATURE}"


def line() -> Line:
    made = Line("spot/private")
    made.subscribed(Channel.TRADES, MARKET)
    made.subscribed(Channel.DEPTH, MARKET)
    made.protocol.authenticate(TOKEN)
    return made


def shown(what: Any) -> str:
    """All that anybody could get to see of a control item."""
    parts = [repr(what)]
    if isinstance(what, (Problem, Broken)):
        error: BigOneError = what.error
        parts += [str(error), repr(error.args), repr(vars(error)), "".join(traceback.format_exception(error))]
    if isinstance(what, (Reply, LoginLost)):
        parts.append(repr(what.error))
    return "\n".join(parts)


ECHOES: list[Any] = [
    f"Bearer {TOKEN}".encode(),
    f"401 Bearer {TOKEN} is not welcome".encode(),
    json.dumps({"requestId": "3", "authenticateCustomerRequest": {"token": f"Bearer {TOKEN}"}})[:-1].encode(),
    {"error": {"code": 45000, "message": f"invalid token Bearer {TOKEN}"}},
    {"error": {"code": 45000, "message": f"invalid token {TOKEN}"}},
    {"error": {"code": 45001, "message": f"invalid token {TOKEN}"}},
    {"requestId": "3", "error": {"code": 45001, "message": f"invalid token {TOKEN}"}},
    {"requestId": "1", "error": {"code": 45001, "message": TOKEN}},
    {"error": {"code": TOKEN, "message": ""}},
    {"error": {"code": f"Bearer {TOKEN}", "message": ""}},
    {TOKEN: {}},
    {f"Bearer {TOKEN}": {}},
    {"tradeUpdate": {"trade": trade("5", price=TOKEN)}},
    {"tradeUpdate": {"trade": trade("5", createdAt=f"Bearer {TOKEN}")}},
    {"tradeUpdate": {"trade": trade(TOKEN)}},
    {"tradesSnapshot": {"trades": [trade("5", amount=TOKEN)]}},
    {"depthSnapshot": {"depth": {"market": MARKET, "bids": [{"price": TOKEN, "amount": "1"}]}}},
]


@pytest.mark.parametrize("echo", ECHOES, ids=range(len(ECHOES)))
def test_a_token_that_comes_back_is_not_shown(echo: Any) -> None:
    items = line().send(echo)
    assert len(items) == 1
    text = shown(items[0][1])
    assert SIGNATURE[:8] not in text
    assert PAYLOAD[:24] not in text


def test_a_token_is_taken_out_wherever_the_excerpt_is_cut() -> None:
    for before in range(0, 260, 3):
        ((_, what),) = line().send(b"x" * before + f' "{TOKEN}"'.encode() + b"y" * 300)
        assert SIGNATURE[:8] not in shown(what)
        assert PAYLOAD[:24] not in shown(what)


def test_words_without_a_token_are_shown_as_they_are() -> None:
    problem = line().problem({"error": {"code": 45000, "message": "GRPC error: bearer of bad news"}})
    assert "GRPC error: bearer of bad news" in str(problem)
    problem = line().problem(b"<html>Access Denied</html>")
    assert problem.excerpt == "<html>Access Denied</html>"  # type: ignore[attr-defined]


def test_the_exchanges_words_are_bounded() -> None:
    for message in ({"error": {"message": "x" * 100_000}}, {"requestId": "3", "error": {"message": "x" * 100_000}}):
        ((_, what),) = line().send(message)
        assert len(shown(what)) < 10_000
