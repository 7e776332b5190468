"""The verbs that look at a running gateway, and the one that sees a broker as a centre does.

Results on stdout: tables on a terminal, tab-separated lines elsewhere, JSON where asked for. Exit codes: 0 done,
1 failed with one line that says why, 2 the call is wrong.
"""

import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from devices.faults import Words
from edge.control import Control, ControlError, default_state
from edge.language import Language, language, pick
from mqtt.messages import ALARM_CODES

_NUMERALS = {1: "I", 2: "II", 3: "III", 4: "IV"}
# As terminals have them; the numeral stands beside, so nothing is lost where there are no colours.
_COLOURS = {1: "red", 2: "bright_red", 3: "yellow", 4: "blue"}

_STATES: dict[str, Words] = {
    "unacknowledged": {"zh": "未确认", "en": "not acknowledged"},
    "acknowledged": {"zh": "已确认", "en": "acknowledged"},
    "returned": {"zh": "已恢复，待确认", "en": "over, not acknowledged"},
    "shelved": {"zh": "已搁置", "en": "shelved"},
}
_AWAITING = ("unacknowledged", "returned")

_Verb = TypeVar("_Verb", bound=Callable[..., None])


def _state_option(verb: _Verb) -> _Verb:
    return click.option(
        "--state", type=click.Path(path_type=Path, file_okay=False), help="The gateway's state directory."
    )(verb)


def _json_option(help: str) -> Callable[[_Verb], _Verb]:
    return click.option("--json", "as_json", is_flag=True, help=help)


def _language_option(verb: _Verb) -> _Verb:
    return click.option(
        "--language", "speech", type=click.Choice(["zh", "en"]), default=language, help="Instead of the environment's."
    )(verb)


@click.command()
@_state_option
@_json_option("One JSON object, for a program.")
@_language_option
def status(state: Path | None, as_json: bool, speech: Language) -> None:
    """How the gateway that runs here is. 网关状态"""
    control = Control(state or default_state())
    told = _ask(lambda: control.get("status"), speech)
    if as_json:
        _print_json(told)
        return
    hall = _ask(lambda: control.get("hall"), speech)
    devices = _ask(lambda: control.get("devices"), speech)
    standing = _ask(lambda: control.get("alarms"), speech)
    _print_facts(list(_facts(told, hall, devices, standing, speech)))


@click.command()
@_state_option
@_json_option("A JSON array, for a program.")
@_language_option
def alarms(state: Path | None, as_json: bool, speech: Language) -> None:
    """The alarms that stand now, the gravest first. 当前报警"""
    control = Control(state or default_state())
    standing = _ask(lambda: control.get("alarms"), speech)
    if as_json:
        _print_json(standing)
        return
    if not standing:
        click.echo(pick({"zh": "没有报警", "en": "no alarms"}, speech))
        return
    told = _ask(lambda: control.get("status"), speech)
    zone, today = _zone(told), told["wall"]
    heads: dict[Language, Sequence[str]] = {
        "zh": ("级", "代码", "来源", "状态", "自", "内容"),
        "en": ("level", "code", "source", "state", "since", "text"),
    }
    rows = [
        (
            _NUMERALS[alarm["level"]],
            alarm["code"],
            alarm["source"],
            pick(_STATES[alarm["state"]], speech) if alarm["state"] in _STATES else alarm["state"],
            _since(alarm["raised_at"], today, zone),
            (pick({"zh": "【演练】", "en": "DRILL "}, speech) if alarm["drill"] else "") + pick(alarm["text"], speech),
        )
        for alarm in standing
    ]
    _print_table(heads[speech], rows, [_COLOURS[alarm["level"]] for alarm in standing])


@click.command()
@click.argument("code", type=click.Choice(sorted(ALARM_CODES), case_sensitive=False), metavar="CODE")
@click.argument("source", required=False)
@click.option("--by", required=True, help="Who takes notice of it.")
@_state_option
@_language_option
def acknowledge(code: str, source: str | None, by: str, state: Path | None, speech: Language) -> None:
    """Take notice of the alarm CODE; SOURCE may be left out where it is the only one of that code. 确认报警"""
    if not 0 < len(by) <= 64:
        raise click.BadParameter(
            pick({"zh": "应写明何人，1–64 字", "en": "must say who, in 1 to 64 characters"}, speech),
            param_hint="--by",
        )
    control = Control(state or default_state())
    if source is None:
        source = _only_source(code, _ask(lambda: control.get("alarms"), speech), speech)
    _ask(lambda: control.do("acknowledge", {"code": code, "source": source}, by), speech)
    click.echo(pick({"zh": f"已确认 {code}/{source}", "en": f"acknowledged {code}/{source}"}, speech))


def _only_source(code: str, standing: list[dict[str, Any]], speech: Language) -> str:
    of_code = [alarm for alarm in standing if alarm["code"] == code]
    # One that somebody has taken notice of already is not what is meant.
    awaiting = [alarm for alarm in of_code if alarm["state"] in _AWAITING] or of_code
    if not awaiting:
        _fail({"zh": f"没有 {code} 报警", "en": f"there is no alarm {code}"}, speech)
    if len(awaiting) > 1:
        listed = ", ".join(sorted(alarm["source"] for alarm in awaiting))
        raise click.UsageError(
            pick(
                {
                    "zh": f"{code} 有多处：{listed}；请在 {code} 之后写明一处",
                    "en": f"{code} stands at several: {listed}; name one of them after {code}",
                },
                speech,
            )
        )
    return str(awaiting[0]["source"])


@click.command()
@click.argument("url")
@click.option("--branch", help="One branch instead of all.")
@click.option("--ca", type=click.Path(path_type=Path, exists=True), help="Who signed the broker's certificate (PEM).")
@click.option("--certificate", type=click.Path(path_type=Path, exists=True), help="Our own certificate (PEM).")
@click.option("--key", type=click.Path(path_type=Path, exists=True), help="Its key (PEM).")
@_json_option("One JSON object a line, for a program.")
@_language_option
def watch(
    url: str,
    branch: str | None,
    ca: Path | None,
    certificate: Path | None,
    key: Path | None,
    as_json: bool,
    speech: Language,
) -> None:
    """What a central dashboard sees at the broker URL, message by message, until Ctrl-C. 查看中心所见"""
    # Only this verb speaks MQTT.
    from mqtt.uplink import Address, BadAddress
    from mqtt.watcher import Heard, follow

    try:
        address = Address.of(url, ca=ca, certificate=certificate, key=key)
    except BadAddress:
        wrong: Words = {
            "zh": f"{url} 不是 broker 地址；写成 mqtt://host:1883 或 mqtts://host:8883",
            "en": f"{url} is no broker's address; write mqtt://host:1883 or mqtts://host:8883",
        }
        raise click.BadParameter(pick(wrong, speech), param_hint="URL") from None
    if branch is not None and (not branch or set(branch) & set("/+#")):
        raise click.BadParameter(
            pick({"zh": "是一个网点的编号", "en": "is the name of one branch"}, speech), param_hint="--branch"
        )
    with _ended_by_a_signal(), closing(follow(address, branch)) as events:
        for event in events:
            if isinstance(event, Heard):
                click.echo(_as_json(event) if as_json else _as_line(event, speech))
            elif event.up:
                _note({"zh": f"已连接 {address}", "en": f"connected to {address}"}, speech)
            else:
                why: Words = {
                    "zh": f"连不上 {address}（{event.reason}），继续尝试",
                    "en": f"no connection to {address} ({event.reason}), trying again",
                }
                _note(why, speech)


@contextmanager
def _ended_by_a_signal() -> Iterator[None]:
    """Ctrl-C and a service manager's word end what is under way, at once and without a complaint."""
    # SIGINT as well: a shell that starts us in the background has it ignored.
    ends = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.default_int_handler) for number in ends}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _as_json(heard: Any) -> str:
    line = {"topic": heard.topic, "retained": heard.retained, "message": heard.message}
    if heard.payload and heard.message is None:
        line["unreadable"] = heard.payload.decode("utf-8", "replace")
    return json.dumps(line, ensure_ascii=False)


def _as_line(heard: Any, speech: Language) -> str:
    from mqtt.watcher import summary

    message = heard.message
    level = message.get("level") if isinstance(message, dict) else None
    # Columns of names that are plain ASCII; only the last holds what people read.
    where = f"{datetime.now():%H:%M:%S}  {heard.branch:<16} {heard.tree:<4} {heard.rest:<28}"  # noqa: DTZ005  # our own
    said = summary(heard, speech)
    return f"{_printable(where)} {click.style(said, fg=_COLOURS.get(level)) if level else said}"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


# --- asking, and failing ------------------------------------------------------------------------------------------

_Answer = TypeVar("_Answer")


def _ask(call: Callable[[], _Answer], speech: Language) -> _Answer:
    try:
        return call()
    except ControlError as error:
        _fail(error.text, speech)


def _fail(why: Words, speech: Language) -> NoReturn:
    _note(why, speech)
    sys.exit(1)


def _note(text: Words, speech: Language) -> None:
    click.echo(f"hallgate: {pick(text, speech)}", err=True)


# --- showing -----------------------------------------------------------------------------------------------------


def _facts(
    told: Mapping[str, Any],
    hall: Mapping[str, Any] | None,
    devices: list[dict[str, Any]],
    standing: list[dict[str, Any]],
    speech: Language,
) -> Iterator[tuple[str, str]]:
    def say(zh: str, en: str) -> str:
        return zh if speech == "zh" else en

    zone = _zone(told)
    yield say("营业厅", "hall"), f"{pick(told['name'], speech)} ({told['branch']}, {told['type']})"
    if told["simulated"]:
        yield say("模拟", "simulated"), f"×{told['speed']:g}" if told["speed"] else say("是", "yes")
    synced = say("时钟已同步", "clock synchronised")
    unsynced = say("时钟未同步", "clock not synchronised")
    clock = synced if told["clock"] == "synced" else unsynced
    yield say("时间", "time"), f"{_when(told['wall'], zone)} {told['timezone']}, {clock}"
    if hall is not None:
        yield (
            say("当前", "now"),
            say(
                f"{'营业中' if hall['open'] else '未营业'}，厅内 {hall['occupancy']}/{hall['capacity']}，"
                f"等候 {hall['waiting']} 人，窗口 {hall['counters_open']}",
                f"{'open' if hall['open'] else 'closed'}, {hall['occupancy']} of {hall['capacity']} inside, "
                f"{hall['waiting']} waiting, {hall['counters_open']} counters",
            ),
        )
    yield say("报警", "alarms"), _count_alarms(standing, speech)
    ill = [f"{device['device']} ({device['health']})" for device in devices if device["health"] != "ok"]
    yield say("设备", "devices"), ", ".join([f"{len(devices) - len(ill)} {say('正常', 'ok')}", *ill])
    yield say("中心", "centre"), _line(told["uplink"], speech)
    if told["inbox_dropped"]:
        yield say("丢弃读数", "readings dropped"), str(told["inbox_dropped"])
    if not told["alive"]:
        yield say("网关", "gateway"), say("有部分停止运行，详见日志", "a part of it has stopped, see its log")
    since = _when(told["since"], zone)
    yield say("版本", "version"), f"hallgate {told['version']}, {say(f'自 {since}', f'since {since}')}"


def _count_alarms(standing: list[dict[str, Any]], speech: Language) -> str:
    if not standing:
        return pick({"zh": "没有", "en": "none"}, speech)
    levels = [alarm["level"] for alarm in standing]
    return ", ".join(f"{_NUMERALS[level]}: {levels.count(level)}" for level in sorted(set(levels)))


def _line(uplink: Mapping[str, Any], speech: Language) -> str:
    if uplink["address"] is None:
        return pick({"zh": "未设，数据留在本厅", "en": "none configured, everything stays in the hall"}, speech)
    state: Words = {"zh": "已连接", "en": "connected"} if uplink["connected"] else {"zh": "断开", "en": "not reachable"}
    said = f"{uplink['address']} {pick(state, speech)}, "
    said += pick({"zh": f"{uplink['waiting']} 条待发", "en": f"{uplink['waiting']} rows waiting"}, speech)
    if uplink["refused"]:
        said += pick({"zh": f"，{uplink['refused']} 条被拒", "en": f", {uplink['refused']} refused"}, speech)
    return said


def _zone(told: Mapping[str, Any]) -> ZoneInfo:
    try:
        return ZoneInfo(told["timezone"])
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _when(rfc3339: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(rfc3339).astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _since(rfc3339: str, now: str, zone: ZoneInfo) -> str:
    """For a person the clock is enough where it was today; a program and a log want the whole of it."""
    then = _when(rfc3339, zone)
    same_day = then[:10] == _when(now, zone)[:10]
    return then[11:] if same_day and _on_terminal() else then


def _print_json(answer: Any) -> None:
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def _print_facts(facts: list[tuple[str, str]]) -> None:
    if not _on_terminal():
        for name, value in facts:
            click.echo(f"{name}\t{value}")
        return
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for fact in facts:
        table.add_row(*fact)
    _console().print(table)


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]], colours: Sequence[str]) -> None:
    if not _on_terminal():
        for row in (heads, *rows):
            click.echo("\t".join(row))
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in heads[:-1]:
        table.add_column(head, no_wrap=True)
    table.add_column(heads[-1], overflow="fold")
    for row, colour in zip(rows, colours, strict=True):
        table.add_row(Text(f" {row[0]} ", style=f"bold reverse {colour}"), *row[1:])
    _console().print(table)


def _on_terminal() -> bool:
    return sys.stdout.isatty()


def _console() -> Any:
    from rich.console import Console

    # What is shown came from a hall: nothing in it is markup.
    return Console(highlight=False, markup=False, emoji=False)
