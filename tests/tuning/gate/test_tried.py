"""Which stored runs a verdict may rest on: those of the suite and the model as they stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evals.approach import PLAIN, Approach, DemonstrationMethod, Found, Technique
from evals.errors import NothingRunError
from evals.ledger import Ledger
from evals.models.scripted import ScriptedModel
from evals.prompting import changed_since, make_candidate, search_origin
from evals.prompting.ladder import default_rounds
from evals.records import Candidate, Decoding, Run
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.suite import Suite, load_suite
from tests.sample_suite import TOPICS, write_suite
from tuning.gate.declared import find_untried
from tuning.gate.evidence import LeftOut, Policy
from tuning.gate.standing import find_standing
from tuning.gate.tried import BY_HAND, find_search, gather_evidence, tried_runs
from tuning.stored import decide_stored

REPLIES = {text: label for label, text in TOPICS.items()}


METHODS: dict[str, DemonstrationMethod] = {
    "wording": "none",
    "few_shot": "static",
    "nearest": "nearest",
}


class Bench:
    """A suite on disk, a ledger, and a clock that moves on with every run."""

    manifest = ""

    def __init__(self, folder: Path) -> None:
        self.root = write_suite(folder / "tickets", sizes={"train": 12, "dev": 9, "test": 9})
        self.ledger = Ledger(folder / "ledger")
        self.model = ScriptedModel(REPLIES)
        self._now = datetime(2024, 1, 1, tzinfo=UTC)

    @property
    def suite(self) -> Suite:
        return load_suite(self.root)

    def run(self, prompt: str, family: str = "wording", k: int = 0, **options: Any) -> Run:
        self._now += timedelta(seconds=1)
        suite = self.suite
        cases = options.pop("cases", None)
        method = METHODS[family]
        technique = options.pop("technique", PLAIN)
        approach = Approach(method, k, options.pop("seed", 0), technique=technique)
        candidate = make_candidate(suite, self.model, prompt, approach, **options)
        with build_scorers(suite) as scorers:
            runner = Runner(self.model, scorers, self.ledger, now=lambda: self._now)
            return runner.run(suite, candidate, "dev", cases=cases)

    def tried(self, fingerprint: str | None = None) -> list[tuple[str, int, str]]:
        found = tried_runs(self.suite, self.ledger, self.model.name, fingerprint)
        return [(t.run.candidate.label, t.round_index, t.family) for t in found]

    def left_out(self, fingerprint: str | None = None) -> LeftOut:
        return find_search(self.suite, self.ledger, self.model.name, fingerprint).left_out

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


TERSE = ("terse", 1, "wording")
SPEC = ("spec", 1, "wording")
SHOTS = ("terse + 2 static", 2, "few_shot")


def test_runs_stand_in_the_order_the_suite_declares_whatever_the_order_they_ran_in(
    bench: Bench,
) -> None:
    bench.run("spec", "nearest", 2)
    bench.run("terse", "few_shot", 2)
    bench.run("spec")
    bench.run("terse")
    assert bench.tried() == [TERSE, SPEC, SHOTS, ("spec + 2 nearest", 3, "nearest")]


def test_what_was_evaluated_by_hand_counts_as_tried_before_the_rounds(bench: Bench) -> None:
    bench.run("terse")
    bench.run("polite", "few_shot", 5)
    bench.run("terse", "nearest", 3)
    assert bench.tried() == [
        ("polite + 5 static", 0, BY_HAND),
        ("terse + 3 nearest", 0, BY_HAND),
        TERSE,
    ]
    trials = gather_evidence(
        tried_runs(bench.suite, bench.ledger, "scripted"), clean_examples=0, soundness=None
    ).trials
    assert [trial.round_index for trial in trials] == [0, 0, 1]


CHANGES: list[tuple[Callable[[Bench], None], list[tuple[str, int, str]]]] = [
    (lambda b: b.edit("prompts/terse.j2", "Route.", "Route it."), [SPEC]),
    (lambda b: b.edit("dev.jsonl", "charged", "billed"), []),
    (lambda b: b.edit("suite.yaml", "shipping]", "shipping, other]"), []),
    (lambda b: b.edit("suite.yaml", "primary", "variables: {x: 1}\nprimary"), []),
    (lambda b: b.edit("suite.yaml", "primary", "decoding: {max_tokens: 5}\nprimary"), []),
    (lambda b: b.edit("train.jsonl", "charged", "billed"), [TERSE, SPEC]),
    (lambda b: b.edit("test.jsonl", "charged", "billed"), [TERSE, SPEC, SHOTS]),
    (lambda b: b.edit("suite.yaml", "primary", "min_gain: 0.2\nprimary"), [TERSE, SPEC, SHOTS]),
]


@pytest.mark.parametrize(
    ("change", "left"),
    CHANGES,
    ids=["prompt", "case", "scorer", "variable", "decoding", "train", "test", "policy"],
)
def test_a_change_takes_away_the_runs_it_makes_stale_and_no_others(
    change: Callable[[Bench], None], left: list[tuple[str, int, str]], bench: Bench
) -> None:
    bench.run("terse")
    bench.run("spec")
    bench.run("terse", "few_shot", 2)
    assert bench.tried() == [TERSE, SPEC, SHOTS]
    change(bench)
    assert bench.tried() == left


def test_a_changed_own_scorer_makes_every_run_stale(bench: Bench) -> None:
    (bench.root / "scorers.py").write_text("def judge(case, output):\n    return 1.0\n")
    bench.edit(
        "suite.yaml",
        "{scorer: label@1, labels: [billing, login, shipping]}",
        '{scorer: python@1, function: "scorers.py:judge"}',
    )
    bench.edit("prompts/spec.j2", "{{ labels", "{{ ['a']")
    bench.run("terse")
    assert bench.tried() == [TERSE]
    bench.edit("scorers.py", "1.0", "0.0")
    assert bench.tried() == []


def test_a_run_of_some_cases_neither_counts_nor_hides_the_whole_one(bench: Bench) -> None:
    bench.run("terse")
    bench.run("terse", cases=bench.suite.split("dev")[:2])  # newer, as `eval --case` makes it
    assert bench.tried() == [TERSE]


def test_runs_of_other_weights_never_count_beside_those_of_the_present_ones(bench: Bench) -> None:
    bench.run("terse")
    bench.run("spec")
    old = bench.model.fingerprint
    bench.model = replace(bench.model, script=REPLIES | {"more": "words"})
    bench.run("terse")
    assert bench.tried(bench.model.fingerprint) == [TERSE]
    assert bench.tried() == [TERSE]  # nobody opened the model: the newest run tells
    assert bench.tried(old) == [TERSE, SPEC]
    (now,) = tried_runs(bench.suite, bench.ledger, "scripted", bench.model.fingerprint)
    assert now.run.candidate.model_fingerprint == bench.model.fingerprint


def test_one_verdict_rests_on_one_fingerprint_and_says_what_it_leaves_out(bench: Bench) -> None:
    bench.run("terse")
    bench.run("spec")
    first, weights_a = bench.model.fingerprint, bench.model
    bench.model = replace(bench.model, script=REPLIES | {"more": "words"})
    bench.run("terse")
    second = bench.model.fingerprint
    bench.model = weights_a  # A, B, and A again: its runs are found, so none is newer
    bench.run("terse")
    expected = LeftOut(other_weights=2, fingerprints=1, fingerprint=second)
    assert bench.left_out() == expected
    assert bench.left_out(first) == LeftOut(1, 1, 0, first)
    decision = decide_stored(bench.suite, bench.ledger, "scripted")
    assert decision.left_out == (
        f"2 runs of 1 other model fingerprint left out: this verdict is of {second} alone.",
    )
    now = decide_stored(bench.suite, bench.ledger, "scripted", first)
    assert now.left_out == (
        f"1 run of 1 other model fingerprint left out: this verdict is of {first} alone.",
    )


def test_runs_of_older_versions_of_the_suite_are_counted_once_each(bench: Bench) -> None:
    bench.run("terse")
    bench.run("spec")
    bench.run("terse", cases=bench.suite.split("dev")[:2])  # some cases: no version of its own
    bench.run("terse", adapter="tuned", adapter_path="tuned")  # no prompt that was tried
    bench.model.use_adapter(None)
    assert bench.left_out().older_suite == 0
    bench.edit("prompts/terse.j2", "Route.", "Route it.")
    assert bench.left_out().older_suite == 2  # the run of some cases is of the old prompt too
    bench.edit("dev.jsonl", "charged", "billed")
    assert bench.left_out() == LeftOut(older_suite=3)
    with pytest.raises(NothingRunError, match="3 runs of older versions of the suite left out"):
        decide_stored(bench.suite, bench.ledger, "scripted")
    bench.run("spec")
    (said,) = decide_stored(bench.suite, bench.ledger, "scripted").left_out
    assert said.startswith("3 runs of older versions of the suite left out")


def test_nothing_is_said_where_every_run_counts(bench: Bench) -> None:
    bench.run("terse")
    bench.run("spec")
    assert decide_stored(bench.suite, bench.ledger, "scripted").left_out == ()


def test_a_prompt_put_back_as_it_was_counts_again(bench: Bench) -> None:
    first = bench.run("terse")
    bench.edit("prompts/terse.j2", "Route.", "Route it.")
    bench.run("terse")
    bench.edit("prompts/terse.j2", "Route it.", "Route.")
    (found,) = tried_runs(bench.suite, bench.ledger, "scripted")
    assert found.run.id == first.id


def test_an_adapter_another_model_and_another_split_are_not_prompts_tried(bench: Bench) -> None:
    bench.run("terse", adapter="tuned", adapter_path="tuned")
    bench.model.use_adapter(None)
    bench.model = replace(bench.model, name="scripted:other")
    bench.run("terse")
    bench.model = replace(bench.model, name="scripted")
    suite = bench.suite
    with build_scorers(suite) as scorers:
        candidate = make_candidate(suite, bench.model, "terse")
        Runner(bench.model, scorers, bench.ledger).run(suite, candidate, "train")
    assert bench.tried() == []


def test_without_rounds_runs_stand_in_the_order_of_the_ladder(bench: Bench) -> None:
    manifest = bench.root / "suite.yaml"
    manifest.write_text(manifest.read_text().split("rounds:")[0])
    bench.run("spec", "few_shot", 4)
    bench.run("terse")
    bench.run("terse", "nearest", 3)  # the ladder has 4 and 8 of them
    assert bench.tried() == [
        ("terse + 3 nearest", 0, BY_HAND),
        TERSE,
        ("spec + 4 static", 2, "few_shot"),
    ]


def test_candidates_of_the_declared_rounds_without_a_run_are_still_planned(bench: Bench) -> None:
    def untried() -> tuple[str, ...]:
        tried = tried_runs(bench.suite, bench.ledger, "scripted")
        return find_untried(bench.suite, [item.run.candidate for item in tried])

    shots = ("terse + 2 static", "spec + 2 static", "terse + 2 nearest", "spec + 2 nearest")
    assert untried() == ("terse", "spec", "polite", *shots)
    bench.run("terse")
    assert untried() == ("spec", "polite", *shots)
    bench.run("terse", "few_shot", 3)  # by hand
    bench.run("terse", "few_shot", 2, seed=1)  # others are drawn
    assert untried() == ("spec", "polite", *shots)
    bench.run("terse", "few_shot", 2)
    assert untried() == ("spec", "polite", *shots[1:])


def test_without_rounds_all_of_the_ladder_is_planned(bench: Bench) -> None:
    manifest = bench.root / "suite.yaml"
    manifest.write_text(manifest.read_text().split("rounds:")[0])
    planned = [
        prompt + how.label for spec in default_rounds(bench.suite) for prompt, how in spec.pairs
    ]
    assert list(find_untried(bench.suite, [])) == planned
    assert planned[:3] == ["terse", "spec", "polite"]
    assert len(planned) > 3


def test_a_repeat_of_a_candidate_that_votes_is_no_candidate_of_its_own(bench: Bench) -> None:
    """It has the seed of its repeat, and otherwise the decoding that its approach has."""
    suite = bench.suite
    vote = Approach(technique=Technique(votes=3, temperature=0.7))
    first = make_candidate(suite, bench.model, "terse", vote)
    again = replace(first, decoding=replace(first.decoding, seed=1))
    with build_scorers(suite) as scorers:
        for candidate in (first, again):
            Runner(bench.model, scorers, bench.ledger).run(suite, candidate, "dev")
    (found,) = tried_runs(suite, bench.ledger, "scripted")
    assert found.run.candidate == first


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("prompts/terse.j2", "Route.", "Route it."),
        ("train.jsonl", "charged", "billed"),
        ("suite.yaml", "shipping]", "shipping, other]"),
        ("suite.yaml", "primary", "decoding: {max_tokens: 5}\nprimary"),
    ],
)
def test_what_was_found_by_a_search_on_another_state_of_the_suite_does_not_count(
    name: str, old: str, new: str, bench: Bench
) -> None:
    written = Approach(technique=Technique(optimiser="gepa", tries=2))
    source = (bench.root / "prompts" / "terse.j2").read_text().replace("Route.", "Route well.")
    found = Found(search_origin(bench.suite, "terse", written), template=source)
    candidate = make_candidate(bench.suite, bench.model, "terse", written, found=found)

    def counts(candidate: Candidate) -> bool:
        return not changed_since(bench.suite, candidate)

    assert counts(candidate)
    assert not counts(replace(candidate, found=None))  # nothing was searched for
    bench.edit(name, old, new)
    assert not counts(candidate)
    # The rest may be as the suite has it now: what was found on the old state is still old.
    assert not counts(make_candidate(bench.suite, bench.model, "terse", written, found=found))


ORDERS = ("{a: {type: string}, b: {type: string}}", "{b: {type: string}, a: {type: string}}")
STRUCTURED = """structure: {schema: {type: object, properties: %s}}
rounds:
  - {family: structured, prompts: [terse, spec]}
"""


@dataclass
class _Held(ScriptedModel):
    """A model that a library holds to structures."""

    library: str = "library 1"

    def constrained_by(self, decoding: Decoding) -> str:
        return self.library


def _structured_run(bench: Bench, model: ScriptedModel, name: str) -> str:
    bench.model = model
    (bench.root / "suite.yaml").write_text(bench.manifest + STRUCTURED % name)
    return bench.run("terse", technique=Technique(structured=True)).id


@pytest.fixture
def held(bench: Bench) -> Bench:
    manifest = (bench.root / "suite.yaml").read_text()
    bench.manifest = manifest[: manifest.index("structure: none")]
    return bench


def test_a_run_held_to_a_schema_with_its_keys_in_another_order_does_not_count(held: Bench) -> None:
    model = ScriptedModel(REPLIES)
    first = _structured_run(held, model, ORDERS[0])
    assert [t.run.id for t in tried_runs(held.suite, held.ledger, model.name)] == [first]
    (held.root / "suite.yaml").write_text(held.manifest + STRUCTURED % ORDERS[1])
    assert tried_runs(held.suite, held.ledger, model.name) == []
    assert held.left_out().older_suite == 1
    second = _structured_run(held, model, ORDERS[1])
    assert second != first
    assert _structured_run(held, model, ORDERS[0]) == first
    assert [t.run.id for t in tried_runs(held.suite, held.ledger, model.name)] == [first]


def test_a_run_held_by_another_version_of_the_library_is_left_out_and_said(held: Bench) -> None:
    old, new = (_Held(REPLIES, identity="x", library=name) for name in ("library 1", "library 2"))
    assert old.fingerprint == new.fingerprint
    first = _structured_run(held, old, ORDERS[0])
    free = held.run("spec")
    _structured_run(held, new, ORDERS[0])
    found = find_search(held.suite, held.ledger, "scripted")
    assert first not in [t.run.id for t in found.tried]
    assert free.id in [t.run.id for t in found.tried]
    assert found.left_out.other_constraints == 1
    now = find_search(held.suite, held.ledger, "scripted", held_by=lambda _: "library 3")
    assert [t.run.id for t in now.tried] == [free.id]
    assert now.left_out.other_constraints == 2
    (said,) = decide_stored(held.suite, held.ledger, "scripted").left_out
    assert said.startswith("1 run held to a structure by another constraint library left out")


def test_a_candidate_that_asks_what_an_earlier_one_asks_is_no_effort_and_still_counts_in_m(
    bench: Bench,
) -> None:
    first = bench.run("terse")
    terse = (bench.root / "prompts" / "terse.j2").read_text()
    (bench.root / "prompts" / "spec.j2").write_text("{# the same #}" + terse)
    bench.run("spec")
    bench.run("polite")
    bench.run("terse", "few_shot", 2)
    bench.run("spec", "few_shot", 2)
    tried = tried_runs(bench.suite, bench.ledger, "scripted")
    evidence = gather_evidence(tried, clean_examples=0, soundness=None)
    assert first.id in [trial.arm.run_id for trial in evidence.trials]
    standing = find_standing(evidence, Policy())
    assert standing.candidates == len(standing.trials) == 5
    gap = "3 of at least 5 candidates were tried (without 'spec', 'spec + 2 static', which ask"
    assert any(gap in each for each in standing.gaps)
