"""How an answer reaches the client of a REST call, or fails to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from bigone_sync.testing._rest_call import Answer
from bigone_sync.testing._rest_faults import RestFault

__all__ = ["Delivery"]

_Work = Callable[[], Answer]
_Note = Callable[[int], None]


class Delivery:
    """Delivers answers, spoiled where a fault says so, and knows who is being kept waiting."""

    def __init__(self) -> None:
        self._held: set[asyncio.Future[None]] = set()

    def release(self) -> None:
        """Keep nobody waiting any longer."""
        for future in self._held:
            if not future.done():
                future.set_result(None)

    async def deliver(
        self, request: web.Request, work: _Work, fault: RestFault | None, note: _Note
    ) -> web.StreamResponse:
        """Answer a request.

        Args:
            work: does what is asked for; called at most once.
            note: told the status before the client can know it.
        """
        if fault is None:
            return _whole(work(), note)
        if fault.kind == "hang":
            return await self._hang(request, work, fault, note)
        if fault.spoils:
            return await self._spoil(request, work(), fault, note)
        if fault.carry_out:
            work()
        if fault.kind == "drop":
            return _lost(request)
        return _whole(fault.in_place(), note)

    async def _hang(self, request: web.Request, work: _Work, fault: RestFault, note: _Note) -> web.StreamResponse:
        """Answer nothing until released, and then only if somebody still waits: the call of one who gave up is not
        carried out behind its back.
        """
        answer = work() if fault.carry_out else None
        await self._wait(None)
        # A turn of the loop, in which an end that has already arrived is noticed.
        await asyncio.sleep(0)
        if _has_gone(request):
            return _lost(request)
        return _whole(work() if answer is None else answer, note)

    async def _spoil(self, request: web.Request, answer: Answer, fault: RestFault, note: _Note) -> web.StreamResponse:
        half = answer.body[: len(answer.body) // 2]
        if fault.kind == "cut_json":
            return _whole(Answer(answer.status, half, answer.content_type, answer.headers), note)
        note(answer.status)
        response = web.StreamResponse(status=answer.status, headers=dict(answer.headers))
        response.content_type = answer.content_type
        response.content_length = len(answer.body)
        try:
            await response.prepare(request)
            if fault.kind == "cut_body":
                await response.write(half)
                if (transport := request.transport) is not None:
                    transport.close()
            else:
                await self._trickle(request, response, answer.body, fault.pause)
        except ConnectionError:
            pass  # the client has gone, or was sent away
        return response

    async def _trickle(self, request: web.Request, response: web.StreamResponse, body: bytes, pause: float) -> None:
        """Write byte by byte; all that is left once released."""
        for at in range(len(body)):
            if _has_gone(request):
                return
            if await self._wait(pause):
                await response.write(body[at:])
                return
            await response.write(body[at : at + 1])

    async def _wait(self, seconds: float | None) -> bool:
        """Wait so long (None: without end), or until released; True if it was that."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held.add(future)
        try:
            await asyncio.wait([future], timeout=seconds)
            return future.done()
        finally:
            self._held.discard(future)
            future.cancel()


def _whole(answer: Answer, note: _Note) -> web.Response:
    note(answer.status)
    return web.Response(
        status=answer.status, body=answer.body, content_type=answer.content_type, headers=dict(answer.headers)
    )


def _lost(request: web.Request) -> web.Response:
    """End the connection; what is returned reaches nobody."""
    if (transport := request.transport) is not None:
        # Unlike `close` also where the client does not read.
        transport.abort() if isinstance(transport, asyncio.Transport) else transport.close()
    return web.Response(status=400)


def _has_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()
