"""What REST tells of orders, fills and trades against what the streams have told: only progress is news."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal as D

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigone_sync import ContractOrder, Fill, Order, OrderState, OrderType, Side, Trade
from bigone_sync.protocol.contract_memory import ContractOrderMemory, FillMemory
from bigone_sync.protocol.memory import OrderMemory, TradeMemory

T0 = datetime(2026, 1, 1, tzinfo=timezone.utc)
HOW = {"connection": "spot/private", "received_at": 0.0}


def at(seconds: float | None) -> datetime | None:
    return None if seconds is None else T0 + timedelta(seconds=seconds)


def order(
    state: OrderState = OrderState.PENDING,
    filled: str | None = "0",
    updated: float | None = 0.0,
    *,
    id: str = "1",
    rest: bool = False,
) -> Order:
    return Order(
        id=id,
        market="BTC-USDT",
        side=Side.BUY,
        type=OrderType.LIMIT,
        state=state,
        price=D(1),
        amount=D(10),
        filled_amount=None if filled is None else D(filled),
        created_at=T0,
        # REST's times have whole seconds.
        updated_at=at(updated if updated is None or not rest else float(int(updated))),
        is_snapshot=rest,
        **HOW,
    )


def contract(
    status: OrderState = OrderState.PENDING, filled: str | None = "0", time: float | None = 0.0, *, id: str = "1"
) -> ContractOrder:
    return ContractOrder(
        id=id, market="BTCUSD", status=status, filled=None if filled is None else D(filled), time=at(time), **HOW
    )


# -- spot


@pytest.mark.parametrize(
    ("before", "told", "news"),
    [
        (None, order(rest=True), True),
        (None, order(OrderState.FILLED, "10", rest=True), True),
        (order(updated=0.7), order(updated=0.7, rest=True), False),
        (order(updated=0.7), order(OrderState.CANCELLED, updated=0.7, rest=True), True),
        (order(updated=5.7), order(OrderState.CANCELLED, updated=3.0, rest=True), True),
        (order(updated=0.7), order(filled="3", updated=0.7, rest=True), True),
        (order(filled="3", updated=5.0), order(filled="2", updated=9.0, rest=True), False),
        (order(filled="3", updated=5.0), order(filled="3", updated=9.0, rest=True), False),
        (order(OrderState.FIRED, updated=0.2), order(OrderState.PENDING, updated=4.0, rest=True), True),
        (order(OrderState.FIRED, updated=4.2), order(OrderState.PENDING, updated=3.0, rest=True), False),
        (order(OrderState.FILLED, "10", 1.0), order(OrderState.PENDING, "3", 9.0, rest=True), False),
        (order(OrderState.CANCELLED, "3", 1.0), order(OrderState.FILLED, "10", 9.0, rest=True), False),
        (order(filled="3", updated=1.0), order(OrderState.CANCELLED, "3", None, rest=True), True),
    ],
)
def test_only_progress_is_news(before: Order | None, told: Order, news: bool) -> None:
    memory = OrderMemory()
    if before is not None:
        assert memory.accept(before)
    assert memory.reconcile([told]) == ([told] if news else [])
    assert memory.reconcile([told]) == []
    assert memory.open() == [latest for latest in [told if news else before] if latest and not latest.is_final]


def test_news_are_in_order_of_their_updates() -> None:
    memory = OrderMemory()
    told = [order(id=str(number), updated=time, rest=True) for number, time in enumerate([4.0, 1.0, 3.0, 2.0])]
    assert [one.id for one in memory.reconcile(told)] == ["1", "3", "2", "0"]
    assert memory.markets() == {"BTC-USDT"}


@pytest.mark.parametrize(
    ("state", "filled"), [(OrderState.PENDING, "3"), (OrderState.FILLED, "10"), (OrderState.CANCELLED, "3")]
)
def test_a_live_frame_that_says_what_rest_said_is_no_news(state: OrderState, filled: str) -> None:
    memory = OrderMemory()
    memory.accept(order(updated=1.0))
    assert memory.reconcile([order(state, filled, 7.9, rest=True)])
    # REST's time was 7 s: the same word comes live with all of its digits.
    assert not memory.accept(order(state, filled, 7.9))


def test_a_live_frame_that_says_more_than_rest_is_news() -> None:
    memory = OrderMemory()
    assert memory.reconcile([order(filled="3", updated=7.2, rest=True)])
    assert memory.accept(order(filled="4", updated=7.3))
    assert memory.accept(order(OrderState.FILLED, "10", 7.4))


STATES = [OrderState.FIRED, OrderState.PENDING, OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED]
amounts = st.sampled_from([None, "0", "1", "2.5", "10"])
words = st.tuples(st.booleans(), st.sampled_from(STATES), amounts, st.sampled_from([None, 0.3, 1.2, 1.9, 5.0]))


@given(st.lists(st.tuples(st.sampled_from("ab"), words), max_size=25))
def test_whatever_is_told_a_final_state_stays_and_fills_never_decrease(told: list[tuple[str, tuple]]) -> None:
    memory, said = OrderMemory(), defaultdict(list)
    for id, (rest, state, filled, updated) in told:
        word = order(state, filled, updated, id=id, rest=rest)
        if bool(memory.reconcile([word])) if rest else memory.accept(word):
            said[id].append(word)
    for history in said.values():
        finals = [word.is_final for word in history]
        assert finals == sorted(finals)
        # What does not say how much is filled is left out.
        filled = [word.filled_amount for word in history if word.filled_amount is not None]
        if all(word.filled_amount is not None for word in history):
            assert filled == sorted(filled)


@given(
    st.lists(st.sampled_from(["1", "2", "4", "0.5"]), min_size=1, max_size=6),
    st.sampled_from([None, OrderState.FILLED, OrderState.CANCELLED]),
    st.data(),
)
def test_a_true_history_is_told_once_whoever_tells_what_first(
    parts: list[str], ending: OrderState | None, data: st.DataObject
) -> None:
    """Each state of an order is told live, by REST, by both in either order, or not at all."""
    total, true = D(0), [order(updated=0.1)]
    for number, part in enumerate(parts):
        total += D(part)
        true.append(order(filled=str(total), updated=0.2 + number * 0.4))
    if ending is not None:
        true.append(order(ending, str(total), true[-1].updated_at.timestamp() - T0.timestamp() + 0.4))  # type: ignore[union-attr]
    memory, said = OrderMemory(), []
    for word in true:
        time = word.updated_at.timestamp() - T0.timestamp()  # type: ignore[union-attr]
        told = order(word.state, str(word.filled_amount), time, rest=True)
        how = data.draw(st.sampled_from(["live", "rest", "live rest", "rest live", "nobody"]))
        for one in how.split():
            if one == "live" and memory.accept(word):
                said.append(word)
            elif one == "rest":
                said.extend(memory.reconcile([told]))
    facts = [(word.state, word.filled_amount) for word in said]
    assert len(facts) == len(set(facts))
    assert facts == [fact for fact in [(word.state, word.filled_amount) for word in true] if fact in facts]


# -- contracts


@pytest.mark.parametrize(
    ("before", "told", "news"),
    [
        (None, contract(), True),
        (contract(), contract(), False),
        (contract(time=5.0), contract(OrderState.CANCELLED, time=3.0), True),
        (contract(), contract(OrderState.PARTIALLY_FILLED, "3"), True),
        (contract(OrderState.PARTIALLY_FILLED, "3"), contract(OrderState.PENDING, "0"), False),
        (contract(OrderState.PARTIALLY_FILLED, "3"), contract(OrderState.PENDING, None), False),
        (contract(OrderState.PARTIALLY_FILLED, "3"), contract(OrderState.PARTIALLY_FILLED, "3"), False),
        (contract(OrderState.PARTIALLY_FILLED, "3"), contract(OrderState.PARTIALLY_FILLED, "4"), True),
        (contract(OrderState.PARTIALLY_CANCELED, "3"), contract(OrderState.FILLED, "4"), False),
        (contract(OrderState.FILLED, "4"), contract(OrderState.PENDING, "5"), False),
    ],
)
def test_only_progress_of_contract_orders_is_news(
    before: ContractOrder | None, told: ContractOrder, news: bool
) -> None:
    memory = ContractOrderMemory()
    if before is not None:
        assert memory.accept(before)
    assert memory.reconcile([told]) == ([told] if news else [])
    assert memory.reconcile([told]) == []
    assert memory.open() == [latest for latest in [told if news else before] if latest and not latest.is_final]


CONTRACT_STATES = [OrderState.PENDING, OrderState.PARTIALLY_FILLED, OrderState.FILLED, OrderState.PARTIALLY_CANCELED]
contract_words = st.tuples(st.booleans(), st.sampled_from(CONTRACT_STATES), st.sampled_from(["0", "1", "2.5", "10"]))


@given(st.lists(st.tuples(st.sampled_from("ab"), contract_words), max_size=25))
def test_contract_orders_that_ended_stay_and_fills_never_decrease(told: list[tuple[str, tuple]]) -> None:
    memory, said = ContractOrderMemory(), defaultdict(list)
    for id, (rest, state, filled) in told:
        word = contract(state, filled, id=id)
        if bool(memory.reconcile([word])) if rest else memory.accept(word):
            said[id].append(word)
    for history in said.values():
        assert [word.is_final for word in history[:-1]] == [False] * (len(history) - 1)
        filled_amounts = [word.filled for word in history]
        assert filled_amounts == sorted(filled_amounts)  # type: ignore[type-var]


def fill(id: int, time: float | None = 0.0) -> Fill:
    return Fill(id=str(id), market="BTCUSD", time=at(time), **HOW)


@given(st.lists(st.integers(0, 30)), st.lists(st.integers(0, 30)), st.lists(st.integers(0, 30)))
def test_fills_are_told_once_and_oldest_first(before: list[int], told: list[int], after: list[int]) -> None:
    memory = FillMemory()
    for id in before:
        memory.accept(fill(id, id))
    fresh = [int(one.id) for one in memory.reconcile([fill(id, id) for id in told])]
    assert fresh == sorted(set(told) - set(before))
    assert {id for id in after if memory.accept(fill(id, id))} == set(after) - set(before) - set(told)


def test_of_one_moment_the_order_in_which_rest_lists_decides() -> None:
    # REST lists the newest first.
    told = [fill(number, 1.0) for number in (9, 4, 7)] + [fill(2, 0.5)]
    assert [one.id for one in FillMemory().reconcile(told)] == ["2", "7", "4", "9"]
    orders = [contract(id=id, time=1.0) for id in ("c", "a", "b")]
    assert [one.id for one in ContractOrderMemory().reconcile(orders)] == ["b", "a", "c"]
    spot = [order(id=id, updated=1.0, rest=True) for id in ("10", "9", "11")]
    assert [one.id for one in OrderMemory().reconcile(spot)] == ["9", "10", "11"]


# -- trades


def trade(id: int) -> Trade:
    return Trade(
        id=str(id),
        market="BTC-USDT",
        price=D(1),
        amount=D(1),
        taker_side=Side.BUY,
        time=at(id),
        is_snapshot=True,
        **HOW,
    )


@given(st.sets(st.integers(0, 60)), st.lists(st.integers(0, 60)))
def test_trades_are_told_once_and_oldest_first(before: set[int], told: list[int]) -> None:
    memory = TradeMemory(100)
    for id in sorted(before):
        memory.update(trade(id))
    fresh = [int(one.id) for one in memory.reconcile([trade(id) for id in told])]
    assert fresh == sorted(set(told) - before)
    assert memory.reconcile([trade(id) for id in told]) == []
    # Older ones that came late do not move the place where the next hole begins.
    newest = max([*before, *told], default=None)
    _, hole = memory.snapshot([trade(100)], 1)
    assert (hole.last if hole else None) == newest


def test_what_is_remembered_is_bounded() -> None:
    memory = OrderMemory(window=3)
    memory.reconcile([order(id=str(number), updated=number, rest=True) for number in range(9)])
    assert [one.id for one in memory.open()] == ["6", "7", "8"]
    fields = msgspec.structs.asdict(memory.open()[0])
    assert fields["is_snapshot"] is True
