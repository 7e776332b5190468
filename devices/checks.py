"""The check values of the parts, each as its maker defines it."""


def crc8(data: bytes, *, polynomial: int, start: int) -> int:
    """A plain CRC-8, most significant bit first, nothing reflected, no final XOR."""
    crc = start
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1) ^ polynomial if crc & 0x80 else crc << 1
        crc &= 0xFF
    return crc


def smbus_pec(data: bytes) -> int:
    """SMBus 3.1, 6.4: x^8 + x^2 + x + 1 from 0 over every byte of the transfer, addresses included."""
    return crc8(data, polynomial=0x07, start=0x00)


def sensirion_crc(word: bytes) -> int:
    """Sensirion: 0x31 from 0xFF over each 16-bit word; BE EF gives 92 (their own check value)."""
    return crc8(word, polynomial=0x31, start=0xFF)


def modbus_crc(data: bytes) -> bytes:
    """Modbus over serial line 1.02, 6.2.2: A001 reflected from FFFF, as it stands on the wire, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")
