"""A QR scanner as its line sees it, in the mode in which it reads again and again what is held before it."""

from typing import Any

from devices.world.twin import Stage, Trouble, Twin

_REPEAT_S = 0.5


class QrReaderTwin(Twin):
    """``suffix`` and ``encoding`` are how it was set up. Stuck, it goes on telling the last code for ever."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.baud = settings.baud
        self.suffix = b"\r"
        self.encoding = "utf-8" if settings.encoding == "auto" else settings.encoding
        self._code = ""
        self._until = 0.0
        self._presence = 0

    def present(self, card: str, seconds: float = 0.1) -> None:
        """That code is held before it for so long."""
        self._code = card
        self._until = self.stage.now() + seconds
        self._presence += 1
        self._repeat(self._presence)

    def scan(self, code: str | bytes) -> None:
        """It reads that once."""
        data = code if isinstance(code, bytes) else code.encode(self.encoding)
        self.stage.line.send(data + self.suffix)

    def _repeat(self, presence: int) -> None:
        stuck = self.trouble is Trouble.STUCK  # it never notices that the code has gone
        if presence == self._presence and (stuck or self.stage.now() < self._until):
            self.scan(self._code)
            self.stage.at(self.stage.now() + _REPEAT_S, lambda: self._repeat(presence))


TWIN = QrReaderTwin
