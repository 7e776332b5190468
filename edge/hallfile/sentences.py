"""What a technician is told of a value that does not fit: what it is, and what would be right, with numbers."""

import math
import re
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from enum import Enum
from pathlib import PurePath
from typing import Any, Literal, Union, get_args, get_origin, is_typeddict
from zoneinfo import ZoneInfo

import attrs

from devices.faults import Words
from devices.part import PINS
from edge.hall.site import Hours, shown

Said = tuple[Words, Words]


def number(value: float) -> str:
    """A number as one would type it."""
    return format(value, ".10g")


def said_of(value: Any, source: str | None) -> Words:
    """What stands there, as the subject of a sentence."""
    if isinstance(value, dict):
        return {"zh": "这一组键值", "en": "a mapping"}
    if isinstance(value, list):
        if not all(isinstance(item, int) for item in value):
            return {"zh": "这个列表", "en": "a list"}
        source = str(value)
    text = shown(source if source is not None else str(value))
    return {"zh": text, "en": text}


# --- types -------------------------------------------------------------------------------------------------------


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        kinds = [k for k in get_args(kind) if k is not types.NoneType]
        if len(kinds) == 1:
            return kinds[0]
    return kind


def _choices(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(choice.value) for choice in kind]
    return []


def wrong_type(name: str, kind: Any, value: Any, source: str | None) -> Said:
    """``value`` stands where the field ``name`` wants a ``kind``."""
    kind = _without_none(kind)
    it = said_of(value, source)
    if choices := _choices(kind):
        near = get_close_matches(str(value), choices, n=1)
        listed = ", ".join(choices)
        wrong: Words = {"zh": f"{it['zh']} 不在可选之列", "en": f"{it['en']} is none of the choices"}
        return wrong, {
            "zh": (f"是否为 {near[0]}？" if near else "") + f"可选：{listed}",
            "en": (f"perhaps {near[0]}? " if near else "") + f"one of {listed}",
        }
    wanted = _wanted(name, kind)
    if value is None:
        return {"zh": "这里没有值", "en": "nothing stands here"}, wanted[1]
    wrong = {"zh": f"{it['zh']} 不是{wanted[0]['zh']}", "en": f"{it['en']} is not {wanted[0]['en']}"}
    if isinstance(value, str) and wanted is not _TYPES[str]:
        wrong = {
            "zh": f"{it['zh']} 是文字，不是{wanted[0]['zh']}",
            "en": f"{it['en']} is text, not {wanted[0]['en']}",
        }
    return wrong, _right_type(name, kind, value, source) or wanted[1]


_TYPES: dict[Any, Said] = {
    int: ({"zh": "整数", "en": "a whole number"}, {"zh": "写整数，例如 8", "en": "write a whole number such as 8"}),
    float: (
        {"zh": "数字", "en": "a number"},
        {"zh": "只写数字，例如 37.3", "en": "write the number alone, such as 37.3"},
    ),
    str: (
        {"zh": "文字", "en": "text"},
        {"zh": "写文字；像数字的加引号", "en": "write text, in quotes where it looks like a number"},
    ),
    bool: ({"zh": " true 或 false", "en": "true or false"}, {"zh": "写 true 或 false", "en": "write true or false"}),
    list: ({"zh": "列表", "en": "a list"}, {"zh": "写成 [a, b]", "en": "write it like [a, b]"}),
    dict: ({"zh": "一组键值", "en": "a mapping"}, {"zh": "写成 {键: 值}", "en": "write it like {key: value}"}),
    Words: (
        {"zh": "中英文一对", "en": "a pair of zh and en"},
        {"zh": "写成 {zh: 正门, en: main door}", "en": "write it like {zh: 正门, en: main door}"},
    ),
    Hours: (
        {"zh": "营业时间", "en": "opening hours"},
        {"zh": "写成 {mon-fri: 09:00-17:00}", "en": "write it like {mon-fri: 09:00-17:00}"},
    ),
    ZoneInfo: (
        {"zh": "时区名", "en": "a time zone"},
        {"zh": "写地区名，例如 Asia/Shanghai", "en": "write its name, such as Asia/Shanghai"},
    ),
    PurePath: (
        {"zh": "文件名", "en": "a file name"},
        {"zh": "写文件名，例如 ca.pem", "en": "write one such as ca.pem"},
    ),
}


# Keys that most hall files have -> what stands there in one.
_EXAMPLES = {
    "branch": "jingan-0042",
    "bus": "i2c-1, /dev/ttyUSB0",
    "en": "main door",
    "id": "door-main",
    "on": "AIR",
    "part": "beams",
    "pins": "[17, 27]",
    "raises": "PANIC",
    "services": "{A: {zh: 理赔, en: claims}}",
    "type": "medium",
    "url": "mqtts://broker.example:8883",
    "zh": "正门",
    "zone": "waiting",
}


def _wanted(name: str, kind: Any) -> Said:
    plain = get_origin(kind) or kind
    if name in _EXAMPLES and plain in _TYPES:
        return _TYPES[plain][0], {"zh": f"例如 {_EXAMPLES[name]}", "en": f"such as {_EXAMPLES[name]}"}
    if plain in _TYPES:
        return _TYPES[plain]
    if plain is tuple or (isinstance(plain, type) and issubclass(plain, Sequence)):
        return _TYPES[list]
    if isinstance(plain, type) and issubclass(plain, PurePath):
        return _TYPES[PurePath]
    if is_typeddict(plain) or attrs.has(plain):
        return _TYPES[dict]
    return {"zh": "可用的值", "en": "a value that fits"}, {
        "zh": "请查阅该器件的说明",
        "en": "see the description of this part",
    }


def _right_type(name: str, kind: Any, value: Any, source: str | None) -> Words | None:
    plain = get_origin(kind) or kind
    if plain in (int, float) and isinstance(value, str):
        if meant := _number_meant(name, value, whole=plain is int):
            return meant
    elif plain is int and isinstance(value, float) and value.is_integer():
        return _write(number(value))
    elif plain is str and source is not None and isinstance(value, int | float):
        return {"zh": f"加引号：'{source}'", "en": f"put it in quotes: '{source}'"}
    elif plain is bool and str(value).lower() in _SWITCH:
        return _write(_SWITCH[str(value).lower()])
    elif plain in (list, tuple) and isinstance(value, int):
        return _write(f"[{source}]")
    elif plain is Words and isinstance(value, str) and value:
        return _write(f"{{zh: …, en: {value}}}" if value.isascii() else f"{{zh: {value}, en: …}}")
    return None


_SWITCH = {
    "yes": "true",
    "on": "true",
    "1": "true",
    "y": "true",
    "no": "false",
    "off": "false",
    "0": "false",
    "n": "false",
}


def _write(text: str) -> Words:
    return {"zh": f"应写 {text}", "en": f"write {text}"}


# --- units -------------------------------------------------------------------------------------------------------

_UNIT = re.compile(r"([-+]?(?:[0-9]+(?:,[0-9]{3})*(?:[.,][0-9]+)?|\.[0-9]+))\s*((?:[^\W\d_]|[%％°℃℉㎡]).*)?")
_HEX = re.compile(r"(?:0x)?([0-9a-f]{2})h?", re.IGNORECASE)

_FAHRENHEIT: Callable[[float], float] = lambda f: round((f - 32) / 1.8, 1)  # noqa: E731 (a row of the tables below)

# How a unit behind a number is brought to the unit that the field's name ends in.
_UNITS: dict[str, dict[str, Callable[[float], float]]] = {
    "_c": dict.fromkeys(("f", "°f", "℉", "fahrenheit", "华氏度"), _FAHRENHEIT),
    "_ppm": dict.fromkeys(("%", "％"), lambda p: p * 10_000),
    "_min": dict.fromkeys(("s", "sec", "秒"), lambda s: s / 60)
    | dict.fromkeys(("h", "hour", "hours", "小时"), lambda h: h * 60),
    "_h": dict.fromkeys(("min", "minutes", "m", "分钟", "分"), lambda m: m / 60),
    "_s": dict.fromkeys(("ms", "毫秒"), lambda m: m / 1000)
    | dict.fromkeys(("min", "minutes", "分钟"), lambda m: m * 60),
}


def _number_meant(name: str, text: str, *, whole: bool) -> Words | None:
    """A number written as text: with its unit, in quotes, with a comma."""
    if name == "address" and (match := _HEX.fullmatch(text.strip())):
        return {"zh": f"不加引号：0x{match[1].lower()}", "en": f"without quotes: 0x{match[1].lower()}"}
    match = _UNIT.fullmatch(text.strip())
    if match is None:
        return None
    digits = match[1]
    if re.fullmatch(r"[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", digits):
        digits = digits.replace(",", "")
    try:
        value = float(digits.replace(",", "."))
    except ValueError:
        return None
    unit = (match[2] or "").strip().lower()
    if unit in ("%", "％") and not name.endswith("_ppm"):
        value /= 100
    for suffix, units in _UNITS.items():
        if name.endswith(suffix) and unit in units:
            value = units[unit](value)
    if not math.isfinite(value) or (whole and not value.is_integer()):
        return None
    alone = number(value)
    if unit:
        return {"zh": f"只写数字，不写单位：{alone}", "en": f"write the number alone: {alone}"}
    return {"zh": f"不加引号：{alone}", "en": f"without quotes or commas: {alone}"}


def _looks_like(name: str) -> Iterator[tuple[Words, Callable[[float], float], str]]:
    """In which other unit a value out of range may have been given, and the unit that is meant."""
    if name.endswith("_c") and not name.startswith("offset"):
        yield {"zh": "华氏度", "en": "Fahrenheit"}, _FAHRENHEIT, " ℃"
        yield {"zh": "开尔文", "en": "kelvin"}, lambda k: round(k - 273.15, 1), " ℃"
    elif name.endswith("_ppm"):
        yield {"zh": "百分比", "en": "percent"}, lambda p: p * 10_000, " ppm"
    elif name.endswith("_min"):
        yield {"zh": "秒", "en": "seconds"}, lambda s: s / 60, " min"
    elif name.endswith("_h") and "per_h" not in name:
        yield {"zh": "分钟", "en": "minutes"}, lambda m: m / 60, " h"
    elif name.endswith("_s"):
        yield {"zh": "毫秒", "en": "milliseconds"}, lambda m: m / 1000, " s"
    elif name in ("warn", "full"):
        yield {"zh": "百分比", "en": "percent"}, lambda p: p / 100, ""


# --- limits ------------------------------------------------------------------------------------------------------

# A pattern that a part asks for -> a text that satisfies it; no technician reads regular expressions.
_SUCH_AS = {r"i2c-\d+": "i2c-1", r"/dev/\S+": "/dev/ttyUSB0"}


def unfit_value(name: str, validator: Any, value: Any, source: str | None, error: Exception) -> Said:
    """``value`` is of the right type, but the field's ``validator`` refused it with ``error``."""
    it = said_of(value, source)
    rules = list(_rules(validator))
    low, high = _bounds(rules)
    if isinstance(value, int | float) and not (_above(value, low) and _below(value, high)):
        return _out_of_range(name, value, it, low, high)
    wrong: Words = {"zh": f"{it['zh']} 在这里不成立", "en": f"{it['en']} does not fit here"}
    if value in ({}, []):
        wrong = {"zh": "这里是空的", "en": "this is empty"}
    for rule in rules:
        pattern, options = getattr(rule, "pattern", None), getattr(rule, "options", None)
        if isinstance(pattern, re.Pattern) and isinstance(value, str):
            such_as = _SUCH_AS.get(pattern.pattern, pattern.pattern)
            return wrong, {"zh": f"例如 {such_as}", "en": f"such as {such_as}"}
        if options is not None:
            listed = ", ".join(map(str, options))
            return wrong, {"zh": f"可选：{listed}", "en": f"one of {listed}"}
        if isinstance(value, list | tuple | dict | str):
            least, most = getattr(rule, "min_length", None), getattr(rule, "max_length", None)
            if least is not None and len(value) < least:
                return wrong, {"zh": f"至少 {least} 项", "en": f"{least} at least"}
            if most is not None and len(value) > most:
                return wrong, {"zh": f"至多 {most} 项", "en": f"{most} at most"}
    return wrong, _own_words(value, error)


# What the checks of the built-in parts say -> the same in Chinese. A part from elsewhere raises ValueError with a
# Words instead of a text, or is quoted in the English that it has.
_IN_CHINESE: tuple[tuple[str, str], ...] = (
    (r"must be (?:a )?BCM pins? from", f"写 BCM 引脚号 {PINS[0]}–{PINS[-1]}，不是排针序号"),
    (r"must be different pins|needs a pin of its own", "引脚不能重复"),
    (r"must be two, \[outer, inner\]", "写两个引脚：[外侧, 内侧]"),
    (r"must be one, \[pin\]", "只写一个引脚：[17]"),
    (r"at least one service", "至少写一项业务，例如 {A: {zh: 理赔, en: claims}}"),
    (r"one capital letter", "业务用一个大写字母，例如 A"),
    (r"looks like the printer's answer", "该字母与打印机应答相同：换一个字母，或写 pin"),
    (r"10 hex digits", "卡号为 10 位十六进制数，加引号"),
    (r"what the reader sees where there is none", "这是读卡器空读时的号码，不是卡"),
    (r"needs a name", "写上持卡人"),
    (r"the same card stands here twice", "同一张卡只写一次"),
)


def _own_words(value: Any, error: Exception) -> Words:
    """What a part's own check says: in both languages if it can."""
    said = error.args[0] if error.args else ""
    if isinstance(said, dict) and {"zh", "en"} <= said.keys():
        return {"zh": str(said["zh"]), "en": str(said["en"])}
    en = re.sub(r"^'\w+' ", "", str(said)).removesuffix(f": {value}").removesuffix(f": {value!r}")
    if not en:
        return {"zh": "请查阅该器件的说明", "en": "see the description of this part"}
    zh = next((zh for pattern, zh in _IN_CHINESE if re.search(pattern, en)), f"请按该器件的要求修改（{en}）")
    return {"zh": zh, "en": en}


def _rules(validator: Any) -> Iterator[Any]:
    """The single rules within an attrs validator. Its classes are private, so they are known by what they carry."""
    if isinstance(validator, list | tuple):
        for inner in validator:
            yield from _rules(inner)
        return
    yield validator
    for holder in ("_validators", "validator"):
        inner = getattr(validator, holder, None)
        if inner is not None:
            yield from _rules(inner)


_Bound = tuple[float, bool] | None  # the number, and whether it is itself allowed


def _bounds(rules: list[Any]) -> tuple[_Bound, _Bound]:
    low: _Bound = None
    high: _Bound = None
    for rule in rules:
        bound, compare = getattr(rule, "bound", None), getattr(rule, "compare_op", "")
        if isinstance(bound, int | float) and isinstance(compare, str):
            if compare.startswith(">"):
                low = (bound, "=" in compare)
            elif compare.startswith("<"):
                high = (bound, "=" in compare)
    return low, high


def _above(value: float, low: _Bound) -> bool:
    return low is None or value > low[0] or (value == low[0] and low[1])


def _below(value: float, high: _Bound) -> bool:
    return high is None or value < high[0] or (value == high[0] and high[1])


def _out_of_range(name: str, value: float, it: Words, low: _Bound, high: _Bound) -> Said:
    write = (lambda v: f"0x{int(v):02x}") if name == "address" else number
    zh, en = [], []
    if low is not None:
        zh.append(f"{'不小于' if low[1] else '大于'} {write(low[0])}")
        en.append(f"{write(low[0])} or more" if low[1] else f"more than {write(low[0])}")
    if high is not None:
        zh.append(f"{'不大于' if high[1] else '小于'} {write(high[0])}")
        en.append(f"{write(high[0])} or less" if high[1] else f"less than {write(high[0])}")
    if low is not None and high is not None and low[1] and high[1]:
        zh, en = [f"{write(low[0])} 至 {write(high[0])}"], [f"from {write(low[0])} to {write(high[0])}"]
    right: Words = {"zh": "，".join(zh), "en": ", ".join(en)}
    wrong: Words = {"zh": f"{it['zh']} 超出范围", "en": f"{it['en']} is out of range"}
    if (
        name == "address"
        and isinstance(value, int)
        and value % 2 == 0
        and _above(value // 2, low)
        and _below(value // 2, high)
    ):
        return (
            {"zh": f"{it['zh']} 像是含读写位的 8 位地址", "en": f"{it['en']} looks like an 8-bit address"},
            {"zh": f"7 位地址为 0x{value // 2:02x}", "en": f"the 7-bit address is 0x{value // 2:02x}"},
        )
    for unit, convert, wanted in _looks_like(name):
        meant = convert(value)
        if _above(meant, low) and _below(meant, high):
            wrong = {"zh": f"{it['zh']} 像是{unit['zh']}", "en": f"{it['en']} looks like {unit['en']}"}
            right = {
                "zh": f"换算为 {number(meant)}{wanted}（{right['zh']}）",
                "en": f"that is {number(meant)}{wanted} ({right['en']})",
            }
            break
    return wrong, right


# --- keys --------------------------------------------------------------------------------------------------------


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The key that was probably meant."""
    return next(iter(get_close_matches(key.lower(), list(known), n=1, cutoff=0.5)), None)


def unknown_key(key: str, known: list[str]) -> Said:
    """A key that nothing reads is a typing mistake."""
    near = nearest(key, known)
    listed = ", ".join(known)
    return (
        {"zh": f"没有 {shown(key)} 这个键", "en": f"there is no key {shown(key)}"},
        {
            "zh": (f"是否为 {near}？" if near else "") + f"此处可用：{listed}",
            "en": (f"perhaps {near}? " if near else "") + f"known here: {listed}",
        },
    )


def missing_key(key: str, kind: Any) -> Said:
    """A key without which nothing works."""
    kind = _without_none(kind)
    choices = ", ".join(_choices(kind))
    right = _wanted(key, kind)[1]
    return (
        {"zh": f"缺少 {key}", "en": f"{key} is missing"},
        {"zh": f"可选：{choices}", "en": f"one of {choices}"} if choices else right,
    )


# --- words and places --------------------------------------------------------------------------------------------

NO_WORDS: Said = (
    {"zh": "不是一行 1–64 个字的文字", "en": "this is no text of one line and 1 to 64 characters"},
    {"zh": "中文和英文都要写", "en": "write both the Chinese and the English"},
)


def no_zone(name: str, zones: set[str]) -> Said:
    """A time zone that nobody knows. All of China is Asia/Shanghai, which is the one most often looked for."""
    near = get_close_matches(name, [*zones], n=1)
    perhaps = "Asia/Shanghai" if not near or re.search("beijing|china|utc|gmt|cst", name, re.IGNORECASE) else near[0]
    return (
        {"zh": f"没有 {shown(name)} 这个时区", "en": f"there is no time zone {shown(name)}"},
        {"zh": f"例如 {perhaps}", "en": f"such as {perhaps}"},
    )
