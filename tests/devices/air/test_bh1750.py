"""BH1750: its one word, how long that takes, and which words are no brightness."""

import pytest

from devices.i2c import read, write
from devices.world.twin import Trouble


def codes(light, times: int) -> list[str | None]:
    found = []
    for _ in range(times):
        light.clock.advance(5.0)
        fault = light.fault()
        found.append(fault.code if fault else None)
    return found


@pytest.mark.parametrize(("raw", "lux"), [(0x8390, 28067.0), (0x0110, 226.7), (1, 0.83), (0xFFFE, 54611.7)])
def test_worked_examples(rig, raw: int, lux: float) -> None:
    """83 90 is ROHM's own; 01 10 by hand."""
    light = rig("bh1750")
    light.twin.source = lambda: raw / 1.2
    reading = light.poll(10.0)[-1]
    assert (reading.quantity, reading.value, reading.raw) == ("lux", pytest.approx(lux, abs=0.5), raw)
    assert light.part.kind == "light"


def test_a_reading_every_interval_of_the_instant_it_was_begun(rig) -> None:
    light = rig("bh1750")
    began = light.clock.monotonic()
    readings = light.poll(50.0)
    assert [reading.at for reading in readings] == pytest.approx([began + 5 * n for n in range(10)])
    assert {reading.value for reading in readings} == {320.0}


def test_a_poll_too_soon_disturbs_nothing(rig) -> None:
    light = rig("bh1750")
    assert light.poll(0.12, every=0.05) == []
    assert len(light.poll(0.12, every=0.05)) == 1


def test_its_register_changes_when_it_has_measured(rig) -> None:
    light = rig("bh1750", opened=False)
    bus = light.wires.i2c("i2c-1")
    write(bus, 0x23, b"\x20")
    light.clock.advance(0.2)
    assert read(bus, 0x23, 2) == b"\0\0"  # it slept
    write(bus, 0x23, b"\x01")
    write(bus, 0x23, b"\x20")
    light.clock.advance(0.1)
    assert read(bus, 0x23, 2) == b"\0\0"
    light.clock.advance(0.05)
    assert read(bus, 0x23, 2) == (384).to_bytes(2)


def test_darkness_is_told_at_the_second_and_a_loss_of_power_never(rig) -> None:
    light = rig("bh1750")
    light.poll(10.0)
    light.twin.power_cycle()
    assert 0.0 not in [reading.value for reading in light.poll(20.0)]
    light.twin.source = lambda: 0.0
    light.poll(5.0)
    assert [reading.value for reading in light.poll(15.0)][-2:] == [0.0, 0.0]


def test_all_ones_are_no_brightness(rig) -> None:
    """Genotronex/BH1750FVI_Master#3: 54612 lux without a part."""
    light = rig("bh1750")
    light.twin.source = lambda: 100000.0
    assert codes(light, 3)[1:] == ["out-of-range"] * 2
    light.twin.source = lambda: 320.0
    assert codes(light, 3)[1:] == [None, None]


@pytest.mark.parametrize("trouble", [Trouble.UNPLUGGED, Trouble.BUSY])
def test_no_answer(rig, trouble: Trouble) -> None:
    light = rig("bh1750")
    light.wires.suffer("it", trouble)
    assert "no-answer" in codes(light, 4)
    light.wires.recover("it")
    assert codes(light, 3)[1:] == [None, None]
    assert light.poll(10.0)


def test_silent_or_stuck_it_says_the_same_for_ever(rig) -> None:
    light = rig("bh1750")
    for trouble in (Trouble.SILENT, Trouble.STUCK):
        light.twin.source = lambda: 320.0
        light.poll(10.0)
        light.wires.suffer("it", trouble)
        light.poll(5.0)
        light.twin.source = lambda: 900.0
        assert {reading.value for reading in light.poll(20.0)} == {320.0}
        light.wires.recover("it")


def test_a_flipped_bit_is_brightness_like_any_other(rig) -> None:
    """It has no checksum; said here so that nobody relies on one."""
    light = rig("bh1750")
    light.wires.suffer("it", Trouble.GARBLED)
    assert set(codes(light, 20)) <= {None, "out-of-range"}


@pytest.mark.parametrize("changed", [{"interval_s": 0.4}, {"interval_s": 61.0}, {"address": 0x24}, {"bus": "1"}])
def test_wrong_settings_are_refused(rig, changed: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        rig("bh1750", **changed)
