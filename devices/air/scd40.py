"""SCD40: CO2, temperature and humidity on I2C, address 0x62; the smaller sister of the SCD41.

Wiring, frames and habits are the SCD41's (:mod:`devices.air.scd41`). What differs: it has no single-shot measurement
(not used here), its CO2 is specified from 400 to 2000 ppm instead of to 5000 (SCD4x data sheet; a reading above that
is less exact and still true), and its answer to 202F, while idle::

    word & F000:    0000 SCD40    1000 SCD41    2000 SCD42    5000 SCD43        (embedded-i2c-scd4x, scd4x_i2c.h)

A better sister in its place is taken; a word of no known sister is somebody else at its address. Firmware that does
not know the command refuses it, so a refusal says nothing (that some does is assumed: the command is younger than the
first data sheet).
"""

from devices.air.scd41 import Scd41, Settings
from devices.faults import DeviceFault, fault
from devices.part import Part, Wire

_VARIANT = 0x202F
_KNOWN = {0x0000: "SCD40", 0x1000: "SCD41", 0x2000: "SCD42", 0x5000: "SCD43"}


class Scd40(Scd41):
    """Readings: ``co2_ppm``, ``celsius``, ``humidity_pct``; ``baseline_age_s`` once an hour."""

    def _identify(self) -> None:
        try:
            word = self._ask(_VARIANT, 1)[0]
        except DeviceFault as refusal:
            if refusal.code != "no-answer":
                raise
            return
        if word & 0xF000 not in _KNOWN:
            raise fault("error-flag", detail=f"variant {word:04X}")


PART = Part(
    name="scd40",
    kind="air",
    says={"zh": "二氧化碳、温湿度传感器（2000 ppm）", "en": "CO2, temperature and humidity sensor (to 2000 ppm)"},
    wires=(Wire.I2C,),
    settings=Settings,
    driver=Scd40,
)
