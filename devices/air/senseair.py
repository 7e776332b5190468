"""What Senseair's S8 and K30 say alike: Modbus frames at 9600 baud, to the address that any of them answers, FE::

    FE 04 00 00 00 04 E5 C6      read input registers 0..3      FE 04 08 .. .. .. .. .. .. hi lo  crc crc
    FE 03 00 1F 00 01 A1 C3      read a holding register        FE 03 02 hi lo                    crc crc
    FE 06 00 1F 00 B4 AC 74      write a holding register       the same eight bytes
    FE 44 00 08 02 9F 25         read two bytes of RAM at 0008  FE 44 02 hi lo                    crc crc
                                                                crc: Modbus, low byte first

Every sensor answers FE, so a line carries one of them. Sources: Senseair TDE2067 "Modbus on Senseair S8" as
jcomas/S8_UART carries its registers; CO2Meter AN-126 and the drivers after it for 44, which is in no Modbus standard.
"""

from devices.checks import modbus_crc
from devices.faults import fault
from devices.reading import Quality

ANY = 0xFE
READ_HOLDING, READ_INPUT, WRITE, READ_RAM = 0x03, 0x04, 0x06, 0x44
# How many bytes an answer says it carries; any other number is no answer to what is asked here.
_CARRIED = {READ_HOLDING: 2, READ_INPUT: 8, READ_RAM: 2}
# Less than outdoors by half is a lost calibration.
_BELIEVED_PPM = 250


def with_crc(frame: bytes) -> bytes:
    """A frame as it stands on the wire."""
    return frame + modbus_crc(frame)


def request(function: int, register: int, value: int) -> bytes:
    """To read ``value`` registers from that one on, or to write ``value`` to it."""
    return with_crc(bytes([ANY, function]) + register.to_bytes(2) + value.to_bytes(2))


def cut_frame(buffer: bytes) -> tuple[int, bytes | None]:
    """The next answer (for a :class:`Deframer`). Of one with a wrong CRC only the first byte is used up."""
    if buffer[0] != ANY:
        return 1, None
    if len(buffer) < 3:
        return 0, None
    function = buffer[1]
    if function == WRITE:
        length = 8
    elif function & 0x80:
        length = 5  # an exception
    elif _CARRIED.get(function) == buffer[2]:
        length = buffer[2] + 5
    else:
        return 1, None
    if len(buffer) < length:
        return 0, None
    frame = buffer[:length]
    return (length, frame) if with_crc(frame[:-2]) == frame else (1, None)


def ppm(word: bytes, top: int) -> tuple[int, Quality]:
    """The CO2 of a signed word, and how far to believe it. Raises DeviceFault: nothing at all and small negatives, which
    a sensor gives whose baseline has slipped, are no air."""
    co2 = int.from_bytes(word, signed=True)
    if not 0 < co2 <= top:
        raise fault("out-of-range", detail=f"CO2 {co2} ppm")
    return co2, Quality.GOOD if co2 >= _BELIEVED_PPM else Quality.SUSPECT
