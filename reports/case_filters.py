"""Links to some of the cases, as the script of the page reads them: `of=dev&tag.topic=login`."""

from __future__ import annotations

from urllib.parse import urlencode

from evals.text import visible


def slice_filter(split: str, tag: str, value: str) -> str:
    """The cases of a split that have this value of a tag."""
    return urlencode({"of": set_name(split), f"tag.{visible(tag)}": visible(value)})


def set_name(split: str) -> str:
    """What a page calls the cases of a split in its links: `sealed` or `dev`."""
    return "sealed" if split == "test" else "dev"
