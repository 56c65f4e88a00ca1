from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from spot_lines import (
    AT,
    MARKET,
    Line,
    delivered,
    holes,
    replies,
    trade,
    trade_update,
    trades_snapshot,
    utc,
)

from bigone_sync.enums import Channel, Side
from bigone_sync.errors import DecodeError
from bigone_sync.events import Gap, Trade
from bigone_sync.protocol.base import Missing, Problem, Reply

SNAPSHOT = (
    b'{"requestId":"1","tradesSnapshot":{"trades":[{"id":"28622","price":"9.0","amount":"10000.0","market":"BTC-USDT",'
    b'"createdAt":"2018-09-12T09:52:37Z","makerOrder":null,"takerOrder":null,"takerSide":"BID"}]}}'
)
UPDATE = (
    b'{"requestId":"1","tradeUpdate":{"trade":{"id":12345,"price":"9.0","amount":"10000.0","market":"COINALPHA-HBOT",'
    b'"createdAt":"2018-09-12T09:52:37Z","makerOrder":null,"takerOrder":{"id":"","price":"","stopPrice":"","amount":"",'
    b'"market":"","side":"BID","state":"PENDING","filledAmount":"","filledFees":"","avgDealPrice":"","createdAt":null,'
    b'"updatedAt":null,"businessUnit":"SPOT","type":"LIMIT","operator":"LTE","ioc":false},"takerSide":"BID"}}}'
)
WHEN = utc(2018, 9, 12, 9, 52, 37)


def ids(items: Any) -> list[str]:
    return [event.id for event in delivered(items) if isinstance(event, Trade)]


def live(*numbers: int, limit: int | None = None) -> Line:
    """A line whose trades of MARKET began with a snapshot of ``numbers``."""
    line = Line("spot/trades")
    line.subscribed(Channel.TRADES, MARKET, limit=limit)
    line.send(trades_snapshot(*(trade(number) for number in numbers)))
    return line


def again(line: Line, *numbers: int) -> Any:
    """A reconnect and its snapshot."""
    line.protocol.opened()
    return line.send(trades_snapshot(*(trade(number, createdAt=time(number)) for number in numbers)))


def time(number: int) -> str:
    return f"2018-09-12T10:00:{number % 60:02}Z"


def test_the_snapshot_of_the_documents() -> None:
    line = Line("spot/trades")
    route = line.add(Channel.TRADES, MARKET)
    request, _ = line.protocol.subscribe([route])
    items = line.send(SNAPSHOT)
    expected = Trade("28622", MARKET, Decimal("9.0"), Decimal("10000.0"), Side.BUY, WHEN, True)
    assert items == [(None, Reply(request)), (route, [expected])]
    (event,) = delivered(items)
    assert (event.connection, event.received_at) == ("spot/trades", AT)


def test_the_update_of_the_documents_with_a_hollow_taker_order() -> None:
    line = Line("spot/trades")
    line.subscribed(Channel.TRADES, "COINALPHA-HBOT")
    assert line.one(UPDATE) == Trade(
        "12345", "COINALPHA-HBOT", Decimal("9.0"), Decimal("10000.0"), Side.BUY, WHEN, False
    )


def test_a_snapshot_is_sorted_by_id() -> None:
    line = Line()
    line.subscribed(Channel.TRADES, MARKET)
    assert ids(line.send(trades_snapshot(trade("9"), trade("100"), trade("20")))) == ["9", "20", "100"]


@pytest.mark.parametrize("number", [1, 2**53 + 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("rendered", [int, str])
def test_ids_of_64_bits_are_exact(number: int, rendered: Any) -> None:
    line = live()
    assert ids(line.send(trade_update(trade(rendered(number))))) == [str(number)]


@pytest.mark.parametrize("number", [None, 0, "0", "", -3, "-3"])
def test_a_trade_without_an_id_is_no_duplicate_of_another_one_but_an_error(number: Any) -> None:
    line = live()
    for _ in range(2):
        assert "without an id" in str(line.problem(trade_update(trade(number))))
    assert line.protocol.duplicates == 0


def test_a_trade_comes_once() -> None:
    line = live(5, 6, 7)
    assert ids(line.send(*(trade_update(trade(number)) for number in (7, 8, 8, 9, 6)))) == ["8", "9"]
    assert line.protocol.duplicates == 3


def test_a_number_and_its_text_are_one_id() -> None:
    line = live(5)
    assert line.send(trade_update(trade("5")), trade_update(trade("05"))) == []


@pytest.mark.parametrize("request_id", ["404", "", None])
def test_updates_are_routed_by_market_whatever_their_request_id(request_id: Any) -> None:
    line = live(1)
    eth = line.subscribed(Channel.TRADES, "ETH-USDT")
    ((route, event),) = line.events(trade_update(trade("1", market="ETH-USDT"), request_id))
    assert route is eth
    assert isinstance(event, Trade)
    assert event.market == "ETH-USDT"


def test_a_market_that_nobody_asked_for_is_counted_and_dropped() -> None:
    line = Line()
    assert line.send(trade_update(trade("1")), trades_snapshot(trade("2")), trades_snapshot()) == []
    assert line.protocol.unrouted == 3


def test_one_bad_trade_does_not_take_the_others_along() -> None:
    line = Line()
    route = line.subscribed(Channel.TRADES, MARKET)
    bad = [trade("3", price="much"), trade([]), None, 5, "x", trade("4", createdAt="soon"), trade(None), []]
    items = line.send(trades_snapshot(trade("9"), *bad, trade("2")))
    problems = [what.error for _, what in items if isinstance(what, Problem)]
    assert len(problems) == len(bad) == line.protocol.decode_errors
    assert all(isinstance(error, DecodeError) and "tradesSnapshot" in str(error) for error in problems)
    assert ids(items) == ["2", "9"]
    assert items[-1][0] is route
    assert len(replies(items)) == 1


# -- across connections


def test_a_snapshot_that_reaches_back_brings_the_new_ones_and_no_hole() -> None:
    line = live(5, 6, 7)
    line.send(trade_update(trade(8)))
    items = again(line, 7, 8, 9, 10)
    assert ids(items) == ["9", "10"]
    assert holes(items) == []


def test_a_snapshot_that_starts_exactly_at_the_last_one_seen_reaches_back() -> None:
    assert holes(again(live(5), 5, 6)) == []


def test_a_snapshot_that_does_not_reach_back_shows_a_hole() -> None:
    line = live(5)
    line.send(trade_update(trade(8, createdAt=time(8))))
    items = again(line, 20, 21)
    (missing,) = holes(items)
    assert missing.gap == Gap(
        Channel.TRADES,
        MARKET,
        utc(2018, 9, 12, 10, 0, 8),
        utc(2018, 9, 12, 10, 0, 20),
        "the new snapshot does not reach back to the last trade seen",
    )
    assert (missing.gap.connection, missing.gap.received_at) == ("spot/trades", AT)
    assert ids(items) == ["20", "21"]
    kinds = [type(what) for _, what in items]
    assert kinds.index(Missing) < kinds.index(list)  # the hole is before the trades that follow it


def test_a_straggler_does_not_move_back_what_was_seen_last() -> None:
    line = live(5)
    assert ids(line.send(trade_update(trade(8)), trade_update(trade(6)))) == ["8", "6"]
    assert holes(again(line, 8, 9)) == []


def test_a_hole_is_shown_once() -> None:
    line = live(5)
    assert len(holes(again(line, 20))) == 1
    assert holes(again(line, 20, 21)) == []


def test_an_empty_snapshot_after_trades_shows_a_hole() -> None:
    line = live(5)
    line.protocol.opened()
    request, _ = line.protocol.subscribe([*route_of(line)])
    items = line.send(trades_snapshot(request_id=request.id))
    (missing,) = holes(items)
    assert (missing.gap.since, missing.gap.until) == (WHEN, None)


def route_of(line: Line) -> Any:
    """The route that updates of MARKET go to."""
    items = line.send(trade_update(trade(10**9)))
    return [route for route, _ in items]


def test_a_quiet_market_that_gets_its_first_trades_meanwhile_lost_none() -> None:
    line = Line()
    route = line.subscribed(Channel.TRADES, MARKET)
    line.send(trades_snapshot())
    line.protocol.opened()
    assert holes(line.send(trades_snapshot(trade(1), trade(2)))) == []
    assert route.memory is not None


def test_a_quiet_market_whose_new_snapshot_is_full_may_have_lost_some() -> None:
    line = Line()
    line.subscribed(Channel.TRADES, MARKET, limit=2)
    line.send(trades_snapshot())
    (missing,) = holes(again(line, 1, 2))
    assert (missing.gap.since, missing.gap.until) == (None, utc(2018, 9, 12, 10, 0, 1))


def test_updates_before_the_first_snapshot_are_joined_by_it() -> None:
    line = Line()
    line.subscribed(Channel.TRADES, MARKET)
    assert ids(line.send(trade_update(trade(8)))) == ["8"]
    items = line.send(trades_snapshot(trade(7), trade(8), trade(9)))
    assert holes(items) == []
    assert ids(items) == ["7", "9"]


def test_memory_is_bounded_and_still_larger_than_a_snapshot() -> None:
    line = live(limit=50)
    line.send(*(trade_update(trade(number)) for number in range(1, 5001)))
    assert ids(again(line, *range(4951, 5003))) == ["5001", "5002"]
    assert ids(line.send(trade_update(trade(1)))) == ["1"]  # forgotten by now


def test_a_snapshot_keeps_to_its_own_market() -> None:
    line = Line()
    line.subscribed(Channel.TRADES, MARKET)
    items = line.send(trades_snapshot(trade(1), trade(2, market="ETH-USDT")))
    assert ids(items) == ["1"]
