"""Simulated time that waits for everybody.

Threads that sleep on a :class:`SimBell` are *members*. Time stands still while any member is awake; when all
sleep, it jumps to the next thing that is due, an event of the world or the end of somebody's sleep. So a thousandfold
hall is as exact as a real one: nobody is late because the machine was slow, the hour just takes longer.

``speed`` holds the jumps back to N simulated seconds a second; None lets go as fast as the machine can.
"""

import heapq
import itertools
import os
import select
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from devices.clock import boot_id

# How often a paced clock moves on, so that what reads it between two events is not far behind.
_STEP_S = 0.05


class Lines(Protocol):
    """Bytes under way outside of simulated time (the kernel's ptys)."""

    def fds(self) -> list[int]:
        """What to watch while time is held back."""

    def pump(self) -> None:
        """Hand on what has been written, and wait the moment until all of it is there."""


class Agenda:
    """What will happen, in order of time; of two things at one instant, the one told first."""

    def __init__(self) -> None:
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def at(self, instant: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._events, (instant, next(self._count), call))

    def next_due(self) -> float | None:
        return self._events[0][0] if self._events else None

    def pop(self, until: float) -> Callable[[], None] | None:
        if self._events and self._events[0][0] <= until:
            return heapq.heappop(self._events)[2]
        return None


class SimClock:
    """A :class:`devices.clock.Clock` whose time is the agenda's.

    ``start``  monotonic seconds to begin with; ``epoch``  the wall time at monotonic 0.
    """

    def __init__(self, *, start: float = 0.0, epoch: float = 0.0, speed: float | None = None) -> None:
        self.boot = boot_id()
        self.agenda = Agenda()
        self.lines: Lines | None = None
        self._now = start
        self._epoch = epoch
        self._speed = speed
        self._changed = threading.Condition()
        self._members: set[SimBell] = set()
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._stopping = False

    def monotonic(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._epoch + self._now

    def synced(self) -> bool:
        return True

    def at_least(self, seconds: float, real: float) -> float:
        return max(seconds, real * (self._speed if self._speed is not None else 0.0))

    def bell(self, name: str) -> "SimBell":
        bell = SimBell(self, name)
        with self._changed:
            self._members.add(bell)
        return bell

    def advance(self, seconds: float) -> None:
        """Let that much time pass with no members about: how a test drives drivers and twins by hand."""
        self._run_until(self._now + seconds)

    def conduct(self) -> None:
        """Run the agenda until :meth:`stop`; the conductor's thread does nothing else."""
        anchor_sim, anchor_real = self._now, time.monotonic()
        while not self._stopping:
            self._wait_for_members()
            if self.lines is not None:
                self.lines.pump()
            due = self._next_due()
            if due is None:
                continue  # a line woke somebody, or a member has yet to say when it wants to wake
            if self._speed is not None:
                ahead = (due - anchor_sim) / self._speed - (time.monotonic() - anchor_real)
                if ahead > 0:
                    self._hold(min(ahead, _STEP_S))
                    shown = anchor_sim + (time.monotonic() - anchor_real) * self._speed
                    self._now = max(self._now, min(shown, due))
                    continue
                if ahead < -1.0:  # the machine is slower than asked: let the hour take longer
                    anchor_sim, anchor_real = due, time.monotonic()
            self._run_until(due)
            self._wake_due()

    def stop(self) -> None:
        """Let :meth:`conduct` return and every sleeper wake, now and from then on."""
        self._stopping = True
        with self._changed:
            for bell in self._members:
                bell.wake()
            self._changed.notify_all()
        os.eventfd_write(self._wakeup, 1)

    def _run_until(self, instant: float) -> None:
        while (due := self.agenda.next_due()) is not None and due <= instant:
            call = self.agenda.pop(due)
            assert call is not None
            self._now = max(self._now, due)
            call()
        self._now = max(self._now, instant)

    def _wait_for_members(self) -> None:
        with self._changed:
            while not self._stopping and any(not bell.asleep for bell in self._members):
                self._changed.wait(1.0)

    def _next_due(self) -> float | None:
        """The next instant at which anything happens; None when somebody has just woken."""
        poller = select.poll()
        watched: dict[int, SimBell] = {}
        with self._changed:
            dues = [self.agenda.next_due()]
            for bell in self._members:
                if not bell.asleep:
                    return None
                dues.append(bell.until)
                for fd in bell.fds:
                    watched[fd] = bell
                    poller.register(fd, select.POLLIN)
            ready = poller.poll(0) if watched else []
            for fd, _ in ready:
                watched[fd].wake()
            if ready:
                return None
        known = [due for due in dues if due is not None]
        return max(min(known), self._now) if known else self._now + 3600.0

    def _wake_due(self) -> None:
        with self._changed:
            for bell in self._members:
                if bell.asleep and bell.until is not None and bell.until <= self._now:
                    bell.wake()

    def _hold(self, seconds: float) -> None:
        """Sleep for real, but not through a byte on a line or a bell."""
        poller = select.poll()
        poller.register(self._wakeup, select.POLLIN)
        for fd in self.lines.fds() if self.lines is not None else ():
            poller.register(fd, select.POLLIN)
        if any(fd == self._wakeup for fd, _ in poller.poll(seconds * 1000)):
            os.eventfd_read(self._wakeup)

    # What the bells call.

    def _sleep(self, bell: "SimBell", until: float | None, fds: Sequence[int]) -> bool:
        """Whether the member must really sleep."""
        with self._changed:
            if bell.rung or self._stopping or bell not in self._members:
                bell.rung = False
                return False
            bell.until, bell.fds, bell.asleep = until, tuple(fds), True
            self._changed.notify_all()
        os.eventfd_write(self._wakeup, 1)
        return True

    def _awake(self, bell: "SimBell") -> None:
        with self._changed:
            bell.asleep, bell.rung, bell.fds = False, False, ()

    def _ring(self, bell: "SimBell") -> None:
        with self._changed:
            bell.rung = True
            bell.wake()

    def _leave(self, bell: "SimBell") -> None:
        with self._changed:
            self._members.discard(bell)
            self._changed.notify_all()


class SimBell:
    """A bell of simulated time. ``asleep``, ``until``, ``fds`` and ``rung`` are the clock's, under its lock."""

    def __init__(self, clock: SimClock, name: str) -> None:
        self.name = name
        self.asleep = False
        self.rung = False
        self.until: float | None = None
        self.fds: tuple[int, ...] = ()
        self._clock = clock
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def ring(self) -> None:
        self._clock._ring(self)

    def wait(self, until: float | None, fds: Sequence[int] = ()) -> None:
        if until is not None and until <= self._clock.monotonic():
            return
        if not self._clock._sleep(self, until, fds):
            return
        poller = select.poll()
        for fd in (self._event, *fds):
            poller.register(fd, select.POLLIN)
        if any(fd == self._event for fd, _ in poller.poll()):
            os.eventfd_read(self._event)
        self._clock._awake(self)

    def pause(self, seconds: float) -> None:
        until = self._clock.monotonic() + seconds
        rung = False
        while self._clock.monotonic() < until and not self._clock._stopping:
            rung |= self.rung
            self.wait(until)
        if rung:
            self.ring()

    def wake(self) -> None:
        """Called by the clock, under its lock."""
        if self.asleep:
            self.asleep = False
            os.eventfd_write(self._event, 1)

    def close(self) -> None:
        self._clock._leave(self)
        os.close(self._event)
