"""The hall: puts every input to the rules that it concerns, and gathers what follows.

One step::

    readings, health, link, requests --> rules --> conditions --> alarms --> entries, actions, the present
"""

import json
import math
from collections.abc import Iterable, Mapping

import attrs

from devices.faults import Words
from devices.reading import Reading
from edge.hall.alarms import Alarms
from edge.hall.commands import Commands
from edge.hall.contacts import Buttons, Contacts, Wired
from edge.hall.devices import Devices, Equipment
from edge.hall.doorway import Doorway
from edge.hall.flow import (
    Action,
    Condition,
    Day,
    Effect,
    Health,
    Input,
    Link,
    Moment,
    Outcome,
    Record,
    Request,
    Rule,
    day_of,
)
from edge.hall.quality import Believer
from edge.hall.rules import RuleSettings
from edge.hall.rules.air import Air
from edge.hall.rules.crowd import Crowd
from edge.hall.rules.fever import Fever
from edge.hall.rules.hygiene import Hygiene
from edge.hall.rules.paper import Paper
from edge.hall.rules.patrol import Patrols
from edge.hall.rules.power import Power
from edge.hall.rules.surge import Surge
from edge.hall.rules.uplink import Uplink
from edge.hall.rules.wait import Wait
from edge.hall.site import Site
from edge.hall.switching import Switching
from edge.hall.telemetry import Gatherer
from edge.hall.tickets import Tickets
from mqtt.messages import HallNow

# How often now/device is told anew for the time of the last reading.
_REFRESH_S = 300.0
# The last millisecond of a day, in wall seconds before the next.
_LAST_MILLISECOND_S = 0.001


@attrs.frozen(kw_only=True)
class Plan:
    """What the hall file says, as the pure wing needs it."""

    site: Site
    rules: RuleSettings
    equipment: Mapping[str, Equipment]
    zones: Mapping[str, str] = attrs.field(factory=dict)  # air sensor -> zone
    disinfected: Mapping[str, str] = attrs.field(factory=dict)  # badge reader or button -> zone
    points: Mapping[str, str] = attrs.field(factory=dict)  # button -> patrol point
    buttons: Mapping[str, str] = attrs.field(factory=dict)  # emergency key -> the code it calls
    services: Mapping[str, Mapping[str, Words]] = attrs.field(factory=dict)  # ticket column -> letter -> words
    wired: Mapping[str, Wired] = attrs.field(factory=dict)  # contact -> its meaning
    outputs: Mapping[str, str] = attrs.field(factory=dict)  # output -> the code it follows
    version: str = ""


class Hall:
    """All of the hall's account and judgement. Not thread-safe: one thread steps it."""

    def __init__(self, plan: Plan) -> None:
        site = plan.site
        self._site = site
        self._alarms = Alarms()
        self._devices = Devices(plan.equipment)
        self._believer = Believer(self._devices)
        self._telemetry = Gatherer()
        self._doorway = Doorway()
        self._tickets = Tickets(plan.services, site.name, site.counters, site.timezone)
        self._fever = Fever(plan.rules.fever)
        self._air = Air(plan.rules.air, plan.zones)
        self._uplink = Uplink()
        self._switching = Switching(plan.outputs, self._alarms)
        self._commands = Commands(self._alarms, {"branch": site.branch, "version": plan.version})
        # In the order in which they are asked: accounts before the rules that judge by them, what follows alarms last.
        self._rules: tuple[Rule, ...] = (
            self._telemetry,
            self._doorway,
            self._tickets,
            self._fever,
            Contacts(plan.wired),
            Buttons(plan.buttons),
            Patrols(plan.points),
            Power(),
            Hygiene(plan.rules.hygiene, plan.disinfected),
            self._air,
            Paper(),
            Surge(plan.rules.surge),
            Crowd(plan.rules.crowd, self._doorway, site.capacity),
            Wait(plan.rules.wait, self._tickets),
            self._devices,
            self._uplink,
            self._alarms,
            self._switching,
            self._commands,
        )
        self._takers: dict[str, list[Rule]] = {}
        for rule in self._rules:
            for quantity in rule.quantities:
                self._takers.setdefault(quantity, []).append(rule)
        self._day: Day | None = None
        self._last_wall = 0.0
        self._next_refresh = -math.inf
        self._shown: HallNow | None = None
        # Where alarms can come from; those of a device that the hall file no longer has end at the first step.
        self._sources = {"hall", "broker", "refused", *plan.equipment, *plan.zones.values(), *plan.disinfected.values()}
        self._restored = False

    # --- one step ------------------------------------------------------------------------------------------------

    def step(self, moment: Moment, inputs: Iterable[Input]) -> Outcome:
        """Take what has come in, in order of its time, up to ``moment``."""
        outcome = Outcome()
        if self._restored:
            self._restored = False
            self._follow(self._alarms.forget_all_but(self._sources), moment, outcome)
        for item in sorted(inputs, key=_at):
            then = moment.at(min(item.at, moment.mono))
            self._pass_time(then, outcome)
            self._take(item, then, outcome)
        self._pass_time(moment, outcome)
        for rule in self._rules:
            self._follow(rule.tick(moment), moment, outcome)
        self._tell(moment, outcome)
        return outcome

    def due(self) -> float | None:
        """The monotonic instant by which the next step is wanted even if nothing comes in."""
        dues = [rule.due() for rule in self._rules]
        dues.append(self._next_refresh)
        return min(due for due in dues if due is not None)

    def _pass_time(self, moment: Moment, outcome: Outcome) -> None:
        if self._day is None or not self._day.begins <= moment.wall < self._day.ends:
            self._turn_day(moment, outcome)
        due = self._telemetry.due()
        if due is not None and due <= moment.mono:
            self._follow(self._telemetry.tick(moment), moment, outcome)

    def _turn_day(self, moment: Moment, outcome: Outcome) -> None:
        if self._day is not None and moment.wall >= self._day.ends:
            gone = moment.wall - self._day.ends + _LAST_MILLISECOND_S
            last = Moment(moment.mono - gone, moment.wall - gone, moment.synced)
            for rule in self._rules:
                self._follow(rule.end_day(last), last, outcome)
        before = self._day
        self._day = day_of(moment.wall, self._site.timezone, self._site.hours)
        for rule in self._rules:
            # A clock that was set back into the day before does not empty the books of today.
            if before is None or moment.wall >= before.ends:
                rule.begin_day(self._day)

    def _take(self, item: Input, moment: Moment, outcome: Outcome) -> None:
        match item:
            case Reading():
                self._devices.heard(item.device, moment.wall)
                if isinstance(item.value, float):
                    self._telemetry.take(item, moment)
                    item, effects = self._believer.judge(item, moment)
                    self._follow(effects, moment, outcome)
                for rule in self._takers.get(item.quantity, ()):
                    self._follow(rule.take(item, moment), moment, outcome)
            case Health():
                self._switching.report(item)
                self._follow(self._devices.report(item, moment), moment, outcome)
            case Link():
                self._follow(self._uplink.report(item, moment), moment, outcome)
            case Request():
                done, effects = self._commands.carry_out(item.command, moment)
                outcome.answers.append((item.command, done))
                self._follow(effects, moment, outcome)

    def _follow(self, effects: Iterable[Effect], moment: Moment, outcome: Outcome) -> None:
        for effect in effects:
            match effect:
                case Condition():
                    self._follow(self._alarms.judge(effect, moment), moment, outcome)
                case Action():
                    outcome.actions.append(effect)
                case _:
                    # Time never runs back in a lane, even when the clock is set back.
                    self._last_wall = max(self._last_wall, moment.wall)
                    outcome.records.append(Record(effect, self._last_wall, moment.synced))

    # --- the present ---------------------------------------------------------------------------------------------

    def _tell(self, moment: Moment, outcome: Outcome) -> None:
        if moment.mono >= self._next_refresh:
            self._next_refresh = moment.mono + _REFRESH_S
            self._devices.refresh()
        for device in sorted(self._devices.changed):
            outcome.now[f"device/{device}"] = self._devices.now(device)
        for key in sorted(self._alarms.changed):
            outcome.now[f"alarm/{key[0]}/{key[1]}"] = self._alarms.now(key)
        for zone, air in self._air.changed.items():
            outcome.now[f"air/{zone}"] = air
        self._devices.changed.clear()
        self._alarms.changed.clear()
        self._air.changed.clear()
        hall = self._hall_now(moment)
        if hall != self._shown:
            self._shown = outcome.now["hall"] = hall

    def _hall_now(self, moment: Moment) -> HallNow:
        waiting = self._tickets.waiting
        return HallNow(
            open=self._day is not None and self._day.is_open(moment.wall),
            occupancy=self._doorway.occupancy,
            capacity=self._site.capacity,
            waiting=waiting,
            wait_s=self._tickets.wait_s(waiting, moment.wall),
            counters_open=self._tickets.counters_open(moment.wall),
            counters_advised=None,
            entered_today=self._doorway.entered_today,
            left_today=self._doorway.left_today,
            flagged_today=self._fever.flagged_today,
        )

    # --- its state -----------------------------------------------------------------------------------------------

    def save(self) -> dict[str, str]:
        """Every rule's state as JSON, and the day it belongs to: to be written with the batch it came from."""
        states = {rule.name: rule.save() for rule in self._rules}
        states["hall"] = {"day": self._day.begins if self._day else None, "last_wall": self._last_wall}
        return {
            name: json.dumps(state, ensure_ascii=False, separators=(",", ":"))
            for name, state in states.items()
            if state is not None
        }

    def restore(self, saved: Mapping[str, str]) -> None:
        """Go on from what :meth:`save` gave, with the same day if it is still that day."""
        self._restored = bool(saved)
        for rule in self._rules:
            if rule.name in saved:
                rule.restore(json.loads(saved[rule.name]))
        if "hall" in saved:
            hall = json.loads(saved["hall"])
            self._last_wall = hall["last_wall"]
            if hall["day"] is not None:
                self._day = day_of(hall["day"], self._site.timezone, self._site.hours)
                for rule in self._rules:
                    rule.resume_day(self._day)


def _at(item: Input) -> float:
    return item.at
