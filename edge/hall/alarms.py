"""One life cycle for all alarms, after ISA-18.2 / IEC 62682.

Rules say only true or false. Here a condition must last its on delay, is *unacknowledged* until somebody
acknowledges it, *acknowledged* while it lasts, and *returned* when it ended before anybody did::

    normal --true--> unacknowledged --acknowledge--> acknowledged --false--> normal
                          |  ^                                                 ^
                        false |true                                            |
                          v  |                                                 |
                        returned ------------------acknowledge-----------------+

Alarms of level IV need nobody's word to end: they go straight back to normal.
"""

from collections.abc import Container, Iterable
from typing import Any

import attrs

from devices.faults import Words
from edge.hall.flow import Condition, Effect, Moment, Rule
from mqtt.messages import COLOURS, AlarmChange, AlarmNow, rfc3339


@attrs.frozen
class Kind:
    """A code's level (1 I red … 4 IV blue) and what it says where a rule has nothing better."""

    level: int
    text: Words


def _kind(level: int, zh: str, en: str) -> Kind:
    return Kind(level, {"zh": zh, "en": en})


KINDS: dict[str, Kind] = {
    "FEVER": _kind(3, "体温异常：隔离观察、佩戴口罩、建议就医", "suspected fever: isolate, mask, advise a doctor"),
    "CROWD": _kind(4, "客流超限：门口限流", "hall full: hold people at the door"),
    "SURGE": _kind(4, "客流不正常激增：安抚引导，增设窗口", "abnormal surge: comfort and guide, open more counters"),
    "WAIT": _kind(4, "等候超时：安抚客户，增开窗口", "waiting too long: comfort, open a counter"),
    "AIR": _kind(4, "空气污浊：开窗或排风", "stale air: open windows or run the fan"),
    "HYGIENE": _kind(4, "消毒逾期：请立即消毒", "disinfection overdue: do it now"),
    "PATROL": _kind(4, "巡视逾期：请立即巡视", "patrol overdue: do it now"),
    "DEVICE": _kind(4, "设备故障", "a device has failed"),
    "PAPER": _kind(4, "号票纸不足：请换纸", "ticket paper low: change the roll"),
    "SYSTEM": _kind(
        4, "业务系统中断：解释、手写号票、联系信息技术部门", "business system down: explain, hand-written tickets, IT"
    ),
    "UPLINK": _kind(4, "与中心的连接中断", "no connection to the centre"),
    "POWER": _kind(4, "停电：启用应急照明，安抚客户", "power cut: emergency lights, keep calm"),
    "FIRE": _kind(2, "火警：立即疏散并报告", "fire: evacuate, report, then equipment"),
    "FIRE-EQUIPMENT": _kind(4, "消防设备故障：更换并报后勤", "fire equipment faulty: replace, report to logistics"),
    "PANIC": _kind(2, "抢劫、绑架报警：人员安全第一", "panic button: people first, police"),
    "GATHERING": _kind(2, "群体聚集：立即上报", "gathering: report up at once, one speaker, keep video"),
    "DISTURBANCE": _kind(3, "寻衅滋事：劝离，必要时报警", "disturbance: calm, move outside, police if not controlled"),
    "ILLNESS": _kind(4, "突发疾病：呼叫急救，取急救箱", "sudden illness: ambulance, first-aid kit"),
    "SUSPICIOUS": _kind(4, "可疑人员：关注并通知保安", "suspicious person: watch, call the guard"),
    "AFTER-HOURS": _kind(4, "闭店后有人：核实并通知保安", "somebody inside after closing: check, call the guard"),
    "TAMPER": _kind(4, "设备被拆动：请核实", "tampering: check the device"),
    "CLOCK": _kind(4, "时钟未同步", "the clock is not synchronised"),
    "STORAGE": _kind(4, "存储异常", "storage trouble"),
}


@attrs.define
class Alarm:
    """One alarm from its raise to its end. Times are wall seconds."""

    code: str
    source: str
    level: int
    state: str
    raised_at: float
    text: Words
    value: float | str | None
    limit: float | None
    latched: bool = False

    @property
    def needs_acknowledgement(self) -> bool:
        return self.level < 4 or self.latched


@attrs.frozen
class _Pending:
    """A condition that has changed but not yet for long enough."""

    condition: Condition
    due: float  # monotonic


_Key = tuple[str, str]


class Alarms(Rule):
    """All alarms of the hall. ``changed`` names those whose now/alarm is to be told anew."""

    name = "alarms"

    def __init__(self) -> None:
        self._alarms: dict[_Key, Alarm] = {}
        self._pending: dict[_Key, _Pending] = {}
        self.changed: set[_Key] = set()

    def judge(self, condition: Condition, moment: Moment) -> Iterable[Effect]:
        """Take a rule's word."""
        key = (condition.code, condition.source)
        is_active = self._is_active(key)
        # Another word in its place (near its end, then out) is another situation, and as new as the first.
        is_news = is_active and isinstance(condition.value, str) and condition.value != self._alarms[key].value
        if condition.active == is_active and not condition.again and not is_news:
            self._pending.pop(key, None)  # it came back before its delay was over
            return
        delay = condition.on_delay_s if condition.active else condition.off_delay_s
        if delay > 0 and not condition.again and not is_news:
            pending = self._pending.get(key)
            due = pending.due if pending and pending.condition.active == condition.active else moment.mono + delay
            self._pending[key] = _Pending(condition, due)
            return
        yield from self._change(condition, moment)

    def tick(self, moment: Moment) -> Iterable[Effect]:
        due = [key for key, pending in self._pending.items() if pending.due <= moment.mono]
        for key in due:
            yield from self._change(self._pending.pop(key).condition, moment)

    def due(self) -> float | None:
        return min((pending.due for pending in self._pending.values()), default=None)

    def acknowledge(self, code: str, source: str, by: str) -> Iterable[Effect]:
        """Somebody has taken notice. Raises KeyError where there is nothing to acknowledge."""
        alarm = self._alarms[code, source]
        if alarm.state == "returned":
            del self._alarms[code, source]
        elif alarm.state == "unacknowledged":
            alarm.state = "acknowledged"
        else:
            raise KeyError((code, source))
        self.changed.add((code, source))
        yield _entry(alarm, "acknowledged", by)
        if (code, source) not in self._alarms:
            yield _entry(alarm, "cleared", None)

    def forget_all_but(self, sources: Container[str]) -> Iterable[Effect]:
        """After a change of the hall file: what came from a device that is no more is over."""
        for key in [key for key in self._alarms if key[1] not in sources]:
            alarm = self._alarms.pop(key)
            self.changed.add(key)
            yield _entry(alarm, "cleared", None)

    def is_active(self, code: str) -> bool:
        """Whether the condition of any alarm of that code is true now."""
        return any(key[0] == code and self._is_active(key) for key in self._alarms)

    def standing(self) -> list[Alarm]:
        """All alarms that are not normal, the gravest and oldest first."""
        return sorted(self._alarms.values(), key=lambda alarm: (alarm.level, alarm.raised_at))

    def now(self, key: _Key) -> AlarmNow | None:
        """What now/alarm says; None when it is over."""
        alarm = self._alarms.get(key)
        if alarm is None:
            return None
        return AlarmNow(
            code=alarm.code,
            source=alarm.source,
            level=alarm.level,
            colour=COLOURS[alarm.level],
            state=alarm.state,
            raised_at=rfc3339(alarm.raised_at),
            text=alarm.text,
            value=alarm.value,
            limit=alarm.limit,
            drill=False,
        )

    def save(self) -> Any:
        """Without what is pending: after a restart a condition must last its delay again."""
        return [attrs.astuple(alarm, recurse=False) for alarm in self._alarms.values()]

    def restore(self, state: Any) -> None:
        alarms = [Alarm(*fields) for fields in state]
        self._alarms = {(alarm.code, alarm.source): alarm for alarm in alarms}
        self.changed.update(self._alarms)

    def _is_active(self, key: _Key) -> bool:
        alarm = self._alarms.get(key)
        return alarm is not None and alarm.state in ("unacknowledged", "acknowledged")

    def _change(self, condition: Condition, moment: Moment) -> Iterable[Effect]:
        key = (condition.code, condition.source)
        self.changed.add(key)
        if condition.active:
            alarm = Alarm(
                code=condition.code,
                source=condition.source,
                level=condition.level or KINDS[condition.code].level,
                state="unacknowledged",
                raised_at=moment.wall,
                text=condition.text,
                value=condition.value,
                limit=condition.limit,
                latched=condition.latch,
            )
            self._alarms[key] = alarm
            yield _entry(alarm, "raised", None)
            return
        alarm = self._alarms[key]
        if alarm.state == "unacknowledged" and alarm.needs_acknowledgement:
            alarm.state = "returned"
            yield _entry(alarm, "returned", None)
        else:
            del self._alarms[key]
            yield _entry(alarm, "cleared", None)


def _entry(alarm: Alarm, change: Any, by: str | None) -> AlarmChange:
    return AlarmChange(
        code=alarm.code,
        source=alarm.source,
        level=alarm.level,
        colour=COLOURS[alarm.level],
        change=change,
        text=alarm.text,
        value=alarm.value,
        limit=alarm.limit,
        by=by,
    )
