"""GY-614V3: infrared thermometer module with a microcontroller and registers of its own, on a serial line.

Wiring: VCC 3 to 5 V, GND, TD to RXD (BCM 15) and RC to TXD (BCM 14), or a USB serial adapter; PS left open, or it speaks
I2C. 9600 8N1; a module that was set to another rate must be set back (A4 06 01 02 AD). Frames both ways::

    A4  06  register  value  sum                     to it, write: 03 = 0 stream, 04 = 0 in hex and not in letters
    A4  03  07  07  E  ToH ToL  TaH TaL  BoH BoL  sum   from it: registers 07 to 0D, 12 bytes; sum: low byte of the
                                                     eleven before. E 1 to 100, emissivity 0.01; the others 0.01 degC

What this rests on: the register table and the write example A4 06 03 01 AE that a maker publishes (szlitus.com, product
4084); a public driver that takes E, To, Ta, Bo and a sum behind four bytes of a 12-byte frame without looking at either
(class Gy614 of rmcs_core); a public program that asks A4 03 07 07 B5 for the same registers. That the answer
repeats 07 07, and that its sum is over all of it, is how the sister modules with the same A4 03 frames do it (logged:
A4 03 08 06 FE E0 05 EF 4C 73 46). Signed words are taken over from gy-mcu90614, the driver above reads them unsigned; it
differs below 0 degC alone. Ranges are those of the MLX90614 inside; the words end at 327.67.

``Bo`` is the body temperature that the module guesses from a forehead by a formula nobody publishes. It is not used:
what this lane shows is the surface and the lane's own offset, which somebody has measured.

What is set is not saved in the module, so it is set anew when it has been silent.
"""

from devices.faults import fault
from devices.part import Part, Wire
from devices.temperature.streaming import StreamingSettings, StreamingThermometer

_EMISSIVITY = range(1, 101)


class Gy614V3(StreamingThermometer):
    """Readings: ``object_celsius`` (corrected, with the raw word) and ``ambient_celsius``, per frame."""

    header = bytes.fromhex("a4030707")
    length = 12
    tell = bytes.fromhex("a4060300ad a4060400ae")

    @classmethod
    def words(cls, frame: bytes) -> tuple[int, int]:
        if frame[4] not in _EMISSIVITY:
            raise fault("garbled", detail=f"emissivity {frame[4]}")
        return int.from_bytes(frame[5:7], signed=True), int.from_bytes(frame[7:9], signed=True)


PART = Part(
    name="gy-614v3",
    kind="thermometer",
    says={"zh": "串口红外测温模块（V3）", "en": "infrared thermometer, serial, V3"},
    wires=(Wire.SERIAL,),
    settings=StreamingSettings,
    driver=Gy614V3,
)
