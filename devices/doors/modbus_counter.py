"""A door counter, or a module that counts pulses, on RS-485: totals in registers, read now and then.

Wiring, frames and timing are the line's (:mod:`devices.modbus`). Which registers, how wide and what becomes of them without
power is the hall file's to say, because no two makers agree. What is not said is as in an Ebyte E851-RTU (user manual 4.3.1,
the same in the E831): function 03, 0030 to 0033 are the pulses of DI1 to DI4, 16 bits, 65535 at most and then 0, lost with
the power; a pulse is more than 10 ms closed, then open. Its own example, one question and its answer::

    01 03 00 30 00 02 C4 04      01 03 04 00 10 00 03 BB F7      DI1 16, DI2 3

Totals become passages by what is between two readings; the first after a start is where counting begins::

    forward by n                                       n people
    back, and little is missing round the top          it wrapped:    n people round the top
    back otherwise, ``lost_without_power``             it began anew: as many people as it shows now
    back otherwise                                     it was cleared or changed: nobody, counting begins here
    forward or anew, more than the door lets through   not people:    nobody, counting begins here, out-of-range

So no step is ever people walking backwards. What the door can let through is ``most_per_s`` times the time between the two
readings: whoever passed while the line was dead is told at once when it lives again, unless the port itself was gone.
"""

from collections.abc import Iterable
from typing import Any, Literal

import attrs
from attrs import validators

from devices.faults import fault
from devices.modbus import Slave
from devices.part import Driver, ModbusSettings, Mount, Part, Wire
from devices.reading import Reading

# Between two readings so many may always pass, or a short interval would make a group impossible.
_GROUP = 4
_REGISTER: Any = validators.optional([validators.ge(0), validators.le(0xFFFF)])


@attrs.frozen(kw_only=True)
class Settings(ModbusSettings):
    """``enter`` and ``leave`` are the registers of the totals (of the first of two), as in the frame; ``wrap`` is the
    first number that they never show."""

    enter: int | None = attrs.field(default=0x30, validator=_REGISTER)
    leave: int | None = attrs.field(default=0x31, validator=_REGISTER)
    function: int = attrs.field(default=3, validator=validators.in_((3, 4)))
    bits: int = attrs.field(default=16, validator=validators.in_((16, 32)))
    word_order: Literal["high-first", "low-first"] = attrs.field(
        default="high-first", validator=validators.in_(("high-first", "low-first"))
    )
    wrap: int | None = attrs.field(
        default=None, validator=validators.optional([validators.ge(100), validators.le(1 << 32)])
    )
    lost_without_power: bool = True
    most_per_s: float = attrs.field(default=5.0, validator=[validators.ge(0.1), validators.le(50.0)])
    interval_s: float = attrs.field(default=1.0, validator=[validators.ge(0.2), validators.le(60.0)])

    def __attrs_post_init__(self) -> None:
        if self.enter is None and self.leave is None:
            raise ValueError({"zh": "enter 与 leave 至少写一个", "en": "give enter, leave or both"})
        if self.wrap is not None and self.wrap > 1 << self.bits:
            raise ValueError({"zh": f"{self.bits} 位装不下 wrap", "en": f"wrap is more than {self.bits} bits hold"})
        if self.enter is not None and self.leave is not None and abs(self.enter - self.leave) < self.bits // 16:
            raise ValueError({"zh": "enter 与 leave 重叠", "en": "the registers of enter and leave overlap"})

    @property
    def top(self) -> int:
        return self.wrap if self.wrap is not None else 1 << self.bits


class Impossible(Exception):
    """A step that no people can have made."""


def people_between(before: int, now: int, *, top: int, lost_without_power: bool, most: float) -> int:
    """How many have passed while a total went from one to the other. Raises Impossible."""
    step = now - before
    if step < 0:
        if step + top <= most:
            return step + top
        if not lost_without_power:
            return 0
        step = now
    if step > most:
        raise Impossible
    return step


class ModbusCounter(Driver):
    """Readings: ``passage``, +n in and -n out, where somebody has passed; ``total_in`` and ``total_out`` as they stand,
    each time: they show that it works, and can be held against its own display."""

    def __init__(self, settings: Settings, mount: Mount) -> None:
        self._settings = settings
        self._device = settings.id
        self._now = mount.now
        self._slave = Slave(settings, mount)
        self._doors = [
            (name, sign, address)
            for name, sign, address in (("in", 1, settings.enter), ("out", -1, settings.leave))
            if address is not None
        ]
        # What a driver before this one has seen: a slave that was dead for a while went on counting.
        self._before: dict[str, tuple[int, float]] = self._slave.kept.setdefault(self._device, {})
        self.interval_s = settings.interval_s

    def poll(self) -> Iterable[Reading]:
        totals = self._read()
        at = self._now()
        readings, impossible = [], []
        for (name, sign, _), total in zip(self._doors, totals, strict=True):
            before, since = self._before.get(name, (total, at))
            if total < self._settings.top:
                self._before[name] = total, at
            try:
                people = self._people(before, total, at - since)
            except Impossible:
                impossible.append(f"{name} {before} -> {total}")
                continue
            if people:
                readings.append(Reading(self._device, "passage", sign * people, at, raw=total))
            readings.append(Reading(self._device, f"total_{name}", total, at))
        if impossible and not any(reading.quantity == "passage" for reading in readings):
            raise fault("out-of-range", detail=", ".join(impossible))
        return readings

    def _people(self, before: int, now: int, seconds: float) -> int:
        settings = self._settings
        if now >= settings.top:
            raise Impossible
        most = _GROUP + settings.most_per_s * seconds
        return people_between(before, now, top=settings.top, lost_without_power=settings.lost_without_power, most=most)

    def _read(self) -> list[int]:
        """The totals; in one question if they stand side by side, so that they are of one instant."""
        words = self._settings.bits // 16
        addresses = [address for _, _, address in self._doors]
        first, span = min(addresses), max(addresses) - min(addresses) + words
        if span == words * len(addresses):
            together = self._slave.read(first, span, self._settings.function)
            return [self._total(together[address - first :][:words]) for address in addresses]
        return [self._total(self._slave.read(address, words, self._settings.function)) for address in addresses]

    def _total(self, words: list[int]) -> int:
        if self._settings.word_order == "low-first":
            words = words[::-1]
        return int.from_bytes(b"".join(word.to_bytes(2) for word in words))


PART = Part(
    name="modbus-counter",
    kind="door",
    says={"zh": "RS-485 客流计数器", "en": "door counter on RS-485"},
    wires=(Wire.SERIAL,),
    settings=Settings,
    driver=ModbusCounter,
)
