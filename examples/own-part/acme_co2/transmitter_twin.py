"""The Acme CO2 transmitter as its line sees it."""

from collections.abc import Callable
from typing import Any

from acme_co2.transmitter import checksum
from devices.world.twin import Stage, Twin

_EVERY_S = 1.0


class TransmitterTwin(Twin):
    """``source`` is the air it stands in: ppm, degrees Celsius, per cent of humidity."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.source: Callable[[], tuple[float, float, float]] = lambda: (612.0, 22.0, 45.0)
        stage.at(stage.now() + _EVERY_S, self._tell)

    def _tell(self) -> None:
        head = f"CO2={round(self.source()[0]):04d}".encode()
        self.stage.line.send(head + b"*" + checksum(head) + b"\r")
        self.stage.at(self.stage.now() + _EVERY_S, self._tell)


TWIN = TransmitterTwin
