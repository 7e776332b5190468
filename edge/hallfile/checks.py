"""What no section can know alone: ids, zones, addresses, pins and codes, across the devices and with the hall."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import attrs

from devices.faults import Words
from devices.part import ModbusSettings
from edge.hall.site import HALL_TYPES, ZONES, Stands, Unfit, named_well, one_of, zones_of
from edge.hallfile.document import Document, Fault, Path
from mqtt.messages import ALARM_CODES

# Buses that the header carries on pins of their own (BCM numbers).
_BUS_PINS = {
    "i2c-1": (2, 3),
    "/dev/serial0": (14, 15),
    "/dev/ttyAMA0": (14, 15),
    "/dev/ttyS0": (14, 15),
}

# What a part on a shared serial line says of the line, not of itself.
_LINE_KEYS = ("baud", "parity", "stop_bits", "echo")

# Settings of one rule of which the first must stay below the second (or may equal it).
_ORDERED = (
    ("crowd", "warn", "full", True),
    ("fever", "presence_c", "limit_c", False),
    ("air", "deadband_ppm", "co2_ppm", False),
)


@attrs.frozen
class Known:
    """A device as far as it is understood; ``settings`` lacks the fields that are wrong."""

    path: Path
    data: Any
    settings: Any

    def get(self, name: str) -> Any:
        return getattr(self.settings, name, None)

    @property
    def name(self) -> str:
        name = self.get("id")
        return name if isinstance(name, str) else f"devices[{self.path[-1]}]"


def across(document: Document, devices: list[Known], site: Any, rules: Any) -> Iterator[Fault]:
    """Every fault that shows only when sections are held together."""
    hall_type = getattr(site, "type", None)
    for device in devices:
        yield from _id(device)
        yield from _zone(device, hall_type)
        yield from _codes(device)
    yield from _ids_differ(document, devices)
    yield from _claims_differ(document, devices)
    yield from _lines_agree(document, devices)
    yield from _ordered(rules)


def _id(device: Known) -> Iterator[Fault]:
    if device.get("id") is not None:
        said: Words = {"zh": "设备编号", "en": "a device's id"}
        yield from _unless(device, "id", partial(named_well, device.name, said))


def _zone(device: Known, hall_type: str | None) -> Iterator[Fault]:
    zone = device.get("zone")
    if zone is None:
        return
    yield from _unless(device, "zone", partial(one_of, zone, ZONES, {"zh": "区域", "en": "zone"}))
    if hall_type in HALL_TYPES and zone in ZONES and ZONES[zone].stands[hall_type] is Stands.NEVER:
        kind, says = HALL_TYPES[hall_type], ZONES[zone].says
        here = [z.name for stands in (Stands.ALWAYS, Stands.OPTIONAL) for z in zones_of(hall_type, stands)]
        yield Fault(
            path=(*device.path, "zone"),
            wrong={
                "zh": f"{kind.says['zh']}没有{says['zh']}（{zone}）",
                "en": f"a hall of type {hall_type} has no {says['en']} ({zone})",
            },
            right={"zh": f"可用：{', '.join(here)}", "en": f"zones here: {', '.join(here)}"},
        )


def _codes(device: Known) -> Iterator[Fault]:
    """Asked of the file's own text: a part may refuse a code by its form, and the list says more than a form."""
    for key in ("raises", "on"):
        code = device.data.get(key) if hasattr(type(device.settings), key) else None
        if isinstance(code, str):
            said: Words = {"zh": "报警代码", "en": "alarm code"}
            yield from _unless(device, key, partial(one_of, code, sorted(ALARM_CODES), said))


def _unless(device: Known, key: str, check: Callable[[], None]) -> Iterator[Fault]:
    try:
        check()
    except Unfit as unfit:
        yield Fault(path=(*device.path, key), wrong=unfit.wrong, right=unfit.right)


def _ids_differ(document: Document, devices: list[Known]) -> Iterator[Fault]:
    seen: dict[str, Known] = {}
    for device in devices:
        if device.get("id") is None:
            continue
        first = seen.setdefault(device.name, device)
        if first is not device:
            line = document.line((*first.path, "id"))
            yield Fault(
                path=(*device.path, "id"),
                wrong={
                    "zh": f"编号 {device.name} 在第 {line} 行已用",
                    "en": f"id {device.name} is used on line {line}",
                },
                right={"zh": "每台设备一个编号", "en": "give each device an id of its own"},
            )


def _claims_differ(document: Document, devices: list[Known]) -> Iterator[Fault]:
    """One address of a bus, one serial port, one pin: one device."""
    owners: dict[str, Known] = {}
    for device in devices:
        for claim in _claims(device):
            first = owners.setdefault(claim, device)
            if first is not device:
                yield _taken(document, device, claim, claim, first)
    carried: dict[str, Known] = {}
    for device in devices:
        for pin in _BUS_PINS.get(device.get("bus") or "", ()):
            carried.setdefault(f"pin {pin}", device)
    for device in _on_lines(devices):
        bus = device.get("bus")
        if bus in owners:  # whole, by a part that shares with nobody
            yield _taken(document, device, bus, bus, owners[bus])
    for claim in carried.keys() & owners.keys():
        if owners[claim] is not carried[claim]:
            bus = carried[claim].get("bus")
            yield _taken(document, owners[claim], claim, f"{claim} ({bus})", carried[claim])


def _lines_agree(document: Document, devices: list[Known]) -> Iterator[Fault]:
    """A line that is shared has one baud rate, and one of everything else that is the line's."""
    firsts: dict[str, Known] = {}
    for device in _on_lines(devices):
        first = firsts.setdefault(device.get("bus"), device)
        for key in _LINE_KEYS:
            mine, others = device.get(key), first.get(key)
            if mine is None or others is None or mine == others:
                continue
            line = document.line(first.path)
            mine, others = (str(value).lower() if isinstance(value, bool) else value for value in (mine, others))
            yield Fault(
                path=(*device.path, key if key in device.data else "bus"),
                wrong={
                    "zh": f"{key} 为 {mine}，同一总线的 {first.name}（第 {line} 行）为 {others}",
                    "en": f"{key} is {mine}, but {others} for {first.name} on the same line (line {line})",
                },
                right={"zh": "同一总线的设备须一致", "en": "the devices of one serial line must agree"},
            )


def _on_lines(devices: list[Known]) -> Iterator[Known]:
    """Those that share a serial line with others."""
    for device in devices:
        if isinstance(device.settings, ModbusSettings) and isinstance(device.get("bus"), str):
            yield device


def _claims(device: Known) -> Iterable[str]:
    try:
        return dict.fromkeys(device.settings.claims())
    except AttributeError:
        return ()  # it would depend on a field that is wrong


def _taken(document: Document, device: Known, claim: str, said: str, owner: Known) -> Fault:
    path = (*device.path, *_where(claim, device.data))
    line = document.line(owner.path)
    return Fault(
        path=path,
        wrong={
            "zh": f"{said} 已由 {owner.name} 占用（第 {line} 行）",
            "en": f"{said} is taken by {owner.name} (line {line})",
        },
        right={"zh": "每台设备各用各的", "en": "give each device its own"},
    )


def _where(claim: str, data: Any) -> Path:
    """Where in a device's entry the thing is named that it claims."""
    kind, _, number = claim.partition(" ")
    if kind == "pin" and number.isdigit():
        return _pin(int(number), data) or ()
    for key in ("address", "slave", "bus") if number else ("bus",):
        if key in data:
            return (key,)
    return ()


def _pin(pin: int, data: Any) -> Path | None:
    for key, value in data.items():
        if key == "pins" and isinstance(value, list) and pin in value:
            return (key, value.index(pin))
        if key == "pin" and value == pin:
            return (key,)
        if isinstance(value, dict) and (within := _pin(pin, value)) is not None:
            return (key, *within)
    return None


def _ordered(rules: Any) -> Iterator[Fault]:
    for rule, lower, upper, equal in _ORDERED:
        settings = getattr(rules, rule, None)
        low, high = getattr(settings, lower, None), getattr(settings, upper, None)
        if low is None or high is None or low < high or (equal and low == high):
            continue
        yield Fault(
            path=("rules", rule, lower),
            wrong={"zh": f"{lower} {low:g} 高于 {upper} {high:g}", "en": f"{lower} {low:g} is above {upper} {high:g}"}
            if low > high
            else {"zh": f"{lower} 等于 {upper}", "en": f"{lower} equals {upper}"},
            right={
                "zh": f"{'不大于' if equal else '小于'} {high:g}",
                "en": f"{high:g} or less" if equal else f"less than {high:g}",
            },
        )
