"""Talking to a part on a serial line: bytes in and out, and frames cut out of a noisy stream."""

import errno
from collections.abc import Callable
from typing import Generic, TypeVar

import serial

from devices.faults import DeviceFault, fault

Frame = TypeVar("Frame")


def receive(port: serial.Serial) -> bytes:
    """What has arrived, without waiting. Raises DeviceFault when the port is gone."""
    try:
        data: bytes = port.read(port.in_waiting)
    except (serial.SerialException, OSError) as error:
        raise _gone(port, error) from error
    return data


def send(port: serial.Serial, data: bytes) -> None:
    """Hand the bytes to the kernel. Raises DeviceFault when the port is gone or takes no more."""
    try:
        port.write(data)
    except serial.SerialTimeoutException as error:
        raise fault("offline", detail="write timeout") from error
    except (serial.SerialException, OSError) as error:
        raise _gone(port, error) from error


def _gone(port: serial.Serial, error: OSError) -> DeviceFault:
    """pyserial's own errors are OSErrors too, most without a number; its English is for the log, not for a technician."""
    name = errno.errorcode.get(error.errno or 0)
    return fault("unplugged", detail=f"{port.port} {name}" if name else str(port.port), lost=True)


class Deframer(Generic[Frame]):
    """Cuts frames out of a stream that may split, join, drop and invent bytes.

    ``cut(buffer)`` looks at the front of the buffer and answers ``(used, frame)``: how many bytes it is
    done with (0: more must come), and the frame if those bytes were one. Bytes used up without a frame
    are noise. ``limit`` bounds what is kept when no frame ever comes.
    """

    def __init__(self, cut: Callable[[bytes], tuple[int, Frame | None]], limit: int = 512) -> None:
        self._cut = cut
        self._limit = limit
        self._buffer = b""
        self.noise = 0

    def feed(self, data: bytes) -> list[Frame]:
        """The whole frames there are now. ``noise`` then counts the bytes this call threw away."""
        self.noise = 0
        self._buffer += data
        frames: list[Frame] = []
        while self._buffer:
            used, frame = self._cut(self._buffer)
            if frame is not None:
                frames.append(frame)
            elif not used:
                break
            else:
                self.noise += used
            self._buffer = self._buffer[used:]
        if len(self._buffer) > self._limit:
            self.noise += len(self._buffer) - self._limit
            self._buffer = self._buffer[-self._limit :]
        return frames

    def clear(self) -> None:
        """Forget what has arrived, as after opening a port."""
        self._buffer = b""
