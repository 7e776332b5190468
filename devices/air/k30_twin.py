"""Senseair K30 as its line sees it: two bytes of its memory, and one register."""

from typing import Any

from devices.air.senseair import ANY, READ_HOLDING, READ_RAM, WRITE
from devices.air.senseair_answers import SenseairTwin
from devices.world.twin import Stage


class K30Twin(SenseairTwin):
    """``period_h`` is its self-calibration period, ``written`` how often that was written."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.period_h = 180
        self.written = 0

    def answer(self, frame: bytes) -> bytes | None:
        if frame[1:5] == bytes([READ_RAM, 0x00, 0x08, 0x02]):
            return bytes([ANY, READ_RAM, 2]) + self.co2()
        if frame[1:6] == bytes([READ_HOLDING, 0x00, 0x1F, 0x00, 0x01]):
            return bytes([ANY, READ_HOLDING, 2]) + self.period_h.to_bytes(2)
        if frame[1:4] == bytes([WRITE, 0x00, 0x1F]):
            self.period_h, self.written = int.from_bytes(frame[4:6]), self.written + 1
            return frame[:-2]
        return bytes([ANY, frame[1] | 0x80, 2])  # an illegal data address


TWIN = K30Twin
