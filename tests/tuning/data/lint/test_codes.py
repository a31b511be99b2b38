from __future__ import annotations

import re
from pathlib import Path

from tuning.data.lint import CODES

DOCUMENT = Path(__file__).parents[4] / "docs" / "training_data.md"


def test_every_code_is_documented_with_its_level() -> None:
    section = DOCUMENT.read_text().split("## Lint")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*) \| (error|warning|note) \|", section, re.MULTILINE)
    documented = [(name, level) for names, level in rows for name in re.findall(r"`(\w+)`", names)]
    assert sorted(documented) == sorted((code.name, code.level) for code in CODES)


def test_no_code_is_stated_twice() -> None:
    assert len({code.name for code in CODES}) == len(CODES)
