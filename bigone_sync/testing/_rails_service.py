"""What a Rails connection may ask for (Rails protocol, section 3)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from bigone_sync.testing._checks import Refused
from bigone_sync.testing._rails_account import milliseconds
from bigone_sync.testing._rails_desk import Handler, RailsDesk
from bigone_sync.testing._rails_faults import RailsFaults
from bigone_sync.testing._rails_hub import RailsHub, RailsSocket
from bigone_sync.testing._rails_options import RailsOptions
from bigone_sync.testing._rails_requests import RailsRefused, RailsRequest, envelope
from bigone_sync.testing._rails_venue import RailsVenue
from bigone_sync.testing._rails_wire import RailsWire
from bigone_sync.testing._spot_faults import Faults

__all__ = ["RailsService"]

_BAD = 400
_KEPT_REQUESTS = 100_000


class RailsService:
    """Answers requests; used on the exchange's loop only.

    No document shows how a request is refused that is not about orders, or that nobody knows; here the frame has the
    ``resultType`` of the right answer, or the name of the request, and a status of 400. What names no request at all is
    ignored. Snapshots are also given to who does not watch their stream (Rails protocol, section 12).
    """

    def __init__(
        self,
        options: RailsOptions,
        venue: RailsVenue,
        wire: RailsWire,
        hub: RailsHub,
        desk: RailsDesk,
        *,
        faults: Faults,
        rails_faults: RailsFaults,
    ) -> None:
        self.requests: deque[tuple[int, dict[str, Any]]] = deque(maxlen=_KEPT_REQUESTS)
        self._dialect = options.spoken
        self._venue = venue
        self._wire = wire
        self._hub = hub
        self._faults = faults
        self._rails_faults = rails_faults
        word = self._dialect.word
        self._handlers: Mapping[str, Handler] = {
            **desk.handlers,
            "ping": self._answering("pong", self._ping),
            "subscribe": self._answering("subscribed", self._subscribe),
            "unsubscribe": self._answering("unsubscribed", self._unsubscribe),
            word("emitPublicOrderBook"): self._answering(word("publicOrderBook snapshot"), self._emit_book),
            word("emitPublicCompletedOrders"): self._answering(word("publicCompletedOrders"), self._emit_trades),
        }

    def handle(self, asker: RailsSocket, data: str | bytes) -> None:
        """Do what a frame asks for."""
        found = envelope(data)
        if found is None:
            return
        self.requests.append((asker.number, found))
        content = found.get("content", {})
        is_object = isinstance(content, dict)
        name = content.get("clientRequestId") if is_object else None
        request = RailsRequest(
            message=found["message"],
            content=content if is_object else {},
            client_request_id=name if isinstance(name, str) else None,
            connected=asker.market,
        )
        handler = self._handlers.get(request.message)
        if handler is None or not is_object:
            text = "unknown message" if handler is None else "content must be an object"
            self._hub.answer(asker, self._wire.refusal(request.message, _BAD, text, request.client_request_id))
            return
        if self._rails_faults.take_lost(request.message):
            asker.drop()
            self._hub.remove(asker)
        handler(asker, request)

    def _answering(self, kind: str, work: Handler) -> Handler:
        """A handler that tells of refusals under the name of the right answer."""

        def handle(asker: RailsSocket, request: RailsRequest) -> None:
            try:
                request.check()
                work(asker, request)
            except Refused as error:
                self._hub.answer(asker, self._wire.refusal(kind, _BAD, str(error), request.client_request_id))

        return handle

    def _ping(self, asker: RailsSocket, request: RailsRequest) -> None:
        if self._faults.answer_pings:
            self._hub.answer(asker, self._wire.pong(request.client_request_id))

    def _subscribe(self, asker: RailsSocket, request: RailsRequest) -> None:
        requested, streams = self._streams(request)
        asker.streams.update(streams)
        self._tell_active(asker, "subscribed", requested, request)

    def _unsubscribe(self, asker: RailsSocket, request: RailsRequest) -> None:
        requested, streams = self._streams(request)
        asker.streams.difference_update(streams)
        self._tell_active(asker, "unsubscribed", requested, request)

    def _emit_book(self, asker: RailsSocket, request: RailsRequest) -> None:
        market, name = request.market, request.client_request_id
        levels, ts = self._venue.levels(market), milliseconds(self._venue.at(market).engine.now_ns)
        self._hub.answer(asker, self._wire.book(market, levels, ts, name))

    def _emit_trades(self, asker: RailsSocket, request: RailsRequest) -> None:
        market, name = request.market, request.client_request_id
        self._hub.answer(asker, self._wire.trades(market, self._venue.latest_trades(market), name))

    def _tell_active(self, asker: RailsSocket, kind: str, requested: list[str], request: RailsRequest) -> None:
        self._hub.answer(asker, self._wire.active(kind, asker.active, requested, request.client_request_id))

    def _streams(self, request: RailsRequest) -> tuple[list[str], list[str]]:
        """The streams that a request names, as it names them and by their newest names."""
        requested = request.content.get("subscriptions")
        if not isinstance(requested, list) or not all(isinstance(word, str) for word in requested):
            raise RailsRefused("subscriptions must be an array of names")
        return requested, self.streams(requested)

    def streams(self, words: Iterable[str]) -> list[str]:
        """The newest names of streams.

        Raises:
            RailsRefused: one is called otherwise.
        """
        found = []
        for word in words:
            stream = self._dialect.stream(word)
            if stream is None:
                raise RailsRefused(f"no such subscription: {word!r}")
            found.append(stream)
        return found
