"""SURGE: more customers arrive than the hall expects."""

from collections import deque
from collections.abc import Iterable
from typing import Any

import attrs
from attrs import validators

from devices.reading import Reading
from edge.hall.flow import Condition, Day, Effect, Moment, Rule

# The alarm ends when the rate has fallen to this share of the limit.
_CALM = 0.6
_TICK_S = 30.0


@attrs.frozen(kw_only=True)
class Settings:
    """``arrivals_per_h``  the rate that is abnormal here (None: not judged).
    ``over_min``  the minutes it is taken over.
    """

    arrivals_per_h: float | None = attrs.field(
        default=None, validator=validators.optional([validators.gt(0), validators.le(5000)])
    )
    over_min: float = attrs.field(default=15.0, validator=[validators.ge(1), validators.le(120)])


class Surge(Rule):
    """Arrivals of the last ``over_min`` minutes, counted by the minute: memory does not grow with the crowd."""

    name = "surge"
    quantities = ("passage",)

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.arrivals_per_h
        self._over_s = settings.over_min * 60
        self._minutes: deque[list[float]] = deque()  # [wall second the minute began, arrivals]
        self._judged_at = 0.0
        self._high = False

    def take(self, reading: Reading, moment: Moment) -> Iterable[Effect]:
        people = int(reading.value)
        if self._limit is None or people <= 0:
            return ()
        minute = moment.wall // 60 * 60
        if self._minutes and self._minutes[-1][0] >= minute:
            self._minutes[-1][1] += people
        else:
            self._minutes.append([minute, people])
        return self._judge(moment)

    def tick(self, moment: Moment) -> Iterable[Effect]:
        if self._limit is None or moment.mono < self._judged_at + _TICK_S:
            return ()
        return self._judge(moment)

    def due(self) -> float | None:
        return self._judged_at + _TICK_S if self._minutes else None

    def begin_day(self, day: Day) -> None:
        self._minutes.clear()

    def save(self) -> Any:
        return {"minutes": list(self._minutes), "high": self._high}

    def restore(self, state: Any) -> None:
        self._minutes = deque(state["minutes"])
        self._high = state["high"]

    def _judge(self, moment: Moment) -> Iterable[Effect]:
        assert self._limit is not None
        self._judged_at = moment.mono
        while self._minutes and self._minutes[0][0] < moment.wall - self._over_s:
            self._minutes.popleft()
        rate = round(sum(count for _, count in self._minutes) * 3600 / self._over_s)
        high = rate >= self._limit if not self._high else rate > self._limit * _CALM
        if high == self._high:
            return
        self._high = high
        yield Condition(
            "SURGE",
            "hall",
            high,
            {
                "zh": f"近期每小时到店 {rate} 人，高于 {self._limit:g} 人：请安抚引导，增设窗口",
                "en": f"customers arrive at {rate} an hour, more than {self._limit:g}: comfort and guide them, "
                "open more counters",
            },
            value=rate,
            limit=self._limit,
        )
