"""The states of a connection as a table, and the few lines that walk it."""

from __future__ import annotations

from enum import Enum, auto

from ..enums import ConnectionState as S

__all__ = ["TRANSITIONS", "IllegalTransition", "Input", "advance"]


class Input(Enum):
    """What can happen to a connection."""

    START = auto()
    """``start()`` was called."""
    OPENED = auto()
    """The handshake is done."""
    ACCEPTED = auto()
    """The exchange takes us: logged in, or no login needed."""
    REFUSED = auto()
    """A final refusal, or a failure of our own: trying again cannot help."""
    LOST = auto()
    """The attempt or the connection ended; another attempt is worth while."""
    DUE = auto()
    """The pause is over."""
    EXHAUSTED = auto()
    """Too many attempts failed."""
    STOP = auto()
    """``close()`` was called."""
    ENDED = auto()
    """The thread is through."""


class IllegalTransition(RuntimeError):
    """An input that cannot happen in this state: a bug of this package."""


TRANSITIONS: dict[tuple[S, Input], S] = {
    (S.IDLE, Input.START): S.CONNECTING,
    (S.IDLE, Input.STOP): S.CLOSED,
    (S.CONNECTING, Input.OPENED): S.AUTHENTICATING,
    (S.CONNECTING, Input.REFUSED): S.CLOSED,
    (S.CONNECTING, Input.LOST): S.WAITING,
    (S.CONNECTING, Input.STOP): S.CLOSING,
    (S.AUTHENTICATING, Input.ACCEPTED): S.READY,
    (S.AUTHENTICATING, Input.REFUSED): S.CLOSED,
    (S.AUTHENTICATING, Input.LOST): S.WAITING,
    (S.AUTHENTICATING, Input.STOP): S.CLOSING,
    (S.READY, Input.REFUSED): S.CLOSED,
    (S.READY, Input.LOST): S.WAITING,
    (S.READY, Input.STOP): S.CLOSING,
    (S.WAITING, Input.DUE): S.CONNECTING,
    (S.WAITING, Input.EXHAUSTED): S.CLOSED,
    (S.WAITING, Input.STOP): S.CLOSED,
    (S.CLOSING, Input.LOST): S.CLOSED,
    (S.CLOSING, Input.STOP): S.CLOSING,
    (S.CLOSING, Input.ENDED): S.CLOSED,
    (S.CLOSED, Input.STOP): S.CLOSED,
    (S.CLOSED, Input.ENDED): S.CLOSED,
}


def advance(state: S, what: Input) -> S:
    """The state that follows.

    Raises:
        IllegalTransition: the table has no entry.
    """
    try:
        return TRANSITIONS[state, what]
    except KeyError:
        raise IllegalTransition(f"{what.name} cannot happen in state {state.name}") from None
