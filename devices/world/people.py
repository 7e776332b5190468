"""What visitors are and do. A day's people are drawn at once, before anything can happen to them: whatever becomes of
a device then shifts nobody.
"""

import math
from collections.abc import Sequence
from random import Random

import attrs

from devices.world.scenario import Scenario
from devices.world.site import Site

# What the thermometer of the entrance shows of them, degC.
HEALTHY_MEAN_C, HEALTHY_SD_C = 36.5, 0.25
HEALTHY_RANGE_C = (35.6, 37.0)
FEVER_RANGE_C = (37.5, 39.0)
# From here on a reading is a flagged one (the hall's default); nobody is drawn near enough to it to be in doubt.
FLAGGED_C = 37.3

# Medians of the service time; the first service is the one most ask for, and the quickest.
_SERVICE_MEDIANS_S = (360.0, 540.0, 720.0)
_SERVICE_SIGMA = 0.45
_SERVICE_RANGE_S = (60.0, 2400.0)
_SELF_SERVICE_MEDIAN_S = 240.0


@attrs.define(eq=False)
class Visitor:
    """One person's day. All but ``number`` is settled before they come.

    ``arrives_s``   after opening, in front of the door; ``dwell_s`` before the thermometer.
    ``walk_s``      through the door; ``to_machine_s``, ``to_exit_s`` on foot inside.
    ``service``     its key; None for those who only use the self-service.
    ``served_s``    at the counter or the terminal; ``patience_s`` until they give up waiting.
    ``door_in``, ``door_out``  by their place in the hall file.
    ``number``      of the ticket that was printed for them.
    """

    name: int
    arrives_s: float
    displayed_c: float
    turns_back: bool
    dwell_s: float
    walk_s: float
    to_machine_s: float
    to_exit_s: float
    service: str | None
    served_s: float
    patience_s: float
    door_in: int
    door_out: int
    number: str | None = None

    @property
    def flagged(self) -> bool:
        return self.displayed_c >= FLAGGED_C


def plan_day(
    scenario: Scenario, site: Site, open_s: float, services: Sequence[str], doors: int, random: Random
) -> list[Visitor]:
    """Everybody who comes to a hall that is open for ``open_s`` seconds, in the order in which they come."""
    crowd = round(scenario.waiting_at_opening * _scale(scenario, site))
    arrivals = [0.0] * crowd + _arrivals(scenario, site, open_s, random)
    return [
        _visitor(name, arrives_s, scenario, services, doors, random) for name, arrives_s in enumerate(arrivals, start=1)
    ]


def _scale(scenario: Scenario, site: Site) -> float:
    return site.counters / scenario.for_counters if scenario.for_counters else 1.0


def _arrivals(scenario: Scenario, site: Site, open_s: float, random: Random) -> list[float]:
    """A Poisson process whose rate follows the profile, by thinning (Lewis and Shedler 1979): arrivals at the highest
    rate, of which each stays with the share that the rate has then."""
    profile, scale = scenario.arrivals_per_hour, _scale(scenario, site)
    highest_per_s = profile.highest * scale / 3600
    arrivals: list[float] = []
    instant = 0.0
    while highest_per_s > 0:
        instant += random.expovariate(highest_per_s)
        if instant >= open_s:
            break
        if random.random() < profile.at(instant / open_s) / profile.highest:
            arrivals.append(instant)
    return arrivals


def _visitor(
    name: int, arrives_s: float, scenario: Scenario, services: Sequence[str], doors: int, random: Random
) -> Visitor:
    feverish = random.random() < scenario.fever_share
    self_service = random.random() < scenario.self_service_share
    service = random.choices(range(len(services)), [1 / (place + 1) for place in range(len(services))])[0]
    median_s = _SELF_SERVICE_MEDIAN_S if self_service else _SERVICE_MEDIANS_S[min(service, len(_SERVICE_MEDIANS_S) - 1)]
    return Visitor(
        name=name,
        arrives_s=arrives_s,
        displayed_c=random.uniform(*FEVER_RANGE_C) if feverish else _healthy_c(random),
        turns_back=random.random() < scenario.turn_back_share,
        dwell_s=random.uniform(2.5, 3.5),
        walk_s=random.uniform(0.5, 0.8),
        to_machine_s=random.uniform(4.0, 15.0),
        to_exit_s=random.uniform(5.0, 20.0),
        service=None if self_service else services[service],
        served_s=_lognormal_s(
            _SELF_SERVICE_MEDIAN_S if self_service else median_s, _SERVICE_SIGMA, _SERVICE_RANGE_S, random
        ),
        patience_s=_lognormal_s(scenario.patience_min * 60, 0.3, (120.0, 4 * 3600.0), random),
        door_in=_favouring_the_first(doors, random) if doors else 0,
        door_out=_favouring_the_first(doors, random) if doors else 0,
    )


def _healthy_c(random: Random) -> float:
    low, high = HEALTHY_RANGE_C
    while True:
        celsius = random.gauss(HEALTHY_MEAN_C, HEALTHY_SD_C)
        if low <= celsius <= high:
            return celsius


def _lognormal_s(median_s: float, sigma: float, within_s: tuple[float, float], random: Random) -> float:
    low, high = within_s
    return min(high, max(low, random.lognormvariate(math.log(median_s), sigma)))


def _favouring_the_first(number: int, random: Random) -> int:
    """One of so many places: the first is taken twice as often as the second, three times as often as the third."""
    return random.choices(range(number), [1 / (place + 1) for place in range(number)])[0]
