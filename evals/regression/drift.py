"""What changed behind the names of an accepted candidate, told apart from what was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evals.records import Finding
from evals.regression.records import Baseline, Recipe
from evals.regression.tables import Table
from evals.regression.wording import counted

MODEL_PARTS = {
    "model.weights": "its weights",
    "model.tokenizer": "its tokenizer",
    "model.template": "its chat template",
    "model.served": "the model that its endpoint names",
}
ARITHMETIC = {
    "model.precision": "precision",
    "model.device": "device",
    "model.backend": "backend",
    "model.address": "address",
    "model.system_fingerprint": "system fingerprint",
    "torch": "torch",
    "transformers": "transformers",
    "peft": "peft",
}


def find_drift(
    baseline: Baseline, recipe: Recipe, identity: Mapping[str, str], now: Table
) -> tuple[Finding, ...]:
    """Findings on what is not as it was accepted: warnings, and notes on what was meant.

    `identity` is what `identity_of` says of the candidate that was run now.
    """
    return (
        *_model(baseline, recipe, identity),
        *_adapter(baseline, identity),
        *_asked(baseline, recipe, identity),
        *_answers(baseline, recipe, identity, now),
    )


def _changed(
    baseline: Baseline, identity: Mapping[str, str], names: Mapping[str, str]
) -> Iterator[str]:
    """What differs of `names`, in words; what either side does not know is not told apart.

    An endpoint may name several values, as where it runs several machines: one in common is
    no difference.
    """
    for key, word in names.items():
        old, new = baseline.identity.get(key), identity.get(key)
        if old is not None and new is not None and not set(old.split(", ")) & set(new.split(", ")):
            yield word


def _model(baseline: Baseline, recipe: Recipe, identity: Mapping[str, str]) -> Iterator[Finding]:
    then = baseline.recipe.model
    if recipe.model != then:
        yield Finding("note", "another_model", f"the model is {recipe.model}, it was {then}")
        return
    if parts := list(_changed(baseline, identity, MODEL_PARTS)):
        text = f"the model behind the name {then} is another one: {' and '.join(parts)} changed"
        yield Finding("warning", "model_changed", text)
    arithmetic = [
        f"{word} {baseline.identity[key]} -> {identity[key]}"
        for key, word in ARITHMETIC.items()
        if list(_changed(baseline, identity, {key: word}))
    ]
    if arithmetic:
        text = (
            f"the baseline was made elsewhere ({', '.join(arithmetic)}): single answers may differ"
        )
        yield Finding("warning", "made_elsewhere", text)


def _adapter(baseline: Baseline, identity: Mapping[str, str]) -> Iterator[Finding]:
    then, now = baseline.identity.get("adapter", ""), identity.get("adapter", "")
    if then != now:
        text = f"the adapter is {now or 'none'}, accepted was {then or 'none'}"
        yield Finding("warning", "adapter_changed", text)
    elif now and baseline.identity.get("train") != identity.get("train"):
        text = "the adapter is the accepted one, but the train split it was made from has changed"
        yield Finding("warning", "adapter_data_changed", text)


def _asked(baseline: Baseline, recipe: Recipe, identity: Mapping[str, str]) -> Iterator[Finding]:
    """Changes of what is asked: what this gate is there to judge."""
    then = baseline.recipe
    if recipe.label != then.label:
        yield Finding(
            "note", "another_prompt", f"it runs {recipe.label}, accepted was {then.label}"
        )
    if recipe.repeats != then.repeats:
        text = f"each case is run {_times(recipe)}, accepted was {_times(then)}"
        yield Finding("note", "other_repeats", text)
    names = {
        "prompt": "the prompt's text",
        "demonstrations": "the demonstrations",
        "documents": "the documents",
        "decoding": "the decoding",
    }
    if recipe.prompt != then.prompt:
        del names["prompt"]
    for word in _changed(baseline, identity, names):
        yield Finding("note", "asked_otherwise", f"{word} changed")


def _times(recipe: Recipe) -> str:
    return "once" if recipe.repeats == 1 else f"{recipe.repeats} times"


def _answers(
    baseline: Baseline, recipe: Recipe, identity: Mapping[str, str], now: Table
) -> Iterator[Finding]:
    """Other answers to the very same requests: noise, or a provider that changed."""
    then = baseline.recipe
    if (recipe.model, recipe.repeats) != (then.model, then.repeats):
        return
    if identity.get("adapter") != baseline.identity.get("adapter"):
        return
    # The same messages, and yet another question: held to a form, sampled, voted on.
    if recipe.approach.technique != then.approach.technique:
        return
    if any(_changed(baseline, identity, {"decoding": "the decoding"})):
        return
    same = [
        name
        for name, case in baseline.cases.items()
        if name in now and case.request and now[name].request == case.request
    ]
    other = [name for name in same if now[name].output != baseline.cases[name].output]
    if other:
        text = (
            f"{len(other)} of {counted(len(same), 'case')} asked exactly as before "
            "were answered otherwise"
        )
        level = "warning" if len(other) > len(same) / 10 else "note"
        yield Finding(level, "answers_changed", text)  # type: ignore[arg-type]
