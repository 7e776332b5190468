"""The devices of the hall: health, since when, why not; and DEVICE, the alarm of one that has failed."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from devices.faults import Words
from edge.hall.flow import Condition, Effect, Health, Moment, Rule
from mqtt.messages import DeviceChange, DeviceNow, Fault, rfc3339


@attrs.frozen
class Equipment:
    """What the hall file says of a device, for people."""

    kind: str
    part: str
    says: Words
    place: Words | None


@attrs.define
class _State:
    health: str
    since: float  # wall seconds
    fault: Fault | None = None


class Devices(Rule):
    """One state per device of the hall file. ``changed`` names those whose now/device is to be told anew."""

    name = "devices"

    def __init__(self, equipment: Mapping[str, Equipment]) -> None:
        self._equipment = equipment
        self._states: dict[str, _State] = {}
        self._reported: dict[str, tuple[str, Fault | None]] = {}  # by the sampler, in this run
        self._doubts: dict[str, dict[str, Fault]] = {}  # quantity -> why not, in this run
        self._heard: dict[str, float] = {}  # wall seconds of the last reading
        self.changed: set[str] = set()

    def heard(self, device: str, wall: float) -> None:
        """A reading has come. It alone is not worth a message."""
        self._heard[device] = wall

    def report(self, health: Health, moment: Moment) -> Iterable[Effect]:
        """The sampler's word on a device."""
        if health.device not in self._equipment:
            return ()
        fault: Fault | None = None
        if health.code is not None and health.text is not None:
            fault = {"code": health.code, "text": health.text}
        self._reported[health.device] = (health.health, fault)
        return self._settle(health.device, moment)

    def doubt(self, device: str, quantity: str, why: Fault | None, moment: Moment) -> Iterable[Effect]:
        """What it measures cannot be believed (or can again, None), however well it answers."""
        doubts = self._doubts.setdefault(device, {})
        if why is None:
            doubts.pop(quantity, None)
        else:
            doubts[quantity] = why
        return self._settle(device, moment)

    def _settle(self, device: str, moment: Moment) -> Iterable[Effect]:
        health, fault = self._reported.get(device, ("ok", None))
        doubts = self._doubts.get(device)
        if health == "ok" and doubts:
            health, fault = "degraded", next(iter(doubts.values()))
        was = self._states.get(device)
        if was is not None and (was.health, was.fault and was.fault["code"]) == (health, fault and fault["code"]):
            return
        self._states[device] = _State(health, moment.wall, fault)
        self.changed.add(device)
        if was is not None or health != "ok":
            yield DeviceChange(device=device, health=health, was=was.health if was else None, fault=fault)
        yield self._condition(device, fault)

    def refresh(self) -> None:
        """Tell all devices anew, for the time of their last reading."""
        self.changed.update(self._states)

    def now(self, device: str) -> DeviceNow:
        equipment, state = self._equipment[device], self._states[device]
        heard = self._heard.get(device)
        return DeviceNow(
            device=device,
            class_=equipment.kind,
            part=equipment.part,
            place=equipment.place,
            health=state.health,
            fault=state.fault,
            since=rfc3339(state.since),
            last_reading_at=None if heard is None else rfc3339(heard),
        )

    def save(self) -> Any:
        return {device: attrs.astuple(state, recurse=False) for device, state in self._states.items()}

    def restore(self, state: Any) -> None:
        self._states = {device: _State(*fields) for device, fields in state.items() if device in self._equipment}
        self.changed.update(self._states)

    def _condition(self, device: str, fault: Fault | None) -> Condition:
        failed = self._states[device].health == "failed"
        says, place = self._equipment[device].says, self._equipment[device].place
        where = {"zh": f"（{place['zh']}）", "en": f" ({place['en']})"} if place else {"zh": "", "en": ""}
        why: Words = fault["text"] if fault else {"zh": "已恢复", "en": "works again"}
        return Condition(
            "DEVICE",
            device,
            failed,
            {
                "zh": f"{says['zh']} {device}{where['zh']}：{why['zh']}",
                "en": f"{says['en']} {device}{where['en']}: {why['en']}",
            },
            value=fault["code"] if fault else None,
        )
