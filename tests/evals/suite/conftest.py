"""A small valid suite that tests bend."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.evals.suite.small_suite import MANIFEST, PROMPT, MakeSuite, rows


@pytest.fixture
def make_suite(tmp_path: Path) -> MakeSuite:
    """Write a suite; keyword arguments replace the manifest, add to it, or set its cases."""

    def make(
        manifest: str = MANIFEST,
        *,
        extra: str = "",
        cases: list[dict[str, Any]] | str | bytes | None = None,
        files: dict[str, str] | None = None,
    ) -> Path:
        root = tmp_path / "suite"
        (root / "prompts").mkdir(parents=True)
        if cases is None or isinstance(cases, list):
            cases = "".join(json.dumps(row) + "\n" for row in (rows() if cases is None else cases))
        data = cases.encode() if isinstance(cases, str) else cases
        (root / "cases.jsonl").write_bytes(data)
        for name in ("terse", "spec"):
            (root / "prompts" / f"{name}.j2").write_text(PROMPT)
        for relative, text in (files or {}).items():
            (root / relative).parent.mkdir(parents=True, exist_ok=True)
            (root / relative).write_text(text)
        (root / "suite.yaml").write_text(manifest + extra)
        return root

    return make
