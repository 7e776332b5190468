"""Transmitters on RS-485: each row of the table against its published example, and what is refused."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.air.modbus_air import MAPS, Register, Settings, decode, runs
from devices.faults import DeviceFault
from devices.part import Driver
from devices.reading import Quality
from devices.world.modbus import with_crc
from devices.world.twin import Trouble
from tests.devices.modbus_rig import LINE, Line, fault_of, values

BAUDS = {"scd30": 19200}


class Air:
    """One transmitter alone on its line."""

    def __init__(self, **settings: Any) -> None:
        self.baud = BAUDS.get(settings.get("map", ""), 9600)
        self.line = Line()
        self.twin = self.line.add("it", "modbus-air", settings.pop("slave", 1), **{"baud": self.baud} | settings)
        self.driver: Driver = self.line.open("it", baud=self.baud)

    def poll(self, seconds: float = 0.0) -> list[tuple[str, Any]]:
        self.line.pause(seconds)
        return values(self.driver.poll())

    def says(self, *frames: str) -> None:
        """From now on these, one for each question, then the twin's own again."""
        replies = [bytes.fromhex(frame) for frame in frames]
        own = self.twin.answers
        self.twin.answers = lambda question: [(0.02, replies.pop(0))] if replies else own(question)


@pytest.fixture
def air() -> Iterator[Callable[..., Air]]:
    made: list[Air] = []

    def make(**settings: Any) -> Air:
        made.append(Air(**settings))
        return made[-1]

    yield make
    for each in made:
        each.driver.close()
        each.line.close()


def test_aiav_as_published(air) -> None:
    sensor = air(map="aiav")
    sensor.says("0103020190b9b8", "01030201c3f985")
    assert sensor.poll() == [("co2_ppm", 400.0)]
    assert sensor.poll() == [("co2_ppm", 451.0)]
    assert sensor.line.written[0].hex() == "010300050001940b"


def test_the_published_answer_of_aiav_has_a_wrong_crc(air) -> None:
    sensor = air(map="aiav")
    sensor.says("01030201c37835")
    assert fault_of(sensor.driver).code == "garbled"


def test_elt_as_published(air) -> None:
    """800 is 800 ppm, 255 is 25.5 degC, 75 is 75 %."""
    sensor = air(map="elt")
    sensor.says(with_crc(bytes.fromhex("010306032000ff004b")).hex())
    assert sensor.poll() == [("co2_ppm", 800.0), ("celsius", 25.5), ("humidity_pct", 75.0)]
    assert sensor.line.written[0].hex().startswith("010300500003")


def test_adtek_is_signed_tenths(air) -> None:
    sensor = air(map="adtek")
    sensor.says(with_crc(bytes.fromhex("010304ffce01c8")).hex())
    assert sensor.poll() == [("celsius", -5.0), ("humidity_pct", pytest.approx(45.6))]
    assert sensor.line.written[0].hex().startswith("010300000002")


def test_scd30_as_published(air) -> None:
    sensor = air(map="scd30", slave=0x61)
    assert sensor.line.written[0].hex() == "6106003600006064"  # started when it was opened
    assert sensor.poll() == []  # not ready yet
    sensor.line.pause(2.1)
    sensor.says("6103020001f98c", with_crc(bytes.fromhex("61030c43db8c2e41d9e7ff42433a1b")).hex())
    assert sensor.poll() == [
        ("co2_ppm", pytest.approx(439.095, abs=0.001)),
        ("celsius", pytest.approx(27.238, abs=0.001)),
        ("humidity_pct", pytest.approx(48.807, abs=0.001)),
    ]
    assert sensor.line.written[-1].hex() == "6103002800064c60"


@pytest.mark.parametrize("name", MAPS)
def test_every_row_says_what_the_air_is(air, name: str) -> None:
    sensor = air(map=name)
    sensor.twin.source = lambda: (612.0, -3.5, 41.0)
    truth = {"co2_ppm": 612.0, "celsius": -3.5, "humidity_pct": 41.0}
    said = dict(sensor.poll(5.0))
    assert said == pytest.approx({register.quantity: truth[register.quantity] for register in MAPS[name].registers})


def test_a_scd30_that_hangs_is_started_again_and_told(air) -> None:
    sensor = air(map="scd30")
    assert sensor.poll(5.0)
    sensor.twin.hang()
    assert sensor.poll(5.0) == []
    assert sensor.poll(5.0) == []
    assert fault_of(sensor.driver) is None
    sensor.line.pause(5.0)
    assert fault_of(sensor.driver).code == "silent"
    assert len(sensor.poll(5.0)) == 3


FORMS = ["u16", "s16", "u32", "s32", "f32", "u32-low-first", "s32-low-first", "f32-low-first"]


@pytest.mark.parametrize("form", FORMS)
def test_registers_of_the_hall_files_own(air, form: str) -> None:
    registers = [
        Register(quantity="humidity_pct", address=300, form=form, function=4),
        Register(quantity="co2_ppm", address=20, form=form, function=4),
        Register(quantity="celsius", address=30, form=form, function=4, scale=0.5),
    ]
    sensor = air(registers=registers)
    sensor.twin.source = lambda: (1200.0, 21.5, 33.0)
    assert sensor.poll() == [("co2_ppm", 1200.0), ("celsius", 21.5), ("humidity_pct", 33.0)]
    assert [question[1] for question in sensor.line.written] == [4, 4, 4]


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_any_words_are_a_number_or_none(high: int, low: int) -> None:
    for form in FORMS[2:5]:
        one, other = decode([high, low], form), decode([low, high], f"{form}-low-first")
        assert one == other or (one != one and other != other)
    assert decode([0x7F80, 0], "f32") != float("inf")
    assert decode([0xFFCE], "s16") == -50


def test_what_stands_side_by_side_is_asked_for_at_once() -> None:
    spread = [
        Register(quantity="co2_ppm", address=8),
        Register(quantity="celsius", address=6, form="f32"),
        Register(quantity="humidity_pct", address=9, function=4),
    ]
    assert [[register.address for register in run] for run in runs(spread)] == [[6, 8], [9]]


@pytest.mark.parametrize(
    ("name", "place", "word"),
    [("aiav", 5, 0), ("aiav", 5, 0xFFFF), ("adtek", 0, 0x8000), ("adtek", 0, 0x7FFF), ("elt", 0x52, 101)],
)
def test_what_no_air_is_like_is_out_of_range(air, name: str, place: int, word: int) -> None:
    """A CO2 of 0 beside a good temperature (esphome/issues#3407), and the words that stand for nothing."""
    sensor = air(map=name)
    sensor.twin.forced[place] = word
    assert fault_of(sensor.driver).code == "out-of-range"
    sensor.twin.forced.clear()
    assert sensor.poll()


def test_a_float_that_is_no_number_is_out_of_range(air) -> None:
    sensor = air(map="scd30")
    sensor.line.pause(5.0)
    sensor.twin.forced.update({0x28: 0x7FC0, 0x29: 0})
    assert fault_of(sensor.driver).code == "out-of-range"


@pytest.mark.parametrize(("ppm", "quality"), [(249, Quality.SUSPECT), (250, Quality.GOOD), (5000, Quality.GOOD)])
def test_how_far_co2_is_believed(air, ppm: int, quality: Quality) -> None:
    sensor = air(map="elt")
    sensor.twin.source = lambda: (ppm, 22.0, 45.0)
    co2, celsius, _ = sensor.driver.poll()
    assert (co2.value, co2.quality, co2.raw) == (ppm, quality, ppm)
    assert celsius.quality is Quality.GOOD


def test_a_wrong_map_is_a_refusal_with_its_name(air) -> None:
    sensor = air(map="aiav")
    sensor.twin._map = MAPS["adtek"]
    fault = fault_of(sensor.driver)
    assert fault.code == "error-flag"
    assert "illegal data address" in fault.text["en"]


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(Trouble.UNPLUGGED, "no-answer"), (Trouble.SILENT, "no-answer"), (Trouble.GARBLED, "garbled")],
)
@pytest.mark.parametrize("name", MAPS)
def test_troubles_are_named_and_end_by_themselves(air, name: str, trouble: Trouble, code: str) -> None:
    sensor = air(map=name)
    sensor.line.wires.suffer("it", trouble)
    sensor.line.pause(5.0)
    assert fault_of(sensor.driver).code == code
    sensor.line.wires.recover("it")
    assert sensor.poll(5.0)


def test_busy_and_stuck(air) -> None:
    sensor = air(map="elt")
    sensor.line.wires.suffer("it", Trouble.BUSY)
    codes = [fault.code if (fault := fault_of(sensor.driver)) else None for _ in range(4)]
    assert sorted(codes, key=str) == [None, None, "error-flag", "error-flag"]
    sensor.line.wires.recover("it")
    before = sensor.poll()
    sensor.line.wires.suffer("it", Trouble.STUCK)
    sensor.twin.source = lambda: (900.0, 30.0, 60.0)
    assert sensor.poll(5.0) == before
    sensor.line.wires.recover("it")
    assert sensor.poll(5.0) != before


def test_a_dead_scd30_is_told_when_it_is_opened(air) -> None:
    sensor = air(map="scd30")
    sensor.line.wires.suffer("it", Trouble.UNPLUGGED)
    with pytest.raises(DeviceFault) as fault:
        sensor.driver.open()
    assert fault.value.code == "no-answer"


CO2 = Register(quantity="co2_ppm", address=1)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"map": None}, "either map or"),
        ({"registers": [CO2]}, "either map or"),
        ({"map": None, "registers": [CO2, CO2]}, "each quantity once"),
        ({"map": "acme"}, "map"),
        ({"map": "scd30"}, "needs baud: 19200"),
        ({"interval_s": 0.5}, "interval_s"),
    ],
)
def test_wrong_settings_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Settings(**{"id": "it", "part": "modbus-air", "bus": LINE, "slave": 7, "map": "elt"} | changed)


@pytest.mark.parametrize(
    "changed", [{"quantity": "smoke"}, {"address": 70000}, {"form": "bcd"}, {"scale": 0.0}, {"function": 1}]
)
def test_wrong_registers_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        Register(**{"quantity": "co2_ppm", "address": 1} | changed)
