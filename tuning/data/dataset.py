"""What an adapter is trained on: the train split of a suite, rendered and encoded.

Nothing of dev or test ever becomes an `Example`. Messages are encoded by the same code
that evaluation uses, so a control token's spelling inside data stays plain text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from evals.approach import PLAIN, Technique
from evals.errors import TrainingError
from evals.fingerprint import fingerprint
from evals.prompting import find_prompt
from evals.prompting.shown_documents import show_documents
from evals.records import Case, Message
from evals.retrieval.showing import documents_for
from evals.suite.folding import comparable, fold, loosen
from evals.suite.spec import Suite, TuneSpec
from evals.suite.splits import hash_fraction

DRAWN = ("sampled ", "distilled ")
"""How the `source` of an example begins whose answer was drawn from a model: itself, a teacher."""


@dataclass(frozen=True)
class Example:
    """One training example: a prompt as messages, and the answer to learn.

    `group` holds examples together when a part is held out: the case's cluster, else its id.
    `where` is the file and line the case was read from. `whole` is false where the answer is
    only the beginning of one: stopping after it is then not learned. `source` says who made the
    answer: the suite, a file, a model that was sampled; it is no part of the data's identity.
    `stated` is the id that a file gives the row, whatever it is called here.
    """

    case_id: str
    messages: tuple[Message, ...]
    answer: str
    group: str
    where: str = ""
    whole: bool = True
    source: str = "suite"
    stated: str = field(default="", compare=False)


class EncodedExample(NamedTuple):
    """Token ids of an example. Loss is taken on `completion_ids` alone.

    Its last id stops, unless the example's answer goes on.
    """

    case_id: str
    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """Prompt and completion together."""
        return len(self.prompt_ids) + len(self.completion_ids)


class Parts(NamedTuple):
    """Training examples, and those kept back to see when training should stop."""

    train: tuple[Example, ...]
    held_out: tuple[Example, ...]


def carried(leader: Technique, tune: TuneSpec) -> Technique:
    """What an adapter keeps of the leader it is to beat: its retrieval and its structure.

    It is trained and asked with both, and with as many documents as `tune` states in place of the
    leader's. Demonstrations, reasoning and votes are what training is to make needless.
    """
    retrieval, documents = leader.retrieval, leader.documents
    if tune.documents is not None:
        retrieval, documents = "bm25", tune.documents
    return Technique(structured=leader.structured, retrieval=retrieval, documents=documents)


def build_examples(
    suite: Suite, prompt_name: str, technique: Technique = PLAIN
) -> tuple[Example, ...]:
    """Render every train case that generates an answer with a prompt, without demonstrations.

    It is shown the documents that `technique` retrieves for it, as it will be when it is asked.

    Left out are cases answered by choosing among options, and those with turns or tools.
    Raises SuiteError for an unknown prompt or one that fails to render.
    """
    cases = [case for case in suite.split("train") if case.is_plain]
    messages = render(suite, prompt_name, cases, technique)
    return tuple(
        Example(case.id, messages[case.id], case.answer, case.cluster or case.id, where_of(case))
        for case in cases
    )


def render(
    suite: Suite, prompt_name: str, cases: Iterable[Case], technique: Technique = PLAIN
) -> Mapping[str, tuple[Message, ...]]:
    """Messages by case id, as the adapter will be asked: no demonstrations in them."""
    from evals.suite.templates import compile_prompt

    template = compile_prompt(find_prompt(suite, prompt_name))
    chosen = list(cases)
    documents = documents_for(suite, technique, chosen)
    return {
        case.id: show_documents(
            template,
            pieces,
            input=case.input,
            labels=suite.labels,
            variables=suite.variables,
            tools=suite.tools_of(case),
        )
        for case, pieces in zip(chosen, documents, strict=True)
    }


def where_of(case: Case) -> str:
    """`file:line` of a case, or nothing for one that was made in memory."""
    return f"{case.path}:{case.line}" if case.path else ""


def answered_case(example: Example) -> str:
    """The id of the train case that an example answers: of a drawn one, what precedes its `~`."""
    if example.source.startswith(DRAWN):
        return example.case_id.rpartition("~")[0] or example.case_id
    return example.case_id


def data_fingerprint(examples: Sequence[Example]) -> str:
    """Identity of the training data: ids, messages and answers, in order."""
    rows = [[e.case_id, e.messages, e.answer, e.group, e.whole] for e in examples]
    return fingerprint("training-data@2", rows)


def count_sources(examples: Iterable[Example]) -> dict[str, int]:
    """How many examples each source gave, in the order in which they first appear."""
    return dict(Counter(example.source for example in examples))


def clean_examples(suite: Suite) -> int:
    """How many distinct train inputs could be trained on: no leak, no contradiction, no blank."""
    sealed = {loosen(fold(comparable(c))) for c in suite.cases if c.split != "train"}
    answers: dict[str, set[str]] = {}
    for case in suite.split("train"):
        key = loosen(fold(comparable(case)))
        if case.answer.strip() and case.is_plain and key not in sealed:
            answers.setdefault(key, set()).add(case.answer)
    return sum(len(found) == 1 for found in answers.values())


def hold_out(examples: Sequence[Example], *, share: float, limit: int) -> Parts:
    """Keep back about `share` of the examples, at most `limit`, by a stable hash of groups.

    A group is never split, and where there are two, at least one is on each side.
    """
    order = sorted({e.group for e in examples}, key=lambda g: hash_fraction(f"held-out\0{g}"))
    sizes = Counter(example.group for example in examples)
    kept: set[str] = set()
    wanted, taken = min(limit, share * len(examples)), 0
    for group in order[:-1]:
        if kept and taken + sizes[group] > wanted:
            break
        kept.add(group)
        taken += sizes[group]
    if share <= 0 or limit <= 0:
        kept = set()
    return Parts(
        tuple(e for e in examples if e.group not in kept),
        tuple(e for e in examples if e.group in kept),
    )


def encode_examples(tokenizer: Any, examples: Iterable[Example]) -> tuple[EncodedExample, ...]:
    """Token ids through the encoding of the evals. Raises TrainingError without a stop token."""
    from evals.models.tokens import encode_completion, stop_ids

    stops = stop_ids(tokenizer)
    encoded = []
    for example in examples:
        prompt, completion = encode_completion(tokenizer, example.messages, example.answer)
        if not completion or completion[-1] not in stops:
            raise TrainingError(
                f"the answer of {example.case_id} does not end in a stop token", path=example.where
            )
        learned = completion if example.whole else completion[:-1]
        encoded.append(EncodedExample(example.case_id, tuple(prompt), tuple(learned)))
    return tuple(encoded)
