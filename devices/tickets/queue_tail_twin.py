"""A queue machine that writes a file, as its share shows it.

Its file is in a directory of its own, wherever the hall file says that the real one is.
"""

import csv
import io
import os
import re
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

from devices.tickets.farend import stand_in
from devices.tickets.machine import Machine
from devices.world.twin import Stage, Trouble


class QueueTailTwin(Machine):
    """Unplugged, the share is gone, and what it writes meanwhile is there afterwards. Silent, it writes nothing. Stuck,
    it writes its last line again. Garbled, a bit of each line is wrong."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self._room = Path(tempfile.mkdtemp(prefix="hallgate-queue-"))
        weakref.finalize(self, shutil.rmtree, self._room, ignore_errors=True)
        self._away = self._room / "away"
        self.file = self._room / "share" / "tickets"
        self.file.parent.mkdir()
        self.file.touch()
        self._words = {step: word for word, step in settings.steps.items()}
        self._last = b""
        stand_in(settings, str(self.file))

    def tell(self, step: str, number: str, service: str, counter: int | None) -> None:
        if step not in self._words:
            return
        fields = {"step": self._words[step], "number": number, "service": service, "counter": str(counter or "")}
        line = (self._row(fields) if self.settings.columns is not None else self._like_example(fields)) + "\r\n"
        if self.trouble is not Trouble.STUCK or not self._last:
            self._last = line.encode(self.settings.encoding)
        self.write(self._last)

    def write(self, data: bytes) -> None:
        """Append those bytes as they are."""
        if self.trouble is Trouble.SILENT:
            return
        if self.trouble is Trouble.GARBLED and data:
            at = self.stage.random.randrange(len(data))
            data = data[:at] + bytes([data[at] ^ 0x80]) + data[at + 1 :]
        with open(self._now_at(), "ab") as file:
            file.write(data)

    def rotate(self) -> None:
        """The file gets another name, and a new one begins."""
        there = self._now_at()
        os.replace(there, there.with_suffix(".1"))
        there.touch()

    def truncate(self) -> None:
        """The same file begins anew."""
        os.truncate(self._now_at(), 0)

    def suffer(self, trouble: Trouble) -> None:
        if trouble is Trouble.UNPLUGGED and self.trouble is not trouble:
            self.file.parent.rename(self._away)
        super().suffer(trouble)

    def recover(self) -> None:
        if self.trouble is Trouble.UNPLUGGED:
            self._away.rename(self.file.parent)
        super().recover()

    def _now_at(self) -> Path:
        return self._away / self.file.name if self.trouble is Trouble.UNPLUGGED else self.file

    def _row(self, fields: dict[str, str]) -> str:
        columns = self.settings.columns
        row = [""] * (max(columns.values()) + 1)
        for name, place in columns.items():
            row[place] = fields[name]
        text = io.StringIO()
        csv.writer(text, delimiter=self.settings.delimiter, lineterminator="").writerow(row)
        return text.getvalue()

    def _like_example(self, fields: dict[str, str]) -> str:
        """The hall file's example with other words in its groups."""
        line: str = self.settings.example
        match = re.match(self.settings.pattern, line)
        assert match is not None
        spans = [(match.span(name), name) for name in fields if name in match.groupdict() and match[name] is not None]
        for (begin, end), name in sorted(spans, reverse=True):
            line = line[:begin] + (fields[name] or match[name]) + line[end:]
        return line


TWIN = QueueTailTwin
