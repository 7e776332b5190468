"""MH-Z19B and MH-Z19C: CO2 on a serial line.

Wiring: Vin 5 V (not 3V3: 150 mA while it measures), GND, Tx to RXD (BCM 15), Rx to TXD (BCM 14); its levels are 3.3 V.
9600 8N1. Nine bytes each way (Winsen MH-Z19B user manual 1.0, "UART output")::

    FF 01 86 00 00 00 00 00 79      to it: what is the concentration?
    FF 86 hi lo tt ss uu uu ck      from it: ppm, temperature + 40, and three that the manual leaves open
    FF 01 79 A0 00 00 00 00 E6      to it: self-calibration on (A0) or off (00, ck 86)
    FF 79 01 00 00 00 00 00 86      from it, from some and late: done
                                    ck: FF - (sum of the seven before it) + 1, low byte

Replies arrive shifted, and the one to 79 when 86 was asked (letscontrolit/ESPEasy#2394): every frame with a right sum
counts for what it says it is, and a new one is looked for at each FF 86. After its power came back the part says things
with a right sum that are not so: 1215 ppm, then 410 for about a minute (bencorrado/pmsensor#8), U = 15000 all the while
(esphome/esphome#588). Its preheating takes three minutes (manual). So no CO2 is read for ``warm_up_s`` after opening, as
nobody tells how long the part has been on, after U = 15000, and after it was silent for longer than a lost answer. Not
every unit has U; but its first answer has a wrong sum, so after one like that the CO2 is SUSPECT for a while.

The temperature is the module's own, whole degrees, in no manual (tt = 47 is 31 degC; some units say 0, and then there is
none): it is told as SUSPECT, also while the part warms up, where it shows that somebody answers.

Self-calibration takes the lowest CO2 of each day since its power came on for fresh air, 400 ppm (manual): a room that is
never empty drifts within days (bencorrado/pmsensor#12). It is written at each opening and after each loss of power. What
uu counts with it on is known to nobody for sure, so ``baseline_age_s`` goes by the air (:mod:`devices.air.baseline`).
"""

from collections.abc import Iterable

import attrs
from attrs import validators

from devices.air.asking import Asking
from devices.air.baseline import Baseline
from devices.faults import fault
from devices.part import Mount, Part, SerialSettings, Wire
from devices.reading import Quality, Reading
from devices.serialport import send

_BYTES = 9
_READ, _SELF_CALIBRATION = 0x86, 0x79
_BOOTING = 15000
# The largest range it can be set to. Less than outdoors by half is a lost calibration.
_CO2_TOP_PPM = 10000
_CO2_BELIEVED_PPM = 250
# More answers missing than a bad line loses: it may have lost its power.
_GONE = 2
_AFTER_GARBLED_S = 90.0


@attrs.frozen(kw_only=True)
class Settings(SerialSettings):
    """Every ``interval_s`` it is asked; ``self_calibration`` is written when it is opened and after it lost its power;
    for ``warm_up_s`` after either no CO2 is read."""

    self_calibration: bool = True
    interval_s: float = attrs.field(default=5.0, validator=[validators.ge(2.0), validators.le(60.0)])
    warm_up_s: float = attrs.field(default=180.0, validator=[validators.ge(60.0), validators.le(600.0)])


class Mhz19(Asking):
    """Readings: ``co2_ppm`` with its raw word, ``celsius`` (SUSPECT); ``baseline_age_s`` once an hour."""

    def __init__(self, settings: Settings, mount: Mount) -> None:
        super().__init__(mount, cut_frame, settings.interval_s)
        self._settings = settings
        self._baseline = Baseline(settings.id, settings.self_calibration, mount.now())
        self._warm_at = 0.0
        self._untold = True  # whether it has to be told how to calibrate itself

    def open(self) -> None:
        super().open()
        self._untold = True
        self._warm_at = self._mount.now() + self._settings.warm_up_s

    def question(self) -> bytes:
        if self._untold:
            self._untold = False
            send(self._port, command(_SELF_CALIBRATION, 0xA0 if self._settings.self_calibration else 0x00))
        return command(_READ)

    def take(self, frame: bytes, now: float) -> Iterable[Reading] | None:
        if frame[1] != _READ:
            return None
        if self.missed >= _GONE or (int.from_bytes(frame[6:8]) == _BOOTING and now >= self._warm_at):
            self._untold = True
            self._warm_at = now + self._settings.warm_up_s
        celsius = (
            [Reading(self._settings.id, "celsius", float(frame[4] - 40), now, Quality.SUSPECT)] if frame[4] else []
        )
        if now < self._warm_at:
            return celsius
        co2 = int.from_bytes(frame[2:4])
        if not 0 < co2 <= _CO2_TOP_PPM:
            raise fault("out-of-range", detail=f"CO2 {co2} ppm")
        believed = co2 >= _CO2_BELIEVED_PPM and now - self.garbled_at > _AFTER_GARBLED_S
        quality = Quality.GOOD if believed else Quality.SUSPECT
        return (
            Reading(self._settings.id, "co2_ppm", float(co2), now, quality, raw=co2),
            *celsius,
            *(self._baseline.age(co2, now) if quality is Quality.GOOD else ()),
        )


def command(code: int, argument: int = 0) -> bytes:
    """A frame to the part."""
    return with_sum(bytes([0xFF, 0x01, code, argument, 0, 0, 0, 0]))


def with_sum(frame: bytes) -> bytes:
    """Eight bytes and the ninth."""
    return frame + bytes([-sum(frame[1:]) & 0xFF])


def cut_frame(buffer: bytes) -> tuple[int, bytes | None]:
    """The next frame from the part (for a :class:`Deframer`). Of one with a wrong sum only the first byte is used up."""
    if buffer[0] != 0xFF or (len(buffer) > 1 and buffer[1] not in (_READ, _SELF_CALIBRATION)):
        return 1, None
    if len(buffer) < _BYTES:
        return 0, None
    frame = buffer[:_BYTES]
    return (_BYTES, frame) if with_sum(frame[:-1]) == frame else (1, None)


PART = Part(
    name="mhz19",
    kind="air",
    says={"zh": "二氧化碳传感器（串口）", "en": "CO2 sensor, serial"},
    wires=(Wire.SERIAL,),
    settings=Settings,
    driver=Mhz19,
)
