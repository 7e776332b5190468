"""What the hall file says of a line that several parts share."""

from pathlib import Path

import pytest

from edge import hallfile
from edge.hallfile import Finding, HallFileError

HALL = """\
hall:
  branch: jingan-0042
  name: {{zh: 静安营业厅, en: Jing'an hall}}
  type: medium
  floor_area_m2: 180
  area_per_person_m2: 4
  timezone: Asia/Shanghai
  hours: {{mon-fri: 09:00-17:00}}
  counters: 8
devices:
{devices}
"""

AIR = "  - {id: air-1, part: modbus-air, bus: /dev/ttyUSB2, slave: 7, map: elt}"
DOOR = "  - {id: door-1, part: modbus-counter, bus: /dev/ttyUSB2, slave: 8, leave: null}"


def findings(*devices: str) -> list[Finding]:
    text = HALL.format(devices="\n".join(devices))
    try:
        hallfile.parse(text, Path("/etc/hallgate"))
    except HallFileError as error:
        return error.findings
    return []


def test_parts_share_a_line() -> None:
    own = "  - {id: air-2, part: modbus-air, bus: /dev/ttyUSB2, slave: 9, registers: [{quantity: co2_ppm, address: 0x10}]}"
    assert findings(AIR, DOOR, own) == []
    assert findings(AIR, AIR.replace("air-1", "air-2").replace("ttyUSB2", "ttyUSB3")) == []


@pytest.mark.parametrize(
    ("wrong", "path", "said"),
    [
        (DOOR.replace("slave: 8", "slave: 7"), "devices[1].slave", "/dev/ttyUSB2 slave 7 is taken by air-1"),
        (DOOR.replace("slave: 8", "slave: 248"), "devices[1].slave", "248"),
        (DOOR.replace("slave: 8", "slave: 8, baud: 4800"), "devices[1].baud", "baud is 4800, but 9600 for air-1"),
        (DOOR.replace("slave: 8", "slave: 8, parity: even"), "devices[1].parity", "parity is even, but none for"),
        (DOOR.replace("slave: 8", "slave: 8, echo: true"), "devices[1].echo", "echo is true, but false for air-1"),
        (DOOR.replace("slave: 8", "slave: 8, stop_bits: 2"), "devices[1].stop_bits", "stop_bits is 2, but 1 for air-1"),
        ("  - {id: badge, part: rdm6300, bus: /dev/ttyUSB2, zone: waiting}", "devices[0].bus", "is taken by badge"),
        (AIR.replace("air-1", "air-2").replace("slave: 7, map: elt", "slave: 9"), "devices[1]", "map"),
    ],
)
def test_what_cannot_share_it_is_told(wrong: str, path: str, said: str) -> None:
    (found,) = findings(AIR, wrong)
    assert str(found.path).startswith(path)
    assert said in found.wrong["en"] + found.right["en"]
