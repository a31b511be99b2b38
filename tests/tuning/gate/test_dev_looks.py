"""Dev that changed after a verdict: counted, and claimed at what is left of alpha."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations, product
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from evals.errors import GateShutError, RecordError, StatisticsError
from evals.ledger import Ledger
from evals.looks import Contents, nearest, split_fingerprint
from evals.models.scripted import open_scripted
from evals.records import Case
from evals.runner import Progress
from evals.stats import one_sided_z, paired_counts
from evals.suite import Suite, load_suite
from tests.sample_suite import ROUNDS, write_suite
from tests.tunegate.scenes import KNOWN, TUNE, undecided_rules, write_model
from tests.tuning.gate.test_deciding import judge, line, search
from tuning.gate.dev_looks import (
    DEV_LOOKS,
    DevLook,
    count_contents,
    count_look,
    keep_look,
    stored_looks,
    with_look,
)
from tuning.gate.evidence import Policy, look_share
from tuning.job import Job
from tuning.records import Decision
from tuning.stored import decide_stored


def cases(*numbers: int) -> tuple[Case, ...]:
    return tuple(Case(f"c{n}", {"text": f"case {n}"}, "yes", "yes", split="dev") for n in numbers)


def looks_at(ledger: Ledger, *taken: tuple[Sequence[int], int]) -> tuple[DevLook, ...]:
    for numbers, declared in taken:
        keep_look(ledger, "key", cases(*numbers), declared=declared, when="now")
    return stored_looks(ledger, "key")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


# --- counting --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dev", "number"),
    [
        (range(10), 1),  # the same cases
        (range(9, -1, -1), 1),  # in another order
        (range(12), 2),  # more of them
        ([*range(5), *range(20, 40)], 2),  # half of them, and others
        ([*range(4), *range(20, 40)], 1),  # fewer than half: another dev
        (range(6), 2),  # some of them, and nothing new
        (range(3), 2),  # fewer than half, and all of them seen
        (range(20, 30), 1),
    ],
)
def test_a_dev_that_shares_half_of_its_cases_or_the_looks_is_a_further_look(
    dev: Sequence[int], number: int, ledger: Ledger
) -> None:
    looks = looks_at(ledger, (range(10), 0))
    assert count_look(looks, cases(*dev), 0).number == number


def test_every_look_that_is_extended_counts_and_looking_again_does_not(ledger: Ledger) -> None:
    looks = looks_at(ledger, (range(10), 0), (range(20), 0), (range(10), 0), (range(40), 0))
    assert len(looks) == 3
    numbers = [count_look(looks, cases(*range(n)), 0).number for n in (10, 20, 40, 80)]
    assert numbers == [1, 2, 3, 4]


def test_a_record_of_looks_that_lost_them_is_damaged_and_not_without_looks(ledger: Ledger) -> None:
    ledger.store(DEV_LOOKS, "key", {"format": 1}, created="now")
    with pytest.raises(RecordError, match="damaged"):
        stored_looks(ledger, "key")


def test_a_case_that_was_changed_is_a_new_one(ledger: Ledger) -> None:
    looks = looks_at(ledger, (range(10), 0))
    changed = (*cases(*range(9)), replace(cases(9)[0], expected="no"))
    assert count_look(looks, changed, 0).number == 2


def test_mended_cases_are_the_same_look_up_to_one_in_a_hundred_and_never_bit_by_bit(
    ledger: Ledger,
) -> None:
    whole = cases(*range(200))
    numbers, kept = [], []
    for mended in (0, 2, 4, 6, 8):
        now = (*(replace(case, expected="no") for case in whole[:mended]), *whole[mended:])
        numbers.append(count_look(stored_looks(ledger, "key"), now, 0).number)
        keep_look(ledger, "key", now, declared=0, when="now")
        kept.append(len(stored_looks(ledger, "key")))
    assert numbers == [1, 1, 2, 2, 3]
    assert kept == [1, 1, 2, 2, 3]


def test_new_names_for_the_same_cases_are_the_same_look(ledger: Ledger) -> None:
    looks = looks_at(ledger, (range(10), 0), (range(20), 0))
    renamed = [
        replace(case, id=f"new {case.id}", cluster="k", tags={"a": "b"}, line=3)
        for case in cases(*range(20))
    ]
    assert count_look(looks, renamed, 0).number == 2
    assert count_look(looks, [*renamed, *cases(*range(50, 60))], 0).number == 3


def test_a_look_of_the_older_form_counts_whatever_it_was_at() -> None:
    older = DevLook(split_fingerprint(cases(*range(10))), ("0123",), 0, "then")
    assert count_look([older], cases(*range(10)), 2) == (1, 0)
    assert count_look([older], cases(*range(100, 150)), 2) == (2, 0)


def test_dropping_cases_at_random_until_a_verdict_pleases_is_paid_for(ledger: Ledger) -> None:
    looks = looks_at(ledger, (range(40), 0), (range(30), 0), (range(10, 40), 0))
    assert [count_look(looks, cases(*range(n, n + 30)), 0).number for n in (5, 0)] == [4, 2]


def test_what_is_declared_after_the_first_look_is_not_declared(ledger: Ledger) -> None:
    assert count_look((), cases(1), 2) == (1, 2)
    looks = looks_at(ledger, (range(10), 0))
    assert count_look(looks, cases(*range(20)), 2) == (2, 0)
    assert count_look(looks, cases(*range(10)), 2) == (1, 0)
    fewer = looks_at(ledger, (range(30, 40), 2))
    assert count_look(fewer, cases(*range(30, 50)), 1) == (2, 2)


@pytest.mark.parametrize("now", [0, 1])
def test_taking_a_declaration_back_after_the_first_look_changes_nothing(
    now: int, ledger: Ledger
) -> None:
    looks = looks_at(ledger, (range(10), 2))
    assert count_look(looks, cases(*range(10)), now) == (1, 2)
    looks = looks_at(ledger, (range(10), now), (range(20), now), (range(10), now))
    assert count_look(looks, cases(*range(10)), now) == (1, 2)
    assert count_look(looks, cases(*range(20)), now) == (2, 2)
    assert count_look(looks, cases(*range(30)), now) == (3, 2)
    assert [look.declared for look in looks] == [2, 2]


def test_looks_that_had_nothing_in_common_leave_the_least_alpha_of_their_declarations(
    ledger: Ledger,
) -> None:
    looks = looks_at(ledger, (range(40), 2), (range(100, 140), 0))
    joined = cases(*range(40), *range(100, 140))
    assert count_look(looks, joined, 2) == (3, 0)
    assert looks_at(ledger, (range(80), 2))[-1].declared == 2


MOVES: dict[str, Callable[[frozenset[int], frozenset[int], int], frozenset[int]]] = {
    "grown": lambda now, first, step: now | {1000 * step + n for n in range(len(now) // 4)},
    "shrunk": lambda now, first, step: frozenset(sorted(now)[len(now) // 4 :]),
    "restored": lambda now, first, step: first,
    "mended": lambda now, first, step: frozenset([*sorted(now)[1:], 1000 * step]),
    "half kept": lambda now, first, step: frozenset(
        [*sorted(now)[: len(now) // 2], *range(1000 * step, 1000 * step + len(now) // 2)]
    ),
    "anew": lambda now, first, step: frozenset(range(1000 * step, 1000 * step + 24)),
}


@dataclass(frozen=True)
class Walk:
    """Looks taken one after the other: what each claimed at, and which cases it saw.

    Of a look that was taken again `shares` has the most that it was ever given.
    """

    looks: tuple[DevLook, ...] = ()
    shares: tuple[float, ...] = ()
    devs: tuple[frozenset[int], ...] = ()
    now: frozenset[int] = frozenset(range(24))
    steps: tuple[tuple[str, int], ...] = ()

    def on(self, move: str, declared: int) -> Walk:
        now = MOVES[move](self.now, self.devs[0], len(self.steps)) if self.steps else self.now
        contents = tuple(sorted(f"{n:05}" for n in now))
        seen: list[Contents | None] = [look.cases for look in self.looks]
        same = nearest(contents, seen)
        share = look_share(*count_contents(self.looks, contents, seen, declared))
        shares, devs = [*self.shares], self.devs
        if same is None:
            shares, devs = [*shares, share], (*devs, now)
        else:
            shares[same] = max(shares[same], share)
        looks = with_look(self.looks, contents, seen, declared, "now")
        return Walk(looks, tuple(shares), devs, now, (*self.steps, (move, declared)))

    @property
    def apart(self) -> int:
        """How many of the devs have so little in common that each starts anew."""
        tied = {pair for pair in combinations(self.devs, 2) if related(*pair)}
        return max(
            size
            for size in range(1, len(self.devs) + 1)
            for some in combinations(self.devs, size)
            if not tied & set(combinations(some, 2))
        )


def walks(walk: Walk, more: int) -> Iterator[Walk]:
    if not more:
        yield walk
        return
    for move, declared in product(MOVES, (0, 1, 2)):
        yield from walks(walk.on(move, declared), more - 1)


@pytest.mark.parametrize("declared", [0, 1, 2])
def test_no_path_of_four_looks_spends_more_than_eleven_tenths_of_alpha_on_a_dev(
    declared: int,
) -> None:
    """Grown, shrunk, restored, mended, replaced; declared, withdrawn and declared again."""
    ends = list(walks(Walk().on("first", declared), 3))
    assert len(ends) == 18**3
    assert sum(end.apart == 1 for end in ends) > 1000
    for end in ends:
        assert sum(end.shares) <= 1.1 * end.apart + 1e-12, end.steps


def related(a: frozenset[int], b: frozenset[int]) -> bool:
    return 2 * len(a & b) >= min(len(a), len(b))


# --- what a look may claim -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "alphas"),
    [
        (0, (0.05, 0.0025, 0.00125, 0.000625)),
        (1, (0.025, 0.025, 0.0025, 0.00125)),
        (2, (0.05 / 3, 0.05 / 3, 0.05 / 3, 0.0025)),
    ],
)
def test_declared_looks_share_alpha_and_all_others_a_tenth_more(
    declared: int, alphas: tuple[float, ...]
) -> None:
    found = [Policy(declared_extensions=declared, look=look).look_alpha for look in (1, 2, 3, 4)]
    assert found == pytest.approx(alphas)
    many = sum(Policy(declared_extensions=declared, look=n).look_alpha for n in range(1, 31))
    assert many <= 0.055 + 1e-12


def test_an_undeclared_look_is_flagged_says_so_and_claims_less() -> None:
    trials = search(26, 20, 250, 100)
    first, second = judge(trials), judge(trials, dev_look=2)
    assert (first.verdict, first.dev_look, "changed" in first.flags) == ("fine_tune", 1, False)
    assert (second.verdict, second.dev_look) == ("more_cases", 2)
    assert "changed" in second.flags
    assert "changed 1 time after a verdict without being declared" in second.sentence
    assert "α = 0.0025" in second.sentence
    shown = line(second, "n1").versus_anchor
    assert shown is not None
    assert shown.level == pytest.approx(1 - 0.0025)
    declared = judge(trials, dev_look=2, declared_extensions=1)
    assert "changed" not in declared.flags
    assert declared.alpha == 0.025


def test_more_cases_says_what_the_next_look_costs() -> None:
    trials = search(20, 20, 200, 40)
    assert "claims at α = 0.0025" in judge(trials, 0.05).next_steps[0]
    declared = judge(trials, 0.05, declared_extensions=2, dev_look=2)
    assert declared.next_steps[0] == "Add dev cases: extension 2 of 2 that the suite declares."
    assert "α = 0.0025" in judge(trials, 0.05, declared_extensions=1, dev_look=2).next_steps[0]


def test_a_verdict_that_could_not_have_opened_the_gate_is_no_look() -> None:
    trials = search(0, 0, 200, 40)
    assert judge(trials).dev_look == 1
    assert judge(trials[:5]).dev_look == 0  # two rounds: too little was tried
    assert judge(search(0, 0, 20, 5)).dev_look == 0  # too few cases for any answer
    with pytest.raises(StatisticsError):
        judge(trials, dev_look=0)


def test_so_many_looks_that_alpha_is_no_number_are_refused() -> None:
    trials = search(20, 20, 200, 40)
    last = judge(trials, 0.05, dev_look=30)
    assert 0 < last.alpha < 1e-10
    with pytest.raises(StatisticsError, match="counted from 1, and after 30 "):
        judge(trials, dev_look=31)
    with pytest.raises(StatisticsError, match="after 30 "):
        judge(trials, dev_look=1040)


def test_growing_dev_until_the_gate_opens_does_not_open_it_falsely_more_often() -> None:
    """A true gain of exactly δ; dev is doubled up to three times. Undeclared, and declared."""
    rng = np.random.default_rng(11)
    runs, sizes = 20_000, np.array([1.0, 2.0, 4.0, 8.0])
    steps = rng.standard_normal((runs, 4)) * np.sqrt(np.diff(sizes, prepend=0.0))
    statistic = np.cumsum(steps, axis=1) / np.sqrt(sizes)

    def opened(alphas: Sequence[float]) -> float:
        bars = [-NormalDist().inv_cdf(1 - alpha) for alpha in alphas]
        return float((statistic < bars).any(axis=1).mean())

    assert opened([0.05] * 4) > 0.12  # why looks are counted
    for declared in (0, 1, 2):
        policies = [Policy(declared_extensions=declared, look=look) for look in (1, 2, 3, 4)]
        assert opened([policy.look_alpha for policy in policies]) <= 0.055
    assert one_sided_z(Policy().look_alpha) == pytest.approx(1.645, abs=0.001)


# --- the job ---------------------------------------------------------------------------------


class Silent:
    """Hears nothing of note."""

    @contextmanager
    def progress(self, _label: str) -> Iterator[Progress]:
        yield lambda _done, _total: None

    def note(self, text: str) -> None: ...


@dataclass
class Desk:
    """A suite whose dev can grow, on a model that leaves the gate undecided at 60 cases."""

    folder: Path

    def grow(self, dev: int, search: str = "") -> None:
        shutil.rmtree(self.folder / "tickets", ignore_errors=True)
        sizes = {"train": 30, "dev": dev, "test": 60}
        write_suite(self.folder / "tickets", sizes=sizes, extra=ROUNDS + TUNE + search)

    @property
    def suite(self) -> Suite:
        return load_suite(self.folder / "tickets")

    def job(self) -> Job:
        return Job(
            suite=self.suite,
            guards={},
            model=open_scripted(self.folder / "model.json", "scripted:m"),
            ledger=Ledger(self.folder / "ledger"),
            looks_path=self.folder / "looks.jsonl",
            narrator=Silent(),
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        )

    def run(self) -> Decision:
        record = self.job().run(tune=False)
        assert record.decision is not None
        return record.decision

    def gate(self) -> Decision:
        return decide_stored(self.suite, Ledger(self.folder / "ledger"), "scripted:m")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    rules = undecided_rules(prompt_contains=" train")
    write_model(tmp_path / "model.json", [*rules, *KNOWN])
    return Desk(tmp_path)


def test_a_dev_that_grew_undeclared_is_a_second_look_for_run_and_gate_alike(desk: Desk) -> None:
    desk.grow(60)
    first = desk.run()
    assert (first.verdict, first.dev_look, first.alpha) == ("more_cases", 1, 0.05)
    assert desk.run() == desk.gate() == first
    desk.grow(90)
    second = desk.run()
    assert (second.dev_look, second.alpha) == (2, pytest.approx(0.0025))
    assert "changed" in second.flags
    assert desk.run() == desk.gate() == second


def test_a_declared_extension_is_a_third_of_alpha_each_and_no_flag(desk: Desk) -> None:
    declared = "search: {dev_extensions: 2}\n"
    desk.grow(60, declared)
    assert desk.run().alpha == pytest.approx(0.05 / 3)
    desk.grow(90, declared)
    second = desk.run()
    assert (second.dev_look, second.flags.count("changed")) == (2, 0)
    assert second.alpha == pytest.approx(0.05 / 3)


def test_declaring_after_the_first_verdict_changes_nothing(desk: Desk) -> None:
    desk.grow(60)
    desk.run()
    desk.grow(90, "search: {dev_extensions: 2}\n")
    assert desk.run().alpha == pytest.approx(0.0025)


@pytest.mark.parametrize("later", ["", "search: {dev_extensions: 1}\n"])
def test_a_look_keeps_the_alpha_it_was_declared_with_whatever_the_suite_says_later(
    later: str, desk: Desk
) -> None:
    declared = "search: {dev_extensions: 2}\n"
    desk.grow(60, declared)
    first = desk.run()
    desk.grow(60, later)
    assert desk.run().alpha == desk.gate().alpha == pytest.approx(0.05 / 3)
    desk.grow(90, declared)
    desk.run()
    desk.grow(60, later)
    again = desk.run()
    assert (again.verdict, again.dev_look, again.alpha) == (first.verdict, 1, first.alpha)
    assert "2 extensions at the first look at these cases. That stands" in again.sentence
    assert "1 of 2 that were declared before the first look" in again.next_steps[0]
    assert "That stands" not in first.sentence


def test_a_refused_tune_is_a_look_and_asking_the_gate_is_none(desk: Desk) -> None:
    desk.grow(60)
    job = desk.job()
    job._search()  # runs everything, and is killed before its verdict is kept
    desk.gate()
    assert stored_looks(job.ledger, job.key) == ()
    with pytest.raises(GateShutError):
        desk.job().tune()
    assert len(stored_looks(job.ledger, job.key)) == 1


def test_looks_of_one_model_do_not_count_for_another(desk: Desk) -> None:
    desk.grow(60)
    desk.run()
    desk.grow(90)
    other = replace(desk.job(), model=open_scripted(desk.folder / "model.json", "scripted:n"))
    decision = other.run(tune=False).decision
    assert decision is not None
    assert decision.dev_look == 1


def test_the_cases_needed_are_counted_at_the_level_of_the_next_look() -> None:
    trials = search(4, 0, 200, 0)
    undeclared = judge(trials, 0.05)
    declared = judge(trials, 0.05, declared_extensions=1)
    pair = paired_counts(4, 0, 200)
    assert undeclared.verdict == declared.verdict == "more_cases"
    assert undeclared.cases_needed == pair.cases_to_settle(0.05, one_sided_z(0.0025 / 3))
    assert declared.cases_needed == pair.cases_to_settle(0.05, one_sided_z(0.025 / 3))
