"""Troubles of devices and emergencies of the hall, when the scenario has them."""

from collections.abc import Iterator
from functools import partial
from random import Random

from devices.world.course import Course
from devices.world.fixtures import Contact, Fixtures
from devices.world.plan import PlannedEmergency, PlannedTrouble
from devices.world.scenario import Scenario
from devices.world.truth import Truth
from devices.world.twin import Trouble


class Mishaps:
    """``troubles``: what is wrong at present, by device."""

    def __init__(self, course: Course, fixtures: Fixtures) -> None:
        self.troubles: dict[str, Trouble] = {}
        self._course = course
        self._fixtures = fixtures

    def plan(self, truth: Truth, scenario: Scenario, opens: float, closes: float, random: Random) -> None:
        for planned in scenario.troubles:
            devices = self._fixtures.of(planned.kind)
            for at in _instants(planned, opens, closes):
                if devices:
                    device = random.choice(devices).id
                    trouble = Trouble(planned.trouble)
                    self._course.at(at, partial(self._begin, device, trouble))
                    self._course.at(at + planned.lasting_s, partial(self._end, device, trouble))
        for emergency in scenario.emergencies:
            for at in _instants(emergency, opens, closes):
                self._course.at(at, partial(self._raise, truth, emergency))

    def attached(self, device: str) -> None:
        """A twin has come that does not know yet what is wrong with it."""
        if self._fixtures.wiring is not None and device in self.troubles:
            self._fixtures.wiring.suffer(device, self.troubles[device])

    def _begin(self, device: str, trouble: Trouble) -> None:
        if device in self.troubles:  # one at a time: a port that is gone cannot be garbled
            self._end(device, self.troubles[device])
        self.troubles[device] = trouble
        if self._fixtures.wiring is not None:
            self._fixtures.wiring.suffer(device, trouble)

    def _end(self, device: str, trouble: Trouble) -> None:
        if self.troubles.get(device) is not trouble:
            return  # another one has taken its place
        del self.troubles[device]
        if self._fixtures.wiring is not None:
            self._fixtures.wiring.recover(device)

    def _raise(self, truth: Truth, emergency: PlannedEmergency) -> None:
        contacts = [
            place for place, settings in enumerate(self._fixtures.of("contact")) if settings.raises == emergency.raises
        ]
        for place in contacts:
            truth.emergencies[emergency.raises] += 1
            twin: Contact | None = self._fixtures.twin("contact", place)
            if twin is not None:
                twin.press(emergency.lasting_s)


def _instants(planned: PlannedTrouble | PlannedEmergency, opens: float, closes: float) -> Iterator[float]:
    at = opens + planned.after_s
    while at < closes:
        yield at
        if planned.repeating_s is None:
            return
        at += planned.repeating_s
