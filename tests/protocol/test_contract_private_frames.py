"""The private contract stream over bytes (contract protocol, section 7)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from contract_lines import AT, BTC, ETH, NAME, PONG, Line, by_route, events, holes, problems

from bigone_sync.enums import Channel, OrderState, OrderType, Side
from bigone_sync.errors import DecodeError
from bigone_sync.events import Cash, ContractOrder, Fill, Position, SubscriptionKey
from bigone_sync.protocol.base import Resumed

D = Decimal

CASH = (
    b'{"id":"5aed7b45-5d19-40f2-0005-ca49d01f33e3","userId":"5aec525e-335d-4724-0005-20153b361f89","currency":"USDT",'
    b'"balances":0.2,"available":0.2,"margin":0,"positionMargin":0,"orderMargin":0,"positionValue":0,"unrealizedPnl":0,'
    b'"marginBalances":0.2,"marginRate":0,"leverage":0}'
)
POSITION = (
    b'{"id":"5aed7b45-5d19-40f2-0005-ca49d01f33e3","userId":"5aec525e-335d-4724-0005-20153b361f89","symbol":"BTCUSD",'
    b'"currency":"BTC","isCross":true,"marginRate":0.01,"feeRateTaker":0.0007,"feeRateMaker":0.0006,"size":100,'
    b'"notional":0.008857,"initMargin":0.00008857,"margin":0.01,"orderMargin":0,"realisedPnl":0,"totalPnl":0,'
    b'"markPrice":11303.14,"riskLimit":100,"liquidatePrice":10000.5,"entryPrice":11290,"unrealizedPnl":0,'
    b'"leverage":100,"equity":0.1,"value":1.2,"risk":0,"rom":0,"buyingNotional":0,"sellingNotional":-0.116909,'
    b'"buyingSize":0,"sellingSize":-1400,"seqNo":0}'
)
ORDER = (
    b'{"id":"5aefeab9-6840-0000-0001-0000056fe3c8","userId":"5aec525e-335d-4724-0005-20153b361f89",'
    b'"liquidateUserId":null,"symbol":"BTCUSD","currency":"USDT","type":"LIMIT","side":"BUY",'
    b'"status":"PARTIALLY_FILLED","price":49500.0,"avgPrice":49450,"size":1.0,"notional":49500,"filled":0.5,'
    b'"filledNotional":24725}'
)
FILL = (
    b'{"id":"5aefeab9-6840-0000-0001-0000056fe3c8","orderId":"5aefeab9-6840-0000-0001-0000056fe3c8","symbol":"BTCUSD",'
    b'"side":"BUY","price":49500.0,"size":0.5,"notional":24750,"fee":0.05,"feeRate":0.002,"pnl":0}'
)
FULL = b'{"cash":%b,"positions":[%b],"orders":[%b],"trades":[%b]}' % (CASH, POSITION, ORDER, FILL)
OLDER = (
    b'{"userId":"5aec525e-335d-4724-0005-20153b361f89","cash":%b,"positions":[{"symbol":"BTCUSDT","currency":"USDT",'
    b'"size":0,"seqNo":null}],"trades":[],"orders":[]}'
) % CASH
CHANNELS = (Channel.CASH, Channel.POSITIONS, Channel.ORDERS, Channel.FILLS)
EVERYTHING = {"cash": {"currency": "USDT"}, "positions": [], "orders": [], "trades": []}
MISSING = object()


def order(number: int, status: str = "NEW", symbol: str = BTC, **other: Any) -> dict[str, Any]:
    return {"id": f"order-{number}", "symbol": symbol, "status": status, **other}


def fill(number: int, symbol: str = BTC) -> dict[str, Any]:
    return {"id": f"fill-{number}", "symbol": symbol}


def position(symbol: str, size: int = 1) -> dict[str, Any]:
    return {"symbol": symbol, "size": size}


@pytest.fixture
def line() -> Line:
    """A private socket with all channels wanted, of all contracts."""
    made = Line(None)
    for channel in CHANNELS:
        made.add(channel)
    return made


def test_the_documented_frame(line: Line) -> None:
    cash, held, own, done = events(line.send(FULL))
    assert (type(cash), type(held), type(own), type(done)) == (Cash, Position, ContractOrder, Fill)
    assert (cash.currency, cash.balances, cash.margin_balances) == ("USDT", D("0.2"), D("0.2"))
    assert (held.market, held.size, held.is_cross, held.selling_size, held.seq_no) == (BTC, 100, True, -1400, 0)
    assert (own.market, own.type, own.side, own.status) == (
        BTC,
        OrderType.LIMIT,
        Side.BUY,
        OrderState.PARTIALLY_FILLED,
    )
    assert (done.order_id, done.price, done.fee, done.role) == (own.id, D("49500.0"), D("0.05"), None)
    assert {(event.connection, event.received_at) for event in (cash, held, own, done)} == {(NAME, AT)}


def test_the_older_documented_frame_is_a_first_frame(line: Line) -> None:
    cash, held = events(line.send(OLDER))
    assert (cash.currency, held.market, held.size, held.seq_no) == ("USDT", "BTCUSDT", 0, None)
    ((values, whole),) = line.kept[Channel.POSITIONS].puts
    assert ([value.market for value in values], whole) == (["BTCUSDT"], True)


def test_events_go_to_the_stream_of_their_contract_and_to_that_of_all() -> None:
    line = Line(None)
    for channel in (Channel.POSITIONS, Channel.ORDERS, Channel.FILLS):
        line.add(channel)
        line.add(channel, BTC)
    line.add(Channel.ORDERS, "XRPUSD")
    items = line.send(
        {
            "cash": {"currency": "USDT"},
            "positions": [position(BTC), position(ETH)],
            "orders": [order(1, symbol=ETH), order(2), order(3, symbol=ETH), order(4)],
            "trades": [fill(1, ETH)],
        }
    )
    routed = [
        (str(key), [getattr(event, "id", None) or event.market for event in what]) for key, what in by_route(items)
    ]
    assert routed == [
        ("positions", [BTC, ETH]),
        ("positions/BTCUSD", [BTC]),
        ("orders", ["order-1", "order-2", "order-3", "order-4"]),
        ("orders/BTCUSD", ["order-2", "order-4"]),
        ("fills", ["fill-1"]),
    ]


def test_a_stream_that_was_left_gets_nothing_and_the_others_go_on(line: Line) -> None:
    gone = line.add(Channel.ORDERS, BTC)
    line.protocol.remove(gone)
    assert [key for key, _ in by_route(line.send({"orders": [order(1)]}))] == [SubscriptionKey(Channel.ORDERS)]


@pytest.mark.parametrize("status", ["FILLED", "CANCELED", "PARTIALLY_CANCELED", "REJECTED"])
def test_nothing_comes_after_the_final_state_of_an_order(line: Line, status: str) -> None:
    sent = [order(1), order(1, "PARTIALLY_FILLED"), order(1, status), order(1, "NEW"), order(1, status), order(2)]
    items = line.send(*({"orders": [one]} for one in sent))
    assert [(event.id, event.status) for event in events(items)] == [
        ("order-1", OrderState.NEW),
        ("order-1", OrderState.PARTIALLY_FILLED),
        ("order-1", OrderState(status)),
        ("order-2", OrderState.NEW),
    ]
    assert line.protocol.duplicates == 2
    assert events(line.again({"orders": [order(1, status)]})) == []


@pytest.mark.parametrize("status", ["NEW", "PARTIALLY_FILLED", "UNTRIGGERED", "PENDING_CANCEL", "SOMETHING_NEW"])
def test_open_orders_are_delivered_whenever_they_are_told(line: Line, status: str) -> None:
    assert len(events(line.send(*({"orders": [order(1, status)]} for _ in range(2))))) == 2


def test_no_fill_comes_twice_on_one_socket_or_over_several(line: Line) -> None:
    items = line.send({"trades": [fill(1), fill(1)]}, {"trades": [fill(2), fill(1)]})
    assert [event.id for event in events(items)] == ["fill-1", "fill-2"]
    items = line.again({"trades": [fill(2), fill(3)]})
    assert [event.id for event in events(items)] == ["fill-3"]


def gaps(items: Any) -> list[tuple[str, str | None]]:
    return [(hole.gap.channel.value, hole.gap.market) for hole in holes(items)]


@pytest.mark.parametrize("first", [EVERYTHING, {"orders": [order(1)]}, {"trades": []}, FULL])
def test_the_first_socket_misses_nothing(line: Line, first: Any) -> None:
    assert holes(line.send(PONG, first, {"orders": []})) == []


def test_a_later_socket_says_with_its_first_frame_what_may_be_missing(line: Line) -> None:
    line.add(Channel.ORDERS, BTC)
    line.send(EVERYTHING)
    assert line.again(PONG, {"userId": "somebody"}) == []
    items = line.send(EVERYTHING, EVERYTHING)
    assert sorted(gaps(items), key=str) == [("fills", None), ("orders", "BTCUSD"), ("orders", None)]
    assert {hole.gap.connection for hole in holes(items)} == {NAME}
    assert isinstance(items[0][1], Resumed)  # before the events behind the hole
    assert holes(line.again({**EVERYTHING, "cash": None})) != []


@pytest.mark.parametrize("positions", [MISSING, None])
def test_a_later_socket_that_begins_without_positions_may_miss_some(line: Line, positions: Any) -> None:
    first = {"orders": [order(1)]} if positions is MISSING else {"orders": [order(1)], "positions": positions}
    line.send(EVERYTHING)
    assert sorted(gaps(line.again(first)), key=str) == [("fills", None), ("orders", None), ("positions", None)]


def test_gaps_are_for_streams_that_are_wanted() -> None:
    line = Line(None)
    line.add(Channel.CASH)
    line.send(EVERYTHING)
    assert holes(line.again(EVERYTHING)) == []


# -- kept ----------------------------------------------------------------------------------------------------------


def puts(line: Line, channel: Channel) -> list[tuple[list[str], bool]]:
    names = [
        [value.currency if channel == Channel.CASH else value.market for value in values]
        for values, _ in line.kept[channel].puts
    ]
    return list(zip(names, [whole for _, whole in line.kept[channel].puts], strict=True))


def test_only_a_first_frame_with_all_keys_tells_all_positions(line: Line) -> None:
    line.send({**EVERYTHING, "positions": [position(BTC)]}, {**EVERYTHING, "positions": [position(ETH)]})
    line.again(EVERYTHING)
    assert puts(line, Channel.POSITIONS) == [([BTC], True), ([ETH], False), ([], True)]


@pytest.mark.parametrize("key", ["cash", "orders", "trades"])
@pytest.mark.parametrize("how", [MISSING, None])
def test_a_first_frame_without_one_of_the_keys_does_not(line: Line, key: str, how: Any) -> None:
    first = {**EVERYTHING, "positions": [position(BTC)], key: how}
    line.send({name: value for name, value in first.items() if value is not MISSING})
    line.send(EVERYTHING)
    assert puts(line, Channel.POSITIONS) == [([BTC], False), ([], False)]


def test_a_first_frame_with_a_bad_position_does_not_tell_all(line: Line) -> None:
    items = line.send({**EVERYTHING, "positions": [position(BTC), {"symbol": ETH, "size": "x"}]})
    assert [type(error) for error in problems(items)] == [DecodeError]
    assert puts(line, Channel.POSITIONS) == [([BTC], False)]


def test_cash_is_kept_by_currency_and_never_the_whole(line: Line) -> None:
    line.send(EVERYTHING, {"cash": {"currency": "BTC"}}, {"orders": []})
    assert puts(line, Channel.CASH) == [(["USDT"], False), (["BTC"], False)]


def test_what_is_kept_does_not_depend_on_who_listens() -> None:
    line = Line(None)
    assert line.send(FULL) == []
    assert puts(line, Channel.POSITIONS) == [([BTC], True)]
    assert puts(line, Channel.CASH) == [(["USDT"], False)]


# -- bad items -----------------------------------------------------------------------------------------------------


def test_a_bad_item_is_reported_by_its_kind_and_does_not_take_the_frame_along(line: Line) -> None:
    items = line.send(
        {
            "cash": {"balances": 1},
            "positions": [position(BTC), {"symbol": ETH, "isCross": 5}],
            "orders": [{"id": "order-0"}, order(1)],
            "trades": [fill(1), 7],
        }
    )
    kinds = [type(event) for event in events(items)]
    assert kinds == [Position, ContractOrder, Fill]
    errors = problems(items)
    assert [type(error) for error in errors] == [DecodeError] * 4
    for error, kind in zip(errors, ("cash: ", "positions: ", "orders: ", "trades: "), strict=True):
        assert kind in str(error)


@pytest.mark.parametrize("bad", [{"orders": 5}, {"positions": "x"}, {"trades": {"id": {}}}, {"cash": [[]]}, []])
def test_a_frame_of_another_shape_gives_a_decode_error(line: Line, bad: Any) -> None:
    items = line.send(bad)
    assert events(items) == []
    assert [type(error) for error in problems(items)] == [DecodeError]


@pytest.mark.parametrize("nothing", [{}, {"userId": "x"}, {"cash": None, "orders": None}, {"new": [1]}])
def test_a_frame_without_any_of_the_keys_is_no_first_frame(line: Line, nothing: Any) -> None:
    assert line.send(nothing) == []
    line.send({**EVERYTHING, "positions": [position(BTC)]})
    assert puts(line, Channel.POSITIONS) == [([BTC], True)]
