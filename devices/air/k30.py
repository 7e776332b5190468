"""Senseair K30: CO2 on a serial line of its own.

Wiring: G+ 5 to 9 V (from the header: 5 V), G0 GND, TxD to RXD (BCM 15), RxD to TXD (BCM 14), 3.3 V levels. 9600 8N1. It is
asked for two bytes of its memory, in a Modbus frame with a function of Senseair's own (:mod:`devices.air.senseair`)::

    FE 44 00 08 02 9F 25         to it: two bytes from 0008
    FE 44 02 hi lo crc crc       from it: CO2, signed, ppm

Source: CO2Meter's application note for Arduino (AN-126) and many drivers after it, all with these seven bytes; the
answer FE 44 02 00 61 79 0C = 97 ppm was recorded by one of them, and its CRC is right. It has no status in it. The
K30 for 3 % counts in threes (AN-126): it is no part for a hall, and its third of the truth is SUSPECT. The
register of the self-calibration period, 1F, is the S8's; drivers for the K30 write it in the same frame.
"""

from collections.abc import Iterable

import attrs
from attrs import validators

from devices.air.asking import Asking
from devices.air.baseline import Baseline
from devices.air.senseair import ANY, READ_HOLDING, READ_RAM, WRITE, cut_frame, ppm, request, with_crc
from devices.faults import fault
from devices.part import Mount, Part, SerialSettings, Wire
from devices.reading import Quality, Reading

_AIR = with_crc(bytes([ANY, READ_RAM, 0x00, 0x08, 0x02]))
_PERIOD = 0x1F
_PERIOD_H = 180
_WHAT_PERIOD = request(READ_HOLDING, _PERIOD, 1)
_TOP_PPM = 10000  # 5000 are specified, twice that it puts out


@attrs.frozen(kw_only=True)
class Settings(SerialSettings):
    """Every ``interval_s`` it is asked; ``self_calibration`` is written if the part has it otherwise."""

    self_calibration: bool = True
    interval_s: float = attrs.field(default=5.0, validator=[validators.ge(2.0), validators.le(60.0)])


class K30(Asking):
    """Readings: ``co2_ppm`` with its raw word; ``baseline_age_s`` once an hour."""

    def __init__(self, settings: Settings, mount: Mount) -> None:
        super().__init__(mount, cut_frame, settings.interval_s)
        self._settings = settings
        self._baseline = Baseline(settings.id, settings.self_calibration, mount.now())
        self._next = self._asked = _WHAT_PERIOD

    def open(self) -> None:
        super().open()
        self._next = _WHAT_PERIOD

    def question(self) -> bytes:
        self._asked = self._next
        return self._asked

    def take(self, frame: bytes, now: float) -> Iterable[Reading] | None:
        if frame[1] & 0x7F != self._asked[1] or (frame[1] == WRITE and frame != self._asked):
            return None
        self._next = _AIR
        if frame[1] & 0x80:
            raise fault("error-flag", detail=f"exception {frame[2]} to {self._asked.hex(' ')}")
        if self._asked == _AIR:
            co2, quality = ppm(frame[3:5], _TOP_PPM)
            return (
                Reading(self._settings.id, "co2_ppm", float(co2), now, quality, raw=co2),
                *(self._baseline.age(co2, now) if quality is Quality.GOOD else ()),
            )
        if self._asked == _WHAT_PERIOD and any(frame[3:5]) != self._settings.self_calibration:
            self._next = request(WRITE, _PERIOD, _PERIOD_H if self._settings.self_calibration else 0)
        self.hurry()
        return ()


PART = Part(
    name="k30",
    kind="air",
    says={"zh": "二氧化碳传感器（Senseair K30）", "en": "CO2 sensor (Senseair K30)"},
    wires=(Wire.SERIAL,),
    settings=Settings,
    driver=K30,
)
