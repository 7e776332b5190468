"""What the kernel says of a process, and how fast the disk is."""

import os
import statistics
import time
from pathlib import Path

import attrs

_TICKS = os.sysconf("SC_CLK_TCK")
_MB = 1e6


@attrs.frozen
class Sample:
    """Totals of one process since its start; two of them make a rate."""

    at: float  # monotonic
    cpu_s: float
    written: int  # bytes that the kernel had to write for it, or will have to
    woken: int  # how often any of its threads went to sleep by itself


@attrs.frozen
class Memory:
    """In MB (1e6 bytes)."""

    pss: float
    rss: float


def sample(pid: int) -> Sample:
    """Of all its threads."""
    process = Path(f"/proc/{pid}")
    fields = (process / "stat").read_text().rpartition(")")[2].split()  # the name before it may hold anything
    return Sample(
        at=time.monotonic(),
        cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS,
        written=_table(process / "io")["write_bytes"],
        woken=sum(_table(task / "status")["voluntary_ctxt_switches"] for task in (process / "task").iterdir()),
    )


def memory(pid: int) -> Memory:
    kib = _table(Path(f"/proc/{pid}/smaps_rollup"))
    return Memory(kib["Pss"] * 1024 / _MB, kib["Rss"] * 1024 / _MB)


def sync_ms(folder: Path, times: int = 200) -> float:
    """Median of one append of 4 KiB and its fsync: nothing that is on the disk before it is told can be faster."""
    path = folder / "sync"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    took = []
    try:
        for _ in range(times):
            begin = time.perf_counter()
            os.write(file, bytes(4096))
            os.fsync(file)
            took.append(time.perf_counter() - begin)
    finally:
        os.close(file)
        path.unlink()
    return statistics.median(took) * 1000


def _table(path: Path) -> dict[str, int]:
    """The numbers of a file of lines like ``Name:  123 kB``."""
    found = {}
    for line in path.read_text().splitlines():
        name, _, value = line.partition(":")
        number = value.split()
        if number and number[0].isdigit():
            found[name] = int(number[0])
    return found
