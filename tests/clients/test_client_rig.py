"""What the other tests here rely on."""

from __future__ import annotations

import pytest
from client_rig import BTC, Log, running, spot

from bigone_sync.testing.exchange import LocalExchange


def test_every_test_runs_with_clients_of_each_codec_even_if_it_names_none(
    still: LocalExchange, request: pytest.FixtureRequest
) -> None:
    client = spot(still.spot_url)
    client.on_depth(BTC, Log())
    with running(client):
        [headers] = still.handshake_headers
    assert headers["Sec-WebSocket-Protocol"] == request.node.callspec.params["protocol"]


@pytest.mark.one_codec
def test_but_for_those_that_say_so(still: LocalExchange, request: pytest.FixtureRequest) -> None:
    assert not hasattr(request.node, "callspec")
