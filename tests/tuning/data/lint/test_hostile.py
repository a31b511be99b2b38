"""Data that was made to hang or to break the lint: it ends, soon, and says what it found."""

from __future__ import annotations

import time

import pytest

from tests.tuning.data.lint.poisoned import asking, lint, saying

MEGA = 200_000  # characters: time grows with them, so a megabyte takes five times as long
TEXTS = {
    "one letter": "a" * MEGA,
    "no blanks": "abcdefghij" * (MEGA // 10),
    "digits": "4" * MEGA,
    "digits and blanks": "1 " * (MEGA // 2),
    "surrogates": "\ud800" * 1_000 + "text",
    "controls": "".join(map(chr, range(32))) * 5_000,
    "at signs": "a@" * (MEGA // 2),
    "dotted at": "a@" + "b." * (MEGA // 2),
    "keys": "sk-" * (MEGA // 3),
    "tokens": "eyJ-" * (MEGA // 4),
    "token halves": ("eyJaaaaaaaaaa.") * (MEGA // 14),
    "addresses": "a://" * (MEGA // 4),
    "address parts": "x+" * (MEGA // 2) + "://a:b",
    "colons": "1:" * (MEGA // 2),
    "dots": "1.1." * (MEGA // 4),
    "plus": "+1 " * (MEGA // 3),
    "accounts": "DE00" * (MEGA // 4),
    "accounts in groups": "DE00 " * (MEGA // 5),
    "quotes": '"' * MEGA,
    "quoted": '"aaaaaaaaa' * (MEGA // 10),
    "lines": "\n" * MEGA,
    "short lines": "a: b\n" * (MEGA // 5),
    "Han": "漢" * MEGA,
    "marks": "a\u0301" * (MEGA // 2),
    "hashes": "#" * MEGA,
}


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_text_ends_in_bounded_time(name: str) -> None:
    text = TEXTS[name]
    start = time.process_time()
    for rows in (asking(text), saying(text)):
        for finding in lint(rows).values():
            assert len(finding.message) < 2_000
            finding.message.encode()
    assert time.process_time() - start < 10  # seconds; it is one of them where nothing else runs
