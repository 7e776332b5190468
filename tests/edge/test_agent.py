"""The whole way of a reading, from the wire to the journal, held against what was so."""

import pytest

from devices.world.twin import Trouble


def test_an_hour_of_a_rush_is_told_as_it_was(simulated) -> None:
    hall = simulated("rush", begin="2026-03-02T08:59").run(3660)
    truth = hall.fake.world.truth
    now = hall.present("hall")
    assert truth.entered > 40
    assert (now["entered_today"], now["left_today"]) == (truth.entered, truth.left)
    assert now["occupancy"] == truth.inside
    steps = [entry["step"] for entry in hall.entries("ticket")]
    assert steps.count("issued") == truth.wanted
    assert steps.count("called") == truth.called
    assert steps.count("served") == truth.served
    screened = hall.entries("screening")
    assert len(screened) == pytest.approx(truth.entered + truth.flagged, abs=2)
    assert sum(entry["flagged"] for entry in screened) == truth.flagged


def test_fevers_are_flagged_and_nobody_else(simulated) -> None:
    hall = simulated("fever", begin="2026-03-02T08:59").run(4500)
    truth = hall.fake.world.truth
    assert truth.flagged >= 2
    flagged = [entry for entry in hall.entries("screening") if entry["flagged"]]
    assert len(flagged) == truth.flagged
    assert len([c for c in hall.changes("FEVER", "entrance-temp") if c == "raised"]) == truth.flagged


def test_stale_air_runs_the_fan(simulated) -> None:
    hall = simulated("bad-air", begin="2026-03-02T08:59").run(3600)
    assert hall.changes("AIR", "waiting")[0] == "raised"
    assert (
        max(
            entry["values"]["co2_ppm"]["max"] for entry in hall.entries("telemetry") if entry["device"] == "air-waiting"
        )
        > 1000
    )


@pytest.mark.parametrize(
    ("device", "trouble", "code"),
    [
        ("entrance-temp", Trouble.UNPLUGGED, "no-answer"),
        ("entrance-temp", Trouble.GARBLED, "garbled"),
        ("air-waiting", Trouble.UNPLUGGED, "no-answer"),
        ("air-waiting", Trouble.GARBLED, "garbled"),
        ("air-waiting", Trouble.SILENT, "silent"),
        ("hygiene-badge", Trouble.UNPLUGGED, "unplugged"),
        ("tickets", Trouble.UNPLUGGED, "unplugged"),
        ("tickets", Trouble.SILENT, "offline"),
    ],
)
def test_a_device_in_trouble_is_told_comes_back_and_harms_no_other(simulated, device, trouble, code) -> None:
    hall = simulated("rush")
    hall.at(120, hall.fake.wires.suffer, device, trouble)
    hall.at(420, hall.fake.wires.recover, device)
    hall.run(600)
    failures = [entry for entry in hall.entries("device") if entry["device"] == device]
    assert [entry["health"] for entry in failures] == ["failed", "ok"]
    assert failures[0]["fault"]["code"] == code
    assert 120 <= failures[0]["after"] < 180
    assert 420 <= failures[1]["after"] < 440
    assert hall.changes("DEVICE", device) == ["raised", "cleared"]
    assert {entry["device"] for entry in hall.entries("device")} == {device}
    others = [
        entry["values"][quantity]["n"]
        for entry in hall.entries("telemetry")
        for quantity, other in (("object_celsius", "entrance-temp"), ("co2_ppm", "air-waiting"))
        if entry["device"] == other != device and 60 < entry["after"] <= 600
    ]
    assert others
    assert min(others) >= 11  # one a five seconds, or ten a second


def test_a_blocked_beam_is_told_and_counting_goes_on_behind_it(simulated) -> None:
    hall = simulated("rush")
    hall.at(60, hall.fake.wires.twins["door-main"].block, 200)
    hall.run(600)
    assert hall.changes("DEVICE", "door-main") == ["raised", "cleared"]
    assert [entry for entry in hall.entries("passage") if entry["after"] > 300]


def test_a_restart_goes_on_with_the_same_day(simulated) -> None:
    first = simulated("rush", begin="2026-03-02T08:59").run(1800)
    before = first.present("hall")
    assert before["occupancy"] > 3
    second = simulated(None, begin="2026-03-02T09:31").run(30)
    after = second.present("hall")
    assert after["occupancy"] == before["occupancy"]
    assert after["entered_today"] == before["entered_today"]
    assert after["waiting"] == before["waiting"]
    assert second.agent.journal.id == first.agent.journal.id


def test_ask_from_another_thread(simulated) -> None:
    import threading

    hall = simulated()
    answers = []
    asker = threading.Thread(target=lambda: answers.append(hall.agent.ask("ping", {}, "wang")))
    hall.at(5, asker.start)
    hall.at(60, asker.join)  # time stands still until the answer is there: it needs none to come
    hall.run(120)
    assert answers[0].ok
    assert [entry["command"] for entry in hall.entries("operation")] == ["ping"]


@pytest.mark.parametrize(("raw", "flagged"), [(15364, False), (15367, True), (15368, True)])
def test_the_edge_of_a_fever_from_the_bytes_on(simulated, raw: int, flagged: bool) -> None:
    """With this hall's offset of 3.1: 34.13 + 3.1 shows 37.2; 34.19 and 34.21 + 3.1 show 37.3. Five seconds each."""
    hall = simulated()
    thermometer = hall.fake.wires.twins["entrance-temp"]
    hall.at(20, setattr, thermometer, "raw_object", raw)
    hall.at(25, setattr, thermometer, "raw_object", None)
    hall.run(40)
    (screening,) = hall.entries("screening")
    assert (screening["celsius"], screening["flagged"]) == ((37.3, True) if flagged else (37.2, False))
    assert hall.changes("FEVER", "entrance-temp") == (["raised", "returned"] if flagged else [])


@pytest.mark.parametrize("device", ["entrance-temp", "air-waiting", "tickets", "hygiene-badge"])
def test_a_device_that_is_missing_at_the_start_is_told_and_taken_in_when_it_comes(simulated, device: str) -> None:
    hall = simulated()
    hall.fake.wires.suffer(device, Trouble.UNPLUGGED)
    hall.at(120, hall.fake.wires.recover, device)
    hall.run(200)
    healths = [entry["health"] for entry in hall.entries("device") if entry["device"] == device]
    assert healths == ["failed", "ok"]
    assert {entry["device"] for entry in hall.entries("device")} == {device}
