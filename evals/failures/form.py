"""Whether an answer has the form that is asked for, whatever its content.

The metric that the suite names (`form`) decides alone. Else the form is wrong where the kind of
failure that the primary scorer gave says so, or where the suite's structure forbids the answer:
a constraint would have kept it from that, whatever the scorer calls it. What neither can tell is
None, and nothing is claimed of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from evals.prompting.answers import NO_ANSWER
from evals.records import Case, CaseResult, Json, Score
from evals.suite.bounded import bounded
from evals.suite.spec import Suite

MOST_CHARACTERS = 100_000
"""Of an answer that is held against a schema; a longer one counts as not of that form."""


class FormKinds(NamedTuple):
    """The kinds by which a scorer says that the form is wrong, and that it is right."""

    wrong: frozenset[str] = frozenset()
    right: frozenset[str] = frozenset()


def _kinds(wrong: str = "", right: str = "") -> FormKinds:
    return FormKinds(frozenset(wrong.split()), frozenset(right.split()))


SCORER_FORMS: Mapping[str, FormKinds] = {
    "choice@1": _kinds(right="wrong_choice"),
    "json_fields@1": _kinds("not_json too_many_fields", "wrong_fields"),
    "json_schema@1": _kinds("not_json schema"),
    "label@1": _kinds("unknown_label several_labels", "wrong_label"),
    "numeric@1": _kinds("no_number several_numbers", "wrong_number"),
    "sql_equal@1": _kinds("not_sql", "different"),
    "sql_result@1": _kinds(
        "sql_error not_read_only", "timeout too_many_rows wrong_columns wrong_rows"
    ),
    "tool_calls@1": _kinds("bad_json", "wrong_order wrong_tool wrong_arguments extra_call"),
}
"""By scorer. Kinds that stand in neither set say nothing of the form: a field that is missing may
be allowed to be, and prose in place of a tool call may be meant. Scorers that are not here
compare, rank or judge texts, whatever their form."""

OWN_WORDS = frozenset(
    {
        *("format", "bad_format", "invalid_format", "wrong_format", "grammar", "schema"),
        *("syntax", "syntax_error", "parse", "parse_error", "not_parsed", "unparsable"),
        *("bad_json", "invalid_json", "not_json", "not_sql", "unknown_label"),
    }
)
"""Kinds that say so in scorers of a suite's own (`python@1`), by convention."""

Judge = Callable[[Score, Case | None], bool | None]
Valid = Callable[[str, bool], bool | None]
"""Whether a text has the form of a structure; the flag allows a code fence around it."""


@dataclass(frozen=True)
class FormRules:
    """How the form of a run's answers is judged. `source` says by what, for people."""

    metric: str | None
    judge: Judge | None
    valid: Valid | None
    source: str

    def form_of(self, result: CaseResult, primary: str, case: Case | None) -> bool | None:
        """Whether the answer's form is right; None where nothing can tell."""
        if result.output.finish_reason == "choice":
            return True  # the options have the form, and one of them is the answer
        if result.scores[primary].kind == NO_ANSWER:
            return False
        if self.metric is not None and self.metric in result.scores:
            return result.scores[self.metric].value >= 1.0
        told = self.judge(result.scores[primary], case) if self.judge else None
        if told is False or self.valid is None or result.output.replies:
            return told
        # A fence that the scorer looks through is no fault of form.
        held = self.valid(result.output.text or "", told is True)
        return told if held is None else held


def rules_of(suite: Suite | None, scores: Iterable[Score] = ()) -> FormRules:
    """The rules a suite states. Without one only words that scorers use by convention count.

    `scores` are the primary scores of the run: a scorer of the suite's own that names wrong
    form by one of `OWN_WORDS` somewhere in it is taken to do so always.
    """
    kinds = {score.kind for score in scores}
    if suite is None:
        return FormRules(None, _by_words({}, kinds), None, _named_words(kinds))
    spec = suite.metrics[suite.primary]
    judge = _judge_of(spec.scorer, spec.options, kinds)
    valid = _validator(suite.structure.schema) if suite.structure else None
    return FormRules(suite.form, judge, valid, _named_source(suite, judge, valid))


def _named_source(suite: Suite, judge: object, valid: object) -> str:
    if suite.form:
        return f"the metric {suite.form}"
    if judge:
        return f"the kinds of {suite.metrics[suite.primary].scorer}"
    return f"the suite's structure, {suite.structure.source}" if suite.structure and valid else ""


def can_tell_form(suite: Suite) -> bool:
    """Whether anything in the suite tells form from content; scorers of its own may."""
    spec = suite.metrics[suite.primary]
    judged = suite.form is not None or _judge_of(spec.scorer, spec.options, OWN_WORDS) is not None
    return judged or (suite.structure is not None and suite.structure.schema is not None)


def _named_words(kinds: Iterable[str]) -> str:
    used = sorted(OWN_WORDS.intersection(kinds))
    return f"the scorer's kind {', '.join(used)}" if used else ""


def _judge_of(scorer: str, options: Mapping[str, Json], kinds: Iterable[str]) -> Judge | None:
    """What a scorer's kinds say, through those that hold other scorers; None where nothing."""
    if scorer in SCORER_FORMS:
        return _by_table(SCORER_FORMS[scorer])
    if scorer == "regex@1":  # one pattern for all cases is a form
        return _by_table(_kinds("no_match")) if "pattern" in options else None
    # Not any_of@1: the form that one of its scorers misses need not be the only one.
    through = {"all_of@1": _by_all, "by_tag@1": _by_tag, "turns@1": _by_turn, "python@1": _by_words}
    return through[scorer](options, kinds) if scorer in through else None


def _by_turn(options: Mapping[str, Json], kinds: Iterable[str]) -> Judge | None:
    return _inner(options.get("turn"), kinds)


def _inner(described: Json, kinds: Iterable[str]) -> Judge | None:
    if not isinstance(described, Mapping):
        return None
    return _judge_of(str(described.get("scorer")), described, kinds)


def _by_table(table: FormKinds) -> Judge:
    def judge(score: Score, _: Case | None) -> bool | None:
        if score.kind in table.wrong:
            return False
        return True if score.kind in table.right else None

    return judge


def _by_words(_: Mapping[str, Json], kinds: Iterable[str]) -> Judge | None:
    """Convention: of a scorer that names wrong form, every other kind is of right form."""
    if not OWN_WORDS.intersection(kinds):
        return None
    return lambda score, _: score.kind not in OWN_WORDS


def _by_tag(options: Mapping[str, Json], kinds: Iterable[str]) -> Judge | None:
    described = options.get("scorers")
    if not isinstance(described, Mapping):
        return None
    judges = {str(value): _inner(one, kinds) for value, one in described.items()}
    if not any(judges.values()):
        return None
    tag = str(options.get("tag"))

    def judge(score: Score, case: Case | None) -> bool | None:
        chosen = judges.get(case.tags.get(tag, "")) if case else None
        return chosen(score, case) if chosen else None

    return judge


def _by_all(options: Mapping[str, Json], kinds: Iterable[str]) -> Judge | None:
    """The kind is the lowest scorer's of several; a part says of each whether it was satisfied.

    A scorer that judges nothing but form decides by its part. Else the kind may say that the form
    is wrong, and that it is right only where no other scorer could object.
    """
    described = options.get("scorers")
    if not isinstance(described, Mapping):
        return None
    judges = [found for one in described.values() if (found := _inner(one, kinds))]
    pure = {str(name) for name, one in described.items() if _judges_form_alone(one)}
    if not judges:
        return None

    def judge(score: Score, case: Case | None) -> bool | None:
        parts = [p.value for p in score.parts if p.kind == "scorer" and p.name in pure]
        if parts:
            return min(parts) >= 1.0
        told = [found(score, case) for found in judges]
        if False in told:
            return False
        return True if told == [True] else None

    return judge


def _judges_form_alone(described: Json) -> bool:
    if not isinstance(described, Mapping):
        return False
    scorer = described.get("scorer")
    return scorer == "json_schema@1" or (scorer == "regex@1" and "pattern" in described)


def _validator(schema: Json) -> Valid | None:
    """Whether a text is one JSON document that a schema allows; None for what is no schema.

    It runs in this process, so what may take without end is left out: patterns backtrack, and
    unique items are compared with each other.
    """
    if not isinstance(schema, Mapping):
        return None
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    from evals.scorers.structured.json_schema import parse

    kept = bounded(schema)
    check: Any = validator_for(kept)(kept, registry=Registry())

    def valid(text: str, fenced: bool) -> bool | None:
        if len(text) > MOST_CHARACTERS:
            return False
        try:
            document = parse(text, code_fence=fenced)
        except (ValueError, RecursionError):
            return False
        try:
            return bool(check.is_valid(document))
        except (Unresolvable, RecursionError):  # a schema that refers to elsewhere, or in circles
            return None

    return valid
