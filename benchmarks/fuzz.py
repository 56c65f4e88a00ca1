"""Mutated frames by the hundred thousand: each is read or reported, no other exception escapes, memory stays flat.

    python -m benchmarks.fuzz [--frames 200000] [--seed 1] [--codec proto|json]

Valid frames of every kind get bits flipped, bytes cut out, doubled, inserted or overwritten, are cut off, or are sewn
to parts of others, and go through a protocol with every kind of stream subscribed.  Whatever is delivered is looked
at, down to the levels of the books.  Every thousand frames a good snapshot and its update must come through.  Exit
status 0 if all of that held and resident memory grew by less than 8 MiB after the first fifth.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bigone_sync import BigOneError, BusinessUnit, CandlePeriod, Channel, DepthSnapshot, DepthUpdate, SubscriptionKey
from bigone_sync.protocol.base import Broken, LoginLost, Missing, Problem, Reply
from bigone_sync.protocol.spot import Codec, SpotProtocol

__all__ = ["main"]

MARKET = "BTC-USDT"
_UUID = "0df9c3c3-255a-46d7-ab82-dedae169fba9"
_TIME = "2018-09-12T09:52:37.123456789Z"
_GROWTH = 8 * 1024 * 1024
_CHECK_EVERY = 1000
_LEVELS = [{"price": "197.96", "amount": "5.0", "orderCount": "1"}, {"price": "0.0024", "amount": "0"}]
_DEPTH = {"market": MARKET, "asks": _LEVELS, "bids": _LEVELS[:1]}
_TICKER = {"market": MARKET, "bid": _LEVELS[0], "ask": _LEVELS[1], "open": "1", "close": "2", "dailyChange": "-0.5"}
_TRADE = {"id": "28622", "price": "9.0", "amount": "10000.0", "market": MARKET, "createdAt": _TIME, "takerSide": "ASK"}
_CANDLE = {"market": MARKET, "time": _TIME, "open": "1", "high": "3", "low": "1", "close": "2", "period": "HOUR1"}
_ACCOUNT = {"asset": "BTC", "balance": "10.0", "lockedBalance": "0.5"}
_ORDER = {
    "id": "42844576",
    "price": "9.0",
    "amount": "10000.0",
    "market": MARKET,
    "side": "ASK",
    "state": "FILLED",
    "createdAt": _TIME,
    "updatedAt": _TIME,
    "businessUnit": "MARGIN",
    "type": "STOP_LIMIT",
    "stopPrice": "8",
    "ioc": True,
    "clientOrderId": "mine",
}
_MARGIN = {"name": MARKET, "riskRate": "1.5", "base": {**_ACCOUNT, "loanBalance": "1", "state": "PIERCING"}}
_RATES = {"quoteAsset": "USDT", "baseAssets": [{"baseAsset": "BTC", "price": "5"}], "updatedAt": _TIME}
_FLASH = {"id": "9", "payAssetSymbol": "BTC", "payAmount": "1", "status": "COMPLETED", "createdAt": _TIME}
_COST = {"assetUuid": _UUID, "averageCostPrice": "5.5", "averageInflow": "1"}
_RESPONSES: Sequence[dict[str, Any]] = (
    {"requestId": "1", "success": {"ok": True}},
    {"requestId": "2", "error": {"code": "45001", "message": "login status error"}},
    {"requestId": "3", "pong": {}},
    {"heartbeat": {}},
    {"requestId": "4", "depthSnapshot": {"depth": _DEPTH, "changeId": "100"}},
    {"requestId": "4", "depthUpdate": {"depth": _DEPTH, "changeId": "101", "prevId": "100"}},
    {"requestId": "4", "depthUpdate": {"depth": _DEPTH, "changeId": "18446744073709551615", "prevId": "101"}},
    {"requestId": "5", "tickersSnapshot": {"tickers": [_TICKER, _TICKER]}},
    {"requestId": "5", "tickerUpdate": {"ticker": _TICKER}},
    {"requestId": "6", "tradesSnapshot": {"trades": [_TRADE, {**_TRADE, "id": "28623"}]}},
    {"requestId": "6", "tradeUpdate": {"trade": _TRADE}},
    {"requestId": "7", "candlesSnapshot": {"candles": [_CANDLE, _CANDLE]}},
    {"requestId": "7", "candleUpdate": {"candle": _CANDLE}},
    {"requestId": "8", "accountsSnapshot": {"accounts": [_ACCOUNT, _ACCOUNT]}},
    {"requestId": "8", "accountUpdate": {"account": _ACCOUNT}},
    {"requestId": "9", "ordersSnapshot": {"orders": [_ORDER, _ORDER]}},
    {"requestId": "9", "orderUpdate": {"order": _ORDER}},
    {"requestId": "10", "listMarketsResponse": {"markets": [{"name": MARKET, "baseScale": 8}]}},
    {"requestId": "11", "marginAccountsSnapshot": {"accounts": [_MARGIN]}},
    {"requestId": "11", "marginAccountUpdate": {"account": _MARGIN}},
    {"requestId": "12", "exchangeRatesListSnapshot": _RATES},
    {"requestId": "12", "exchangeRatesListUpdate": _RATES},
    {"requestId": "13", "flashExchangeOrdersSnapshot": {"flashExchangeOrders": [_FLASH]}},
    {"requestId": "13", "flashExchangeOrderUpdate": {"flashExchangeOrder": _FLASH}},
    {"requestId": "14", "spotCostPriceSnapshot": {"spotCostPrices": [_COST]}},
    {"requestId": "14", "spotCostPriceUpdate": {"spotCostPrice": _COST}},
)
_KEYS = (
    SubscriptionKey(Channel.DEPTH, MARKET),
    SubscriptionKey(Channel.TICKER),
    SubscriptionKey(Channel.TRADES, MARKET),
    SubscriptionKey(Channel.CANDLES, MARKET, CandlePeriod.HOUR1),
    SubscriptionKey(Channel.ACCOUNTS),
    SubscriptionKey(Channel.ORDERS),
    SubscriptionKey(Channel.ORDERS, MARKET, unit=BusinessUnit.MARGIN),
    SubscriptionKey(Channel.MARGIN_ACCOUNTS),
    SubscriptionKey(Channel.EXCHANGE_RATES, MARKET),
    SubscriptionKey(Channel.FLASH_ORDERS),
    SubscriptionKey(Channel.COST_PRICES, asset=_UUID),
)
Encode = Callable[[dict[str, Any]], bytes]


def _tools(codec: str) -> tuple[Codec, Encode]:
    """The codec, and an encoder of responses that shares nothing with it."""
    if codec == "json":
        from bigone_sync.protocol.spot_json import JsonCodec

        return JsonCodec(), lambda response: json.dumps(response).encode()
    from google.protobuf.json_format import ParseDict

    from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema
    from bigone_sync.protocol.spot_proto import ProtoCodec

    return ProtoCodec(), lambda response: bytes(ParseDict(response, schema.Response()).SerializeToString())


def _mutated(frames: Sequence[bytes], dice: random.Random) -> bytes:
    """A frame, changed in one to four places."""
    data = bytearray(dice.choice(frames))
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        at = dice.randint(0, len(data))
        end = min(len(data), at + dice.choice((1, 1, 2, 5, 20)))
        how = dice.randrange(7)
        if how == 0 and at < len(data):
            data[at] ^= 1 << dice.randrange(8)
        elif how == 1:
            del data[at:end]
        elif how == 2:
            data[at:at] = data[at:end]
        elif how == 3:
            data[at:end] = dice.randbytes(end - at)
        elif how == 4:
            data[at:at] = dice.choice((b"\xff" * 11, b"\x80\x80\x80\x18", b"{", b"\x00", dice.randbytes(3)))
        elif how == 5:
            other = dice.choice(frames)
            start = dice.randint(0, len(other))
            data[at:] = other[start:]
        else:
            del data[at:]
    return bytes(data)


def _look(items: Sequence[Any], outcomes: Counter[str]) -> None:
    """Look at everything that was delivered, as a user might."""
    for route, what in items:
        if route is not None:
            for event in what:
                repr(event)
                outcomes[type(event).__name__] += 1
                if isinstance(event, (DepthSnapshot, DepthUpdate)):
                    for level in (*event.bids, *event.asks):
                        if not (level.price.is_finite() and level.amount >= 0):
                            raise AssertionError(f"a level that is none was delivered: {event}")
            continue
        if not isinstance(what, (Problem, Broken, Missing, Reply, LoginLost)):
            raise AssertionError(f"not a control item: {what!r}")
        error = getattr(what, "error", None)
        outcomes[type(error).__name__ if isinstance(error, BigOneError) else type(what).__name__] += 1


def _good_frames_come_through(protocol: SpotProtocol, encode: Encode) -> None:
    for number, kind in ((4, "depthSnapshot"), (5, "depthUpdate")):
        found: Any = protocol.receive([encode(_RESPONSES[number])], 0.0)
        events = [event for route, what in found if route is not None for event in what]
        if [type(event).__name__.lower() for event in events] != [kind.lower()] or len(events[0].asks) != 2:
            raise AssertionError(f"a good {kind} gave {found}")


def _resident() -> int:
    """Bytes of memory that are really there."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def _run(codec: str, count: int, seed: int) -> bool:
    dice = random.Random(seed)
    tool, encode = _tools(codec)
    frames = [encode(response) for response in _RESPONSES]
    protocol = SpotProtocol(tool, connection="spot/shared")
    for key in _KEYS:
        protocol.subscribe([protocol.add(key)])
    outcomes: Counter[str] = Counter()
    settled = 0
    started = time.perf_counter()
    for number in range(count):
        data = _mutated(frames, dice)
        try:
            _look(protocol.receive([data], float(number)), outcomes)
        except Exception:
            print(f"{codec}: frame {number} of seed {seed}: {data!r}", file=sys.stderr)
            raise
        if number % _CHECK_EVERY == 0:
            _good_frames_come_through(protocol, encode)
        if number == count // 5:
            settled = _resident()
    growth = _resident() - settled
    print(f"{codec}: {count:,} frames in {time.perf_counter() - started:.0f} s, memory {growth / 2**20:+.1f} MiB")
    print("  " + ", ".join(f"{name} {times:,}" for name, times in outcomes.most_common()))
    return growth < _GROWTH


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=200_000, help="how many (200000)")
    parser.add_argument("--seed", type=int, default=1, help="decides the mutations (1)")
    parser.add_argument("--codec", choices=("json", "proto"), action="append", help="one only; by default both")
    options = parser.parse_args(arguments)
    passed = [_run(codec, options.frames, options.seed) for codec in options.codec or ("json", "proto")]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
