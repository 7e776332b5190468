"""Where the world's events go."""

from collections.abc import Callable

from devices.world.lockstep import Agenda, SimClock


class Course:
    """The order in which things happen to the hall: first what has been, as quickly as it can be reckoned, then what
    comes, on a clock's agenda. Whoever plans an event need not know which of the two it is.
    """

    def __init__(self, begin: float) -> None:
        self._past_now = begin
        self._past: Agenda | None = Agenda()
        self._clock: SimClock | None = None

    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock.monotonic() if self._clock is not None else self._past_now

    def at(self, instant: float, call: Callable[[], None]) -> None:
        agenda = self._clock.agenda if self._clock is not None else self._past
        assert agenda is not None
        agenda.at(instant, call)

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        self.at(self.now() + seconds, call)

    def catch_up(self, clock: SimClock) -> None:
        """Let all happen that has happened by that clock; what comes is the clock's from then on."""
        past = self._past
        assert past is not None
        while (due := past.next_due()) is not None and due <= clock.monotonic():
            self._past_now = max(self._past_now, due)
            call = past.pop(due)
            assert call is not None
            call()
        self._clock, self._past = clock, None
        while (due := past.next_due()) is not None:
            call = past.pop(due)
            assert call is not None
            clock.agenda.at(due, call)
