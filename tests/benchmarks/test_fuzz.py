"""The fuzz script does what it says, and fails where it should."""

from __future__ import annotations

import pytest

from benchmarks import fuzz
from bigone_sync.protocol.spot import SpotProtocol


@pytest.mark.parametrize("codec", ["json", "proto"])
def test_mutated_frames_are_read_or_reported(codec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--frames", "3000", "--codec", codec, "--seed", "7"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{codec}: 3,000 frames in ")
    assert "DecodeError" in said
    assert "DepthUpdate" in said


def test_an_exception_that_escapes_ends_it_and_shows_the_frame(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    receive = SpotProtocol.receive
    calls = 0

    def broken(self: SpotProtocol, frames: list[bytes], at: float) -> object:
        nonlocal calls
        calls += 1
        if calls == 100:
            raise KeyError("not what receive() may raise")
        return receive(self, frames, at)

    monkeypatch.setattr(SpotProtocol, "receive", broken)
    with pytest.raises(KeyError):
        fuzz.main(["--frames", "3000", "--codec", "proto"])
    assert "proto: frame 9" in capsys.readouterr().err
