"""Somebody else's part: installed as its users would, found by its name, and tested by its own tests."""

import os
import subprocess
import sys
from pathlib import Path

OWN_PART = Path(__file__).parent.parent / "examples" / "own-part"

HALL = """
hall:
  branch: own-part
  name: {zh: 自带部件, en: own part}
  type: small
  floor_area_m2: 60
  timezone: Asia/Shanghai
  hours: {mon-fri: 09:00-17:00}
  counters: 2
devices:
  - {id: air-waiting, part: acme-co2, bus: /dev/ttyUSB3, zone: waiting}
"""


def run(*command: str, path: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(path), "LANG": "C.UTF-8"}
    return subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, env=environment, cwd=OWN_PART, check=False
    )


def test_a_part_from_another_package_is_found_checked_and_tested(tmp_path: Path) -> None:
    installed = tmp_path / "site"
    pip = ("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(installed), str(OWN_PART))
    outcome = run(*pip, path=installed)
    assert outcome.returncode == 0, outcome.stderr
    hall = tmp_path / "hall.yaml"
    hall.write_text(HALL, "utf-8")
    outcome = run("hallgate", "provision", "check", str(hall), path=installed)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "Acme CO2 transmitter" in outcome.stdout
    outcome = run("pytest", "-q", "-p", "no:cacheprovider", "tests", path=installed)
    assert outcome.returncode == 0, outcome.stdout
    assert "3 passed" in outcome.stdout
