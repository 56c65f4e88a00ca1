"""What is shared by the whole process, and not with its children."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from bigone_sync.process_wide import ProcessWide
from bigone_sync.rails.quota import OrderQuota
from bigone_sync.rails_token import RailsTokens
from bigone_sync.rest._limiter import Limiter
from bigone_sync.transport.pacing import DialWindow


def test_a_name_has_one_object_which_is_made_once() -> None:
    made: list[str] = []
    shared: ProcessWide[list[str]] = ProcessWide()

    def make() -> list[str]:
        made.append("one more")
        return []

    assert shared.of("a", make) is shared.of("a", make)
    assert shared.of(("a", "b"), make) is not shared.of("a", make)
    assert len(made) == 2
    shared.forget()
    assert len(made) == 2
    shared.of("a", make)
    assert len(made) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize(
    "of",
    [Limiter.of, DialWindow.of, OrderQuota.of, lambda name: RailsTokens.of("https://nowhere.test", name)],
    ids=["limiter", "dial window", "quota", "tokens"],
)
def test_a_forked_child_begins_anew(of: Callable[[str], object]) -> None:
    parents = of("forked")
    assert of("forked") is parents
    child = os.fork()
    if child == 0:
        os._exit(0 if of("forked") is not parents else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert of("forked") is parents


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_lock_that_is_held_while_the_process_forks_is_none_of_the_childs() -> None:
    shared: ProcessWide[object] = ProcessWide()
    with shared._lock:
        child = os.fork()
        if child == 0:
            shared.of("a", object)
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
