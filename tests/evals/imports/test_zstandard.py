"""Zstandard in plain Python: what the reference library packed comes out, or an error does."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evals.imports.zstandard import ZstandardError, decompress

FRAMES = json.loads((Path(__file__).parent / "files/zstandard_frames.json").read_text())["frames"]


def packed(name: str) -> bytes:
    return base64.b64decode(next(each["frame"] for each in FRAMES if each["name"] == name))


@pytest.mark.parametrize("frame", FRAMES, ids=lambda each: each["name"])
def test_what_the_reference_library_packed_is_unpacked(frame: dict[str, Any]) -> None:
    data = decompress(base64.b64decode(frame["frame"]), limit=1 << 20)
    assert len(data) == frame["size"]
    assert hashlib.sha256(data).hexdigest() == frame["sha256"]


@pytest.mark.parametrize("name", ["one byte repeated, level 1", "json lines, level 19"])
def test_output_beyond_the_limit_is_refused(name: str) -> None:
    with pytest.raises(ZstandardError, match="more than"):
        decompress(packed(name), limit=1_000)


@pytest.mark.parametrize("name", ["text, level 1", "json lines, level 19", "few symbols, level 1"])
def test_damaged_bytes_end_in_an_error_or_in_other_bytes_but_in_nothing_else(name: str) -> None:
    random, whole = Random(3), packed(name)
    refused = 0
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
        try:
            decompress(bytes(damaged[: random.randrange(len(damaged)) + 1]), limit=100_000)
        except ZstandardError:
            refused += 1
    assert refused > 200


def test_what_is_no_frame_and_a_frame_that_needs_a_dictionary_are_refused() -> None:
    with pytest.raises(ZstandardError, match="no Zstandard frame"):
        decompress(b"PK\x03\x04 and more", limit=100)
    with pytest.raises(ZstandardError, match="dictionary"):
        decompress(b"\x28\xb5\x2f\xfd\x21\x07\x00\x01\x00\x00", limit=100)
