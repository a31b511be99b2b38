"""`style@1`: how much an answer reads like the suite's own examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evals.errors import ScorerError
from evals.records import Case, Json, Output, Score
from evals.scorers.likeness.style_model import Example, StyleModel, fit_style
from evals.scorers.options import Options
from evals.scorers.plain import case_error, text_of
from evals.scorers.protocol import Scorer
from evals.scorers.structured.json_schema import parse
from evals.suite.source import read_text

MIN_EXAMPLES = 20
MAX_EXAMPLES = 20_000
MAX_FILE_BYTES = 16 << 20
DEFAULT_ACCURACY = 0.8


@dataclass(frozen=True)
class StyleScorer:
    """Gives the likeness of an answer, or 1 or 0 by a threshold."""

    model: StyleModel
    seen: frozenset[str]
    threshold: float | None

    @property
    def about(self) -> str:
        """How far this scorer can be trusted, in a sentence."""
        share = f"{self.model.accuracy:.0%}"
        return f"style@1 tells its own examples apart in {share} of cases, cross-validated"

    def check(self, case: Case) -> None:
        """Refuse a case whose own answer was fitted on: its score would be learnt by heart."""
        if case.split != "train" and case.answer.strip() in self.seen:
            raise case_error(
                case,
                f"the answer of this {case.split} case stands among the examples of style@1",
                hint="take it out of them: a scorer must not be fitted on what it judges",
            )

    def __call__(self, case: Case, output: Output) -> Score:
        """Score the output's text."""
        text = text_of(case, output).strip()
        likeness = self.model.likeness(text) if text else 0.0
        value = likeness if self.threshold is None else float(likeness >= self.threshold)
        if value == 1.0:
            return Score(1.0)
        sure = f"the scorer is right on {self.model.accuracy:.0%} of its own examples"
        return Score(value, f"likeness {likeness:.2f}; {sure}", "style")

    def close(self) -> None:
        """Nothing to release."""


def style(options: Options) -> Scorer:
    """`style@1`: options `like` and `unlike`, .txt (a text a line) or .jsonl files of the suite.

    A classifier is fitted on them when the scorer is built. The value is the probability that
    the answer is of `like`, or with `threshold` 1 from there on, else 0. `min_accuracy` (0.8):
    a classifier that tells its own examples apart less well is refused. Kind: "style".
    """
    named = options.file("like", options.text("like"), ".txt", ".jsonl")
    like = _examples(options, "like", named)
    named = options.file("unlike", options.text("unlike"), ".txt", ".jsonl")
    unlike = _examples(options, "unlike", named)
    threshold = options.number("threshold", default=0.0, above=0.0) or None
    least = options.number("min_accuracy", default=DEFAULT_ACCURACY)
    for key, value in (("threshold", threshold or 0.0), ("min_accuracy", least)):
        if value > 1.0:
            raise options.error(f"expected at most 1, not {value:g}", key=key)
    texts = [{one.text for one in part} for part in (like, unlike)]
    if both := texts[0] & texts[1]:
        raise options.error(f"{min(both)!r:.80} stands in like and in unlike", key="unlike")
    try:
        model = fit_style(like, unlike)
    except ValueError as error:
        raise options.error(str(error), key="like") from error
    if model.accuracy < least:
        raise options.error(
            f"the classifier tells its own examples apart in {model.accuracy:.0%} of cases "
            f"(cross-validated; guessing is 50%), less than min_accuracy {least:.0%}",
            key="min_accuracy",
            hint="more examples, or such as differ in style and not by chance",
        )
    return StyleScorer(model, frozenset(texts[0] | texts[1]), threshold)


def _examples(options: Options, key: str, path: Path) -> list[Example]:
    """The distinct texts of a file."""
    found: dict[str, Example] = {}
    for number, line in enumerate(read_text(path, max_bytes=MAX_FILE_BYTES).split("\n"), 1):
        if not line.strip():
            continue
        example = _from_json(path, number, line) if path.suffix == ".jsonl" else Example(line)
        text = example.text.strip()
        found.setdefault(text, Example(text, example.cluster))
        if len(found) > MAX_EXAMPLES:
            raise options.error(f"more than {MAX_EXAMPLES} examples", key=key)
    if len(found) < MIN_EXAMPLES:
        raise options.error(
            f"{path.name} has {len(found)} distinct texts, at least {MIN_EXAMPLES} are needed",
            key=key,
        )
    return list(found.values())


def _from_json(path: Path, number: int, line: str) -> Example:
    try:
        value: Json = parse(line, code_fence=False)
    except ValueError as error:
        raise ScorerError(str(error), path=path, line=number) from error
    if isinstance(value, str):
        value = {"text": value}
    if isinstance(value, Mapping) and set(value) <= {"text", "cluster"}:
        text, cluster = value.get("text"), value.get("cluster", "")
        if isinstance(text, str) and text.strip() and isinstance(cluster, str):
            return Example(text, cluster)
    raise ScorerError(
        'expected a text, or {"text": ...} with perhaps a "cluster"', path=path, line=number
    )
