"""Whatever comes back: an answer that can be read, or DecodeError, RestError or OutcomeUnknown, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bigone_sync import ContractRest, Credentials, DecodeError, NewOrder, OutcomeUnknown, ServerClock, SpotRest
from bigone_sync.clock import ClockOffset
from bigone_sync.errors import RestError
from bigone_sync.rest._http import Answer, Call
from bigone_sync.rest._reply import failure_of

ONE = "key", "secret"
EXPECTED = (DecodeError, RestError, OutcomeUnknown)
FUZZ = settings(max_examples=60, suppress_health_check=list(HealthCheck))


def spot_calls(rest: SpotRest) -> dict[str, Callable[[], Any]]:
    market = "BTC-USDT"
    return {
        "server_time": rest.server_time,
        "clock_offset": lambda: rest.clock_offset(1),
        "asset_pairs": rest.asset_pairs,
        "ticker": lambda: rest.ticker(market),
        "tickers": rest.tickers,
        "depth": lambda: rest.depth(market),
        "trades": lambda: rest.trades(market),
        "candles": lambda: rest.candles(market, "day1"),
        "accounts": rest.accounts,
        "account": lambda: rest.account("BTC"),
        "create_order": lambda: rest.create_order(market, "buy", amount="1", price="1"),
        "create_orders": lambda: rest.create_orders([NewOrder(market, "buy", amount="1", price="1")]),
        "order": lambda: rest.order(1),
        "orders": lambda: list(islice(rest.orders(market), 50)),
        "cancel_order": lambda: rest.cancel_order(1),
        "cancel_orders": lambda: rest.cancel_orders(market),
        "fills": lambda: list(islice(rest.fills(market), 50)),
        "trading_fees": rest.trading_fees,
    }


def contract_calls(rest: ContractRest) -> dict[str, Callable[[], Any]]:
    market = "BTCUSD"
    return {
        "symbols": rest.symbols,
        "symbol": lambda: rest.symbol(market),
        "instruments": rest.instruments,
        "instrument": lambda: rest.instrument(market),
        "contract_depth": lambda: rest.depth(market),
        "contract_accounts": rest.accounts,
        "contract_create_order": lambda: rest.create_order(market, "buy", size=1, price="1"),
        "contract_order": lambda: rest.order("1"),
        "contract_orders": lambda: list(islice(rest.orders(), 50)),
        "open_orders": lambda: list(islice(rest.open_orders(), 50)),
        "order_count": rest.order_count,
        "contract_cancel_order": lambda: rest.cancel_order("1"),
        "contract_fills": lambda: list(islice(rest.fills(), 50)),
        "set_margin": lambda: rest.set_margin(market, leverage=1),
        "set_risk_limit": lambda: rest.set_risk_limit(market, 1),
    }


class Canned:
    """Both APIs, which hear nothing but ``body``; nothing is sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> None:
        self.body = b""
        clock = ServerClock()
        clock.correct(ClockOffset(0.0, round_trip=0.0))
        keys = Credentials(*ONE)
        self.spot = stack.enter_context(SpotRest(keys, clock=clock, check_markets=False))
        self.contract = stack.enter_context(ContractRest(keys, clock=clock, check_markets=False))
        for rest in (self.spot, self.contract):
            monkeypatch.setattr(rest._http, "send", self._send)
        self.calls = {**spot_calls(self.spot), **contract_calls(self.contract)}

    def _send(self, call: Call, *, timeout: float | None = None) -> Answer:
        return Answer(status=200, data=self.body, received_at=time.time(), endpoint=f"{call.method} {call.path}")

    def hear(self, name: str, body: bytes) -> None:
        self.body = body
        error: BaseException | None = None
        try:
            self.calls[name]()
        except EXPECTED as raised:
            error = raised
        assert len(str(error)) < 1000
        assert len(getattr(error, "excerpt", "")) <= 1000


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch) -> Iterator[Canned]:
    with ExitStack() as stack:
        yield Canned(monkeypatch, stack)


SPOT_NAMES = list(spot_calls(SpotRest.__new__(SpotRest)))
NAMES = [*SPOT_NAMES, *contract_calls(ContractRest.__new__(ContractRest))]

# Rows that can be read, of every kind: what is spoiled in them gets further than what is made up.
ROWS: list[dict[str, Any]] = [
    {
        **dict.fromkeys(("price", "amount", "filled_amount", "avg_deal_price", "stop_price", "quantity"), "1"),
        **dict.fromkeys(("created_at", "updated_at", "inserted_at", "time"), "2025-12-29T14:50:54.623Z"),
        **dict.fromkeys(("open", "high", "low", "close", "volume", "balance", "locked_balance"), "2.5"),
        **dict.fromkeys(("maker_fee_rate", "taker_fee_rate", "daily_change", "min_quote_value", "maker_fee"), "0.1"),
        **dict.fromkeys(("side", "taker_side"), "BID"),
        **dict.fromkeys(("id", "maker_order_id", "base_scale", "quote_scale", "order_count"), 7),
        **{key: [{"price": "1", "quantity": "1", "order_count": 1}] for key in ("bids", "asks")},
        **{key: {"price": "1", "quantity": "1", "order_count": 1} for key in ("bid", "ask")},
        **{key: {"symbol": "BTC"} for key in ("base_asset", "quote_asset")},
        **{key: [1, "2"] for key in ("cancelled", "failed")},
        "asset_pair_name": "BTC-USDT",
        "name": "BTC-USDT",
        "asset_symbol": "BTC",
        "state": "PENDING",
        "type": "LIMIT",
        "immediate_or_cancel": False,
        "client_order_id": "mine",
        "operator": "GTE",
        "Timestamp": 1528102434742412000,
    },
    {
        **dict.fromkeys(("price", "size", "filled", "avgPrice", "notional", "fee", "pnl", "IMR", "priceStep"), 1.5),
        **{key: {"1.5": 3} for key in ("bids", "asks")},
        **dict.fromkeys(("from", "count"), 0),
        **dict.fromkeys(("ts", "nextFundingTime", "to", "seqNo"), 1528102434742),
        **dict.fromkeys(("id", "orderId"), "5aefeab9-0000"),
        "symbol": "BTCUSD",
        "currency": "BTC",
        "side": "BUY",
        "type": "LIMIT",
        "status": "NEW",
        "isCross": True,
        "role": "MAKER",
        "cash": {"currency": "BTC", "balances": 1},
        "positions": [{"symbol": "BTCUSD", "size": -1}],
        "lastPrice": 1,
        "bestPrices": {"ask": 2, "bid": 1},
    },
]
FIELDS = [*sorted(ROWS[0].keys() | ROWS[1].keys()), "code", "message", "anomaly", "data", "page_token"]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(
        [
            "BTC-USDT",
            "BTCUSD",
            "BTC",
            "1",
            "-1",
            "0",
            "1e5",
            "1E+400",
            "NaN",
            "Infinity",
            "",
            " ",
            "BID",
            "PENDING",
            "A" * 300,
        ]
    )
    | st.sampled_from(
        ["2025-12-29T14:50:54Z", "9999-12-31T23:59:60Z", "0000-00-00T00:00:00Z", "٣", "\x00", "eyJhbGciOi.eyJzdWIi.x"]
    )
    | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=12),
    max_leaves=30,
)


SPOILED = st.builds(
    lambda row, more: {**row, **more},
    st.sampled_from(ROWS),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=2),
)


@FUZZ
@given(st.sampled_from(NAMES), SPOILED | VALUES)
def test_any_json(canned: Canned, name: str, value: object) -> None:
    body = json.dumps(value).encode()
    canned.hear(name, body)
    canned.hear(name, b"[%b]" % body)
    canned.hear(name, b'{"code":0,"data":%b,"page_token":"x"}' % body)
    canned.hear(name, b'{"code":0,"data":[%b],"page_token":"x"}' % body)


@FUZZ
@given(st.sampled_from(NAMES), st.binary(max_size=60))
def test_any_bytes(canned: Canned, name: str, body: bytes) -> None:
    canned.hear(name, body)
    canned.hear(name, b'{"code":0,"data":%b}' % body)


@pytest.mark.parametrize("name", NAMES)
def test_the_rows_can_be_read(canned: Canned, name: str) -> None:
    """Lest the others find only that everything is refused."""
    can_be = 0
    for row in ROWS:
        for body in (json.dumps(row), json.dumps([row]), json.dumps({"code": 0, "data": row})):
            canned.body = body.encode()
            try:
                canned.calls[name]()
                can_be += 1
            except EXPECTED:
                pass
    assert can_be


ODD = [
    b"",
    b" \r\n",
    b"null",
    b"[null]",
    b"[[]]",
    b"\xff\xfe",
    b'"\xed\xa0\x80"',
    b'{"code":0,"data":"\\ud800"}',
    b'{"code":"\\ud800"}',
    b'{"anomaly":{"a":1}}',
    b'{"code":[1],"message":7}',
    b'{"code":%b}' % (b"9" * 5000),
    b'{"code":0,"data":%b}' % (b"9" * 5000),
    b'{"Timestamp":%b}' % (b"9" * 5000),
    b'{"Timestamp":9999999999999999999999}',
    b"[" * 100_000,
    b'{"data":' * 100_000,
    b'{"code":0,"data":%b%b}' % (b"[" * 100_000, b"]" * 100_000),
    b'{"code":0,"data":%b0%b}' % (b'{"bids":' * 20_000, b"}" * 20_000),
    b"<html>" + b"x" * 100_000,
]


@pytest.mark.parametrize("number", range(len(ODD)))
def test_odd_bodies(canned: Canned, number: int) -> None:
    for name in NAMES:
        canned.hear(name, ODD[number])
    code, anomaly, reason = failure_of(ODD[number])
    assert code is None or isinstance(code, int)
    assert len(anomaly) <= 200
    assert len(reason) <= 1000


@FUZZ
@given(st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_failures_are_read_without_failing(body: bytes) -> None:
    for data in (body, b'{"code":%b,"anomaly":%b,"message":%b}' % (body, body, body)):
        code, anomaly, reason = failure_of(data)
        assert code is None or isinstance(code, int)
        assert isinstance(anomaly, str)
        assert isinstance(reason, str)
