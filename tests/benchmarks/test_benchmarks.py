"""The benchmarks run and measure what they say; how fast is not judged here."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from benchmarks import contract_channels, contract_soak, hot_path, soak, soaking
from benchmarks.payloads import depth_feed, ticker_feed, trade_feed
from bigone_sync.testing.leaks import Census, LiveThread, census, leak_check


def test_depth_updates_chain_to_the_snapshot_and_never_cross() -> None:
    feed = depth_feed(500)
    answer = json.loads(feed.snapshot("7"))
    assert answer["requestId"] == "7"
    last = int(answer["depthSnapshot"]["changeId"])
    depth = answer["depthSnapshot"]["depth"]
    sides = {name: {float(row["price"]): row["amount"] for row in depth[name]} for name in ("bids", "asks")}
    for data in feed.updates:
        update = json.loads(data)["depthUpdate"]
        assert int(update["prevId"]) == last
        last = int(update["changeId"])
        for name, side in sides.items():
            rows = update["depth"][name]
            assert 1 <= len(rows) <= 5
            for row in rows:
                side.pop(float(row["price"]), None)
                if float(row["amount"]):
                    side[float(row["price"])] = row["amount"]
        assert max(sides["bids"]) < min(sides["asks"])
    assert last == feed.last_id
    assert depth_feed(500).updates == feed.updates


@pytest.mark.parametrize("make", [trade_feed, ticker_feed])
def test_other_feeds_are_json_and_repeatable(make: object) -> None:
    assert callable(make)
    feed = make(50)
    assert len({json.dumps(json.loads(data)) for data in feed.updates}) == 50
    assert make(50).updates == feed.updates


def test_the_hot_path_measures_every_case(capsys: pytest.CaptureFixture[str]) -> None:
    with leak_check():
        hot_path.main(["--n", "2000", "--rounds", "1"])
    table = capsys.readouterr().out
    for case in hot_path.CASES:
        row = next(line for line in table.splitlines() if line.startswith(f"| {case.name} |"))
        assert float(row.split("|")[2].replace(",", "")) > 0


@pytest.mark.parametrize("protocol", ["json", "proto"])
def test_a_short_soak_finds_nothing_wrong(protocol: str, capsys: pytest.CaptureFixture[str]) -> None:
    with leak_check():
        assert soak.run(4.0, seed=3, protocol=protocol) == []
    assert "misfortunes" in capsys.readouterr().out


def test_a_short_soak_of_contracts_finds_nothing_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    with leak_check():
        assert contract_soak.run(4.0, seed=3) == []
    said = capsys.readouterr().out
    assert "misfortunes" in said
    assert "20 connections" in said


def test_many_contract_channels_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    with leak_check():
        contract_channels.main(["--channels", "5", "--seconds", "0.5", "--rate", "20"])
    _, _, one, five = capsys.readouterr().out.splitlines()
    assert one.startswith("| 1 | 1 | 4 |")
    assert five.startswith("| 5 | 5 | 8 |")
    assert float(five.split("|")[6]) > 0


def test_what_a_soak_leaves_behind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soaking, "_END", 0.01)
    before = census()
    soaking.wait_not_grown(before)
    with socket.create_server(("127.0.0.1", 0)) as left:
        port = left.getsockname()[1]
        with pytest.raises(AssertionError, match=rf"grew .* 1 came: descriptor \d+ socket:.* 127.0.0.1:{port} "):
            soaking.wait_not_grown(before)
        # Fewer threads do not make up for it.
        more = Census(before.threads | {LiveThread("one more", 1, 1)}, before.descriptors)
        with pytest.raises(AssertionError, match=r"1 came: .* 1 went: thread 'one more'"):
            soaking.wait_not_grown(more)
    is_over = threading.Event()
    thread = threading.Thread(target=is_over.wait, name="late")
    thread.start()
    with pytest.raises(AssertionError, match="1 came: thread 'late'"):
        soaking.wait_not_grown(before)
    is_over.set()
    thread.join()
