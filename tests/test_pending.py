"""Requests that wait for an answer, and their deadlines. The watch over them: see the client's watchdog tests."""

from __future__ import annotations

import pytest

from bigone_sync.pending import Pending
from bigone_sync.protocol.base import Command, Request


def request(ident: str) -> Request:
    return Request(ident, Command.SUBSCRIBE, "subscribeMarketDepthRequest")


@pytest.fixture
def pending() -> Pending:
    pending = Pending(reply=10)
    pending.add(request("1"), 100.0)
    pending.add(request("2"), 105.0)
    return pending


def test_each_has_its_own_deadline_and_is_overdue_once(pending: Pending) -> None:
    assert pending.overdue(110.0) == []
    assert [late.id for late in pending.overdue(110.1)] == ["1"]
    assert pending.overdue(110.2) == []
    assert [late.id for late in pending.overdue(200.0)] == ["2"]


def test_what_was_answered_is_not_overdue(pending: Pending) -> None:
    pending.answered("1")
    pending.answered("1")
    pending.answered("unknown")
    assert [late.id for late in pending.overdue(1000.0)] == ["2"]


def test_a_new_connection_expects_nothing(pending: Pending) -> None:
    pending.clear()
    assert pending.overdue(1000.0) == []


def test_time_in_which_nothing_could_be_read_does_not_count(pending: Pending) -> None:
    pending.postpone(7.0)
    assert pending.overdue(117.0) == []
    assert [late.id for late in pending.overdue(117.1)] == ["1"]
