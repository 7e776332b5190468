"""AIR: stale air. CO2 over the limit for long enough, until it is well below again."""

from collections.abc import Iterable, Mapping

import attrs
from attrs import validators

from devices.reading import Quality, Reading
from edge.hall.flow import Condition, Effect, Moment, Rule
from mqtt.messages import AirNow, rfc3339

# A change smaller than this is not worth a message on now/air.
_STEPS = {"co2_ppm": 10.0, "celsius": 0.2, "humidity_pct": 1.0}


@attrs.frozen(kw_only=True)
class Settings:
    """``co2_ppm``  the limit; ``on_delay_s`` how long it must be passed.
    ``deadband_ppm``  how far below it the alarm ends.
    """

    co2_ppm: float = attrs.field(default=1000.0, validator=[validators.ge(500), validators.le(5000)])
    deadband_ppm: float = attrs.field(default=100.0, validator=[validators.ge(0), validators.le(1000)])
    on_delay_s: float = attrs.field(default=60.0, validator=[validators.ge(0), validators.le(3600)])


class Air(Rule):
    """Each zone that has a sensor, by itself; of several sensors in one zone, the highest. ``zones`` says which device
    stands where."""

    name = "air"
    quantities = ("co2_ppm", "celsius", "humidity_pct")

    def __init__(self, settings: Settings, zones: Mapping[str, str]) -> None:
        self._settings = settings
        self._zones = zones
        self._high: dict[str, bool] = {}  # device -> over the limit, with the deadband
        self._values: dict[str, dict[str, float]] = {}
        self._shown: dict[str, AirNow] = {}
        self.changed: dict[str, AirNow] = {}  # zone -> what now/air should say; emptied by whoever tells it

    def take(self, reading: Reading, moment: Moment) -> Iterable[Effect]:
        zone = self._zones.get(reading.device)
        if zone is None:
            return
        value = round(float(reading.value), 1)
        values = self._values.setdefault(reading.device, {})
        if reading.quality is Quality.GOOD:
            values[reading.quantity] = value
        else:
            values.pop(reading.quantity, None)  # what cannot be believed neither raises an alarm nor holds one
        if reading.quantity == "co2_ppm":
            yield self._judge(reading.device, zone)
        self._show(zone, moment)

    def _judge(self, device: str, zone: str) -> Condition:
        limit = self._settings.co2_ppm
        ppm = self._values[device].get("co2_ppm")
        still = self._high.get(device, False)
        self._high[device] = ppm is not None and (ppm >= limit - self._settings.deadband_ppm if still else ppm > limit)
        worst = self._values[self._worst(zone)].get("co2_ppm", 0.0)
        return Condition(
            "AIR",
            zone,
            any(self._high.get(other, False) for other in self._in(zone)),
            {
                "zh": f"二氧化碳 {worst:.0f} ppm，超过 {limit:.0f} ppm：请开窗或开启排风",
                "en": f"CO2 at {worst:.0f} ppm, limit {limit:.0f} ppm: open windows or run the fan",
            },
            value=worst,
            limit=limit,
            on_delay_s=self._settings.on_delay_s,
        )

    def _in(self, zone: str) -> list[str]:
        return [device for device in self._values if self._zones[device] == zone]

    def _worst(self, zone: str) -> str:
        return max(self._in(zone), key=lambda device: self._values[device].get("co2_ppm", 0.0))

    def _show(self, zone: str, moment: Moment) -> None:
        worst = self._worst(zone)
        told = [self._values[device] for device in self._in(zone)]

        def first(quantity: str) -> float | None:
            return next((values[quantity] for values in told if quantity in values), None)

        now = AirNow(
            zone=zone,
            device=worst,
            co2_ppm=self._values[worst].get("co2_ppm"),
            celsius=first("celsius"),
            humidity_pct=first("humidity_pct"),
            at=rfc3339(moment.wall),
        )
        if _differs(now, self._shown.get(zone)):
            self._shown[zone] = self.changed[zone] = now

    def save(self) -> object:
        return {"high": self._high}

    def restore(self, state: dict[str, dict[str, bool]]) -> None:
        self._high = {device: high for device, high in state["high"].items() if device in self._zones}


def _differs(now: AirNow, shown: AirNow | None) -> bool:
    """Whether it is worth a message."""
    if shown is None:
        return True
    for quantity, step in _STEPS.items():
        one, other = getattr(now, quantity), getattr(shown, quantity)
        if (one is None) != (other is None) or (one is not None and abs(one - other) >= step):
            return True
    return False
