"""Spot messages as the benchmark server puts them on the wire: the text of the JSON channel, or protobuf."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from benchmarks.wire import BINARY, TEXT, frame

__all__ = ["ENCODINGS", "Encoding", "in_proto"]


class Encoding(Protocol):
    """What a server speaks."""

    def frame(self, message: bytes) -> bytes:
        """The frame of a message that is given in JSON."""

    def request(self, payload: bytes) -> dict[str, Any]:
        """What a client asked for, by the names of the JSON channel."""


class _Json:
    def frame(self, message: bytes) -> bytes:
        return frame(message, TEXT)

    def request(self, payload: bytes) -> dict[str, Any]:
        request: dict[str, Any] = json.loads(payload)
        return request


class _Proto:
    def frame(self, message: bytes) -> bytes:
        return frame(in_proto(message), BINARY)

    def request(self, payload: bytes) -> dict[str, Any]:
        from google.protobuf.json_format import MessageToDict

        from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema

        return MessageToDict(schema.Request.FromString(payload))


def in_proto(message: bytes) -> bytes:
    """A response that is given in JSON."""
    from google.protobuf.json_format import Parse

    from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema

    return bytes(Parse(message, schema.Response()).SerializeToString(deterministic=True))


ENCODINGS: dict[str, Callable[[], Encoding]] = {"plain": _Json, "spot": _Json, "spot-proto": _Proto}
"""By the mode of the server."""
