"""Commands in phases: what answers them, and what refuses them."""

from __future__ import annotations

import pytest
from commands_rig import ORDERS, Rig
from rails_made import MARKET, answer, order

from bigone_sync.enums import OrderState
from bigone_sync.errors import OrderRejected, RequestRejected
from bigone_sync.events import RailsOrder
from bigone_sync.rails.commands import CANCEL, CREATE, LEVERAGE, MODIFY, PING

PENDING, ACTIVE, MODIFYING = OrderState.PENDING, OrderState.ACTIVE, OrderState.MODIFYING
MODIFIED, CANCELLED, FILLED = OrderState.MODIFIED, OrderState.CANCELLED, OrderState.FILLED


@pytest.fixture
def rig() -> Rig:
    return Rig()


# Phases


@pytest.mark.parametrize("code", [202, 200, None])
@pytest.mark.parametrize("name", ORDERS)
def test_without_confirmation_the_first_answer_is_the_result(rig: Rig, name: str, code: int | None) -> None:
    command = rig.begin(name, confirm=False)
    about = order(status=PENDING)
    rig.tell(answer(name, code, about=about))
    assert command.future.result(0) is about


@pytest.mark.parametrize("code", [202, None])
@pytest.mark.parametrize(
    ("name", "end", "status"), [(CREATE, CREATE, ACTIVE), (CANCEL, CANCEL, CANCELLED), (MODIFY, CREATE, ACTIVE)]
)
def test_with_confirmation_the_acknowledgement_is_not_the_end(
    rig: Rig, name: str, end: str, status: OrderState, code: int | None
) -> None:
    command = rig.begin(name, order_id="o1")
    rig.tell(answer(name, code, about=order(status=PENDING)))
    assert (command.is_acknowledged, command.future.done()) == (True, False)
    about = order("o2", status)
    rig.tell(answer(end, 200, about=about))
    assert command.future.result(0) is about


def test_a_confirmation_may_come_without_an_acknowledgement(rig: Rig) -> None:
    command = rig.begin()
    rig.tell(answer(CREATE, 200, about=order()))
    assert command.future.result(0) == order()
    assert not command.is_acknowledged


@pytest.mark.parametrize(
    "steps",
    [
        [(MODIFY, MODIFYING), (MODIFY, MODIFIED), (MODIFY, PENDING)],
        [(MODIFY, ACTIVE), (CREATE, PENDING)],
        [(CREATE, MODIFYING), (CREATE, MODIFIED)],
    ],
)
@pytest.mark.parametrize("status", [ACTIVE, FILLED, CANCELLED])
def test_a_modification_ends_when_the_new_order_is_accepted(
    rig: Rig, steps: list[tuple[str, OrderState]], status: OrderState
) -> None:
    command = rig.begin(MODIFY, order_id="o1")
    for name, state in steps:
        rig.tell(answer(name, 200, about=order(status=state)))
        assert not command.future.done()
    rig.tell(answer(CREATE, 200, about=order("o2", status)))
    assert command.future.result(0) == order("o2", status)


def test_a_modification_may_end_without_an_order(rig: Rig) -> None:
    command = rig.begin(MODIFY, order_id="o1")
    rig.tell(answer(CREATE, 200, body="accepted", quota=3))
    assert command.future.result(0) == RailsOrder(
        "o1", "r1", MARKET, result_type=CREATE, status_code=200, reason="accepted", api_quota_used=3
    )


def test_an_answer_without_an_order_gives_what_is_known(rig: Rig) -> None:
    command = rig.begin(CREATE, confirm=False)
    rig.tell(answer(CREATE, 202, body="pending"))
    result = command.future.result(0)
    assert result == RailsOrder("", "r1", MARKET, result_type=CREATE, status_code=202, reason="pending")
    assert result.connection == "rails/1"


@pytest.mark.parametrize(("confirm", "codes"), [(False, [202]), (True, [202, 200])])
def test_leverage_has_no_result(rig: Rig, confirm: bool, codes: list[int]) -> None:
    command = rig.begin(LEVERAGE, confirm=confirm)
    for code in codes:
        assert not command.future.done()
        rig.tell(answer(LEVERAGE, code))
    assert command.future.result(0) is None


def test_a_ping_gives_the_seconds_it_took(rig: Rig) -> None:
    command = rig.begin(PING)
    rig.clock.now += 0.25
    for stranger in (None, "r2"):
        rig.commands.ponged(stranger)
        rig.commands.settle()
        assert not command.future.done()
    rig.commands.ponged("r1")
    rig.commands.settle()
    assert command.future.result(0) == 0.25


# Which command is answered


def test_answers_go_to_the_command_of_their_id(rig: Rig) -> None:
    first, second = rig.begin(request_id="r1"), rig.begin(request_id="r2")
    rig.tell(answer(CREATE, request_id="r2", about=order("o2")), answer(CREATE, request_id="r3", about=order("o3")))
    assert (first.future.done(), second.future.result(0)) == (False, order("o2"))


def test_an_id_may_carry_a_suffix(rig: Rig) -> None:
    command = rig.begin(CANCEL, order_id="o1")
    rig.tell(answer(CANCEL, request_id="r2#0"))
    assert not command.future.done()
    rig.tell(answer(CANCEL, request_id="r1#0", about=order(status=CANCELLED)))
    assert command.future.result(0) == order(status=CANCELLED)


@pytest.mark.parametrize(
    ("name", "about", "is_answer"),
    [
        (CANCEL, order("o1", CANCELLED), True),
        (CANCEL, order("o9", CANCELLED, client_request_id="r1"), True),
        (CANCEL, order("o9", CANCELLED, client_request_id="r9"), False),
        (CREATE, order("o1"), False),
        (CANCEL, None, False),
    ],
)
def test_an_answer_without_an_id_is_of_the_same_order_in_the_same_words(
    rig: Rig, name: str, about: RailsOrder | None, is_answer: bool
) -> None:
    command = rig.begin(CANCEL, order_id="o1")
    rig.tell(answer(name, request_id=None, about=about))
    assert command.future.done() is is_answer


def test_what_the_latest_were_about_is_remembered(rig: Rig) -> None:
    command = rig.begin()
    rig.commands.withdraw(command)
    known = rig.commands.known("r1")
    assert known == (command.name, MARKET, command.order_id)
    assert rig.commands.known("r2") is None
    for number in range(10_000):
        rig.commands.add(command)
        command.request_id = f"n{number}"
    assert rig.commands.known("r1") == known
    rig.commands.add(command)
    assert rig.commands.known("r1") is None


def test_what_the_exchange_says_of_the_quota_is_kept(rig: Rig) -> None:
    assert rig.commands.quota_used is None
    rig.tell(answer(CREATE, 202, request_id="stranger", quota=7), answer(CREATE, 200, request_id="stranger"))
    assert rig.commands.quota_used == 7


# Refusals


@pytest.mark.parametrize("confirm", [False, True])
@pytest.mark.parametrize("code", [400, 404, 409, 500])
@pytest.mark.parametrize("name", ORDERS)
def test_a_refusal_of_an_order_ends_the_command(rig: Rig, name: str, code: int, confirm: bool) -> None:
    command = rig.begin(name, confirm=confirm)
    rig.tell(answer(name, code, body="too bad"))
    error = rig.failure(command)
    assert type(error) is OrderRejected
    assert str(error) == f"rails: {name} was refused: too bad ({code})"
    assert (error.code, error.reason, error.command) == (code, "too bad", name)
    assert (error.request_id, error.client_request_id) == ("r1", "r1")
    assert rig.exceeded == 0


def test_an_order_may_be_refused_after_it_was_acknowledged(rig: Rig) -> None:
    command = rig.begin()
    rig.tell(answer(CREATE, 202), answer("rejectOrder", 400, body="crosses"))
    assert str(rig.failure(command)) == "rails: createOrder was refused: crosses (400)"


def test_a_refusal_of_leverage_is_not_one_of_an_order(rig: Rig) -> None:
    command = rig.begin(LEVERAGE)
    rig.tell(answer(LEVERAGE, 400))
    error = rig.failure(command)
    assert type(error) is RequestRejected
    assert str(error) == "rails: updateLeverage was refused: no reason given (400)"
    assert (error.code, error.reason, error.request_id, error.command) == (400, "", "r1", LEVERAGE)


@pytest.mark.parametrize("request_id", ["r1", "stranger", None])
def test_429_is_told_whoever_asked(rig: Rig, request_id: str | None) -> None:
    command = rig.begin()
    rig.tell(answer(CREATE, 429, request_id=request_id))
    assert rig.exceeded == 1
    assert command.future.done() is (request_id == "r1")
