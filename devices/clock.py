"""Time, passed in: the board's own clock, and the shape that a simulated one shares with it.

Everything in hallgate that waits, waits on a :class:`Bell` of a :class:`Clock`. On a board a bell is an
eventfd in a poll; in a simulated hall (:mod:`devices.world.lockstep`) the same calls let hours pass in
seconds without one thread getting ahead of another.
"""

import ctypes
import os
import select
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Bell(Protocol):
    """Where one thread sleeps; any thread may ring it."""

    def ring(self) -> None:
        """Wake the sleeper, now or at its next wait."""

    def wait(self, until: float | None, fds: Sequence[int] = ()) -> None:
        """Sleep until monotonic ``until`` (None: for ever), a ring, or data on a file descriptor."""

    def pause(self, seconds: float) -> None:
        """Sleep that long whatever rings."""

    def close(self) -> None:
        """The thread that slept here has ended."""


class Clock(Protocol):
    """Time as the hall lives it."""

    boot: str

    def monotonic(self) -> float:
        """Seconds since some instant of this boot; never goes back."""

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC, as far as is known."""

    def synced(self) -> bool:
        """Whether ``wall`` is known to be right."""

    def bell(self, name: str) -> Bell:
        """A new bell for one thread, made before the thread starts."""

    def at_least(self, seconds: float, real: float) -> float:
        """``seconds``, but never less than ``real`` seconds of the machine's own time."""


class BoardBell:
    """A bell on an eventfd."""

    def __init__(self) -> None:
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def ring(self) -> None:
        os.eventfd_write(self._event, 1)

    def wait(self, until: float | None, fds: Sequence[int] = ()) -> None:
        poller = select.poll()
        poller.register(self._event, select.POLLIN)
        for fd in fds:
            poller.register(fd, select.POLLIN)
        timeout = None if until is None else max(0.0, until - time.monotonic()) * 1000
        if any(fd == self._event for fd, _ in poller.poll(timeout)):
            os.eventfd_read(self._event)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        os.close(self._event)


class BoardClock:
    """The clock of the machine we run on."""

    def __init__(self) -> None:
        self.boot = boot_id()

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def synced(self) -> bool:
        return _kernel_says_synced()

    def bell(self, name: str) -> BoardBell:
        return BoardBell()

    def at_least(self, seconds: float, real: float) -> float:
        return max(seconds, real)


def boot_id() -> str:
    """The kernel's name for this boot, shortened to 12 hex digits (48 random bits)."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").replace("-", "")[:12]


_STA_UNSYNC = 0x0040


class _Timex(ctypes.Structure):
    """The head of the kernel's ``struct timex`` (adjtimex(2)); the rest is room we do not read."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    ]


def _kernel_says_synced() -> bool:
    """The kernel clears STA_UNSYNC once an NTP daemon (timesyncd, chrony) has disciplined the clock."""
    timex = _Timex()  # modes = 0 only reads
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex)) < 0:
        return False
    return not timex.status & _STA_UNSYNC
