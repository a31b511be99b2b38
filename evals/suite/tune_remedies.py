"""What `tune:` says of forgetting: which remedies are tried, and how far neutral text may rise.

    tune:
      remedies: [scale, rate]     # or: all
      max_text_rise: 0.2          # nats a token

Here they are read and checked; `tuning.forgetting` carries them out.
"""

from __future__ import annotations

from collections.abc import Mapping

from evals.errors import UsageError
from evals.suite.section import Section, suggestion
from evals.suite.spec import TuneSpec
from evals.suite.tune_methods import METHODS, weights_of

REMEDIES = ("scale", "epochs", "rate", "replay")
"""In the order in which they are tried: from cheap to dear.

`scale` trains nothing; `epochs` trains half as long as the first training, `rate` as long, and
`replay` longer, with more general requests that the base answers first.
"""
EVERY = "all"

UNSCALABLE: Mapping[str, str] = {
    "ia3": "it multiplies activations",
    "oft": "it rotates inputs",
    "full": "it replaces the base's own weights",
    "dora": "it scales each weight's direction and length apart",
}
"""By the name of weights or variant, why the effect of such an adapter is no plain product."""


def read_remedies(section: Section) -> tuple[str, ...]:
    """`remedies`, in the order stated. Raises SuiteError for unknown names and repeats."""
    if section.values.get("remedies") == EVERY:
        return (EVERY,)
    names = section.texts("remedies")
    for number, name in enumerate(names):
        if name not in REMEDIES:
            hint = suggestion(name, REMEDIES)
            section.fail(f"there is no remedy {name!r}", "remedies", number, hint=hint)
        if name in names[:number]:
            section.fail(f"{name!r} appears twice", "remedies", number)
    return names


def parse_remedies(text: str) -> tuple[str, ...]:
    """The names of an option, like `scale,rate`. Raises UsageError for others."""
    names = tuple(part.strip() for part in text.split(","))
    if names == (EVERY,):
        return names
    for number, name in enumerate(names):
        if name not in REMEDIES or name in names[:number]:
            what = "appears twice" if name in REMEDIES else "is no remedy"
            hint = f"known: {', '.join(REMEDIES)}, or {EVERY}"
            raise UsageError(f"{name!r} {what}", key="--remedies", hint=hint)
    return names


def remedies_of(tune: TuneSpec) -> tuple[str, ...]:
    """The remedies to try, in order: those named, or every one that works for such a training.

    Raises UsageError for a named one that does not work for it, with the reason.
    """
    if tune.remedies == (EVERY,):
        return tuple(name for name in REMEDIES if not why_not(tune, name))
    for name in tune.remedies:
        if why := why_not(tune, name):
            fitting = [one for one in REMEDIES if not why_not(tune, one)]
            raise UsageError(
                f"the remedy {name!r} does not work here: {why}",
                key="tune.remedies",
                hint=f"these do: {', '.join(fitting)}" if fitting else "none does",
            )
    return tune.remedies


def why_not(tune: TuneSpec, remedy: str) -> str:
    """Why a remedy does not work for such a training; empty where it does."""
    if remedy != "scale":
        if METHODS[tune.method].own is None:
            return ""
        return f"{tune.method} has rates and passes of its own, and learns from no replay"
    weights = weights_of(tune)
    kind = "dora" if tune.variant == "dora" else weights
    return f"an adapter of {kind} cannot be scaled, {why}" if (why := UNSCALABLE.get(kind)) else ""
