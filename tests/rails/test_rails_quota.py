"""The limit of order operations, on a clock that the tests turn."""

from __future__ import annotations

import pytest
from rails_made import Clock

from bigone_sync.rails.quota import OrderQuota


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def quota(clock: Clock) -> OrderQuota:
    return OrderQuota(clock)


def test_the_minute_starts_with_the_first_operation(clock: Clock, quota: OrderQuota) -> None:
    assert quota.used == 0
    clock.now = 1010.0
    assert [quota.take(2), quota.take(2)] == [0.0, 0.0]
    clock.now = 1015.0
    assert quota.take(2) == 55.0
    assert quota.used == 2
    clock.now = 1069.5
    assert quota.take(2) == 0.5
    clock.now = 1070.0
    assert quota.used == 0
    # And the next one with the first that follows it.
    clock.now = 1080.0
    assert [quota.take(1), quota.take(1)] == [0.0, 60.0]


def test_what_was_not_sent_is_given_back(quota: OrderQuota) -> None:
    quota.give_back()
    assert quota.used == 0
    assert [quota.take(1), quota.take(1)] == [0.0, 60.0]
    quota.give_back()
    assert quota.used == 0
    assert quota.take(1) == 0.0


def test_after_429_nothing_goes_in_the_running_minute(clock: Clock, quota: OrderQuota) -> None:
    assert quota.take(250) == 0.0
    clock.now += 20
    quota.exceeded()
    assert quota.take(250) == 40.0
    assert quota.used == 1
    clock.now += 40
    assert quota.take(250) == 0.0


def test_429_without_an_operation_begins_a_minute(clock: Clock, quota: OrderQuota) -> None:
    quota.take(250)
    clock.now += 100
    quota.exceeded()
    clock.now += 1
    assert (quota.take(250), quota.used) == (59.0, 0)


def test_one_account_has_one_for_the_whole_process() -> None:
    account = "account of test_rails_quota"
    assert OrderQuota.of(account) is OrderQuota.of(account)
    assert OrderQuota.of(account) is not OrderQuota.of(f"another {account}")
    assert OrderQuota.of(account).take(1) == 0.0
    assert 59.0 < OrderQuota.of(account).take(1) <= 60.0
