"""The small world of one hall: visitors come, wait, breathe and go, staff disinfect, devices fail.

It moves the simulators and knows the truth. It goes on whether or not anybody listens: built at eleven o'clock, it has
lived the morning already, and it is the same morning for the same seed, however often the gateway was started since.
So nothing that only a twin decides (a ticket's number, the fan) changes what people do, and every day is drawn anew
from its own date. For the same reason a day begins at midnight with an empty hall.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from random import Random
from typing import Any

from devices.part import Settings
from devices.world.air import CEILING_M, OUTDOOR_PPM, Air
from devices.world.counters import Counters
from devices.world.course import Course
from devices.world.entrance import Entrance
from devices.world.fixtures import AirSensor, Fixtures, Output, TicketColumn, Wiring
from devices.world.lockstep import SimClock
from devices.world.mishaps import Mishaps
from devices.world.people import Visitor, plan_day
from devices.world.plan import Profile
from devices.world.recording import Passage, Recording, passages
from devices.world.scenario import Scenario
from devices.world.site import Site, day_after, day_of, midnight
from devices.world.staff import Paper, Rounds, clerks, people
from devices.world.truth import Truth

# Staff are in from half an hour before opening until half an hour after closing (working and business hours).
_BEFORE_S = _AFTER_S = 1800.0
# After closing nobody new is called from then on, and from then on nobody is served.
_LAST_CALL_S, _LAST_SERVICE_S = 600.0, 1500.0
# The latest closing that leaves time for all that before midnight.
_LATEST_S = 3600.0
_TICK_S = 300.0
_AIRING_PER_H, _SHUT_PER_H, _STALE_PPM = 4.0, 0.05, 800.0

NOBODY = Scenario(name="nobody", arrivals_per_hour=Profile.of(0), rounds=0)


class World:
    """``devices``: class and settings of each, as in the hall file. ``days``: the truth of each day lived so far.

    ``clock``      where its events go, and since when (:meth:`SimClock.wall`) it has been.
    ``scenario``   None: nobody comes, nobody works here.
    ``recording``  the people of the first door, instead of the scenario's.
    """

    def __init__(
        self,
        site: Site,
        scenario: Scenario | None,
        clock: SimClock,
        *,
        seed: int = 0,
        devices: Sequence[tuple[str, Settings]] = (),
        recording: Recording | None = None,
    ) -> None:
        today = day_of(clock.wall(), site.timezone)
        self.days: dict[date, Truth] = {}
        self._site = site
        self._scenario = scenario or NOBODY
        self._staff = people(scenario, site.counters) if scenario else 0
        self._staff_inside = 0
        self._recording = recording
        self._seed = seed
        self._noise = Random(f"{seed}:sensors")
        self._epoch = clock.wall() - clock.monotonic()
        self._fixtures = Fixtures(devices)
        self._course = Course(midnight(today, site.timezone) - self._epoch)
        self._air = Air(site.floor_area_m2 * CEILING_M, self._course.now())
        self._entrance = Entrance(self._course, self._fixtures, self._moved)
        self._entrance.ambient_c = lambda: self._air.at(self._course.now()).celsius
        self._paper = Paper(self._course, self._fixtures)
        self._counters = Counters(self._course, self._fixtures, self._goes_home, self._paper.ticket_wanted)
        self._rounds = Rounds(self._course, self._fixtures)
        self._mishaps = Mishaps(self._course, self._fixtures)
        self._services = self._services_of(self._fixtures)
        self._begin_day(today)
        self._course.catch_up(clock)

    @property
    def truth(self) -> Truth:
        """Today's."""
        return self.days[next(reversed(self.days))]

    def attach(self, kind: str, twin: Any) -> None:
        """From now on what happens to that device reaches its simulator."""
        self._fixtures.attach(twin)
        if kind == "air":
            sensor: AirSensor = twin
            sensor.source = self._shown
        elif kind == "tickets":
            column: TicketColumn = twin
            column.on_ticket = self._counters.ticket_cut
            self._paper.attached()
        elif kind == "output" and twin.settings.on == "AIR":
            fan: Output = twin
            fan.watch(lambda on: self._air.fan(self._course.now(), on))
        self._mishaps.attached(twin.settings.id)

    def wire(self, wiring: Wiring) -> None:
        """From now on troubles befall the devices on that wiring."""
        self._fixtures.wiring = wiring

    # The day.

    def _begin_day(self, day: date) -> None:
        now = self._course.now()
        tomorrow = midnight(day_after(day), self._site.timezone) - self._epoch
        truth = Truth(day, lambda: self._air.at(self._course.now()).co2_ppm)
        self.days[day] = truth
        self._entrance.begin_day(truth)
        self._paper.begin_day(truth, self._scenario)
        self._air.renew(now, OUTDOOR_PPM if self._scenario.aired_at_night else _STALE_PPM)
        self._night()
        self._course.at(tomorrow, partial(self._begin_day, day_after(day)))
        if self._recording is not None:
            self._next_recorded(self._recorded(self._recording, day))
        hours = self._site.opening(day)
        if hours is not None:
            opens, closes = (instant.timestamp() - self._epoch for instant in hours)
            closes = min(closes, tomorrow - _LATEST_S)
            if opens < closes:
                self._plan_open_day(day, truth, opens, closes)

    def _plan_open_day(self, day: date, truth: Truth, opens: float, closes: float) -> None:
        scenario = self._scenario
        self._counters.begin_day(truth, clerks(scenario, self._site.counters), closes + _LAST_SERVICE_S)
        self._course.at(opens - _BEFORE_S, partial(self._staff_come_and_go, self._staff))
        self._course.at(opens - _BEFORE_S, partial(self._ventilate, opens, closes))
        self._course.at(closes + _LAST_CALL_S, self._counters.send_home)
        self._course.at(closes + _AFTER_S, partial(self._staff_come_and_go, 0))
        self._rounds.plan(truth, scenario, opens, closes, self._random(day, "rounds"))
        self._mishaps.plan(truth, scenario, opens, closes, self._random(day, "mishaps"))
        if self._recording is None:
            doors = len(self._fixtures.of("door"))
            visitors = plan_day(
                scenario, self._site, closes - opens, self._services, doors, self._random(day, "people")
            )
            self._next_arrival(iter(visitors), opens)

    def _random(self, day: date, what: str) -> Random:
        return Random(f"{self._seed}:{day}:{what}")

    def _staff_come_and_go(self, inside: int) -> None:
        self._staff_inside = inside
        self._breathe()

    # The air.

    def _ventilate(self, opens: float, closes: float) -> None:
        now = self._course.now()
        if now >= closes + _AFTER_S:
            self._night()
            return
        share = min(1.0, max(0.0, (now - opens) / (closes - opens)))
        self._air.ventilate(now, self._scenario.air_changes_per_hour.at(share))
        self._course.after(_TICK_S, partial(self._ventilate, opens, closes))

    def _night(self) -> None:
        per_h = _AIRING_PER_H if self._scenario.aired_at_night else _SHUT_PER_H
        self._air.ventilate(self._course.now(), per_h)

    def _breathe(self) -> None:
        self._air.people(self._course.now(), self.truth.inside + self._staff_inside)

    def _shown(self) -> tuple[float, float, float]:
        """What a sensor sees of the air; no real one is ever quite still."""
        sample, noise = self._air.at(self._course.now()), self._noise.gauss
        return sample.co2_ppm + noise(0, 2), sample.celsius + noise(0, 0.02), sample.humidity_pct + noise(0, 0.1)

    # The people.

    def _next_arrival(self, visitors: Iterator[Visitor], opens: float) -> None:
        visitor = next(visitors, None)
        if visitor is not None:
            self._course.at(opens + visitor.arrives_s, partial(self._arrive, visitor, visitors, opens))

    def _arrive(self, visitor: Visitor, others: Iterator[Visitor], opens: float) -> None:
        self._entrance.arrive(visitor)
        self._next_arrival(others, opens)

    def _moved(self, visitor: Visitor | None, direction: int) -> None:
        if direction < 0:
            self.truth.went_out()
        else:
            self.truth.came_in()
        self._breathe()
        if visitor is not None and direction > 0:
            self._course.after(visitor.to_machine_s, partial(self._counters.want, visitor))

    def _goes_home(self, visitor: Visitor) -> None:
        self._course.after(visitor.to_exit_s, partial(self._entrance.leave, visitor))

    # Recorded people, who have no more of a life than their passage.

    def _recorded(self, recording: Recording, day: date) -> Iterator[tuple[float, Passage]]:
        for half_hour in recording.day(day):
            begin = half_hour.start.replace(tzinfo=self._site.timezone).timestamp() - self._epoch
            for passage in passages(half_hour, self._seed):
                yield begin + passage.at_s, passage

    def _next_recorded(self, coming: Iterator[tuple[float, Passage]]) -> None:
        following = next(coming, None)
        if following is not None:
            at, passage = following
            self._course.at(at, partial(self._go_through, passage, coming))

    def _go_through(self, passage: Passage, coming: Iterator[tuple[float, Passage]]) -> None:
        self._entrance.go_through(0, passage.direction, passage.walk_s)
        self._course.after(passage.walk_s, partial(self._moved, None, passage.direction))
        self._next_recorded(coming)

    @staticmethod
    def _services_of(fixtures: Fixtures) -> list[str]:
        """The keys of the ticket column; a hall without one has one service all the same."""
        columns = fixtures.of("tickets")
        return sorted(columns[0].services) if columns else ["A"]
