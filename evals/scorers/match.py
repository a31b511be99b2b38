"""`exact@1`, `normalized@1` and `contains@1`: comparison with given texts."""

from __future__ import annotations

from collections.abc import Callable

from evals.records import Case, Score
from evals.scorers.normal import normalise
from evals.scorers.options import Options
from evals.scorers.plain import FULL, PlainScorer, expected_texts, shown
from evals.scorers.protocol import Scorer


def exact(options: Options) -> Scorer:
    """`exact@1`: the answer is `expected`, or one of its list, character by character.

    Option `strip` (default false) ignores white space around the answer. Kind: "mismatch".
    """
    strip = options.flag("strip", default=False)

    def judge(case: Case, text: str) -> Score:
        wanted = expected_texts(case)
        if (text.strip() if strip else text) in wanted:
            return FULL
        hint = ", which differs only in outer white space" if text.strip() in wanted else ""
        return Score(0.0, f"expected {_listed(wanted)}, got {shown(text)}{hint}", "mismatch")

    return PlainScorer(judge, expected_texts)


def normalized(options: Options) -> Scorer:
    """`normalized@1`: equal to `expected`, or one of its list, in normal form.

    The normal form (`evals.scorers.normal`): NFKC, casefolded, white space collapsed,
    outer quotes and final sentence marks removed. Kind: "mismatch".
    """
    del options  # it takes none; `finish` refuses any

    def judge(case: Case, text: str) -> Score:
        wanted = expected_texts(case)
        if normalise(text) in {normalise(one) for one in wanted}:
            return FULL
        return Score(0.0, f"expected {_listed(wanted)}, got {shown(text)}", "mismatch")

    return PlainScorer(judge, expected_texts)


def contains(options: Options) -> Scorer:
    """`contains@1`: the answer contains given texts.

    Options: `all` and `any` (lists; both may be given and both must hold); without
    either, `case.expected` (a text or a list) is used, all of it or, with `match: any`,
    any of it. `case_sensitive` (default false). Kind: "missing".
    """
    fixed_all = options.texts("all") if options.has("all") else ()
    fixed_any = options.texts("any") if options.has("any") else ()
    match = options.one_of("match", ("all", "any"), default="all")
    fold = _fold(options.flag("case_sensitive", default=False))
    is_fixed = bool(fixed_all or fixed_any)
    if is_fixed and options.has("match"):
        raise options.error(
            "match says how case.expected is read; it means nothing beside all or any",
            key="match",
        )

    def judge(case: Case, text: str) -> Score:
        if is_fixed:
            every, some = fixed_all, fixed_any
        else:
            wanted = expected_texts(case)
            every, some = (wanted, ()) if match == "all" else ((), wanted)
        folded = fold(text)
        missing = [one for one in every if fold(one) not in folded]
        if missing:
            return Score(0.0, f"does not contain {_listed(missing)}", "missing")
        if some and not any(fold(one) in folded for one in some):
            return Score(0.0, f"contains none of {_listed(some)}", "missing")
        return FULL

    def check(case: Case) -> None:
        if not is_fixed:
            expected_texts(case)

    return PlainScorer(judge, check)


def _fold(case_sensitive: bool) -> Callable[[str], str]:
    return str if case_sensitive else str.casefold


def _listed(texts: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    return ", ".join(shown(text) for text in texts[:3]) + more
