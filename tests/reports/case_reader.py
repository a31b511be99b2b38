"""The cases that a report's script reads, unpacked."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any


def packed_cases(page: str) -> dict[str, Any]:
    """The document of all cases in a page."""
    found = re.search(r'id="case-data">([^<]*)</script>', page)
    assert found is not None
    document: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return document


def case_set(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The cases of one split: `sealed` or `dev`."""
    return next(one for one in document["sets"] if one["name"] == name)
