"""The hall file: one YAML file that says what the hall is, and what stands in it.

Text goes in, a frozen :class:`HallFile` comes out; or every fault at once, each with its line, its path, what is
wrong and what would be right, in both languages. Nothing is opened but the file itself: whether the devices answer
is found out elsewhere. ``document`` reads YAML, ``structure`` types it, ``sentences`` words the faults, ``checks``
holds the sections together.
"""

import errno
import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from devices.faults import Words
from devices.part import Settings, UnknownPart, find_part, part_names
from edge.errors import Misconfigured
from edge.hall.rules import RuleSettings
from edge.hall.site import Site, Unfit, one_of, shown
from edge.hallfile import document, sentences
from edge.hallfile.checks import Known, across
from edge.hallfile.document import MAX_BYTES, Document, Fault
from edge.hallfile.structure import Structured, structure
from edge.hallfile.uplink import PageSettings, UplinkSettings

__all__ = [
    "DEFAULT",
    "Finding",
    "HallFile",
    "HallFileError",
    "PageSettings",
    "UplinkSettings",
    "digest",
    "load",
    "parse",
]

DEFAULT = Path("/etc/hallgate/hall.yaml")


@attrs.frozen(kw_only=True)
class HallFile:
    """A hall file without faults; ``uplink`` None keeps everything in the hall."""

    site: Site
    devices: tuple[Settings, ...]
    rules: RuleSettings
    uplink: UplinkSettings | None
    page: PageSettings


@attrs.frozen
class Finding:
    """One fault: ``line`` from 1 (0: the file as a whole), ``path`` like ``devices[3].address``."""

    line: int
    path: str
    wrong: Words
    right: Words


class HallFileError(Misconfigured):
    """The file is refused whole; ``findings``, by line, are all there is to say against it."""

    def __init__(self, findings: list[Finding]) -> None:
        first = findings[0]
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        where = f"line {first.line} {first.path}: " if first.line else ""
        super().__init__(f"{where}{first.wrong['en']}; {first.right['en']}{more}")
        self.findings = findings


def load(path: str | os.PathLike[str]) -> HallFile:
    """The hall in that file; relative files in it are looked for beside it. Raises HallFileError."""
    path = Path(path)
    return parse(_read(path), path.absolute().parent)


def parse(text: str | bytes, folder: Path) -> HallFile:
    """The hall that a text describes; relative files in it are those of ``folder``. Raises HallFileError."""
    content = Document(_decode(text))
    faults = list(content.faults)
    hall = _Reader(content).read(faults)
    if hall is None or faults:
        raise HallFileError(_findings(content, faults))
    if hall.uplink is not None:
        hall = attrs.evolve(hall, uplink=hall.uplink.relative_to(folder))
    return hall


def digest(content: Path | str | bytes) -> str:
    """A short name for exactly this text (or this file's): 12 hex digits of its SHA-256. Raises OSError."""
    if isinstance(content, Path):
        content = content.read_bytes()
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:12]


# --- the file ----------------------------------------------------------------------------------------------------


_REASONS_ZH = {errno.ENOENT: "没有这个文件", errno.EACCES: "没有权限", errno.EISDIR: "是文件夹"}


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)  # one more than allowed is enough to know
    except (OSError, ValueError) as error:
        # open() says ValueError to a name with a NUL in it.
        reason = (isinstance(error, OSError) and error.strerror) or "not a file name"
        reason_zh = (isinstance(error, OSError) and _REASONS_ZH.get(error.errno or 0)) or reason
        raise _refused(
            {"zh": f"无法读取（{reason_zh}）", "en": f"cannot be read ({reason})"},
            {"zh": "检查文件名和权限", "en": "check its name and permissions"},
        ) from None


def _decode(text: str | bytes) -> str:
    size = len(text)
    if size > MAX_BYTES:
        raise _refused(
            {"zh": f"超过 {MAX_BYTES >> 20} MiB", "en": f"is larger than {MAX_BYTES >> 20} MiB"},
            {"zh": "厅文件只有几 KiB", "en": "a hall file has a few KiB"},
        )
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(
            {"zh": "不是 UTF-8 编码", "en": "is not UTF-8"},
            {"zh": "用 UTF-8 另存（不要用 GBK 或 UTF-16）", "en": "save it as UTF-8, not as GBK or UTF-16"},
            line=text.count(b"\n", 0, error.start) + 1,
        ) from None


def _refused(wrong: Words, right: Words, line: int = 0) -> HallFileError:
    return HallFileError([Finding(line, "", wrong, right)])


def _findings(content: Document, faults: list[Fault]) -> list[Finding]:
    found = {}
    for fault in faults:
        finding = Finding(fault.line or content.line(fault.path), _dotted(fault.path), fault.wrong, fault.right)
        found[finding.line, finding.path, finding.wrong["en"]] = finding
    return [finding for _, finding in sorted(found.items())]


def _dotted(path: document.Path) -> str:
    text = ""
    for step in path:
        key = shown(str(step)).strip("`")
        text += f"[{key}]" if isinstance(step, int) else f".{key}" if text else key
    return text


# --- the sections ------------------------------------------------------------------------------------------------

_SECTIONS = [field.name.replace("site", "hall") for field in attrs.fields(HallFile)]
_ABSENT: Structured[Any] = Structured(None, object(), [])


class _Reader:
    """Reads each section, and each device, by itself, so that one that is wrong hides no other."""

    def __init__(self, content: Document) -> None:
        self._content = content

    def read(self, faults: list[Fault]) -> HallFile | None:
        """The hall as far as it goes; what is wrong with it is added to ``faults``."""
        data = self._content.data
        if not isinstance(data, dict):
            if not faults:
                faults.append(_NOT_A_HALL if data is not None else _EMPTY)
            return None
        found = [_fault((key,), sentences.unknown_key(key, _SECTIONS)) for key in data if key not in _SECTIONS]
        found += [_fault((key,), _MISSING[key]) for key in ("hall", "devices") if key not in data]
        site = self._section(Site, "hall") if "hall" in data else _ABSENT
        rules = self._section(RuleSettings, "rules")
        page = self._section(PageSettings, "page")
        uplink = self._section(UplinkSettings, "uplink") if data.get("uplink") is not None else _ABSENT
        devices = self._devices(data.get("devices"), found)
        for section in (site, rules, page, uplink):
            found += section.faults
        known = [Known(path=("devices", n), data=entry, settings=one.known) for n, entry, one in devices]
        together = list(across(self._content, known, site.known, rules.known))
        # Of two faults of one place the one that knows the whole hall says more.
        found = [fault for fault in found if fault.path not in {other.path for other in together}] + together
        # What cannot be read has been told; that nothing stands in its place follows from it.
        faults += [fault for fault in found if not self._unread(fault.path)]
        if faults or site.value is None or rules.value is None or page.value is None:
            return None
        return HallFile(
            site=site.value,
            devices=tuple(one.value for _, _, one in devices if one.value is not None),
            rules=rules.value,
            uplink=uplink.value,
            page=page.value,
        )

    def _unread(self, path: document.Path) -> bool:
        return any(path[:n] in self._content.unread for n in range(len(path) + 1))

    def _section(self, kind: type[Any], key: str) -> Structured[Any]:
        return structure(kind, self._content.data.get(key), self._content, (key,))

    def _devices(self, entries: Any, faults: list[Fault]) -> list[tuple[int, Any, Structured[Any]]]:
        if entries is None:
            return []
        if not isinstance(entries, list):
            faults.append(_fault(("devices",), _MISSING["no list"]))
            return []
        devices = []
        for n, entry in enumerate(entries):
            one = self._device(entry, ("devices", n))
            faults += one.faults
            devices.append((n, entry, one))
        return devices

    def _device(self, entry: Any, path: document.Path) -> Structured[Any]:
        if not isinstance(entry, dict):
            return structure(Settings, entry, self._content, path)
        name = entry.get("part")
        if not isinstance(name, str):
            return self._unknown_part(entry, path)
        try:
            part = find_part(name)
        except (ImportError, AttributeError, UnknownPart) as error:
            return self._unknown_part(entry, path, _no_part(name, error))
        return structure(part.settings, entry, self._content, path)

    def _unknown_part(
        self, entry: dict[str, Any], path: document.Path, said: sentences.Said | None = None
    ) -> Structured[Any]:
        """What holds for a device of any part is checked all the same."""
        common = {field.name for field in attrs.fields(Settings)}
        one = structure(Settings, {key: entry[key] for key in entry if key in common}, self._content, path)
        return Structured(None, one.known, [*one.faults, *([_fault((*path, "part"), said)] if said else [])])


def _no_part(name: str, error: Exception) -> sentences.Said:
    if not isinstance(error, ImportError):
        parts = []
        for other in sorted(part_names()):
            with suppress(ImportError, AttributeError):  # half a package; a module beside the parts that is none
                parts.append(find_part(other).name)
        try:
            one_of(name, parts, {"zh": "器件", "en": "part"})
        except Unfit as unfit:
            return unfit.wrong, unfit.right
    return (
        {"zh": f"{shown(name)} 的程序无法加载", "en": f"the driver of {shown(name)} cannot be loaded"},
        {"zh": "重新安装提供它的软件包", "en": "install the package that brings it anew"},
    )


def _fault(path: document.Path, said: sentences.Said) -> Fault:
    return Fault(path=path, wrong=said[0], right=said[1])


_EMPTY = Fault(
    path=(),
    wrong={"zh": "文件是空的", "en": "the file is empty"},
    right={
        "zh": "至少写 hall 和 devices，参照 examples",
        "en": "write hall and devices at least, as in the examples",
    },
)
_NOT_A_HALL = Fault(
    path=(),
    wrong={"zh": "文件不是「键: 值」", "en": "the file is no mapping of keys to values"},
    right={"zh": "以 hall: 开头，参照 examples", "en": "begin with hall: as in the examples"},
)
_MISSING: dict[str, tuple[Words, Words]] = {
    "hall": (
        {"zh": "缺少 hall", "en": "hall is missing"},
        {
            "zh": "写上网点、类型、面积、营业时间，参照 examples",
            "en": "write branch, type, area and hours, as in the examples",
        },
    ),
    "devices": (
        {"zh": "缺少 devices", "en": "devices is missing"},
        {"zh": "每行一台设备；没有设备写 []", "en": "one device a line, or [] for none"},
    ),
    "no list": (
        {"zh": "devices 不是列表", "en": "devices is no list"},
        {"zh": "每台设备一行，以 - 开头", "en": "one device a line, each beginning with -"},
    ),
}
