"""Tickets: issued at the column, called and served at the counters, and the wait that is told with them.

A counter's call ends the service before it and calls the ticket that has waited longest. The promise
told with a ticket is slightly longer than the wait that is likely (domain: waiting-time promise).
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from devices.faults import Words
from devices.reading import Reading
from edge.hall.flow import Action, Day, Effect, Moment, Rule
from mqtt.messages import Ticket

# Until a hall has served somebody today, a service is taken to last this long.
_SERVICE_S = 360.0
# Weight of the newest service in the running mean.
_NEWEST = 0.1
# A counter that has not called for this long is taken to be closed.
_COUNTER_IDLE_S = 1800.0
# How much longer than the likely wait is told.
_MARGIN = 1.25


@attrs.frozen
class Waiting:
    number: str
    service: str
    device: str
    issued: float  # wall seconds


@attrs.frozen
class Serving:
    ticket: Waiting
    called: float  # wall seconds


class Tickets(Rule):
    """The queue of the hall. ``services`` are the words of each device's services, by device and letter."""

    name = "tickets"
    quantities = ("key", "call", "ticket")

    def __init__(
        self, services: Mapping[str, Mapping[str, Words]], hall: Words, counters: int, timezone: ZoneInfo
    ) -> None:
        self._services = services
        self._hall = hall
        self._counters = counters
        self._timezone = timezone
        self._last_number: dict[str, int] = {}
        self._queue: deque[Waiting] = deque()
        self._serving: dict[int, Serving] = {}
        self._heard: dict[int, float] = {}  # counter -> wall seconds of its last call
        self._service_s = _SERVICE_S

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def counters_open(self, wall: float) -> int:
        """Counters that have called within the last half hour."""
        return sum(1 for heard in self._heard.values() if wall - heard < _COUNTER_IDLE_S)

    def wait_s(self, ahead: int, wall: float) -> int:
        """Seconds that somebody with ``ahead`` people before them is told to wait, in whole minutes."""
        open_counters = self.counters_open(wall) or max(1, self._counters // 2)
        idle = open_counters - len(self._serving)
        if ahead < idle:
            return 0
        likely = (ahead - max(0, idle) + 1) * self._service_s / open_counters
        return math.ceil(likely * _MARGIN / 60) * 60

    def take(self, reading: Reading, moment: Moment) -> Iterable[Effect]:
        match reading.quantity:
            case "key":
                return self._issue(reading.device, str(reading.value), moment)
            case "call":
                return self._call(reading.device, int(reading.value), moment)
            case _:
                return self._follow(reading.device, str(reading.value), moment)

    def _issue(self, device: str, service: str, moment: Moment) -> Iterable[Effect]:
        number = self._last_number.get(service, 0) + 1
        self._last_number[service] = number
        ticket = Waiting(f"{service}{number:03d}", service, device, moment.wall)
        ahead = len(self._queue)
        wait_s = self.wait_s(ahead, moment.wall)
        self._queue.append(ticket)
        yield Ticket(device=device, step="issued", number=ticket.number, service=service, estimated_wait_s=wait_s)
        yield Action(
            device,
            "print",
            {
                "number": ticket.number,
                "service": self._services.get(device, {}).get(service, {"zh": service, "en": service}),
                "ahead": ahead,
                "wait_min": wait_s // 60,
                "hall": self._hall,
                "at": f"{datetime.fromtimestamp(moment.wall, self._timezone):%Y-%m-%d %H:%M}",
            },
        )

    def _call(self, device: str, counter: int, moment: Moment) -> Iterable[Effect]:
        yield from self._end_service(counter, moment)
        self._heard[counter] = moment.wall
        if not self._queue:
            return
        ticket = self._queue.popleft()
        self._serving[counter] = Serving(ticket, moment.wall)
        yield Ticket(
            device=device,
            step="called",
            number=ticket.number,
            service=ticket.service,
            counter=counter,
            waited_s=round(moment.wall - ticket.issued),
        )

    def _end_service(self, counter: int, moment: Moment) -> Iterable[Effect]:
        serving = self._serving.pop(counter, None)
        if serving is None:
            return
        served_s = moment.wall - serving.called
        self._service_s += _NEWEST * (served_s - self._service_s)
        ticket = serving.ticket
        yield Ticket(
            device=ticket.device,
            step="served",
            number=ticket.number,
            service=ticket.service,
            counter=counter,
            served_s=round(served_s),
        )

    def _follow(self, device: str, said: str, moment: Moment) -> Iterable[Effect]:
        """A queue machine of another maker tells what it did: ``step number service counter``, - for what it doesn't
        know. Its numbers are taken as they are."""
        step, number, service, counter_word = said.split(" ")
        counter = int(counter_word) if counter_word.isdigit() else None
        if step == "issued":
            wait_s = self.wait_s(len(self._queue), moment.wall)
            service = service if service != "-" else number[:1]
            self._queue.append(Waiting(number, service, device, moment.wall))
            yield Ticket(device=device, step="issued", number=number, service=service, estimated_wait_s=wait_s)
        elif step == "called" and number == "-":
            if counter is not None:  # a caller that only knows its counter: whoever has waited longest
                yield from self._call(device, counter, moment)
        elif step == "called":
            yield from self._call_number(device, number, service, counter, moment)
        else:
            at = counter if number == "-" else self._counter_of(number)
            if at is not None:
                yield from self._end_service(at, moment)

    def _call_number(
        self, device: str, number: str, service: str, counter: int | None, moment: Moment
    ) -> Iterable[Effect]:
        if counter is not None:
            yield from self._end_service(counter, moment)
            self._heard[counter] = moment.wall
        ticket = self._taken_out(number)
        if ticket is not None and counter is not None:
            self._serving[counter] = Serving(ticket, moment.wall)
        known = ticket.service if ticket is not None else number[:1]
        yield Ticket(
            device=device,
            step="called",
            number=number,
            service=service if service != "-" else known,
            counter=counter,
            waited_s=round(moment.wall - ticket.issued) if ticket is not None else None,
        )

    def _counter_of(self, number: str) -> int | None:
        return next((n for n, serving in self._serving.items() if serving.ticket.number == number), None)

    def _taken_out(self, number: str) -> Waiting | None:
        """The waiting ticket of that number, which waits no more."""
        for ticket in self._queue:
            if ticket.number == number:
                self._queue.remove(ticket)
                return ticket
        return None

    def end_day(self, moment: Moment) -> Iterable[Effect]:
        """Whoever was being served has been; whoever still waits has gone."""
        for counter in sorted(self._serving):
            yield from self._end_service(counter, moment)
        for ticket in self._queue:
            yield Ticket(device=ticket.device, step="no-show", number=ticket.number, service=ticket.service)
        self._queue.clear()

    def begin_day(self, day: Day) -> None:
        self._last_number.clear()
        self._heard.clear()
        self._service_s = _SERVICE_S

    def save(self) -> Any:
        return {
            "last": self._last_number,
            "queue": [attrs.astuple(ticket) for ticket in self._queue],
            "serving": {str(n): [*attrs.astuple(s.ticket), s.called] for n, s in self._serving.items()},
            "heard": {str(n): wall for n, wall in self._heard.items()},
            "service_s": self._service_s,
        }

    def restore(self, state: Any) -> None:
        self._last_number = dict(state["last"])
        self._queue = deque(Waiting(*ticket) for ticket in state["queue"])
        self._serving = {int(n): Serving(Waiting(*s[:4]), s[4]) for n, s in state["serving"].items()}
        self._heard = {int(n): wall for n, wall in state["heard"].items()}
        self._service_s = state["service_s"]
