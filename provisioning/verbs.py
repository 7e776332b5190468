"""``hallgate provision …``: the verbs. Results on stdout; exit codes 0 done, 1 failed, 2 the call or the file is wrong."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import click

from devices.part import Settings, find_part
from edge import hallfile
from edge.hall.site import ZONES, Site, Stands, zones_of
from edge.hallfile import Finding, HallFile, HallFileError, UplinkSettings
from edge.language import Language, language, pick

# A pipe has no width of its own; 80 columns would fold the table of devices.
_PIPE_WIDTH = 120


@click.group()
def provision() -> None:
    """Prepare and check a board; for technicians."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Half of what is said here is Chinese: on a terminal that cannot show it, it must not end the verb.
            stream.reconfigure(errors="backslashreplace")


@provision.command()
@click.argument("file", type=click.Path(path_type=Path), default=hallfile.DEFAULT)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for a program.")
@click.option("--language", "chosen", type=click.Choice(["zh", "en"]), help="Instead of the environment's.")
@click.pass_context
def check(context: click.Context, file: Path, as_json: bool, chosen: Language | None) -> None:
    """Say what the hall file FILE describes, or everything that is wrong with it."""
    speech = chosen or language()
    try:
        hall = hallfile.load(file)
    except HallFileError as error:
        if as_json:
            _print_json({"ok": False, "findings": [attrs.asdict(finding) for finding in error.findings], "hall": None})
        else:
            _print_findings(file, error.findings, speech)
        context.exit(2)
    if as_json:
        _print_json({"ok": True, "findings": [], "hall": _as_json(hall)})
    else:
        _print_hall(file, hall, speech)


def _print_json(answer: dict[str, Any]) -> None:
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))


# --- a file that is wrong ----------------------------------------------------------------------------------------


def _print_findings(file: Path, findings: list[Finding], speech: Language) -> None:
    if findings[0].line == 0:
        # There is no line to name: the file itself cannot be read.
        click.echo(f"{file}: {_sentence(findings[0], speech)}", err=True)
        return
    for finding in findings:
        path = f" {finding.path}" if finding.path else ""
        click.echo(f"{file}:{finding.line}{path}: {_sentence(finding, speech)}")
    n = len(findings)
    click.echo(
        pick(
            {
                "zh": f"{file} 有 {n} 处错误，整个文件不予采用。",
                "en": f"{file} has {n} fault{'' if n == 1 else 's'} and is refused whole.",
            },
            speech,
        )
    )


def _sentence(finding: Finding, speech: Language) -> str:
    return pick({"zh": "；", "en": "; "}, speech).join((pick(finding.wrong, speech), pick(finding.right, speech)))


# --- a hall ------------------------------------------------------------------------------------------------------


def _print_hall(file: Path, hall: HallFile, speech: Language) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    # What the file says is printed as it is: nothing in it is markup.
    console = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True)
    facts.add_column()
    for name, value in _facts(hall, speech):
        facts.add_row(name, value)
    console.print(facts)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    heads = {
        "zh": ("编号", "器件", "用途", "接口", "位置"),
        "en": ("id", "part", "what it is", "connected to", "place"),
    }
    for n, head in enumerate(heads[speech]):
        table.add_column(head, overflow="fold", no_wrap=n < 2)  # an id is copied, so it stays in one piece
    for device in hall.devices:
        table.add_row(
            device.id,
            device.part,
            pick(find_part(device.part).says, speech),
            ", ".join(device.claims()),
            _place(device, speech),
        )
    if hall.devices:
        console.print(table)
    verdict = {"zh": f"{file} 正确，共 {len(hall.devices)} 台设备。", "en": f"{file} is right: {_count(hall.devices)}."}
    click.echo(verdict[speech])


def _count(devices: tuple[Settings, ...]) -> str:
    return f"{len(devices)} device{'' if len(devices) == 1 else 's'}"


def _place(device: Settings, speech: Language) -> str:
    words = [device.place] if device.place is not None else []
    if device.zone is not None:
        words.append(ZONES[device.zone].says)
    return pick({"zh": "，", "en": ", "}, speech).join(pick(word, speech) for word in words)


def _facts(hall: HallFile, speech: Language) -> Iterator[tuple[str, str]]:
    """What the hall is, a line each, for a person."""
    site, kind = hall.site, hall.site.kind
    if speech == "zh":
        yield "网点", f"{site.branch}  {site.name['zh']}（{site.name['en']}）"
        yield "类型", f"{kind.says['zh']}（{site.type}）"
        yield "面积", f"{site.floor_area_m2:g} m²{_at_least(kind.floor_area_m2, speech)}"
        yield (
            "容量",
            f"{site.capacity} 人" + (f"（{site.formula()}）" if site.capacity_told is None else _told(site, speech)),
        )
        yield (
            "窗口",
            f"{site.counters} 个（至多 {kind.counters}），评价器 {site.raters}，身份证识别器 {site.id_readers}",
        )
        yield "营业", f"{site.hours}  {site.timezone.key}"
        yield "必备区域", "、".join(_zones(site, speech))
        yield "上行", _uplink(hall.uplink, speech)
    else:
        yield "branch", f"{site.branch}  {site.name['en']} ({site.name['zh']})"
        yield "type", f"{site.type}: {kind.says['en']}"
        yield "area", f"{site.floor_area_m2:g} m²{_at_least(kind.floor_area_m2, speech)}"
        yield (
            "capacity",
            f"{site.capacity} people" + (f" ({site.formula()})" if site.capacity_told is None else _told(site, speech)),
        )
        yield (
            "counters",
            f"{site.counters} (at most {kind.counters}), {site.raters} raters, {site.id_readers} ID-card readers",
        )
        yield "hours", f"{site.hours}  {site.timezone.key}"
        yield "zones", ", ".join(_zones(site, speech))
        yield "uplink", _uplink(hall.uplink, speech)


def _told(site: Site, speech: Language) -> str:
    return pick(
        {"zh": f"（文件指定；面积可容 {site.formula()}）", "en": f" (as told; by area {site.formula()})"}, speech
    )


def _at_least(area_m2: float | None, speech: Language) -> str:
    if area_m2 is None:
        return ""
    return pick({"zh": f"（不小于 {area_m2:g} m²）", "en": f" (at least {area_m2:g} m²)"}, speech)


def _zones(site: Site, speech: Language) -> Iterator[str]:
    for zone in zones_of(site.type, Stands.ALWAYS):
        # With the name that `zone:` takes; in English it says what it is.
        name = pick({"zh": f"{zone.says['zh']} {zone.name}", "en": zone.name}, speech)
        yield name + _at_least(site.kind.least_m2(zone.name), speech)


def _uplink(uplink: UplinkSettings | None, speech: Language) -> str:
    if uplink is None:
        return pick({"zh": "无，数据留在本厅", "en": "none, everything stays in the hall"}, speech)
    missing = [
        str(file) for file in (uplink.ca, uplink.certificate, uplink.key) if file is not None and not file.exists()
    ]
    if not missing:
        return uplink.url
    listed = ", ".join(missing)
    return pick(
        {"zh": f"{uplink.url}（本机还没有 {listed}）", "en": f"{uplink.url} (not on this machine: {listed})"}, speech
    )


def _as_json(hall: HallFile) -> dict[str, Any]:
    site = hall.site
    return {
        "branch": site.branch,
        "name": site.name,
        "type": site.type,
        "floor_area_m2": site.floor_area_m2,
        "area_per_person_m2": site.area_per_person_m2,
        "derived_capacity": site.derived_capacity,
        "capacity": site.capacity,
        "counters": site.counters,
        "raters": site.raters,
        "id_readers": site.id_readers,
        "hours": str(site.hours),
        "timezone": site.timezone.key,
        "zones": [zone.name for zone in zones_of(site.type, Stands.ALWAYS)],
        "uplink": None if hall.uplink is None else hall.uplink.url,
        "devices": [
            {
                "id": device.id,
                "part": device.part,
                "class": find_part(device.part).kind,
                "claims": device.claims(),
                "place": device.place,
                "zone": device.zone,
            }
            for device in hall.devices
        ],
    }
