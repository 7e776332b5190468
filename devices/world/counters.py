"""Tickets, the queue and the counters.

The order in which people are called is the world's own: first come, first served. A ticket column that is broken or
listened to by nobody prints no numbers, but keeps nobody from waiting, and the clerks press their call keys as usual.
"""

from collections import deque
from collections.abc import Callable
from functools import partial

from devices.world.course import Course
from devices.world.fixtures import Fixtures, TicketColumn
from devices.world.people import Visitor
from devices.world.truth import Truth

# The next one presses when the one before has taken their ticket.
_PRESS_GAP_S = 6.0
# A clerk who is free calls when somebody has had time to sit down, not in the instant of the key.
_SETTLE_S = 12.0
# From the call to the first word at the counter, and until a clerk gives up waiting for the one who was called.
_COMING_S, _ABSENT_S = 12.0, 30.0
# Nobody waits for the printer longer than this.
_TICKET_S = 60.0


class Counters:
    """``done`` is told who goes home, ``pressed`` of each ticket that is wanted."""

    def __init__(
        self, course: Course, fixtures: Fixtures, done: Callable[[Visitor], None], pressed: Callable[[], None]
    ) -> None:
        self.truth: Truth
        self._pressed = pressed
        self._ends = 0.0
        self._course = course
        self._fixtures = fixtures
        self._done = done
        self._free: list[int] = []
        self._machine_free_at = 0.0
        self._queue: deque[Visitor] = deque()
        self._gone: set[int] = set()  # by name: gave up, but still has a place in the queue
        self._expecting: deque[Visitor] = deque()  # those whose ticket has yet to come out

    def begin_day(self, truth: Truth, open_counters: int, ends: float) -> None:
        """``ends``: the instant at which the last one must have been served."""
        self.truth = truth
        self._ends = ends
        self._free = list(range(1, open_counters + 1))
        self._queue.clear()
        self._gone.clear()
        self._expecting.clear()

    def want(self, visitor: Visitor) -> None:
        """Somebody is in front of the ticket column, or of a terminal: there is always one free."""
        if visitor.service is None:
            self._course.at(self._no_later(visitor.served_s), partial(self._done, visitor))
            return
        press_at = max(self._course.now(), self._machine_free_at)
        self._machine_free_at = press_at + _PRESS_GAP_S
        self._course.at(press_at, partial(self._press, visitor))

    def ticket_cut(self, number: str) -> None:
        """A ticket has come out: it is for the one who has waited longest for theirs."""
        if self._expecting:
            self._expecting.popleft().number = number

    def send_home(self) -> None:
        """The hall has closed: whoever still waits goes; who is at a counter stays until done."""
        waiting = [visitor for visitor in self._queue if visitor.name not in self._gone]
        self._queue.clear()
        self.truth.waiting = 0
        for visitor in waiting:
            self._done(visitor)

    def _press(self, visitor: Visitor) -> None:
        assert visitor.service is not None
        self.truth.wanted += 1
        self.truth.waiting += 1
        self._expecting.append(visitor)
        self._queue.append(visitor)
        self._pressed()
        column = self._column()
        if column is not None:
            column.press(visitor.service)
        self._course.after(_SETTLE_S, self._call_next)
        self._course.after(_TICKET_S, partial(self._stop_expecting, visitor))
        self._course.after(visitor.patience_s, partial(self._lose_patience, visitor))

    def _stop_expecting(self, visitor: Visitor) -> None:
        if visitor in self._expecting:
            self._expecting.remove(visitor)

    def _lose_patience(self, visitor: Visitor) -> None:
        if visitor in self._queue:
            self._gone.add(visitor.name)
            self.truth.waiting -= 1
            self._done(visitor)

    def _call_next(self) -> None:
        if self._queue and self._free:
            self._free.sort()
            self._call(self._free.pop(0))

    def _call(self, counter: int) -> None:
        """The clerk presses the call key: this ends the service before, and calls the next if there is one."""
        column = self._column()
        if column is not None:
            column.call(counter)
        if not self._queue:
            self._free.append(counter)
            return
        visitor = self._queue.popleft()
        self.truth.called += 1
        if visitor.name in self._gone:
            self.truth.absent += 1
            self._course.after(_ABSENT_S, partial(self._call, counter))
        else:
            self.truth.waiting -= 1
            self._course.at(self._no_later(_COMING_S + visitor.served_s), partial(self._served, visitor, counter))

    def _no_later(self, seconds: float) -> float:
        now = self._course.now()
        return min(now + seconds, max(now, self._ends))

    def _served(self, visitor: Visitor, counter: int) -> None:
        self.truth.served += 1
        self._done(visitor)
        self._call(counter)

    def _column(self) -> TicketColumn | None:
        column: TicketColumn | None = self._fixtures.twin("tickets")
        return column
