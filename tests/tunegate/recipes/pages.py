"""The recipes and transcripts that stand in the docs, as the docs have them."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml

from tests.tunegate.command_line import ROOT

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Said(NamedTuple):
    """A command of a transcript and what the page says it printed."""

    command: str
    output: str


def blocks(language: str) -> list[str]:
    """The fenced blocks of docs/ci.md in that language."""
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    return [content for named, content in _FENCE.findall(text) if named == language]


def recipe(name: str) -> Any:
    """The YAML block whose first line is the comment `# name`."""
    found = [text for text in blocks("yaml") if text.startswith(f"# {name}\n")]
    assert len(found) == 1, f"{len(found)} blocks begin with # {name}"
    return yaml.load(found[0], Loader=NoSurprises)


def transcript() -> list[Said]:
    """Every command of the console blocks, in order."""
    said = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            said.append(Said(command, output))
    return said


class NoSurprises(yaml.SafeLoader):
    """YAML where `on` is a word, as the services read it."""


NoSurprises.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
NoSurprises.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf")
)
