"""The air of a hall, taken as one well-mixed volume.

CO2 by mass balance, with n people giving off G each and a flow Q of outdoor air (C0) through the volume V::

    V dC/dt = n G + Q (C0 - C)

Between two changes of n or Q the solution is exponential, and so it is exact however seldom it is asked.

G = 0.31 L/min (0.0052 L/s) for an average adult at 1.2 met, seated or at light desk work. It is the figure behind
ASHRAE 62.1's "700 ppm above outdoors at 7.5 L/s a person" (0.0052 / 7.5 = 693 ppm). Persily and de Jonge, "Carbon
dioxide generation rates for building occupants", Indoor Air 27 (2017), doi:10.1111/ina.12383, give a range around
it by age, body and activity.

Temperature and humidity only have to look plausible: they relax towards a value that rises with the people inside.
"""

import math

import attrs

OUTDOOR_PPM = 420.0
BREATH_M3_PER_H = 0.31 * 60 / 1000
CEILING_M = 3.0
FAN_AIR_CHANGES_PER_H = 6.0

_EMPTY_C, _PERSON_C, _HOTTEST_C = 22.0, 0.07, 28.0
_EMPTY_RH_PCT, _PERSON_RH_PCT, _DAMPEST_RH_PCT = 42.0, 0.35, 80.0
_RELAXATION_S = 2700.0


@attrs.frozen
class Sample:
    """What an air sensor would be shown."""

    co2_ppm: float
    celsius: float
    humidity_pct: float


@attrs.frozen
class _Spell:
    """A stretch of time without a change; it begins at ``since_s`` with ``sample``."""

    since_s: float
    sample: Sample
    people: int = 0
    air_changes_per_h: float = 0.0
    fan: bool = False

    def at(self, now_s: float, volume_m3: float) -> Sample:
        gone_s = max(0.0, now_s - self.since_s)
        hours = gone_s / 3600
        per_h = self.air_changes_per_h + (FAN_AIR_CHANGES_PER_H if self.fan else 0.0)
        rise_ppm_per_h = self.people * BREATH_M3_PER_H / volume_m3 * 1e6
        # (1 - exp(-qt)) / q, which is t where next to nothing flows.
        reach_h = -math.expm1(-per_h * hours) / per_h if per_h > 1e-9 else hours
        above_ppm = (self.sample.co2_ppm - OUTDOOR_PPM) * math.exp(-per_h * hours) + rise_ppm_per_h * reach_h
        warm_c = min(_HOTTEST_C, _EMPTY_C + _PERSON_C * self.people)
        damp_pct = min(_DAMPEST_RH_PCT, _EMPTY_RH_PCT + _PERSON_RH_PCT * self.people)
        left = math.exp(-gone_s / _RELAXATION_S)
        return Sample(
            OUTDOOR_PPM + above_ppm,
            warm_c + (self.sample.celsius - warm_c) * left,
            damp_pct + (self.sample.humidity_pct - damp_pct) * left,
        )


class Air:
    """The air of one hall. Instants are seconds of any clock that does not go back.

    A spell is replaced whole, so that a driver's thread can ask for a sample while the world's makes a change.
    """

    def __init__(self, volume_m3: float, now_s: float, co2_ppm: float = OUTDOOR_PPM) -> None:
        self.volume_m3 = volume_m3
        self._spell = _Spell(now_s, Sample(co2_ppm, _EMPTY_C, _EMPTY_RH_PCT))

    def at(self, now_s: float) -> Sample:
        return self._spell.at(now_s, self.volume_m3)

    def people(self, now_s: float, people: int) -> None:
        """That many breathe in it from now on."""
        self._spell = attrs.evolve(self._spell, since_s=now_s, sample=self.at(now_s), people=people)

    def ventilate(self, now_s: float, air_changes_per_h: float) -> None:
        """So much outdoor air comes in from now on, besides the fan's."""
        self._spell = attrs.evolve(
            self._spell, since_s=now_s, sample=self.at(now_s), air_changes_per_h=air_changes_per_h
        )

    def fan(self, now_s: float, on: bool) -> None:
        self._spell = attrs.evolve(self._spell, since_s=now_s, sample=self.at(now_s), fan=on)

    def renew(self, now_s: float, co2_ppm: float = OUTDOOR_PPM) -> None:
        """A night has passed: nobody is inside, and the air is as cool and dry as it gets."""
        self._spell = attrs.evolve(
            self._spell, since_s=now_s, sample=Sample(co2_ppm, _EMPTY_C, _EMPTY_RH_PCT), people=0
        )
