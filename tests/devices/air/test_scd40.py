"""SCD40: what differs from an SCD41; the rest of it is tested there."""

import pytest

from devices.faults import DeviceFault
from devices.i2c import write
from devices.reading import Quality
from devices.world.twin import Trouble


def test_it_reads_as_its_sister_does(rig) -> None:
    air = rig("scd40")
    air.twin.source = lambda: (500.0, 25.0, 37.0)
    readings = air.poll(20.0)
    assert [(reading.quantity, round(reading.value, 1)) for reading in readings[:3]] == [
        ("co2_ppm", 500.0),
        ("celsius", 25.0),
        ("humidity_pct", 37.0),
    ]
    assert len(readings) == 12
    assert air.part.kind == "air"


def test_above_its_specified_range_it_is_still_believed(rig) -> None:
    """Less exact, but bad air all the same: no alarm must go missing for it."""
    air = rig("scd40")
    air.twin.source = lambda: (3000.0, 25.0, 37.0)
    co2 = air.poll(5.0)[0]
    assert (co2.value, co2.quality) == (3000.0, Quality.GOOD)


@pytest.mark.parametrize("variant", [0x0000, 0x0440, 0x1440, 0x2441, 0x5440, None])
def test_every_known_sister_is_taken_and_one_that_cannot_say(rig, variant: int | None) -> None:
    air = rig("scd40", opened=False)
    air.twin.variant = variant
    air.driver.open()
    assert len(air.poll(5.0)) == 3


@pytest.mark.parametrize("variant", [0x3440, 0x4000, 0xF000])
def test_an_unknown_variant_is_somebody_else(rig, variant: int) -> None:
    air = rig("scd40", opened=False)
    air.twin.variant = variant
    with pytest.raises(DeviceFault) as fault:
        air.driver.open()
    assert fault.value.code == "error-flag"
    assert f"{variant:04X}" in fault.value.text["en"]


def test_a_garbled_variant_is_not_taken_for_a_refusal(rig) -> None:
    air = rig("scd40", opened=False)
    air.wires.suffer("it", Trouble.GARBLED)
    with pytest.raises(DeviceFault) as fault:
        air.driver.open()
    assert fault.value.code == "garbled"


@pytest.mark.parametrize("command", [0x219D, 0x2196])
def test_it_has_no_single_shot(rig, command: int) -> None:
    air = rig("scd40", opened=False)
    with pytest.raises(DeviceFault):
        write(air.wires.i2c("i2c-1"), 0x62, command.to_bytes(2))


def test_the_age_of_its_baseline_is_told(rig) -> None:
    air = rig("scd40", interval_s=60.0)
    air.twin.source = lambda: (800.0, 25.0, 37.0)
    told = [reading for reading in air.poll(7400.0) if reading.quantity == "baseline_age_s"]
    assert [round(reading.value, -2) for reading in told] == [3600, 7200]
    assert {reading.quality for reading in told} == {Quality.SUSPECT}


def test_without_self_calibration_no_age_is_told(rig) -> None:
    air = rig("scd40", interval_s=60.0, self_calibration=False)
    assert not air.twin.self_calibration
    assert {reading.quantity for reading in air.poll(7400.0)} == {"co2_ppm", "celsius", "humidity_pct"}


def test_a_hang_is_ended_and_told_if_it_is_in_vain(rig) -> None:
    air = rig("scd40")
    air.twin.hang()
    assert len(air.poll(30.0)) >= 3
    air.wires.suffer("it", Trouble.SILENT)
    fault = air.fault(60.0)
    assert fault is not None
    assert fault.code == "silent"
    air.wires.recover("it")


@pytest.mark.parametrize("trouble", [Trouble.UNPLUGGED, Trouble.BUSY])
def test_no_answer(rig, trouble: Trouble) -> None:
    air = rig("scd40")
    air.wires.suffer("it", trouble)
    fault = air.fault(20.0)
    assert fault is not None
    assert fault.code == "no-answer"
