"""The door of the REST side: notes every request, keeps the limit, and lets the faults have their way."""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Mapping
from typing import Protocol

from aiohttp import web

from bigone_sync.testing._connection import transport_of
from bigone_sync.testing._rest_call import Answer, Call
from bigone_sync.testing._rest_delivery import Delivery
from bigone_sync.testing._rest_faults import RestFaults
from bigone_sync.testing._rest_log import RestLog
from bigone_sync.testing._server import Handler

__all__ = ["RequestLimit", "RestGate", "RestService"]

_WINDOW = 10.0
_TOO_MANY = Answer(429, b'{"code":10429,"message":"Too many requests"}')


class RestService(Protocol):
    """One of the APIs."""

    def answer(self, call: Call) -> Answer:
        """Do what is asked for."""


class RequestLimit:
    """So many requests within ten seconds (REST protocol, section 1); those refused do not count.

    Args:
        most: None: there is no limit.

    Raises:
        ValueError: it is not positive.
    """

    def __init__(self, most: int | None) -> None:
        if most is not None and most < 1:
            raise ValueError(f"rest_limit must be at least 1, or None: {most}")
        self._most = most
        self._times: deque[float] = deque()

    def allows(self, now: float) -> bool:
        """Count a request, unless it is one too many."""
        if self._most is None:
            return True
        while self._times and self._times[0] <= now - _WINDOW:
            self._times.popleft()
        if len(self._times) >= self._most:
            return False
        self._times.append(now)
        return True


class RestGate:
    """Serves the REST APIs; used on the exchange's loop only.

    Args:
        services: base path to the API below it.
    """

    def __init__(self, services: Mapping[str, RestService], limit: RequestLimit) -> None:
        self.log = RestLog()
        self.faults = RestFaults()
        self._services = services
        self._limit = limit
        self._delivery = Delivery()
        self._transports: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    def routes(self) -> dict[str, Handler]:
        """For each base path the handler of everything below it."""
        return dict.fromkeys(self._services, self.serve)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Handle one request to its end."""
        try:
            self._transports.add(transport_of(request))
            body = await request.read()
        except ConnectionError:
            # It went away before it had said everything: there is nobody to answer.
            return web.Response(status=400)
        number = self.log.note(request, body)
        base = next(base for base in self._services if request.path.startswith(f"{base}/"))
        call = Call(
            request.method,
            request.path.removeprefix(base),
            dict(request.query.items()),
            request.headers.get("Authorization"),
            request.content_type if "Content-Type" in request.headers else "",
            body,
            api_key=request.headers.get("X-Api-Key"),
            api_secret=request.headers.get("X-Api-Secret"),
        )

        def work() -> Answer:
            if not self._limit.allows(asyncio.get_running_loop().time()):
                return _TOO_MANY
            return self._services[base].answer(call)

        fault = self.faults.take(request.method, request.path)
        return await self._delivery.deliver(request, work, fault, lambda status: self.log.answered(number, status))

    def heal(self) -> None:
        """End every fault; whoever is kept waiting is answered now."""
        self.faults.clear()
        self._delivery.release()

    def drop(self) -> None:
        """End every TCP connection that REST calls came over, and the calls that are under way."""
        for transport in list(self._transports):
            transport.abort()
        self._transports.clear()
        self._delivery.release()
