"""A hall without wires: readings and time are written down by hand."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from devices.reading import Reading
from edge.hall.contacts import Wired
from edge.hall.devices import Equipment
from edge.hall.flow import Health, Input, Moment, Outcome, Request
from edge.hall.hall import Hall, Plan
from edge.hall.rules import RuleSettings
from edge.hall.site import Hours, Site
from mqtt.messages import Command

SHANGHAI = ZoneInfo("Asia/Shanghai")


def wall(text: str) -> float:
    """Epoch seconds of a local time in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()


class Bench:
    """A hall of 33 people with one device of each class, begun on a Monday at nine."""

    def __init__(
        self,
        begin: str = "2026-03-02T09:00:00",
        zones: dict[str, str] | None = None,
        buttons: dict[str, str] | None = None,
        points: dict[str, str] | None = None,
        **rules: Any,
    ) -> None:
        words = {"zh": "甲", "en": "a"}
        names = {
            "door": "door",
            "temp": "thermometer",
            "air": "air",
            "badge": "disinfection",
            "column": "tickets",
            "panic": "contact",
            "fan": "output",
        }
        self.plan = Plan(
            site=Site(
                branch="jingan-0042",
                name={"zh": "静安营业厅", "en": "Jing'an hall"},
                type="medium",
                floor_area_m2=180.0,
                timezone=SHANGHAI,
                hours=Hours.parse({"mon-fri": "09:00-17:00", "sat": "09:00-12:00"}),
                counters=8,
            ),
            rules=RuleSettings(**rules),
            equipment={device: Equipment(kind, "some-part", words, None) for device, kind in names.items()},
            zones=zones or {"air": "waiting"},
            disinfected={"badge": "waiting"},
            buttons=buttons or {},
            points=points or {},
            services={"column": {"A": {"zh": "保全", "en": "policy service"}}},
            wired={"panic": Wired("PANIC", normally_closed=True)},
            outputs={"fan": "AIR"},
            version="test",
        )
        self.hall = Hall(self.plan)
        self._epoch = wall(begin) - 1000.0
        self.now = 1000.0
        self.outcomes: list[Outcome] = []
        self.step()

    def step(self, *inputs: Input) -> Outcome:
        outcome = self.hall.step(Moment(self.now, self._epoch + self.now), inputs)
        self.outcomes.append(outcome)
        return outcome

    def read(self, device: str, quantity: str, value: Any, *, after: float = 0.0) -> Outcome:
        self.now += after
        return self.step(Reading(device, quantity, value, self.now))

    def wait(self, seconds: float) -> None:
        """Let time pass, with a step whenever the hall wants one."""
        end = self.now + seconds
        while (due := self.hall.due()) is not None and due < end:
            self.now = max(self.now, due)
            self.step()
        self.now = end
        self.step()

    def wait_until(self, text: str) -> None:
        self.wait(wall(text) - self._epoch - self.now)

    def health(self, device: str, health: str, code: str | None = None) -> Outcome:
        text = {"zh": "坏了", "en": "broken"} if code else None
        return self.step(Health(device, health, self.now, code, text))

    def command(self, name: str, id: str = "1", **args: Any) -> Outcome:
        return self.step(Request(Command(id=id, name=name, by="wang", args=args), self.now))

    def bodies(self, kind: str) -> list[Any]:
        """Every entry of that kind so far."""
        return [record.body for o in self.outcomes for record in o.records if record.body.kind == kind]

    def alarms(self, code: str) -> list[str]:
        """What has happened to alarms of that code."""
        return [body.change for body in self.bodies("alarm") if body.code == code]

    def restart(self, without: str | None = None) -> None:
        """As after a crash right behind a commit; with a device less in the hall file."""
        saved = self.hall.save()
        equipment = {device: one for device, one in self.plan.equipment.items() if device != without}
        self.plan = attrs.evolve(self.plan, equipment=equipment)
        self.hall = Hall(self.plan)
        self.hall.restore(saved)


@pytest.fixture
def bench() -> Callable[..., Bench]:
    return Bench
