"""The unit tests that talk to a real engine, run where there is one."""

import pathlib
import re

import pytest

from harness import ROOT, run

LIVE = sorted(pathlib.Path(ROOT / "tests/unit").glob("test_*_live.c"))


@pytest.mark.parametrize("source", LIVE, ids=lambda path: path.stem)
def test_live_unit_tests(source):
    binary = ROOT / "build/tests/unit" / source.stem
    if not binary.exists():
        run("make", binary.relative_to(ROOT))
    result = run(binary, check=False)
    output = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout + result.stderr)
    assert result.returncode == 0 and "SKIPPED" not in output, output
    assert re.search(r"Tested: [1-9]", output), output
