"""FEVER: one person before a thermometer is one screening; at the limit it is told at once.

A face warms the sensor well above the room, so a reading over ``presence_c`` means that somebody stands there. The
highest reading of their stay is what is recorded when they leave; the first that reaches the limit is told without
waiting for that, and is then this person's one screening. Readings are rounded once, to the tenth that a display would
show, and that is what is compared: the sensor's 37.29 and 37.31 are both 37.3.
"""

import math
from collections.abc import Iterable
from typing import Any

import attrs
from attrs import validators

from devices.reading import Quality, Reading
from edge.hall.flow import Condition, Day, Effect, Moment, Rule
from mqtt.messages import Screening

# A face is gone when the reading has been this far below the threshold, or absent, for this long.
_LEAVE_BELOW_C = 0.5
_LEAVE_AFTER_S = 0.7
_UNSEEN_S = 3.0


@attrs.frozen(kw_only=True)
class Settings:
    """``limit_c``  flags from this displayed temperature on.
    ``presence_c``  from this corrected reading on, somebody stands before the sensor.
    """

    limit_c: float = attrs.field(default=37.3, validator=[validators.ge(35.0), validators.le(42.0)])
    presence_c: float = attrs.field(default=33.0, validator=[validators.ge(25.0), validators.le(36.0)])


def displayed(celsius: float) -> float:
    """To the tenth, halves up; in whole hundredths first, which is what the sensors count in."""
    return (round(celsius * 100) + 5) // 10 / 10


@attrs.define
class _Stay:
    """Somebody before one thermometer."""

    peak: float
    seen: float  # monotonic, last reading over the threshold
    heard: float  # monotonic, last reading at all
    flagged: bool = False


class Fever(Rule):
    """Screenings, and the alarm of each that reaches the limit. No identity is ever known here."""

    name = "fever"
    quantities = ("object_celsius", "face_celsius")

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.limit_c
        self._presence = settings.presence_c
        self._stays: dict[str, _Stay] = {}
        self.screened_today = 0
        self.flagged_today = 0

    def take(self, reading: Reading, moment: Moment) -> Iterable[Effect]:
        if reading.quality is not Quality.GOOD:
            return
        value = float(reading.value)
        if reading.quantity == "face_celsius":
            yield from self._screen(reading.device, displayed(value))
            return
        stay = self._stays.get(reading.device)
        if value >= self._presence:
            shown = displayed(value)
            if stay is None:
                stay = self._stays[reading.device] = _Stay(shown, moment.mono, moment.mono)
            stay.peak = max(stay.peak, shown)
            stay.seen = stay.heard = moment.mono
            if shown >= self._limit and not stay.flagged:
                stay.flagged = True
                yield from self._flag(reading.device, shown)
        elif stay is not None:
            stay.heard = moment.mono
            if value < self._presence - _LEAVE_BELOW_C and moment.mono - stay.seen >= _LEAVE_AFTER_S:
                yield from self._leave(reading.device)

    def tick(self, moment: Moment) -> Iterable[Effect]:
        """A sensor that stopped talking in the middle of a stay must not keep it for ever."""
        unseen = [device for device, stay in self._stays.items() if moment.mono - stay.heard >= _UNSEEN_S]
        for device in unseen:
            yield from self._leave(device)

    def due(self) -> float | None:
        return min((stay.heard + _UNSEEN_S for stay in self._stays.values()), default=None)

    def end_day(self, moment: Moment) -> Iterable[Effect]:
        for device in list(self._stays):
            yield from self._leave(device)

    def begin_day(self, day: Day) -> None:
        self.screened_today = self.flagged_today = 0

    def save(self) -> Any:
        """Of the stays only the flagged ones: their alarm must end, if not by their leaving then by a restart."""
        flagged = {device: stay.peak for device, stay in self._stays.items() if stay.flagged}
        return {"screened": self.screened_today, "flagged": self.flagged_today, "stays": flagged}

    def restore(self, state: Any) -> None:
        self.screened_today = state["screened"]
        self.flagged_today = state["flagged"]
        self._stays = {
            device: _Stay(peak, -math.inf, -math.inf, flagged=True) for device, peak in state["stays"].items()
        }

    def _screen(self, device: str, shown: float) -> Iterable[Effect]:
        """A terminal has screened one person by itself: that is the whole stay."""
        if shown < self._limit:
            self.screened_today += 1
            yield Screening(device=device, celsius=shown, limit=self._limit, flagged=False)
            return
        yield from self._flag(device, shown)
        yield self._condition(device, shown, active=False)

    def _flag(self, device: str, shown: float) -> Iterable[Effect]:
        self.screened_today += 1
        self.flagged_today += 1
        yield Screening(device=device, celsius=shown, limit=self._limit, flagged=True)
        yield self._condition(device, shown, active=True)

    def _leave(self, device: str) -> Iterable[Effect]:
        stay = self._stays.pop(device)
        if stay.flagged:
            yield self._condition(device, stay.peak, active=False)
        else:
            self.screened_today += 1
            yield Screening(device=device, celsius=stay.peak, limit=self._limit, flagged=False)

    def _condition(self, device: str, shown: float, *, active: bool) -> Condition:
        return Condition(
            "FEVER",
            device,
            active,
            {
                "zh": f"体温 {shown:.1f} ℃，达到 {self._limit:.1f} ℃：请隔离观察、佩戴口罩、建议就医，并消毒该区域",
                "en": f"{shown:.1f} ℃ measured, limit {self._limit:.1f} ℃: isolate, mask, advise a doctor, "
                "disinfect the zone",
            },
            value=shown,
            limit=self._limit,
            again=active,
        )
