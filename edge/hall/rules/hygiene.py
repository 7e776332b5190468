"""HYGIENE: each zone is disinfected so many times a day; a round that is due and not done is told."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import attrs
from attrs import validators

from devices.reading import Reading
from edge.hall.flow import Condition, Day, Effect, Moment, Rule
from edge.hall.site import ZONES
from mqtt.messages import Disinfection

_TICK_S = 60.0
# Cards shown again within this time belong to the same round.
_SAME_ROUND_S = 600.0


@attrs.frozen(kw_only=True)
class Settings:
    """``rounds_per_day``  of each zone that has a badge reader or a button."""

    rounds_per_day: int = attrs.field(default=2, validator=[validators.ge(1), validators.le(24)])


class Hygiene(Rule):
    """The disinfection log of each zone, and what is overdue.

    With N rounds a day, round k is due when k/N of the opening hours have passed. ``zones`` says which reader
    stands where.
    """

    name = "hygiene"
    quantities = ("badge", "button", "code")

    def __init__(self, settings: Settings, zones: Mapping[str, str]) -> None:
        self._rounds = settings.rounds_per_day
        self._zones = zones
        self._day: Day | None = None
        self._done: dict[str, list[float]] = {}  # zone -> wall seconds of each round
        self._overdue: dict[str, bool] = {}
        self._next_tick = 0.0

    def take(self, reading: Reading, moment: Moment) -> Iterable[Effect]:
        zone, by, how = self._told(reading)
        if zone is None:
            return
        rounds = self._done.setdefault(zone, [])
        if not rounds or moment.wall - rounds[-1] > _SAME_ROUND_S:
            rounds.append(moment.wall)
        yield Disinfection(zone=zone, by=by, how=how, round=len(rounds))
        yield from self._judge(zone, moment)

    def _told(self, reading: Reading) -> tuple[str | None, str, Literal["button", "badge", "code"]]:
        """The zone (None: it is not about one), who, and how."""
        if reading.quantity == "code":
            where, _, who = str(reading.value).partition(" ")
            return (where if where in ZONES else None), who, "code"
        zone = self._zones.get(reading.device)
        return (zone, reading.device, "button") if reading.quantity == "button" else (zone, str(reading.value), "badge")

    def tick(self, moment: Moment) -> Iterable[Effect]:
        if moment.mono < self._next_tick:
            return
        self._next_tick = moment.mono + _TICK_S
        for zone in dict.fromkeys(self._zones.values()):
            yield from self._judge(zone, moment)

    def due(self) -> float | None:
        return self._next_tick if self._zones else None

    def begin_day(self, day: Day) -> None:
        self._day = day
        self._done.clear()

    def resume_day(self, day: Day) -> None:
        self._day = day

    def save(self) -> Any:
        return {"done": self._done, "overdue": self._overdue}

    def restore(self, state: Any) -> None:
        self._done = {zone: list(rounds) for zone, rounds in state["done"].items()}
        self._overdue = dict(state["overdue"])

    def _judge(self, zone: str, moment: Moment) -> Iterable[Effect]:
        due, done = self._due_rounds(moment.wall), len(self._done.get(zone, ()))
        overdue = done < due
        if overdue == self._overdue.get(zone, False):
            return
        self._overdue[zone] = overdue
        yield Condition(
            "HYGIENE",
            zone,
            overdue,
            {
                "zh": f"应消毒 {due} 次，已完成 {done} 次：请对座椅、台面、门把手消毒并刷卡",
                "en": f"{due} disinfection rounds due, {done} done: disinfect seats, desks and door handles, "
                "then show the badge",
            },
            value=done,
            limit=due,
        )

    def _due_rounds(self, wall: float) -> int:
        day = self._day
        if day is None or day.opens is None or day.closes is None or wall < day.opens:
            return 0
        share = min(1.0, (wall - day.opens) / (day.closes - day.opens))
        return int(share * self._rounds)
