"""How a connection is spoken to: JSON text, or protobuf (spot protocol, section 1)."""

from __future__ import annotations

import importlib
from typing import Any

from bigone_sync.testing._connection import OPCODES, Encoding
from bigone_sync.testing._spot_faults import Faults
from bigone_sync.testing._spot_requests import decode
from bigone_sync.testing._spot_wire import SpotWire

SUBPROTOCOLS = ("json", "proto")


class JsonEncoding:
    """Text of JSON objects, in frames of one kind whatever comes from the client.

    Args:
        opcode: ``"text"`` or ``"binary"``.

    Raises:
        ValueError: it is neither.
    """

    def __init__(self, wire: SpotWire, opcode: str) -> None:
        if opcode not in OPCODES:
            raise ValueError(f"opcode must be one of {', '.join(OPCODES)}: {opcode!r}")
        self._wire = wire
        self._opcode = OPCODES[opcode]

    def frame(self, request_id: str, member: str, body: str) -> tuple[int, bytes]:
        """Opcode and payload of a response."""
        return self._opcode, self.text(request_id, member, body)

    def text(self, request_id: str, member: str, body: str) -> bytes:
        """Payload of a response."""
        return self._wire.envelope(request_id, member, body).encode()

    def read(self, data: str | bytes) -> dict[str, Any]:
        """The request in a frame, whatever its opcode.

        Raises:
            Malformed: it is no JSON object.
        """
        return decode(data)


class Encodings:
    """The encoding of each subprotocol; protobuf is not imported before somebody speaks it."""

    def __init__(self, wire: SpotWire, faults: Faults, opcode: str) -> None:
        self._faults = faults
        self._json = JsonEncoding(wire, opcode)
        self._proto: Encoding | None = None

    def of(self, subprotocol: str) -> Encoding:
        """The encoding of one of `SUBPROTOCOLS`.

        Raises:
            ImportError: what it needs is not installed, or too old.
        """
        if subprotocol == "json":
            return self._json
        if self._proto is None:
            importlib.import_module("bigone_sync.protocol._pb2")  # first: it says what to do if protobuf is missing
            from bigone_sync.testing._spot_encoding_proto import ProtoEncoding

            self._proto = ProtoEncoding(self._json, self._faults)
        return self._proto
