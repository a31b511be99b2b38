"""The answers: empty ones, hidden signs, what the suite's scorer rejects, how they are spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from evals.records import Case, Finding
from evals.suite.folding import fold
from evals.suite.spec import Suite
from evals.text import hidden_in, visible
from tuning.data.dataset import Example
from tuning.data.lint.forms import Forms, judging
from tuning.data.lint.rows import NAMED, about, count_of, remark
from tuning.data.lint.secrets import masked

Accepts = Callable[[Case, str], bool]
"""Whether the suite's own scorer gives an answer full marks for its case."""

# A pattern of Braille without dots: a letter to Unicode, and nothing to see.
_BLANK_SIGN = " \u2800"
_IMBALANCE = 0.8
# Labels are looked for among answers where most answers are labels.
_LABELS = 0.5


def lint_hidden(examples: Sequence[Example]) -> Iterator[Finding]:
    """Answers with characters that are not plainly visible: a model would learn to write them.

    They are those that sampling takes no answer with, but for line ends of two characters.
    """
    found = {id(e): hidden_in(e.answer.replace("\r\n", "\n")) for e in examples}
    rows = [example for example in examples if found[id(example)]]
    if rows:
        kinds = list(dict.fromkeys(one for example in rows for one in found[id(example)]))
        more = f" and {len(kinds) - NAMED} more" if len(kinds) > NAMED else ""
        named = ", ".join(visible(one) for one in kinds[:NAMED]) + more
        text = f"{count_of(len(rows), 'answer')} with characters that cannot be seen ({named})"
        yield about("hidden_characters", text, rows)


def lint_empty(examples: Sequence[Example], forms: Forms) -> Iterator[Finding]:
    """Answers and prompts that show nothing: blanks, or characters that cannot be seen."""
    blank = [example for example in examples if not _shows(example.answer, forms)]
    if blank:
        yield about("empty_answer", f"{count_of(len(blank), 'answer')} without text", blank)
    mute = [e for e in examples if not any(_shows(text, forms) for text in _asked(e))]
    if mute:
        yield about("empty_prompt", f"{count_of(len(mute), 'prompt')} without text", mute)


def _shows(text: str, forms: Forms) -> bool:
    return bool(forms.folded(text).strip(_BLANK_SIGN))


def _asked(example: Example) -> list[str]:
    """What the user says; of a prompt without a user, which `roles` is about, all that is said."""
    user = [message.content for message in example.messages if message.role == "user"]
    return user or [message.content for message in example.messages]


def lint_scores(
    examples: Sequence[Example], cases: Mapping[str, Case], accepts: Accepts | None
) -> Iterator[Finding]:
    """Answers that the suite's scorer rejects, and rows that it cannot judge."""
    own = [(example, judging(example, cases)) for example in examples]
    if accepts:
        wrong = [e for e, case in own if case is not None and not accepts(case, e.answer)]
        if wrong:
            text = f"the suite's own scorer rejects {count_of(len(wrong), 'answer')}"
            yield about("rejected_answer", text, wrong)
    foreign = [example for example, case in own if case is None]
    if foreign:
        text = f"{count_of(len(foreign), 'row')} of no case, so that no scorer judges the answers"
        yield about("not_judged", text, foreign)


def lint_balance(suite: Suite, examples: Sequence[Example]) -> Iterator[Finding]:
    """An answer that most examples share: a model can learn it and nothing else; lost labels."""
    if not examples:
        return
    counts = Counter(example.answer for example in examples)
    answer, count = counts.most_common(1)[0]
    share = count / len(examples)
    if share > _IMBALANCE:
        quoted = visible(masked(answer), 60)
        message = f"{share:.0%} of the answers are the same: {quoted!r}"
        yield remark("imbalance", message)
    found = Counter(fold(example.answer) for example in examples)
    labels = {fold(label): label for label in suite.labels}
    if sum(found[label] for label in labels) >= _LABELS * len(examples):
        missing = [label for folded, label in labels.items() if not found[folded]]
        if missing:
            named = ", ".join(repr(visible(label, 40)) for label in missing[:5])
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            text = f"no example has the {count_of(len(missing), 'label')} {named}{more}"
            yield remark("missing_labels", text)
