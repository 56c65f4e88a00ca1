"""The comparison of decoders runs, and compares what it says; how fast is not judged here."""

from __future__ import annotations

import pytest

from benchmarks import decode


def test_every_row_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    decode.main(["--n", "500", "--rounds", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("bytes a frame: JSON ")
    rows = [line for line in lines if line.startswith("| event")]
    assert len(rows) == 3
    for row in rows:
        assert all(float(cell) > 0 for cell in row.split("|")[2:-1])
