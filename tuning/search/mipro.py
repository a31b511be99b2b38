"""MIPROv2 of DSPy on one instruction: it proposes a number of them and tries them by Bayes.

DSPy sees a program with one predictor, whose instruction is all there is to change. The program
does not ask a model itself: it looks up what tunegate's own run of that instruction came to, so
what is scored is what will run, and DSPy's prompt format never meets the task model. The
proposer is asked in that format; a reply without its marks is taken as a whole.

Read for this in dspy 3.4.1: `teleprompt/mipro_optimizer_v2.py`, `propose/grounded_proposer.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from evals.records import Case, Message
from evals.suite.folding import input_text
from tuning.search.proposer import Proposals, Proposer
from tuning.search.quiet import Quiet
from tuning.search.train_parts import TrainParts
from tuning.search.trials import Trials, Tried

SEED = 9
SHOWN = 10
"""Train cases shown to the proposer at once; so many times ten it sees at most."""

MOST_TEXT = 1_500
"""Characters of a case's input that a proposer is shown."""

_MARK = re.compile(r"\[\[ ## \w+ ## \]\]")
_PROPOSED = "proposed_instruction"


def search_by_mipro(
    trials: Trials, parts: TrainParts, proposer: Proposer, proposals: Proposals, tries: int
) -> None:
    """Have at most `tries` instructions written and judged; `trials` holds what they came to.

    Raises as asking and evaluating do.
    """
    import dspy

    quiet = Quiet()
    known = shown_texts([*parts.learn, *parts.judge])
    learn = _examples(dspy, known, parts.learn)
    judge = _examples(dspy, known, parts.judge)
    lookup = _Lookup(trials, parts, known, proposals, quiet)
    slots = tries + 1  # the first is the prompt as it stands
    writer = dspy.LM(
        "proposer",
        engine=_engine(proposer, quiet),
        cache=False,
        num_retries=0,
        max_tokens=None,
    )
    program = _program(dspy, lookup, trials.seed)
    with (
        quiet.hushed(),
        dspy.context(
            lm=writer,
            adapter=_adapter(dspy, proposer, proposals),
            num_threads=1,
            disable_history=True,
        ),
    ):
        optimiser = dspy.MIPROv2(
            metric=lambda _example, said, _trace=None: said.score,
            prompt_model=writer,
            task_model=writer,
            auto=None,
            num_candidates=slots,
            max_bootstrapped_demos=0,
            max_labeled_demos=0,
            num_threads=1,
            seed=SEED,
        )
        optimiser.compile(
            program,
            trainset=learn,
            valset=judge,
            num_trials=ceil(2.5 * slots),  # those that come again cost nothing
            minibatch=False,
            view_data_batch_size=SHOWN,
            program_aware_proposer=False,
        )


def shown_texts(cases: Sequence[Case]) -> dict[str, Case]:
    """The cases by what a proposer sees of their inputs; those that look the same by blanks."""
    known: dict[str, Case] = {}
    for case in cases:
        text = shown_text(case)
        while text in known:
            text += " "
        known[text] = case
    return known


def shown_text(case: Case) -> str:
    """A case's input, as a proposer sees it."""
    text = input_text(case)
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + " ..."


class _Lookup:
    """What a case came to under an instruction; whole parts of train are run at once."""

    def __init__(
        self,
        trials: Trials,
        parts: TrainParts,
        known: Mapping[str, Case],
        proposals: Proposals,
        quiet: Quiet,
    ) -> None:
        self._trials, self._known, self._proposals = trials, known, proposals
        self._quiet = quiet
        self._learn = {case.id: place for place, case in enumerate(parts.learn)}
        self._judge = {case.id: place for place, case in enumerate(parts.judge)}
        self._parts = parts

    def __deepcopy__(self, memory: dict[int, Any]) -> _Lookup:
        """Itself: DSPy copies programs, and this holds a model and a ledger."""
        return self

    def find(self, instruction: str, text: str) -> Tried:
        """Of an instruction that cannot be used: nothing was said, and it scores 0."""
        if instruction != self._trials.seed and not self._proposals.is_usable(instruction):
            return Tried("", 0.0)
        return self._quiet.aloud(lambda: self._run(instruction, self._known[text]))

    def _run(self, instruction: str, case: Case) -> Tried:
        if case.id in self._learn:
            return self._trials.on(instruction, self._parts.learn)[self._learn[case.id]]
        self._trials.judged(instruction)
        return self._trials.on(instruction, self._parts.judge)[self._judge[case.id]]


def _examples(dspy: Any, known: Mapping[str, Case], cases: Sequence[Case]) -> list[Any]:
    among = {case.id for case in cases}
    return [
        dspy.Example(input=text, answer=case.answer).with_inputs("input")
        for text, case in known.items()
        if case.id in among
    ]


def _program(dspy: Any, lookup: _Lookup, instruction: str) -> Any:
    """A program of one predictor, of which nothing is used but its instruction."""

    class Asked(dspy.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.ask = dspy.Predict(dspy.Signature("input -> answer", instruction))
            self.lookup = lookup

        def forward(self, input: str) -> Any:  # noqa: A002 - the field's name
            tried = self.lookup.find(self.ask.signature.instructions, input)
            if dspy.settings.trace is not None:  # how DSPy learns which examples went well
                said = dspy.Prediction(answer=tried.answer)
                dspy.settings.trace.append((self.ask, {"input": input}, said))
            return dspy.Prediction(answer=tried.answer, score=tried.score)

    return Asked()


def _adapter(dspy: Any, proposer: Proposer, proposals: Proposals) -> Any:
    """DSPy's format of chat, in which a reply without its marks is the one field's value."""

    class Lenient(dspy.ChatAdapter):  # type: ignore[misc]
        def parse(self, signature: Any, completion: str) -> dict[str, Any]:
            try:
                found: dict[str, Any] = super().parse(signature, completion)
            except dspy.AdapterParseError:
                (name,) = signature.output_fields
                found = {name: _MARK.sub("", completion).strip()}
            if _PROPOSED in found:
                whole = "" if completion in proposer.cut else found[_PROPOSED]
                found[_PROPOSED] = proposals.take(whole)
            return found

    return Lenient(use_json_adapter_fallback=False)


def _engine(proposer: Proposer, quiet: Quiet) -> Any:
    """What DSPy's language model asks: the proposer, and no network."""
    from dspy.lm15 import Message as Said
    from dspy.lm15 import Request, Response, Usage

    class Engine:
        def complete(self, request: Request) -> Response:
            text = quiet.aloud(lambda: proposer.ask(_messages(request)))
            said = Said.assistant(text or " ")
            return Response(None, request.model, said, "stop", Usage())

    return Engine()


def _messages(request: Any) -> list[Message]:
    """A request of DSPy's as ours: its system text, and what was said by whom."""
    system = request.system
    if system is not None and not isinstance(system, str):
        system = "\n".join(part.text for part in system)
    head = [Message("system", system)] if system else []
    return [
        *head,
        *(
            Message(
                "assistant" if each.role == "assistant" else "user",
                "\n".join(part.text for part in each.parts),
            )
            for each in request.messages
        ),
    ]
