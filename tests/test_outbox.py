"""Frames on their way out: order, several threads, and none of an earlier connection."""

from __future__ import annotations

import threading

from bigone_sync.errors import ConnectionLost
from bigone_sync.outbox import Outbox
from bigone_sync.protocol.base import Frame
from bigone_sync.testing.leaks import wait_until


class Wire:
    """Takes frames, or not."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.takes = True
        self.broken = False
        self.go = threading.Event()
        self.go.set()
        self.inside = threading.Event()

    def send(self, frame: Frame, wait: bool) -> bool:
        self.inside.set()
        assert self.go.wait(10)
        if self.broken:
            raise ConnectionLost("gone")
        if not self.takes and not wait:
            return False
        self.sent.append(frame.data)
        return True


def numbers(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def test_frames_go_out_in_order() -> None:
    wire = Wire()
    outbox = Outbox(wire.send)
    for data in numbers(5):
        outbox.append(Frame(data))
    assert outbox
    assert not wire.sent
    outbox.flush()
    assert wire.sent == numbers(5)
    assert not outbox


def test_what_cannot_be_sent_without_waiting_stays_in_its_place() -> None:
    wire = Wire()
    outbox = Outbox(wire.send)
    wire.takes = False
    for data in numbers(3):
        outbox.append(Frame(data))
    outbox.flush(wait=False)
    assert (wire.sent, bool(outbox)) == ([], True)
    wire.takes = True
    outbox.flush(wait=False)
    assert wire.sent == numbers(3)


def test_a_thread_that_is_sending_sends_what_others_bring() -> None:
    wire = Wire()
    outbox = Outbox(wire.send)
    wire.go.clear()
    outbox.append(Frame(b"0"))
    sender = threading.Thread(target=outbox.flush)
    sender.start()
    assert wire.inside.wait(10)
    outbox.append(Frame(b"1"))
    outbox.flush()  # returns at once: the other one is at it
    assert wire.sent == []
    wire.go.set()
    sender.join(10)
    assert wire.sent == numbers(2)


def test_many_threads_lose_and_double_nothing() -> None:
    wire = Wire()
    outbox = Outbox(wire.send)

    def work(name: int) -> None:
        for number in range(200):
            outbox.append(Frame(b"%d:%d" % (name, number)))
            outbox.flush()

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    wait_until(lambda: not outbox)
    assert sorted(wire.sent) == sorted(b"%d:%d" % (name, number) for name in range(4) for number in range(200))
    for name in range(4):
        mine = [data for data in wire.sent if data.startswith(b"%d:" % name)]
        assert mine == [b"%d:%d" % (name, number) for number in range(200)]


def test_a_connection_that_fails_is_left_to_its_successor() -> None:
    wire = Wire()
    outbox = Outbox(wire.send)
    wire.broken = True
    for data in numbers(3):
        outbox.append(Frame(data))
    outbox.flush()  # raises nothing
    assert wire.sent == []
    outbox.clear()
    wire.broken = False
    outbox.append(Frame(b"new"))
    outbox.flush()
    assert wire.sent == [b"new"]


def test_clear_waits_for_the_send_under_way() -> None:
    """Else a frame of the old connection could go out on the new one."""
    wire = Wire()
    outbox = Outbox(wire.send)
    wire.go.clear()
    for data in numbers(3):
        outbox.append(Frame(data))
    sender = threading.Thread(target=outbox.flush)
    sender.start()
    assert wire.inside.wait(10)
    cleared = threading.Event()
    cleaner = threading.Thread(target=lambda: (outbox.clear(), cleared.set()))
    cleaner.start()
    assert not cleared.wait(0.05)
    wire.broken = True
    wire.go.set()
    assert cleared.wait(10)
    sender.join(10)
    cleaner.join(10)
    assert (wire.sent, bool(outbox)) == ([], False)
