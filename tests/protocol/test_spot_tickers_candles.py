from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from spot_lines import AT, MARKET, Line, candle, delivered, holes, level, replies, utc

from bigone_sync.enums import CandlePeriod, Channel
from bigone_sync.events import Candle, Gap, Ticker
from bigone_sync.protocol.base import Problem, Reply

TICKERS = (
    b'{"requestId":"ticker","tickersSnapshot":{"tickers":[{"market":"BTC-USDT","bid":{"price":"63699.19",'
    b'"amount":"0.001429"},"ask":{"price":"63711.96","amount":"0.001844"},"close":"63702.01"}]}}'
)
TICKER = (
    b'{"requestId":"3","tickerUpdate":{"ticker":{"market":"BTC-USDT","ask":{"price":"67808.06","amount":"0.001844",'
    b'"orderCount":"1"},"bid":{"price":"67801.27","amount":"0.001429","orderCount":"1"},"open":"68621.75",'
    b'"high":"70097.88","low":"67298.01","close":"67804.67","volume":"1855.733078","dailyChange":"-817.08",'
    b'"dailyChangePerc":"-1.19"}}}'
)
CANDLES = (
    b'{"requestId":"1","candlesSnapshot":{"candles":[{"market":"BTC-USDT","time":"2025-12-29T13:00:00Z",'
    b'"open":"3613.94","high":"3615.53","low":"3613.94","close":"3614.18","volume":"0.084582","period":"HOUR1"}]}}'
)
CANDLE = (
    b'{"requestId":"2","candleUpdate":{"candle":{"market":"BTC-USDT","time":"2025-12-29T14:00:00Z","open":"3614.18",'
    b'"high":"3614.20","low":"3614.00","close":"3614.10","volume":"0.01","period":"HOUR1"}}}'
)


# -- tickers


def tickers(*markets: str, request_id: str | None = "1") -> Any:
    return {"requestId": request_id, "tickersSnapshot": {"tickers": [{"market": market} for market in markets]}}


def test_the_ticker_snapshot_of_the_documents() -> None:
    line = Line("spot/ticker")
    route = line.add(Channel.TICKER, MARKET)
    request, _ = line.protocol.subscribe([route])
    items = line.send(TICKERS)
    expected = Ticker(
        MARKET,
        close=Decimal("63702.01"),
        bid=level("63699.19", "0.001429"),
        ask=level("63711.96", "0.001844"),
        is_snapshot=True,
    )
    assert items == [(None, Reply(request)), (route, [expected])]
    (event,) = delivered(items)
    assert (event.connection, event.received_at) == ("spot/ticker", AT)


def test_a_full_ticker_update() -> None:
    line = Line()
    line.subscribed(Channel.TICKER, MARKET)
    assert line.one(TICKER) == Ticker(
        MARKET,
        open=Decimal("68621.75"),
        high=Decimal("70097.88"),
        low=Decimal("67298.01"),
        close=Decimal("67804.67"),
        volume=Decimal("1855.733078"),
        bid=level("67801.27", "0.001429", 1),
        ask=level("67808.06", "0.001844", 1),
        daily_change=Decimal("-817.08"),
        daily_change_percent=Decimal("-1.19"),
    )


@pytest.mark.parametrize("bid", [None, {}, {"price": ""}, {"price": None, "amount": "1"}, {"amount": ""}])
def test_an_empty_side_has_no_level(bid: Any) -> None:
    line = Line()
    line.subscribed(Channel.TICKER, MARKET)
    event = line.one({"tickerUpdate": {"ticker": {"market": MARKET, "bid": bid, "close": ""}}})
    assert event == Ticker(MARKET)


def test_a_level_without_an_amount_has_none() -> None:
    line = Line()
    line.subscribed(Channel.TICKER, MARKET)
    event = line.one({"tickerUpdate": {"ticker": {"market": MARKET, "bid": {"price": "5", "orderCount": 2}}}})
    assert event == Ticker(MARKET, bid=level("5", "0", 2))


def test_a_ticker_goes_to_its_market_and_to_whoever_wants_all() -> None:
    line = Line()
    everything = line.subscribed(Channel.TICKER)
    btc = line.subscribed(Channel.TICKER, MARKET)
    found = line.events(TICKER, TICKER.replace(b"BTC-USDT", b"ETH-USDT"))
    assert [(route, event.market) for route, event in found if isinstance(event, Ticker)] == [
        (btc, MARKET),
        (everything, MARKET),
        (everything, "ETH-USDT"),
    ]
    line.protocol.remove(everything)
    line.send(TICKER.replace(b"BTC-USDT", b"ETH-USDT"))
    assert line.protocol.unrouted == 1


def test_one_snapshot_answers_for_all_the_markets_of_its_request() -> None:
    line = Line()
    routes = [line.add(Channel.TICKER, market) for market in (MARKET, "ETH-USDT")]
    request, _ = line.protocol.subscribe(routes)
    items = line.send(tickers("ETH-USDT", MARKET, "EOS-USDT"))
    assert replies(items) == [request]
    assert [route for route, _ in items[1:]] == [routes[1], routes[0]]
    assert line.protocol.unrouted == 1
    assert [route.request_id for route in routes] == [None, None]


def test_a_ticker_snapshot_with_a_foreign_id_answers_the_request_for_its_markets() -> None:
    line = Line()
    line.subscribed(Channel.TICKER, "EOS-USDT")
    request, _ = line.protocol.subscribe([line.add(Channel.TICKER, market) for market in (MARKET, "ETH-USDT")])
    assert replies(line.send(tickers("ETH-USDT", MARKET, request_id="404"))) == [request]
    assert replies(line.send(tickers("ETH-USDT", MARKET, request_id="404"))) == []


def test_one_bad_ticker_does_not_take_the_others_along() -> None:
    line = Line()
    line.subscribed(Channel.TICKER)
    bad = [{"market": MARKET, "close": "high"}, {"market": 5}, None, {"market": MARKET, "bid": {"price": "x"}}]
    items = line.send({"requestId": "1", "tickersSnapshot": {"tickers": [*bad, {"market": "ETH-USDT"}]}})
    assert len([what for _, what in items if isinstance(what, Problem)]) == len(bad)
    assert delivered(items) == [Ticker("ETH-USDT", is_snapshot=True)]


# -- candles


def candles(*items: Any, request_id: str | None = "1") -> Any:
    return {"requestId": request_id, "candlesSnapshot": {"candles": list(items)}}


def candle_update(item: Any, request_id: str | None = "1") -> Any:
    return {"requestId": request_id, "candleUpdate": {"candle": item}}


def minute(number: int) -> str:
    return f"2025-12-29T14:{number:02}:00Z"


def times(items: Any) -> list[int]:
    return [event.time.minute for event in delivered(items) if isinstance(event, Candle) and event.time]


def test_the_candle_snapshot_of_the_documents() -> None:
    line = Line("spot/candles")
    route = line.add(Channel.CANDLES, MARKET, CandlePeriod.HOUR1)
    request, _ = line.protocol.subscribe([route])
    expected = Candle(
        MARKET,
        CandlePeriod.HOUR1,
        utc(2025, 12, 29, 13),
        Decimal("3613.94"),
        Decimal("3615.53"),
        Decimal("3613.94"),
        Decimal("3614.18"),
        Decimal("0.084582"),
        True,
    )
    assert line.send(CANDLES) == [(None, Reply(request)), (route, [expected])]


def test_the_candle_update_of_the_documents() -> None:
    line = Line()
    line.subscribed(Channel.CANDLES, MARKET, CandlePeriod.HOUR1)
    event = line.one(CANDLE)
    assert event == Candle(
        MARKET,
        CandlePeriod.HOUR1,
        utc(2025, 12, 29, 14),
        Decimal("3614.18"),
        Decimal("3614.20"),
        Decimal("3614.00"),
        Decimal("3614.10"),
        Decimal("0.01"),
    )


PERIODS = ["MIN1", "MIN5", "MIN15", "MIN30", "HOUR1", "HOUR3", "HOUR4", "HOUR6", "HOUR12", "DAY1", "WEEK1", "MONTH1"]


@pytest.mark.parametrize(("number", "name"), list(enumerate(PERIODS)))
def test_updates_are_routed_by_market_and_period(number: int, name: str) -> None:
    line = Line()
    routes = {}
    for period in PERIODS:
        for market in (MARKET, "ETH-USDT"):
            routes[market, period] = line.subscribed(Channel.CANDLES, market, CandlePeriod(period))
    for written in (name, number, str(number), name.lower()):
        ((route, event),) = line.events(candle_update(candle(minute(0), period=written), "404"))
        assert route is routes[MARKET, name]
        assert isinstance(event, Candle)
        assert event.period is CandlePeriod(name)


@pytest.mark.parametrize("period", [{}, {"period": None}, {"period": ""}, {"period": 0}])
def test_a_missing_period_is_one_minute(period: Any) -> None:
    line = Line()
    line.subscribed(Channel.CANDLES, MARKET, CandlePeriod.HOUR1)
    route = line.subscribed(Channel.CANDLES, MARKET, CandlePeriod.MIN1)
    assert line.events(candle_update(candle(minute(0), **period)))[0][0] is route
    items = line.send(candles(candle(minute(0), **period), request_id="404"))
    assert [where for where, _ in items] == [None, route]


@pytest.mark.parametrize("period", ["MIN2", 77])
def test_a_period_nobody_asked_for_is_counted_and_dropped(period: Any) -> None:
    line = Line()
    line.subscribed(Channel.CANDLES, MARKET, CandlePeriod.MIN1)
    assert line.send(candle_update(candle(minute(0), period=period))) == []
    assert line.send(candles(candle(minute(0), period=period), request_id="404")) == []
    assert line.send(candles(request_id="404")) == []
    assert line.protocol.unrouted == 3


def test_a_snapshot_is_sorted_by_time_and_keeps_to_its_stream() -> None:
    line = Line()
    line.subscribed(Channel.CANDLES, MARKET, CandlePeriod.MIN1)
    strangers = [candle(minute(9), market="ETH-USDT"), candle(minute(9), period="HOUR1")]
    items = line.send(candles(candle(minute(3)), candle(minute(1)), *strangers, candle(minute(2))))
    assert times(items) == [1, 2, 3]


def test_the_same_candle_comes_again_in_its_new_state() -> None:
    line = Line()
    line.subscribed(Channel.CANDLES, MARKET, CandlePeriod.MIN1)
    states = [candle_update(candle(minute(1), close=close)) for close in ("1", "2", "2")]
    assert times(line.send(*states)) == [1, 1, 1]


def live_candles() -> Line:
    line = Line("spot/candles")
    line.subscribed(Channel.CANDLES, MARKET, CandlePeriod.MIN1)
    line.send(candles(candle(minute(1)), candle(minute(2))))
    line.send(candle_update(candle(minute(3))), candle_update(candle(minute(2))))
    line.protocol.opened()
    return line


@pytest.mark.parametrize("first", [1, 2, 3])
def test_a_new_snapshot_that_reaches_back_has_no_hole(first: int) -> None:
    items = live_candles().send(candles(candle(minute(first)), candle(minute(4))))
    assert holes(items) == []
    assert times(items) == [first, 4]


def test_a_new_snapshot_that_does_not_reach_back_shows_a_hole() -> None:
    line = live_candles()
    items = line.send(candles(candle(minute(9)), candle(minute(8))))
    (missing,) = holes(items)
    assert missing.gap == Gap(
        Channel.CANDLES,
        MARKET,
        utc(2025, 12, 29, 14, 3),
        utc(2025, 12, 29, 14, 8),
        "the new snapshot does not reach back to the last candle seen",
    )
    assert times(items) == [8, 9]
    line.protocol.opened()
    assert holes(line.send(candles(candle(minute(9))))) == []


def test_an_empty_new_snapshot_shows_a_hole() -> None:
    line = live_candles()
    route = line.events(candle_update(candle(minute(3))))[0][0]
    request, _ = line.protocol.subscribe([route])
    (missing,) = holes(line.send(candles(request_id=request.id)))
    assert (missing.gap.since, missing.gap.until) == (utc(2025, 12, 29, 14, 3), None)


def test_candles_without_a_time_or_numbers_are_delivered_as_such() -> None:
    line = Line()
    line.subscribed(Channel.CANDLES, MARKET, CandlePeriod.MIN1)
    items = line.send(candles({"market": MARKET}, candle(minute(1))))
    assert delivered(items)[0] == Candle(MARKET, CandlePeriod.MIN1, None, is_snapshot=True)
    assert times(items) == [1]


def test_one_bad_candle_does_not_take_the_others_along() -> None:
    line = Line()
    line.subscribed(Channel.CANDLES, MARKET, CandlePeriod.MIN1)
    bad = [candle("noon"), candle(5), candle(minute(1), open="x"), None]
    items = line.send(candles(*bad, candle(minute(2))))
    assert len([what for _, what in items if isinstance(what, Problem)]) == len(bad)
    assert times(items) == [2]
