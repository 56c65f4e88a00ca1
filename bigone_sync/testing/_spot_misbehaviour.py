"""The part of `LocalExchange` that makes it misbehave on command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bigone_sync.testing._connection import BINARY, OPCODES, TEXT, Connection
from bigone_sync.testing._contract_faults import MUTABLE
from bigone_sync.testing._contract_misbehaviour import ContractMisbehaviour
from bigone_sync.testing._rails_misbehaviour import RailsMisbehaviour
from bigone_sync.testing._spot_faults import (
    CHANNELS,
    ENUM_FIELDS,
    INTERNAL_ERROR,
    LOGIN_ERROR,
    HandshakeRefusal,
    Limited,
    LostReplies,
    Rejection,
    SilentSnapshots,
    check_channel,
)
from bigone_sync.testing._spot_requests import REQUESTS


class Misbehaviour(ContractMisbehaviour, RailsMisbehaviour):
    """Commands to the exchange. All may be called from any thread, before and after `start`; each is in force when
    it returns, and affects the next frames of its kind or, where said so, acts at once.
    """

    # -- depth --------------------------------------------------------------------------------------------------

    def skip_change(self, market: str, n: int = 1) -> None:
        """Leave out the next ``n`` depth updates that somebody would get: the book moves on, the chain breaks."""

        def do() -> None:
            self._faults.skip[market] += n

        self._call(lambda: self._in_market(market, do))

    def repeat_change(self, market: str) -> None:
        """Send the next depth update twice."""
        self._call(lambda: self._in_market(market, lambda: self._faults.repeat.add(market)))

    def reorder_changes(self, market: str) -> None:
        """Send the next two depth updates in the wrong order."""
        self._call(lambda: self._in_market(market, lambda: self._faults.swap.add(market)))

    # -- silence ------------------------------------------------------------------------------------------------

    def mute(self, channel: str | None = None) -> None:
        """Send no data on a channel (None: on none at all), snapshots included.

        Subscriptions are taken, and pings, unsubscribing and authentication still answered. What happens meanwhile
        is never sent.

        Args:
            channel: depth, trades, ticker, candles, accounts, orders, margin_accounts, exchange_rates, flash_orders or
                cost_prices; of the contract half contract/depth, contract/trades, contract/candlesticks,
                contract/instruments or contract/stream.
        """
        if channel not in MUTABLE:
            check_channel(channel)
        self._call(lambda: self._faults.muted.update((*CHANNELS, *MUTABLE) if channel is None else (channel,)))

    def unmute(self) -> None:
        """End every `mute`."""
        self._call(self._faults.muted.clear)

    def mute_snapshots(self, n: int = 1, *, deliver_updates: bool = False) -> None:
        """Give the next ``n`` subscribe requests no answer.

        Args:
            deliver_updates: whether the subscription holds nevertheless, so that updates come without a snapshot.
        """
        self._call(lambda: setattr(self._faults, "silent_snapshots", SilentSnapshots(n, deliver_updates)))

    def lose_replies(self, n: int = 1, *, carry_out: bool = True, drop: bool = False) -> None:
        """Never answer the next ``n`` requests that create or cancel orders.

        Those refused for want of a login, for an unknown market or by `reject` are answered and do not count.

        Args:
            carry_out: whether they are carried out nevertheless; the order streams then tell of it as usual.
            drop: end the connection of such a request at once, without a close frame; none of it is heard there.
        """
        self._call(lambda: setattr(self._faults, "lost_replies", LostReplies(n, carry_out, drop)))

    def stop_pongs(self) -> None:
        """Answer no pings any more: ping frames, ``ping`` requests, also of Rails, and JSON objects at contract
        sockets."""
        self._call(lambda: setattr(self._faults, "answer_pings", False))

    def resume_pongs(self) -> None:
        """Answer pings again."""
        self._call(lambda: setattr(self._faults, "answer_pings", True))

    # -- refusing -----------------------------------------------------------------------------------------------

    def refuse_auth(
        self, code: int = LOGIN_ERROR, message: str = "login status error", times: int | None = None
    ) -> None:
        """Answer the next ``times`` authentications (None: all until `accept_auth`) with an error."""
        self._call(lambda: setattr(self._faults, "auth", Rejection(times, code, message)))

    def accept_auth(self) -> None:
        """Judge tokens by their worth again and answer: ends `refuse_auth` and `mute_auth`."""

        def do() -> None:
            self._faults.auth = None
            self._faults.silent_auth = Limited(0)

        self._call(do)

    def mute_auth(self, times: int | None = 1) -> None:
        """Never answer the next ``times`` authentications (None: all until `accept_auth`)."""
        self._call(lambda: setattr(self._faults, "silent_auth", Limited(times)))

    def expire_auth(self) -> None:
        """At once: forget every login and the private subscriptions, and send an unasked error 45001."""

        def do() -> None:
            for connection in self._hub.all():
                if connection.authenticated:
                    connection.authenticated = False
                    self._hub.unsubscribe_private(connection)
                    self._hub.error(connection, "", LOGIN_ERROR, "login status error: login has expired")

        self._call(do)

    def reject(
        self,
        request_member: str,
        market: str | None = None,
        code: int = INTERNAL_ERROR,
        message: str = "GRPC error: rejected",
        times: int | None = 1,
    ) -> None:
        """Answer the next ``times`` requests of a kind with an error.

        Args:
            request_member: for example ``subscribeMarketDepthRequest``.
            market: only requests that name it; None: any.
            times: None: for ever.
        """
        if request_member not in REQUESTS:
            raise ValueError(f"no request {request_member!r}")
        rejection = Rejection(times, code, message, request_member, market)
        self._call(lambda: self._faults.rejections.append(rejection))

    def refuse_handshakes(
        self,
        status: int = 503,
        times: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
    ) -> None:
        """Answer the next ``times`` spot handshakes (None: all until `accept_handshakes`) with a plain HTTP status."""
        data = body.encode() if isinstance(body, str) else body or b""
        refusal = HandshakeRefusal(times, status, dict(headers or {}), data)
        self._call(lambda: setattr(self._faults, "handshake", refusal))

    def accept_handshakes(self) -> None:
        """End `refuse_handshakes`."""
        self._call(lambda: setattr(self._faults, "handshake", None))

    # -- protobuf -----------------------------------------------------------------------------------------------

    def proto_as_json(self, opcode: str | None = "text") -> None:
        """Write JSON to the connections of protobuf, in text or binary frames (None: protobuf again).

        Args:
            opcode: ``"text"`` or ``"binary"``.
        """
        if opcode is not None and opcode not in OPCODES:
            raise ValueError(f"no opcode {opcode!r}: one of {', '.join(OPCODES)}")
        self._spoil_proto(as_json=None if opcode is None else OPCODES[opcode])

    def proto_unknown_fields(self, on: bool = True) -> None:
        """Add fields of every wire type, with numbers that are not in the schema, to each message of each response
        in protobuf.
        """
        self._spoil_proto(unknown_fields=on)

    def proto_unknown_enums(self, number: int | None = 99, field: str | None = None) -> None:
        """Put ``number`` in place of enums in each response in protobuf (None: what is right again).

        Args:
            field: JSON name of the only field of which this is done, for example ``state``; None: of all enums.
        """
        if field is not None and field not in ENUM_FIELDS:
            raise ValueError(f"no enum {field!r}: one of {', '.join(ENUM_FIELDS)}")
        if number is not None and not -(1 << 31) <= number < 1 << 31:
            raise ValueError(f"the number of an enum has 32 bits: {number}")
        fields = ENUM_FIELDS if field is None else (field,)
        self._spoil_proto(enum_number=number or 0, enum_fields=() if number is None else fields)

    def _spoil_proto(self, **changes: Any) -> None:
        self._call(lambda: setattr(self._faults, "proto", replace(self._faults.proto, **changes)))

    # -- sending, at once ---------------------------------------------------------------------------------------

    def send_raw(self, data: str | bytes, channel: str | None = None) -> None:
        """Send any payload to spot clients at once: str as a text frame, bytes as a binary frame.

        Args:
            channel: only to connections that watch anything in it; None: to all.
        """
        if isinstance(data, str):
            self._send(TEXT, data.encode(), channel)
        else:
            self._send(BINARY, data, channel)

    def send_raw_text(self, data: bytes, channel: str | None = None) -> None:
        """Send a text frame of any bytes at once, valid UTF-8 or not."""
        self._send(TEXT, data, channel)

    def send_heartbeat(self) -> None:
        """Send an unasked ``heartbeat`` to all at once."""

        def do() -> None:
            for connection in self._hub.all():
                self._hub.answer(connection, "", "heartbeat", "{}")

        self._call(do)

    def send_error(self, code: int, message: str, request_id: str = "") -> None:
        """Send an error to all at once."""

        def do() -> None:
            for connection in self._hub.all():
                self._hub.error(connection, request_id, code, message)

        self._call(do)

    # -- ending connections, at once ----------------------------------------------------------------------------

    def close_connections(self, code: int = 1000, reason: str = "") -> None:
        """Send every client a close frame; the closing handshake may still be under way when this returns."""
        if len(reason.encode()) > 123:
            raise ValueError("a close reason has at most 123 bytes")

        async def do() -> None:
            for roster in self._rosters():
                roster.close(code, reason)
            # The closing tasks write their frame in their first turn.
            await asyncio.sleep(0)

        if self._server.is_running:
            self._server.call_async(do)

    def drop_connections(self) -> None:
        """End every TCP connection without a close frame, those of REST calls included."""
        self._call(lambda: self._drop_all(None))

    def _drop_all(self, code: int | None) -> None:
        for roster in self._rosters():
            roster.drop(code)
        self._rest.drop()

    def _send(self, opcode: int, payload: bytes, channel: str | None) -> None:
        check_channel(channel)

        def do() -> None:
            connections: list[Connection] = self._hub.all() if channel is None else self._hub.watchers(channel)
            for connection in connections:
                connection.send(opcode, payload)

        self._call(do)

    def _in_market(self, market: str, do: Callable[[], None]) -> None:
        self._check_market(market)
        do()
