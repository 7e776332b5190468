"""SCD41: the words on the bus, what the part takes when, and how it is brought back."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.air.scd41 import with_crc, words
from devices.faults import DeviceFault
from devices.i2c import read, write
from devices.reading import Quality
from devices.world.twin import Trouble

START, STOP, READY, READ, SERIAL, WAKE, PRESSURE = 0x21B1, 0x3F86, 0xE4B8, 0xEC05, 0x3682, 0x36F6, 0xE000
READ_HEX = "01f43366 67a25eb93c"  # data sheet: 500 ppm, 25.0 degC, 37.0 %RH


def values(readings) -> list[tuple[str, float]]:
    return [(reading.quantity, pytest.approx(reading.value, abs=0.01)) for reading in readings]


class Bus:
    """The part's far end without its driver."""

    def __init__(self, made) -> None:
        self.bus = made.wires.i2c("i2c-1")
        self.clock = made.clock

    def tell(self, command: int, *arguments: int) -> None:
        write(self.bus, 0x62, command.to_bytes(2) + b"".join(map(with_crc, arguments)))

    def ask(self, command: int, count: int, wait_s: float = 0.001) -> list[int]:
        self.tell(command)
        self.clock.advance(wait_s)
        return words(read(self.bus, 0x62, 3 * count))

    def refuses(self, command: int) -> bool:
        try:
            self.tell(command)
        except DeviceFault as fault:
            return fault.code == "no-answer"
        return False


def test_worked_examples() -> None:
    co2, temperature, humidity = words(bytes.fromhex(READ_HEX))
    assert co2 == 500
    assert temperature * 175 / 65535 - 45 == pytest.approx(25.0, abs=0.005)
    assert humidity * 100 / 65535 == pytest.approx(37.0, abs=0.005)
    assert words(bytes.fromhex("800604")) == [0x8006]
    assert words(bytes.fromhex("8000a2")) == [0x8000]
    assert with_crc(0xBEEF) == bytes.fromhex("beef92")


@given(bit=st.integers(0, 71))
def test_every_flipped_bit_is_refused(bit: int) -> None:
    reply = bytearray.fromhex(READ_HEX)
    reply[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DeviceFault) as fault:
        words(bytes(reply))
    assert fault.value.code == "garbled"


@given(word=st.integers(0, 0xFFFF))
def test_words_go_there_and_back(word: int) -> None:
    assert words(with_crc(word)) == [word]


def test_a_reading_every_period(rig) -> None:
    air = rig("scd41")
    air.twin.source = lambda: (500.0, 25.0, 37.0)
    readings = air.poll(20.0)
    assert values(readings[:3]) == [("co2_ppm", 500.0), ("celsius", 25.0), ("humidity_pct", 37.0)]
    assert [reading.quality for reading in readings] == [Quality.GOOD] * 12
    assert all(type(reading.value) is float for reading in readings)
    assert readings[0].raw == 500
    ended = air.clock.monotonic()
    assert [reading.at for reading in readings[::3]] == pytest.approx([ended - 5 * n for n in (3, 2, 1, 0)], abs=0.02)


@pytest.mark.parametrize("interval_s", [1.0, 60.0])
def test_it_says_nothing_twice_and_nothing_old(rig, interval_s: float) -> None:
    air = rig("scd41", interval_s=interval_s)
    readings = air.poll(600.0)
    assert len(readings) == 3 * 600 / max(5, interval_s)
    assert air.fault(600.0) is None


@pytest.mark.parametrize("wanted", [True, False])
def test_self_calibration_is_set_while_idle(rig, wanted: bool) -> None:
    air = rig("scd41", opened=False, self_calibration=wanted)
    air.twin.self_calibration = not wanted
    air.driver.open()
    assert air.twin.self_calibration is wanted
    air.driver.close()
    air.clock.advance(0.5)
    assert Bus(air).ask(0x2313, 1) == [int(wanted)]


def test_after_a_crash_it_is_stopped_first(rig) -> None:
    """raspberry-pi-i2c-scd4x#6: it refuses everything while it measures, and it still does."""
    air = rig("scd41", opened=False)
    air.twin.crashed()
    assert Bus(air).refuses(SERIAL)
    air.driver.open()
    assert len(air.poll(5.0)) == 3


def test_while_measuring_only_four_commands_are_taken(rig) -> None:
    air = rig("scd41")
    bus = Bus(air)
    for command in (START, SERIAL, WAKE, 0x2416, 0x2313, 0x362F, 0x3615, 0x3646, 0x202F):
        assert bus.refuses(command)
    for command in (READY, READ, PRESSURE, STOP):
        assert not bus.refuses(command)
        air.clock.advance(0.001)


def test_reading_twice_is_refused(rig) -> None:
    air = rig("scd41")
    bus = Bus(air)
    air.clock.advance(5.0)
    assert bus.ask(READ, 3)[0] == 450
    with pytest.raises(DeviceFault):
        bus.ask(READ, 3)
    assert bus.ask(READY, 1) == [0x8000]
    air.clock.advance(5.0)
    assert bus.ask(READY, 1)[0] & 0x07FF
    with pytest.raises(DeviceFault):
        read(bus.bus, 0x62, 3)  # an answer can be fetched once
    assert bus.ask(READ, 3)[0] == 450


@pytest.mark.parametrize(("command", "count", "too_soon_s"), [(SERIAL, 3, 0.0), (READY, 1, 0.0005)])
def test_an_answer_fetched_too_soon_is_refused(rig, command: int, count: int, too_soon_s: float) -> None:
    air = rig("scd41", opened=False)
    bus = Bus(air)
    with pytest.raises(DeviceFault):
        bus.ask(command, count, wait_s=too_soon_s)
    air.clock.advance(1.0)
    assert len(bus.ask(command, count)) == count


def test_for_half_a_second_after_a_stop_it_is_deaf(rig) -> None:
    air = rig("scd41")
    bus = Bus(air)
    bus.tell(STOP)
    air.clock.advance(0.49)
    assert bus.refuses(SERIAL)
    air.clock.advance(0.02)
    assert not bus.refuses(SERIAL)


def test_closing_stops_it_and_never_raises(rig) -> None:
    air = rig("scd41")
    air.driver.close()
    assert not air.twin.measuring
    air.wires.suffer("it", Trouble.UNPLUGGED)
    air.driver.close()


def test_stuck_not_ready_is_ended_by_one_new_start(rig) -> None:
    """esphome/issues#2832"""
    air = rig("scd41")
    assert len(air.poll(5.0)) == 3
    air.twin.hang()
    assert air.poll(10.0) == []
    assert not air.twin.measuring
    assert air.poll(5.0) == []
    assert air.twin.measuring
    assert len(air.poll(5.0)) == 3
    air.twin.hang()  # and so on, whenever it happens
    assert air.poll(15.0) == []
    assert len(air.poll(5.0)) == 3


def test_in_vain_it_is_silent_until_it_speaks(rig) -> None:
    air = rig("scd41")
    air.poll(6.0)
    air.wires.suffer("it", Trouble.SILENT)
    assert air.poll(25.0) == []
    fault = air.fault(20.0)
    assert fault is not None
    assert fault.code == "silent"
    assert air.fault() is not None
    air.driver.open()
    assert air.fault() is None
    assert air.fault(35.0) is not None
    air.wires.recover("it")
    air.clock.advance(5.0)
    assert len(air.poll(10.0)) >= 3


def test_after_a_loss_of_power_it_is_started_again(rig) -> None:
    air = rig("scd41", self_calibration=False)
    air.poll(6.0)
    air.wires.suffer("it", Trouble.UNPLUGGED)
    fault = air.fault()
    assert fault is not None
    assert fault.code == "no-answer"
    air.wires.recover("it")
    assert not air.twin.measuring
    assert air.fault() is not None  # it takes a second to wake
    air.clock.advance(1.0)
    assert len(air.poll(30.0)) >= 3
    assert air.twin.self_calibration is False


def test_nobody_there_is_told_when_opening(rig) -> None:
    air = rig("scd41", opened=False)
    air.wires.suffer("it", Trouble.UNPLUGGED)
    with pytest.raises(DeviceFault) as fault:
        air.driver.open()
    assert fault.value.code == "no-answer"


def test_somebody_else_at_its_address_is_told_when_opening(rig) -> None:
    air = rig("scd41", opened=False)
    air.twin.write = lambda data: None
    air.twin.read = lambda length: bytes(length)
    with pytest.raises(DeviceFault) as fault:
        air.driver.open()
    assert fault.value.code == "garbled"


@pytest.mark.parametrize(
    ("ppm", "quality"), [(1, Quality.SUSPECT), (249, Quality.SUSPECT), (250, Quality.GOOD), (40000, Quality.GOOD)]
)
def test_what_can_be_measured_is_told_and_how_far_to_believe_it(rig, ppm: int, quality: Quality) -> None:
    air = rig("scd41")
    air.twin.source = lambda: (ppm, 22.0, 45.0)
    co2, celsius, humidity = air.poll(5.0)
    assert (co2.value, co2.quality) == (ppm, quality)
    assert (celsius.quality, humidity.quality) == (Quality.GOOD, Quality.GOOD)


@pytest.mark.parametrize("air_is", [(0, 22.0, 45.0), (40001, 22.0, 45.0), (450, -45.0, 0.0), (450, 130.0, 100.0)])
def test_what_cannot_be_measured_is_a_fault(rig, air_is: tuple[float, float, float]) -> None:
    """SparkFun_SCD4x#2: without supply on VDDH CO2 is 0 and the rest looks well."""
    air = rig("scd41")
    air.twin.source = lambda: air_is
    fault = air.fault(6.0)
    assert fault is not None
    assert fault.code == "out-of-range"
    air.twin.source = lambda: (450.0, 22.0, 45.0)
    assert len(air.poll(6.0)) >= 3


def test_garbled_is_named_and_ends_by_itself(rig) -> None:
    air = rig("scd41")
    air.poll(6.0)
    air.wires.suffer("it", Trouble.GARBLED)
    fault = air.fault(5.0)
    assert fault is not None
    assert fault.code == "garbled"
    air.wires.recover("it")
    assert len(air.poll(10.0)) >= 3


def test_stuck_it_says_the_same_for_ever(rig) -> None:
    air = rig("scd41")
    breath = iter(range(500, 600))
    air.twin.source = lambda: (next(breath), 22.0, 45.0)
    assert [reading.value for reading in air.poll(11.0)][::3] == [500, 501, 502]
    air.wires.suffer("it", Trouble.STUCK)
    stuck = [reading.value for reading in air.poll(15.0)][::3]
    assert len(stuck) >= 3
    assert len(set(stuck)) == 1


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(
        st.tuples(st.sampled_from([*Trouble, "crash", "hang", "close", "open"]), st.floats(0.0, 60.0)), max_size=8
    )
)
def test_whatever_befell_it_half_a_minute_later_there_is_data(rig, events: list) -> None:
    air = rig("scd41")
    for event, seconds in events:
        if isinstance(event, Trouble):
            air.wires.suffer("it", event)
        try:
            match event:
                case "crash":
                    air.twin.crashed()
                case "hang":
                    air.twin.hang()
                case "close":
                    air.driver.close()
                case "open":
                    air.driver.open()
            air.poll(seconds)
        except DeviceFault:
            air.clock.advance(seconds)
    air.wires.recover("it")
    readings, faults = [], 0
    for _ in range(7):
        try:
            readings += air.poll()
        except DeviceFault:
            faults += 1
        air.clock.advance(5.0)
    assert len(readings) >= 3
    assert faults <= 4
    assert len(air.poll(6.0)) >= 3


@pytest.mark.parametrize("changed", [{"interval_s": 0.5}, {"interval_s": 61.0}, {"address": 0x80}, {"bus": "1"}])
def test_wrong_settings_are_refused(rig, changed: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        rig("scd41", **changed)
