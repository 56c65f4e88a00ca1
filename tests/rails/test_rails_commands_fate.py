"""Commands whose connection is lost, whose time is over, or that the client leaves behind; and their futures."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest
from commands_rig import ORDERS, Rig
from rails_made import answer, order

from bigone_sync.errors import ConnectionClosed, ConnectionLost, OutcomeUnknown, RequestTimeout
from bigone_sync.rails.commands import CREATE, LEVERAGE, PING

GONE = ConnectionLost("rails/1: gone")


@pytest.fixture
def rig() -> Rig:
    return Rig()


# Connections that are lost


@pytest.mark.parametrize(("acknowledged", "known"), [(False, "sent"), (True, "acknowledged")])
@pytest.mark.parametrize("name", ORDERS)
def test_without_patience_the_outcome_is_unknown_at_once(rig: Rig, name: str, acknowledged: bool, known: str) -> None:
    command = rig.begin(name)
    if acknowledged:
        rig.tell(answer(name, 202))
    rig.commands.lost("rails/1", GONE, 0.0)
    error = rig.failure(command)
    assert type(error) is OutcomeUnknown
    assert str(error) == (
        f"rails: {name} was {known}, and the connection ended before the answer: rails/1: gone;"
        " resolve(client_request_id) asks what became of it"
    )
    assert (error.client_request_id, error.request_id, error.command) == ("r1", "r1", name)
    assert error.__cause__ is GONE


@pytest.mark.parametrize(("name", "patience"), [(LEVERAGE, 0.0), (PING, 0.0), (PING, 5.0)])
def test_what_is_no_order_is_just_lost(rig: Rig, name: str, patience: float) -> None:
    command = rig.begin(name)
    rig.commands.lost("rails/1", GONE, patience)
    error = rig.failure(command)
    assert type(error) is ConnectionLost
    assert str(error) == f"rails: the connection ended before {name} was answered: rails/1: gone"
    assert error.__cause__ is GONE


def test_the_answer_may_come_on_another_connection_for_a_while(rig: Rig) -> None:
    command = rig.begin()
    rig.commands.lost("rails/1", GONE, 5.0)
    assert command.deadline == rig.clock.now + 5
    rig.clock.now += 4
    rig.commands.check()
    rig.tell(answer(CREATE, about=order()))
    assert command.future.result(0) == order()


def test_patience_is_over_at_some_time(rig: Rig) -> None:
    command = rig.begin()
    rig.commands.lost("rails/1", GONE, 5.0)
    rig.clock.now += 1
    # Lost once: it is not lost again by another loss of a connection of this name.
    rig.commands.lost("rails/1", ConnectionLost("again"), 0.0)
    rig.clock.now += 4
    rig.commands.check()
    assert type(rig.failure(command)) is OutcomeUnknown


def test_patience_prolongs_nothing(rig: Rig) -> None:
    command = rig.begin()
    rig.commands.lost("rails/1", GONE, 60.0)
    assert command.deadline == rig.clock.now + 10


def test_other_connections_are_not_concerned(rig: Rig) -> None:
    command = rig.begin(session="rails/2")
    rig.commands.lost("rails/1", GONE, 0.0)
    rig.commands.settle()
    assert (command.lost, command.future.done()) == (None, False)


@pytest.mark.parametrize(("patience", "is_done"), [(5.0, False), (0.0, True)])
def test_a_connection_may_be_lost_just_before_a_command_counts_as_sent(
    rig: Rig, patience: float, is_done: bool
) -> None:
    command = rig.begin(sent=False)
    rig.commands.lost("rails/1", GONE, 0.0)
    rig.commands.settle()
    assert (command.lost, command.future.done()) == (GONE, False)
    rig.commands.sent(command, patience)
    rig.commands.settle()
    assert command.future.done() is is_done
    rig.clock.now += patience
    rig.commands.check()
    assert type(rig.failure(command)) is OutcomeUnknown


# Time, and the end


@pytest.mark.parametrize(("acknowledged", "awaited"), [(False, "answer to"), (True, "confirmation of")])
@pytest.mark.parametrize("name", [*ORDERS, LEVERAGE, PING])
def test_a_command_that_is_not_answered_in_time_ends(rig: Rig, name: str, acknowledged: bool, awaited: str) -> None:
    command = rig.begin(name)
    if acknowledged:
        rig.tell(answer(name, 202))
    rig.clock.now += 9.5
    rig.commands.check()
    rig.commands.settle()
    assert not command.future.done()
    rig.clock.now += 0.5
    rig.commands.check()
    error = rig.failure(command)
    assert type(error) is RequestTimeout
    advice = (
        "; it was sent, so what became of it is not known: resolve() asks, given the request_id of this exception"
        if name in ORDERS
        else ""
    )
    assert str(error) == f"rails: no {awaited} {name} within 10 s{advice}"
    assert (error.request_id, error.command) == ("r1", name)


def test_what_was_not_sent_does_not_expire(rig: Rig) -> None:
    command = rig.begin(sent=False)
    rig.clock.now += 10
    rig.commands.check()
    rig.commands.settle()
    assert not command.future.done()


@pytest.mark.parametrize("late", ["answer", "refusal", "pong", "expiry", "loss", "end"])
def test_the_first_fate_counts(rig: Rig, late: str) -> None:
    command = rig.begin()
    rig.tell(answer(CREATE, about=order()))
    steps: dict[str, Any] = {
        "answer": lambda: rig.commands.answered(answer(CREATE, about=order("o2"))),
        "refusal": lambda: rig.commands.answered(answer(CREATE, 400)),
        "pong": lambda: rig.commands.ponged("r1"),
        "expiry": lambda: rig.commands.expire(command),
        "loss": lambda: rig.commands.lost("rails/1", GONE, 0.0),
        "end": lambda: rig.commands.end(GONE),
    }
    steps[late]()
    rig.commands.settle()
    assert command.future.result(0) == order()


def test_a_loss_between_answer_and_sent_changes_nothing(rig: Rig) -> None:
    command = rig.begin(sent=False)
    rig.commands.lost("rails/1", GONE, 0.0)
    rig.tell(answer(CREATE, about=order()))
    rig.commands.sent(command, 0.0)
    rig.commands.settle()
    assert command.future.result(0) == order()


def test_the_end_leaves_what_was_sent_unknown(rig: Rig) -> None:
    assert rig.commands.over is None
    first, second = rig.begin(request_id="r1"), rig.begin(request_id="r2", sent=False)
    rig.commands.lost("rails/1", GONE, 5.0)
    third = rig.begin(request_id="r3", session="rails/2")
    closed = ConnectionClosed("closed")
    rig.commands.end(closed)
    rig.commands.end(ConnectionLost("later"))
    assert rig.commands.over is closed
    assert [rig.failure(command).__cause__ for command in (first, third)] == [GONE, closed]
    assert not second.future.done()
    # It went out all the same, and however patient: nothing will be answered.
    rig.commands.sent(second, 5.0)
    assert type(rig.failure(second)) is OutcomeUnknown


def test_what_was_withdrawn_has_no_fate(rig: Rig) -> None:
    command = rig.begin()
    rig.commands.withdraw(command)
    rig.commands.withdraw(command)
    rig.tell(answer(CREATE))
    rig.commands.end(GONE)
    rig.commands.settle()
    assert not command.future.done()


# Futures


def test_settling_completes_each_future_once(rig: Rig) -> None:
    command = rig.begin()
    seen: list[Any] = []

    # A callback of a future may settle as well.
    def again(future: Future[Any]) -> None:
        rig.commands.settle()
        seen.append(future.result(0))

    command.future.add_done_callback(again)
    rig.commands.answered(answer(CREATE, about=order()))
    assert not command.future.done()
    rig.commands.settle()
    rig.commands.settle()
    assert seen == [order()]


def test_nobody_can_cancel_what_is_sent(rig: Rig) -> None:
    assert not rig.begin().future.cancel()


def test_who_waits_is_woken_by_the_result_and_by_a_loss(rig: Rig) -> None:
    command = rig.begin()
    command.wait(0.0)
    command.wait(-1.0)
    command.wait(0.001)
    rig.commands.lost("rails/1", GONE, 5.0)
    command.wait(float("inf"))
    rig.tell(answer(CREATE))
    command.wait(float("inf"))
    assert command.future.done()
