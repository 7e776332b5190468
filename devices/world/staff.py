"""What staff do besides serving: disinfect on their rounds, and put a new roll into the ticket printer."""

from functools import partial
from random import Random

from devices.world.course import Course
from devices.world.fixtures import CardReader, Fixtures, TicketColumn
from devices.world.scenario import Scenario
from devices.world.truth import Truth

# A round goes from zone to zone; a card is held before the reader for a second.
_ZONE_S = (120.0, 300.0)
_CARD_S = 1.0
# What a hall without an allow-list uses: a tag that nobody has.
_SOME_CARD = "0A00C0FFEE"
_FULL_ROLL = 500
_COVER_OPEN_S = 30.0
# Besides the clerks: the hall's manager and a guard.
_OTHERS = 2


def clerks(scenario: Scenario, counters: int) -> int:
    return max(1, round(scenario.counters_open * counters))


def people(scenario: Scenario, counters: int) -> int:
    return clerks(scenario, counters) + _OTHERS


class Rounds:
    """Disinfection of every zone that has a reader."""

    def __init__(self, course: Course, fixtures: Fixtures) -> None:
        self._course = course
        self._fixtures = fixtures

    def plan(self, truth: Truth, scenario: Scenario, opens: float, closes: float, random: Random) -> None:
        """Each round in the middle of its part of the open day, give or take ten minutes, if it is not late."""
        part_s = (closes - opens) / max(1, scenario.rounds)
        for place in range(scenario.rounds):
            at = opens + (place + 0.5) * part_s + random.uniform(-600.0, 600.0) + scenario.rounds_late_min * 60
            for reader, settings in enumerate(self._fixtures.of("disinfection")):
                at += random.uniform(*_ZONE_S)
                card = random.choice(sorted(settings.cards) or [_SOME_CARD])
                self._course.at(max(opens, at), partial(self._show, truth, reader, settings.zone or "", card))

    def _show(self, truth: Truth, reader: int, zone: str, card: str) -> None:
        truth.disinfected[zone] += 1
        twin: CardReader | None = self._fixtures.twin("disinfection", reader)
        if twin is not None:
            twin.present(card, _CARD_S)


class Paper:
    """The roll of the ticket printer, where the scenario says that it is short.

    It is reckoned by the tickets that people asked for, so that it is the same with and without a printer.
    """

    def __init__(self, course: Course, fixtures: Fixtures) -> None:
        self._course = course
        self._fixtures = fixtures
        self._truth: Truth | None = None
        self._left = _FULL_ROLL
        self._out = False
        self._wait_s = 0.0

    def begin_day(self, truth: Truth, scenario: Scenario) -> None:
        self._truth, self._wait_s, self._out = truth, scenario.new_roll_after_s, False
        self._left = _FULL_ROLL if scenario.tickets_left is None else scenario.tickets_left
        self.attached()

    def attached(self) -> None:
        """Let the printer's twin know what is on the roll by now."""
        column = self._column()
        if column is not None and self._truth is not None:
            column.load_paper(max(0, self._left - self._truth.wanted))

    def ticket_wanted(self) -> None:
        if self._truth is not None and not self._out and self._truth.wanted >= self._left:
            self._out = True
            self._course.after(self._wait_s, self._open)

    def _open(self) -> None:
        self._cover(is_open=True)
        self._course.after(_COVER_OPEN_S, self._load)

    def _load(self) -> None:
        assert self._truth is not None
        self._left, self._out = self._truth.wanted + _FULL_ROLL, False
        self.attached()
        self._cover(is_open=False)

    def _cover(self, *, is_open: bool) -> None:
        column = self._column()
        if column is not None:
            column.cover_open = is_open

    def _column(self) -> TicketColumn | None:
        column: TicketColumn | None = self._fixtures.twin("tickets")
        return column
