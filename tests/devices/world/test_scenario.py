"""Scenarios, built in and from a file of one's own."""

import itertools
from pathlib import Path

import pytest

from devices.world.plan import KINDS, PlannedTrouble, Profile
from devices.world.scenario import BUILT_IN, ScenarioError, load_scenario, read_scenario
from devices.world.twin import Trouble


def problems_of(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(text, "mine")
    return caught.value.problems


def test_what_is_built_in() -> None:
    assert list(BUILT_IN) == ["quiet", "rush", "fever", "bad-air", "faults", "demo"]
    assert all(load_scenario(name) is scenario for name, scenario in BUILT_IN.items())


def test_a_file_begins_from_a_built_in_one(tmp_path: Path) -> None:
    file = tmp_path / "pay day.yaml"
    file.write_text(
        """
        like: fever
        arrivals_per_hour: [[0, 10], [0.5, 80], [1, 5]]
        troubles:
          - {kind: air, trouble: unplugged, after_s: 600, lasting_s: 120}
          - {kind: door, trouble: stuck, after_s: 60, lasting_s: 30, repeating_s: 600}
        emergencies: [{raises: PANIC, after_s: 3600}]
        """
    )
    scenario = load_scenario(file)
    assert scenario.name == "pay-day"
    assert scenario.fever_share == BUILT_IN["fever"].fever_share
    assert scenario.arrivals_per_hour.at(0.25) == 45
    assert scenario.for_counters is None, "what somebody writes down is meant for their own hall"
    assert scenario.troubles[0] == PlannedTrouble(kind="air", trouble="unplugged", after_s=600, lasting_s=120)
    assert scenario.troubles[1].repeating_s == 600
    assert scenario.emergencies[0].raises == "PANIC"


def test_an_empty_mapping_is_a_quiet_day_of_that_name() -> None:
    scenario = read_scenario("{}", "mine")
    assert (scenario.name, scenario.arrivals_per_hour) == ("mine", BUILT_IN["quiet"].arrivals_per_hour)


def test_every_problem_is_told_at_once() -> None:
    assert problems_of(
        """
        arivals_per_hour: 40
        fever_share: 1.5
        waiting_at_opening: 2.5
        aired_at_night: "yes"
        patience_min: .nan
        rounds: true
        air_changes_per_hour: [[0.5, 1], [0.2, 3]]
        arrivals_per_hour: many
        troubles:
          - {kind: kettle, trouble: unplugged, after_s: 0, lasting_s: 5}
          - {kind: air, after_s: -1, lasting_s: 5, colour: red}
          - 17
        emergencies: PANIC
        """
    ) == [
        "arivals_per_hour: no such field; did you mean arrivals_per_hour?",
        "fever_share must be a number from 0 to 1, not 1.5",
        "waiting_at_opening must be a whole number from 0 to 500, not 2.5",
        "aired_at_night must be true or false, not 'yes'",
        "patience_min must be a number from 1 to 600, not nan",
        "rounds must be a whole number from 0 to 48, not True",
        "air_changes_per_hour shares of the day must rise from 0 to 1: [0.5, 0.2]",
        "arrivals_per_hour must be a number, or points like [[0.0, 10], [0.5, 40]], not 'many'",
        "troubles 1: kind must be one of door, thermometer, air, disinfection, tickets, contact, output, not 'kettle'",
        "troubles 2: colour: no such field",
        "troubles 2: after_s must be a number from 0 to 86400, not -1",
        "troubles 2: trouble is missing",
        "troubles 3: must be a mapping, not 17",
        "emergencies must be a list, not 'PANIC'",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- 1", "must be a mapping of a scenario's fields"),
        ("", "must be a mapping of a scenario's fields"),
        ("like: [rush]", "like must be one of quiet, rush, fever, bad-air, faults, demo, not ['rush']"),
        ("arrivals_per_hour: [[0.0, -1]]", "arrivals_per_hour values must be from 0 to 10000: [-1]"),
        (
            "emergencies: [{raises: panic, after_s: 1}]",
            "emergencies 1: raises must be an alarm code like PANIC, not 'panic'",
        ),
        ("1: 2", "1: no such field"),
    ],
)
def test_one_problem(text: str, problem: str) -> None:
    assert problems_of(text) == [problem]


def test_broken_yaml_is_told_with_its_place() -> None:
    assert "line 2" in problems_of("a: [1,\n  b: {")[0]


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ScenarioError, match=r"scenario crowded: no such file; built in are quiet, rush"):
        load_scenario("crowded")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "binary.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match="utf-8"):
        load_scenario(file)
    with pytest.raises(ScenarioError, match="directory"):
        load_scenario(tmp_path)


def test_a_profile_is_joined_by_straight_lines() -> None:
    profile = Profile.of([[0.2, 10], [0.4, 30], [1.0, 0]])
    assert [profile.at(share) for share in (0.0, 0.2, 0.3, 0.4, 0.7, 1.0)] == pytest.approx([10, 10, 20, 30, 15, 0])
    assert profile.highest == 30
    assert Profile.of(7).at(0.5) == 7


def test_faults_brings_each_trouble_onto_each_class_one_at_a_time() -> None:
    troubles = BUILT_IN["faults"].troubles
    assert {(planned.kind, planned.trouble) for planned in troubles} == {
        (kind, trouble.value) for kind in KINDS for trouble in Trouble
    }
    spans = sorted((planned.after_s, planned.after_s + planned.lasting_s) for planned in troubles)
    assert all(end < begin for (_, end), (begin, _) in itertools.pairwise(spans))
