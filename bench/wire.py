"""The wire, played from outside: ptys for the ports, and on each a thermometer module that speaks once a second.

Every program under test has lines of its own, for a byte can be read only once; the same frame goes to each of them, a
little later to the next, so that they do not fight over the disk for the same alarm. The frame is the one of
``devices/temperature/gy_mcu90614.py``, made here again on purpose: a bench that asked the code under test for its
frames would agree with it about anything.
"""

import os
import random
import threading
import time
import tty
from collections.abc import Callable
from contextlib import suppress

import attrs

_NOBODY_C = 24.0
_AMBIENT_C = 23.5
_FEVER_C = 38.0
# A person has left before the next one comes: their frame is followed by two of nobody.
_BETWEEN_S = 2.5
_BETWEEN_FEVERS_S = (0.5, 1.0)


class Line:
    """One port: a pty in raw mode. ``name`` is what the program opens."""

    def __init__(self) -> None:
        # Our end of the port stays open, so that the line lives while nobody has it open.
        self._wire, self._port = os.openpty()
        tty.setraw(self._port)
        os.set_blocking(self._wire, False)
        self.name = os.ttyname(self._port)

    def send(self, data: bytes) -> None:
        with suppress(BlockingIOError):  # nobody reads, and nobody is told of it, as on a real wire
            os.read(self._wire, 4096)  # what it was told: it speaks anyway
        with suppress(BlockingIOError):
            os.write(self._wire, data)

    def close(self) -> None:
        os.close(self._wire)
        os.close(self._port)


@attrs.frozen
class Fever:
    """A frame that must raise the alarm: whose line, which device, and when its last byte was written."""

    program: int
    device: int
    at: float  # monotonic


class Feed:
    """Speaks for all devices, one after another around the second, until it is stopped.

    ``lines``  for each program the lines of its devices, in the same order.
    ``begun``  is called with each fever before its frame is written.
    """

    def __init__(self, lines: list[list[Line]], begun: Callable[[Fever], None]) -> None:
        self._lines = lines
        self._begun = begun
        self._devices = len(lines[0])
        self._random = random.Random(1)
        self._stopping = threading.Event()
        self._wanted = 0
        self._fevers_done = threading.Event()
        self._next_fever = 0.0
        self._last_fever = [0.0] * self._devices
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self.frames = 0  # to each program

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def fevers(self, count: int, timeout: float) -> None:
        """Let that many people with a fever come, and the last one go."""
        self._fevers_done.clear()
        self._wanted = count
        self._fevers_done.wait(timeout)
        self._stopping.wait(_BETWEEN_S)

    def _run(self) -> None:
        step = 1.0 / self._devices
        begin = time.monotonic()
        turn = 0
        while not self._stopping.is_set():
            device = turn % self._devices
            fever = self._has_fever(device, time.monotonic())
            frame = frame_of(_FEVER_C if fever else _NOBODY_C)
            for program, lines in enumerate(self._lines):
                due = begin + (turn + program / len(self._lines)) * step
                self._stopping.wait(max(0.0, due - time.monotonic()))
                if fever:
                    self._begun(Fever(program, device, time.monotonic()))
                lines[device].send(frame)
            self.frames += 1
            turn += 1

    def _has_fever(self, device: int, now: float) -> bool:
        if not self._wanted or now < self._next_fever or now - self._last_fever[device] < _BETWEEN_S:
            return False
        self._last_fever[device] = now
        self._next_fever = now + self._random.uniform(*_BETWEEN_FEVERS_S)
        self._wanted -= 1
        if not self._wanted:
            self._fevers_done.set()
        return True


def frame_of(celsius: float) -> bytes:
    """``5A 5A 45 04``, object and ambient temperature in 0.01 ℃, the low byte of the sum."""
    body = bytes.fromhex("5a5a4504") + b"".join(round(c * 100).to_bytes(2, signed=True) for c in (celsius, _AMBIENT_C))
    return body + bytes([sum(body) & 0xFF])
