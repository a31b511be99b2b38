"""Every command on a real terminal: nothing is wider than it is, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

import tuning.trainer
from tests.sample_suite import ROUNDS, TOPICS, write_suite
from tests.tunegate.command_line import call_in
from tests.tunegate.pseudo_terminal import Screen, call_on_terminal
from tests.tunegate.scenes import KNOWN, TUNE, guarded_suite, pretended_training, write_model

MODEL = ("--model", "scripted:model.json")
TUNED = [{"adapter": "tuned", "contains": t, "reply": n} for n, t in TOPICS.items()]
LONG = "a_prompt_whose_name_says_all_that_anybody_could_want_to_know_of_it"
WIDE = "請求の件 " * 12
HOSTILE = "\x1b[31mred\x1b[2J [bold]not bold[/bold] \u202etxet\u202c"
CI = "guards: {kept: {max_loss: 0.1}}\nci: {thresholds: {accuracy: 0.5}}\n"
COMMANDS = [
    ("run", "tickets", *MODEL),
    ("gate", "tickets", *MODEL),
    ("check", "tickets"),
    ("runs",),
    ("show", "LEADER"),
    ("show", "LEADER", "--failures"),
    ("show", "LEADER", "dev-0001"),
    ("compare", "ANCHOR", "LEADER", "--margin", "0.05"),
    ("report",),
    ("report", "tickets", *MODEL),
    ("data", "tickets", *MODEL),
    ("adapters",),
    ("models",),
    ("eval", "tickets", "--prompt", "terse", "--repeats", "2", *MODEL),
    ("ci", "tickets", *MODEL),
]
ALSO_NARROW = {"run", "gate", "runs", "show", "compare", "adapters"}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which the whole job was done, with an adapter that ships."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch, chdir(folder):
        patch.setattr(tuning.trainer, "tune_suite", pretended_training("tuned"))
        write_model(Path("model.json"), [*TUNED, *KNOWN], adapters=["tuned"])
        guarded_suite(Path(), extra=ROUNDS + TUNE + CI)
        assert call_in(folder, "run", "tickets", *MODEL).code == 0
        yield folder


@pytest.fixture
def runs(scene: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Two stored runs of the scene, at work in its folder."""
    monkeypatch.chdir(scene)
    stored = call_in(scene, "runs", "tickets", "--json").document
    first, *_, last = [run["id"] for run in stored if run["split"] == "dev"]
    return {"ANCHOR": first, "LEADER": last}


def on_terminal(width: int, arguments: tuple[str, ...], runs: dict[str, str]) -> Screen:
    return call_on_terminal(width, *(runs.get(word, word) for word in arguments))


@pytest.mark.parametrize(
    ("width", "arguments"),
    [(80, one) for one in COMMANDS] + [(40, one) for one in COMMANDS if one[0] in ALSO_NARROW],
    ids=lambda value: value if isinstance(value, int) else " ".join(value),
)
def test_no_line_is_wider_than_the_terminal(
    width: int, arguments: tuple[str, ...], runs: dict[str, str]
) -> None:
    screen = on_terminal(width, arguments, runs)
    assert screen.code in (0, 1, 3), screen.text
    assert screen.text.strip()
    assert cell_len(screen.longest) <= width, screen.longest


@pytest.mark.parametrize("width", [40, 80, 200])
def test_runs_are_listed_with_every_id_candidate_and_score(
    width: int, runs: dict[str, str], scene: Path
) -> None:
    screen = on_terminal(width, ("runs",), runs)
    for run in call_in(scene, "runs", "--json").document:
        assert run["id"] in screen.text.split(), "it can be copied"
        assert set(run["candidate"].split()) <= set(screen.text.split())
        assert f"{100 * run['score']:.1f}%" in screen.text.split()
    assert "…" not in screen.text


def test_the_gates_evidence_is_whole_and_no_column_is_a_word_wide(
    runs: dict[str, str], scene: Path
) -> None:
    decision = call_in(scene, "gate", "tickets", *MODEL, "--json").document
    screen = on_terminal(80, ("gate", "tickets", *MODEL), runs)
    for rule in decision["rules"]:
        assert rule["title"] in screen.words
        assert " ".join(rule["evidence"].split()) in screen.words
    for trial in decision["trials"]:
        assert trial["label"] in screen.words
    assert len(screen.text.splitlines()) < 90


def test_what_stands_below_a_row_is_indented_and_so_is_how_it_goes_on(
    runs: dict[str, str],
) -> None:
    screen = on_terminal(80, ("gate", "tickets", *MODEL), runs)
    why = screen.text[screen.text.index("why\n") : screen.text.index("gate: ")].splitlines()
    assert why[1].split() == ["verdict", "applies"]
    assert why[2] == "    evidence"
    assert set(why[3].strip()) == {"─"}
    assert re.match(r"  \S.* (no|YES|-|not tested)$", why[4])
    assert why[5].startswith("    ")


@pytest.mark.parametrize("width", [40, 60, 80])
def test_hostile_names_and_texts_break_no_table(
    width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = (HOSTILE, WIDE, LONG)

    def change(case: dict[str, Any]) -> dict[str, Any]:
        number = int(case["id"][-4:])
        name = f"{case['id']}-{texts[number % 3].strip()}" if number < 9 else case["id"]
        return case | {"id": name.replace("\u202e", "").replace("\u202c", "").replace("\x1b", "")}

    rules = [
        {"contains": topic, "reply": text}
        for topic, text in zip(TOPICS.values(), texts, strict=True)
    ]
    write_model(Path("model.json"), rules)
    write_suite(Path("tickets"), change=change)
    made = call_on_terminal(width, "eval", "tickets", "--prompt", "terse", *MODEL)
    assert made.code == 0, made.text
    run = re.findall(r"tunegate show\s+(\S+)", made.text)[0]
    screen = call_on_terminal(width, "show", run)
    assert cell_len(screen.longest) <= width, screen.longest
    assert "\x1b[31m" not in screen.raw
    assert "\u202e" not in screen.raw
    unwrapped = "".join(screen.text.split())
    assert r"\x1b[31mred\x1b[2J" in unwrapped
    assert "請求の件" in screen.text
    for row in call_in(tmp_path, "show", run, "--json").document["results"]:
        assert set(row["case_id"]) - set(" ") <= set(screen.text)
    assert "[bold]" in unwrapped, "it is no markup"


def test_no_color_takes_colours_away_and_an_empty_one_does_not(tmp_path: Path) -> None:
    with chdir(tmp_path):
        assert "\x1b[1;31m" in call_on_terminal(80, "run", "nowhere").raw
        assert "\x1b[1;31m" in call_on_terminal(80, "run", "nowhere", NO_COLOR="").raw
        assert "\x1b[1;31m" in call_on_terminal(80, "run", "nowhere", FORCE_COLOR="").raw
        for more in ({"NO_COLOR": "1"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}):
            raw = call_on_terminal(80, "run", "nowhere", **more).raw
            assert not re.search(r"\x1b\[[0-9;]*[349][0-7]", raw)
            assert "error: " in raw


def test_a_dumb_terminal_and_one_in_ci_get_lines_and_no_codes(
    runs: dict[str, str],
) -> None:
    arguments = ("run", "tickets", *MODEL)
    for environ in ({"TERM": "dumb"}, {"CI": "true"}):
        raw = call_on_terminal(60, *arguments, **environ).raw
        assert "\x1b[2K" not in raw, "nothing is drawn over"
        assert "\r" not in raw.replace("\r\n", "\n")
        assert cell_len(Screen(0, raw).longest) <= 60
    assert "\x1b" not in call_on_terminal(60, *arguments, TERM="dumb").raw


def test_a_stated_width_goes_before_the_terminals(runs: dict[str, str]) -> None:
    narrow = call_on_terminal(200, "runs", COLUMNS="50")
    assert cell_len(narrow.longest) <= 50
