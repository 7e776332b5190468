"""WAIT: whoever takes a ticket now will wait longer than the hall promises."""

from collections.abc import Iterable

import attrs
from attrs import validators

from edge.hall.flow import Condition, Effect, Moment, Rule
from edge.hall.tickets import Tickets


@attrs.frozen(kw_only=True)
class Settings:
    """``limit_min``  the promise, in minutes."""

    limit_min: float = attrs.field(default=20.0, validator=[validators.gt(0), validators.le(240)])


class Wait(Rule):
    """Judged on the wait that the next ticket will be told, so before anybody has waited that long."""

    name = "wait"

    def __init__(self, settings: Settings, tickets: Tickets) -> None:
        self._limit_s = settings.limit_min * 60
        self._tickets = tickets
        self._judged: int | None = None

    def tick(self, moment: Moment) -> Iterable[Effect]:
        waiting = self._tickets.waiting
        wait_s = self._tickets.wait_s(waiting, moment.wall) if waiting else 0
        if wait_s == self._judged:
            return
        self._judged = wait_s
        yield Condition(
            "WAIT",
            "hall",
            wait_s > self._limit_s,
            {
                "zh": f"{waiting} 人等候，预计等候 {wait_s // 60} 分钟：请安抚客户，增开窗口",
                "en": f"{waiting} people wait, about {wait_s // 60} minutes: comfort them, open a counter",
            },
            value=wait_s,
            limit=self._limit_s,
            on_delay_s=30.0,
            off_delay_s=60.0,
        )
