"""A transmitter as its line sees it: registers with the air in them, and a refusal for all others.

That an SCD30 gives its measurement once and is not ready until the next one (2 s) is its interface description's; what it
says when it is read before is not told there, and this one says the last again.
"""

import struct
from collections.abc import Callable
from typing import Any

from devices.air.modbus_air import FORMS, Register
from devices.world.modbus import ModbusTwin, Refusal
from devices.world.twin import Stage

_PERIOD_S = 2.0
_ILLEGAL_ADDRESS = 2


class ModbusAirTwin(ModbusTwin):
    """``source`` gives the air's ppm, degC and %RH; ``forced`` puts words where somebody wants them, by address."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.source: Callable[[], tuple[float, float, float]] = lambda: (450.0, 22.0, 45.0)
        self.forced: dict[int, int] = {}
        self.measuring_since: float | None = None
        self._map = settings.layout
        self._fetched = 0

    def registers(self, function: int, address: int, count: int) -> list[int]:
        there = self._words(function) | self.forced
        if not all(place in there for place in range(address, address + count)):
            raise Refusal(_ILLEGAL_ADDRESS)
        if address != self._map.ready:
            self._fetched = self._measured()
        return [there[place] for place in range(address, address + count)]

    def write(self, address: int, value: int) -> None:
        if self._map.start is None or address != self._map.start[0]:
            raise Refusal(_ILLEGAL_ADDRESS)
        if self.measuring_since is None:
            self.measuring_since = self.stage.now()

    def hang(self) -> None:
        """It stops measuring and still answers."""
        self.measuring_since, self._fetched = None, 0

    def _measured(self) -> int:
        return 0 if self.measuring_since is None else int((self.stage.now() - self.measuring_since) / _PERIOD_S)

    def _words(self, function: int) -> dict[int, int]:
        there: dict[int, int] = {}
        if self._map.ready is not None:
            there[self._map.ready] = int(self._measured() > self._fetched)
        values = dict(zip(("co2_ppm", "celsius", "humidity_pct"), self.source(), strict=True))
        for register in self._map.registers:
            if register.function == function:
                there.update(zip(range(register.address, 0x10000), _encode(register, values), strict=False))
        return there


def _encode(register: Register, values: dict[str, float]) -> list[int]:
    value = values[register.quantity] / register.scale
    form = FORMS[register.form.removesuffix("-low-first")]
    data = struct.pack(form, value if form == ">f" else round(value))
    words = [int.from_bytes(data[begin : begin + 2]) for begin in range(0, len(data), 2)]
    return words[::-1] if register.form.endswith("-low-first") else words


TWIN = ModbusAirTwin
