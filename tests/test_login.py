"""What the answers to a login mean, step by step."""

from __future__ import annotations

import pytest

from bigone_sync.errors import AuthenticationError, RequestRejected
from bigone_sync.login import Login, LoginState, Step
from bigone_sync.protocol.base import ServerError

NOT_LOGGED_IN = ServerError(45001, "login status error")
INTERNAL = ServerError(45000, "GRPC error: xxx")


@pytest.fixture
def login() -> Login:
    login = Login("spot/private", stable_after=10)
    login.asked()
    return login


def test_yes(login: Login) -> None:
    assert login.state is LoginState.ASKED
    assert login.answered(None) is Step.GO_ON
    assert (login.state, login.failure) == (LoginState.IN, None)


@pytest.mark.parametrize("error", [NOT_LOGGED_IN, ServerError(None, "success without ok")])
def test_a_refusal_is_tried_once_more_and_then_final(login: Login, error: ServerError) -> None:
    assert login.answered(error) is Step.ASK
    login.asked()
    assert login.answered(error) is Step.GIVE_UP
    failure = login.failure
    assert isinstance(failure, AuthenticationError)
    assert (failure.code, failure.reason) == (error.code, error.message)
    assert "spot/private" in str(failure)


def test_a_refusal_that_passes_at_the_second_try(login: Login) -> None:
    assert login.answered(NOT_LOGGED_IN) is Step.ASK
    login.asked()
    assert login.answered(None) is Step.GO_ON


def test_another_error_ends_this_connection_only(login: Login) -> None:
    assert login.answered(INTERNAL) is Step.GIVE_UP
    assert type(login.failure) is RequestRejected


def test_a_new_connection_starts_afresh(login: Login) -> None:
    login.answered(NOT_LOGGED_IN)
    login.reset()
    assert (login.state, login.failure) == (LoginState.OUT, None)
    login.asked()
    assert login.answered(NOT_LOGGED_IN) is Step.ASK


def test_a_login_lost_later_is_renewed_once(login: Login) -> None:
    login.answered(None)
    assert login.lost(NOT_LOGGED_IN, 100.0, of_request=False) is Step.ASK
    login.asked()
    assert login.answered(NOT_LOGGED_IN) is Step.GIVE_UP
    assert isinstance(login.failure, AuthenticationError)


@pytest.mark.parametrize(("pause", "step"), [(9.9, Step.GIVE_UP), (10.0, Step.ASK)])
def test_lost_again_is_final_only_within_the_stable_time(login: Login, pause: float, step: Step) -> None:
    login.answered(None)
    login.lost(NOT_LOGGED_IN, 100.0, of_request=False)
    login.asked()
    login.answered(None)
    assert login.lost(NOT_LOGGED_IN, 100.0 + pause, of_request=True) is step


def test_a_command_that_is_refused_again_says_nothing_about_the_login(login: Login) -> None:
    login.answered(None)
    assert login.lost(NOT_LOGGED_IN, 100.0, of_request=True, of_call=True) is Step.ASK
    login.asked()
    login.answered(None)
    assert login.lost(NOT_LOGGED_IN, 100.1, of_request=True, of_call=True) is Step.NOTHING
    assert (login.state, login.failure) == (LoginState.IN, None)
    assert login.lost(NOT_LOGGED_IN, 110.0, of_request=True, of_call=True) is Step.ASK


def test_nobody_wanted_to_be_logged_in() -> None:
    assert Login("spot/depth", 10).lost(NOT_LOGGED_IN, 0.0, of_request=False) is Step.REPORT


def test_a_request_sent_before_the_login_says_nothing_about_it(login: Login) -> None:
    assert login.lost(NOT_LOGGED_IN, 0.0, of_request=True) is Step.NOTHING
    assert login.answered(None) is Step.GO_ON


def test_a_lost_login_may_be_reported_for_each_stream() -> None:
    login = Login("x", 10.0)
    login.asked()
    login.answered(None)
    assert login.lost(NOT_LOGGED_IN, 100.0, of_request=False) is Step.ASK
    login.asked()
    # The exchange says it again, before it has seen the new login.
    assert login.lost(NOT_LOGGED_IN, 100.1, of_request=False) is Step.NOTHING
    assert login.lost(NOT_LOGGED_IN, 100.2, of_request=True) is Step.NOTHING
    assert login.answered(None) is Step.GO_ON
    assert login.state is LoginState.IN
