"""The demo as a user runs it: plain lines, Ctrl-C, options, missing packages."""

from __future__ import annotations

import re

import pytest
from cli_process import running

from bigone_sync.cli import main

CONTRACT_CHANNELS = {"stream": "0", "depth@BTCUSDT": "0", "trades@BTCUSDT": "01", "instruments": "0"}
"""Of a contract client, with the gaps that a reconnect may make: on a slow machine there may be more trades than a new
socket tells."""


def channel_row(text: str, channel: str) -> list[str]:
    """The words of a row of the table of numbers."""
    rows = [line.split() for line in text.splitlines() if line.split()[:1] == [channel]]
    assert len(rows) == 1, text
    return rows[0]


@pytest.mark.parametrize("protocol", ["json", "proto"])
def test_plain_lines_tell_the_whole_story(protocol: str) -> None:
    with running("-m", "bigone_sync", "demo", "--seconds", "4", "--protocol", protocol) as process:
        assert process.wait() == 0, process.text
        text = process.text

    assert f"connected: 4 channels over {protocol}, streams live" in text
    assert "Traceback" not in text
    assert "\x1b" not in text
    # The market and the kept book.
    assert re.search(r"market +bid [\d,]+\.\d\d x [\d.]+ +ask [\d,]+\.\d\d x [\d.]+ +book LIVE", text)
    # An order's life, and the money it took.
    assert re.search(r"order +#1 BUY .*: PENDING\n", text)
    assert re.search(r"order +#1 BUY .*: PENDING, [\d.]+ filled", text)
    assert re.search(r"order +#1 BUY .*: FILLED, ", text)
    assert re.search(r"order +#2 SELL .*: (CANCELLED|FILLED), ", text)
    assert re.search(r"balance +USDT .* in total, [1-9][\d,.]+ locked", text)
    # The reset and the way back, in this order.
    story = [
        "all 4 connections are reset",
        "spot/depth: READY -> WAITING",
        "spot/depth: WAITING -> CONNECTING",
        "the path works again",
        "spot/depth: AUTHENTICATING -> READY",
        "STALE -> LIVE",
        "recovered",
    ]
    positions = [text.index(part, text.index(story[0])) for part in story]
    assert positions == sorted(positions)
    assert "LIVE -> STALE" in text
    assert "[from the snapshot]" in text[positions[4] :]
    # The numbers and the proof.
    for channel in ("private", "depth", "trades", "ticker"):
        row = channel_row(text, channel)
        assert row[1] == "READY"
        assert int(row[2].replace(",", "")) > 5
        assert row[6:8] == ["1", "0"]  # reconnects, gaps
        assert float(row[8]) > 0  # ping
    assert re.search(r"ok +recovered [\d.]+ s after the reset", text)
    assert re.search(r"ok +kept book equals the engine's: \d+ bids, \d+ asks", text)
    assert re.search(r"ok +\d+ trades: none missed, none twice", text)
    assert re.search(r"ok +3 own orders", text)
    assert re.search(r"ok +2 balances", text)
    assert "FAILED" not in text
    assert max(map(len, text[text.index("client.stats()") :].splitlines())) <= 80


def test_the_story_of_a_contract() -> None:
    with running("-m", "bigone_sync", "demo", "--venue", "contract", "--seconds", "5") as process:
        assert process.wait() == 0, process.text
        text = process.text

    assert "connected: 4 channels over json, streams live" in text
    assert "Traceback" not in text
    assert re.search(r"market +bid [\d,]+\.\d\d x [\d,.]+ +ask .* book LIVE, .*, mark [\d,]+\.\d\d", text)
    # An order's life, and what it does to position and cash.
    assert re.search(r"order +#1 BUY [\d,]+ @ .*: NEW\n", text)
    assert re.search(r"order +#1 BUY .*: PARTIALLY_FILLED, [\d,.]+ filled", text)
    assert re.search(r"order +#1 BUY .*: FILLED, ", text)
    assert re.search(r"order +#2 SELL .*: (PARTIALLY_CANCELED|FILLED), ", text)
    assert re.search(r"order +#3 SELL .*: FILLED, ", text)
    # What happened during the outage was asked for by REST.
    assert not re.search(r"gap +(ORDERS|FILLS|POSITIONS)", text)
    assert re.search(r"fill +#1 BUY [\d,.]+ @ [\d,.]+, fee [\d,.]+, PnL 0\.00", text)
    assert re.search(r"position +BTCUSDT flat", text)
    assert re.search(r"position +BTCUSDT long [\d,.]+ contracts, entered at [\d,.]+, PnL -?[\d,.]+ open", text)
    assert re.search(r"cash +USDT [\d,.]+ in total, 0\.00 for positions, [1-9][\d,.]+ for orders", text)
    # The reset and the way back, in this order.
    story = [
        "all 4 connections are reset",
        "contract/stream: READY -> WAITING",
        "contract/stream: WAITING -> CONNECTING",
        "the path works again",
        "contract/stream: AUTHENTICATING -> READY",
    ]
    positions = [text.index(part, text.index(story[0])) for part in story]
    assert positions == sorted(positions)
    for part in (*(f"contract/{name}: AUTHENTICATING -> READY" for name in CONTRACT_CHANNELS), "STALE -> LIVE"):
        assert text.index("the path works again") < text.rindex(part) < text.index(" recovered ")
    # The numbers and the proof.
    for channel, gaps in CONTRACT_CHANNELS.items():
        row = channel_row(text, channel)
        assert row[1] == "READY"
        assert int(row[2].replace(",", "")) > 5
        assert row[6] == "1"  # reconnects
        assert row[7] in gaps
        assert float(row[8]) > 0  # ping
    assert re.search(r"ok +recovered [\d.]+ s after the reset", text)
    assert re.search(r"ok +kept book equals the engine's: \d+ bids, \d+ asks", text)
    assert re.search(r"ok +\d+ trades: (none missed, )?none twice, all in order", text)
    assert re.search(r"ok +3 own orders", text)
    assert re.search(r"ok +1 position", text)
    assert re.search(r"ok +cash in 1 currency", text)
    assert "FAILED" not in text
    assert max(map(len, text[text.index("client.stats()") :].splitlines())) <= 80


def test_the_story_of_rails() -> None:
    with running("-m", "bigone_sync", "demo", "--venue", "rails", "--seconds", "2") as process:
        assert process.wait() == 0, process.text
        text = process.text

    assert "connected: 2 connections alike over json, 1 access token fetched by REST, streams live" in text
    assert "Traceback" not in text
    assert re.search(r"market +bid [\d,]+\.\d\d x [\d.]+ +ask [\d,]+\.\d\d x [\d.]+ +book LIVE", text)
    # Commands, and an order's life, in phases.
    assert re.search(r"command +create_order: 202 order created, pending acceptance\n", text)
    assert re.search(r"command +create_order, post-only: 202 order created", text)
    assert re.search(r"command +cancel_order: (202 cancelling order|404 )", text)
    life = [text.index(f": {state}", text.index("order    #1 BUY")) for state in ("PENDING", "ACTIVE", "FILLED, ")]
    assert life == sorted(life)
    assert re.search(r"order +#2 SELL .*: (CANCELLED|FILLED), ", text)
    assert re.search(r"fill +#1 BUY [\d.]+ @ [\d,.]+ as maker, fee [\d.]+", text)
    # One connection is lost, then all of them, in this order.
    story = [
        "the leading connection alone is cut",
        "leads from here on",
        "nothing was missing: rails/BTC-USD#",
        "both connections are reset",
        "LIVE -> STALE",
        "the path works again",
        "STALE -> LIVE",
        "recovered",
    ]
    positions = [text.index(part) for part in story]
    assert positions == sorted(positions)
    assert text.index("the path works again") < text.index("[from the REST answer]") < text.index("recovered")
    assert re.search(r"the cut, failovers: 1\n", text)
    assert not re.search(r"\d s +gap ", text)
    # The numbers and the proof.
    rows = [channel_row(text, f"BTC-USD#{number}") for number in (0, 1)]
    assert [row[1] for row in rows] == ["READY", "READY"]
    assert sorted(row[6] for row in rows) == ["1", "2"]  # reconnects
    assert [row[7] for row in rows] == ["0", "0"]  # gaps
    assert "\nfailovers: " in text
    assert re.search(r"ok +recovered [\d.]+ s after the reset", text)
    assert re.search(r"ok +BTC-USD#[01] was cut, BTC-USD#[01] went on: no gap, book LIVE throughout", text)
    assert re.search(r"ok +kept book equals the engine's: \d+ bids, \d+ asks", text)
    assert re.search(r"ok +\d+ trades: none missed, none twice", text)
    assert re.search(r"ok +3 own orders", text)
    assert re.search(r"ok +\d+ own trades: none missed, none twice", text)
    assert "FAILED" not in text
    assert max(map(len, text[text.index("client.stats()") :].splitlines())) <= 80


def test_a_contract_that_is_settled_in_coins() -> None:
    options = ("--venue", "contract", "--market", "ETHUSD", "--seconds", "2", "--seed", "7")
    with running("-m", "bigone_sync", "demo", *options) as process:
        assert process.wait() == 0, process.text
        assert re.search(r"cash +ETH 1,000\.0+ in total", process.text)
        assert re.search(r"position +ETHUSD long ", process.text)
        assert re.search(r"ok +3 own orders", process.text)


def test_another_market_with_another_seed() -> None:
    with running("-m", "bigone_sync", "demo", "--seconds", "2", "--market", "DOGE-EUR", "--seed", "7") as process:
        assert process.wait() == 0, process.text
        assert "DOGE-EUR" in process.text
        assert re.search(r"balance +DOGE ", process.text)
        assert "kept book equals the engine's" in process.text


@pytest.mark.parametrize(("venue", "channel"), [("spot", "depth"), ("contract", "depth@BTCUSDT")])
def test_ctrl_c_ends_with_the_summary(venue: str, channel: str) -> None:
    with running("-m", "bigone_sync", "demo", "--seconds", "600", "--venue", venue) as process:
        process.wait_for("book LIVE")
        process.interrupt()
        assert process.wait() == 130, process.text
        assert "Traceback" not in process.text
        assert "interrupted" in process.text
        assert channel_row(process.text, channel)[1] == "READY"
        assert "kept book equals the engine's" in process.text
        assert "recovered" not in process.text


def test_ctrl_c_during_a_failover_still_sees_it_through() -> None:
    with running("-m", "bigone_sync", "demo", "--seconds", "6", "--venue", "rails") as process:
        process.wait_for("the leading connection alone is cut")
        process.interrupt()
        assert process.wait() == 130, process.text
        assert "Traceback" not in process.text
        assert re.search(r"ok +BTC-USD#[01] was cut, BTC-USD#[01] went on", process.text)
        assert "recovered" not in process.text
        assert "FAILED" not in process.text


@pytest.mark.parametrize(("venue", "seconds"), [("spot", "6"), ("contract", "6"), ("rails", "4")])
def test_ctrl_c_during_the_outage_still_heals_and_compares(venue: str, seconds: str) -> None:
    with running("-m", "bigone_sync", "demo", "--seconds", seconds, "--venue", venue) as process:
        process.wait_for("connections are reset")
        process.interrupt()
        assert process.wait() == 130, process.text
        assert "Traceback" not in process.text
        assert re.search(r"ok +recovered", process.text)
        assert "FAILED" not in process.text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--seconds", "1.9"], "--seconds"),
        (["--seconds", "3601"], "--seconds"),
        (["--seconds", "nan"], "--seconds"),
        (["--seconds", "long"], "--seconds"),
        (["--market", "btc-usdt"], "did you mean 'BTC-USDT'?"),
        (["--market", "BTCUSDT"], "BASE-QUOTE"),
        (["--market", "BTC-BTC"], "base and quote must differ"),
        (["--seed", "x"], "--seed"),
        (["--protocol", "xml"], "'json', 'proto'"),
        (["--venue", "margin"], "'spot', 'contract', 'rails'"),
        (["--venue", "contract", "--protocol", "proto"], "contracts speak JSON only"),
        (["--venue", "contract", "--market", "BTC-USDT"], "contracts have no dash; did you mean 'BTCUSDT'?"),
        (["--venue", "contract", "--market", "btcusdt"], "symbols are upper case; did you mean 'BTCUSDT'?"),
        (["--venue", "contract", "--market", "BTCEUR"], "in USDT, like 'BTCUSDT', not 'BTCEUR'"),
        (["--venue", "contract", "--market", "USDT"], "not 'USDT'"),
        (["--venue", "rails", "--protocol", "proto"], "Rails speaks JSON only"),
        (["--venue", "rails", "--market", "btc-usd"], "did you mean 'BTC-USD'?"),
        (["--venue", "rails", "--market", "ALL"], "BASE-QUOTE"),
        (["--what"], "--what"),
        (["more"], "more"),
    ],
)
def test_bad_options_are_usage_errors(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["demo", *options], prog_name="bigone-sync")
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert "Usage: bigone-sync demo" in printed.err
    # The message may be broken into lines.
    assert said in " ".join(printed.err.split())
    assert not printed.out


def test_a_usage_error_is_the_status_of_the_process() -> None:
    with running("-m", "bigone_sync", "demo", "--venue", "margin") as process:
        assert process.wait() == 2, process.text
        assert "Usage: bigone-sync demo" in process.text


def test_help_and_version() -> None:
    with running("-m", "bigone_sync", "--help") as process:
        assert process.wait() == 0
        assert "demo" in process.text
    with running("-m", "bigone_sync", "demo", "-h") as process:
        assert process.wait() == 0
        text = " ".join(process.text.split()).replace("BTC- ", "BTC-")  # lines are broken there, too
        assert "130 after Ctrl-C" in text
        assert "BTC-USDT; with --venue contract BTCUSDT, rails BTC-USD" in text
    with running("-m", "bigone_sync", "--version") as process:
        assert process.wait() == 0
        assert re.fullmatch(r"bigone-sync, version \d+\.\d+\S*", process.text)


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_one_line_says_what_to_install(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; import bigone_sync.cli"
    with running("-c", code) as process:
        assert process.wait() == 1
        assert len(process.lines) == 1
        assert missing in process.text
        assert 'pip install "bigone_sync[demo]"' in process.text


def test_without_the_local_exchange_one_line_says_what_to_install() -> None:
    code = "import sys; sys.modules['aiohttp'] = None; from bigone_sync.cli import main; main(['demo'])"
    with running("-c", code) as process:
        assert process.wait() == 1
        assert len(process.lines) == 1
        assert "aiohttp" in process.text
        assert 'pip install "bigone_sync[demo]"' in process.text


def test_a_missing_protobuf_is_named_and_json_does_without() -> None:
    blocked = "import sys; sys.modules['google.protobuf'] = None; from bigone_sync.cli import main"
    with running("-c", f"{blocked}; main(['demo', '--seconds', '2', '--protocol', 'proto'])") as process:
        assert process.wait() == 1
        assert "protobuf" in process.text
        assert "Traceback" not in process.text
    with running("-c", f"{blocked}; main(['demo', '--seconds', '2'])") as process:
        assert process.wait() == 0, process.text


def test_the_library_itself_needs_none_of_them() -> None:
    blocked = "import sys; sys.modules.update(dict.fromkeys(('click', 'rich', 'aiohttp', 'google.protobuf')))"
    with running("-c", f"{blocked}; import bigone_sync; bigone_sync.SpotClient(); print('fine')") as process:
        assert process.wait() == 0, process.text
        assert process.lines == ["fine"]
