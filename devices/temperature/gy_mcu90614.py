"""GY-MCU90614: infrared thermometer module with a microcontroller of its own, on a serial line.

Wiring: VCC 3 to 5 V, GND, TX to RXD (BCM 15) and RX to TXD (BCM 14), or a USB serial adapter. 9600 8N1 as delivered;
a module that was set to 115200 must be set back (A5 AE 53). Told to stream, it sends some 10 frames a second::

    A5 45 EA                              to it: command 45, stream; EA is the low byte of A5 + 45

    5A 5A  45  04  ToH ToL  TaH TaL  sum  from it: type 45, four bytes of data, object and ambient temperature,
                                          each signed, big-endian, 0.01 degC; sum: low byte of the eight before

Source: the makers' description as the vendors of GY-MCU90614-BAA/-BCC print it, and public drivers that check the sum
over the header as well (one names 5A5A45040C780D19A7 = 31.92/33.53) and read the words as signed. Some modules send
an identity byte after the frame: noise, and no fault. Ranges are those of the same pages: -70 to 380 degC object, of
which a signed word reaches 327.67, and -40 to 125 degC ambient. Not this part, and refused: the GY-614V3 (12 bytes, ``gy-614v3``)
and the CJMCU-90614 clone (66 66, 115200 baud, and no page says what its sum covers).

A frame that broke off and the next one (5A5A45040E 5A5A4504) have a right sum: a header inside a frame gives it away.

A module that lost its power may have been set not to stream by itself (A5 52 F7): when no good frame has come for
``silent_s`` it is told again, and again each ``silent_s``.
"""

from devices.part import Part, Wire
from devices.temperature.streaming import StreamingSettings, StreamingThermometer


class GyMcu90614(StreamingThermometer):
    """Readings: ``object_celsius`` (corrected, with the raw word) and ``ambient_celsius``, per frame."""

    header = bytes.fromhex("5a5a4504")
    length = 9
    tell = bytes.fromhex("a545ea")

    @classmethod
    def words(cls, frame: bytes) -> tuple[int, int]:
        return int.from_bytes(frame[4:6], signed=True), int.from_bytes(frame[6:8], signed=True)


PART = Part(
    name="gy-mcu90614",
    kind="thermometer",
    says={"zh": "串口红外测温模块", "en": "infrared thermometer, serial"},
    wires=(Wire.SERIAL,),
    settings=StreamingSettings,
    driver=GyMcu90614,
)
