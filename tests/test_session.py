"""One session and its real connection, without a client: the open sequence, the registry, endings."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import pytest
from session_rig import Rig

from bigone_sync import Channel, ConnectionState, Credentials, SubscriptionState
from bigone_sync.auth import TokenSigner
from bigone_sync.errors import AuthenticationError, ConfigurationError, ConnectionLost
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

BTC, ETH = "BTC-USDT", "ETH-USDT"
SIGNER = TokenSigner(Credentials("key", "secret"))


@pytest.fixture
def still() -> Iterator[LocalExchange]:
    """An exchange in which something happens only on command."""
    with leak_check(), LocalExchange(rate=0) as exchange:
        yield exchange


def members(exchange: LocalExchange) -> list[str]:
    return [next(name for name in request if name != "requestId") for _, request in exchange.requests]


def test_streams_wanted_before_and_after_the_connection_is_up(still: LocalExchange) -> None:
    rig = Rig(still)
    early, late = rig.stream(Channel.DEPTH, BTC), rig.stream(Channel.TRADES, BTC)
    rig.session.add(early)
    assert early.state == SubscriptionState.WANTED
    assert not rig.session.is_ready
    with rig.running() as session:
        wait_until(lambda: session.is_ready)
        session.add(late)
        session.flush()
        assert late.state in (SubscriptionState.REQUESTED, SubscriptionState.LIVE)
        wait_until(lambda: session.is_ready)
        assert {stream.state for stream in session.wanted()} == {SubscriptionState.LIVE}
        assert rig.hub.changes > 0
    assert members(still) == ["subscribeMarketDepthRequest", "subscribeMarketTradesRequest"]
    assert {early.state, late.state} == {SubscriptionState.ENDED}
    assert not rig.hub.errors


def test_the_open_sequence_waits_for_the_login_and_asks_private_streams_first(still: LocalExchange) -> None:
    rig = Rig(still, SIGNER)
    still.mute_auth()
    for channel, market in (
        (Channel.DEPTH, BTC),
        (Channel.TICKER, BTC),
        (Channel.ORDERS, BTC),
        (Channel.TICKER, ETH),
        (Channel.ACCOUNTS, None),
    ):
        rig.session.add(rig.stream(channel, market))
    with rig.running() as session:
        wait_until(lambda: members(still) == ["authenticateCustomerRequest"])
        assert session.connection.state == ConnectionState.AUTHENTICATING
        still.send_raw('{"requestId":"1","success":{"ok":true}}')
        wait_until(lambda: len(members(still)) >= 5)
    assert members(still)[:5] == [
        "authenticateCustomerRequest",
        "subscribeViewerOrdersRequest",
        "subscribeViewerAccountsRequest",
        "subscribeMarketsTickerRequest",
        "subscribeMarketDepthRequest",
    ]


def test_raw_frames_out_show_no_token(still: LocalExchange) -> None:
    rig = Rig(still, SIGNER)
    rig.session.add(rig.stream(Channel.ACCOUNTS))
    with rig.running() as session:
        wait_until(lambda: session.is_ready)
    out = [json.loads(frame.data) for frame in rig.hub.frames if frame.direction == "out"]
    assert out[0] == {"requestId": "1", "authenticateCustomerRequest": {"token": "***"}}
    assert [frame.direction for frame in rig.hub.frames] == ["out", "in", "out", "in"]


def test_a_token_is_signed_for_every_login(still: LocalExchange) -> None:
    signed: list[str] = []

    def token() -> str:
        signed.append(SIGNER())
        return signed[-1]

    rig = Rig(still, token)
    rig.session.add(rig.stream(Channel.ACCOUNTS))
    with rig.running() as session:
        for number in (1, 2, 3):
            wait_until(lambda number=number: len(signed) == number and session.is_ready)  # type: ignore[misc]
            if number < 3:
                still.drop_connections()
    assert len(set(signed)) == 3


@pytest.mark.parametrize("error", [ConfigurationError("clock"), AuthenticationError("no"), ZeroDivisionError()])
def test_a_signer_that_fails_does_not_hang_the_session(still: LocalExchange, error: Exception) -> None:
    def token() -> str:
        raise error

    rig = Rig(still, token)
    stream = rig.stream(Channel.ACCOUNTS)
    rig.session.add(stream)
    with rig.running():
        wait_until(lambda: rig.hub.fatals or len(rig.hub.errors) >= 2)
    assert bool(rig.hub.fatals) == isinstance(error, (ConfigurationError, AuthenticationError))
    assert members(still) == []


def test_requests_made_while_the_connection_is_lost_are_not_sent_twice(still: LocalExchange) -> None:
    rig = Rig(still)
    rig.session.add(rig.stream(Channel.DEPTH, BTC))
    with rig.running() as session:
        wait_until(lambda: session.is_ready)
        still.take_down()
        wait_until(lambda: session.connection.state != ConnectionState.READY)
        stream = rig.stream(Channel.TRADES, BTC)
        session.add(stream)
        session.add(gone := rig.stream(Channel.TRADES, ETH))
        session.remove(gone)
        session.flush()
        assert stream.state == SubscriptionState.WANTED
        still.bring_up()
        wait_until(lambda: session.is_ready)
    second = max(number for number, _ in still.requests)
    asked = [request for number, request in still.requests if number == second]
    assert [sorted(request)[1] for request in asked] == ["subscribeMarketDepthRequest", "subscribeMarketTradesRequest"]
    assert gone.state == SubscriptionState.ENDED


def test_an_end_for_good_ends_every_stream_with_its_reason(still: LocalExchange) -> None:
    still.refuse_handshakes(403)
    rig = Rig(still)
    stream = rig.stream(Channel.DEPTH, BTC)
    rig.session.add(stream)
    with rig.running():
        wait_until(lambda: rig.hub.fatals)
        [failure] = rig.hub.fatals
        [buffer] = stream.buffers
        with pytest.raises(type(failure)) as caught:
            buffer.get(0)
        assert caught.value is failure
        assert stream.state == SubscriptionState.ENDED


def test_a_check_never_waits_for_a_busy_session(still: LocalExchange) -> None:
    rig = Rig(still)
    rig.session.add(rig.stream(Channel.DEPTH, BTC))
    with rig.running() as session:
        wait_until(lambda: session.is_ready)
        done = threading.Event()
        with session._lock:
            checker = threading.Thread(target=lambda: (session.check(time.monotonic()), done.set()))
            checker.start()
            assert done.wait(5)
            checker.join(5)


def test_losses_are_told_and_streams_stand_still_until_the_next_snapshot(still: LocalExchange) -> None:
    rig = Rig(still)
    stream = rig.stream(Channel.DEPTH, BTC)
    rig.session.add(stream)
    with rig.running() as session:
        wait_until(lambda: session.is_ready)
        still.take_down()
        wait_until(lambda: rig.hub.errors)
        assert isinstance(rig.hub.errors[0], ConnectionLost)
        assert stream.state == SubscriptionState.STALE
        still.bring_up()
        wait_until(lambda: session.is_ready)
        assert stream.state == SubscriptionState.LIVE
    assert (ConnectionState.READY, ConnectionState.WAITING) in rig.hub.states
