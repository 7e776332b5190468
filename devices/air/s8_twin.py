"""Senseair S8 as its line sees it: registers behind Modbus frames, and a calibration that takes two lamp cycles."""

from typing import Any

from devices.air.senseair import ANY, READ_HOLDING, READ_INPUT, WRITE
from devices.air.senseair_answers import SenseairTwin
from devices.world.twin import Stage

_CALIBRATION_S = 4.0
_AWAKE_S = 0.5


class S8Twin(SenseairTwin):
    """``status`` is its meter status; ``sleeps`` makes it deaf until it is woken; ``calibrates`` whether it can.

    ``period_h`` is its self-calibration period, ``written`` how often that was written.
    """

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.status = 0
        self.sleeps = False
        self.calibrates = True
        self.period_h = 180
        self.written = 0
        self._acknowledged = 0
        self._calibrated_at: float | None = None
        self._woken_at = -_AWAKE_S

    def received(self, data: bytes) -> None:
        if self.sleeps and self.stage.now() - self._woken_at >= _AWAKE_S:
            self._woken_at = self.stage.now()
            data = data[1:] if data.startswith(b"\0") else b""  # a pty keeps no gaps, so a frame may be right behind it
        super().received(data)

    def answer(self, frame: bytes) -> bytes | None:
        function, register, value = frame[1], int.from_bytes(frame[2:4]), int.from_bytes(frame[4:6])
        if function == READ_INPUT and (register, value) == (0, 4):
            return bytes([ANY, READ_INPUT, 8]) + self.status.to_bytes(2) + bytes(4) + self.co2()
        if function == READ_HOLDING and value == 1 and register in (0x00, 0x1F):
            return bytes([ANY, READ_HOLDING, 2]) + (self._done() if register == 0 else self.period_h).to_bytes(2)
        if function == WRITE and register in (0x00, 0x01, 0x1F):
            self._write(register, value)
            return frame[:-2]
        return bytes([ANY, function | 0x80, 2])  # an illegal data address

    def _write(self, register: int, value: int) -> None:
        if register == 0x00:
            self._acknowledged, self._calibrated_at = value, None
        elif register == 0x1F:
            self.period_h, self.written = value, self.written + 1
        elif value == 0x7C06 and self.calibrates:
            self._calibrated_at = self.stage.now() + _CALIBRATION_S

    def _done(self) -> int:
        done = self._calibrated_at is not None and self.stage.now() >= self._calibrated_at
        return self._acknowledged | (0x20 if done else 0)


TWIN = S8Twin
