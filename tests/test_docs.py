"""The reference documents say what is true of the code: names, defaults, bounds, examples and links are held to it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from devices.faults import CODES
from devices.part import Part, Settings, find_part, part_names
from devices.world.plan import KINDS as CLASSES
from devices.world.plan import PlannedEmergency, PlannedTrouble
from devices.world.recording import MOST_PER_HALF_HOUR, read_recording
from devices.world.scenario import BUILT_IN, Scenario, read_scenario
from devices.world.twin import Trouble
from edge import hallfile
from edge.hall.alarms import KINDS, Alarms
from edge.hall.commands import Commands
from edge.hall.flow import Moment
from edge.hall.quality import BOUNDS
from edge.hall.rules import RuleSettings
from edge.hall.site import HALL_TYPES, ZONES, Site
from edge.hallfile import HallFileError, PageSettings, UplinkSettings
from mqtt import messages

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FOLDER = Path("/etc/hallgate")
OWN = sorted(name for name, module in part_names().items() if module.startswith("devices."))
PAGES = {path.stem: path.read_text("utf-8") for path in sorted((DOCS / "parts").glob("*.md"))}

HALL_FILE, MQTT, PARTS, RULES, SIMULATION = (
    (DOCS / f"{name}.md").read_text("utf-8") for name in ("hall-file", "mqtt", "parts", "rules", "simulation")
)

# --- reading a document ------------------------------------------------------------------------------------------

_FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of that language, exactly as it stands behind the fence."""
    return [body for told, body in _FENCED.findall(text) if told == language]


def headings(text: str, level: int) -> list[str]:
    return re.findall(rf"^{'#' * level} (.+)$", _FENCED.sub("", text), re.MULTILINE)


def section(text: str, title: str, level: int = 2) -> str:
    """What stands below that heading, up to the next one that is not deeper."""
    _, found, rest = text.partition(f"\n{'#' * level} {title}\n")
    assert found, f"no heading {title}"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every line of every table, heads included."""
    for line in _FENCED.sub("", text).splitlines():
        cells = [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]
        if line.startswith("|") and not set(line) <= set("|-"):
            yield cells


def table(text: str) -> dict[str, list[str]]:
    """The rows that begin with a name in backquotes, by that name."""
    return {cells[0].strip("`"): cells for cells in rows(text) if re.fullmatch(r"`[^`]+`", cells[0])}


# --- what the code says ------------------------------------------------------------------------------------------


def told_default(field: "attrs.Attribute[Any]") -> str:
    default = field.default
    if default is attrs.NOTHING:
        return "must"
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        default = default.factory()
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if default in ("", {}):
        return "empty"
    if field.name == "address" and isinstance(default, int):
        return f"0x{default:02x}"
    return f"{default:g}" if isinstance(default, int | float) else f"`{default}`"


def told_bounds(field: "attrs.Attribute[Any]") -> str:
    """As the documents write them; empty where the code asks for no number."""
    low = high = ""
    for rule in _rules(field.validator):
        bound, compare = getattr(rule, "bound", None), getattr(rule, "compare_op", "")
        if bound is not None:
            told = f"0x{bound:02x}" if field.name == "address" else f"{bound:.10g}"
            low = {">=": told, ">": f"more than {told}"}.get(compare, low)
            high = {"<=": told, "<": f"less than {told}"}.get(compare, high)
    if not low or not high:
        return ""
    return f"{low}, at most {high}" if low.startswith("more") else f"{low} to {high}"


def _rules(validator: Any) -> Iterator[Any]:
    if isinstance(validator, list | tuple):
        for inner in validator:
            yield from _rules(inner)
    elif validator is not None:
        yield validator
        for holder in ("_validators", "validator"):
            yield from _rules(getattr(validator, holder, None))


def holds(cells: list[str], field: "attrs.Attribute[Any]", default: int = 2) -> None:
    """That row has the field's default and bounds."""
    assert cells[default] == told_default(field), f"{field.alias}: the default"
    assert told_bounds(field) in cells[default + 1], f"{field.alias}: the bounds"


# --- links and names ---------------------------------------------------------------------------------------------

WITH_LINKS = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", WITH_LINKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", _FENCED.sub("", path.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        if anchor:
            known = [slug(title) for level in range(1, 5) for title in headings(there.read_text("utf-8"), level)]
            assert anchor in known, target


@pytest.mark.parametrize("name", ["hall-file", "mqtt", "parts", "rules", "simulation"])
def test_it_begins_with_whom_it_is_for(name: str) -> None:
    paragraph = (DOCS / f"{name}.md").read_text("utf-8").split("\n\n")[1]
    assert paragraph.startswith("For ")


# --- mqtt.md -----------------------------------------------------------------------------------------------------

ENTRIES = {kind.kind: kind for kind in messages.Body.__subclasses__()}
PRESENT = {
    shape.schema: shape
    for shape in vars(messages).values()
    if attrs.has(shape) and hasattr(shape, "schema") and shape is not messages.Done
}
ENVELOPE = list(
    json.loads(messages.entry_json(messages.Envelope("b", "j", "data", 1, "boot", 0.0, True), "contact", '{"x":1}'))
)[:-1]
EXAMPLES = [json.loads(block) for block in blocks(MQTT, "json")]


def on_the_wire(shape: Any) -> list[str]:
    return [field.name.rstrip("_") for field in attrs.fields(shape)]


@pytest.mark.parametrize("kind", ENTRIES)
def test_every_kind_of_entry_is_told_with_an_example(kind: str) -> None:
    told = section(MQTT, kind, 3)
    (example,) = [json.loads(block) for block in blocks(told, "json")]
    assert example["schema"] == f"hall.log.{kind}/1"
    assert list(example) == [*ENVELOPE, *on_the_wire(ENTRIES[kind])]
    body = {name: value for name, value in example.items() if name not in ENVELOPE}
    entry = ENTRIES[kind](**{"in_" if name == "in" else name: value for name, value in body.items()})
    assert example["lane"] == entry.travels_in()
    assert f"Lane `{entry.lane}`" in told
    for name in body:
        assert f"`{name}`" in told or (kind == "alarm" and name in on_the_wire(messages.AlarmNow)), name


@pytest.mark.parametrize("schema", PRESENT)
def test_every_message_of_the_present_is_told_with_an_example(schema: str) -> None:
    (example,) = [example for example in EXAMPLES if example.get("schema") == schema]
    expected = on_the_wire(PRESENT[schema])
    assert list(example) == ["schema", *expected]
    for name in expected:
        assert f"`{name}`" in MQTT, name


def test_the_answers_are_as_the_code_makes_them() -> None:
    answers = [example for example in EXAMPLES if example.get("schema") == messages.Done.schema]
    assert [set(answer) ^ {"schema", "id", "command", "ok", "at"} for answer in answers] == [{"result"}, {"error"}]
    for answer in answers:
        done = messages.Done(**{name: value for name, value in answer.items() if name != "schema"})
        assert json.loads(messages.to_json(done)) == answer


def test_every_command_and_every_error_is_told() -> None:
    commands = Commands(Alarms(), {})
    done, _ = commands.carry_out(messages.Command(id="1", name="?", by="x", args={}), Moment(0.0, 0.0))
    assert done.error is not None
    known = done.error["text"]["en"].partition("there are: ")[2].split(", ")
    assert sorted(table(section(MQTT, "Commands", 3))) == known
    source = (ROOT / "edge/hall/commands.py").read_text("utf-8") + (ROOT / "mqtt/messages.py").read_text("utf-8")
    codes = set(re.findall(r'(?:Refused\(|problem = _fault\(|problem=_fault\()\s*"([a-z-]+)"', source))
    assert codes >= {"unknown-command", "bad-request", "expired"}
    assert set(table(section(MQTT, "Error codes", 3))) == codes


def test_every_alarm_code_has_its_level() -> None:
    levels: dict[str, int] = {}
    for cells in rows(section(MQTT, "Alarm codes", 3)):
        levels |= {code: int(cells[1]) for code in re.findall(r"`([A-Z-]+)`", cells[0])}
    assert levels == {code: kind.level for code, kind in KINDS.items()}
    assert set(levels) == messages.ALARM_CODES


def test_limits_of_requests_are_told() -> None:
    assert f"{messages.MAX_REQUEST_BYTES:,} bytes" in section(MQTT, "A request", 3)
    assert f"done/{messages.NO_ID}" in MQTT


# --- hall-file.md ------------------------------------------------------------------------------------------------

WHOLE = blocks(HALL_FILE, "yaml")[0]


@pytest.mark.parametrize("text", blocks(HALL_FILE, "yaml"))
def test_hall_files_in_the_document_load(text: str) -> None:
    if {"hall", "devices"} <= yaml.safe_load(text).keys():
        assert hallfile.parse(text, FOLDER).site.capacity == 33


def test_the_wrong_file_is_told_as_it_is() -> None:
    (text,) = blocks(HALL_FILE, "yaml wrong")
    with pytest.raises(HallFileError) as caught:
        hallfile.parse(text, FOLDER)
    found = [f"hall.yaml:{f.line} {f.path}: {f.wrong['en']}; {f.right['en']}" for f in caught.value.findings]
    told = next(block for block in blocks(HALL_FILE, "text") if "refused whole" in block).splitlines()
    assert told == [*found, f"hall.yaml has {len(found)} faults and is refused whole."]


@pytest.mark.parametrize(("title", "shape"), [("hall", Site), ("uplink", UplinkSettings), ("page", PageSettings)])
def test_every_key_of_the_sections_is_told(title: str, shape: Any) -> None:
    told = table(section(HALL_FILE, title))
    assert set(told) == {field.alias for field in attrs.fields(shape)} | ({*HALL_TYPES, *ZONES} & set(told))
    for field in attrs.fields(shape):
        if field.alias not in ("capacity", "ca"):  # what stands there instead is said in words
            holds(told[field.alias], field)


def test_the_sections_are_all_there() -> None:
    told = [name for cells in rows(section(HALL_FILE, "Sections")) for name in re.findall(r"\[`(\w+)`\]", cells[0])]
    assert told == ["hall", "devices", "rules", "uplink", "page"]
    assert [field.name for field in attrs.fields(hallfile.HallFile)] == ["site", *told[1:]]


def test_types_and_zones_are_the_rules_own() -> None:
    def least(area: float | None) -> str:
        return "–" if area is None else f"{area:g}"

    types = table(section(HALL_FILE, "The five types", 3))
    assert list(types) == list(HALL_TYPES)
    for name, kind in HALL_TYPES.items():
        areas = (kind.waiting_m2, kind.reception_m2, kind.forms_m2, kind.self_service_m2, kind.clerk_m2)
        assert types[name][1:4] == [kind.says["zh"], least(kind.floor_area_m2), str(kind.counters)]
        assert types[name][4:] == [least(area) for area in areas]
    zones = table(section(HALL_FILE, "Zones", 3))
    assert list(zones) == list(ZONES)
    for name, zone in ZONES.items():
        assert zones[name][1:] == [zone.says["zh"], *map(str, zone.stands.values())]


def test_keys_of_every_device_are_told() -> None:
    told = set(table(section(HALL_FILE, "devices")))
    assert told == {field.name for field in attrs.fields(Settings)} | {"bus", "address", "pins"}
    assert " ".join(blocks(section(HALL_FILE, "devices"), "text")).split() == sorted(messages.ALARM_CODES)


# --- rules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", attrs.fields(RuleSettings), ids=lambda field: field.name)
def test_every_setting_of_every_rule_is_told(rule: "attrs.Attribute[Any]") -> None:
    lines = list(rows(section(HALL_FILE, "rules")))
    first = next(place for place, cells in enumerate(lines) if cells[0] == f"`{rule.name}`")
    judged = table(section(RULES, rule.name.upper())) if rule.name != "patrol" else {}
    for field in attrs.fields(rule.type):
        holds(next(cells for cells in lines[first:] if cells[1] == f"`{field.name}`"), field, default=3)
        if judged:
            told = judged[field.name][1]
            assert told == "none" if field.default is None else float(told) == field.default, field.name
        else:
            assert f"`{field.name}`" in section(RULES, "Settings that are judged later")


def test_every_alarm_that_a_rule_raises_has_a_section_and_first_steps() -> None:
    overview = [cells[1] for cells in rows(RULES.partition("\n## ")[0])]
    raised = [code[1] for cell in overview if (code := re.fullmatch(r"`([A-Z]+)`", cell))]
    source = "".join(path.read_text("utf-8") for path in (ROOT / "edge/hall").rglob("*.py"))
    assert set(raised) == set(re.findall(r'Condition\(\s*"([A-Z-]+)"', source))
    for code in raised:
        text = section(RULES, code)
        assert "**Raised**" in text
        assert re.search(r"\*\*[Ee]nds\*\*", text)
        assert "- 先期处置：" in text
        assert "- First steps: " in text


def test_levels_of_contacts_are_the_codes_own() -> None:
    numerals = {"II": 2, "III": 3, "IV": 4}
    for code, cells in table(section(RULES, "Contacts")).items():
        assert numerals[cells[2].split()[0]] == KINDS[code].level, code


# --- parts.md ----------------------------------------------------------------------------------------------------


IN_PARTS = [name for name in OWN if name in headings(PARTS, 2)]


def told_of(name: str) -> str:
    """What is told of that part: its section of parts.md, or its own page."""
    return section(PARTS, name) if name in IN_PARTS else PAGES[name]


def test_every_part_is_told_and_whatever_is_told_is_a_part() -> None:
    assert sorted([*(set(headings(PARTS, 2)) - {"Fault codes", "Adding a part"}), *PAGES]) == OWN
    for name in IN_PARTS:
        assert f"[`{name}`](#{slug(name)}) | `{find_part(name).kind}`" in PARTS
    for name, text in PAGES.items():
        assert re.match(rf"# `?{re.escape(name)}`?\n", text), name


IN_EVERY_HALL_FILE = ("id", "part", "place", "zone", "bus")


@pytest.mark.parametrize("name", OWN)
def test_every_setting_of_a_part_is_told(name: str) -> None:
    told = table(told_of(name))
    for field in attrs.fields(find_part(name).settings):
        if field.name in IN_EVERY_HALL_FILE:
            continue
        assert field.name in told, field.name
        if name in IN_PARTS:
            holds(told[field.name], field)


@pytest.mark.parametrize("name", OWN)
def test_what_a_part_can_report_is_told(name: str) -> None:
    text = told_of(name)
    source = (ROOT / f"{part_names()[name].replace('.', '/')}.py").read_text("utf-8")
    for code in re.findall(r'fault\(\s*"([a-z-]+)"', source):
        assert f"`{code}`" in text, code
    assert "twin" in text
    assert Trouble.UNPLUGGED.value in text


@pytest.mark.parametrize("name", OWN)
def test_the_lines_for_the_hall_file_load(name: str) -> None:
    lines = blocks(told_of(name), "yaml")[0]
    hall = WHOLE.partition("devices:")[0]
    indented = "".join(f"  {line}\n" for line in lines.splitlines())
    devices = hallfile.parse(f"{hall}devices:\n{indented}", FOLDER).devices
    assert {device.part for device in devices} == {name}


def test_every_fault_code_is_told_in_its_own_words() -> None:
    told = table(section(PARTS, "Fault codes").partition("\n### ")[0])
    assert list(told) == list(CODES)
    for code, text in CODES.items():
        assert told[code][1] == f"{text['zh']} · {text['en']}"


def test_the_example_of_a_part_is_one() -> None:
    (source,) = blocks(section(PARTS, "Adding a part"), "python")
    made: dict[str, Any] = {}
    exec(compile(source, "parts.md", "exec"), made)
    part = made["PART"]
    assert isinstance(part, Part)
    settings = part.settings(id="x", part=part.name)
    assert settings.claims() == ["i2c-1 0x48"]


def test_every_class_is_told() -> None:
    assert set(table(section(PARTS, "Adding a part"))) >= {find_part(name).kind for name in IN_PARTS} | set(CLASSES)


def test_what_cannot_be_believed_is_told_with_its_bounds() -> None:
    told = table(section(PARTS, "What cannot be believed", 3))
    assert list(told) == list(BOUNDS)
    for quantity, bounds in BOUNDS.items():
        a_second = "–" if bounds.a_second is None else f"{bounds.a_second:g}"
        still = "–" if bounds.still_s is None else f"{bounds.still_s:g} s"
        assert told[quantity][1:] == [f"{bounds.low:g}", f"{bounds.high:g}", a_second, still], quantity


# --- simulation.md -----------------------------------------------------------------------------------------------


def test_the_scenario_loads_and_names_every_key() -> None:
    (text,) = blocks(SIMULATION, "yaml")
    assert read_scenario(text, "own").troubles
    told = yaml.safe_load(text)
    keys = {field.name for field in attrs.fields(Scenario)}
    assert set(told) == keys | {"like"}
    planned = {field.name for shape in (PlannedTrouble, PlannedEmergency) for field in attrs.fields(shape)}
    assert set(table(section(SIMULATION, "A scenario of one's own"))) == keys | planned | {"like"}


def test_built_in_scenarios_troubles_and_classes_are_all_told() -> None:
    assert list(table(section(SIMULATION, "Built-in scenarios"))) == list(BUILT_IN)
    own = table(section(SIMULATION, "A scenario of one's own"))
    assert own["kind"][4] == ", ".join(f"`{kind}`" for kind in CLASSES)
    assert own["trouble"][4] == ", ".join(f"`{trouble.value}`" for trouble in Trouble)


def test_the_recording_can_be_played(tmp_path: Path) -> None:
    (text,) = blocks(SIMULATION, "csv")
    (tmp_path / "door.csv").write_text(text, "utf-8")
    half_hours = read_recording(tmp_path / "door.csv").half_hours
    inside = sum(half_hour.coming_in - half_hour.going_out for half_hour in half_hours)
    assert f"open, {inside} of 33 inside" in SIMULATION
    assert f"most {MOST_PER_HALF_HOUR} people" in SIMULATION


def test_what_the_world_knows_is_told() -> None:
    from devices.world.truth import Truth

    text = section(SIMULATION, "What the world knows")
    for field in attrs.fields(Truth):
        if not field.name.startswith("_"):
            assert f"`{field.name}`" in text or field.name == "day", field.name


def test_the_tables_of_parts_list_them_all() -> None:
    listed = re.findall(r"^\| \[`([a-z0-9-]+)`\]", (DOCS / "parts.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(part_names())
