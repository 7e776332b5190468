"""`provision check`: what a technician reads, and with which exit code."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.language import language, pick
from provisioning.verbs import provision

ROOT = Path(__file__).parents[2]
MEDIUM = ROOT / "examples/medium.yaml"

FAULTY = """\
hall:
  branch: jingan-0042
  name: {zh: 静安营业厅, en: Jing'an hall}
  type: medium
  floor_area_m2: 180 m2
  timezone: Asia/Shanghai
  hours: {mon-fri: 09:00-17:00}
  counters: 8
devices:
  - {id: temp, part: mlx90614, adress: 0x5a}
"""


def check(*arguments: str | Path, lang: str = "C.UTF-8") -> Result:
    environment = {"LC_ALL": None, "LC_MESSAGES": None, "LANG": lang, "COLUMNS": None}
    return CliRunner().invoke(provision, ["check", *map(str, arguments)], env=environment)


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    file = tmp_path / "hall.yaml"
    file.write_text(FAULTY, "utf-8")
    return file


def test_a_right_file_says_what_the_hall_is() -> None:
    result = check(MEDIUM)
    assert result.exit_code == 0
    said = " ".join(result.stdout.split())
    assert "branch jingan-0042 Jing'an hall (静安营业厅)" in said
    assert "area 180 m² (at least 150 m²)" in said
    assert "capacity 33 people (180 m² × 0.75 ÷ 4 m² = 33)" in said
    assert "counters 8 (at most 12), 8 raters, 4 ID-card readers" in said
    assert "hours mon-fri 09:00-17:00, sat 09:00-12:00 Asia/Shanghai" in said
    assert "zones counter, waiting (at least 60 m²), forms, cashier, reception (at least 12 m²), meeting-room" in said
    assert "entrance-temp mlx90614 infrared thermometer i2c-1 0x5a inside the main door" in said
    assert "hygiene-badge rdm6300" in said
    assert said.endswith("is right: 7 devices.")
    assert result.stderr == ""


def test_the_same_in_chinese() -> None:
    result = check(MEDIUM, "--language", "zh")
    said = " ".join(result.stdout.split())
    assert "类型 标准店（中型）（medium）" in said
    assert "容量 33 人（180 m² × 0.75 ÷ 4 m² = 33）" in said
    assert "客户休息等候区 waiting（不小于 60 m²）" in said
    assert said.endswith("正确，共 7 台设备。")


def test_a_capacity_that_is_told_is_shown_beside_the_floors() -> None:
    said = check(ROOT / "examples/small.yaml").stdout
    assert "12 people (as told; by area 80 m² × 0.75 ÷ 4 m² = 15)" in said


def test_files_of_the_uplink_that_are_not_there_are_named(tmp_path: Path) -> None:
    text = MEDIUM.read_text("utf-8")
    file = tmp_path / "hall.yaml"
    file.write_text(text.replace("#uplink:", "uplink:").replace("\n#  ", "\n  "), "utf-8")
    (tmp_path / "ca.pem").touch()
    said = " ".join(check(file).stdout.split())
    assert f"(not on this machine: {tmp_path}/branch.pem, {tmp_path}/branch.key)" in said.replace("/ ", "/")


def test_a_wrong_file_says_each_fault_where_it_is(faulty: Path) -> None:
    result = check(faulty)
    assert result.exit_code == 2
    assert result.stdout.splitlines() == [
        f"{faulty}:5 hall.floor_area_m2: `180 m2` is text, not a number; write the number alone: 180",
        f"{faulty}:10 devices[0].adress: there is no key `adress`; perhaps address? known here: "
        + result.stdout.splitlines()[1].partition("known here: ")[2],
        f"{faulty} has 2 faults and is refused whole.",
    ]


def test_ten_faults_are_ten_lines(tmp_path: Path) -> None:
    file = tmp_path / "hall.yaml"
    devices = "".join(f"  - {{id: lamp-{n}, part: relay, pins: [{n}], on: AIR, colour: red}}\n" for n in range(4, 14))
    file.write_text(
        FAULTY.replace("180 m2", "180").replace("  - {id: temp, part: mlx90614, adress: 0x5a}\n", devices), "utf-8"
    )
    result = check(file)
    assert result.exit_code == 2
    assert [line.split(": ")[0] for line in result.stdout.splitlines()[:-1]] == [
        f"{file}:{10 + n} devices[{n}].colour" for n in range(10)
    ]
    assert result.stdout.endswith("has 10 faults and is refused whole.\n")


def test_wrong_in_chinese_by_the_environment(faulty: Path) -> None:
    result = check(faulty, lang="zh_CN.UTF-8")
    assert "`180 m2` 是文字，不是数字；只写数字，不写单位：180" in result.stdout
    assert result.stdout.endswith("有 2 处错误，整个文件不予采用。\n")


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        result = check(path)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.startswith(f"{path}: cannot be read (")
        assert result.stderr.count("\n") == 1


def test_without_a_name_it_is_the_boards_own_file() -> None:
    result = CliRunner().invoke(provision, ["check", "--help"])
    assert result.exit_code == 0
    assert "hall file" in result.stdout
    if not Path("/etc/hallgate/hall.yaml").exists():
        assert check().stderr.startswith("/etc/hallgate/hall.yaml: cannot be read")


def test_json_of_a_right_file() -> None:
    result = check(MEDIUM, "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["ok"], answer["findings"]) == (True, [])
    hall = answer["hall"]
    assert (hall["branch"], hall["capacity"], hall["derived_capacity"]) == ("jingan-0042", 33, 33)
    assert hall["devices"][1] == {
        "id": "entrance-temp",
        "part": "mlx90614",
        "class": "thermometer",
        "claims": ["i2c-1 0x5a"],
        "place": {"zh": "正门内侧", "en": "inside the main door"},
        "zone": None,
    }


def test_json_of_a_wrong_file(faulty: Path, tmp_path: Path) -> None:
    result = check(faulty, "--json")
    assert result.exit_code == 2
    answer = json.loads(result.stdout)
    assert (answer["ok"], answer["hall"]) == (False, None)
    assert answer["findings"][0] == {
        "line": 5,
        "path": "hall.floor_area_m2",
        "wrong": {"zh": "`180 m2` 是文字，不是数字", "en": "`180 m2` is text, not a number"},
        "right": {"zh": "只写数字，不写单位：180", "en": "write the number alone: 180"},
    }
    missing = check(tmp_path / "none.yaml", "--json")
    assert missing.exit_code == 2
    assert json.loads(missing.stdout)["findings"][0]["line"] == 0


def test_what_a_file_says_is_text_and_never_markup(tmp_path: Path) -> None:
    file = tmp_path / "hall.yaml"
    text = MEDIUM.read_text("utf-8").replace("en: main door}", "en: '[red]main[/] :door: door'}")
    file.write_text(text, "utf-8")
    assert "[red]main[/] :door: door" in check(file).stdout


def test_a_terminal_without_chinese_ends_nothing() -> None:
    result = CliRunner(charset="ascii").invoke(provision, ["check", str(MEDIUM)], env={"LC_ALL": "C"})
    assert result.exit_code == 0
    assert "entrance-temp" in result.stdout


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_language_of_the_environment(environment: dict[str, str], expected: str) -> None:
    assert language(environment) == expected
    assert pick({"zh": "zh", "en": "en"}, language(environment)) == expected
