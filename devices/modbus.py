"""Talking to parts on a Modbus RTU line (RS-485): many slaves on one pair of wires, one master that asks them in turn.

Wiring: A to A, B to B, a common ground, 120 ohm at both ends of the pair. Makers do not agree which wire is A, so silence
of a new device is a swap before it is anything else. Name the adapter by the socket it sits in
(``/dev/serial/by-path/...``): ttyUSB numbers change. One question and its answer::

    slave function address  count    CRC lo hi     CRC-16 A001 reflected, from FFFF
    01    03       00 05    00 01    94 0B         read one holding register (04: input register)
    01    03       02       01 90    B9 B8         its answer: two bytes, 400
    01    83       02                C0 F1         or a refusal: 02, illegal data address

Frames and CRCs are minimalmodbus's; the bytes go through the port that the bus worker has opened, and foreign errors become
faults here and nowhere else. Two things it leaves to us: it would wait out its timeout for the rest of a refusal, which is
shorter than an answer, and it keeps the gap between frames (3.5 characters: Modbus over Serial Line 1.02, 2.5.1.1) by the
machine's clock only.

The line's worker is its only thread, so turns are taken by themselves. Nothing is asked twice: the next poll asks again,
and a dead slave costs the others one ``timeout_s`` whenever the worker tries it.
"""

import termios
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar
from weakref import WeakKeyDictionary

import serial
from minimalmodbus import (
    Instrument,
    InvalidResponseError,
    LocalEchoError,
    NoResponseError,
    SlaveReportedException,
)

from devices.faults import CODES, DeviceFault, Words, fault
from devices.part import ModbusSettings, Mount
from devices.serialport import receive, send

Answer = TypeVar("Answer")

_PARITIES = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}
_SHORTEST_BYTES = 5  # of all answers: a refusal
_REFUSED = 0x80
# Adapters hand bytes on in lumps (FTDI: every 16 ms), so the rest of a frame may be later than its characters take.
_LUMP_S = 0.05
_GAP_CHARACTERS, _LEAST_GAP_S = 3.5, 0.00175
# The third fault in a row is the one that is told, so it has to say all that is known.
_IN_A_ROW = 3


class Slave:
    """One device on the line, as its driver sees it."""

    def __init__(self, settings: ModbusSettings, mount: Mount) -> None:
        assert mount.serial is not None
        self._line = _line(mount.serial, mount.now())
        self._address = settings.slave
        self._wire = _Wire(mount.serial, self._line, mount, settings)
        self._instrument = Instrument(self._wire, settings.slave)
        self._instrument.handle_local_echo = settings.echo

    @property
    def kept(self) -> dict[str, Any]:
        """What drivers want to know again when they are opened anew on the same port, by device."""
        return self._line.kept

    def read(self, address: int, count: int, function: int = 3) -> list[int]:
        """``count`` registers (3: holding, 4: input), each 0 to 65535. Raises DeviceFault."""
        return self._ask(lambda: list(self._instrument.read_registers(address, count, function)))

    def write(self, address: int, value: int) -> None:
        """One holding register, by function 6. Raises DeviceFault."""
        self._ask(lambda: self._instrument.write_register(address, value, functioncode=6))

    def _ask(self, transfer: Callable[[], Answer]) -> Answer:
        line = self._line
        self._wire.begin()
        try:
            answer = transfer()
        except NoResponseError:
            self._unanswered()
        except LocalEchoError:
            if self._wire.heard:
                self._garbled({"zh": "转换器没有回声，请去掉 echo", "en": "the adapter does not echo: take echo away"})
            self._unanswered()
        except SlaveReportedException as refusal:
            line.works(self._address)
            name = str(refusal).removeprefix("Slave reported ")
            raise fault("error-flag", detail=f"slave {self._address}: {name}") from None
        except InvalidResponseError:
            if self._wire.heard_itself:
                self._garbled({"zh": "转换器有回声，请设 echo: true", "en": "the adapter echoes: set echo: true"})
            self._garbled(line.two_at(self._address) if line.alone_garbled(self._address) else None)
        line.answered = self._address
        if self._address in line.doubled:
            line.doubled.discard(self._address)
            self._garbled(line.two_at(self._address))
        line.works(self._address)
        return answer

    def _unanswered(self) -> NoReturn:
        self._line.fails(self._address, "no-answer")
        if self._line.alive:
            raise self._say("no-answer", None)
        raise self._say(
            "no-answer",
            {
                "zh": "整条总线无应答：A/B接反？波特率？",
                "en": "nobody on the line answers: A and B swapped? baud rate?",
            },
        )

    def _garbled(self, why: Words | None) -> NoReturn:
        self._line.alive = True
        self._line.fails(self._address, "garbled")
        raise self._say("garbled", why)

    def _say(self, code: str, why: Words | None) -> DeviceFault:
        if why is None:
            return fault(code, detail=f"slave {self._address}")
        words, slave = CODES[code], f"slave {self._address}"
        return DeviceFault(
            code, {"zh": f"{words['zh']}（{slave}：{why['zh']}）", "en": f"{words['en']} ({slave}: {why['en']})"}
        )


class _Line:
    """What is known of the slaves on one open port.

    ``alive``     somebody has been heard on it.
    ``answered``  the slave that the last transfer was with, if it answered.
    ``doubled``   slaves for which a second answer came behind the first.
    """

    def __init__(self, now: float) -> None:
        self.kept: dict[str, Any] = {}
        self.alive = False
        self.answered: int | None = None
        self.doubled: set[int] = set()
        self.quiet_since = now
        self._faults: dict[int, tuple[str, int]] = {}  # by slave: what, and how often in a row; "" is well

    def works(self, slave: int) -> None:
        self.alive = True
        self._faults[slave] = ("", 0)

    def fails(self, slave: int, code: str) -> None:
        last, times = self._faults.get(slave, ("", 0))
        self._faults[slave] = (code, times + 1 if last == code else 1)

    def alone_garbled(self, slave: int) -> bool:
        """Whether this slave, about to fail once more, is the only one that is garbled, and others are well."""
        last, times = self._faults.get(slave, ("", 0))
        others = {code for other, (code, _) in self._faults.items() if other != slave}
        return last == "garbled" and times + 1 >= _IN_A_ROW and "" in others and "garbled" not in others

    def two_at(self, slave: int) -> Words:
        return {"zh": f"地址 {slave} 疑有两台设备", "en": f"two devices seem to answer at address {slave}"}

    def came_late(self, late: bytes) -> None:
        """What has come since the last transfer: a whole frame of that slave is a second slave's."""
        if self.answered is not None and len(late) >= _SHORTEST_BYTES and late[0] == self.answered:
            self.doubled.add(self.answered)
        self.answered = None


# By port: when the worker opens it anew, all is forgotten.
_lines: "WeakKeyDictionary[serial.Serial, _Line]" = WeakKeyDictionary()


def _line(port: serial.Serial, now: float) -> _Line:
    return _lines.setdefault(port, _Line(now))


class _Wire:
    """What minimalmodbus takes for a serial port: the line, waited at as a Modbus master must."""

    is_open = True
    port = None
    baudrate = 115200  # by this it keeps the shortest gap; the right one has been kept here before

    def __init__(self, port: serial.Serial, line: _Line, mount: Mount, settings: ModbusSettings) -> None:
        self.heard = b""
        self._port = port
        self._line = line
        self._mount = mount
        self._timeout_s = settings.timeout_s
        self._character_s = 11 / settings.baud
        self._gap_s = max(_GAP_CHARACTERS * self._character_s, _LEAST_GAP_S)
        self._echoes = settings.echo
        self._echo_due = False
        self._sent = b""
        try:
            port.parity, port.stopbits = _PARITIES[settings.parity], settings.stop_bits
        except OSError as error:
            raise self._gone() from error
        except termios.error as error:  # an adapter that cannot; pyserial lets it through
            wanted = f"{port.port}: parity {settings.parity}, {settings.stop_bits} stop"
            raise fault("error-flag", detail=wanted, lost=True) from error

    @property
    def heard_itself(self) -> bool:
        return not self._echoes and len(self.heard) >= _SHORTEST_BYTES and self._sent.startswith(self.heard)

    def begin(self) -> None:
        self.heard, self._sent, self._echo_due = b"", b"", self._echoes

    def open(self) -> None:
        """The port is the worker's."""

    def close(self) -> None:
        """The port is the worker's."""

    def reset_input_buffer(self) -> None:
        late = receive(self._port)
        self._line.came_late(late)
        if late:
            self._line.quiet_since = self._mount.now()

    def reset_output_buffer(self) -> None:
        """Nothing is left in it: each question is waited for."""

    def write(self, data: bytes) -> None:
        gap_s = self._line.quiet_since + self._gap_s - self._mount.now()
        if gap_s > 0:
            self._mount.pause(gap_s)
        self._sent = data
        send(self._port, data)

    def read(self, size: int) -> bytes:
        """The echo, where there is one; then the answer, or the five bytes of a refusal."""
        sent_s = len(self._sent) * self._character_s
        if self._echo_due:
            self._echo_due = False
            return self._take(size, sent_s + _LUMP_S)
        answer = self._take(_SHORTEST_BYTES, sent_s + _SHORTEST_BYTES * self._character_s + self._timeout_s)
        if len(answer) == _SHORTEST_BYTES and not answer[1] & _REFUSED:
            rest = size - _SHORTEST_BYTES
            answer += self._take(rest, rest * self._character_s + _LUMP_S)
        self._line.quiet_since = self._mount.now()
        return answer

    def _take(self, size: int, timeout_s: float) -> bytes:
        try:
            self._port.timeout = timeout_s
            data: bytes = self._port.read(size)
        except OSError as error:  # pyserial's own are OSErrors too
            raise self._gone() from error
        self.heard += data
        return data

    def _gone(self) -> DeviceFault:
        return fault("unplugged", detail=str(self._port.port), lost=True)
