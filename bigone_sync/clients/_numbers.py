"""The numbers of a client, gathered from its sessions."""

from __future__ import annotations

from collections.abc import Mapping

from ..session_base import BaseSession
from ..stats import ChannelStats, ClientStats

__all__ = ["client_stats"]

_SUMS = (
    "frames",
    "bytes",
    "events",
    "delivered",
    "dropped",
    "reconnects",
    "gaps",
    "touch_mismatches",
    "decode_errors",
    "queue_depth",
    "blocked_seconds",
)


def client_stats(sessions: Mapping[str, BaseSession], callback_errors: int, failovers: int) -> ClientStats:
    """A snapshot, with one of each channel."""
    channels = {name: _channel_stats(session) for name, session in sessions.items()}
    sums = {name: sum(getattr(channel, name) for channel in channels.values()) for name in _SUMS}
    return ClientStats(
        **sums,
        queue_high_water=max((channel.queue_high_water for channel in channels.values()), default=0),
        callback_errors=callback_errors,
        failovers=failovers,
        channels=channels,
    )


def _channel_stats(session: BaseSession) -> ChannelStats:
    connection = session.connection
    # The same lane twice, unless the connection is shared by public and private streams.
    lanes = {session.lane.name: session.lane, session.private_lane.name: session.private_lane}.values()
    # Connections that share streams count them with the one that they were added to.
    to_iterate = sum(stream.waiting for stream in list(session.streams.values()) if stream.session is session)
    return ChannelStats(
        state=connection.state,
        last_frame_age=connection.last_frame_age,
        ping_rtt=connection.ping_rtt,
        frames=connection.frames,
        bytes=connection.bytes_read,
        events=session.events,
        delivered=sum(lane.delivered for lane in lanes),
        dropped=sum(lane.dropped for lane in lanes),
        reconnects=connection.reconnects,
        gaps=session.gaps,
        touch_mismatches=session.touch_mismatches,
        decode_errors=session.decode_errors,
        queue_depth=sum(lane.size for lane in lanes) + to_iterate,
        queue_high_water=max(lane.high_water for lane in lanes),
        blocked_seconds=sum(lane.blocked_seconds for lane in lanes),
    )
