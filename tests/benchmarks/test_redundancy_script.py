"""The judge of several Rails connections passes what is right, and finds what is wrong."""

from __future__ import annotations

import pytest

from benchmarks import redundancy
from benchmarks.redundancy_faults import KINDS

_SHORT = ["--seconds", "3", "--seed", "4"]


def test_a_short_run_passes_and_shows_the_times(capsys: pytest.CaptureFixture[str]) -> None:
    assert redundancy.main(_SHORT) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("longest time without data")
    rows = [line.split() for line in said if line.split()[0] in KINDS]
    assert rows
    for row in rows:
        assert int(row[1]) >= 1
    assert any(line.startswith("redundancy=2: ") for line in said)
    assert any(line.startswith("one connection: ") for line in said)
    assert said[-1] == "redundancy passed"
