"""RDM6300 as its line sees it: the frame of a card, again and again while it lies there."""

from typing import Any

from devices.world.twin import Stage, Trouble, Twin

_REPEAT_S = 0.065


class Rdm6300Twin(Twin):
    """``present`` holds a card before it; ``ghost`` and ``overrun`` are what it does by itself."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self._card = ""
        self._until = 0.0
        self._presence = 0

    def present(self, card: str, seconds: float = 1.0) -> None:
        """The card with that tag (10 hex digits) lies before the reader for that long."""
        self._card = card.upper()
        self._until = self.stage.now() + seconds
        self._presence += 1
        self._repeat(self._presence)

    def ghost(self, tag: str = "00F00000F0") -> None:
        """It sees a card where there is none, once, with a good checksum."""
        self.stage.line.send(frame(tag))

    def overrun(self, card: str) -> None:
        """A frame that lost its middle runs into a whole one (arduino-esp32#1405)."""
        whole = frame(card.upper())
        self.stage.line.send(whole[:5] + whole[8:11] + whole)

    def _repeat(self, presence: int) -> None:
        stuck = self.trouble is Trouble.STUCK  # it never notices that the card has gone
        if presence == self._presence and (stuck or self.stage.now() < self._until):
            self.stage.line.send(frame(self._card))
            self.stage.at(self.stage.now() + _REPEAT_S, lambda: self._repeat(presence))


def frame(tag: str) -> bytes:
    """STX, the tag, the XOR of its five bytes, ETX."""
    check = 0
    for byte in bytes.fromhex(tag):
        check ^= byte
    return b"\x02" + f"{tag}{check:02X}".encode("ascii") + b"\x03"


TWIN = Rdm6300Twin
