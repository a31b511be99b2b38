"""One poisoned row for each rule on preference pairs, caught and named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evals.records import Case, Message
from evals.suite import Suite, load_suite
from tests.sample_suite import write_suite
from tuning.data.dataset import render, where_of
from tuning.data.pair_lint import lint_pairs, too_long
from tuning.data.pairs import EncodedPair, Pair


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    return load_suite(write_suite(tmp_path_factory.mktemp("pairs") / "s", extra=""))


@pytest.fixture(scope="module")
def pairs(suite: Suite) -> tuple[Pair, ...]:
    """Clean ones: of train cases the right label against a wrong one."""
    cases = suite.split("train")[:12]
    messages = render(suite, "terse", cases)
    wrong = {"billing": "login", "login": "shipping", "shipping": "billing"}
    return tuple(
        Pair(c.id, messages[c.id], c.answer, wrong[c.answer], c.id, where_of(c), "drawn m", "rule")
        for c in cases
    )


def value(case: Case, answer: str) -> float:
    return float(answer == case.expected)


def codes(suite: Suite, pairs: tuple[Pair, ...]) -> dict[str, tuple[str, ...]]:
    return {f.code: f.rows for f in lint_pairs(suite, "terse", pairs, value=value, needed=5)}


def test_clean_pairs_have_no_findings(suite: Suite, pairs: tuple[Pair, ...]) -> None:
    assert codes(suite, pairs) == {}


def poisoned(pair: Pair, **changes: object) -> Pair:
    return replace(pair, **{"where": "p.jsonl:9"} | changes)  # type: ignore[arg-type]


def test_each_fault_is_an_error_that_names_its_row(suite: Suite, pairs: tuple[Pair, ...]) -> None:
    first = pairs[0]
    faults = {
        "identical_pair": poisoned(first, chosen="login", rejected=" login"),
        "empty_answer": poisoned(first, chosen=" "),
        "contradicting_pair": poisoned(first, chosen=first.rejected, rejected=first.chosen),
        "scorer_prefers_rejected": poisoned(first, chosen=first.rejected, rejected=first.chosen),
    }
    for code, pair in faults.items():
        found = codes(suite, (*pairs, pair))
        assert f"{first.case_id} (p.jsonl:9)" in found[code], code
    repeated = codes(suite, (*pairs, poisoned(first)))
    assert repeated["duplicate_pair"] == (f"{first.case_id} (p.jsonl:9)",)
    alike = codes(suite, (*pairs, poisoned(first, chosen="other", rejected="another")))
    assert alike["scorer_sees_no_difference"] == (f"{first.case_id} (p.jsonl:9)",)


def test_pairs_that_ask_what_dev_or_test_asks_are_refused(
    suite: Suite, pairs: tuple[Pair, ...]
) -> None:
    for split in ("dev", "test"):
        case = suite.split(split)[3]  # type: ignore[arg-type]
        for text in (case.input["text"], f"please, {case.input['text'].upper()}!"):
            leak = Pair("p.jsonl:7", (Message("user", text),), "a", "b", "g", "p.jsonl:7", "file p")
            findings = lint_pairs(suite, "terse", (*pairs, leak), needed=5)
            assert [f.level for f in findings] == ["error"]
            assert findings[0].code in {"leak", "overlap_leak", "near_leak"}
            assert case.id in findings[0].message
            assert all("p.jsonl:7" in row for row in findings[0].rows)


def test_an_answer_that_holds_a_case_of_test_is_refused_whichever_it_is(
    suite: Suite, pairs: tuple[Pair, ...]
) -> None:
    text = f"like this: {suite.split('test')[3].input['text']}"
    for changes in ({"chosen": text}, {"rejected": text}):
        leaking = (*pairs[1:], replace(pairs[0], **changes))  # type: ignore[arg-type]
        findings = lint_pairs(suite, "terse", leaking, needed=5)
        assert [f.level for f in findings if "leak" in f.code] == ["error"]


def test_too_few_different_pairs_are_refused(suite: Suite, pairs: tuple[Pair, ...]) -> None:
    same = tuple(poisoned(pairs[0]) for _ in range(9))
    found = lint_pairs(suite, "terse", same, needed=5)
    assert {f.code for f in found} == {"duplicate_pair", "too_few_pairs"}


def test_pairs_longer_than_training_takes_are_named(pairs: tuple[Pair, ...]) -> None:
    encoded = [EncodedPair((1,) * 5, (1,), (1, 2)) for _ in pairs]
    encoded[2] = EncodedPair((1,) * 5, (1,), (1,) * 4)
    (finding,) = too_long(pairs, encoded, 8)
    assert (finding.level, len(finding.rows)) == ("error", 1)
    assert pairs[2].case_id in finding.rows[0]
    assert list(too_long(pairs, encoded, 9)) == []
