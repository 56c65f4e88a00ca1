"""The pace of a recording: as it was recorded, faster, or as fast as the slowest subscriber takes it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence

_HIGH_WATER = 256 * 1024  # bytes a subscriber may be behind before a replay without pace waits for him
_BREATH = 0.001
_FRAMES_PER_TURN = 16


def checked_speed(speed: float | None) -> float | None:
    """The factor on the recorded pace; None for none.

    Raises:
        ValueError: it is not positive.
    """
    if speed is not None and not speed > 0:
        raise ValueError(f"speed must be positive: {speed}")
    return None if speed is None or math.isinf(speed) else speed


async def paced(times: Sequence[float], speed: float | None, backlog: Callable[[], int]) -> AsyncIterator[int]:
    """Yield the index of each frame when it is due.

    Args:
        times: of the frames, seconds, in order.
        speed: factor on the recorded pace; None: no pace but the slowest subscriber's.
        backlog: bytes that the slowest subscriber is behind.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    for index, time in enumerate(times):
        if speed is not None:
            due = started + (time - times[0]) / speed
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
        yield index
        if index % _FRAMES_PER_TURN == 0:
            await asyncio.sleep(0)
        while speed is None and backlog() > _HIGH_WATER:
            await asyncio.sleep(_BREATH)
