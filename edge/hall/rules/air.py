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
    """Each zone that has a sensor, by itself. ``zones`` says which device stands where."""

    name = "air"
    quantities = ("co2_ppm", "celsius", "humidity_pct")

    def __init__(self, settings: Settings, zones: Mapping[str, str]) -> None:
        self._settings = settings
        self._zones = zones
        self._high: dict[str, bool] = {}
        self._values: dict[str, dict[str, float]] = {}
        self._shown: dict[str, dict[str, float]] = {}
        self.changed: dict[str, AirNow] = {}  # zone -> what now/air should say; emptied by whoever tells it

    def take(self, reading: Reading, moment: Moment) -> Iterable[Effect]:
        zone = self._zones.get(reading.device)
        if zone is None or reading.quality is not Quality.GOOD:
            return
        value = round(float(reading.value), 1)
        self._values.setdefault(reading.device, {})[reading.quantity] = value
        self._show(zone, reading, value, moment)
        if reading.quantity == "co2_ppm":
            yield from self._judge(zone, value)

    def _judge(self, zone: str, ppm: float) -> Iterable[Effect]:
        limit = self._settings.co2_ppm
        high = self._high.get(zone, False)
        now = ppm > limit if not high else ppm >= limit - self._settings.deadband_ppm
        if now == high and zone in self._high:
            return
        self._high[zone] = now
        yield Condition(
            "AIR",
            zone,
            now,
            {
                "zh": f"二氧化碳 {ppm:.0f} ppm，超过 {limit:.0f} ppm：请开窗或开启排风",
                "en": f"CO2 at {ppm:.0f} ppm, limit {limit:.0f} ppm: open windows or run the fan",
            },
            value=ppm,
            limit=limit,
            on_delay_s=self._settings.on_delay_s,
        )

    def _show(self, zone: str, reading: Reading, value: float, moment: Moment) -> None:
        shown = self._shown.setdefault(reading.device, {})
        last = shown.get(reading.quantity)
        if last is not None and abs(value - last) < _STEPS[reading.quantity]:
            return
        shown[reading.quantity] = value
        values = self._values[reading.device]
        self.changed[zone] = AirNow(
            zone=zone,
            device=reading.device,
            co2_ppm=values.get("co2_ppm"),
            celsius=values.get("celsius"),
            humidity_pct=values.get("humidity_pct"),
            at=rfc3339(moment.wall),
        )

    def save(self) -> object:
        return {"high": self._high}

    def restore(self, state: dict[str, dict[str, bool]]) -> None:
        self._high = dict(state["high"])
