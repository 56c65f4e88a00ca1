"""Valid frames with bytes changed: whatever becomes of them, ``receive`` returns and the next good frame is read."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from spot_lines import MARKET, Line, delivered, depth_snapshot, depth_update

from bigone_sync.enums import CandlePeriod, Channel
from bigone_sync.errors import BigOneError, DecodeError, UnknownMessage
from bigone_sync.events import DepthSnapshot, DepthUpdate
from bigone_sync.protocol.base import Broken, LoginLost, Missing, Problem, Reply

VALID = [
    b'{"requestId":"1","depthSnapshot":{"depth":{"market":"BTC-USDT","asks":[{"price":"197.96","amount":"5.0",'
    b'"orderCount":"1"}],"bids":[{"price":"159.99","amount":"1.07552","orderCount":1}]},"changeId":"1"}}',
    b'{"requestId":"1","depthUpdate":{"depth":{"market":"BTC-USDT","asks":[{"price":"0.0024","amount":"10",'
    b'"orderCount":"1"}],"bids":[{"price":0.0026,"amount":100,"orderCount":1}]},"changeId":"2","prevId":"1"}}',
    b'{"requestId":"1","depthUpdate":{"depth":{"market":"BTC-USDT","asks":[],"bids":null},"changeId":3,"prevId":2}}',
    b'{"marketDepth":{"market":"BTC-USDT","bids":[{"price":"1","amount":"2"}],"changeId":"4","prevId":"3"}}',
    b'{"requestId":"2","tradesSnapshot":{"trades":[{"id":"28622","price":"9.0","amount":"10000.0","market":"BTC-USDT",'
    b'"createdAt":"2018-09-12T09:52:37Z","makerOrder":null,"takerOrder":null,"takerSide":"BID"},{"id":"28623"}]}}',
    b'{"requestId":"2","tradeUpdate":{"trade":{"id":12345,"price":"9.0","amount":"1","market":"BTC-USDT",'
    b'"createdAt":"2018-09-12T09:52:37.123456789Z","takerOrder":{"id":"","ioc":false},"takerSide":"ASK"}}}',
    b'{"requestId":"3","tickersSnapshot":{"tickers":[{"market":"BTC-USDT","bid":{"price":"63699.19",'
    b'"amount":"0.001429"},"ask":{"price":"63711.96","amount":"0.001844"},"close":"63702.01"}]}}',
    b'{"requestId":"3","tickerUpdate":{"ticker":{"market":"BTC-USDT","open":"68621.75","dailyChange":"-817.08"}}}',
    b'{"requestId":"4","candlesSnapshot":{"candles":[{"market":"BTC-USDT","time":"2025-12-29T13:00:00Z",'
    b'"open":"3613.94","close":"3614.18","volume":"0.084582","period":"MIN1"}]}}',
    b'{"candleUpdate":{"candle":{"market":"BTC-USDT","time":"2025-12-29T14:00:00Z","volume":"0.01","period":0}}}',
    b'{"requestId":"5","accountsSnapshot":{"accounts":[{"asset":"BTC","balance":"10.0","lockedBalance":"0.0"}]}}',
    b'{"accountUpdate":{"account":{"asset":"BTC","balance":"15","lockedBalance":"5"}}}',
    b'{"requestId":"6","ordersSnapshot":{"orders":[{"id":"42844576","price":"9.0","market":"BTC-USDT","side":"ASK",'
    b'"state":"FILLED","updatedAt":"2018-09-12T09:52:37Z"}]}}',
    b'{"orderUpdate":{"order":{"id":"100234","price":"MARKET","amount":"1.0","market":"BTC-USDT","state":4,"type":1}}}',
    b'{"orderUpdate":{"id":7,"market":"BTC-USDT","ioc":true,"stopPrice":""}}',
    b'{"requestId":"7","success":{"ok":true}}',
    b'{"requestId":"6","error":{"code":45000,"message":"GRPC error: xxx"}}',
    b'{"requestId":"5","error":{"code":"45001","message":"login"}}',
    b'{"requestId":"8","pong":{}}',
    b'{"heartbeat":{}}',
    b'{"requestId":"9","listMarketsResponse":{"markets":[]}}',
]

# Pieces that JSON and its readers stumble over.
PIECES = [
    *(bytes([byte]) for byte in b'"{}[],:\\-+.eE0123456789nu \x00\x7f\x80\xff'),
    b"null",
    b"true",
    b"NaN",
    b"Infinity",
    b"1e400",
    b"1e-400",
    b'""',
    b"{}",
    b"[]",
    b"\\u0000",
    b"\\ud800",
    b"\xef\xbb\xbf",
    b"9" * 30,
    b"9" * 4400,
    b"[" * 2000,
    b'"id":',
    b'"market":"BTC-USDT",',
    b'"changeId":',
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid frame, up to four places of which were overwritten, cut out, doubled or added to."""
    data = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 1, 2, 5, 20])))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=4))
        if draw(st.integers(0, 9)) == 0:
            piece = data[start:end] * 2
        data = data[:start] + piece + data[end:]
    return data


def line() -> Line:
    made = Line("spot/fuzz")
    made.subscribed(Channel.DEPTH, MARKET)
    made.subscribed(Channel.TRADES, MARKET)
    made.subscribed(Channel.TICKER)
    made.subscribed(Channel.CANDLES, MARKET, CandlePeriod.MIN1)
    made.subscribed(Channel.ACCOUNTS)
    made.subscribed(Channel.ORDERS, MARKET)
    made.protocol.authenticate("token")
    made.protocol.ping()
    return made


def look(items: Sequence[object]) -> None:
    """Look at everything that came out, also at what is made only when somebody looks."""
    for route, what in items:  # type: ignore[misc]
        if route is None:
            assert isinstance(what, (Reply, LoginLost, Broken, Missing, Problem))
            if isinstance(what, Problem):
                assert isinstance(what.error, BigOneError)
                if isinstance(what.error, (DecodeError, UnknownMessage)):
                    assert len(str(what.error)) < 700
                    assert len(what.error.excerpt) <= 800
        else:
            assert len(what) > 0
            for event in what:
                assert hash(event) == hash(event)
                assert event == event
                assert event.connection == "spot/fuzz"
                if isinstance(event, (DepthSnapshot, DepthUpdate)):
                    for price, amount, _ in (*event.bids, *event.asks):
                        assert price.is_finite()
                        assert amount.is_finite()


def assert_depth_goes_on(made: Line) -> None:
    items = made.send(depth_snapshot("1"), depth_update("2", "1"))
    assert [type(event) for event in delivered(items)] == [DepthSnapshot, DepthUpdate]


@settings(max_examples=250)
@given(st.lists(mutated(), min_size=4, max_size=8))
def test_mutated_frames_never_escape(frames: list[bytes]) -> None:
    made = line()
    look(made.send(*frames))
    assert_depth_goes_on(made)


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=60), max_size=5))
def test_arbitrary_bytes_never_escape(frames: list[bytes]) -> None:
    made = line()
    look(made.send(*frames))
    assert_depth_goes_on(made)


def test_every_prefix_of_every_frame_is_survived() -> None:
    made = line()
    for data in VALID:
        for end in range(len(data)):
            (item,) = made.send(data[:end])
            assert isinstance(item[1], Problem)
            assert isinstance(item[1].error, DecodeError)
    assert_depth_goes_on(made)


def test_every_frame_is_valid_to_begin_with() -> None:
    made = line()
    look(items := made.send(*VALID))
    # The second trade of the snapshot has no price.
    assert made.protocol.decode_errors == 1
    assert len(delivered(items)) == 15
