"""Senseair S8: CO2 on a serial line of its own.

Wiring: G+ 5 V (300 mA for the instant its lamp is lit), G0 GND, UART_TxD to RXD (BCM 15), UART_RxD to TXD (BCM 14), 3.3 V
levels; UART_R/T stays open. 9600 8N1, frames as :mod:`devices.air.senseair` has them. Registers, from 0::

    input    0 meter status    1 alarm status    2 output status    3 CO2, signed, ppm
    holding  0 acknowledgement    1 special command    1F self-calibration period, h, 0 = off (4 to 4800)

    meter status   bit 0 fatal   1 offset regulation   2 algorithm   3 output   4 self-diagnostics   5 out of range   6 memory
    calibration    write 0 to holding 0, 7C06 to holding 1; when it is done bit 5 of holding 0 is set

Source: Senseair TDE2067 "Modbus on Senseair S8", as jcomas/S8_UART carries it; every frame's CRC recomputed. Of published
examples one is wrong: the answer FE 04 02 03 88 in SFeli/ESP32_S8 ends in AD B2.

Some units sleep and do not hear the first frame (seen in public drivers, in no sheet): once an answer has been missing,
each question follows a 00 and 5 ms. A healthy one drops that byte, as no frame is one byte long.

The period is kept in the part's memory that wears out (assumed; it survives a loss of power), so it is read first, and
written only if it has to change.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any

import attrs
from attrs import validators

from devices.air.asking import Asking
from devices.air.baseline import Baseline
from devices.air.senseair import READ_HOLDING, READ_INPUT, WRITE, cut_frame, ppm, request
from devices.faults import fault
from devices.part import Mount, Part, SerialSettings, Wire
from devices.reading import Quality, Reading
from devices.serialport import send

_ACKNOWLEDGED, _COMMAND, _PERIOD = 0x00, 0x01, 0x1F
_PERIOD_H = 180  # Senseair's own: seven days and a half
_CALIBRATE, _CALIBRATED = 0x7C06, 0x0020
_CALIBRATION_S = 30.0  # two lamp cycles are four seconds
_AIR = request(READ_INPUT, 0, 4)
_IS_IT_DONE = request(READ_HOLDING, _ACKNOWLEDGED, 1)
_WHAT_PERIOD = request(READ_HOLDING, _PERIOD, 1)
_METER = ("fatal", "offset regulation", "algorithm", "output", "self-diagnostics", "out of range", "memory")
_OUT_OF_RANGE = 0x20
_TOP_PPM = 10000
_WAKE, _WAKE_S = b"\0", 0.006  # the byte itself takes one of the six milliseconds


@attrs.frozen(kw_only=True)
class Settings(SerialSettings):
    """Every ``interval_s`` it is asked; ``self_calibration`` is written if the part has it otherwise."""

    self_calibration: bool = True
    interval_s: float = attrs.field(default=5.0, validator=[validators.ge(2.0), validators.le(60.0)])


class S8(Asking):
    """Readings: ``co2_ppm``; ``baseline_age_s`` once an hour; ``calibrated``, yes or no, after :meth:`act`."""

    def __init__(self, settings: Settings, mount: Mount) -> None:
        super().__init__(mount, cut_frame, settings.interval_s)
        self._settings = settings
        self._baseline = Baseline(settings.id, settings.self_calibration, mount.now())
        self._first: deque[bytes] = deque()  # what to ask before asking for air again
        self._asked = b""
        self._wakes = False
        self._calibrating_until: float | None = None

    def open(self) -> None:
        super().open()
        self._first.clear()
        self._first.append(_WHAT_PERIOD)
        self._calibrating_until = None

    def act(self, verb: str, args: dict[str, Any]) -> None:
        """``calibrate``: the air is fresh now, take it for 400 ppm. Somebody has aired the room and waited."""
        if verb != "calibrate":
            super().act(verb, args)
        self._first.extend((request(WRITE, _ACKNOWLEDGED, 0), request(WRITE, _COMMAND, _CALIBRATE)))
        self._calibrating_until = None
        self.hurry()

    def question(self) -> bytes:
        self._asked = self._first[0] if self._first else _AIR
        self._wakes = self._wakes or self.missed > 0
        if self._wakes:
            send(self._port, _WAKE)
            self._mount.pause(_WAKE_S)
        return self._asked

    def take(self, frame: bytes, now: float) -> Iterable[Reading] | None:
        if frame[1] & 0x7F != self._asked[1] or (frame[1] == WRITE and frame != self._asked):
            return None
        if self._first and self._asked == self._first[0]:
            self._first.popleft()
        if frame[1] & 0x80:
            raise fault("error-flag", detail=f"exception {frame[2]} to {self._asked.hex(' ')}")
        word = int.from_bytes(frame[3:5])
        if self._asked == _AIR:
            return self._air(frame, now)
        if self._asked == _WHAT_PERIOD and bool(word) != self._settings.self_calibration:
            self._first.appendleft(request(WRITE, _PERIOD, _PERIOD_H if self._settings.self_calibration else 0))
        if self._asked == request(WRITE, _COMMAND, _CALIBRATE):
            self._calibrating_until = now + _CALIBRATION_S
        if self._first:
            self.hurry()
        return self._done(word, now) if self._asked == _IS_IT_DONE else ()

    def _air(self, frame: bytes, now: float) -> Iterable[Reading]:
        if self._calibrating_until is not None:
            self._first.append(_IS_IT_DONE)
        status = int.from_bytes(frame[3:5])
        if wrong := [name for bit, name in enumerate(_METER) if status >> bit & 1]:
            raise fault("out-of-range" if status == _OUT_OF_RANGE else "error-flag", detail=", ".join(wrong))
        co2, quality = ppm(frame[9:11], _TOP_PPM)
        return (
            Reading(self._settings.id, "co2_ppm", float(co2), now, quality, raw=co2),
            *(self._baseline.age(co2, now) if quality is Quality.GOOD else ()),
        )

    def _done(self, acknowledged: int, now: float) -> Iterable[Reading]:
        done = bool(acknowledged & _CALIBRATED)
        if self._calibrating_until is None or not (done or now >= self._calibrating_until):
            return ()
        self._calibrating_until = None
        return (Reading(self._settings.id, "calibrated", done, now),)


PART = Part(
    name="s8",
    kind="air",
    says={"zh": "二氧化碳传感器（Senseair S8）", "en": "CO2 sensor (Senseair S8)"},
    wires=(Wire.SERIAL,),
    settings=Settings,
    driver=S8,
)
