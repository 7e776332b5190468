"""The hall file: what is right loads, and whatever is wrong is told at once, with its line and what would be right."""

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml
from attrs import validators
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.part import Driver, Part, Settings, Wire
from edge import hallfile
from edge.errors import HallgateError, Misconfigured
from edge.hallfile import Finding, HallFile, HallFileError

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
FOLDER = Path("/etc/hallgate")

# The public contract's own example, to the letter.
CONTRACT = """\
hall:
  branch: jingan-0042
  name: {zh: 静安营业厅, en: Jing'an hall}
  type: medium                 # flagship | large | medium | small | inner
  floor_area_m2: 180
  area_per_person_m2: 4        # capacity = 180 × 0.75 ÷ 4 = 33
  timezone: Asia/Shanghai
  hours: {mon-fri: 09:00-17:00, sat: 09:00-12:00}
  counters: 8
devices:
  - {id: door-main,      part: beams,    pins: [17, 27], place: {zh: 正门, en: main door}}
  - {id: entrance-temp,  part: mlx90614, bus: i2c-1, address: 0x5a}
  - {id: air-waiting,    part: scd41,    bus: i2c-1, zone: waiting}
  - {id: hygiene-badge,  part: rdm6300,  bus: /dev/ttyUSB0, zone: waiting}
  - {id: tickets,        part: escpos,   bus: /dev/ttyUSB1, services: {A: {zh: 保全, en: policy service}, \
B: {zh: 理赔, en: claims}}}
  - {id: panic,          part: contact,  pins: [5], raises: PANIC}
  - {id: fan,            part: relay,    pins: [6], on: AIR}
rules:
  fever: {limit_c: 37.3}
  crowd: {warn: 0.8, full: 1.0}
  wait: {limit_min: 20}
  air: {co2_ppm: 1000}
  hygiene: {rounds_per_day: 2}
  patrol: {every_h: 2}
uplink:
  url: mqtts://broker.example:8883
  ca: ca.pem
  certificate: branch.pem
  key: branch.key
"""


def parse(text: str | bytes) -> HallFile:
    return hallfile.parse(text, FOLDER)


def findings(text: str | bytes) -> list[Finding]:
    with pytest.raises(HallFileError) as caught:
        parse(text)
    return caught.value.findings


def edited(old: str, new: str, text: str = CONTRACT) -> str:
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new)


def line_of(text: str, piece: str) -> int:
    return text.count("\n", 0, text.index(piece)) + 1


# --- what is right -----------------------------------------------------------------------------------------------


def test_the_contracts_example_loads() -> None:
    hall = parse(CONTRACT)
    assert (hall.site.branch, hall.site.type, hall.site.capacity, hall.site.counters) == (
        "jingan-0042",
        "medium",
        33,
        8,
    )
    assert hall.site.name == {"zh": "静安营业厅", "en": "Jing'an hall"}
    assert hall.site.timezone.key == "Asia/Shanghai"
    assert str(hall.site.hours) == "mon-fri 09:00-17:00, sat 09:00-12:00"
    assert [device.id for device in hall.devices] == [
        "door-main",
        "entrance-temp",
        "air-waiting",
        "hygiene-badge",
        "tickets",
        "panic",
        "fan",
    ]
    assert hall.devices[0].place == {"zh": "正门", "en": "main door"}
    assert hall.devices[1].claims() == ["i2c-1 0x5a"]
    assert hall.devices[2].zone == "waiting"
    assert hall.rules.fever.limit_c == 37.3
    assert hall.page.port == 8080


def test_a_number_may_be_whole_where_a_fraction_may_stand() -> None:
    value = parse(CONTRACT).rules.wait.limit_min
    assert value == 20.0
    assert isinstance(value, float)


def test_the_uplinks_files_are_beside_the_hall_file() -> None:
    uplink = parse(edited("ca: ca.pem", "ca: /etc/ssl/hall.pem")).uplink
    assert uplink is not None
    assert uplink.ca == Path("/etc/ssl/hall.pem")
    assert uplink.key == FOLDER / "branch.key"
    assert (uplink.host, uplink.port, uplink.tls, uplink.keepalive_s) == ("broker.example", 8883, True, 30)


def test_a_password_is_not_shown() -> None:
    text = edited("  ca: ca.pem\n", "  username: hall\n  password: open sesame\n")
    assert "sesame" not in repr(parse(text))


def test_sections_that_may_be_left_out_or_empty() -> None:
    text = CONTRACT[: CONTRACT.index("rules:")]
    for tail in ("", "rules:\nuplink:\npage:\n", "rules:\n  fever:\n", "rules: {}\n"):
        hall = parse(text + tail)
        assert hall.rules.crowd.full == 1.0
        assert hall.uplink is None
        assert hall.page.address == "0.0.0.0"
    hall = parse(text + "page: {port: 0, address: 127.0.0.1}\n")
    assert hall.page.port == 0


def test_a_hall_without_devices() -> None:
    head = CONTRACT[: CONTRACT.index("devices:")]
    assert parse(head + "devices: []\n").devices == ()
    assert parse(head + "devices:\n").devices == ()


@pytest.mark.parametrize(
    "text",
    [
        edited("on: AIR", '"on": AIR'),
        edited("counters: 8", "counters: 0x8"),
        "\ufeff" + CONTRACT,
        CONTRACT.replace("\n", "\r\n"),
        "%YAML 1.1\n---\n" + CONTRACT,
        CONTRACT.replace("0x5a", "90"),
        edited("part: relay,    pins: [6]", "part: relay,    pins: [6], place: null"),
        edited("place: {zh: 正门, en: main door}", "place: &door {zh: 正门, en: main door}").replace(
            "0x5a}", "0x5a, place: *door}"
        ),
    ],
)
def test_yaml_that_means_the_same(text: str) -> None:
    hall = parse(text)
    assert hall.devices[6].on == "AIR"  # type: ignore[attr-defined]
    assert hall.devices[1].claims() == ["i2c-1 0x5a"]


def test_keys_are_what_is_written() -> None:
    # In YAML 1.1 `on` is true, 12:30 is 750 and 0001 is 1; all of them are keys or names here.
    card = '{"0012345678": on, 12E5678901: "12:30"}'
    hall = parse(edited("bus: /dev/ttyUSB0,", f"bus: /dev/ttyUSB0, cards: {card},"))
    assert hall.devices[3].cards == {"0012345678": "on", "12E5678901": "12:30"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_load(path: Path) -> None:
    hall = hallfile.load(path)
    assert hall.site.type == path.stem
    assert hall.uplink is None
    assert {device.part for device in hall.devices} >= {"beams", "scd41", "rdm6300", "escpos", "contact", "relay"}
    # What is commented out is right as well.
    text = path.read_text("utf-8")
    uplink = text[text.index("#uplink:") :].replace("#", "")
    loaded = hallfile.parse(text[: text.index("#uplink:")] + uplink, path.parent).uplink
    assert loaded is not None
    assert loaded.certificate == path.parent / "branch.pem"


def test_the_examples_capacities() -> None:
    capacities = {path.stem: hallfile.load(path).site.capacity for path in EXAMPLES}
    assert capacities == {"flagship": 116, "large": 56, "medium": 33, "small": 12, "inner": 9}


def test_the_medium_example_uses_every_part_and_the_surge_rule() -> None:
    hall = hallfile.load(ROOT / "examples/medium.yaml")
    assert [device.part for device in hall.devices] == [
        "beams",
        "mlx90614",
        "scd41",
        "rdm6300",
        "escpos",
        "contact",
        "relay",
    ]
    assert hall.rules.surge.arrivals_per_h == 60
    assert hall.devices[1].offset_c == 3.1  # type: ignore[attr-defined]


def test_digest_names_a_text(tmp_path: Path) -> None:
    file = tmp_path / "hall.yaml"
    file.write_text(CONTRACT, "utf-8")
    assert hallfile.digest(file) == hallfile.digest(CONTRACT) == hallfile.digest(CONTRACT.encode())
    assert hallfile.digest(CONTRACT + " ") != hallfile.digest(CONTRACT)
    assert len(hallfile.digest(file)) == 12


# --- ten faults --------------------------------------------------------------------------------------------------

TEN_FAULTS = """\
hall:
  branch: jingan-0042
  name: {zh: 静安营业厅, en: Jing'an hall}
  type: medium
  floor_area_m2: 180 m2
  timezone: Asia/Beijing
  hours: {mon-fri: 17:00-09:00}
  counters: 13
devices:
  - {id: door-main, part: beams, pins: [17, 27]}
  - {id: door-main, part: relay, pins: [6], on: AIR}
  - {id: temp, part: mlx90164, bus: i2c-1}
  - id: air
    part: scd41
    adress: 0x62
  - {id: panic, part: contact, pins: [27], raises: PANIC}
  - {id: air-vault, part: scd41, bus: i2c-3, zone: wealth}
rules:
  fever: {limit_c: 99.1}
"""


def test_ten_faults_are_ten_findings_each_on_its_line() -> None:
    assert [(finding.line, finding.path) for finding in findings(TEN_FAULTS)] == [
        (5, "hall.floor_area_m2"),
        (6, "hall.timezone"),
        (7, "hall.hours.mon-fri"),
        (8, "hall.counters"),
        (11, "devices[1].id"),
        (12, "devices[2].part"),
        (15, "devices[3].adress"),
        (16, "devices[4].pins[0]"),
        (17, "devices[5].zone"),
        (19, "rules.fever.limit_c"),
    ]


def test_the_error_says_what_happens_next_and_the_first_fault() -> None:
    with pytest.raises(HallFileError, match=r"line 5 hall\.floor_area_m2: .*180 m2.* \(and 9 more\)") as caught:
        parse(TEN_FAULTS)
    assert isinstance(caught.value, Misconfigured)
    assert isinstance(caught.value, HallgateError)


# --- each kind of fault ------------------------------------------------------------------------------------------

TICKETS = "{A: {zh: 保全, en: policy service}, B: {zh: 理赔, en: claims}}"

# What is changed in the contract's example -> path, and what must be said in English.
FAULTS: list[tuple[str, str, str, str, str]] = [
    # the hall
    ("branch: jingan-0042", "branch: Jingan_0042", "hall.branch", "cannot be a branch", "such as jingan-0042"),
    ("branch: jingan-0042", "branch: 0042", "hall.branch", "`0042` is not text", "put it in quotes: '0042'"),
    ("branch: jingan-0042", "branch:", "hall.branch", "nothing stands here", "such as jingan-0042"),
    (
        "type: medium  ",
        "type: medum",
        "hall.type",
        "no hall type `medum`",
        "perhaps medium? there are flagship, large,",
    ),
    ("type: medium  ", "type: Medium", "hall.type", "no hall type `Medium`", "perhaps medium?"),
    ("floor_area_m2: 180", "floor_area_m2: 180 m2", "hall.floor_area_m2", "`180 m2` is text", "the number alone: 180"),
    ("floor_area_m2: 180", 'floor_area_m2: "180"', "hall.floor_area_m2", '`"180"` is text', "without quotes"),
    ("floor_area_m2: 180", "floor_area_m2: 1,180", "hall.floor_area_m2", "`1,180` is text", "or commas: 1180"),
    ("floor_area_m2: 180", "floor_area_m2: 180平方米", "hall.floor_area_m2", "is text", "the number alone: 180"),
    ("floor_area_m2: 180", "floor_area_m2: true", "hall.floor_area_m2", "`true` is not a number", "such as 37.3"),
    ("floor_area_m2: 180", "floor_area_m2: [180]", "hall.floor_area_m2", "`[180]` is not a number", "such as 37.3"),
    (
        "floor_area_m2: 180",
        "floor_area_m2: 149",
        "hall.floor_area_m2",
        "149 m2 is less",
        "150 m2 at least, or type: small",
    ),
    ("floor_area_m2: 180", "floor_area_m2: 0", "hall.floor_area_m2", "out of range", "more than 0, 100000 or less"),
    ("floor_area_m2: 180", "floor_area_m2: .nan", "hall.floor_area_m2", "`.nan` is text", "write the number alone"),
    ("area_per_person_m2: 4", "area_per_person: 4", "hall.area_per_person", "no key", "perhaps area_per_person_m2?"),
    (
        "area_per_person_m2: 4 ",
        "capacity: 34",
        "hall.capacity",
        "34 people are more",
        "33 at most: 180 m² × 0.75 ÷ 4 m²",
    ),
    ("area_per_person_m2: 4 ", "capacity: 0", "hall.capacity", "out of range", "1 or more"),
    ("timezone: Asia/Shanghai", "timezone: Asia/Beijing", "hall.timezone", "no time zone", "such as Asia/Shanghai"),
    ("timezone: Asia/Shanghai", "timezone: Asia/Shanghia", "hall.timezone", "no time zone", "such as Asia/Shanghai"),
    ("timezone: Asia/Shanghai", "timezone: UTC+8", "hall.timezone", "no time zone", "such as Asia/Shanghai"),
    ("timezone: Asia/Shanghai", "timezone: Asia", "hall.timezone", "no time zone", "such as"),
    ("timezone: Asia/Shanghai", "timezone: ../../etc/passwd", "hall.timezone", "no time zone", "such as"),
    ("timezone: Asia/Shanghai", "timezone: 8", "hall.timezone", "`8` is not a time zone", "such as Asia/Shanghai"),
    ("sat: 09:00-12:00", "sat: 12:00-09:00", "hall.hours.sat", "ends before it begins", "the beginning first"),
    ("sat: 09:00-12:00", "fri: 09:00-12:00", "hall.hours.fri", "fri has hours already", "name each day once"),
    ("sat: 09:00-12:00", "saturday: 09:00-12:00", "hall.hours.saturday", "no day of the week", "mon tue wed"),
    ("sat: 09:00-12:00", "sat: 9-12", "hall.hours.sat", "`9-12` is no span of hours", "09:00-17:00"),
    (
        "{mon-fri: 09:00-17:00, sat: 09:00-12:00}",
        "09:00-17:00",
        "hall.hours",
        "is text, not opening",
        "{mon-fri: 09:00",
    ),
    ("{mon-fri: 09:00-17:00, sat: 09:00-12:00}", "{}", "hall.hours", "no day is open", "one at least"),
    ("counters: 8", "counters: 13", "hall.counters", "13 counters are more", "12 at most"),
    (
        "counters: 8",
        'counters: "8"',
        "hall.counters",
        '`"8"` is text, not a whole number',
        "without quotes or commas: 8",
    ),
    ("counters: 8", "counters: 8.0", "hall.counters", "not a whole number", "write 8"),
    ("counters: 8", "counters: 8.5", "hall.counters", "not a whole number", "such as 8"),
    ("counters: 8", "counters: true", "hall.counters", "`true` is not a whole number", "such as 8"),
    ("counters: 8", "counters: 12:30", "hall.counters", "`12:30` is text", "a whole number such as 8"),
    (
        "{zh: 静安营业厅, en: Jing'an hall}",
        "静安营业厅",
        "hall.name",
        "not a pair of zh and en",
        "{zh: 静安营业厅, en: …}",
    ),
    ("{zh: 静安营业厅, en: Jing'an hall}", "{zh: 静安营业厅}", "hall.name.en", "en is missing", "such as"),
    (
        "{zh: 静安营业厅, en: Jing'an hall}",
        "{zh: 静安, en: ''}",
        "hall.name.en",
        "1 to 64 characters",
        "both the Chinese",
    ),
    # devices
    ("id: door-main", "id: Door main", "devices[0].id", "`Door main` cannot be a device's id", "such as door-main"),
    ("id: door-main", "id: -door", "devices[0].id", "cannot be", "such as door"),
    ("id: door-main", "id: " + "d" * 33, "devices[0].id", "cannot be", "1 to 32"),
    ("id: door-main", "id: 17", "devices[0].id", "`17` is not text", "in quotes: '17'"),
    ("id: fan", "id: panic", "devices[6].id", "id panic is used on line 16", "an id of its own"),
    ("{id: fan,            part", "{part", "devices[6].id", "id is missing", "such as door-main"),
    ("part: mlx90614", "part: mlx90164", "devices[1].part", "no part `mlx90164`", "perhaps mlx90614? there are "),
    ("part: mlx90614, bus", "bus", "devices[1].part", "part is missing", "such as beams"),
    ("part: mlx90614", "part: 90614", "devices[1].part", "`90614` is not text", "in quotes"),
    ("part: mlx90614", "part: part", "devices[1].part", "no part `part`", "there are "),
    ("part: relay,    pins: [6]", "part: relay,    pin: [6]", "devices[6].pin", "no key `pin`", "perhaps pins?"),
    ("address: 0x5a", 'address: "0x5a"', "devices[1].address", '`"0x5a"` is text', "without quotes: 0x5a"),
    ("address: 0x5a", "address: 5a", "devices[1].address", "`5a` is text", "0x5a"),
    ("address: 0x5a", "address: 0xb4", "devices[1].address", "an 8-bit address", "the 7-bit address is 0x5a"),
    ("address: 0x5a", "address: 0x03", "devices[1].address", "`0x03` is out of range", "from 0x08 to 0x77"),
    ("bus: i2c-1, address", "bus: I2C1, address", "devices[1].bus", "`I2C1` does not fit", "such as i2c-1"),
    ("bus: i2c-1, address", "bus: 1, address", "devices[1].bus", "`1` is not text", "'1'"),
    ("bus: /dev/ttyUSB0", "bus: ttyUSB0", "devices[3].bus", "does not fit", "such as /dev/ttyUSB0"),
    ("bus: /dev/ttyUSB0, ", "", "devices[3].bus", "bus is missing", "/dev/ttyUSB0"),
    ("bus: /dev/ttyUSB1", "bus: /dev/ttyUSB0", "devices[4].bus", "taken by hygiene-badge (line 14)", "its own"),
    (
        "part: scd41,    bus: i2c-1",
        "part: scd41, address: 0x5a",
        "devices[2].address",
        "i2c-1 0x5a is taken by",
        "its own",
    ),
    ("pins: [5]", "pins: [17]", "devices[5].pins[0]", "pin 17 is taken by door-main (line 11)", "its own"),
    ("pins: [6]", "pins: [2]", "devices[6].pins[0]", "pin 2 (i2c-1) is taken by entrance-temp", "its own"),
    ("en: claims}}", "en: claims, pin: 6}}", "devices[6].pins[0]", "pin 6 is taken by tickets", "its own"),
    ("pins: [5]", "pins: 5", "devices[5].pins", "`5` is not a list", "[5]"),
    ("pins: [5]", "pins: ['5']", "devices[5].pins[0]", "`'5'` is text", "without quotes"),
    ("pins: [5]", "pins: [GPIO5]", "devices[5].pins[0]", "`GPIO5` is text", "a whole number"),
    ("pins: [5]", "pins: [40]", "devices[5].pins", "`[40]` does not fit", "BCM pins from 2 to 27"),
    ("pins: [5]", "pins: [5, 12]", "devices[5].pins", "`[5, 12]` does not fit", "must be one"),
    ("pins: [17, 27]", "pins: [17]", "devices[0].pins", "`[17]` does not fit", "two, [outer, inner]"),
    ("pins: [17, 27]", "pins: [17, 17]", "devices[0].pins", "does not fit", "different pins"),
    ("raises: PANIC", "raises: panic", "devices[5].raises", "no alarm code `panic`", "perhaps PANIC?"),
    ("raises: PANIC", "raises: BURGLARY", "devices[5].raises", "no alarm code", "there are AFTER-HOURS, AIR"),
    (
        "raises: PANIC",
        "raises: PANIC, normally: shut",
        "devices[5].normally",
        "none of the choices",
        "one of closed, open",
    ),
    ("on: AIR", "on: off", "devices[6].on", "no alarm code `off`", "AIR"),
    ("on: AIR", "on: AIR, active_low: yes", "devices[6].active_low", "`yes` is text", "write true"),
    ("on: AIR", "on: AIR, active_low: 0", "devices[6].active_low", "`0` is not true or false", "write false"),
    ("bus: i2c-1, zone: waiting", "zone: lobby", "devices[2].zone", "no zone `lobby`", "there are counter, waiting"),
    (
        "bus: i2c-1, zone: waiting",
        "zone: wealth",
        "devices[2].zone",
        "type medium has no wealth",
        "zones here: counter,",
    ),
    ("place: {zh: 正门, en: main door}", "place: main door", "devices[0].place", "not a pair", "en: main door}"),
    ("place: {zh: 正门, en: main door}", "place: {cn: 正门, zh: 正, en: m}", "devices[0].place.cn", "no key", "zh, en"),
    (TICKETS, "{}", "devices[4].services", "this is empty", "at least one service"),
    (f", services: {TICKETS}", "", "devices[4].services", "services is missing", "en: claims"),
    (TICKETS, "{A: {zh: 保全}}", "devices[4].services.A.en", "en is missing", "such as"),
    (TICKETS, "{a: {zh: 保全, en: policy}}", "devices[4].services.a", "`a` does not fit", "one capital letter"),
    (TICKETS, "{A: {zh: 保全, en: x, pin: 30}}", "devices[4].services.A.pin", "`30` does not fit", "from 2 to 27"),
    (TICKETS, "{A: {zh: 保全, en: ' '}}", "devices[4].services.A.en", "1 to 64 characters", "both"),
    (TICKETS, "[A, B]", "devices[4].services", "a list is not a mapping", "{A: {zh:"),
    (
        "bus: /dev/ttyUSB0,",
        "bus: /dev/ttyUSB0, cards: {77: 王},",
        "devices[3].cards.77",
        "`77` does not",
        "10 hex digits",
    ),
    ("address: 0x5a", "offset_c: 36.5", "devices[1].offset_c", "`36.5` is out of range", "from -5 to 8"),
    # rules
    (
        "limit_c: 37.3",
        "limit_c: 99.1",
        "rules.fever.limit_c",
        "looks like Fahrenheit",
        "that is 37.3 ℃ (from 35 to 42)",
    ),
    ("limit_c: 37.3", "limit_c: 310.45", "rules.fever.limit_c", "looks like kelvin", "that is 37.3 ℃"),
    ("limit_c: 37.3", "limit_c: 37.3℃", "rules.fever.limit_c", "`37.3℃` is text", "the number alone: 37.3"),
    ("limit_c: 37.3", "limit_c: 99.1°F", "rules.fever.limit_c", "is text", "the number alone: 37.3"),
    ("limit_c: 37.3", "limit_c: 37,3", "rules.fever.limit_c", "`37", "no key"),
    ("limit_c: 37.3", 'limit_c: "37,3"', "rules.fever.limit_c", "is text", "without quotes or commas: 37.3"),
    ("limit_c: 37.3", "limit_c: 60", "rules.fever.limit_c", "out of range", "from 35 to 42"),
    ("limit_c: 37.3", "limt_c: 37.3", "rules.fever.limt_c", "no key `limt_c`", "perhaps limit_c?"),
    (
        "limit_c: 37.3",
        "presence_c: 36.0, limit_c: 35.5",
        "rules.fever.presence_c",
        "36 is above limit_c 35.5",
        "less than",
    ),
    ("co2_ppm: 1000", "co2_ppm: 0.1", "rules.air.co2_ppm", "looks like percent", "that is 1000 ppm (from 500 to 5000)"),
    ("co2_ppm: 1000", "co2_ppm: 0.1%", "rules.air.co2_ppm", "`0.1%` is text", "the number alone: 1000"),
    ("warn: 0.8, full: 1.0", "warn: 1.2, full: 1.0", "rules.crowd.warn", "warn 1.2 is above full 1", "1 or less"),
    (
        "warn: 0.8, full: 1.0",
        "warn: 0.8, full: 100",
        "rules.crowd.full",
        "looks like percent",
        "that is 1 (more than 0",
    ),
    ("warn: 0.8, full: 1.0", "warn: 80%, full: 1.0", "rules.crowd.warn", "`80%` is text", "the number alone: 0.8"),
    ("limit_min: 20", "limit_min: 1200", "rules.wait.limit_min", "looks like seconds", "that is 20 min"),
    ("limit_min: 20", "limit_min: 20 min", "rules.wait.limit_min", "`20 min` is text", "the number alone: 20"),
    ("limit_min: 20", "limit_min: 0.5 h", "rules.wait.limit_min", "is text", "the number alone: 30"),
    ("every_h: 2", "every_h: 120", "rules.patrol.every_h", "looks like minutes", "that is 2 h"),
    ("rounds_per_day: 2", "rounds_per_day: 2.5", "rules.hygiene.rounds_per_day", "not a whole number", "such as 8"),
    ("  wait: {limit_min: 20}", "  waits: {limit_min: 20}", "rules.waits", "no key `waits`", "perhaps wait?"),
    ("  wait: {limit_min: 20}", "  wait: 20", "rules.wait", "`20` is not a mapping", "{key: value}"),
    # uplink and page
    (
        "mqtts://broker.example:8883",
        "https://broker.example",
        "uplink.url",
        "neither mqtt:// nor mqtts://",
        "mqtts://broker",
    ),
    ("mqtts://broker.example:8883", "broker.example:8883", "uplink.url", "neither mqtt:// nor", "such as mqtts://"),
    ("mqtts://broker.example:8883", "mqtts://", "uplink.url", "a host and a port", "such as"),
    ("mqtts://broker.example:8883", "mqtts://b:88830", "uplink.url", "is no URL", "such as"),
    ("mqtts://broker.example:8883", "mqtts://[b", "uplink.url", "is no URL", "such as"),
    (
        "mqtts://broker.example:8883",
        "mqtts://a:b@c",
        "uplink.url",
        "do not belong into the URL",
        "username and password",
    ),
    ("mqtts://broker.example:8883", "mqtts://b/hall", "uplink.url", "and no more", "such as"),
    ("  url: mqtts://broker.example:8883\n", "", "uplink.url", "url is missing", "such as mqtts://"),
    ("  key: branch.key\n", "", "uplink.certificate", "certificate stands without key", "write key as well"),
    ("  certificate: branch.pem\n", "", "uplink.key", "key stands without certificate", "write certificate as well"),
    ("  ca: ca.pem\n", "  password: open\n", "uplink.password", "password stands without username", "username as well"),
    ("  ca: ca.pem\n", "  keepalive_s: 1\n", "uplink.keepalive_s", "out of range", "from 5 to 3600"),
    ("  ca: ca.pem\n", "  keepalive_s: 30000\n", "uplink.keepalive_s", "looks like milliseconds", "that is 30 s"),
    ("  ca: ca.pem\n", "  confirm: center\n", "uplink.confirm", "none of the choices", "perhaps centre?"),
    ("  ca: ca.pem\n", "  ca: 3\n", "uplink.ca", "`3` is not a file name", "such as ca.pem"),
    ("uplink:\n", "page: {port: 80800}\nuplink:\n", "page.port", "out of range", "from 0 to 65535"),
    ("uplink:\n", "page: {address: localhost}\nuplink:\n", "page.address", "no IP address", "0.0.0.0"),
    # the whole
    ("uplink:\n", "uplnk:\n", "uplnk", "no key `uplnk`", "perhaps uplink? known here: hall, devices, rules,"),
    ("rules:\n", "rule:\n", "rule", "no key `rule`", "perhaps rules?"),
    ("  counters: 8\n", "", "hall.counters", "counters is missing", "a whole number"),
    ("  timezone: Asia/Shanghai\n", "", "hall.timezone", "timezone is missing", "Asia/Shanghai"),
]
FAULTS = [fault for fault in FAULTS if fault[1] != "limit_c: 37,3"]


@pytest.mark.parametrize(("old", "new", "path", "wrong", "right"), FAULTS, ids=[f"{f[2]}-{f[1]}" for f in FAULTS])
def test_each_kind_of_fault(old: str, new: str, path: str, wrong: str, right: str) -> None:
    text = edited(old, new)
    (finding,) = findings(text)
    assert finding.path == path
    assert wrong in finding.wrong["en"]
    assert right in finding.right["en"]
    assert finding.line in (line_of(text, new) if new else 0, section_line(text, path), key_line(text, path))
    for words in (finding.wrong, finding.right):
        assert any(character > "\u2e80" for character in words["zh"]), words
        assert "请按该器件的要求修改" not in words["zh"], "a built-in part's own words, not translated"


def key_line(text: str, path: str) -> int:
    """Of a key with a line of its own in the hall or the uplink."""
    key = f"\n  {path.rpartition('.')[2]}: "
    return line_of(text, key) + 1 if key in text and not path.startswith("devices") else 0


def section_line(text: str, path: str) -> int:
    """Where the section begins, or the device: the line of a key that is not there."""
    if path.startswith("devices["):
        return line_of(text, "devices:") + 1 + int(path[8])
    return line_of(text, path.split(".")[0] + ":")


def test_a_decimal_comma_within_braces_is_two_faults_that_say_so() -> None:
    # YAML reads {limit_c: 37,3} as limit_c: 37 and a key 3.
    (finding,) = findings(edited("limit_c: 37.3", "limit_c: 37,3"))
    assert finding.path == "rules.fever.3"


def test_mqtt_without_tls_takes_no_certificates() -> None:
    plain = findings(edited("mqtts://broker.example:8883", "mqtt://broker.example"))
    assert [finding.path for finding in plain] == ["uplink.ca", "uplink.certificate", "uplink.key"]


def test_one_wrong_device_hides_nothing_of_the_others_nor_of_itself() -> None:
    text = edited(
        "{id: entrance-temp,  part: mlx90614, bus: i2c-1, address: 0x5a}",
        "{id: PANIC, part: mlx90614, bus: i2c-1, address: 0x62, offset_c: warm, colour: red, zone: wealth}",
    )
    text = edited("  - {id: fan,  ", "  - fan\n  - {id: panic,", text)
    assert [(finding.line, finding.path) for finding in findings(text)] == [
        (12, "devices[1].colour"),
        (12, "devices[1].id"),
        (12, "devices[1].offset_c"),
        (12, "devices[1].zone"),
        (13, "devices[2].bus"),
        (17, "devices[6]"),
        (18, "devices[7].id"),
    ]


def test_what_depends_on_a_wrong_field_is_not_guessed() -> None:
    # Neither the type's limits nor a conflict of addresses can be known here: one fault, not three.
    assert [f.path for f in findings(edited("type: medium  ", "type: huge"))] == ["hall.type"]
    assert [f.path for f in findings(edited("address: 0x5a", "address: 0x162"))] == ["devices[1].address"]


def test_unknown_parts_are_checked_for_what_every_device_has() -> None:
    text = edited("{id: fan,            part: relay, ", "{id: Fan, part: rellay, zone: roof, ")
    assert [finding.path for finding in findings(text)] == ["devices[6].id", "devices[6].part", "devices[6].zone"]


def test_an_empty_hall_lists_all_that_is_missing() -> None:
    assert [f.path for f in findings("hall: {}\n")] == [
        "devices",
        "hall.branch",
        "hall.counters",
        "hall.floor_area_m2",
        "hall.hours",
        "hall.name",
        "hall.timezone",
        "hall.type",
    ]


def test_findings_come_in_the_order_of_the_lines() -> None:
    lines = [finding.line for finding in findings(TEN_FAULTS)]
    assert lines == sorted(lines)


# --- parts from elsewhere ----------------------------------------------------------------------------------------


def _is_odd(instance: object, attribute: object, value: int) -> None:
    if value % 2 == 0:
        raise ValueError({"zh": "要奇数", "en": "it must be odd"})


@attrs.frozen(kw_only=True)
class _Mine(Settings):
    odd: int = attrs.field(default=1, validator=_is_odd)
    short: str = attrs.field(default="a", validator=validators.max_len(3))
    one: str = attrs.field(default="a", validator=validators.in_(["a", "b"]))
    strange: int = 0
    asked: int = attrs.field(default=0, validator=validators.ge(1))

    def __attrs_post_init__(self) -> None:
        if self.strange:
            raise ValueError("the whole does not fit")


def test_a_part_from_elsewhere_may_speak_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    part = Part(
        name="mine",
        kind="x",
        says={"zh": "x", "en": "x"},
        wires=(Wire.PINS,),
        settings=_Mine,
        driver=lambda settings, mount: Driver(),
    )
    monkeypatch.setattr(hallfile, "find_part", lambda name: part)
    head = CONTRACT[: CONTRACT.index("devices:")]
    found = findings(f"{head}devices:\n- {{id: a, part: mine, odd: 2, short: abcd, one: c, strange: 1}}\n")
    said = {finding.path: (finding.wrong["en"], finding.right["zh"]) for finding in found}
    assert said == {
        "devices[0]": ("a mapping does not fit here", "请按该器件的要求修改（the whole does not fit）"),
        "devices[0].asked": ("asked is missing", "写整数，例如 8"),
        "devices[0].odd": ("`2` does not fit here", "要奇数"),
        "devices[0].one": ("`c` does not fit here", "可选：a, b"),
        "devices[0].short": ("`abcd` does not fit here", "至多 3 项"),
    }


def test_a_part_whose_driver_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Part:
        raise ImportError(name)

    monkeypatch.setattr(hallfile, "find_part", broken)
    found = findings(CONTRACT)
    assert [finding.path for finding in found] == [f"devices[{n}].part" for n in range(7)]
    assert found[0].right["en"] == "install the package that brings it anew"


# --- YAML itself -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "wrong", "right"),
    [
        ("", 1, "the file is empty", "hall and devices"),
        ("# only a comment\n", 1, "the file is empty", "hall and devices"),
        ("- hall\n", 1, "no mapping", "begin with hall:"),
        ("hall\n", 1, "no mapping", "begin with hall:"),
        ("hall:\n\tbranch: x\n", 2, "a tab", "indent with spaces"),
        ("hall:\n  branch: a: b\n", 2, "a colon cannot stand here", "in quotes"),
        ("hall:\n  name: {zh: a, en: b\n  type: medium\n", 2, "the bracket that opens here is not closed", "close it"),
        ("hall:\n  branch: 'x\n  type: medium\n", 2, "the quote that opens here is not closed", "close it"),
        ("hall:\n  branch: x\n type: medium\n", 3, "the indent does not fit", "one column"),
        ("hall:\n  branch\n  type: medium\n", 3, "a colon cannot stand here", "colon of the line above"),
        ("hall: 1\nrules\nuplink: 2\n", 3, "a colon is missing", "a space after the colon"),
        ("hall: *anchor\n", 1, "* refers to an anchor that is not there", "in quotes"),
        ("hall: 1\n---\nhall: 2\n", 2, "a second YAML document", "one file is one hall"),
        ("hall: @x\n", 1, "not valid YAML", "in quotes"),
        ("hall: x\ndevices: '\x07'\n", 2, "an invisible character, U+0007", "type that place again"),
        ('hall: "\\U55555555"\n', 1, "not valid YAML", "backslash"),
        ("%YAML 1." + "9" * 5000 + "\n---\nhall: 1\n", 1, "not valid YAML", "%"),
        ("[" * 100_000, 1, "nested too deeply", "examples"),
        ("a: " * 3 + "{" * 5000, 1, "", ""),
    ],
)
def test_text_that_is_no_hall_file(text: str, line: int, wrong: str, right: str) -> None:
    (finding,) = findings(text)
    assert finding.line == line
    assert wrong in finding.wrong["en"]
    assert right in finding.right["en"] or wrong == "the bracket that opens here is not closed"


@pytest.mark.parametrize(
    ("new", "path", "wrong"),
    [
        ("counters: 8\n  counters: 9", "hall.counters", "counters stands twice (already on line 9)"),
        ("counters: 8\n  {a: b}: 9", "hall", "a key must be a word here"),
        ("counters: !!python/name:os.system 8", "hall.counters", "the tag"),
        ("counters: !!int seven", "hall.counters", "the tag"),
        ("counters: !!timestamp 2026-03-02", "hall.counters", "the tag"),
        ("counters: &a [*a]", "hall.counters[0]", "refers to itself"),
        ('counters: "\\uD800"', "hall.counters", "an invisible character, U+D800"),
        ('counters: 8\n  "\\e[31m": 8', "hall", "an invisible character, U+001B"),
        ("counters: 8\n  <<: {type: small}", "hall.<<", "no key `<<`"),
    ],
)
def test_yaml_that_would_surprise(new: str, path: str, wrong: str) -> None:
    found = findings(edited("counters: 8", new))
    assert path in [finding.path for finding in found]
    assert wrong in " | ".join(finding.wrong["en"] for finding in found)


def test_a_key_that_stands_twice_is_found_wherever_it_is() -> None:
    text = edited("limit_min: 20", "limit_min: 20, limit_min: 30").replace("id: fan", "id: fan, id: fun")
    assert [(f.line, f.path) for f in findings(text)] == [(17, "devices[6].id"), (21, "rules.wait.limit_min")]


def test_a_file_that_says_little_in_many_aliases_is_refused_quickly() -> None:
    bombs = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    found = findings("a0: &a0 x\n" + bombs + "hall: *a29\ndevices: *a29\nrules: {fever: *a29}\n")
    assert len(found) > 30


def test_not_utf8_is_told_with_its_line() -> None:
    gbk = CONTRACT.encode("gbk", "replace")
    (finding,) = findings(gbk)
    assert finding.line == 3
    assert "UTF-8" in finding.right["zh"]
    assert "is not UTF-8" in findings(CONTRACT.encode("utf-16"))[0].wrong["en"]


def test_a_file_that_cannot_be_read_is_one_finding(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.yaml", tmp_path, tmp_path / "a\0b"):
        with pytest.raises(HallFileError, match="cannot be read") as caught:
            hallfile.load(path)
        (finding,) = caught.value.findings
        assert (finding.line, finding.path) == (0, "")
    assert "没有这个文件" in _refusal(tmp_path / "missing.yaml").wrong["zh"]


def test_a_file_over_one_mebibyte_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "hall.yaml"
    file.write_bytes(b"#" * ((1 << 20) + 1))
    assert "larger than 1 MiB" in _refusal(file).wrong["en"]
    file.write_bytes(CONTRACT.encode() + b"#" * ((1 << 20) - len(CONTRACT.encode())))
    assert hallfile.load(file).site.counters == 8


def _refusal(path: Path) -> Finding:
    with pytest.raises(HallFileError) as caught:
        hallfile.load(path)
    return caught.value.findings[0]


# --- whatever anybody types --------------------------------------------------------------------------------------

# Words of a programmer that a technician must never read.
_FOREIGN = ("NoneType", "Settings", "object at", "class '", "Error", "typing", "dict", "TypedDict", "re.compile")


def outcome(text: str | bytes) -> list[Finding] | None:
    try:
        parse(text)
    except HallFileError as error:
        return error.findings
    return None


def check_anything(text: str | bytes) -> None:
    """It loads, or it is refused with findings that a person can use."""
    found = outcome(text)
    if found is None:
        return
    assert found
    lines = len(text.splitlines()) + 1
    for finding in found:
        assert 0 <= finding.line <= lines
        for words in (finding.wrong, finding.right):
            assert words["zh"].strip()
            assert words["en"].strip()
            assert len(words["en"]) < 600
            (words["zh"] + words["en"] + finding.path).encode()  # no half characters, so that it can be printed
        assert not any(word in finding.right["en"] for word in _FOREIGN), finding


ANYTHING = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
YAMLISH = st.text(st.sampled_from("{}[]:,-&*!|>'\"%@`#?\\ \t\n\r~=<0159.xeEabonyA正\u2028\ud7ff"), max_size=60)


@ANYTHING
@given(st.text(max_size=200) | YAMLISH | st.binary(max_size=100))
def test_any_text_loads_or_is_refused(text: str | bytes) -> None:
    check_anything(text)


@ANYTHING
@given(st.data())
def test_any_edit_of_a_right_file_loads_or_is_refused(data: st.DataObject) -> None:
    text = CONTRACT
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + data.draw(YAMLISH | st.just("") | st.just(text[end : end + 20])) + text[end:]
    check_anything(text)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["medium", "0x5a", "37.3 ℃", "i2c-1", "/dev/ttyUSB0", "waiting", "PANIC", "mqtt://b", "Asia"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _places(data: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) there is."""
    keys = data.keys() if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    return [place for key in keys for place in [(data, key), *_places(data[key])]]


def right_hall() -> Any:
    """The contract's example as plain values."""
    hall = yaml.load(CONTRACT, yaml.BaseLoader)  # all text: hours and ids stay what they are
    hall["hall"] |= {"floor_area_m2": 180, "area_per_person_m2": 4, "counters": 8}
    hall["rules"] = {"fever": {"limit_c": 37.3}, "crowd": {"warn": 0.8, "full": 1.0}, "hygiene": {"rounds_per_day": 2}}
    for device, pins in ((0, [17, 27]), (5, [5]), (6, [6])):
        hall["devices"][device]["pins"] = pins
    hall["devices"][1]["address"] = 0x5A
    return hall


@settings(ANYTHING, max_examples=100)
@given(st.data())
def test_any_value_in_any_place_loads_or_is_refused(data: st.DataObject) -> None:
    hall = right_hall()
    for _ in range(data.draw(st.integers(1, 4))):
        places = _places(hall)
        if not places:
            break
        container, key = data.draw(st.sampled_from(places))
        change = data.draw(st.sampled_from(["replace", "drop", "add"]))
        if change == "drop":
            del container[key]
        elif change == "add" and isinstance(container, dict):
            container[data.draw(st.text(max_size=8) | st.sampled_from(["zone", "on", "pin", "bus"]))] = data.draw(
                _VALUES
            )
        else:
            container[key] = data.draw(_VALUES)
    # JSON is YAML.
    check_anything(json.dumps(hall, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace"))


def test_the_values_that_are_changed_are_right_as_they_are() -> None:
    assert parse(json.dumps(right_hall())).site.capacity == 33
