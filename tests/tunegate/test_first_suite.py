"""The suite that docs/first_suite.md builds: its files as on the page, over invented requests."""

from __future__ import annotations

import json
import re
import runpy
from contextlib import chdir
from itertools import product
from pathlib import Path

import pytest

from tests.tunegate.command_line import ROOT, CommandLine

PAGE = (ROOT / "docs" / "first_suite.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BIKES = ["Tern", "Brompton", "Kona", "cargo bike", "old racer", "tandem"]
PARTS = ["front wheel", "chain", "brake cable", "saddle", "rear light", "left pedal", "bell"]
DAYS = ["Monday", "Tuesday morning", "Wednesday", "Friday at noon", "the third", "next week"]
NAMES = ["Ines", "Mr. Okoro", "Lund", "Amira", "the Baxters"]


def block(language: str, beginning: str) -> str:
    """The only block of the page in this language that begins so."""
    found = [
        text
        for kind, text in BLOCK.findall(PAGE)
        if (kind, text[: len(beginning)]) == (language, beginning)
    ]
    assert len(found) == 1, f"{len(found)} blocks of {language} begin with {beginning!r}"
    return str(found[0])


def requests() -> list[dict[str, object]]:
    """Invented requests in the form of the page's log, each from one of 60 callers."""
    said: list[tuple[str, str, dict[str, str]]] = [
        (
            f"Could you look at the {part} of my {bike} on {day}?",
            "book_repair",
            {"part": part, "bike": bike, "day": day},
        )
        for part, bike, day in product(PARTS, BIKES, DAYS[:3])
    ]
    said += [
        (f"What is a new {part} for a {bike}", "ask_price", {"part": part, "bike": bike})
        for part, bike in product(PARTS, BIKES)
    ]
    said += [
        (f"{name} here, {day} won't do after all", "cancel_visit", {"name": name, "day": day})
        for name, day in product(NAMES, DAYS)
    ]
    return [
        {"said": text, "caller": f"c{number * 7 % 60:02}", "intent": intent, "slots": slots}
        for number, (text, intent, slots) in enumerate(said)
    ]


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """The page's suite, made by the page's script."""
    suite = tmp_path / "workshop"
    (suite / "prompts").mkdir(parents=True)
    (suite / "suite.yaml").write_text(block("yaml", "format: 1"), encoding="utf-8")
    (suite / "answer.schema.json").write_text(block("json", '{"anyOf"'), encoding="utf-8")
    (suite / "scorers.py").write_text(block("python", "# scorers.py"), encoding="utf-8")
    prompt = block("jinja", "{% message")
    for name, system in (
        ("terse", "Turn the request into JSON."),
        ("spec", "Write JSON. Intents: ..."),
        ("example", ""),
    ):
        text = re.sub(
            r"(?<=%}\n)You read.*?(?={% endm)", f"{system}\n", prompt, count=1, flags=re.DOTALL
        )
        (suite / "prompts" / f"{name}.j2").write_text(text if system else prompt, encoding="utf-8")
    with (tmp_path / "requests.jsonl").open("w", encoding="utf-8") as log:
        log.writelines(json.dumps(row) + "\n" for row in requests())
    (tmp_path / "make_suite.py").write_text(block("python", "# make_suite.py"), encoding="utf-8")
    with chdir(tmp_path):
        runpy.run_path("make_suite.py")
    return suite


def rewrite(suite: Path, **changes: object) -> None:
    """Every case with these keys replaced; a function is called with the case."""
    path = suite / "cases.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row.update(
            {key: change(row) if callable(change) else change for key, change in changes.items()}
        )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def backwards(row: dict[str, dict[str, dict[str, str]]]) -> str:
    """The answer with its slots in the other order."""
    expected = row["expected"]
    return json.dumps({**expected, "slots": dict(reversed(expected["slots"].items()))})


def test_the_suite_of_the_page_passes_check(workshop: Path, tunegate: CommandLine) -> None:
    told = tunegate("check", str(workshop), "--json")
    levels = {finding["level"] for finding in told.document["findings"]}
    assert (told.code, "error" in levels) == (0, False)


def test_the_rounds_of_the_page_are_tried_and_judged(workshop: Path, tunegate: CommandLine) -> None:
    stated = workshop / "suite.yaml"
    lines = stated.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if "embedding" not in line]  # that round needs a real model
    stated.write_text("".join(kept), encoding="utf-8")
    replies = workshop.parent / "model.json"
    replies.write_text('{"rules": [], "default": "{}"}', encoding="utf-8")
    with chdir(workshop.parent):
        told = tunegate("run", "workshop", "--no-tune", "--model", "scripted:model.json", "--json")
    assert len(told.document["decision"]["trials"]) == 9


def test_keys_in_another_order_are_noted(workshop: Path, tunegate: CommandLine) -> None:
    before = {
        finding["code"]
        for finding in tunegate("check", str(workshop), "--json").document["findings"]
    }
    rewrite(workshop, answer=backwards)
    after = {
        finding["code"]
        for finding in tunegate("check", str(workshop), "--json").document["findings"]
    }
    assert [code for code in after - before if code.startswith("structure_")]


def test_a_schema_alone_is_no_primary_metric(workshop: Path, tunegate: CommandLine) -> None:
    stated = workshop / "suite.yaml"
    text = stated.read_text(encoding="utf-8")
    stated.write_text(text.replace("primary: fields", "primary: valid"), encoding="utf-8")
    told = tunegate("check", str(workshop), "--json")
    assert [f["code"] for f in told.document["findings"] if f["level"] == "error"] == [
        "shuffled_full_marks"
    ]
