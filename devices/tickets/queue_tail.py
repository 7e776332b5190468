"""Queue machine of another maker, followed by the CSV or log file that it keeps on writing.

The file lies on the board or on a share that is mounted there, read only. Each poll reads what has been added::

    2026-03-01 09:00:01,取号,A012,,          columns: {step: 1, number: 2, service: 3, counter: 4}
    2026-03-01 09:07:40,呼叫,A012,,3号窗口   steps: {取号: issued, 呼叫: called, 完成: served}

or, where it is no table, a regular expression with the groups ``step``, ``number``, ``service`` and ``counter``, which
begins at the beginning of the line, and an ``example`` of a line that it must understand.

Nothing here is a maker's protocol: which columns and words there are, the hall file says.

* What stood in the file before the driver opened is history, and is not read; nor is the rest of a line of which the
  beginning was written before. A file that appears later is read from its beginning.
* Another file under the same name (rotation): the old one is read to its end, then the new one from its beginning. A
  file that is shorter than what was read (truncation) is read from its beginning. One that was emptied and had grown
  past the old length by the next poll cannot be told from one that grew.
* A line counts when its line end is there. A line of more than 512 characters, one that is not in the ``encoding``, and
  one that says none of the ``steps`` are passed over.
* Rotation leaves a moment without a file; a file that is gone for 10 s is a fault. When the same file is back, it is
  read on from where we were.
"""

import csv
import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import BinaryIO, Literal

import attrs
from attrs import validators

from devices.faults import DeviceFault, fault
from devices.part import Driver, Mount, Part, Wire
from devices.reading import Reading
from devices.tickets.farend import FarEndSettings, far_end
from devices.tickets.pattern import check_pattern
from devices.tickets.ticketing import Ticketing, are_steps, said

FIELDS = ("step", "number", "service", "counter")
# A step that stands for whatever word, or none, the machine writes: for files that hold nothing but calls.
ANY = "*"
_LONGEST = 512
_LONGEST_BYTES = 4 * _LONGEST
_AT_ONCE_BYTES = 65536
_GONE_S = 10.0
# So many lines of which not one was understood are another format than the hall file says.
_FOREIGN_LINES = 20


def _are_columns(instance: object, attribute: object, columns: dict[str, int] | None) -> None:
    for name, place in (columns or {}).items():
        if name not in FIELDS:
            raise ValueError(f"columns are {', '.join(FIELDS)}: {name!r}")
        if not 0 <= place <= 63:
            raise ValueError(f"a column is counted from 0, at most 63: {place}")


def _is_pattern(instance: object, attribute: object, pattern: str | None) -> None:
    if pattern is not None:
        check_pattern(pattern)


@attrs.frozen(kw_only=True)
class Settings(Ticketing, FarEndSettings):
    """``columns`` (counted from 0, separated by ``delimiter``) or ``pattern`` with an ``example``.

    ``steps``  the machine's words to ``issued``, ``called`` or ``served``; ``"*"`` is every other word, or none.
    """

    path: str = attrs.field(validator=validators.matches_re(r"/\S+"))
    steps: dict[str, str] = attrs.field(validator=are_steps)
    columns: dict[str, int] | None = attrs.field(default=None, validator=_are_columns)
    delimiter: str = attrs.field(default=",", validator=validators.matches_re(r"[,;|\t ]"))
    pattern: str | None = attrs.field(default=None, validator=_is_pattern)
    example: str | None = None
    encoding: Literal["utf-8", "gb18030"] = attrs.field(default="utf-8", validator=validators.in_(("utf-8", "gb18030")))
    interval_s: float = attrs.field(default=1.0, validator=[validators.ge(0.2), validators.le(60.0)])

    def __attrs_post_init__(self) -> None:
        if (self.columns is None) == (self.pattern is None):
            raise ValueError("write one of 'columns' and 'pattern'")
        named = self.columns if self.columns is not None else re.compile(self.pattern or "").groupindex
        if not {"number", "counter"} & set(named) or ("step" not in named and ANY not in self.steps):
            raise ValueError(
                {
                    "zh": 'columns 或 pattern 须有 number 或 counter，并有 step（没有 step 时 steps 须有 "*"）',
                    "en": 'columns or pattern need number or counter, and step (or "*" in steps where there is none)',
                }
            )
        if self.pattern is not None and (self.example is None or ticket_of(self.example, self) is None):
            raise ValueError(
                {
                    "zh": "pattern 须配 example：一行该机器写出的原文，且能被 pattern 和 steps 读懂",
                    "en": "a pattern needs an example: a line as the machine writes it, which pattern and steps understand",
                }
            )


class QueueTail(Driver):
    """Reading: ``ticket`` (``step number service counter``)."""

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        self._settings = settings
        self._mount = mount
        self._path = far_end(settings, settings.path)
        self._file: BinaryIO | None = None
        self._read_to = (0, 0)  # inode, and how far
        self._lines = Lines()
        self._here_at = mount.now()
        self._why = ""  # it is not there
        self._foreign = 0
        self._understood = False
        self.interval_s = settings.interval_s

    def open(self) -> None:
        self.close()
        self._here_at = self._mount.now()
        self._file = self._opened()
        if self._file is not None:
            end = self._file.seek(0, os.SEEK_END)
            self._file.seek(max(0, end - 1))
            self._lines.begin(passing_over=self._file.read(1) not in (b"", b"\n"))
            self._note()

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        readings: list[Reading] = []
        self._why = ""
        try:
            for line in self._new_lines():
                readings += self._understand(line, now)
        except OSError as error:  # a share that went away under an open file
            self._why = _name(error)
            self.close()
        if not self._why:
            self._here_at = now
        if readings:
            return readings
        if now - self._here_at >= _GONE_S:
            raise fault("unplugged", detail=f"{self._settings.path} {self._why}")
        if not self._understood and self._foreign >= _FOREIGN_LINES:
            self._foreign = 0
            raise _foreign_format(self._settings.path)
        return ()

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _new_lines(self) -> Iterator[bytes]:
        try:
            there = os.stat(self._path)
        except OSError as error:
            self._why = _name(error)
            return  # what is open is read to its end when a new one is there
        if self._file is not None:
            yield from self._rest(self._file)
            if self._lines.more:
                return
            mine = os.fstat(self._file.fileno())
            if os.path.samestat(mine, there):
                if mine.st_size < self._file.tell():
                    self._file.seek(0)
                    self._lines.begin()
                    yield from self._rest(self._file)
                return
            self.close()
            self._read_to = (0, 0)
        self._file = self._opened()
        if self._file is not None:
            mine = os.fstat(self._file.fileno())
            inode, place = self._read_to
            if inode == mine.st_ino and place <= mine.st_size:
                self._file.seek(place)  # a share that was away and is back
            else:
                self._lines.begin()
            yield from self._rest(self._file)

    def _rest(self, file: BinaryIO) -> list[bytes]:
        data = file.read(_AT_ONCE_BYTES)
        self._note()
        self._lines.more = len(data) == _AT_ONCE_BYTES
        if self._lines.more:
            self._mount.wake()
        return self._lines.feed(data)

    def _note(self) -> None:
        assert self._file is not None
        self._read_to = (os.fstat(self._file.fileno()).st_ino, self._file.tell())

    def _opened(self) -> BinaryIO | None:
        try:
            # Unbuffered, so that tell() is what was really read.
            return open(self._path, "rb", buffering=0)
        except OSError as error:
            self._why = _name(error)
            return None

    def _understand(self, line: bytes, now: float) -> list[Reading]:
        try:
            text = line.decode(self._settings.encoding).lstrip("\ufeff")
        except UnicodeDecodeError:
            text = ""
        told = ticket_of(text, self._settings)
        if told is None:
            self._foreign += 1
            return []
        self._understood = True
        return [Reading(self._settings.id, "ticket", told, now)]


class Lines:
    """Cuts lines out of what is read; of one that is too long, or whose beginning was missed, nothing is told.

    ``more``  there may be more to read at once.
    """

    def __init__(self) -> None:
        self.more = False
        self._rest = b""
        self._passing_over = False

    def begin(self, *, passing_over: bool = False) -> None:
        self._rest, self._passing_over = b"", passing_over

    def feed(self, data: bytes) -> list[bytes]:
        *ended, self._rest = (self._rest + data).split(b"\n")
        if ended and self._passing_over:
            self._passing_over = False
            ended = ended[1:]
        if len(self._rest) > _LONGEST_BYTES or self._passing_over:
            self._rest, self._passing_over = b"", True
        return [line.rstrip(b"\r") for line in ended if len(line) <= _LONGEST_BYTES]


def ticket_of(line: str, settings: Settings) -> str | None:
    """The value of a ``ticket`` reading; None if the line tells nothing of a ticket."""
    fields = _fields(line[: _LONGEST + 1], settings) if len(line) <= _LONGEST else None
    if fields is None:
        return None
    step = settings.steps.get(fields.get("step", "").strip(), settings.steps.get(ANY))
    if step is None:
        return None
    counter = fields.get("counter", "") if step != "issued" else ""
    return said(settings, step, fields.get("number", ""), fields.get("service", ""), counter)


def _fields(line: str, settings: Settings) -> Mapping[str, str] | None:
    if settings.pattern is not None:
        match = re.match(settings.pattern, line)
        return {name: text or "" for name, text in match.groupdict().items()} if match else None
    assert settings.columns is not None
    try:
        row = next(csv.reader([line], delimiter=settings.delimiter), [])
    except csv.Error:
        return None
    if len(row) <= max(settings.columns.values()):
        return None
    return {name: row[place] for name, place in settings.columns.items()}


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def _foreign_format(path: str) -> DeviceFault:
    return DeviceFault(
        "garbled",
        {
            "zh": f"文件内容无法识别：请核对 columns 或 pattern、steps 和 encoding（{path}，连续 {_FOREIGN_LINES} 行）",
            "en": f"the file cannot be understood: check columns or pattern, steps and encoding ({path}, "
            f"{_FOREIGN_LINES} lines)",
        },
    )


PART = Part(
    name="queue-tail",
    kind="tickets",
    says={"zh": "第三方排队机（跟读文件）", "en": "another maker's queue machine, by the file it writes"},
    wires=(Wire.NETWORK,),
    settings=Settings,
    driver=QueueTail,
)
