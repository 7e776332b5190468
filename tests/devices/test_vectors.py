"""Worked examples of data sheets and public drivers, each decoded or refused as it says (HALLGATE_RECORDINGS)."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devices.air import mhz19, scd30, scd41, senseair
from devices.hygiene import rdm6300
from devices.serialport import Deframer
from devices.temperature import mlx90614
from devices.tickets import escpos

RECORDINGS = os.environ.get("HALLGATE_RECORDINGS")
VECTORS = json.loads((Path(RECORDINGS) / "wire" / "vectors.json").read_text("utf-8")) if RECORDINGS else []


def sensirion_word(frame: bytes, expect: Any) -> None:
    assert scd41.words(frame) == [0xBEEF]
    assert expect == "valid"


def scd4x(frame: bytes, expect: Any) -> None:
    found = scd41.words(frame)
    if "word" in expect:
        assert found == [int(expect["word"], 16)]
        return
    ppm, temperature, humidity = found
    assert ppm == expect["co2_ppm"]
    assert -45 + 175 * temperature / 65535 == pytest.approx(expect["temp_c"], abs=0.01)
    assert 100 * humidity / 65535 == pytest.approx(expect["rh_pct"], abs=0.01)


def scd30_reply(frame: bytes, expect: Any) -> None:
    ppm, temperature, humidity = scd30.floats(scd41.words(frame))
    assert ppm == pytest.approx(expect["co2_ppm"], abs=0.001)
    assert temperature == pytest.approx(expect["temp_c"], abs=0.001)
    assert humidity == pytest.approx(expect["rh_pct"], abs=0.001)


def mhz19_frame(frame: bytes, expect: Any) -> None:
    if expect == "read command":
        assert mhz19.command(0x86) == frame
        return
    (found,) = Deframer(mhz19.cut_frame).feed(frame)
    assert int.from_bytes(found[2:4]) == expect["co2_ppm"]
    assert found[4] - 40 == expect.get("temp_c", found[4] - 40)


def s8_request(frame: bytes, expect: Any) -> None:
    assert senseair.with_crc(frame[:-2]) == frame


def mlx90614_word(frame: bytes, expect: Any) -> None:
    raw = mlx90614.word(frame[0] >> 1, frame[1], frame[3:])
    assert (frame[1], raw) == (expect["reg"], expect["raw"])
    assert mlx90614.celsius(raw, (-70, 382)) == pytest.approx(expect["temp_c"])


def rdm6300_frame(frame: bytes, expect: Any) -> None:
    (digits,) = Deframer(rdm6300.cut_frame).feed(frame)
    assert rdm6300.is_right(digits)
    assert digits[:10] == expect.get("tag", digits[:10])
    assert int(digits[4:10], 16) == expect.get("card", int(digits[4:10], 16))


def printer_status(frame: bytes, expect: Any) -> None:
    assert escpos.is_answer(frame[0]) is (expect != "reject")


DECODERS: dict[str, Callable[[bytes, Any], None]] = {
    "Sensirion CRC-8": sensirion_word,
    "SCD4x": scd4x,
    "SCD30": scd30_reply,
    "MH-Z19": mhz19_frame,
    "Senseair S8": s8_request,
    "MLX90614": mlx90614_word,
    "RDM6300": rdm6300_frame,
    "ESC/POS": printer_status,
}


@pytest.mark.skipif(not VECTORS, reason="needs the recordings (HALLGATE_RECORDINGS)")
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['device']} {vector['hex']}")
def test_a_worked_example(vector: dict[str, Any]) -> None:
    DECODERS[vector["device"]](bytes.fromhex(vector["hex"]), vector["expect"])
