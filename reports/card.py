"""An adapter's card: the README of its folder, in the form of the hub's model cards.

The front matter follows the hub's schema (`model-index`, see huggingface/hub-docs,
modelcard.md); the body says why the adapter was trained, what it changed, on what data, with
which settings and proofs. Names and texts of a suite are hostile: they are data in the YAML,
and words or literals in the Markdown.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import yaml

from evals.rounding import points_span
from evals.text import visible
from reports import numbers
from reports.markup import literal, table, words
from reports.seeds import seeds_markdown, view_of
from tuning.adapters.origin import Origin
from tuning.adapters.registry import AdapterRecord
from tuning.forgetting.records import SCALE
from tuning.records import GuardLine, Interval, ShipDecision

_NAME = 120
_LONG = 1_000

VERDICTS = {
    "ship_adapter": "ship it",
    "reject_adapter": "do not ship it",
    "inconclusive": "not decided",
    "": "not judged yet",
}


def render_card(record: AdapterRecord, origin: Origin, *, merged: bool = False) -> str:
    """The whole README, front matter and body: of the adapter, or of the base with it merged in."""
    front = yaml.safe_dump(
        front_matter(record, origin, merged=merged),
        sort_keys=False,
        allow_unicode=True,
        width=10_000,
    )
    return f"---\n{front}---\n\n" + "\n\n".join(_body(record, origin, merged)) + "\n"


def front_matter(record: AdapterRecord, origin: Origin, *, merged: bool = False) -> dict[str, Any]:
    """What the hub reads: base, licence, tags, and the suite's results on the sealed split."""
    named = f"{_line(record.suite) or 'adapter'}-{record.adapter}"
    index = [{"name": named, "results": _results(record)}]
    return {
        "base_model": _line(origin.name),
        **({"base_model_relation": "finetune"} if merged else {}),
        "library_name": "transformers" if merged else "peft",
        "license": origin.licence,
        "pipeline_tag": "text-generation",
        "tags": [_line(tag) for tag in ("tunegate", record.training.method, record.suite) if tag],
        **({"model-index": index} if record.shipping and record.shipping.compared else {}),
    }


def _results(record: AdapterRecord) -> list[dict[str, Any]]:
    """The suite's on the sealed split; none where it was not run there."""
    compared = record.shipping.compared if record.shipping else None
    if compared is None:
        return []
    metric = _line(record.primary)
    return [
        {
            "task": {"type": "text-generation", "name": "Text Generation"},
            "dataset": {"name": _line(record.suite), "type": _line(record.suite), "split": "test"},
            "metrics": [
                {
                    "type": metric,
                    "value": round(compared.after.estimate, 4),
                    "name": f"{metric} with the adapter",
                }
            ],
        }
    ]


def _line(text: str) -> str:
    """Untrusted text as one visible line of bounded length; YAML does the quoting."""
    return visible(text, _NAME)


def _body(record: AdapterRecord, origin: Origin, merged: bool) -> Iterator[str]:
    training = record.training
    yield f"# {'Model with adapter' if merged else 'Adapter'} {literal(record.adapter)}" + (
        f" for {literal(record.suite, _NAME)}" if record.suite else ""
    )
    if record.task:
        yield f"Task: {words(record.task, _LONG)}"
    yield (
        f"An adapter ({literal(training.method)}) over {literal(origin.name, _NAME)}, trained with "
        f"the prompt {literal(training.prompt, _NAME)} by tunegate."
        + _judged_with(record)
        + (" Its weights are merged into the base's here, in float32." if merged else "")
    )
    yield _verdict(record)
    yield "## Why it was trained"
    yield _gate(record)
    if record.shipping:
        yield "## Before and after"
        yield from _judged(record, record.shipping)
    if record.seeds:
        yield "## Trained beside"
        yield seeds_markdown(view_of(record.seeds)).rstrip()
    yield "## Data"
    yield _data(record)
    yield "## Settings"
    yield table(
        ["setting", "value"],
        [[literal(name, cell=True), literal(str(value), cell=True)]
         for name, value in training.settings.items()],
    ).rstrip()  # fmt: skip
    yield "## Proofs"
    yield _proofs(record)
    yield "## Use"
    yield from _use_merged(record) if merged else _use(record, origin)
    yield "## Limits"
    yield _limits(record)


def _judged_with(record: AdapterRecord) -> str:
    if record.asked in ("", record.training.prompt):
        return ""
    return f" It did best with another on dev, and was judged with that: {_asked(record)}."


def _asked(record: AdapterRecord) -> str:
    """The prompt that its figures are of."""
    return literal(record.asked or record.training.prompt, _NAME)


def _verdict(record: AdapterRecord) -> str:
    said = f"**Verdict: {VERDICTS.get(record.verdict, 'not known')}.** "
    if record.shipping:
        return said + words(record.shipping.sentence, _LONG)
    if record.seeds and record.is_sibling:
        return (
            f"**Verdict: not chosen.** It is one of {len(record.seeds.lines)} trainings that "
            f"differ by seed alone; the verdict is about {literal(record.seeds.chosen.adapter)}, "
            "the best on what was held out of training."
        )
    return said + "Nothing is known of what it gains or loses."


def _gate(record: AdapterRecord) -> str:
    if not record.gate:
        return "No verdict of the gate is stored with it."
    said = f"The gate said {literal(record.gate)}: {words(record.gate_sentence, _LONG)}"
    if record.override:
        said += (
            "\n\n**The gate was shut and was overridden.** The reason given: "
            f"{words(record.override, _LONG)}"
        )
    if record.parent and SCALE in record.training.settings:
        scale = numbers.decimal(float(record.training.settings[SCALE]))
        said += f"\n\nIt is the adapter {literal(record.parent)} with {scale} times its effect."
    elif record.parent:
        said += f"\n\nTraining began from the adapter {literal(record.parent)}."
    return said


def _judged(record: AdapterRecord, shipping: ShipDecision) -> Iterator[str]:
    if shipping.compared is None:
        yield "No sealed case was looked at."
    else:
        yield from _compared(record, shipping)
    if shipping.guards:
        yield "Guards, on abilities that must not be lost (adapter minus base):"
        yield table(
            ["guard", "points", "interval", "tolerated loss", "result"],
            [_guard(guard) for guard in shipping.guards],
        ).rstrip()
    else:
        why = "was stated" if shipping.compared else "was run"
        yield f"No guard suite {why}: what it forgot was not measured."


def _compared(record: AdapterRecord, shipping: ShipDecision) -> Iterator[str]:
    before, after, gain = shipping.sealed
    leader = f", {literal(record.leader, _NAME, cell=True)}" if record.leader else ""
    yield (
        f"{literal(record.primary, _NAME)} on {shipping.cases} sealed cases (split test, look "
        f"{shipping.look}); both arms on the same weights, the adapter off and on:"
    )
    yield table(
        ["", "score", "interval"],
        [
            [f"best prompt{leader}", _percent(before.estimate), _span(before)],
            ["adapter", _percent(after.estimate), _span(after)],
            ["gain, points", f"{100 * gain.estimate:+.1f}",
             points_span(gain.low, gain.high)],
        ],
    ).rstrip()  # fmt: skip
    yield (
        f"Better on {shipping.wins} cases, worse on {shipping.losses}, the same on "
        f"{shipping.ties}. A gain of {100 * shipping.min_gain:.1f} points was asked for."
    )


def _guard(guard: GuardLine) -> list[str]:
    change = guard.difference
    return [
        literal(guard.suite, _NAME, cell=True),
        f"{100 * change.estimate:+.1f}",
        points_span(change.low, change.high),
        f"{100 * guard.margin:.1f}",
        guard.result,
    ]


def _data(record: AdapterRecord) -> str:
    training = record.training
    rows = [
        ["fingerprint", literal(training.data_fingerprint)],
        ["trained on", str(training.examples)],
        ["held out to stop by", str(training.held_out)],
        ["general requests replayed", str(training.replayed)],
        *([f"of {words(source, _NAME)}", str(count)] for source, count in training.sources.items()),
        ["tokens trained", f"{training.trained_tokens:,}"],
        *([["ended", words(training.ended)]] if training.ended else []),
        *([["settings", words(training.sweep.sentence, _LONG)]] if training.sweep else []),
    ]
    return table(["", ""], rows).rstrip()


def _proofs(record: AdapterRecord) -> str:
    proofs = record.training.proofs
    if not proofs:
        return "None is stored."
    rows = [
        [words(proof.name), "holds" if proof.passed else "**fails**", words(proof.evidence, _LONG)]
        for proof in proofs
    ]
    return table(["proof", "", "evidence"], rows, numeric_from=3).rstrip()


def _use(record: AdapterRecord, origin: Origin) -> Iterator[str]:
    training = record.training
    suite = shlex.quote(_line(record.suite) or "SUITE")
    model = shlex.quote("hf:BASE" if origin.is_path else _line(record.model))
    yield "In tunegate, which refuses it over another base or chat template:"
    yield f"```\ntunegate eval {suite} --model {model} --adapter FOLDER{_options(record)}\n```"
    yield "With PEFT alone:"
    base = json.dumps("BASE" if origin.embedded or origin.is_path else _line(origin.name))
    yield (
        "```python\n"
        "from peft import PeftModel\n"
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
        f"base = {base}\n"
        "tokenizer = AutoTokenizer.from_pretrained(base)\n"
        "model = AutoModelForCausalLM.from_pretrained(base)\n"
        'model = PeftModel.from_pretrained(model, "FOLDER")\n'
        "```"
    )
    if origin.embedded:
        yield (
            f"`BASE` is the folder `models/{origin.embedded}` in tunegate's cache: the weights "
            "there come from a 4-bit file, and the adapter was trained over those, not over the "
            "original ones."
        )
    yield (
        f"Base weights: {literal(training.base_fingerprint)}. Chat template: "
        f"{literal(training.template_hash)} (first 16 hex digits of the SHA-256). Ask it in that "
        f"template, with the prompt {_asked(record)} of the suite."
    )


def _options(record: AdapterRecord) -> str:
    """How `eval` is told to ask as it was judged; nothing where a search wrote the prompt."""
    return "".join(f" {shlex.quote(_line(option))}" for option in record.use)


def _use_merged(record: AdapterRecord) -> Iterator[str]:
    suite = shlex.quote(_line(record.suite) or "SUITE")
    yield "It is a model folder like any other. In tunegate:"
    yield f"```\ntunegate eval {suite} --model hf:FOLDER{_options(record)}\n```"
    yield (
        f"Chat template: {literal(record.training.template_hash)} (first 16 hex digits of the "
        "SHA-256), the base's own. The figures above were measured with the adapter beside the "
        "base; the merged weights gave the same answers to the canaries when they were written."
    )


def _limits(record: AdapterRecord) -> str:
    said = [
        "- Trained for one task, in one prompt. Of other tasks only the guards above say anything.",
        "- The figures are of this base in the precision and on the machine that they were "
        "measured with; a quantised or merged copy has to be evaluated again.",
        "- The fingerprint says which data these were, not that they were right or fit to publish.",
    ]
    if record.verdict != "ship_adapter":
        said.append("- It was not found fit to ship.")
    return "\n".join(said)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _span(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f} % ({100 * interval.level:.0f} %)"
