"""Simulated time that waits for everybody.

Threads that sleep on a :class:`SimBell` are *members*. Time stands still while any member is awake; when all
sleep, it jumps to the next thing that is due, an event of the world or the end of somebody's sleep. So a thousandfold
hall is as exact as a real one: nobody is late because the machine was slow, the hour just takes longer.

At one instant the events of the world come first, then whoever they rang, then those whose sleep is over, one after
another in the order in which they joined.

``speed`` holds the jumps back to N simulated seconds a second; None lets go as fast as the machine can.
"""

import heapq
import itertools
import logging
import math
import os
import select
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from devices.clock import boot_id

_log = logging.getLogger(__name__)

# How often a paced clock moves on, so that what reads it between two events is not far behind.
_STEP_S = 0.05
# Somebody awake for that long (in the machine's time) is worth a line in the log: time stands still for all.
_STALL_S = 30.0


class Lines(Protocol):
    """Bytes under way outside of simulated time (the kernel's ptys)."""

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

    Time passes only while there are members, so a hall whose threads have all ended stays as they left it. Those who
    are to begin together make their bells before :meth:`conduct` begins.
    """

    def __init__(self, *, start: float = 0.0, epoch: float = 0.0, speed: float | None = None) -> None:
        self.boot = boot_id()
        self.agenda = Agenda()
        self.lines: Lines | None = None
        self._now = start
        self._epoch = epoch
        self._speed = speed
        # Reentrant, because a signal may ring while its thread is in here.
        self._changed = threading.Condition(threading.RLock())
        self._members: dict[SimBell, None] = {}  # in the order of joining
        self._awake = 0  # of the members
        self._idle = False  # the conductor waits for the members
        self._moving = False  # somebody moves time: who is rung meanwhile wakes when that is done
        self._pace = _Pace(speed, start)
        self._failure: Exception | None = None
        self._stalled: set[str] = set()
        self._wakeup: int | None = None  # an eventfd, while the conductor may be holding time back
        self._readers = _Readers()
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
            self._members[bell] = None
            self._awake += 1
        return bell

    def advance(self, seconds: float) -> None:
        """Let that much time pass with no members about: how a test drives drivers and twins by hand."""
        self._run_until(self._now + seconds)

    def conduct(self) -> None:
        """Run the agenda until :meth:`stop`; the conductor's thread does nothing else.

        What an event raises is raised here, on whatever thread the event ran.
        """
        with self._changed:
            self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            self._pace = _Pace(self._speed, self._now)
        try:
            while self._my_turn():
                held = self._step()
                if held:
                    self._hold(held)
        finally:
            with self._changed:
                self._moving = False
                os.close(self._wakeup)
                self._wakeup = None

    def stop(self) -> None:
        """Let :meth:`conduct` return and every sleeper wake, now and from then on."""
        with self._changed:
            self._stopping = True
            for bell in self._members:
                if bell.asleep:
                    self._wake(bell)
            self._changed.notify_all()
            self._poke()

    def _my_turn(self) -> bool:
        """The conductor waits until all are asleep and nobody else moves time. False when it is time to stop."""
        with self._changed:
            self._idle = not self._moving
            while self._idle and not self._stopping and self._failure is None and not self._may_move():
                if not self._changed.wait(_STALL_S):
                    self._tell_stall()
            self._idle = False
            if self._failure is not None:
                raise self._failure
            self._moving = not self._stopping
            return self._moving

    def _may_move(self) -> bool:
        return bool(self._members) and not self._awake and not self._moving

    def _tell_stall(self) -> None:
        names = {bell.name for bell in self._members if not bell.asleep}
        if names and names != self._stalled:
            _log.warning("simulated time stands still: %s busy for %.0f s", ", ".join(sorted(names)), _STALL_S)
        self._stalled = names

    def _crank(self) -> None:
        """The last to fall asleep moves time itself: the conductor would do the same, two changes of thread later."""
        held: float | None = 0.0
        try:
            while held == 0.0 and not self._stopping:
                held = self._step()
        except Exception as error:  # noqa: BLE001  whatever it is, it belongs to the conductor, not to this member
            self._failure = error
        finally:
            if held is not None:
                with self._changed:
                    if held == 0.0:
                        self._moving = False
                    self._changed.notify()

    def _step(self) -> float | None:
        """Move time to what is next and wake who it is for; whoever calls this has set ``_moving``.

        0.0: it is still set, go on. Else it is not any more: None when somebody is awake now; or for how long (real
        seconds) there is nothing to do.
        """
        if self.lines is not None:
            self.lines.pump()
        with self._changed:
            if self._wake_rung() or self._wake_readers():
                self._moving = False
                return None
            due = self._next_due()
        target = self._pace.reached(due, self._now)
        self._run_until(target)
        with self._changed:
            if self._wake_rung() or self._wake_next():
                self._moving = False
                return None
            if target == due:
                return 0.0
            self._moving = False
            return self._pace.ahead(due)

    def _run_until(self, instant: float) -> None:
        while (due := self.agenda.next_due()) is not None and due <= instant:
            call = self.agenda.pop(due)
            assert call is not None
            self._now = max(self._now, due)
            call()
        self._now = max(self._now, instant)

    def _hold(self, seconds: float) -> None:
        """Sleep for real, but not through data on a reader's file or a member that has been up and sleeps again."""
        assert self._wakeup is not None
        poller = select.poll()
        with self._changed:
            fds = [self._wakeup, *self._readers.fds()]
        for fd in fds:
            poller.register(fd, select.POLLIN)
        if any(fd == self._wakeup for fd, _ in poller.poll(min(max(seconds, 0.0), _STEP_S) * 1000)):
            os.eventfd_read(self._wakeup)

    # All of these under the lock.

    def _next_due(self) -> float:
        """The next instant at which anything happens; infinity when that is not known."""
        event = self.agenda.next_due()
        due = math.inf if event is None else event
        for bell in self._members:
            if bell.asleep and bell.until < due:
                due = bell.until
        return max(due, self._now)

    def _wake(self, bell: "SimBell") -> None:
        bell.asleep = False
        self._awake += 1
        bell.gate.release()

    def _wake_rung(self) -> bool:
        rung = [bell for bell in self._members if bell.rung and bell.asleep and not bell.deaf]
        for bell in rung:
            self._wake(bell)
        return bool(rung)

    def _wake_readers(self) -> bool:
        ready = [bell for bell in self._readers.ready() if bell.asleep]
        for bell in ready:
            self._wake(bell)
        return bool(ready)

    def _wake_next(self) -> bool:
        """Of those whose sleep is over the first: the others follow when it sleeps again, always in this order."""
        for bell in self._members:
            if bell.asleep and bell.until <= self._now:
                self._wake(bell)
                return True
        return False

    def _poke(self) -> None:
        if self._wakeup is not None:
            os.eventfd_write(self._wakeup, 1)

    # What the bells call.

    def _sleep(self, bell: "SimBell", until: float, fds: Sequence[int], *, deaf: bool) -> None:
        with self._changed:
            if self._stopping or bell not in self._members:
                return
            if bell.rung and not deaf:
                bell.rung = False
                return
            if until <= self._now:
                return
            self._readers.watch(bell, fds)
            bell.until, bell.deaf, bell.asleep = until, deaf, True
            self._awake -= 1
            last = not self._awake
            cranks = last and self._idle and self._speed is None
            if cranks:
                self._moving = True
            elif last:
                self._changed.notify()
                self._poke()
        try:
            if cranks:
                self._crank()
            bell.gate.acquire()
        finally:
            self._awake_again(bell)
        if not deaf:
            bell.rung = False

    def _awake_again(self, bell: "SimBell") -> None:
        """A signal's exception can end a sleep as well; then nobody has opened the gate."""
        if bell.asleep:
            with self._changed:
                if bell.asleep:
                    self._wake(bell)
        bell.gate.acquire(blocking=False)

    def _ring(self, bell: "SimBell") -> None:
        with self._changed:
            bell.rung = True
            if bell.asleep and not bell.deaf and not self._moving:
                self._wake(bell)

    def _leave(self, bell: "SimBell") -> None:
        with self._changed:
            if bell in self._members:
                if bell.asleep:
                    self._wake(bell)
                del self._members[bell]
                self._readers.forget(bell)
                self._awake -= 1
                self._changed.notify()
                self._poke()


class SimBell:
    """A bell of simulated time. What is not a method belongs to the clock and its lock.

    ``until``  when its thread wants to wake; ``deaf``  no ring wakes it; ``gate``  what it really sleeps on.
    """

    def __init__(self, clock: SimClock, name: str) -> None:
        self.name = name
        self.asleep = False
        self.rung = False
        self.deaf = False
        self.until = math.inf
        self.gate = threading.Lock()
        self.gate.acquire()
        self._clock = clock

    def ring(self) -> None:
        self._clock._ring(self)

    def wait(self, until: float | None, fds: Sequence[int] = ()) -> None:
        self._clock._sleep(self, math.inf if until is None else until, fds, deaf=False)

    def pause(self, seconds: float) -> None:
        self._clock._sleep(self, self._clock.monotonic() + seconds, (), deaf=True)

    def close(self) -> None:
        self._clock._leave(self)


class _Readers:
    """Who waits for data on which files. Only the clock looks there: a sleeper that woke by itself would run
    while time moves."""

    def __init__(self) -> None:
        self._fds: dict[SimBell, tuple[int, ...]] = {}
        self._poller = select.poll()

    def watch(self, bell: SimBell, fds: Sequence[int]) -> None:
        wanted = tuple(fds)
        if self._fds.get(bell, ()) == wanted:
            return
        self._fds[bell] = wanted
        self._poller = select.poll()
        for fd in self.fds():
            self._poller.register(fd, select.POLLIN)

    def forget(self, bell: SimBell) -> None:
        self.watch(bell, ())
        self._fds.pop(bell, None)

    def fds(self) -> set[int]:
        return {fd for fds in self._fds.values() for fd in fds}

    def ready(self) -> list[SimBell]:
        if not any(self._fds.values()):
            return []
        ready = {fd for fd, _ in self._poller.poll(0)}
        return [bell for bell, fds in self._fds.items() if not ready.isdisjoint(fds)] if ready else []


class _Pace:
    """How far time may go, when it is held back."""

    def __init__(self, speed: float | None, now: float) -> None:
        self._speed = speed
        self._sim, self._real = now, time.monotonic()

    def reached(self, due: float, now: float) -> float:
        """The instant to move to: ``due`` if it may be, else as far as it is by now."""
        if self._speed is None:
            return due if due < math.inf else now
        shown = self._sim + (time.monotonic() - self._real) * self._speed
        if shown < due:
            return max(now, shown)
        if shown > due + self._speed:  # the machine is slower than asked: let the hour take longer
            self._sim, self._real = due, time.monotonic()
        return due

    def ahead(self, due: float) -> float:
        """How long (real seconds) until ``due`` may be."""
        if self._speed is None:
            return math.inf
        return self._real + (due - self._sim) / self._speed - time.monotonic()
