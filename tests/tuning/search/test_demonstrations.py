"""The search for demonstrations: what it asks, what it finds, and that a kill changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from evals.approach import Approach, Found, Technique
from evals.errors import SuiteError, UnansweredError
from evals.ledger import Ledger
from evals.models.scripted import ScriptedModel
from evals.prompting import make_candidate, search_origin
from evals.prompting.demonstrations import leaks_of
from evals.records import Candidate, Case, Message, Output, Run, SplitName
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.suite import Suite, load_suite
from tests.sample_suite import TOPICS, write_suite
from tuning.search.demonstrations import search_demonstrations

SIZES = {"train": 120, "dev": 20, "test": 20}


class DiedError(Exception):
    """Stands for a process that dies at a point."""


def label_of(text: str) -> str:
    return next(label for label, words in TOPICS.items() if words in text)


def by_labels_shown(messages: tuple[Message, ...]) -> str:
    """Knows the labels that it is shown, and no others."""
    label = label_of(messages[-1].content)
    return label if label in {m.content for m in messages if m.role == "assistant"} else "hm"


@dataclass(frozen=True)
class Asked:
    split: SplitName
    cases: tuple[Case, ...]
    candidate: Candidate
    keep: bool


@dataclass
class Scene:
    """A suite, a model, a ledger, and an `evaluate` that keeps what it is asked."""

    suite: Suite
    model: ScriptedModel
    folder: Path
    die_after: int = 10**9
    asked: list[Asked] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def asked_ids(self) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        return [
            (each.candidate.listed, tuple(case.id for case in each.cases)) for each in self.asked
        ]

    def search(self, approach: Approach) -> Found:
        with closing(Ledger(self.folder)) as ledger, build_scorers(self.suite) as scorers:
            runner = Runner(self.model, scorers, ledger)

            def evaluate(
                suite: Suite,
                candidate: Candidate,
                split: SplitName,
                label: str,
                *,
                cases: Sequence[Case] | None = None,
                keep: bool = True,
            ) -> Run:
                if len(self.asked) == self.die_after:
                    raise DiedError(label)
                self.asked.append(Asked(split, tuple(cases or ()), candidate, keep))
                return runner.run(suite, candidate, split, cases=cases, keep=keep)

            return search_demonstrations(
                self.suite,
                self.model,
                "terse",
                approach,
                ledger=ledger,
                evaluate=evaluate,
                note=self.notes.append,
            )


def searched(k: int = 3, tries: int = 8) -> Approach:
    return Approach("searched", k, technique=Technique(tries=tries))


@pytest.fixture
def scene(tmp_path: Path) -> Callable[..., Scene]:
    def make(answer: Any = by_labels_shown, sizes: Any = SIZES, name: str = "one") -> Scene:
        folder = tmp_path / f"suite-{len(list(tmp_path.iterdir()))}"
        suite = load_suite(write_suite(folder, sizes=sizes))
        return Scene(suite, ScriptedModel(answer, identity="m"), tmp_path / name)

    return make


def test_the_set_that_teaches_the_model_most_is_found(scene) -> None:
    found_labels = []
    for seed in range(5):
        one = scene(name=f"ledger-{seed}")
        found = one.search(replace(searched(), seed=seed))
        answers = {case.id: case.answer for case in one.suite.cases}
        found_labels.append({answers[name] for name in found.listed})
    assert found_labels == [set(TOPICS)] * 5


def test_what_is_found_makes_the_candidate_that_the_round_declares(scene) -> None:
    one = scene()
    how = searched()
    found = one.search(how)
    assert found.origin == search_origin(one.suite, "terse", how)
    candidate = make_candidate(one.suite, one.model, "terse", how, found=found)
    assert candidate.label == "terse + 3 searched"


def test_sets_are_scored_on_train_alone_and_on_cases_that_none_of_them_shows(scene) -> None:
    one = scene()
    one.search(searched())
    probe, *trials = one.asked
    shown = {name for each in trials for name in each.candidate.listed}
    assert not probe.candidate.listed
    assert {each.split for each in one.asked} == {"train"}
    assert not any(each.keep for each in one.asked)
    train = {case.id for case in one.suite.split("train")}
    scored = {case.id for each in trials for case in each.cases}
    assert scored | shown | {case.id for case in probe.cases} <= train
    assert not scored & shown
    assert shown <= {case.id for case in leaks_of(one.suite.cases).fixed}


def test_all_sets_of_a_rung_are_asked_the_same_and_half_of_them_go_on(scene) -> None:
    one = scene()
    one.search(searched(tries=8))
    rungs: dict[tuple[str, ...], list[str]] = {}
    for each in one.asked[1:]:
        key = tuple(case.id for case in each.cases)
        rungs.setdefault(key, []).append(each.candidate.fingerprint)
    assert [len(tried) for tried in rungs.values()] == [8, 4, 2]
    assert [len(cases) for cases in rungs] == [15, 15, 30]
    assert len({name for cases in rungs for name in cases}) == 60  # new cases in each
    first, second, third = rungs.values()
    assert set(third) < set(second) < set(first)


def test_the_runs_that_a_search_makes_are_no_candidates_of_the_gate(scene) -> None:
    one = scene()
    one.search(searched())
    with closing(Ledger(one.folder)) as ledger:
        assert list(ledger.runs(one.suite.name)) == []


def test_the_same_seed_finds_the_same_and_asks_the_same(scene) -> None:
    one, two = scene(name="one"), scene(name="two")
    assert one.search(searched()).listed == two.search(searched()).listed
    assert one.asked_ids == two.asked_ids
    assert one.notes == two.notes


@pytest.mark.parametrize("die_after", [0, 1, 5, 10, 14])
def test_after_a_kill_it_goes_on_where_it_was_and_ends_the_same(scene, die_after: int) -> None:
    whole, killed = scene(name="whole"), scene(name="killed")
    expected = whole.search(searched())
    killed.die_after = die_after
    with pytest.raises(DiedError):
        killed.search(searched())
    before = killed.model.calls
    killed.die_after = 10**9
    assert killed.search(searched()) == expected
    assert killed.model.calls == whole.model.calls  # nothing is asked twice
    assert die_after == 0 or before > 0


def test_it_says_what_it_tries_and_what_that_took(scene) -> None:
    one = scene()
    found = one.search(searched(tries=8))
    plan, end = one.notes
    assert "terse + 3 searched: tries 8 sets (" in plan
    assert "in 3 rungs (8 on 15, 4 on 15, 2 on 30 more): 240 requests" in plan
    assert "without demonstrations 0 of 60 were right" in plan
    assert ", ".join(found.listed) in end
    assert "60 of 60 on train" in end
    assert "300 requests" in end  # with those without demonstrations
    assert sum(len(each.cases) for each in one.asked) == 300


def test_a_small_train_split_gives_a_smaller_search_that_says_so(scene) -> None:
    one = scene(sizes={**SIZES, "train": 40})
    one.search(searched(tries=16))
    assert "tries 4 sets and not 16, for train is small" in one.notes[0]


@pytest.mark.parametrize(("train", "k"), [(15, 3), (16, 9)])
def test_too_small_a_train_split_is_refused_and_nothing_is_asked(scene, train, k) -> None:
    one = scene(sizes={**SIZES, "train": train})
    with pytest.raises(SuiteError, match=f"train is too small to search for {k} demonstrations"):
        one.search(searched(k=k))
    assert one.asked == []


class Overflowing(ScriptedModel):
    """Ends in an error wherever a demonstration of billing is shown, perhaps one that may pass."""

    transient = False

    def run(self, batch: Any) -> list[Output]:
        outputs = super().run(batch)
        return [
            Output(None, "error", 5, error="too long", transient=self.transient)
            if any(m.content == "billing" for m in request.messages if m.role == "assistant")
            else output
            for request, output in zip(batch.requests, outputs, strict=True)
        ]


def test_errors_of_the_model_count_against_a_set(scene) -> None:
    one = scene()
    one.model = Overflowing(by_labels_shown, identity="overflows")
    found = one.search(searched(k=2, tries=16))
    answers = {case.id: case.answer for case in one.suite.cases}
    assert {answers[name] for name in found.listed} == {"login", "shipping"}
    assert any("cases ended in an error" in note for note in one.notes)


def test_errors_that_may_pass_end_the_search_and_choose_nothing(scene) -> None:
    one = scene()
    one.model = Overflowing(by_labels_shown, identity="away")
    one.model.transient = True
    with pytest.raises(UnansweredError):
        one.search(searched(k=2, tries=16))


def test_where_no_set_gets_an_answer_the_error_is_the_models(scene) -> None:
    def answer(messages: tuple[Message, ...]) -> str:
        return "hm"

    one = scene()
    one.model = Overflowing(answer, identity="all")
    one.suite = replace(
        one.suite, cases=tuple(replace(case, answer="billing") for case in one.suite.cases)
    )
    with pytest.raises(UnansweredError, match="too long"):
        one.search(searched(k=2))


def test_a_set_without_answers_never_wins_a_tie_with_one_that_is_all_wrong(scene) -> None:
    def answer(messages: tuple[Message, ...]) -> str:
        return "hm"

    for seed in range(6):
        one = scene(name=f"ledger-{seed}")
        one.model = Overflowing(answer, identity="wrong")
        found = one.search(replace(searched(k=1, tries=4), seed=seed))
        answers = {case.id: case.answer for case in one.suite.cases}
        assert [answers[name] for name in found.listed] != ["billing"]
